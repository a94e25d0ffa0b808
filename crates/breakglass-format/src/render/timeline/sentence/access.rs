//! Sentences about access: asked for, granted, used, ended.

use super::{Scene, Sentence, action_on, count, list};
use crate::{
    event::{
        ActionPlanned, BreakGlassAccess, BreakGlassAction, BreakGlassApproved, BreakGlassDenied,
        BreakGlassEnded, BreakGlassExtended, BreakGlassGranted, BreakGlassLapsed,
        BreakGlassRequested, BreakGlassVoided, BreakGlassWithdrawn, LOG_PUT_BACK, RunProgressed,
    },
    render::timeline::quote::quote,
    statement::{Purpose, Warning},
    time::human_s,
    vocabulary::{ActionMode, EndReason, Origin, PurposeKind, RunState},
};

pub(super) fn requested(d: &BreakGlassRequested, scene: &Scene<'_>) -> Sentence {
    let wish = match d.extends.0 {
        Some(grant) => format!("asks to extend {} on", scene.names.grant(grant)),
        None => "asks for".to_owned(),
    };
    let says = format!(
        "{}: {} {wish} {} for {}, {}; {} needed by {}",
        d.reference,
        d.requester.principal,
        d.account.name,
        human_s(d.duration_s),
        purpose(&d.purpose),
        count(d.needs, "approval"),
        scene.time(d.approve_by),
    );
    let mut details = vec![format!("why: {}", quote(&d.justification))];
    match d.origin {
        Origin::Online => {}
        Origin::Offline => details.push("made offline, with the emergency kit".to_owned()),
    }
    if d.uses > 0 {
        let uses = match d.uses {
            1 => "one checkout or run".to_owned(),
            n => format!("{n} checkouts or runs"),
        };
        details.push(format!("at most {uses}"));
    }
    if !d.control_plane.attested.is_empty() {
        details.push(format!(
            "{} attests that the control plane is UNUSABLE: {}",
            d.requester.principal,
            quote(&d.control_plane.attested)
        ));
    }
    details.extend(d.warnings.iter().map(warning));
    Sentence { says, details }
}

fn purpose(purpose: &Purpose) -> String {
    match purpose.kind {
        PurposeKind::Credential => "to hold the credential itself".to_owned(),
        PurposeKind::Action => {
            format!(
                "for {}",
                with_artifact(
                    action_on(&purpose.action, &purpose.target),
                    &purpose.artifact
                )
            )
        }
    }
}

fn with_artifact(action: String, artifact: &crate::Line) -> String {
    if artifact.is_empty() {
        action
    } else {
        format!("{action} with {}", quote(artifact))
    }
}

fn warning(warning: &Warning) -> String {
    let args = list(warning.args.iter().map(quote));
    match warning.says(&args) {
        Some(says) => format!("WARNING: {says}"),
        None if args.is_empty() => format!("WARNING: {}", warning.code),
        None => format!("WARNING: {}: {args}", warning.code),
    }
}

pub(super) fn approved(d: &BreakGlassApproved, scene: &Scene<'_>) -> Sentence {
    let key = if d.presence {
        "a key that needs a touch"
    } else {
        "a key that signs silently"
    };
    let place = if d.browser {
        "in a browser"
    } else {
        "outside a browser"
    };
    let missing = match d.missing {
        0 => "that is enough".to_owned(),
        n => format!("{n} more needed"),
    };
    let (request, approver) = (scene.names.request(d.request_id), &d.approver.principal);
    let time = human_s(d.duration_s);
    format!("{request}: {approver} approved for {time}, with {key}, {place}; {missing}").into()
}

pub(super) fn denied(d: &BreakGlassDenied, scene: &Scene<'_>) -> Sentence {
    let effect = if d.ends {
        "the request is over"
    } else {
        "a second denial by the same person, which ends nothing"
    };
    let (request, approver) = (scene.names.request(d.request_id), &d.approver.principal);
    format!(
        "{request}: {approver} DENIED: {}; {effect}",
        quote(&d.reason)
    )
    .into()
}

pub(super) fn lapsed(d: &BreakGlassLapsed, scene: &Scene<'_>) -> Sentence {
    let request = scene.names.request(d.request_id);
    format!("{request}: lapsed; the approvals did not come in time").into()
}

pub(super) fn withdrawn(d: &BreakGlassWithdrawn, scene: &Scene<'_>) -> Sentence {
    format!(
        "{}: {} took the request back",
        scene.names.request(d.request_id),
        scene.who
    )
    .into()
}

pub(super) fn voided(d: &BreakGlassVoided, scene: &Scene<'_>) -> Sentence {
    let request = scene.names.request(d.request_id);
    // The reason is the server's own words; only a version that changed something needs more.
    let says = match scene.entry.statement.0 {
        Some(_) => format!("{request}: void, because {}", quote(&d.reason)),
        None if d.reason.as_str() == LOG_PUT_BACK => {
            format!("{request}: void, because {LOG_PUT_BACK}")
        }
        None => format!(
            "{request}: void, because version {} of the authority changed what it rests on: {}",
            d.authority_version,
            quote(&d.reason),
        ),
    };
    says.into()
}

pub(super) fn granted(d: &BreakGlassGranted, scene: &Scene<'_>) -> Sentence {
    format!(
        "{}: {} has access to {} until {}, {} ({}, {})",
        d.reference,
        d.holder.principal,
        d.account.name,
        scene.time(d.not_after),
        purpose(&d.purpose),
        scene.names.request(d.request_id),
        count(d.approvals.len(), "approval"),
    )
    .into()
}

pub(super) fn extended(d: &BreakGlassExtended, scene: &Scene<'_>) -> Sentence {
    format!(
        "{}: extended, ends at {} now ({}, {})",
        scene.names.grant(d.grant_id),
        scene.time(d.not_after),
        scene.names.request(d.request_id),
        count(d.approvals.len(), "approval"),
    )
    .into()
}

pub(super) fn used(d: &BreakGlassAccess, scene: &Scene<'_>) -> Sentence {
    let (grant, account, version) = (scene.names.grant(d.grant_id), &d.account.name, d.version);
    let says = if d.disclosed {
        format!(
            "{grant}: the credential of {account} (version {version}) was handed out to {}",
            scene.who
        )
    } else {
        let user = match d.run_id.0 {
            Some(run) => scene.names.run(run),
            None => format!("planning {}", d.action),
        };
        format!(
            "{grant}: the credential of {account} (version {version}) was used for {user}, without showing it"
        )
    };
    says.into()
}

pub(super) fn acted(d: &BreakGlassAction, scene: &Scene<'_>) -> Sentence {
    let grant = scene.names.grant(d.grant_id);
    let what = with_artifact(action_on(&d.action, &d.target), &d.artifact);
    let (who, account) = (&scene.who, &d.account.name);
    match d.mode {
        ActionMode::Run => {
            let plan = match d.plan.0 {
                Some(plan) => format!("plan seen before: {plan}"),
                None => "no plan was asked for".to_owned(),
            };
            Sentence {
                says: format!("{grant}: {who} runs {what} as {account}"),
                details: vec![plan],
            }
        }
        ActionMode::Recorded => {
            let described = quote(&d.description);
            format!("{grant}: {who} recorded {what} as {account}, done by hand: {described}").into()
        }
    }
}

pub(super) fn ended(d: &BreakGlassEnded, scene: &Scene<'_>) -> Sentence {
    let reason = match d.reason {
        EndReason::Expired => "its time is over".to_owned(),
        EndReason::Returned => format!("{} returned it", scene.who),
        EndReason::Revoked => format!("{} revoked it", scene.who),
        EndReason::Resolved => "the incident is resolved".to_owned(),
        EndReason::Suspended => "its holder was suspended".to_owned(),
        EndReason::Recovered => LOG_PUT_BACK.to_owned(),
    };
    let used = match (d.used, d.documented) {
        (false, false) => "the credential was not used",
        (false, true) => "the credential was not used, an action is documented",
        (true, true) => "the credential was used, and what for is documented",
        (true, false) => "the credential was used, and NO action is documented",
    };
    let grant = scene.names.grant(d.grant_id);
    let says = format!(
        "{grant}: access to {} ended: {reason}; {used}",
        d.account.name
    );
    let remark = (!d.remark.is_empty()).then(|| format!("remark: {}", quote(&d.remark)));
    Sentence {
        says,
        details: remark.into_iter().chain(scene.clocks(&d.clocks)).collect(),
    }
}

pub(super) fn planned(d: &ActionPlanned, scene: &Scene<'_>) -> Sentence {
    let grant = scene.names.grant(d.grant_id);
    let what = with_artifact(action_on(&d.action, &d.target), &d.artifact);
    let says = format!("{grant}: {what} was planned: {}", quote(&d.summary));
    Sentence {
        says,
        details: vec![format!("plan: {}", d.plan)],
    }
}

pub(super) fn progressed(d: &RunProgressed, scene: &Scene<'_>) -> Sentence {
    let state = match d.state {
        RunState::Dispatched => "accepted by the execution plane".to_owned(),
        RunState::Ambiguous => "may or may not have happened; it is being looked up".to_owned(),
        RunState::Running => "under way".to_owned(),
        RunState::Cancelling => "is to be cancelled".to_owned(),
        RunState::Verified => "done; a check of the target agrees".to_owned(),
        RunState::Unverified => {
            "done as far as the execution plane says; a check could not confirm it".to_owned()
        }
        RunState::Failed => "FAILED, or did not wholly happen".to_owned(),
        RunState::Cancelled => "cancelled before it took effect".to_owned(),
    };
    let class = d
        .class
        .0
        .map(|class| format!(" ({class})"))
        .unwrap_or_default();
    let detail = if d.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", quote(&d.detail))
    };
    let (grant, run) = (scene.names.grant(d.grant_id), scene.names.run(d.run_id));
    let says = format!("{grant}: {run}: {state}{class}{detail}");
    let handle = (!d.handle.is_empty()).then(|| format!("the plane calls it {}", quote(&d.handle)));
    Sentence {
        says,
        details: handle.into_iter().collect(),
    }
}
