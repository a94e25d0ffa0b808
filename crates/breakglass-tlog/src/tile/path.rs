//! The paths of tiles and entry bundles, and which of them a log of a given size has.

use std::fmt;

use super::{TILE_WIDTH, hashes_at_level};
use crate::text;

/// The highest level a tile path can name.
pub const MAX_LEVEL: u8 = 63;

/// The first directory of every tile and entry bundle.
const PREFIX: &str = "tile/";
/// What stands where a tile has its level.
const ENTRIES: &str = "entries/";

/// The path of a tile of hashes: `tile/<level>/<index>[.p/<width>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    level: u8,
    index: u64,
    width: u16,
}

/// The path of an entry bundle: `tile/entries/<index>[.p/<width>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntriesPath {
    index: u64,
    width: u16,
}

/// Why something is not the path of a tile or of an entry bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not start as the paths of its kind do.
    #[error("the path does not start with {expected:?}")]
    Prefix {
        /// How it should start.
        expected: &'static str,
    },
    /// The level is not a canonical number from 0 to 63.
    #[error("a tile level is a number from 0 to {MAX_LEVEL} without leading zeros")]
    Level,
    /// The index is not in canonical groups of three digits.
    #[error("a tile index has groups of three digits, all but the last after an x, no zeros ahead")]
    Index,
    /// The width is not a canonical number in range.
    #[error("a width is 1 to 256, and from 1 to 255 without leading zeros in a path")]
    Width,
}

impl TilePath {
    /// The tile with that level (0 to 63), index and number of hashes (1 to 256).
    ///
    /// # Errors
    /// [`PathError::Level`] or [`PathError::Width`] if one is out of range.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, PathError> {
        if level > MAX_LEVEL {
            return Err(PathError::Level);
        }
        check_width(width)?;
        Ok(Self {
            level,
            index,
            width,
        })
    }

    /// The level; 0 holds leaf hashes.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// The place of the tile in its level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of hashes, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tile has all its 256 hashes and will never change.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The path relative to the log's prefix, for example `tile/0/x001/000.p/5`.
    #[must_use]
    pub fn path(&self) -> String {
        format!(
            "{PREFIX}{}/{}",
            self.level,
            index_and_width(self.index, self.width)
        )
    }

    /// Reads the spelling of [`TilePath::path`], and no other.
    ///
    /// # Errors
    /// [`PathError`] for the first part that is not canonical.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let rest = path
            .strip_prefix(PREFIX)
            .ok_or(PathError::Prefix { expected: PREFIX })?;
        let (level, rest) = rest.split_once('/').ok_or(PathError::Level)?;
        let level = text::decimal(level)
            .and_then(|level| u8::try_from(level).ok())
            .filter(|level| *level <= MAX_LEVEL)
            .ok_or(PathError::Level)?;
        let (index, width) = parse_index_and_width(rest)?;
        Ok(Self {
            level,
            index,
            width,
        })
    }
}

impl EntriesPath {
    /// The entry bundle with that index and number of entries (1 to 256).
    ///
    /// # Errors
    /// [`PathError::Width`] if the width is out of range.
    pub fn new(index: u64, width: u16) -> Result<Self, PathError> {
        check_width(width)?;
        Ok(Self { index, width })
    }

    /// The place of the bundle: its first entry is number `index` * 256.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the bundle has all its 256 entries and will never change.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The path relative to the log's prefix, for example `tile/entries/000.p/3`.
    #[must_use]
    pub fn path(&self) -> String {
        format!(
            "{PREFIX}{ENTRIES}{}",
            index_and_width(self.index, self.width)
        )
    }

    /// Reads the spelling of [`EntriesPath::path`], and no other.
    ///
    /// # Errors
    /// [`PathError`] for the first part that is not canonical.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let rest = path
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.strip_prefix(ENTRIES))
            .ok_or(PathError::Prefix {
                expected: "tile/entries/",
            })?;
        let (index, width) = parse_index_and_width(rest)?;
        Ok(Self { index, width })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl fmt::Display for EntriesPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// All tiles of hashes a static log of exactly `size` entries has, by level, then by index.
///
/// Every level has its full tiles and, unless its hashes end with a full tile, one partial tile.
pub fn tiles_for_size(size: u64) -> impl Iterator<Item = TilePath> {
    (0..=MAX_LEVEL)
        .map(move |level| (level, hashes_at_level(size, level)))
        .take_while(|(_, hashes)| *hashes > 0)
        .flat_map(|(level, hashes)| {
            widths(hashes).map(move |(index, width)| TilePath {
                level,
                index,
                width,
            })
        })
}

/// All entry bundles a static log of exactly `size` entries has, by index.
pub fn entries_for_size(size: u64) -> impl Iterator<Item = EntriesPath> {
    widths(size).map(|(index, width)| EntriesPath { index, width })
}

/// Cuts `count` things into full tiles and what is left: (index, width).
fn widths(count: u64) -> impl Iterator<Item = (u64, u16)> {
    let tile = u64::from(TILE_WIDTH);
    let full = count / tile;
    let partial = u16::try_from(count % tile).ok().filter(|width| *width > 0);
    (0..full)
        .map(|index| (index, TILE_WIDTH))
        .chain(partial.map(|width| (full, width)))
}

fn check_width(width: u16) -> Result<(), PathError> {
    if (1..=TILE_WIDTH).contains(&width) {
        Ok(())
    } else {
        Err(PathError::Width)
    }
}

/// `<index>[.p/<width>]`: 1234067 of width 5 is `x001/x234/067.p/5`.
fn index_and_width(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

fn parse_index_and_width(path: &str) -> Result<(u64, u16), PathError> {
    let (index, width) = match path.split_once(".p/") {
        Some((index, width)) => (index, parse_partial_width(width)?),
        None => (path, TILE_WIDTH),
    };
    let digits = index_digits(index).ok_or(PathError::Index)?;
    let number = digits.parse().map_err(|_| PathError::Index)?;
    // One spelling per index: no group of zeros ahead of the others.
    if index_and_width(number, TILE_WIDTH) != index {
        return Err(PathError::Index);
    }
    Ok((number, width))
}

/// The digits of `x001/x234/067` joined, if every group has three.
fn index_digits(index: &str) -> Option<String> {
    let (ahead, last) = match index.rsplit_once('/') {
        Some((ahead, last)) => (Some(ahead), last),
        None => (None, index),
    };
    let ahead = ahead.into_iter().flat_map(|ahead| ahead.split('/'));
    let groups = ahead
        .map(|group| group.strip_prefix('x'))
        .chain([Some(last)]);
    groups
        .map(|group| group.filter(|group| group.len() == 3 && is_digits(group)))
        .collect::<Option<Vec<_>>>()
        .map(|groups| groups.concat())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_partial_width(width: &str) -> Result<u16, PathError> {
    text::decimal(width)
        .and_then(|width| u16::try_from(width).ok())
        .filter(|width| (1..TILE_WIDTH).contains(width))
        .ok_or(PathError::Width)
}

#[cfg(test)]
mod tests;
