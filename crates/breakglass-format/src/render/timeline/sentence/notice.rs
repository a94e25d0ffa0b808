//! Sentences about who was told what.

use super::{Scene, Sentence, list};
use crate::{
    event::{ContactSet, Delivery, StakeholderNotified},
    render::timeline::quote::quote,
    vocabulary::Notice,
};

pub(super) fn contact_set(d: &ContactSet) -> Sentence {
    let who = &d.member.principal;
    Sentence {
        says: format!("{who} is reached elsewhere from now on"),
        details: vec![format!("the contact lies beside the log; {}", d.commitment)],
    }
}

pub(super) fn told(d: &StakeholderNotified, scene: &Scene<'_>) -> Sentence {
    let what = match d.notice {
        Notice::IncidentDeclared => "of the declaration".to_owned(),
        Notice::CabNotice => "of a deployment past the board".to_owned(),
        Notice::RequestWaiting => format!("that {} waits", quote(&d.subject)),
        Notice::RequestLapsed => format!("that {} lapsed", quote(&d.subject)),
        Notice::GrantedOverDenial => format!("that {} was granted over a no", quote(&d.subject)),
        Notice::GrantEnding => format!("that {} ends in {} min", quote(&d.subject), d.stage),
        Notice::GrantUndocumented => {
            format!("that nothing says what {} was used for", quote(&d.subject))
        }
        Notice::DutyDue if d.stage < 100 => {
            format!(
                "that {} % of the time for {} is over",
                d.stage,
                quote(&d.subject)
            )
        }
        Notice::DutyDue => format!("that {} is overdue", quote(&d.subject)),
        Notice::RotationGivenUp => {
            format!("that the rotation of {} needs somebody", quote(&d.subject))
        }
        Notice::ContactChanged => "that they are reached elsewhere from now on".to_owned(),
        Notice::KeyEnrolled => "that they have another key from now on".to_owned(),
        Notice::KeySuspended => "that keys of theirs count no longer".to_owned(),
    };
    let name = |d: &Delivery| format!("{} ({})", scene.names.person(&d.person), d.channel);
    let (sent, not): (Vec<_>, Vec<_>) = d.deliveries.iter().partition(|d| d.sent);
    let says = if sent.is_empty() {
        format!("NOBODY could be told {what}")
    } else {
        format!("told {what}: {}", list(sent.into_iter().map(name)))
    };
    let mut details: Vec<String> = not
        .into_iter()
        .map(|d| format!("NOT told: {}: {}", name(d), quote(&d.detail)))
        .collect();
    details.extend(
        d.retry_at
            .0
            .map(|at| format!("next try at {}", scene.time(at))),
    );
    Sentence { says, details }
}
