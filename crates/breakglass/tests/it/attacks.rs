//! Attacks, each by name, over real HTTP with real keys.

mod approvals;
mod at_rest;
pub(crate) mod authority;
mod bearer;
mod checkouts;
mod clock;
mod commands;
mod flood;
mod hand;
mod malformed;
mod mutations;
mod plans;
mod proxy_replay;
mod races;
mod relay;
mod requests;
mod session_key;
mod starve;
pub(crate) mod wire;
