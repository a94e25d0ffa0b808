//! The log as a foreign implementation sees it: golang.org/x/mod/sumdb reads the tiles that this
//! crate gives and proofs that it makes, at the sizes where the shape of the tree changes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use breakglass_store::{Ledger, SqliteLedger};
use breakglass_tlog::{Hash, encode_entries, entries_for_size, tiles_for_size};

use crate::fixture::{Home, grow, key, key_of};
use crate::tlogcheck::Auditor;

/// Where the shape changes: no leaf, one, around a full tile, around a full tile of full tiles, and
/// what is usually tried; with some in between.
const SIZES: [u64; 14] = [
    0, 1, 2, 255, 256, 257, 511, 600, 4_096, 65_535, 65_536, 65_537, 65_793, 70_000,
];

/// The most entries of one batch.
const AT_ONCE: u64 = breakglass_store::BATCH_ENTRIES_MAX as u64;

/// The auditor; without it the test of that name is recorded as skipped.
fn auditor(test: &str) -> Option<Auditor> {
    let reason = match Auditor::build() {
        Ok(auditor) => return Some(auditor),
        Err(reason) => format!("foreign::{test}: {reason}\n"),
    };
    match std::env::var_os("BREAKGLASS_SKIP_FILE") {
        Some(path) => {
            let mut options = fs::OpenOptions::new();
            let mut file = options.append(true).create(true).open(path).unwrap();
            file.write_all(reason.as_bytes()).unwrap();
        }
        None => print!("skipped {reason}"),
    }
    None
}

fn put(dir: &Path, path: &str, bytes: &[u8]) {
    let place = dir.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, bytes).unwrap();
}

/// Writes the log as static files, everything read from the ledger.
fn lay_out(ledger: &SqliteLedger, dir: &Path) {
    let size = ledger.head().size();
    for tile in tiles_for_size(size) {
        let bytes = ledger.tile(tile.level(), tile.index(), tile.width());
        put(dir, &tile.path(), &bytes.unwrap());
    }
    for bundle in entries_for_size(size) {
        let first = bundle.index() * 256;
        let entries = ledger.entries(first..first + u64::from(bundle.width()));
        let bytes = encode_entries(&entries.unwrap()).unwrap();
        put(dir, &bundle.path(), &bytes);
    }
    let checkpoint = ledger.head().checkpoint().to_text();
    put(dir, "checkpoint", checkpoint.as_bytes());
}

/// Receipts of entries at the edges of tiles, each beside its entry.
fn receipts(ledger: &SqliteLedger, dir: &Path) -> usize {
    let size = ledger.head().size();
    fs::create_dir_all(dir).unwrap();
    let mut wanted = vec![0, 1, 254, 255, 256, 257, 65_535, 65_536, 65_792];
    wanted.extend([size / 2, size.saturating_sub(1)]);
    wanted.retain(|index| *index < size);
    wanted.sort_unstable();
    wanted.dedup();
    for index in &wanted {
        let entry = ledger.entry(*index).unwrap();
        put(dir, &format!("{index}.entry"), &entry);
        let receipt = ledger.receipt(*index).unwrap();
        put(dir, &format!("{index}.tlog-proof"), receipt.as_bytes());
    }
    wanted.len()
}

/// A ledger, and a folder for what is written of it.
struct Growing {
    ledger: SqliteLedger,
    _home: Home,
    out: tempfile::TempDir,
}

impl Growing {
    fn new() -> Self {
        let home = Home::new();
        Self {
            ledger: home.create(),
            _home: home,
            out: tempfile::tempdir().unwrap(),
        }
    }

    /// The log of that size as files, in a folder of its own.
    fn at(&mut self, size: u64) -> PathBuf {
        grow(&mut self.ledger, size, AT_ONCE);
        let dir = self.out.path().join(size.to_string());
        lay_out(&self.ledger, &dir);
        dir
    }

    fn proof_file(&self, old: u64, new: u64) -> PathBuf {
        let proof = self.ledger.consistency_proof(old, new).unwrap();
        let lines: Vec<String> = proof.iter().map(Hash::to_base64).collect();
        let path = self.out.path().join("consistency");
        fs::write(&path, lines.join("\n")).unwrap();
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_foreign_implementation_accepts_the_log_at_every_size_it_grows_through() {
    let name = "a_foreign_implementation_accepts_the_log_at_every_size_it_grows_through";
    let Some(auditor) = auditor(name) else {
        return;
    };
    let vkey = key().verifier().to_string();
    let mut log = Growing::new();
    let mut seen: Vec<(u64, PathBuf)> = Vec::new();
    for size in SIZES {
        let dir = log.at(size);
        let shown = log.out.path().join(format!("receipts-{size}"));
        let count = receipts(&log.ledger, &shown);
        // Small logs are quickly read, from every size before; large ones from the last.
        let olds = if size > 1_000 { seen.len() - 1 } else { 0 };
        let mut grown: Vec<Option<&(u64, PathBuf)>> = seen[olds..].iter().map(Some).collect();
        if grown.is_empty() {
            grown.push(None);
        }
        for old in grown {
            let from = old.map_or(0, |(from, _)| *from);
            let (checkpoint, proof) = match old {
                Some((from, checkpoint)) => (text(checkpoint), log.proof_file(*from, size)),
                None => ("", PathBuf::new()),
            };
            let said = auditor.audit(
                &[
                    &[
                        "-vkey",
                        &vkey,
                        "-log",
                        text(&dir),
                        "-receipts",
                        text(&shown),
                    ][..],
                    &["-old", checkpoint, "-consistency", text(&proof)],
                ]
                .concat(),
            );
            let tiles = tiles_for_size(size).count();
            let included = if size > 64 {
                size.div_ceil(size / 64 + 1)
            } else {
                size
            };
            let proofs = if from == 0 { 0 } else { 2 };
            let expected = format!(
                "ok: size {size}, tiles {tiles}, entries {size}, included {included}, receipts \
                 {count}, consistent {proofs}"
            );
            assert_eq!(said.as_deref(), Ok(&*expected), "from {from}");
        }
        seen.push((size, dir.join("checkpoint")));
    }
}

#[test]
fn a_foreign_implementation_finds_every_damaged_missing_and_stray_file() {
    let name = "a_foreign_implementation_finds_every_damaged_missing_and_stray_file";
    let Some(auditor) = auditor(name) else {
        return;
    };
    let vkey = key().verifier().to_string();
    let mut log = Growing::new();
    let size = 600;
    let dir = log.at(size);
    let ask = || auditor.audit(&["-vkey", &vkey, "-log", text(&dir)]);
    assert!(ask().is_ok());
    let tiles = tiles_for_size(size).map(|tile| tile.path());
    let bundles = entries_for_size(size).map(|bundle| bundle.path());
    let files: Vec<String> = tiles.chain(bundles).collect();
    assert_eq!(files.len(), 7, "{files:?}");
    for path in files {
        let place = dir.join(&path);
        let good = fs::read(&place).unwrap();
        for at in [0, 3, good.len() / 2, good.len() - 1] {
            let mut flipped = good.clone();
            flipped[at] ^= 0x10;
            fs::write(&place, flipped).unwrap();
            assert!(ask().is_err(), "{path}, byte {at}");
        }
        for changed in [&good[..good.len() - 1], &[&good[..], b"x"].concat(), b""] {
            fs::write(&place, changed).unwrap();
            assert!(ask().is_err(), "{path} of {} bytes", changed.len());
        }
        fs::remove_file(&place).unwrap();
        let said = ask().unwrap_err();
        assert!(said.contains("does not exist"), "{path}: {said}");
        fs::write(&place, good).unwrap();
    }
    assert!(ask().is_ok());
    put(&dir, "tile/0/002.p/87", &[0; 87 * 32]);
    let said = ask().unwrap_err();
    assert!(said.contains("no file of a log of 600 entries"), "{said}");
}

#[test]
fn a_foreign_implementation_finds_another_key_and_another_history() {
    let name = "a_foreign_implementation_finds_another_key_and_another_history";
    let Some(auditor) = auditor(name) else {
        return;
    };
    let vkey = key().verifier().to_string();
    let mut log = Growing::new();
    let (small, large) = (log.at(300), log.at(600));
    let ask = |vkey: &str, dir: &Path, old: &Path| {
        let old = old.join("checkpoint");
        auditor.audit(&["-vkey", vkey, "-log", text(dir), "-old", text(&old)])
    };
    assert!(ask(&vkey, &large, &small).is_ok());
    let said = ask(&vkey, &small, &large).unwrap_err();
    assert!(said.contains("had 600 entries and has 300"), "{said}");
    let said = ask(&key_of(8).verifier().to_string(), &large, &small).unwrap_err();
    assert!(said.contains("no verifiable signatures"), "{said}");

    // The same key signs another history.
    let mut fork = Growing::new();
    let first = crate::fixture::batch(1..2, Vec::new());
    crate::fixture::commit(&mut fork.ledger, &first);
    let forked = fork.at(300);
    let said = ask(&vkey, &large, &forked).unwrap_err();
    assert!(said.contains("from 300 to 600 entries"), "{said}");

    // A receipt of one entry does not prove another.
    let shown = log.out.path().join("receipts");
    receipts(&log.ledger, &shown);
    let args = [
        "-vkey",
        &vkey,
        "-log",
        text(&large),
        "-receipts",
        text(&shown),
    ];
    assert!(auditor.audit(&args).is_ok());
    fs::copy(shown.join("1.entry"), shown.join("0.entry")).unwrap();
    let said = auditor.audit(&args).unwrap_err();
    assert!(said.contains("0.tlog-proof"), "{said}");
}
