//! The first entries of a new log: its start, the genesis authority, the enrolments made with it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use breakglass_core::{Author, Command, Draft, command::Publication};
use breakglass_format::{Digest, Event, EventId, Line, Principal, Timestamp, event::LogStarted};
use breakglass_statement::{
    AuthoritySet, ChainError, StatementError, VerifiedAuthority, VerifiedEnroll, verify_enroll,
};
use thiserror::Error;

/// Signed texts that a new log begins with.
#[derive(Debug, Clone, Default)]
pub struct Genesis {
    /// The authority document's bytes.
    pub authority: Vec<u8>,
    /// The root persons' armoured signatures.
    pub signatures: Vec<(Principal, String)>,
    /// Enrolments: statement and armoured signature.
    pub enrolments: Vec<(Vec<u8>, String)>,
}

/// Why a new log cannot begin.
#[derive(Debug, Error)]
pub enum GenesisError {
    /// A file cannot be read.
    #[error("genesis file {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file has no usable name.
    #[error("genesis file {path} is not named authority.<principal>.sig or enroll/<name>.json")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The log is new, and nothing says what it begins with.
    #[error("the log is new and the configuration names no genesis_dir")]
    Missing,
    /// The authority does not hold.
    #[error("genesis: {0}")]
    Chain(#[from] ChainError),
    /// An enrolment does not hold.
    #[error("enrolment: {0}")]
    Enroll(#[from] StatementError),
    /// The rules refuse a first entry.
    #[error("genesis: {0}")]
    Refused(#[from] breakglass_core::Refusal),
    /// A first entry does not fit.
    #[error("genesis: {0}")]
    TooLarge(String),
}

impl Genesis {
    /// Reads `authority.json`, `authority.<principal>.sig` (or `authority.json.<principal>.sig`, as
    /// `authority sign` names it) and `enroll/<name>.json` with
    /// `enroll/<name>.json.sig` from a folder.
    pub fn read(dir: &Path) -> Result<Self, GenesisError> {
        let mut genesis = Self {
            authority: read(&dir.join("authority.json"))?,
            ..Self::default()
        };
        for path in sorted(dir)? {
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            let principal = name
                .strip_prefix("authority.")
                .map(|rest| rest.strip_prefix("json.").unwrap_or(rest))
                .and_then(|rest| rest.strip_suffix(".sig"));
            if let Some(principal) = principal {
                let principal = principal
                    .parse()
                    .map_err(|_| GenesisError::Name { path: path.clone() })?;
                genesis.signatures.push((principal, text(&path)?));
            }
        }
        let enroll = dir.join("enroll");
        if enroll.is_dir() {
            for path in sorted(&enroll)? {
                if path.extension().is_some_and(|e| e == "json") {
                    let mut sig = path.clone().into_os_string();
                    sig.push(".sig");
                    genesis
                        .enrolments
                        .push((read(&path)?, text(Path::new(&sig))?));
                }
            }
        }
        Ok(genesis)
    }

    /// Verifies it against the pin.
    pub(crate) fn verify(
        &self,
        pin: Digest,
    ) -> Result<(AuthoritySet, Vec<VerifiedEnroll>), GenesisError> {
        let set = AuthoritySet::genesis(&self.authority, &self.signatures, Some(pin))?;
        let enrolments: Result<Vec<VerifiedEnroll>, StatementError> = self
            .enrolments
            .iter()
            .map(|(bytes, armoured)| verify_enroll(bytes, armoured, &set))
            .collect();
        Ok((set, enrolments?))
    }
}

/// Entry 0.
pub(crate) fn log_started(authority: &VerifiedAuthority, at: Timestamp, random: [u8; 10]) -> Draft {
    let log = &authority.authority().log;
    let event = LogStarted {
        genesis: authority.digest(),
        origin: log.origin.clone(),
        software: Line::lossy(concat!("breakglass ", env!("CARGO_PKG_VERSION"))),
        vkey: log.vkey.clone(),
    };
    Draft {
        id: EventId::new(at, random),
        event: Event::LogStarted(event),
        author: Author::System("log"),
    }
}

/// The command that publishes a verified authority.
pub(crate) fn publication(authority: &VerifiedAuthority) -> Command {
    Command::Publish(Publication {
        authority: authority.authority().clone().into(),
        digest: authority.digest(),
        all_roots: authority.all_roots(),
        signatures: authority.signatures(),
    })
}

/// Bytes of an authority and its signatures, which lie beside its entry.
pub(crate) fn authority_blobs(authority: &VerifiedAuthority) -> Vec<breakglass_store::Blob> {
    let document = crate::engine::public(authority.bytes().to_vec());
    let signatures = authority
        .armoured()
        .map(|(_, armoured)| crate::engine::public(armoured.as_bytes().to_vec()));
    // The same signature twice is one blob.
    let blobs: BTreeMap<Digest, breakglass_store::Blob> = std::iter::once(document)
        .chain(signatures)
        .map(|b| (b.digest, b))
        .collect();
    blobs.into_values().collect()
}

fn sorted(dir: &Path) -> Result<Vec<PathBuf>, GenesisError> {
    let error = |source| GenesisError::Read {
        path: dir.to_owned(),
        source,
    };
    let entries: Result<Vec<_>, _> = std::fs::read_dir(dir).map_err(error)?.collect();
    let mut paths: Vec<PathBuf> = entries
        .map_err(error)?
        .into_iter()
        .map(|e| e.path())
        .collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<u8>, GenesisError> {
    std::fs::read(path).map_err(|source| GenesisError::Read {
        path: path.to_owned(),
        source,
    })
}

fn text(path: &Path) -> Result<String, GenesisError> {
    std::fs::read_to_string(path).map_err(|source| GenesisError::Read {
        path: path.to_owned(),
        source,
    })
}
