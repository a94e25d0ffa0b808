//! The files of a folder by their SHA-256, as entries name what lies beside the log.

use std::{collections::BTreeMap, sync::OnceLock};

use breakglass_format::Digest;

use crate::{Folder, continuation::by_digest_of, record};

/// Long files that follow from the entries. No entry names one, unless somebody forged it.
const RENDERINGS: [&str; 2] = ["siem.jsonl", "timeline.txt"];

type ByDigest<'a> = BTreeMap<Digest, &'a [u8]>;

/// Files by digest. Those of the log and what follows from it are hashed only when something is
/// asked for that is not among the others.
pub(super) struct Index<'a> {
    beside: ByDigest<'a>,
    folder: &'a Folder,
    others: OnceLock<ByDigest<'a>>,
}

impl<'a> Index<'a> {
    pub(super) fn of(folder: &'a Folder) -> Self {
        Self {
            beside: of(folder, |path| !is_of_log(path)),
            folder,
            others: OnceLock::new(),
        }
    }

    /// The file with this digest, whatever its name is.
    pub(super) fn get(&self, digest: &Digest) -> Option<&'a [u8]> {
        let others = || self.others.get_or_init(|| of(self.folder, is_of_log));
        let found = self.beside.get(digest);
        found.or_else(|| others().get(digest)).copied()
    }
}

fn of<'a>(folder: &'a Folder, wanted: impl Fn(&str) -> bool) -> ByDigest<'a> {
    let files = folder.iter().filter(|(path, _)| wanted(path));
    by_digest_of(files.map(|(_, bytes)| bytes).collect())
}

fn is_of_log(path: &str) -> bool {
    path.starts_with(record::LOG) || RENDERINGS.contains(&path)
}
