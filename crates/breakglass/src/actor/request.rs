//! Requests: what a person wishes, in the terms that the log and the authority set.

use breakglass_api::{ClientError, Endpoint, wire::RequestTerms};
use breakglass_format::{
    Blank, Digest, GrantId, Line, Name, Nonce, Prose, canonical,
    statement::{ControlPlane, Kem, Kind, Purpose, Request, RequestAccount, Requester, Statement},
    vocabulary::{Origin, PurposeKind},
};
use breakglass_seal::{KEM_ALGORITHM, OneTimeKey};
use breakglass_statement::digest;
use thiserror::Error;

use super::{
    ActionWish, Actor, ActorError, ForeseenError, Outcome, error::text, foresight::SHORTEST_S,
    submit::ready,
};

/// A verdict on the control plane older than this is asked for anew before a request, in seconds;
/// the server lets it count for 15 minutes.
const PROBE_AGAIN_S: i64 = 10 * 60;
/// What the server says where somebody had it probed at the same moment.
const JUST_PROBED: &str = "just_probed";
/// `recording` where a session is not recorded.
const NOT_RECORDED: &str = "none";
/// `action` where the credential itself is asked for.
const CREDENTIAL_ACCESS: &str = "credential_access";

/// What a person wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestWish {
    /// The incident, by id or reference.
    pub incident: String,
    /// The account, by name or id.
    pub account: String,
    /// The action that access is for; none: the credential itself.
    pub action: Option<ActionWish>,
    /// Hash of the plan that was shown, where there was one.
    pub plan: Option<Digest>,
    /// Why.
    pub justification: Prose,
    /// For how long, in seconds.
    pub duration_s: i64,
    /// How many checkouts; 0 = any number.
    pub uses: i64,
    /// The grant that it prolongs.
    pub extends: Option<GrantId>,
    /// Why the control plane is unusable, where the requester attests it.
    pub attested: Prose,
}

/// In what way the terms that a server states differ from the verified authority.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TermsError {
    /// A part of them.
    #[error("the server's terms differ from the authority in {what}")]
    Differ {
        /// Which part.
        what: &'static str,
    },
    /// The server's half of the nonce is not 32 hex digits.
    #[error("the server's half of the nonce is not 32 hex digits")]
    Nonce,
    /// The checkpoint is not of the log that the terms name.
    #[error("the server's checkpoint is not of the log its terms name")]
    LogHead,
}

impl RequestWish {
    /// The credential itself, for four hours.
    #[must_use]
    pub fn credential(incident: &str, account: &str, justification: Prose) -> Self {
        Self {
            incident: incident.to_owned(),
            account: account.to_owned(),
            action: None,
            plan: None,
            justification,
            duration_s: 4 * 3600,
            uses: 0,
            extends: None,
            attested: Prose::default(),
        }
    }

    fn purpose(&self) -> Result<Purpose, ActorError> {
        let credential: Name = CREDENTIAL_ACCESS.parse()?;
        Ok(match &self.action {
            None => Purpose {
                action: credential,
                artifact: Line::default(),
                kind: PurposeKind::Credential,
                plan: Blank(self.plan),
                target: Line::default(),
            },
            Some(wish) => Purpose {
                action: wish.action.clone(),
                artifact: wish.artifact.clone(),
                kind: PurposeKind::Action,
                plan: Blank(self.plan),
                target: wish.target.clone(),
            },
        })
    }
}

impl Actor {
    /// Asks for access.
    ///
    /// # Errors
    ///
    /// The terms differ from the verified authority, or see [`ActorError`].
    pub fn request(&mut self, wish: &RequestWish) -> Result<Outcome, ActorError> {
        if wish.duration_s < SHORTEST_S {
            let got = wish.duration_s;
            return Err(ForeseenError::TooShort { got }.into());
        }
        let terms = self.probed_terms(wish)?;
        let drill = self.client.incident(&wish.incident)?.drill;
        let key = OneTimeKey::generate(&mut *self.entropy)?;
        let request = self.build_request(wish, terms, drill, &key)?;
        let bytes = request.to_bytes()?;
        self.home.checkouts().keep_request(&digest(&bytes), &key)?;
        let signature = self.sign_enrolled(Kind::Request, &bytes)?;
        let ready = ready(Kind::Request, bytes, signature)?;
        Ok(self.post(Endpoint::Requests, &ready)?.outcome)
    }

    /// The terms for a wish, with a verdict on the control plane that will count for a while, where
    /// the scenario asks for one: where there is none it is probed first.
    fn probed_terms(&mut self, wish: &RequestWish) -> Result<RequestTerms, ActorError> {
        let terms = self.terms(wish)?;
        let Some(known) = &terms.control_plane else {
            return Ok(terms);
        };
        let young = known
            .at
            .is_some_and(|at| terms.time.since_ms(at) < PROBE_AGAIN_S * 1000);
        if young {
            return Ok(terms);
        }
        match self.probe(&wish.incident) {
            // Somebody else had it probed at the same moment.
            Err(ActorError::Client(ClientError::Refused(problem)))
                if problem.code == JUST_PROBED => {}
            other => {
                other?;
            }
        }
        self.terms(wish)
    }

    /// The terms for a wish, after they were compared with the verified authority.
    fn terms(&mut self, wish: &RequestWish) -> Result<RequestTerms, ActorError> {
        let account = self.account(&wish.account)?.name.clone();
        let terms = self.client.terms(account.as_str(), &wish.incident)?;
        if terms.authority.version > self.trust.authority().version {
            self.refresh()?;
        }
        self.see(&terms.checkpoint)?;
        self.check_terms(wish, &terms)?;
        Ok(terms)
    }

    fn check_terms(&self, wish: &RequestWish, terms: &RequestTerms) -> Result<(), TermsError> {
        let same = |holds: bool, what| {
            if holds {
                Ok(())
            } else {
                Err(TermsError::Differ { what })
            }
        };
        let authority = self.trust.authority();
        let current = self.trust.authorities().current_ref();
        same(terms.authority == current, "the authority in force")?;
        let account = authority
            .account(&terms.account.id)
            .filter(|a| a.name.as_str() == wish.account || a.id.as_str() == wish.account)
            .ok_or(TermsError::Differ {
                what: "the account",
            })?;
        same(bind(account) == Some(terms.account.clone()), "the account")?;
        same(
            terms.on_server_loss == account.on_server_loss.as_str(),
            "on_server_loss",
        )?;
        let scenario = &terms.incident.scenario;
        let entitlement = authority.entitlement(&self.identity.person, &account.id, scenario);
        same(entitlement == Some(&terms.entitlement), "the entitlement")?;
        let head = breakglass_tlog::Note::parse(terms.checkpoint.as_bytes()).ok();
        let head = head.and_then(|n| breakglass_tlog::Checkpoint::parse(n.text()).ok());
        let named = head.is_some_and(|c| {
            i64::try_from(c.size()) == Ok(terms.log.size)
                && c.root().as_bytes() == terms.log.root.as_bytes()
        });
        if named {
            Ok(())
        } else {
            Err(TermsError::LogHead)
        }
    }

    fn build_request(
        &mut self,
        wish: &RequestWish,
        terms: RequestTerms,
        drill: bool,
        key: &OneTimeKey,
    ) -> Result<Request, ActorError> {
        let issued_at = self.signing_time(terms.time);
        let within_s = terms.entitlement.approve_within_s;
        let identity = self.identity.clone();
        Ok(Request {
            kind: Kind::Request,
            account: terms.account,
            approve_by: issued_at.plus_s(within_s),
            authority: terms.authority,
            control_plane: ControlPlane {
                attested: wish.attested.clone(),
                probe: Blank(terms.control_plane.and_then(|known| known.event)),
            },
            drill,
            duration_s: wish.duration_s,
            extends: Blank(wish.extends),
            incident: terms.incident,
            instance: self.genesis,
            issued_at,
            justification: wish.justification.clone(),
            log: terms.log,
            nonce: self.joint_nonce(&terms.nonce)?,
            on_server_loss: text("on_server_loss", Prose::new(terms.on_server_loss))?,
            origin: Origin::Online,
            purpose: wish.purpose()?,
            recording: NOT_RECORDED.parse()?,
            requester: Requester {
                kem: kem(key)?,
                key: identity.key,
                person: identity.person,
                principal: identity.principal,
            },
            uses: wish.uses,
            warnings: terms.warnings,
        })
    }

    /// 16 bytes of the server's, 16 of our own.
    fn joint_nonce(&mut self, server: &str) -> Result<Nonce, ActorError> {
        let own: [u8; 16] = crate::entropy::random(&mut *self.entropy)?;
        let text = format!("{server}{}", breakglass_format::id::hex(&own));
        Ok(text.parse().map_err(|_| TermsError::Nonce)?)
    }
}

/// The account as a request binds it.
pub(super) fn bind(account: &breakglass_format::authority::Account) -> Option<RequestAccount> {
    let bytes = canonical::to_bytes(account).ok()?;
    Some(RequestAccount {
        binding: digest(&bytes),
        custody: account.custody,
        id: account.id.clone(),
        name: account.name.clone(),
    })
}

/// A one-time key as statements name it.
pub(super) fn kem(key: &OneTimeKey) -> Result<Kem, ActorError> {
    Ok(Kem {
        alg: text("kem", Line::new(KEM_ALGORITHM))?,
        pk: text("kem", Line::new(key.public_key().to_string()))?,
    })
}
