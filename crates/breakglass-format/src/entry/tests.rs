//! The quick way to read and write an entry against the way by trees.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::render::jsonl;

/// The stored bytes of every type of event.
fn released() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v1");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let entries = files.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let read = entries.map(|path| (path.display().to_string(), fs::read(&path).unwrap()));
    let all: Vec<_> = read.collect();
    assert_eq!(all.len(), Event::TYPES.len());
    all
}

/// Whether bytes are an entry, after both ways were asked.
fn agree(bytes: &[u8]) -> bool {
    let (quick, slow) = (Entry::quick(bytes), Entry::slow(bytes).ok());
    assert!(quick == slow, "{}", String::from_utf8_lossy(bytes));
    quick.is_some()
}

#[test]
fn every_type_of_event_is_read_and_written_without_a_tree() {
    for (name, bytes) in released() {
        assert!(agree(&bytes), "{name}");
        let entry = Entry::quick(&bytes).unwrap();
        let mut object = Writer::begin();
        assert!(entry.event.write(EVENT_DATA, &mut object), "{name}");
        let mut by_tree = Writer::begin();
        let data = entry.event.data().unwrap();
        by_tree.value(EVENT_DATA, &data).unwrap();
        assert_eq!(object.end(), by_tree.end(), "{name}");
        let leaf = Digest::from_bytes([7; 32]);
        let index = 3;
        let recorded = Recorded { index, leaf, entry };
        jsonl::tests::agree(&recorded, &bytes);
    }
}

#[test]
fn whatever_is_changed_in_an_entry_both_ways_agree_on_it() {
    let (mut tried, mut held) = (0, 0);
    for (_, bytes) in released() {
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            held += usize::from(agree(&changed));
            changed[at] = b'"';
            held += usize::from(agree(&changed));
            let mut changed = bytes.clone();
            changed.remove(at);
            held += usize::from(agree(&changed));
            changed.insert(at, b'9');
            held += usize::from(agree(&changed));
            let mut changed = bytes.clone();
            changed.insert(at, b' ');
            held += usize::from(agree(&changed));
            tried += 5;
        }
        agree(&[&bytes[..], b"\n"].concat());
    }
    // Another text or digit is as good.
    assert!(tried > 50_000 && held > 1_000, "{held} of {tried}");
}

proptest! {
    #[test]
    fn pieces_of_entries_put_together_are_judged_the_same(
        of in 0usize..48, with in 0usize..48, cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        text in "[ -~\u{e4}\u{200b}\n]{0,3}",
    ) {
        let all = released();
        let (left, right) = (&all[of % all.len()].1, &all[with % all.len()].1);
        let left = &left[..cut.index(left.len())];
        let right = &right[at.index(right.len())..];
        agree(&[left, text.as_bytes(), right].concat());
    }
}
