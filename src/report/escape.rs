//! Text from files inside other languages: Markdown, XML, quoted strings.

/// A sentence inside Markdown, also inside a table cell: nothing in it is markup, a link or a mention.
pub(super) fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A mention needs the name right behind the sign; a zero-width space keeps both to the eye.
            '@' => out.push_str("@\u{200B}"),
            // So does a reference to an issue.
            '#' => out.push_str("#\u{200B}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    // A bare address would become a link.
    out.replace("://", ":\u{200B}//").replace("www.", "www\u{200B}.")
}

/// A name as a code span, also inside a table cell. Mentions do not work inside one.
pub(super) fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // The table is cut at `|` before code spans are read; a backslash before it is taken away again.
    let text = text.replace('|', "\\|");
    if text.trim().is_empty() {
        return format!("{fence}?{fence}");
    }
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text or an attribute of XML; characters that XML does not have at all become U+FFFD.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || c == '\u{FFFE}' || c == '\u{FFFF}' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// The inside of a quoted string of DOT.
pub(super) fn dot(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}

/// The inside of a quoted label of Mermaid: entities are written with `#`.
pub(super) fn mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            // A label is Markdown too, and a back-tick would begin a text of its own.
            '`' => out.push_str("#96;"),
            '\\' => out.push_str("#92;"),
            '*' => out.push_str("#42;"),
            '_' => out.push_str("#95;"),
            ';' => out.push_str("#59;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_taken_literally() {
        assert_eq!(sentence("a|b `c` <d> @org/team #1"), "a\\|b \\`c\\` &lt;d&gt; @\u{200B}org/team #\u{200B}1");
        assert_eq!(sentence("[x](https://e.org)\n"), "\\[x\\](https:\u{200B}//e.org) ");
        assert_eq!(code("@org/team"), "`@org/team`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code(""), "`?`");
    }

    #[test]
    fn other_languages_too() {
        assert_eq!(xml("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;\u{FFFD}");
        assert_eq!(dot("a\"b\\c\n"), "a\\\"b\\\\c ");
        assert_eq!(mermaid("a\"#;b"), "a#quot;#35;#59;b");
    }
}
