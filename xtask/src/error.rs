//! What can keep a development command from doing its work at all. A test that fails is not an
//! error: it is a result.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a command had to stop.
#[derive(Debug)]
pub(crate) enum Error {
    /// A program could not be started or waited for.
    Spawn { program: String, source: io::Error },
    /// A file or folder could not be read or written.
    File { path: PathBuf, source: io::Error },
    /// `cargo metadata` ended with an error; cargo has said why on standard error.
    MetadataFailed,
    /// `cargo metadata` printed something that is not JSON.
    MetadataJson(serde_json::Error),
    /// `cargo metadata` left out a field, or gave it another type.
    MetadataField(&'static str),
}

impl Error {
    /// For `map_err` around something done to a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// For `map_err` around starting or waiting for a program.
    pub(crate) fn spawn(program: &str) -> impl FnOnce(io::Error) -> Self {
        let program = program.to_owned();
        move |source| Self::Spawn { program, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { program, source } => write!(f, "cannot run {program}: {source}"),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::MetadataFailed => write!(f, "cargo metadata failed"),
            Self::MetadataJson(source) => write!(f, "cargo metadata is not JSON: {source}"),
            Self::MetadataField(field) => write!(f, "cargo metadata has no usable field {field}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spawn { source, .. } | Self::File { source, .. } => Some(source),
            Self::MetadataJson(source) => Some(source),
            Self::MetadataFailed | Self::MetadataField(_) => None,
        }
    }
}
