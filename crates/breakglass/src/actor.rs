//! One person at one installation: builds statements, signs and posts them, and believes what the
//! log proves, not what the server says.

mod account;
mod action;
mod aftermath;
mod approval;
mod attendant;
mod checkout;
mod contact;
mod enrol;
mod error;
mod foresight;
mod incident;
mod lookup;
mod outcome;
mod proposal;
mod request;
mod session;
mod submit;
mod suspend;

use breakglass_api::Client;
use breakglass_format::{
    Digest, Fingerprint, Nonce, PersonId, Principal, Timestamp,
    authority::{Authority, Key, Person},
    statement::{self, Kind},
};
use breakglass_seal::Entropy;

pub use account::{CredentialImport, IMPORT_CONTEXT, import_context_digest};
pub use action::ActionWish;
pub use aftermath::Waiver;
pub use approval::{Dossier, DossierError};
pub use attendant::{Attendant, Notice, Silent};
pub use checkout::CheckedOut;
pub use error::{ActorError, Class};
pub use foresight::ForeseenError;
pub use lookup::LookupError;
pub use outcome::Outcome;
pub use proposal::{Proposal, ProposalError, Wanted};
pub use request::{RequestWish, TermsError};
pub use session::NO_SESSION;
pub use suspend::Suspended;

use crate::{
    clock::Clock,
    signer::Signer,
    state::{Home, Session},
    trust::Trust,
};

/// How far the two clocks may lie apart before somebody is told, in seconds.
const CLOCKS_APART_S: i64 = 120;

/// What an actor is made of. Clock and entropy are arguments, so that tests can set them.
pub struct Parts {
    /// The servers.
    pub client: Client,
    /// The enrolled key.
    pub signer: Box<dyn Signer>,
    /// Where pins, keys and session are kept.
    pub home: Home,
    /// SHA-256 of the genesis authority, from paper or voice.
    pub genesis: Digest,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Randomness.
    pub entropy: Box<dyn Entropy + Send>,
    /// Who is told to touch a key, and that clocks differ.
    pub attendant: Box<dyn Attendant>,
    /// Whether to sign with the server's time where the clocks differ.
    pub server_time: bool,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("key", &self.signer.fingerprint())
            .field("home", &self.home)
            .field("genesis", &self.genesis)
            .finish_non_exhaustive()
    }
}

/// One person at one installation.
pub struct Actor {
    client: Client,
    signer: Box<dyn Signer>,
    home: Home,
    genesis: Digest,
    clock: Box<dyn Clock>,
    entropy: Box<dyn Entropy + Send>,
    attendant: Box<dyn Attendant>,
    server_time: bool,
    trust: Trust,
    identity: Identity,
    session: Option<Session>,
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor")
            .field("identity", &self.identity)
            .field("genesis", &self.genesis)
            .finish_non_exhaustive()
    }
}

/// Who the enrolled key belongs to, according to the authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The human being.
    pub person: PersonId,
    /// The name statements are signed under.
    pub principal: Principal,
    /// The key.
    pub key: Fingerprint,
}

impl Identity {
    /// As a statement names who signs, with the key that signs.
    fn signer(&self, key: Fingerprint) -> statement::Signer {
        statement::Signer {
            key,
            person: self.person.clone(),
            principal: self.principal.clone(),
        }
    }
}

impl Actor {
    /// Verifies the installation and finds the key's owner in its authority.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, is not believed, or its authority does not list the key.
    pub fn open(parts: Parts) -> Result<Self, ActorError> {
        let trust = Trust::establish(&parts.client, parts.home.pins(parts.genesis), parts.genesis)?;
        let identity = identify(trust.authority(), &parts.signer.fingerprint())?;
        let session = parts.home.session().load()?;
        // A session that somebody else began, or that no longer reads, is none of ours.
        let now = parts.clock.now();
        let session = session.filter(|s| s.is_of(parts.genesis, &identity.principal));
        let token = session.as_ref().filter(|s| now < s.reads_until);
        let client = match token.map(|s| s.token().to_owned()) {
            Some(token) => parts.client.with_token(Some(token)),
            None => parts.client,
        };
        Ok(Self {
            client,
            signer: parts.signer,
            home: parts.home,
            genesis: parts.genesis,
            clock: parts.clock,
            entropy: parts.entropy,
            attendant: parts.attendant,
            server_time: parts.server_time,
            trust,
            identity,
            session,
        })
    }

    /// Fetches and verifies the authority again.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub fn refresh(&mut self) -> Result<(), ActorError> {
        self.trust = Trust::establish(&self.client, self.home.pins(self.genesis), self.genesis)?;
        self.identity = identify(self.trust.authority(), &self.signer.fingerprint())?;
        Ok(())
    }

    /// For reading: what it returns is the server's word.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The verified installation.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Who signs.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The session, where there is one.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The time by the actor's own clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The signer's object in the authority, and the key's.
    fn listed(&self) -> Result<(&Person, &Key), ActorError> {
        let authority = self.trust.authority();
        let person = authority.person(&self.identity.person);
        person
            .and_then(|p| p.key(&self.identity.key).map(|key| (p, key)))
            .ok_or_else(|| not_listed(authority, &self.identity.key))
    }

    /// The time to sign with. Where the clocks lie apart somebody is told, and the server's time
    /// is used only where that was asked for.
    fn signing_time(&mut self, server: Timestamp) -> Timestamp {
        let own = self.clock.now();
        let apart_ms = server.since_ms(own);
        if apart_ms.abs() <= CLOCKS_APART_S * 1000 {
            return own;
        }
        let used = if self.server_time { server } else { own };
        self.attendant
            .notice(&Notice::ClocksDiffer { own, server, used });
        used
    }

    /// The server's time, from a server that is the installation we pinned.
    fn ask_time(&mut self) -> Result<Timestamp, ActorError> {
        let status = self.client.status()?;
        if status.instance != self.genesis {
            return Err(ActorError::ForeignInstance {
                pinned: self.genesis,
                got: status.instance,
            });
        }
        Ok(self.signing_time(status.time))
    }

    fn nonce(&mut self) -> Result<Nonce, ActorError> {
        let bytes = crate::entropy::random(&mut *self.entropy)?;
        Ok(Nonce::from_bytes(bytes))
    }

    /// Signs with the enrolled key, telling whoever attends before a key that needs a touch.
    fn sign_enrolled(&mut self, kind: Kind, bytes: &[u8]) -> Result<String, ActorError> {
        if self.signer.needs_touch() {
            self.attendant.notice(&Notice::Touch {
                key: self.signer.fingerprint(),
                kind,
            });
        }
        Ok(self.signer.sign(kind, bytes)?)
    }
}

/// Whose key this is.
///
/// # Errors
///
/// Nobody's, in this version of the authority.
pub fn identify(authority: &Authority, key: &Fingerprint) -> Result<Identity, ActorError> {
    let mut people = authority.people.iter();
    let person = people.find(|p| p.key(key).is_some());
    let person = person.ok_or_else(|| not_listed(authority, key))?;
    Ok(Identity {
        person: person.person.clone(),
        principal: person.principal.clone(),
        key: key.clone(),
    })
}

fn not_listed(authority: &Authority, key: &Fingerprint) -> ActorError {
    ActorError::KeyNotListed {
        key: key.clone(),
        version: authority.version,
    }
}
