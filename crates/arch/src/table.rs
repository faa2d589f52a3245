//! Rows of cells as lines whose columns stand below each other. Knows nothing of what is in them.

/// One line for each row, without blanks at its end; the columns that `right` names end below each other.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]], right: &[usize]) -> Vec<String> {
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(wide).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_both_kinds() {
        let rows =
            [["host", "slots", ""], ["grün", "12", "x"], ["a", "3", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows, &[1]), ["host  slots", "grün     12  x", "a         3"]);
        assert_eq!(aligned::<2>(&[], &[]), [""; 0]);
    }
}
