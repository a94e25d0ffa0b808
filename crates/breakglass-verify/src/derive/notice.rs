//! What people were told: about something that there is, to somebody who is known. That somebody
//! should have been told and was not is no finding; whether there is a way to tell people is the
//! server's configuration.

use breakglass_format::{
    EventId, IncidentId, PersonId,
    event::{ContactSet, Reference, StakeholderNotified},
    vocabulary::{Notice, Obligation, Privilege},
};

use super::{At, Fold, authority::is_signer};

/// Seconds between two changes of a contact.
const CONTACT_EVERY_S: i64 = 60;

/// Whether a notice tells somebody of their own contact or keys.
fn is_personal(notice: Notice) -> bool {
    matches!(
        notice,
        Notice::ContactChanged | Notice::KeyEnrolled | Notice::KeySuspended
    )
}

impl Fold<'_> {
    pub(super) fn notified(&mut self, d: &StakeholderNotified) {
        let about = match d.incident_id.0 {
            Some(incident) => {
                self.incident(incident);
                self.is_about_incident(incident, d)
            }
            None if is_personal(d.notice) => self.is_about_person(d),
            None => self.is_about_account(d),
        };
        self.rule(
            about,
            "notice_of_nothing",
            "people were told of something that there is not",
        );
        let authority = self.current();
        let known = d
            .deliveries
            .iter()
            .all(|d| authority.is_some_and(|a| a.person(&d.person).is_some()));
        self.rule(
            known,
            "notice_to_stranger",
            "somebody was told whom the authority does not know",
        );
        let board = d.deliveries.iter().any(|d| {
            let person = authority.and_then(|a| a.person(&d.person));
            d.sent && person.is_some_and(|p| p.may(Privilege::Cab))
        });
        if let Some(incident) = d.incident_id.0
            && d.notice == Notice::CabNotice
            && board
        {
            self.meet(incident, Obligation::CabNotified, "");
        }
    }

    fn is_about_incident(&self, id: IncidentId, d: &StakeholderNotified) -> bool {
        let reference: Option<Reference> = d.subject.as_str().parse().ok();
        match d.notice {
            Notice::IncidentDeclared | Notice::CabNotice => {
                let incident = self.out.incidents.get(&id);
                incident.is_some_and(|i| Some(i.reference) == reference)
            }
            Notice::RequestWaiting | Notice::RequestLapsed => {
                let mut requests = self.out.requests.values();
                requests.any(|r| r.incident == id && Some(r.reference) == reference)
            }
            Notice::GrantedOverDenial | Notice::GrantEnding | Notice::GrantUndocumented => {
                let mut grants = self.out.grants.values();
                grants.any(|g| g.incident == id && Some(g.reference) == reference)
            }
            Notice::DutyDue => self.out.duties.iter().any(|(key, duty)| {
                let subject = match key.subject.as_str() {
                    "" => key.obligation.to_string(),
                    of => format!("{} {of}", key.obligation),
                };
                key.incident == id
                    && subject == d.subject.as_str()
                    && Some(duty.due_at) == d.due_at.0
            }),
            Notice::RotationGivenUp
            | Notice::ContactChanged
            | Notice::KeyEnrolled
            | Notice::KeySuspended => false,
        }
    }

    /// Everybody sets their own contact, what it is nobody learns from the log.
    pub(super) fn contact_set(&mut self, entry: At<'_>, d: &ContactSet) {
        let person = &d.member.person;
        self.concerns(entry.event_id, Notice::ContactChanged, person);
        let before = self.contact_set_at.insert(person.clone(), self.now);
        self.rule(
            before.is_none_or(|at| self.now >= at.plus_s(CONTACT_EVERY_S)),
            "contact_too_often",
            "a contact was changed twice within a minute",
        );
        let Some(act) = entry.act("set_contact") else {
            return;
        };
        let (text, signer) = (act.statement(), act.signer());
        let member = is_signer(person, &d.member.principal, signer);
        self.same(&[
            ("commitment", text.documents == [d.commitment]),
            ("member", member),
            ("object", text.object.id.is_empty()),
        ]);
    }

    /// Notes that an event is about somebody's own contact or keys, of which they are told.
    pub(super) fn concerns(&mut self, event: EventId, notice: Notice, person: &PersonId) {
        self.personal.insert(event, (notice, person.clone()));
    }

    /// What happens to somebody's contact or keys is told to that person, and to nobody else.
    fn is_about_person(&self, d: &StakeholderNotified) -> bool {
        let event = d.subject.as_str().parse().ok();
        let about = event.and_then(|event| self.personal.get(&event));
        about.is_some_and(|(notice, whose)| {
            d.notice == *notice && d.deliveries.iter().all(|d| d.person == *whose)
        })
    }

    fn is_about_account(&self, d: &StakeholderNotified) -> bool {
        let named = |name: &str| {
            self.current()
                .is_some_and(|a| a.account_named(name).is_some())
        };
        match d.notice {
            Notice::RotationGivenUp => named(d.subject.as_str()),
            Notice::DutyDue => {
                let quarterly = Obligation::QuarterlyAccessReview.as_str();
                let account = d.subject.as_str().strip_prefix(quarterly);
                account.is_some_and(|a| named(a.trim_start()))
            }
            Notice::IncidentDeclared
            | Notice::CabNotice
            | Notice::RequestWaiting
            | Notice::RequestLapsed
            | Notice::GrantedOverDenial
            | Notice::GrantEnding
            | Notice::GrantUndocumented
            | Notice::ContactChanged
            | Notice::KeyEnrolled
            | Notice::KeySuspended => false,
        }
    }
}
