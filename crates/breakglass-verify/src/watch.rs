//! How far a check has come, for whoever waits for it.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// The parts of a check that take time, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Every entry is hashed, and the tree over them is compared with the signed checkpoint.
    Tree,
    /// Every file beside the log is hashed.
    Beside,
    /// Every entry is read, with what it names; its signature is verified, what follows from it is
    /// compared, and the rules are held against it.
    Entries,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub step: Step,
    /// Entries that are done; of [`Step::Beside`] files.
    pub done: u64,
    /// How many there are.
    pub of: u64,
}

/// Who is told of progress, from any thread.
pub type Watch<'a> = dyn Fn(Progress) + Sync + 'a;

/// Counts what is done of a step, and tells.
pub(crate) struct Counter<'a> {
    watch: &'a Watch<'a>,
    step: Step,
    done: AtomicU64,
    of: u64,
}

impl fmt::Debug for Counter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter")
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

impl<'a> Counter<'a> {
    /// A step begins.
    pub(crate) fn begin(watch: &'a Watch<'a>, step: Step, of: usize) -> Self {
        let of = u64::try_from(of).unwrap_or(u64::MAX);
        watch(Progress { step, done: 0, of });
        let done = AtomicU64::new(0);
        Self {
            watch,
            step,
            done,
            of,
        }
    }

    /// So many more are done.
    pub(crate) fn add(&self, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let (step, of) = (self.step, self.of);
        (self.watch)(Progress { step, done, of });
    }
}
