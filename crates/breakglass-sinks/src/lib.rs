//! What tells the outside world: SIEM sinks, and notices to people. One file per target.
//!
//! The log is the queue. A sink keeps no buffer of its own: it is handed a stretch of the log, and
//! what it has acknowledged is one number, the next index ([`delivery`]).

pub mod delivery;
pub mod jsonl;
pub mod notify;
