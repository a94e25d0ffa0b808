//! Who may read what: every operation of the API that reads, by everybody, about an open and a
//! closed incident, as one table. A new operation has no row, and fails.
//!
//! What is posted is in a table of its own (`breakglass-testkit/tests/it/access.rs`).

use std::{collections::BTreeMap, fmt::Write as _};

use breakglass_format::Digest;
use serde_json::Value;

use crate::{
    aftermath::closed,
    attacks::wire::get,
    course::Terminal,
    scene::{rollback, wait},
};

/// Who reads: nobody without a token, and everybody of the house.
const READERS: [&str; 8] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
];

/// A house with a closed incident of alice's and an open one, in which something is run.
fn house() -> Terminal {
    let t = closed();
    t.ask();
    t.does("bob", &["approve", "--yes"]);
    t.does("carol", &["approve", "R-2", "--yes"]);
    let mut alice = t.house.actor("alice").unwrap();
    alice.run("G-2", rollback(), None).unwrap();
    wait("the run", || {
        let runs = alice.client().runs().unwrap();
        runs.iter().any(|r| r.state == "verified")
    });
    t
}

/// What stands where a path has a parameter, for the closed and the open incident.
fn filled(path: &str, run: &str, request: Digest) -> Vec<(&'static str, String)> {
    let both = |closed: &str, open: &str| {
        let put = |id: &str| path.replace("{id}", id);
        vec![("closed", put(closed)), ("open", put(open))]
    };
    match path {
        _ if path.starts_with("/v1/incidents/") => both("INC-1", "INC-2"),
        _ if path.starts_with("/v1/requests/") => both("R-1", "R-2"),
        _ if path.starts_with("/v1/grants/") => both("G-1", "G-2"),
        "/v1/runs/{id}" => vec![("open", path.replace("{id}", run))],
        "/v1/terms" => both("INC-1", "INC-2")
            .into_iter()
            .zip(["INC-1", "INC-2"])
            .map(|((of, path), incident)| {
                (of, format!("{path}?account=shop-root&incident={incident}"))
            })
            .collect(),
        "/v1/accounts/{account}/proposals" => {
            vec![("account", path.replace("{account}", "shop-root"))]
        }
        "/v1/blobs/{digest}" => vec![("request", path.replace("{digest}", &request.to_string()))],
        "/v1/log/proof/{index}" => vec![("entry 0", path.replace("{index}", "0"))],
        "/v1/log/consistency" => vec![("", format!("{path}?old=1&new=2"))],
        "/log/tile/{level}/{index}" => vec![
            ("tile 0", "/log/tile/0/000.p/1".to_owned()),
            ("no tile", "/log/tile/9/000".to_owned()),
        ],
        "/log/tile/entries/{index}" => vec![
            ("entry 0", "/log/tile/entries/000.p/1".to_owned()),
            ("no entry", "/log/tile/entries/999".to_owned()),
        ],
        "/v1/log/entries" => vec![("", format!("{path}?from=0"))],
        "/v1/log/search" => vec![
            ("log", path.to_owned()),
            ("closed", format!("{path}?incident=INC-1")),
            ("open", format!("{path}?incident=INC-2")),
        ],
        "/log/checkpoint" | "/v1/accounts" | "/v1/authority" | "/v1/grants" | "/v1/incidents"
        | "/v1/log/checkpoint" | "/v1/log/cosigned" | "/v1/people" | "/v1/readiness"
        | "/v1/requests" | "/v1/runs" | "/v1/status" | "/v1/whoami" => vec![("", path.to_owned())],
        other => panic!("nobody says who may read {other}"),
    }
}

/// The paths that are read, from the API's description.
fn paths() -> Vec<String> {
    let described: Value = serde_json::from_str(&breakglass_server::openapi()).unwrap();
    let paths = described["paths"].as_object().unwrap().iter();
    let read = paths.filter(|(_, methods)| methods.get("get").is_some());
    read.map(|(path, _)| path.clone()).collect()
}

fn table() -> String {
    let t = house();
    let actors = READERS.map(|who| (who, t.house.actor(who).unwrap()));
    let tokens = actors.iter().map(|(who, actor)| {
        let token = actor.session().unwrap().token().to_owned();
        (*who, Some(token))
    });
    let mut readers = vec![("nobody", None), ("thief", Some("stolen".repeat(8)))];
    readers.extend(tokens);
    let alice = &actors[0].1;
    let run = alice.client().runs().unwrap().remove(0).id;
    let request = alice.client().request("R-2").unwrap().request;
    let request = breakglass_statement::digest(request.statement.as_bytes());
    let mut table = String::from(
        "# Who may read what: the status, and the code of a refusal. Written by the test `reads`;\n\
         # BREAKGLASS_BLESS=1 writes it again.\n",
    );
    for path in paths() {
        let _ = writeln!(table, "\nGET {path}");
        for (of, at) in filled(&path, &run, request) {
            let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for (who, token) in &readers {
                let reply = get(&t.house.url, &at, token.as_deref());
                let cell = match reply.status {
                    200 => "200".to_owned(),
                    status => format!("{status} {}", reply.problem().code),
                };
                outcomes.entry(cell).or_default().push(who);
            }
            for (cell, who) in outcomes {
                let _ = writeln!(table, "  {of:<8} {cell:<22} {}", who.join(" "));
            }
        }
    }
    table
}

#[test]
fn everybody_reads_what_they_always_might() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/reads.txt");
    let table = table();
    if std::env::var_os("BREAKGLASS_BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    let differs = kept.lines().zip(table.lines()).find(|(a, b)| a != b);
    assert!(kept == table, "{path} differs: {differs:?}");
}
