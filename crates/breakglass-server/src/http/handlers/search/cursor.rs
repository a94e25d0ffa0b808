//! Where a page ended: an index, with a checksum over it and over what was looked for.

use breakglass_format::id::hex;
use sha2::{Digest as _, Sha256};

use super::asked::Asked;

/// Bytes of the checksum.
const CHECKSUM: usize = 8;

/// The cursors of one search.
#[derive(Debug)]
pub(super) struct Cursor {
    search: String,
}

impl Cursor {
    pub(super) fn of(asked: &Asked) -> Self {
        // How long a page is may change from one to the next.
        let search = asked.without_page();
        Self {
            search: serde_json::to_string(&search).unwrap_or_default(),
        }
    }

    /// The cursor of a page that ended with this index.
    pub(super) fn at(&self, index: u64) -> String {
        let checksum = Sha256::new()
            .chain_update(b"breakglass/search/v1\0")
            .chain_update(index.to_be_bytes())
            .chain_update(self.search.as_bytes())
            .finalize();
        let checksum: Vec<u8> = checksum.into_iter().take(CHECKSUM).collect();
        format!("{index:016x}{}", hex(&checksum))
    }

    /// The index with which the page before ended; none where no page of this search has this
    /// cursor.
    pub(super) fn parse(&self, text: &str) -> Option<u64> {
        let index = u64::from_str_radix(text.get(..16)?, 16).ok()?;
        (self.at(index) == text).then_some(index)
    }
}
