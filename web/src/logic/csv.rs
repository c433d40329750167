//! Comma-separated values as RFC 4180 writes them. A cell that a spreadsheet would take for a formula gets an apostrophe in
//! front, because names come from a provider's account and whoever opens the file trusts it.

/// Begins a file that spreadsheets read as UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Begins a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Where a spreadsheet that separates cells by semicolons or tabs begins another cell, whatever commas and quotation marks
/// say: many countries' do, and then the quotation mark of a cell that is not the first of its line is a letter.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// A file of one header and its records.
pub(crate) fn file(header: &[&str], records: &[Vec<String>]) -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    write_line(&mut text, header.iter().copied());
    for record in records {
        write_line(&mut text, record.iter().map(String::as_str));
    }
    text
}

fn write_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_cell(text, cell);
    }
    text.push_str("\r\n");
}

fn write_cell(text: &mut String, cell: &str) {
    // Spreadsheets pass over white space before a formula, and take tab and carriage return for its start.
    let is_formula = cell.trim_start().starts_with(FORMULA) || cell.starts_with(['\t', '\r']);
    let is_quoted =
        is_formula || cell.contains([',', '"']) || cell.contains(SEPARATORS) || cell.trim() != cell;
    if !is_quoted {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    let mut is_behind_separator = false;
    for c in cell.chars() {
        if is_behind_separator && FORMULA.contains(&c) {
            text.push('\'');
        }
        if c == '"' {
            text.push('"');
        }
        text.push(c);
        is_behind_separator =
            SEPARATORS.contains(&c) || is_behind_separator && (c.is_whitespace() || c == '"');
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: &[&str]) -> String {
        let record = cells.iter().map(|cell| (*cell).to_owned()).collect();
        file(&["id"], &[record])
            .split_once("\r\n")
            .map(|(_, rest)| rest.trim_end_matches("\r\n").to_owned())
            .unwrap_or_default()
    }

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        assert_eq!(
            line(&["1", "Front desk", "", "a,b", "say \"hi\"", "two\nlines"]),
            "1,Front desk,,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\""
        );
        assert!(file(&["id", "name"], &[]).ends_with("id,name\r\n"));
    }

    /// A name that a stranger gave an agent must not run in the spreadsheet of whoever downloads the list.
    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t1", "＝1"] {
            assert_eq!(line(&[cell]), format!("\"'{cell}\""), "{cell:?}");
        }
        assert_eq!(line(&["a=b", "1-2"]), "a=b,1-2");
    }

    /// Nor in one that separates by semicolons or tabs, for which the comma and the quotation mark in front are letters.
    #[test]
    fn no_part_of_a_cell_is_a_formula() {
        for (cell, written) in [
            ("x;=1+1;y", "\"x;'=1+1;y\""),
            ("x\t@SUM(A1)", "\"x\t'@SUM(A1)\""),
            ("x; \"=1", "\"x; \"\"'=1\""),
            ("x\n-1", "\"x\n'-1\""),
            ("\t=1", "\"'\t'=1\""),
            ("\r=1", "\"'\r'=1\""),
            ("Mon; Tue", "\"Mon; Tue\""),
            ("a;b-c", "\"a;b-c\""),
        ] {
            assert_eq!(line(&[cell]), written, "{cell:?}");
        }
    }
}
