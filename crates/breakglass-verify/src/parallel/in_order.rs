//! Work on many things on all cores, of which one thread takes what comes of it in the order of the
//! things, while the next are being worked on. How far ahead the work may be is bounded.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// How much may be on its way at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead<W> {
    /// What a thing weighs.
    pub(crate) weigh: W,
    /// What things may weigh together that are being worked on or wait to be taken. A thing that
    /// weighs more is on its way alone.
    pub(crate) most: u64,
}

/// Has `work` done on each thing, and `take` called on this thread with what comes of it, in the
/// order of the things, until it returns an error.
pub(crate) fn in_order<T: Sync, R: Send, E>(
    things: &[T],
    ahead: Ahead<impl Fn(&T) -> u64 + Sync>,
    work: impl Fn(usize, &T) -> R + Sync,
    take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    on(threads, things, ahead, work, take)
}

fn on<T: Sync, R: Send, E>(
    threads: usize,
    things: &[T],
    ahead: Ahead<impl Fn(&T) -> u64 + Sync>,
    work: impl Fn(usize, &T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let line = Line {
        state: Mutex::new(State::default()),
        changed: Condvar::new(),
        of: things.len(),
    };
    let weight = |number: usize| things.get(number).map_or(0, &ahead.weigh);
    let one = |number: usize| things.get(number).map(|thing| work(number, thing));
    let admit = |state: &mut State<R>| state.admit(line.of, weight, ahead.most);
    thread::scope(|scope| {
        let helpers = threads.min(things.len()).saturating_sub(1);
        let help = || {
            let _end = End(&line);
            while let Some(number) = line.next(admit) {
                line.put(number, one(number));
            }
        };
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(help)).collect();
        let taken = {
            let end = End(&line);
            let taken = (0..line.of).try_for_each(|number| {
                // A helper that ends early has a panic to tell of.
                line.await_one(number, weight(number), admit, one)
                    .map_or(Ok(()), &mut take)
            });
            drop(end);
            line.stop();
            taken
        };
        for helper in helpers {
            if let Err(panic) = helper.join() {
                std::panic::resume_unwind(panic);
            }
        }
        taken
    })
}

struct Line<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
    of: usize,
}

struct State<R> {
    /// The next thing to be worked on.
    next: usize,
    /// What is on its way, by weight.
    ahead: u64,
    /// What waits to be taken.
    done: BTreeMap<usize, Option<R>>,
    stopped: bool,
}

impl<R> Default for State<R> {
    fn default() -> Self {
        Self {
            next: 0,
            ahead: 0,
            done: BTreeMap::new(),
            stopped: false,
        }
    }
}

impl<R> State<R> {
    /// The next thing, where there is one that may be begun now.
    fn admit(&mut self, of: usize, weight: impl Fn(usize) -> u64, most: u64) -> Option<usize> {
        let weight = weight(self.next);
        let fits = self.ahead == 0 || self.ahead.saturating_add(weight) <= most;
        if self.next >= of || !fits {
            return None;
        }
        self.ahead = self.ahead.saturating_add(weight);
        self.next += 1;
        Some(self.next - 1)
    }
}

impl<R> Line<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'l>(&self, state: MutexGuard<'l, State<R>>) -> MutexGuard<'l, State<R>> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn put(&self, number: usize, result: Option<R>) {
        self.lock().done.insert(number, result);
        self.changed.notify_all();
    }

    /// The next thing to work on, as soon as it may be begun.
    fn next(&self, admit: impl Fn(&mut State<R>) -> Option<usize>) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.next >= self.of {
                return None;
            }
            if let Some(number) = admit(&mut state) {
                return Some(number);
            }
            state = self.wait(state);
        }
    }

    /// What came of a thing. Until that is there, this thread works as well.
    fn await_one(
        &self,
        number: usize,
        weight: u64,
        admit: impl Fn(&mut State<R>) -> Option<usize>,
        work: impl Fn(usize) -> Option<R>,
    ) -> Option<R> {
        let mut state = self.lock();
        loop {
            if let Some(result) = state.done.remove(&number) {
                state.ahead = state.ahead.saturating_sub(weight);
                self.changed.notify_all();
                return result;
            }
            if state.stopped {
                return None;
            }
            let Some(next) = admit(&mut state) else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            self.put(next, work(next));
            state = self.lock();
        }
    }
}

/// Ends the work of all where one of them panics.
struct End<'l, R>(&'l Line<R>);

impl<R> Drop for End<'_, R> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn results_are_taken_in_the_order_of_the_things_and_few_are_ahead() {
        for count in [0, 1, 2, 7, 500] {
            let things: Vec<u64> = (0..count).map(|n| n % 5).collect();
            for (threads, most) in [(1, 0), (1, 9), (2, 0), (2, 9), (5, 9), (5, u64::MAX)] {
                let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
                let ahead = Ahead {
                    weigh: |thing: &u64| *thing,
                    most,
                };
                let mut taken = Vec::new();
                let work = |number: usize, thing: &u64| {
                    let begun = begun.fetch_add(*thing, Ordering::SeqCst) + thing;
                    let here = begun.saturating_sub(ended.load(Ordering::SeqCst));
                    // What was just taken is one more.
                    assert!(here <= most.max(4).saturating_add(4), "{here}");
                    (number, *thing)
                };
                let all: Result<(), ()> = on(threads, &things, ahead, work, |(number, thing)| {
                    ended.fetch_add(thing, Ordering::SeqCst);
                    taken.push(number);
                    Ok(())
                });
                assert_eq!(all, Ok(()));
                assert!(taken.iter().copied().eq(0..things.len()));
            }
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let things: Vec<u64> = (0..100_000).collect();
        let done = AtomicU64::new(0);
        let ahead = Ahead {
            weigh: |_: &u64| 1,
            most: 8,
        };
        let work = |_: usize, thing: &u64| {
            done.fetch_add(1, Ordering::SeqCst);
            *thing
        };
        let ended = on(3, &things, ahead, work, |thing| {
            if thing == 10 {
                Err("the tenth")
            } else {
                Ok(())
            }
        });
        assert_eq!(ended, Err("the tenth"));
        assert!(done.load(Ordering::SeqCst) <= 10 + 8 + 3);
    }

    #[test]
    fn a_panic_of_a_thread_ends_all_of_them() {
        let things: Vec<u64> = (0..100).collect();
        for threads in [1, 3] {
            let panic = std::panic::catch_unwind(|| {
                let ahead = Ahead {
                    weigh: |_: &u64| 1,
                    most: 4,
                };
                let work = |_: usize, thing: &u64| assert_ne!(*thing, 7, "the seventh");
                let _: Result<(), ()> = on(threads, &things, ahead, work, Ok);
            });
            let said = *panic.unwrap_err().downcast::<String>().unwrap();
            assert!(said.contains("the seventh"), "{said}");
        }
    }
}
