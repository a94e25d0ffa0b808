//! Where people are reached, as far as the rules know it: by a commitment. Everybody sets their
//! own, and whoever was reached elsewhere before is told there.

use breakglass_format::{
    Digest, EventId, PersonId, Timestamp,
    act::Act,
    entry::Recorded,
    event::{ContactSet, Member},
};

use crate::{
    aftermath::one_document,
    command::{Author, Context, Draft},
    notice::Notices,
    refusal::{Code, Refusal},
    world::World,
};

/// Seconds between two changes by the same person: each change is a mail to the address before,
/// and nobody sends mail to addresses of their choice without end.
const CHANGE_S: i64 = 60;

/// Where a person is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// SHA-256 of the contact, which lies beside the log.
    pub commitment: Digest,
    /// When it was set.
    pub at: Timestamp,
}

/// A change that its person was not told of yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactChange {
    /// Whose.
    pub person: PersonId,
    /// Where they were reached before; none where the server's configuration said it.
    pub before: Option<Digest>,
    pub(crate) told: Notices,
}

impl World {
    pub(crate) fn decide_set_contact(
        &self,
        act: &Act,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let commitment = one_document(act)?;
        let signer = &act.signer;
        if !act.object.id.is_empty() {
            return Err(Code::NotEntitled.with("object", &act.object.id));
        }
        if let Some(last) = self.contacts.get(&signer.person)
            && cx.now < last.at.plus_s(CHANGE_S)
        {
            return Err(Code::JustChanged.with("at", last.at));
        }
        let event = ContactSet {
            commitment,
            member: Member {
                person: signer.person.clone(),
                principal: signer.principal.clone(),
            },
        };
        Ok(vec![cx.draft(author, event)])
    }

    pub(crate) fn apply_contact_set(&mut self, d: &ContactSet, recorded: &Recorded) {
        let person = &d.member.person;
        let change = ContactChange {
            person: person.clone(),
            before: self.contacts.get(person).map(|c| c.commitment),
            told: Notices::new_sync(),
        };
        let contact = Contact {
            commitment: d.commitment,
            at: recorded.entry.created_at,
        };
        self.contacts.insert_mut(person.clone(), contact);
        self.contact_changes
            .insert_mut(recorded.entry.event_id, change);
    }

    /// Where a person is reached, if they said so.
    #[must_use]
    pub fn contact(&self, person: &PersonId) -> Option<&Contact> {
        self.contacts.get(person)
    }

    /// A change that its person was not told of yet.
    #[must_use]
    pub fn contact_change(&self, event: &EventId) -> Option<&ContactChange> {
        self.contact_changes.get(event)
    }

    /// Whether a contact is still needed: somebody is reached there, or to be told of its change.
    #[must_use]
    pub fn needs_contact(&self, commitment: &Digest) -> bool {
        let mut current = self.contacts.values();
        let mut changes = self.contact_changes.values();
        current.any(|c| c.commitment == *commitment)
            || changes.any(|c| c.before == Some(*commitment))
    }
}
