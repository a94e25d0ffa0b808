//! The power goes while a real process writes.
//!
//! What the process asked of the kernel is written down by strace, bytes and all, and done again
//! to a [`Disk`] of our own up to a moment of our choice. No file system layer inside the process
//! takes part: that would be a VFS for SQLite, in unsafe code, and would not see what the ledger
//! does beside it. This way everything is seen: the database, its write-ahead log, the mark, and
//! the names of all of them.

use super::disk::Disk;
use super::effects::{Effect, Step};
use super::judge::judge;
use super::strace::{Run, Start, Watch, run};
use super::{everything, strace_is_there};
use crate::fixture::Numbers;

const SEED: u64 = 0x0070_6f77_6572;
/// How often the power goes, of each process.
const CUTS: usize = 60;
const CUTS_OF_EVERYTHING: usize = 2_000;
/// How often the power goes on a disk that lies, until it shows.
const LIES: usize = 200;

/// What one process did, from start to end.
struct Film {
    start: Start,
    before: Disk,
    run: Run,
}

impl Film {
    fn new(start: Start) -> Self {
        let run = run(&start, Watch::Contents, None);
        assert!(run.status.success(), "{:?}", run.status);
        let before = Disk::of(start.place().path());
        Self { start, before, run }
    }

    /// Those of its steps that did anything.
    fn steps(&self) -> Vec<&Step> {
        let steps = self.run.steps.iter().filter(|step| step.done);
        steps.collect()
    }

    /// Lets the power go after `moment` steps, and says what does not hold of what is left.
    fn cut(&self, moment: usize, numbers: &mut Numbers, lies: bool) -> Result<(), String> {
        let mut disk = self.before.clone();
        let mut said = 0;
        for step in &self.steps()[..moment] {
            said += i64::from(step.effect == Effect::Says);
            let forgotten = lies && matches!(step.effect, Effect::Sync(_));
            if !forgotten {
                disk.apply(&step.effect);
            }
        }
        let place = tempfile::tempdir().unwrap();
        disk.cut(numbers, place.path());
        let acknowledged = &self.run.acknowledged;
        // Besides acknowledgements it says other things, before the first and after the last.
        let said = said - self.says_before();
        let said = usize::try_from(said).unwrap_or(0).min(acknowledged.len());
        judge(place.path(), self.start.size, &acknowledged[..said])
    }

    /// How many lines it says before it acknowledges anything.
    fn says_before(&self) -> i64 {
        let steps = self.steps();
        let first = steps.iter().position(|step| step.effect.stores()).unwrap();
        let before = steps[..first].iter();
        let says = before.filter(|step| step.effect == Effect::Says).count();
        i64::try_from(says).unwrap()
    }
}

fn films() -> [Film; 2] {
    [Start::nothing(), Start::crashed()].map(Film::new)
}

#[test]
fn when_the_power_goes_nothing_acknowledged_is_lost() {
    if !strace_is_there("cut::when_the_power_goes_nothing_acknowledged_is_lost") {
        return;
    }
    let cuts = match everything() {
        false => CUTS,
        true => CUTS_OF_EVERYTHING,
    };
    for film in films() {
        let mut numbers = Numbers(SEED);
        for cut in 0..cuts {
            let moment = numbers.below(film.steps().len() + 1);
            if let Err(what) = film.cut(moment, &mut numbers, false) {
                panic!("seed {SEED:#x}, cut {cut} after {moment} steps: {what}");
            }
        }
    }
}

/// If it did not, the test above would show nothing.
#[test]
fn a_disk_that_lies_loses_entries() {
    if !strace_is_there("cut::a_disk_that_lies_loses_entries") {
        return;
    }
    for film in films() {
        let mut numbers = Numbers(SEED);
        let end = film.steps().len();
        let lost = (0..LIES).any(|_| {
            let moment = end / 2 + numbers.below(end / 2);
            film.cut(moment, &mut numbers, true).is_err()
        });
        assert!(lost, "{LIES} cuts and nothing was lost");
    }
}
