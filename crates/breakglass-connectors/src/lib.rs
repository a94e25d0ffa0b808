//! What changes the outside world, and what asks it how it is: rotators, deploy connectors, probes. One file per target.
//!
//! Everything here blocks its caller, for a bounded time; the server calls it on worker threads,
//! after the entry that claims the effect is durable. Two procedures say in which order a target
//! is called, whatever it answers: [`rotate::procedure`] and [`deploy::run`]. The extension point
//! is a program that speaks `docs/spec/command-protocol.md`: [`command`].

pub mod command;
pub mod deploy;
mod failure;
mod fields;
pub mod probe;
mod record;
mod redact;
pub mod rotate;

pub use failure::Failure;
pub use fields::Fields;
pub use record::Record;
