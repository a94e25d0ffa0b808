//! What the rules look up in their orders is what looking at everything comes to.

use breakglass_core::{next_deadline, obligation::Status};
use breakglass_format::{Timestamp, entry::Recorded, vocabulary::Obligation};
use breakglass_testkit::Given;

use super::{Watch, holds};

pub(super) fn the_next_deadline_is_the_earliest_there_is(
    _: &Watch,
    given: &Given,
    _: &[Recorded],
) -> Result<(), String> {
    let (world, now) = (given.world(), given.now());
    let earliest = ends(given)
        .chain(retries(given).filter(|at| *at > now))
        .chain(duties(given))
        .chain(ages(given))
        .min();
    let told = next_deadline(world, now);
    holds(told == earliest, || {
        format!("told {told:?}, the earliest is {earliest:?}")
    })
}

fn ends(given: &Given) -> impl Iterator<Item = Timestamp> {
    let world = given.world();
    let grants = world.grants().filter(|g| g.is_active());
    let requests = world.requests().filter(|r| r.is_pending());
    grants
        .map(|g| g.not_after)
        .chain(requests.map(|r| r.approve_by))
}

/// When credentials are too old, of accounts that nobody holds or waits for.
fn ages(given: &Given) -> impl Iterator<Item = Timestamp> {
    let world = given.world();
    let accounts = given.authority().accounts.clone().into_iter();
    accounts
        .filter(|a| a.rotate_after_s > 0)
        .filter_map(move |a| {
            let state = world.account(&a.id)?;
            let held = world
                .grants()
                .any(|g| g.is_active() && g.account.id == a.id);
            let waited = world
                .requests()
                .any(|r| r.is_pending() && r.account.id == a.id);
            let free = state.current.is_some() && state.rotation.is_none() && !held && !waited;
            free.then(|| state.since.plus_s(a.rotate_after_s))
        })
}

fn retries(given: &Given) -> impl Iterator<Item = Timestamp> {
    let accounts = given.world().accounts();
    let rotations = accounts.filter_map(|(_, state)| state.rotation.as_ref());
    rotations.filter(|r| !r.blocked).filter_map(|r| r.retry_at)
}

/// The first instant after the due time of each duty that is to be done and not told as overdue.
fn duties(given: &Given) -> impl Iterator<Item = Timestamp> {
    let world = given.world();
    let after = |at: Timestamp| Timestamp::from_millis(at.millis() + 1);
    let of_incidents = world.incidents().flat_map(move |incident| {
        let of_this = |g: &breakglass_core::grant::Grant| g.incident == incident.id;
        let active = world.grants().any(|g| of_this(g) && g.is_active());
        let duties = world.obligations(incident, given.now()).into_iter();
        duties.filter_map(move |(clock, status)| {
            let told = (clock.obligation, clock.subject.clone(), clock.due_at);
            let told = incident.overdue.contains(&told);
            let held = clock.obligation == Obligation::IncidentResolved && active;
            let open = matches!(status, Status::Open | Status::Overdue);
            (open && !told && !held).then(|| after(clock.due_at))
        })
    });
    let reviews = world.account_reviews();
    let reviews = reviews.filter(|(id, _)| world.account(id).is_some_and(|a| !a.review_overdue));
    of_incidents.chain(reviews.map(move |(_, clock)| after(clock.due_at)))
}
