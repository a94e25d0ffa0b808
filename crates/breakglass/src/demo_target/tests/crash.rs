//! Whenever the process dies, the next one finds a shop that is as before or as it should be.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{ACCOUNT, NEW_PASSWORD, PASSWORD, State, folder};
use crate::demo_target::{
    accounts::Accounts,
    secret::Secret,
    site::{Accepted, Site},
};

#[test]
fn what_a_killed_process_left_half_written_is_ignored() {
    let dir = folder();
    fs::write(dir.path().join("auth.json.new"), "{\"accounts\":{").unwrap();
    symlink("releases/2.4.0", dir.path().join("current.new")).unwrap();
    fs::write(dir.path().join("operations/run-1.json.new"), "{").unwrap();

    let State { accounts, site, .. } = &State::open(dir.path()).unwrap();
    let (old, new) = (Secret::new(PASSWORD), Secret::new(NEW_PASSWORD));
    assert!(accounts.accept(ACCOUNT, &old).unwrap());
    assert_eq!(site.current().unwrap().version, "2.4.1");
    assert_eq!(site.operation(&"run-1".parse().unwrap()).unwrap(), None);

    accounts.set(ACCOUNT, &new).unwrap();
    assert!(accounts.accept(ACCOUNT, &new).unwrap());
    assert!(!accounts.accept(ACCOUNT, &old).unwrap());
    let accepted = site.roll_back(&"run-1".parse().unwrap(), ACCOUNT, "2.4.0");
    assert_eq!(accepted.unwrap(), Accepted::Now);
    assert_eq!(site.current().unwrap().version, "2.4.0");
}

#[test]
fn a_rollback_that_was_begun_is_finished() {
    let dir = folder();
    let begun = r#"{"account":"shop-root","from":"2.4.1","to":"2.4.0","done":false}"#;
    fs::write(dir.path().join("operations/run-1.json"), begun).unwrap();
    let site = State::open(dir.path()).unwrap().site;
    assert_eq!(site.current().unwrap().version, "2.4.0");
    let key = "run-1".parse().unwrap();
    assert!(site.operation(&key).unwrap().unwrap().done);
    assert_eq!(
        site.roll_back(&key, ACCOUNT, "2.4.0").unwrap(),
        Accepted::Before
    );
}

/// What a reader sees at any moment is what a process that starts after a kill would see.
#[test]
fn every_moment_of_a_change_shows_old_or_new() {
    let dir = folder();
    let State { accounts, site, .. } = &State::open(dir.path()).unwrap();
    let passwords = [PASSWORD, NEW_PASSWORD].map(Secret::new);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let accounts = Accounts::at(dir.path().join("auth.json"));
            let mut looks = 0;
            while looks == 0 || !over.load(Ordering::SeqCst) {
                let version = site.current().unwrap().version;
                assert!(["2.4.0", "2.4.1"].contains(&version.as_str()));
                // Both are asked of two moments, so that neither may answer; the file is whole.
                let [old, new] = &passwords;
                accounts.accept(ACCOUNT, old).unwrap();
                accounts.accept(ACCOUNT, new).unwrap();
                looks += 1;
            }
        });
        for round in 0..20 {
            let password = &passwords[round % 2];
            accounts.set(ACCOUNT, password).unwrap();
            let to = if round % 2 == 0 { "2.4.0" } else { "2.4.1" };
            let key = format!("run-{round}").parse().unwrap();
            assert_eq!(site.roll_back(&key, ACCOUNT, to).unwrap(), Accepted::Now);
            assert!(accounts.accept(ACCOUNT, password).unwrap());
        }
        over.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    assert!(Site::open(dir.path()).is_ok());
}

#[test]
fn a_shop_that_was_not_finished_can_be_made_again() {
    let dir = folder();
    fs::remove_file(dir.path().join("auth.json")).unwrap();
    fs::remove_file(dir.path().join("current")).unwrap();
    State::create(dir.path(), ACCOUNT, &Secret::new(NEW_PASSWORD)).unwrap();
    let state = State::open(dir.path()).unwrap();
    assert!(
        state
            .accounts
            .accept(ACCOUNT, &Secret::new(NEW_PASSWORD))
            .unwrap()
    );
    assert_eq!(state.site.current().unwrap().version, "2.4.1");
}
