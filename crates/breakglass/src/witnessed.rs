//! Whether witnesses vouch for the log that a server shows, where `client.toml` names a policy.
//!
//! A witness speaks after a statement is answered, and may be gone: nothing that people need in an
//! emergency is refused for its sake. Who asked for it is told, and what only looks at the record
//! can be made to refuse.

use breakglass_api::Client;
use breakglass_format::{Timestamp, time::human_s};
use breakglass_tlog::{Policy, PolicyError, SignedCheckpoint};
use thiserror::Error;

use crate::{
    state::WitnessConfig,
    trust::{Trust, TrustError},
};

/// Why nobody vouches for what is shown.
#[derive(Debug, Error)]
pub enum NotWitnessed {
    /// The policy cannot be read.
    #[error("{path}: {detail}")]
    PolicyFile {
        /// The file.
        path: String,
        /// Why.
        detail: String,
    },
    /// It is no policy.
    #[error("{path}: {source}")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: PolicyError,
    },
    /// The server shows no checkpoint that its own witnesses cosigned.
    #[error("the server shows no checkpoint that witnesses have cosigned")]
    Nothing,
    /// Too few of the witnesses, or a line that does not verify, or another log.
    #[error("the cosigned checkpoint of {size} entries: {why}")]
    Unmet {
        /// Its size.
        size: u64,
        /// What is wrong.
        why: String,
    },
    /// The log grew and nobody has said so for long.
    #[error(
        "the log has {shown} entries, and witnesses vouch for {cosigned} of them, last {ago} ago"
    )]
    Stale {
        /// Entries that are shown.
        shown: u64,
        /// Entries that they vouch for.
        cosigned: u64,
        /// For how long they have said nothing of what came after.
        ago: String,
    },
    /// What is shown is not believed, or the server was not reached.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// What this client asks of witnesses.
#[derive(Debug)]
pub struct Insistence {
    policy: Policy,
    stale_after_s: i64,
}

impl Insistence {
    /// Reads the policy of a configuration.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no policy.
    pub fn of(config: &WitnessConfig) -> Result<Self, NotWitnessed> {
        let path = config.policy_file.display().to_string();
        let bytes = std::fs::read(&config.policy_file).map_err(|e| NotWitnessed::PolicyFile {
            path: path.clone(),
            detail: e.to_string(),
        })?;
        let policy =
            Policy::parse(&bytes).map_err(|source| NotWitnessed::Policy { path, source })?;
        Ok(Self {
            policy,
            stale_after_s: config.stale_after_s,
        })
    }

    /// Asks the server for its log as it is and as witnesses cosigned it. Both must continue what
    /// was seen before; the cosigned one must meet the policy, and be young unless the log has not
    /// grown since.
    ///
    /// # Errors
    ///
    /// [`NotWitnessed`]; of a fork both signed checkpoints are kept.
    pub fn ask(&self, client: &Client, trust: &Trust, now: Timestamp) -> Result<(), NotWitnessed> {
        let cosigned = client.cosigned().map_err(TrustError::from)?;
        let shown = client.checkpoint().map_err(TrustError::from)?;
        let shown = trust.see_checkpoint(client, &shown, now)?;
        let cosigned = cosigned.ok_or(NotWitnessed::Nothing)?;
        let cosigned = trust.see_checkpoint(client, &cosigned, now)?;
        self.judge(&cosigned, shown.checkpoint().size(), now)
    }

    /// Whether a cosigned checkpoint vouches for a log of so many entries now.
    fn judge(
        &self,
        cosigned: &SignedCheckpoint,
        shown: u64,
        now: Timestamp,
    ) -> Result<(), NotWitnessed> {
        let size = cosigned.checkpoint().size();
        let unmet = |why: String| NotWitnessed::Unmet { size, why };
        if !self.policy.logs().is_empty() {
            let note = cosigned.to_text();
            let opened = self.policy.open(note.as_bytes());
            opened.map_err(|e| unmet(e.to_string()))?;
        }
        let judgement = self.policy.judge(cosigned);
        let judgement = judgement.map_err(|e| unmet(e.to_string()))?;
        if !judgement.met {
            let why = "those who cosigned it are not enough for the policy";
            return Err(unmet(why.to_owned()));
        }
        if !self.policy.needs_witnesses() || size >= shown {
            return Ok(());
        }
        let mut times: Vec<u64> = judgement.cosigners.iter().map(|c| c.time).collect();
        times.sort_unstable();
        // The latest moment from which on enough of them had spoken.
        let enough = times.into_iter().rev().find(|time| {
            self.policy.is_met(|witness| {
                let by = judgement.cosigners.iter();
                let mut by = by.filter(|c| c.witness.key() == witness.key());
                by.any(|c| c.time >= *time)
            })
        });
        let spoken = enough.unwrap_or(0).saturating_mul(1000);
        let spoken = Timestamp::from_millis(i64::try_from(spoken).unwrap_or(i64::MAX));
        let ago_s = now.since_ms(spoken) / 1000;
        match ago_s > self.stale_after_s {
            true => Err(NotWitnessed::Stale {
                shown,
                cosigned: size,
                ago: human_s(ago_s),
            }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
