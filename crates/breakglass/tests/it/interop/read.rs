//! Somebody else's verifier, Tessera's fsck, on our log: it hashes every entry, makes every tile
//! anew and compares, and compares the root with the checkpoint.

use std::path::Path;

use breakglass_server::config::Public;

use super::programs::{program, said};
use crate::served::House;

/// What is asked of it, besides where.
struct Fsck {
    origin: String,
    key: std::path::PathBuf,
}

impl Fsck {
    fn of(house: &House, dir: &Path) -> Self {
        let log = house.cast.frank.trust().log();
        let key = dir.join("log.vkey");
        std::fs::write(&key, log.key.to_string()).unwrap();
        Self {
            origin: log.key.name().as_str().to_owned(),
            key,
        }
    }

    /// Whether it is content with a log of this size, and what it said.
    ///
    /// It ends with 0 whatever it finds, so its words count: those of success, with the size. It
    /// waits for ever behind a worker that has found something, unless it has more of them than
    /// there are tiles.
    fn accepts(&self, url: &str, token: Option<&str>, size: u64) -> Result<(), String> {
        let mut command = program("fsck");
        command.arg(format!("--storage_url={url}"));
        command.arg(format!("--origin={}", self.origin));
        command.arg(format!("--public_key={}", self.key.display()));
        command.args(["--ui=false", "--logtostderr", "--N=16"]);
        command.args(token.map(|token| format!("--bearer_token={token}")));
        let told = said(&command.output().unwrap());
        let success = format!("Successfully fsck'd log with size {size} ");
        match told.contains(&success) && !told.contains("fsck failed") {
            true => Ok(()),
            false => Err(told),
        }
    }
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_verifier_accepts_the_served_and_the_exported_log_as_they_grow() {
    let mut house = House::of(Public::Checkpoint);
    let dir = tempfile::tempdir().unwrap();
    let fsck = Fsck::of(&house, dir.path());
    let served = format!("{}/log/", house.scene.url);
    for size in [0, 256, 258] {
        house.grow(size);
        let size = house.scene.log_size();
        let token = Some(house.token.as_str());
        assert_eq!(fsck.accepts(&served, token, size), Ok(()));
        let out = dir.path().join(size.to_string());
        house.export(&out);
        let folder = format!("file://{}/", out.join("log").display());
        assert_eq!(fsck.accepts(&folder, None, size), Ok(()));
        // Another size than it has is not what it says.
        assert!(fsck.accepts(&folder, None, size + 1).is_err());
    }
    // Without the session it gets no further than the checkpoint.
    let size = house.scene.log_size();
    let told = fsck.accepts(&served, None, size).unwrap_err();
    assert!(
        told.contains("fsck failed") && told.contains("401"),
        "{told}"
    );
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_verifier_finds_a_flipped_byte_wherever_it_is() {
    let mut house = House::of(Public::Checkpoint);
    let dir = tempfile::tempdir().unwrap();
    let fsck = Fsck::of(&house, dir.path());
    house.grow(258);
    let size = house.scene.log_size();
    let out = dir.path().join("evidence");
    house.export(&out);
    let log = out.join("log");
    let folder = format!("file://{}/", log.display());
    assert_eq!(fsck.accepts(&folder, None, size), Ok(()));
    let rest = size - 256;
    let files = [
        "checkpoint".to_owned(),
        "tile/entries/000".to_owned(),
        format!("tile/entries/001.p/{rest}"),
        "tile/0/000".to_owned(),
        format!("tile/0/001.p/{rest}"),
        "tile/1/000.p/1".to_owned(),
    ];
    for file in files {
        let path = log.join(&file);
        let whole = std::fs::read(&path).unwrap();
        // Not at the very end of the checkpoint: Go's base64 overlooks bits that mean nothing.
        for place in [whole.len() / 2, whole.len() - 12] {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            std::fs::write(&path, flipped).unwrap();
            let told = fsck.accepts(&folder, None, size);
            let told = told.expect_err(&format!("byte {place} of {file}"));
            assert!(told.contains("fsck failed"), "{file}: {told}");
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert_eq!(fsck.accepts(&folder, None, size), Ok(()));
}
