//! A new file that only its owner reads, best in memory.

use std::path::Path;

use crate::{hint::Failure, output::Output, state::file};

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of `statfs(2)`.
const IN_MEMORY: [i128; 2] = [0x0102_1994, 0x8584_58f6];

/// Writes the credential to a file that must not exist.
pub(super) fn write(path: &Path, content: &[u8], output: Output) -> Result<(), Failure> {
    file::create_new(path, content)
        .map_err(|e| Failure::from(e).hint("the answer is on record; check out again"))?;
    output.say(&format!(
        "written to {}; remove it when done",
        path.display()
    ));
    if !is_in_memory(path) {
        output.warn("warning: that file is on a disk, which may keep it; prefer /dev/shm or /run");
    }
    Ok(())
}

fn is_in_memory(path: &Path) -> bool {
    let kind = rustix::fs::statfs(path).map(|s| i128::from(s.f_type));
    kind.is_ok_and(|kind| IN_MEMORY.contains(&kind))
}
