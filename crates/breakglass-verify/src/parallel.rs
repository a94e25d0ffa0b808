//! The same work on many things, on all cores. What comes of it comes in the order of the things,
//! so that no verdict depends on how many cores there are.

mod in_order;

pub(crate) use in_order::{Ahead, in_order};

use std::{
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// What comes of `work` on each thing. A thread takes `batch` things at a time; so few are not
/// worth a thread.
pub(crate) fn map<T: Sync, R: Send>(
    things: &[T],
    batch: usize,
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    map_on(threads, things, batch.max(1), work)
}

fn map_on<T: Sync, R: Send>(
    threads: usize,
    things: &[T],
    batch: usize,
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let helpers = threads.min(things.len().div_ceil(batch)).saturating_sub(1);
    if helpers == 0 {
        return (0..).zip(things).map(|(n, thing)| work(n, thing)).collect();
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(batched) = things.chunks(batch).nth(number) else {
                return done;
            };
            let numbered = (number * batch..).zip(batched);
            let results: Vec<R> = numbered.map(|(n, thing)| work(n, thing)).collect();
            done.push((number, results));
        }
    };
    let mut done = thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(worker)).collect();
        let mut done = worker();
        for helper in helpers {
            match helper.join() {
                Ok(results) => done.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things() {
        for count in [0, 1, 7, 8, 9, 1_000] {
            let things: Vec<usize> = (0..count).collect();
            for threads in [1, 2, 5] {
                let squares = map_on(threads, &things, 8, |n, thing| n * thing);
                let expected: Vec<usize> = things.iter().map(|n| n * n).collect();
                assert_eq!(squares, expected, "{count} things, {threads} threads");
            }
        }
    }

    #[test]
    fn a_panic_of_a_thread_is_one_of_the_caller() {
        let things: Vec<usize> = (0..100).collect();
        let panic = std::panic::catch_unwind(|| {
            map_on(3, &things, 1, |n, _| assert_ne!(n, 7, "the seventh"));
        });
        let said = *panic.unwrap_err().downcast::<String>().unwrap();
        assert!(said.contains("the seventh"), "{said}");
    }
}
