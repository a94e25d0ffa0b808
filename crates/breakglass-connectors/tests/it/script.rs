//! A shell script in a directory of its own.

use std::{fs, path::PathBuf, time::Duration};

use breakglass_connectors::command::Command;
use tempfile::TempDir;

/// Long enough for a shell on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// For a child that hangs.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) struct Script {
    dir: TempDir,
    pub(crate) command: Command,
}

impl Script {
    /// A script that finds its directory in `$dir` and its request in `$request`.
    pub(crate) fn new(timeout: Duration, body: &str) -> Self {
        Self::raw(timeout, &format!("dir=$1\nrequest=$(cat)\n{body}\n"))
    }

    /// A script that reads its request itself, or does not.
    pub(crate) fn raw(timeout: Duration, body: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        fs::write(&path, body).unwrap();
        // The shell reads the script; run directly, it could still be open for writing in a child
        // that another test is just starting ("text file busy").
        let args = [&path, &dir.path().to_owned()].map(|p| p.to_str().unwrap().to_owned());
        let command = Command::new("/bin/sh", args.to_vec(), timeout).unwrap();
        Self { dir, command }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap()).into_owned()
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }
}
