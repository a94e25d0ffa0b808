//! Where people are reached, beside the log: a file each, named by the commitment that the log
//! holds. None of them is served, exported or shown; one that nobody needs any more is removed.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use breakglass_core::World;
use breakglass_format::{Digest, Line, contact::Contact};
use breakglass_sinks::notify::smtp::Smtp;
use breakglass_statement::digest;
use breakglass_store::durable::{DurableError, FileMode, sync_dir, write_durably};
use thiserror::Error;

/// The folder of contacts.
#[derive(Debug)]
pub(crate) struct Contacts {
    folder: PathBuf,
}

/// Why a contact was not kept. The texts hold no address.
#[derive(Debug, Error)]
pub(crate) enum ContactError {
    /// Not of the form.
    #[error("the contact is not of the form, or its mail address is none")]
    Shape,
    /// The disk.
    #[error("the contact could not be kept")]
    Folder(#[from] io::Error),
    /// The disk.
    #[error("the contact could not be kept")]
    File(#[from] DurableError),
}

impl Contacts {
    /// Those of the server with this data.
    pub(crate) fn beside(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("contacts"),
        }
    }

    /// Keeps a contact, before the log names it: what is named can be found.
    pub(crate) fn keep(&self, bytes: &[u8]) -> Result<(), ContactError> {
        let contact = Contact::from_bytes(bytes).map_err(|_| ContactError::Shape)?;
        if !Smtp::is_address(contact.mail.as_str()) {
            return Err(ContactError::Shape);
        }
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => {
                if let Some(above) = self.folder.parent() {
                    sync_dir(above)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let path = self.path(&digest(bytes));
        Ok(write_durably(&path, bytes, FileMode::OwnerOnly)?)
    }

    /// The mail address that somebody committed to, if it is still here and what it was.
    pub(crate) fn mail(&self, commitment: &Digest) -> Option<Line> {
        let bytes = fs::read(self.path(commitment)).ok()?;
        if digest(&bytes) != *commitment {
            return None;
        }
        Some(Contact::from_bytes(&bytes).ok()?.mail)
    }

    /// Removes a contact that nobody is reached by any more.
    pub(crate) fn forget(&self, commitment: &Digest) {
        // What could not be removed now is removed at the next start.
        let _ = fs::remove_file(self.path(commitment));
    }

    /// Removes what the log does not name, or no longer: it was refused after it was kept, or the
    /// process died before it was removed. Only before anybody can set a contact.
    pub(crate) fn tidy(&self, world: &World) {
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            let commitment = name
                .to_str()
                .and_then(|hex| format!("sha256:{hex}").parse().ok());
            if commitment.is_none_or(|c| !world.needs_contact(&c)) {
                let _ = fs::remove_file(file.path());
            }
        }
    }

    fn path(&self, commitment: &Digest) -> PathBuf {
        self.folder.join(commitment.hex())
    }
}
