//! What follows the incident: told, reported, reviewed, decided, closed, and open once more.

use breakglass_format::{
    act::{PersonDecision, Verdict},
    event::{
        AccessReviewed, BreakGlassAction, CabNotified, CabReviewed, CommandTransferred,
        IncidentClosed, IncidentReopened, IncidentReportFiled, ObligationWaived,
        PostIncidentReviewCompleted, ProcedureUpdated,
    },
    vocabulary::{AccessDecision, ActionMode, CabDecision, Judgement, Obligation},
};

use super::{
    Story, account, clock, digest, grant, incident, none,
    people::{alice, bob, carol, dave},
    read,
};

const DAY: i64 = 86_400;

pub(super) fn is_owned(story: &mut Story) {
    story.signed(
        &alice(),
        CommandTransferred {
            from: alice().member,
            incident_id: incident(),
            reason: read("Alice has been up for twenty hours."),
            to: bob().member,
        },
    );
    story.signed(
        &bob(),
        CabNotified {
            channel: read("telephone"),
            incident_id: incident(),
            text: read("The shop was rolled back at 10:12."),
        },
    );
    story.signed(
        &bob(),
        IncidentReportFiled {
            document: digest(40),
            incident_id: incident(),
            summary: read("A bad release was rolled back."),
            version: 1,
        },
    );
    is_reviewed(story);
    is_let_go(story);
}

fn is_reviewed(story: &mut Story) {
    let review = review(story);
    story.signed(&dave(), review);
    story.signed(
        &bob(),
        ProcedureUpdated {
            document: none(),
            incident_id: incident(),
            reference: read("wiki: Emergencies, section 3"),
            summary: read("Who may restart the shop."),
        },
    );
    story.signed(
        &carol(),
        CabReviewed {
            decision: CabDecision::AcceptedWithConditions,
            document: digest(41).into(),
            incident_id: incident(),
            proxy: true,
            remark: read("Accepted, if releases are staged from now on."),
        },
    );
    access_is_reviewed(story);
}

fn is_let_go(story: &mut Story) {
    story.signed(
        &dave(),
        ObligationWaived {
            account_gone: true,
            incident_id: incident(),
            obligation: Obligation::CredentialRotation,
            reason: read("The database was taken out of service."),
            subject: read("acc_prod_db_root"),
            waived_by: vec![carol().member, dave().member],
        },
    );
    story.signed(
        &bob(),
        IncidentClosed {
            incident_id: incident(),
        },
    );
    let cause = story.signed(
        &alice(),
        BreakGlassAction {
            account: account(),
            action: read("rollback"),
            artifact: read(""),
            description: read("I also restarted the cache by hand."),
            grant_id: grant(),
            incident_id: incident(),
            justification: read("Checkout fails for every customer."),
            mode: ActionMode::Recorded,
            plan: none(),
            run_id: none(),
            target: read("cache.prod"),
        },
    );
    let due_at = story.now.plus_s(2 * DAY);
    story.server(IncidentReopened {
        cause,
        clocks: vec![clock(Obligation::PostIncidentReview, "", due_at, 2 * DAY)],
        incident_id: incident(),
    });
}

fn review(story: &Story) -> PostIncidentReviewCompleted {
    let verdict = |subject: &str, verdict, remark: &str| Verdict {
        remark: read(remark),
        subject: read(subject),
        verdict,
    };
    PostIncidentReviewCompleted {
        clocks: vec![clock(
            Obligation::ProcedureUpdate,
            "",
            story.now.plus_s(7 * DAY),
            7 * DAY,
        )],
        document: digest(42).into(),
        follow_ups: vec![read("stage releases")],
        gaps: vec![read("nobody knew who may restart the shop")],
        incident_id: incident(),
        root_cause: read("The release was never tried with real prices."),
        verdicts: vec![
            verdict("G-1", Judgement::Justified, ""),
            verdict(
                "G-1/1",
                Judgement::Questionable,
                "a restart would have done",
            ),
        ],
        version: 1,
    }
}

fn access_is_reviewed(story: &mut Story) {
    let due_at = story.now.plus_s(92 * DAY);
    let next = clock(
        Obligation::QuarterlyAccessReview,
        "acc_prod_db_root",
        due_at,
        92 * DAY,
    );
    story.signed(
        &carol(),
        AccessReviewed {
            account: account(),
            clocks: vec![next],
            decision: AccessDecision::Change,
            entitled: vec![PersonDecision {
                decision: AccessDecision::Keep,
                person: alice().member.person,
            }],
            incident_id: none(),
            remark: read("It is to be read-only by day."),
        },
    );
}
