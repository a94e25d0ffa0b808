//! Which connections came before which.
//!
//! Whoever asks whether a rollback is known wants an answer that stays true: a request for it
//! whose sender has died since may lie unread in another connection. So such a question waits
//! until every connection that came before its own is over.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Order {
    tickets: Mutex<Tickets>,
    one_is_over: Condvar,
}

#[derive(Debug, Default)]
struct Tickets {
    next: u64,
    open: BTreeSet<u64>,
}

/// A connection's place in the order, until it is dropped.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    order: &'a Order,
    number: u64,
}

impl Order {
    /// The next place. Who takes it in the order of the connections sees to that.
    pub(super) fn next(&self) -> Ticket<'_> {
        let mut tickets = self.lock();
        let number = tickets.next;
        tickets.next += 1;
        tickets.open.insert(number);
        Ticket {
            order: self,
            number,
        }
    }

    /// Counters and a set: whole whatever happened to a thread that held them.
    fn lock(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Waits until every earlier place is free. That one waits for later ones is impossible, and
    /// with it that two wait for each other.
    pub(super) fn wait_for_earlier(&self) {
        let earlier =
            |tickets: &mut Tickets| tickets.open.first().is_some_and(|n| *n < self.number);
        let waited = self
            .order
            .one_is_over
            .wait_while(self.order.lock(), earlier);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.order.lock().open.remove(&self.number);
        self.order.one_is_over.notify_all();
    }
}
