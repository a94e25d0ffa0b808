//! The read model: what it was told it says, and it can be thrown away.

use breakglass_store::{
    History,
    history::{Page, Shelved, Term, Trace},
};
use breakglass_tlog::Hash;
use tempfile::TempDir;

fn term(kind: &'static str, value: &str) -> Term {
    let value = value.to_owned();
    Term { kind, value }
}

fn trace(index: u64, incidents: &[&str], names: &[(&str, &str)]) -> Trace {
    let named = |(id, name): &(&str, &str)| ((*id).to_owned(), (*name).to_owned());
    Trace {
        index,
        terms: incidents.iter().map(|id| term("incident", id)).collect(),
        names: names.iter().map(named).collect(),
        words: String::new(),
    }
}

fn thing(kind: &str, number: u64, state: &str) -> Shelved {
    Shelved {
        kind: kind.to_owned(),
        id: format!("{kind}-{number}"),
        number,
        incident: "one".to_owned(),
        state: state.to_owned(),
        view: format!("{{\"number\":{number}}}"),
    }
}

fn root(seed: u8) -> Hash {
    Hash::from_bytes([seed; 32])
}

fn page<'a>(kind: &'a str, state: Option<&'a str>, before: Option<u64>, limit: u64) -> Page<'a> {
    Page {
        kind,
        state,
        before,
        limit,
    }
}

fn numbers(history: &History, page: Page<'_>) -> Vec<u64> {
    let found = history.page(page).unwrap();
    found.iter().map(|thing| thing.number).collect()
}

#[test]
fn it_knows_where_entries_are_and_which_gave_a_name() {
    let dir = TempDir::new().unwrap();
    let mut history = History::open(&dir.path().join("history.db")).unwrap();
    assert_eq!(history.followed().unwrap(), None);
    let traces = [
        trace(0, &[], &[("per_1", "ann"), ("acc_1", "root")]),
        trace(3, &["one", "two"], &[("per_1", "ann")]),
        trace(7, &["one"], &[("per_1", "anna")]),
        trace(8, &[], &[("per_1", "ann"), ("per_2", "anna")]),
    ];
    history.follow(&traces[..2], &[], 4, root(1)).unwrap();
    // Told once more, as after a crash between two steps.
    history.follow(&traces, &[], 10, root(2)).unwrap();
    history.follow(&traces, &[], 10, root(2)).unwrap();
    assert_eq!(history.followed().unwrap(), Some((10, root(2))));
    let having = |id, from| history.having(&term("incident", id), from).unwrap();
    assert_eq!(having("one", 0), [3, 7]);
    assert_eq!(having("one", 4), [7]);
    assert_eq!(having("two", 0), [3]);
    assert_eq!(having("three", 0), [0; 0]);
    let of_other_kind = history.having(&term("account", "one"), 0).unwrap();
    assert_eq!(of_other_kind, [0; 0]);
    // Where it got the name that it has there, and not where the name was only repeated.
    let naming = |id, at| history.naming(id, at).unwrap();
    assert_eq!(naming("per_1", 6), Some(0));
    assert_eq!(naming("per_1", 7), Some(7));
    assert_eq!(naming("per_1", 99), Some(8));
    assert_eq!(naming("per_2", 7), None);
    // Whoever was ever called so.
    assert_eq!(history.called("anna").unwrap(), ["per_1", "per_2"]);
    assert_eq!(history.called("per_2").unwrap(), ["per_2"]);
    assert_eq!(history.called("bob").unwrap(), [""; 0]);
}

#[test]
fn what_is_shelved_is_found_by_id_and_number_and_listed_newest_first() {
    let dir = TempDir::new().unwrap();
    let mut history = History::open(&dir.path().join("history.db")).unwrap();
    assert!(!history.has_shelved("one").unwrap());
    let mut shelf = vec![thing("incident", 1, "closed")];
    shelf.extend((1..=5).map(|n| thing("request", n, if n == 2 { "denied" } else { "granted" })));
    shelf.first_mut().unwrap().id = "one".to_owned();
    history
        .follow(&[], &[("one".to_owned(), shelf)], 1, root(1))
        .unwrap();
    assert!(history.has_shelved("one").unwrap());
    let found = history.by_number("request", 3).unwrap();
    assert_eq!(found, history.by_id("request", "request-3").unwrap());
    assert_eq!(found, Some(thing("request", 3, "granted")));
    assert_eq!(history.by_number("grant", 3).unwrap(), None);
    assert_eq!(
        numbers(&history, page("request", None, None, 9)),
        [5, 4, 3, 2, 1]
    );
    assert_eq!(numbers(&history, page("request", None, Some(4), 2)), [3, 2]);
    assert_eq!(
        numbers(&history, page("request", Some("denied"), None, 9)),
        [2]
    );
    // A reader of its own sees the same, and what is shelved anew replaces what was.
    let reader = history.reader().unwrap();
    let less = vec![thing("request", 9, "void")];
    history
        .follow(&[], &[("one".to_owned(), less)], 2, root(2))
        .unwrap();
    assert_eq!(numbers(&reader, page("request", None, None, 9)), [9]);
    assert!(!reader.has_shelved("one").unwrap());
}

#[test]
fn what_is_no_read_model_of_this_version_is_made_anew() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("history.db");
    let mut history = History::open(&path).unwrap();
    history.follow(&[], &[], 7, root(1)).unwrap();
    drop(history);
    assert_eq!(
        History::open(&path).unwrap().followed().unwrap(),
        Some((7, root(1)))
    );
    std::fs::write(&path, "this is no database").unwrap();
    let history = History::open(&path).unwrap();
    assert_eq!(history.followed().unwrap(), None);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "it is for its owner alone");
}
