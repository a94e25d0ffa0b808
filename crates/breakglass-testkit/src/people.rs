//! The cast: who there is in the tests, and what they may do.
//!
//! | who | groups | privileges |
//! |---|---|---|
//! | alice, mallory | oncall | |
//! | bob, peggy | security | |
//! | carol | platform | |
//! | dave | security, platform | |
//! | erin | | command, revoke |
//! | frank | | reviewer, auditor |
//! | grace, heidi, judy | | account; root persons, threshold 2 |
//! | oscar | | cab |
//! | trent, trudy | | suspend |
//! | walter, wendy | | waive |
//!
//! Everybody has two keys: the first is a file, the second a token that needs a touch.

use std::sync::{Arc, LazyLock};

use breakglass_format::{
    AccountId, Blank, Digest, Fingerprint, Line, Name, PersonId, Principal, Prose, Timestamp,
    authority::{
        Account, Authority, Clocks, Entitlement, Key, LogIdentity, Person, Roots, Scenario,
    },
    statement::Kind,
    vocabulary::{Custody, Privilege},
};
use breakglass_statement::{KeyType, PublicKey, digest, wire::Writer};
use breakglass_tlog::{KeyName, SigningKey};

/// The person who asks.
pub const ALICE: Hand = Hand::of("alice");
/// An approver, security.
pub const BOB: Hand = Hand::of("bob");
/// An approver, platform.
pub const CAROL: Hand = Hand::of("carol");
/// An approver, security and platform.
pub const DAVE: Hand = Hand::of("dave");
/// The commander; not entitled to any account.
pub const ERIN: Hand = Hand::of("erin");
/// Reviews and audits.
pub const FRANK: Hand = Hand::of("frank");
/// A root person who may change credentials.
pub const GRACE: Hand = Hand::of("grace");
/// Another.
pub const HEIDI: Hand = Hand::of("heidi");
/// And a third.
pub const JUDY: Hand = Hand::of("judy");
/// Entitled like alice, and up to no good.
pub const MALLORY: Hand = Hand::of("mallory");
/// A second approver who is only security.
pub const PEGGY: Hand = Hand::of("peggy");

/// Sits on the change advisory board.
pub const OSCAR: Hand = Hand::of("oscar");
/// May suspend others.
pub const TRENT: Hand = Hand::of("trent");
/// So may she.
pub const TRUDY: Hand = Hand::of("trudy");
/// May let duties go.
pub const WALTER: Hand = Hand::of("walter");
/// So may she.
pub const WENDY: Hand = Hand::of("wendy");

/// Everybody.
pub const EVERYBODY: &[Hand] = &[
    ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI, JUDY, MALLORY, PEGGY, OSCAR, TRENT, TRUDY,
    WALTER, WENDY,
];

/// The exclusive account, with a rotator and a connector.
pub const SHOP: &str = "acc_shop_admin";
/// The shared account, with a rotator and no connector.
pub const READER: &str = "acc_db_reader";
/// An account that no machine rotates and that needs three approvals, one with a touch.
pub const VAULT: &str = "acc_vault_root";

/// When every test begins.
pub const START: &str = "2026-01-06T10:00:00.000Z";

/// A person with one of their keys in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    principal: &'static str,
    key: usize,
    browser: bool,
    session: Option<Digest>,
}

impl Hand {
    /// The first key of a person.
    #[must_use]
    pub const fn of(principal: &'static str) -> Self {
        Self {
            principal,
            key: 0,
            browser: false,
            session: None,
        }
    }

    /// The same person with the key that needs a touch.
    #[must_use]
    pub const fn touching(mut self) -> Self {
        self.key = 1;
        self
    }

    /// The same person in a browser.
    #[must_use]
    pub const fn in_browser(mut self) -> Self {
        self.browser = true;
        self
    }

    /// The same person with the key of a session, named by its statement.
    #[must_use]
    pub const fn in_session(mut self, session: Digest) -> Self {
        self.session = Some(session);
        self
    }

    /// The name they sign under.
    #[must_use]
    pub fn principal(&self) -> Principal {
        self.principal.parse().expect("a principal")
    }

    /// The human being.
    #[must_use]
    pub fn person(&self) -> PersonId {
        person_id(self.principal)
    }

    /// The enrolled key.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        // Points of a curve are slow to make, and the genesis has most of them.
        let genesis = genesis();
        let person = genesis.principal(&self.principal());
        match person.and_then(|p| p.keys.get(self.key)) {
            Some(key) => key.fingerprint.clone(),
            None => public_key(self.principal, self.key).fingerprint(),
        }
    }

    /// The key of a session of theirs.
    #[must_use]
    pub fn session_key(&self) -> PublicKey {
        public_key(self.principal, SESSION_KEY)
    }

    /// The session that signs, where one does.
    #[must_use]
    pub const fn session(&self) -> Option<Digest> {
        self.session
    }

    /// Whether the key needs a touch.
    #[must_use]
    pub const fn touches(&self) -> bool {
        self.key == 1
    }

    /// Whether it is done in a browser.
    #[must_use]
    pub const fn is_in_browser(&self) -> bool {
        self.browser
    }
}

const SESSION_KEY: usize = 9;

/// The id of the person with this principal.
#[must_use]
pub fn person_id(principal: &str) -> PersonId {
    format!("per_{principal}").parse().expect("a person id")
}

/// An id of an account.
#[must_use]
pub fn account(id: &str) -> AccountId {
    id.parse().expect("an account id")
}

/// A name.
#[must_use]
pub fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// A line of text.
#[must_use]
pub fn line(text: &str) -> Line {
    Line::new(text).expect("a line")
}

/// Longer text.
#[must_use]
pub fn prose(text: &str) -> Prose {
    Prose::new(text).expect("prose")
}

/// When every test begins, as an instant.
#[must_use]
pub fn start() -> Timestamp {
    START.parse().expect("an instant")
}

/// The genesis.
#[must_use]
pub fn genesis() -> Arc<Authority> {
    static GENESIS: LazyLock<Arc<Authority>> = LazyLock::new(|| {
        let authority = write_genesis();
        authority.check().expect("the genesis keeps the rules");
        Arc::new(authority)
    });
    Arc::clone(&GENESIS)
}

/// The next version after an authority, to be changed before it is published.
#[must_use]
pub fn successor(of: &Authority) -> Authority {
    let bytes = of.to_bytes().expect("canonical");
    Authority {
        previous: Some(digest(&bytes)).into(),
        version: of.version + 1,
        ..of.clone()
    }
}

/// A person of an authority, to be changed.
pub fn person_mut<'a>(authority: &'a mut Authority, principal: &str) -> &'a mut Person {
    let mut people = authority.people.iter_mut();
    let found = people.find(|p| p.principal.as_str() == principal);
    found.expect("a person of the authority")
}

/// An entitlement of an authority, to be changed.
pub fn entitlement_mut<'a>(authority: &'a mut Authority, name: &str) -> &'a mut Entitlement {
    let mut entitlements = authority.entitlements.iter_mut();
    let found = entitlements.find(|e| e.name.as_str() == name);
    found.expect("an entitlement of the authority")
}

/// A person of these groups with two new keys, in no authority yet.
#[must_use]
pub fn newcomer(principal: &str, groups: &[&str]) -> Person {
    person(principal, groups, &[])
}

fn write_genesis() -> Authority {
    use Privilege as P;
    Authority {
        kind: Kind::Authority,
        accounts: accounts(),
        clocks: Clocks::default(),
        entitlements: entitlements(),
        issued_at: start(),
        log: log_identity(),
        machines: Vec::new(),
        nodes: Vec::new(),
        people: vec![
            person("alice", &["oncall"], &[]),
            person("bob", &["security"], &[]),
            person("carol", &["platform"], &[]),
            person("dave", &["security", "platform"], &[]),
            person("erin", &[], &[P::Command, P::Revoke]),
            person("frank", &[], &[P::Reviewer, P::Auditor]),
            root("grace"),
            root("heidi"),
            root("judy"),
            person("mallory", &["oncall"], &[]),
            person("peggy", &["security"], &[]),
            person("oscar", &[], &[P::Cab]),
            person("trent", &[], &[P::Suspend]),
            person("trudy", &[], &[P::Suspend]),
            person("walter", &[], &[P::Waive]),
            person("wendy", &[], &[P::Waive]),
        ],
        previous: Blank::NONE,
        roots: Roots {
            threshold: 2,
            persons: ["grace", "heidi", "judy"].map(person_id).to_vec(),
        },
        scenarios: scenarios(),
        title: line("testkit"),
        version: 1,
    }
}

fn accounts() -> Vec<Account> {
    let rotator = |name: Option<&str>| name.map(self::name).into();
    let one = |id: &str, machine: Option<&str>, connector: Option<&str>, shared| Account {
        id: account(id),
        name: name(&id.trim_start_matches("acc_").replace('_', "-")),
        system: line("shop.example"),
        custody: Custody::Server,
        rotator: rotator(machine),
        connector: rotator(connector),
        shared,
        rotate_after_s: 0,
        on_server_loss: prose("The password stays valid until somebody changes it by hand."),
    };
    vec![
        one(SHOP, Some("shop"), Some("shop"), false),
        one(READER, Some("db"), None, true),
        one(VAULT, None, None, false),
    ]
}

fn entitlements() -> Vec<Entitlement> {
    let names = |list: &[&str]| list.iter().map(|n| name(n)).collect::<Vec<_>>();
    let one = |of: &str, accounts: &[&str], require_each: &[&str]| Entitlement {
        name: name(of),
        accounts: accounts.iter().map(|id| account(id)).collect(),
        requesters: names(&["oncall"]),
        approvers: names(&["security", "platform"]),
        require_each: names(require_each),
        approvals: 2,
        tiers: vec![names(&["security"]), names(&["platform"])],
        min_presence_approvals: 0,
        min_ssh_approvals: 1,
        max_duration_s: 4 * 3600,
        absolute_cap_s: 8 * 3600,
        approve_within_s: 3600,
        scenarios: names(&["critical-patch", "production-outage", "system-failure"]),
    };
    let mut vault = one("vault-emergency", &[VAULT], &["security"]);
    vault.approvals = 3;
    vault.min_presence_approvals = 1;
    vec![
        one("shop-emergency", &[SHOP], &["security", "platform"]),
        one("db-emergency", &[READER], &[]),
        vault,
    ]
}

fn scenarios() -> Vec<Scenario> {
    let one = |of: &str, action: &str, review_h: i64| Scenario {
        name: name(of),
        actions: vec![name(action)],
        service_required: of == "production-outage",
        threat_required: of == "critical-patch",
        control_plane_down: of == "system-failure",
        stakeholders: vec![name("oncall")],
        cab_notice_s: if of == "critical-patch" { 24 * 3600 } else { 0 },
        review_s: review_h * 3600,
    };
    vec![
        one("critical-patch", "deployment_override", 24),
        one("production-outage", "rollback", 48),
        one("system-failure", "direct_deployment", 48),
    ]
}

fn root(principal: &str) -> Person {
    person(principal, &[], &[Privilege::Account])
}

fn person(principal: &str, groups: &[&str], privileges: &[Privilege]) -> Person {
    let is_root = privileges.contains(&Privilege::Account);
    let namespaces = Kind::ALL
        .iter()
        .filter(|k| is_root || **k != Kind::Authority);
    let namespaces: Vec<Kind> = namespaces.copied().collect();
    let key = |index: usize| {
        let public = public_key(principal, index);
        Key {
            fingerprint: public.fingerprint(),
            public_key: line(&public.line()),
            namespaces: namespaces.clone(),
            not_before: Timestamp::EPOCH,
            not_after: Blank::NONE,
            origins: Vec::new(),
        }
    };
    Person {
        person: person_id(principal),
        principal: principal.parse().expect("a principal"),
        name: line(principal),
        groups: groups.iter().map(|g| name(g)).collect(),
        privileges: privileges.to_vec(),
        keys: vec![key(0), key(1)],
    }
}

/// A real public key whose secret half nobody uses: the second of each person lies in a token.
fn public_key(principal: &str, index: usize) -> PublicKey {
    let seed = digest(format!("{principal}/{index}").as_bytes());
    let point = *signing_key(seed).verifier().public_key();
    if index == 1 {
        let wire = Writer::new()
            .string(KeyType::SkEd25519.as_str().as_bytes())
            .string(&point)
            .string(b"ssh:");
        return PublicKey::from_wire(&wire.into_bytes()).expect("a public key");
    }
    PublicKey::from_ed25519(&point).expect("a public key")
}

fn log_identity() -> LogIdentity {
    let key = signing_key(digest(b"log"));
    LogIdentity {
        origin: line(key.verifier().name().as_str()),
        vkey: line(&key.verifier().to_string()),
    }
}

fn signing_key(seed: Digest) -> SigningKey {
    let name = KeyName::new("testkit.example/log").expect("a key name");
    SigningKey::from_seed(name, seed.as_bytes())
}
