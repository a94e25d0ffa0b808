//! `breakglass authority show`.

use breakglass_format::{
    authority::{Authority, Entitlement, LogIdentity},
    time::human_s,
};
use serde_json::Value;

use crate::{
    cmd::Context,
    hint::Failure,
    output::{line, table::table},
};

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let (_, trust) = cx.trust()?;
    let current = trust.authorities().current();
    if cx.output().is_json() {
        let document: Value = serde_json::from_slice(current.bytes()).unwrap_or_default();
        cx.output().json(&document);
        return Ok(());
    }
    for text in lines(current.authority()) {
        cx.output().data(&text);
    }
    // After an epoch it is not the one that the document names.
    cx.output().data(&log_lines(trust.authorities().log()));
    let signers: Vec<String> = current.armoured().map(|(p, _)| p.to_string()).collect();
    cx.output().say(&format!(
        "{}, signed by {}",
        current.digest(),
        signers.join(", ")
    ));
    Ok(())
}

/// The log as `authority.toml` names it.
pub(super) fn log_lines(log: &LogIdentity) -> String {
    format!(
        "log = {{ origin = \"{}\", vkey = \"{}\" }}",
        line(log.origin.as_str()),
        line(log.vkey.as_str())
    )
}

/// An authority as a person reads it.
pub(super) fn lines(authority: &Authority) -> Vec<String> {
    let mut out = vec![format!(
        "{}, version {}, of {}",
        line(authority.title.as_str()),
        authority.version,
        authority.issued_at
    )];
    out.extend(section(people(authority)));
    out.extend(section(accounts(authority)));
    out.extend(section(entitlements(authority)));
    out.extend(section(scenarios(authority)));
    let roots: Vec<&str> = authority
        .roots
        .persons
        .iter()
        .filter_map(|id| authority.person(id))
        .map(|p| p.principal.as_str())
        .collect();
    out.push(String::new());
    out.push(format!(
        "changed by {} of {}; log {}",
        authority.roots.threshold,
        roots.join(", "),
        line(authority.log.origin.as_str())
    ));
    out
}

fn section(lines: Vec<String>) -> impl Iterator<Item = String> {
    let gap = (!lines.is_empty()).then(String::new);
    gap.into_iter().chain(lines)
}

fn people(authority: &Authority) -> Vec<String> {
    let rows: Vec<[String; 4]> = authority
        .people
        .iter()
        .map(|p| {
            let keys: Vec<&str> = p.keys.iter().map(|k| k.fingerprint.as_str()).collect();
            [
                p.principal.to_string(),
                list(&p.groups),
                list(&p.privileges),
                keys.join(" "),
            ]
        })
        .collect();
    table(["person", "groups", "privileges", "keys"], &rows)
}

fn accounts(authority: &Authority) -> Vec<String> {
    let rows: Vec<[String; 5]> = authority
        .accounts
        .iter()
        .map(|a| {
            [
                a.name.to_string(),
                a.system.to_string(),
                a.custody.to_string(),
                a.rotator
                    .0
                    .as_ref()
                    .map_or_else(|| "people".to_owned(), ToString::to_string),
                a.on_server_loss.to_string(),
            ]
        })
        .collect();
    table(
        [
            "account",
            "system",
            "custody",
            "rotated by",
            "on server loss",
        ],
        &rows,
    )
}

fn entitlements(authority: &Authority) -> Vec<String> {
    let accounts = |e: &Entitlement| -> String {
        let names = e.accounts.iter().filter_map(|id| authority.account(id));
        list(&names.map(|a| &a.name).collect::<Vec<_>>())
    };
    let rows: Vec<[String; 6]> = authority
        .entitlements
        .iter()
        .map(|e| {
            let each = match e.require_each.is_empty() {
                true => String::new(),
                false => format!(", each of {}", list(&e.require_each)),
            };
            [
                e.name.to_string(),
                accounts(e),
                list(&e.requesters),
                format!("{} of {}{each}", e.approvals, list(&e.approvers)),
                human_s(e.max_duration_s),
                list(&e.scenarios),
            ]
        })
        .collect();
    let heading = [
        "entitlement",
        "accounts",
        "asked by",
        "approved by",
        "at most",
        "in",
    ];
    table(heading, &rows)
}

fn scenarios(authority: &Authority) -> Vec<String> {
    let rows: Vec<[String; 3]> = authority
        .scenarios
        .iter()
        .map(|s| [s.name.to_string(), list(&s.actions), human_s(s.review_s)])
        .collect();
    table(["scenario", "actions", "review within"], &rows)
}

fn list(all: &[impl ToString]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}
