//! Where in the folder everything lies that entries name: one function of the log and its blobs,
//! entry by entry, used by whoever writes a folder and by whoever checks one.

mod place;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use breakglass_format::{
    Digest, Event, GrantId, RequestId,
    act::{Act, Command},
    canonical::CanonicalError,
    entry::Recorded,
    render::jsonl,
    statement::{Kind, Statement as _},
};

use place::{Unplaced, kind_of};

/// The file with a line for each entry.
pub(crate) const SIEM: &str = "siem.jsonl";
/// The log as people read it.
pub(crate) const TIMELINE: &str = "timeline.txt";

/// What lies beside the log, by digest.
pub(crate) trait Blobs {
    /// Why it cannot be read.
    type Error;

    /// The bytes with this digest, if they are there.
    fn blob(&self, digest: &Digest) -> Result<Option<Cow<'_, [u8]>>, Self::Error>;
}

/// What takes the files that entries call for.
pub(crate) trait Sink {
    /// Why it cannot take one.
    type Error;

    /// A file with these bytes belongs in this place.
    fn put(&mut self, path: &str, digest: Digest) -> Result<Put, Self::Error>;
}

/// What came of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It has its place.
    Done,
    /// Nothing has this digest.
    Missing,
    /// Something else has the place.
    Clash,
}

/// Why the folder of a log cannot be whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A statement, a signature or an authority document is not there.
    #[error("{path} is missing: nothing with the digest {digest}")]
    Missing {
        /// Where it belongs.
        path: String,
        /// What it would hash to.
        digest: Digest,
    },
    /// A document that entries name is not there.
    #[error("{path} is missing")]
    MissingBlob {
        /// Where it belongs.
        path: String,
    },
    /// Two things belong in one place.
    #[error("{path} would have to be two different files")]
    Clash {
        /// The place.
        path: String,
    },
    /// An entry names a statement that cannot have caused it.
    #[error("entry {index} names a statement that cannot have caused it: {what}")]
    Misplaced {
        /// The entry.
        index: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// A kind of statement that this program does not know.
    #[error(
        "entry {index} names a statement of the kind {kind:?}: written by a newer version of breakglass"
    )]
    Newer {
        /// The entry.
        index: u64,
        /// Its `_type`, cut to 80 characters.
        kind: String,
    },
    /// It has no line in `siem.jsonl`.
    #[error("entry {index} cannot be rendered: {error}")]
    Unrendered {
        /// The entry.
        index: u64,
        /// Why.
        error: CanonicalError,
    },
}

/// The statement that an entry says caused it, as far as its bytes alone tell.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The statement; none where it is not there.
    pub(crate) bytes: Option<Vec<u8>>,
    /// The armoured signature; none where it is not there, or the entry names none.
    pub(crate) signature: Option<Vec<u8>>,
    /// What it says it is.
    kind: Result<Kind, Unplaced>,
    /// What it names, if it is an act of a known form.
    act: Option<Named>,
}

/// What an act names.
#[derive(Debug)]
pub(crate) struct Named {
    /// The session that certifies the key; none where it is signed by an enrolled one.
    pub(crate) session: Option<Digest>,
    documents: Vec<Digest>,
    /// Whether the documents are sealed: those of a credential on its way in are, and a contact
    /// lies beside the log.
    sealed: bool,
}

impl Loaded {
    /// What it names, if it is an act of a known form.
    pub(crate) const fn act(&self) -> Option<&Named> {
        self.act.as_ref()
    }

    /// What it says it is, where that is known.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind.as_ref().ok().copied()
    }
}

/// Reads the statement that an accepted entry says caused it.
pub(crate) fn load<B: Blobs>(at: &Recorded, blobs: &B) -> Result<Option<Loaded>, B::Error> {
    let Some(statement) = accepted(at) else {
        return Ok(None);
    };
    let get = |digest: &Digest| Ok(blobs.blob(digest)?.map(Cow::into_owned));
    let bytes: Option<Vec<u8>> = get(&statement)?;
    let signature = match at.entry.signature.0 {
        Some(signature) => get(&signature)?,
        None => None,
    };
    let kind = kind_of(bytes.as_deref().unwrap_or_default());
    let act = match (&kind, &bytes) {
        (Ok(Kind::Act), Some(bytes)) => named(bytes),
        _ => None,
    };
    Ok(Some(Loaded {
        bytes,
        signature,
        kind,
        act,
    }))
}

/// What an act names. What is not an act of a known form is found out with its signature.
fn named(bytes: &[u8]) -> Option<Named> {
    let act = Act::from_bytes(bytes).ok()?;
    let sealed = matches!(
        act.command,
        Command::AddCredential(_) | Command::SetContact(_)
    );
    Some(Named {
        session: act.session.0,
        documents: act.documents,
        sealed,
    })
}

/// The line of an entry in `siem.jsonl`, from what it names.
pub(crate) fn line<E>(
    at: &Recorded,
    bytes: &[u8],
    blob: impl Fn(&Digest) -> Result<Option<Vec<u8>>, E>,
) -> Result<Result<Vec<u8>, CanonicalError>, E> {
    let mut statements = Vec::new();
    for digest in jsonl::statements_of(&at.entry) {
        statements.extend(blob(&digest)?);
    }
    Ok(jsonl::line(at, bytes, &statements))
}

/// Lays out what entries name, one after the other.
#[derive(Default)]
pub(crate) struct Builder {
    faults: Vec<Fault>,
    /// The signature that came with each statement placed so far.
    signatures: BTreeMap<Digest, Option<Digest>>,
    of_grant: BTreeMap<GrantId, RequestId>,
    checkouts: BTreeMap<RequestId, u64>,
    named: BTreeSet<Digest>,
    sealed: BTreeSet<Digest>,
}

/// What is known after the last entry.
pub(crate) struct Laid {
    /// What stood in the way of placing something, in log order.
    pub(crate) faults: Vec<Fault>,
    /// What never lies in the folder, whatever names it.
    pub(crate) sealed: BTreeSet<Digest>,
}

impl Builder {
    /// Lays out what the next entry names. `loaded` is what [`load`] made of it. The path of its
    /// statement, where it is the first to name one.
    pub(crate) fn entry<S: Sink>(
        &mut self,
        at: &Recorded,
        loaded: Option<&Loaded>,
        sink: &mut S,
    ) -> Result<Option<String>, S::Error> {
        self.note(&at.entry.event);
        if let Event::AuthorityPublished(published) = &at.entry.event {
            for (path, digest) in place::of_authority(published) {
                self.put(path, digest, sink)?;
            }
            return Ok(None);
        }
        if let Event::EpochBegun(begun) = &at.entry.event {
            for (path, digest) in place::of_epoch(begun) {
                self.put(path, digest, sink)?;
            }
            return Ok(None);
        }
        let (Some(statement), Some(loaded)) = (accepted(at), loaded) else {
            return Ok(None);
        };
        let signature = at.entry.signature.0;
        if let Some(before) = self.signatures.insert(statement, signature) {
            if before != signature {
                self.misplaced(at, "it came with another signature before");
            }
            return Ok(None);
        }
        self.statement((at, statement), loaded, sink)
    }

    /// An entry has no line in `siem.jsonl`.
    pub(crate) fn unrendered(&mut self, index: u64, error: CanonicalError) {
        self.faults.push(Fault::Unrendered { index, error });
    }

    /// The documents that entries named so far and that are not sealed.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &Digest> {
        self.named.difference(&self.sealed)
    }

    /// The remaining documents. What is sealed never lies in the folder, whatever names it.
    pub(crate) fn end<S: Sink>(mut self, sink: &mut S) -> Result<Laid, S::Error> {
        for digest in self.named.difference(&self.sealed) {
            let path = format!("blobs/{}", digest.hex());
            if sink.put(&path, *digest)? == Put::Missing {
                self.faults.push(Fault::MissingBlob { path });
            }
        }
        Ok(Laid {
            faults: self.faults,
            sealed: self.sealed,
        })
    }

    /// Remembers what events name that is not a statement.
    fn note(&mut self, event: &Event) {
        if let Event::BreakGlassGranted(granted) = event {
            self.of_grant.insert(granted.grant_id, granted.request_id);
        }
        let beside = event.beside();
        self.named.extend(beside.document);
        self.sealed.extend(beside.sealed);
    }

    fn statement<S: Sink>(
        &mut self,
        (at, digest): (&Recorded, Digest),
        loaded: &Loaded,
        sink: &mut S,
    ) -> Result<Option<String>, S::Error> {
        let Some(signature) = at.entry.signature.0 else {
            self.misplaced(at, "it has no signature");
            return Ok(None);
        };
        if loaded.bytes.is_none() {
            let path = self.unknown_path(at);
            self.faults.push(Fault::Missing { path, digest });
            return Ok(None);
        }
        let placed = loaded.kind.clone();
        let path = match placed.and_then(|kind| self.path(at, kind)) {
            Ok(path) => path,
            Err(Unplaced::Kind(kind)) => {
                let index = at.index;
                self.faults.push(Fault::Newer { index, kind });
                return Ok(None);
            }
            Err(Unplaced::Misplaced(what)) => {
                self.misplaced(at, what);
                return Ok(None);
            }
        };
        let beside = format!("{path}.sig");
        if loaded.signature.is_none() {
            self.faults.push(Fault::Missing {
                path: beside,
                digest: signature,
            });
            return Ok(None);
        }
        if let Some(act) = &loaded.act {
            let documents = if act.sealed {
                &mut self.sealed
            } else {
                &mut self.named
            };
            documents.extend(act.documents.iter().copied());
        }
        self.put(path.clone(), digest, sink)?;
        self.put(beside, signature, sink)?;
        Ok(Some(path))
    }

    /// Puts the blob of a digest into its place.
    fn put<S: Sink>(&mut self, path: String, digest: Digest, sink: &mut S) -> Result<(), S::Error> {
        match sink.put(&path, digest)? {
            Put::Done => {}
            Put::Missing => self.faults.push(Fault::Missing { path, digest }),
            Put::Clash => self.faults.push(Fault::Clash { path }),
        }
        Ok(())
    }

    fn misplaced(&mut self, at: &Recorded, what: &'static str) {
        self.faults.push(Fault::Misplaced {
            index: at.index,
            what,
        });
    }
}

/// The files of a version of the authority, and of an epoch.
pub(crate) use place::{of_authority, of_epoch};

/// The statement that an entry says caused it. What was refused was never accepted and has no
/// place: its entry names it, and nothing more is kept of it. Authorities have places of their own.
pub(crate) fn accepted(at: &Recorded) -> Option<Digest> {
    let otherwise = matches!(
        at.entry.event,
        Event::CommandRefused(_)
            | Event::RefusalsSummarised(_)
            | Event::AuthorityPublished(_)
            | Event::EpochBegun(_)
    );
    at.entry.statement.0.filter(|_| !otherwise)
}
