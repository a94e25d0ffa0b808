//! Every parser of bytes that people, servers and disks send, each with a property that must hold
//! of whatever it is given and true documents to begin from.
//!
//! The same list is used twice: the tests of this crate change a few bytes of each document, on
//! stable, in seconds; `cargo xtask fuzz` gives it to libFuzzer, which looks for input that reaches
//! new code, for as long as one likes. A property panics where it does not hold.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a property that does not hold ends the run, and says where"
)]

mod api;
mod corpus;
mod custody;
mod log;
pub mod mutation;
mod record;
mod statement;

/// A parser, and what must hold of it.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    /// Its name on the command line.
    pub name: &'static str,
    /// Parses, and panics where something that must hold does not.
    pub holds: fn(&[u8]),
    /// True documents.
    pub corpus: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const PARSERS: &[Parser] = &[
    record::JSON,
    record::ENTRY,
    record::DERIVE,
    statement::STATEMENT,
    statement::SIGNED,
    statement::SIGNATURE,
    log::NOTE,
    log::PROOF,
    log::KEY,
    log::TILE,
    log::ADD_CHECKPOINT,
    log::ANSWER,
    log::POLICY,
    custody::SEALED,
    custody::RELEASE,
    custody::QUORUM,
    custody::SHARE,
    custody::CREDENTIAL,
    api::CALL,
];

/// The parser of that name.
#[must_use]
pub fn parser(name: &str) -> Option<&'static Parser> {
    PARSERS.iter().find(|parser| parser.name == name)
}
