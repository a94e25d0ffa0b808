//! A folder that is read piece by piece from a disk, where somebody may write in it meanwhile.

use std::{
    borrow::Cow,
    io::Read,
    sync::atomic::{AtomicUsize, Ordering},
};

use breakglass_verify::{
    Files, Folder, FolderError, OnDisk, Options, Outcome, check, check_files, files::Listing,
};

use crate::{rich, story};

#[test]
fn a_folder_on_a_disk_has_the_verdict_of_the_one_in_memory() {
    let place = tempfile::tempdir().unwrap();
    let (story, rich) = (story::whole().log, rich::log());
    let mut folders = vec![
        (story.folder(), story.pinned()),
        (rich.folder(), rich.pinned()),
        (rich.folder(), Options::default()),
        (Folder::new(), Options::default()),
    ];
    for path in ["siem.jsonl", "timeline.txt", "allowed_signers", "genesis"] {
        let (mut changed, options) = folders[1].clone();
        let mut bytes = changed.get(path).unwrap().to_vec();
        bytes.truncate(bytes.len() - 2);
        changed.insert(path, bytes);
        changed.insert("blobs/00", b"stray".to_vec());
        folders.push((changed, options));
    }
    for (number, (folder, options)) in folders.iter().enumerate() {
        let root = place.path().join(number.to_string());
        folder.write(&root).unwrap();
        let disk = OnDisk::at(&root).unwrap();
        let verdict = check_files(&disk, options, &|_| ()).unwrap();
        assert_eq!(verdict, check(folder, options), "{number}");
    }
}

/// A folder of which one file is another one after it was read so many times.
struct Changing<'a> {
    folder: &'a Folder,
    path: &'a str,
    after: usize,
    changed: Vec<u8>,
    reads: AtomicUsize,
}

impl Changing<'_> {
    fn bytes(&self, path: &str) -> &[u8] {
        let there = self.folder.get(path).unwrap();
        if path != self.path {
            return there;
        }
        let before = self.reads.fetch_add(1, Ordering::SeqCst);
        if before < self.after {
            there
        } else {
            &self.changed
        }
    }
}

impl Files for Changing<'_> {
    fn listing(&self) -> Cow<'_, Listing> {
        self.folder.listing()
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + Send + '_>, FolderError> {
        Ok(Box::new(self.bytes(path)))
    }

    fn whole(&self, path: &str) -> Result<Cow<'_, [u8]>, FolderError> {
        Ok(Cow::Borrowed(self.bytes(path)))
    }
}

#[test]
fn whoever_changes_a_file_while_it_is_read_gets_no_true_verdict_for_it() {
    let log = story::whole().log;
    let (folder, options) = (log.folder(), log.pinned());
    let mut again = 0;
    for (path, bytes) in folder.iter() {
        for after in 0..4 {
            let mut changed = bytes.to_vec();
            let last = changed.len() - 1;
            changed[last / 2] ^= 1;
            let changing = Changing {
                folder: &folder,
                path,
                after,
                changed,
                reads: AtomicUsize::new(0),
            };
            let verdict = check_files(&changing, &options, &|_| ());
            let seen = changing.reads.into_inner() > after;
            match verdict {
                Ok(verdict) => assert_eq!(
                    verdict.outcome == Outcome::Tampered,
                    seen,
                    "{path} after {after}: {:?}",
                    verdict.findings
                ),
                Err(FolderError::Changed { path: named }) => {
                    assert!(seen && named == path, "{path} after {after}: {named}");
                    again += 1;
                }
                Err(other) => panic!("{path} after {after}: {other}"),
            }
        }
    }
    assert!(again > 10, "files are read again: {again}");
}
