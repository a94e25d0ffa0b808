//! Stock OpenSSH programs, started by the test itself.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use breakglass_format::statement::Kind;

/// Whether the programs are there; if not, the test named so is recorded as skipped.
pub(crate) fn available(test: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| {
        let asked = Command::new(program)
            .arg("-?")
            .stdin(Stdio::null())
            .output();
        asked.is_err()
    });
    let Some(program) = missing else { return true };
    skipped(test, &format!("no {program} on PATH"));
    false
}

/// Records that a test could not run here.
pub(crate) fn skipped(test: &str, reason: &str) {
    let reason = format!("{test}: {reason}\n");
    match std::env::var_os("BREAKGLASS_SKIP_FILE") {
        Some(path) => {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.append(true).create(true).open(path).unwrap();
            file.write_all(reason.as_bytes()).unwrap();
        }
        None => print!("skipped {reason}"),
    }
}

/// Runs `ssh-keygen` with arguments and must succeed.
pub(crate) fn keygen(args: &[&str]) -> Output {
    let output = Command::new("ssh-keygen")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "ssh-keygen {args:?}: {output:?}");
    output
}

/// A new key file of a type, with a passphrase or without.
pub(crate) fn new_key(dir: &Path, kind: &str, passphrase: &str) -> PathBuf {
    let path = dir.join(format!("id_{kind}"));
    let at = path.to_str().unwrap();
    keygen(&["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", at]);
    path
}

/// Whether stock `ssh-keygen -Y verify` accepts a signature of the key beside `key_file`.
pub(crate) fn verifies(key_file: &Path, kind: Kind, text: &[u8], armoured: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let public = std::fs::read_to_string(key_file.with_extension("pub")).unwrap();
    let allowed = dir.path().join("allowed_signers");
    std::fs::write(&allowed, format!("alice {public}")).unwrap();
    let signature = dir.path().join("sig");
    std::fs::write(&signature, armoured).unwrap();
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "alice", "-n", kind.namespace(), "-f"])
        .arg(&allowed)
        .arg("-s")
        .arg(&signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    child.wait().unwrap().success()
}

/// An agent of the test's own, ended when dropped.
pub(crate) struct RunningAgent {
    child: Child,
    pub(crate) socket: PathBuf,
    _dir: tempfile::TempDir,
}

impl RunningAgent {
    /// Starts one and waits until it takes connections.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent");
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It prints its environment once it listens.
        let mut first = [0];
        let out = child.stdout.as_mut().unwrap();
        std::io::Read::read_exact(out, &mut first).unwrap();
        Self {
            child,
            socket,
            _dir: dir,
        }
    }

    /// Adds a key file.
    pub(crate) fn add(&self, key: &Path) {
        let output = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for RunningAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
