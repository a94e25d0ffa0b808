//! Words that say something is unfinished or switched off.

use super::Finding;
use super::tree::Tree;

/// A word, written in two halves so that this file does not contain it, and why it is banned.
type Ban = (&'static str, &'static str);

const IN_CODE: &[Ban] = &[
    (concat!("todo", "!("), "a panic in place of code"),
    (concat!("unimplemented", "!("), "a panic in place of code"),
    (concat!("dbg", "!("), "left over from a search for a bug"),
    (
        concat!("#[", "ignore"),
        "a test that cannot run says so in the skip file",
    ),
    (
        concat!("#[", "should_panic"),
        "a test says which error it expects",
    ),
];

const EVERYWHERE: &[Ban] = &[
    (concat!("TO", "DO"), "finish it, or leave it out"),
    (concat!("FIX", "ME"), "finish it, or leave it out"),
];

/// Looks through code and documents.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let code = tree.rust().flat_map(|(path, text)| {
        text.lines()
            .enumerate()
            .flat_map(move |(index, line)| banned(path, index, line, IN_CODE))
    });
    let everything = tree
        .rust()
        .chain(tree.documents())
        .flat_map(|(path, text)| {
            text.lines()
                .enumerate()
                .flat_map(move |(index, line)| banned(path, index, line, EVERYWHERE))
        });
    code.chain(everything).collect()
}

fn banned(path: &str, index: usize, line: &str, bans: &[Ban]) -> Vec<Finding> {
    let found = bans.iter().filter(|(word, _)| has_word(line, word));
    found
        .map(|(word, why)| Finding::at(path, index, format!("{word}: {why}")))
        .collect()
}

/// Whether `word` stands in `line` and not as part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        let whole = !word.ends_with(in_name) || !after.is_some_and(in_name);
        whole && !before.is_some_and(in_name)
    })
}

#[cfg(test)]
mod tests {
    use super::{check, has_word};
    use crate::tidy::samples::lines;
    use crate::tidy::tree::Tree;

    #[test]
    fn words_of_unfinished_work_are_found() {
        let code = concat!("fn f() {\n    dbg", "!(1);\n}\n");
        let document = concat!("# Title\n\nTO", "DO: write\n");
        let tree = Tree::of(&[("a.rs", code), ("b.md", document)]);
        let expected = [
            concat!("a.rs:2: dbg", "!(: left over from a search for a bug"),
            concat!("b.md:3: TO", "DO: finish it, or leave it out"),
        ];
        assert_eq!(lines(&check(&tree)), expected);
    }

    #[test]
    fn documents_may_speak_of_code() {
        let tree = Tree::of(&[("b.md", concat!("never `#[", "ignore]`\n"))]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn part_of_a_longer_name_is_no_hit() {
        assert!(has_word(concat!("// TO", "DO(me)"), concat!("TO", "DO")));
        assert!(!has_word(
            concat!("const TO", "DO_LIST"),
            concat!("TO", "DO")
        ));
        assert!(!has_word(concat!("my_dbg", "!("), concat!("dbg", "!(")));
        assert!(has_word(
            concat!("#[", "ignore = \"slow\"]"),
            concat!("#[", "ignore = ")
        ));
    }
}
