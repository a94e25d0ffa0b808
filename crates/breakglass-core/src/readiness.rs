//! Whether an emergency could be handled now: enough people with keys that work, somebody left to
//! review, credentials in custody that nobody knows. Found before the night it matters.

use std::fmt;

use breakglass_format::{
    Name, PersonId, Timestamp,
    authority::{Account, Authority, Entitlement, Key, Person},
    statement::Kind,
    vocabulary::{Custody, Privilege},
};

use crate::{
    key_state::KeyState,
    quorum,
    world::{Version, World},
};

/// A key that signed nothing for longer than this is not known to work, in days.
const TESTED_D: i64 = 90;
/// A practice is due this often, in days.
const DRILL_D: i64 = 92;
const DAY_S: i64 = 86_400;

/// How bad a lack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// An emergency would fail on it.
    Fails,
    /// One more mishap, and an emergency would fail on it.
    Warns,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// How bad.
    pub severity: Severity,
    /// Stable code.
    pub code: &'static str,
    /// Which account, person or part of the house.
    pub about: String,
    /// What is missing, as a sentence.
    pub says: String,
}

/// Everything that is missing, worst first.
#[must_use]
pub fn readiness(world: &World, now: Timestamp) -> Vec<Lack> {
    let Some(version) = world.authority() else {
        return Vec::new();
    };
    let mut inspection = Inspection {
        world,
        version,
        authority: &version.authority,
        now,
        found: Vec::new(),
    };
    for account in &version.authority.accounts {
        inspection.account(account);
    }
    inspection.offices();
    for person in &version.authority.people {
        inspection.person(person);
    }
    inspection.drill();
    let mut found = inspection.found;
    found.sort_by_key(|lack| lack.severity);
    found
}

struct Inspection<'a> {
    world: &'a World,
    version: &'a Version,
    authority: &'a Authority,
    now: Timestamp,
    found: Vec<Lack>,
}

impl<'a> Inspection<'a> {
    fn fails(&mut self, code: &'static str, about: impl fmt::Display, says: String) {
        self.lacks(Severity::Fails, code, about, says);
    }

    fn warns(&mut self, code: &'static str, about: impl fmt::Display, says: String) {
        self.lacks(Severity::Warns, code, about, says);
    }

    fn lacks(
        &mut self,
        severity: Severity,
        code: &'static str,
        about: impl fmt::Display,
        says: String,
    ) {
        self.found.push(Lack {
            severity,
            code,
            about: about.to_string(),
            says,
        });
    }

    fn account(&mut self, account: &'a Account) {
        let covers = |e: &&'a Entitlement| e.accounts.contains(&account.id);
        let entitlements: Vec<&Entitlement> =
            self.authority.entitlements.iter().filter(covers).collect();
        if entitlements.is_empty() {
            let says = "no entitlement names it: nobody can ask for it".to_owned();
            self.fails("nobody_may_ask", &account.name, says);
        }
        for entitlement in entitlements {
            self.entitlement(account, entitlement);
        }
        self.custody(account);
    }

    /// Each who may ask finds a quorum without themselves, and somebody to review it afterwards.
    fn entitlement(&mut self, account: &Account, e: &Entitlement) {
        let requesters = self
            .authority
            .people
            .iter()
            .filter(|p| e.requesters.iter().any(|group| p.in_group(group)));
        let able = |p: &&'a Person| self.able(p, Kind::Request);
        let able: Vec<&Person> = requesters.filter(able).collect();
        if able.is_empty() {
            let says = format!("nobody who may ask under {} has a key that counts", e.name);
            self.fails("no_requester", &account.name, says);
        }
        for requester in able {
            let principal = &requester.principal;
            if !self.quorum_without(e, &[&requester.person]) {
                let says = format!(
                    "{principal} could not be approved under {}: too few others can approve",
                    e.name
                );
                self.fails("no_quorum", &account.name, says);
            } else if !self.reviewer_left(e, requester) {
                let says = format!(
                    "no reviewer would be left who took no part in an emergency of {principal}'s"
                );
                self.fails("no_reviewer", &account.name, says);
            }
        }
    }

    /// Whether enough others can approve, with a touch and outside a browser where that is asked.
    fn quorum_without(&self, e: &Entitlement, without: &[&PersonId]) -> bool {
        let settled = |person: &PersonId, group: &Name| {
            let member = self
                .authority
                .person(person)
                .is_some_and(|p| p.in_group(group));
            let since = self
                .world
                .members_since
                .get(&(person.clone(), group.clone()));
            member && since.is_some_and(|since| since.is_settled(self.now))
        };
        let approvers = self.authority.people.iter().filter(|p| {
            !without.contains(&&p.person)
                && self.able(p, Kind::Approval)
                && e.approvers.iter().any(|group| settled(&p.person, group))
        });
        let approvers: Vec<&Person> = approvers.collect();
        let touching = approvers.iter().filter(|p| self.has_token(p)).count();
        let touching = i64::try_from(touching).unwrap_or(i64::MAX);
        let people: Vec<&PersonId> = approvers.iter().map(|p| &p.person).collect();
        touching >= e.min_presence_approvals
            && quorum::places_filled(e, &settled, &people) >= e.approvals
    }

    fn reviewer_left(&self, e: &Entitlement, requester: &Person) -> bool {
        self.holders(Privilege::Reviewer).any(|reviewer| {
            reviewer.person != requester.person
                && self.quorum_without(e, &[&requester.person, &reviewer.person])
        })
    }

    fn custody(&mut self, account: &Account) {
        let state = self.world.account(&account.id);
        let current = state.and_then(|s| s.current);
        if account.custody == Custody::Server && current.is_none() {
            let says = "no credential is in custody: breakglass account add-credential".to_owned();
            self.fails("no_credential", &account.name, says);
        }
        if let Some(state) = state {
            let known_to = state.known_to.iter();
            let known_to: Vec<String> = known_to.map(|id| self.called(id)).collect();
            if !known_to.is_empty() {
                let says = format!("its credential is known to {}", known_to.join(", "));
                // Whoever holds it knows it, and so does whoever rotates it by hand: nothing that
                // anybody could mend now.
                let held = self.world.active_grant(&account.id).is_some();
                if held || account.rotator.0.is_none() {
                    self.warns("credential_known", &account.name, says);
                } else {
                    self.fails("credential_known", &account.name, says);
                }
            }
            if state.rotation.as_ref().is_some_and(|r| r.blocked) {
                let says = "its rotation was given up: breakglass account rotate".to_owned();
                self.fails("rotation_given_up", &account.name, says);
            }
        }
        if account.rotator.0.is_none() {
            let says = "no machine rotates its credential: people must".to_owned();
            self.warns("no_rotator", &account.name, says);
        }
    }

    /// What takes holders of a privilege finds them.
    fn offices(&mut self) {
        let needed = [
            (
                Privilege::Account,
                2,
                "add a credential or order a rotation",
            ),
            (Privilege::Command, 2, "take over from a commander"),
            (Privilege::Waive, 2, "waive a duty"),
            (Privilege::Suspend, 2, "suspend a stolen key"),
            (Privilege::Cab, 1, "decide for the change advisory board"),
            (Privilege::Auditor, 1, "export the log"),
        ];
        for (privilege, count, what) in needed {
            let have = self.holders(privilege).count();
            if have < count {
                let says = format!("{have} of {count} who could {what} have a key that counts");
                self.warns("office_vacant", privilege, says);
            }
        }
        let roots = &self.authority.roots;
        let people = roots
            .persons
            .iter()
            .filter_map(|id| self.authority.person(id));
        let live = people.filter(|p| self.able(p, Kind::Authority)).count();
        let live = i64::try_from(live).unwrap_or(i64::MAX);
        let says = format!(
            "{live} root persons have a key that counts; the authority is changed by {}",
            roots.threshold
        );
        if live < roots.threshold {
            self.fails("too_few_roots", "authority", says);
        } else if live == roots.threshold {
            self.warns("no_spare_root", "authority", says);
        }
    }

    fn person(&mut self, person: &'a Person) {
        let keys = person.keys.iter().filter(|k| self.counts(person, k));
        let enrolled =
            keys.filter_map(|k| Some((k, self.world.enrolment(&person.person, &k.fingerprint)?)));
        let enrolled: Vec<_> = enrolled.collect();
        let principal = &person.principal;
        match enrolled.as_slice() {
            [] => {
                let says = "no key that counts is enrolled: breakglass join".to_owned();
                self.warns("not_enrolled", principal, says);
            }
            [_] => {
                let says = "only one key: who loses it can do nothing".to_owned();
                self.warns("single_key", principal, says);
            }
            _ => {}
        }
        let old = self.now.plus_s(-TESTED_D * DAY_S);
        let untested = enrolled.iter().filter(|(_, e)| e.used < old);
        let untested: Vec<String> = untested.map(|(k, _)| k.fingerprint.to_string()).collect();
        for key in untested {
            let says =
                format!("the key {key} signed nothing for {TESTED_D} days: breakglass login");
            self.warns("key_untested", principal, says);
        }
    }

    fn drill(&mut self) {
        let old = self.now.plus_s(-DRILL_D * DAY_S);
        if self.world.last_drill.is_none_or(|at| at < old) {
            let says = format!("no practice was declared in the last {DRILL_D} days");
            self.warns("no_drill", "everybody", says);
        }
    }

    /// People with a privilege who could use it.
    fn holders(&self, privilege: Privilege) -> impl Iterator<Item = &'a Person> {
        let people = self.authority.people.iter();
        people.filter(move |p| p.may(privilege) && self.able(p, Kind::Act))
    }

    /// Whether a person has a key to use for a kind now.
    fn able(&self, person: &Person, kind: Kind) -> bool {
        person.keys.iter().any(|key| self.usable(person, key, kind))
    }

    /// Whether a key is enrolled and counts for a kind now; to approve with, it must have settled.
    fn usable(&self, person: &Person, key: &Key, kind: Kind) -> bool {
        let settled = || {
            self.world
                .is_settled(&person.person, &key.fingerprint, self.now)
        };
        key.namespaces.contains(&kind)
            && self.counts(person, key)
            && (kind != Kind::Approval || settled())
    }

    fn counts(&self, person: &Person, key: &Key) -> bool {
        let state = self.world.key_state(self.version, person, key, self.now);
        state == KeyState::Counts
    }

    /// Whether one of the keys to approve with needs a touch.
    fn has_token(&self, person: &Person) -> bool {
        let token = |k: &&Key| {
            let word = k.public_key.as_str();
            word.starts_with("sk-") || word.starts_with("webauthn-sk-")
        };
        let mut tokens = person.keys.iter().filter(token);
        tokens.any(|key| self.usable(person, key, Kind::Approval))
    }

    fn called(&self, id: &PersonId) -> String {
        let person = self.authority.person(id);
        person.map_or_else(|| id.to_string(), |p| p.principal.to_string())
    }
}
