//! `breakglass log export`: a new evidence folder, or an earlier one brought up to date.

use std::path::Path;

use breakglass_verify::{
    Folder, FolderError,
    continuation::{NotContinued, continuation},
};
use serde_json::json;

use super::super::Context;
use crate::{
    export::{Export, ExportError, resume},
    hint::{Code, Failure},
    trust::TrustError,
};

/// What an export has from its first file on; where none of it is there, another folder was named.
const LANDMARKS: [&str; 2] = ["genesis", "log/checkpoint"];

pub(super) fn run(dir: &Path, since: Option<u64>, cx: &Context) -> Result<(), Failure> {
    let before = before(dir)?;
    let (client, trust) = cx.reading()?;
    let export = resume(&client, &trust, cx.now(), &before).map_err(not_exported)?;
    if let Some(since) = since.filter(|since| *since != export.from) {
        let from = export.from;
        let message = format!("{} has {from} entries, not {since}", dir.display());
        return Err(Failure::usage(message)
            .hint("leave --since out, or name the export that is meant; nothing was written"));
    }
    let how = continuation(&before, &export.folder).map_err(|e| not_continued(&e))?;
    let folder = &export.folder;
    folder.write_as(dir, &how).map_err(|e| not_written(&e))?;
    say(
        dir,
        &export,
        how.write.len(),
        trust.authorities().instance(),
        cx,
    );
    Ok(())
}

fn say(
    dir: &Path,
    export: &Export,
    written: usize,
    genesis: breakglass_format::Digest,
    cx: &Context,
) {
    let files = export.folder.iter().count();
    let dir = dir.display().to_string();
    let (from, size) = (export.from, export.size);
    cx.output().answer(
        &dir,
        &json!({
            "dir": dir,
            "files": files,
            "written": written,
            "since": from,
            "entries": size,
            "genesis": genesis,
        }),
    );
    let new = size.saturating_sub(from);
    let what = if from == 0 {
        format!("{files} files")
    } else {
        format!("{new} new entries, {written} of {files} files written")
    };
    cx.output().say(&format!(
        "{what}; check them: breakglass verify {dir} --genesis {genesis}"
    ));
}

/// The export that is there already; an empty folder where there is none.
fn before(dir: &Path) -> Result<Folder, Failure> {
    if !dir.exists() {
        return Ok(Folder::new());
    }
    let before = Folder::read(dir).map_err(|e| not_written(&e))?;
    let is_empty = before.iter().next().is_none() && before.strays().is_empty();
    if is_empty || LANDMARKS.iter().any(|path| before.get(path).is_some()) {
        return Ok(before);
    }
    Err(not_written(&FolderError::NotEmpty {
        path: dir.to_path_buf(),
    }))
}

fn not_exported(error: ExportError) -> Failure {
    let message = error.to_string();
    match error {
        ExportError::Client(error) => error.into(),
        ExportError::Trust(error) => error.into(),
        ExportError::Fork(error) => TrustError::Pin(error).into(),
        ExportError::Growing => {
            Failure::of(Code::LogGrowing, message).hint("the same command again, a minute later")
        }
        ExportError::Emit(_) => Failure::of(Code::NotProven, message)
            .hint("the server's log does not hold; ask another server, and tell the operators"),
        ExportError::OtherInstallation { .. } => Failure::of(Code::OtherInstallation, message)
            .hint("name a new folder, or the export of this installation; nothing was written"),
        ExportError::Damaged(_) | ExportError::Checkpoint(_) => {
            Failure::of(Code::Tampered, message).hint(
                "keep this folder as it is, hand it to the auditors, and export into a new one",
            )
        }
    }
}

fn not_continued(error: &NotContinued) -> Failure {
    let message = error.to_string();
    let hint = match error {
        NotContinued::Altered { .. } => {
            "keep this folder as it is, hand it to the auditors, and export into a new one"
        }
        NotContinued::Stray { .. } => "move it away, or export into a new folder",
    };
    Failure::of(Code::Tampered, message).hint(hint)
}

fn not_written(error: &FolderError) -> Failure {
    let message = error.to_string();
    match error {
        FolderError::NotEmpty { .. } => Failure::of(Code::FileExists, message)
            .hint("name another: a new or empty folder, or an earlier export of this log"),
        FolderError::Io { .. } | FolderError::TooMuch { .. } => {
            Failure::of(Code::StateUnusable, message).hint("is the place yours, and is there room?")
        }
    }
}
