//! The appender under strace: once to see what it does, then with a fault at one of its calls.
//!
//! A signal that strace injects reaches the thread on the way into the call, and SIGKILL ends it
//! there: the call has not happened. That it has, and the process ended before it knew, is SIGKILL
//! on the way into the call that follows: between two calls nothing durable changes.

use std::fs;
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::appender::VARIABLE;
use super::calls::{Call, parse};
use super::effects::{Step, steps};
use super::image;
use super::judge::{Acknowledged, acknowledged};

/// The test that is the process.
const APPENDER: &str = "faults::appender::whoever_appends_acknowledges_each_commit_and_ends";

/// Calls that change files, names or permissions, and those that say which file is which.
const WRITES: &str = "openat,mkdir,write,pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,\
    rename,renameat,renameat2,link,linkat,unlink,unlinkat,fchmod,fchown,close";

/// Which calls are written down, and how much of what they write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Every call, without contents.
    All,
    /// What writes, with contents.
    Contents,
}

/// What happens at which call: `name` for the `count`th time in its thread, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) name: String,
    pub(crate) count: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// Does not happen, and fails with this.
    Fails(&'static str),
    /// Does not happen, and neither does anything after it.
    Kill,
}

/// What is there before the process starts.
#[derive(Debug)]
pub(crate) struct Start {
    dir: Option<TempDir>,
    /// The size of the log.
    pub(crate) size: Option<u64>,
}

impl Start {
    /// Nothing.
    pub(crate) const fn nothing() -> Self {
        Self {
            dir: None,
            size: None,
        }
    }

    /// A ledger that a process which was killed left behind.
    pub(crate) fn crashed() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let size = super::appender::crashed(dir.path());
        Self {
            dir: Some(dir),
            size: Some(size),
        }
    }

    /// A directory that has it.
    pub(crate) fn place(&self) -> TempDir {
        let place = tempfile::tempdir().unwrap();
        if let Some(dir) = &self.dir {
            image::copy(dir.path(), place.path());
        }
        place
    }
}

/// What became of one run of the process.
#[derive(Debug)]
pub(crate) struct Run {
    /// Where it worked.
    pub(crate) place: TempDir,
    pub(crate) status: ExitStatus,
    pub(crate) acknowledged: Vec<Acknowledged>,
    pub(crate) calls: Vec<Call>,
    pub(crate) steps: Vec<Step>,
}

/// The arguments that make this program the process.
pub(crate) const ARGUMENTS: &[&str] = &["--exact", APPENDER, "--nocapture", "--test-threads=1"];

/// Runs the process in a copy of `start`.
pub(crate) fn run(start: &Start, watch: Watch, fault: Option<&Fault>) -> Run {
    let place = start.place();
    let notes = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    // Not --seccomp-bpf: strace 6.1 then loses count of the calls that it injects into.
    strace.args(["-f", "-xx", "-o"]).arg(notes.path());
    let traced = match watch {
        Watch::All => "all".to_owned(),
        Watch::Contents => WRITES.to_owned(),
    };
    match fault {
        // Contents are of no interest, and the call may be one that does not write.
        Some(fault) => {
            let (name, count) = (&fault.name, fault.count);
            let what = match fault.what {
                What::Fails(error) => format!("error={error}"),
                What::Kill => "signal=SIGKILL".to_owned(),
            };
            strace.args(["-s", "0", "-e", &format!("trace={WRITES},{name}")]);
            strace.args(["-e", &format!("inject={name}:{what}:when={count}")]);
        }
        None => {
            let length = if watch == Watch::All { "0" } else { "100000" };
            strace.args(["-s", length, "-e", &format!("trace={traced}")]);
        }
    }
    let output = strace
        .arg(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        // Whatever the loader is told of by others, it looks at files for.
        .env_clear()
        .env(VARIABLE, place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let calls = parse(&fs::read_to_string(notes.path()).unwrap());
    Run {
        steps: steps(&calls, place.path().to_str().unwrap()),
        calls,
        status: output.status,
        acknowledged: acknowledged(&String::from_utf8_lossy(&output.stdout)),
        place,
    }
}
