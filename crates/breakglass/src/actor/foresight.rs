//! What can be known to fail before an incident is declared for it: the rules that a request must
//! pass, as far as the verified authority and the server's list of accounts tell.

use breakglass_format::{
    Name,
    authority::{Account, Entitlement},
};
use thiserror::Error;

use super::{Actor, ActorError, RequestWish};

/// Shortest access, in seconds.
pub(super) const SHORTEST_S: i64 = 60;

/// Why a request would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ForeseenError {
    /// Nobody entitles this person.
    #[error("no entitlement lets you ask for {account} in a {scenario}")]
    NoEntitlement {
        /// The account.
        account: Name,
        /// The scenario.
        scenario: Name,
    },
    /// There is nothing to hand out.
    #[error("no credential of {account} is in custody")]
    NoCredential {
        /// The account.
        account: Name,
    },
    /// Somebody holds it, and it is not shared.
    #[error("{account} is held under {grant}")]
    Busy {
        /// The account.
        account: Name,
        /// The grant, by reference, as the server says.
        grant: String,
    },
    /// Longer than the entitlement allows.
    #[error("{got} s were asked for, the entitlement allows {limit} s")]
    TooLong {
        /// Seconds asked for.
        got: i64,
        /// Seconds allowed.
        limit: i64,
    },
    /// Shorter than anybody could use.
    #[error("{got} s were asked for, access is for at least {SHORTEST_S} s")]
    TooShort {
        /// Seconds asked for.
        got: i64,
    },
    /// The scenario knows no such action.
    #[error("a {scenario} permits no {action}; it permits {permitted}")]
    ActionNotPermitted {
        /// The scenario.
        scenario: Name,
        /// The action.
        action: Name,
        /// What it permits, for people to read.
        permitted: String,
    },
}

impl Actor {
    /// Whether a request under a new incident of a scenario could be made. What it does not find,
    /// the server may still refuse: the account may be taken a moment later.
    ///
    /// # Errors
    ///
    /// It would be refused, or see [`ActorError`].
    pub fn foresee(&self, scenario: &Name, wish: &RequestWish) -> Result<(), ActorError> {
        let account = self.account(&wish.account)?;
        let authority = self.trust().authority();
        let entitlement = authority.entitlement(&self.identity.person, &account.id, scenario);
        let entitlement = entitlement.ok_or_else(|| ForeseenError::NoEntitlement {
            account: account.name.clone(),
            scenario: scenario.clone(),
        })?;
        check_duration(wish.duration_s, entitlement)?;
        self.check_action(scenario, wish)?;
        self.check_account(account)
    }

    fn check_action(&self, scenario: &Name, wish: &RequestWish) -> Result<(), ForeseenError> {
        let Some(action) = wish.action.as_ref().map(|wish| &wish.action) else {
            return Ok(());
        };
        let known = self.trust().authority().scenario(scenario);
        let permitted = known.map_or(&[][..], |s| s.actions.as_slice());
        if permitted.contains(action) {
            return Ok(());
        }
        let names: Vec<&str> = permitted.iter().map(Name::as_str).collect();
        Err(ForeseenError::ActionNotPermitted {
            scenario: scenario.clone(),
            action: action.clone(),
            permitted: names.join(", "),
        })
    }

    /// By the server's word: whether there is something to hand out, and nobody has it.
    fn check_account(&self, account: &Account) -> Result<(), ActorError> {
        let views = self.client().accounts()?;
        let view = views.iter().find(|v| v.id == account.id.as_str());
        let name = || account.name.clone();
        if view.is_none_or(|v| v.version == 0) {
            return Err(ForeseenError::NoCredential { account: name() }.into());
        }
        match view.and_then(|v| v.grant.clone()) {
            Some(grant) if !account.shared => Err(ForeseenError::Busy {
                account: name(),
                grant,
            }
            .into()),
            Some(_) | None => Ok(()),
        }
    }
}

const fn check_duration(got: i64, entitlement: &Entitlement) -> Result<(), ForeseenError> {
    let limit = entitlement.max_duration_s;
    if got > limit {
        return Err(ForeseenError::TooLong { got, limit });
    }
    if got < SHORTEST_S {
        return Err(ForeseenError::TooShort { got });
    }
    Ok(())
}
