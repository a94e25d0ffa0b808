//! Refusals are entries, but nobody fills the log with them: so many per person and minute, then
//! one summary with a count.

use std::collections::HashMap;

use breakglass_core::{Author, Draft};
use breakglass_format::{
    EventId, PersonId, Timestamp, event::RefusalsSummarised, statement::Signer,
};

/// Refusals written one by one, per person and minute.
const PER_MINUTE: u32 = 10;

/// What one person was refused in one minute.
#[derive(Debug)]
pub(super) struct Window {
    signer: Signer,
    since: Timestamp,
    written: u32,
    left_out: u32,
}

/// What was written and what was left out in the current minutes.
#[derive(Debug, Default)]
pub(super) struct RefusalCap {
    windows: HashMap<PersonId, Window>,
}

impl RefusalCap {
    /// Whether one more refusal of this person is written.
    pub(super) fn admits(&mut self, signer: &Signer, now: Timestamp) -> bool {
        let window = self
            .windows
            .entry(signer.person.clone())
            .or_insert_with(|| Window {
                signer: signer.clone(),
                since: now,
                written: 0,
                left_out: 0,
            });
        if window.written < PER_MINUTE {
            window.written += 1;
            return true;
        }
        window.left_out = window.left_out.saturating_add(1);
        false
    }

    /// When the next window closes, where one is open.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.windows.values().map(|w| w.since.plus_s(60)).min()
    }

    /// Closes the windows whose minute is over.
    pub(super) fn close(&mut self, now: Timestamp) -> Vec<Window> {
        let over = |_: &PersonId, w: &mut Window| now >= w.since.plus_s(60);
        self.windows.extract_if(over).map(|(_, w)| w).collect()
    }

    /// Takes windows back whose summaries could not be recorded.
    pub(super) fn reopen(&mut self, closed: Vec<Window>) {
        let closed = closed.into_iter().map(|w| (w.signer.person.clone(), w));
        self.windows.extend(closed);
    }
}

/// What was left out, one event for each window.
pub(super) fn summaries(
    closed: &[Window],
    now: Timestamp,
    random: &mut dyn FnMut() -> [u8; 10],
) -> Vec<Draft> {
    let left_out = closed.iter().filter(|w| w.left_out > 0);
    left_out
        .map(|w| Draft {
            id: EventId::new(now, random()),
            event: RefusalsSummarised {
                count: i64::from(w.left_out),
                since: w.since,
            }
            .into(),
            author: Author::Named(w.signer.clone()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_becomes_ten_entries_and_one_summary() {
        let signer = Signer {
            key: breakglass_format::Fingerprint::from_sha256(&[1; 32]),
            person: "per_mallory".parse().unwrap(),
            principal: "mallory".parse().unwrap(),
        };
        let start = Timestamp::from_millis(1_000_000);
        let mut cap = RefusalCap::default();
        let written = (0..1000).filter(|_| cap.admits(&signer, start)).count();
        assert_eq!(written, 10);
        let mut random = || [7; 10];
        assert!(cap.close(start.plus_s(59)).is_empty());
        // What could not be recorded is not forgotten.
        let closed = cap.close(start.plus_s(60));
        cap.reopen(closed);
        let closed = summaries(&cap.close(start.plus_s(60)), start, &mut random);
        let summary = RefusalsSummarised {
            count: 990,
            since: start,
        };
        assert_eq!(
            closed.first().map(|d| d.event.clone()),
            Some(summary.into())
        );
        assert!(cap.admits(&signer, start.plus_s(60)));
    }
}
