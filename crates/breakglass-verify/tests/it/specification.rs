//! The codes of findings against `docs/spec/evidence.md`.

use std::{collections::BTreeSet, fs, path::Path};

/// Words with an underscore in the sources that are no codes: fields, commands.
const OTHERS: &[&str] = &[
    "account_gone",
    "attest_rotation",
    "attested_by",
    "complete_review",
    "control_plane",
    "decide_cab",
    "file_report",
    "follow_ups",
    "notify_cab",
    "set_contact",
    "review_access",
    "root_cause",
    "update_procedure",
    "waived_by",
    "add_credential",
    "all_roots",
    "approve_by",
    "blast_radius",
    "due_at",
    "duration_s",
    "incident_id",
    "known_to",
    "log_index",
    "not_after",
    "not_before",
    "run_id",
    "session_key",
    "allowed_signers",
    "event_type",
    "_type",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first cell of every row of the tables below the heading.
fn documented() -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("../../docs/spec/evidence.md")).unwrap();
    let (_, findings) = page.split_once("\n## Findings\n").unwrap();
    let rows = findings.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

/// Every source text of this crate, without its tests.
fn sources() -> String {
    let mut waiting = vec![root().join("src")];
    let mut out = String::new();
    while let Some(folder) = waiting.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let text = fs::read_to_string(path).unwrap();
                out.push_str(text.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    out
}

fn is_code(word: &str) -> bool {
    word.contains('_') && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[test]
fn every_code_is_documented_and_every_documented_code_exists() {
    let (sources, documented) = (sources(), documented());
    for code in &documented {
        assert!(
            sources.contains(&format!("\"{code}\"")),
            "{code} is nowhere in the sources"
        );
    }
    let literals = sources.split('"').filter(|word| is_code(word));
    let undocumented: BTreeSet<&str> = literals
        .filter(|word| !documented.contains(*word) && !OTHERS.contains(word))
        .collect();
    assert_eq!(undocumented, BTreeSet::new());
}
