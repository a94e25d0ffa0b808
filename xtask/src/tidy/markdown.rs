//! As much of Markdown as the checks need: what is code, and the cells of a table.

/// The lines of `text` with their index, without those in fenced code.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_fence ^= fence;
        !fence && !in_fence
    })
}

/// The `code spans` of a line.
pub(super) fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    // Between an odd number of backticks and the next one; a span left open is none.
    let parts: Vec<&str> = line.split('`').collect();
    let closed = parts.len().saturating_sub(1);
    parts.into_iter().take(closed).skip(1).step_by(2)
}

/// The line without its code spans.
pub(super) fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The first cell of a table's row.
pub(super) fn first_cell(line: &str) -> Option<&str> {
    line.trim()
        .strip_prefix('|')?
        .split('|')
        .next()
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::{code_spans, first_cell, prose, without_code};

    #[test]
    fn fenced_code_is_no_prose() {
        let lines: Vec<_> = prose("a\n```sh\nb\n```\nc").collect();
        assert_eq!(lines, [(0, "a"), (4, "c")]);
    }

    #[test]
    fn code_spans_are_found_and_left_out() {
        assert_eq!(
            code_spans("a `b` c `d` e `f").collect::<Vec<_>>(),
            ["b", "d"]
        );
        assert_eq!(without_code("a `b` c"), "a  c");
        assert_eq!(code_spans("none").count(), 0);
    }

    #[test]
    fn rows_have_a_first_cell() {
        assert_eq!(first_cell("| `sha2` | MIT |"), Some("`sha2`"));
        assert_eq!(first_cell("no row"), None);
    }
}
