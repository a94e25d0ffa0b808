//! Who is suspended is not heard, and holds nothing.

use breakglass_core::Command;
use breakglass_format::{
    Event, Fingerprint, PersonId, Timestamp,
    authority::{Authority, Key},
    entry::Recorded,
};
use breakglass_testkit::{Given, harness::signed};

use super::{Watch, holds};

/// What was suspended: whose, which key or all, when, under which version.
pub(super) type Gone = (PersonId, Option<Fingerprint>, Timestamp, i64);

/// What the entries say of suspensions.
pub(super) fn learn(gone: &mut Vec<Gone>, version: &mut i64, recorded: &Recorded) {
    match &recorded.entry.event {
        Event::AuthorityPublished(d) => *version = d.version,
        Event::KeySuspended(d) => {
            let (person, key) = (d.member.person.clone(), d.key.0.clone());
            gone.push((person, key, recorded.entry.created_at, *version));
        }
        _ => {}
    }
}

fn is_gone(gone: &[Gone], authority: &Authority, person: &PersonId, key: &Key) -> bool {
    gone.iter().any(|(whose, which, at, version)| {
        let this = which.as_ref().is_none_or(|which| *which == key.fingerprint);
        whose == person && this && (authority.version <= *version || key.not_before <= *at)
    })
}

pub(super) fn nobody_suspended_is_heard(
    watch: &Watch,
    given: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    let authority = given.authority();
    for recorded in news {
        let statement = recorded.entry.statement.0;
        let command = statement.and_then(|s| given.accepted().get(&s));
        let Some((command, (_, signer))) = command.and_then(|c| Some((c, signed(c)?))) else {
            continue;
        };
        let key = match command {
            Command::Act(act, _) => act.enrolled_key().clone(),
            _ => signer.key.clone(),
        };
        let listed = authority.person(&signer.person).and_then(|p| p.key(&key));
        let listed = listed.ok_or_else(|| format!("{key} is not listed"))?;
        let gone = is_gone(&watch.suspended, &authority, &signer.person, listed);
        holds(!gone, || {
            format!("{} was heard, suspended", signer.principal)
        })?;
    }
    for recorded in news {
        let rests_on = match &recorded.entry.event {
            Event::BreakGlassGranted(d) => &d.approvals,
            Event::BreakGlassExtended(d) => &d.approvals,
            _ => continue,
        };
        for approval in watch.approvals(rests_on, news)? {
            let person = &approval.approver.person;
            let listed = authority.person(person).and_then(|p| p.key(&approval.key));
            let counts = listed.is_some_and(|k| !is_gone(&watch.suspended, &authority, person, k));
            holds(counts, || {
                format!("{person}'s approval is counted, suspended")
            })?;
        }
    }
    let suspended = news.iter().filter_map(|r| match &r.entry.event {
        Event::KeySuspended(d) if d.key.0.is_none() => Some(&d.member.person),
        _ => None,
    });
    for person in suspended {
        let mut grants = given.world().grants();
        let holds_one = grants.any(|g| g.is_active() && g.holder.person == *person);
        let mut requests = given.world().requests();
        let asks = requests.any(|r| r.is_pending() && r.requester.person == *person);
        holds(!holds_one && !asks, || {
            format!("{person} holds or asks for something")
        })?;
    }
    Ok(())
}
