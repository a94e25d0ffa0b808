//! Every version of the authority there has been, as statements name them.

use std::sync::Arc;

use breakglass_format::{Digest, Principal, statement::AuthorityRef};

use crate::chain::{ChainError, VerifiedAuthority};

/// The chain from the genesis to the current version, without a gap.
#[derive(Debug, Clone)]
pub struct AuthoritySet {
    genesis: Arc<VerifiedAuthority>,
    later: Vec<Arc<VerifiedAuthority>>,
}

impl AuthoritySet {
    /// Begins with a genesis, verified as [`VerifiedAuthority::genesis`] does.
    pub fn genesis(
        bytes: &[u8],
        signatures: &[(Principal, String)],
        pin: Option<Digest>,
    ) -> Result<Self, ChainError> {
        let genesis = VerifiedAuthority::genesis(bytes, signatures, pin)?;
        Ok(Self {
            genesis: Arc::new(genesis),
            later: Vec::new(),
        })
    }

    /// Adds the next version, verified as [`VerifiedAuthority::succeed`] does, and gives it.
    pub fn succeed(
        &mut self,
        bytes: &[u8],
        signatures: &[(Principal, String)],
    ) -> Result<Arc<VerifiedAuthority>, ChainError> {
        let next = Arc::new(self.current().succeed(bytes, signatures)?);
        self.later.push(Arc::clone(&next));
        Ok(next)
    }

    /// The version that a statement names: digest and number must both fit.
    #[must_use]
    pub fn get(&self, named: &AuthorityRef) -> Option<&VerifiedAuthority> {
        self.versions()
            .find(|v| named.version == v.authority().version && named.digest.0 == Some(v.digest()))
    }

    /// The latest version.
    #[must_use]
    pub fn current(&self) -> &VerifiedAuthority {
        self.later.last().unwrap_or(&self.genesis)
    }

    /// How a statement names the latest version.
    #[must_use]
    pub fn current_ref(&self) -> AuthorityRef {
        let current = self.current();
        AuthorityRef {
            digest: current.digest().into(),
            version: current.authority().version,
        }
    }

    /// SHA-256 of the genesis, by which statements name this installation.
    #[must_use]
    pub fn instance(&self) -> Digest {
        self.genesis.digest()
    }

    /// Every version, the genesis first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &VerifiedAuthority> {
        std::iter::once(&self.genesis)
            .chain(&self.later)
            .map(Arc::as_ref)
    }

    #[cfg(feature = "danger-assertion")]
    pub(crate) fn asserted(versions: (VerifiedAuthority, Vec<VerifiedAuthority>)) -> Self {
        Self {
            genesis: Arc::new(versions.0),
            later: versions.1.into_iter().map(Arc::new).collect(),
        }
    }
}
