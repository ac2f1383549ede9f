//! Texts of several documents, as other tools write them.
//!
//! A file of ours is one document ([`super::parse`] refuses a second); manifests and objectives of other tools come many in one text.
//! What must hold: a document that is taken out of its text keeps its line numbers.

use std::ops::Range;

/// The documents between lines of `---`, each with the line that begins it. There is at least one.
pub fn documents(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            found.push(start..at);
            start = at;
        }
        at += line.len();
    }
    found.push(start..at);
    found
}

/// The text with nothing but one document, so that its lines keep their numbers.
pub fn alone(text: &str, document: Range<usize>) -> String {
    let before = text[..document.start].matches('\n').count();
    let document = &text[document];
    let document = document.strip_prefix("---").unwrap_or(document);
    format!("{}{document}", "\n".repeat(before))
}

/// Whether a document holds nothing but comments, directives and the lines that divide documents.
pub fn is_blank(document: &str) -> bool {
    let says_nothing = |line: &str| {
        let line = line.trim_start_matches('\u{feff}').trim();
        let line = line.strip_prefix("---").map_or(line, str::trim_start);
        line.is_empty() || line == "..." || line.starts_with(['#', '%'])
    };
    document.lines().all(says_nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_divided_and_keep_their_lines() {
        let text = "# kinds\n---\na: 1\n--- {b: 2}\n---\n...\n";
        let parts: Vec<&str> = documents(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(parts, ["# kinds\n", "---\na: 1\n", "--- {b: 2}\n", "---\n...\n"]);
        assert_eq!(parts.iter().map(|part| is_blank(part)).collect::<Vec<_>>(), [true, false, false, true]);
        assert_eq!(alone(text, documents(text)[2].clone()), "\n\n\n {b: 2}\n");
        assert_eq!(documents("").len(), 1);
        assert_eq!(documents("a: '---x'\n---y: 1\n").len(), 1);
    }
}
