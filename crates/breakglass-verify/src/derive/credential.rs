//! Credentials: put into custody by two people, rotated after use, and the proof of it.

use breakglass_format::{
    AccountId, Entry, Name, PersonId, Prose, RunId, Timestamp,
    act::{Act, Command},
    event::{
        AccountRef, ActProposed, CredentialAdded, CredentialRotated, CredentialRotationFailed,
        CredentialStaged, RotationOrdered,
    },
    rotatable::{RENEWED, is_rotatable},
    vocabulary::Privilege,
};
use breakglass_statement::Verified;

use super::Fold;

/// What an event calls for.
pub(super) enum Cause {
    /// A rotation of this account.
    Rotation(AccountId),
    /// The dispatch of this run.
    Dispatch(RunId),
}

/// The word of the first of two people.
pub(super) struct Proposal<'a> {
    act: &'a Verified<Act>,
    until: Timestamp,
    used: bool,
}

impl<'a> Fold<'a> {
    pub(super) fn proposed(&mut self, entry: &Entry, d: &ActProposed) {
        let Some(act) = self.act(entry, d.command.as_str()) else {
            return;
        };
        let about = act.statement().object.id.as_str() == d.account.id.as_str();
        self.same(&[("account", about)]);
        self.may_change(act);
        self.proposals.push(Proposal {
            act,
            until: d.until,
            used: false,
        });
    }

    pub(super) fn credential_added(&mut self, entry: &Entry, d: &CredentialAdded) {
        let act = self.second_person(entry, "add_credential", &d.account);
        if let Some(Command::AddCredential(args)) = act.map(|act| &act.statement().command) {
            self.wholly_rotated(&d.account, &args.fields);
        }
        let account = self.out.accounts.entry(d.account.id.clone()).or_default();
        let before = account.version;
        account.version = d.version;
        account.sealed = Some(d.sealed);
        account.used = false;
        self.rule(
            before < d.version,
            "credential_version",
            "versions count up",
        );
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

    pub(super) fn rotation_ordered(&mut self, entry: &Entry, d: &RotationOrdered) {
        let act = self.second_person(entry, "rotate", &d.account);
        if let Some(Command::Rotate(args)) = act.map(|act| &act.statement().command) {
            self.same(&[("reason", is_reason(&args.reason, &d.reason))]);
        }
        self.causes
            .insert(entry.event_id, Cause::Rotation(d.account.id.clone()));
    }

    /// The second of two people repeats what the first signed: command, object, arguments and
    /// documents. Nobody else's grant on the account is active meanwhile.
    fn second_person(
        &mut self,
        entry: &Entry,
        command: &str,
        account: &AccountRef,
    ) -> Option<&'a Verified<Act>> {
        let act = self.act(entry, command)?;
        let about = act.statement().object.id.as_str() == account.id.as_str();
        self.same(&[("account", about)]);
        self.may_change(act);
        let now = self.now;
        let first = self.proposals.iter_mut().find(|p| {
            !p.used
                && now <= p.until
                && p.act.signer().person != act.signer().person
                && agree(p.act.statement(), act.statement())
        });
        let people: Vec<PersonId> = first
            .into_iter()
            .map(|proposal| {
                proposal.used = true;
                proposal.act.signer().person.clone()
            })
            .collect();
        self.rule(
            !people.is_empty(),
            "needs_two_people",
            "no other person signed the same before",
        );
        let other = |holder: &PersonId| *holder != act.signer().person && !people.contains(holder);
        let taken = self.out.grants.values().any(|grant| {
            grant.account == account.id && grant.ended.is_none() && other(&grant.holder)
        });
        self.rule(
            !taken,
            "account_taken",
            "another's grant on the account is active",
        );
        Some(act)
    }

    fn may_change(&mut self, act: &Verified<Act>) {
        let may = self.may(&act.signer().person, act.authority(), Privilege::Account);
        self.rule(may, "not_privileged", "it takes the privilege account");
    }

    pub(super) fn credential_staged(&mut self, d: &CredentialStaged) {
        self.called_for(&d.cause, &d.account);
        let current = self
            .out
            .accounts
            .get(&d.account.id)
            .map_or(0, |account| account.version);
        self.rule(
            current < d.version,
            "credential_version",
            "versions count up",
        );
        self.staged
            .insert((d.account.id.clone(), d.version), d.sealed);
    }

    pub(super) fn credential_rotated(&mut self, d: &CredentialRotated) {
        self.called_for(&d.cause, &d.account);
        let claimed = self.claims.contains_key(&(d.cause, false));
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
        let known = d
            .incidents
            .iter()
            .all(|id| self.out.incidents.contains_key(id));
        self.rule(known, "incident_unknown", "it was never declared");
        let current = self
            .out
            .accounts
            .get(&d.account.id)
            .map_or(0, |a| a.version);
        self.rule(
            current == d.replaced,
            "rotated_from_another",
            "what was shown to be refused was not the current credential",
        );
        let account = self.out.accounts.entry(d.account.id.clone()).or_default();
        account.version = d.version;
        account.sealed = Some(d.sealed);
        if proven {
            account.used = false;
            self.rotated.insert(d.account.id.clone(), self.index);
            self.meet_rotations(&d.account.id);
        }
    }

    pub(super) fn rotation_failed(&mut self, d: &CredentialRotationFailed) {
        self.called_for(&d.cause, &d.account);
        let claimed = self.claims.contains_key(&(d.cause, false));
        self.rule(
            claimed,
            "effect_unclaimed",
            "a result without a claim before it",
        );
    }

    /// Every step of a rotation names an event that calls for one.
    fn called_for(&mut self, cause: &breakglass_format::EventId, account: &AccountRef) {
        let called = match self.causes.get(cause) {
            Some(Cause::Rotation(id)) => *id == account.id,
            Some(Cause::Dispatch(_)) | None => false,
        };
        self.rule(
            called,
            "rotation_not_called_for",
            "no event before calls for it",
        );
    }
}

fn agree(first: &Act, second: &Act) -> bool {
    first.command == second.command
        && first.object.id == second.object.id
        && first.documents == second.documents
}

fn is_reason(signed: &Prose, stated: &Prose) -> bool {
    signed == stated
}
