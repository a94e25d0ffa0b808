//! Who there is, and the authority that says so.

use breakglass_format::{
    AccountId, Blank, Fingerprint, Line, PersonId, Principal, Timestamp,
    authority::{
        Account, Authority, Clocks, Entitlement, Key, LogIdentity, Person, Roots, Scenario,
    },
    event::{AccountRef, Member},
    statement::{Kind, Signer},
    vocabulary::{Custody, Privilege},
};
use breakglass_statement::{PublicKey, SshSig, to_be_signed};
use breakglass_tlog::{KeyName, SigningKey as LogKey};
use ed25519_dalek::{Signer as _, SigningKey};

/// A value of a closed form, from its text.
pub(crate) fn read<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// 2026-01-06T10:00:00.000Z.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_millis(1_767_693_600_000)
}

/// The keys there are, by the name under which a test asks for one; `carol2` is carol's second.
const KEYS: [&str; 7] = ["alice", "bob", "carol", "carol2", "dave", "erin", "session"];

fn secret(name: &str) -> SigningKey {
    let number = KEYS.iter().position(|key| *key == name).unwrap();
    SigningKey::from_bytes(&[u8::try_from(number).unwrap() + 1; 32])
}

pub(crate) fn public(name: &str) -> PublicKey {
    PublicKey::from_ed25519(secret(name).verifying_key().as_bytes()).unwrap()
}

fn fingerprint(name: &str) -> Fingerprint {
    public(name).fingerprint()
}

/// The armoured signature of a key over bytes.
pub(crate) fn sign(key: &str, kind: Kind, bytes: &[u8]) -> Vec<u8> {
    let signature = secret(key).sign(&to_be_signed(kind.namespace(), bytes));
    let packed = SshSig::pack_ed25519(&public(key), kind.namespace(), &signature.to_bytes());
    packed.unwrap().to_armoured().into_bytes()
}

/// Whose key it is.
fn owner(key: &str) -> &str {
    key.trim_end_matches('2')
}

pub(crate) fn person(key: &str) -> PersonId {
    read(&format!("per_{}", owner(key)))
}

pub(crate) fn principal(key: &str) -> Principal {
    read(owner(key))
}

pub(crate) fn member(key: &str) -> Member {
    Member {
        person: person(key),
        principal: principal(key),
    }
}

pub(crate) fn signer(key: &str) -> Signer {
    Signer {
        key: fingerprint(key),
        person: person(key),
        principal: principal(key),
    }
}

pub(crate) fn log_key() -> LogKey {
    LogKey::from_seed(KeyName::new("breakglass.example/log").unwrap(), &[99; 32])
}

/// The key of the log after so many epochs.
pub(crate) fn log_key_after(epochs: u8) -> LogKey {
    match epochs {
        0 => log_key(),
        n => {
            let name = KeyName::new(format!("breakglass.example/log/{}", n + 1)).unwrap();
            LogKey::from_seed(name, &[99 + n; 32])
        }
    }
}

/// As documents name a log.
pub(crate) fn identity(key: &LogKey) -> LogIdentity {
    LogIdentity {
        origin: read(key.verifier().name().as_str()),
        vkey: read(&key.verifier().to_string()),
    }
}

pub(crate) fn account() -> AccountRef {
    AccountRef {
        id: read::<AccountId>("acc_prod_db_root"),
        name: read("prod-db-root"),
    }
}

/// Alice and erin may ask, bob (security) and carol (platform) must approve; dave reviews
/// incidents, and erin sits on the board.
pub(crate) fn authority() -> Authority {
    use Privilege::{Account, Cab, Command, Reviewer, Suspend, Waive};
    let key = log_key();
    Authority {
        kind: Kind::Authority,
        accounts: vec![account_entry()],
        clocks: Clocks::default(),
        entitlements: vec![entitlement()],
        issued_at: start(),
        log: LogIdentity {
            origin: read("breakglass.example/log"),
            vkey: Line::new(key.verifier().to_string()).unwrap(),
        },
        machines: Vec::new(),
        nodes: Vec::new(),
        people: vec![
            someone(&["alice"], &["sre"], &[]),
            someone(&["bob"], &["security"], &[Account, Command]),
            someone(&["carol", "carol2"], &["platform"], &[Account, Command]),
            someone(&["dave"], &[], &[Reviewer, Suspend, Waive]),
            someone(&["erin"], &["sre"], &[Cab, Suspend, Waive]),
        ],
        previous: Blank::NONE,
        roots: Roots {
            threshold: 2,
            persons: vec![person("bob"), person("carol"), person("erin")],
        },
        scenarios: vec![scenario(), failure()],
        title: read("Example"),
        version: 1,
    }
}

pub(crate) fn account_entry() -> Account {
    Account {
        id: account().id,
        name: account().name,
        system: read("prod database"),
        custody: Custody::Server,
        rotator: Blank::from(Some(read("prod-db"))),
        connector: Blank::NONE,
        shared: false,
        rotate_after_s: 0,
        on_server_loss: read("The password stays valid until somebody changes it."),
    }
}

fn entitlement() -> Entitlement {
    Entitlement {
        name: read("prod-db"),
        accounts: vec![account().id],
        requesters: vec![read("sre")],
        approvers: vec![read("security"), read("platform")],
        require_each: vec![read("security"), read("platform")],
        approvals: 2,
        tiers: Vec::new(),
        min_presence_approvals: 0,
        min_ssh_approvals: 1,
        max_duration_s: 4 * 3_600,
        absolute_cap_s: 8 * 3_600,
        approve_within_s: 3_600,
        scenarios: vec![read("production-outage"), read("system-failure")],
    }
}

fn scenario() -> Scenario {
    Scenario {
        name: read("production-outage"),
        actions: vec![read("rollback")],
        service_required: true,
        threat_required: false,
        control_plane_down: false,
        stakeholders: Vec::new(),
        cab_notice_s: 0,
        review_s: 172_800,
    }
}

/// A scenario that needs the control plane verified unavailable.
fn failure() -> Scenario {
    Scenario {
        name: read("system-failure"),
        control_plane_down: true,
        ..scenario()
    }
}

fn someone(keys: &[&str], groups: &[&str], privileges: &[Privilege]) -> Person {
    let name = owner(keys[0]);
    let key = |name: &&str| Key {
        fingerprint: fingerprint(name),
        public_key: Line::new(public(name).line()).unwrap(),
        namespaces: Kind::ALL.to_vec(),
        not_before: start(),
        not_after: Blank::NONE,
        origins: Vec::new(),
    };
    Person {
        person: person(name),
        principal: principal(name),
        name: read(name),
        groups: groups.iter().map(|group| read(group)).collect(),
        privileges: privileges.to_vec(),
        keys: keys.iter().map(key).collect(),
    }
}
