//! What another person proposed and waits for a second: fetched, verified from its bytes, shown,
//! and agreed to by signing the same.

use breakglass_api::{Received, view::ProposalView, wire};
use breakglass_format::{
    AccountId, Digest, Event, Prose, Timestamp,
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

/// Why there is nothing to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProposalError {
    /// Nobody proposes to rotate the account.
    #[error("nobody proposes to rotate {account}")]
    None {
        /// The account.
        account: String,
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
    #[error("{by} proposes to rotate {account} with another reason: {reason:?}")]
    Differs {
        /// The account.
        account: String,
        /// Who.
        by: String,
        /// Their reason.
        reason: String,
    },
    /// Several people propose it with reasons of their own.
    #[error("several people propose to rotate {account}: {}", .reasons.join("; "))]
    Several {
        /// The account.
        account: String,
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

    /// The account, as the log recorded it.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.event.account.id
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

    /// The reason for a rotation; none where it is something else.
    #[must_use]
    pub const fn reason(&self) -> Option<&Prose> {
        match &self.act.statement().command {
            Command::Rotate(because) => Some(&because.reason),
            Command::AddCredential(_)
            | Command::Declare(_)
            | Command::Note(_)
            | Command::Record(_)
            | Command::Withdraw(_)
            | Command::Return(_)
            | Command::Revoke(_)
            | Command::Cancel(_)
            | Command::Plan(_)
            | Command::Run(_)
            | Command::Resolve(_) => None,
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
        let account = self.account(account)?.id.clone();
        let shown = self.client.proposals(account.as_str())?;
        let all = shown.iter().map(|view| self.check_proposal(view, &account));
        let mut all: Vec<Proposal> = all.collect::<Result<_, _>>()?;
        all.retain(|p| p.time < p.event.until);
        Ok(all)
    }

    fn check_proposal(
        &mut self,
        view: &ProposalView,
        account: &AccountId,
    ) -> Result<Proposal, ActorError> {
        let received = self.trust.log().check(&view.entry);
        let received = received.map_err(breakglass_api::ClientError::from)?;
        self.see(&received.checkpoint)?;
        let act = self.verify_proposed(&view.act)?;
        let event = entry_of(&act, &view.act, &received, account)?;
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
        let name = self.account(account)?.name.to_string();
        let mut all = self.proposals(account)?;
        all.retain(|p| p.reason().is_some());
        let me = self.identity.person.clone();
        let (own, mut others): (Vec<Proposal>, Vec<Proposal>) =
            all.into_iter().partition(|p| p.act().signer.person == me);
        if let Some(reason) = reason {
            let same = others.iter().position(|p| p.reason() == Some(reason));
            return match (same, others.first()) {
                (Some(at), _) => Ok(Some(others.swap_remove(at))),
                (None, Some(other)) => Err(differs(name, other).into()),
                (None, None) => Ok(None),
            };
        }
        match (others.len(), own.first()) {
            (1, _) => Ok(others.pop()),
            (0, Some(own)) => Err(ProposalError::Own { until: own.until() }.into()),
            (0, None) => Err(ProposalError::None { account: name }.into()),
            (_, _) => {
                let reasons = others.iter().map(said).collect();
                let account = name;
                Err(ProposalError::Several { account, reasons }.into())
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
        self.act(command, object(proposal.account()), &attached)
    }
}

fn differs(account: String, other: &Proposal) -> ProposalError {
    ProposalError::Differs {
        account,
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
/// signature, the same account, and nothing that the act does not say.
fn entry_of(
    act: &VerifiedAct,
    shown: &wire::Signed,
    received: &Received,
    account: &AccountId,
) -> Result<ActProposed, ProposalError> {
    let differs = |what| ProposalError::EntryDiffers { what };
    let entry = &received.entry;
    let Event::ActProposed(event) = &entry.event else {
        return Err(differs("the kind of event"));
    };
    let said = act.statement();
    let signature: Digest = digest(shown.signature.as_bytes());
    let checks = [
        (entry.statement.0 == Some(act.digest()), "the statement"),
        (entry.signature.0 == Some(signature), "the signature"),
        (event.account.id == *account, "the account"),
        (said.object.id.as_str() == account.as_str(), "the object"),
        (event.command.as_str() == said.command.word(), "the command"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(differs(what)),
        None => Ok(event.clone()),
    }
}
