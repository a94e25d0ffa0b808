//! The server: router and handlers (parse → call → render), reading sessions, the engine (the
//! single writer), the worker (our hands), the sinks' follower. Owns clock, entropy and runtime.

mod cause;
pub mod clock;
pub mod config;
mod contacts;
mod custody;
mod engine;
mod entropy;
mod follower;
mod genesis;
mod history;
mod http;
pub mod outbound;
mod readers;
mod readiness;
mod start;
mod targets;
mod worker;

pub use cause::Cause;
pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use entropy::{OsEntropy, random};
pub use genesis::{Genesis, GenesisError};
pub use http::openapi::document as openapi;
pub use start::{Checked, Server, StartError};
