//! Somebody else's log asks our witness: Tessera keeps it, proves that it only grows and speaks to
//! the witness, and publishes nothing that was not cosigned.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use breakglass_tlog::{KeyName, SignedCheckpoint, SigningKey};

use super::programs::{program, said};
use crate::{witness::Witness, witnessed::line};

const ORIGIN: &str = "tessera.example/log";

/// The log's key and policy as files, and the witness of the policy.
struct Stand {
    dir: tempfile::TempDir,
    key: SigningKey,
    witness: Witness,
}

impl Stand {
    fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[3; 32]);
        let at = |name: &str| dir.path().join(name);
        let witness = Witness::start_as("ours.example/w", &at("witness"), key.verifier());
        let lines = line("ours", &witness);
        let policy = format!("log {}\n{lines}quorum ours\n", key.verifier());
        std::fs::write(at("policy"), policy).unwrap();
        std::fs::write(at("key"), key.to_text().as_bytes()).unwrap();
        Self { dir, key, witness }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Adds entries to the log in a folder, and waits a while until they are published.
    fn grow(&self, log: &Path, entry: &str, entries: u64, patient: &str) -> Output {
        let mut command = program("tesseralog");
        command.arg("-dir").arg(log);
        command.arg("-key").arg(self.at("key"));
        command.arg("-policy").arg(self.at("policy"));
        command.args(["-entry", entry, "-entries", &entries.to_string()]);
        command.args(["-patient", patient]).output().unwrap()
    }

    /// The size of what it published, cosigned by our witness.
    fn published(&self, output: &Output) -> u64 {
        assert!(output.status.success(), "{}", said(output));
        let opened = SignedCheckpoint::open(&output.stdout, ORIGIN, self.key.verifier()).unwrap();
        let lines = opened.verify_signatures(&[&self.witness.key]).unwrap();
        assert!(lines[0].time.is_some(), "{lines:?}");
        opened.checkpoint().size()
    }
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_log_has_our_witness_cosign_it_while_it_grows() {
    let stand = Stand::set();
    let log = stand.at("log");
    let mut size = 0;
    // Within a tile, across one, and behind one.
    for entries in [3, 300, 1] {
        let output = stand.grow(&log, "of the log", entries, "60s");
        size += entries;
        assert_eq!(stand.published(&output), size);
    }
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_log_that_forks_gets_nothing_from_our_witness() {
    let stand = Stand::set();
    // Two trees under one key, as long as they are empty the same.
    for folder in ["log", "fork"] {
        let empty = stand.grow(&stand.at(folder), "", 0, "60s");
        assert_eq!(stand.published(&empty), 0);
    }
    let first = stand.grow(&stand.at("log"), "of the log", 3, "60s");
    assert_eq!(stand.published(&first), 3);
    let forked = stand.grow(&stand.at("fork"), "what never happened", 20, "10s");
    assert_eq!(forked.status.code(), Some(1), "{}", said(&forked));
    assert!(forked.stdout.is_empty());
    let told = said(&forked);
    assert!(told.contains("consistency proof is bad"), "{told}");
    let told = stand.witness.says("was not proven to continue");
    assert!(told.contains(ORIGIN), "{told}");
    // The true one goes on.
    let output = stand.grow(&stand.at("log"), "of the log", 1, "60s");
    assert_eq!(stand.published(&output), 4);
}
