//! How far something has come, on one line of a terminal that is drawn anew; nothing where nobody
//! looks.

use std::{
    io::{IsTerminal, Write as _},
    sync::{Mutex, PoisonError},
};

use breakglass_format::Timestamp;

use super::{Output, screen::length};
use crate::clock::{Clock as _, SystemClock};

/// Milliseconds between two drawings.
const EVERY_MS: i64 = 100;
/// Milliseconds after which a rate says something.
const SETTLED_MS: i64 = 500;
/// Characters of the bar itself.
const WIDTH: u64 = 20;

/// A bar on standard error.
#[derive(Debug)]
pub struct Bar {
    /// What is shown; none where standard error is no terminal, or programs read.
    shown: Option<Mutex<Shown>>,
}

#[derive(Debug)]
struct Shown {
    what: &'static str,
    begun: Timestamp,
    drawn: Timestamp,
}

impl Shown {
    /// Something begins, and was never drawn.
    const fn of(what: &'static str, begun: Timestamp) -> Self {
        let drawn = Timestamp::EPOCH;
        Self { what, begun, drawn }
    }
}

impl Bar {
    /// A bar that nothing is shown on yet.
    #[must_use]
    pub fn new(output: Output) -> Self {
        let looks = !output.is_json() && std::io::stderr().is_terminal();
        let shown = looks.then(|| Mutex::new(Shown::of("", Timestamp::EPOCH)));
        Self { shown }
    }

    /// So many of so many are done of something. From any thread; drawn ten times a second.
    pub fn show(&self, what: &'static str, done: u64, of: u64) {
        // Who finds it being drawn has nothing newer to say.
        let Some(Ok(mut shown)) = self.shown.as_ref().map(Mutex::try_lock) else {
            return;
        };
        let now = SystemClock.now();
        if shown.what != what {
            *shown = Shown::of(what, now);
        }
        if now.since_ms(shown.drawn) >= EVERY_MS {
            shown.drawn = now;
            let line = text(what, (done, of), now.since_ms(shown.begun));
            let _ = write!(std::io::stderr(), "\r\u{1b}[K{line}");
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        let Some(shown) = &self.shown else {
            return;
        };
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Shown::of("", Timestamp::EPOCH);
        let _ = write!(std::io::stderr(), "\r\u{1b}[K");
    }
}

/// `[##########          ] 50% hashing entries, 500,000 of 1,000,000, 250,000/s, 2 s left`
fn text(what: &str, (done, of): (u64, u64), took_ms: i64) -> String {
    let done = done.min(of);
    let part = |whole: u64| done.saturating_mul(whole).checked_div(of).unwrap_or(whole);
    let filled = usize::try_from(part(WIDTH)).unwrap_or(0);
    let empty = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(filled);
    let (bar, rest) = ("#".repeat(filled), " ".repeat(empty));
    let mut line = format!(
        "[{bar}{rest}] {:>3}% {what}, {} of {}",
        part(100),
        grouped(done),
        grouped(of)
    );
    let took_ms = u64::try_from(took_ms).unwrap_or(0);
    if took_ms >= SETTLED_MS.unsigned_abs() && done > 0 {
        let rate = done.saturating_mul(1000) / took_ms;
        let left = (of - done).checked_div(rate).unwrap_or(0);
        line.push_str(&format!(", {}/s, {} left", grouped(rate), length(left)));
    }
    line
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_is_done_how_fast_and_how_long_it_takes() {
        let cases: [(u64, u64, i64, &str); 4] = [
            (
                500_000,
                1_000_000,
                2_000,
                "[##########          ]  50% reading, 500,000 of 1,000,000, 250,000/s, 2 s left",
            ),
            (
                1,
                1_000,
                100,
                "[                    ]   0% reading, 1 of 1,000",
            ),
            (0, 0, 9_000, "[####################] 100% reading, 0 of 0"),
            (
                10,
                7_210,
                1_000,
                "[                    ]   0% reading, 10 of 7,210, 10/s, 12 min left",
            ),
        ];
        for (done, of, took, line) in cases {
            assert_eq!(text("reading", (done, of), took), line);
        }
    }
}
