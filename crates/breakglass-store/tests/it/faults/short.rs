//! Writes that end early: the kernel writes as much as the limit on the size of a file allows, and
//! refuses the rest.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use super::appender::{REFUSED, UNKNOWN, VARIABLE};
use super::effects::Effect;
use super::judge::{acknowledged, judge};
use super::strace::{ARGUMENTS, Start, Watch, run};
use super::{everything, strace_is_there};

/// Where within a frame of the write-ahead log, or a page, a write ends.
const WITHIN: &[u64] = &[0, 1, 23, 24, 25, 2_072];
/// The longest file that the process may have unless it is to fail at once, in bytes.
const STEP: u64 = 4_096 + 24;

/// What happens to a process that goes beyond the limit.
#[derive(Debug, Clone, Copy)]
enum Beyond {
    /// It is told so.
    Told,
    /// It ends there.
    Dies,
}

fn limited(start: &Start, bytes: u64, beyond: Beyond) -> (tempfile::TempDir, Output) {
    let place = start.place();
    let trap = match beyond {
        Beyond::Told => "trap '' XFSZ; ",
        Beyond::Dies => "",
    };
    let script = format!("{trap}exec prlimit --fsize={bytes} -- \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(VARIABLE, place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (place, output)
}

/// The lengths between which a file grows while the process works.
fn growth(start: &Start) -> std::ops::Range<u64> {
    let steps = run(start, Watch::All, None).steps;
    let ends = steps.iter().filter_map(|step| match &step.effect {
        Effect::Write { name, offset, .. } if name.ends_with("-wal") => Some(*offset as u64),
        Effect::Open { .. }
        | Effect::Mkdir(_)
        | Effect::Write { .. }
        | Effect::Truncate { .. }
        | Effect::Sync(_)
        | Effect::Rename { .. }
        | Effect::Unlink(_)
        | Effect::Attributes(_)
        | Effect::Says => None,
    });
    let ends: Vec<u64> = ends.collect();
    *ends.iter().min().unwrap()..*ends.iter().max().unwrap()
}

#[test]
fn a_write_that_ends_early_ends_the_process_and_loses_nothing() {
    if !strace_is_there("short::a_write_that_ends_early_ends_the_process_and_loses_nothing") {
        return;
    }
    let start = Start::nothing();
    let growth = growth(&start);
    let limits = growth.step_by(usize::try_from(STEP).unwrap());
    let limits = limits.flat_map(|frame| WITHIN.iter().map(move |within| frame + within));
    let mut ended = 0;
    for (number, limit) in limits.enumerate() {
        let beyond = [Beyond::Told, Beyond::Dies];
        // Every other one, unless nothing is to be left out.
        let all = if everything() {
            &beyond[..]
        } else {
            &beyond[number % 2..=number % 2]
        };
        for beyond in all {
            let (place, output) = limited(&start, limit, *beyond);
            let acknowledged = acknowledged(&String::from_utf8_lossy(&output.stdout));
            let (status, signal) = (output.status.code(), output.status.signal());
            match (beyond, status, signal) {
                (Beyond::Told, Some(UNKNOWN | REFUSED), None) | (Beyond::Dies, None, Some(25)) => {
                    ended += 1;
                }
                (_, Some(0), None) => {}
                _ => panic!("{limit} bytes, {beyond:?}: {:?}", output.status),
            }
            if let Err(what) = judge(place.path(), start.size, &acknowledged) {
                panic!("{limit} bytes, {beyond:?}: {what}");
            }
        }
    }
    assert!(ended > 80, "only {ended} were stopped");
}
