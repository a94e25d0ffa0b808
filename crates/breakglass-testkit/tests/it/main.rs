//! The rules, as a whole.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on ends, and says where"
)]

mod access;
mod account;
mod aftermath;
mod answer;
mod closing;
mod codes;
mod control_plane;
mod derive_agrees;
mod disagreed;
mod grant;
mod incident;
mod model;
mod notice;
mod obligation;
mod random;
mod readiness;
mod recovery;
mod request;
mod rotation;
mod run;
mod scenarios;
mod session;
mod storage;
mod succession;
mod suspension;
mod time;
mod transitions;
mod two_person;
