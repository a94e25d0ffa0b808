//! The folder against the one that its own log gives: stray, missing and altered files.

use std::collections::BTreeSet;

use super::differs;
use crate::{
    Finding, Folder, Level,
    emit::Fault,
    folder::COSIGNED,
    layout::{Layout, SIEM},
};

/// Files that follow from the authority, and cannot be judged where it does not verify.
const OF_AUTHORITY: [&str; 3] = ["genesis", "log.vkey", "allowed_signers"];

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

/// Everything in which the folder is not the one that the log gives. The files of `log` were
/// compared before; what witnesses cosigned follows from no log, and is looked at by itself.
pub(super) fn files(
    folder: &Folder,
    (expected, log): (&Layout, &BTreeSet<String>),
    authority: bool,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = expected
        .faults
        .iter()
        .map(|fault| of_fault(folder, fault))
        .collect();
    let placeless: BTreeSet<&str> = expected.faults.iter().filter_map(place).collect();
    for (path, bytes) in &expected.files {
        match folder.get(path) {
            Some(there) if there == bytes.as_slice() => {}
            Some(there) => findings.push(altered(path, there, bytes)),
            None => findings.push(missing(path)),
        }
    }
    for (path, _) in folder.iter() {
        let known = expected.files.contains_key(path)
            || log.contains(path)
            || path == COSIGNED
            || placeless.contains(path)
            || expected.same_siem && path == SIEM;
        if !known && (authority || !OF_AUTHORITY.contains(&path)) {
            findings.push(stray(path));
        }
    }
    findings.extend(folder.strays().iter().map(|path| stray(path)));
    findings
}

fn of_fault(folder: &Folder, fault: &Fault) -> Finding {
    match fault {
        Fault::Missing { path, digest } => unlike(folder, path, &digest.hex()),
        Fault::MissingBlob { path } => unlike(folder, path, path.trim_start_matches("blobs/")),
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

/// A file that the log names by a digest which nothing here has.
fn unlike(folder: &Folder, path: &str, digest: &str) -> Finding {
    folder.get(path).map_or_else(
        || missing(path),
        |there| {
            let detail = differs::from_digest(there, digest);
            Finding::tampered("altered_file", detail).at_path(path)
        },
    )
}

fn altered(path: &str, there: &[u8], due: &[u8]) -> Finding {
    let (detail, entry) = differs::first(path, there, due);
    let finding = Finding::tampered("altered_file", detail).at_path(path);
    match entry {
        Some(index) => finding.at_entry(index),
        None => finding,
    }
}

fn stray(path: &str) -> Finding {
    Finding::tampered("stray_file", "nothing in the log calls for it").at_path(path)
}
