//! Whether enough different people said yes to one request.

use std::collections::BTreeMap;

use breakglass_format::{
    EventId, Fingerprint, Name, PersonId, RequestId, Timestamp,
    authority::{Authority, Entitlement},
    statement::Kind,
};

use super::{Fold, Statement};

/// One person's yes.
pub(super) struct Approval<'a> {
    pub(super) request: RequestId,
    pub(super) person: &'a PersonId,
    pub(super) key: &'a Fingerprint,
    pub(super) at: Timestamp,
    pub(super) duration_s: i64,
    pub(super) presence: bool,
    pub(super) browser: bool,
    /// Whether it was a proper approval when it was made.
    pub(super) counts: bool,
}

impl<'a> Fold<'a> {
    /// The two authorities that judge a request: the one it names and the current one.
    pub(super) fn judges_of(&self, request: RequestId) -> Option<[&'a Authority; 2]> {
        let digest = self.out.requests.get(&request)?.statement?;
        let Statement::Request(signed) = self.record.statements.get(&digest)? else {
            return None;
        };
        self.judges(signed.authority())
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
        let listed: Vec<&Approval<'a>> = approvals
            .iter()
            .filter_map(|id| self.approvals.get(id))
            .collect();
        let of_this =
            listed.len() == approvals.len() && listed.iter().all(|a| a.request == request);
        let counted: BTreeMap<&PersonId, &Approval<'a>> = listed
            .iter()
            .filter(|a| a.request == request && a.counts)
            .map(|a| (a.person, *a))
            .collect();
        let counted: Vec<&Approval<'a>> = counted.into_values().collect();
        let shortest = counted.iter().map(|a| a.duration_s).min();
        let name = self
            .asked
            .get(&request)
            .map(|(_, asked)| &asked.entitlement);
        let lacks: Vec<&'static str> = match (name, self.judges_of(request)) {
            (Some(name), Some(both)) => both
                .iter()
                .filter_map(|authority| lacking(authority, name, &counted, code))
                .collect(),
            _ => vec![code],
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
}

/// What approvals lack under one authority.
fn lacking(
    authority: &Authority,
    name: &Name,
    approvals: &[&Approval<'_>],
    code: &'static str,
) -> Option<&'static str> {
    let Some(entitlement) = authority.entitlements.iter().find(|e| e.name == *name) else {
        return Some("entitlement_gone");
    };
    let counted: Vec<&&Approval<'_>> = approvals
        .iter()
        .filter(|a| eligible(authority, entitlement, a))
        .collect();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let touched = number(counted.iter().filter(|a| a.presence).count());
    let outside = number(counted.iter().filter(|a| !a.browser).count());
    let groups: Vec<Vec<usize>> = entitlement
        .require_each
        .iter()
        .map(|group| {
            let in_group = |a: &Approval<'_>| {
                authority
                    .person(a.person)
                    .is_some_and(|person| person.in_group(group))
            };
            (0..)
                .zip(&counted)
                .filter(|(_, a)| in_group(a))
                .map(|(n, _)| n)
                .collect()
        })
        .collect();
    [
        (number(counted.len()) < entitlement.approvals, code),
        (
            touched < entitlement.min_presence_approvals,
            "too_few_present",
        ),
        (
            outside < entitlement.min_ssh_approvals,
            "too_few_outside_browser",
        ),
        (!injective(&groups), "required_group_missing"),
    ]
    .into_iter()
    .find_map(|(lacks, code)| lacks.then_some(code))
}

/// Whether this authority lets the person approve under the entitlement, with the key, at the time
/// of the approval.
fn eligible(authority: &Authority, entitlement: &Entitlement, approval: &Approval<'_>) -> bool {
    authority.person(approval.person).is_some_and(|person| {
        entitlement
            .approvers
            .iter()
            .any(|group| person.in_group(group))
            && person
                .key(approval.key)
                .is_some_and(|key| key.counts(Kind::Approval, approval.at))
    })
}

/// Whether every group can be given a person of its own: one person fills one place.
fn injective(groups: &[Vec<usize>]) -> bool {
    let mut placed: BTreeMap<usize, usize> = BTreeMap::new();
    (0..groups.len()).all(|group| place(group, groups, &mut placed, &mut Vec::new()))
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
    use super::injective;

    #[test]
    fn one_person_fills_one_place() {
        let cases: [(&[&[usize]], bool); 7] = [
            (&[], true),
            (&[&[]], false),
            (&[&[0]], true),
            (&[&[0], &[0]], false),
            (&[&[0, 1], &[0]], true),
            (&[&[0, 1], &[0, 1], &[0, 1]], false),
            (&[&[0, 1], &[0, 2], &[0]], true),
        ];
        for (groups, expected) in cases {
            let groups: Vec<Vec<usize>> = groups.iter().map(|group| group.to_vec()).collect();
            assert_eq!(injective(&groups), expected, "{groups:?}");
        }
    }
}
