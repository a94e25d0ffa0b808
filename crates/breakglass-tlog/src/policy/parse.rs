//! The lines of a policy file.

use super::{
    Group, MAX_POLICY_LEN, MAX_POLICY_PARTS, Member, NONE, Policy, PolicyLog, PolicyName,
    PolicyWitness,
};
use crate::note::{KeyError, KeyKind, VerifierKey};
use crate::text;

/// Why bytes are not a policy. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file is longer than [`MAX_POLICY_LEN`].
    #[error("a policy of {got} bytes is longer than {MAX_POLICY_LEN}")]
    TooLong {
        /// The length in bytes.
        got: usize,
    },
    /// The last line does not end.
    #[error("the last line does not end with a newline")]
    NoFinalNewline,
    /// A line is wrong.
    #[error("line {line}: {source}")]
    Line {
        /// Which.
        line: usize,
        /// How.
        source: LineError,
    },
    /// No line says what is enough.
    #[error("there is no quorum line")]
    NoQuorum,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A control character other than tab and newline.
    #[error("it has control character {code:#04x}")]
    ControlCharacter {
        /// Its value.
        code: u8,
    },
    /// It begins with another word than those that there are.
    #[error("a line begins with log, witness, group or quorum")]
    Word,
    /// It does not have the words that it should.
    #[error("it is written: {expected}")]
    Shape {
        /// How it is written.
        expected: &'static str,
    },
    /// The key is none.
    #[error("the key is none")]
    Key(#[from] KeyError),
    /// The key is not text.
    #[error("the key is not text")]
    KeyText,
    /// The key is of a kind that does not sign this.
    #[error("a key of type {got:#04x} does not sign this")]
    KeyKind {
        /// The type byte.
        got: u8,
    },
    /// The public key stands in an earlier line already.
    #[error("an earlier line has the same public key")]
    DuplicateKey,
    /// An earlier line has another key with this name and ID.
    #[error("an earlier line has another key of the same name and ID")]
    AmbiguousKey,
    /// The URL is not UTF-8.
    #[error("the url is not utf-8")]
    Url,
    /// The name is taken, or `none`.
    #[error("the name {name} is taken")]
    NameTaken {
        /// The name.
        name: PolicyName,
    },
    /// No earlier line defines the name.
    #[error("no earlier line defines {name}")]
    Undefined {
        /// The name.
        name: PolicyName,
    },
    /// The name is a member already, of this group or another.
    #[error("{name} is a member of a group already")]
    MemberTwice {
        /// The name.
        name: PolicyName,
    },
    /// How many are needed is not between 1 and the number of members.
    #[error("a group needs all, any, or 1 to {members} of its members")]
    Threshold {
        /// The number of members.
        members: usize,
    },
    /// There was a quorum line already.
    #[error("there is a second quorum line")]
    SecondQuorum,
    /// There are more than [`MAX_POLICY_PARTS`] of a kind.
    #[error("a policy has at most {MAX_POLICY_PARTS} logs, witnesses and groups each")]
    TooMany,
}

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, PolicyError> {
    if bytes.len() > MAX_POLICY_LEN {
        return Err(PolicyError::TooLong { got: bytes.len() });
    }
    // An empty file lacks its quorum, not its newline.
    let lines = match bytes.strip_suffix(b"\n") {
        Some(lines) => lines,
        None if bytes.is_empty() => bytes,
        None => return Err(PolicyError::NoFinalNewline),
    };
    let mut draft = Draft::default();
    for (line, text) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
        draft
            .line(text)
            .map_err(|source| PolicyError::Line { line, source })?;
    }
    Ok(Policy {
        quorum: draft.quorum.ok_or(PolicyError::NoQuorum)?,
        logs: draft.logs,
        witnesses: draft.witnesses,
        groups: draft.groups,
    })
}

/// What the lines so far have said.
#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    /// Who is a member of a group.
    taken: Vec<Member>,
    /// The inner `None`: nobody is needed.
    quorum: Option<Option<Member>>,
}

impl Draft {
    fn line(&mut self, line: &[u8]) -> Result<(), LineError> {
        let control = |byte: &&u8| (**byte < b' ' && **byte != b'\t') || **byte == 0x7f;
        if let Some(code) = line.iter().find(control) {
            return Err(LineError::ControlCharacter { code: *code });
        }
        let words: Vec<&[u8]> = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty())
            .collect();
        let Some((first, rest)) = words.split_first() else {
            return Ok(());
        };
        match *first {
            b"log" => self.log(rest),
            b"witness" => self.witness(rest),
            b"group" => self.group(rest),
            b"quorum" => self.quorum(rest),
            comment if comment.starts_with(b"#") => Ok(()),
            _ => Err(LineError::Word),
        }
    }

    fn log(&mut self, words: &[&[u8]]) -> Result<(), LineError> {
        let (key, url) = match words {
            [key] => (*key, None),
            [key, url] => (*key, Some(*url)),
            _ => {
                let expected = "log <vkey> [<url>]";
                return Err(LineError::Shape { expected });
            }
        };
        let log = PolicyLog {
            key: self.key(key, KeyKind::Ed25519)?,
            url: url.map(parse_url).transpose()?,
        };
        push(&mut self.logs, log)
    }

    fn witness(&mut self, words: &[&[u8]]) -> Result<(), LineError> {
        let (name, key, url) = match words {
            [name, key] => (*name, *key, None),
            [name, key, url] => (*name, *key, Some(*url)),
            _ => {
                let expected = "witness <name> <vkey> [<url>]";
                return Err(LineError::Shape { expected });
            }
        };
        let witness = PolicyWitness {
            name: self.new_name(name)?,
            key: self.key(key, KeyKind::CosignatureV1)?,
            url: url.map(parse_url).transpose()?,
        };
        push(&mut self.witnesses, witness)
    }

    fn group(&mut self, words: &[&[u8]]) -> Result<(), LineError> {
        let [name, needed, members @ ..] = words else {
            let expected = "group <name> all|any|<k> <name>...";
            return Err(LineError::Shape { expected });
        };
        let name = self.new_name(name)?;
        let threshold = threshold(needed, members.len()).ok_or(LineError::Threshold {
            members: members.len(),
        })?;
        let mut found = Vec::new();
        for member in members {
            let place = self.defined(member)?;
            if self.taken.contains(&place) {
                let name = PolicyName(member.to_vec());
                return Err(LineError::MemberTwice { name });
            }
            self.taken.push(place);
            found.push(place);
        }
        let group = Group {
            name,
            threshold,
            members: found,
        };
        push(&mut self.groups, group)
    }

    fn quorum(&mut self, words: &[&[u8]]) -> Result<(), LineError> {
        let [name] = words else {
            let expected = "quorum <name>|none";
            return Err(LineError::Shape { expected });
        };
        if self.quorum.is_some() {
            return Err(LineError::SecondQuorum);
        }
        let quorum = match *name == NONE {
            true => None,
            false => Some(self.defined(name)?),
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    /// A key of a kind that signs this, which no earlier line has.
    fn key(&self, vkey: &[u8], kind: KeyKind) -> Result<VerifierKey, LineError> {
        let vkey = std::str::from_utf8(vkey).map_err(|_| LineError::KeyText)?;
        let key = VerifierKey::parse(vkey)?;
        if key.kind() != kind {
            let got = key.kind().type_byte();
            return Err(LineError::KeyKind { got });
        }
        let logs = self.logs.iter().map(|log| &log.key);
        let witnesses = self.witnesses.iter().map(|witness| &witness.key);
        for other in logs.chain(witnesses) {
            // "Duplicate if they wrap the same underlying public key, even if they differ by key
            // name and key id."
            if other.public_key() == key.public_key() {
                return Err(LineError::DuplicateKey);
            }
            if other.id() == key.id() && other.name() == key.name() {
                return Err(LineError::AmbiguousKey);
            }
        }
        Ok(key)
    }

    /// "Witnesses and groups share a single namespace. The special name `none` is predefined."
    fn new_name(&self, name: &[u8]) -> Result<PolicyName, LineError> {
        match name == NONE || self.find(name).is_some() {
            true => Err(LineError::NameTaken {
                name: PolicyName(name.to_vec()),
            }),
            false => Ok(PolicyName(name.to_vec())),
        }
    }

    fn defined(&self, name: &[u8]) -> Result<Member, LineError> {
        self.find(name).ok_or_else(|| LineError::Undefined {
            name: PolicyName(name.to_vec()),
        })
    }

    fn find(&self, name: &[u8]) -> Option<Member> {
        let witness = self.witnesses.iter().position(|w| w.name.0 == name);
        let group = || self.groups.iter().position(|g| g.name.0 == name);
        witness
            .map(Member::Witness)
            .or_else(|| group().map(Member::Group))
    }
}

/// "The `any` variant is a shorthand for k = 1, and the `all` variant is a shorthand for k = n. It
/// is required that 1 <= k <= n."
fn threshold(needed: &[u8], members: usize) -> Option<usize> {
    let number = match needed {
        b"any" => 1,
        b"all" => members,
        digits => usize::try_from(text::decimal(std::str::from_utf8(digits).ok()?)?).ok()?,
    };
    (1..=members).contains(&number).then_some(number)
}

fn parse_url(url: &[u8]) -> Result<String, LineError> {
    let url = std::str::from_utf8(url).map_err(|_| LineError::Url)?;
    Ok(url.to_owned())
}

fn push<T>(list: &mut Vec<T>, part: T) -> Result<(), LineError> {
    if list.len() >= MAX_POLICY_PARTS {
        return Err(LineError::TooMany);
    }
    list.push(part);
    Ok(())
}
