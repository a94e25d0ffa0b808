//! Answering a request: everything is checked and computed from the bytes that will be signed.

use breakglass_api::{Endpoint, Received, view::RequestView, wire};
use breakglass_format::{
    Digest, Event, Principal, Prose, Timestamp,
    event::{BreakGlassRequested, IncidentDeclared},
    statement::{Approval, Denial, Kind, LogHead, Release, Request, Signer},
};
use breakglass_statement::{VerifiedRequest, digest, verify_request};
use thiserror::Error;

use super::{Actor, ActorError, Outcome, request::bind};

/// A request whose signature, place in the log and bindings were checked.
#[derive(Debug, Clone)]
pub struct Dossier {
    request: VerifiedRequest,
    requested: BreakGlassRequested,
    declared: Option<IncidentDeclared>,
    received: Received,
    view: RequestView,
    time: Timestamp,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DossierError {
    /// The entry that is shown does not record the request that is shown.
    #[error(
        "the log entry that the server shows for {reference} is not of this request: {what} differs"
    )]
    EntryDiffers {
        /// The request's reference, as the server says.
        reference: String,
        /// What differs.
        what: &'static str,
    },
    /// The request binds something else than the authority says.
    #[error("the request differs from the authority and the log in {what}")]
    Unbound {
        /// In what.
        what: &'static str,
    },
    /// Nobody answers their own request.
    #[error("{reference} is your own request")]
    Own {
        /// Its reference.
        reference: String,
    },
    /// It no longer waits for answers.
    #[error("{reference} is {state}")]
    NotPending {
        /// Its reference.
        reference: String,
        /// What it is.
        state: String,
    },
    /// Its time is over.
    #[error("{reference} lapsed at {approve_by}")]
    Lapsed {
        /// Its reference.
        reference: String,
        /// When.
        approve_by: Timestamp,
    },
    /// Longer than was asked, or shorter than a minute.
    #[error("{got} s were to be approved, {asked} s were asked for")]
    Duration {
        /// Seconds to be approved.
        got: i64,
        /// Seconds asked for.
        asked: i64,
    },
}

impl DossierError {
    /// Whether it means that what the server shows cannot be true.
    #[must_use]
    pub const fn is_forgery(&self) -> bool {
        match self {
            Self::EntryDiffers { .. } | Self::Unbound { .. } => true,
            Self::Own { .. }
            | Self::NotPending { .. }
            | Self::Lapsed { .. }
            | Self::Duration { .. } => false,
        }
    }
}

impl Dossier {
    /// The request, as it was signed.
    #[must_use]
    pub const fn request(&self) -> &Request {
        self.request.statement()
    }

    /// The request with its signature.
    #[must_use]
    pub const fn verified(&self) -> &VerifiedRequest {
        &self.request
    }

    /// What the log recorded of it.
    #[must_use]
    pub const fn requested(&self) -> &BreakGlassRequested {
        &self.requested
    }

    /// What its incident was declared with: the entry that the request binds, where the server
    /// shows it.
    #[must_use]
    pub const fn declared(&self) -> Option<&IncidentDeclared> {
        self.declared.as_ref()
    }

    /// The server's word on where it stands.
    #[must_use]
    pub const fn view(&self) -> &RequestView {
        &self.view
    }

    /// The server's time when it was shown, by which it lapses.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Its entry, proven.
    #[must_use]
    pub const fn received(&self) -> &Received {
        &self.received
    }

    /// The log that includes it: what an answer says it saw.
    #[must_use]
    pub fn log(&self) -> LogHead {
        LogHead {
            root: Digest::from_bytes(*self.received.log_root.as_bytes()),
            size: i64::try_from(self.received.log_size).unwrap_or(i64::MAX),
        }
    }
}

impl Actor {
    /// Fetches a request and checks it: signed by the requester's key, in the log, bound to the
    /// account as the authority has it.
    ///
    /// # Errors
    ///
    /// A check fails, or see [`ActorError`].
    pub fn examine(&mut self, request: &str) -> Result<Dossier, ActorError> {
        let shown = self.client.request(request)?;
        let received = self.trust.log().check(&shown.entry);
        let received = received.map_err(breakglass_api::ClientError::from)?;
        self.see(&received.checkpoint)?;
        let verified = self.verify_shown(&shown.request)?;
        let requested = entry_of(&shown.view, &shown.request, &verified, &received)?;
        self.check_bound(verified.statement())?;
        let declared = match &shown.declared {
            Some(proven) => {
                let received = self.trust.log().check(proven);
                let received = received.map_err(breakglass_api::ClientError::from)?;
                Some(declaration(verified.statement(), &received)?)
            }
            None => None,
        };
        Ok(Dossier {
            request: verified,
            requested,
            declared,
            received,
            view: shown.view,
            time: shown.time,
        })
    }

    /// Verifies a request statement; one under a newer authority than ours has us fetch it.
    fn verify_shown(&mut self, shown: &wire::Signed) -> Result<VerifiedRequest, ActorError> {
        let verify = |actor: &Self| {
            let authorities = actor.trust.authorities();
            verify_request(shown.statement.as_bytes(), &shown.signature, authorities)
        };
        if let Ok(verified) = verify(self) {
            return Ok(verified);
        }
        self.refresh()?;
        Ok(verify(self)?)
    }

    fn check_bound(&self, request: &Request) -> Result<(), DossierError> {
        let unbound = |what| Err(DossierError::Unbound { what });
        let Some(account) = self.trust.authority().account(&request.account.id) else {
            return unbound("the account");
        };
        if bind(account) != Some(request.account.clone()) {
            return unbound("the account");
        }
        if request.on_server_loss != account.on_server_loss {
            return unbound("on_server_loss");
        }
        if self
            .trust
            .authority()
            .scenario(&request.incident.scenario)
            .is_none()
        {
            return unbound("the scenario");
        }
        Ok(())
    }

    /// Whether this person may still answer, as far as can be seen from here.
    ///
    /// # Errors
    ///
    /// It is their own, decided, or lapsed.
    pub fn check_answerable(&self, dossier: &Dossier, at: Timestamp) -> Result<(), DossierError> {
        let request = dossier.request();
        let reference = || dossier.requested.reference.to_string();
        if request.requester.person == self.identity.person {
            return Err(DossierError::Own {
                reference: reference(),
            });
        }
        if dossier.view.state != "pending" {
            return Err(DossierError::NotPending {
                reference: reference(),
                state: dossier.view.state.clone(),
            });
        }
        if at >= request.approve_by {
            return Err(DossierError::Lapsed {
                reference: reference(),
                approve_by: request.approve_by,
            });
        }
        Ok(())
    }

    /// Examines a request and says yes to it.
    ///
    /// # Errors
    ///
    /// See [`Self::examine`] and [`ActorError`].
    pub fn approve(
        &mut self,
        request: &str,
        duration_s: Option<i64>,
    ) -> Result<Outcome, ActorError> {
        let dossier = self.examine(request)?;
        self.approve_examined(&dossier, duration_s)
    }

    /// Says yes to a request that was examined, for as long as it asks or for less.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn approve_examined(
        &mut self,
        dossier: &Dossier,
        duration_s: Option<i64>,
    ) -> Result<Outcome, ActorError> {
        let signed_at = self.signing_time(dossier.time);
        self.check_answerable(dossier, signed_at)?;
        let asked = dossier.request().duration_s;
        let duration_s = duration_s.unwrap_or(asked);
        if duration_s > asked || duration_s < 60 {
            let got = duration_s;
            return Err(DossierError::Duration { got, asked }.into());
        }
        let approval = Approval {
            kind: Kind::Approval,
            approver: self.answering(),
            duration_s,
            log: dossier.log(),
            release: Release {},
            request: dossier.request().clone(),
            signed_at,
        };
        let ready = self.prepare(&approval)?;
        Ok(self.post(Endpoint::Approvals, &ready)?.outcome)
    }

    /// Examines a request and says no to it.
    ///
    /// # Errors
    ///
    /// See [`Self::examine`] and [`ActorError`].
    pub fn deny(&mut self, request: &str, reason: Prose) -> Result<Outcome, ActorError> {
        let dossier = self.examine(request)?;
        self.deny_examined(&dossier, reason)
    }

    /// Says no to a request that was examined.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn deny_examined(
        &mut self,
        dossier: &Dossier,
        reason: Prose,
    ) -> Result<Outcome, ActorError> {
        let signed_at = self.signing_time(dossier.time);
        self.check_answerable(dossier, signed_at)?;
        let denial = Denial {
            kind: Kind::Denial,
            approver: self.answering(),
            duration_s: 0,
            log: dossier.log(),
            reason,
            release: Release {},
            request: dossier.request().clone(),
            signed_at,
        };
        let ready = self.prepare(&denial)?;
        Ok(self.post(Endpoint::Denials, &ready)?.outcome)
    }

    fn answering(&self) -> Signer {
        self.identity.signer(self.identity.key.clone())
    }

    /// The names of people for a screen: the principal of a person of the authority.
    #[must_use]
    pub fn principal_of(&self, person: &breakglass_format::PersonId) -> Option<&Principal> {
        self.trust.authority().person(person).map(|p| &p.principal)
    }
}

/// The declaration in an entry, which is the one that the request binds by its leaf hash.
fn declaration(request: &Request, received: &Received) -> Result<IncidentDeclared, DossierError> {
    let bound = Digest::from_bytes(*received.leaf.as_bytes()) == request.incident.event;
    if let (Event::IncidentDeclared(declared), true) = (&received.entry.event, bound) {
        return Ok(declared.clone());
    }
    Err(DossierError::Unbound {
        what: "the incident's declaration",
    })
}

/// The event of the request, after the entry was compared with the statement: the same bytes, the
/// same signature, and nothing in the event that the statement does not say.
fn entry_of(
    view: &RequestView,
    shown: &wire::Signed,
    verified: &VerifiedRequest,
    received: &Received,
) -> Result<BreakGlassRequested, DossierError> {
    let differs = |what| DossierError::EntryDiffers {
        reference: view.reference.clone(),
        what,
    };
    let entry = &received.entry;
    let Event::BreakGlassRequested(event) = &entry.event else {
        return Err(differs("the kind of event"));
    };
    let request = verified.statement();
    let checks = [
        (
            entry.statement.0 == Some(verified.digest()),
            "the statement",
        ),
        (
            entry.signature.0 == Some(digest(shown.signature.as_bytes())),
            "the signature",
        ),
        (entry.event_id.to_string() == view.id, "the id"),
        (
            event.reference.to_string() == view.reference,
            "the reference",
        ),
        (event.account.id == request.account.id, "the account"),
        (event.incident_id == request.incident.id, "the incident"),
        (event.purpose == request.purpose, "the purpose"),
        (event.duration_s == request.duration_s, "the duration"),
        (event.uses == request.uses, "the number of checkouts"),
        (event.extends == request.extends, "the grant to be extended"),
        (event.drill == request.drill, "whether it is a drill"),
        (
            event.approve_by == request.approve_by,
            "the time to approve by",
        ),
        (event.warnings == request.warnings, "the warnings"),
        (
            event.control_plane == request.control_plane,
            "what is said of the control plane",
        ),
        (
            event.requester.person == request.requester.person,
            "the requester",
        ),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(differs(what)),
        None => Ok(event.clone()),
    }
}
