//! Custody mode `server`: what the running server can open, and when it does.
//!
//! At rest every credential is sealed under the server key. It is opened in one place, for one
//! call: to be sealed to a requester's one-time key, or to be used by our hands.

use std::path::{Path, PathBuf};

use breakglass_format::{AccountId, Digest, GrantId, rotatable, statement::Kem};
use breakglass_seal::{
    Credential, FileSlot, KemPublicKey, KeyFileError, OneTimeKey, OpenError, PasswordLength,
    ReleaseContext, ReleaseEnvelope, SealedCredential, SecretText, ServerKey, Slot,
    generate_password, open, open_any, open_release, seal, seal_release,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::entropy::OsEntropy;

/// Context of a credential on its way in: SHA-256 of this text stands where a checkout's digest
/// would.
const IMPORT: &str = "breakglass/import/v1";

/// The keys that custody rests on.
pub(crate) struct Custody {
    server_key: ServerKey,
    node_key: OneTimeKey,
    instance: Digest,
}

impl std::fmt::Debug for Custody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Custody")
            .field("server_key", &self.server_key)
            .finish_non_exhaustive()
    }
}

/// Why the keys cannot be taken up.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A key file cannot be read.
    #[error("key file {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others on this machine may read it.
    #[error("key file {path} may be read by others (mode {mode:o}); chmod 600 it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Its content is no key.
    #[error("key file {path}: {source}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyFileError,
    },
    /// The node key is not the one that the authority names.
    #[error(
        "the authority names another node key than {path}: credentials sealed to it could not be opened"
    )]
    NotTheNode {
        /// The file.
        path: PathBuf,
    },
    /// The server key is another one than the credentials are sealed under.
    #[error("the server key is not the one that the credential of {account} is sealed under")]
    NotTheSealer {
        /// The account.
        account: AccountId,
    },
    /// The log key cannot be read from its file.
    #[error("log key file {path}: {detail}")]
    LogKey {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

/// Why a credential could not be taken out, put in or handed over.
#[derive(Debug, Error)]
pub(crate) enum CustodyError {
    #[error("the sealed credential cannot be opened: {0}")]
    Open(#[from] OpenError),
    #[error("the sealed credential cannot be read: {0}")]
    Sealed(#[from] breakglass_seal::SealedParseError),
    #[error("the credential cannot be sealed: {0}")]
    Seal(#[from] breakglass_seal::SealError),
    #[error("the credential cannot be sealed to the one-time key: {0}")]
    Release(#[from] breakglass_seal::ReleaseSealError),
    #[error("the one-time key is not a usable X25519 key: {0}")]
    Kem(#[from] breakglass_seal::KemPublicKeyError),
    #[error("the imported envelope cannot be read: {0}")]
    ImportParse(#[from] breakglass_seal::ReleaseParseError),
    #[error("the imported envelope was not sealed to this node, for this account: {0}")]
    Import(#[from] breakglass_seal::ReleaseOpenError),
    #[error("the imported credential lacks the announced fields")]
    ImportFields,
    #[error("the new credential cannot be made: {0}")]
    Make(#[from] breakglass_seal::PasswordError),
    #[error("the new credential cannot be made: {0}")]
    Build(#[from] breakglass_seal::CredentialError),
    #[error("the field {0} would not be renewed: import a credential without it")]
    NotRenewed(Box<str>),
    #[error("the sealed credential {0} is missing from the store")]
    Missing(Digest),
}

impl CustodyError {
    /// Whether the caller's key or envelope is at fault, and not what we hold.
    pub(crate) const fn is_of_what_was_sent(&self) -> bool {
        match self {
            Self::Kem(_) | Self::ImportParse(_) | Self::Import(_) | Self::ImportFields => true,
            Self::Open(_)
            | Self::Sealed(_)
            | Self::Seal(_)
            | Self::Release(_)
            | Self::Make(_)
            | Self::Build(_)
            | Self::NotRenewed(_)
            | Self::Missing(_) => false,
        }
    }
}

/// Reads a secret file that only its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use std::os::unix::fs::MetadataExt as _;
    let error = |source| KeyError::Read {
        path: path.to_owned(),
        source,
    };
    let mode = std::fs::metadata(path).map_err(error)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Mode {
            path: path.to_owned(),
            mode,
        });
    }
    std::fs::read(path).map(Zeroizing::new).map_err(error)
}

impl Custody {
    /// Takes up the server key and the node key from their files.
    pub(crate) fn load(
        server_key_file: &Path,
        node_key_file: &Path,
        instance: Digest,
    ) -> Result<Self, KeyError> {
        let content = |path: &Path| {
            let path = path.to_owned();
            move |source| KeyError::Content { path, source }
        };
        let slot = FileSlot::new(read_secret(server_key_file)?);
        let commitment = slot.commitment().map_err(content(server_key_file))?;
        let server_key =
            open_any(&[Slot::File(slot)], &commitment).map_err(|_| KeyError::Content {
                path: server_key_file.to_owned(),
                source: KeyFileError::Encoding,
            })?;
        let node_key =
            OneTimeKey::from_file(&read_secret(node_key_file)?).map_err(content(node_key_file))?;
        Ok(Self {
            server_key,
            node_key,
            instance,
        })
    }

    /// The public half of the node key, as the authority spells it.
    pub(crate) fn node_public_key(&self) -> String {
        self.node_key.public_key().to_string()
    }

    /// Whether every current credential was sealed under this server key.
    pub(crate) fn check_sealed(&self, opened: &crate::engine::Opened) -> Result<(), KeyError> {
        use breakglass_store::Ledger as _;
        for (account, state) in opened.world.accounts() {
            let sealed = state
                .current
                .and_then(|c| opened.ledger.blob(&c.sealed).ok().flatten());
            let sealed = sealed.and_then(|blob| SealedCredential::parse(&blob.bytes).ok());
            if sealed.is_some_and(|s| s.header().key_id() != self.server_key.key_id()) {
                return Err(KeyError::NotTheSealer {
                    account: account.clone(),
                });
            }
        }
        Ok(())
    }

    /// Opens a sealed credential of an account.
    pub(crate) fn open(
        &self,
        sealed: &[u8],
        account: &AccountId,
        version: i64,
    ) -> Result<Credential, CustodyError> {
        let sealed = SealedCredential::parse(sealed)?;
        let version = u64::try_from(version).unwrap_or(0);
        Ok(open(&self.server_key, &sealed, account.as_str(), version)?)
    }

    /// Seals a credential as a version of an account.
    pub(crate) fn seal(
        &self,
        account: &AccountId,
        version: i64,
        credential: &Credential,
    ) -> Result<Vec<u8>, CustodyError> {
        let version = u64::try_from(version).unwrap_or(0);
        let sealed = seal(
            &self.server_key,
            account.as_str(),
            version,
            credential,
            &mut OsEntropy,
        )?;
        Ok(sealed.to_bytes())
    }

    /// Seals a credential to the one-time key of a checkout.
    pub(crate) fn hand_over(
        &self,
        credential: &Credential,
        kem: &Kem,
        release: &Release<'_>,
    ) -> Result<Vec<u8>, CustodyError> {
        let recipient: KemPublicKey = kem.pk.as_str().parse()?;
        let grant = release.grant.to_string();
        let context = ReleaseContext {
            instance: self.instance.as_bytes(),
            checkout: release.checkout.as_bytes(),
            grant: &grant,
            account: release.account.as_str(),
            version: u64::try_from(release.version).unwrap_or(0),
        };
        Ok(seal_release(&recipient, &context, credential, &mut OsEntropy)?.to_bytes())
    }

    /// Opens a credential that was sealed to this node, and seals it under the server key.
    pub(crate) fn import(
        &self,
        envelope: &[u8],
        account: &AccountId,
        version: i64,
        fields: &[breakglass_format::Name],
    ) -> Result<Vec<u8>, CustodyError> {
        let import = breakglass_statement::digest(IMPORT.as_bytes());
        let context = ReleaseContext {
            instance: self.instance.as_bytes(),
            checkout: import.as_bytes(),
            grant: "import",
            account: account.as_str(),
            version: 0,
        };
        let envelope = ReleaseEnvelope::parse(envelope)?;
        let credential = open_release(&self.node_key, &context, &envelope)?;
        let mut announced: Vec<&str> = fields.iter().map(|f| f.as_str()).collect();
        announced.sort_unstable();
        if !credential.fields().map(|(name, _)| name).eq(announced) {
            return Err(CustodyError::ImportFields);
        }
        self.seal(account, version, &credential)
    }
}

/// The next credential of an account: a new password beside what is no secret. Where anything else
/// is in it, there is none: the old secret would stay known, and the log would call it rotated.
pub(crate) fn successor(current: &Credential) -> Result<Credential, CustodyError> {
    let mut builder = Credential::builder();
    for (name, value) in current.fields() {
        builder = if name == rotatable::RENEWED {
            let password = generate_password(PasswordLength::default(), &mut OsEntropy)?;
            builder.field(name, password)?
        } else if rotatable::is_rotatable(name) {
            builder.field(name, SecretText::from(value.expose().to_owned()))?
        } else {
            return Err(CustodyError::NotRenewed(name.into()));
        };
    }
    Ok(builder.build()?)
}

/// What a handed-over credential is bound to.
#[derive(Debug)]
pub(crate) struct Release<'a> {
    pub(crate) checkout: Digest,
    pub(crate) grant: GrantId,
    pub(crate) account: &'a AccountId,
    pub(crate) version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_with_a_secret_that_is_not_renewed_has_no_successor() {
        let with = |fields: &[&str]| {
            let fields = fields.iter();
            let built = fields.fold(Credential::builder(), |builder, name| {
                builder.field(name, "as it was".to_owned()).unwrap()
            });
            built.build().unwrap()
        };
        let next = successor(&with(&["host", "password", "username"])).unwrap();
        let value = |name| next.field(name).unwrap().expose().to_owned();
        assert_eq!(
            (value("host"), value("username")),
            ("as it was".into(), "as it was".into())
        );
        assert_ne!(value("password"), "as it was");
        for secret in ["private_key", "totp_seed", "api_key"] {
            let kept = successor(&with(&["password", secret]));
            assert!(matches!(kept, Err(CustodyError::NotRenewed(name)) if &*name == secret));
        }
    }
}
