//! The HTTP API as types, and the client that uses it.
//!
//! Every call that changes something posts a statement, as the bytes that were signed, with its
//! signature. The answer is a receipt: the entries that were recorded, each with the proof that
//! the log holds it. The client checks the receipt and learns what happened from the entries
//! themselves, so that a server cannot say one thing and record another.

pub mod client;
mod encode;
pub mod problem;
pub mod receipt;
pub mod view;
pub mod wire;

pub use client::{Client, ClientError, Endpoint};
pub use problem::Problem;
pub use receipt::{LogTrust, ReceiptError, Received};
