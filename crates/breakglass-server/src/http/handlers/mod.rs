//! Handlers, by what they serve.

pub(super) mod documents;
pub(super) mod evidence;
pub(super) mod lists;
pub(super) mod operations;
pub(super) mod people;
mod plan;
mod prepare;
pub(super) mod proposals;
pub(super) mod read;
pub(super) mod search;
pub(super) mod statements;
pub(super) mod tiles;
pub(super) mod timeline;
