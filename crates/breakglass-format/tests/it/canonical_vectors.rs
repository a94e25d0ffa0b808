//! The test vectors that stand in `docs/spec/canonical.md`.

use breakglass_format::canonical::{emit, parse};

const SPECIFICATION: &str = include_str!("../../../../docs/spec/canonical.md");

/// The documents in the first column of the table under a heading.
fn vectors(heading: &str) -> Vec<String> {
    let section = SPECIFICATION
        .split_once(&format!("\n### {heading}\n"))
        .unwrap()
        .1;
    let section = section.split("\n#").next().unwrap();
    let cells = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(document, _)| spell(document)).collect()
}

/// Puts in the characters that the page spells out, as in `‹U+000A›`.
fn spell(document: &str) -> String {
    let mut parts = document.split('‹');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.strip_prefix("U+").unwrap().split_once('›').unwrap();
        out.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        out.push_str(rest);
    }
    out
}

#[test]
fn accepted_vectors_are_read_and_written_back() {
    let accepted = vectors("Accepted");
    assert!(accepted.len() >= 8, "{accepted:?}");
    for document in accepted {
        let value = parse(document.as_bytes(), 1_000).unwrap_or_else(|e| panic!("{document}: {e}"));
        assert_eq!(emit(&value).unwrap(), document.as_bytes());
    }
}

#[test]
fn refused_vectors_are_refused() {
    let refused = vectors("Refused");
    assert!(refused.len() >= 20, "{refused:?}");
    for document in refused {
        assert!(parse(document.as_bytes(), 1_000).is_err(), "{document}");
    }
}

#[test]
fn the_forbidden_characters_of_the_page_are_those_of_the_code() {
    let section = SPECIFICATION.split_once("\n## Characters\n").unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section
        .lines()
        .filter_map(|line| line.strip_prefix("| U+")?.split_once(" |"));
    let ranges: Vec<(u32, u32)> = rows
        .map(|(range, _)| {
            let (first, last) = range.split_once(" to U+").unwrap_or((range, range));
            let code = |hex| u32::from_str_radix(hex, 16).unwrap();
            (code(first), code(last))
        })
        .collect();
    for c in '\0'..=char::MAX {
        let listed = ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&u32::from(c)));
        assert_eq!(
            listed,
            breakglass_format::text::is_forbidden(c),
            "U+{:04X}",
            u32::from(c)
        );
    }
}
