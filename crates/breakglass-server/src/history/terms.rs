//! What an entry is looked for by, as a function of the entry alone: the index is made with it, and
//! what the index says is held against it.

use std::collections::BTreeSet;

use breakglass_format::{Entry, Event, IncidentId, event::Reference};
use breakglass_store::history::Term;

/// The type of its event.
pub(crate) const TYPE: &str = "type";
/// An incident that it belongs to, by id. A rotation may be called for by several.
pub(crate) const INCIDENT: &str = "incident";
/// Who acted.
pub(crate) const BY: &str = "by";
/// Who acted or is named.
pub(crate) const PERSON: &str = "person";
/// An account that it names, by id.
pub(crate) const ACCOUNT: &str = "account";
/// What somebody was refused about: an id, a reference or an account's name.
pub(crate) const OBJECT: &str = "object";

/// A term.
pub(crate) fn term(kind: &'static str, value: impl ToString) -> Term {
    let value = value.to_string();
    Term { kind, value }
}

/// What an entry is looked for by.
pub(crate) fn terms(entry: &Entry) -> BTreeSet<Term> {
    let event = &entry.event;
    let mut all = BTreeSet::from([term(TYPE, event.event_type())]);
    all.extend(incidents_of(event).iter().map(|id| term(INCIDENT, id)));
    if let Some(person) = &entry.person.0 {
        all.extend([term(BY, person), term(PERSON, person)]);
    }
    let subjects = event.subjects();
    all.extend(subjects.people.iter().map(|id| term(PERSON, id)));
    all.extend(subjects.accounts.iter().map(|id| term(ACCOUNT, id)));
    if let Event::CommandRefused(refused) = event {
        let compared = refused.compared.iter().map(|c| c.value.as_str());
        let references = compared.filter(|text| text.parse::<Reference>().is_ok());
        let about = references.chain([refused.object.as_str()]);
        let about = about.filter(|text| !text.is_empty());
        all.extend(about.map(|text| term(OBJECT, text)));
    }
    all
}

/// The words that find an entry: the lines that tell it, and what was written in it, as far as the
/// lines do not have all of it.
pub(crate) fn words(entry: &Entry, lines: &[String]) -> String {
    let mut words = lines.join("\n");
    for text in entry.event.subjects().texts {
        if !words.contains(text) {
            words.push('\n');
            words.push_str(text);
        }
    }
    words
}

/// The incidents that an event is about. A rotation may be called for by several.
pub(super) fn incidents_of(event: &Event) -> BTreeSet<IncidentId> {
    let mut all: BTreeSet<IncidentId> = event.incident_id().into_iter().collect();
    if let Event::CredentialRotated(d) = event {
        all.extend(&d.incidents);
    }
    if let Event::RotationAttested(d) = event {
        all.extend(&d.incidents);
    }
    all
}
