//! What is now due: what should be true by now, compared with what the log says was done.
//!
//! There is no queue of jobs. After a crash the same comparison gives the same answer.

use breakglass_format::{AccountId, EventId, IncidentId, RunId, Timestamp, vocabulary::Occasion};

use crate::{notice::Due, world::World};

/// Something for our hands to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Rotate the credential of an account.
    Rotate {
        /// The account.
        account: AccountId,
        /// The event that calls for it.
        cause: EventId,
    },
    /// Probe the control plane.
    Probe {
        /// For which incident.
        incident: IncidentId,
        /// What for.
        occasion: Occasion,
    },
    /// Tell people something.
    Tell(Due),
    /// Take a run one step further: hand it to the plane, look it up, ask how it is, verify.
    Advance {
        /// The run.
        run: RunId,
        /// The event that calls for it.
        cause: EventId,
    },
}

/// The effects that are due now.
#[must_use]
pub fn plan(world: &World, now: Timestamp) -> Vec<Effect> {
    let mut effects = Vec::new();
    let authority = world.authority().map(|v| &v.authority);
    for id in world.accounts.orders().called_for.iter() {
        let Some(state) = world.account(id) else {
            continue;
        };
        let Some(rotation) = &state.rotation else {
            continue;
        };
        let machine = authority
            .and_then(|a| a.account(id))
            .is_some_and(|account| account.rotator.0.is_some());
        if machine && state.current.is_some() && world.rotation_is_due(id, rotation, now) {
            effects.push(Effect::Rotate {
                account: id.clone(),
                cause: rotation.cause,
            });
        }
    }
    for run in world.runs.all(world.runs.orders().unfinished.iter()) {
        effects.push(Effect::Advance {
            run: run.id,
            cause: run.cause,
        });
    }
    let probes = world.probes_due(now).into_iter();
    effects.extend(probes.map(|(incident, occasion)| Effect::Probe { incident, occasion }));
    effects.extend(world.notices_due(now).into_iter().map(Effect::Tell));
    effects
}

/// The next instant at which time alone changes something: a grant's end, a request's lapse, a
/// retry, a duty running out.
#[must_use]
pub fn next_deadline(world: &World, now: Timestamp) -> Option<Timestamp> {
    let accounts = world.accounts.orders();
    let retries = accounts.retries.iter().map(|(at, _)| at);
    let next = [
        world.grants.orders().ends.first(),
        world.requests.orders().lapses.first(),
        retries.filter(|at| *at > now).min(),
        world.next_overdue(),
        world.ageing().map(|(_, at)| at).min(),
    ];
    next.into_iter().flatten().min()
}
