//! The rendered file, and what the stock tool makes of it.

use breakglass_format::{Timestamp, statement::Kind};
use breakglass_statement::allowed_signers;

use crate::{
    keys::TestKey,
    stock::{Question, verify},
    world::{GENESIS_AT, Somebody, World, at, next_of, principal, root_signatures, signed},
};

const SECOND_AT: &str = "2026-02-01T00:00:00.000Z";
const THIRD_AT: &str = "2026-03-01T12:00:00.500Z";

/// Bob leaves with version 2 and comes back with version 3, frank comes with version 2, and
/// alice's second key is narrowed.
fn later(world: &mut World) -> Vec<(i64, Timestamp)> {
    let mut second = next_of(&world.set, SECOND_AT);
    let bob = second.people.remove(1);
    second
        .people
        .push(Somebody::new("frank", vec![TestKey::ed25519(40)], false).entry());
    second.people[0].keys[1].namespaces = vec![Kind::Act];
    let bytes = second.to_bytes().unwrap();
    let signatures = root_signatures(&bytes, &[&world.carol, &world.dave]);
    world.set.succeed(&bytes, &signatures).unwrap();
    let mut third = next_of(&world.set, THIRD_AT);
    third.people.push(bob);
    let bytes = third.to_bytes().unwrap();
    let signatures = root_signatures(&bytes, &[&world.carol, &world.dave]);
    world.set.succeed(&bytes, &signatures).unwrap();
    vec![(1, at(GENESIS_AT)), (2, at(SECOND_AT)), (3, at(THIRD_AT))]
}

fn lines<'a>(text: &'a str, who: &str) -> Vec<&'a str> {
    let start = format!("{who} ");
    text.lines().filter(|l| l.starts_with(&start)).collect()
}

#[test]
fn every_key_has_a_line_for_every_time_it_counted() {
    let mut world = World::new();
    let effective = later(&mut world);
    let text = allowed_signers(&world.set, &effective);
    assert_eq!(text, allowed_signers(&world.set, &effective));
    let bob = lines(&text, "bob");
    assert_eq!(bob.len(), 2, "{text}");
    assert!(bob[0].contains(r#",valid-after="20260101000000Z",valid-before="20260131235959Z" "#));
    assert!(bob[1].contains(r#",valid-after="20260301120000Z" ecdsa-sha2-nistp256 "#));
    let frank = lines(&text, "frank");
    assert_eq!(frank.len(), 1);
    assert!(frank[0].contains(r#",valid-after="20260201000000Z" ssh-ed25519 "#));
    assert_eq!(lines(&text, "alice").len(), 3);
    assert_eq!(lines(&text, "carol").len(), 2);
    assert!(lines(&text, "carol")[0].starts_with(r#"carol namespaces="authority.v1@breakglass,"#));
}

#[test]
fn versions_without_a_time_are_left_out() {
    let mut world = World::new();
    let alone = allowed_signers(&world.set, &[(1, at(GENESIS_AT))]);
    let effective = later(&mut world);
    assert_eq!(allowed_signers(&world.set, &effective[..1]), alone);
    assert_eq!(allowed_signers(&world.set, &[]), "");
}

#[test]
fn a_key_that_never_counted_has_no_line() {
    let mut world = World::new();
    let mut next = next_of(&world.set, SECOND_AT);
    next.people[0].keys[0].not_after = at("2026-01-31T00:00:00.000Z").into();
    next.people[0].keys[1].not_before = Timestamp::EPOCH;
    let bytes = next.to_bytes().unwrap();
    let signatures = root_signatures(&bytes, &[&world.carol, &world.dave]);
    world.set.succeed(&bytes, &signatures).unwrap();
    let text = allowed_signers(&world.set, &[(1, at(GENESIS_AT)), (2, at(SECOND_AT))]);
    assert_eq!(lines(&text, "alice").len(), 3, "{text}");
}

#[test]
fn the_stock_tool_accepts_statements_at_their_own_time() {
    let test = "the_stock_tool_accepts_statements_at_their_own_time";
    let mut world = World::new();
    let (bytes, armoured) = signed(&world.approval(&world.bob), world.bob.key());
    let effective = later(&mut world);
    let text = allowed_signers(&world.set, &effective);
    let question = |time: &str, namespace: Kind| Question {
        allowed_signers: &text,
        principal: "bob",
        namespace: namespace.namespace(),
        armoured: &armoured,
        message: &bytes,
        at: at(time),
    };
    let cases = [
        ("2025-12-31T23:59:59.999Z", false),
        ("2026-01-01T00:00:00.000Z", true),
        ("2026-01-06T10:01:00.000Z", true),
        ("2026-01-31T23:59:59.999Z", true),
        (SECOND_AT, false),
        ("2026-03-01T11:59:59.000Z", false),
        (THIRD_AT, true),
        ("2099-01-01T00:00:00.000Z", true),
    ];
    for (time, accepted) in cases {
        let Some(got) = verify(test, &question(time, Kind::Approval)) else {
            return;
        };
        assert_eq!(got.is_ok(), accepted, "{time}: {got:?}\n{text}");
    }
    let other = verify(test, &question("2026-01-06T10:01:00.000Z", Kind::Authority)).unwrap();
    assert!(other.is_err());
}

/// A second of life is a line that the stock tool reads.
#[test]
fn a_key_that_counted_for_less_than_a_second_has_a_line_that_can_be_read() {
    let mut world = World::new();
    let mut next = next_of(&world.set, SECOND_AT);
    next.people[0].keys[0].not_before = at("2026-02-02T00:00:00.100Z");
    next.people[0].keys[0].not_after = at("2026-02-02T00:00:00.200Z").into();
    let bytes = next.to_bytes().unwrap();
    let signatures = root_signatures(&bytes, &[&world.carol, &world.dave]);
    world.set.succeed(&bytes, &signatures).unwrap();
    let text = allowed_signers(&world.set, &[(1, at(GENESIS_AT)), (2, at(SECOND_AT))]);
    let (bytes, armoured) = signed(&world.note(), world.alice.key());
    let question = Question {
        allowed_signers: &text,
        principal: "alice",
        namespace: Kind::Act.namespace(),
        armoured: &armoured,
        message: &bytes,
        at: at("2026-02-02T00:00:00.150Z"),
    };
    let test = "a_key_that_counted_for_less_than_a_second_has_a_line_that_can_be_read";
    let Some(got) = verify(test, &question) else {
        return;
    };
    assert!(got.is_ok(), "{got:?}\n{text}");
    assert_eq!(lines(&text, principal("alice").as_str()).len(), 3);
}
