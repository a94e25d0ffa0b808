//! Documents that people write: in their editor from a draft, or from a file.

use std::{path::Path, process::Command};

use crate::{
    draft,
    hint::{Code, Failure},
    output::{line, prompt},
    state::file,
};

use super::Context;

/// Longest document: what the log keeps as one blob.
const BYTES_MAX: usize = 64 * 1024;

/// The content of a file.
pub(super) fn from_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let content = file::read(path)?.ok_or_else(|| Failure::missing(path))?;
    if content.is_empty() {
        return Err(Failure::malformed(path, "it is empty"));
    }
    if content.len() > BYTES_MAX {
        return Err(Failure::malformed(path, "it has more than 64 KiB"));
    }
    Ok(content.to_vec())
}

/// Text of a file.
pub(super) fn text_from_file(path: &Path) -> Result<String, Failure> {
    let bytes = from_file(path)?;
    String::from_utf8(bytes).map_err(|_| Failure::malformed(path, "it is not text"))
}

/// Refuses what was drafted for another incident: one file is easily taken for another.
pub(super) fn check_incident(text: &str, path: &Path, reference: &str) -> Result<(), Failure> {
    match draft::of_another(text, reference) {
        None => Ok(()),
        Some(other) => Err(Failure::malformed(
            path,
            format!("it was drafted for {}, this is {}", line(other), line(reference)),
        )
        .hint("name the right file; or, where it is meant, write the right incident into its first line")),
    }
}

/// Lets a person write it, beginning with a draft. What was written is kept where the command
/// fails afterwards; the answer names the file.
pub(super) fn written(
    draft: &str,
    name: &str,
    verb: &str,
    cx: &Context,
) -> Result<Written, Failure> {
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.trim().is_empty()));
    if !prompt::is_interactive() {
        return Err(
            Failure::of(Code::ConsentNeeded, "there is nobody to write it").hint(format!(
                "{verb} --draft prints a draft; {verb} --from FILE takes it back"
            )),
        );
    }
    let editor = editor.ok_or_else(|| {
        Failure::usage("no editor is named: EDITOR is not set").hint(format!(
            "{verb} --draft >FILE, write it, {verb} --from FILE"
        ))
    })?;
    let dir = cx.home().runtime_dir();
    file::make_dir(dir)?;
    let path = dir.join(name);
    if file::read(&path)?.is_none() {
        file::create_new(&path, draft.as_bytes())?;
    } else {
        let again = format!("going on with what was written before: {}", path.display());
        cx.output().say(&again);
    }
    // As git does it: the variable may hold a program with options.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(&path)
        .status();
    if !status.is_ok_and(|s| s.success()) {
        return Err(
            Failure::of(Code::ProgramFailed, format!("the editor {editor} failed"))
                .hint(format!("what was written is in {}", path.display())),
        );
    }
    let text = text_from_file(&path)?;
    if text == draft {
        file::remove(&path)?;
        return Err(Failure::of(
            Code::NotAgreed,
            "nothing was written, nothing is signed",
        ));
    }
    Ok(Written { text, path })
}

/// What somebody wrote, and where it lies until it is in the log.
pub(super) struct Written {
    pub(super) text: String,
    path: std::path::PathBuf,
}

impl Written {
    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// It is in the log.
    pub(super) fn done(self) -> Result<(), Failure> {
        Ok(file::remove(&self.path)?)
    }

    /// It is not, and is not lost.
    pub(super) fn kept(&self, failure: Failure) -> Failure {
        failure.hint_first(format!("what you wrote is kept in {}", self.path.display()))
    }
}
