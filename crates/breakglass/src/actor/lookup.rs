//! From what people type to what statements name.

use breakglass_api::view::{GrantView, IncidentView, RequestView, RunView};
use breakglass_format::{
    AccountId, GrantId, IncidentId, RequestId, RunId, authority::Account, vocabulary::Obligation,
};
use thiserror::Error;

use super::{Actor, ActorError};

/// Why it is not clear what is meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookupError {
    /// There is none, and none was named.
    #[error("there is no {what} that could be meant")]
    None {
        /// What is missing.
        what: &'static str,
    },
    /// There are several, and none was named.
    #[error("several could be meant, name the {what}: {}", .choices.join(", "))]
    Several {
        /// What is missing.
        what: &'static str,
        /// Their references.
        choices: Vec<String>,
    },
    /// The server gave an id that is none.
    #[error("{reference}: the server gave {got:?} as the id of this {what}")]
    NotAnId {
        /// What it is.
        what: &'static str,
        /// Its reference.
        reference: String,
        /// What came.
        got: String,
    },
    /// The authority knows no such account.
    #[error("the authority knows no account {name:?}")]
    Account {
        /// The name.
        name: String,
    },
}

impl Actor {
    /// The id of an incident from its id or reference.
    ///
    /// # Errors
    ///
    /// The server knows none such.
    pub fn incident_id(&self, typed: &str) -> Result<IncidentId, ActorError> {
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        let view = self.client.incident(typed)?;
        id("incident", &view.reference, &view.id)
    }

    /// The id of a request from its id or reference.
    ///
    /// # Errors
    ///
    /// The server knows none such.
    pub fn request_id(&self, typed: &str) -> Result<RequestId, ActorError> {
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        let view = self.client.request(typed)?.view;
        id("request", &view.reference, &view.id)
    }

    /// The id of a grant from its id or reference.
    ///
    /// # Errors
    ///
    /// The server knows none such.
    pub fn grant_id(&self, typed: &str) -> Result<GrantId, ActorError> {
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        let view = self.client.grant(typed)?;
        id("grant", &view.reference, &view.id)
    }

    /// The id of a run.
    ///
    /// # Errors
    ///
    /// The server knows none such.
    pub fn run_id(&self, typed: &str) -> Result<RunId, ActorError> {
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        let view = self.client.run(typed)?;
        id("run", typed, &view.id)
    }

    /// An account of the authority, by name or id.
    ///
    /// # Errors
    ///
    /// The authority knows none such.
    pub fn account(&self, typed: &str) -> Result<&Account, ActorError> {
        let authority = self.trust.authority();
        let by_id = typed.parse::<AccountId>().ok();
        let found = by_id
            .and_then(|id| authority.account(&id))
            .or_else(|| authority.account_named(typed));
        found.ok_or_else(|| {
            LookupError::Account {
                name: typed.to_owned(),
            }
            .into()
        })
    }

    /// The only open incident.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_incident(&self) -> Result<IncidentView, ActorError> {
        let views = self.client.incidents_in("open")?.into_iter();
        sole("incident", views, |i| i.reference.clone())
    }

    /// The only incident that is resolved and not closed: what most of the aftermath is about.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_unclosed(&self) -> Result<IncidentView, ActorError> {
        let views = self.client.incidents_in("resolved")?.into_iter();
        sole("incident", views, |i| i.reference.clone())
    }

    /// The only incident whose board waits to be told, be it open or resolved; where none waits,
    /// the only open one.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_untold(&self) -> Result<IncidentView, ActorError> {
        let mut views = self.client.incidents_in("open")?;
        views.extend(self.client.incidents_in("resolved")?);
        views.retain(|incident| {
            let mut duties = incident.obligations.iter();
            duties.any(|o| o.clock.obligation == Obligation::CabNotified && o.met_at.is_none())
        });
        if views.is_empty() {
            return self.sole_incident();
        }
        sole("incident", views.into_iter(), |i| i.reference.clone())
    }

    /// The only pending request that somebody else made.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_pending(&self) -> Result<RequestView, ActorError> {
        let me = self.identity.principal.as_str();
        let views = self.client.requests(true)?.into_iter();
        sole("request", views.filter(|r| r.requester != me), |r| {
            r.reference.clone()
        })
    }

    /// The only pending request of one's own.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_own_request(&self) -> Result<RequestView, ActorError> {
        let me = self.identity.principal.as_str();
        let views = self.client.requests(true)?.into_iter();
        sole("request", views.filter(|r| r.requester == me), |r| {
            r.reference.clone()
        })
    }

    /// The only active grant of one's own.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_own_grant(&self) -> Result<GrantView, ActorError> {
        let me = self.identity.principal.as_str();
        let views = self.client.active_grants()?.into_iter();
        let ours = views.filter(|g| g.holder == me);
        sole("grant", ours, |g| g.reference.clone())
    }

    /// The only active grant of anybody.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn sole_active_grant(&self) -> Result<GrantView, ActorError> {
        let views = self.client.active_grants()?.into_iter();
        sole("grant", views, |g| g.reference.clone())
    }

    /// The newest run.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn latest_run(&self) -> Result<RunView, ActorError> {
        let first = match self.client.recent_runs()?.into_iter().next() {
            Some(newest) => Some(newest),
            None => self.client.runs()?.into_iter().next(),
        };
        first.ok_or_else(|| LookupError::None { what: "run" }.into())
    }
}

fn id<T: std::str::FromStr>(
    what: &'static str,
    reference: &str,
    got: &str,
) -> Result<T, ActorError> {
    got.parse().map_err(|_| {
        LookupError::NotAnId {
            what,
            reference: reference.to_owned(),
            got: got.to_owned(),
        }
        .into()
    })
}

/// The only one, or an error that lists them.
fn sole<T>(
    what: &'static str,
    all: impl Iterator<Item = T>,
    name: impl Fn(&T) -> String,
) -> Result<T, ActorError> {
    let mut all: Vec<T> = all.collect();
    let choices: Vec<String> = all.iter().map(&name).collect();
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(LookupError::Several { what, choices }.into()),
        (None, _) => Err(LookupError::None { what }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sole_one_is_meant() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            sole("grant", names.into_iter(), String::clone).map_err(|e| e.to_string())
        };
        assert_eq!(of(&["G-1"]), Ok("G-1".to_owned()));
        assert_eq!(
            of(&[]),
            Err("there is no grant that could be meant".to_owned())
        );
        assert_eq!(
            of(&["G-1", "G-2"]),
            Err("several could be meant, name the grant: G-1, G-2".to_owned())
        );
    }
}
