//! What follows an incident: the board, the report, the reviews, waivers, the end. All of it takes
//! the enrolled key.

use breakglass_format::{
    AccountId, Line, PersonId, Principal, Prose,
    act::{
        Command, CompleteReview, DecideCab, FileReport, NoArgs, NotifyCab, ReviewAccess, Transfer,
        UpdateProcedure, Waive,
    },
    authority::Authority,
    vocabulary::{CabDecision, Obligation, Privilege},
};

use super::{Actor, ActorError, Outcome, Proposal, proposal::Wanted, submit::object};

/// A duty that somebody wants to let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Which.
    pub obligation: Obligation,
    /// About which account; none: the incident itself.
    pub account: Option<AccountId>,
    /// The signer attests that the account is gone.
    pub account_gone: bool,
}

impl Waiver {
    fn subject(&self) -> Line {
        let account = self.account.as_ref();
        account.map_or_else(Line::default, |id| Line::lossy(id.as_str()))
    }

    fn is_of(&self, waive: &Waive) -> bool {
        self.obligation == waive.obligation
            && self.subject() == waive.subject
            && self.account_gone == waive.account_gone
    }
}

impl Actor {
    /// Whether this person has a privilege under the verified authority.
    #[must_use]
    pub fn has(&self, privilege: Privilege) -> bool {
        let authority: &Authority = self.trust.authority();
        let person = authority.person(&self.identity.person);
        person.is_some_and(|person| person.may(privilege))
    }

    /// Records that the change advisory board was told.
    ///
    /// # Errors
    ///
    /// See [`ActorError`]; so for all that follow.
    pub fn notify_cab(
        &mut self,
        incident: &str,
        channel: Line,
        text: Prose,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let command = Command::NotifyCab(NotifyCab { channel, text });
        self.act(command, object(id), &[])
    }

    /// Files the incident report.
    pub fn file_report(
        &mut self,
        incident: &str,
        summary: Prose,
        report: Vec<u8>,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let command = Command::FileReport(FileReport { summary });
        self.act(command, object(id), &[report])
    }

    /// Completes the post-incident review; `document` is what its writer wrote, word for word.
    pub fn complete_review(
        &mut self,
        incident: &str,
        review: CompleteReview,
        document: Option<Vec<u8>>,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let documents: Vec<Vec<u8>> = document.into_iter().collect();
        self.act(Command::CompleteReview(review), object(id), &documents)
    }

    /// Records what the change advisory board decided: as a member of it, or on its behalf.
    pub fn decide_cab(
        &mut self,
        incident: &str,
        decision: CabDecision,
        remark: Prose,
        minutes: Option<Vec<u8>>,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let command = Command::DecideCab(DecideCab {
            decision,
            proxy: !self.has(Privilege::Cab),
            remark,
        });
        let documents: Vec<Vec<u8>> = minutes.into_iter().collect();
        self.act(command, object(id), &documents)
    }

    /// Decides what becomes of an account and of those who may ask for it.
    pub fn review_access(
        &mut self,
        account: &str,
        review: ReviewAccess,
    ) -> Result<Outcome, ActorError> {
        let id = self.account(account)?.id.clone();
        self.act(Command::ReviewAccess(review), object(id), &[])
    }

    /// Records where the new text of the procedure is.
    pub fn update_procedure(
        &mut self,
        incident: &str,
        reference: Line,
        summary: Prose,
        document: Option<Vec<u8>>,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let command = Command::UpdateProcedure(UpdateProcedure { reference, summary });
        let documents: Vec<Vec<u8>> = document.into_iter().collect();
        self.act(command, object(id), &documents)
    }

    /// Closes an incident.
    pub fn close(&mut self, incident: &str) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        self.act(Command::Close(NoArgs {}), object(id), &[])
    }

    /// Hands command over, or proposes it where somebody else leads.
    pub fn transfer(
        &mut self,
        incident: &str,
        to: Principal,
        reason: Prose,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let command = Command::Transfer(Transfer { reason, to });
        self.act(command, object(id), &[])
    }

    /// The transfer of command that another person proposes and this one is to agree to.
    pub fn transfer_to_agree(
        &mut self,
        incident: &str,
        to: &Principal,
        reason: Option<&Prose>,
    ) -> Result<Option<Proposal>, ActorError> {
        let mut all = self.incident_proposals(incident)?;
        all.retain(|p| matches!(&p.act().command, Command::Transfer(args) if args.to == *to));
        let what = Wanted {
            does: format!("that {to} leads {incident}"),
            command: format!("breakglass incident transfer {incident} --to {to}"),
        };
        self.to_agree(what, all, reason)
    }

    /// Lets a duty go, as the first of two people.
    pub fn waive(
        &mut self,
        incident: &str,
        waiver: &Waiver,
        reason: Prose,
    ) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        let command = Command::Waive(Waive {
            account_gone: waiver.account_gone,
            obligation: waiver.obligation,
            reason,
            subject: waiver.subject(),
        });
        self.act(command, object(id), &[])
    }

    /// The waiver that another person proposes and this one is to agree to.
    pub fn waiver_to_agree(
        &mut self,
        incident: &str,
        waiver: &Waiver,
        reason: Option<&Prose>,
    ) -> Result<Option<Proposal>, ActorError> {
        let mut all = self.incident_proposals(incident)?;
        all.retain(|p| matches!(&p.act().command, Command::Waive(args) if waiver.is_of(args)));
        let what = Wanted {
            does: format!("to let {} of {incident} go", waiver.obligation),
            command: format!(
                "breakglass waive {} --incident {incident}",
                waiver.obligation
            ),
        };
        self.to_agree(what, all, reason)
    }
}

impl Actor {
    /// Everybody who may ask for an account, by the verified authority.
    pub fn entitled(&mut self, account: &str) -> Result<Vec<(PersonId, Principal)>, ActorError> {
        let id = self.account(account)?.id.clone();
        let authority = self.trust.authority();
        let about = authority.entitlements.iter();
        let about = about.filter(|e| e.accounts.contains(&id));
        let groups: Vec<_> = about.flat_map(|e| &e.requesters).collect();
        let people = authority.people.iter();
        let people = people.filter(|p| groups.iter().any(|g| p.in_group(g)));
        Ok(people
            .map(|p| (p.person.clone(), p.principal.clone()))
            .collect())
    }
}
