//! Many things of a server at once.

use std::{
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

/// Things that are asked for at a time.
const AT_ONCE: usize = 8;

/// Fetches things, several at a time, and hands over each as it comes: the one whose answer fails
/// ends the asking, and what others had answered by then is handed over all the same.
pub(super) fn fetch<T: Sync, E: Send>(
    wanted: &[T],
    ask: impl Fn(&T) -> Result<Option<Vec<u8>>, E> + Sync,
    mut take: impl FnMut(&T, Option<Vec<u8>>) -> Result<(), E>,
) -> Result<(), E> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (next, stop, ask) = (&next, &stop, &ask);
    thread::scope(|scope| {
        let (send, receive) = sync_channel(AT_ONCE);
        for _ in 0..AT_ONCE.min(wanted.len()) {
            let send = send.clone();
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(thing) = wanted.get(number) else {
                        return;
                    };
                    let answer = ask(thing);
                    // Nobody waits for it where the other side has ended.
                    if answer.is_err() {
                        stop.store(true, Ordering::SeqCst);
                    }
                    if send.send((thing, answer)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut failed = None;
        for (thing, answer) in receive {
            let taken = answer.and_then(|bytes| take(thing, bytes));
            if let Err(error) = taken {
                stop.store(true, Ordering::SeqCst);
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    })
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Barrier, Mutex},
    };

    use breakglass_format::Digest;

    use super::*;

    fn digests(count: u8) -> Vec<Digest> {
        (0..count).map(|n| Digest::from_bytes([n; 32])).collect()
    }

    #[test]
    fn several_are_asked_for_at_once_and_each_is_handed_over() {
        let wanted = digests(16);
        // None of them is answered before eight were asked for.
        let eight = Barrier::new(AT_ONCE);
        let mut got = BTreeSet::new();
        let ask = |digest: &Digest| {
            eight.wait();
            Ok::<_, ()>(Some(digest.as_bytes().to_vec()))
        };
        let all = fetch(&wanted, ask, |digest, bytes| {
            assert_eq!(bytes.unwrap(), digest.as_bytes());
            got.insert(*digest);
            Ok(())
        });
        assert_eq!(all, Ok(()));
        assert!(got.into_iter().eq(wanted));
        assert_eq!(fetch(&digests(0), |_| Err("asked"), |_, _| Ok(())), Ok(()));
    }

    #[test]
    fn a_failure_ends_it_and_what_was_answered_is_kept() {
        let wanted = digests(200);
        let answered = Mutex::new(BTreeSet::new());
        let mut got = BTreeSet::new();
        let ask = |digest: &Digest| {
            if digest.as_bytes()[0] >= 50 {
                return Err("gone");
            }
            answered.lock().unwrap().insert(*digest);
            Ok(Some(Vec::new()))
        };
        let end = fetch(&wanted, ask, |digest, _| {
            got.insert(*digest);
            Ok(())
        });
        assert_eq!(end, Err("gone"));
        assert_eq!(got, answered.into_inner().unwrap());
        assert_eq!(got.len(), 50);
    }
}
