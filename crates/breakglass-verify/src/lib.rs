//! Writes the evidence folder of a log, and says of one whether it is true.
//!
//! Everything here works offline, from bytes: no clock, no network, no configuration, and no input
//! or output but the files of a folder. It shares the shapes, the signatures and the Merkle tree
//! with the rest of the project, and none of the rules: [`derive()`] reads the procedure a second
//! time, on its own, and in one sitting.
//!
//! | module | what it settles |
//! |---|---|
//! | [`folder`], [`disk`] | files in memory, to and from a disk |
//! | [`files`] | files wherever they lie, read one by one and piece by piece |
//! | [`assembly`] | log to folder, or an earlier export made the one of today: the same log always gives the same bytes |
//! | [`check()`] | folder to verdict: tree, hashes and signatures first, then the rules |
//! | [`derive()`] | entries and verified statements to what they add up to, and what they break |
//! | [`verdict`] | outcome, findings, exit codes |
//! | [`watch`] | how far a check has come |
//!
//! The folder, the order of the checks and the exit codes are in `docs/spec/evidence.md`.

pub mod assembly;
mod authority;
pub mod check;
pub mod derive;
pub mod disk;
pub mod files;
pub mod folder;
mod layout;
mod parallel;
mod record;
mod table;
mod tree;
pub mod verdict;
pub mod watch;

pub use assembly::Assembly;
pub use authority::AuthorityFault;
pub use check::{Options, check, check_files, open_checkpoint};
pub use derive::{Derived, Record, derive};
pub use disk::OnDisk;
pub use files::Files;
pub use folder::{Folder, FolderError};
pub use layout::Fault;
pub use verdict::{Cosigned, Cosigner, Facts, Finding, Level, Outcome, Verdict};
pub use watch::{Progress, Step, Watch};

use breakglass_format::Digest;
use sha2::{Digest as _, Sha256};

/// SHA-256 of bytes, as entries spell it.
fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}
