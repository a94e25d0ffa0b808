//! Every step by which a checkpoint is kept is made to fail, or to be the last: what was given out
//! is never forgotten, and a witness that does not know what is durable ends.

use std::{path::Path, process::Command};

use super::{Log, Witness, arguments, assert_cosigned, client};
use crate::ssh::skipped;

/// What `serve` and `witness` end with when they do not know what is durable.
const UNKNOWN: i32 = 70;
/// Checkpoints submitted under each fault.
const SIZES: u64 = 4;

/// The system calls of a checkpoint, in their order: the file is synced, renamed, and its folder
/// synced. Which of them fails, and how.
const FAULTS: [&str; 5] = [
    "fsync:error=EIO",
    "fsync:error=ENOSPC",
    "fsync:signal=KILL",
    "/^rename:error=EIO",
    "/^rename:signal=KILL",
];

/// A witness whose calls of this kind fail, the nth in each thread; another thread's first is
/// another one. The tracer is a grandchild, so that the witness is ours to end.
fn faulty(dir: &Path, fault: &str, nth: u32) -> Command {
    let mut strace = Command::new("strace");
    let inject = format!("inject={fault}:when={nth}");
    strace.args([
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync,/^rename",
    ]);
    strace.args(["-e", &inject, "--"]);
    strace.arg(env!("CARGO_BIN_EXE_breakglass"));
    arguments(strace, dir)
}

/// What the witness gave out, and how it ended, where it did.
fn under(fault: &str, nth: u32, dir: &Path, log: &Log) -> (u64, Option<Option<i32>>) {
    let mut witness =
        Witness::start_by(faulty(dir, fault, nth), "w.example/w1", log.key.verifier());
    let mut given = 0;
    for _ in 0..SIZES {
        let request = log.request(given, given + 1).into_bytes();
        match client::post(&witness.url, &request) {
            Some(reply) if reply.status == 200 => {
                assert_cosigned(&reply, &log.signed(given + 1), &witness.key);
                given += 1;
            }
            Some(reply) => assert_eq!(reply.status, 500, "{fault} {nth}"),
            None => return (given, Some(witness.program.wait().code())),
        }
    }
    witness.kill();
    (given, None)
}

#[test]
fn every_step_of_keeping_a_checkpoint_fails_and_nothing_given_out_is_forgotten() {
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped("faults_of_a_witness", "no strace on PATH");
    }
    let (log, fork) = (Log::new(b'a', 20), Log::new(b'b', 20));
    let (mut killed, mut unknown, mut refused) = (0, 0, 0);
    for fault in FAULTS {
        for nth in 1..=6 {
            let dir = tempfile::tempdir().unwrap();
            // The key is made before anything fails.
            drop(Witness::start(dir.path(), log.key.verifier()));
            let (given, ended) = under(fault, nth, dir.path(), &log);
            match ended {
                None if given < SIZES => refused += 1,
                None => {}
                Some(None) => killed += 1,
                Some(Some(status)) => {
                    assert_eq!(status, UNKNOWN, "{fault} {nth}");
                    unknown += 1;
                }
            }
            let witness = Witness::start(dir.path(), log.key.verifier());
            let kept = witness.latest(&log).unwrap_or(0);
            assert!(
                kept == given || kept == given + 1,
                "{fault} {nth}: {kept}, {given} given"
            );
            if kept > 0 {
                assert_eq!(witness.submit(&fork, kept, kept + 1).status, 422);
            }
            assert_eq!(witness.submit(&log, kept, kept + 2).status, 200);
        }
    }
    // Each way to end was seen: otherwise nothing failed, and nothing was shown.
    assert!(
        killed > 3 && unknown > 1 && refused > 3,
        "{killed} {unknown} {refused}"
    );
}
