//! Asking the person at the terminal.

use std::{
    io::{BufRead, IsTerminal, Read, Write},
    os::fd::AsFd,
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Whether there is somebody to ask.
#[must_use]
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question that only `y` or `yes` answers with yes.
#[must_use]
pub fn confirm(question: &str) -> bool {
    let answer = line(&format!("{question} [y/N]"));
    answer.is_some_and(|a| matches!(a.trim(), "y" | "Y" | "yes" | "Yes"))
}

/// Asks for a line of text; `None` at the end of input.
#[must_use]
pub fn line(question: &str) -> Option<String> {
    let _ = write!(std::io::stderr(), "{question} ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin()
        .lock()
        .take(ANSWER_BYTES_MAX)
        .read_line(&mut answer);
    read.is_ok_and(|n| n > 0).then_some(answer)
}

/// Asks for a secret without showing it; from a pipe one line is read.
///
/// # Errors
///
/// Standard input cannot be read, or its echo cannot be turned off.
pub fn secret(label: &str) -> std::io::Result<Zeroizing<String>> {
    let stdin = std::io::stdin();
    let _quiet = if stdin.is_terminal() {
        let _ = write!(std::io::stderr(), "{label}: ");
        let _ = std::io::stderr().flush();
        Some(Quiet::begin()?)
    } else {
        None
    };
    // Sized in advance, so that the buffer does not move and leave copies behind.
    let mut answer = Zeroizing::new(String::with_capacity(4096));
    stdin.lock().take(ANSWER_BYTES_MAX).read_line(&mut answer)?;
    while answer.ends_with(['\n', '\r']) {
        answer.pop();
    }
    Ok(answer)
}

/// The terminal without echo, until dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> std::io::Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(stdin.as_fd())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(stdin.as_fd(), OptionalActions::Flush, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Now, &self.before);
    }
}
