//! Whom and what an event names, and what people wrote in it: what an entry is looked up by.
//!
//! Nothing is decided by it. Every event stands here, so that a new one is thought of.

use std::collections::BTreeSet;

use super::{AccountRef, Clock, Event, Member};
use crate::{AccountId, Line, PersonId};

/// Whom and what an event names, and what people wrote in it.
#[derive(Debug, Default)]
pub struct Subjects<'a> {
    /// Everybody it names: who asked, answered, holds, owes, signed, was told.
    pub people: BTreeSet<PersonId>,
    /// Every account it names.
    pub accounts: BTreeSet<AccountId>,
    /// What people wrote, and what came from outside, in full; none of it is empty.
    pub texts: Vec<&'a str>,
}

impl Event {
    /// Whom and what it names, and what was written in it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    pub fn subjects(&self) -> Subjects<'_> {
        let found = Subjects::default();
        match self {
            Self::LogStarted(d) => found.says([&d.origin, &d.software]),
            Self::AuthorityPublished(d) => {
                let signers = d.signatures.iter().map(|s| &s.signer.person);
                found.people(signers).clocks(&d.clocks)
            }
            Self::KeyEnrolled(d) => found.member(&d.member),
            Self::KeySuspended(d) => found.member(&d.member).say(&d.reason),
            Self::SessionOpened(d) => found.member(&d.member),
            Self::ContactSet(d) => found.member(&d.member),
            Self::IncidentDeclared(d) => {
                let found = found.member(&d.commander).clocks(&d.clocks);
                let found = found.say(&d.justification).say(&d.threat);
                found.says([&d.title, &d.service]).says(&d.cves)
            }
            Self::IncidentNoted(d) => found.say(&d.text),
            Self::ControlPlaneProbed(d) => found.say(&d.detail),
            Self::BreakGlassRequested(d) => {
                let found = found.account(&d.account).member(&d.requester);
                let found = found.say(&d.justification).say(&d.control_plane.attested);
                let found = found.says([&d.purpose.target, &d.purpose.artifact]);
                d.warnings.iter().fold(found, |f, w| f.says(&w.args))
            }
            Self::BreakGlassApproved(d) => found.member(&d.approver),
            Self::BreakGlassDenied(d) => found.member(&d.approver).say(&d.reason),
            Self::BreakGlassVoided(d) => found.say(&d.reason),
            Self::BreakGlassGranted(d) => {
                let found = found.account(&d.account).member(&d.holder);
                let found = found.say(&d.justification);
                found.says([&d.purpose.target, &d.purpose.artifact])
            }
            Self::BreakGlassAccess(d) => found.account(&d.account).say(&d.justification),
            Self::BreakGlassAction(d) => {
                let found = found.account(&d.account).say(&d.justification);
                found.say(&d.description).says([&d.target, &d.artifact])
            }
            Self::BreakGlassEnded(d) => {
                let found = found.account(&d.account).clocks(&d.clocks);
                found.say(&d.remark)
            }
            Self::ActionPlanned(d) => found.says([&d.target, &d.artifact, &d.summary]),
            Self::RunProgressed(d) => found.says([&d.handle, &d.detail]),
            Self::EffectClaimed(d) => found.account(&d.account),
            Self::ActProposed(d) => found.accounts(d.account.0.iter()).say(&d.about),
            Self::CredentialAdded(d) => found.account(&d.account).people(&d.known_to),
            Self::RotationOrdered(d) => found.account(&d.account).say(&d.reason),
            Self::CredentialStaged(d) => found.account(&d.account),
            Self::CredentialRotated(d) => found.account(&d.account),
            Self::RotationAttested(d) => {
                let found = found.account(&d.account).members(&d.attested_by);
                found.say(&d.how)
            }
            Self::CredentialRotationFailed(d) => found.account(&d.account).say(&d.detail),
            Self::IncidentResolved(d) => found.clocks(&d.clocks).say(&d.summary),
            Self::CabNotified(d) => found.say(&d.channel).say(&d.text),
            Self::IncidentReportFiled(d) => found.say(&d.summary),
            Self::PostIncidentReviewCompleted(d) => {
                let found = found.clocks(&d.clocks).say(&d.root_cause);
                let found = found.says(&d.follow_ups).says(&d.gaps);
                let verdicts = d.verdicts.iter();
                verdicts.fold(found, |f, v| f.says([&v.subject, &v.remark]))
            }
            Self::CabReviewed(d) => found.say(&d.remark),
            Self::AccessReviewed(d) => {
                let found = found.account(&d.account).clocks(&d.clocks);
                let decided = d.entitled.iter().map(|decision| &decision.person);
                found.people(decided).say(&d.remark)
            }
            Self::ProcedureUpdated(d) => found.say(&d.reference).say(&d.summary),
            Self::ObligationWaived(d) => {
                let found = found.members(&d.waived_by).subject(&d.subject);
                found.say(&d.reason)
            }
            Self::CommandTransferred(d) => found.member(&d.from).member(&d.to).say(&d.reason),
            Self::IncidentReopened(d) => found.clocks(&d.clocks),
            Self::StakeholderNotified(d) => {
                let found = found.people(d.deliveries.iter().map(|told| &told.person));
                let found = found.subject(&d.subject).say(&d.subject);
                found.says(d.deliveries.iter().map(|told| &told.detail))
            }
            Self::ObligationOverdue(d) => found.people([&d.owner]).subject(&d.subject),
            Self::CommandRefused(d) => {
                let found = found.subject(&d.object).say(&d.object);
                found.says(d.compared.iter().map(|compared| &compared.value))
            }
            Self::SinkChanged(d) => found.say(&d.detail),
            Self::StorageChanged(d) => found.say(&d.detail),
            Self::LogRecovered(d) => found.accounts(d.lost.iter().map(|lost| &lost.id)),
            Self::EpochBegun(d) => {
                let signers = d.signatures.iter().map(|s| &s.signer.person);
                let found = found.people(signers).say(&d.origin);
                found.accounts(d.lost.iter().map(|lost| &lost.id))
            }
            Self::BreakGlassLapsed(_)
            | Self::BreakGlassWithdrawn(_)
            | Self::BreakGlassExtended(_)
            | Self::IncidentClosed(_)
            | Self::RefusalsSummarised(_)
            | Self::ClockStepped(_) => found,
        }
    }
}

impl<'a> Subjects<'a> {
    fn people<'p>(mut self, people: impl IntoIterator<Item = &'p PersonId>) -> Self {
        self.people.extend(people.into_iter().cloned());
        self
    }

    fn member(self, member: &Member) -> Self {
        self.people([&member.person])
    }

    fn members(self, members: &[Member]) -> Self {
        self.people(members.iter().map(|member| &member.person))
    }

    fn accounts<'p>(mut self, accounts: impl IntoIterator<Item = &'p AccountId>) -> Self {
        self.accounts.extend(accounts.into_iter().cloned());
        self
    }

    fn account(self, account: &AccountRef) -> Self {
        self.accounts([&account.id])
    }

    /// What something is about, where that is an account's id.
    fn subject(self, subject: &Line) -> Self {
        let account: Option<AccountId> = subject.as_str().parse().ok();
        self.accounts(account.iter())
    }

    /// Whose duties begin, and about which accounts.
    fn clocks(self, clocks: &[Clock]) -> Self {
        let owners = self.people(clocks.iter().map(|clock| &clock.owner));
        clocks
            .iter()
            .fold(owners, |f, clock| f.subject(&clock.subject))
    }

    fn say(mut self, text: &'a impl AsRef<str>) -> Self {
        let text = text.as_ref();
        self.texts.extend((!text.is_empty()).then_some(text));
        self
    }

    fn says<T: AsRef<str> + 'a>(self, texts: impl IntoIterator<Item = &'a T>) -> Self {
        texts.into_iter().fold(self, |f, text| f.say(text))
    }
}
