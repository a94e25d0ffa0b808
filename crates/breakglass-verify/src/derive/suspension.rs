//! Suspensions: who may end what a key or a person counts for, and what ends with them.

use breakglass_format::{
    Digest, EventId, Fingerprint, PersonId, RequestId, Timestamp,
    authority::{Authority, Person},
    canonical,
    event::{ActProposed, BreakGlassEnded, KeySuspended},
    statement::{Kind, Suspend, SuspendTarget},
    vocabulary::{Notice, Privilege},
};
use breakglass_statement::Verified;

use super::{At, Fold, Grant, Statement};
use crate::digest;

/// How long the others have, where it takes more than one person, in seconds.
const AGREE_WITHIN_S: i64 = 3_600;

/// What counts no longer.
pub(super) struct Suspension {
    target: SuspendTarget,
    at: Timestamp,
    /// The version of the authority that was in force.
    version: i64,
}

/// One person's consent to a suspension that takes several.
pub(super) struct Consent {
    event: EventId,
    said: Verified<Suspend>,
    until: Timestamp,
}

impl Fold<'_> {
    /// Whether a key of a person counts under a version: listed for the kind, within its time, and
    /// not suspended. What a later version lists as beginning after a suspension, counts.
    pub(super) fn key_counts(
        &self,
        authority: &Authority,
        id: &PersonId,
        key: &Fingerprint,
        (kind, at): (Kind, Timestamp),
    ) -> bool {
        let listed = authority.person(id).and_then(|p| p.key(key));
        let suspended = |listed: &breakglass_format::authority::Key| {
            self.suspensions.iter().any(|s| {
                let this = s.target.key.0.as_ref().is_none_or(|one| one == key);
                let then = authority.version <= s.version || listed.not_before <= s.at;
                s.target.person == *id && this && then
            })
        };
        listed.is_some_and(|k| k.counts(kind, at) && !suspended(k))
    }

    pub(super) fn consented(&mut self, entry: At<'_>, d: &ActProposed, said: &Verified<Suspend>) {
        let target = &said.statement().target;
        let nothing_else = d.account.0.is_none() && d.incident_id.0.is_none();
        self.same(&[
            ("object", nothing_else),
            ("command", d.command.as_str() == Kind::Suspend.word()),
            ("agreement", agreement(target) == Some(d.agreement)),
            ("key", said.signer().key == d.key),
        ]);
        let person = self.current().and_then(|a| a.person(&target.person));
        let principal = person.map(|p| p.principal.as_str());
        let until = self.now.plus_s(AGREE_WITHIN_S);
        self.repeats(&[
            ("about", principal == Some(d.about.as_str())),
            ("until", d.until == until),
        ]);
        let may = self.may_suspend(said);
        self.rule(
            may,
            "not_privileged",
            "this person may not suspend the other",
        );
        let event = entry.event_id;
        let said = said.clone();
        self.consents.push(Consent { event, said, until });
    }

    pub(super) fn key_suspended(&mut self, entry: At<'_>, d: &KeySuspended) {
        self.concerns(entry.event_id, Notice::KeySuspended, &d.member.person);
        let Some(Statement::Suspend(said)) = entry.said else {
            return;
        };
        let text = said.statement();
        self.same(&[
            ("key", d.key == text.target.key),
            ("member", d.member.person == text.target.person),
            ("reason", d.reason == text.reason),
        ]);
        self.repeats(&[("member", self.has_member(&d.member))]);
        let suspension = Suspension {
            target: text.target.clone(),
            at: self.now,
            version: self.out.authority_version,
        };
        if said.signer().person == text.target.person {
            self.repeats(&[("agreed", d.agreed.is_empty())]);
        } else {
            self.agreed_by_others(said, &d.agreed);
        }
        self.consents
            .retain(|c| c.said.statement().target != text.target);
        self.suspensions.push(suspension);
        self.roots_are_left(&text.target.person);
    }

    /// Enough different people said the same before, in time, and each still may.
    fn agreed_by_others(&mut self, said: &Verified<Suspend>, agreed: &[EventId]) {
        let target = &said.statement().target;
        let mut people = vec![&said.signer().person];
        for consent in self.consents.iter().filter(|c| agreed.contains(&c.event)) {
            let person = &consent.said.signer().person;
            let key = &consent.said.signer().key;
            let counts = self.current().is_some_and(|authority| {
                self.key_counts(authority, person, key, (Kind::Suspend, self.now))
            });
            let same = consent.said.statement().target == *target && self.now < consent.until;
            if counts && same && self.may_suspend(&consent.said) && !people.contains(&person) {
                people.push(person);
            }
        }
        let roots = self.current().map(|a| &a.roots);
        let needed = match roots {
            Some(roots) if roots.persons.contains(&target.person) => {
                usize::try_from(roots.threshold).unwrap_or(usize::MAX)
            }
            _ => 2,
        };
        let all = people.len() == agreed.len() + 1;
        let (enough, may) = (all && people.len() >= needed, self.may_suspend(said));
        self.rule(
            may,
            "not_privileged",
            "this person may not suspend the other",
        );
        self.rule(
            enough,
            "needs_two_people",
            "too few other people who may signed the same before",
        );
    }

    /// A root person is suspended by root persons, anybody else by holders of `suspend`.
    fn may_suspend(&self, said: &Verified<Suspend>) -> bool {
        let (person, target) = (&said.signer().person, &said.statement().target.person);
        let Some(authority) = self.current() else {
            return false;
        };
        let roots = &authority.roots.persons;
        if roots.contains(target) {
            roots.contains(person)
        } else {
            authority
                .person(person)
                .is_some_and(|p| p.may(Privilege::Suspend))
        }
    }

    /// As many root persons are left as it takes to change the authority.
    fn roots_are_left(&mut self, suspended: &PersonId) {
        let Some(authority) = self.current() else {
            return;
        };
        let when = (Kind::Authority, self.now);
        let live = |person: &Person| {
            let id = &person.person;
            person.keys.iter().map(|k| &k.fingerprint).any(|key| {
                self.enrolled.contains(&(id.clone(), key.clone()))
                    && self.key_counts(authority, id, key, when)
            })
        };
        let roots = &authority.roots;
        let persons = roots.persons.iter().filter_map(|id| authority.person(id));
        let left = i64::try_from(persons.filter(|p| live(p)).count()).unwrap_or(0);
        let enough = !roots.persons.contains(suspended) || left >= roots.threshold;
        self.rule(
            enough,
            "too_few_roots",
            "fewer root persons than the threshold are left",
        );
    }

    /// Whether the suspension of a person ended a grant that they held.
    pub(super) fn ended_by_suspension(
        &mut self,
        entry: At<'_>,
        d: &BreakGlassEnded,
        grant: &Grant,
    ) {
        let Some(Statement::Suspend(said)) = entry.said else {
            return;
        };
        self.same(&[("remark", d.remark == said.statement().reason)]);
        let may = self.just_suspended(said, &grant.holder);
        self.rule(may, "ended_by_stranger", "its holder was not suspended");
    }

    /// Whether a request was made void by the suspension of its requester.
    pub(super) fn voided_by_suspension(&mut self, said: &Verified<Suspend>, request: RequestId) {
        let requester = self
            .asked
            .get(&request)
            .map(|asked| &asked.requester.person);
        let fits = requester.is_some_and(|person| self.just_suspended(said, person));
        self.rule(
            fits,
            "voided_without_cause",
            "its requester was not suspended",
        );
    }

    /// Whether this statement has just suspended this person, with every key.
    fn just_suspended(&self, said: &Verified<Suspend>, person: &PersonId) -> bool {
        let target = &said.statement().target;
        let last = self.suspensions.last();
        let done = last.is_some_and(|s| s.at == self.now && s.target == *target);
        done && target.person == *person && target.key.0.is_none()
    }

    /// Nobody who was suspended goes on holding what they held then.
    pub(super) fn close_suspensions(&mut self) {
        let outlives = |grant: &Grant| {
            let by = |s: &Suspension| {
                let person = s.target.key.0.is_none() && s.target.person == grant.holder;
                person && grant.not_before <= s.at
            };
            grant.ended.is_none() && self.suspensions.iter().any(by)
        };
        let none = !self.out.grants.values().any(outlives);
        self.rule(
            none,
            "grant_outlives_suspension",
            "a grant is open whose holder was suspended",
        );
    }
}

/// What all who agree sign: SHA-256 of the canonical target.
fn agreement(target: &SuspendTarget) -> Option<Digest> {
    Some(digest(&canonical::to_bytes(target).ok()?))
}
