//! Suspending a key, or somebody.

use breakglass_api::Endpoint;
use breakglass_format::{
    Blank, Fingerprint, Principal, Prose,
    authority::Person,
    statement::{Kind, Suspend, SuspendTarget},
};

use super::{Actor, ActorError, LookupError, Outcome};

/// What is to count no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspended {
    /// One key, whose ever it is.
    Key(Fingerprint),
    /// Somebody, with every key.
    Person(Principal),
}

impl Actor {
    /// Suspends a key or a person, or consents to that.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn suspend(&mut self, what: &Suspended, reason: Prose) -> Result<Outcome, ActorError> {
        let target = self.suspend_target(what)?;
        let issued_at = self.ask_time()?;
        let identity = self.identity.clone();
        let suspend = Suspend {
            kind: Kind::Suspend,
            authority: self.trust.authorities().current_ref(),
            instance: self.genesis,
            issued_at,
            nonce: self.nonce()?,
            reason,
            signer: identity.signer(identity.key.clone()),
            target,
        };
        let ready = self.prepare(&suspend)?;
        Ok(self.post(Endpoint::Suspensions, &ready)?.outcome)
    }

    fn suspend_target(&self, what: &Suspended) -> Result<SuspendTarget, ActorError> {
        let people = &self.trust.authority().people;
        let find = |is: &dyn Fn(&&Person) -> bool| people.iter().find(is);
        let (person, key) = match what {
            Suspended::Key(key) => (find(&|p| p.key(key).is_some()), Some(key.clone())),
            Suspended::Person(name) => (find(&|p| p.principal == *name), None),
        };
        let what = match key {
            Some(_) => "person with this key",
            None => "person of this name",
        };
        let person = person.ok_or(LookupError::None { what })?;
        Ok(SuspendTarget {
            key: Blank(key),
            person: person.person.clone(),
        })
    }
}
