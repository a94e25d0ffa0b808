//! The authority document as data: who there is, what they may do, which keys speak for them
//! (`docs/spec/authority.md`).
//!
//! Names and privileges only; contact points lie elsewhere. What must hold between its parts is
//! checked by [`Authority::check`], which is part of parsing: a document that breaks a rule is
//! not an authority.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AccountId, Blank, Digest, Fingerprint, Line, Name, PersonId, Principal, Prose, Timestamp,
    canonical::{self, CanonicalError},
    limits,
    statement::{Kem, Kind},
    vocabulary::{Custody, Privilege},
};

mod clocks;

pub use clocks::Clocks;

/// One version of the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Always [`Kind::Authority`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// The break-glass accounts.
    pub accounts: Vec<Account>,
    /// Lengths of the clocks that are the same for every scenario.
    pub clocks: Clocks,
    /// Who may ask for which account, and who may say yes.
    pub entitlements: Vec<Entitlement>,
    /// When it was written.
    pub issued_at: Timestamp,
    /// The log's name and key.
    pub log: LogIdentity,
    /// Programs with keys of their own; they never approve.
    pub machines: Vec<Machine>,
    /// The server's nodes and the keys that credentials are imported to.
    pub nodes: Vec<Node>,
    /// Everybody.
    pub people: Vec<Person>,
    /// The digest of the version before; blank in version 1, the genesis.
    pub previous: Blank<Digest>,
    /// Who may change this document, and how many of them it takes.
    pub roots: Roots,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// What this installation is called.
    pub title: Line,
    /// 1, 2, 3 …
    pub version: i64,
}

/// A dedicated break-glass account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What it is for ever.
    pub id: AccountId,
    /// What people call it.
    pub name: Name,
    /// The system it opens.
    pub system: Line,
    /// How its credential is kept.
    pub custody: Custody,
    /// Which rotator of the server's configuration changes its credential; blank: nobody's
    /// machine does, people do.
    pub rotator: Blank<Name>,
    /// Which connector of the server's configuration acts with it; blank: none.
    pub connector: Blank<Name>,
    /// After how long its credential is rotated by itself, in seconds; 0: only after use.
    pub rotate_after_s: i64,
    /// Whether several grants may be active at a time.
    pub shared: bool,
    /// What happens to access through this account if the server dies now: what the target
    /// enforces by itself, and what it does not. Approvers sign it.
    pub on_server_loss: Prose,
}

/// A standing rule: who may ask for which account, with whose consent, for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entitlement {
    /// What people call it.
    pub name: Name,
    /// The accounts it is about.
    pub accounts: Vec<AccountId>,
    /// Groups whose members may request.
    pub requesters: Vec<Name>,
    /// Groups whose members may approve or deny.
    pub approvers: Vec<Name>,
    /// Groups each of which must have given one of the approvals, one person filling one place.
    pub require_each: Vec<Name>,
    /// Whom a request is told, tier by tier, as groups of approvers: the first at once, the next
    /// after 5 minutes; all approvers after 15. Empty: all at once.
    pub tiers: Vec<Vec<Name>>,
    /// How many approvals are needed: at least 2.
    pub approvals: i64,
    /// Of these, how many by keys that need a touch.
    pub min_presence_approvals: i64,
    /// Of these, how many not made in a browser.
    pub min_ssh_approvals: i64,
    /// Longest grant, in seconds.
    pub max_duration_s: i64,
    /// Longest time from activation to the end over all extensions, in seconds.
    pub absolute_cap_s: i64,
    /// How long a request waits before it lapses, in seconds; at most 3,600.
    pub approve_within_s: i64,
    /// Scenarios in which it applies.
    pub scenarios: Vec<Name>,
}

/// The log's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIdentity {
    /// The origin line of its checkpoints, which is also the name of its key.
    pub origin: Line,
    /// Its verifier key, in the `vkey` form of C2SP signed-note.
    pub vkey: Line,
}

/// A program with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Its name.
    pub name: Name,
    /// Its SSH public key, one line `type base64`.
    pub public_key: Line,
    /// Accounts whose rotation results it may report.
    pub rotates: Vec<AccountId>,
}

/// A node of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// The key that credentials are sealed to on their way in.
    pub kem: Kem,
}

/// A human being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Who it is, for ever.
    pub person: PersonId,
    /// The name used with `ssh-keygen -I`.
    pub principal: Principal,
    /// The name for people.
    pub name: Line,
    /// Groups the entitlements speak of.
    pub groups: Vec<Name>,
    /// What else this person may do.
    pub privileges: Vec<Privilege>,
    /// The keys.
    pub keys: Vec<Key>,
}

/// A key of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// One line `type base64`, without comment.
    pub public_key: Line,
    /// What it may sign.
    pub namespaces: Vec<Kind>,
    /// From when it counts.
    pub not_before: Timestamp,
    /// Until when it counts, exclusive; blank: until a version without it.
    pub not_after: Blank<Timestamp>,
    /// For a passkey the web origins it may sign in; else empty.
    pub origins: Vec<Line>,
}

/// Who may change the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// How many different root persons must sign: at least 2.
    pub threshold: i64,
    /// The root persons: at least 2.
    pub persons: Vec<PersonId>,
}

/// A kind of emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: Name,
    /// Actions that may be requested and run under it.
    pub actions: Vec<Name>,
    /// Whether the affected service must be named.
    pub service_required: bool,
    /// Whether the threat must be documented.
    pub threat_required: bool,
    /// Whether the control plane must be verified unavailable.
    pub control_plane_down: bool,
    /// Groups that are told of a declaration.
    pub stakeholders: Vec<Name>,
    /// From declaration until the change advisory board is told, in seconds; 0: it need not be.
    pub cab_notice_s: i64,
    /// From resolution until the post-incident review is complete, in seconds. At most 48 hours.
    pub review_s: i64,
}

/// Which rule an authority document breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Not canonical, or not of the shape.
    #[error("authority document cannot be read: {0}")]
    Canonical(#[from] CanonicalError),
    /// A rule between its parts.
    #[error("authority document breaks a rule: {rule}{}", .at.as_ref().map(|a| format!(" ({a})")).unwrap_or_default())]
    Rule {
        /// The rule, as a sentence.
        rule: &'static str,
        /// Which name breaks it.
        at: Option<String>,
    },
}

impl Authority {
    /// Parses canonical bytes and checks every rule that holds within one document.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuthorityError> {
        let authority: Self = canonical::from_bytes(bytes, limits::AUTHORITY_BYTES_MAX)?;
        authority.check()?;
        Ok(authority)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }

    /// The rules that hold within one document: at least two root persons and a threshold of at
    /// least two, every entitlement at least two approvals, names and keys unique, references
    /// that lead somewhere.
    pub fn check(&self) -> Result<(), AuthorityError> {
        rule(
            self.kind == Kind::Authority,
            "_type must be authority.v1@breakglass",
            None,
        )?;
        rule(self.version >= 1, "versions count from 1", None)?;
        let genesis = self.previous.0.is_none();
        rule(
            genesis == (self.version == 1),
            "exactly version 1 has no previous version",
            None,
        )?;
        rule(!self.log.origin.is_empty(), "the log has an origin", None)?;
        self.check_people()?;
        self.check_roots()?;
        self.check_accounts()?;
        for entitlement in &self.entitlements {
            self.check_entitlement(entitlement)?;
        }
        let names = self.entitlements.iter().map(|e| e.name.as_str());
        unique(names, "entitlement names are unique")?;
        let names = self.scenarios.iter().map(|s| s.name.as_str());
        unique(names, "scenario names are unique")?;
        unique(
            self.machines.iter().map(|m| m.name.as_str()),
            "machine names are unique",
        )?;
        unique(
            self.nodes.iter().map(|n| n.name.as_str()),
            "node names are unique",
        )?;
        clocks::check(self)
    }

    fn check_people(&self) -> Result<(), AuthorityError> {
        unique(
            self.people.iter().map(|p| p.person.as_str()),
            "person ids are unique",
        )?;
        unique(
            self.people.iter().map(|p| p.principal.as_str()),
            "principals are unique",
        )?;
        let keys = || self.people.iter().flat_map(|p| &p.keys);
        unique(
            keys().map(|k| k.fingerprint.as_str()),
            "key fingerprints are unique",
        )?;
        let keys = keys().map(|k| k.public_key.as_str());
        let machine_keys = self.machines.iter().map(|m| m.public_key.as_str());
        unique(
            keys.chain(machine_keys),
            "a public key belongs to one holder",
        )?;
        for key in self.people.iter().flat_map(|p| &p.keys) {
            let ordered = key.not_after.0.is_none_or(|end| key.not_before < end);
            rule(
                ordered,
                "a key's validity ends after it begins",
                Some(key.fingerprint.as_str()),
            )?;
        }
        Ok(())
    }

    fn check_roots(&self) -> Result<(), AuthorityError> {
        let roots = &self.roots;
        unique(
            roots.persons.iter().map(PersonId::as_str),
            "root persons are unique",
        )?;
        rule(
            roots.persons.len() >= 2,
            "there are at least two root persons",
            None,
        )?;
        let count = i64::try_from(roots.persons.len()).unwrap_or(0);
        let fits = (2..=count).contains(&roots.threshold);
        rule(
            fits,
            "the root threshold is at least 2 and at most the root persons",
            None,
        )?;
        for id in &roots.persons {
            let signs = |k: &Key| k.namespaces.contains(&Kind::Authority);
            let able = self.person(id).is_some_and(|p| p.keys.iter().any(signs));
            rule(
                able,
                "a root person has a key for authority statements",
                Some(id.as_str()),
            )?;
        }
        Ok(())
    }

    fn check_accounts(&self) -> Result<(), AuthorityError> {
        unique(
            self.accounts.iter().map(|a| a.id.as_str()),
            "account ids are unique",
        )?;
        unique(
            self.accounts.iter().map(|a| a.name.as_str()),
            "account names are unique",
        )?;
        for account in &self.accounts {
            let told = !account.on_server_loss.is_empty();
            rule(
                told,
                "an account says what happens on server loss",
                Some(account.name.as_str()),
            )?;
            let age = account.rotate_after_s;
            let fits = age == 0 || age >= 3_600 && account.rotator.0.is_some();
            rule(
                fits,
                "what is rotated by age has a rotator, and an hour at least",
                Some(account.name.as_str()),
            )?;
        }
        Ok(())
    }

    fn check_entitlement(&self, e: &Entitlement) -> Result<(), AuthorityError> {
        let at = Some(e.name.as_str());
        rule(
            e.approvals >= 2,
            "an entitlement needs at least two approvals",
            at,
        )?;
        let each = i64::try_from(e.require_each.len()).unwrap_or(i64::MAX);
        rule(
            each <= e.approvals,
            "no more required groups than approvals",
            at,
        )?;
        unique(
            e.require_each.iter().map(Name::as_str),
            "required groups are named once",
        )?;
        let of_approvers = e.require_each.iter().all(|g| e.approvers.contains(g));
        rule(of_approvers, "required groups are among the approvers", at)?;
        let tiers = e
            .tiers
            .iter()
            .all(|t| t.iter().all(|g| e.approvers.contains(g)));
        rule(tiers, "tiers are groups of approvers", at)?;
        let minimums = [e.min_presence_approvals, e.min_ssh_approvals];
        let fit = minimums.iter().all(|m| (0..=e.approvals).contains(m));
        rule(fit, "minimums lie between 0 and the approvals", at)?;
        rule(
            e.max_duration_s >= 60,
            "the longest grant is at least a minute",
            at,
        )?;
        rule(
            e.absolute_cap_s >= e.max_duration_s,
            "the cap is not below the longest grant",
            at,
        )?;
        let waits = (60..=limits::APPROVE_WITHIN_S).contains(&e.approve_within_s);
        rule(waits, "a request waits between one minute and one hour", at)?;
        let accounts = e.accounts.iter().all(|id| self.account(id).is_some());
        rule(accounts, "an entitlement's accounts exist", at)?;
        let scenarios = e.scenarios.iter().all(|name| self.scenario(name).is_some());
        rule(scenarios, "an entitlement's scenarios exist", at)
    }

    /// The person with this id.
    #[must_use]
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.iter().find(|p| p.person == *id)
    }

    /// The person who signs under this principal.
    #[must_use]
    pub fn principal(&self, principal: &Principal) -> Option<&Person> {
        self.people.iter().find(|p| p.principal == *principal)
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.iter().find(|a| a.id == *id)
    }

    /// The account with this name.
    #[must_use]
    pub fn account_named(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.name.as_str() == name)
    }

    /// The scenario with this name.
    #[must_use]
    pub fn scenario(&self, name: &Name) -> Option<&Scenario> {
        self.scenarios.iter().find(|s| s.name == *name)
    }

    /// The entitlement under which a person may request an account in a scenario: the first in
    /// the document's order.
    #[must_use]
    pub fn entitlement(
        &self,
        person: &PersonId,
        account: &AccountId,
        scenario: &Name,
    ) -> Option<&Entitlement> {
        let person = self.person(person)?;
        self.entitlements.iter().find(|e| {
            e.accounts.contains(account)
                && e.scenarios.contains(scenario)
                && e.requesters.iter().any(|g| person.groups.contains(g))
        })
    }
}

impl Person {
    /// The key with this fingerprint.
    #[must_use]
    pub fn key(&self, fingerprint: &Fingerprint) -> Option<&Key> {
        self.keys.iter().find(|k| k.fingerprint == *fingerprint)
    }

    /// Whether this person is in a group.
    #[must_use]
    pub fn in_group(&self, group: &Name) -> bool {
        self.groups.contains(group)
    }

    /// Whether this person has a privilege.
    #[must_use]
    pub fn may(&self, privilege: Privilege) -> bool {
        self.privileges.contains(&privilege)
    }
}

impl Key {
    /// Whether the key is listed for a kind of statement. One that signs authorities signs epochs.
    #[must_use]
    pub fn signs(&self, kind: Kind) -> bool {
        let listed = if kind == Kind::Epoch {
            Kind::Authority
        } else {
            kind
        };
        self.namespaces.contains(&listed)
    }

    /// Whether the key counts at an instant for a kind of statement.
    #[must_use]
    pub fn counts(&self, kind: Kind, at: Timestamp) -> bool {
        self.signs(kind) && self.not_before <= at && self.not_after.0.is_none_or(|end| at < end)
    }
}

fn rule(holds: bool, rule: &'static str, at: Option<&str>) -> Result<(), AuthorityError> {
    if holds {
        Ok(())
    } else {
        Err(AuthorityError::Rule {
            rule,
            at: at.map(str::to_owned),
        })
    }
}

fn unique<'a>(
    names: impl Iterator<Item = &'a str>,
    what: &'static str,
) -> Result<(), AuthorityError> {
    let mut seen = BTreeSet::new();
    for name in names {
        rule(seen.insert(name), what, Some(name))?;
    }
    Ok(())
}
