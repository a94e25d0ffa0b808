//! Suspensions: a key, or a person with every key, counts no longer, at once.
//!
//! A suspension only removes power, so it takes fewer people than giving it does: oneself alone;
//! for somebody else two holders of `suspend`; for a root person the root threshold. It stands
//! until a later version of the authority lists a key that begins to count after it: a new key, or
//! the same one with a new `not_before`. Signatures under authorities are never judged by it, or
//! it could lock out those who alone can undo it.

use breakglass_format::{
    Blank, Digest, EventId, Fingerprint, Line, PersonId, Timestamp,
    authority::{Authority, Key, Person},
    canonical,
    event::{ActProposed, BreakGlassVoided, KeySuspended, Member},
    statement::{Kind, SuspendTarget},
    vocabulary::{EndReason, Privilege},
};
use breakglass_statement::VerifiedSuspend;
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft, name},
    decide::{Claims, Standing},
    grant::Grant,
    incident::required,
    quorum::Approval,
    refusal::{Code, Refusal},
    request::Request,
    world::{Version, World},
};

/// How long the others have, where a suspension takes more than one person.
const AGREE_WITHIN_S: i64 = 3_600;

/// When something ceased to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub at: Timestamp,
    /// The version of the authority that was in force then.
    pub version: i64,
}

impl Suspension {
    /// Whether a key, as a version of the authority lists it, is among what was suspended.
    #[must_use]
    pub fn covers(&self, version: i64, key: &Key) -> bool {
        version <= self.version || key.not_before <= self.at
    }
}

/// One person's consent to a suspension that takes several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The event that recorded it.
    pub event: EventId,
    /// Who.
    pub by: PersonId,
    /// With which key.
    pub key: Fingerprint,
    /// Until when it helps.
    pub until: Timestamp,
}

/// SHA-256 of what those who agree must agree on: the target. Each gives a reason of their own.
#[must_use]
pub fn suspension_digest(target: &SuspendTarget) -> Option<Digest> {
    let bytes = canonical::to_bytes(target).ok()?;
    Some(breakglass_statement::digest(&bytes))
}

impl World {
    /// Since when a key, as a version lists it, is suspended: by itself or with its person.
    #[must_use]
    pub fn suspended(&self, person: &PersonId, key: &Key, version: i64) -> Option<Timestamp> {
        let one = |key: Option<Fingerprint>| self.suspensions.get(&(person.clone(), key));
        let both = [one(None), one(Some(key.fingerprint.clone()))];
        let covering = both
            .into_iter()
            .flatten()
            .filter(|s| s.covers(version, key));
        covering.map(|s| s.at).min()
    }

    /// The key of a person that counts under a version: listed for the kind, within its time, and
    /// not suspended.
    #[must_use]
    pub fn counting_key<'a>(
        &self,
        version: &'a Version,
        person: &'a Person,
        key: &Fingerprint,
        (kind, now): (Kind, Timestamp),
    ) -> Option<&'a Key> {
        let number = version.authority.version;
        person
            .key(key)
            .filter(|key| key.counts(kind, now))
            .filter(|key| self.suspended(&person.person, key, number).is_none())
    }

    /// The approvals whose key still counts for its person: a key may have ended since it signed.
    pub(crate) fn counting_approvals(
        &self,
        version: &Version,
        approvals: &[Approval],
        now: Timestamp,
    ) -> Vec<Approval> {
        let counts = |a: &&Approval| {
            let person = version.authority.person(&a.approver.person);
            let when = (Kind::Approval, now);
            person.is_some_and(|p| self.counting_key(version, p, &a.key, when).is_some())
        };
        approvals.iter().filter(counts).cloned().collect()
    }

    /// The approvals of a request that count now, and those that count no more: judged while it is
    /// pending; what a decided request rests on is told as it was.
    #[must_use]
    pub fn approvals_of(
        &self,
        request: &Request,
        now: Timestamp,
    ) -> (Vec<Approval>, Vec<Approval>) {
        let all = request.approvals.clone();
        match self.authority().filter(|_| request.is_pending()) {
            None => (all, Vec::new()),
            Some(version) => {
                let counting = self.counting_approvals(version, &all, now);
                let aside = all.into_iter().filter(|a| !counting.contains(a)).collect();
                (counting, aside)
            }
        }
    }

    pub(crate) fn decide_suspend(
        &self,
        suspend: &VerifiedSuspend,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = suspend.statement();
        let standing = self.standing(&Claims::of(suspend), cx.now)?;
        required("reason", text.reason.as_str())?;
        let version = standing.version;
        let target = version.authority.person(&text.target.person);
        let target =
            target.ok_or_else(|| Code::PersonUnknown.with("person", &text.target.person))?;
        self.check_counts_still(version, target, &text.target.key)?;
        self.check_roots_left(version, &text.target, cx.now)?;
        let author = Author::of(suspend);
        let own = target.person == standing.person.person;
        let agreed = if own {
            Vec::new()
        } else {
            let digest = suspension_digest(&text.target).ok_or(Code::NotCalledFor)?;
            let agreed = self.consents(&standing, target, digest, cx.now)?;
            if agreed.len() + 1 < consents_needed(&version.authority, target) {
                return Ok(vec![propose(suspend, target, digest, &author, cx)]);
            }
            agreed
        };
        let event = KeySuspended {
            agreed,
            key: text.target.key.clone(),
            member: Member {
                person: target.person.clone(),
                principal: target.principal.clone(),
            },
            reason: text.reason.clone(),
        };
        let mut drafts = vec![cx.draft(&author, event)];
        if text.target.key.0.is_none() {
            drafts.extend(self.end_all_of(suspend, version, &author, cx));
        }
        Ok(drafts)
    }

    /// There is something left to suspend.
    fn check_counts_still(
        &self,
        version: &Version,
        target: &Person,
        key: &Blank<Fingerprint>,
    ) -> Result<(), Refusal> {
        let number = version.authority.version;
        let counts = |k: &&Key| self.suspended(&target.person, k, number).is_none();
        let counts = match &key.0 {
            Some(wanted) => {
                let listed = target.key(wanted);
                let listed = listed.ok_or_else(|| Code::KeyUnknown.with("key", wanted))?;
                counts(&listed)
            }
            None => target.keys.iter().any(|k| counts(&k)),
        };
        if counts {
            Ok(())
        } else {
            Err(Code::AlreadySuspended.with("person", &target.principal))
        }
    }

    /// As many root persons are left as it takes to change the authority.
    fn check_roots_left(
        &self,
        version: &Version,
        target: &SuspendTarget,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let roots = &version.authority.roots;
        if !roots.persons.contains(&target.person) {
            return Ok(());
        }
        let spared = |person: &PersonId, key: &Fingerprint| {
            *person != target.person || target.key.0.as_ref().is_some_and(|gone| gone != key)
        };
        let live = |id: &&PersonId| {
            let person = version.authority.person(id);
            person.is_some_and(|person| {
                person.keys.iter().map(|k| &k.fingerprint).any(|key| {
                    spared(id, key)
                        && self.is_enrolled(id, key)
                        && self
                            .counting_key(version, person, key, (Kind::Authority, now))
                            .is_some()
                })
            })
        };
        let left = roots.persons.iter().filter(live).count();
        if i64::try_from(left).unwrap_or(0) < roots.threshold {
            return Err(Code::TooFewRoots
                .with("left", left)
                .and("threshold", roots.threshold));
        }
        Ok(())
    }

    /// The consents on record of others who still may give one, or why the signer may not.
    fn consents(
        &self,
        standing: &Standing<'_>,
        target: &Person,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Vec<EventId>, Refusal> {
        let version = standing.version;
        let roots = &version.authority.roots.persons;
        let of_root = roots.contains(&target.person);
        if of_root && !roots.contains(&standing.person.person) {
            return Err(Code::NotARoot.with("person", &standing.person.principal));
        }
        if !of_root {
            standing.require(Privilege::Suspend)?;
        }
        let may = |consent: &&Consent| {
            let person = version.authority.person(&consent.by);
            person.is_some_and(|p| {
                let entitled = if of_root {
                    roots.contains(&p.person)
                } else {
                    p.may(Privilege::Suspend)
                };
                let when = (Kind::Suspend, now);
                entitled && self.counting_key(version, p, &consent.key, when).is_some()
            })
        };
        let given = self.consents.get(&digest).into_iter().flatten();
        let given: Vec<&Consent> = given.filter(|c| now < c.until).filter(may).collect();
        if let Some(own) = given.iter().find(|c| c.by == standing.person.person) {
            return Err(Code::AnotherPersonNeeded.with("until", own.until));
        }
        Ok(given.iter().map(|c| c.event).collect())
    }

    /// What a suspended person has open ends: their grants, and what they asked for.
    fn end_all_of(
        &self,
        suspend: &VerifiedSuspend,
        version: &Version,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Vec<Draft> {
        let text = suspend.statement();
        let person = &text.target.person;
        let held = |g: &&Grant| g.is_active() && g.holder.person == *person;
        let held: Vec<&Grant> = self.grants.values().filter(held).collect();
        let mut drafts = Vec::new();
        for (before, grant) in held.iter().enumerate() {
            let gone = held.get(..before).unwrap_or_default();
            let remark = text.reason.clone();
            drafts.push(self.end_grant(grant, gone, EndReason::Suspended, remark, author, cx));
        }
        for request in self.waiting().filter(|r| r.requester.person == *person) {
            let event = BreakGlassVoided {
                authority_version: version.authority.version,
                incident_id: request.incident,
                reason: Line::lossy("its requester was suspended"),
                request_id: request.id,
            };
            drafts.push(cx.draft(author, event));
        }
        drafts
    }

    pub(crate) fn apply_consent(&mut self, d: &ActProposed, by: PersonId, event: EventId) {
        let consent = Consent {
            event,
            by,
            key: d.key.clone(),
            until: d.until,
        };
        let given = self.consents.get(&d.agreement);
        let mut given = given.cloned().unwrap_or_default();
        // Nothing that was over when this one began helps any more.
        given.retain(|c| c.until.plus_s(AGREE_WITHIN_S) > d.until);
        given.push(consent);
        self.consents.insert_mut(d.agreement, given);
    }

    pub(crate) fn apply_suspended(&mut self, d: &KeySuspended, at: Timestamp) {
        let suspension = Suspension {
            at,
            version: self.current,
        };
        let target = SuspendTarget {
            key: d.key.clone(),
            person: d.member.person.clone(),
        };
        if let Some(digest) = suspension_digest(&target) {
            self.consents.remove_mut(&digest);
        }
        let key = (target.person, target.key.0);
        self.suspensions.insert_mut(key, suspension);
    }
}

/// How many people it takes to suspend somebody else.
fn consents_needed(authority: &Authority, target: &Person) -> usize {
    let roots = &authority.roots;
    if roots.persons.contains(&target.person) {
        usize::try_from(roots.threshold).unwrap_or(usize::MAX)
    } else {
        2
    }
}

fn propose(
    suspend: &VerifiedSuspend,
    target: &Person,
    digest: Digest,
    author: &Author,
    cx: &mut Context<'_>,
) -> Draft {
    let event = ActProposed {
        about: Line::lossy(target.principal.as_str()),
        account: None.into(),
        agreement: digest,
        command: name("suspend"),
        incident_id: None.into(),
        key: suspend.signer().key.clone(),
        until: cx.now.plus_s(AGREE_WITHIN_S),
    };
    cx.draft(author, event)
}
