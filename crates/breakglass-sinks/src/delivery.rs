//! Which stretch of the log a sink gets next. Pure.
//!
//! Delivery is in order and at least once: the position moves on an acknowledgement only, and an
//! acknowledgement that got lost means that the same lines come again. Who receives them knows
//! them by `event_id`.

use std::ops::Range;

use thiserror::Error;

/// Where a sink stands: every index below it is acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    next: u64,
}

/// An acknowledgement of something else than what was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("acknowledged {start}..{end}, but {next} is next")]
pub struct OutOfOrder {
    /// The first index that was acknowledged.
    pub start: u64,
    /// The index after the last one.
    pub end: u64,
    /// The first index that was due.
    pub next: u64,
}

impl Cursor {
    /// A cursor whose next index is this.
    #[must_use]
    pub const fn at(next: u64) -> Self {
        Self { next }
    }

    /// Where to go on after a start. What the sink itself holds is the truth, in both directions:
    /// it may have more than was noted (a crash before the note) and less (its file was restored
    /// from a backup). Only a sink that holds nothing leaves it to the note.
    #[must_use]
    pub const fn resume(noted: Self, sink_next: u64) -> Self {
        if sink_next == 0 {
            noted
        } else {
            Self { next: sink_next }
        }
    }

    /// The next index.
    #[must_use]
    pub const fn next(self) -> u64 {
        self.next
    }

    /// What is due of a log of `size` entries, at most `limit` of them; empty: nothing.
    #[must_use]
    pub fn due(self, size: u64, limit: u64) -> Range<u64> {
        let end = self.next.saturating_add(limit).min(size);
        self.next..end.max(self.next)
    }

    /// How many entries of a log of `size` are missing.
    #[must_use]
    pub const fn lag(self, size: u64) -> u64 {
        size.saturating_sub(self.next)
    }

    /// The cursor after an acknowledgement. A repeated one changes nothing.
    ///
    /// # Errors
    ///
    /// It leaves a gap.
    pub fn acknowledge(self, range: &Range<u64>) -> Result<Self, OutOfOrder> {
        if range.start > self.next {
            return Err(OutOfOrder {
                start: range.start,
                end: range.end,
                next: self.next,
            });
        }
        Ok(Self {
            next: self.next.max(range.end),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sink_that_holds_something_is_believed() {
        assert_eq!(Cursor::resume(Cursor::at(7), 0), Cursor::at(7));
        assert_eq!(Cursor::resume(Cursor::at(7), 9), Cursor::at(9));
        assert_eq!(Cursor::resume(Cursor::at(7), 5), Cursor::at(5));
    }

    #[test]
    fn an_acknowledgement_leaves_no_gap_and_never_goes_back() {
        let cursor = Cursor::at(5);
        assert_eq!(cursor.acknowledge(&(5..8)), Ok(Cursor::at(8)));
        assert_eq!(cursor.acknowledge(&(2..4)), Ok(Cursor::at(5)));
        let error = OutOfOrder {
            start: 6,
            end: 8,
            next: 5,
        };
        assert_eq!(cursor.acknowledge(&(6..8)), Err(error));
    }

    #[test]
    fn a_log_shorter_than_the_cursor_owes_nothing() {
        assert!(Cursor::at(9).due(5, 10).is_empty());
        assert_eq!(Cursor::at(9).lag(5), 0);
    }

    proptest! {
        #[test]
        fn every_index_is_delivered_in_order_and_none_is_left_out(
            size in 0..200_u64,
            limit in 1..20_u64,
            lost in proptest::collection::vec(any::<bool>(), 0..50),
        ) {
            let mut cursor = Cursor::default();
            let mut received: Vec<u64> = Vec::new();
            let mut lost = lost.into_iter();
            while cursor.lag(size) > 0 {
                let due = cursor.due(size, limit);
                received.extend(due.clone());
                if !lost.next().unwrap_or(false) {
                    cursor = cursor.acknowledge(&due).unwrap();
                }
            }
            received.sort_unstable();
            received.dedup();
            prop_assert_eq!(received, (0..size).collect::<Vec<_>>());
        }
    }
}
