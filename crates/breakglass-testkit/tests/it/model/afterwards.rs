//! Steps of somebody after an incident: what has to be done, by whoever feels like it.

use breakglass_core::{Command, incident::Incident};
use breakglass_format::{
    IncidentId,
    act::{
        Command as Act, DecideCab, FileReport, NoArgs, NotifyCab, PersonDecision, ReviewAccess,
        Transfer, UpdateProcedure,
    },
    vocabulary::{AccessDecision, CabDecision, Obligation},
};
use breakglass_statement::digest;
use breakglass_testkit::{
    Given, Hand,
    aftermath::{review_of, waiver, waiver_of},
    people::{
        DAVE, ERIN, FRANK, GRACE, OSCAR, READER, SHOP, WALTER, WENDY, account, line, person_id,
        prose,
    },
};

use super::steps::Players;
use crate::random::Random;

/// Something that follows an incident.
pub(super) fn afterwards(
    players: &Players,
    given: &mut Given,
    random: &mut Random,
) -> Option<(Hand, Command)> {
    let world = given.world();
    let resolved = world.incidents().filter(|i| !i.is_open()).map(|i| i.id);
    let id = random
        .recent(resolved)
        .or_else(|| random.recent(world.incidents().map(|i| i.id)))?;
    Some(match random.below(16) {
        0..2 => {
            let hand = players.hand(random, &[ERIN]);
            (hand, report(given, hand, id, random))
        }
        2..5 => {
            let hand = players.hand(random, &[FRANK]);
            let gaps: &[&str] = if random.once_in(3) { &["a gap"] } else { &[] };
            let mut review = review_of(given, id, gaps);
            if random.once_in(6) {
                review.verdicts.pop();
            }
            (hand, given.act(hand, id, Act::CompleteReview(review)))
        }
        5..7 => {
            let hand = players.hand(random, &[OSCAR, ERIN]);
            (hand, decide_cab(given, hand, id))
        }
        7 => {
            let hand = players.hand(random, &[ERIN, FRANK]);
            let args = UpdateProcedure {
                reference: line("wiki"),
                summary: prose("It says more now."),
            };
            (hand, given.act(hand, id, Act::UpdateProcedure(args)))
        }
        8..10 => {
            let hand = players.hand(random, &[GRACE]);
            (hand, review_access(given, hand, id, random))
        }
        10..13 => {
            let hand = players.hand(random, &[WALTER, WENDY]);
            let command = waive(given, hand, id, random);
            if random.once_in(2)
                && let Command::Act(act, _) = &command
            {
                let first = given.act(WENDY, id, act.statement().command.clone());
                let _ = given.submit(&first);
            }
            (hand, command)
        }
        13 => {
            let hand = players.hand(random, &[ERIN, DAVE]);
            let to = random.pick(&["erin", "dave", "frank"])?;
            let args = Transfer {
                reason: prose("Off duty."),
                to: to.parse().unwrap(),
            };
            (hand, given.act(hand, id, Act::Transfer(args)))
        }
        14 => {
            let hand = players.hand(random, &[ERIN, OSCAR]);
            let args = NotifyCab {
                channel: line("telephone"),
                text: prose("It is over."),
            };
            (hand, given.act(hand, id, Act::NotifyCab(args)))
        }
        _ => {
            let hand = players.hand(random, &[ERIN, OSCAR]);
            (hand, given.act(hand, id, Act::Close(NoArgs {})))
        }
    })
}

/// Something that has to be done before an incident is closed.
#[derive(Debug, Clone)]
pub(super) enum Chore {
    Report,
    Review,
    Access(String),
    Board,
    Close,
}

/// What everybody has to do, one after the other, so that an incident is closed in the end.
pub(super) fn chores(given: &Given, random: &mut Random) -> Vec<(IncidentId, Chore)> {
    let world = given.world();
    let waits = |i: &&Incident| {
        let rotated = i.used.values().all(Option::is_some);
        !i.is_open() && i.closed_at.is_none() && rotated
    };
    let waiting: Vec<&Incident> = world.incidents().filter(waits).collect();
    let Some(incident) = random.pick(&waiting) else {
        return Vec::new();
    };
    let accounts = incident.used.keys().map(|of| Chore::Access(of.to_string()));
    let all = [Chore::Report, Chore::Review, Chore::Board].into_iter();
    let all = all.chain(accounts).chain([Chore::Close]);
    all.map(|chore| (incident.id, chore)).collect()
}

/// Does one of them.
pub(super) fn chore(given: &mut Given, id: IncidentId, chore: &Chore) -> (Hand, Command) {
    match chore {
        Chore::Report => {
            let args = FileReport {
                summary: prose("It is over."),
            };
            let report = given.act_with(ERIN, id, Act::FileReport(args), |act| {
                act.documents = vec![digest(b"the report")];
            });
            (ERIN, report)
        }
        Chore::Review => {
            let review = review_of(given, id, &[]);
            (FRANK, given.act(FRANK, id, Act::CompleteReview(review)))
        }
        Chore::Access(of) => (GRACE, given.review_access(GRACE, of, id)),
        Chore::Board => (OSCAR, decide_cab(given, OSCAR, id)),
        Chore::Close => (ERIN, given.act(ERIN, id, Act::Close(NoArgs {}))),
    }
}

fn report(given: &mut Given, hand: Hand, id: IncidentId, random: &mut Random) -> Command {
    let args = FileReport {
        summary: prose("It is over."),
    };
    let documents = if random.once_in(8) { 0 } else { 1 };
    given.act_with(hand, id, Act::FileReport(args), |act| {
        act.documents = vec![digest(b"the report"); documents];
    })
}

fn decide_cab(given: &mut Given, hand: Hand, id: IncidentId) -> Command {
    let proxy = hand.principal() != OSCAR.principal();
    let args = DecideCab {
        decision: CabDecision::Accepted,
        proxy,
        remark: prose("Fine."),
    };
    given.act_with(hand, id, Act::DecideCab(args), |act| {
        act.documents = vec![digest(b"the minutes"); usize::from(proxy)];
    })
}

fn review_access(given: &mut Given, hand: Hand, id: IncidentId, random: &mut Random) -> Command {
    let of = random.pick(&[SHOP, SHOP, READER]).unwrap();
    let quarterly = random.once_in(4);
    let entitled = if quarterly {
        &["alice", "mallory"][..]
    } else {
        &[]
    };
    let decision = AccessDecision::Keep;
    let decided = entitled.iter().map(|person| PersonDecision {
        decision,
        person: person_id(person),
    });
    let args = ReviewAccess {
        decision,
        entitled: decided.collect(),
        incident: (!quarterly).then_some(id).into(),
        remark: prose("Needed."),
    };
    given.act(hand, account(of), Act::ReviewAccess(args))
}

fn waive(given: &mut Given, hand: Hand, id: IncidentId, random: &mut Random) -> Command {
    let of = random.pick(&[
        Obligation::CabReview,
        Obligation::IncidentReport,
        Obligation::PostIncidentReview,
        Obligation::AccessReview,
        Obligation::IncidentResolved,
        Obligation::CredentialRotation,
    ]);
    let of = of.unwrap();
    let args = match of {
        Obligation::AccessReview => waiver_of(of, SHOP, false),
        Obligation::CredentialRotation => waiver_of(of, SHOP, !random.once_in(3)),
        _ => waiver(of),
    };
    given.act(hand, id, Act::Waive(args))
}
