//! A real file system that is full after so many pages, each number of them in turn.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::appender::{REFUSED, UNKNOWN, VARIABLE};
use super::judge::{acknowledged, judge};
use super::skipped;
use super::strace::ARGUMENTS;

/// What the file system allocates at a time, in bytes.
const PAGE: u64 = 4_096;
/// As many pages as the process is left at most; it needs fewer.
const PAGES: u64 = 60;

/// A file system of one mebibyte, which goes with it, also when a test fails.
struct Small(TempDir);

impl Small {
    fn mount(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(dir.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        skipped(test, "no file system can be mounted");
        None
    }

    /// Something else takes all of it but so many pages.
    fn fill_but(&self, pages: u64) {
        let mut file = fs::File::create(self.0.path().join("ballast")).unwrap();
        let page = [7; PAGE as usize];
        while file.write_all(&page).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length - pages * PAGE).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_disk_that_is_full_at_any_page_loses_nothing_acknowledged() {
    let test = "full::a_disk_that_is_full_at_any_page_loses_nothing_acknowledged";
    let Some(disk) = Small::mount(test) else {
        return;
    };
    let mut stopped = 0;
    for pages in 0..PAGES {
        let place = tempfile::tempdir_in(disk.0.path()).unwrap();
        disk.fill_but(pages);
        let output = Command::new(std::env::current_exe().unwrap())
            .args(ARGUMENTS)
            .env(VARIABLE, place.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        fs::remove_file(disk.0.path().join("ballast")).unwrap();
        match output.status.code() {
            Some(UNKNOWN | REFUSED) => stopped += 1,
            Some(0) => {}
            _ => panic!("{pages} pages: {:?}", output.status),
        }
        let acknowledged = acknowledged(&String::from_utf8_lossy(&output.stdout));
        if let Err(what) = judge(place.path(), None, &acknowledged) {
            panic!("{pages} pages: {what}");
        }
    }
    // From the first page of the database to the last of the write-ahead log.
    assert!(
        (20..PAGES).contains(&stopped),
        "{stopped} of {PAGES} were stopped"
    );
}
