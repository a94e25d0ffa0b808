//! Entry bundles: up to 256 entries, each behind its length as a big-endian 16-bit number.

use super::TILE_WIDTH;

/// The longest entry a bundle can hold, in bytes.
pub const MAX_ENTRY_LEN: usize = u16::MAX as usize;

/// An entry does not fit a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {got} bytes is longer than {MAX_ENTRY_LEN}")]
pub struct EntryTooLong {
    /// The length of the entry in bytes.
    pub got: usize,
}

/// Why bytes are not an entry bundle of the expected width, or entries do not make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// A bundle has 1 to 256 entries.
    #[error("a bundle has 1 to {TILE_WIDTH} entries, got {got}")]
    Width {
        /// The number of entries asked for or given.
        got: usize,
    },
    /// One of the entries is too long.
    #[error(transparent)]
    EntryTooLong(#[from] EntryTooLong),
    /// The bytes end within an entry or its length.
    #[error("the bundle ends within entry {entry} of {width}")]
    Truncated {
        /// The place of the entry in the bundle.
        entry: u16,
        /// The number of entries expected.
        width: u16,
    },
    /// Bytes follow the last entry.
    #[error("{got} bytes follow the last of {width} entries")]
    Trailing {
        /// The number of entries expected.
        width: u16,
        /// The number of bytes left over.
        got: usize,
    },
}

/// Appends one entry to the bytes of a bundle.
///
/// # Errors
/// [`EntryTooLong`] if the entry exceeds [`MAX_ENTRY_LEN`]; the bundle is then unchanged.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong { got: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The bytes of the bundle of these 1 to 256 entries.
///
/// # Errors
/// [`EntriesError::Width`] or [`EntriesError::EntryTooLong`].
pub fn encode_entries<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, EntriesError> {
    if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
        return Err(EntriesError::Width { got: entries.len() });
    }
    let mut bundle = Vec::new();
    for entry in entries {
        push_entry(&mut bundle, entry.as_ref())?;
    }
    Ok(bundle)
}

/// Reads a bundle that must hold exactly `width` entries and nothing else.
///
/// # Errors
/// [`EntriesError`] if `width` is not 1 to 256, or the bytes are too few or too many.
pub fn parse_entries(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, EntriesError> {
    if !(1..=TILE_WIDTH).contains(&width) {
        return Err(EntriesError::Width {
            got: usize::from(width),
        });
    }
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(usize::from(width));
    for entry in 0..width {
        let (bytes, after) = split_entry(rest).ok_or(EntriesError::Truncated { entry, width })?;
        entries.push(bytes);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(EntriesError::Trailing {
            width,
            got: rest.len(),
        });
    }
    Ok(entries)
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bundle_is_lengths_and_entries() {
        let bundle = encode_entries(&[b"a".as_slice(), b"", b"bc"]).unwrap();
        assert_eq!(bundle, b"\x00\x01a\x00\x00\x00\x02bc");
        assert_eq!(
            parse_entries(&bundle, 3),
            Ok(vec![b"a".as_slice(), b"", b"bc"])
        );
        assert_eq!(
            parse_entries(&bundle, 2),
            Err(EntriesError::Trailing { width: 2, got: 4 })
        );
        assert_eq!(
            parse_entries(&bundle, 4),
            Err(EntriesError::Truncated { entry: 3, width: 4 })
        );
        assert_eq!(
            parse_entries(&bundle[..8], 3),
            Err(EntriesError::Truncated { entry: 2, width: 3 })
        );
    }

    #[test]
    fn lengths_and_widths_stop_at_their_limits() {
        let longest = vec![7; MAX_ENTRY_LEN];
        let full = encode_entries(&vec![longest.as_slice(); 256]).unwrap();
        assert_eq!(full.len(), 16_777_472);
        assert_eq!(parse_entries(&full, 256).unwrap().len(), 256);

        let too_long = vec![7; MAX_ENTRY_LEN + 1];
        assert_eq!(
            encode_entries(&[too_long]),
            Err(EntriesError::EntryTooLong(EntryTooLong { got: 65_536 }))
        );
        assert_eq!(
            encode_entries::<&[u8]>(&[]),
            Err(EntriesError::Width { got: 0 })
        );
        assert_eq!(
            encode_entries(&vec![b""; 257]),
            Err(EntriesError::Width { got: 257 })
        );
        assert_eq!(parse_entries(b"", 0), Err(EntriesError::Width { got: 0 }));
        assert_eq!(
            parse_entries(b"", 257),
            Err(EntriesError::Width { got: 257 })
        );
    }

    proptest! {
        #[test]
        fn what_parses_encodes_to_the_same_bytes(
            bytes in proptest::collection::vec(0u8..4, 0..40),
            width in 0u16..8,
        ) {
            if let Ok(entries) = parse_entries(&bytes, width) {
                prop_assert_eq!(encode_entries(&entries).unwrap(), bytes);
            }
        }
    }
}
