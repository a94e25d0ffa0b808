//! Whether enough different people said yes to one request.

use std::collections::BTreeMap;

use breakglass_format::{
    Digest, EventId, Fingerprint, Name, PersonId, RequestId, Timestamp,
    authority::{Authority, Entitlement},
    statement::Kind,
};

use super::{Fold, Grant};

/// One person's yes.
pub(super) struct Approval {
    pub(super) request: RequestId,
    pub(super) person: PersonId,
    pub(super) key: Fingerprint,
    pub(super) at: Timestamp,
    pub(super) duration_s: i64,
    pub(super) presence: bool,
    pub(super) browser: bool,
    /// What was signed.
    pub(super) statement: Option<Digest>,
    /// Whether it was a proper approval when it was made.
    pub(super) counts: bool,
}

impl<'a> Fold<'a> {
    /// The two authorities that judge a request: the one it names and the current one.
    pub(super) fn judges_of(&self, request: RequestId) -> Option<[&'a Authority; 2]> {
        self.judges(self.asked.get(&request)?.under.as_ref()?)
    }

    /// Whether a request has its quorum now: every approval listed is one of this request, and
    /// together they satisfy its entitlement under both authorities. `code` names what is missing
    /// where it is the number of people.
    pub(super) fn quorum(
        &mut self,
        request: RequestId,
        approvals: &[EventId],
        code: &'static str,
    ) -> Option<i64> {
        let listed = approvals.iter().filter_map(|id| self.approvals.get(id));
        let listed: Vec<&Approval> = listed.collect();
        let of_this =
            listed.len() == approvals.len() && listed.iter().all(|a| a.request == request);
        let counted = listed
            .into_iter()
            .filter(|a| a.request == request && a.counts);
        let counted: BTreeMap<&PersonId, &Approval> = counted.map(|a| (&a.person, a)).collect();
        let counted: Vec<&Approval> = counted.into_values().collect();
        let shortest = counted.iter().map(|a| a.duration_s).min();
        let judges = self.quorum_judges(request);
        let lacks: Vec<&'static str> = match &judges {
            Some(judges) => {
                let lacking = |judge: &Judge<'_, 'a>| judge.lacking(&counted, code);
                judges.iter().filter_map(lacking).collect()
            }
            None => vec![code],
        };
        self.rule(
            of_this,
            "approval_of_another_request",
            "it rests on an approval of something else",
        );
        for lack in lacks {
            self.rule(
                false,
                lack,
                "the people who approved do not make the quorum that was asked for",
            );
        }
        shortest
    }

    /// Whether a grant still rests on people: its approvers make the quorum now, and from the end
    /// that an extension moved those of the extension as well, and its holder may still ask for
    /// the account. Judged whenever the credential is used or about to be.
    pub(super) fn still_stands(&mut self, grant: &Grant) {
        let begun = grant
            .extensions
            .iter()
            .filter(|(_, from)| *from <= self.now);
        let requests: Vec<RequestId> = begun.map(|(request, _)| *request).collect();
        for request in [grant.request].into_iter().chain(requests) {
            self.request_stands(request, grant);
        }
    }

    fn request_stands(&mut self, request: RequestId, grant: &Grant) {
        let approvals = self.out.requests.get(&request).map(|r| r.approvals.clone());
        self.quorum(request, &approvals.unwrap_or_default(), "quorum_gone");
        let asks = self.quorum_judges(request).is_none_or(|[_, current]| {
            let holder = current.authority.person(&grant.holder);
            current.entitlement.is_none_or(|e| {
                e.accounts.contains(&grant.account)
                    && holder.is_some_and(|p| e.requesters.iter().any(|g| p.in_group(g)))
            })
        });
        self.rule(
            asks,
            "requester_not_entitled",
            "the holder may no longer ask for the account",
        );
    }

    /// How many approvals of a request are still missing, by the authority in force.
    pub(super) fn missing(&self, request: RequestId) -> Option<i64> {
        let [_, current] = self.quorum_judges(request)?;
        let entitlement = current.entitlement?;
        let of_this = |a: &&Approval| a.request == request && a.counts;
        let counted: Vec<&Approval> = self.approvals.values().filter(of_this).collect();
        let counted = current.eligible(entitlement, &counted);
        let mut places = current.groups(entitlement, &counted);
        let wanted = usize::try_from(entitlement.approvals).unwrap_or(0);
        // A place of no group in particular: any of the approvers fills it.
        places.resize_with(wanted.max(places.len()), || (0..counted.len()).collect());
        Some(entitlement.approvals - number(filled(&places)))
    }

    fn quorum_judges(&self, request: RequestId) -> Option<[Judge<'_, 'a>; 2]> {
        let asked = self.asked.get(&request)?;
        let both = self.judges_of(request)?;
        let judge = |authority: &'a Authority, at| Judge {
            fold: self,
            both,
            authority,
            entitlement: authority
                .entitlements
                .iter()
                .find(|e| e.name == asked.entitlement),
            at,
        };
        let [named, current] = both;
        Some([judge(named, None), judge(current, Some(self.now))])
    }
}

/// One of the two authorities, as a judge of approvals.
struct Judge<'f, 'a> {
    fold: &'f Fold<'a>,
    both: [&'a Authority; 2],
    authority: &'a Authority,
    entitlement: Option<&'a Entitlement>,
    /// When a key must count; `None`: when it signed.
    at: Option<Timestamp>,
}

impl Judge<'_, '_> {
    /// What approvals lack under this authority.
    fn lacking(&self, approvals: &[&Approval], code: &'static str) -> Option<&'static str> {
        let Some(e) = self.entitlement else {
            return Some("entitlement_gone");
        };
        let counted = self.eligible(e, approvals);
        let touched = number(counted.iter().filter(|a| a.presence).count());
        let outside = number(counted.iter().filter(|a| !a.browser).count());
        let groups = self.groups(e, &counted);
        [
            (number(counted.len()) < e.approvals, code),
            (touched < e.min_presence_approvals, "too_few_present"),
            (outside < e.min_ssh_approvals, "too_few_outside_browser"),
            (filled(&groups) < groups.len(), "required_group_missing"),
        ]
        .into_iter()
        .find_map(|(lacks, code)| lacks.then_some(code))
    }

    /// The approvals of those who may approve under the entitlement, with the key that signed.
    fn eligible<'p>(&self, e: &Entitlement, approvals: &[&'p Approval]) -> Vec<&'p Approval> {
        let eligible = |a: &&&Approval| {
            let counts = match self.at {
                Some(now) => {
                    let when = (Kind::Approval, now);
                    self.fold
                        .key_counts(self.authority, &a.person, &a.key, when)
                }
                None => {
                    let key = self.authority.person(&a.person).and_then(|p| p.key(&a.key));
                    key.is_some_and(|key| key.counts(Kind::Approval, a.at))
                }
            };
            counts
                && e.approvers
                    .iter()
                    .any(|group| self.stands_for(&a.person, group))
        };
        approvals.iter().filter(eligible).copied().collect()
    }

    /// For each required group those approvals that can stand for it, by their place in the list.
    fn groups(&self, e: &Entitlement, approvals: &[&Approval]) -> Vec<Vec<usize>> {
        let standing_for = |group: &Name| {
            let numbered = (0..).zip(approvals);
            let members = numbered.filter(|(_, a)| self.stands_for(&a.person, group));
            members.map(|(n, _)| n).collect()
        };
        e.require_each.iter().map(standing_for).collect()
    }

    /// Whether a person is in a group under both authorities, and has been for long enough.
    fn stands_for(&self, person: &PersonId, group: &Name) -> bool {
        let member = |a: &Authority| a.person(person).is_some_and(|p| p.in_group(group));
        self.both.iter().all(|a| member(a)) && self.fold.settled(member)
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// How many places can be given a person of their own: one person fills one place.
fn filled(places: &[Vec<usize>]) -> usize {
    let mut placed: BTreeMap<usize, usize> = BTreeMap::new();
    (0..places.len())
        .filter(|at| place(*at, places, &mut placed, &mut Vec::new()))
        .count()
}

/// Finds a person for a group, moving others where that helps.
fn place(
    group: usize,
    groups: &[Vec<usize>],
    placed: &mut BTreeMap<usize, usize>,
    tried: &mut Vec<usize>,
) -> bool {
    for person in groups.get(group).into_iter().flatten() {
        if tried.contains(person) {
            continue;
        }
        tried.push(*person);
        let free = match placed.get(person).copied() {
            None => true,
            Some(other) => place(other, groups, placed, tried),
        };
        if free {
            placed.insert(*person, group);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn one_person_fills_one_place() {
        let cases: [(&[&[usize]], usize); 8] = [
            (&[], 0),
            (&[&[]], 0),
            (&[&[0]], 1),
            (&[&[0], &[0]], 1),
            (&[&[0, 1], &[0]], 2),
            (&[&[0, 1], &[0, 1], &[0, 1]], 2),
            (&[&[0, 1], &[0, 2], &[0]], 3),
            (&[&[], &[0], &[0, 1]], 2),
        ];
        for (groups, expected) in cases {
            let groups: Vec<Vec<usize>> = groups.iter().map(|group| group.to_vec()).collect();
            assert_eq!(filled(&groups), expected, "{groups:?}");
        }
    }
}
