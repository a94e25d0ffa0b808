//! Who signs: a key in an ssh-agent, a key file, or stock `ssh-keygen` with a key that needs a
//! passphrase or a touch.

pub mod agent;
pub mod generate;
pub mod key_file;
pub mod ssh_keygen;

use std::path::{Path, PathBuf};

use breakglass_format::{Fingerprint, statement::Kind};
use breakglass_statement::{PublicKey, SshSig, SshSigError};
use thiserror::Error;

pub use agent::{Agent, AgentError, AgentSigner};
pub use generate::{GeneratedKey, generate_ed25519};
pub use key_file::{KeyFileError, KeyFileSigner};
pub use ssh_keygen::SshKeygenSigner;

/// Something that signs statements with one key.
pub trait Signer: Send {
    /// The key.
    fn public_key(&self) -> &PublicKey;

    /// Signs a statement's bytes in the namespace of its kind: the armoured SSH signature.
    ///
    /// # Errors
    ///
    /// The key could not be reached or would not sign.
    fn sign(&mut self, kind: Kind, text: &[u8]) -> Result<String, SignError>;

    /// The fingerprint of the key.
    fn fingerprint(&self) -> Fingerprint {
        self.public_key().fingerprint()
    }

    /// Whether somebody must touch a token for each signature.
    fn needs_touch(&self) -> bool {
        self.public_key().key_type().is_security_key()
    }
}

/// Why there is no signature.
#[derive(Debug, Error)]
pub enum SignError {
    /// The agent.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key file exists but its owner could not be asked for it.
    #[error("ssh-keygen could not be run: {detail}")]
    SshKeygen {
        /// What the operating system said.
        detail: String,
    },
    /// `ssh-keygen` gave up; what it said stands on the terminal.
    #[error("ssh-keygen did not sign with {}", .path.display())]
    NotSigned {
        /// The key file.
        path: PathBuf,
    },
    /// What came back is not a signature of this key in this namespace.
    #[error("what was made is not a signature: {0}")]
    Malformed(#[from] SshSigError),
    /// Another key signed than the one asked for.
    #[error("the signature was made by {got}, {expected} was asked for")]
    WrongKey {
        /// The key asked for.
        expected: Fingerprint,
        /// The key that signed.
        got: Fingerprint,
    },
}

/// Where a person's key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the agent at `$SSH_AUTH_SOCK`.
    Agent(Fingerprint),
    /// In a private key file.
    File(PathBuf),
}

/// Finds the signer for a key.
///
/// # Errors
///
/// The agent does not hold the key, or the file is not a private key.
pub fn open(place: &KeyPlace) -> Result<Box<dyn Signer>, SignError> {
    match place {
        KeyPlace::Agent(fingerprint) => {
            let signer = Agent::from_environment()?.signer(fingerprint)?;
            Ok(Box::new(signer))
        }
        KeyPlace::File(path) => open_file(path),
    }
}

/// The signer of a key file: ourselves where it is a plain key, `ssh-keygen` where it has a
/// passphrase or stands for a token.
///
/// # Errors
///
/// The file is not a private key.
pub fn open_file(path: &Path) -> Result<Box<dyn Signer>, SignError> {
    let content = key_file::read(path)?;
    match key_file::parse(&content)? {
        key_file::Parsed::Plain(key) => Ok(Box::new(KeyFileSigner::new(key)?)),
        key_file::Parsed::NeedsSshKeygen(public_key) => {
            Ok(Box::new(SshKeygenSigner::new(path.to_owned(), *public_key)))
        }
    }
}

/// Refuses a signature that is not one of `key` in this namespace.
fn check_made(key: &PublicKey, kind: Kind, armoured: &str) -> Result<(), SignError> {
    let made = SshSig::from_armoured(armoured)?;
    if made.key() != key || made.namespace() != kind.namespace() {
        return Err(SignError::WrongKey {
            expected: key.fingerprint(),
            got: made.key().fingerprint(),
        });
    }
    Ok(())
}
