//! The incident: declared, access asked for, granted, used, ended.

use breakglass_format::{
    Blank, EventId, GrantId, Timestamp,
    event::{
        ActionPlanned, BreakGlassAccess, BreakGlassAction, BreakGlassApproved, BreakGlassDenied,
        BreakGlassEnded, BreakGlassExtended, BreakGlassGranted, BreakGlassLapsed,
        BreakGlassRequested, BreakGlassVoided, BreakGlassWithdrawn, CommandRefused, Compared,
        ControlPlaneProbed, EffectClaimed, IncidentDeclared, IncidentNoted, IncidentResolved,
        Reference, RefusalsSummarised, RunProgressed,
    },
    statement::{ControlPlane, Purpose, Warning},
    vocabulary::{
        ActionMode, EffectKind, EndReason, Obligation, Occasion, Origin, PurposeKind, RunState,
        Severity, Verdict,
    },
};

use super::{
    Story, account, clock, digest, grant, incident, none,
    people::{Somebody, alice, bob, carol, dave},
    read, run,
};

const WHY: &str = "Checkout fails for every customer.\nThe release of 09:40 is to blame.";

pub(super) fn is_declared(story: &mut Story) {
    story.wait(3_600);
    let due = story.now.plus_s(86_400);
    story.signed(
        &alice(),
        IncidentDeclared {
            authority_version: 1,
            clocks: vec![clock(Obligation::IncidentResolved, "", due, 86_400)],
            commander: alice().member,
            cves: vec![read("CVE-2026-0001")],
            drill: false,
            incident_id: incident(),
            justification: read(WHY),
            reference: Reference::Incident(1),
            scenario: read("production-outage"),
            service: read("checkout"),
            severity: Severity::Sev1,
            threat: read("none known"),
            title: read("checkout answers 500"),
        },
    );
    let text = read("Rolled back in staging: it helps.");
    story.signed(
        &bob(),
        IncidentNoted {
            incident_id: incident(),
            text,
        },
    );
}

pub(super) fn is_probed(story: &mut Story) {
    story.server(ControlPlaneProbed {
        detail: read("deploy-api: 503 three times of three"),
        evidence: digest(41).into(),
        incident_id: incident(),
        occasion: Occasion::Declaration,
        verdict: Verdict::Down,
    });
    story.signed(
        &bob(),
        ControlPlaneProbed {
            detail: read("no probe is configured"),
            evidence: none(),
            incident_id: incident(),
            occasion: Occasion::Asked,
            verdict: Verdict::CannotTell,
        },
    );
}

pub(super) fn is_granted(story: &mut Story) {
    let request = ask(story, 5, none());
    let first = approve(story, &bob(), request, 1);
    let second = approve(story, &carol(), request, 0);
    story.signed(
        &carol(),
        BreakGlassGranted {
            account: account(),
            action: read("rollback"),
            approvals: vec![first, second],
            authority_version: 1,
            cap: story.now.plus_s(8 * 3_600),
            drill: false,
            grant_id: grant(),
            holder: alice().member,
            incident_id: incident(),
            justification: read(WHY),
            not_after: end_of_grant(),
            not_before: story.now,
            purpose: purpose(),
            reference: Reference::Grant(1),
            request_id: request,
            uses: 2,
        },
    );
}

fn end_of_grant() -> Timestamp {
    read("2026-01-06T16:02:27.000Z")
}

fn purpose() -> Purpose {
    Purpose {
        action: read("rollback"),
        artifact: read("checkout:1.41.7"),
        kind: PurposeKind::Action,
        plan: digest(40).into(),
        target: read("checkout.prod"),
    }
}

fn ask(story: &mut Story, number: u64, extends: Blank<GrantId>) -> EventId {
    let warning = Warning {
        args: vec![read("2026-01-05T10:00:00.000Z")],
        code: read("rotation_pending"),
    };
    story.signed(
        &alice(),
        BreakGlassRequested {
            account: account(),
            action: read("rollback"),
            approve_by: story.now.plus_s(3_600),
            authority_version: 1,
            control_plane: ControlPlane {
                attested: read("it answers, and publishes nothing"),
                probe: none(),
            },
            drill: false,
            duration_s: 4 * 3_600,
            entitlement: read("prod-db"),
            extends,
            incident_id: incident(),
            justification: read(WHY),
            needs: 2,
            origin: Origin::Online,
            purpose: purpose(),
            reference: Reference::Request(number),
            requester: alice().member,
            uses: 2,
            warnings: vec![warning],
        },
    )
}

fn approve(story: &mut Story, who: &Somebody, request_id: EventId, missing: i64) -> EventId {
    story.signed(
        who,
        BreakGlassApproved {
            approver: who.member.clone(),
            authority_version: 1,
            browser: false,
            duration_s: 4 * 3_600,
            incident_id: incident(),
            key: who.key.clone(),
            missing,
            presence: true,
            request_id,
        },
    )
}

/// The event that calls for the rotation of what was used.
pub(super) fn is_used_and_ends(story: &mut Story) -> EventId {
    checkout(story);
    run_goes_well(story);
    let request = ask(story, 6, grant().into());
    let approvals = vec![
        approve(story, &bob(), request, 1),
        approve(story, &dave(), request, 0),
    ];
    let not_after = end_of_grant().plus_s(2 * 3_600);
    let extended = BreakGlassExtended {
        approvals,
        grant_id: grant(),
        incident_id: incident(),
        not_after,
        request_id: request,
    };
    story.signed(&dave(), extended);
    let due = story.now.plus_s(3_600);
    let ended = story.signed(
        &alice(),
        BreakGlassEnded {
            account: account(),
            clocks: vec![clock(
                Obligation::CredentialRotation,
                "acc_prod_db_root",
                due,
                3_600,
            )],
            documented: true,
            due_at: not_after,
            grant_id: grant(),
            incident_id: incident(),
            reason: EndReason::Returned,
            remark: read("Rollback done, nothing else needed."),
            used: true,
        },
    );
    story.signed(
        &alice(),
        IncidentResolved {
            clocks: vec![clock(
                Obligation::CredentialRotation,
                "acc_prod_db_root",
                due,
                3_600,
            )],
            incident_id: incident(),
            summary: read("Checkout works again on 1.41.7."),
        },
    );
    ended
}

fn checkout(story: &mut Story) {
    story.signed(
        &alice(),
        BreakGlassAccess {
            account: account(),
            action: read("credential_access"),
            disclosed: true,
            envelope: digest(41).into(),
            grant_id: grant(),
            incident_id: incident(),
            justification: read(WHY),
            run_id: none(),
            version: 3,
        },
    );
}

fn run_goes_well(story: &mut Story) {
    story.server(ActionPlanned {
        access: EventId::new(story.now, [4; 10]),
        action: read("rollback"),
        artifact: read("checkout:1.41.7"),
        document: digest(42),
        grant_id: grant(),
        incident_id: incident(),
        plan: digest(40),
        summary: read("12 pods of checkout.prod from 1.42.0 to 1.41.7"),
        target: read("checkout.prod"),
    });
    let started = action(ActionMode::Run, "");
    let cause = story.signed(&alice(), started);
    let claim = EffectClaimed {
        account: account(),
        attempt: 1,
        cause,
        document: digest(42).into(),
        effect: EffectKind::Dispatch,
        run_id: run().into(),
    };
    story.server(claim);
    story.server(BreakGlassAccess {
        account: account(),
        action: read("rollback"),
        disclosed: false,
        envelope: none(),
        grant_id: grant(),
        incident_id: incident(),
        justification: read(WHY),
        run_id: run().into(),
        version: 3,
    });
    for (state, detail) in [
        (RunState::Dispatched, "202"),
        (RunState::Verified, "12 of 12 healthy"),
    ] {
        story.server(RunProgressed {
            class: none(),
            detail: read(detail),
            evidence: digest(43).into(),
            grant_id: grant(),
            handle: read("job/8812"),
            incident_id: incident(),
            run_id: run(),
            state,
        });
    }
    story.signed(
        &alice(),
        action(ActionMode::Recorded, "Flushed the cache by hand."),
    );
}

fn action(mode: ActionMode, description: &str) -> BreakGlassAction {
    let by_us = mode == ActionMode::Run;
    BreakGlassAction {
        account: account(),
        action: read("rollback"),
        artifact: read("checkout:1.41.7"),
        description: read(description),
        grant_id: grant(),
        incident_id: incident(),
        justification: read(WHY),
        mode,
        plan: by_us.then(|| digest(40)).into(),
        run_id: by_us.then(run).into(),
        target: read("checkout.prod"),
    }
}

pub(super) fn is_refused_in_every_way(story: &mut Story) {
    let incident_id = incident();
    let request_id = ask(story, 1, none());
    story.about(
        &alice(),
        CommandRefused {
            code: read("own_request"),
            command: read("approval"),
            compared: vec![Compared {
                name: read("requester"),
                value: read("alice"),
            }],
            object: read("R-1"),
        },
    );
    let since = story.now;
    story.about(&alice(), RefusalsSummarised { count: 14, since });
    let reason = read("Roll back by the normal way first.\nIt still works.");
    let approver = dave().member;
    story.signed(
        &dave(),
        BreakGlassDenied {
            approver,
            ends: true,
            incident_id,
            reason,
            request_id,
        },
    );
    let request_id = ask(story, 2, none());
    story.signed(
        &alice(),
        BreakGlassWithdrawn {
            incident_id,
            request_id,
        },
    );
    let request_id = ask(story, 3, none());
    let reason = read("the entitlement prod-db changed");
    story.server(BreakGlassVoided {
        authority_version: 2,
        incident_id,
        reason,
        request_id,
    });
    let request_id = ask(story, 4, none());
    story.wait(3_600);
    story.server(BreakGlassLapsed {
        incident_id,
        request_id,
    });
}
