//! The server: router and handlers (parse → call → render), reading sessions, the engine (the
//! single writer), the worker (our hands), the sinks' follower. Owns clock, entropy and runtime.

mod cause;
pub mod clock;
pub mod config;
mod contacts;
mod copies;
mod custody;
mod engine;
mod entropy;
mod follower;
mod genesis;
mod history;
mod http;
mod opening;
pub mod outbound;
mod readers;
mod readiness;
mod recheck;
mod recover;
mod repair;
mod scrub;
mod snapshot;
mod standing;
mod start;
mod targets;
mod threads;
mod witnesses;
mod worker;

pub use breakglass_store::{Damage, Repaired};
pub use cause::Cause;
pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use copies::Unreadable;
#[cfg(feature = "bench")]
pub use engine::LoneEngine;
pub use entropy::{OsEntropy, random};
pub use genesis::{Genesis, GenesisError};
pub use http::{ListenError, Listening, openapi::document as openapi};
pub use recover::{
    EpochWish, NoCheckpoint, NotBegun, NotRebuilt, NotRecovered, PlannedEpoch, Recovered, Sources,
    begin_epoch, plan_epoch, recover,
};
pub use repair::{NotRepaired, repair_from};
pub use start::{Checked, Server, StartError};
