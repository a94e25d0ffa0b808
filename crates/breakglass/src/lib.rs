//! The program as a library: the reference client, and the command line on top of it.
//!
//! What a person signs is computed here, from the bytes that are about to be signed, never from
//! prose that a server sends. [`actor::Actor`] is one person at one installation and does all that
//! the verbs of the command line do; [`cmd`] parses, calls it and renders.

pub mod actor;
pub mod clock;
pub mod cmd;
pub mod demo;
pub mod demo_target;
pub mod draft;
pub mod entropy;
pub mod export;
pub mod hint;
pub mod hygiene;
pub mod output;
pub mod pack;
pub mod review;
pub mod server_keys;
pub mod signer;
pub mod state;
pub mod tls;
pub mod trust;
pub mod witness;
pub mod witnessed;
