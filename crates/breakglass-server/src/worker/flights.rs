//! Work that several callers may want at the same time and that is done once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Semaphore, watch};

/// Pieces of work under way at a time.
const PLACES: usize = 4;
/// Pieces of work that wait for a place or are under way; more are turned away.
const WAITING_MAX: usize = 64;

/// What came of a piece of work, for everybody who waited for it; nothing where it panicked.
type Landing<T> = watch::Receiver<Option<Arc<T>>>;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grounded {
    /// Too much waits already.
    Full,
    /// The work did not come to an end.
    Lost,
}

/// Work under way, by what it is about. Whoever asks for what is under way waits for that; work
/// goes on when nobody waits any more.
pub(crate) struct Flights<K, T> {
    under_way: Mutex<BTreeMap<K, Landing<T>>>,
    places: Semaphore,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
            places: Semaphore::new(PLACES),
        }
    }
}

impl<K: Ord + Copy + Send + 'static, T: Send + Sync + 'static> Flights<K, T> {
    /// Does `work`, on a thread of its own, unless the same is under way; the answer is the same
    /// for everybody. When it comes, no work for `key` is under way.
    pub(crate) async fn take(
        self: &Arc<Self>,
        key: K,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Arc<T>, Grounded> {
        let mut landing = self.board(key, work)?;
        let landed = landing.wait_for(Option::is_some).await;
        let landed = landed.map_err(|_| Grounded::Lost)?;
        landed.clone().ok_or(Grounded::Lost)
    }

    fn board(
        self: &Arc<Self>,
        key: K,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Landing<T>, Grounded> {
        let mut under_way = self.lock();
        if let Some(landing) = under_way.get(&key) {
            return Ok(landing.clone());
        }
        if under_way.len() >= WAITING_MAX {
            return Err(Grounded::Full);
        }
        let (land, landing) = watch::channel(None);
        under_way.insert(key, landing.clone());
        drop(under_way);
        let flights = self.clone();
        tokio::spawn(async move {
            let place = flights.places.acquire().await;
            let done = tokio::task::spawn_blocking(work).await;
            drop(place);
            flights.lock().remove(&key);
            // Without an answer the channel closes, which says as much.
            if let Ok(done) = done {
                land.send_replace(Some(Arc::new(done)));
            }
        });
        Ok(landing)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<K, Landing<T>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).build().unwrap()
    }

    #[test]
    fn whoever_asks_for_what_is_under_way_waits_for_it() {
        let flights: Arc<Flights<u8, usize>> = Arc::default();
        let begun = Arc::new(AtomicUsize::new(0));
        let (go, wait) = mpsc::channel::<()>();
        runtime().block_on(async {
            let count = begun.clone();
            let first = flights.board(7, move || {
                wait.recv().unwrap();
                count.fetch_add(1, Ordering::SeqCst)
            });
            let count = begun.clone();
            let second = flights.board(7, move || count.fetch_add(1, Ordering::SeqCst));
            go.send(()).unwrap();
            for landing in [first, second] {
                let mut landing = landing.unwrap();
                let landed = landing.wait_for(Option::is_some).await.unwrap();
                assert_eq!(landed.as_deref(), Some(&0));
            }
            assert_eq!(begun.load(Ordering::SeqCst), 1);
            // Once it is over, asking begins anew.
            assert_eq!(flights.take(7, || 9).await.as_deref(), Ok(&9));
        });
    }

    #[test]
    fn a_few_are_under_way_at_a_time_and_not_many_wait() {
        let flights: Arc<Flights<usize, ()>> = Arc::default();
        let (begin, begun) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        runtime().block_on(async {
            let mut landings = Vec::new();
            for key in 0..WAITING_MAX {
                let (begin, wait) = (begin.clone(), wait.clone());
                let landing = flights.board(key, move || {
                    begin.send(()).unwrap();
                    wait.lock().unwrap().recv().unwrap();
                });
                landings.push(landing.unwrap());
            }
            assert_eq!(flights.take(WAITING_MAX, || ()).await, Err(Grounded::Full));
            for _ in 0..PLACES {
                begun.recv().unwrap();
            }
            assert_eq!(flights.places.available_permits(), 0);
            assert!(begun.try_recv().is_err(), "more than there are places");
            for _ in 0..WAITING_MAX {
                go.send(()).unwrap();
            }
            for mut landing in landings {
                assert!(landing.wait_for(Option::is_some).await.is_ok());
            }
        });
    }

    #[test]
    fn work_that_panics_is_lost_and_does_not_stand_in_the_way() {
        let flights: Arc<Flights<u8, ()>> = Arc::default();
        runtime().block_on(async {
            let lost = flights.take(1, || panic!("on purpose")).await;
            assert_eq!(lost, Err(Grounded::Lost));
            assert_eq!(flights.take(1, || ()).await, Ok(Arc::new(())));
        });
    }
}
