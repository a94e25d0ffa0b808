//! A program that runs while the test does, and not longer.

use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

/// The program. Dropped, it is killed if it is there still.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Ends it at once, wherever it is.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        assert!(self.wait().success());
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
