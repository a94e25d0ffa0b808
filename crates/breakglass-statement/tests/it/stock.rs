//! The stock tool, where it is installed.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use breakglass_format::Timestamp;

/// Notes a test that could not run, for the run's report.
fn skip(test: &str) {
    let Some(path) = std::env::var_os("BREAKGLASS_SKIP_FILE") else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(path);
    writeln!(file.unwrap(), "{test}: ssh-keygen is not installed").unwrap();
}

/// Runs ssh-keygen with a file as its input. In a time zone that is not UTC, so that a time read
/// as local is found out. None where it is not installed.
pub(crate) fn keygen<S: AsRef<OsStr>>(
    test: &str,
    args: &[S],
    input: Option<&Path>,
) -> Option<Result<String, String>> {
    let stdin = input.map_or_else(Stdio::null, |path| File::open(path).unwrap().into());
    let run = Command::new("ssh-keygen")
        .args(args)
        .env("TZ", "Asia/Tokyo")
        .stdin(stdin)
        .output();
    match run {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip(test);
            None
        }
        output => {
            let output = output.unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if output.status.success() {
                Some(Ok(text(&output.stdout)))
            } else {
                Some(Err(text(&output.stdout) + &text(&output.stderr)))
            }
        }
    }
}

/// What `ssh-keygen -Y verify` is asked.
pub(crate) struct Question<'a> {
    pub(crate) allowed_signers: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) armoured: &'a str,
    pub(crate) message: &'a [u8],
    pub(crate) at: Timestamp,
}

/// Asks `ssh-keygen -Y verify`.
pub(crate) fn verify(test: &str, question: &Question<'_>) -> Option<Result<String, String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("allowed"), question.allowed_signers).unwrap();
    std::fs::write(path("sig"), question.armoured).unwrap();
    std::fs::write(path("message"), question.message).unwrap();
    let time = format!("-Overify-time={}", question.at.ssh_time());
    let (allowed, sig) = (path("allowed"), path("sig"));
    let args: Vec<&OsStr> = vec![
        "-Y".as_ref(),
        "verify".as_ref(),
        "-f".as_ref(),
        allowed.as_ref(),
        "-I".as_ref(),
        question.principal.as_ref(),
        "-n".as_ref(),
        question.namespace.as_ref(),
        "-s".as_ref(),
        sig.as_ref(),
        time.as_ref(),
    ];
    keygen(test, &args, Some(&path("message")))
}
