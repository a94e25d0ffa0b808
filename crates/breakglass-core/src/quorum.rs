//! When enough people have said yes.
//!
//! An entitlement has places: one for each required group, and free ones up to the number of
//! approvals. One person fills at most one place, so the same two people can never be three.

use breakglass_format::{
    Digest, Fingerprint, Name, PersonId,
    authority::{Authority, Entitlement},
    event::Member,
};
use serde::{Deserialize, Serialize};

use crate::refusal::{Code, Refusal};

/// An approval on record, with what the quorum depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The event that recorded it.
    pub event: breakglass_format::EventId,
    /// Who said yes.
    pub approver: Member,
    /// With which key.
    pub key: Fingerprint,
    /// SHA-256 of the statement.
    pub statement: Digest,
    /// SHA-256 of its armoured signature.
    pub signature: Digest,
    /// For how long, in seconds.
    pub duration_s: i64,
    /// Whether the key needed a touch.
    pub presence: bool,
    /// Whether it was made in a browser.
    pub browser: bool,
}

/// Whether a person stands for a group now: a member under the authority in force, and not a
/// newcomer. A newcomer of one group may well be an old member of another.
pub type StandsFor<'a> = &'a dyn Fn(&PersonId, &Name) -> bool;

/// How many of the entitlement's places these people fill, each at most one.
///
/// Maximum bipartite matching by augmenting paths; the numbers are those of people in a room.
#[must_use]
pub fn places_filled(
    entitlement: &Entitlement,
    stands_for: StandsFor<'_>,
    people: &[&PersonId],
) -> i64 {
    let required = entitlement.require_each.len();
    let total = usize::try_from(entitlement.approvals)
        .unwrap_or(0)
        .max(required);
    // holder[place] = index of the person who fills it
    let mut holder: Vec<Option<usize>> = vec![None; total];
    let fits = |person: usize, place: usize| {
        let Some(person) = people.get(person).copied() else {
            return false;
        };
        match entitlement.require_each.get(place) {
            Some(group) => stands_for(person, group),
            None => entitlement.approvers.iter().any(|g| stands_for(person, g)),
        }
    };
    let mut filled = 0;
    for person in 0..people.len() {
        let mut tried = vec![false; total];
        if place(person, &fits, &mut holder, &mut tried) {
            filled += 1;
        }
    }
    filled
}

/// The people behind approvals.
fn people(approvals: &[Approval]) -> Vec<&PersonId> {
    approvals.iter().map(|a| &a.approver.person).collect()
}

fn place(
    person: usize,
    fits: &dyn Fn(usize, usize) -> bool,
    holder: &mut Vec<Option<usize>>,
    tried: &mut Vec<bool>,
) -> bool {
    for at in 0..holder.len() {
        if tried.get(at).copied().unwrap_or(true) || !fits(person, at) {
            continue;
        }
        if let Some(t) = tried.get_mut(at) {
            *t = true;
        }
        let free = match holder.get(at).copied().flatten() {
            None => true,
            Some(other) => place(other, fits, holder, tried),
        };
        if free {
            if let Some(slot) = holder.get_mut(at) {
                *slot = Some(person);
            }
            return true;
        }
    }
    false
}

/// Required groups that none of these approvals can stand for any more, for people to read.
#[must_use]
pub fn groups_missing<'a>(
    entitlement: &'a Entitlement,
    authority: &Authority,
    approvals: &[Approval],
) -> Vec<&'a Name> {
    let covered = |group: &Name| {
        approvals.iter().any(|a| {
            authority
                .person(&a.approver.person)
                .is_some_and(|person| person.in_group(group))
        })
    };
    entitlement
        .require_each
        .iter()
        .filter(|group| !covered(group))
        .collect()
}

/// Judges one more approval: how many places stay empty with it, or why it is of no use.
///
/// `so_far` are the approvals on record that count, `new` the one to be judged, all of different
/// persons.
pub fn judge(
    entitlement: &Entitlement,
    authority: &Authority,
    stands_for: StandsFor<'_>,
    so_far: &[Approval],
    new: &Approval,
) -> Result<i64, Refusal> {
    let mut all = so_far.to_vec();
    let before = places_filled(entitlement, stands_for, &people(&all));
    all.push(new.clone());
    let after = places_filled(entitlement, stands_for, &people(&all));
    if after <= before {
        let missing = groups_missing(entitlement, authority, so_far);
        let names: Vec<&str> = missing.iter().map(|n| n.as_str()).collect();
        return Err(Code::FillsNoPlace.with("missing", names.join(", ")));
    }
    let left = entitlement.approvals - after;
    check_manner(entitlement, &all, left)?;
    Ok(left)
}

/// Whether the approvals, with `left` more to come, can be as many with a touch and outside a
/// browser as the entitlement asks.
fn check_manner(
    entitlement: &Entitlement,
    approvals: &[Approval],
    left: i64,
) -> Result<(), Refusal> {
    let lacking = |minimum: i64, has: &dyn Fn(&Approval) -> bool| {
        minimum - i64::try_from(approvals.iter().filter(|a| has(a)).count()).unwrap_or(0)
    };
    if lacking(entitlement.min_presence_approvals, &|a| a.presence) > left {
        return Err(Code::PresenceNeeded.with("needed", entitlement.min_presence_approvals));
    }
    if lacking(entitlement.min_ssh_approvals, &|a| !a.browser) > left {
        return Err(Code::SshNeeded.with("needed", entitlement.min_ssh_approvals));
    }
    Ok(())
}

/// Whether these approvals, whose keys count, still make a quorum now: people may have left, keys
/// may have ended, the entitlement may ask for more: judged again at each checkout.
pub fn still_holds(
    entitlement: &Entitlement,
    stands_for: StandsFor<'_>,
    counted: &[Approval],
) -> Result<(), Refusal> {
    let filled = places_filled(entitlement, stands_for, &people(counted));
    // A touch of somebody who is no approver any more is none.
    let stands = |a: &&Approval| {
        let person = &a.approver.person;
        entitlement.approvers.iter().any(|g| stands_for(person, g))
    };
    let standing: Vec<Approval> = counted.iter().filter(stands).cloned().collect();
    if filled < entitlement.approvals || check_manner(entitlement, &standing, 0).is_err() {
        return Err(Code::QuorumGone
            .with("has", filled)
            .and("needs", entitlement.approvals));
    }
    Ok(())
}
