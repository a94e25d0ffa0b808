//! People are told what the rules call for, each by the way that is known to reach them.

use std::collections::BTreeMap;

use breakglass_core::{
    Command, World,
    contact::PersonalNotice,
    incident::Incident,
    notice::{Due, NO_CHANNEL},
};
use breakglass_format::{
    Digest, Line, Name, PersonId, event::Delivery, time::human_s, vocabulary::Notice,
};
use breakglass_sinks::notify::{Message, NotifyError, smtp::Smtp, webhook::Webhook};
use breakglass_statement::digest;

use super::Tools;

/// The ways to reach people.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// Mail, and everybody's address by principal.
    pub(crate) mail: Option<(Smtp, BTreeMap<String, String>)>,
    /// A webhook, which reaches everybody.
    pub(crate) webhook: Option<Webhook>,
}

impl Ways {
    /// Whether anybody can be told anything.
    pub(crate) fn is_none(&self) -> bool {
        self.mail.is_none() && self.webhook.is_none()
    }
}

impl Tools {
    /// Tells people one thing, and puts on record who was reached.
    pub(crate) fn tell(&self, due: Due) {
        let published = self.engine.published();
        let message = compose(&published.world, &due);
        let by_webhook = self.ways.webhook.as_ref().map(|hook| {
            let now_s = self.clock.wall().millis() / 1000;
            hook.send(&message, now_s)
        });
        let deliveries = due.people.iter().map(|person| {
            self.deliver(
                &published.world,
                &due,
                person,
                &message,
                by_webhook.as_ref(),
            )
        });
        let deliveries: Vec<Delivery> = deliveries.collect();
        let reached = personal(&published.world, &due).and_then(|p| p.reached);
        // What is refused was answered meanwhile, or told by somebody who died before recording.
        let _ = self
            .engine
            .submit_blocking(Command::Notified(due, deliveries), Vec::new());
        if let Some(reached) = reached
            && !self.engine.published().world.needs_contact(&reached)
        {
            self.contacts.forget(&reached);
        }
    }

    /// The address of a person: what they set; where they did not, what the configuration says.
    /// Of their own contact and keys they are told where they were reached when it happened.
    fn address(&self, world: &World, due: &Due, person: &PersonId) -> Option<String> {
        let set = match personal(world, due) {
            Some(personal) => personal.reached,
            None => world.contact(person).map(|c| c.commitment),
        };
        self.address_at(world, set, person)
    }

    /// Whether there is an address at which a person is reached.
    pub(crate) fn has_address(&self, world: &World, person: &PersonId) -> bool {
        let set = world.contact(person).map(|c| c.commitment);
        self.address_at(world, set, person).is_some()
    }

    fn address_at(&self, world: &World, set: Option<Digest>, person: &PersonId) -> Option<String> {
        let set = set.and_then(|commitment| self.contacts.mail(&commitment));
        set.map(|mail| mail.to_string()).or_else(|| {
            let (_, configured) = self.ways.mail.as_ref()?;
            configured.get(&principal(world, person)).cloned()
        })
    }

    /// Mail where there is an address, else the webhook; where both are there, one of them is
    /// enough.
    fn deliver(
        &self,
        world: &World,
        due: &Due,
        person: &PersonId,
        message: &Message,
        by_webhook: Option<&Result<(), NotifyError>>,
    ) -> Delivery {
        let by_mail = self.ways.mail.as_ref().and_then(|(smtp, _)| {
            let address = self.address(world, due, person)?;
            Some(smtp.send(&address, message))
        });
        let (channel, outcome) = match (by_mail, by_webhook) {
            (Some(Err(_)), Some(Ok(()))) | (None, Some(Ok(()))) => ("webhook", Ok(())),
            (Some(by_mail), _) => ("mail", by_mail),
            (None, Some(failed)) => ("webhook", failed.clone()),
            (None, None) => {
                let none = "no way to reach this person is configured";
                (NO_CHANNEL, Err(NotifyError::Unusable(none.to_owned())))
            }
        };
        Delivery {
            channel: word(channel),
            detail: match &outcome {
                Ok(()) => Line::default(),
                Err(why) => Line::lossy(&why.to_string()),
            },
            person: person.clone(),
            sent: outcome.is_ok(),
        }
    }
}

/// What happened to a person's own contact or keys, where a notice is about that.
fn personal<'a>(world: &'a World, due: &Due) -> Option<&'a PersonalNotice> {
    let personal = world.personal_notice(&due.key.subject.as_str().parse().ok()?)?;
    (personal.notice == due.key.notice).then_some(personal)
}

fn word(channel: &'static str) -> Name {
    #[expect(clippy::expect_used, reason = "one of three literals that are names")]
    channel.parse().expect("a name")
}

fn principal(world: &World, person: &PersonId) -> String {
    let known = world.authority().and_then(|v| v.authority.person(person));
    known.map_or_else(|| person.to_string(), |p| p.principal.to_string())
}

/// What is told, in a few lines, the first of which says it all. Every word of it that people
/// wrote is data: the channels escape it.
fn compose(world: &World, due: &Due) -> Message {
    let incident = due.incident.and_then(|id| world.incident(&id));
    let reference = incident
        .map(|i| i.reference.to_string())
        .unwrap_or_default();
    let about = incident.map_or_else(String::new, line_about);
    let subject = due.key.subject.as_str();
    let minutes = human_s(due.key.stage * 60);
    let (headline, todo) = match due.key.notice {
        Notice::IncidentDeclared => (
            format!("declared: {about}"),
            format!("breakglass incident show {reference}"),
        ),
        Notice::CabNotice => (
            format!("for the change advisory board: {about}"),
            format!(
                "a deployment may go past the board; its decision is due after the end:\n  breakglass cab record {reference}"
            ),
        ),
        Notice::RequestWaiting => (
            format!("{subject} waits for your answer: {}", asked(world, due)),
            format!(
                "read it, then answer:\n  breakglass approve {subject}\n  breakglass deny {subject}"
            ),
        ),
        Notice::RequestLapsed => (
            format!("{subject} lapsed: nobody answered in time"),
            "ask again, and call two approvers:\n  breakglass request …".to_owned(),
        ),
        Notice::GrantedOverDenial => (
            format!("{subject} was granted although somebody had said no before"),
            format!(
                "look at it; you can end it:\n  breakglass grant show {subject}\n  breakglass revoke {subject}"
            ),
        ),
        Notice::GrantEnding => (
            format!("{subject} ends in {minutes}"),
            format!(
                "more time takes two people, before the end:\n  breakglass extend {subject} --for 1h --why '…'\nor give it back:\n  breakglass return {subject}"
            ),
        ),
        Notice::GrantUndocumented => (
            format!("{subject} was used, and nothing says what for"),
            format!(
                "write it down while you know it:\n  breakglass action record {subject} --action … --target … --description '…'"
            ),
        ),
        Notice::DutyDue => (
            format!("{}: {subject}", pressing(due)),
            format!("what is open, and until when:\n  breakglass incident show {reference}"),
        ),
        Notice::RotationGivenUp => (
            format!("the credential of {subject} could not be rotated; a person has to look"),
            format!(
                "why, then order another try, which takes two:\n  breakglass account show {subject}\n  breakglass account rotate {subject}"
            ),
        ),
        Notice::ContactChanged => contact_changed(&whose(world, due)),
        Notice::KeyEnrolled => key_enrolled(&whose(world, due)),
        Notice::KeySuspended => key_suspended(&whose(world, due)),
    };
    Message {
        id: id(due),
        subject: format!("[breakglass] {headline}"),
        text: format!("{headline}\n{about}\n\n{todo}\n"),
        to: due.people.iter().map(|p| principal(world, p)).collect(),
    }
}

fn line_about(incident: &Incident) -> String {
    let drill = if incident.drill { "DRILL, " } else { "" };
    format!(
        "{drill}{}, {} {}: {}",
        incident.reference, incident.severity, incident.scenario, incident.title
    )
}

fn contact_changed(whose: &str) -> (String, String) {
    (
        format!("{whose} is reached elsewhere from now on"),
        format!("{NOT_YOU}:\n  breakglass contact set YOUR-ADDRESS"),
    )
}

fn key_enrolled(whose: &str) -> (String, String) {
    (
        format!("another key signs for {whose} from now on"),
        format!(
            "see which:\n  breakglass key list\n{NOT_YOU}:\n  breakglass key suspend SHA256:… --why '…'"
        ),
    )
}

fn key_suspended(whose: &str) -> (String, String) {
    (
        format!("keys of {whose} count no longer"),
        "who suspended which, and why:\n  breakglass key list\n\
         a key counts again once a new version of the authority lists it anew"
            .to_owned(),
    )
}

/// Said to whom something happened that they should have done themselves.
const NOT_YOU: &str =
    "if that was not you, somebody acts in your name: call a root person now, then";

fn whose(world: &World, due: &Due) -> String {
    let who: Vec<String> = due.people.iter().map(|p| principal(world, p)).collect();
    who.join(", ")
}

fn pressing(due: &Due) -> String {
    let stage = due.key.stage;
    let until = due.key.due_at.map(|at| at.to_string()).unwrap_or_default();
    match stage {
        ..100 => format!("{stage} % of the time is over, due {until}"),
        100 => format!("OVERDUE since {until}"),
        _ => format!("OVERDUE for {} days, since {until}", stage - 100),
    }
}

/// `alice asks for prod-db-root for 4h`.
fn asked(world: &World, due: &Due) -> String {
    let named = due.key.subject.as_str().parse().ok();
    let request = match named.and_then(|r| world.resolve_reference(r)) {
        Some(breakglass_core::world::Named::Request(id)) => world.request(&id),
        _ => None,
    };
    request.map_or_else(String::new, |r| {
        let (who, what) = (&r.requester.principal, &r.account.name);
        format!("{who} asks for {what} for {}", human_s(r.duration_s))
    })
}

/// The same for the same notice, whatever is tried how often; it tells nothing by itself.
fn id(due: &Due) -> String {
    let incident = due.incident.map(|i| i.to_string()).unwrap_or_default();
    let key = &due.key;
    let at = key.due_at.map(|t| t.millis()).unwrap_or_default();
    let text = format!(
        "{incident} {} {} {at} {}",
        key.notice, key.subject, key.stage
    );
    let hash = digest(text.as_bytes()).to_string();
    let hex = hash.rsplit(':').next().unwrap_or_default();
    format!("notice_{}", hex.get(..32).unwrap_or(hex))
}
