//! The `file` slot: the key itself as a line of text, for development and for systemd credentials.
//!
//! What protects the key is what protects the file: its mode, or the encryption by which systemd
//! delivers it (`LoadCredentialEncrypted=`).

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    key_file::{self, KeyFileError},
    server_key::{KeyCommitment, ServerKey},
};

/// The tag in front of the base64 text.
const TAG: &str = "breakglass-server-key-v1";

/// The content of a server key file, not yet judged, so that one broken file does not keep the
/// other slots from being tried.
pub struct FileSlot {
    content: Zeroizing<Vec<u8>>,
}

impl FileSlot {
    /// Takes over what was read from the file.
    #[must_use]
    pub fn new(content: Zeroizing<Vec<u8>>) -> Self {
        Self { content }
    }

    /// The content of the file that holds this key: `breakglass-server-key-v1:<base64>\n`.
    #[must_use]
    pub fn format(key: &ServerKey) -> Zeroizing<Vec<u8>> {
        key_file::format(TAG, key.expose())
    }

    /// The commitment of the key in the file, to be stored when a server is first set up.
    ///
    /// # Errors
    ///
    /// The content is not a server key.
    pub fn commitment(&self) -> Result<KeyCommitment, KeyFileError> {
        self.read().map(|key| key.commitment())
    }

    pub(super) fn read(&self) -> Result<ServerKey, KeyFileError> {
        key_file::parse(TAG, &self.content).map(ServerKey::from_secret)
    }
}

impl fmt::Debug for FileSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileSlot([redacted])")
    }
}
