//! Every parser, on its true documents with a few bytes changed. `BREAKGLASS_MUTATIONS` makes the
//! run longer.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on ends, and says where"
)]

use std::collections::BTreeSet;

use breakglass_fuzz::{
    PARSERS, Parser,
    mutation::{changed, run},
    parser,
};

/// Lists of changes, each made to every document of a parser, as far as nothing else is said.
const MUTATIONS: u32 = 60_000;

fn mutations() -> u32 {
    let wanted = std::env::var("BREAKGLASS_MUTATIONS").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(MUTATIONS)
}

/// Runs the parser of that name on its documents as they are, and on each with changes.
fn attack(name: &str, each_costs: u32) {
    assert!(ATTACKED.contains(&name));
    let Parser { holds, corpus, .. } = parser(name).unwrap();
    let corpus = corpus();
    for document in &corpus {
        holds(document);
    }
    let mut next = 0;
    run(mutations() / each_costs, |changes| {
        holds(&changed(&corpus[next % corpus.len()], changes));
        next += 1;
    });
}

/// The tests below are these.
const ATTACKED: [&str; 19] = [
    "json",
    "entry",
    "derive",
    "statement",
    "signed",
    "signature",
    "note",
    "proof",
    "log-key",
    "tile",
    "add-checkpoint",
    "witness-answer",
    "policy",
    "sealed",
    "release",
    "quorum",
    "share",
    "credential",
    "call",
];

#[test]
fn every_parser_is_attacked() {
    let all: BTreeSet<_> = PARSERS.iter().map(|parser| parser.name).collect();
    assert_eq!(BTreeSet::from(ATTACKED), all);
}

#[test]
fn changed_json_is_refused_or_spelled_as_it_was_written() {
    attack("json", 1);
}

#[test]
fn a_changed_entry_is_refused_or_spelled_as_it_was_written() {
    attack("entry", 1);
}

#[test]
fn an_auditor_is_answered_whatever_a_log_holds() {
    attack("derive", 200);
}

#[test]
fn a_changed_statement_is_refused_or_spelled_as_it_was_written() {
    attack("statement", 1);
}

#[test]
fn no_changed_statement_verifies() {
    attack("signed", 100);
}

#[test]
fn a_changed_signature_or_key_is_refused_or_spelled_as_it_was_written() {
    attack("signature", 1);
}

#[test]
fn a_changed_note_is_refused_or_spelled_as_it_was_written() {
    attack("note", 4);
}

#[test]
fn a_changed_proof_is_refused_or_proves_the_same() {
    attack("proof", 4);
}

#[test]
fn a_changed_log_key_is_refused_or_spelled_as_it_was_written() {
    attack("log-key", 4);
}

#[test]
fn a_changed_tile_is_refused_or_spelled_as_it_was_written() {
    attack("tile", 1);
}

#[test]
fn a_changed_request_to_a_witness_is_refused_or_asks_the_same() {
    attack("add-checkpoint", 16);
}

#[test]
fn a_changed_answer_of_a_witness_is_refused_or_spelled_as_it_was_written() {
    attack("witness-answer", 2);
}

#[test]
fn a_changed_policy_is_refused_or_means_the_same_written_again() {
    attack("policy", 16);
}

#[test]
fn a_changed_sealed_credential_is_refused_or_spelled_as_it_was_written() {
    attack("sealed", 1);
}

#[test]
fn a_changed_quorum_envelope_is_refused_or_spelled_as_it_was_written() {
    attack("quorum", 2);
}

#[test]
fn a_changed_share_is_refused_or_spelled_as_it_was_written() {
    attack("share", 1);
}

#[test]
fn a_changed_release_is_refused_or_spelled_as_it_was_written() {
    attack("release", 1);
}

#[test]
fn a_changed_credential_is_refused_or_spelled_as_it_was_written() {
    attack("credential", 1);
}

#[test]
fn a_changed_body_is_refused_or_read_the_same_again() {
    attack("call", 4);
}
