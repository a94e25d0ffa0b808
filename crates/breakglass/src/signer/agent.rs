//! The ssh-agent protocol (draft-ietf-sshm-ssh-agent), as much of it as signing takes.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use breakglass_format::{Fingerprint, statement::Kind};
use breakglass_statement::{
    PublicKey, SshSig, to_be_signed,
    wire::{Reader, WireError, Writer},
};
use thiserror::Error;

use super::{SignError, Signer};

/// `SSH_AGENTC_REQUEST_IDENTITIES`.
const REQUEST_IDENTITIES: u8 = 11;
/// `SSH_AGENT_IDENTITIES_ANSWER`.
const IDENTITIES_ANSWER: u8 = 12;
/// `SSH_AGENTC_SIGN_REQUEST`.
const SIGN_REQUEST: u8 = 13;
/// `SSH_AGENT_SIGN_RESPONSE`.
const SIGN_RESPONSE: u8 = 14;
/// Longest message that is read; OpenSSH's own limit.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Most identities that are listed.
const IDENTITIES_MAX: u32 = 2048;
/// How long the agent may take; for a signature somebody may have to find and touch a token.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Why the agent was of no use.
#[derive(Debug, Error)]
pub enum AgentError {
    /// `$SSH_AUTH_SOCK` is not set.
    #[error("no ssh-agent: SSH_AUTH_SOCK is not set")]
    NoAgent,
    /// The socket cannot be used.
    #[error("ssh-agent at {}: {source}", .socket.display())]
    Io {
        /// The socket.
        socket: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The answer is not one of the protocol.
    #[error("ssh-agent's answer cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The answer is of another type: the agent refuses, or knows no such thing.
    #[error("ssh-agent answered {got}, {expected} was expected: it refused or cannot do this")]
    Answer {
        /// Message number wanted.
        expected: u8,
        /// Message number that came.
        got: u8,
    },
    /// The answer is longer than any answer is.
    #[error("ssh-agent announced an answer of {got} bytes, more than the limit of {limit}")]
    TooLong {
        /// Bytes announced.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The key is not among its identities.
    #[error("ssh-agent does not hold the key {key}")]
    NoSuchKey {
        /// The key.
        key: Fingerprint,
    },
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    socket: PathBuf,
}

/// A key that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The key.
    pub public_key: PublicKey,
    /// What its owner called it.
    pub comment: String,
}

impl Agent {
    /// The agent at a socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// The agent at `$SSH_AUTH_SOCK`.
    ///
    /// # Errors
    ///
    /// The variable is not set.
    pub fn from_environment() -> Result<Self, AgentError> {
        let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|s| !s.is_empty());
        socket
            .map(|socket| Self::at(Path::new(&socket)))
            .ok_or(AgentError::NoAgent)
    }

    /// The keys it holds, as far as they may sign statements; keys of other types are left out.
    ///
    /// # Errors
    ///
    /// The agent cannot be reached or its answer cannot be read.
    pub fn identities(&self) -> Result<Vec<Identity>, AgentError> {
        let answer = self.ask(&[REQUEST_IDENTITIES], IDENTITIES_ANSWER)?;
        let mut reader = Reader::new(&answer);
        let count = reader.u32()?;
        let mut identities = Vec::new();
        for _ in 0..count.min(IDENTITIES_MAX) {
            let wire = reader.string()?;
            let comment = String::from_utf8_lossy(reader.string()?).into_owned();
            if let Ok(public_key) = PublicKey::from_wire(wire) {
                identities.push(Identity {
                    public_key,
                    comment,
                });
            }
        }
        Ok(identities)
    }

    /// The signer of a key that the agent holds.
    ///
    /// # Errors
    ///
    /// The agent cannot be reached, or does not hold the key.
    pub fn signer(&self, key: &Fingerprint) -> Result<AgentSigner, AgentError> {
        let mut identities = self.identities()?.into_iter();
        let found = identities.find(|i| i.public_key.fingerprint() == *key);
        let identity = found.ok_or_else(|| AgentError::NoSuchKey { key: key.clone() })?;
        Ok(AgentSigner {
            agent: self.clone(),
            public_key: identity.public_key,
        })
    }

    fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Vec<u8>, AgentError> {
        let request = Writer::new()
            .u8(SIGN_REQUEST)
            .string(key.wire())
            .string(data)
            .u32(0);
        let answer = self.ask(&request.into_bytes(), SIGN_RESPONSE)?;
        let mut reader = Reader::new(&answer);
        let signature = reader.string()?.to_vec();
        reader.finish()?;
        Ok(signature)
    }

    /// One message there, one message back; the content of the answer if it is of the right type.
    fn ask(&self, request: &[u8], expected: u8) -> Result<Vec<u8>, AgentError> {
        let io = |source| AgentError::Io {
            socket: self.socket.clone(),
            source,
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(io)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(io)?;
        let framed = Writer::new().string(request).into_bytes();
        stream.write_all(&framed).map_err(io)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(io)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MESSAGE_BYTES_MAX {
            return Err(AgentError::TooLong {
                got: length,
                limit: MESSAGE_BYTES_MAX,
            });
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).map_err(io)?;
        let mut reader = Reader::new(&answer);
        let got = reader.u8()?;
        if got != expected {
            return Err(AgentError::Answer { expected, got });
        }
        Ok(reader.rest().to_vec())
    }
}

/// Signs with a key that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSigner {
    agent: Agent,
    public_key: PublicKey,
}

impl Signer for AgentSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&mut self, kind: Kind, text: &[u8]) -> Result<String, SignError> {
        let namespace = kind.namespace();
        let data = to_be_signed(namespace, text);
        let blob = self.agent.sign(&self.public_key, &data)?;
        let signature = SshSig::pack_agent_signature(&self.public_key, namespace, &blob)?;
        Ok(signature.to_armoured())
    }
}
