//! The rules: what may happen next ([`decide`]), what then became true ([`World::apply`]), what is
//! now due ([`plan`]). Plain synchronous functions; time, entropy and identifiers are arguments.
//!
//! `decide` may refuse; `apply` may not: history is never refused. `plan` compares what should be
//! true by now with what the log says was done.

mod access_review;
pub mod account;
pub mod aftermath;
mod ageing;
mod answer;
mod attestation;
pub mod authority;
mod closing;
pub mod command;
pub mod contact;
pub mod control_plane;
pub mod decide;
pub mod grant;
pub mod incident;
pub mod key_state;
mod letting_go;
pub mod notice;
pub mod obligation;
mod orders;
pub mod plan;
pub mod planning;
pub mod quorum;
pub mod readiness;
pub mod recovery;
pub mod refusal;
pub mod request;
mod review;
pub mod rotation;
pub mod run;
pub mod snapshot;
mod storage;
pub mod suspension;
mod table;
pub mod terms;
pub mod two_person;
pub mod world;

pub use command::{Author, Command, Context, Draft};
pub use decide::decide;
pub use plan::{Effect, next_deadline, plan};
pub use refusal::Refusal;
pub use terms::{Terms, terms};
pub use world::World;
