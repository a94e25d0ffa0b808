//! Sentences about what follows an incident.

use super::{Scene, Sentence, list};
use crate::{
    event::{
        AccessReviewed, CabNotified, CabReviewed, CommandTransferred, IncidentReopened,
        IncidentReportFiled, ObligationWaived, PostIncidentReviewCompleted, ProcedureUpdated,
    },
    render::timeline::quote::quote,
    vocabulary::{AccessDecision, CabDecision, Judgement},
};

pub(super) fn cab_notified(d: &CabNotified, scene: &Scene<'_>) -> Sentence {
    Sentence {
        says: format!(
            "{} told the change advisory board, by {}",
            scene.who,
            quote(&d.channel)
        ),
        details: vec![format!("told: {}", quote(&d.text))],
    }
}

pub(super) fn report_filed(d: &IncidentReportFiled, scene: &Scene<'_>) -> Sentence {
    let again = again(d.version);
    Sentence {
        says: format!(
            "{} filed the incident report{again}: {}",
            scene.who,
            quote(&d.summary)
        ),
        details: vec![format!("document: {}", d.document)],
    }
}

pub(super) fn reviewed(d: &PostIncidentReviewCompleted, scene: &Scene<'_>) -> Sentence {
    let says = format!(
        "{} completed the post-incident review{}: {}",
        scene.who,
        again(d.version),
        quote(&d.root_cause)
    );
    let verdicts = d.verdicts.iter().map(|v| {
        let word = match v.verdict {
            Judgement::Justified => "justified",
            Judgement::Questionable => "QUESTIONABLE",
            Judgement::Unjustified => "UNJUSTIFIED",
        };
        let why = if v.remark.is_empty() {
            String::new()
        } else {
            format!(", {}", quote(&v.remark))
        };
        format!("{}: {word}{why}", v.subject)
    });
    let mut details: Vec<String> = verdicts.collect();
    if !d.gaps.is_empty() {
        details.push(format!("gaps: {}", list(d.gaps.iter().map(quote))));
    }
    if !d.follow_ups.is_empty() {
        let follow_ups = list(d.follow_ups.iter().map(quote));
        details.push(format!("to be done: {follow_ups}"));
    }
    details.extend(d.document.0.map(|digest| format!("document: {digest}")));
    details.extend(scene.clocks(&d.clocks));
    Sentence { says, details }
}

fn again(version: i64) -> String {
    if version > 1 {
        format!(" again (version {version})")
    } else {
        String::new()
    }
}

pub(super) fn cab_reviewed(d: &CabReviewed, scene: &Scene<'_>) -> Sentence {
    let decision = match d.decision {
        CabDecision::Accepted => "accepted it",
        CabDecision::AcceptedWithConditions => "accepted it with conditions",
        CabDecision::Rejected => "REJECTED it",
    };
    let says = if d.proxy {
        format!(
            "the change advisory board {decision}, says {} on its behalf",
            scene.who
        )
    } else {
        format!("{} of the change advisory board {decision}", scene.who)
    };
    let mut details = vec![format!("why: {}", quote(&d.remark))];
    details.extend(d.document.0.map(|digest| format!("minutes: {digest}")));
    Sentence { says, details }
}

pub(super) fn access_reviewed(d: &AccessReviewed, scene: &Scene<'_>) -> Sentence {
    let says = format!(
        "{} reviewed the access to {}: {}",
        scene.who,
        d.account.name,
        decision(d.decision)
    );
    let mut details = vec![format!("why: {}", quote(&d.remark))];
    let people = d.entitled.iter().map(|p| {
        let person = scene.names.person(&p.person);
        format!("{person}: {}", decision(p.decision))
    });
    details.extend(people);
    details.extend(scene.clocks(&d.clocks));
    Sentence { says, details }
}

const fn decision(decision: AccessDecision) -> &'static str {
    match decision {
        AccessDecision::Keep => "to be kept",
        AccessDecision::Change => "to be CHANGED",
        AccessDecision::Remove => "to be REMOVED",
    }
}

pub(super) fn procedure_updated(d: &ProcedureUpdated, scene: &Scene<'_>) -> Sentence {
    let says = format!("{} updated the procedure: {}", scene.who, quote(&d.summary));
    let mut details = vec![format!("reference: {}", quote(&d.reference))];
    details.extend(d.document.0.map(|digest| format!("document: {digest}")));
    Sentence { says, details }
}

pub(super) fn waived(d: &ObligationWaived, scene: &Scene<'_>) -> Sentence {
    let people = d.waived_by.iter().map(|m| &m.principal);
    let says = format!(
        "WAIVED by {}: nobody has to {} any more",
        list(people),
        scene.duty(d.obligation, &d.subject)
    );
    let mut details = vec![format!("why: {}", quote(&d.reason))];
    if d.account_gone {
        details.push("both attest that the account is gone".to_owned());
    }
    Sentence { says, details }
}

pub(super) fn transferred(d: &CommandTransferred, scene: &Scene<'_>) -> Sentence {
    let (from, to) = (&d.from.principal, &d.to.principal);
    let says = if scene.who == from.as_str() {
        format!("{from} handed command over to {to}")
    } else {
        format!("{} put {to} in command in place of {from}", scene.who)
    };
    Sentence {
        says,
        details: vec![format!("why: {}", quote(&d.reason))],
    }
}

pub(super) fn reopened(d: &IncidentReopened, scene: &Scene<'_>) -> Sentence {
    Sentence {
        says: "the incident is open again: something became known that its review had not seen"
            .to_owned(),
        details: scene.clocks(&d.clocks),
    }
}
