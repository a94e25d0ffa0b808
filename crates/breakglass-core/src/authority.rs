//! What a new version of the authority changes in the world, and who is enrolled.

use std::sync::Arc;

use breakglass_format::{
    Digest, Line, Timestamp,
    authority::Authority,
    entry::Recorded,
    event::{AuthorityPublished, BreakGlassVoided, KeyEnrolled, Member, SessionOpened},
    statement::Kind,
};
use breakglass_statement::{VerifiedEnroll, VerifiedSession};

use crate::{
    command::{Author, Context, Draft, Publication},
    decide::Claims,
    refusal::{Code, Refusal},
    request::Request,
    world::{Since, Version, World},
};

impl World {
    pub(crate) fn decide_enroll(
        &self,
        enroll: &VerifiedEnroll,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = enroll.statement();
        if self.accepted.contains_key(&enroll.digest()) {
            return Err(Code::Replayed.into());
        }
        if self.is_enrolled(&text.person, &text.fingerprint) {
            return Err(Code::AlreadyEnrolled.with("key", &text.fingerprint));
        }
        let version = self.authority().ok_or(Code::StaleAuthority)?;
        let person = version.authority.person(&text.person);
        let person = person.ok_or_else(|| Code::PersonUnknown.with("person", &text.person))?;
        let key = person
            .key(&text.fingerprint)
            .filter(|k| k.counts(Kind::Enroll, cx.now));
        let number = version.authority.version;
        if let Some(since) = key.and_then(|k| self.suspended(&person.person, k, number)) {
            return Err(Code::KeySuspended
                .with("key", &text.fingerprint)
                .and("since", since));
        }
        if key.is_none() || person.principal != text.signer.principal {
            return Err(Code::KeyNotValid.with("key", &text.fingerprint));
        }
        let recovery = person
            .keys
            .iter()
            .any(|k| self.is_enrolled(&person.person, &k.fingerprint));
        let author = Author::of(enroll);
        let event = KeyEnrolled {
            key: text.fingerprint.clone(),
            member: Member {
                person: person.person.clone(),
                principal: person.principal.clone(),
            },
            namespaces: text.namespaces.clone(),
            // A second key without a countersignature of the first: marked, for the approvers.
            recovery: recovery && version.authority.version > 1,
        };
        Ok(vec![cx.draft(&author, event)])
    }

    pub(crate) fn decide_session(
        &self,
        session: &VerifiedSession,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = session.statement();
        self.standing(&Claims::of(session), cx.now)?;
        let author = Author::of(session);
        let event = SessionOpened {
            key: text.signer.key.clone(),
            member: Member {
                person: text.signer.person.clone(),
                principal: text.signer.principal.clone(),
            },
            not_after: text.not_after,
            session_key: session.session_key().fingerprint(),
        };
        Ok(vec![cx.draft(&author, event)])
    }

    /// The requests that wait for answers, oldest first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Request> {
        let lapses = &self.requests.orders().lapses;
        let mut ids: Vec<_> = lapses.iter().map(|(_, id)| id).collect();
        ids.sort();
        self.requests.all(ids.into_iter())
    }

    /// Sessions are remembered until they are over, and a little longer.
    pub(crate) fn apply_session(&mut self, d: &SessionOpened, recorded: &Recorded) {
        let now = recorded.entry.created_at;
        self.key_works(&d.member.person, &d.key, now);
        // Amortised: a session that is over opens nothing, remembered or not.
        if self.sessions.size().is_power_of_two() {
            let over = self.sessions.iter().filter(|(_, until)| **until <= now);
            let over: Vec<Digest> = over.map(|(s, _)| *s).collect();
            for session in over {
                self.sessions.remove_mut(&session);
            }
        }
        if let Some(statement) = recorded.entry.statement.0 {
            self.sessions.insert_mut(statement, d.not_after);
        }
    }

    pub(crate) fn decide_publication(
        &self,
        publication: &Publication,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let current = self.authority();
        let next = current.map_or(1, |v| v.authority.version + 1);
        let authority = &publication.authority;
        if authority.version != next || authority.previous.0 != current.map(|v| v.digest) {
            return Err(Code::NotSuccessor
                .with("version", authority.version)
                .and("next", next));
        }
        if let Some(log) = self.log().filter(|log| **log != authority.log) {
            return Err(Code::AnotherLog
                .with("log", &authority.log.origin)
                .and("in_force", &log.origin));
        }
        let author = Author::System("authority");
        let event = AuthorityPublished {
            all_roots: publication.all_roots,
            clocks: self.clocks_of_new_accounts(authority, cx.now),
            digest: publication.digest,
            previous: authority.previous,
            signatures: publication.signatures.clone(),
            version: authority.version,
        };
        let mut drafts = vec![cx.draft(&author, event)];
        if let Some(current) = current {
            for request in self.waiting() {
                let Some(reason) = touched(request, &current.authority, authority) else {
                    continue;
                };
                let event = BreakGlassVoided {
                    authority_version: authority.version,
                    incident_id: request.incident,
                    reason: Line::lossy(reason),
                    request_id: request.id,
                };
                drafts.push(cx.draft(&author, event));
            }
        }
        Ok(drafts)
    }

    pub(crate) fn apply_authority(
        &mut self,
        d: &AuthorityPublished,
        authority: Arc<Authority>,
        at: Timestamp,
    ) {
        let since = Since {
            at,
            all_roots: d.all_roots,
        };
        for person in &authority.people {
            for key in &person.keys {
                let held = (person.person.clone(), key.fingerprint.clone());
                if !self.keys_since.contains_key(&held) {
                    self.keys_since.insert_mut(held, since);
                }
            }
            for group in &person.groups {
                let member = (person.person.clone(), group.clone());
                if !self.members_since.contains_key(&member) {
                    self.members_since.insert_mut(member, since);
                }
            }
        }
        self.forget_left_members(&authority);
        self.start_account_reviews(&d.clocks);
        self.current = d.version;
        self.versions.insert_mut(
            d.version,
            Version {
                authority,
                digest: d.digest,
                at,
            },
        );
    }

    /// Who left a group or lost a key and comes back later waits again.
    fn forget_left_members(&mut self, authority: &Authority) {
        let left: Vec<_> = self
            .members_since
            .keys()
            .filter(|(p, g)| !authority.person(p).is_some_and(|p| p.in_group(g)))
            .cloned()
            .collect();
        for member in left {
            self.members_since.remove_mut(&member);
        }
        let gone: Vec<_> = self
            .keys_since
            .keys()
            .filter(|(p, f)| authority.person(p).is_none_or(|p| p.key(f).is_none()))
            .cloned()
            .collect();
        for key in gone {
            self.keys_since.remove_mut(&key);
        }
    }
}

/// What of a pending request a newer authority touches: its account, its entitlement, its people.
fn touched(request: &Request, old: &Authority, new: &Authority) -> Option<&'static str> {
    if old.account(&request.account.id) != new.account(&request.account.id) {
        return Some("the account was changed");
    }
    let entitlement = |a: &Authority| {
        a.entitlements
            .iter()
            .find(|e| e.name == request.entitlement)
            .cloned()
    };
    if entitlement(old) != entitlement(new) {
        return Some("the entitlement was changed");
    }
    let approvers = request.approvals.iter().map(|a| &a.approver.person);
    let mut people = approvers.chain([&request.requester.person]);
    people
        .any(|p| old.person(p) != new.person(p))
        .then_some("a person was changed")
}
