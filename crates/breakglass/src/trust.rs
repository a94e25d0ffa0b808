//! What a client believes of an installation: the authority, verified from the pinned genesis, and
//! the log, whose every checkpoint must continue the last one that was seen.

mod crossing;

use std::sync::{Arc, OnceLock};

use breakglass_api::{Client, ClientError, LogTrust, wire::AuthoritySubmission};
use breakglass_format::{Digest, Principal, Timestamp, authority::Authority};
use breakglass_statement::{AuthoritySet, ChainError, EpochError};
use breakglass_tlog::{Checkpoint, Hash, HashError, OpenError, SignedCheckpoint, VerifierKey};
use thiserror::Error;

use crate::state::{
    AuthorityPin, PinError, Pins,
    pins::{EpochPin, Step},
};

pub use crossing::Crossed;

/// How often another process may pin something while we compare.
const CONTENTION_MAX: usize = 100;

/// Why an installation is not believed.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The server could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It shows no authority at all.
    #[error("the server shows no authority")]
    NoAuthority,
    /// A version of the authority is not signed as it must be.
    #[error("authority: {0}")]
    Chain(#[from] ChainError),
    /// An epoch of the log is not signed as it must be, or does not follow.
    #[error("the log: {0}")]
    Epoch(#[from] EpochError),
    /// A root person's name is not one.
    #[error("authority: signature of {got:?}, which is not a principal")]
    Principal {
        /// The name.
        got: String,
    },
    /// The log's key in the authority cannot be read.
    #[error("the log key in the authority cannot be read: {0}")]
    LogKey(#[from] breakglass_tlog::KeyError),
    /// A checkpoint is not signed by the log's key.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] OpenError),
    /// A hash of a consistency proof is not one.
    #[error("consistency proof: {0}")]
    Hash(#[from] HashError),
    /// What is shown contradicts what was seen before.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// Other processes keep changing the pins.
    #[error("the pinned checkpoint kept changing while it was compared")]
    Contended,
}

/// A verified installation.
#[derive(Debug, Clone)]
pub struct Trust {
    authorities: AuthoritySet,
    log: LogTrust,
    pins: Pins,
    crossed: Arc<OnceLock<Crossed>>,
}

impl Trust {
    /// Fetches the authority, verifies it from the pinned genesis, and refuses to go back behind
    /// a version that was seen.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or what it shows is not believed.
    pub fn establish(client: &Client, pins: Pins, genesis: Digest) -> Result<Self, TrustError> {
        let chain = client.authority()?;
        let mut authorities = verify_chain(&chain.versions, genesis)?;
        for epoch in &chain.epochs {
            authorities.begin_epoch(epoch.document.as_bytes(), &signatures(epoch)?)?;
        }
        see(&pins, &authorities)?;
        let identity = authorities.log();
        let log = LogTrust {
            origin: identity.origin.to_string(),
            key: VerifierKey::parse(identity.vkey.as_str())?,
        };
        pins.see_log_key(&log.key).map_err(PinError::from)?;
        let trust = Self {
            authorities,
            log,
            pins,
            crossed: Arc::default(),
        };
        trust.cross_where_asked(client)?;
        Ok(trust)
    }

    /// Goes over to the log of now where another one is pinned. A server that shows its checkpoint to
    /// sessions alone is asked again when there is one.
    fn cross_where_asked(&self, client: &Client) -> Result<(), TrustError> {
        let pinned = self.pins.checkpoint().map_err(PinError::from)?;
        if pinned.is_none_or(|p| p.checkpoint().origin().as_str() == self.log.origin) {
            return Ok(());
        }
        let text = match client.checkpoint() {
            Err(ClientError::Refused(problem)) if problem.status == 401 => return Ok(()),
            answer => answer?,
        };
        let shown = self.open(&text)?;
        self.note(self.cross(client, &shown)?);
        Ok(())
    }

    fn note(&self, crossed: Option<Crossed>) {
        if let Some(crossed) = crossed {
            // Whoever was first has said the same.
            let _ = self.crossed.set(crossed);
        }
    }

    fn open(&self, text: &str) -> Result<SignedCheckpoint, TrustError> {
        let opened = SignedCheckpoint::open(text.as_bytes(), &self.log.origin, &self.log.key);
        Ok(opened?)
    }

    /// Whether the log that was pinned goes on under another origin since this was established.
    #[must_use]
    pub fn crossed(&self) -> Option<&Crossed> {
        self.crossed.get()
    }

    /// The chain of authorities.
    #[must_use]
    pub const fn authorities(&self) -> &AuthoritySet {
        &self.authorities
    }

    /// The authority in force, as far as the server showed it.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.authorities.current().authority()
    }

    /// Whose receipts count.
    #[must_use]
    pub const fn log(&self) -> &LogTrust {
        &self.log
    }

    /// What was seen before.
    #[must_use]
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Verifies a checkpoint and that it continues the last one seen, for which the server is
    /// asked to show the proof; then it is the last one seen.
    ///
    /// # Errors
    ///
    /// The log is forked or rolled back; both signed checkpoints are kept as evidence.
    pub fn see_checkpoint(
        &self,
        client: &Client,
        text: &str,
        now: Timestamp,
    ) -> Result<SignedCheckpoint, TrustError> {
        let shown = self.open(text)?;
        self.note(self.cross(client, &shown)?);
        for _ in 0..CONTENTION_MAX {
            let base = match self.pins.compare(&shown, now)? {
                Step::Settled => return Ok(shown),
                Step::Prove(base) => base,
            };
            let proof = fetch_proof(client, base.sizes(&shown))?;
            if self.pins.settle(&shown, &base, proof.as_deref(), now)? {
                return Ok(shown);
            }
        }
        Err(TrustError::Contended)
    }

    /// Whether the server proves that one checkpoint continues an older one. Pins nothing.
    ///
    /// # Errors
    ///
    /// The server cannot be asked.
    pub fn continues(
        &self,
        client: &Client,
        older: &Checkpoint,
        newer: &Checkpoint,
    ) -> Result<bool, TrustError> {
        let proof = fetch_proof(client, (older.size(), newer.size()))?;
        Ok(proof.is_some_and(|proof| newer.verify_extends(older, &proof).is_ok()))
    }
}

/// Pins what is newest of what root persons signed, and refuses to go back behind it.
fn see(pins: &Pins, authorities: &AuthoritySet) -> Result<(), PinError> {
    let epochs: Vec<EpochPin> = authorities
        .epochs()
        .map(|epoch| EpochPin {
            number: epoch.epoch().number,
            digest: epoch.digest(),
            authority: epoch.epoch().authority.version,
        })
        .collect();
    pins.see_epochs(&epochs)?;
    let versions: Vec<AuthorityPin> = authorities
        .versions()
        .map(|v| AuthorityPin {
            version: v.authority().version,
            digest: v.digest(),
        })
        .collect();
    pins.see_authority(&versions)
}

/// Verifies a chain of authorities, genesis first, from the pinned genesis.
///
/// # Errors
///
/// It is empty, begins with another genesis, or a version is not signed as it must be.
pub fn verify_chain(
    versions: &[AuthoritySubmission],
    genesis: Digest,
) -> Result<AuthoritySet, TrustError> {
    let (first, later) = versions.split_first().ok_or(TrustError::NoAuthority)?;
    let signatures = signatures(first)?;
    let mut set = AuthoritySet::genesis(first.document.as_bytes(), &signatures, Some(genesis))?;
    for version in later {
        set.succeed(version.document.as_bytes(), &self::signatures(version)?)?;
    }
    Ok(set)
}

fn signatures(version: &AuthoritySubmission) -> Result<Vec<(Principal, String)>, TrustError> {
    let each = version.signatures.iter();
    each.map(|s| {
        let principal = s.principal.parse().map_err(|_| TrustError::Principal {
            got: s.principal.clone(),
        })?;
        Ok((principal, s.signature.clone()))
    })
    .collect()
}

/// The proof between a smaller and a larger log; `None` where the server has none.
fn fetch_proof(client: &Client, (old, new): (u64, u64)) -> Result<Option<Vec<Hash>>, TrustError> {
    if old == 0 {
        // There is nothing to prove: every log continues the empty one.
        return Ok(Some(Vec::new()));
    }
    match client.consistency(old, new) {
        Ok(hashes) => {
            let hashes: Result<Vec<Hash>, HashError> =
                hashes.iter().map(|h| Hash::from_base64(h)).collect();
            Ok(Some(hashes?))
        }
        // A log that has these entries can prove it; "no such tree" is the answer of another log.
        // Everything else the server may say is no answer to the question.
        Err(ClientError::Refused(problem)) if matches!(problem.status, 400 | 404 | 409 | 422) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
