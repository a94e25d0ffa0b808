//! The folder against the one that its own log gives: stray, missing and altered files. What lies
//! beside the log is held against it by digest, as it is called for.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::Digest;

use super::{differs, log, text::Differs};
use crate::{
    Finding, FolderError, Level,
    files::WHOLE_BYTES_MAX,
    folder::COSIGNED,
    layout::{Blobs as _, Fault, Put, SIEM, Sink},
    table::Table,
};

/// Files that follow from the authority, and cannot be judged where it does not verify.
const OF_AUTHORITY: [&str; 3] = ["genesis", "log.vkey", "allowed_signers"];

/// What was called for so far.
pub(super) struct Expected<'a> {
    table: &'a Table<'a>,
    /// The files that are what they must be, by their places in the listing.
    called: Vec<bool>,
    /// Files that are another one or missing, with the digests that they must have.
    odd: BTreeMap<String, Digest>,
    /// What is wrong with files, by path.
    findings: BTreeMap<String, Finding>,
}

impl Sink for Expected<'_> {
    type Error = FolderError;

    fn put(&mut self, path: &str, digest: Digest) -> Result<Put, FolderError> {
        let number = self.table.place().listing.find(path);
        let there = number.and_then(|number| self.table.digest_at(number));
        if there != Some(digest) && !self.table.has(&digest)? {
            return Ok(Put::Missing);
        }
        let slot = number.and_then(|number| self.called.get_mut(number));
        let before = self.odd.get(path).copied();
        let before = before.or(there.filter(|_| slot.as_deref() == Some(&true)));
        match (before, slot) {
            (Some(before), _) if before == digest => {}
            (Some(_), _) => return Ok(Put::Clash),
            (None, Some(slot)) if there == Some(digest) => *slot = true,
            (None, _) => {
                self.odd.insert(path.to_owned(), digest);
            }
        }
        Ok(Put::Done)
    }
}

impl<'a> Expected<'a> {
    /// Before anything is called for but the files of a log of so many entries, which were compared
    /// before.
    pub(super) fn beside(table: &'a Table<'a>, size: u64) -> Self {
        let mut expected = Self {
            table,
            called: vec![false; table.place().listing.len()],
            odd: BTreeMap::new(),
            findings: BTreeMap::new(),
        };
        log::paths(size).for_each(|path| {
            expected.call(&path);
        });
        // What witnesses cosigned follows from no log, and is looked at by itself.
        expected.call(COSIGNED);
        expected
    }

    /// That a file belongs to the folder. Whether it is there.
    fn call(&mut self, path: &str) -> bool {
        let number = self.table.place().listing.find(path);
        let slot = number.and_then(|number| self.called.get_mut(number));
        slot.map(|slot| *slot = true).is_some()
    }

    /// A file that was compared while it was made.
    pub(super) fn text(&mut self, path: &str, differs: Option<Differs>) {
        if !self.call(path) {
            self.findings.insert(path.to_owned(), missing(path));
        } else if let Some((detail, entry)) = differs {
            let finding = altered(path, detail, entry);
            self.findings.insert(path.to_owned(), finding);
        }
    }

    /// A file that has to have these bytes.
    pub(super) fn bytes(&mut self, path: &str, due: &[u8]) -> Result<(), FolderError> {
        let finding = if self.call(path) {
            self.differs(path, due)?
        } else {
            Some(missing(path))
        };
        let finding = finding.map(|finding| (path.to_owned(), finding));
        self.findings.extend(finding);
        Ok(())
    }

    fn differs(&self, path: &str, due: &[u8]) -> Result<Option<Finding>, FolderError> {
        let place = self.table.place();
        let length = place.length(path);
        if length > WHOLE_BYTES_MAX {
            let must = due.len();
            let detail = format!("it has {length} bytes, and must have {must}");
            return Ok(Some(altered(path, detail, None)));
        }
        let there = place.files.whole(path)?;
        Ok((*there != *due).then(|| {
            let (detail, entry) = differs::first(path, &there, due);
            altered(path, detail, entry)
        }))
    }

    /// Everything in which the folder is not the one that the log gives.
    pub(super) fn end(
        mut self,
        faults: &[Fault],
        authority: bool,
    ) -> Result<Vec<Finding>, FolderError> {
        let mut findings = Vec::new();
        for fault in faults {
            findings.push(self.of_fault(fault)?);
        }
        for (path, digest) in std::mem::take(&mut self.odd) {
            // It was there when it was called for.
            let due = self.table.blob(&digest)?.unwrap_or_default();
            self.bytes(&path, &due)?;
        }
        let lacking: BTreeSet<&str> = faults.iter().filter_map(lacking).collect();
        if !lacking.is_empty() {
            // It repeats what is not there, so that nobody can say what it must be.
            self.findings.remove(SIEM);
        }
        findings.extend(std::mem::take(&mut self.findings).into_values());
        let placeless: BTreeSet<&str> = faults.iter().filter_map(place).collect();
        let listing = self.table.place().listing;
        let called = self.called.iter().enumerate();
        for (number, _) in called.filter(|(_, called)| !**called) {
            let path = listing.path(number);
            // Half of a pair is no stray where the other half is what is wrong, nor is what an act
            // may have named that is not there.
            let half = path
                .strip_suffix(".sig")
                .is_some_and(|of| lacking.contains(of))
                || lacking.contains(format!("{path}.sig").as_str())
                || (path.starts_with("blobs/") && !lacking.is_empty());
            if !half && !placeless.contains(path) && (authority || !OF_AUTHORITY.contains(&path)) {
                findings.push(stray(path));
            }
        }
        findings.extend(listing.strays().iter().map(|path| stray(path)));
        Ok(findings)
    }

    fn of_fault(&self, fault: &Fault) -> Result<Finding, FolderError> {
        Ok(match fault {
            Fault::Missing { path, digest } => self.unlike(path, &digest.hex()),
            Fault::MissingBlob { path } => self.unlike(path, path.trim_start_matches("blobs/")),
            Fault::Clash { path } => Finding::tampered("clash", fault.to_string()).at_path(path),
            Fault::Misplaced { index, .. } => {
                Finding::tampered("statement_misplaced", fault.to_string()).at_entry(*index)
            }
            Fault::Unrendered { index, .. } => {
                Finding::tampered("entry_unrendered", fault.to_string()).at_entry(*index)
            }
            Fault::Newer { index, .. } => {
                Finding::new(Level::CannotTell, "newer_version", fault.to_string()).at_entry(*index)
            }
        })
    }

    /// A file that the log names by a digest which nothing here has.
    fn unlike(&self, path: &str, digest: &str) -> Finding {
        let number = self.table.place().listing.find(path);
        let there = number.and_then(|number| self.table.digest_at(number));
        there.map_or_else(
            || missing(path),
            |there| altered(path, differs::from_digest(&there, digest), None),
        )
    }
}

/// That the log names a statement of a kind this program does not know, if it does.
pub(super) fn newer(faults: &[Fault]) -> Option<Finding> {
    let newer = faults
        .iter()
        .find(|fault| matches!(fault, Fault::Newer { .. }))?;
    Some(Finding::new(
        Level::CannotTell,
        "newer_version",
        newer.to_string(),
    ))
}

/// The path of a statement, a signature or an authority document that is not there.
fn lacking(fault: &Fault) -> Option<&str> {
    match fault {
        Fault::Missing { path, .. } => Some(path),
        Fault::MissingBlob { .. }
        | Fault::Clash { .. }
        | Fault::Misplaced { .. }
        | Fault::Newer { .. }
        | Fault::Unrendered { .. } => None,
    }
}

/// The path that a fault has spoken about already.
fn place(fault: &Fault) -> Option<&str> {
    match fault {
        Fault::Missing { path, .. } | Fault::MissingBlob { path } | Fault::Clash { path } => {
            Some(path)
        }
        Fault::Misplaced { .. } | Fault::Newer { .. } | Fault::Unrendered { .. } => None,
    }
}

/// Documents may be withheld, which leaves a gap that is named; everything else may not.
fn missing(path: &str) -> Finding {
    if path.starts_with("blobs/") {
        let detail = "a document that the log names is not here";
        return Finding::new(Level::CannotTell, "missing_blob", detail).at_path(path);
    }
    Finding::tampered("missing_file", "it belongs to the folder").at_path(path)
}

fn altered(path: &str, detail: String, entry: Option<u64>) -> Finding {
    let finding = Finding::tampered("altered_file", detail).at_path(path);
    match entry {
        Some(index) => finding.at_entry(index),
        None => finding,
    }
}

fn stray(path: &str) -> Finding {
    Finding::tampered("stray_file", "nothing in the log calls for it").at_path(path)
}
