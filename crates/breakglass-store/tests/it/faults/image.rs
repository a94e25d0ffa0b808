//! What lies in a directory, put into another one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Everything below `from`, also below `to`.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o700)).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// Takes everything below a directory from everybody but its owner.
pub(crate) fn owner_only(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mode = match path.is_dir() {
            true => 0o700,
            false => 0o600,
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if path.is_dir() {
            owner_only(&path);
        }
    }
}
