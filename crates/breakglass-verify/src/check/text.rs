//! A long text that follows from the entries, held against the file that is there while it is being
//! made: neither ever lies in memory. In what they differ is told as [`differs::first`] tells it.

use std::io::{self, BufRead, BufReader, Read};

use super::{differs, log::Place};
use crate::FolderError;

/// Bytes of the file that are read at a time.
const PIECE: usize = 256 * 1024;
/// Most bytes of a line that are looked at: none is so long in a true folder.
const LINE_MAX: u64 = 16 << 20;

/// In what a file is not what it must be, and the entry it is about.
pub(super) type Differs = (String, Option<u64>);

/// A text on its way.
pub(super) struct Text<'a> {
    place: Place<'a>,
    path: &'static str,
    /// The file; none where there is none.
    there: Option<BufReader<Box<dyn Read + Send + 'a>>>,
    /// How much there must be so far.
    due: Size,
    /// Once the file is another.
    other: Option<Other>,
}

/// Lines and bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    lines: u64,
    bytes: u64,
}

/// Where a file is another.
struct Other {
    /// Bytes before the first that differs.
    same: u64,
    /// The line from which on lines are compared one by one, and what of it was read already.
    begun: Option<Vec<u8>>,
    /// The first lines that differ: which, what it is, and what it must be.
    lines: Option<(u64, Vec<u8>, Vec<u8>)>,
    /// Whether the file has no further line.
    ended: bool,
}

impl<'a> Text<'a> {
    /// Beside the file with this path, where there is one.
    pub(super) fn beside(place: Place<'a>, path: &'static str) -> Result<Self, FolderError> {
        let there = match place.listing.find(path) {
            Some(_) => Some(BufReader::with_capacity(PIECE, place.files.open(path)?)),
            None => None,
        };
        Ok(Self {
            place,
            path,
            there,
            due: Size::default(),
            other: None,
        })
    }

    /// The next lines, each with its line break, and how many they are.
    pub(super) fn push(&mut self, due: &[u8], lines: u64) -> Result<(), FolderError> {
        let result = match self.other {
            None => self.compare(due),
            Some(_) => self.compare_lines(due, self.due.lines),
        };
        self.due.lines += lines;
        self.due.bytes += length(due);
        result.map_err(|error| FolderError::of(self.path, error))
    }

    /// Byte by byte, as long as nothing differs.
    fn compare(&mut self, due: &[u8]) -> io::Result<()> {
        let Some(there) = &mut self.there else {
            return Ok(());
        };
        let mut rest = due;
        while !rest.is_empty() {
            let read = fill(there)?;
            let wanted = rest.get(..read.len()).unwrap_or(rest);
            if !wanted.is_empty() && read.starts_with(wanted) {
                let done = wanted.len();
                there.consume(done);
                rest = rest.get(done..).unwrap_or_default();
                continue;
            }
            let same = wanted.iter().zip(read).take_while(|(a, b)| a == b).count();
            there.consume(same);
            let before = due.len() - rest.len() + same;
            return self.part(due, before);
        }
        Ok(())
    }

    /// From the line on in which the first byte differs, lines are compared.
    fn part(&mut self, due: &[u8], before: usize) -> io::Result<()> {
        let (same, rest) = due.split_at(before);
        let start = same.iter().rposition(|byte| *byte == b'\n');
        let start = start.map_or(0, |at| at + 1);
        let (whole, begun) = same.split_at(start);
        let lines = whole.iter().filter(|byte| **byte == b'\n').count();
        self.other = Some(Other {
            same: self.due.bytes + length(same),
            begun: Some(begun.to_vec()),
            lines: None,
            ended: false,
        });
        let line = self.due.lines + u64::try_from(lines).unwrap_or(u64::MAX);
        let due = [begun, rest].concat();
        self.compare_lines(&due, line)
    }

    /// Line by line, until the first that differs.
    fn compare_lines(&mut self, due: &[u8], first: u64) -> io::Result<()> {
        let (Some(there), Some(other)) = (&mut self.there, &mut self.other) else {
            return Ok(());
        };
        for (number, must) in (first..).zip(due.split_inclusive(|byte| *byte == b'\n')) {
            if other.lines.is_some() || other.ended {
                return Ok(());
            }
            match other.next_line(there)? {
                None => other.ended = true,
                Some(is) if stripped(&is) == stripped(must) => {}
                Some(is) => {
                    let (is, must) = (stripped(&is).to_vec(), stripped(must).to_vec());
                    other.lines = Some((number, is, must));
                }
            }
        }
        Ok(())
    }

    /// After the last line: in what the file is another one. `None` where it is what it must be, or
    /// is not there.
    pub(super) fn end(mut self) -> Result<Option<Differs>, FolderError> {
        let of = |error| FolderError::of(self.path, error);
        let Some(there) = &mut self.there else {
            return Ok(None);
        };
        if self.other.is_none() && fill(there).map_err(of)?.is_empty() {
            return Ok(None);
        }
        let is = Scan::of(self.place, self.path)?;
        let same = self.other.as_ref().map_or(self.due.bytes, |o| o.same);
        if !is.text {
            return Ok(Some((
                differs::of_bytes(same, is.size.bytes, self.due.bytes),
                None,
            )));
        }
        let lines = self.other.and_then(|other| other.lines);
        Ok(Some(match lines {
            Some((number, is, must)) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                differs::of_lines(self.path, number, &text(&is), &text(&must))
            }
            None => {
                let (lines, must) = (is.size.lines, self.due.lines);
                (differs::of_ends(lines, must, is.returns), None)
            }
        }))
    }
}

impl Other {
    /// The next line of the file, with its line break.
    fn next_line(&mut self, there: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
        let mut line = self.begun.take().unwrap_or_default();
        there.take(LINE_MAX).read_until(b'\n', &mut line)?;
        Ok((!line.is_empty()).then_some(line))
    }
}

/// A line as `str::lines` has it.
fn stripped(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What there is to read next; nothing at the end.
fn fill(there: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match there.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    there.fill_buf()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A file looked at as a whole.
struct Scan {
    size: Size,
    /// Whether it is UTF-8.
    text: bool,
    /// Whether there is a carriage return in it.
    returns: bool,
}

impl Scan {
    fn of(place: Place<'_>, path: &str) -> Result<Self, FolderError> {
        let of = |error| FolderError::of(path, error);
        let mut there = BufReader::with_capacity(PIECE, place.files.open(path)?);
        let mut scan = Self {
            size: Size::default(),
            text: true,
            returns: false,
        };
        let (mut last, mut cut) = (b'\n', Vec::new());
        loop {
            let piece = fill(&mut there).map_err(of)?;
            let Some(end) = piece.last() else {
                break;
            };
            last = *end;
            let breaks = piece.iter().filter(|byte| **byte == b'\n').count();
            scan.size.lines += u64::try_from(breaks).unwrap_or(u64::MAX);
            scan.size.bytes += length(piece);
            scan.returns |= piece.contains(&b'\r');
            cut.extend_from_slice(piece);
            if scan.text {
                cut = match std::str::from_utf8(&cut) {
                    Ok(_) => Vec::new(),
                    // A character may go on in the next piece.
                    Err(error) if error.error_len().is_none() => cut.split_off(error.valid_up_to()),
                    Err(_) => {
                        scan.text = false;
                        Vec::new()
                    }
                };
            } else {
                cut.clear();
            }
            let done = piece.len();
            there.consume(done);
        }
        scan.text &= cut.is_empty();
        // What follows the last line break is a line.
        scan.size.lines += u64::from(last != b'\n');
        Ok(scan)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Folder, files::Files as _};

    /// What is told of a file while the text is made, so many bytes of it at a time.
    fn told(path: &'static str, there: &[u8], due: &[u8]) -> Option<Differs> {
        let mut folder = Folder::new();
        folder.insert(path, there.to_vec());
        let listing = folder.listing();
        let place = Place {
            files: &folder,
            listing: &listing,
        };
        let mut text = Text::beside(place, path).unwrap();
        let lines: Vec<&[u8]> = due.split_inclusive(|byte| *byte == b'\n').collect();
        for few in lines.chunks(2) {
            text.push(&few.concat(), few.len() as u64).unwrap();
        }
        text.end().unwrap()
    }

    fn agree(path: &'static str, there: &[u8], due: &[u8]) {
        let expected = (there != due).then(|| differs::first(path, there, due));
        assert_eq!(told(path, there, due), expected, "{there:?} for {due:?}");
    }

    #[test]
    fn what_is_told_of_a_piece_is_what_is_told_of_the_whole() {
        let due = "{\"log_index\":0}\n{\"log_index\":1}\n{\"log_index\":2}\n";
        let cases = [
            due.to_owned(),
            String::new(),
            "\n".to_owned(),
            due.replace('\n', "\r\n"),
            due.replacen("0}\n", "0}\r\n", 1),
            due.replacen("0}\n1", "0}\r\n2", 1),
            due.trim_end().to_owned(),
            format!("{due}\n"),
            format!("{due}more"),
            format!("{due}{due}"),
            due.replace('1', "3"),
            due.replacen("{\"log_index\":0}\n", "", 1),
            due.replace("2}", "\u{e9}}"),
        ];
        for there in &cases {
            for path in ["siem.jsonl", "timeline.txt"] {
                agree(path, there.as_bytes(), due.as_bytes());
            }
        }
        for (at, _) in due.bytes().enumerate() {
            let mut there = due.as_bytes().to_vec();
            there[at] ^= 0x80;
            agree("siem.jsonl", &there, due.as_bytes());
            there[at] ^= 0x81;
            agree("siem.jsonl", &there, due.as_bytes());
            agree("siem.jsonl", &there[..at], due.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn of_any_two_texts_the_same_is_told(
            there in "[ab\r\n\u{e9}]{0,12}",
            due in "([ab\u{e9}]{0,3}\n){0,4}",
        ) {
            agree("timeline.txt", there.as_bytes(), due.as_bytes());
        }
    }
}
