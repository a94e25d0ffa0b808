//! The `allowed_signers` file for `ssh-keygen -Y verify`, rendered from the authority. Output,
//! never input.

use std::fmt::Write as _;

use breakglass_format::{Principal, Timestamp, authority::Key, statement::Kind};

use crate::authority_set::AuthoritySet;

/// A key under a principal, unchanged over versions that follow each other.
struct Run<'a> {
    principal: &'a Principal,
    key: &'a Key,
    /// When the first of these versions came into effect; the genesis is in effect from ever.
    begins: Option<Timestamp>,
    /// When the first version without it came into effect.
    ends: Option<Timestamp>,
}

/// Renders the file: a line for every key of every person of every version, valid while a version
/// that says so was in effect. Who left keeps a line that ends, so that old statements verify at
/// the time of their entry.
///
/// `effective` says when each version came into effect: the time of its entry. A version that it
/// does not name is left out, and so are all after it.
#[must_use]
pub fn allowed_signers(authorities: &AuthoritySet, effective: &[(i64, Timestamp)]) -> String {
    let epochs = authorities.epochs().next().is_some();
    let mut lines: Vec<String> = runs(authorities, effective)
        .iter()
        .filter_map(|run| line(run, epochs))
        .collect();
    lines.sort();
    lines.dedup();
    lines.concat()
}

fn runs<'a>(authorities: &'a AuthoritySet, effective: &[(i64, Timestamp)]) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for version in authorities.versions() {
        let number = version.authority().version;
        let Some((_, at)) = effective.iter().find(|(v, _)| *v == number) else {
            break;
        };
        let document = version.document();
        for run in runs.iter_mut().filter(|run| run.ends.is_none()) {
            let goes_on = document.keys().any(|(p, k)| run.is(&p.principal, k));
            run.ends = (!goes_on).then_some(*at);
        }
        for (person, key) in document.keys() {
            let known = |run: &Run<'_>| run.ends.is_none() && run.is(&person.principal, key);
            if !runs.iter().any(known) {
                runs.push(Run {
                    principal: &person.principal,
                    key,
                    begins: (number > 1).then_some(*at),
                    ends: None,
                });
            }
        }
    }
    runs
}

impl Run<'_> {
    fn is(&self, principal: &Principal, key: &Key) -> bool {
        self.principal == principal && self.key == key
    }
}

/// One line, or none where the key never counted for anything. Epochs are spoken of where there are
/// any: the file of a log without one is the same as ever.
fn line(run: &Run<'_>, epochs: bool) -> Option<String> {
    let key = run.key;
    let begins = run
        .begins
        .map_or(key.not_before, |at| at.max(key.not_before));
    let ends = match (run.ends, key.not_after.0) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    if key.namespaces.is_empty() || ends.is_some_and(|end| end <= begins) {
        return None;
    }
    let namespaces: Vec<&str> = Kind::ALL
        .iter()
        .filter(|kind| key.signs(**kind) && (epochs || **kind != Kind::Epoch))
        .map(|kind| kind.namespace())
        .collect();
    let mut out = format!(r#"{} namespaces="{}""#, run.principal, namespaces.join(","));
    let from = seconds(begins);
    // ssh-keygen takes the first second of 1970 for no time at all, and refuses it.
    if from > 0 {
        let _ = write!(out, r#",valid-after="{}""#, begins.ssh_time());
    }
    if let Some(end) = ends {
        // ssh-keygen counts whole seconds and includes the last one, which must come after the
        // first; here the end is excluded.
        let last = seconds(Timestamp::from_millis(end.millis() - 1)).max(from + 1);
        let last = Timestamp::EPOCH.plus_s(last).ssh_time();
        let _ = write!(out, r#",valid-before="{last}""#);
    }
    let _ = writeln!(out, " {}", key.public_key);
    Some(out)
}

fn seconds(at: Timestamp) -> i64 {
    at.millis() / 1000
}
