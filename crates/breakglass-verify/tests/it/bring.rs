//! Folders made of what a scribe wrote, as an auditor makes them of what a server has.

use std::{collections::BTreeSet, path::Path};

use breakglass_format::Digest;
use breakglass_tlog::{SignedCheckpoint, encode_entries};
use breakglass_verify::{
    Assembly, FolderError,
    assembly::{Laid, Layer, NotGrown, NotHeld, NotLaid, NotOpened, Settled},
};

use crate::scribe::Scribe;

/// Why a folder was not made.
#[derive(Debug)]
pub(crate) enum NotBrought {
    Opened(NotOpened),
    Held(NotHeld),
    Grown(NotGrown),
    Laid(NotLaid<FolderError>),
}

/// What was fetched from the scribe.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) bundles: Vec<String>,
    pub(crate) documents: BTreeSet<Digest>,
}

/// Makes a folder the export of a log, fetching from the scribe what is not there.
pub(crate) fn bring(
    dir: &Path,
    log: &Scribe,
    signed: &SignedCheckpoint,
) -> Result<(Settled, Fetched), NotBrought> {
    let assembly = Assembly::at(dir, log.genesis).map_err(NotBrought::Opened)?;
    let made = on(&assembly, log, signed, |laid, fetched| {
        Ok((laid.settle(None, |_| Ok(())).unwrap(), fetched))
    });
    if made.is_err() {
        assembly.forget().unwrap();
    }
    made
}

/// Has a log laid out in a folder, fetching from the scribe what is not there.
pub(crate) fn on<T>(
    assembly: &Assembly,
    log: &Scribe,
    signed: &SignedCheckpoint,
    then: impl FnOnce(Laid<'_>, Fetched) -> Result<T, NotBrought>,
) -> Result<T, NotBrought> {
    let held = assembly.held().map_err(NotBrought::Held)?;
    assembly.sift().unwrap();
    let mut fetched = Fetched::default();
    for path in assembly.lacks(held.as_ref(), signed.checkpoint().size()) {
        let first = usize::try_from(path.index() * 256).unwrap();
        let last = first + usize::from(path.width());
        let bytes = encode_entries(&log.entries[first..last]).unwrap();
        assert!(assembly.keep_bundle(&path, &bytes).unwrap());
        fetched.bundles.push(path.to_string());
    }
    let grown = assembly.grown(held.as_ref(), signed);
    let grown = grown.map_err(NotBrought::Grown)?;
    let documents = &mut fetched.documents;
    let mut fetch = |wanted: &[Digest]| {
        for digest in wanted {
            assert!(documents.insert(*digest), "{digest} is asked for once");
            if let Some(bytes) = log.blobs.get(digest) {
                assert!(assembly.keep_document(digest, bytes)?);
            }
        }
        Ok(())
    };
    let layer = Layer {
        fetch: &mut fetch,
        watch: &|_| (),
    };
    let laid = grown.lay_out(layer).map_err(NotBrought::Laid)?;
    then(laid, fetched)
}
