//! A test that sleeps is slow on a fast machine and wrong on a slow one: it waits for what it
//! wants to see, or sets the clock.

use super::Finding;
use super::tree::Tree;

const SLEEPS: &[&str] = &["thread::sleep", "time::sleep"];

/// Looks for sleeps in test code.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .flat_map(|(path, text)| {
            let start = start_of_tests(path, text);
            let lines = text.lines().enumerate().skip(start);
            lines
                .filter(|(_, line)| sleeps(line))
                .map(move |(index, _)| Finding::at(path, index, "a test does not sleep"))
        })
        .collect()
}

fn sleeps(line: &str) -> bool {
    !line.trim_start().starts_with("//") && SLEEPS.iter().any(|call| line.contains(call))
}

/// The index of the first line that is test code: 0 in files of tests, else the test module at
/// the end; the number of lines where there is none.
fn start_of_tests(path: &str, text: &str) -> usize {
    let is_test_file = path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.starts_with("crates/breakglass-testkit/");
    if is_test_file {
        return 0;
    }
    let lines: Vec<&str> = text.lines().collect();
    let opens = |pair: &[&str]| matches!(pair, ["#[cfg(test)]", module] if module.ends_with('{'));
    lines.windows(2).position(opens).unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::{check, start_of_tests};
    use crate::tidy::samples::lines;
    use crate::tidy::tree::Tree;

    const CALL: &str = concat!("    std::thread", "::sleep(pause);\n");

    #[test]
    fn sleeps_in_test_files_and_test_modules_are_found() {
        let module = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{CALL}}}\n");
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", &module),
            ("crates/a/tests/it/main.rs", CALL),
            ("crates/a/src/x/tests.rs", CALL),
        ]);
        let found = lines(&check(&tree));
        let expected = [
            "crates/a/src/lib.rs:4: a test does not sleep",
            "crates/a/src/x/tests.rs:1: a test does not sleep",
            "crates/a/tests/it/main.rs:1: a test does not sleep",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn code_that_is_no_test_may_sleep() {
        let text = format!("#[cfg(test)]\nmod tests;\n{CALL}");
        assert!(check(&Tree::of(&[("crates/a/src/worker.rs", &text)])).is_empty());
        assert_eq!(start_of_tests("crates/a/src/worker.rs", &text), 3);
    }
}
