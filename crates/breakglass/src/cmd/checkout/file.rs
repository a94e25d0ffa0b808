//! A new file that only its owner reads, best in memory.

use std::path::Path;

use rustix::fs::{Access, access};

use crate::{
    hint::{Code, Failure},
    output::Output,
    state::file,
};

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of `statfs(2)`.
const IN_MEMORY: [i128; 2] = [0x0102_1994, 0x8584_58f6];

/// Refuses a file that could not be written, before anything is handed out. The folder must be
/// there: one that is made for a mistyped path lies where nobody meant it to, perhaps on a disk.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        let text = format!("{} exists already", path.display());
        return Err(
            Failure::of(Code::FileExists, text).hint("nothing was handed out; name a new file")
        );
    }
    let folder = folder(path);
    if !folder.is_dir() {
        let text = format!("{}: there is no such folder", folder.display());
        return Err(Failure::of(Code::FileMissing, text)
            .hint("nothing was handed out; make it, or name another: /dev/shm/cred"));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| {
        let text = format!("cannot write into {}: {e}", folder.display());
        Failure::of(Code::StateUnusable, text)
            .hint("nothing was handed out; name a folder of yours, or /dev/shm/cred")
    })
}

/// Says before it is written that a disk may keep it.
pub(super) fn warn_of_disk(path: &Path, output: Output) {
    if !is_in_memory(folder(path)) {
        output.warn("warning: that file is on a disk, which may keep it; prefer /dev/shm or /run");
    }
}

/// Writes the credential to a file that must not exist.
pub(super) fn write(path: &Path, content: &[u8], output: Output) -> Result<(), Failure> {
    file::create_new(path, content).map_err(|e| {
        Failure::from(e).hint("the checkout is on record; the next command gets the same answer")
    })?;
    output.say(&format!(
        "written to {}; remove it when done",
        path.display()
    ));
    Ok(())
}

/// The folder of a file that is not there yet.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn is_in_memory(folder: &Path) -> bool {
    let kind = rustix::fs::statfs(folder).map(|s| i128::from(s.f_type));
    kind.is_ok_and(|kind| IN_MEMORY.contains(&kind))
}
