//! What takes two people: the second one sees what the first one signed, and need not retype it.

use breakglass::actor::Class;
use serde_json::Value;

use crate::{
    course::{Ended, Terminal},
    lying_server::Stand,
};

const REASON: &str = "dave's laptop was stolen;\nhe says \"today\"";

/// Carol and Dave at their keyboards, and a credential that is at rest.
fn custody() -> Terminal {
    let t = Terminal::open();
    t.log_in(&["carol", "dave", "erin"]);
    t.import();
    t
}

fn rotate(t: &Terminal, who: &str, more: &[&str]) -> Ended {
    t.types(who, &[&["account", "rotate", "shop-root"], more].concat())
}

#[test]
fn the_second_person_sees_the_reason_to_the_letter_and_need_not_retype_it() {
    let t = custody();
    let nobody = rotate(&t, "dave", &[]);
    assert_eq!(nobody.code, 1, "{nobody:?}");
    assert!(nobody.said.contains("--why"), "{nobody:?}");
    let first = rotate(&t, "carol", &["--why", REASON]);
    assert_eq!(first.code, 0, "{first:?}");
    let hint = "agrees: breakglass account rotate shop-root";
    assert!(first.said.contains(hint), "{first:?}");

    let own = rotate(&t, "carol", &[]);
    assert_eq!(own.code, 1, "{own:?}");
    assert!(own.said.contains("takes two people"), "{own:?}");

    let unasked = rotate(&t, "dave", &[]);
    assert_eq!(unasked.code, 2, "nobody to ask: {unasked:?}");
    let indented = REASON.replace('\n', "\n                ");
    for shown in ["Carol (carol)", &indented, "lapses", "left)", "you sign as"] {
        assert!(unasked.said.contains(shown), "{shown:?}: {unasked:?}");
    }
    let json = rotate(&t, "dave", &["--json"]);
    let review: Value = serde_json::from_str(json.said.lines().next().unwrap()).unwrap();
    let rows = review["review"].as_array().unwrap();
    assert!(rows.iter().any(|r| r["text"] == REASON), "{review}");

    let agreed = rotate(&t, "dave", &["--yes"]);
    assert_eq!(agreed.code, 0, "{agreed:?}");
    assert!(agreed.said.contains("is going to be rotated"), "{agreed:?}");
    t.settled(3);
}

#[test]
fn another_reason_is_not_a_second_proposal_by_accident() {
    let t = custody();
    rotate(&t, "carol", &["--why", "the laptop was stolen"]);
    let other = rotate(&t, "dave", &["--why", "a laptop was stolen", "--json"]);
    assert_eq!(other.code, 1, "{other:?}");
    let error: Value = serde_json::from_str(&other.said).unwrap();
    assert_eq!(error["code"], "proposal_differs");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("carol") && detail.contains("the laptop was stolen"));
    // The same to the letter says what it agrees to.
    let same = rotate(&t, "dave", &["--why", "the laptop was stolen"]);
    assert_eq!(same.code, 0, "{same:?}");
    t.settled(3);
}

#[test]
fn a_proposal_that_has_lapsed_is_not_shown() {
    let t = custody();
    rotate(&t, "carol", &["--why", "x"]);
    t.house.skip_s(15 * 60);
    let late = rotate(&t, "dave", &["--yes", "--json"]);
    let error: Value = serde_json::from_str(&late.said).unwrap();
    assert_eq!(error["code"], "proposal_unknown", "{late:?}");
}

#[test]
fn an_altered_proposal_is_not_signed() {
    let stand = Stand::open();
    stand.request();
    let mut carol = stand.actor("carol");
    carol
        .rotate("shop-root", "leaked".parse().unwrap())
        .unwrap();
    let mut dave = stand.actor("dave");
    let target = "GET /v1/accounts/acc_shop_root/proposals";
    stand.replace(target, "leaked", "tested");
    let refused = dave.rotation_to_agree("shop-root", None).unwrap_err();
    assert_eq!(refused.class(), Class::Tampered, "{refused}");
    // A true act of the same person beside the entry of another one.
    stand.replace(
        target,
        r#"\"command\":\"rotate\""#,
        r#"\"command\":\"cancel\""#,
    );
    let refused = dave.rotation_to_agree("shop-root", None).unwrap_err();
    assert_eq!(refused.class(), Class::Tampered, "{refused}");
    stand.proxy.meddle(|_, body| Some(body));
    let proposal = dave.rotation_to_agree("shop-root", None).unwrap().unwrap();
    let outcome = dave.agree(&proposal, None).unwrap();
    assert!(outcome.rotation_ordered().is_some());
}
