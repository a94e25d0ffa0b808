//! `breakglass authority plan`: the next version, compiled against the one in force, and what it
//! would change.

use std::path::Path;

use breakglass_format::authority::{Authority, LogIdentity};
use breakglass_statement::digest;
use serde_json::json;

use super::{
    compile::{Previous, beside, compile_file, lacking},
    diff::changes,
    show::log_lines,
};
use crate::{cmd::Context, hint::Failure, output::line, state::file};

/// Compiles a file against the authority in force, and says what it changes. With `out` it is kept,
/// ready to be signed.
pub(super) fn run(path: &Path, keep: bool, cx: &Context) -> Result<(), Failure> {
    let (_, trust) = cx.trust()?;
    let current = trust.authorities().current();
    let before = Previous::from_bytes(current.bytes());
    let before = before.map_err(|e| Failure::malformed(path, e))?;
    let next = compile_file(path, Some(&before), cx.now())?;
    log_in_force(path, &next, trust.authorities().log())?;
    let bytes = next.to_bytes().map_err(|e| Failure::malformed(path, e))?;
    let (digest, changes) = (
        digest(&bytes).to_string(),
        changes(current.authority(), &next),
    );
    let out = beside(path, next.version);
    for lack in lacking(&next) {
        cx.output().warn(&format!("warning: {lack}"));
    }
    if keep {
        file::create_new(&out, &bytes)?;
    }
    if cx.output().is_json() {
        let kept = keep.then(|| out.display().to_string());
        let plan =
            json!({"changes": changes, "digest": digest, "file": kept, "version": next.version});
        cx.output().json(&plan);
        return Ok(());
    }
    for change in &changes {
        cx.output().data(change);
    }
    if changes.is_empty() {
        cx.output().say("nothing changes");
        return Ok(());
    }
    for line in consequences(current.authority(), &next) {
        cx.output().say(&line);
    }
    if keep {
        let out = out.display();
        cx.output().say(&format!(
            "version {} written to {out}, {digest}; each root person: breakglass authority sign \
             {out} --key FILE",
            next.version
        ));
    } else {
        cx.output()
            .say("nothing was written; to have it signed: --keep");
    }
    Ok(())
}

/// Refuses what would be refused once people had signed it: a version that names another log.
fn log_in_force(path: &Path, next: &Authority, log: &LogIdentity) -> Result<(), Failure> {
    if next.log == *log {
        return Ok(());
    }
    let message = format!(
        "it names the log {}, in force is {}",
        line(next.log.origin.as_str()),
        line(log.origin.as_str())
    );
    let hint = format!(
        "another log takes an epoch; in authority.toml it is {}",
        log_lines(log)
    );
    Err(Failure::malformed(path, message).hint(hint))
}

/// Who has to sign it, and what comes of it at once.
fn consequences(old: &Authority, new: &Authority) -> Vec<String> {
    let names = |a: &Authority| {
        let roots = a.roots.persons.iter().filter_map(|id| a.person(id));
        let roots: Vec<String> = roots.map(|p| p.principal.to_string()).collect();
        roots.join(", ")
    };
    let mut out = vec![format!(
        "it takes the signatures of {} of {}",
        old.roots.threshold,
        names(old)
    )];
    if old.roots != new.roots {
        out.push(format!(
            "and, among the new root persons, of {} of {}",
            new.roots.threshold,
            names(new)
        ));
    }
    if adds(old, new) {
        out.push(format!(
            "keys and memberships that it adds approve after 24 hours; at once only if all of {} sign",
            names(old)
        ));
    }
    out.push(
        "requests that wait become void where it touches their account, entitlement or people"
            .to_owned(),
    );
    out
}

/// Whether somebody gets a key or joins a group.
fn adds(old: &Authority, new: &Authority) -> bool {
    new.people.iter().any(|person| {
        let before = old.person(&person.person);
        let keys = person.keys.iter();
        let mut new_keys = keys.filter(|k| before.is_none_or(|b| b.key(&k.fingerprint).is_none()));
        let mut joins = person
            .groups
            .iter()
            .filter(|g| before.is_none_or(|b| !b.in_group(g)));
        new_keys.next().is_some() || joins.next().is_some()
    })
}
