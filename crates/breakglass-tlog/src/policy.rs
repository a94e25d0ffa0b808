//! C2SP tlog-policy: which logs are known, which witnesses, and whose cosignatures are enough.
//!
//! Stricter than the document in three points. A public key stands in one line only, also where
//! one line is a log's and the other a witness's: a log that is its own witness vouches for nothing.
//! Two keys of one name never share a key ID, so that whose signature it is can always be told. And
//! URLs are UTF-8.

mod parse;

use crate::checkpoint::{OpenError, SignedCheckpoint};
use crate::note::{Note, NoteParseError, NoteVerifyError, VerifierKey};

pub use parse::{LineError, PolicyError};

/// The longest policy that is read, in bytes.
pub const MAX_POLICY_LEN: usize = 256 * 1024;

/// The most logs, the most witnesses and the most groups of a policy; the document wants 32.
pub const MAX_POLICY_PARTS: usize = 64;

/// The name of a witness or a group within a policy file: octets without white space and control
/// characters, compared octet by octet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName(Vec<u8>);

/// A log whose checkpoints are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    key: VerifierKey,
    url: Option<String>,
}

/// A witness that may count towards the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    name: PolicyName,
    key: VerifierKey,
    url: Option<String>,
}

/// So many of these members.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: PolicyName,
    threshold: usize,
    members: Vec<Member>,
}

/// What a name stands for: a place in the list of witnesses or in that of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    /// `None`: no cosignature is needed.
    quorum: Option<Member>,
}

/// A witness whose cosignature has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigner<'p> {
    /// The witness.
    pub witness: &'p PolicyWitness,
    /// When it says that it saw the checkpoint, in POSIX seconds.
    pub time: u64,
}

/// What a policy says of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement<'p> {
    /// Whether those who cosigned are enough.
    pub met: bool,
    /// The witnesses of the policy that cosigned, in the order of the policy.
    pub cosigners: Vec<Cosigner<'p>>,
}

/// Why bytes are not a checkpoint of a log of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyOpenError {
    /// The bytes are not a note.
    #[error(transparent)]
    Note(#[from] NoteParseError),
    /// No log of the policy has that origin.
    #[error("the policy names no log of origin {origin:?}")]
    UnknownLog {
        /// The first line of the note.
        origin: String,
    },
    /// No key of that log signed it, or a signature of a known key is wrong.
    #[error(transparent)]
    Verify(#[from] NoteVerifyError),
    /// The signed text is no checkpoint of that log.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] for the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::policy(bytes)
    }

    /// The policy as a file that reads the same: one space between words, no comments.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let url = |url: &Option<String>| match url {
            Some(url) => format!(" {url}"),
            None => String::new(),
        };
        let mut file = Vec::new();
        for log in &self.logs {
            file.extend(format!("log {}{}\n", log.key, url(&log.url)).into_bytes());
        }
        for witness in &self.witnesses {
            file.extend(b"witness ");
            file.extend(&witness.name.0);
            file.extend(format!(" {}{}\n", witness.key, url(&witness.url)).into_bytes());
        }
        for group in &self.groups {
            file.extend(b"group ");
            file.extend(&group.name.0);
            file.extend(format!(" {}", group.threshold).into_bytes());
            for member in &group.members {
                file.push(b' ');
                file.extend(self.name(*member));
            }
            file.push(b'\n');
        }
        file.extend(b"quorum ");
        file.extend(self.quorum.map_or(NONE, |member| self.name(member)));
        file.push(b'\n');
        file
    }

    /// The logs, in the order of the file. Several keys of one origin are one log that changes its
    /// key.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of the file.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether any cosignature is needed at all.
    #[must_use]
    pub const fn needs_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether this is enough witnesses, given who of them cosigned.
    #[must_use]
    pub fn is_met(&self, cosigned: impl Fn(&PolicyWitness) -> bool) -> bool {
        let Some(quorum) = self.quorum else {
            return true;
        };
        let witnesses: Vec<bool> = self.witnesses.iter().map(cosigned).collect();
        // Members are defined before their groups, so each group finds its members judged.
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let of = |member: Member, groups: &[bool]| match member {
            Member::Witness(place) => witnesses.get(place).copied().unwrap_or(false),
            Member::Group(place) => groups.get(place).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let members = group.members.iter();
            let count = members.filter(|member| of(**member, &groups)).count();
            groups.push(count >= group.threshold);
        }
        of(quorum, &groups)
    }

    /// Says who of the witnesses cosigned a checkpoint, and whether they are enough.
    ///
    /// Times are told and not judged. Whether the checkpoint is of a log of this policy is not
    /// looked at: [`Policy::open`] does both.
    ///
    /// # Errors
    /// [`NoteVerifyError::BadSignature`] if the line of a witness of the policy does not verify.
    pub fn judge(&self, checkpoint: &SignedCheckpoint) -> Result<Judgement<'_>, NoteVerifyError> {
        let keys: Vec<&VerifierKey> = self.witnesses.iter().map(|w| &w.key).collect();
        let verified = match checkpoint.verify_signatures(&keys) {
            Ok(verified) => verified,
            Err(NoteVerifyError::NoKnownSignature) => Vec::new(),
            Err(error) => return Err(error),
        };
        let cosigners = self.witnesses.iter().filter_map(|witness| {
            let by = |found: &&crate::note::VerifiedSignature| {
                found.id == witness.key.id() && found.name == *witness.key.name()
            };
            let time = verified.iter().find(by)?.time?;
            Some(Cosigner { witness, time })
        });
        let cosigners: Vec<Cosigner<'_>> = cosigners.collect();
        let cosigned =
            |witness: &PolicyWitness| cosigners.iter().any(|c| c.witness.key == witness.key);
        Ok(Judgement {
            met: self.is_met(cosigned),
            cosigners,
        })
    }

    /// Reads a checkpoint of a log of this policy: any one of the log's keys that the policy names
    /// has signed it. Judges cosignatures as [`Policy::judge`] does.
    ///
    /// # Errors
    /// [`PolicyOpenError`] for the first check that fails. Too few cosignatures are none.
    pub fn open(&self, note: &[u8]) -> Result<(SignedCheckpoint, Judgement<'_>), PolicyOpenError> {
        let note = Note::parse(note)?;
        let origin = note.text().lines().next().unwrap_or_default().to_owned();
        let of_log = |log: &&PolicyLog| log.key.name().as_str() == origin;
        let keys: Vec<&VerifierKey> = self.logs.iter().filter(of_log).map(|l| &l.key).collect();
        if keys.is_empty() {
            return Err(PolicyOpenError::UnknownLog { origin });
        }
        let verified = note.verify(&keys)?;
        let signer = keys
            .into_iter()
            .find(|key| verified.iter().any(|v| v.id == key.id()))
            .ok_or(NoteVerifyError::NoKnownSignature)?;
        let checkpoint = SignedCheckpoint::from_note(note, &origin, signer)?;
        let judgement = self.judge(&checkpoint)?;
        Ok((checkpoint, judgement))
    }

    fn name(&self, member: Member) -> &[u8] {
        let name = match member {
            Member::Witness(place) => self.witnesses.get(place).map(|w| &w.name),
            Member::Group(place) => self.groups.get(place).map(|g| &g.name),
        };
        name.map_or(NONE, |name| &name.0)
    }
}

/// The quorum that nobody needs to be in.
const NONE: &[u8] = b"none";

impl PolicyLog {
    /// The key; its name is the origin.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where the log is, if the policy says so.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

impl PolicyWitness {
    /// What the policy calls it.
    #[must_use]
    pub const fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Its submission prefix, if the policy says so.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

impl PolicyName {
    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Octets that are no UTF-8 are shown as the replacement character.
impl std::fmt::Display for PolicyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl std::fmt::Debug for PolicyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PolicyName({self})")
    }
}

#[cfg(test)]
mod tests;
