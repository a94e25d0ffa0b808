//! Log to folder. The same log always gives the same bytes, whichever server writes them.

use std::{borrow::Cow, collections::BTreeMap, convert::Infallible, fmt};

use breakglass_format::{
    Digest,
    entry::{EntryError, Recorded},
    render::{jsonl, timeline},
};
use breakglass_statement::{AuthoritySet, allowed_signers};
use breakglass_tlog::{
    EMPTY_ROOT, EntriesError, KeyError, Note, NoteSignature, OpenError, SignedCheckpoint,
    VerifierKey, root,
};
use thiserror::Error;

use crate::{
    Folder,
    authority::{self, AuthorityFault},
    layout::{self, Blobs, Builder, Put, Sink},
    parallel, record,
};

pub use crate::layout::Fault;

/// What a folder is written from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The stored bytes of every entry, in log order.
    pub entries: &'a [Vec<u8>],
    /// The signed checkpoint over exactly these entries. Signature lines of others than the log
    /// are left out.
    pub checkpoint: &'a [u8],
    /// Everything public that lies beside the log, by SHA-256: statements, signatures, authority
    /// documents, sessions, documents and evidence. Asked for nothing sealed.
    pub blob: &'a (dyn Fn(&Digest) -> Option<Vec<u8>> + Sync),
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no folder.
#[derive(Debug, Error)]
pub enum EmitError {
    /// An entry cannot be read.
    #[error("entry {index}: {error}")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        error: EntryError,
    },
    /// The entries do not fit into bundles.
    #[error(transparent)]
    Bundle(#[from] EntriesError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityFault),
    /// The log's key in the authority cannot be read.
    #[error("log key of the authority: {0}")]
    Key(#[from] KeyError),
    /// The checkpoint is not one of this log.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] OpenError),
    /// The checkpoint is about other entries.
    #[error("checkpoint is over {signed} entries, {got} were given, or their root differs")]
    OtherEntries {
        /// Entries it covers.
        signed: u64,
        /// Entries given.
        got: u64,
    },
    /// Something that entries name is not there or has no place; the first such thing.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The log has no entries.
    #[error("the log is empty")]
    Empty,
}

/// Entries whose lines are made at a time, by all threads.
const WINDOW: usize = 16_384;
/// Entries of them that a thread takes at a time.
const BATCH: usize = 64;

/// Writes the evidence folder of a log into memory.
///
/// # Errors
/// [`EmitError`]: but for documents that nobody has, a folder is whole or it is not written.
pub fn emit(source: &Source<'_>) -> Result<Folder, EmitError> {
    if source.entries.is_empty() {
        return Err(EmitError::Empty);
    }
    let entries: Vec<&[u8]> = source.entries.iter().map(Vec::as_slice).collect();
    let tree = record::tree(&entries);
    let recorded = record::recorded(&entries, tree.leaves())
        .map_err(|(index, error)| EmitError::Entry { index, error })?;
    let (mut files, faults) = laid_out(&recorded, source);
    // A log that was put back from copies may have lost documents. The folder lacks them as well, and
    // whoever checks it names them.
    let lost = |fault: &Fault| matches!(fault, Fault::MissingBlob { .. });
    if let Some(fault) = faults.into_iter().find(|fault| !lost(fault)) {
        return Err(fault.into());
    }
    let authorities = authority::chain(&recorded, &files)?;
    let vkey = authorities.log();
    let key = VerifierKey::parse(vkey.vkey.as_str())?;
    let signed = SignedCheckpoint::open(source.checkpoint, vkey.origin.as_str(), &key)?;
    let got = tree.size();
    let checkpoint = signed.checkpoint();
    if checkpoint.size() != got || root(&tree, got).ok() != Some(checkpoint.root()) {
        return Err(EmitError::OtherEntries {
            signed: checkpoint.size(),
            got,
        });
    }
    files.extend(record::log_files(&entries, &tree)?);
    files.insert(
        "log/checkpoint".to_owned(),
        own_line(signed.note(), &key).into_bytes(),
    );
    files.extend(identity(&authorities, &authority::effective(&recorded)));
    Ok(files.into_iter().collect())
}

/// Asks for everything that lies beside a log and that a folder of it is written from, as far as
/// what is there tells of it: acts name documents that only their own text tells of. Nothing is
/// written, and entries that cannot be read are left out.
pub fn ask(entries: &[Vec<u8>], blob: &(dyn Fn(&Digest) -> Option<Vec<u8>> + Sync)) {
    let source = Source {
        entries,
        checkpoint: &[],
        blob,
    };
    let mut asked = Asked(&source);
    let mut builder = Builder::default();
    for (window, first) in entries.chunks(WINDOW).zip((0..).step_by(WINDOW)) {
        let read = parallel::map(window, BATCH, |number, bytes| {
            let index = u64::try_from(first + number).unwrap_or(u64::MAX);
            let recorded = record::one(index, bytes, &EMPTY_ROOT).ok()?;
            for digest in jsonl::statements_of(&recorded.entry) {
                blob(&digest);
            }
            let Ok(loaded) = layout::load(&recorded, &source);
            Some((recorded, loaded))
        });
        for (recorded, loaded) in read.into_iter().flatten() {
            let Ok(_) = builder.entry(&recorded, loaded.as_ref(), &mut asked);
        }
    }
    let Ok(_) = builder.end(&mut asked);
}

/// Files that are asked for, and not written.
struct Asked<'a>(&'a Source<'a>);

impl Sink for Asked<'_> {
    type Error = Infallible;

    fn put(&mut self, _: &str, digest: Digest) -> Result<Put, Infallible> {
        let there = (self.0.blob)(&digest).is_some();
        Ok(if there { Put::Done } else { Put::Missing })
    }
}

impl Blobs for Source<'_> {
    type Error = Infallible;

    fn blob(&self, digest: &Digest) -> Result<Option<Cow<'_, [u8]>>, Infallible> {
        Ok((self.blob)(digest).map(Cow::Owned))
    }
}

/// Files on their way into memory.
struct Written<'a> {
    source: &'a Source<'a>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Sink for Written<'_> {
    type Error = Infallible;

    fn put(&mut self, path: &str, digest: Digest) -> Result<Put, Infallible> {
        let Some(bytes) = (self.source.blob)(&digest) else {
            return Ok(Put::Missing);
        };
        match self.files.get(path) {
            Some(there) if *there != bytes => return Ok(Put::Clash),
            Some(_) => {}
            None => {
                self.files.insert(path.to_owned(), bytes);
            }
        }
        Ok(Put::Done)
    }
}

/// Everything that entries name in its place, and the renderings of them.
fn laid_out(recorded: &[Recorded], source: &Source<'_>) -> (BTreeMap<String, Vec<u8>>, Vec<Fault>) {
    let files = BTreeMap::new();
    let mut written = Written { source, files };
    let (mut builder, mut siem) = (Builder::default(), Vec::new());
    let both: Vec<(&Recorded, &Vec<u8>)> = recorded.iter().zip(source.entries).collect();
    for window in both.chunks(WINDOW) {
        let made = parallel::map(window, BATCH, |_, (at, bytes)| {
            let blob = |digest: &Digest| Ok::<_, Infallible>((source.blob)(digest));
            let Ok(loaded) = layout::load(at, source);
            let Ok(line) = layout::line(at, bytes, blob);
            (loaded, line)
        });
        for ((at, _), (loaded, line)) in window.iter().zip(made) {
            let Ok(_) = builder.entry(at, loaded.as_ref(), &mut written);
            match line {
                Ok(line) => {
                    siem.extend(line);
                    siem.push(b'\n');
                }
                Err(error) => builder.unrendered(at.index, error),
            }
        }
    }
    let Ok(laid) = builder.end(&mut written);
    let mut files = written.files;
    files.insert(layout::SIEM.to_owned(), siem);
    let timeline = timeline::render(recorded).into_bytes();
    files.insert(layout::TIMELINE.to_owned(), timeline);
    (files, laid.faults)
}

/// The files that the authority alone decides.
pub(crate) fn identity(
    authorities: &AuthoritySet,
    effective: &[(i64, breakglass_format::Timestamp)],
) -> [(String, Vec<u8>); 3] {
    let vkey = &authorities.log().vkey;
    [
        ("genesis", format!("{}\n", authorities.instance())),
        ("log.vkey", format!("{vkey}\n")),
        ("allowed_signers", allowed_signers(authorities, effective)),
    ]
    .map(|(path, text)| (path.to_owned(), text.into_bytes()))
}

/// A note with the first line of this key and no other.
pub(crate) fn own_line(note: &Note, key: &VerifierKey) -> String {
    let made = |s: &&NoteSignature| s.name() == key.name() && s.id() == key.id();
    let line = note.signatures().iter().find(made);
    let line = line.map(NoteSignature::line).unwrap_or_default();
    format!("{}\n{line}\n", note.text())
}
