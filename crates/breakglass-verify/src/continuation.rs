//! Continuing a folder: an export of a log that has grown since, made the export of the log as it
//! is now, by what is new alone.

use std::collections::BTreeMap;

use breakglass_format::Digest;
use breakglass_tlog::{EntriesPath, SignedCheckpoint, TilePath};
use thiserror::Error;

use crate::{
    Finding, Folder,
    check::{
        log::{self, Place},
        stop::Stop,
    },
    digest,
    files::Files as _,
    folder::{CHECKPOINT, COSIGNED, FETCHED, WRITING},
    parallel, record,
};

/// What follows from the log and the authority and changes with them. Nothing rests on these files
/// that is not in the others.
const DERIVED: [&str; 5] = [
    "allowed_signers",
    "log.vkey",
    "siem.jsonl",
    "timeline.txt",
    CHECKPOINT,
];

/// Files that a thread hashes at a time.
const DIGESTED: usize = 16;

/// The log that a folder holds: its bytes are under its signed checkpoint, by the key beside it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The checkpoint. That its key is the right one is for whoever knows the right one to say.
    pub checkpoint: SignedCheckpoint,
    /// Every entry.
    pub entries: Vec<Vec<u8>>,
}

/// What makes one folder of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// Files to write, in this order: the checkpoint is the last.
    pub write: Vec<String>,
    /// Files to take away after that: tiles that were partial and have grown, and what was kept of
    /// an export that was interrupted.
    pub remove: Vec<String>,
}

impl Continuation {
    /// What makes a folder of an empty one.
    #[must_use]
    pub fn of_nothing(fresh: &Folder) -> Self {
        let mut write: Vec<String> = fresh.iter().map(|(path, _)| path.to_owned()).collect();
        write.sort_by_key(|path| order(path));
        let remove = Vec::new();
        Self { write, remove }
    }
}

/// Why a folder is not continued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotContinued {
    /// A file that never changes is another one.
    #[error("{path} was altered: the log has another")]
    Altered {
        /// Which.
        path: String,
    },
    /// Something that no export has.
    #[error("{path} does not belong to an export of this log")]
    Stray {
        /// What.
        path: String,
    },
}

/// The log of a folder; none where an export was interrupted before there was a checkpoint.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn held(folder: &Folder) -> Result<Option<Held>, Finding> {
    if folder.get(CHECKPOINT).is_none() {
        return Ok(None);
    }
    let mut entries = Vec::new();
    let owned = |_: u64, some: &[&[u8]]| -> Vec<Vec<u8>> {
        some.iter().map(|entry| entry.to_vec()).collect()
    };
    let place = Place {
        files: folder,
        listing: &folder.listing(),
    };
    match log::read(place, &|_| (), owned, |some| entries.extend(some)) {
        Ok(log) => Ok(Some(Held {
            checkpoint: log.signed,
            entries,
        })),
        Err(Stop::Finding(finding)) => Err(*finding),
        // A folder in memory can be read.
        Err(Stop::Files(error)) => Err(Finding::tampered("missing_file", error.to_string())),
    }
}

/// Every file of a folder by its SHA-256, as entries name what lies beside the log.
#[must_use]
pub fn by_digest(folder: &Folder) -> BTreeMap<Digest, &[u8]> {
    let files: Vec<&[u8]> = folder.iter().map(|(_, bytes)| bytes).collect();
    let digests = parallel::map(&files, DIGESTED, |_, bytes| digest(bytes));
    digests.into_iter().zip(files).collect()
}

/// What makes the export `fresh` of the export `held`, which is of the same log earlier on and may
/// have been interrupted while it was continued.
///
/// # Errors
/// [`NotContinued`] where `held` has what it could not have become by itself: nothing that
/// somebody put there or changed is written over or taken away.
pub fn continuation(held: &Folder, fresh: &Folder) -> Result<Continuation, NotContinued> {
    if let Some(stray) = held.strays().first() {
        let path = stray.clone();
        return Err(NotContinued::Stray { path });
    }
    let mut remove = Vec::new();
    for (path, bytes) in held.iter() {
        let path = path.to_owned();
        match fresh.get(&path) {
            Some(now) if now == bytes || is_derived(&path) || path == COSIGNED => {}
            None if path == COSIGNED => {}
            Some(_) => return Err(NotContinued::Altered { path }),
            None if is_partial(&path) || is_on_its_way(&path) => remove.push(path),
            None => return Err(NotContinued::Stray { path }),
        }
    }
    let changed = |(path, bytes): &(&str, &[u8])| held.get(path) != Some(*bytes);
    let mut write: Vec<String> = fresh
        .iter()
        .filter(changed)
        .map(|(path, _)| path.to_owned())
        .collect();
    write.sort_by_key(|path| order(path));
    Ok(Continuation { write, remove })
}

fn is_derived(path: &str) -> bool {
    DERIVED.contains(&path)
}

/// Whether an export keeps it only until it is whole.
fn is_on_its_way(path: &str) -> bool {
    path == WRITING || path.starts_with(FETCHED)
}

/// First what says whose log it is, then what never changes, then what follows from it; and only
/// when all of that is there the checkpoint over it.
fn order(path: &str) -> u8 {
    match path {
        "genesis" => 0,
        CHECKPOINT => 3,
        path if is_derived(path) => 2,
        _ => 1,
    }
}

/// Whether it is a tile or a bundle that grows with the log, until it is full.
fn is_partial(path: &str) -> bool {
    let Some(path) = path.strip_prefix(record::LOG) else {
        return false;
    };
    TilePath::parse(path).is_ok_and(|tile| !tile.is_full())
        || EntriesPath::parse(path).is_ok_and(|bundle| !bundle.is_full())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> Folder {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        files.iter().map(file).collect()
    }

    fn fresh() -> Folder {
        folder(&[
            ("acts/a.act.json", "act"),
            ("genesis", "g"),
            ("log/checkpoint", "2"),
            ("log/tile/0/000.p/2", "ab"),
            ("log/tile/entries/000.p/2", "AB"),
            ("siem.jsonl", "a\nb\n"),
        ])
    }

    #[test]
    fn only_what_is_new_is_written_and_the_checkpoint_last() {
        let mut held = folder(&[
            ("acts/a.act.json", "act"),
            ("genesis", "g"),
            ("log/checkpoint", "1"),
            ("log/tile/0/000.p/1", "a"),
            ("log/tile/entries/000.p/1", "A"),
            ("siem.jsonl", "a\n"),
        ]);
        let made = continuation(&held, &fresh()).unwrap();
        let write = [
            "log/tile/0/000.p/2",
            "log/tile/entries/000.p/2",
            "siem.jsonl",
            "log/checkpoint",
        ];
        let remove = ["log/tile/0/000.p/1", "log/tile/entries/000.p/1"];
        assert_eq!(
            (made.write.as_slice(), made.remove.as_slice()),
            (&write.map(String::from)[..], &remove.map(String::from)[..])
        );

        // Interrupted half way, it goes on where it was.
        held.insert("log/tile/0/000.p/2", b"ab".to_vec());
        held.insert(".writing", b"A".to_vec());
        held.insert(".fetched/entries.1", b"B".to_vec());
        let made = continuation(&held, &fresh()).unwrap();
        assert_eq!(made.write, write[1..]);
        assert_eq!(made.remove.len(), 4);
        let nothing = continuation(&fresh(), &fresh()).unwrap();
        assert!(nothing.write.is_empty() && nothing.remove.is_empty());
    }

    #[test]
    fn a_new_folder_begins_with_whose_log_it_is() {
        let made = Continuation::of_nothing(&fresh());
        assert_eq!(Ok(&made), continuation(&Folder::new(), &fresh()).as_ref());
        assert_eq!(made.write.len(), 6);
        assert_eq!(made.write.first().map(String::as_str), Some("genesis"));
        assert_eq!(
            made.write.last().map(String::as_str),
            Some("log/checkpoint")
        );
    }

    #[test]
    fn what_somebody_changed_or_put_there_is_left_alone() {
        let with = |path: &str| {
            let mut held = fresh();
            held.insert(path, b"x".to_vec());
            continuation(&held, &fresh())
        };
        for path in ["acts/a.act.json", "genesis", "log/tile/0/000.p/2"] {
            let path_of = path.to_owned();
            assert_eq!(with(path), Err(NotContinued::Altered { path: path_of }));
        }
        for path in [
            "notes.txt",
            "log/tile/0/000",
            "log/tile/x.p/1",
            "acts/b.json",
        ] {
            let path_of = path.to_owned();
            assert_eq!(with(path), Err(NotContinued::Stray { path: path_of }));
        }
    }
}
