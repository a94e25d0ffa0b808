//! Grants and what is done under them: return, revoke, plan, run, cancel, record.

use breakglass_format::{
    Blank, Digest, Line, Name, Prose,
    act::{Action, Because, Command, NoArgs, Record},
};

use super::{Actor, ActorError, Outcome, submit::object};

/// An action on an execution plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionWish {
    /// Which action.
    pub action: Name,
    /// What it is done to.
    pub target: Line,
    /// The artifact; empty where the action has none.
    pub artifact: Line,
}

impl ActionWish {
    fn args(self, plan: Option<Digest>) -> Action {
        Action {
            action: self.action,
            artifact: self.artifact,
            plan: Blank(plan),
            target: self.target,
        }
    }
}

impl Actor {
    /// Takes back one's own request.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn withdraw(&mut self, request: &str) -> Result<Outcome, ActorError> {
        let id = self.request_id(request)?;
        self.act(Command::Withdraw(NoArgs {}), object(id), &[])
    }

    /// Gives back one's own grant.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn return_grant(&mut self, grant: &str) -> Result<Outcome, ActorError> {
        let id = self.grant_id(grant)?;
        self.act(Command::Return(NoArgs {}), object(id), &[])
    }

    /// Ends somebody's grant.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn revoke(&mut self, grant: &str, reason: Prose) -> Result<Outcome, ActorError> {
        let id = self.grant_id(grant)?;
        self.act(Command::Revoke(Because { reason }), object(id), &[])
    }

    /// Cancels a run.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn cancel(&mut self, run: &str, reason: Prose) -> Result<Outcome, ActorError> {
        let id = self.run_id(run)?;
        self.act(Command::Cancel(Because { reason }), object(id), &[])
    }

    /// Has an action planned under a grant: what it would do, before it is done. Takes the
    /// enrolled key.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn plan(&mut self, grant: &str, wish: ActionWish) -> Result<Outcome, ActorError> {
        let id = self.grant_id(grant)?;
        self.act(Command::Plan(wish.args(None)), object(id), &[])
    }

    /// Runs an action under a grant; with the hash of a plan, exactly what was planned. Takes the
    /// enrolled key.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn run(
        &mut self,
        grant: &str,
        wish: ActionWish,
        plan: Option<Digest>,
    ) -> Result<Outcome, ActorError> {
        let id = self.grant_id(grant)?;
        self.act(Command::Run(wish.args(plan)), object(id), &[])
    }

    /// Documents an action that was done by hand under a grant.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn record(&mut self, grant: &str, record: Record) -> Result<Outcome, ActorError> {
        let id = self.grant_id(grant)?;
        self.act(Command::Record(record), object(id), &[])
    }
}
