//! A file holds one idea, and one idea fits in 600 lines, tests included.

use super::Finding;
use super::tree::Tree;

const LIMIT: usize = 600;

/// Looks for Rust files that are too long.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let counted = tree.rust().map(|(path, text)| (path, text.lines().count()));
    counted
        .filter(|(_, count)| *count > LIMIT)
        .map(|(path, count)| Finding::new(path, format!("has {count} lines, at most {LIMIT}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::samples::lines;
    use crate::tidy::tree::Tree;

    #[test]
    fn six_hundred_lines_are_the_limit() {
        let (fits, too_long) = ("x\n".repeat(600), "x\n".repeat(601));
        let tree = Tree::of(&[("a.rs", &fits), ("b.rs", &too_long), ("c.md", &too_long)]);
        assert_eq!(lines(&check(&tree)), ["b.rs: has 601 lines, at most 600"]);
    }
}
