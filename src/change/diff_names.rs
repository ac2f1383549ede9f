//! File names in diffs: quoting, prefixes, and the two names in one `diff --git` line.
//!
//! Git writes `a/` and `b/` before names unless told otherwise (`diff.noprefix`, `diff.mnemonicPrefix`, `--src-prefix`),
//! and nothing in a diff says which. What both names share from some `/` on is the path; where they are the same as a
//! whole there is no prefix. What must hold: work is bounded, however long a line is.

/// Prefixes that git writes by default and with `diff.mnemonicPrefix`: commit, index, object, work tree, `--no-index`.
const PREFIXES: [&str; 8] = ["a/", "b/", "i/", "w/", "c/", "o/", "1/", "2/"];

/// No file system allows longer names; longer lines are not split into two names.
const LONGEST_PATH: usize = 4_096;

/// More places between two names are not tried, so that hostile lines stay cheap.
const MOST_SPACES: usize = 64;

/// The stand-in for a file that does not exist.
pub(super) const NO_FILE: &str = "/dev/null";

/// Reads a C-style quoted name at the start of `text`, which begins with `"`. Gives the name and what follows it.
pub(super) fn unquote(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut name = Vec::new();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((String::from_utf8_lossy(&name).into_owned(), &text[at + 1..])),
            b'\\' => {
                let escape = *bytes.get(at + 1)?;
                at += 2;
                name.push(match escape {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'"' | b'\\' => escape,
                    b'0'..=b'3' => {
                        let digits = text.get(at - 1..at + 2)?;
                        at += 2;
                        u8::from_str_radix(digits, 8).ok()?
                    }
                    _ => return None,
                });
            }
            byte => {
                name.push(byte);
                at += 1;
            }
        }
    }
}

/// A whole name, quoted or not.
pub(super) fn plain_or_quoted(text: &str) -> String {
    match unquote(text) {
        Some((name, "")) => name,
        _ => text.to_owned(),
    }
}

/// The name and the time stamp of a `---` or `+++` line, without the marker. A tab ends the name: git writes one after
/// names with spaces, `diff -u` before the time.
pub(super) fn name_and_stamp(text: &str) -> (String, &str) {
    if let Some((name, rest)) = unquote(text) {
        return (name, rest.trim_start());
    }
    let (name, stamp) = text.split_once('\t').unwrap_or((text, ""));
    (name.to_owned(), stamp)
}

/// The path behind two prefixed names of one file: `a/src/x` and `b/src/x` give `src/x`. `None` when they are not the same
/// file under any prefix.
pub(super) fn common_path<'a>(old: &'a str, new: &'a str) -> Option<&'a str> {
    if old == new {
        return Some(old);
    }
    let same = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
    // One name may be a whole suffix of the other (only one side has a prefix): then it is the path.
    for (short, long) in [(old, new), (new, old)] {
        if same == short.len() && long.as_bytes().get(long.len().checked_sub(same + 1)?) == Some(&b'/') {
            return Some(short);
        }
    }
    // Git's own prefixes are exactly one component; more may be shared only by accident, less cannot be.
    if let (Some(a), Some(b)) = (without_prefix(old), without_prefix(new))
        && a == b
    {
        return Some(a);
    }
    let suffix_start = old.len() - same;
    let slash = old.as_bytes()[suffix_start..].iter().position(|byte| *byte == b'/')?;
    Some(&old[suffix_start + slash + 1..]).filter(|path| !path.is_empty())
}

/// The name without one of git's own prefixes.
pub(super) fn without_prefix(name: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).filter(|path| !path.is_empty())
}

/// Both names of a `diff --git` line as they are written, prefixes included. Names with spaces are not quoted there, so the
/// place between them is guessed: it is the one where both sides name the same file.
pub(super) fn header_names(text: &str) -> Option<(String, String)> {
    if text.len() > 2 * LONGEST_PATH + 1 {
        return None;
    }
    if let Some((old, rest)) = unquote(text) {
        let new = rest.strip_prefix(' ')?;
        return Some((old, plain_or_quoted(new)));
    }
    if text.ends_with('"')
        && let Some(at) = text.find(" \"")
        && let Some((new, "")) = unquote(&text[at + 1..])
    {
        return Some((text[..at].to_owned(), new));
    }
    let halves = |at: usize| (&text[..at], &text[at + 1..]);
    // Prefixes of one length put the space in the middle.
    let middle = text.len() / 2;
    if text.as_bytes().get(middle) == Some(&b' ') {
        let (old, new) = halves(middle);
        if old == new || without_prefix(old).is_some_and(|path| Some(path) == without_prefix(new)) {
            return Some((old.to_owned(), new.to_owned()));
        }
    }
    let spaces = text.bytes().enumerate().filter(|(_, byte)| *byte == b' ').map(|(at, _)| at).take(MOST_SPACES);
    let best = spaces
        .clone()
        .map(halves)
        .filter_map(|(old, new)| Some((common_path(old, new)?.len(), old, new)))
        // A prefix on one side only is too weak a reason: `a/x x b/y y` would be split before its last letter.
        .filter(|(length, old, new)| old == new || *length < old.len().min(new.len()))
        .max_by_key(|(length, ..)| *length);
    if let Some((_, old, new)) = best {
        return Some((old.to_owned(), new.to_owned()));
    }
    let mut spaces = spaces;
    let (old, new) = halves(spaces.next()?);
    spaces.next().is_none().then(|| (old.to_owned(), new.to_owned()))
}

/// The old and the new path behind two names as they are written, `None` for a side that does not exist.
pub(super) fn paths_of(old: &str, new: &str) -> (Option<String>, Option<String>) {
    let owned = |name: &str| Some(without_prefix(name).unwrap_or(name).to_owned());
    match (old == NO_FILE, new == NO_FILE) {
        (true, true) => (None, None),
        (true, false) => (None, owned(new)),
        (false, true) => (owned(old), None),
        (false, false) => {
            if let Some(path) = common_path(old, new) {
                return (Some(path.to_owned()), Some(path.to_owned()));
            }
            // `diff -u file.orig file` compares two states of one file.
            let backup = old.strip_prefix(new).is_some_and(|end| [".orig", ".old", ".bak", "~"].contains(&end));
            if backup {
                return (owned(new), owned(new));
            }
            (owned(old), owned(new))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_are_octal_bytes() {
        assert_eq!(unquote(r#""a/\303\251\t\"x\\" rest"#), Some(("a/é\t\"x\\".to_owned(), " rest")));
        for bad in ["", "x", "\"", "\"\\", "\"\\4", "\"\\30", "\"\\3é1\"", "\"\\q\"", "\"abc"] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }

    #[test]
    fn prefixes_are_found_by_what_is_shared() {
        for (old, new, path) in [
            ("a/src/x", "b/src/x", Some("src/x")),
            ("a/b/x", "b/b/x", Some("b/x")),
            ("src/x", "src/x", Some("src/x")),
            ("i/x", "w/x", Some("x")),
            ("old/tree/x", "new/tree/x", Some("tree/x")),
            ("proj.orig/src/x", "proj/src/x", Some("src/x")),
            ("x", "b/x", Some("x")),
            ("a/x", "b/y", None),
            ("a/é", "b/è", None),
            ("a/xé/é", "b/yé/é", Some("é")),
        ] {
            assert_eq!(common_path(old, new), path, "{old} {new}");
        }
    }

    #[test]
    fn header_lines_are_split_where_both_sides_agree() {
        let split = |text| header_names(text).map(|(old, new)| paths_of(&old, &new));
        let both = |path: &str| Some((Some(path.to_owned()), Some(path.to_owned())));
        assert_eq!(split("a/one two b/one two"), both("one two"));
        assert_eq!(split("one two one two"), both("one two"));
        assert_eq!(split(r#""a/\303\251" "b/\303\251""#), both("é"));
        assert_eq!(split(r#"before/x y after/x y"#), both("x y"));
        assert_eq!(split("a/x b/y"), Some((Some("x".to_owned()), Some("y".to_owned()))));
        assert_eq!(split("a/x x b/y y"), None);
        assert_eq!(header_names(&" ".repeat(10_000)), None);
    }
}
