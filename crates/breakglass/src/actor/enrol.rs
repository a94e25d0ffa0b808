//! Enrolment: proof that a person holds the key that the authority lists.

use breakglass_api::Endpoint;
use breakglass_format::{
    Blank,
    statement::{AuthorityRef, Enroll, Kind},
};

use super::{Actor, ActorError, Outcome};

impl Actor {
    /// Proves to hold the key, for everything the authority lists it for.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn enroll(&mut self) -> Result<Outcome, ActorError> {
        let issued_at = self.ask_time()?;
        let namespaces = self.listed()?.1.namespaces.clone();
        let identity = self.identity.clone();
        let enroll = Enroll {
            kind: Kind::Enroll,
            authority: AuthorityRef::default(),
            fingerprint: identity.key.clone(),
            genesis: self.genesis,
            instance: Blank::NONE,
            issued_at,
            namespaces,
            nonce: self.nonce()?,
            person: identity.person.clone(),
            signer: identity.signer(identity.key.clone()),
        };
        let ready = self.prepare(&enroll)?;
        Ok(self.post(Endpoint::Enrolments, &ready)?.outcome)
    }
}
