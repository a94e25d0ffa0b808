//! Changing a few bytes of a true document, the same way in every run.

use proptest::{prelude::*, sample::Index, strategy::ValueTree as _, test_runner::TestRunner};

/// One change: where, of which sort, with what.
pub type Change = (Index, u8, u8);

/// Bytes that mean something to one parser or another.
const ODD: [u8; 10] = [0, b'"', b'\\', b'{', b'}', b',', b'\n', 0x7f, 0xc3, 0xff];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let with = prop_oneof![any::<u8>(), prop::sample::select(ODD.to_vec())];
    prop::collection::vec((any::<Index>(), 0..6_u8, with), 1..4)
}

/// The document with one to three things wrong: a byte set, a bit flipped, a byte left out or put
/// in, the rest cut off, a piece said twice.
#[must_use]
pub fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, sort, with) in changes {
        let at = at.index(bytes.len() + 1);
        let within = at < bytes.len();
        match sort {
            0 if within => bytes[at] = *with,
            1 if within => bytes[at] ^= 1 << (with % 8),
            2 if within => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, *with),
            4 => bytes.truncate(at),
            _ => {
                let to = (at + usize::from(*with)).min(bytes.len());
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Runs something on so many lists of changes, the same ones every time.
pub fn run(times: u32, mut attack: impl FnMut(&[Change])) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..times {
        let changes = changes().new_tree(&mut runner).unwrap();
        attack(&changes.current());
    }
}
