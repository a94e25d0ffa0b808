//! Checkout: the credential, sealed to a key that was made for this one answer.

use breakglass_api::{ClientError, Endpoint, Received, view::GrantView};
use breakglass_format::{
    Digest, Event, GrantId,
    event::BreakGlassAccess,
    statement::{Checkout, Kind, Statement},
};
use breakglass_seal::{Credential, OneTimeKey, ReleaseContext, ReleaseEnvelope, open_release};

use super::{
    Actor, ActorError, LookupError,
    request::kem,
    submit::{Answer, Ready, ready},
};
use crate::state::PendingCheckout;

/// A credential that was handed out, with the entry that says so.
#[derive(Debug)]
pub struct CheckedOut {
    /// The credential. Wiped when dropped.
    pub credential: Credential,
    /// What the log says was handed out.
    pub access: BreakGlassAccess,
    /// The entries, proven.
    pub received: Vec<Received>,
}

impl Actor {
    /// Has the credential of one's own grant handed out, and is done with it.
    ///
    /// # Errors
    ///
    /// See [`Self::take_out`].
    pub fn checkout(&mut self, grant: &str) -> Result<CheckedOut, ActorError> {
        let out = self.take_out(grant)?;
        self.arrived(&out)?;
        Ok(out)
    }

    /// Has the credential of one's own grant handed out. Where an earlier checkout of this grant
    /// did not arrive where it was to go, that statement is posted again and gets the same answer.
    ///
    /// # Errors
    ///
    /// What comes back is not what the log names or does not open, or see [`ActorError`].
    pub fn take_out(&mut self, grant: &str) -> Result<CheckedOut, ActorError> {
        let view = self.client.grant(grant)?;
        let id: GrantId = view.id.parse().map_err(|_| LookupError::NotAnId {
            what: "grant",
            reference: view.reference.clone(),
            got: view.id.clone(),
        })?;
        if let Some(lost) = self.home.checkouts().pending(&id)? {
            let ready = ready(Kind::Checkout, lost.statement.into_bytes(), lost.signature)?;
            match self.post(Endpoint::Checkouts, &ready) {
                Ok(answer) => return self.open_answer(&view, id, &ready, &lost.key, answer),
                // It never arrived, or its time is over: a new one.
                Err(ActorError::Client(ClientError::Refused(_))) => {
                    self.home.checkouts().forget(&id)?;
                }
                Err(error) => return Err(error),
            }
        }
        self.checkout_anew(&view, id)
    }

    /// The credential is where it was to go: the next checkout is a new one.
    ///
    /// # Errors
    ///
    /// What was kept of it cannot be removed.
    pub fn arrived(&self, out: &CheckedOut) -> Result<(), ActorError> {
        Ok(self.home.checkouts().forget(&out.access.grant_id)?)
    }

    fn checkout_anew(&mut self, view: &GrantView, id: GrantId) -> Result<CheckedOut, ActorError> {
        let issued_at = self.ask_time()?;
        let key = OneTimeKey::generate(&mut *self.entropy)?;
        let statement = Checkout {
            kind: Kind::Checkout,
            authority: self.trust.authorities().current_ref(),
            grant: id,
            instance: self.genesis,
            issued_at,
            kem: kem(&key)?,
            nonce: self.nonce()?,
            signer: self.identity.signer(self.identity.key.clone()),
        };
        let bytes = statement.to_bytes()?;
        let signature = self.sign_enrolled(Kind::Checkout, &bytes)?;
        let ready = ready(Kind::Checkout, bytes, signature)?;
        let pending = PendingCheckout {
            statement: ready.submission.statement.clone(),
            signature: ready.submission.signature.clone(),
            key,
        };
        self.home.checkouts().keep(&id, &pending)?;
        let posted = self.post(Endpoint::Checkouts, &ready);
        if let Err(ActorError::Client(ClientError::Refused(_))) = &posted {
            self.home.checkouts().forget(&id)?;
        }
        self.open_answer(view, id, &ready, &pending.key, posted?)
    }

    fn open_answer(
        &self,
        view: &GrantView,
        id: GrantId,
        ready: &Ready,
        key: &OneTimeKey,
        answer: Answer,
    ) -> Result<CheckedOut, ActorError> {
        let handed_out = answer.outcome.received().iter().find_map(|r| {
            let Event::BreakGlassAccess(access) = &r.entry.event else {
                return None;
            };
            let ours = access.grant_id == id && access.disclosed;
            (ours && r.entry.statement.0 == Some(ready.digest)).then_some(access)
        });
        let access = handed_out.ok_or(ActorError::NotRecorded {
            kind: Kind::Checkout.word(),
            statement: ready.digest,
        })?;
        let envelope = answer.envelope.as_deref().ok_or(ActorError::NoEnvelope)?;
        let envelope = ReleaseEnvelope::from_base64(envelope)?;
        let got = Digest::from_bytes(envelope.digest());
        match access.envelope.0 {
            Some(expected) if expected == got => {}
            Some(expected) => return Err(ActorError::EnvelopeDiffers { expected, got }),
            None => return Err(ActorError::NoEnvelope),
        }
        let context = ReleaseContext {
            instance: self.genesis.as_bytes(),
            checkout: ready.digest.as_bytes(),
            grant: &id.to_string(),
            account: access.account.id.as_str(),
            version: u64::try_from(access.version).unwrap_or(0),
        };
        let credential = open_release(key, &context, &envelope)?;
        if access.account.id.as_str() != view.account_id {
            return Err(LookupError::Account {
                name: view.account_id.clone(),
            }
            .into());
        }
        Ok(CheckedOut {
            credential,
            access: access.clone(),
            received: answer.outcome.received().to_vec(),
        })
    }
}
