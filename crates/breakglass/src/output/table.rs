//! Columns of text.

use super::escape::line;

/// Narrower than this no column is made, so that it still tells something.
const COLUMN_MIN: usize = 8;
/// Between two columns.
const GAP: usize = 2;

/// Lines with aligned columns, a heading first; text is escaped. Nothing for no rows.
#[must_use]
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    fitted(heading, rows, None)
}

/// The same within a width: the widest columns are cut, never the first, which names the row.
#[must_use]
pub fn fitted<const N: usize>(
    heading: [&str; N],
    rows: &[[String; N]],
    columns: Option<usize>,
) -> Vec<String> {
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
    if let Some(columns) = columns {
        narrow(&mut widths, columns);
    }
    rows.iter().map(|row| aligned(row, &widths)).collect()
}

/// Takes from the widest column until all fit.
fn narrow(widths: &mut [usize], columns: usize) {
    let gaps = widths.len().saturating_sub(1) * GAP;
    while widths.iter().sum::<usize>() + gaps > columns {
        let widest = widths.iter_mut().skip(1).max_by_key(|width| **width);
        match widest {
            Some(width) if *width > COLUMN_MIN => *width -= 1,
            Some(_) | None => return,
        }
    }
}

/// Text cut to a width, with a mark that it was.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths);
    let padded: Vec<String> = cells
        .map(|(cell, width)| format!("{:<width$}", cut(cell, *width), width = *width))
        .collect();
    padded.join(&" ".repeat(GAP)).trim_end().to_owned()
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

    #[test]
    fn a_table_fits_and_never_cuts_what_names_the_row() {
        let long = "x".repeat(60);
        let rows = [[
            "INC-1234567890".to_owned(),
            long.clone(),
            long.clone(),
            "short".to_owned(),
        ]];
        let heading = ["incident", "one", "two", "three"];
        let lines = fitted(heading, &rows, Some(80));
        for line in &lines {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let row = lines.last().unwrap();
        assert!(row.starts_with("INC-1234567890  xxx"), "{row}");
        assert!(row.contains("x…  ") && row.ends_with("short"), "{row}");
        let whole = fitted(heading, &rows, None);
        assert!(whole.last().unwrap().contains(&long));
    }
}
