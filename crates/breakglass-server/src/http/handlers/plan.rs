//! `plan`: the access is durable before the connector gets the credential, and the plan is a second
//! entry. A call that is repeated, or whose answer was lost in between, goes on where it was.

use breakglass_core::{Command, command::Prepared};
use breakglass_format::{CommandId, Entry, Event, EventId};
use breakglass_statement::VerifiedAct;
use breakglass_store::{Blob, Ledger as _};

use super::statements::Answer;
use crate::{
    engine::{Proven, Rejection},
    http::{app::App, problem::ApiError},
    worker::{Grounded, Unplanned},
};

impl App {
    /// Records that the credential is used, has the action planned, and answers with both entries.
    pub(super) async fn plan(
        &self,
        act: VerifiedAct,
        blobs: Vec<Blob>,
        command_id: Option<CommandId>,
    ) -> Answer {
        let outcome = match self.engine.repeat(act.digest()).await {
            Some(known) => known,
            None => {
                let command = Command::Act(Box::new(act.clone()), Prepared::Nothing);
                self.engine.submit(command, blobs, command_id).await
            }
        };
        let mut outcome = outcome.map_err(|e| self.rejected(e))?;
        let access = outcome.entries.iter().map(|p| &p.entry);
        let access = access.filter(|e| matches!(e.event, Event::BreakGlassAccess(_)));
        let access = access.map(|e| e.event_id).next();
        let access = access.ok_or_else(|| self.rejected(Rejection::Stopped))?;
        let planned = match self.planned(&access).await? {
            Some(planned) => planned,
            None => self.have_planned(act, access).await?,
        };
        outcome.entries.push(planned);
        self.render(outcome).await
    }

    /// The entry with the plan that an access was for, if there is one.
    async fn planned(&self, access: &EventId) -> Result<Option<Proven>, ApiError> {
        let planned = self.published().world.planning(access).map(|p| p.planned);
        let Some(index) = planned.flatten() else {
            return Ok(None);
        };
        let read = self.engine.read(move |ledger| {
            let bytes = ledger.entry(index)?;
            Ok((bytes, ledger.receipt(index)?))
        });
        let read = read.await.map_err(|e| self.rejected(e))?;
        let (bytes, proof) =
            read.map_err(|e: breakglass_store::ReadError| self.rejected(e.into()))?;
        let entry = Entry::from_bytes(&bytes);
        let entry = entry.map_err(|e| self.rejected(Rejection::TooLarge(e.to_string())))?;
        Ok(Some(Proven {
            index,
            bytes,
            entry,
            proof,
        }))
    }

    async fn have_planned(&self, act: VerifiedAct, access: EventId) -> Result<Proven, ApiError> {
        let tools = self.tools.clone();
        // On a thread of its own: what the connector answers is recorded even where the caller
        // has gone meanwhile. The same act posted again waits for the same answer.
        let work = move || tools.plan(act, access);
        let outcome = self.tools.plans.take(access, work).await;
        // Where the same act was posted twice, the other call may have been first.
        if let Some(planned) = self.planned(&access).await? {
            return Ok(planned);
        }
        Err(match outcome.as_deref() {
            Ok(Ok(())) | Err(Grounded::Lost) => self.rejected(Rejection::Stopped),
            Ok(Err(Unplanned::Rejected(rejection))) => self.rejected(rejection.again()),
            Ok(Err(Unplanned::Failed(failure))) => ApiError::plane(failure).at(self.now()),
            Err(Grounded::Full) => self.rejected(Rejection::Busy),
        })
    }
}
