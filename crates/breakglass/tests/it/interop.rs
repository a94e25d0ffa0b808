//! Other people's programs against ours: their witness asked by our server, their log asking our
//! witness, their verifier on our log.
//!
//! `cargo xtask interop` builds the programs, out of `testdata/foreign/interop`, and runs these.

mod asked;
mod asks;
mod programs;
mod read;
