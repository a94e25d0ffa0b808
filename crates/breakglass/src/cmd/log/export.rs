//! `breakglass log export`: a new evidence folder, or an earlier one brought up to date.

use std::{fs, path::Path};

use breakglass_api::Client;
use breakglass_format::Digest;
use breakglass_store::unused_beside;
use breakglass_tlog::Policy;
use breakglass_verify::{FolderError, assembly::NotContinued, folder::is_unfinished};
use serde_json::json;

use super::super::{Context, input};
use crate::{
    export::{
        Doing, Export, ExportError, ExportWish, export,
        taken::{NotTaken, Taken},
    },
    hint::{Code, Failure},
    output::Bar,
    trust::{Trust, TrustError},
};

/// What an export has; where neither is there and none has begun, another folder was named.
const LANDMARKS: [&str; 2] = ["genesis", "log/checkpoint"];

pub(super) fn run(
    dir: &Path,
    since: Option<u64>,
    policy: Option<&Path>,
    cx: &Context,
) -> Result<(), Failure> {
    let how = Bring {
        since,
        policy,
        ..Bring::default()
    };
    let brought = bring(dir, how, cx)?;
    say(dir, &brought, cx);
    Ok(())
}

/// A folder that was made the export of a log.
pub(in crate::cmd) struct Brought {
    pub(in crate::cmd) export: Export,
    /// The genesis of the installation.
    pub(in crate::cmd) genesis: Digest,
    /// Nobody else writes into the folder as long as this lives.
    pub(in crate::cmd) taken: Taken,
}

/// How somebody wants an export made.
#[derive(Clone, Copy, Default)]
pub(in crate::cmd) struct Bring<'a> {
    /// How many entries are there already, for whoever insists on that.
    pub(in crate::cmd) since: Option<u64>,
    /// Whose cosignatures are wanted in it.
    pub(in crate::cmd) policy: Option<&'a Path>,
    /// Whether an export with entries that an epoch gave up is put aside, and another begun.
    pub(in crate::cmd) aside: bool,
}

/// Makes a folder the export of the log as it is now.
pub(in crate::cmd) fn bring(dir: &Path, how: Bring<'_>, cx: &Context) -> Result<Brought, Failure> {
    let policy = how.policy.map(input::policy).transpose()?;
    if dir.is_file() {
        let message = format!("{} is a file", dir.display());
        return Err(Failure::of(Code::FileExists, message).hint("name a folder"));
    }
    let taken = Taken::folder(dir).map_err(|e| not_taken(&e))?;
    ours(dir)?;
    let (client, trust) = cx.reading()?;
    // First what witnesses saw, so that the log has all of it afterwards.
    let cosigned = policy.map(|policy| cosigned(&client, &trust, &policy, cx));
    let cosigned = cosigned.transpose()?.flatten();
    let bar = Bar::new(cx.output());
    let wish = ExportWish {
        since: how.since,
        cosigned: cosigned.as_deref(),
        watch: &|what, done, of| bar.show(doing(what), done, of),
    };
    let export = export(&client, &trust, cx.now(), dir, wish);
    bar.end();
    if let Err(ExportError::GivenUp { .. }) = export
        && how.aside
    {
        // It has what is lost, so that it is kept.
        let aside = unused_beside(dir, "given-up");
        fs::rename(dir, &aside).map_err(|e| Failure::malformed(dir, e))?;
        cx.output().warn(&format!(
            "warning: the export of before the epoch has entries that were given up, and is kept: {}",
            aside.display()
        ));
        drop(taken);
        return bring(
            dir,
            Bring {
                aside: false,
                ..how
            },
            cx,
        );
    }
    Ok(Brought {
        export: export.map_err(|error| not_exported(dir, error))?,
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

const fn doing(what: Doing) -> &'static str {
    match what {
        Doing::Fetching => "fetching entries",
        Doing::LayingOut => "fetching what entries name",
    }
}

fn say(dir: &Path, brought: &Brought, cx: &Context) {
    let (export, genesis) = (&brought.export, brought.genesis);
    let (files, written) = (export.files, export.written);
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
            "mended": export.mended,
        }),
    );
    tell(export, cx);
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

/// What whoever exports should know of it.
pub(in crate::cmd) fn tell(export: &Export, cx: &Context) {
    for digest in &export.missing {
        cx.output().warn(&format!(
            "warning: the server has no document {digest}, which entries name: verify says 7"
        ));
    }
    for path in &export.mended {
        cx.output().warn(&format!(
            "warning: {path} was not what the log gives: somebody had changed it; it is written anew"
        ));
    }
}

/// That the folder is empty, or an export, whole or not yet.
fn ours(dir: &Path) -> Result<(), Failure> {
    let io = |source| {
        not_written(&FolderError::Io {
            path: dir.to_owned(),
            source,
        })
    };
    let is_empty = fs::read_dir(dir).map_err(io)?.next().is_none();
    let is_export = LANDMARKS.iter().any(|path| dir.join(path).exists());
    if is_empty || is_export || is_unfinished(dir) {
        return Ok(());
    }
    Err(not_written(&FolderError::NotEmpty {
        path: dir.to_path_buf(),
    }))
}

fn not_exported(dir: &Path, error: ExportError) -> Failure {
    let message = error.to_string();
    match error {
        ExportError::Client(error) => error.into(),
        ExportError::Folder(error) => not_written(&error),
        ExportError::Trust(error) => error.into(),
        ExportError::Fork(error) => TrustError::Pin(error).into(),
        ExportError::NotContinued(error) => not_continued(&error),
        ExportError::Growing => {
            Failure::of(Code::LogGrowing, message).hint("the same command again, a minute later")
        }
        ExportError::Entries(_)
        | ExportError::Bundle { .. }
        | ExportError::Document { .. }
        | ExportError::Unsound(_) => Failure::of(Code::NotProven, message)
            .hint("the server's log does not hold; ask another server, and tell the operators"),
        ExportError::OtherSize { had, since } => {
            let message = format!("{} has {had} entries, not {since}", dir.display());
            Failure::usage(message)
                .hint("leave --since out, or name the export that is meant; nothing was written")
        }
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
