//! Where in the folder everything lies that entries name: one function of the log and its blobs,
//! used by whoever writes a folder and by whoever checks one.

mod place;
mod siem;

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::{
    Digest, Event, GrantId, RequestId,
    act::{Act, Command},
    canonical::CanonicalError,
    entry::Recorded,
    render::{jsonl, timeline},
    statement::{Kind, Statement as _},
};

use place::{Unplaced, kind_of};
use siem::Siem;

use crate::{parallel, watch::Counter};

/// A blob by its digest.
pub(crate) type Lookup<'a> = dyn Fn(&Digest) -> Option<Vec<u8>> + Sync + 'a;

/// The file with a line for each entry.
pub(crate) const SIEM: &str = "siem.jsonl";

/// Entries whose lines are made at a time, by all threads.
const WINDOW: usize = 16_384;
/// Entries of them that a thread takes at a time.
const BATCH: usize = 64;

/// The files that entries call for, and what stood in the way of placing one.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) statements: Vec<Placed>,
    pub(crate) faults: Vec<Fault>,
    /// Whether `siem.jsonl` is, byte for byte, what there is already; then it is not among the
    /// files, since it may be longer than everything else together.
    pub(crate) same_siem: bool,
}

/// A statement with its signature, where it was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) digest: Digest,
    pub(crate) kind: Kind,
    pub(crate) path: String,
    /// The first entry that names it.
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
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

/// Lays out everything that entries name, and the renderings of them. `entries` are the stored
/// bytes of `recorded`, `siem` the `siem.jsonl` that is there, empty where there is none.
pub(crate) fn layout(
    recorded: &[Recorded],
    entries: &[&[u8]],
    blob: &Lookup<'_>,
    siem: &[u8],
    counter: &Counter<'_>,
) -> Layout {
    let mut builder = Builder {
        blob,
        out: Layout::default(),
        signatures: BTreeMap::new(),
        of_grant: BTreeMap::new(),
        checkouts: BTreeMap::new(),
        named: BTreeSet::new(),
        sealed: BTreeSet::new(),
    };
    let mut siem = Siem::beside(siem);
    let both: Vec<(&Recorded, &[u8])> = recorded.iter().zip(entries.iter().copied()).collect();
    for window in both.chunks(WINDOW) {
        let lines = parallel::map(window, BATCH, |_, (at, bytes)| line(at, bytes, blob));
        for ((at, _), line) in window.iter().zip(lines) {
            builder.entry(at);
            builder.siem(at, line, &mut siem);
        }
        counter.add(window.len());
    }
    builder.blobs();
    let mut out = builder.out;
    let siem = siem.end();
    out.same_siem = siem.is_none();
    out.files.extend(siem.map(|siem| (SIEM.to_owned(), siem)));
    out.files.insert(
        "timeline.txt".to_owned(),
        timeline::render(recorded).into_bytes(),
    );
    out
}

/// The line of an entry in `siem.jsonl`.
fn line(at: &Recorded, bytes: &[u8], blob: &Lookup<'_>) -> Result<Vec<u8>, CanonicalError> {
    let named = jsonl::statements_of(&at.entry);
    let statements: Vec<Vec<u8>> = named.iter().filter_map(blob).collect();
    jsonl::line(at, bytes, &statements)
}

struct Builder<'a> {
    blob: &'a Lookup<'a>,
    out: Layout,
    /// The signature that came with each statement placed so far.
    signatures: BTreeMap<Digest, Option<Digest>>,
    of_grant: BTreeMap<GrantId, RequestId>,
    checkouts: BTreeMap<RequestId, u64>,
    named: BTreeSet<Digest>,
    sealed: BTreeSet<Digest>,
}

impl Builder<'_> {
    fn entry(&mut self, at: &Recorded) {
        self.note(&at.entry.event);
        if let Event::AuthorityPublished(published) = &at.entry.event {
            let stem = format!("authority/{}", published.version);
            self.take(format!("{stem}.json"), published.digest);
            for root in &published.signatures {
                self.take(
                    format!("{stem}.{}.sig", root.signer.principal),
                    root.signature,
                );
            }
            return;
        }
        if let Event::EpochBegun(begun) = &at.entry.event {
            let stem = format!("epochs/{}/epoch", begun.number);
            self.take(format!("{stem}.json"), begun.digest);
            for root in &begun.signatures {
                self.take(
                    format!("{stem}.{}.sig", root.signer.principal),
                    root.signature,
                );
            }
            return;
        }
        let Some(statement) = accepted(at) else {
            return;
        };
        let signature = at.entry.signature.0;
        if let Some(before) = self.signatures.insert(statement, signature) {
            if before != signature {
                self.misplaced(at, "it came with another signature before");
            }
            return;
        }
        self.statement(at, statement);
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

    fn statement(&mut self, at: &Recorded, digest: Digest) {
        let Some(signature) = at.entry.signature.0 else {
            return self.misplaced(at, "it has no signature");
        };
        let Some(bytes) = (self.blob)(&digest) else {
            let path = self.unknown_path(at);
            self.out.faults.push(Fault::Missing { path, digest });
            return;
        };
        let placed = kind_of(&bytes).and_then(|kind| Ok((kind, self.path(at, kind)?)));
        let (kind, path) = match placed {
            Ok(placed) => placed,
            Err(Unplaced::Kind(kind)) => {
                let index = at.index;
                return self.out.faults.push(Fault::Newer { index, kind });
            }
            Err(Unplaced::Misplaced(what)) => return self.misplaced(at, what),
        };
        let Some(blob) = (self.blob)(&signature) else {
            let path = format!("{path}.sig");
            self.out.faults.push(Fault::Missing {
                path,
                digest: signature,
            });
            return;
        };
        self.documents(kind, &bytes);
        self.put(path.clone(), bytes.clone());
        self.put(format!("{path}.sig"), blob.clone());
        let index = at.index;
        let placed = Placed {
            digest,
            kind,
            path,
            index,
            bytes,
            signature: blob,
        };
        self.out.statements.push(placed);
    }

    /// Remembers the documents that an act names. Those of a credential on its way in are sealed,
    /// and a contact lies beside the log.
    fn documents(&mut self, kind: Kind, bytes: &[u8]) {
        // What is not an act of a known form is found out with its signature.
        let Some(act) = (kind == Kind::Act)
            .then(|| Act::from_bytes(bytes).ok())
            .flatten()
        else {
            return;
        };
        let sealed = matches!(
            act.command,
            Command::AddCredential(_) | Command::SetContact(_)
        );
        let into = if sealed {
            &mut self.sealed
        } else {
            &mut self.named
        };
        into.extend(act.documents);
    }

    /// The remaining documents. What is sealed never lies in the folder, whatever names it.
    fn blobs(&mut self) {
        let named = std::mem::take(&mut self.named);
        for digest in named.difference(&self.sealed) {
            let path = format!("blobs/{}", digest.hex());
            match (self.blob)(digest) {
                Some(bytes) => {
                    self.out.files.insert(path, bytes);
                }
                None => self.out.faults.push(Fault::MissingBlob { path }),
            }
        }
    }

    fn siem(&mut self, at: &Recorded, line: Result<Vec<u8>, CanonicalError>, out: &mut Siem<'_>) {
        match line {
            Ok(line) => {
                out.push(line);
            }
            Err(error) => {
                let index = at.index;
                self.out.faults.push(Fault::Unrendered { index, error });
            }
        }
    }

    /// Puts the blob of a digest into its place.
    fn take(&mut self, path: String, digest: Digest) {
        match (self.blob)(&digest) {
            Some(bytes) => self.put(path, bytes),
            None => self.out.faults.push(Fault::Missing { path, digest }),
        }
    }

    fn put(&mut self, path: String, bytes: Vec<u8>) {
        if self
            .out
            .files
            .get(&path)
            .is_some_and(|there| *there != bytes)
        {
            self.out.faults.push(Fault::Clash { path });
            return;
        }
        self.out.files.insert(path, bytes);
    }

    fn misplaced(&mut self, at: &Recorded, what: &'static str) {
        self.out.faults.push(Fault::Misplaced {
            index: at.index,
            what,
        });
    }
}

/// The statement that an entry says caused it. What was refused was never accepted and has no
/// place: its entry names it, and nothing more is kept of it.
fn accepted(at: &Recorded) -> Option<Digest> {
    let refused = matches!(
        at.entry.event,
        Event::CommandRefused(_) | Event::RefusalsSummarised(_)
    );
    at.entry.statement.0.filter(|_| !refused)
}
