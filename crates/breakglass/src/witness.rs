//! A witness for other people's logs: it checks that each grows and never forks, and says so with
//! a signature of its own (C2SP tlog-witness; how we use it: `docs/spec/log.md`).
//!
//! The decision is `breakglass_tlog::witness::decide`, which is pure. Here is what it takes beside
//! that: one decision at a time per log, on what was cosigned last; what was decided is durable
//! before anybody hears of it; and what contradicts what was cosigned is kept.

mod http;
mod keep;
mod key;
mod logs;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use breakglass_store::DurableError;
use breakglass_tlog::{
    AddCheckpoint, CosignatureError, CosignerKey, SignedCheckpoint, Suspicion, VerifierKey,
    witness::{cosignatures_to_text, decide},
};
use thiserror::Error;

use keep::{EvidenceError, Keep};

pub use http::router;
pub use keep::KeepError;
pub use key::{WitnessKeyError, load_or_make};
pub use logs::{LogKeysError, parse_log_keys};

/// A log, and the last checkpoint of it that was cosigned.
#[derive(Debug)]
struct Log {
    keys: Vec<VerifierKey>,
    /// Held while one request is decided on and its outcome made durable.
    last: Mutex<Option<SignedCheckpoint>>,
}

/// A witness.
#[derive(Debug)]
pub struct Witness {
    key: CosignerKey,
    /// By origin.
    logs: BTreeMap<String, Log>,
    keep: Keep,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// What whoever runs the witness must hear: a fork, or what may be one.
    pub alarm: Option<String>,
}

/// The witness cannot answer for itself.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// The checkpoint could not be made durable; the state is what it was.
    #[error("the checkpoint cannot be kept: {0}")]
    NotKept(#[source] DurableError),
    /// Which checkpoint is durable is not known: the process must end, and the next one reads it.
    #[error("which checkpoint is kept is not known: {0}")]
    Unknown(#[source] DurableError),
    /// The clock tells a time that no cosignature can have.
    #[error(transparent)]
    Time(#[from] CosignatureError),
}

const TEXT: &str = "text/plain; charset=utf-8";

impl Witness {
    /// A witness of the logs with these keys, which keeps what it cosigns in a folder: one process
    /// at a time.
    ///
    /// # Errors
    ///
    /// Another process has the folder, or what lies in it is not what a witness with this key
    /// keeps. Then nothing may be cosigned, because what was cosigned last is not known.
    pub fn open(
        dir: &Path,
        key: CosignerKey,
        log_keys: Vec<VerifierKey>,
    ) -> Result<Self, KeepError> {
        let keep = Keep::open(dir)?;
        let mut by_origin: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for log_key in log_keys {
            let origin = log_key.name().as_str().to_owned();
            by_origin.entry(origin).or_default().push(log_key);
        }
        let mut logs = BTreeMap::new();
        for (origin, keys) in by_origin {
            let last = Mutex::new(keep.last(&origin, &keys, &key)?);
            logs.insert(origin, Log { keys, last });
        }
        Ok(Self { key, logs, keep })
    }

    /// The public half of its key.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The logs it knows, and how large the last checkpoint was that it cosigned of each.
    pub fn logs(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.logs.iter().map(|(origin, log)| {
            let last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
            let size = last.as_ref().map(|last| last.checkpoint().size());
            (origin.as_str(), size)
        })
    }

    /// Answers `add-checkpoint` at this time, in POSIX seconds. What is cosigned is durable when
    /// this returns.
    ///
    /// # Errors
    ///
    /// See [`WitnessError`]; nothing was cosigned.
    pub fn add_checkpoint(&self, body: &[u8], time: u64) -> Result<Reply, WitnessError> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(Reply::text(400, &error.to_string())),
        };
        let Some(log) = self.logs.get(request.origin().as_str()) else {
            let unknown = decide(&request, &[], None).outcome;
            return Ok(unknown.map_or_else(|r| Reply::refusing(&r), |_| Reply::text(404, "")));
        };
        // "Checking the old size against the latest checkpoint and persisting the new checkpoint
        // must be performed atomically."
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.as_ref().map(SignedCheckpoint::checkpoint);
        let decision = decide(&request, &log.keys, before);
        let alarm = match (&decision.suspicion, last.as_ref()) {
            (Some(suspicion), Some(last)) => self.alarm(suspicion, last),
            _ => None,
        };
        let mut reply = match decision.outcome {
            Err(refusal) => Reply::refusing(&refusal),
            Ok(checkpoint) => self.cosign(checkpoint, &mut last, time)?,
        };
        reply.alarm = alarm;
        Ok(reply)
    }

    /// Makes a checkpoint durable with its cosignature, and gives the cosignature out.
    fn cosign(
        &self,
        mut checkpoint: SignedCheckpoint,
        last: &mut Option<SignedCheckpoint>,
        time: u64,
    ) -> Result<Reply, WitnessError> {
        let line = self.key.cosign(checkpoint.checkpoint(), time)?;
        let same = |last: &SignedCheckpoint| last.checkpoint() == checkpoint.checkpoint();
        // The same tree again is cosigned anew and needs no other state.
        if !last.as_ref().is_some_and(same) {
            // A note has room: the log's lines are few, because its known keys are.
            if checkpoint
                .add_signature(line.clone(), self.verifier())
                .is_err()
            {
                return Ok(Reply::text(400, "the checkpoint has too many signatures"));
            }
            self.keep
                .replace(&checkpoint)
                .map_err(|error| match error.is_undecided() {
                    true => WitnessError::Unknown(error),
                    false => WitnessError::NotKept(error),
                })?;
            *last = Some(checkpoint);
        }
        Ok(Reply {
            status: 200,
            content_type: TEXT,
            body: cosignatures_to_text(&[line]),
            alarm: None,
        })
    }

    /// Keeps both notes, and says so. What may be no more than somebody's wrong proof is said once:
    /// whoever reaches the witness could have it say so for ever.
    fn alarm(&self, suspicion: &Suspicion, last: &SignedCheckpoint) -> Option<String> {
        let seen = suspicion.checkpoint();
        let (origin, size) = (seen.checkpoint().origin(), seen.checkpoint().size());
        let cosigned = last.checkpoint().size();
        let kept = self.keep.evidence(&[last, seen]);
        let what = match (suspicion, &kept) {
            (Suspicion::Forked(_), _) => format!(
                "FORK: {origin} has signed two trees of {size} entries, of which one was cosigned"
            ),
            (Suspicion::Unproven(_), Ok((_, false)) | Err(EvidenceError::Full)) => return None,
            (Suspicion::Unproven(_), Ok(_) | Err(_)) => format!(
                "{origin} has signed a tree of {size} entries that was not proven to continue the \
                 one of {cosigned} that was cosigned: a fork, unless whoever asked sent a wrong \
                 proof"
            ),
        };
        Some(match kept {
            Ok((dir, _)) => format!("{what}; both are kept in {}", dir.display()),
            Err(error) => format!("{what}; they could not be kept: {error}"),
        })
    }

    /// The last checkpoint cosigned of the log whose origin has this SHA-256, in lower-case hex,
    /// with the log's signature and the cosignature.
    #[must_use]
    pub fn latest(&self, origin_hash: &str) -> Option<String> {
        let of_origin = |origin: &&String| keep::origin_hash(origin) == origin_hash;
        let log = self.logs.get(self.logs.keys().find(of_origin)?)?;
        let last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(SignedCheckpoint::to_text)
    }
}

impl Reply {
    fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            content_type: TEXT,
            body: format!("{text}\n"),
            alarm: None,
        }
    }

    fn refusing(refusal: &breakglass_tlog::Refusal) -> Self {
        let (content_type, body) = refusal.body();
        Self {
            status: refusal.status(),
            content_type,
            body,
            alarm: None,
        }
    }
}

#[cfg(test)]
mod tests;
