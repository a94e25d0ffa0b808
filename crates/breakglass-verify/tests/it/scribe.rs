//! A server that writes whatever it is told, true or not: it holds the log's key, and everybody
//! signs what a test asks them to.

use std::collections::BTreeMap;

use breakglass_format::{
    Blank, CommandId, Digest, Entry, Event, EventId, Line, Timestamp,
    statement::{AuthorityRef, LogHead, Statement},
};
use breakglass_tlog::{Checkpoint, SignedCheckpoint, leaf_hash, root_of_leaves};
use breakglass_verify::{
    Folder, Options, Outcome, Verdict,
    assembly::{NotLaid, Unsound},
    check,
};
use sha2::{Digest as _, Sha256};

use crate::bring::{NotBrought, bring};
use crate::people::{log_key_after, person, principal, sign, start};

/// A statement and its signature, by digest, and who signed.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) by: String,
    pub(crate) statement: Digest,
    pub(crate) signature: Digest,
}

/// A log that is being written.
#[derive(Clone)]
pub(crate) struct Scribe {
    pub(crate) now: Timestamp,
    pub(crate) genesis: Digest,
    /// The authority in force, as a statement names it.
    pub(crate) authority: AuthorityRef,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    /// Leaf hash of the latest declaration.
    pub(crate) declared: Option<Digest>,
    /// How many epochs have begun.
    pub(crate) epochs: u8,
    /// How many ids were made.
    ids: u32,
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

impl Scribe {
    /// A log without entries.
    pub(crate) fn new() -> Self {
        Self {
            now: start(),
            genesis: sha256(b""),
            authority: AuthorityRef::default(),
            entries: Vec::new(),
            blobs: BTreeMap::new(),
            declared: None,
            epochs: 0,
            ids: 0,
        }
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
    }

    /// Ten bytes that stand for random ones.
    pub(crate) fn random(&mut self) -> [u8; 10] {
        self.ids += 1;
        let mut random = [0; 10];
        random[6..].copy_from_slice(&self.ids.to_be_bytes());
        random
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) -> Digest {
        self.blobs.insert(sha256(bytes), bytes.to_vec());
        sha256(bytes)
    }

    /// The log as a client sees it now.
    pub(crate) fn head(&self) -> LogHead {
        let root = root_of_leaves(&self.leaves());
        let size = i64::try_from(self.entries.len()).unwrap();
        LogHead {
            root: Digest::from_bytes(*root.as_bytes()),
            size,
        }
    }

    pub(crate) fn leaves(&self) -> Vec<breakglass_tlog::Hash> {
        self.entries.iter().map(|bytes| leaf_hash(bytes)).collect()
    }

    /// Somebody signs a statement.
    pub(crate) fn said<S: Statement>(&mut self, key: &str, statement: &S) -> Said {
        let bytes = statement.to_bytes().unwrap();
        let signature = sign(key, S::KIND, &bytes);
        Said {
            by: key.to_owned(),
            statement: self.blob(&bytes),
            signature: self.blob(&signature),
        }
    }

    /// The server writes something down of itself.
    pub(crate) fn server(&mut self, event: impl Into<Event>) -> EventId {
        self.write(None, event.into())
    }

    /// The server writes down what came of a statement.
    pub(crate) fn caused(&mut self, said: &Said, event: impl Into<Event>) -> EventId {
        self.write(Some(said), event.into())
    }

    fn write(&mut self, said: Option<&Said>, event: Event) -> EventId {
        let event_id = EventId::new(self.now, self.random());
        let name = said.map(|said| principal(&said.by));
        let actor = match (event.account(), &name) {
            (Some(account), _) => account.name.to_string(),
            (None, Some(principal)) => principal.to_string(),
            (None, None) => "system:engine".to_owned(),
        };
        // All entries of one command carry its id.
        let command = said.map(|said| {
            let random = said.statement.as_bytes()[..10].try_into().unwrap();
            CommandId::new(start(), random)
        });
        self.push(Entry {
            actor: Line::new(actor).unwrap(),
            command_id: command.into(),
            correlation_id: event.incident_id().into(),
            created_at: self.now,
            event,
            event_id,
            person: said.map(|said| person(&said.by)).into(),
            principal: name.into(),
            signature: said.map(|said| said.signature).into(),
            statement: said.map(|said| said.statement).into(),
            wall: self.now,
        })
    }

    /// Appends an entry as it is.
    pub(crate) fn push(&mut self, entry: Entry) -> EventId {
        self.entries.push(entry.to_bytes().unwrap());
        entry.event_id
    }

    /// Rewrites an entry, as only the holder of the log's key can.
    pub(crate) fn rewrite(&mut self, index: usize, change: impl FnOnce(&mut Entry)) {
        let mut entry = Entry::from_bytes(&self.entries[index]).unwrap();
        change(&mut entry);
        self.entries[index] = entry.to_bytes().unwrap();
    }

    /// The checkpoint over everything written so far, as a note.
    pub(crate) fn checkpoint(&self) -> Vec<u8> {
        self.signed().to_text().into_bytes()
    }

    /// The checkpoint over everything written so far.
    pub(crate) fn signed(&self) -> SignedCheckpoint {
        let key = log_key_after(self.epochs);
        let (size, root) = (self.entries.len(), root_of_leaves(&self.leaves()));
        let size = u64::try_from(size).unwrap();
        let checkpoint = Checkpoint::new(key.verifier().name().clone(), size, root).unwrap();
        SignedCheckpoint::sign(checkpoint, &key).unwrap()
    }

    /// The evidence folder.
    pub(crate) fn folder(&self) -> Folder {
        self.emitted().unwrap()
    }

    /// The evidence folder, or why there is none.
    pub(crate) fn emitted(&self) -> Result<Folder, Unsound> {
        let dir = tempfile::tempdir().unwrap();
        let brought = bring(dir.path(), self, &self.signed());
        if let Err(NotBrought::Laid(NotLaid::Unsound(error))) = brought {
            return Err(error);
        }
        brought.unwrap();
        Ok(Folder::read(dir.path()).unwrap())
    }

    /// Options of somebody who knows this installation.
    pub(crate) fn pinned(&self) -> Options {
        Options {
            pin: Some(self.genesis),
            ..Options::default()
        }
    }

    /// What somebody who knows this installation says of the log.
    pub(crate) fn verdict(&self) -> Verdict {
        check(&self.folder(), &self.pinned())
    }
}

/// The codes of the findings of a verdict.
pub(crate) fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

pub(crate) fn none<T>() -> Blank<T> {
    Blank::NONE
}

/// The log contradicts the rules in exactly these ways.
#[track_caller]
pub(crate) fn broken(log: &Scribe, expected: &[&str]) {
    let verdict = log.verdict();
    let mut found = codes(&verdict);
    found.sort_unstable();
    found.dedup();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{:#?}", verdict.findings);
    assert_eq!(
        (verdict.outcome, verdict.exit_code(false)),
        (Outcome::Tampered, 4)
    );
}
