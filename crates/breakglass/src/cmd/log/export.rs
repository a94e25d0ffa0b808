//! `breakglass log export`: a new evidence folder, or an earlier one brought up to date.

use std::path::Path;

use breakglass_api::Client;
use breakglass_format::Digest;
use breakglass_tlog::Policy;
use breakglass_verify::{
    Folder, FolderError,
    continuation::{NotContinued, continuation},
    folder::{COSIGNED, FETCHED},
};
use serde_json::json;

use super::super::{Context, input};
use crate::{
    export::{
        Along, Export, ExportError, Fetching, resume_in,
        taken::{NotTaken, Taken},
    },
    hint::{Code, Failure},
    output::Bar,
    trust::{Trust, TrustError},
};

/// What an export has from its first file on; where none of it is there, another folder was named.
const LANDMARKS: [&str; 2] = ["genesis", "log/checkpoint"];

pub(super) fn run(
    dir: &Path,
    since: Option<u64>,
    policy: Option<&Path>,
    cx: &Context,
) -> Result<(), Failure> {
    let brought = bring(dir, since, policy, cx)?;
    say(dir, &brought, cx);
    Ok(())
}

/// A folder that was made the export of a log.
pub(in crate::cmd) struct Brought {
    pub(in crate::cmd) export: Export,
    /// How many files were written.
    pub(in crate::cmd) written: usize,
    /// The genesis of the installation.
    pub(in crate::cmd) genesis: Digest,
    /// Nobody else writes into the folder as long as this lives.
    pub(in crate::cmd) taken: Taken,
}

/// Makes a folder the export of the log as it is now.
pub(in crate::cmd) fn bring(
    dir: &Path,
    since: Option<u64>,
    policy: Option<&Path>,
    cx: &Context,
) -> Result<Brought, Failure> {
    let policy = policy.map(input::policy).transpose()?;
    let taken = Taken::folder(dir).map_err(|e| not_taken(&e))?;
    let before = before(dir)?;
    let (client, trust) = cx.reading()?;
    // First what witnesses saw, so that the log has all of it afterwards.
    let cosigned = policy.map(|policy| cosigned(&client, &trust, &policy, cx));
    let cosigned = cosigned.transpose()?.flatten();
    let bar = Bar::new(cx.output());
    let watch = |what, done, of| bar.show(fetching(what), done, of);
    // Where the export may turn out to be another one, nothing is kept in it.
    let keep = since.is_none().then_some(dir);
    let along = Along {
        keep,
        watch: &watch,
    };
    let export = resume_in(&client, &trust, cx.now(), &before, along);
    bar.end();
    let mut export = export.map_err(|error| {
        if !error.may_pass() {
            discard(dir);
        }
        not_exported(error)
    })?;
    if let Some(since) = since.filter(|since| *since != export.from) {
        let from = export.from;
        let message = format!("{} has {from} entries, not {since}", dir.display());
        return Err(Failure::usage(message)
            .hint("leave --since out, or name the export that is meant; nothing was written"));
    }
    if let Some(cosigned) = cosigned {
        export.folder.insert(COSIGNED, cosigned.into_bytes());
    }
    let new = |(path, bytes): &(&str, &[u8])| before.get(path) != Some(*bytes);
    let written = export.folder.iter().filter(new).count();
    // With what was kept in the meantime.
    let before = self::before(dir)?;
    let how = continuation(&before, &export.folder).map_err(|e| {
        discard(dir);
        not_continued(&e)
    })?;
    let folder = &export.folder;
    folder.write_as(dir, &how).map_err(|e| not_written(&e))?;
    Ok(Brought {
        export,
        written,
        genesis: trust.authorities().instance(),
        taken,
    })
}

/// The last checkpoint that witnesses cosigned, as far as it meets a policy.
fn cosigned(
    client: &Client,
    trust: &Trust,
    policy: &Policy,
    cx: &Context,
) -> Result<Option<String>, Failure> {
    let Some(text) = client.cosigned()? else {
        cx.output()
            .warn("witnesses have cosigned no checkpoint yet; the export says nothing of any");
        return Ok(None);
    };
    let checkpoint = trust.see_checkpoint(client, &text, cx.now())?;
    if policy.judge(&checkpoint).is_ok_and(|judged| judged.met) {
        return Ok(Some(text));
    }
    cx.output().warn(
        "those who cosigned the log are not enough for the policy; the export leaves them out",
    );
    Ok(None)
}

/// A folder that is not continued is left as it was.
fn discard(dir: &Path) {
    // What stays is told as a stray, by this command and by `verify`.
    let _ = std::fs::remove_dir_all(dir.join(FETCHED));
}

const fn fetching(what: Fetching) -> &'static str {
    match what {
        Fetching::Entries => "fetching entries",
        Fetching::Documents => "fetching documents",
    }
}

fn say(dir: &Path, brought: &Brought, cx: &Context) {
    let (export, written, genesis) = (&brought.export, brought.written, brought.genesis);
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
            "missing": export.missing,
        }),
    );
    for digest in &export.missing {
        cx.output().warn(&format!(
            "warning: the server has no document {digest}, which entries name: verify says 7"
        ));
    }
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
        ExportError::Folder(error) => not_written(&error),
        ExportError::Trust(error) => error.into(),
        ExportError::Fork(error) => TrustError::Pin(error).into(),
        ExportError::Growing => {
            Failure::of(Code::LogGrowing, message).hint("the same command again, a minute later")
        }
        ExportError::Emit(_) => Failure::of(Code::NotProven, message)
            .hint("the server's log does not hold; ask another server, and tell the operators"),
        ExportError::OtherInstallation { .. } => Failure::of(Code::OtherInstallation, message)
            .hint("name a new folder, or the export of this installation; nothing was written"),
        ExportError::GivenUp { .. } => Failure::of(Code::FileExists, message)
            .hint("keep it: it has what is lost. Export into a new folder; nothing was written"),
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

fn not_taken(error: &NotTaken) -> Failure {
    let hint = match error {
        NotTaken::InUse { .. } => "wait for it to end, or name another folder",
        NotTaken::Io { .. } => "is the place yours, and is there room?",
    };
    Failure::of(Code::StateUnusable, error.to_string()).hint(hint)
}

fn not_written(error: &FolderError) -> Failure {
    let message = error.to_string();
    match error {
        FolderError::NotEmpty { .. } => Failure::of(Code::FileExists, message)
            .hint("name another: a new or empty folder, or an earlier export of this log"),
        FolderError::Io { .. } | FolderError::TooMuch { .. } | FolderError::Changed { .. } => {
            Failure::of(Code::StateUnusable, message).hint("is the place yours, and is there room?")
        }
    }
}
