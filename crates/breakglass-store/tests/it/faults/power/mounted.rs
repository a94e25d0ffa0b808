//! What is mounted, for as long as it is wanted, in a process that sees it alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says that this process has mounts of its own, and names the file to write so into.
const ALONE: &str = "BREAKGLASS_POWER_ALONE";

/// Whether this process has mounts of its own: nobody else sees them, and they go with it even
/// when it is killed. If not, the test runs in another one that has, and must pass there.
pub(crate) fn alone(test: &str) -> bool {
    if let Some(path) = std::env::var_os(ALONE) {
        std::fs::write(path, test).unwrap();
        return true;
    }
    let note = tempfile::NamedTempFile::new().unwrap();
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("faults::power::{test}"), "--nocapture"])
        .env(ALONE, note.path())
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{test} (which only root can run)");
    // That no test has the name is a success as well.
    assert_eq!(std::fs::read_to_string(note.path()).unwrap(), test);
    false
}

/// A place where something is mounted; it is taken away with it, also when a test fails.
#[derive(Debug)]
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts what the command names at a place that exists.
    pub(crate) fn by(mut mount: Command, place: &Path) -> Self {
        let output = mount.arg(place).output().unwrap();
        assert!(output.status.success(), "{mount:?}: {output:?}");
        Self(place.to_owned())
    }

    /// Mounts the ext4 in a file, over a loop device that goes with it.
    pub(crate) fn ext4(file: &Path, place: &Path) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "ext4", "-o", "loop"]).arg(file);
        Self::by(mount, place)
    }

    /// Where.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmount = |lazily: &[&str]| {
            let mut umount = Command::new("umount");
            let output = umount.args(lazily).arg(&self.0).output();
            output.is_ok_and(|output| output.status.success())
        };
        if !unmount(&[]) {
            let later = unmount(&["-l"]);
            let place = self.0.display();
            assert!(
                std::thread::panicking(),
                "{place} is in use; off later: {later}"
            );
        }
    }
}
