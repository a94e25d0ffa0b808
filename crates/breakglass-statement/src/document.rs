//! One version of the authority with its keys read, before anybody's signature is looked at.

use std::collections::BTreeMap;

use breakglass_format::{
    Digest, Fingerprint, Line, PersonId, Principal, Timestamp,
    authority::{Authority, AuthorityError, Key, Person},
    statement::Kind,
};
use thiserror::Error;

use crate::{
    digest::digest,
    kem::{self, KemError},
    public_key::{KeyError, KeyType, PublicKey},
};

/// Why bytes are not an authority document that can be worked with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It breaks a rule of its own.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A key in it cannot be used.
    #[error("key of {holder}: {error}")]
    Key {
        /// The principal or the machine.
        holder: String,
        /// Why.
        error: KeyError,
    },
    /// A key has another text than `type base64`.
    #[error("key of {holder} is not written as `type base64` without comment")]
    KeyText {
        /// The principal or the machine.
        holder: String,
    },
    /// The fingerprint beside a key is another key's.
    #[error("key of {holder} has the fingerprint {actual}, the document says {stated}")]
    Fingerprint {
        /// The principal.
        holder: String,
        /// In the document.
        stated: Fingerprint,
        /// Of the key.
        actual: Fingerprint,
    },
    /// Web origins at a key that is no passkey, or an empty one.
    #[error("key of {holder} cannot have web origins, or one of them is empty")]
    Origins {
        /// The principal.
        holder: String,
    },
    /// A node's key cannot be sealed to.
    #[error("node {node}: {error}")]
    Node {
        /// Its name.
        node: String,
        /// Why.
        error: KemError,
    },
}

/// A document with its keys read.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) authority: Authority,
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    keys: BTreeMap<Fingerprint, PublicKey>,
}

impl Document {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DocumentError> {
        let authority = Authority::from_bytes(bytes)?;
        let mut keys = BTreeMap::new();
        for person in &authority.people {
            for key in &person.keys {
                let public = check_key(person.principal.as_str(), key)?;
                keys.insert(key.fingerprint.clone(), public);
            }
        }
        for machine in &authority.machines {
            read_line(machine.name.as_str(), &machine.public_key)?;
        }
        for node in &authority.nodes {
            kem::check(&node.kem).map_err(|error| DocumentError::Node {
                node: node.name.to_string(),
                error,
            })?;
        }
        Ok(Self {
            authority,
            bytes: bytes.to_vec(),
            digest: digest(bytes),
            keys,
        })
    }

    pub(crate) fn public_key(&self, fingerprint: &Fingerprint) -> Option<&PublicKey> {
        self.keys.get(fingerprint)
    }

    /// Whose key it is.
    pub(crate) fn holder(&self, fingerprint: &Fingerprint) -> Option<&Person> {
        let people = &self.authority.people;
        people.iter().find(|p| p.key(fingerprint).is_some())
    }

    /// Every key with whom it belongs to.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Person, &Key)> {
        let people = &self.authority.people;
        people
            .iter()
            .flat_map(|p| p.keys.iter().map(move |k| (p, k)))
    }

    pub(crate) fn is_root(&self, person: &PersonId) -> bool {
        self.authority.roots.persons.contains(person)
    }

    /// The root person who signs under this principal with this key at this instant.
    pub(crate) fn root(
        &self,
        principal: &Principal,
        key: &PublicKey,
        at: Timestamp,
    ) -> Option<(&Person, &Key)> {
        let person = self.authority.principal(principal)?;
        let listed = person.key(&key.fingerprint())?;
        let counts = self.is_root(&person.person) && listed.counts(Kind::Authority, at);
        let same = self.public_key(&listed.fingerprint) == Some(key);
        (counts && same).then_some((person, listed))
    }
}

fn check_key(holder: &str, key: &Key) -> Result<PublicKey, DocumentError> {
    let holder = holder.to_owned();
    let public = read_line(&holder, &key.public_key)?;
    let actual = public.fingerprint();
    if actual != key.fingerprint {
        return Err(DocumentError::Fingerprint {
            holder,
            stated: key.fingerprint.clone(),
            actual,
        });
    }
    let passkey = public.key_type() == KeyType::SkEcdsaP256;
    let fit = key.origins.is_empty() || passkey;
    if !fit || key.origins.iter().any(Line::is_empty) {
        return Err(DocumentError::Origins { holder });
    }
    Ok(public)
}

fn read_line(holder: &str, line: &Line) -> Result<PublicKey, DocumentError> {
    let holder = holder.to_owned();
    let public = match PublicKey::from_line(line.as_str()) {
        Ok(public) => public,
        Err(error) => return Err(DocumentError::Key { holder, error }),
    };
    if public.line() == line.as_str() {
        Ok(public)
    } else {
        Err(DocumentError::KeyText { holder })
    }
}
