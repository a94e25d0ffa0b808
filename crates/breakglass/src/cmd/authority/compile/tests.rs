use breakglass_format::{Timestamp, statement::Kind};

use super::*;
use crate::{entropy::SystemEntropy, signer::generate_ed25519};

const AT: &str = "2026-01-06T10:00:00.000Z";

pub(in crate::cmd::authority) fn text(keys: &[String]) -> String {
    format!(
        r#"
title = "Example"
[log]
origin = "breakglass.example/log"
vkey = "breakglass.example/log+84451a32+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
[roots]
threshold = 2
persons = ["alice", "bo.b"]
[clocks]
resolve = "24h"
rotation = "1h"
[[person]]
principal = "alice"
name = "Alice"
groups = ["sre"]
key = [{{ public_key = "{}" }}]
[[person]]
principal = "bo.b"
name = "Bo"
groups = ["sre", "security"]
privileges = ["account"]
key = [{{ public_key = "{}" }}]
[[account]]
name = "prod-db-root"
system = "postgres at db1"
on_server_loss = "the password stays valid until it is rotated by hand"
[[entitlement]]
name = "databases"
accounts = ["prod-db-root"]
requesters = ["sre"]
approvers = ["sre", "security"]
"#,
        keys[0], keys[1]
    )
}

pub(in crate::cmd::authority) fn keys() -> Vec<String> {
    let key = || {
        generate_ed25519(&mut SystemEntropy, "c")
            .unwrap()
            .public_file
    };
    (0..2).map(|_| key().trim_end().to_owned()).collect()
}

fn at() -> Timestamp {
    AT.parse().unwrap()
}

#[test]
fn names_become_ids_and_defaults_are_spelled_out() {
    let authority = compile(&text(&keys()), Path::new(""), None, at()).unwrap();
    let bo = &authority.people[1];
    assert_eq!(bo.person.as_str(), "per_bo_b");
    assert!(bo.keys[0].namespaces.contains(&Kind::Authority));
    assert_eq!(bo.keys[0].not_before, at());
    let entitlement = &authority.entitlements[0];
    assert_eq!(entitlement.accounts[0].as_str(), "acc_prod_db_root");
    assert_eq!(
        (entitlement.approvals, entitlement.max_duration_s),
        (2, 14_400)
    );
    let scenarios: Vec<&str> = entitlement.scenarios.iter().map(|n| n.as_str()).collect();
    assert_eq!(
        scenarios,
        ["critical-patch", "production-outage", "system-failure"]
    );
    let bytes = authority.to_bytes().unwrap();
    assert_eq!(Authority::from_bytes(&bytes).unwrap(), authority);
}

#[test]
fn the_next_version_follows_and_keys_do_not_become_young() {
    let text = text(&keys());
    let bytes = compile(&text, Path::new(""), None, at())
        .unwrap()
        .to_bytes()
        .unwrap();
    let previous = Previous::from_bytes(&bytes).unwrap();
    let later = at().plus_s(86_400);
    let next = compile(&text, Path::new(""), Some(&previous), later).unwrap();
    assert_eq!(next.version, 2);
    assert_eq!(next.previous.0, Some(breakglass_statement::digest(&bytes)));
    assert_eq!(next.issued_at, later);
    assert_eq!(next.people[0].keys[0].not_before, at());
}

#[test]
fn mistakes_are_named() {
    let good = text(&keys());
    let cases = [
        (good.replace("threshold = 2", "threshold = 1"), "threshold"),
        (
            good.replace("resolve = \"24h\"", "resolve = \"soon\""),
            "soon",
        ),
        (good.replace("title =", "titel ="), "titel"),
        (
            good.replace("accounts = [\"prod-db-root\"]", "accounts = [\"prod-db\"]"),
            "account prod-db is not in this file",
        ),
        (
            good.replace(
                "persons = [\"alice\", \"bo.b\"]",
                "persons = [\"alice\", \"carol\"]",
            ),
            "person carol is not in this file",
        ),
        (good.replace("ssh-ed25519", "ssh-rsa"), "rsa"),
    ];
    for (wrong, named) in cases {
        let error = compile(&wrong, Path::new(""), None, at())
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
}
