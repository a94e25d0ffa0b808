//! What is behind a start that failed, as far as what to do about it differs.

use breakglass_statement::ChainError;
use breakglass_store::{OpenError, Remedy};

use crate::{engine::ReplayError, genesis::GenesisError, http::ListenError, start::StartError};

/// What is behind a start that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The log is not what was written: somebody altered it, or a disk did.
    LogAltered,
    /// Another process has the log.
    LogInUse,
    /// The log began with another authority than the one pinned.
    OtherGenesis,
    /// A file that `[tls]` names.
    Tls,
    /// What the error itself says.
    Itself,
}

impl StartError {
    /// What is behind it.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Open(error) => of_open(error),
            Self::Replay(ReplayError::Chain { source, .. })
            | Self::Genesis(GenesisError::Chain(source)) => of_chain(source),
            Self::Listen(ListenError::Pem { .. } | ListenError::Tls(_)) => Cause::Tls,
            Self::Config(_)
            | Self::Key(_)
            | Self::Create(_)
            | Self::Replay(_)
            | Self::Bootstrap(_)
            | Self::Genesis(_)
            | Self::Program { .. }
            | Self::Target { .. }
            | Self::Probe { .. }
            | Self::LogGone { .. }
            | Self::LogKey { .. }
            | Self::NoAuthority
            | Self::Mark(_)
            | Self::Listen(_)
            | Self::Runtime(_) => Cause::Itself,
        }
    }
}

fn of_open(error: &OpenError) -> Cause {
    let remedy = error.remedy();
    // A disk that fails or is full is not an altered log.
    if remedy == Remedy::Restore && !matches!(error, OpenError::Storage(_)) {
        Cause::LogAltered
    } else if remedy == Remedy::StopOther {
        Cause::LogInUse
    } else {
        Cause::Itself
    }
}

fn of_chain(error: &ChainError) -> Cause {
    if matches!(error, ChainError::Pin { .. }) {
        Cause::OtherGenesis
    } else {
        Cause::Itself
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_altered_log_is_told_from_one_that_is_in_use_and_from_a_full_disk() {
        let of = |error: OpenError| StartError::from(error).cause();
        assert_eq!(of(OpenError::HeadMissing), Cause::LogAltered);
        assert_eq!(of(OpenError::EntryMissing { index: 3 }), Cause::LogAltered);
        let path = std::path::PathBuf::from("log.db");
        assert_eq!(of(OpenError::InUse { path: path.clone() }), Cause::LogInUse);
        assert_eq!(of(OpenError::Missing { path }), Cause::Itself);
    }
}
