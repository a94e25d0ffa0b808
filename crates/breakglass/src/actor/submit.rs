//! Signing, posting, and judging the receipt.

use breakglass_api::{
    ClientError, Endpoint, Received,
    wire::{Accepted, Submission},
};
use breakglass_format::{
    Blank, Digest, Line,
    act::{Act, Command, Object},
    canonical::CanonicalError,
    statement::{Kind, Statement},
};
use breakglass_statement::digest;

use super::{Actor, ActorError, Notice, Outcome};
use crate::signer::{KeyFileSigner, Signer, key_file};

/// A statement as it was signed, ready to be posted.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) kind: Kind,
    pub(super) digest: Digest,
    pub(super) submission: Submission,
}

/// The entries of a receipt with the rest of the answer.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) envelope: Option<String>,
}

impl Actor {
    /// Signs a statement with the enrolled key.
    pub(super) fn prepare<S: Statement>(&mut self, statement: &S) -> Result<Ready, ActorError> {
        let bytes = statement.to_bytes()?;
        let signature = self.sign_enrolled(S::KIND, &bytes)?;
        ready(S::KIND, bytes, signature)
    }

    /// Posts a statement. Where the answer is lost, the same statement is posted once more: a
    /// statement takes effect once, and the second answer is the first.
    pub(super) fn post(&mut self, endpoint: Endpoint, ready: &Ready) -> Result<Answer, ActorError> {
        let first = self
            .client
            .submit(endpoint, &ready.submission, self.trust.log());
        let (received, accepted) = match first {
            Err(ClientError::Unreachable { .. }) => {
                self.attendant
                    .notice(&Notice::PostedAgain { kind: ready.kind });
                let again = &ready.submission;
                self.client.submit(endpoint, again, self.trust.log())?
            }
            other => other?,
        };
        self.judge(ready, received, accepted)
    }

    fn judge(
        &self,
        ready: &Ready,
        received: Vec<Received>,
        accepted: Accepted,
    ) -> Result<Answer, ActorError> {
        let mut seen = Vec::new();
        for entry in &received {
            if !seen.contains(&&entry.checkpoint) {
                self.see(&entry.checkpoint)?;
                seen.push(&entry.checkpoint);
            }
        }
        let ours = |r: &Received| r.entry.statement.0 == Some(ready.digest);
        if !received.iter().any(ours) {
            return Err(ActorError::NotRecorded {
                kind: ready.kind.word(),
                statement: ready.digest,
            });
        }
        Ok(Answer {
            outcome: Outcome::new(received, accepted.repeated),
            envelope: accepted.envelope,
        })
    }

    /// Takes note of a signed checkpoint: it must continue the last one seen.
    pub(super) fn see(&self, checkpoint: &str) -> Result<(), ActorError> {
        let now = self.clock.now();
        self.trust.see_checkpoint(&self.client, checkpoint, now)?;
        Ok(())
    }

    /// Makes an act, signs it with the session key where that may sign it and else with the
    /// enrolled key, and posts it.
    pub(super) fn act(
        &mut self,
        command: Command,
        object: Object,
        attachments: &[Vec<u8>],
    ) -> Result<Outcome, ActorError> {
        let at = self.ask_time()?;
        let mut session = match self.session.as_ref() {
            Some(session) if command.session_may_sign() && session.signs_at(at) => {
                let signer = session_signer(session.key_file())?;
                Some((signer, session.certificate.clone()))
            }
            _ => None,
        };
        let key = session
            .as_ref()
            .map_or_else(|| self.identity.key.clone(), |(s, _)| s.fingerprint());
        let named = session
            .as_ref()
            .map(|(_, c)| digest(c.statement.as_bytes()));
        let act = Act {
            kind: Kind::Act,
            authority: self.trust.authorities().current_ref(),
            command,
            documents: attachments.iter().map(|a| digest(a)).collect(),
            instance: self.genesis,
            issued_at: at,
            nonce: self.nonce()?,
            object,
            session: Blank(named),
            signer: self.identity.signer(key),
        };
        let mut ready = match session.take() {
            Some((mut signer, certificate)) => {
                let bytes = act.to_bytes()?;
                let signature = signer.sign(Kind::Act, &bytes)?;
                let mut ready = ready(Kind::Act, bytes, signature)?;
                ready.submission.session = Some(certificate);
                ready
            }
            None => self.prepare(&act)?,
        };
        ready.submission.attachments = attachments.iter().map(|a| base64(a)).collect();
        Ok(self.post(Endpoint::Acts, &ready)?.outcome)
    }
}

/// A signed statement, as it is posted.
pub(super) fn ready(kind: Kind, bytes: Vec<u8>, signature: String) -> Result<Ready, ActorError> {
    let digest = digest(&bytes);
    let statement = String::from_utf8(bytes).map_err(|_| CanonicalError::NotUtf8)?;
    Ok(Ready {
        kind,
        digest,
        submission: Submission {
            statement,
            signature,
            session: None,
            attachments: Vec::new(),
        },
    })
}

/// What an act is about, by its id.
pub(super) fn object(id: impl std::fmt::Display) -> Object {
    Object {
        head: Blank::NONE,
        id: Line::lossy(&id.to_string()),
    }
}

fn session_signer(key: &str) -> Result<KeyFileSigner, ActorError> {
    match key_file::parse(key.as_bytes())? {
        key_file::Parsed::Plain(key) => Ok(KeyFileSigner::new(key)?),
        key_file::Parsed::NeedsSshKeygen(_) => Err(key_file::KeyFileError::Form {
            what: "a session key has no passphrase",
        }
        .into()),
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
