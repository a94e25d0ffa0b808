//! Faults that the kernel returns, and the power going, at every write of a real process.
//!
//! `appender.rs` is the process: it makes or opens a ledger, appends, and says on a pipe what is
//! durable. `strace.rs` runs it with one fault at one of its system calls, `sweep.rs` chooses the
//! calls, `short.rs` has writes end early, `full.rs` has a real disk fill up, `cut.rs` and `disk.rs`
//! replay what it wrote to a disk that forgets what was not synced, and `power.rs` has it write to
//! the kernel's file system on such a disk. `judge.rs` says what must hold afterwards, whatever it
//! was.

mod appender;
mod calls;
mod cut;
mod disk;
mod effects;
mod full;
mod image;
mod judge;
#[cfg_attr(
    not(feature = "power-cuts"),
    expect(dead_code, reason = "only root can mount what it needs")
)]
mod power;
mod short;
mod strace;
mod sweep;

use std::io::Write as _;

/// Whether the sweep is to leave nothing out.
fn everything() -> bool {
    std::env::var_os("BREAKGLASS_EVERY_FAULT").is_some()
}

/// Whether strace is there; if not, the test named so is recorded as skipped.
fn strace_is_there(test: &str) -> bool {
    let asked = std::process::Command::new("strace").arg("-V").output();
    if asked.is_err() {
        skipped(test, "no strace on PATH");
    }
    asked.is_ok()
}

/// Records that a test could not run here.
fn skipped(test: &str, reason: &str) {
    let reason = format!("faults::{test}: {reason}\n");
    match std::env::var_os("BREAKGLASS_SKIP_FILE") {
        Some(path) => {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.append(true).create(true).open(path).unwrap();
            file.write_all(reason.as_bytes()).unwrap();
        }
        None => print!("skipped {reason}"),
    }
}
