//! Taking times.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// What something took, and what came of it.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock; nothing in the product depends on it"
)]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}

/// Times of the same thing.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The time that so many of a hundred stay below, in milliseconds.
    fn of_hundred(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = (sorted.len() * percent / 100).min(sorted.len() - 1);
        sorted.get(at).unwrap().as_secs_f64() * 1000.0
    }

    pub(crate) fn median_ms(&self) -> f64 {
        self.of_hundred(50)
    }

    pub(crate) fn print(&self, name: &str) {
        let [median, most, nearly_all] = [50, 95, 99].map(|p| self.of_hundred(p));
        println!("{name:<44} {median:>6.2} ms {most:>6.2} ms {nearly_all:>6.2} ms");
    }
}

/// A file beside the database that grows as a log of appends would.
pub(crate) struct Disk {
    file: File,
    block: [u8; 4096],
}

impl Disk {
    pub(crate) fn new(dir: &Path) -> Self {
        let file = File::create(dir.join("raw")).unwrap();
        let block = [7; 4096];
        Self { file, block }
    }

    pub(crate) fn append(&mut self) {
        self.file.write_all(&self.block).unwrap();
        self.file.sync_data().unwrap();
    }
}
