//! Where people are reached, as far as the rules know it: by a commitment. Everybody sets their
//! own. What happens to a person's own contact and keys, that person is told where they were reached
//! when it happened: whoever took a session, a key or an authority over cannot first turn the mail
//! away.

use breakglass_format::{
    Digest, EventId, PersonId, Timestamp,
    act::Act,
    entry::Recorded,
    event::{ContactSet, Member},
    vocabulary::Notice,
};
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// SHA-256 of the contact, which lies beside the log.
    pub commitment: Digest,
    /// When it was set.
    pub at: Timestamp,
}

/// Something that happened to a person's own contact or keys and that they were not told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalNotice {
    /// What.
    pub notice: Notice,
    /// Whose.
    pub person: PersonId,
    /// Where they were reached when it happened; none where the server's configuration said it.
    pub reached: Option<Digest>,
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
        self.owe_personal_notice(Notice::ContactChanged, person, recorded);
        let contact = Contact {
            commitment: d.commitment,
            at: recorded.entry.created_at,
        };
        self.contacts.insert_mut(person.clone(), contact);
    }

    /// Something happened to a person's own contact or keys: they are to be told, where they are
    /// reached as yet.
    pub(crate) fn owe_personal_notice(
        &mut self,
        notice: Notice,
        person: &PersonId,
        recorded: &Recorded,
    ) {
        let personal = PersonalNotice {
            notice,
            person: person.clone(),
            reached: self.contacts.get(person).map(|c| c.commitment),
            told: Notices::new_sync(),
        };
        self.personal_notices
            .insert_mut(recorded.entry.event_id, personal);
    }

    /// Where a person is reached, if they said so.
    #[must_use]
    pub fn contact(&self, person: &PersonId) -> Option<&Contact> {
        self.contacts.get(person)
    }

    /// What a person was not told yet of what happened to their own contact or keys, by its event.
    #[must_use]
    pub fn personal_notice(&self, event: &EventId) -> Option<&PersonalNotice> {
        self.personal_notices.get(event)
    }

    /// Whether a contact is still needed: somebody is reached there, or to be told something there.
    #[must_use]
    pub fn needs_contact(&self, commitment: &Digest) -> bool {
        let mut current = self.contacts.values();
        let mut personal = self.personal_notices.values();
        current.any(|c| c.commitment == *commitment)
            || personal.any(|p| p.reached == Some(*commitment))
    }
}
