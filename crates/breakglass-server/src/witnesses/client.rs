//! One witness, asked over HTTP. Blocking; every call ends in time.

use std::{thread, time::Duration};

use breakglass_tlog::{
    AddCheckpoint, Hash, NoteSignature, SignedCheckpoint,
    witness::{self, Answer, MAX_ANSWER_LEN, Received, read_answer},
};
use sha2::{Digest as _, Sha256};

use crate::outbound::is_on_this_machine;

/// Waits before a call is tried again that came to nothing: three tries more.
const BACKOFF: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
];
/// How often a witness may name another size than the one it was asked from: once because nothing
/// is known of it, and once more because somebody else of ours asked meanwhile.
const SIZES_MAX: usize = 3;

/// A witness's submission prefix.
#[derive(Debug, Clone)]
pub(super) struct Client {
    url: String,
    agent: ureq::Agent,
}

/// What is asked.
pub(super) struct Asked<'a> {
    /// The checkpoint.
    pub(super) head: &'a SignedCheckpoint,
    /// The size that the witness is believed to have cosigned last.
    pub(super) accepted: Option<u64>,
    /// The proof between two sizes of this log.
    pub(super) proof: &'a dyn Fn(u64, u64) -> Result<Vec<Hash>, String>,
    /// How large the log is by now.
    pub(super) log_size: &'a dyn Fn() -> u64,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Signature lines, not verified yet.
    Cosigned(Vec<NoteSignature>),
    /// The witness has cosigned another tree of this log.
    Forked,
    /// The witness has cosigned a larger tree of this log.
    RolledBack {
        /// The size it saw.
        size: u64,
    },
    /// No answer, or one that says *later*.
    Away(String),
    /// An answer with which there is nothing to go on.
    Unusable(String),
}

impl Client {
    /// A witness at this URL: `https://`, or `http://` on this machine.
    pub(super) fn new(url: &str, agent: ureq::Agent) -> Result<Self, String> {
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or("it is neither https:// nor http://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') {
            return Err("it has no host, or a user name".to_owned());
        }
        if rest.contains(['?', '#']) {
            return Err("a prefix has no query and no fragment".to_owned());
        }
        let url = url.trim_end_matches('/');
        if url.starts_with("http://") && !is_on_this_machine(&format!("{url}/")) {
            return Err("it is not https:// and not on this machine".to_owned());
        }
        Ok(Self {
            url: url.to_owned(),
            agent,
        })
    }

    /// Asks for a cosignature: from the size that the witness is believed to have, and where it
    /// names another, from that one.
    pub(super) fn ask(&self, asked: Asked<'_>) -> Outcome {
        let size = asked.head.checkpoint().size();
        let mut old_size = asked.accepted.unwrap_or(0).min(size);
        for _ in 0..SIZES_MAX {
            let proof = match old_size {
                0 => Ok(Vec::new()),
                old_size => (asked.proof)(old_size, size),
            };
            let proof = match proof {
                Ok(proof) => proof,
                Err(detail) => return Outcome::Unusable(format!("no proof can be made: {detail}")),
            };
            let body = AddCheckpoint::new(old_size, proof, asked.head).to_text();
            let sizes = witness::Asked {
                old_size,
                size,
                log_size: (asked.log_size)().max(size),
            };
            match self.submit(&body, sizes) {
                // The log has grown since, and so has what the witness saw: the next round asks
                // about that.
                Ok(Answer::Latest { size: latest }) if latest > size => {
                    return Outcome::Away(format!("it has cosigned {latest} entries already"));
                }
                Ok(Answer::Latest { size: latest }) => old_size = latest,
                Ok(Answer::Cosigned(lines)) => return Outcome::Cosigned(lines),
                Ok(Answer::Forked) => return Outcome::Forked,
                Ok(Answer::RolledBack { size }) => return Outcome::RolledBack { size },
                Ok(Answer::Later) => return Outcome::Away("it says: later".to_owned()),
                Ok(Answer::Refused) => {
                    let what = "it does not take checkpoints of this log";
                    return Outcome::Unusable(what.to_owned());
                }
                Ok(Answer::Malformed) => {
                    return Outcome::Unusable("that is no answer of a witness".to_owned());
                }
                Err(detail) => return Outcome::Away(detail),
            }
        }
        Outcome::Unusable("it names another size each time".to_owned())
    }

    /// One question, tried again a few times where no answer comes.
    fn submit(&self, body: &str, sizes: witness::Asked) -> Result<Answer, String> {
        let mut answer = self.submit_once(body, sizes);
        for wait in BACKOFF {
            if !matches!(answer, Ok(Answer::Later) | Err(_)) {
                return answer;
            }
            thread::sleep(wait);
            answer = self.submit_once(body, sizes);
        }
        answer
    }

    fn submit_once(&self, body: &str, sizes: witness::Asked) -> Result<Answer, String> {
        let url = format!("{}/add-checkpoint", self.url);
        let request = self.agent.post(&url).header("Content-Type", "text/plain");
        let mut response = request.send(body.as_bytes()).map_err(|e| unreached(&e))?;
        let content_type = response.headers().get("content-type");
        let content_type = content_type
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        let body = read(&mut response)?;
        let received = Received {
            status: response.status().as_u16(),
            content_type: content_type.as_deref(),
            body: &body,
        };
        Ok(read_answer(&received, sizes))
    }

    /// What the witness shows to monitors as the last checkpoint of this log that it cosigned.
    pub(super) fn latest(&self, origin: &str) -> Option<Vec<u8>> {
        let hash: [u8; 32] = Sha256::digest(origin.as_bytes()).into();
        let hash = breakglass_format::id::hex(&hash);
        let url = format!("{}/{hash}/checkpoint", self.url);
        let mut response = self.agent.get(&url).call().ok()?;
        let shown = response.status().as_u16() == 200;
        shown.then(|| read(&mut response).ok()).flatten()
    }
}

fn read(response: &mut ureq::http::Response<ureq::Body>) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(MAX_ANSWER_LEN).unwrap_or(u64::MAX);
    let body = response.body_mut().with_config().limit(limit);
    body.read_to_vec().map_err(|e| unreached(&e))
}

/// The library's words may name the address.
fn unreached(error: &ureq::Error) -> String {
    let in_time = !matches!(error, ureq::Error::Timeout(_));
    if in_time {
        "no connection".to_owned()
    } else {
        "no answer in time".to_owned()
    }
}

#[cfg(test)]
mod tests;
