//! Trailers of commit messages, `Reviewed-by: Kim <kim@x.org>`, by the rules of `git interpret-trailers --parse`.
//!
//! Trailers are the last paragraph, never the first, if all its lines are trailers or if git wrote one of them
//! (`Signed-off-by: `, `(cherry picked from commit `) and at least a quarter are trailers. A line that begins with a space
//! continues the one before. As in `git log --format=%(trailers)` a `---` line has no meaning in a commit.

/// One trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// What stands before the colon, as written; compare it with [`Trailer::has_key`].
    pub key: String,
    /// The rest, on one line.
    pub value: String,
}

impl Trailer {
    /// Whether this is its key; letter case does not matter.
    pub fn has_key(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }
}

/// The trailers of a message, in its order.
pub fn trailers(message: &str) -> Vec<Trailer> {
    let lines: Vec<&str> = message.lines().collect();
    let mut found: Vec<Trailer> = Vec::new();
    // A line that continues something which is no trailer belongs to nothing.
    let mut is_open = false;
    for line in lines[block_start(&lines)..].iter().filter(|line| !is_comment(line)) {
        if starts_with_space(line) {
            if let Some(last) = found.last_mut().filter(|_| is_open) {
                last.value = format!("{} {}", last.value, line.trim()).trim().to_owned();
            }
            continue;
        }
        let trailer = split(line);
        is_open = trailer.is_some();
        found.extend(trailer);
    }
    found
}

/// A line as a trailer, wherever it stands.
pub(super) fn split(line: &str) -> Option<Trailer> {
    let colon = separator(line)?;
    Some(Trailer { key: line[..colon].trim().to_owned(), value: line[colon + 1..].trim().to_owned() })
}

/// The name and the address in `Kim Lee <kim@x.org>`; either may be missing.
pub fn person(value: &str) -> (Option<&str>, Option<&str>) {
    let filled = |text: &str| !text.is_empty();
    match value.split_once('<') {
        Some((name, rest)) => {
            let email = rest.split('>').next().unwrap_or_default().trim();
            (Some(name.trim().trim_matches('"')).filter(|name| filled(name)), Some(email).filter(|email| filled(email)))
        }
        None if value.contains('@') && !value.trim().contains(' ') => (None, Some(value.trim())),
        None => (Some(value.trim()).filter(|name| filled(name)), None),
    }
}

/// The index of the first line of the trailers, or the number of lines.
fn block_start(lines: &[&str]) -> usize {
    let title_end = lines.iter().position(|line| !is_comment(line) && is_blank(line)).unwrap_or(lines.len());
    let (mut n_trailers, mut n_others, mut n_continuations) = (0_usize, 0_usize, 0_usize);
    let (mut is_recognized, mut only_spaces) = (false, true);
    for (index, line) in lines.iter().enumerate().skip(title_end).rev() {
        if is_comment(line) {
            n_others += std::mem::take(&mut n_continuations);
        } else if is_blank(line) {
            if only_spaces {
                continue;
            }
            n_others += n_continuations;
            let is_block = is_recognized && n_trailers * 3 >= n_others || n_trailers > 0 && n_others == 0;
            return if is_block { index + 1 } else { lines.len() };
        } else {
            only_spaces = false;
            if line.starts_with("Signed-off-by: ") || line.starts_with("(cherry picked from commit ") {
                (n_trailers, n_continuations, is_recognized) = (n_trailers + 1, 0, true);
            } else if starts_with_space(line) {
                n_continuations += 1;
            } else if separator(line).is_some() {
                (n_trailers, n_continuations) = (n_trailers + 1, 0);
            } else {
                n_others += 1 + std::mem::take(&mut n_continuations);
            }
        }
    }
    lines.len()
}

/// Where the colon of a trailer stands: after letters, digits and `-`, with only spaces between them and the colon.
fn separator(line: &str) -> Option<usize> {
    let mut after_space = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b':' => return (at > 0).then_some(at),
            b' ' | b'\t' if at > 0 => after_space = true,
            b'-' if !after_space => {}
            _ if !after_space && byte.is_ascii_alphanumeric() => {}
            _ => return None,
        }
    }
    None
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#')
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_whitespace())
}

fn starts_with_space(line: &str) -> bool {
    line.bytes().next().is_some_and(|byte| byte.is_ascii_whitespace())
}

/// Messages that try the rules; `against_git` reads the same ones with git.
#[cfg(test)]
pub(super) const EXAMPLES: &[&str] = &[
    "title\n\nReviewed-by: Kim <kim@x.org>\nACKED-BY : Lee\n",
    "title\n\nbody\n\nA: 1\n folded\n\tmore\nB: 2\n\n\n",
    "title: not a trailer\n",
    "title\n\nprose here\nA: 1\n",
    "title\n\nprose here\nmore\nSigned-off-by: K <k@x>\n",
    "title\n\na\nb\nc\nd\nSigned-off-by: K <k@x>\nA: 1\n",
    "title\n\na\nb\nc\nd\ne\nf\ng\nSigned-off-by: K <k@x>\nA: 1\n",
    "title\n\n(cherry picked from commit 1234)\nsome prose\nA: 1\n",
    "title\n\nA: 1\n\nlast paragraph is prose\n",
    "title\n\nA: 1\n---\nB: 2\n",
    "title\n\n# comment\nA: 1\n# another\nB:2\n",
    "title\n\n continued nothing\nA: 1\n",
    "title\nA: 1\n\nB: http://x\nnot a key: 3\n",
    "\nA: 1\n",
    "title\n\nA:\nB-c9: é\n",
    "title\n \nA: 1\n \n",
    "title\n\nA: 1\nclosing prose\n of two lines\nSigned-off-by: K <k@x>\n of two lines\n",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_paragraph_is_read() {
        let show =
            |message: &str| trailers(message).iter().map(|t| format!("{}={}", t.key, t.value)).collect::<Vec<_>>().join("|");
        assert_eq!(show(EXAMPLES[0]), "Reviewed-by=Kim <kim@x.org>|ACKED-BY=Lee");
        assert_eq!(show(EXAMPLES[1]), "A=1 folded more|B=2");
        assert_eq!(show(EXAMPLES[2]), "");
        assert_eq!(show(EXAMPLES[3]), "");
        assert_eq!(show(EXAMPLES[4]), "Signed-off-by=K <k@x>");
        assert!(trailers(EXAMPLES[0])[1].has_key("acked-by"));
    }

    #[test]
    fn people_have_names_and_addresses() {
        assert_eq!(person("Kim Lee <kim@x.org>"), (Some("Kim Lee"), Some("kim@x.org")));
        assert_eq!(person("kim@x.org"), (None, Some("kim@x.org")));
        assert_eq!(person("<kim@x.org"), (None, Some("kim@x.org")));
        assert_eq!(person("Kim"), (Some("Kim"), None));
        assert_eq!(person(" <> "), (None, None));
    }
}
