//! Plain text in columns: widths, wrapping, aligned tables, colour.
//!
//! Widths count terminal cells: East Asian wide characters and most emoji take two, combining marks none (a short list of
//! ranges, not the whole of Unicode). Colour is added after everything is measured.

use crate::risk::assessment::Band;

/// How a page is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Cells in a line.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub color: bool,
}

impl Page {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(super) fn warn(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A verdict in the colour of its band.
    pub(super) fn band(self, band: Band, text: &str) -> String {
        let code = match band {
            Band::Green => "1;32",
            Band::Yellow => "1;33",
            Band::Orange => "1;38;5;208",
            Band::Red => "1;31",
        };
        self.paint(code, text)
    }
}

/// Cells that a text takes.
pub(super) fn cells(text: &str) -> usize {
    text.chars().map(cells_of).sum()
}

fn cells_of(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// Names come from files: a control character in one must not move the cursor.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// The text, cut to a width with an ellipsis.
pub(super) fn fit(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += cells_of(c);
        if used > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Breaks a sentence into lines; the first begins with `first`, the others with as many blanks. A word longer than the line
/// stands alone and whole, because a command or path must survive copying.
pub(super) fn wrap(text: &str, width: usize, first: &str) -> String {
    let indent = " ".repeat(cells(first));
    let mut out = first.to_owned();
    let mut used = cells(first);
    let mut empty = true;
    for word in clean(text).split(' ').filter(|word| !word.is_empty()) {
        if !empty && used + 1 + cells(word) > width {
            out.push('\n');
            out.push_str(&indent);
            used = cells(&indent);
            empty = true;
        }
        if !empty {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += cells(word);
        empty = false;
    }
    out.push('\n');
    out
}

/// How a column stands and gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Text at the left, cut when the line is too long.
    Text,
    /// Numbers at the right, never cut.
    Number,
    /// Numbers at the right, left out when the line is too long.
    Optional,
    /// The same, left out before anything else gives way.
    Spare,
}

/// Rows under a heading.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) columns: Vec<(String, Column)>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Narrower than this no text column becomes.
const NARROWEST: usize = 8;
const GAP: usize = 2;

impl Table {
    pub(super) fn new(columns: &[(&str, Column)]) -> Self {
        let columns = columns.iter().map(|(title, column)| ((*title).to_owned(), *column)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Draws the table, two blanks before each line; a row may be followed by a line of its own.
    pub(super) fn render(&self, page: Page, after: &dyn Fn(usize) -> Option<String>) -> String {
        let (shown, widths) = self.widths(page.width.saturating_sub(GAP));
        let line = |texts: &dyn Fn(usize) -> String| {
            let mut line = String::new();
            for (at, width) in shown.iter().zip(&widths) {
                let text = fit(&clean(&texts(*at)), *width);
                let pad = " ".repeat(width.saturating_sub(cells(&text)));
                line.push_str(&" ".repeat(GAP));
                line.push_str(&if self.columns[*at].1 == Column::Text { text + &pad } else { pad + &text });
            }
            fit(line.trim_end(), page.width)
        };
        let mut out = page.dim(&line(&|at| self.columns[at].0.clone())) + "\n";
        for (row, texts) in self.rows.iter().enumerate() {
            out.push_str(&line(&|at| texts[at].clone()));
            out.push('\n');
            if let Some(more) = after(row) {
                out.push_str(&page.dim(&fit(&format!("    {}", clean(&more)), page.width)));
                out.push('\n');
            }
        }
        out
    }

    /// Which columns are shown, and how wide.
    fn widths(&self, available: usize) -> (Vec<usize>, Vec<usize>) {
        let natural = |at: usize| {
            let texts = self.rows.iter().map(|row| cells(&row[at]));
            texts.chain([cells(&self.columns[at].0)]).max().unwrap_or(0)
        };
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut widths: Vec<usize> = shown.iter().map(|at| natural(*at)).collect();
        let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        while total(&widths) > available {
            if let Some(at) = (0..shown.len()).rfind(|at| self.columns[shown[*at]].1 == Column::Spare) {
                shown.remove(at);
                widths.remove(at);
                continue;
            }
            let widest = (0..shown.len())
                .filter(|at| self.columns[shown[*at]].1 == Column::Text && widths[*at] > NARROWEST)
                .max_by_key(|at| widths[*at]);
            if let Some(at) = widest {
                widths[at] -= 1;
                continue;
            }
            let Some(at) = (0..shown.len()).rfind(|at| self.columns[shown[*at]].1 == Column::Optional) else { break };
            shown.remove(at);
            widths.remove(at);
        }
        (shown, widths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Page = Page { width: 40, color: false };

    #[test]
    fn tables_never_exceed_the_width() {
        let mut table = Table::new(&[("service", Column::Text), ("P", Column::Number), ("p95", Column::Optional)]);
        table.rows.push(vec!["a-service-with-a-very-long-name-indeed".into(), "59.0 %".into(), "130 min".into()]);
        table.rows.push(vec!["数据库".into(), "1 %".into(), "0 min".into()]);
        for width in [5, 12, 20, 26, 40, 80] {
            let text = table.render(Page { width, ..PLAIN }, &|_| Some("via a → b → c → d → e → f → g".into()));
            assert!(text.lines().all(|line| cells(line) <= width), "{width}:\n{text}");
        }
        assert_eq!(
            table.render(PLAIN, &|_| None),
            "  service                     P      p95\n  a-service-with-a-ver…  59.0 %  130 min\n  数据库                    1 %    0 min\n"
        );
    }

    #[test]
    fn a_spare_column_shortens_no_name() {
        let mut table = Table::new(&[("service", Column::Text), ("P", Column::Spare), ("p95", Column::Number)]);
        table.rows.push(vec!["a-service-with-a-long-name".into(), "59.0 %".into(), "130 min".into()]);
        let at = |width: usize| table.render(Page { width, ..PLAIN }, &|_| None);
        assert!(at(45).contains("name  59.0 %  130 min"), "{}", at(45));
        assert!(at(44).contains("name  130 min") && !at(44).contains("59.0 %"), "{}", at(44));
    }

    #[test]
    fn sentences_are_broken_between_words() {
        assert_eq!(wrap("one two three four", 14, "- "), "- one two\n  three four\n");
        assert_eq!(wrap("a/very/long/path/that/stays", 10, "  "), "  a/very/long/path/that/stays\n");
        assert_eq!(wrap("bell\u{7}", 14, ""), "bell\u{FFFD}\n");
    }

    #[test]
    fn colour_is_asked_for() {
        assert_eq!(PLAIN.bad("x"), "x");
        assert_eq!(Page { color: true, ..PLAIN }.bad("x"), "\x1b[31mx\x1b[0m");
    }
}
