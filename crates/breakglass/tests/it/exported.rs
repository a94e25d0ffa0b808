//! Exports, made as an auditor makes them, and read.

use std::collections::BTreeSet;

use breakglass::{
    export::{self, Export, ExportError, ExportWish},
    trust::Trust,
};
use breakglass_api::Client;
use breakglass_format::{Digest, Timestamp};
use breakglass_verify::Folder;
use sha2::{Digest as _, Sha256};

/// The evidence folder of the log as it is now.
pub(crate) fn export(
    client: &Client,
    trust: &Trust,
    now: Timestamp,
) -> Result<Folder, ExportError> {
    let (_, folder) = resume(client, trust, now, &Folder::new())?;
    Ok(folder)
}

/// An earlier one as it is now. Where that will never be, the folder is what it was.
pub(crate) fn resume(
    client: &Client,
    trust: &Trust,
    now: Timestamp,
    before: &Folder,
) -> Result<(Export, Folder), ExportError> {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("evidence");
    before.write(&dir).unwrap();
    let made = export::export(client, trust, now, &dir, ExportWish::default());
    let found = Folder::read(&dir).unwrap();
    if made.as_ref().is_err_and(|error| !error.may_pass()) {
        assert!(found == *before);
    }
    Ok((made?, found))
}

/// The SHA-256 of every file.
pub(crate) fn digests(folder: &Folder) -> BTreeSet<Digest> {
    let digest = |bytes: &[u8]| Digest::from_bytes(Sha256::digest(bytes).into());
    folder.iter().map(|(_, bytes)| digest(bytes)).collect()
}
