//! What the client keeps on disk: configuration, pins, the session key, one-time keys.
//!
//! Directories are 0700, files 0600, every write is atomic and durable. Nothing here is trusted
//! with less care than the private key itself: whoever can write it can make the client forget
//! what it has seen.

pub mod checkouts;
pub mod config;
pub mod file;
pub mod pins;
pub mod session;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use breakglass_format::Digest;
use thiserror::Error;

pub use checkouts::{Checkouts, PendingCheckout};
pub use config::{ClientConfig, ConfigError, WitnessConfig};
pub use pins::{AuthorityPin, Fork, ForkKind, PinError, Pins};
pub use session::{Session, SessionStore};

/// Why something could not be kept or read back.
#[derive(Debug, Error)]
pub enum StateError {
    /// The file system.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of ours does not hold what we write.
    #[error("{} is damaged: {detail}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A file must not exist and does.
    #[error("{} exists already", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Neither `--home` nor the environment says where files go.
    #[error("no home directory: neither --home nor HOME is set")]
    NoHome,
}

/// The three directories of one person at one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
    runtime: PathBuf,
}

impl Home {
    /// Everything under one directory.
    #[must_use]
    pub fn under(dir: &Path) -> Self {
        Self {
            config: dir.to_owned(),
            state: dir.join("state"),
            runtime: dir.join("run"),
        }
    }

    /// The directories of the XDG base directory specification. Without a runtime directory the
    /// state directory takes its place.
    ///
    /// # Errors
    ///
    /// Not even `HOME` is set.
    pub fn from_environment(
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, StateError> {
        // "All paths set in these environment variables must be absolute."
        let absolute = |name| {
            let path = variable(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let place = |name, beneath: &str| {
            absolute(name)
                .or_else(|| absolute("HOME").map(|home| home.join(beneath)))
                .map(|base| base.join("breakglass"))
                .ok_or(StateError::NoHome)
        };
        let state = place("XDG_STATE_HOME", ".local/state")?;
        let runtime = absolute("XDG_RUNTIME_DIR");
        Ok(Self {
            config: place("XDG_CONFIG_HOME", ".config")?,
            runtime: runtime.map_or_else(|| state.join("run"), |dir| dir.join("breakglass")),
            state,
        })
    }

    /// `client.toml`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("client.toml")
    }

    /// Where things lie that must not outlive the machine's next start.
    #[must_use]
    pub fn runtime_dir(&self) -> &Path {
        &self.runtime
    }

    /// Where `join --new-key` puts the key.
    #[must_use]
    pub fn new_key_file(&self) -> PathBuf {
        self.config.join("id_ed25519")
    }

    /// What was pinned and seen of the installation with this genesis.
    #[must_use]
    pub fn pins(&self, genesis: Digest) -> Pins {
        Pins::in_dir(&self.state.join(genesis.hex()))
    }

    /// The export of the installation with this genesis that `verify URL` keeps. Beside it, in
    /// `evidence`, lie checkpoints that contradict each other.
    #[must_use]
    pub fn export(&self, genesis: Digest) -> PathBuf {
        self.state.join(genesis.hex()).join("export")
    }

    /// The session key and reading token.
    #[must_use]
    pub fn session(&self) -> SessionStore {
        SessionStore::at(self.runtime.join("session.json"))
    }

    /// Checkouts whose answer has not been opened yet, and the keys of requests.
    #[must_use]
    pub fn checkouts(&self) -> Checkouts {
        Checkouts::in_dir(&self.state.join("one-time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_follow_the_environment() {
        let set = |name: &'static str| match name {
            "HOME" => Some(OsString::from("/home/alice")),
            "XDG_STATE_HOME" => Some(OsString::from("relative")),
            "XDG_RUNTIME_DIR" => Some(OsString::from("/run/user/1")),
            _ => None,
        };
        let home = Home::from_environment(set).unwrap();
        assert_eq!(
            home.config_file(),
            Path::new("/home/alice/.config/breakglass/client.toml")
        );
        assert_eq!(home.state, Path::new("/home/alice/.local/state/breakglass"));
        assert_eq!(home.runtime, Path::new("/run/user/1/breakglass"));
        assert!(matches!(
            Home::from_environment(|_| None),
            Err(StateError::NoHome)
        ));
    }
}
