//! Columns of text.

use super::escape::line;

/// Lines with aligned columns, a heading first; text is escaped. Nothing for no rows.
#[must_use]
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let heading = heading.map(str::to_owned);
    let rows: Vec<[String; N]> = std::iter::once(&heading)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| line(cell)))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    rows.iter().map(|row| aligned(row, &widths)).collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths);
    let padded: Vec<String> = cells
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    padded.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_escaped() {
        let rows = [
            ["INC-1".to_owned(), "db\u{1b}".to_owned()],
            ["INC-12".to_owned(), "ä".to_owned()],
        ];
        assert_eq!(
            table(["incident", "title"], &rows),
            ["incident  title", "INC-1     db\\u{1b}", "INC-12    ä"]
        );
        assert!(table(["a"], &[]).is_empty());
    }
}
