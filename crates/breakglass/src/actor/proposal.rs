//! What another person proposed and waits for a second: fetched, verified from its bytes, shown,
//! and agreed to by signing the same.

use breakglass_api::{Received, view::ProposalView, wire};
use breakglass_format::{
    Digest, Event, Prose, Timestamp,
    act::{Act, Command},
    event::ActProposed,
};
use breakglass_statement::{VerifiedAct, digest, verify_act};
use thiserror::Error;

use super::{Actor, ActorError, CredentialImport, Outcome, submit::object};

/// An act that one person signed, whose signature and place in the log were checked.
#[derive(Debug, Clone)]
pub struct Proposal {
    act: VerifiedAct,
    event: ActProposed,
    time: Timestamp,
}

/// What somebody wants to agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// For a sentence: `to rotate shop-root`.
    pub does: String,
    /// What to type: `breakglass account rotate shop-root`.
    pub command: String,
}

/// Why there is nothing to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProposalError {
    /// Nobody proposes it.
    #[error("nobody proposes {}", .what.does)]
    None {
        /// What one wanted to agree to.
        what: Wanted,
    },
    /// Nobody proposes exactly this file.
    #[error("nobody proposes the credential in this file for {account}, or no longer")]
    NoSuchFile {
        /// The account.
        account: String,
    },
    /// It is the person's own proposal.
    #[error("this takes two people, and you proposed it yourself")]
    Own {
        /// Until when another may agree.
        until: Timestamp,
    },
    /// Somebody proposes it with another reason.
    #[error("{by} proposes {} with another reason: {reason:?}", .what.does)]
    Differs {
        /// What.
        what: Wanted,
        /// Who.
        by: String,
        /// Their reason.
        reason: String,
    },
    /// Several people propose it with reasons of their own.
    #[error("several people propose {}: {}", .what.does, .reasons.join("; "))]
    Several {
        /// What.
        what: Wanted,
        /// Who, and why.
        reasons: Vec<String>,
    },
    /// The entry that is shown does not record the act that is shown.
    #[error("the log entry that the server shows is not of this proposal: {what} differs")]
    EntryDiffers {
        /// What differs.
        what: &'static str,
    },
}

impl Proposal {
    /// The act, as the first person signed it.
    #[must_use]
    pub const fn act(&self) -> &Act {
        self.act.statement()
    }

    /// The act with its signature.
    #[must_use]
    pub const fn verified(&self) -> &VerifiedAct {
        &self.act
    }

    /// The account or the incident it is about, by id.
    #[must_use]
    pub fn object(&self) -> &str {
        self.act().object.id.as_str()
    }

    /// What people call that, as the log recorded it.
    #[must_use]
    pub fn about(&self) -> &str {
        self.event.about.as_str()
    }

    /// Until when another person may agree.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.event.until
    }

    /// The server's time when it was shown.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The reason; none where the command has none.
    #[must_use]
    pub const fn reason(&self) -> Option<&Prose> {
        match &self.act.statement().command {
            Command::Rotate(because) => Some(&because.reason),
            Command::AttestRotation(attest) => Some(&attest.how),
            Command::Waive(waive) => Some(&waive.reason),
            Command::Transfer(transfer) => Some(&transfer.reason),
            Command::AddCredential(_)
            | Command::Declare(_)
            | Command::Note(_)
            | Command::Probe(_)
            | Command::SetContact(_)
            | Command::Record(_)
            | Command::Withdraw(_)
            | Command::Return(_)
            | Command::Revoke(_)
            | Command::Cancel(_)
            | Command::Plan(_)
            | Command::Run(_)
            | Command::Resolve(_)
            | Command::NotifyCab(_)
            | Command::FileReport(_)
            | Command::CompleteReview(_)
            | Command::DecideCab(_)
            | Command::ReviewAccess(_)
            | Command::UpdateProcedure(_)
            | Command::Close(_) => None,
        }
    }
}

impl Actor {
    /// The open proposals of an account, each verified: signed by an enrolled key, and in the log.
    ///
    /// # Errors
    ///
    /// A check fails, or see [`ActorError`].
    pub fn proposals(&mut self, account: &str) -> Result<Vec<Proposal>, ActorError> {
        let account = self.account(account)?.id.to_string();
        let shown = self.client.proposals(&account)?;
        self.checked(&shown, &account)
    }

    /// The open proposals about an incident, each verified like those of an account.
    ///
    /// # Errors
    ///
    /// A check fails, or see [`ActorError`].
    pub fn incident_proposals(&mut self, incident: &str) -> Result<Vec<Proposal>, ActorError> {
        let id = self.incident_id(incident)?.to_string();
        let shown = self.client.incident_proposals(&id)?;
        self.checked(&shown, &id)
    }

    fn checked(
        &mut self,
        shown: &[ProposalView],
        object: &str,
    ) -> Result<Vec<Proposal>, ActorError> {
        let all = shown.iter().map(|view| self.check_proposal(view, object));
        let mut all: Vec<Proposal> = all.collect::<Result<_, _>>()?;
        all.retain(|p| p.time < p.event.until);
        Ok(all)
    }

    fn check_proposal(
        &mut self,
        view: &ProposalView,
        object: &str,
    ) -> Result<Proposal, ActorError> {
        let received = self.trust.log().check(&view.entry);
        let received = received.map_err(breakglass_api::ClientError::from)?;
        self.see(&received.checkpoint)?;
        let act = self.verify_proposed(&view.act)?;
        let event = entry_of(&act, &view.act, &received, object)?;
        Ok(Proposal {
            act,
            event,
            time: view.time,
        })
    }

    /// Verifies an act by an enrolled key; one under a newer authority than ours has us fetch it.
    fn verify_proposed(&mut self, shown: &wire::Signed) -> Result<VerifiedAct, ActorError> {
        let verify = |actor: &Self| {
            let authorities = actor.trust.authorities();
            let bytes = shown.statement.as_bytes();
            verify_act(bytes, &shown.signature, None, authorities)
        };
        if let Ok(verified) = verify(self) {
            return Ok(verified);
        }
        self.refresh()?;
        Ok(verify(self)?)
    }

    /// The rotation that another person proposes and this one is to agree to; none where a reason
    /// is given and nobody proposes anything, which makes this person the first.
    ///
    /// # Errors
    ///
    /// It is not clear which, or see [`ActorError`].
    pub fn rotation_to_agree(
        &mut self,
        account: &str,
        reason: Option<&Prose>,
    ) -> Result<Option<Proposal>, ActorError> {
        let name = &self.account(account)?.name;
        let what = Wanted {
            does: format!("to rotate {name}"),
            command: format!("breakglass account rotate {name}"),
        };
        let mut all = self.proposals(account)?;
        all.retain(|p| matches!(p.act().command, Command::Rotate(_)));
        self.to_agree(what, all, reason)
    }

    /// What another person attests of a rotation by hand, for this person to attest as well: as
    /// with a rotation.
    ///
    /// # Errors
    ///
    /// It is not clear which, or see [`ActorError`].
    pub fn attestation_to_agree(
        &mut self,
        account: &str,
        how: Option<&Prose>,
    ) -> Result<Option<Proposal>, ActorError> {
        let name = &self.account(account)?.name;
        let what = Wanted {
            does: format!("to attest a rotation of {name}"),
            command: format!("breakglass account attest {name}"),
        };
        let mut all = self.proposals(account)?;
        all.retain(|p| matches!(p.act().command, Command::AttestRotation(_)));
        self.to_agree(what, all, how)
    }

    /// Of proposals of the same, the one that this person is to agree to; none where a reason is
    /// given and nobody proposes anything, which makes this person the first.
    pub(super) fn to_agree(
        &self,
        what: Wanted,
        all: Vec<Proposal>,
        reason: Option<&Prose>,
    ) -> Result<Option<Proposal>, ActorError> {
        let me = self.identity.person.clone();
        let (own, mut others): (Vec<Proposal>, Vec<Proposal>) =
            all.into_iter().partition(|p| p.act().signer.person == me);
        if let Some(reason) = reason {
            let same = others.iter().position(|p| p.reason() == Some(reason));
            return match (same, others.first()) {
                (Some(at), _) => Ok(Some(others.swap_remove(at))),
                (None, Some(other)) => Err(differs(what, other).into()),
                (None, None) => Ok(None),
            };
        }
        match (others.len(), own.first()) {
            (1, _) => Ok(others.pop()),
            (0, Some(own)) => Err(ProposalError::Own { until: own.until() }.into()),
            (0, None) => Err(ProposalError::None { what }.into()),
            (_, _) => {
                let reasons = others.iter().map(said).collect();
                Err(ProposalError::Several { what, reasons }.into())
            }
        }
    }

    /// What another person proposes with exactly this sealed credential.
    ///
    /// # Errors
    ///
    /// Nobody does, or this person does, or see [`ActorError`].
    pub fn import_to_agree(&mut self, import: &CredentialImport) -> Result<Proposal, ActorError> {
        let sealed = [import.digest()?];
        let me = self.identity.person.clone();
        let all = self.proposals(import.account.as_str())?.into_iter();
        let mut all: Vec<Proposal> = all.filter(|p| p.act().documents == sealed).collect();
        let other = all.iter().position(|p| p.act().signer.person != me);
        match (other, all.first()) {
            (Some(at), _) => Ok(all.swap_remove(at)),
            (None, Some(own)) => Err(ProposalError::Own { until: own.until() }.into()),
            (None, None) => {
                let account = self.account(import.account.as_str())?.name.to_string();
                Err(ProposalError::NoSuchFile { account }.into())
            }
        }
    }

    /// Agrees to a proposal: signs its command, object and documents, word for word. Takes the
    /// enrolled key. `import` is what travels beside an import.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn agree(
        &mut self,
        proposal: &Proposal,
        import: Option<&CredentialImport>,
    ) -> Result<Outcome, ActorError> {
        let attached: Option<Vec<u8>> = import.map(CredentialImport::envelope_bytes).transpose()?;
        let attached: Vec<Vec<u8>> = attached.into_iter().collect();
        let command = proposal.act().command.clone();
        self.act(command, object(proposal.object()), &attached)
    }
}

fn differs(what: Wanted, other: &Proposal) -> ProposalError {
    ProposalError::Differs {
        what,
        by: other.act().signer.principal.to_string(),
        reason: other.reason().map_or_else(String::new, ToString::to_string),
    }
}

fn said(proposal: &Proposal) -> String {
    let reason = proposal
        .reason()
        .map_or_else(String::new, ToString::to_string);
    format!("{} because {reason:?}", proposal.act().signer.principal)
}

/// The event of the proposal, after the entry was compared with the act: the same bytes, the same
/// signature, the same object, and nothing that the act does not say.
fn entry_of(
    act: &VerifiedAct,
    shown: &wire::Signed,
    received: &Received,
    object: &str,
) -> Result<ActProposed, ProposalError> {
    let differs = |what| ProposalError::EntryDiffers { what };
    let entry = &received.entry;
    let Event::ActProposed(event) = &entry.event else {
        return Err(differs("the kind of event"));
    };
    let said = act.statement();
    let signature: Digest = digest(shown.signature.as_bytes());
    let account = event.account.0.as_ref().map(ToString::to_string);
    let recorded = account.or_else(|| event.incident_id.0.map(|id| id.to_string()));
    let checks = [
        (entry.statement.0 == Some(act.digest()), "the statement"),
        (entry.signature.0 == Some(signature), "the signature"),
        (recorded.as_deref() == Some(object), "what it is about"),
        (said.object.id.as_str() == object, "the object"),
        (event.command.as_str() == said.command.word(), "the command"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(differs(what)),
        None => Ok(event.clone()),
    }
}
