//! The log's beginning, the versions of the authority, and who counts under them.

use breakglass_format::{
    AccountId, Fingerprint, PersonId, Timestamp,
    authority::{Authority, LogIdentity},
    event::{AccountRef, AuthorityPublished, KeyEnrolled, LogStarted, Member, SessionOpened},
    statement::{AuthorityRef, Signer},
    vocabulary::{Notice, Privilege},
};
use breakglass_statement::{PublicKey, VerifiedAuthority};

use super::{At, Fold, Statement};

/// How long what a version adds has to wait before it approves, in seconds, unless every root
/// person signed.
const SETTLES_S: i64 = 24 * 3_600;

/// A version since it is in force.
pub(super) struct InForce<'a> {
    pub(super) version: &'a VerifiedAuthority,
    since: Timestamp,
}

impl<'a> Fold<'a> {
    pub(super) fn log_started(&mut self, d: &LogStarted) {
        self.rule(
            self.index == 0,
            "log_started_twice",
            "LOG_STARTED is the first entry alone",
        );
        let genesis = d.genesis == self.authorities.instance();
        self.rule(
            genesis,
            "wrong_genesis",
            "the log was started for another genesis",
        );
        let named = self.authorities.versions().next().is_some_and(|first| {
            let log = &first.authority().log;
            log.origin == d.origin && log.vkey == d.vkey
        });
        self.rule(
            named,
            "wrong_log_key",
            "the genesis names another origin or key",
        );
    }

    pub(super) fn authority_published(&mut self, d: &AuthorityPublished) {
        let mut all = self.authorities.versions();
        let Some(version) = all.nth(self.versions.len()) else {
            self.rule(false, "authority_unknown", "no such version was verified");
            return;
        };
        let mut signed = version.signatures();
        let mut stated = d.signatures.clone();
        signed.sort_by_key(|s| s.signature);
        stated.sort_by_key(|s| s.signature);
        self.same(&[
            ("version", d.version == version.authority().version),
            ("digest", d.digest == version.digest()),
            ("previous", d.previous == version.authority().previous),
            ("all_roots", d.all_roots == version.all_roots()),
            ("signatures", signed == stated),
        ]);
        let named = &version.authority().log;
        self.rule(
            *named == self.log_in_force(version),
            "authority_names_another_log",
            "a version does not change the log's origin or key",
        );
        let before = self.versions.last().map_or(version, |last| last.version);
        let enough = version.threshold_holds_at(before, self.now);
        self.rule(
            enough,
            "authority_without_threshold",
            "too few root keys counted at this time",
        );
        let old = self.current();
        let is_new = |id: &&AccountId| old.is_none_or(|a| a.account(id).is_none());
        let accounts = version.authority().accounts.iter().map(|a| &a.id);
        let accounts: Vec<&AccountId> = accounts.filter(is_new).collect();
        self.out.authority_version = version.authority().version;
        self.versions.push(InForce {
            version,
            since: self.now,
        });
        self.start_quarterly(&d.clocks, &accounts);
    }

    /// The log as the last epoch names it, or else the genesis.
    fn log_in_force(&self, genesis: &VerifiedAuthority) -> LogIdentity {
        let begun = self.epochs.checked_sub(1);
        let epoch = begun.and_then(|nth| self.authorities.epochs().nth(nth));
        let first = self.versions.first().map_or(genesis, |first| first.version);
        let log = epoch.map_or(&first.authority().log, |epoch| &epoch.epoch().log);
        log.clone()
    }

    pub(super) fn key_enrolled(&mut self, entry: At<'_>, d: &KeyEnrolled) {
        let Some(Statement::Enroll(enroll)) = entry.said else {
            return;
        };
        let s = enroll.statement();
        self.same(&[
            ("key", d.key == s.fingerprint),
            (
                "member",
                is_signer(&d.member.person, &d.member.principal, &s.signer),
            ),
            ("namespaces", d.namespaces == s.namespaces),
        ]);
        // A further key that no older one vouched for. In the genesis every key is the first.
        let mine = |f: &Fingerprint| {
            let held = (d.member.person.clone(), f.clone());
            self.enrolled.contains(&held)
        };
        let recovery = self.current().is_some_and(|authority| {
            let person = authority.person(&d.member.person);
            let keys = person.into_iter().flat_map(|p| &p.keys);
            authority.version > 1 && keys.map(|k| &k.fingerprint).any(mine)
        });
        self.repeats(&[("recovery", d.recovery == recovery)]);
        if d.recovery {
            self.concerns(entry.event_id, Notice::KeyEnrolled, &d.member.person);
        }
        self.enrolled
            .insert((d.member.person.clone(), d.key.clone()));
    }

    pub(super) fn session_opened(&mut self, entry: At<'_>, d: &SessionOpened) {
        let Some(Statement::Session(session)) = entry.said else {
            return;
        };
        let s = session.statement();
        self.same(&[
            ("key", d.key == s.signer.key),
            (
                "member",
                is_signer(&d.member.person, &d.member.principal, &s.signer),
            ),
            ("not_after", d.not_after == s.not_after),
            (
                "session_key",
                d.session_key == PublicKey::fingerprint(session.session_key()),
            ),
        ]);
    }

    /// The current authority.
    pub(super) fn current(&self) -> Option<&'a Authority> {
        self.versions.last().map(|last| last.version.authority())
    }

    /// Whether the current authority has the account that an event names, under this name.
    pub(super) fn has_account(&self, named: &AccountRef) -> bool {
        let account = self.current().and_then(|a| a.account(&named.id));
        account.is_some_and(|account| account.name == named.name)
    }

    /// Whether a person of the authority in force is called so.
    pub(super) fn has_member(&self, named: &Member) -> bool {
        let person = self.current().and_then(|a| a.person(&named.person));
        person.is_some_and(|person| person.principal == named.principal)
    }

    /// The authority that a statement names, which must have been in force, and the current one.
    pub(super) fn judges(&self, named: &AuthorityRef) -> Option<[&'a Authority; 2]> {
        let named = self
            .versions
            .iter()
            .map(|in_force| in_force.version)
            .find(|version| {
                version.authority().version == named.version
                    && named.digest.0 == Some(version.digest())
            })?;
        Some([named.authority(), self.current()?])
    }

    /// Whether a person has a privilege under both.
    pub(super) fn may(&self, person: &PersonId, named: &AuthorityRef, what: Privilege) -> bool {
        let may = |authority: &Authority| authority.person(person).is_some_and(|p| p.may(what));
        self.judges(named)
            .is_some_and(|both| both.iter().all(|authority| may(authority)))
    }

    /// Whether something that the current authority says has said so for a day, or since a
    /// version that every root person signed.
    pub(super) fn settled(&self, says: impl Fn(&Authority) -> bool) -> bool {
        let since = self
            .versions
            .iter()
            .rev()
            .take_while(|v| says(v.version.authority()))
            .last();
        since.is_some_and(|first| {
            first.version.all_roots() || first.since.plus_s(SETTLES_S) <= self.now
        })
    }

    /// Whether a version came into force with the entry that is being read.
    pub(super) fn just_published(&self) -> bool {
        let last = self.versions.last();
        last.is_some_and(|last| last.since == self.now)
    }

    pub(super) fn version_in_force(&mut self, stated: i64) {
        let current = self.out.authority_version;
        self.rule(
            stated == current,
            "authority_version_wrong",
            "another version was in force",
        );
    }
}

/// Whether an event names the signer.
pub(super) fn is_signer(
    person: &PersonId,
    principal: &breakglass_format::Principal,
    signer: &Signer,
) -> bool {
    *person == signer.person && *principal == signer.principal
}
