//! Pure renderings of recorded entries.

pub mod jsonl;
pub mod timeline;
