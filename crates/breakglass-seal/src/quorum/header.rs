//! What a quorum envelope says in clear: canonical JSON, and what everything in it is bound to.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{
    header::{HeaderError, MAX_VERSION, is_plain},
    hex,
    kem::{KemPublicKey, KemPublicKeyError},
    scan::{Scan, Stopped},
};

/// The only algorithm of quorum envelopes.
pub const QUORUM_ALGORITHM: &str =
    "ChaCha20-Poly1305+HKDF-SHA256+Shamir-GF256+HPKE-X25519-HKDF-SHA256-ChaCha20-Poly1305";

/// Length of the nonce in bytes.
pub const QUORUM_NONCE_LEN: usize = 16;

/// Most custodians of one credential.
pub const MAX_CUSTODIANS: usize = 16;

/// How a digest is spelled.
const SHA256: &str = "sha256:";

/// Somebody who holds a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodian {
    /// Who it is, as the authority names people.
    pub principal: Box<str>,
    /// The key that the share is sealed to.
    pub key: KemPublicKey,
}

/// What a quorum envelope says in clear about itself. All of it is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumHeader {
    instance: [u8; 32],
    authority: [u8; 32],
    account: Box<str>,
    version: u64,
    threshold: u8,
    custodians: Vec<Custodian>,
    nonce: [u8; QUORUM_NONCE_LEN],
}

/// A value cannot stand in a header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuorumHeaderError {
    /// Account or version.
    #[error(transparent)]
    Value(#[from] HeaderError),
    /// A principal is empty, too long, or has a character that canonical JSON would escape.
    #[error("a custodian is named by 1 to 255 graphic ASCII characters")]
    Principal,
    /// The custodians do not stand in ascending order, or one stands twice.
    #[error(
        "custodians stand in the order of their names, each once; {second} comes after {first}"
    )]
    Order {
        /// One of them.
        first: Box<str>,
        /// The next one.
        second: Box<str>,
    },
    /// Two custodians have one key, which would make one person two.
    #[error("{first} and {second} have the same key")]
    SameKey {
        /// One of them.
        first: Box<str>,
        /// The other.
        second: Box<str>,
    },
    /// Fewer than two are enough, or all of them are needed, so that one lost key loses the credential.
    #[error(
        "at least 2 custodians have to be needed and one more has to be there, of at most \
         {MAX_CUSTODIANS}; got {threshold} of {custodians}"
    )]
    Threshold {
        /// How many are needed.
        threshold: u8,
        /// How many there are.
        custodians: usize,
    },
}

/// Why bytes are not a canonical header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuorumHeaderParseError {
    /// The bytes are not the canonical rendering of a header.
    #[error("the quorum header is not canonical at or after offset {offset}")]
    NotCanonical {
        /// Where reading stopped, in bytes from the start.
        offset: usize,
    },
    /// The algorithm is not [`QUORUM_ALGORITHM`].
    #[error("expected the algorithm {QUORUM_ALGORITHM}, got {got:?}")]
    Algorithm {
        /// The algorithm named.
        got: Box<str>,
    },
    /// The key of a custodian is none.
    #[error("the key of {principal}: {error}")]
    Key {
        /// Whose.
        principal: Box<str>,
        /// Why.
        error: KemPublicKeyError,
    },
    /// A value cannot stand in a header.
    #[error(transparent)]
    Value(#[from] QuorumHeaderError),
}

impl From<Stopped> for QuorumHeaderParseError {
    fn from(Stopped { offset }: Stopped) -> Self {
        Self::NotCanonical { offset }
    }
}

impl QuorumHeader {
    /// Makes a header: `version` of `account`, sealed under the `authority` (its SHA-256) of an
    /// `instance` (SHA-256 of the genesis authority) so that `threshold` of the custodians, who
    /// stand in the order of their principals, can release it.
    ///
    /// # Errors
    ///
    /// See [`QuorumHeaderError`].
    pub fn new(
        (instance, authority): ([u8; 32], [u8; 32]),
        (account, version): (&str, u64),
        (threshold, custodians): (u8, Vec<Custodian>),
        nonce: [u8; QUORUM_NONCE_LEN],
    ) -> Result<Self, QuorumHeaderError> {
        if !is_plain(account) {
            return Err(HeaderError::Account { len: account.len() }.into());
        }
        if version > MAX_VERSION {
            let (max, got) = (MAX_VERSION, version);
            return Err(HeaderError::Version { max, got }.into());
        }
        check(threshold, &custodians)?;
        Ok(Self {
            instance,
            authority,
            account: account.into(),
            version,
            threshold,
            custodians,
            nonce,
        })
    }

    /// The instance: SHA-256 of the genesis authority.
    #[must_use]
    pub fn instance(&self) -> &[u8; 32] {
        &self.instance
    }

    /// SHA-256 of the authority that named the custodians.
    #[must_use]
    pub fn authority(&self) -> &[u8; 32] {
        &self.authority
    }

    /// The account whose credential it is.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The version of the account's credential.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many shares give the credential.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Who holds the shares, the first one share 1.
    #[must_use]
    pub fn custodians(&self) -> &[Custodian] {
        &self.custodians
    }

    /// The number of somebody's share.
    #[must_use]
    pub fn number_of(&self, principal: &str) -> Option<u8> {
        let numbered = (1..).zip(&self.custodians);
        let mut own = numbered.filter(|(_, custodian)| *custodian.principal == *principal);
        own.next().map(|(number, _)| number)
    }

    /// Who holds a share.
    #[must_use]
    pub fn custodian(&self, number: u8) -> Option<&Custodian> {
        self.custodians.get(usize::from(number).checked_sub(1)?)
    }

    /// The canonical JSON: keys sorted bytewise, no whitespace, ASCII only.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        // No value needs escaping: `new` admits none that would.
        let custodians: Vec<String> = self.custodians.iter().map(rendered).collect();
        format!(
            r#"{{"account":"{}","alg":"{QUORUM_ALGORITHM}","authority":"{SHA256}{}","custodians":[{}],"instance":"{SHA256}{}","nonce":"{}","threshold":{},"version":{}}}"#,
            self.account,
            hex::format(&self.authority),
            custodians.join(","),
            hex::format(&self.instance),
            STANDARD.encode(self.nonce),
            self.threshold,
            self.version,
        )
    }

    /// Reads the canonical JSON; every other rendering is refused.
    ///
    /// # Errors
    ///
    /// See [`QuorumHeaderParseError`].
    pub fn parse_canonical(bytes: &[u8]) -> Result<Self, QuorumHeaderParseError> {
        let mut scan = Scan::of(bytes)?;
        let account = scan.between(r#"{"account":""#, "\"")?;
        let alg = scan.between(r#""alg":""#, "\"")?;
        let authority = scan.between(r#""authority":"sha256:"#, "\"")?;
        let custodians = scan.between(r#""custodians":["#, "]")?;
        let instance = scan.between(r#""instance":"sha256:"#, "\"")?;
        let nonce = scan.between(r#""nonce":""#, "\"")?;
        let threshold = scan.between(r#""threshold":"#, ",")?;
        let version = scan.between(r#""version":"#, "}")?;
        if alg != QUORUM_ALGORITHM {
            return Err(QuorumHeaderParseError::Algorithm { got: alg.into() });
        }
        let nonce = STANDARD.decode(nonce).ok();
        let nonce = nonce.and_then(|nonce| nonce.try_into().ok());
        let (Ok(instance), Ok(authority), Some(nonce), Ok(threshold), Ok(version)) = (
            hex::parse(instance),
            hex::parse(authority),
            nonce,
            threshold.parse(),
            version.parse(),
        ) else {
            return Err(scan.stopped().into());
        };
        let of = (threshold, read(custodians)?);
        let header = Self::new((instance, authority), (account, version), of, nonce)?;
        // The proof that nothing else was let through: signs, leading zeroes, missing commas.
        if header.to_canonical().as_bytes() == bytes {
            Ok(header)
        } else {
            Err(scan.stopped().into())
        }
    }
}

fn check(threshold: u8, custodians: &[Custodian]) -> Result<(), QuorumHeaderError> {
    let count = custodians.len();
    if threshold < 2 || usize::from(threshold) >= count || count > MAX_CUSTODIANS {
        return Err(QuorumHeaderError::Threshold {
            threshold,
            custodians: count,
        });
    }
    if custodians.iter().any(|one| !is_plain(&one.principal)) {
        return Err(QuorumHeaderError::Principal);
    }
    for pair in custodians.windows(2) {
        if let [first, second] = pair
            && first.principal >= second.principal
        {
            let (first, second) = (first.principal.clone(), second.principal.clone());
            return Err(QuorumHeaderError::Order { first, second });
        }
    }
    for (place, second) in custodians.iter().enumerate() {
        let before = custodians.iter().take(place);
        if let Some(first) = before.clone().find(|first| first.key == second.key) {
            let (first, second) = (first.principal.clone(), second.principal.clone());
            return Err(QuorumHeaderError::SameKey { first, second });
        }
    }
    Ok(())
}

fn rendered(custodian: &Custodian) -> String {
    let Custodian { principal, key } = custodian;
    format!(r#"{{"key":"{key}","principal":"{principal}"}}"#)
}

/// Reads custodians; that they are rendered as they must be is compared afterwards.
fn read(text: &str) -> Result<Vec<Custodian>, QuorumHeaderParseError> {
    let mut scan = Scan::of(text.as_bytes())?;
    let mut custodians = Vec::new();
    while !scan.is_at_end() && custodians.len() <= MAX_CUSTODIANS {
        let key = scan.between(r#"{"key":""#, "\"")?;
        let principal = scan.between(r#""principal":""#, "\"}")?;
        let key = key.parse();
        custodians.push(Custodian {
            key: key.map_err(|error| QuorumHeaderParseError::Key {
                principal: principal.into(),
                error,
            })?,
            principal: principal.into(),
        });
    }
    Ok(custodians)
}
