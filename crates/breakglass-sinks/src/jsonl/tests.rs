use std::{cell::Cell, os::unix::fs::PermissionsExt as _};

use breakglass_format::{
    Blank, Digest, Entry, EventId, IncidentId, Line, Prose, Timestamp,
    entry::Recorded,
    event::IncidentNoted,
    render::jsonl::{checkpoint_line, line},
};
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, mknodat};
use serde_json::Value;
use tempfile::TempDir;

use super::*;

fn note(index: u64, text: &str) -> Vec<u8> {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&index.to_be_bytes());
    let incident_id = IncidentId::new(at, [1; 10]);
    let entry = Entry {
        actor: Line::lossy(text),
        command_id: Blank::NONE,
        correlation_id: incident_id.into(),
        created_at: at,
        event: IncidentNoted {
            incident_id,
            text: Prose::lossy(text),
        }
        .into(),
        event_id: EventId::new(at, random),
        person: Blank::NONE,
        principal: Blank::NONE,
        signature: Blank::NONE,
        statement: Blank::NONE,
        wall: at,
    };
    let bytes = entry.to_bytes().unwrap();
    let recorded = Recorded {
        index,
        leaf: Digest::from_bytes([7; 32]),
        entry,
    };
    line(&recorded, &bytes, &[b"statement".to_vec()]).unwrap()
}

fn notes(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|index| note(index, "a note")).collect()
}

/// As little of a line as the sink reads.
fn short(index: u64) -> Vec<u8> {
    format!(r#"{{"event_id":"{index}","log_index":{index}}}"#).into_bytes()
}

fn checkpoint(size: u64) -> Vec<u8> {
    checkpoint_line(size, b"a checkpoint", Timestamp::EPOCH).unwrap()
}

fn directory() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    (dir, path)
}

fn values(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn indices(path: &Path) -> Vec<u64> {
    values(path)
        .iter()
        .filter_map(|line| line["log_index"].as_u64())
        .collect()
}

#[test]
fn a_new_file_is_private_and_begins_at_zero() {
    let (_dir, path) = directory();
    let (mut sink, position) = JsonlSink::open(&path).unwrap();
    assert_eq!(position, Position::default());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(sink.append(&notes(0..3)).unwrap(), Appended::SameFile);
    assert_eq!(sink.append(&[]).unwrap(), Appended::SameFile);
    assert_eq!(indices(&path), [0, 1, 2]);
}

#[test]
fn a_file_that_is_there_keeps_its_mode() {
    let (_dir, path) = directory();
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    drop(JsonlSink::open(&path).unwrap());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[test]
fn a_restart_goes_on_after_the_last_entry() {
    let (_dir, path) = directory();
    let mut expected = 0;
    for size in [1, 2, 500] {
        let (mut sink, position) = JsonlSink::open(&path).unwrap();
        assert_eq!(position.next_index, expected);
        sink.append(&notes(position.next_index..size)).unwrap();
        // Checkpoint lines at the end do not hide it, however many there are.
        sink.append(&vec![checkpoint(size); 700]).unwrap();
        expected = size;
    }
    assert_eq!(indices(&path), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_nothing_else() {
    let (_dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    sink.append(&notes(0..3)).unwrap();
    let whole = fs::read(&path).unwrap();
    sink.append(&[short(3)]).unwrap();
    drop(sink);
    let torn = fs::read(&path).unwrap();
    for length in whole.len()..torn.len() {
        fs::write(&path, &torn[..length]).unwrap();
        let (mut sink, position) = JsonlSink::open(&path).unwrap();
        let torn_bytes = (length - whole.len()) as u64;
        assert_eq!(
            position,
            Position {
                next_index: 3,
                torn_bytes
            }
        );
        assert_eq!(fs::read(&path).unwrap(), whole, "{length}");
        if length % 9 == 0 {
            sink.append(&notes(3..5)).unwrap();
            assert_eq!(indices(&path), [0, 1, 2, 3, 4]);
        }
    }
}

#[test]
fn a_first_line_that_is_torn_leaves_an_empty_file() {
    let (_dir, path) = directory();
    let first = short(0);
    for length in 1..=first.len() {
        fs::write(&path, &first[..length]).unwrap();
        let (_sink, position) = JsonlSink::open(&path).unwrap();
        assert_eq!(position.next_index, 0);
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }
}

#[test]
fn zeros_after_a_power_failure_are_cut_off() {
    let (_dir, path) = directory();
    let mut bytes = [note(0, "a note"), b"\n".to_vec()].concat();
    let whole = bytes.len();
    bytes.resize(whole + 100_000, 0);
    fs::write(&path, &bytes).unwrap();
    let (_sink, position) = JsonlSink::open(&path).unwrap();
    assert_eq!(
        position,
        Position {
            next_index: 1,
            torn_bytes: 100_000
        }
    );
    assert_eq!(fs::metadata(&path).unwrap().len(), whole as u64);
}

#[test]
fn a_line_longer_than_a_block_is_found() {
    let (_dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    let long = format!(r#"{{"log_index":41,"pad":"{}"}}"#, "x".repeat(300_000));
    sink.append(&[note(40, "a note"), long.into_bytes()])
        .unwrap();
    drop(sink);
    assert_eq!(JsonlSink::open(&path).unwrap().1.next_index, 42);
}

#[test]
fn a_complete_line_that_cannot_be_read_is_delivered_again() {
    let (_dir, path) = directory();
    let lines = [
        note(0, "a"),
        b"{\"log_index\":1,\0\0\0}".to_vec(),
        checkpoint(2),
    ];
    fs::write(
        &path,
        lines.map(|line| [line, b"\n".to_vec()].concat()).concat(),
    )
    .unwrap();
    assert_eq!(JsonlSink::open(&path).unwrap().1.next_index, 1);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let (_dir, path) = directory();
    let long = vec![b'{'; 9 * 1024 * 1024];
    for content in [b"root:x:0:0".as_slice(), b"line\nanother".as_slice(), &long] {
        fs::write(&path, content).unwrap();
        assert!(matches!(
            JsonlSink::open(&path),
            Err(SinkError::Foreign { .. })
        ));
        assert!(fs::read(&path).unwrap() == content);
    }
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let (dir, path) = directory();
    mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(matches!(
        JsonlSink::open(&path),
        Err(SinkError::NotAFile { .. })
    ));
    assert!(matches!(
        JsonlSink::open(dir.path()),
        Err(SinkError::Open { .. })
    ));
    let nowhere = dir.path().join("none").join("events.jsonl");
    assert!(matches!(
        JsonlSink::open(nowhere),
        Err(SinkError::Open { .. })
    ));
}

#[test]
fn a_second_process_is_refused() {
    let (_dir, path) = directory();
    let (first, _) = JsonlSink::open(&path).unwrap();
    assert!(matches!(
        JsonlSink::open(&path),
        Err(SinkError::InUse { .. })
    ));
    drop(first);
    JsonlSink::open(&path).unwrap();
}

#[test]
fn a_renamed_file_keeps_its_lines_and_a_new_one_goes_on() {
    let (dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    sink.append(&notes(0..2)).unwrap();
    let rotated = dir.path().join("events.jsonl.1");
    fs::rename(&path, &rotated).unwrap();
    let other = Appended::OtherFile(Position::default());
    assert_eq!(sink.append(&notes(2..4)).unwrap(), other);
    assert_eq!(sink.append(&notes(4..5)).unwrap(), Appended::SameFile);
    assert_eq!(
        (indices(&rotated), indices(&path)),
        (vec![0, 1], vec![2, 3, 4])
    );
    drop(sink);
    assert_eq!(JsonlSink::open(&path).unwrap().1.next_index, 5);
}

#[test]
fn a_removed_or_replaced_file_is_noticed() {
    let (_dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    sink.append(&notes(0..2)).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        sink.append(&notes(2..3)).unwrap(),
        Appended::OtherFile(_)
    ));
    assert_eq!(indices(&path), [2]);

    // Replaced by a copy that lost its end.
    let copy = path.with_extension("copy");
    fs::write(&copy, [note(0, "a"), b"\n{\"log_ind".to_vec()].concat()).unwrap();
    fs::rename(&copy, &path).unwrap();
    let position = Position {
        next_index: 1,
        torn_bytes: 9,
    };
    assert_eq!(
        sink.append(&notes(3..4)).unwrap(),
        Appended::OtherFile(position)
    );
    assert_eq!(indices(&path), [0, 3]);
}

#[test]
fn a_file_emptied_in_place_is_appended_to() {
    let (_dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    sink.append(&notes(0..2)).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    assert_eq!(sink.append(&notes(2..3)).unwrap(), Appended::SameFile);
    assert_eq!(indices(&path), [2]);
}

#[test]
fn a_directory_that_went_away_is_an_error_and_its_return_is_enough() {
    let (dir, _) = directory();
    let place = dir.path().join("siem");
    fs::create_dir(&place).unwrap();
    let path = place.join("events.jsonl");
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    sink.append(&notes(0..1)).unwrap();
    fs::remove_dir_all(&place).unwrap();
    assert!(matches!(
        sink.append(&notes(1..2)),
        Err(SinkError::Open { .. })
    ));
    fs::create_dir(&place).unwrap();
    assert!(matches!(
        sink.append(&notes(1..2)).unwrap(),
        Appended::OtherFile(_)
    ));
    assert_eq!(indices(&path), [1]);
}

#[test]
fn what_is_not_one_line_is_refused_before_anything_is_written() {
    let (_dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    for bad in [b"".as_slice(), b"a\nb", b"a\n", b"a\rb"] {
        let batch = [note(0, "a"), bad.to_vec()];
        assert!(matches!(
            sink.append(&batch),
            Err(SinkError::Line { number: 2 })
        ));
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

/// A disk in memory that fails when told to.
#[derive(Default)]
struct Disk {
    bytes: std::cell::RefCell<Vec<u8>>,
    /// Bytes that still fit.
    room: Option<usize>,
    sync_fails: bool,
    cut_fails: Cell<bool>,
}

impl Device for Disk {
    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes.borrow().len() as u64)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.room.unwrap_or(usize::MAX).min(bytes.len());
        self.bytes.borrow_mut().extend_from_slice(&bytes[..room]);
        if room < bytes.len() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn sync(&self) -> io::Result<()> {
        if self.sync_fails {
            Err(io::ErrorKind::Other.into())
        } else {
            Ok(())
        }
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        if self.cut_fails.get() {
            return Err(io::ErrorKind::Other.into());
        }
        self.bytes.borrow_mut().truncate(length as usize);
        Ok(())
    }
}

#[test]
fn a_write_that_fails_at_any_byte_leaves_the_file_as_it_was() {
    let batch = join(&notes(0..2)).unwrap();
    for room in 0..batch.len() {
        let mut disk = Disk {
            room: Some(room),
            ..Disk::default()
        };
        disk.bytes.borrow_mut().extend_from_slice(b"before\n");
        let failed = write_or_undo(&mut disk, &batch).unwrap_err();
        assert_eq!(failed.source.kind(), io::ErrorKind::StorageFull);
        assert_eq!(failed.torn_at, None);
        assert_eq!(*disk.bytes.borrow(), b"before\n");
    }
}

#[test]
fn a_sync_that_fails_takes_the_lines_back() {
    let mut disk = Disk {
        sync_fails: true,
        ..Disk::default()
    };
    assert!(write_or_undo(&mut disk, b"line\n").is_err());
    assert!(disk.bytes.borrow().is_empty());
}

#[test]
fn what_could_not_be_undone_is_remembered() {
    let mut disk = Disk {
        room: Some(3),
        ..Disk::default()
    };
    disk.bytes.borrow_mut().extend_from_slice(b"before\n");
    disk.cut_fails.set(true);
    let failed = write_or_undo(&mut disk, b"line\n").unwrap_err();
    assert_eq!(failed.torn_at, Some(7));

    // And done before the next batch.
    let (_dir, path) = directory();
    let (mut sink, _) = JsonlSink::open(&path).unwrap();
    sink.append(&notes(0..1)).unwrap();
    sink.torn_at = Some(fs::metadata(&path).unwrap().len());
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"{\"torn")
        .unwrap();
    sink.append(&notes(1..2)).unwrap();
    assert_eq!(indices(&path), [0, 1]);
    sink.append(&notes(2..3)).unwrap();
    assert_eq!(indices(&path), [0, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_stays_one_line_and_is_read_back(texts in proptest::collection::vec(any::<String>(), 1..5)) {
        let (_dir, path) = directory();
        let (mut sink, _) = JsonlSink::open(&path).unwrap();
        let lines: Vec<Vec<u8>> = (0..).zip(&texts).map(|(i, text)| note(i, text)).collect();
        sink.append(&lines).unwrap();
        drop(sink);
        let read = values(&path);
        prop_assert_eq!(read.len(), texts.len());
        for (value, text) in read.iter().zip(&texts) {
            let kept = Prose::lossy(text);
            prop_assert_eq!(value["event_data"]["text"].as_str().unwrap(), kept.as_str());
            prop_assert_eq!(value["event_type"].as_str().unwrap(), "INCIDENT_NOTED");
        }
        let next = JsonlSink::open(&path).unwrap().1.next_index;
        prop_assert_eq!(next, texts.len() as u64);
    }
}
