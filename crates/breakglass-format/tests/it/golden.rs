//! Every type of event as it was first released, in its stored bytes, as the SIEM receives it and
//! as people read it. What is in these files is read for ever.
//!
//! `BREAKGLASS_BLESS=1 cargo test -p breakglass-format` writes the files anew; after a release
//! that is never the answer to a failure.

use std::{collections::BTreeSet, fs, path::PathBuf};

use breakglass_format::{
    Entry, Event,
    entry::Recorded,
    render::{jsonl, timeline::Timeline},
};

use crate::story;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/v1")
        .join(name)
}

/// Compares with the file, or writes it where that was asked for.
fn golden(name: &str, bytes: &[u8]) {
    let path = path(name);
    if std::env::var_os("BREAKGLASS_BLESS").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(&file),
        "{name}"
    );
}

/// Stand-ins for the bytes of a statement and of its signature, where there are any.
pub(crate) fn statements(entry: &Entry) -> Vec<Vec<u8>> {
    let of = |bytes: &[u8]| bytes.to_vec();
    match entry.statement.0 {
        Some(_) => vec![of(b"statement"), of(b"signature")],
        None => Vec::new(),
    }
}

pub(crate) fn jsonl_line(recorded: &Recorded) -> Vec<u8> {
    let bytes = recorded.entry.to_bytes().unwrap();
    jsonl::line(recorded, &bytes, &statements(&recorded.entry)).unwrap()
}

#[test]
fn every_event_type_has_its_golden_files() {
    let mut timeline = Timeline::new();
    let mut told = BTreeSet::new();
    for recorded in story::tell() {
        let lines = timeline.push(&recorded);
        let name = recorded.entry.event.event_type();
        if told.insert(name) {
            golden(&format!("{name}.json"), &recorded.entry.to_bytes().unwrap());
            golden(
                &format!("{name}.jsonl"),
                &with_newline(jsonl_line(&recorded)),
            );
            golden(
                &format!("{name}.txt"),
                &with_newline(lines.join("\n").into_bytes()),
            );
        }
    }
    let types: BTreeSet<_> = Event::TYPES.iter().copied().collect();
    assert_eq!(told, types);
}

fn with_newline(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(b'\n');
    bytes
}

#[test]
fn the_whole_timeline_reads_as_released() {
    golden("timeline.txt", story::render(&story::tell()).as_bytes());
}

#[test]
fn every_released_entry_is_read_and_written_back_byte_for_byte() {
    let files = fs::read_dir(path(""))
        .unwrap()
        .map(|file| file.unwrap().path());
    let entries = files.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let mut count = 0;
    for path in entries {
        let bytes = fs::read(&path).unwrap();
        let entry = Entry::from_bytes(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(entry.to_bytes().unwrap(), bytes, "{}", path.display());
        assert_eq!(path.file_stem().unwrap(), entry.event.event_type());
        count += 1;
    }
    assert_eq!(count, Event::TYPES.len());
}

#[test]
fn what_is_written_is_what_is_read() {
    for recorded in story::tell() {
        let bytes = recorded.entry.to_bytes().unwrap();
        assert_eq!(Entry::from_bytes(&bytes), Ok(recorded.entry));
    }
}
