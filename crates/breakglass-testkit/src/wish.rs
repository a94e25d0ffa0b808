//! What somebody wishes for, before it is a request.

use breakglass_format::{Blank, GrantId, statement::Purpose, vocabulary::PurposeKind};

use crate::people::{line, name};

/// What somebody wishes for.
#[derive(Debug, Clone)]
pub struct Wish {
    pub(crate) account: &'static str,
    pub(crate) purpose: Purpose,
    pub(crate) duration_s: i64,
    pub(crate) uses: i64,
    pub(crate) extends: Option<GrantId>,
    pub(crate) attested: &'static str,
}

impl Wish {
    /// The credential of an account, for four hours.
    #[must_use]
    pub fn credential(account: &'static str) -> Self {
        Self {
            account,
            purpose: Purpose {
                action: name("credential_access"),
                artifact: line(""),
                kind: PurposeKind::Credential,
                plan: Blank::NONE,
                target: line(""),
            },
            duration_s: 4 * 3600,
            uses: 0,
            extends: None,
            attested: "",
        }
    }

    /// One action on `shop.example` with an account, for four hours.
    #[must_use]
    pub fn action(action: &str, account: &'static str) -> Self {
        let mut wish = Self::rollback(account);
        wish.purpose.action = name(action);
        wish
    }

    /// Attesting that the control plane is unusable.
    #[must_use]
    pub const fn attesting(mut self, because: &'static str) -> Self {
        self.attested = because;
        self
    }

    /// One rollback of `shop.example` with an account, for four hours.
    #[must_use]
    pub fn rollback(account: &'static str) -> Self {
        let mut wish = Self::credential(account);
        wish.purpose = Purpose {
            action: name("rollback"),
            artifact: line(""),
            kind: PurposeKind::Action,
            plan: Blank::NONE,
            target: line("shop.example"),
        };
        wish
    }

    /// For this long.
    #[must_use]
    pub const fn for_s(mut self, duration_s: i64) -> Self {
        self.duration_s = duration_s;
        self
    }

    /// For so many checkouts.
    #[must_use]
    pub const fn uses(mut self, uses: i64) -> Self {
        self.uses = uses;
        self
    }

    /// To move the end of a grant.
    #[must_use]
    pub const fn extending(mut self, grant: GrantId) -> Self {
        self.extends = Some(grant);
        self
    }
}
