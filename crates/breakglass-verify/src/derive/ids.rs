//! Whether an `event_id` occurs twice, without keeping every one of them: an id begins with its
//! time, so one that is later than all before is new, and only those of the same millisecond have
//! to be kept. Of an id that is earlier than another before it, which no server writes that works,
//! a second look at the record tells.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::EventId;

/// Bits of an id after its milliseconds (RFC 9562 section 5.7).
const AFTER_TIME: u32 = 80;

/// The ids so far.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Milliseconds of the latest.
    latest: u128,
    /// All of that millisecond.
    now: BTreeSet<EventId>,
    /// Those that came after a later one, which nothing here can tell of.
    late: Vec<Late>,
}

/// An id that came after a later one.
#[derive(Debug)]
struct Late {
    id: EventId,
    /// Of its entry.
    index: u64,
    /// How many findings there were before.
    findings: usize,
}

/// Where ids occur for the first time: the answer of a second look.
#[derive(Debug)]
pub(crate) struct Sought(BTreeMap<EventId, Option<u64>>);

impl Sought {
    /// Takes in an entry, in any order.
    pub(crate) fn see(&mut self, id: EventId, index: u64) {
        if let Some(first) = self.0.get_mut(&id) {
            *first = Some(first.map_or(index, |first| first.min(index)));
        }
    }
}

impl Ids {
    /// Takes in the next id. Whether it is new, as far as is known: `findings` says where it would
    /// be told that it is not.
    pub(super) fn take(&mut self, id: EventId, index: u64, findings: usize) -> bool {
        let time = id.uuid().as_u128() >> AFTER_TIME;
        if time < self.latest {
            self.late.push(Late {
                id,
                index,
                findings,
            });
            return true;
        }
        if time > self.latest {
            self.latest = time;
            self.now.clear();
        }
        self.now.insert(id)
    }

    /// What a second look has to look for, if it takes one.
    pub(super) fn sought(&self) -> Option<Sought> {
        let late = self.late.iter().map(|late| (late.id, None));
        (!self.late.is_empty()).then(|| Sought(late.collect()))
    }

    /// The entries whose id a second look found before them, the last first, each with how many
    /// findings there were before it.
    pub(super) fn twice(&self, sought: &Sought) -> Vec<(usize, u64)> {
        let before = |late: &&Late| {
            let first = sought.0.get(&late.id).copied().flatten();
            first.is_some_and(|first| first < late.index)
        };
        let twice = self.late.iter().rev().filter(before);
        twice.map(|late| (late.findings, late.index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use breakglass_format::Timestamp;

    use super::*;

    /// The places at which an id was there before, by this and by keeping all of them.
    fn twice(ids: &[EventId]) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let mut all = BTreeSet::new();
        let numbered = || (0..).zip(ids);
        let expected = numbered().filter(|(_, id)| !all.insert(**id));
        let expected = expected.map(|(n, _)| n).collect();
        let mut some = Ids::default();
        let at_once = numbered().filter(|(n, id)| !some.take(**id, *n, 0));
        let mut found: BTreeSet<u64> = at_once.map(|(n, _)| n).collect();
        if let Some(mut sought) = some.sought() {
            numbered().for_each(|(n, id)| sought.see(*id, n));
            found.extend(some.twice(&sought).into_iter().map(|(_, n)| n));
        }
        (found, expected)
    }

    #[test]
    fn an_id_that_was_there_before_is_found_wherever_it_was() {
        let id = |ms: i64, n: u8| EventId::new(Timestamp::from_millis(ms), [n; 10]);
        let cases: &[&[(i64, u8)]] = &[
            &[(1, 1), (1, 2), (2, 1), (3, 1)],
            &[(1, 1), (1, 1), (2, 1), (2, 1)],
            &[(1, 1), (2, 1), (3, 1), (1, 1), (2, 1), (2, 2)],
            &[(9, 1), (1, 1), (1, 1), (1, 2), (9, 1), (9, 2)],
            &[(0, 0), (0, 0), (5, 0), (0, 0), (0, 0)],
        ];
        for case in cases {
            let ids: Vec<EventId> = case.iter().map(|(ms, n)| id(*ms, *n)).collect();
            let (found, expected) = twice(&ids);
            assert_eq!(found, expected, "{case:?}");
        }
    }

    #[test]
    fn ids_that_are_ever_later_are_not_kept() {
        let mut ids = Ids::default();
        for n in 0..10_000 {
            let id = EventId::new(Timestamp::from_millis(n / 4), [n.to_be_bytes()[7]; 10]);
            assert!(ids.take(id, 0, 0));
        }
        assert!(ids.now.len() <= 4 && ids.late.is_empty());
    }
}
