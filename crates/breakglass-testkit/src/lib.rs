//! Tests of the rules as a whole, for developers only.
//!
//! [`Given`] is a world that is driven as the server's engine drives it (decide, record, apply),
//! with statements that nobody signed, times and identifiers that are the same on every run, and
//! every entry kept, so that the world can be built again from entry 0.
//!
//! | module | what it is |
//! |---|---|
//! | [`people`] | the cast: a genesis authority, and a hand for every key in it |
//! | [`harness`] | the world, its clock, its log |
//! | [`statements`] | what people sign, ready to be submitted |
//! | [`worker`] | the hands that do what `plan` calls for |
//! | [`stages`] | worlds at every stage of an emergency |
//! | [`check`] | given, when, then |
//! | [`script`] | scenarios as text, with what they must come to |
#![expect(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on ends, and says why"
)]

pub mod aftermath;
pub mod check;
pub mod harness;
pub mod people;
pub mod script;
pub mod stages;
pub mod statements;
mod wish;
pub mod worker;

pub use check::{Then, check};
pub use harness::Given;
pub use people::Hand;
pub use wish::Wish;
