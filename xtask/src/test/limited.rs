//! Running a program with its output in a file and an end to our patience.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::error::Error;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With exit status 0.
    Succeeded,
    /// With another exit status, or by a signal.
    Failed,
    /// By our hand, because it took longer than it may.
    TimedOut,
}

/// Runs `command` for at most `limit`, with both its outputs in the file `log`. A file and not a
/// pipe, so that a grandchild that lives on cannot keep us waiting for the end of its output.
pub(crate) fn run(mut command: Command, log: &Path, limit: Duration) -> Result<Ending, Error> {
    let output = File::create(log).map_err(Error::file(log))?;
    let errors = output.try_clone().map_err(Error::file(log))?;
    let name = command.get_program().to_string_lossy().into_owned();
    let watch = Stopwatch::start();
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut child = command.spawn().map_err(Error::spawn(&name))?;
    let status = wait(&mut child, limit, watch).map_err(Error::spawn(&name))?;
    Ok(status.map_or(Ending::TimedOut, |status| {
        if status.success() {
            Ending::Succeeded
        } else {
            Ending::Failed
        }
    }))
}

/// Waits for the child; `None` when it had to be killed.
fn wait(
    child: &mut Child,
    limit: Duration,
    watch: Stopwatch,
) -> std::io::Result<Option<ExitStatus>> {
    const PAUSE: Duration = Duration::from_millis(20);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if watch.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, run};
    use std::path::PathBuf;
    use std::process::Command;
    use std::time::Duration;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn log(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-limited-{name}-{}", std::process::id()))
    }

    #[test]
    fn both_outputs_are_kept() {
        let log = log("both");
        let ending = run(
            shell("echo out; echo err >&2"),
            &log,
            Duration::from_secs(60),
        )
        .unwrap();
        assert_eq!(ending, Ending::Succeeded);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out\nerr\n");
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn an_exit_status_is_a_failure() {
        let log = log("status");
        let ending = run(shell("exit 3"), &log, Duration::from_secs(60)).unwrap();
        assert_eq!(ending, Ending::Failed);
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn a_program_that_never_ends_is_killed() {
        let log = log("killed");
        let ending = run(shell("while :; do :; done"), &log, Duration::ZERO).unwrap();
        assert_eq!(ending, Ending::TimedOut);
        std::fs::remove_file(&log).unwrap();
    }
}
