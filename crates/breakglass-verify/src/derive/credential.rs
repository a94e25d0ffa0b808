//! Credentials: put into custody by two people, rotated after use, and the proof of it.

use std::collections::BTreeSet;

use breakglass_format::{
    AccountId, Digest, Line, Name, PersonId, RunId, Timestamp,
    act::{Act, Command},
    canonical,
    event::{
        AccountRef, ActProposed, CredentialAdded, CredentialRotated, CredentialRotationFailed,
        CredentialStaged, RotationAttested, RotationOrdered,
    },
    rotatable::{RENEWED, is_rotatable},
    statement::Kind,
    vocabulary::Privilege,
};
use breakglass_statement::Verified;
use serde_json::json;

use super::{At, Fold, Statement};
use crate::digest;

/// What an event calls for.
pub(super) enum Cause {
    /// A rotation of this account.
    Rotation(AccountId),
    /// A rotation of each of these accounts.
    EveryRotation(BTreeSet<AccountId>),
    /// The dispatch of this run.
    Dispatch(RunId),
}

impl Cause {
    /// Whether it calls for a rotation of this account.
    pub(super) fn rotates(&self, account: &AccountId) -> bool {
        match self {
            Self::Rotation(id) => id == account,
            Self::EveryRotation(ids) => ids.contains(account),
            Self::Dispatch(_) => false,
        }
    }
}

/// How long the second of two people has, in seconds.
const AGREE_WITHIN_S: i64 = 15 * 60;

/// The word of the first of two people.
pub(super) struct Proposal {
    act: Verified<Act>,
    until: Timestamp,
}

impl Fold<'_> {
    pub(super) fn proposed(&mut self, entry: At<'_>, d: &ActProposed) {
        let act = match entry.said {
            Some(Statement::Act(act)) => act,
            Some(Statement::Suspend(said)) => return self.consented(entry, d, said),
            _ => return,
        };
        let Some(privilege) = privilege_of(act.statement()) else {
            return;
        };
        let incident = d.incident_id.0;
        let object = d.account.0.as_ref().map(ToString::to_string);
        let object = object.or_else(|| incident.map(|id| id.to_string()));
        self.same(&[
            (
                "object",
                object.as_deref() == Some(act.statement().object.id.as_str())
                    && (d.account.0.is_none() || incident.is_none()),
            ),
            (
                "command",
                act.statement().command.word() == d.command.as_str(),
            ),
            ("agreement", agreement(act.statement()) == Some(d.agreement)),
            ("key", act.enrolled_key() == &d.key),
        ]);
        let until = self.now.plus_s(AGREE_WITHIN_S);
        let about = self.about(d);
        self.repeats(&[
            ("about", about.as_deref() == Some(d.about.as_str())),
            ("until", d.until == until),
        ]);
        let (person, named) = (&act.signer().person, act.authority());
        let may = self.may(person, named, privilege);
        self.rule(may, "not_privileged", "a privilege is missing");
        let act = act.clone();
        self.proposals.push(Proposal { act, until });
    }

    pub(super) fn credential_added(&mut self, entry: At<'_>, d: &CredentialAdded) {
        if let Some((act, first)) = self.second_person(entry, "add_credential", &d.account) {
            // Whoever typed it in knows it; the second saw the names of its fields.
            let known_to = first.is_none_or(|first| d.known_to == [first]);
            self.repeats(&[("known_to", known_to)]);
            if let Command::AddCredential(args) = &act.statement().command {
                self.wholly_rotated(&d.account, &args.fields);
            }
        }
        self.number(&d.account, d.version);
        let account = self.out.accounts.entry(d.account.id.clone()).or_default();
        account.version = d.version;
        account.sealed = Some(d.sealed);
        account.used = false;
        self.added.insert(d.account.id.clone(), self.index);
        self.current_since.insert(d.account.id.clone(), self.now);
        // An import is known to whoever typed it, and is rotated at once where that is possible.
        self.causes
            .insert(entry.event_id, Cause::Rotation(d.account.id.clone()));
    }

    /// Where a machine rotates the credential, nothing in it stays secret beside what is renewed.
    fn wholly_rotated(&mut self, account: &AccountRef, fields: &[Name]) {
        let account = self.current().and_then(|a| a.account(&account.id));
        let by_machine = account.is_some_and(|account| account.rotator.0.is_some());
        let names = || fields.iter().map(Name::as_str);
        let all = names().all(is_rotatable) && names().any(|name| name == RENEWED);
        self.rule(
            !by_machine || all,
            "secret_not_rotated",
            "the rotator renews the password only",
        );
    }

    pub(super) fn rotation_ordered(&mut self, entry: At<'_>, d: &RotationOrdered) {
        if entry.statement.0.is_none() {
            self.too_old(&d.account);
        }
        let second = self.second_person(entry, "rotate", &d.account);
        if let Some(Command::Rotate(args)) = second.map(|(act, _)| &act.statement().command) {
            self.same(&[("reason", args.reason == d.reason)]);
        }
        self.called_for_again(&d.account.id);
        self.causes
            .insert(entry.event_id, Cause::Rotation(d.account.id.clone()));
    }

    /// Nobody ordered it: then the credential is older than the authority lets it become, and
    /// nobody holds or waits for the account.
    fn too_old(&mut self, named: &AccountRef) {
        self.repeats(&[("account", self.has_account(named))]);
        let account = self.current().and_then(|a| a.account(&named.id));
        let after_s = account.map_or(0, |a| a.rotate_after_s);
        let since = self.current_since.get(&named.id);
        let old = since.is_some_and(|since| since.plus_s(after_s) <= self.now);
        self.rule(
            after_s > 0 && old,
            "rotation_unordered",
            "nobody ordered it, and the credential is not too old",
        );
        let held = |grant: &super::Grant| grant.account == named.id && grant.ended.is_none();
        let free = !self.out.grants.values().any(held);
        self.rule(free, "account_taken", "a grant on the account is active");
    }

    /// Two people attest what no machine can prove, of a credential that was put into custody
    /// after the last event that called for a rotation.
    pub(super) fn rotation_attested(&mut self, entry: At<'_>, d: &RotationAttested) {
        let second = self.second_person(entry, "attest_rotation", &d.account);
        if let Some((act, first)) = second {
            if let Command::AttestRotation(args) = &act.statement().command {
                self.same(&[
                    ("how", args.how == d.how),
                    ("version", args.version == d.version),
                ]);
            }
            let people: Vec<&PersonId> = d.attested_by.iter().map(|m| &m.person).collect();
            let both = first.is_none_or(|first| people == [&first, &act.signer().person]);
            let named = d.attested_by.iter().all(|m| self.has_member(m));
            self.repeats(&[("attested_by", both && named)]);
        }
        self.called_for(&d.cause, &d.account);
        let account = self.current().and_then(|a| a.account(&d.account.id));
        let by_people = account.is_some_and(|a| a.rotator.0.is_none());
        self.rule(
            by_people,
            "attested_of_a_machine",
            "a machine rotates this account, and proves it",
        );
        let current = self.out.accounts.get(&d.account.id).cloned();
        let current = current.unwrap_or_default();
        let incidents = self.to_rotate.remove(&d.account.id).unwrap_or_default();
        self.repeats(&[
            ("version", current.version == d.version),
            ("sealed", current.sealed == Some(d.sealed)),
            ("incidents", d.incidents == incidents),
        ]);
        let added = self.added.get(&d.account.id);
        let called = self.called.get(&d.account.id);
        self.rule(
            added.is_some() && added > called,
            "attested_of_the_old_one",
            "the credential in custody is from before the rotation was called for",
        );
        if let Some(account) = self.out.accounts.get_mut(&d.account.id) {
            account.used = false;
        }
        self.rotated.insert(d.account.id.clone(), self.index);
        self.meet_rotations(&d.account.id);
    }

    /// What is in custody now is to be replaced.
    pub(super) fn called_for_again(&mut self, account: &AccountId) {
        self.called.insert(account.clone(), self.index);
    }

    /// The second of two people repeats what the first signed: command, object, arguments and
    /// documents. Nobody else's grant on the account is active meanwhile. Both acts, of which the
    /// first may be missing.
    fn second_person<'s>(
        &mut self,
        entry: At<'s>,
        command: &str,
        account: &AccountRef,
    ) -> Option<(&'s Verified<Act>, Option<PersonId>)> {
        let act = entry.act(command)?;
        let about = act.statement().object.id.as_str() == account.id.as_str();
        self.same(&[("account", about)]);
        self.repeats(&[("account", self.has_account(account))]);
        self.may_change(act);
        let first = self.first_of(act);
        let second = &act.signer().person;
        self.rule(
            first.is_some(),
            "needs_two_people",
            "no other person who may signed the same before",
        );
        let other = |holder: &PersonId| holder != second && Some(holder) != first.as_ref();
        let taken = self.out.grants.values().any(|grant| {
            grant.account == account.id && grant.ended.is_none() && other(&grant.holder)
        });
        self.rule(
            !taken,
            "account_taken",
            "another's grant on the account is active",
        );
        Some((act, first))
    }

    /// Who signed the same as this act before, in time, and still is one who may, with a key that
    /// counts: the first of two people. What was agreed on settles whatever else was proposed of
    /// the object, but for duties that are let go one by one.
    pub(super) fn first_of(&mut self, act: &Verified<Act>) -> Option<PersonId> {
        let privilege = privilege_of(act.statement())?;
        let may = |act: &Verified<Act>| {
            let (id, key) = (&act.signer().person, act.enrolled_key());
            self.current().is_some_and(|authority| {
                authority.person(id).is_some_and(|p| p.may(privilege))
                    && self.key_counts(authority, id, key, (Kind::Act, self.now))
            })
        };
        let first = self.proposals.iter().rev().find(|p| {
            self.now < p.until
                && p.act.signer().person != act.signer().person
                && may(&p.act)
                && agreement(p.act.statement()) == agreement(act.statement())
        });
        let first = first.map(|proposal| proposal.act.signer().person.clone());
        if matches!(act.statement().command, Command::Waive(_)) {
            // One duty that is let go leaves what was proposed of others.
            let agreed = agreement(act.statement());
            self.proposals
                .retain(|p| agreement(p.act.statement()) != agreed);
        } else {
            self.settle(&act.statement().object.id);
        }
        first
    }

    /// What is decided about an object leaves nothing proposed about it.
    pub(super) fn settle(&mut self, object: &Line) {
        self.proposals
            .retain(|p| p.act.statement().object.id != *object);
    }

    /// What people call the account or the incident that a proposal is about.
    fn about(&self, d: &ActProposed) -> Option<String> {
        let account = d.account.0.as_ref();
        let account = account.and_then(|id| self.current()?.account(id));
        let incident = d.incident_id.0.and_then(|id| self.out.incidents.get(&id));
        let account = account.map(|a| a.name.to_string());
        account.or_else(|| incident.map(|i| i.reference.to_string()))
    }

    fn may_change(&mut self, act: &Verified<Act>) {
        let may = self.may(&act.signer().person, act.authority(), Privilege::Account);
        self.rule(may, "not_privileged", "it takes the privilege account");
    }

    pub(super) fn credential_staged(&mut self, d: &CredentialStaged) {
        self.called_for(&d.cause, &d.account);
        self.number(&d.account, d.version);
        self.staged
            .insert((d.account.id.clone(), d.version), d.sealed);
    }

    pub(super) fn credential_rotated(&mut self, d: &CredentialRotated) {
        self.called_for(&d.cause, &d.account);
        let claimed = self
            .claims
            .contains_key(&(d.cause, Some(d.account.id.clone())));
        self.rule(
            claimed,
            "effect_unclaimed",
            "a result without a claim before it",
        );
        let staged = self.staged.get(&(d.account.id.clone(), d.version)) == Some(&d.sealed);
        self.rule(
            staged,
            "rotated_unstaged",
            "the credential was not sealed before",
        );
        let proven = d.new_accepted && d.old_refused;
        self.rule(
            proven,
            "rotation_without_proof",
            "new accepted and old refused is what rotated means",
        );
        let current = self.out.accounts.get(&d.account.id);
        let current = current.map_or(0, |a| a.version);
        self.rule(
            current == d.replaced,
            "rotated_from_another",
            "what was shown to be refused was not the current credential",
        );
        let incidents = self.to_rotate.remove(&d.account.id).unwrap_or_default();
        self.repeats(&[("incidents", d.incidents == incidents)]);
        let account = self.out.accounts.entry(d.account.id.clone()).or_default();
        account.version = d.version;
        account.sealed = Some(d.sealed);
        self.current_since.insert(d.account.id.clone(), self.now);
        if proven {
            account.used = false;
            self.rotated.insert(d.account.id.clone(), self.index);
            self.meet_rotations(&d.account.id);
        }
    }

    pub(super) fn rotation_failed(&mut self, d: &CredentialRotationFailed) {
        self.called_for(&d.cause, &d.account);
        let claimed = (d.cause, Some(d.account.id.clone()));
        let claimed = self.claims.get(&claimed).copied();
        self.rule(
            claimed.is_some(),
            "effect_unclaimed",
            "a result without a claim before it",
        );
        let staged = (d.account.id.clone(), d.version);
        let staged = d.version == 0 || self.staged.contains_key(&staged);
        self.repeats(&[
            (
                "attempt",
                claimed.is_none_or(|claimed| claimed == d.attempt),
            ),
            ("version", staged),
        ]);
    }

    /// Versions of a credential are counted 1, 2, 3, whichever of them came to be used.
    fn number(&mut self, account: &AccountRef, version: i64) {
        let before = self.numbers.insert(account.id.clone(), version);
        self.rule(
            before.unwrap_or(0) + 1 == version,
            "credential_version",
            "versions are counted 1, 2, 3",
        );
    }

    /// Every step of a rotation names an event that calls for one, of an account that there is.
    fn called_for(&mut self, cause: &breakglass_format::EventId, account: &AccountRef) {
        let cause = self.causes.get(cause);
        let called = cause.is_some_and(|cause| cause.rotates(&account.id));
        self.rule(
            called,
            "rotation_not_called_for",
            "no event before calls for it",
        );
        self.repeats(&[("account", self.has_account(account))]);
    }
}

/// What both of two people sign: SHA-256 of the canonical object of `args`, `command`,
/// `documents` and `object`, the id alone.
fn agreement(act: &Act) -> Option<Digest> {
    let object = json!({
        "args": act.command.args().ok()?,
        "command": act.command.word(),
        "documents": canonical::to_value(&act.documents).ok()?,
        "object": act.object.id.as_str(),
    });
    Some(digest(&canonical::emit(&object).ok()?))
}

/// What both of two people need; none where a command does not take two.
fn privilege_of(act: &Act) -> Option<Privilege> {
    match act.command.word() {
        "waive" => Some(Privilege::Waive),
        "transfer" => Some(Privilege::Command),
        "add_credential" | "rotate" | "attest_rotation" => Some(Privilege::Account),
        _ => None,
    }
}
