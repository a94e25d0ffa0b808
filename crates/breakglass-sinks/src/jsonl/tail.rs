//! The end of the file: what is complete, what is torn, how far the log has got.
//!
//! Read backwards in blocks: a file of years is opened as quickly as one of a day.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use breakglass_format::Digest;
use serde_json::Value;

/// One read.
const BLOCK_BYTES: u64 = 64 * 1024;
/// The longest line there can be, with room: an entry, its rendering, and the statements beside
/// it, the longest of which is an authority document in base64.
const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What lies at the end of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The length up to and with the last line break.
    pub(super) complete_bytes: u64,
    /// What comes after it.
    pub(super) torn_bytes: u64,
    /// Whether what comes after it can be the beginning of a line of ours.
    pub(super) is_ours: bool,
    /// The last index in a complete line.
    pub(super) last_index: Option<u64>,
    /// The leaf hash that this line says its entry has.
    pub(super) last_leaf: Option<Digest>,
}

/// Looks at the end of a file and changes nothing.
pub(super) fn examine(file: &File) -> io::Result<End> {
    let length = file.metadata()?.len();
    let mut lines = Backwards::new(file, length);
    let torn = match lines.next()? {
        Some(Piece::Line(torn)) => torn,
        None => Vec::new(),
        Some(Piece::TooLong) => {
            return Ok(End {
                complete_bytes: length,
                torn_bytes: 0,
                is_ours: false,
                last_index: None,
                last_leaf: None,
            });
        }
    };
    let torn_bytes = torn.len() as u64;
    let mut last = None;
    // Checkpoint lines have no index; a line that cannot be read is passed over, and what it held
    // comes again.
    while last.is_none() {
        match lines.next()? {
            Some(Piece::Line(line)) => last = entry_of(&line),
            Some(Piece::TooLong) | None => break,
        }
    }
    Ok(End {
        complete_bytes: length - torn_bytes,
        torn_bytes,
        // Zeros: a file that grew before a power failure and was never filled.
        is_ours: matches!(torn.first(), None | Some(b'{' | 0)),
        last_index: last.map(|(index, _)| index),
        last_leaf: last.and_then(|(_, leaf)| leaf),
    })
}

/// Which entry a line is of, and the leaf hash that it says.
fn entry_of(line: &[u8]) -> Option<(u64, Option<Digest>)> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let leaf = value.get("leaf_hash").and_then(Value::as_str);
    let leaf = leaf.and_then(|leaf| leaf.parse().ok());
    Some((value.get("log_index")?.as_u64()?, leaf))
}

enum Piece {
    /// What stands between two line breaks; first of all what stands after the last one.
    Line(Vec<u8>),
    /// More than a line can have.
    TooLong,
}

/// The pieces of a file between its line breaks, from the end.
struct Backwards<'a> {
    file: &'a File,
    /// Where the bytes in `held` begin in the file.
    from: u64,
    held: Vec<u8>,
    over: bool,
}

impl<'a> Backwards<'a> {
    fn new(file: &'a File, length: u64) -> Self {
        Self {
            file,
            from: length,
            held: Vec::new(),
            over: false,
        }
    }

    fn next(&mut self) -> io::Result<Option<Piece>> {
        // How many of the held bytes are known to hold no line break, from their end.
        let mut searched = 0;
        loop {
            let unsearched = self.held.len() - searched;
            let rest = self.held.get(..unsearched).unwrap_or_default();
            if let Some(at) = rest.iter().rposition(|byte| *byte == b'\n') {
                let line = self.held.split_off(at + 1);
                self.held.truncate(at);
                return Ok(Some(Piece::Line(line)));
            }
            searched = self.held.len();
            if searched > LINE_BYTES_MAX {
                return Ok(Some(Piece::TooLong));
            }
            if self.from == 0 {
                let line = std::mem::take(&mut self.held);
                let piece = (!std::mem::replace(&mut self.over, true)).then_some(Piece::Line(line));
                return Ok(piece);
            }
            self.read_block()?;
        }
    }

    fn read_block(&mut self) -> io::Result<()> {
        let size = self.from.min(BLOCK_BYTES);
        let mut block = vec![0; usize::try_from(size).unwrap_or(0)];
        self.from -= size;
        self.file.read_exact_at(&mut block, self.from)?;
        block.append(&mut self.held);
        self.held = block;
        Ok(())
    }
}
