//! A database changed by someone who knows SQL: found when it is opened, and named.

use breakglass_store::{Blob, CursorError, Ledger as _, OpenError, Remedy, Visibility};

use crate::fixture::{Home, Numbers, entry};

const SIZE: u64 = 600;

fn blobs() -> Vec<Blob> {
    vec![
        Blob::new(Visibility::Public, b"a statement".to_vec()),
        Blob::new(Visibility::Sealed, b"a sealed secret".to_vec()),
    ]
}

fn template() -> Home {
    Home::with(SIZE, blobs())
}

/// SQL that puts `value` in place of the byte at `offset` of a blob column.
fn with_byte(column: &str, offset: usize, value: u8) -> String {
    format!(
        "CAST(substr({column}, 1, {offset}) || x'{value:02x}' || substr({column}, {}) AS BLOB)",
        offset + 2
    )
}

/// How a copy of the template, changed by `sql`, is refused.
fn refusal(template: &Home, sql: &str) -> OpenError {
    let home = template.copy();
    home.tamper(sql);
    let error = home.open().expect_err(sql);
    assert!(matches!(error.remedy(), Remedy::Restore | Remedy::CheckKey));
    error
}

#[test]
fn a_copy_is_as_good_as_the_ledger() {
    let template = template();
    let home = template.copy();
    home.tamper("");
    assert_eq!(home.open().unwrap().head().size(), SIZE);
}

#[test]
fn any_byte_of_an_entry_is_missed() {
    let template = template();
    let mut numbers = Numbers(1);
    // One byte of many entries, and every byte of one.
    let one_of_many = (0..SIZE)
        .step_by(7)
        .map(|index| (index, numbers.below(entry(index).len())));
    let all_of_one = (0..entry(300).len()).map(|offset| (300, offset));
    for (index, offset) in one_of_many.chain(all_of_one) {
        let changed = entry(index)[offset] ^ 0x20;
        let bytes = with_byte("bytes", offset, changed);
        let sql = format!("UPDATE entry SET bytes = {bytes} WHERE position = {index}");
        let error = refusal(&template, &sql);
        assert!(
            matches!(error, OpenError::Entry { index: found, .. } if found == index),
            "{sql}: {error}"
        );
    }
}

#[test]
fn a_longer_or_shorter_entry_is_missed() {
    let template = template();
    for bytes in ["bytes || x'00'", "substr(bytes, 2)", "x''"] {
        let sql = format!("UPDATE entry SET bytes = CAST({bytes} AS BLOB) WHERE position = 599");
        assert!(matches!(
            refusal(&template, &sql),
            OpenError::Entry { index: 599, .. }
        ));
    }
}

#[test]
fn an_entry_removed_moved_or_added_is_missed() {
    let template = template();
    for index in [0, 255, 256, 599] {
        let sql = format!("DELETE FROM entry WHERE position = {index}");
        let error = refusal(&template, &sql);
        assert!(matches!(error, OpenError::EntryMissing { index: found } if found == index));
    }
    let swap = "UPDATE entry SET position = -1 WHERE position = 10;
        UPDATE entry SET position = 10 WHERE position = 500;
        UPDATE entry SET position = 500 WHERE position = -1;";
    assert!(matches!(
        refusal(&template, swap),
        OpenError::Entry { index: 10, .. }
    ));
    for position in [-1, 600, i64::MAX] {
        let sql = format!("INSERT INTO entry VALUES ({position}, x'7b7d')");
        let error = refusal(&template, &sql);
        assert!(matches!(
            error,
            OpenError::EntryStray { position: found, size: SIZE } if found == position
        ));
    }
}

#[test]
fn a_tail_cut_off_with_its_tiles_is_missed() {
    let template = template();
    let sql = "DELETE FROM entry WHERE position >= 512; DELETE FROM tile WHERE number = 2;
        UPDATE head SET size = 512;";
    assert!(matches!(
        refusal(&template, sql),
        OpenError::Head { size: SIZE }
    ));
}

#[test]
fn any_byte_of_a_tile_is_missed() {
    let template = template();
    for (level, number, width) in [(0, 0, 256), (0, 1, 256), (0, 2, 88), (1, 0, 2)] {
        let length = width * 32;
        for offset in (0..length).step_by(211).chain([length - 1]) {
            let flipped = |value: u8| with_byte("hashes", offset, value);
            // Whatever the byte was, it is not this afterwards.
            let sql = format!(
                "UPDATE tile SET hashes = CASE substr(hashes, {}, 1) WHEN x'00' THEN {} ELSE {} END
                 WHERE level = {level} AND number = {number}",
                offset + 1,
                flipped(1),
                flipped(0)
            );
            let error = refusal(&template, &sql);
            assert!(
                matches!(error, OpenError::Tile { level: l, index: n } if (l, n) == (level, number)),
                "{error}"
            );
        }
    }
}

#[test]
fn a_tile_removed_cut_or_added_is_missed() {
    let template = template();
    assert!(matches!(
        refusal(&template, "DELETE FROM tile WHERE level = 1"),
        OpenError::Tile { level: 1, index: 0 }
    ));
    let cut = "UPDATE tile SET hashes = substr(hashes, 1, 32) WHERE level = 0 AND number = 2";
    assert!(matches!(
        refusal(&template, cut),
        OpenError::Tile { level: 0, index: 2 }
    ));
    let added = "INSERT INTO tile VALUES (2, 0, zeroblob(32))";
    assert!(matches!(
        refusal(&template, added),
        OpenError::TileCount {
            expected: 4,
            got: 5
        }
    ));
}

#[test]
fn an_entry_changed_together_with_its_tile_is_missed() {
    let template = template();
    let sql = "UPDATE entry SET bytes = x'7b7d' WHERE position = 599;
        UPDATE tile SET hashes = CAST(substr(hashes, 1, 87 * 32) || zeroblob(32) AS BLOB)
        WHERE level = 0 AND number = 2;";
    assert!(matches!(
        refusal(&template, sql),
        OpenError::Root { size: SIZE, .. }
    ));
}

#[test]
fn any_byte_of_the_checkpoint_is_missed() {
    let template = template();
    let note = template.open().unwrap().head().checkpoint().to_text();
    for (offset, byte) in note.bytes().enumerate() {
        let changed = with_byte("checkpoint", offset, byte ^ 1);
        let error = refusal(
            &template,
            &format!("UPDATE head SET checkpoint = {changed}"),
        );
        assert!(
            matches!(error, OpenError::Checkpoint(_)),
            "{offset}: {error}"
        );
    }
}

#[test]
fn another_head_is_missed() {
    let template = template();
    for sql in [
        "UPDATE head SET size = 599",
        "UPDATE head SET root = zeroblob(32)",
        "UPDATE head SET root = x''",
    ] {
        assert!(matches!(
            refusal(&template, sql),
            OpenError::Head { size: SIZE }
        ));
    }
    assert!(matches!(
        refusal(&template, "DELETE FROM head"),
        OpenError::HeadMissing
    ));
}

#[test]
fn any_change_of_a_blob_is_missed() {
    let template = template();
    for blob in blobs() {
        let digest = blob.digest.hex();
        let within =
            |change: String| format!("UPDATE blob SET {change} WHERE digest = x'{digest}'");
        for (offset, byte) in blob.bytes.iter().enumerate() {
            let bytes = with_byte("bytes", offset, byte ^ 1);
            let error = refusal(&template, &within(format!("bytes = {bytes}")));
            assert!(matches!(error, OpenError::Blob { digest, .. } if digest == blob.digest));
        }
        for change in [
            "visibility = 1 - visibility",
            "visibility = 2",
            "checksum = zeroblob(32)",
            "digest = zeroblob(32)",
            "digest = x'00'",
        ] {
            let error = refusal(&template, &within(change.to_owned()));
            assert!(
                matches!(error, OpenError::BlobRecord { .. }),
                "{change}: {error}"
            );
        }
    }
}

#[test]
fn a_damaged_cursor_is_an_error_and_no_position() {
    let name = "jsonl".parse().unwrap();
    for change in [
        "next_index = 7",
        "next_index = -1",
        "name = 'jsonm'",
        "checksum = x'00'",
    ] {
        let home = Home::with(10, Vec::new());
        home.open().unwrap().set_cursor(&name, 6).unwrap();
        home.tamper(&format!("UPDATE cursor SET {change}"));
        let ledger = home.open().unwrap();
        let error = ledger.cursor(&name).unwrap_err();
        assert!(matches!(error, CursorError::Damaged { .. }), "{change}");
    }
}
