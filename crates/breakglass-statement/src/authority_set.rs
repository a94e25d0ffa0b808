//! Every version of the authority there has been, as statements name them.

use std::sync::Arc;

use breakglass_format::{
    Digest, Principal,
    authority::LogIdentity,
    statement::{AuthorityRef, Epoch},
};

use crate::{
    chain::{ChainError, VerifiedAuthority},
    epoch::{EpochError, VerifiedEpoch, check},
};

/// The chain from the genesis to the current version, without a gap.
#[derive(Debug, Clone)]
pub struct AuthoritySet {
    genesis: Arc<VerifiedAuthority>,
    later: Vec<Arc<VerifiedAuthority>>,
    epochs: Vec<Arc<VerifiedEpoch>>,
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
            epochs: Vec::new(),
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

    /// Adds the next epoch, verified against the version that it names, which must be here, and
    /// gives it.
    pub fn begin_epoch(
        &mut self,
        bytes: &[u8],
        signatures: &[(Principal, String)],
    ) -> Result<Arc<VerifiedEpoch>, EpochError> {
        let next = Arc::new(VerifiedEpoch::next(bytes, signatures, self)?);
        self.epochs.push(Arc::clone(&next));
        Ok(next)
    }

    /// Whether an epoch would be the next one, whoever signed it: what is planned can be signed.
    ///
    /// # Errors
    /// [`EpochError`], but for the signatures.
    pub fn may_begin(&self, epoch: &Epoch) -> Result<(), EpochError> {
        check(epoch, self)
    }

    /// Every epoch, the first one first.
    pub fn epochs(&self) -> impl DoubleEndedIterator<Item = &VerifiedEpoch> {
        self.epochs.iter().map(Arc::as_ref)
    }

    /// The log in force: what the last epoch names, until a newer version says it as well.
    #[must_use]
    pub fn log(&self) -> &LogIdentity {
        let current = self.current().authority();
        self.log_under(current.version).unwrap_or(&current.log)
    }

    /// The log under a version, as far as epochs have begun under it.
    pub(crate) fn log_under(&self, version: i64) -> Option<&LogIdentity> {
        let mut epochs = self.epochs().rev().map(VerifiedEpoch::epoch);
        let begun = epochs.find(|epoch| epoch.authority.version == version);
        let mut versions = self.versions().map(VerifiedAuthority::authority);
        let named = versions.find(|authority| authority.version == version);
        begun
            .map(|epoch| &epoch.log)
            .or(named.map(|authority| &authority.log))
    }

    /// Every log that there was or is, some of them more than once.
    pub fn logs(&self) -> impl Iterator<Item = &LogIdentity> {
        let named = self.versions().map(|version| &version.authority().log);
        named.chain(self.epochs().map(|epoch| &epoch.epoch().log))
    }

    /// Those of them that there were under a version.
    pub(crate) fn logs_until(&self, version: i64) -> impl Iterator<Item = &LogIdentity> {
        let versions = self.versions().map(VerifiedAuthority::authority);
        let named = versions.filter(move |authority| authority.version <= version);
        let named = named.map(|authority| &authority.log);
        named.chain(self.epochs().map(|epoch| &epoch.epoch().log))
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
            epochs: Vec::new(),
        }
    }
}
