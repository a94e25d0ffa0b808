//! Every event as a sentence in plain words.

mod access;
mod aftermath;
mod house;
mod notice;
mod rotation;

use super::{date, names::Names, quote::quote};
use crate::{
    Entry, Event, Line, Name, Timestamp,
    event::{Clock, ControlPlaneProbed, IncidentDeclared, ObligationOverdue},
    time::human_s,
    vocabulary::{Obligation, Occasion, Verdict},
};

/// A sentence, and the particulars that stand beneath it.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) says: String,
    pub(super) details: Vec<String>,
}

impl From<String> for Sentence {
    fn from(says: String) -> Self {
        Self {
            says,
            details: Vec::new(),
        }
    }
}

/// What an entry says.
pub(super) fn of(entry: &Entry, names: &Names) -> Sentence {
    let scene = Scene {
        entry,
        names,
        who: who(entry),
    };
    match &entry.event {
        Event::LogStarted(d) => house::log_started(d),
        Event::AuthorityPublished(d) => house::authority_published(d, &scene),
        Event::KeyEnrolled(d) => house::key_enrolled(d),
        Event::KeySuspended(d) => house::key_suspended(d, &scene),
        Event::SessionOpened(d) => house::session_opened(d, &scene),
        Event::ContactSet(d) => notice::contact_set(d),
        Event::IncidentDeclared(d) => scene.declared(d),
        Event::IncidentNoted(d) => format!("{} noted: {}", scene.who, quote(&d.text)).into(),
        Event::ControlPlaneProbed(d) => scene.probed(d),
        Event::BreakGlassRequested(d) => access::requested(d, &scene),
        Event::BreakGlassApproved(d) => access::approved(d, &scene),
        Event::BreakGlassDenied(d) => access::denied(d, &scene),
        Event::BreakGlassLapsed(d) => access::lapsed(d, &scene),
        Event::BreakGlassWithdrawn(d) => access::withdrawn(d, &scene),
        Event::BreakGlassVoided(d) => access::voided(d, &scene),
        Event::BreakGlassGranted(d) => access::granted(d, &scene),
        Event::BreakGlassExtended(d) => access::extended(d, &scene),
        Event::BreakGlassAccess(d) => access::used(d, &scene),
        Event::BreakGlassAction(d) => access::acted(d, &scene),
        Event::BreakGlassEnded(d) => access::ended(d, &scene),
        Event::ActionPlanned(d) => access::planned(d, &scene),
        Event::RunProgressed(d) => access::progressed(d, &scene),
        Event::EffectClaimed(d) => house::effect_claimed(d, &scene),
        Event::ActProposed(d) => house::act_proposed(d, &scene),
        Event::CredentialAdded(d) => rotation::added(d, &scene),
        Event::RotationOrdered(d) => rotation::ordered(d, &scene),
        Event::CredentialStaged(d) => rotation::staged(d),
        Event::RotationAttested(d) => rotation::attested(d),
        Event::CredentialRotated(d) => rotation::rotated(d, &scene),
        Event::CredentialRotationFailed(d) => rotation::failed(d, &scene),
        Event::IncidentResolved(d) => {
            let says = format!("{} resolved the incident: {}", scene.who, quote(&d.summary));
            Sentence {
                says,
                details: scene.clocks(&d.clocks),
            }
        }
        Event::CabNotified(d) => aftermath::cab_notified(d, &scene),
        Event::IncidentReportFiled(d) => aftermath::report_filed(d, &scene),
        Event::PostIncidentReviewCompleted(d) => aftermath::reviewed(d, &scene),
        Event::CabReviewed(d) => aftermath::cab_reviewed(d, &scene),
        Event::AccessReviewed(d) => aftermath::access_reviewed(d, &scene),
        Event::ProcedureUpdated(d) => aftermath::procedure_updated(d, &scene),
        Event::ObligationWaived(d) => aftermath::waived(d, &scene),
        Event::CommandTransferred(d) => aftermath::transferred(d, &scene),
        Event::IncidentClosed(_) => format!("{} closed the incident", scene.who).into(),
        Event::IncidentReopened(d) => aftermath::reopened(d, &scene),
        Event::StakeholderNotified(d) => notice::told(d, &scene),
        Event::ObligationOverdue(d) => scene.overdue(d),
        Event::CommandRefused(d) => house::refused(d, &scene),
        Event::RefusalsSummarised(d) => house::refusals_summarised(d, &scene),
        Event::ClockStepped(d) => house::clock_stepped(d),
        Event::SinkChanged(d) => house::sink_changed(d),
        Event::StorageChanged(d) => house::storage_changed(d),
        Event::LogRecovered(d) => house::log_recovered(d),
        Event::EpochBegun(d) => house::epoch_begun(d),
    }
}

/// Who acted.
fn who(entry: &Entry) -> String {
    match (&entry.principal.0, &entry.person.0) {
        (Some(principal), _) => principal.to_string(),
        (None, Some(person)) => person.to_string(),
        (None, None) => "the server".to_owned(),
    }
}

/// `rollback on "checkout"`.
pub(super) fn action_on(action: &Name, target: &Line) -> String {
    if target.is_empty() {
        action.to_string()
    } else {
        format!("{action} on {}", quote(target))
    }
}

/// `1 approval`, `2 approvals`.
fn count(n: impl TryInto<i64>, thing: &str) -> String {
    let n = n.try_into().unwrap_or(i64::MAX);
    if n == 1 {
        format!("1 {thing}")
    } else {
        format!("{n} {thing}s")
    }
}

/// The words joined by commas, in the order given.
fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a sentence needs besides the event's own data.
struct Scene<'a> {
    entry: &'a Entry,
    names: &'a Names,
    who: String,
}

impl Scene<'_> {
    /// What the probes said of the control plane, and what they were asked for.
    fn probed(&self, d: &ControlPlaneProbed) -> Sentence {
        let says = match d.verdict {
            Verdict::Up => "the control plane is UP",
            Verdict::Down => "the control plane is down",
            Verdict::CannotTell => "the probes CANNOT TELL whether the control plane is up",
        };
        let occasion = match d.occasion {
            Occasion::Declaration => "probed at the declaration".to_owned(),
            Occasion::Request => "probed for a request".to_owned(),
            Occasion::Pending => "probed while a request waits".to_owned(),
            Occasion::Activation => "probed for an approval".to_owned(),
            Occasion::Dispatch => "probed before a run".to_owned(),
            Occasion::Asked => format!("probed because {} asked", self.who),
        };
        let mut details = vec![quote(&d.detail)];
        details.extend(d.evidence.0.map(|e| format!("samples: {e}")));
        Sentence {
            says: format!("{says}; {occasion}"),
            details,
        }
    }

    /// A time, with its date where that is not the entry's own.
    fn time(&self, at: Timestamp) -> String {
        let time = at.time_of_day();
        if date(at) == date(self.entry.created_at) {
            time
        } else {
            format!("{} {time}", date(at))
        }
    }

    /// One line per clock that an event starts.
    fn clocks(&self, clocks: &[Clock]) -> Vec<String> {
        let line = |clock: &Clock| {
            format!(
                "{} is to {} by {} ({})",
                self.names.person(&clock.owner),
                self.duty(clock.obligation, &clock.subject),
                self.time(clock.due_at),
                human_s(clock.length_s),
            )
        };
        clocks.iter().map(line).collect()
    }

    /// What has to be done, after "is to".
    fn duty(&self, obligation: Obligation, subject: &Line) -> String {
        let about = match self.names.account(subject.as_str()) {
            Some(account) => account.to_owned(),
            None => quote(subject),
        };
        match obligation {
            Obligation::IncidentResolved => "resolve the incident".to_owned(),
            Obligation::CredentialRotation => format!("have the credential of {about} rotated"),
            Obligation::CabNotified => "tell the change advisory board".to_owned(),
            Obligation::IncidentReport => "file the incident report".to_owned(),
            Obligation::PostIncidentReview => "complete the post-incident review".to_owned(),
            Obligation::AccessReview => format!("review the access to {about}"),
            Obligation::ProcedureUpdate => "update the procedure".to_owned(),
            Obligation::CabReview => "bring the decision of the change advisory board".to_owned(),
            Obligation::QuarterlyAccessReview => {
                format!("review {about} and everybody who may ask for it")
            }
        }
    }

    fn declared(&self, d: &IncidentDeclared) -> Sentence {
        let what = match d.scenario.as_str() {
            "critical-patch" => "a critical patch".to_owned(),
            "production-outage" => "a production outage".to_owned(),
            "system-failure" => "a system failure".to_owned(),
            other => format!("an incident of scenario {other}"),
        };
        let says = format!(
            "{} declared {what}, {}: {}",
            self.who,
            d.severity,
            quote(&d.title)
        );
        let mut details = vec![format!("why: {}", quote(&d.justification))];
        if !d.service.is_empty() {
            details.push(format!("affected service: {}", quote(&d.service)));
        }
        if !d.threat.is_empty() {
            details.push(format!("threat: {}", quote(&d.threat)));
        }
        if !d.cves.is_empty() {
            details.push(format!("CVEs: {}", list(d.cves.iter().map(quote))));
        }
        details.push(format!("commander: {}", d.commander.principal));
        details.extend(self.clocks(&d.clocks));
        Sentence { says, details }
    }

    fn overdue(&self, d: &ObligationOverdue) -> Sentence {
        format!(
            "OVERDUE since {}: {} was to {}",
            self.time(d.due_at),
            self.names.person(&d.owner),
            self.duty(d.obligation, &d.subject),
        )
        .into()
    }
}
