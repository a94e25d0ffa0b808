//! The file from which a start goes on instead of from entry 0.
//!
//! It holds the world at some size of the log, and is a convenience: losing it costs time. Whoever
//! could alter it could alter what was ever decided, so it is authenticated with a key that comes
//! from the log's signing key, which is in no database; it is bound to the version of the rules;
//! its root must be one that the log had; and behind the start the log is read from entry 0 and
//! must give the same world ([`crate::recheck`]).
//!
//! ```text
//! breakglass/snapshot/v1
//! rules <version of the rules>
//! size <entries>
//! root <base64>
//! authorities <index of each AUTHORITY_PUBLISHED>…
//! tag <base64 over the lines above and SHA-256 of what follows>
//!
//! <the world, CBOR>
//! ```

use std::{
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_core::{
    World,
    snapshot::{RULES, SnapshotError},
};
use breakglass_store::{DurableError, FileMode, write_durably};
use breakglass_tlog::{Hash, SigningKey};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::engine::Published;

/// The first line, which is also what the key is derived for.
const FORMAT: &str = "breakglass/snapshot/v1";
/// The file, beside the log.
const NAME: &str = "world.snapshot";
/// The longest snapshot that is read: a world of ten thousand closed incidents takes a hundredth.
const BYTES_MAX: u64 = 4 << 30;
/// The longest head.
const HEAD_MAX: usize = 64 * 1024;

/// A snapshot that is as this server wrote it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Entries that the world comes from.
    pub(crate) size: u64,
    /// The root of the log at that size.
    pub(crate) root: Hash,
    /// Where the versions of the authority lie.
    pub(crate) authorities: Vec<u64>,
    /// The world.
    pub(crate) world: World,
}

/// Why no snapshot was written. The old one, if there is one, is still there.
#[derive(Debug, Error)]
pub(crate) enum WriteError {
    /// The world cannot be written.
    #[error(transparent)]
    World(#[from] SnapshotError),
    /// It cannot be authenticated, and would count as none.
    #[error("the snapshot cannot be authenticated")]
    Tag,
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] DurableError),
}

/// Where the snapshot lies, and what it is authenticated with.
pub(crate) struct SnapshotFile {
    path: PathBuf,
    key: Hkdf<Sha256>,
}

impl std::fmt::Debug for SnapshotFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SnapshotFile {
    /// The snapshot beside a log that signs with this key.
    pub(crate) fn beside(data_dir: &Path, log_key: &SigningKey) -> Self {
        let secret = log_key.to_text();
        Self {
            path: data_dir.join(NAME),
            key: Hkdf::new(Some(FORMAT.as_bytes()), secret.as_bytes()),
        }
    }

    /// The snapshot, if there is one that this server wrote under the same rules. Whatever else is
    /// there counts as none: the log says the same, and takes longer.
    pub(crate) fn read(&self) -> Option<Kept> {
        let bytes = self.bytes()?;
        let head_end = bytes
            .iter()
            .take(HEAD_MAX)
            .zip(bytes.iter().skip(1))
            .position(|pair| pair == (&b'\n', &b'\n'))?;
        let (head, body) = bytes.split_at_checked(head_end + 1)?;
        let body = body.strip_prefix(b"\n")?;
        let head = std::str::from_utf8(head).ok()?;
        let (signed, tag) = head.strip_suffix('\n')?.rsplit_once("\ntag ")?;
        let tag = STANDARD.decode(tag).ok()?;
        if !bool::from(self.tag(signed, body)?.ct_eq(&tag)) {
            return None;
        }
        let (size, root, authorities) = parse(signed)?;
        let world = World::from_snapshot(body).ok()?;
        (world.size() == size).then_some(Kept {
            size,
            root,
            authorities,
            world,
        })
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let file = File::open(&self.path).ok()?;
        let mut bytes = Vec::new();
        let read = file.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
        (u64::try_from(read).ok()? < BYTES_MAX).then_some(bytes)
    }

    /// Replaces the snapshot by the world as it is published.
    pub(crate) fn write(&self, published: &Published) -> Result<(), WriteError> {
        let body = published.world.to_snapshot()?;
        let mut head = format!(
            "{FORMAT}\nrules {RULES}\nsize {}\nroot {}\nauthorities",
            published.head.size(),
            published.head.root().to_base64(),
        );
        for index in published.authority_at.iter() {
            // Writing to a string does not fail.
            let _ = write!(head, " {index}");
        }
        let tag = self.tag(&head, &body).ok_or(WriteError::Tag)?;
        let mut bytes = format!("{head}\ntag {}\n\n", STANDARD.encode(tag)).into_bytes();
        bytes.extend_from_slice(&body);
        Ok(write_durably(&self.path, &bytes, FileMode::OwnerOnly)?)
    }

    /// Removes it: it is not what the log says.
    pub(crate) fn remove(&self) {
        // Where it cannot be removed it is found out again at the next start.
        let _ = std::fs::remove_file(&self.path);
    }

    fn tag(&self, head: &str, body: &[u8]) -> Option<[u8; 32]> {
        let mut tag = [0; 32];
        let body = Sha256::digest(body);
        let info = [head.as_bytes(), b"\0", body.as_slice()];
        self.key.expand_multi_info(&info, &mut tag).ok()?;
        Some(tag)
    }
}

/// The lines of the head, under these rules.
fn parse(head: &str) -> Option<(u64, Hash, Vec<u64>)> {
    let mut lines = head.split('\n');
    if lines.next()? != FORMAT || lines.next()?.strip_prefix("rules ")? != RULES {
        return None;
    }
    let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
    let root = Hash::from_base64(lines.next()?.strip_prefix("root ")?).ok()?;
    let indexes = lines.next()?.strip_prefix("authorities ")?.split(' ');
    let authorities = indexes
        .map(|index| index.parse().ok())
        .collect::<Option<_>>()?;
    lines.next().is_none().then_some((size, root, authorities))
}
