//! Given, when, then.

use breakglass_core::{Command, World, refusal::Code};

use crate::harness::{Given, types};

/// What a command comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then<'a> {
    /// Events of these types, in this order.
    Recorded(&'a [&'a str]),
    /// A refusal.
    Refused(Code),
}

/// Hands one command to the rules in a world, and compares what comes of it.
///
/// Whatever comes of it, the world must be what its log says, and a refusal must change nothing
/// but the record of itself.
///
/// # Panics
///
/// Something else comes of it.
pub fn check(mut given: Given, when: impl FnOnce(&mut Given) -> Command, then: Then<'_>) -> Given {
    let command = when(&mut given);
    let before = given.log().len();
    match (given.submit(&command), then) {
        (Ok(recorded), Then::Recorded(expected)) => assert_eq!(types(&recorded), expected),
        (Err(refusal), Then::Refused(expected)) => {
            let (got, expected) = (refusal.code.as_str(), expected.as_str());
            assert_eq!(got, expected, "{refusal}");
            let left = types(given.log().get(before..).unwrap_or_default());
            assert!(
                matches!(left.as_slice(), [] | ["COMMAND_REFUSED"]),
                "a refusal left {left:?}"
            );
        }
        (Ok(recorded), Then::Refused(expected)) => {
            let (got, expected) = (types(&recorded), expected.as_str());
            panic!("expected the refusal {expected}, got {got:?}")
        }
        (Err(refusal), Then::Recorded(expected)) => {
            panic!(
                "expected {expected:?}, got {}: {refusal}",
                refusal.code.as_str()
            )
        }
    }
    assert_eq!(*given.world(), given.replayed(), "replay differs");
    comes_back_from_its_snapshot(given.world());
    given
}

/// A world that is written and read again is the same.
pub fn comes_back_from_its_snapshot(world: &World) {
    let read = world
        .to_snapshot()
        .and_then(|bytes| World::from_snapshot(&bytes));
    assert_eq!(read.ok().as_ref(), Some(world), "the snapshot differs");
}
