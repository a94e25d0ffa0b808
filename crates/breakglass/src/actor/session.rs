//! The session: a key of the client's own, certified once by the enrolled key.

use breakglass_api::{ClientError, wire::Signed};
use breakglass_format::{
    Line, limits,
    statement::{self, Kind, Statement},
};

use super::{Actor, ActorError, Notice, error::text};
use crate::{signer::generate_ed25519, state::Session};

/// The problem code that says that a reading session is over.
pub const NO_SESSION: &str = "no_session";

impl Actor {
    /// Begins a session of at most 8 hours: makes a key, has the enrolled key certify it, and
    /// exchanges the certificate for the right to read. A session before it is replaced.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn login(&mut self, duration_s: i64) -> Result<&Session, ActorError> {
        let issued_at = self.ask_time()?;
        let key = generate_ed25519(&mut *self.entropy, "breakglass session")?;
        let statement = statement::Session {
            kind: Kind::Session,
            authority: self.trust.authorities().current_ref(),
            instance: self.genesis,
            issued_at,
            nonce: self.nonce()?,
            not_after: issued_at.plus_s(duration_s.clamp(1, limits::SESSION_S)),
            session_key: text("session key", Line::new(key.public_key.line()))?,
            signer: self.identity.signer(self.identity.key.clone()),
        };
        let bytes = statement.to_bytes()?;
        let signature = self.sign_enrolled(Kind::Session, &bytes)?;
        let certificate = Signed {
            statement: String::from_utf8(bytes)
                .map_err(|_| breakglass_format::canonical::CanonicalError::NotUtf8)?,
            signature,
        };
        let reading = self.client.open_session(&certificate)?;
        let session = Session::new(&key.file, &statement, certificate, reading);
        self.home.session().save(&session)?;
        let token = Some(session.token().to_owned());
        self.client = self.client.clone().with_token(token);
        Ok(self.session.insert(session))
    }

    /// Begins a session where there is none that the server still knows: a restart of the server
    /// ends them all.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn ensure_session(&mut self) -> Result<(), ActorError> {
        match self.client.whoami() {
            Ok(_) => Ok(()),
            Err(ClientError::Refused(problem)) if problem.code == NO_SESSION => {
                self.attendant.notice(match self.session {
                    Some(_) => &Notice::SessionRenewed,
                    None => &Notice::SessionBegun,
                });
                self.login(limits::SESSION_S).map(|_| ())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets the session.
    ///
    /// # Errors
    ///
    /// Its file stays.
    pub fn logout(&mut self) -> Result<(), ActorError> {
        self.home.session().clear()?;
        self.session = None;
        self.client = self.client.clone().with_token(None);
        Ok(())
    }
}
