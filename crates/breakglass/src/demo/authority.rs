//! The authority of the play: eight people, two of them root persons; one account; two signatures,
//! one of security and one of the platform.

use breakglass_format::{
    Blank, Line, Name, Prose, Timestamp,
    authority::{
        Account, Authority, Clocks, Entitlement, Key, LogIdentity, Node, Person, Roots, Scenario,
    },
    statement::{Kem, Kind},
    vocabulary::{Custody, Privilege},
};
use breakglass_statement::PublicKey;

use super::DemoError;

/// Somebody in the play.
pub(super) struct Role {
    pub(super) principal: &'static str,
    pub(super) name: &'static str,
    pub(super) does: &'static str,
    groups: &'static [&'static str],
    privileges: &'static [Privilege],
}

/// Everybody.
pub(super) const ROLES: [Role; 8] = [
    Role {
        principal: "alice",
        name: "Alice",
        does: "on call tonight; asks for access",
        groups: &["on-call"],
        privileges: &[],
    },
    Role {
        principal: "bob",
        name: "Bob",
        does: "approver, security",
        groups: &["security"],
        privileges: &[],
    },
    Role {
        principal: "carol",
        name: "Carol",
        does: "approver, platform",
        groups: &["platform"],
        privileges: &[Privilege::Account],
    },
    Role {
        principal: "dave",
        name: "Dave",
        does: "approver, platform",
        groups: &["platform"],
        privileges: &[Privilege::Account],
    },
    Role {
        principal: "erin",
        name: "Erin",
        does: "incident commander, root person",
        groups: &["command"],
        privileges: &[Privilege::Command, Privilege::Suspend],
    },
    Role {
        principal: "frank",
        name: "Frank",
        does: "reviewer and auditor, root person",
        groups: &["review"],
        privileges: &[Privilege::Reviewer, Privilege::Auditor],
    },
    Role {
        principal: "grace",
        name: "Grace",
        does: "change advisory board",
        groups: &[],
        privileges: &[Privilege::Cab, Privilege::Waive, Privilege::Suspend],
    },
    Role {
        principal: "heidi",
        name: "Heidi",
        does: "may let duties go, with Grace",
        groups: &[],
        privileges: &[Privilege::Waive],
    },
];

/// The account's name.
pub const ACCOUNT: &str = "shop-root";
/// Its id.
pub const ACCOUNT_ID: &str = "acc_shop_root";
/// The name of the database's account, where there is a database.
pub const DATABASE: &str = "shop-db";
/// Its id.
pub(super) const DATABASE_ID: &str = "acc_shop_db";
/// The log's origin.
pub(super) const ORIGIN: &str = "breakglass.demo/log";

/// Whose key an enrolled key is, and the key.
pub(super) struct Holder<'a> {
    pub(super) principal: &'a str,
    pub(super) key: &'a PublicKey,
}

/// Writes the genesis authority.
pub(super) fn write(
    holders: &[Holder<'_>],
    log_vkey: &str,
    node_key: &str,
    database: bool,
    now: Timestamp,
) -> Result<Authority, DemoError> {
    let people: Result<Vec<Person>, DemoError> = ROLES
        .iter()
        .map(|role| person(role, holders, now))
        .collect();
    Ok(Authority {
        kind: Kind::Authority,
        accounts: accounts(database)?,
        clocks: Clocks::default(),
        entitlements: vec![entitlement(database)?],
        issued_at: now,
        log: LogIdentity {
            origin: line(ORIGIN)?,
            vkey: line(log_vkey)?,
        },
        machines: Vec::new(),
        nodes: vec![Node {
            name: name("node-1")?,
            kem: Kem {
                alg: line("X25519")?,
                pk: line(node_key)?,
            },
        }],
        people: people?,
        previous: Blank::NONE,
        roots: Roots {
            threshold: 2,
            persons: vec![parse("per_erin")?, parse("per_frank")?],
        },
        scenarios: scenarios()?,
        title: line("The shop's break-glass, in a demonstration")?,
        version: 1,
    })
}

fn person(role: &Role, holders: &[Holder<'_>], now: Timestamp) -> Result<Person, DemoError> {
    let mut namespaces = vec![
        Kind::Enroll,
        Kind::Request,
        Kind::Approval,
        Kind::Denial,
        Kind::Checkout,
        Kind::Session,
        Kind::Suspend,
        Kind::Act,
    ];
    if ["erin", "frank"].contains(&role.principal) {
        namespaces.insert(0, Kind::Authority);
    }
    let keys: Result<Vec<Key>, DemoError> = holders
        .iter()
        .filter(|holder| holder.principal == role.principal)
        .map(|holder| {
            Ok(Key {
                fingerprint: holder.key.fingerprint(),
                public_key: line(&holder.key.line())?,
                namespaces: namespaces.clone(),
                not_before: now.plus_s(-3600),
                not_after: Blank::NONE,
                origins: Vec::new(),
            })
        })
        .collect();
    let groups: Result<Vec<Name>, DemoError> = role.groups.iter().map(|g| name(g)).collect();
    Ok(Person {
        person: parse(&format!("per_{}", role.principal))?,
        principal: parse(role.principal)?,
        name: line(role.name)?,
        groups: groups?,
        privileges: role.privileges.to_vec(),
        keys: keys?,
    })
}

/// The three of the procedure.
fn scenarios() -> Result<Vec<Scenario>, DemoError> {
    let one = |of: &str, action: &str, review_h: i64| -> Result<Scenario, DemoError> {
        Ok(Scenario {
            name: name(of)?,
            actions: vec![name(action)?],
            service_required: of == "production-outage",
            threat_required: of == "critical-patch",
            control_plane_down: of == "system-failure",
            stakeholders: Vec::new(),
            cab_notice_s: if of == "critical-patch" { 24 * 3600 } else { 0 },
            review_s: review_h * 3600,
        })
    };
    Ok(vec![
        one("critical-patch", "deployment_override", 24)?,
        one("production-outage", "rollback", 48)?,
        one("system-failure", "direct_deployment", 48)?,
    ])
}

fn accounts(database: bool) -> Result<Vec<Account>, DemoError> {
    let mut accounts = vec![shop()?];
    if database {
        accounts.push(Account {
            id: parse(DATABASE_ID)?,
            name: name(DATABASE)?,
            system: line("PostgreSQL on loopback")?,
            rotator: Blank::from(name("db")?),
            connector: Blank::NONE,
            rotate_after_s: 0,
            on_server_loss: prose(
                "PostgreSQL asks for the password at the login only. If breakglass dies now, the \
                 password and the sessions that it opened live until somebody ends them by hand.",
            )?,
            ..shop()?
        });
    }
    Ok(accounts)
}

fn shop() -> Result<Account, DemoError> {
    Ok(Account {
        id: parse(ACCOUNT_ID)?,
        name: name(ACCOUNT)?,
        system: line("the shop, http on loopback")?,
        custody: Custody::Server,
        rotator: Blank::from(name("shop")?),
        connector: Blank::from(name("shop")?),
        shared: false,
        rotate_after_s: 0,
        on_server_loss: Prose::new(
            "The shop checks the password only: it does not know when a grant ends. \
             If breakglass dies now, the password works until somebody changes it by hand.",
        )
        .map_err(|e| DemoError::Make(e.to_string()))?,
    })
}

fn entitlement(database: bool) -> Result<Entitlement, DemoError> {
    let mut accounts = vec![parse(ACCOUNT_ID)?];
    if database {
        accounts.push(parse(DATABASE_ID)?);
    }
    Ok(Entitlement {
        name: name("shop-emergency")?,
        accounts,
        requesters: vec![name("on-call")?, name("platform")?],
        approvers: vec![name("platform")?, name("security")?],
        require_each: vec![name("platform")?, name("security")?],
        approvals: 2,
        tiers: Vec::new(),
        min_presence_approvals: 0,
        min_ssh_approvals: 1,
        max_duration_s: 4 * 3600,
        absolute_cap_s: 8 * 3600,
        approve_within_s: 3600,
        scenarios: vec![
            name("critical-patch")?,
            name("production-outage")?,
            name("system-failure")?,
        ],
    })
}

pub(super) fn parse<T: std::str::FromStr>(text: &str) -> Result<T, DemoError>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|e: T::Err| DemoError::Make(e.to_string()))
}

pub(super) fn name(text: &str) -> Result<Name, DemoError> {
    parse(text)
}

pub(super) fn line(text: &str) -> Result<Line, DemoError> {
    parse(text)
}

pub(super) fn prose(text: &str) -> Result<Prose, DemoError> {
    parse(text)
}
