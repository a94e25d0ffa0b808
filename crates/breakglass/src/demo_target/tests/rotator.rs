//! The rotator's answers.

use std::fs;

use serde_json::{Value, json};

use super::{ACCOUNT, Faults, NEW_PASSWORD, NOBODY, PASSWORD, Shop, ask, class};
use crate::demo_target::rotator;

fn account() -> Value {
    json!({"id": "acc_shop", "name": ACCOUNT})
}

fn prove(password: &str) -> Value {
    json!({
        "op": "prove", "account": account(), "expect": "accepted",
        "credential": {"password": password, "totp_seed": "ABC"},
    })
}

fn change(current: &str, new: &str) -> Value {
    json!({
        "op": "change", "account": account(),
        "current": {"username": ACCOUNT, "password": current},
        "new": {"username": ACCOUNT, "password": new},
    })
}

fn accepted() -> Value {
    json!({"ok": {"result": "accepted"}})
}

fn refused() -> Value {
    json!({"ok": {"result": "refused"}})
}

fn changed() -> Value {
    json!({"ok": {"result": "changed"}})
}

#[test]
fn proves_and_changes() {
    let shop = Shop::new();
    assert_eq!(shop.rotator(&prove(PASSWORD)), accepted());
    assert_eq!(shop.rotator(&prove(NEW_PASSWORD)), refused());
    assert_eq!(shop.rotator(&change(PASSWORD, NEW_PASSWORD)), changed());
    assert_eq!(shop.rotator(&prove(PASSWORD)), refused());
    assert_eq!(shop.rotator(&prove(NEW_PASSWORD)), accepted());
    assert_eq!(
        shop.rotator(&change(PASSWORD, NEW_PASSWORD)),
        changed(),
        "again is harmless"
    );
}

#[test]
fn a_password_that_is_neither_is_a_failure() {
    let shop = Shop::new();
    assert_eq!(
        class(&shop.rotator(&change("wrong", NEW_PASSWORD))),
        "permanent"
    );
    assert_eq!(shop.log_in(PASSWORD), 200);
}

#[test]
fn a_lost_answer_is_ambiguous_and_can_be_read_back() {
    let shop = Shop::dropping(1);
    assert_eq!(
        class(&shop.rotator(&change(PASSWORD, NEW_PASSWORD))),
        "ambiguous"
    );
    assert_eq!(shop.rotator(&prove(NEW_PASSWORD)), accepted());
    assert_eq!(shop.rotator(&prove(PASSWORD)), refused());
    assert_eq!(shop.rotator(&change(PASSWORD, NEW_PASSWORD)), changed());
}

#[test]
fn a_shop_that_is_away_or_gone_is_transient() {
    let shop = Shop::with(|dir| Faults {
        away: Some(dir.join("away")),
        ..Faults::default()
    });
    fs::write(shop.dir.path().join("away"), "").unwrap();
    for request in [prove(PASSWORD), change(PASSWORD, NEW_PASSWORD)] {
        assert_eq!(class(&shop.rotator(&request)), "transient");
        assert_eq!(class(&ask(NOBODY, &request, rotator::answer)), "transient");
    }
}

#[test]
fn only_loopback_is_asked() {
    for url in [
        "http://192.0.2.1:80",
        "http://localhost:80",
        "https://127.0.0.1:80",
        "http://127.0.0.1",
        "http://127.0.0.1:80/path",
        "http://user@127.0.0.1:80",
        "",
    ] {
        let answer = ask(url, &prove(PASSWORD), rotator::answer);
        assert_eq!(class(&answer), "permanent", "{url}");
    }
}

#[test]
fn a_request_that_is_not_understood_is_permanent() {
    let shop = Shop::new();
    let mut renamed = change(PASSWORD, NEW_PASSWORD);
    renamed["new"]["username"] = json!("other");
    let mut without = prove(PASSWORD);
    without["credential"] = json!({});
    for request in [
        json!({"op": "plan"}),
        json!({"op": "prove"}),
        json!({}),
        renamed,
        without,
    ] {
        assert_eq!(class(&shop.rotator(&request)), "permanent", "{request}");
    }
    assert_eq!(shop.log_in(PASSWORD), 200);
}
