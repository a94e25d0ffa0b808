//! The parts of an authority, from their friendly form.

use std::{collections::BTreeMap, path::Path};

use breakglass_format::{
    AccountId, Blank, Fingerprint, Line, Name, PersonId, Principal, Timestamp,
    authority::{Account, Authority, Clocks, Entitlement, Key, Machine, Node, Person, Scenario},
    statement::{Kem, Kind},
};
use breakglass_seal::KEM_ALGORITHM;
use breakglass_statement::PublicKey;

use super::CompileError;
use crate::cmd::authority::friendly::{self, File};

/// What an enrolled key signs where the file does not say.
const EVERYDAY: [Kind; 8] = [
    Kind::Enroll,
    Kind::Request,
    Kind::Approval,
    Kind::Denial,
    Kind::Checkout,
    Kind::Session,
    Kind::Suspend,
    Kind::Act,
];

pub(super) fn people(
    file: &File,
    before: Option<&Authority>,
    issued_at: Timestamp,
) -> Result<Vec<Person>, CompileError> {
    let each = file.people.iter();
    each.map(|person| {
        let root = file.roots.persons.contains(&person.principal);
        let old = before.and_then(|a| a.principal(&person.principal));
        let keys: Result<Vec<Key>, CompileError> = person
            .keys
            .iter()
            .map(|k| key(person.principal.as_str(), k, root, old, issued_at))
            .collect();
        Ok(Person {
            person: person_id(person)?,
            principal: person.principal.clone(),
            name: person.name.clone(),
            groups: person.groups.clone(),
            privileges: person.privileges.clone(),
            keys: keys?,
        })
    })
    .collect()
}

/// Keys that are named as files are read.
pub(super) fn read_keys(file: &mut File, folder: &Path) -> Result<(), CompileError> {
    for person in &mut file.people {
        let holder = person.principal.to_string();
        for key in &mut person.keys {
            if key.public_key.is_empty() == key.public_key_file.is_none() {
                return Err(CompileError::KeyTwice { holder });
            }
            let Some(path) = &key.public_key_file else {
                continue;
            };
            let path = folder.join(path);
            let text = std::fs::read_to_string(&path).map_err(|e| CompileError::KeyFile {
                holder: holder.clone(),
                path: path.display().to_string(),
                detail: e.to_string(),
            })?;
            if text.contains("PRIVATE KEY-----") {
                let path = path.display().to_string();
                return Err(CompileError::PrivateKey { holder, path });
            }
            text.trim_end().clone_into(&mut key.public_key);
        }
    }
    Ok(())
}

/// One key is one person's: the rules say so by its fingerprint, people go by names.
pub(super) fn check_owners(people: &[Person]) -> Result<(), CompileError> {
    let mut owners: BTreeMap<&Fingerprint, &Principal> = BTreeMap::new();
    for person in people {
        for key in &person.keys {
            let before = owners.insert(&key.fingerprint, &person.principal);
            if let Some(other) = before.filter(|other| **other != person.principal) {
                return Err(CompileError::TwoOwners {
                    key: key.fingerprint.clone(),
                    one: other.clone(),
                    other: person.principal.clone(),
                });
            }
        }
    }
    Ok(())
}

fn person_id(person: &friendly::Person) -> Result<PersonId, CompileError> {
    match &person.id {
        Some(id) => Ok(id.clone()),
        None => format!("per_{}", word(person.principal.as_str()))
            .parse()
            .map_err(|error| CompileError::Id { error }),
    }
}

fn account_id(account: &friendly::Account) -> Result<AccountId, CompileError> {
    match &account.id {
        Some(id) => Ok(id.clone()),
        None => format!("acc_{}", word(account.name.as_str()))
            .parse()
            .map_err(|error| CompileError::Id { error }),
    }
}

/// Ids know neither dots nor dashes.
fn word(name: &str) -> String {
    let of_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.chars()
        .map(|c| if of_id(c) { c } else { '_' })
        .collect()
}

fn key(
    holder: &str,
    key: &friendly::Key,
    root: bool,
    old: Option<&Person>,
    issued_at: Timestamp,
) -> Result<Key, CompileError> {
    let public_key = public_key(holder, &key.public_key)?;
    let fingerprint = public_key.fingerprint();
    // A key that was there before keeps its beginning: it does not become young again.
    let began = old.and_then(|p| p.key(&fingerprint)).map(|k| k.not_before);
    let default = || {
        let authority = root.then_some(Kind::Authority);
        authority.into_iter().chain(EVERYDAY).collect()
    };
    Ok(Key {
        public_key: Line::new(public_key.line())?,
        namespaces: key.namespaces.clone().unwrap_or_else(default),
        not_before: key.not_before.or(began).unwrap_or(issued_at),
        not_after: Blank(key.not_after),
        origins: key.origins.clone(),
        fingerprint,
    })
}

fn public_key(holder: &str, line: &str) -> Result<PublicKey, CompileError> {
    PublicKey::from_line(line).map_err(|error| CompileError::Key {
        holder: holder.to_owned(),
        error,
    })
}

pub(super) fn roots(file: &File) -> Result<Vec<PersonId>, CompileError> {
    let id = |principal: &Principal| {
        let mut people = file.people.iter();
        let person = people.find(|p| p.principal == *principal);
        let person = person.ok_or_else(|| unknown("person", principal))?;
        person_id(person)
    };
    file.roots.persons.iter().map(id).collect()
}

pub(super) fn accounts(file: &File) -> Result<Vec<Account>, CompileError> {
    let each = file.accounts.iter();
    each.map(|a| {
        Ok(Account {
            id: account_id(a)?,
            name: a.name.clone(),
            system: a.system.clone(),
            custody: a.custody,
            rotator: Blank(a.rotator.clone()),
            connector: Blank(a.connector.clone()),
            shared: a.shared,
            on_server_loss: a.on_server_loss.clone(),
            rotate_after_s: a.rotate_after.map_or(0, |after| after.0),
        })
    })
    .collect()
}

fn named(file: &File, names: &[Name]) -> Result<Vec<AccountId>, CompileError> {
    let id = |name: &Name| {
        let account = file.accounts.iter().find(|a| a.name == *name);
        account_id(account.ok_or_else(|| unknown("account", name))?)
    };
    names.iter().map(id).collect()
}

pub(super) fn entitlements(file: &File) -> Result<Vec<Entitlement>, CompileError> {
    let all = || file.scenarios.iter().map(|s| s.name.clone()).collect();
    let each = file.entitlements.iter();
    each.map(|e| {
        Ok(Entitlement {
            name: e.name.clone(),
            accounts: named(file, &e.accounts)?,
            requesters: e.requesters.clone(),
            approvers: e.approvers.clone(),
            require_each: e.require_each.clone(),
            approvals: e.approvals,
            tiers: e.tiers.clone(),
            min_presence_approvals: e.min_presence_approvals,
            min_ssh_approvals: e.min_ssh_approvals,
            max_duration_s: e.max_duration.0,
            absolute_cap_s: e.absolute_cap.0,
            approve_within_s: e.approve_within.0,
            scenarios: e.scenarios.clone().unwrap_or_else(all),
        })
    })
    .collect()
}

pub(super) fn machines(file: &File) -> Result<Vec<Machine>, CompileError> {
    let each = file.machines.iter();
    each.map(|m| {
        Ok(Machine {
            name: m.name.clone(),
            public_key: Line::new(public_key(m.name.as_str(), &m.public_key)?.line())?,
            rotates: named(file, &m.rotates)?,
        })
    })
    .collect()
}

pub(super) fn nodes(file: &File) -> Result<Vec<Node>, CompileError> {
    let each = file.nodes.iter();
    each.map(|n| {
        Ok(Node {
            name: n.name.clone(),
            kem: Kem {
                alg: Line::new(KEM_ALGORITHM)?,
                pk: n.kem.clone(),
            },
        })
    })
    .collect()
}

pub(super) fn clocks(file: &File) -> Clocks {
    let (written, usual) = (&file.clocks, Clocks::default());
    let or =
        |written: &Option<friendly::Duration>, usual: i64| written.as_ref().map_or(usual, |d| d.0);
    Clocks {
        resolve_s: or(&written.resolve, usual.resolve_s),
        rotation_s: or(&written.rotation, usual.rotation_s),
        report_s: or(&written.report, usual.report_s),
        access_review_s: or(&written.access_review, usual.access_review_s),
        procedure_s: or(&written.procedure, usual.procedure_s),
        cab_review_s: or(&written.cab_review, usual.cab_review_s),
        quarterly_s: or(&written.quarterly, usual.quarterly_s),
    }
}

pub(super) fn scenarios(file: &File) -> Vec<Scenario> {
    let scenario = |s: &friendly::Scenario| Scenario {
        name: s.name.clone(),
        actions: s.actions.clone(),
        service_required: s.service_required,
        threat_required: s.threat_required,
        control_plane_down: s.control_plane_down,
        stakeholders: s.stakeholders.clone(),
        cab_notice_s: s.cab_notice.as_ref().map_or(0, |d| d.0),
        review_s: s.review.0,
    };
    file.scenarios.iter().map(scenario).collect()
}

fn unknown(what: &'static str, name: &dyn std::fmt::Display) -> CompileError {
    CompileError::Unknown {
        what,
        name: name.to_string(),
    }
}
