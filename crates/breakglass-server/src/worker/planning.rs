//! A plan: the connector is asked what an action would do, with the credential of an access that
//! is on record already.

use std::sync::Arc;

use breakglass_connectors::{Failure, Record, deploy::Operation};
use breakglass_core::{Command, command::PlanReport};
use breakglass_format::{EventId, Line, act::Command as ActCommand, error_class::ErrorClass};
use breakglass_statement::VerifiedAct;

use super::{Tools, flights::Flights, rotate::fields};
use crate::engine::{self, Rejection};

/// Plans that connectors are asked for just now, by the access that each is for: a call that is
/// repeated while the plane is slow does not ask it a second time.
pub(crate) type Plans = Arc<Flights<EventId, Result<(), Unplanned>>>;

/// Why there is no plan.
pub(crate) enum Unplanned {
    /// The rules or the log say no.
    Rejected(Rejection),
    /// The connector or the credential does.
    Failed(Failure),
}

impl<T: Into<Rejection>> From<T> for Unplanned {
    fn from(rejection: T) -> Self {
        Self::Rejected(rejection.into())
    }
}

impl Tools {
    /// Asks the connector of the account what an act would do, and records its answer.
    pub(crate) fn plan(&self, act: VerifiedAct, access: EventId) -> Result<(), Unplanned> {
        let published = self.engine.published();
        let world = &published.world;
        let (now, wall) = (self.engine_time(), self.clock.wall());
        let (planning, current) = world.planning_credential(&access, now, wall)?;
        let ActCommand::Plan(action) = &act.statement().command else {
            return Err(failed("it asks for no plan"));
        };
        let connector = self.connector(&published.world, &planning.account);
        let connector = connector.ok_or_else(|| failed("no such connector is configured"))?;
        let credential = self.open(&planning.account, current.sealed, current.version);
        let credential = credential.map_err(|e| failed(&e.to_string()))?;
        let operation = Operation {
            action: action.action.clone(),
            artifact: action.artifact.clone(),
            target: action.target.clone(),
        };
        let plan = connector.plan(&operation, &fields(&credential));
        let plan = plan.map_err(Unplanned::Failed)?.value;
        let document = engine::public(plan.document().to_vec());
        let report = PlanReport {
            act,
            access,
            plan: plan.hash(),
            document: document.digest,
            summary: plan.summary().clone(),
        };
        self.engine
            .submit_blocking(Command::Planned(Box::new(report)), vec![document])?;
        Ok(())
    }
}

fn failed(detail: &str) -> Unplanned {
    Unplanned::Failed(Failure {
        class: ErrorClass::Permanent,
        detail: Line::lossy(detail),
        record: Record::new(),
    })
}
