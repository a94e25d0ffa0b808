//! The shop, as its visitors and its operators see it.

use std::{fs, path::Path, thread};

use serde_json::{Value, json};

use super::{ACCOUNT, Faults, NEW_PASSWORD, PASSWORD, Shop, State, folder};
use crate::demo_target::{file::FileError, secret::Secret};

#[test]
fn a_new_shop_is_broken_and_a_rollback_repairs_it() {
    let shop = Shop::new();
    let page = shop.get("/");
    assert_eq!(page.status, 500);
    assert!(page.body.starts_with(b"checkout is broken"));
    let health = shop.get("/health");
    let body: Value = health.json().unwrap();
    assert_eq!((health.status, &body["status"]), (500, &json!("broken")));

    let answer = shop.roll_back(PASSWORD, "2.4.0", "run-1");
    assert_eq!(answer.status, 202);
    assert_eq!(
        answer.json::<Value>().unwrap(),
        json!({"handle": "operations/run-1"})
    );

    let page = shop.get("/");
    assert_eq!(
        (page.status, page.body.as_slice()),
        (200, &b"shop is open\n"[..])
    );
    let health = shop.get("/health");
    let body = json!({"version": "2.4.0", "status": "ok", "detail": "shop is open"});
    assert_eq!(
        (health.status, health.json::<Value>().unwrap()),
        (200, body)
    );
    let operation: Value = shop.get("/operations/run-1").json().unwrap();
    let expected = json!({
        "handle": "operations/run-1", "state": "succeeded", "from": "2.4.1", "to": "2.4.0",
    });
    assert_eq!(operation, expected);
}

#[test]
fn nothing_is_done_for_a_wrong_password() {
    let shop = Shop::new();
    assert_eq!(shop.roll_back("wrong", "2.4.0", "run-1").status, 401);
    assert_eq!(shop.roll_back("", "2.4.0", "run-1").status, 401);
    assert_eq!(
        shop.roll_back(&"long".repeat(1000), "2.4.0", "run-1")
            .status,
        401
    );
    assert_eq!(shop.version(), "2.4.1");
    assert_eq!(shop.get("/operations/run-1").status, 404);

    assert_eq!(change(&shop, ACCOUNT, "wrong", NEW_PASSWORD), 401);
    assert_eq!(change(&shop, "nobody", PASSWORD, NEW_PASSWORD), 401);
    assert_eq!(change(&shop, ACCOUNT, PASSWORD, ""), 422);
    assert_eq!(shop.log_in(PASSWORD), 200);
}

#[test]
fn a_changed_password_replaces_the_old_one() {
    let shop = Shop::new();
    assert_eq!(change(&shop, ACCOUNT, PASSWORD, NEW_PASSWORD), 200);
    assert_eq!(shop.log_in(NEW_PASSWORD), 200);
    assert_eq!(shop.log_in(PASSWORD), 401);
    // Not accepted because the wish is fulfilled already: the current password is what counts.
    assert_eq!(change(&shop, ACCOUNT, PASSWORD, NEW_PASSWORD), 401);
}

#[test]
fn no_file_holds_a_password() {
    let shop = Shop::new();
    assert_eq!(change(&shop, ACCOUNT, PASSWORD, NEW_PASSWORD), 200);
    assert_eq!(shop.roll_back(NEW_PASSWORD, "2.4.0", "run-1").status, 202);
    let mut files = Vec::new();
    collect(shop.dir.path(), &mut files);
    let all = files.join("\n");
    assert!(all.contains(ACCOUNT) && all.contains("2.4.1"));
    // Parts of both that no escaping touches.
    assert!(!all.contains("first") && !all.contains("second"));
}

#[test]
fn only_releases_that_exist_can_be_served() {
    let shop = Shop::new();
    for to in ["2.4.9", "", ".", "..", "../releases/2.4.0", "2.4.0/", "/"] {
        assert_eq!(shop.roll_back(PASSWORD, to, "run-1").status, 409, "{to}");
    }
    for key in ["", "..", "a/b", "A", "a.json", &"a".repeat(65)] {
        assert_eq!(shop.roll_back(PASSWORD, "2.4.0", key).status, 400, "{key}");
    }
    assert_eq!(shop.version(), "2.4.1");
}

#[test]
fn a_repeated_key_does_nothing_twice() {
    let shop = Shop::new();
    let first = shop.roll_back(PASSWORD, "2.4.0", "run-1");
    assert_eq!(shop.roll_back(PASSWORD, "2.4.1", "run-2").status, 202);
    let again = shop.roll_back(PASSWORD, "2.4.0", "run-1");
    assert_eq!(again, first);
    assert_eq!(
        shop.version(),
        "2.4.1",
        "the first run was not performed again"
    );
    assert_eq!(shop.roll_back(PASSWORD, "2.4.0", "run-2").status, 422);
}

#[test]
fn of_two_changes_at_a_time_one_wins() {
    let shop = Shop::new();
    let statuses = thread::scope(|scope| {
        let changes = ["a", "b"].map(|new| scope.spawn(|| change(&shop, ACCOUNT, PASSWORD, new)));
        changes.map(|change| change.join().unwrap())
    });
    let winner = if statuses[0] == 200 { "a" } else { "b" };
    let loser = if winner == "a" { "b" } else { "a" };
    assert_eq!(statuses.iter().sum::<u16>(), 200 + 401);
    assert_eq!((shop.log_in(winner), shop.log_in(loser)), (200, 401));
}

#[test]
fn while_it_is_away_it_answers_503_and_does_nothing() {
    let shop = Shop::with(|dir| Faults {
        away: Some(dir.join("away")),
        ..Faults::default()
    });
    fs::write(shop.dir.path().join("away"), "").unwrap();
    assert_eq!(shop.get("/").status, 503);
    assert_eq!(shop.roll_back(PASSWORD, "2.4.0", "run-1").status, 503);
    fs::remove_file(shop.dir.path().join("away")).unwrap();
    assert_eq!(shop.version(), "2.4.1");
}

#[test]
fn a_folder_is_made_once_and_served_once() {
    let dir = folder();
    let again = State::create(dir.path(), ACCOUNT, &Secret::new(NEW_PASSWORD));
    assert!(matches!(again, Err(FileError::Exists { .. })));
    let state = State::open(dir.path()).unwrap();
    assert!(
        state
            .accounts
            .accept(ACCOUNT, &Secret::new(PASSWORD))
            .unwrap()
    );
    let second = State::open(dir.path());
    assert!(matches!(second, Err(FileError::Served { .. })));
}

fn change(shop: &Shop, account: &str, current: &str, new: &str) -> u16 {
    let fields = [
        ("account", account),
        ("current_password", current),
        ("new_password", new),
    ];
    shop.post("/password", &fields).status
}

fn collect(dir: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(fs::read_to_string(&path).unwrap());
        }
    }
}
