//! The shapes that last: canonical JSON, ids, time, limits, the closed list of events and
//! statements as data in their stored form, and pure renderings of them.
//!
//! No IO, no cryptography, no clock. What a stranger needs in order to read the bytes without
//! this crate is written down in `docs/spec/`.

pub mod act;
pub mod authority;
pub mod backoff;
pub mod blank;
pub mod canonical;
pub mod contact;
pub mod entry;
pub mod error_class;
pub mod event;
pub mod id;
pub mod limits;
pub mod render;
pub mod rotatable;
mod spelled;
pub mod statement;
pub mod text;
pub mod time;
pub mod vocabulary;

pub use blank::Blank;
pub use entry::Entry;
pub use event::Event;
pub use id::{
    AccountId, CommandId, Digest, EventId, Fingerprint, GrantId, IncidentId, Name, Nonce, PersonId,
    Principal, RequestId, RunId,
};
pub use text::{Line, Prose};
pub use time::Timestamp;
