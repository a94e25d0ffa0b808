//! One child process from its start to its end, within a given time.
//!
//! A single thread and a single `poll` over the pipes, the child's pidfd and a timer: no clock is
//! read, nothing is left behind, and a descendant that keeps a pipe open holds up nobody.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    io::{Errno, retry_on_intr},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create,
        timerfd_settime,
    },
};
use zeroize::Zeroizing;

/// The longest answer, in bytes.
pub(super) const STDOUT_MAX: usize = 1024 * 1024;
/// How much of the child's error output is captured, in bytes.
const STDERR_MAX: usize = 128 * 1024;
/// One read from a pipe.
const READ_BYTES: usize = 16 * 1024;
/// Reads from a pipe after the child's end: more than a pipe can hold, and bounded.
const DRAIN_READS: usize = 2 * STDOUT_MAX / READ_BYTES;
/// How long a killed child may take to be gone before it is left to the system, in seconds.
const KILLED_WAIT_S: i64 = 5;

/// How a child ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// Killed, because its time was over.
    TimedOut,
    /// Killed, because the system no longer let us watch it.
    Lost,
}

/// A child that ended, after the request, or some of it, was handed to it.
pub(super) struct Finished {
    pub(super) end: End,
    pub(super) stdout: Capture,
    pub(super) stderr: Capture,
}

/// Runs a child to its end. An error means that it was not started, and received nothing.
pub(super) fn run(mut command: Command, request: &[u8], timeout: Duration) -> io::Result<Finished> {
    // The timer comes first: without one, nothing is started.
    let timer = timer(timeout)?;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut running = Running::new(Group::new(command.spawn()?), timer)?;
    let end = match running.converse(request) {
        Ok(Watched::Exited) => {
            // The leader is not reaped yet, so that its number still names this group only.
            running.group.kill();
            match running.group.child.wait() {
                Ok(status) => End::Exited(status),
                Err(_) => End::Lost,
            }
        }
        Ok(Watched::TimedOut) => {
            running.kill();
            End::TimedOut
        }
        Err(_) => {
            running.kill();
            End::Lost
        }
    };
    running.group.over = true;
    running.stdout.drain();
    running.stderr.drain();
    Ok(Finished {
        end,
        stdout: running.stdout,
        stderr: running.stderr,
    })
}

enum Watched {
    Exited,
    TimedOut,
}

/// What `poll` waits for.
#[derive(Clone, Copy)]
enum Source {
    Timer,
    Exit,
    Stdin,
    Stdout,
    Stderr,
}

struct Running {
    group: Group,
    pidfd: OwnedFd,
    timer: OwnedFd,
    stdin: Option<ChildStdin>,
    stdout: Capture,
    stderr: Capture,
}

impl Running {
    fn new(mut group: Group, timer: OwnedFd) -> io::Result<Self> {
        let pidfd = pidfd_open(group.pid, PidfdFlags::empty())?;
        let stdin = group.child.stdin.take();
        if let Some(pipe) = &stdin {
            fcntl_setfl(pipe, OFlags::NONBLOCK)?;
        }
        let stdout = Capture::new(group.child.stdout.take().map(OwnedFd::from), STDOUT_MAX)?;
        let stderr = Capture::new(group.child.stderr.take().map(OwnedFd::from), STDERR_MAX)?;
        Ok(Self {
            group,
            pidfd,
            timer,
            stdin,
            stdout,
            stderr,
        })
    }

    /// Writes the request and reads both outputs until the child ends or its time is over.
    fn converse(&mut self, request: &[u8]) -> io::Result<Watched> {
        let mut rest = request;
        loop {
            for source in self.ready()? {
                match source {
                    Source::Exit => return Ok(Watched::Exited),
                    Source::Timer => return Ok(Watched::TimedOut),
                    Source::Stdin => rest = self.write(rest),
                    Source::Stdout => _ = self.stdout.read(),
                    Source::Stderr => _ = self.stderr.read(),
                }
            }
        }
    }

    fn ready(&self) -> io::Result<Vec<Source>> {
        let pipes = [
            (Source::Stdin, self.stdin.as_ref().map(AsFd::as_fd)),
            (Source::Stdout, self.stdout.fd()),
            (Source::Stderr, self.stderr.fd()),
        ];
        let always = [
            (Source::Exit, Some(self.pidfd.as_fd())),
            (Source::Timer, Some(self.timer.as_fd())),
        ];
        let sources: Vec<(Source, BorrowedFd<'_>)> = always
            .into_iter()
            .chain(pipes)
            .filter_map(|(source, fd)| fd.map(|fd| (source, fd)))
            .collect();
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|(source, fd)| PollFd::from_borrowed_fd(*fd, source.interest()))
            .collect();
        retry_on_intr(|| poll(&mut fds, None))?;
        let ready = sources.iter().zip(&fds);
        Ok(ready
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|((source, _), _)| *source)
            .collect())
    }

    /// Writes what the pipe takes and returns the rest. Closes the pipe after the last byte, and
    /// where the child no longer reads: it may answer all the same.
    fn write<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some(pipe) = &self.stdin else { return rest };
        let rest = match rustix::io::write(pipe, rest) {
            Ok(written) => rest.get(written..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => rest,
            Err(_) => &[],
        };
        if rest.is_empty() {
            self.stdin = None;
        }
        rest
    }

    /// Kills the group and waits a while for the child to be gone; one that even the system
    /// cannot end (a dead network disk) is not waited for longer.
    fn kill(&mut self) {
        self.group.kill();
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let patience = Timespec {
            tv_sec: KILLED_WAIT_S,
            tv_nsec: 0,
        };
        let _ = retry_on_intr(|| poll(&mut fds, Some(&patience)));
        let _ = self.group.child.try_wait();
    }
}

impl Source {
    const fn interest(self) -> PollFlags {
        match self {
            Self::Stdin => PollFlags::OUT,
            Self::Timer | Self::Exit | Self::Stdout | Self::Stderr => PollFlags::IN,
        }
    }
}

/// A child that leads its process group; the group does not outlive this value.
struct Group {
    child: Child,
    pid: Pid,
    over: bool,
}

impl Group {
    fn new(child: Child) -> Self {
        let pid = Pid::from_child(&child);
        Self {
            child,
            pid,
            over: false,
        }
    }

    fn kill(&self) {
        // An error says that nobody is left.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

/// The beginning of an output, wiped when dropped, and how long all of it was.
pub(super) struct Capture {
    pipe: Option<OwnedFd>,
    kept: Zeroizing<Vec<u8>>,
    limit: usize,
    total: usize,
}

impl Capture {
    fn new(pipe: Option<OwnedFd>, limit: usize) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, OFlags::NONBLOCK)?;
        }
        // All of it at once: a buffer that grows leaves copies of its content behind.
        let kept = Zeroizing::new(Vec::with_capacity(limit));
        Ok(Self {
            pipe,
            kept,
            limit,
            total: 0,
        })
    }

    /// What was captured.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// How many bytes there were in all.
    pub(super) fn total(&self) -> i64 {
        i64::try_from(self.total).unwrap_or(i64::MAX)
    }

    /// Whether there were more than were captured.
    pub(super) fn is_cut(&self) -> bool {
        self.total > self.kept.len()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads once; false: nothing there now, or nothing any more.
    fn read(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut buffer = Zeroizing::new([0; READ_BYTES]);
        match rustix::io::read(pipe, buffer.as_mut_slice()) {
            Ok(0) => self.pipe = None,
            Ok(got) => {
                let room = self.limit.saturating_sub(self.kept.len());
                let kept = buffer.get(..got.min(room)).unwrap_or_default();
                self.kept.extend_from_slice(kept);
                self.total = self.total.saturating_add(got);
                return true;
            }
            Err(Errno::INTR) => return true,
            Err(Errno::AGAIN) => {}
            Err(_) => self.pipe = None,
        }
        false
    }

    /// Reads what lies in the pipe after the child's end.
    fn drain(&mut self) {
        for _ in 0..DRAIN_READS {
            if !self.read() {
                break;
            }
        }
    }
}

/// A timer that runs out once, after `timeout`.
fn timer(timeout: Duration) -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let zero = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let once = Itimerspec {
        it_interval: zero,
        it_value: Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    Ok(timer)
}
