//! One step of a run: plan it, claim it, hand it over, ask how it is, verify.

use breakglass_connectors::deploy::{
    Connector, Operation, Plan, Run as PlaneRun,
    run::{Cancel, Claim as ClaimState, RunFacts, StepOutcome, step},
};
use breakglass_core::{
    Command, World,
    command::{Claim, RunReport},
    run::Run,
};
use breakglass_format::{
    Line, RunId,
    error_class::ErrorClass,
    vocabulary::{EffectKind, Occasion, RunState},
};
use breakglass_seal::Credential;

use super::{Tools, rotate::fields};
use breakglass_store::Ledger as _;

use crate::engine;

/// Takes a run one step further.
pub(super) fn advance(tools: &Tools, id: RunId) {
    let published = tools.engine.published();
    let Some(run) = published.world.run(&id) else {
        return;
    };
    if !tools.attempts.is_due(id, &*tools.clock) {
        return;
    }
    let wanted = published.world.run_is_wanted(run, tools.latest());
    if run.attempts == 0 && !wanted {
        report(
            tools,
            run,
            RunState::Cancelled,
            None,
            "access ended before anything was sent",
            None,
        );
        return;
    }
    let Some(connector) = tools.connector(&published.world, &run.account.id) else {
        let detail = "the server's configuration has no such connector";
        report(
            tools,
            run,
            RunState::Failed,
            Some(ErrorClass::Permanent),
            detail,
            None,
        );
        return;
    };
    let credential = credential_of(tools, &published.world, run);
    if run.attempts == 0 {
        if let Some(credential) = credential {
            begin(tools, run, &*connector, &credential);
        } else {
            let detail =
                "nothing was sent: its credential was replaced or cannot be opened; order it again";
            let class = Some(ErrorClass::Permanent);
            report(tools, run, RunState::Failed, class, detail, None);
        }
    } else if let Some(plan) = plan_of(tools, run) {
        let claim = tools.attempts.claim(run.id);
        go_on(tools, run, &*connector, credential.as_ref(), &plan, claim);
    } else {
        let detail = "the plan that was dispatched is missing; look at the plane";
        report(
            tools,
            run,
            RunState::Failed,
            Some(ErrorClass::Ambiguous),
            detail,
            None,
        );
    }
}

fn credential_of(tools: &Tools, world: &World, run: &Run) -> Option<Credential> {
    let named = world.run_credential(run)?;
    tools
        .open(&run.account.id, named.sealed, named.version)
        .ok()
}

fn plan_of(tools: &Tools, run: &Run) -> Option<Plan> {
    let document = run.document?;
    let blob = tools
        .engine
        .read_blocking(move |ledger| ledger.blob(&document))
        .ok()?
        .ok()??;
    Plan::from_document(&blob.bytes).ok()
}

/// Plans anew, compares with what the person saw, claims durably, and only then hands over.
fn begin(tools: &Tools, run: &Run, connector: &dyn Connector, credential: &Credential) {
    let operation = Operation {
        action: run.action.clone(),
        artifact: run.artifact.clone(),
        target: run.target.clone(),
    };
    let plan = match connector.plan(&operation, &fields(credential)) {
        Ok(reply) => reply.value,
        Err(failure) if failure.class == ErrorClass::Transient => {
            tools
                .attempts
                .quiet(run.id, ClaimState::Fresh, &*tools.clock);
            return;
        }
        Err(failure) => {
            let evidence = Some(failure.record.to_bytes());
            let class = Some(failure.class);
            report(
                tools,
                run,
                RunState::Failed,
                class,
                failure.detail.as_str(),
                evidence,
            );
            return;
        }
    };
    if run.plan.is_some_and(|seen| seen != plan.hash()) {
        let detail = format!(
            "the plan is no longer the one that was shown: {}",
            plan.summary()
        );
        let evidence = Some(plan.document().to_vec());
        report(
            tools,
            run,
            RunState::Failed,
            Some(ErrorClass::Permanent),
            &detail,
            evidence,
        );
        return;
    }
    tools.probe(run.incident, Occasion::Dispatch);
    let world = &tools.engine.published().world;
    if let Err(refusal) = world.run_may_leave(run, tools.engine_time()) {
        let class = Some(ErrorClass::PolicyViolation);
        let detail = format!("nothing was sent: {refusal}");
        report(tools, run, RunState::Failed, class, &detail, None);
        return;
    }
    let document = engine::public(plan.document().to_vec());
    let claim = Claim {
        effect: EffectKind::Dispatch,
        account: run.account.id.clone(),
        cause: run.cause,
        run: Some(run.id),
        document: Some(document.digest),
    };
    if tools
        .engine
        .submit_blocking(Command::Claim(claim), vec![document])
        .is_ok()
    {
        let credential = Some(credential);
        go_on(tools, run, connector, credential, &plan, ClaimState::Fresh);
    }
}

fn go_on(
    tools: &Tools,
    run: &Run,
    connector: &dyn Connector,
    credential: Option<&Credential>,
    plan: &Plan,
    claim: ClaimState,
) {
    let facts = RunFacts {
        run: PlaneRun {
            id: run.id,
            incident_id: run.incident,
            plan,
        },
        claim,
        state: run.state,
        handle: &run.handle,
        cancel: cancellation(tools, run),
        last_verification: tools.attempts.is_last(run.id),
        without_credential: credential.is_none(),
    };
    let fields = credential.map(fields).unwrap_or_default();
    match step(connector, &facts, &fields) {
        StepOutcome::Record(progressed) => {
            tools.attempts.forget(run.id);
            let evidence = engine::public(progressed.evidence);
            let report = RunReport {
                run: run.id,
                state: progressed.state,
                class: progressed.class,
                detail: progressed.detail,
                handle: progressed.handle,
                evidence: Some(evidence.digest),
            };
            let _ = tools
                .engine
                .submit_blocking(Command::RunReport(report), vec![evidence]);
        }
        StepOutcome::Again { claim, .. } => tools.attempts.quiet(run.id, claim, &*tools.clock),
        StepOutcome::Nothing => tools.attempts.forget(run.id),
    }
}

fn cancellation(tools: &Tools, run: &Run) -> Cancel {
    let world = &tools.engine.published().world;
    if world.run_is_wanted(run, tools.latest()) {
        Cancel::No
    } else {
        Cancel::Wanted
    }
}

fn report(
    tools: &Tools,
    run: &Run,
    state: RunState,
    class: Option<ErrorClass>,
    detail: &str,
    evidence: Option<Vec<u8>>,
) {
    let evidence = evidence.map(engine::public);
    let report = RunReport {
        run: run.id,
        state,
        class,
        detail: Line::lossy(detail),
        handle: run.handle.clone(),
        evidence: evidence.as_ref().map(|b| b.digest),
    };
    let blobs = evidence.into_iter().collect();
    let _ = tools
        .engine
        .submit_blocking(Command::RunReport(report), blobs);
}
