//! In what a file is not what it must be: the first difference, in words that people can use.

use breakglass_format::Digest;
use serde_json::Value;

use crate::layout::SIEM;

/// Characters of a text that are shown.
const SHOWN: usize = 60;
/// Characters of them that come before the difference.
const BEFORE: usize = 15;

/// The first difference of a file from what it must be, and the entry it is about where each line
/// is an entry's.
pub(super) fn first(path: &str, there: &[u8], due: &[u8]) -> (String, Option<u64>) {
    match (std::str::from_utf8(there), std::str::from_utf8(due)) {
        (Ok(there), Ok(due)) => of_text(path, there, due),
        _ => {
            let same = there.iter().zip(due).take_while(|(a, b)| a == b).count();
            let [same, is, must] = [same, there.len(), due.len()].map(number);
            (of_bytes(same, is, must), None)
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// That a file has not the digest by which the log names it.
pub(super) fn from_digest(there: &Digest, due: &str) -> String {
    format!("its SHA-256 is {}, and the log names {due}", there.hex())
}

/// Of bytes that begin with so many that are the same: so many there are, and so many there must be.
pub(super) fn of_bytes(same: u64, is: u64, must: u64) -> String {
    if same < is.min(must) {
        format!("byte {} of {must} is another", same + 1)
    } else {
        format!("it has {is} bytes, and must have {must}")
    }
}

fn of_text(path: &str, there: &str, due: &str) -> (String, Option<u64>) {
    let pairs = there.lines().zip(due.lines());
    let Some((n, (is, must))) = (0..).zip(pairs).find(|(_, (is, must))| is != must) else {
        let (is, must) = (there.lines().count(), due.lines().count());
        let returns = there.contains('\r');
        return (of_ends(number(is), number(must), returns), None);
    };
    of_lines(path, n, is, must)
}

/// Of lines that differ, which are counted from 0.
pub(super) fn of_lines(path: &str, n: u64, is: &str, must: &str) -> (String, Option<u64>) {
    let line = n + 1;
    if path == SIEM {
        return (of_entry(n, is, must), Some(n));
    }
    let (is, must) = excerpts(is, must);
    (format!("line {line} is {is}, and must be {must}"), None)
}

/// Of texts of which the lines that both have are the same: so many the one has, and so many it
/// must have. `returns`: it has a carriage return.
pub(super) fn of_ends(is: u64, must: u64, returns: bool) -> String {
    if is < must {
        format!("it ends after line {is}, and must have {must}")
    } else if is > must {
        format!("it goes on after line {must}, where it must end")
    } else if returns {
        "its lines end in CR LF, and must end in LF: git or an editor may have changed them".into()
    } else {
        "its last line must end in one LF".to_owned()
    }
}

/// A line of `siem.jsonl`, which is that of the entry with this index.
fn of_entry(index: u64, is: &str, must: &str) -> String {
    let line = index + 1;
    let read = |text| serde_json::from_str::<Value>(text).ok();
    let (Some(Value::Object(is)), Some(Value::Object(must))) = (read(is), read(must)) else {
        let (is, must) = excerpts(is, must);
        return format!("line {line} is no JSON object: {is}, and must be {must}");
    };
    if let Some(other) = is.get("log_index").filter(|other| **other != index) {
        return format!(
            "line {line} is that of entry {other}, and must be that of entry {index}: a line was taken out, put in or moved"
        );
    }
    let keys = must.keys().chain(is.keys());
    let differs = |key: &&String| is.get(*key) != must.get(*key);
    let Some(key) = keys.into_iter().find(differs) else {
        return format!("line {line} has the keys and values of entry {index}, spelled otherwise");
    };
    let text = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let (is, must) = excerpts(&text(is.get(key)), &text(must.get(key)));
    format!("line {line} says of entry {index} as {key:?} {is}, and must say {must}")
}

/// Both texts around the place from which they differ. Quoted, so that nothing in them can speak
/// to a terminal.
fn excerpts(is: &str, must: &str) -> (String, String) {
    let same = is.chars().zip(must.chars()).take_while(|(a, b)| a == b);
    let from = same.count().saturating_sub(BEFORE);
    let excerpt = |text: &str| {
        let mut rest = text.chars().skip(from);
        let shown: String = rest.by_ref().take(SHOWN).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if rest.next().is_some() { "…" } else { "" };
        format!("{before}{shown:?}{after}")
    };
    (excerpt(is), excerpt(must))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        let cases: [(&str, &[u8], &[u8], &str); 9] = [
            (
                "a",
                b"\xff\x01\x02",
                b"\xff\x01\x03",
                "byte 3 of 3 is another",
            ),
            (
                "a",
                b"\xff\x01",
                b"\xff\x01\x03",
                "it has 2 bytes, and must have 3",
            ),
            (
                "a",
                b"one\ntwo\n",
                b"one\nTwo\n",
                r#"line 2 is "two", and must be "Two""#,
            ),
            (
                "a",
                b"one\n",
                b"one\ntwo\n",
                "it ends after line 1, and must have 2",
            ),
            (
                "a",
                b"one\ntwo\n",
                b"one\n",
                "it goes on after line 1, where it must end",
            ),
            (
                "a",
                b"one\r\n",
                b"one\n",
                "its lines end in CR LF, and must end in LF: git or an editor may have changed them",
            ),
            ("a", b"one", b"one\n", "its last line must end in one LF"),
            (
                "a",
                b"\x1b[2J\n",
                b"one\n",
                r#"line 1 is "\u{1b}[2J", and must be "one""#,
            ),
            (
                "siem.jsonl",
                b"{\"log_index\":1}\n",
                b"{\"log_index\":0}\n",
                "line 1 is that of entry 1, and must be that of entry 0: a line was taken out, put in or moved",
            ),
        ];
        for (path, there, due, words) in cases {
            assert_eq!(first(path, there, due).0, words);
        }
    }

    #[test]
    fn of_a_long_line_the_place_of_the_difference_is_shown() {
        let due = "x".repeat(5_000);
        let there = format!("{}y{}", "x".repeat(1_000), "x".repeat(3_999));
        let (words, _) = first("timeline.txt", there.as_bytes(), due.as_bytes());
        assert!(words.contains(r#"line 1 is …"xxxxxxxxxxxxxxxy"#), "{words}");
        assert!(words.len() < 250, "{words}");
    }
}
