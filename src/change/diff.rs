//! Reads unified diffs: `git diff`, `git show`, `git format-patch`, `diff -u`, `kubectl diff`.
//!
//! Which files changed, how, and how many lines. Lines inside a hunk are counted by the lengths in its header, never by
//! their look, so that a deleted line `-- a/x` is not taken for a file header. What must hold: a diff that cannot be read
//! in full is an error with its place, never a smaller change; text between files (messages, `diff --stat`) is skipped;
//! nothing panics on any text. Combined diffs of merge commits are refused: they leave out what came from one parent.

use super::diff_names::{NO_FILE, header_names, name_and_stamp, paths_of, plain_or_quoted};
use super::files::{ChangedFile, Content, LineRange, Status};
use super::symbols::Tracker;
use crate::diagnostic::{Diagnostic, SourceId, Span};

/// The mode that git gives to a pointer to another repository.
const SUBMODULE_MODE: &str = "160000";

/// What a diff says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files, in the order of the text.
    pub files: Vec<ChangedFile>,
    /// Things that were seen but say too little, such as `Only in` lines.
    pub notes: Vec<Diagnostic>,
}

/// Reads a diff. A text of white space is an empty diff.
///
/// # Errors
/// All places that cannot be read.
pub fn read_diff(source: SourceId, text: &str) -> Result<Diff, Vec<Diagnostic>> {
    let mut reader = Reader { source, text, at: 0, file: None, found: Diff::default(), errors: Vec::new() };
    while let Some(line) = reader.take() {
        reader.outside_hunks(line);
    }
    reader.finish_file();
    if reader.found.files.is_empty() && reader.errors.is_empty() && !text.trim().is_empty() {
        reader.errors.push(no_diff(source, text));
    }
    if reader.errors.is_empty() { Ok(reader.found) } else { Err(reader.errors) }
}

/// One line without its end, and where it stands.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
}

/// A file whose lines are being read.
#[derive(Default)]
struct Open {
    line: usize,
    end: usize,
    /// Whether `diff --git` began it, even if its names could not be told apart.
    of_git: bool,
    /// Both names of the `diff --git` line.
    header: Option<(String, String)>,
    /// Both names of `---` and `+++`.
    marked: Option<(String, String)>,
    /// `rename from` or `copy from`, and `… to`: never prefixed.
    from: Option<String>,
    to: Option<String>,
    old_mode: Option<String>,
    new_mode: Option<String>,
    status: Option<Status>,
    content: Option<Content>,
    added: u64,
    deleted: u64,
    hunks: Vec<LineRange>,
    tracker: Tracker,
    only_added: bool,
    only_deleted: bool,
}

struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    at: usize,
    file: Option<Open>,
    found: Diff,
    errors: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Line<'a>> {
        let rest = &self.text[self.at..];
        let end = rest.find('\n').unwrap_or(rest.len());
        (!rest.is_empty()).then(|| Line { text: rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]), start: self.at })
    }

    fn take(&mut self) -> Option<Line<'a>> {
        let line = self.peek()?;
        self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |end| self.at + end + 1);
        Some(line)
    }

    fn span(&self, line: Line<'_>) -> Span {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { source: self.source, start: place(line.start), end: place(line.start + line.text.len()) }
    }

    fn error(&mut self, line: Line<'_>, code: &'static str, message: &str, help: &str) {
        let place = self.span(line);
        self.errors.push(Diagnostic::error(code, message).at(place, "").help(help));
    }

    fn outside_hunks(&mut self, line: Line<'a>) {
        if let Some(names) = line.text.strip_prefix("diff --git ") {
            self.finish_file();
            self.file = Some(Open { of_git: true, header: header_names(names), ..Open::at(line) });
        } else if line.text.starts_with("diff --cc ") || line.text.starts_with("diff --combined ") {
            self.finish_file();
            self.combined(line);
        } else if let Some(old) = line.text.strip_prefix("--- ") {
            self.marked_names(line, old);
        } else if line.text.starts_with("@@ -") {
            self.hunk(line);
        } else if let Some(names) = line.text.strip_prefix("Binary files ").and_then(|rest| rest.strip_suffix(" differ")) {
            self.binary_files(line, names);
        } else if line.text == "GIT binary patch" {
            if let Some(file) = &mut self.file {
                file.content = Some(Content::Binary);
            }
        } else if let Some(rest) = line.text.strip_prefix("Submodule ") {
            self.submodule_summary(line, rest);
        } else if line.text.starts_with("Only in ") && line.text.contains(": ") && self.file_is_plain() {
            let note = Diagnostic::warning("only-in", "this file is only on one side and its lines are not shown");
            self.found.notes.push(note.at(self.span(line), "").help("use `diff -ruN` to include such files"));
        } else if line.text.starts_with('\u{1b}') {
            self.error(line, "coloured-diff", "this diff is coloured", "use `git diff --no-color`");
        } else if line.text == "***************" {
            self.error(line, "context-diff", "this is a context diff", "use `diff -u`, or `git diff`");
        } else if is_command(line.text) && self.peek().is_some_and(|next| next.text.starts_with(['<', '>'])) {
            self.error(line, "normal-diff", "this diff names no files", "use `diff -u`, or `git diff`");
        } else if line.text.trim_start_matches([' ', '\t', '>', '|']).starts_with("diff --git ") {
            let note = Diagnostic::warning("quoted-diff", "a diff that is indented or quoted is not read");
            self.found.notes.push(note.at(self.span(line), ""));
        } else {
            self.extended_header(line.text);
        }
    }

    /// Whether `Only in` can come from `diff -r`: in a file of git it is a message.
    fn file_is_plain(&self) -> bool {
        self.file.as_ref().is_none_or(|file| !file.of_git)
    }

    fn combined(&mut self, line: Line<'a>) {
        self.error(
            line,
            "combined-diff",
            "this is the combined diff of a merge commit, which leaves out all that was taken from one parent unchanged",
            "use `git diff BASE...HEAD`, or `git show -m --first-parent COMMIT`",
        );
        // What follows has hunks of three columns; the next file starts with `diff`.
        while self.peek().is_some_and(|next| !next.text.starts_with("diff --")) {
            self.take();
        }
    }

    fn extended_header(&mut self, text: &str) {
        // Past the names there is only a message, or the signature between two patches.
        let Some(file) = self.file.as_mut().filter(|file| file.of_git && file.marked.is_none()) else { return };
        let keys =
            ["old mode ", "new mode ", "new file mode ", "deleted file mode ", "rename from ", "rename old ", "rename to "];
        let more = ["rename new ", "copy from ", "copy to ", "index "];
        let Some((key, value)) = keys.iter().chain(&more).find_map(|key| Some((*key, text.strip_prefix(key)?))) else { return };
        let mode = Some(value.trim_end().to_owned());
        match key {
            "old mode " => file.old_mode = mode,
            "new mode " => file.new_mode = mode,
            "new file mode " => (file.status, file.new_mode) = (Some(Status::Added), mode),
            "deleted file mode " => (file.status, file.old_mode) = (Some(Status::Deleted), mode),
            "rename from " | "rename old " => (file.status, file.from) = (Some(Status::Renamed), Some(plain_or_quoted(value))),
            "copy from " => (file.status, file.from) = (Some(Status::Copied), Some(plain_or_quoted(value))),
            "rename to " | "rename new " | "copy to " => file.to = Some(plain_or_quoted(value)),
            _ => {
                if let Some((_, mode)) = value.split_once(' ') {
                    file.new_mode.get_or_insert_with(|| mode.trim_end().to_owned());
                }
            }
        }
    }

    fn marked_names(&mut self, line: Line<'a>, old: &str) {
        let Some(new) = self.peek().and_then(|next| next.text.strip_prefix("+++ ")) else { return };
        self.take();
        let (old, old_stamp) = name_and_stamp(old);
        let (new, new_stamp) = name_and_stamp(new);
        if !self.file.as_ref().is_some_and(|file| file.of_git && file.marked.is_none()) {
            self.finish_file();
            self.file = Some(Open::at(line));
        }
        let Some(file) = &mut self.file else { return };
        // `diff -N` shows a missing file with the first moment of time.
        let never = |stamp: &str| stamp.starts_with("1970-01-01 ") || stamp.starts_with("1969-12-31 ");
        file.only_added = old == NO_FILE || never(old_stamp);
        file.only_deleted = new == NO_FILE || never(new_stamp);
        file.tracker = Tracker::new(if new == NO_FILE { &old } else { &new });
        file.marked = Some((old, new));
        file.end = self.at;
        if !self.peek().is_some_and(|next| next.text.starts_with("@@ -")) {
            self.error(line, "no-hunk", "no hunk follows the names of this file", "is the diff cut off?");
        }
    }

    fn hunk(&mut self, line: Line<'a>) {
        let Some(((old_first, old), (first, new))) = hunk_header(line.text) else {
            return self.error(line, "bad-hunk", "this is not a hunk header", "expected `@@ -1,3 +1,4 @@`");
        };
        if self.file.as_ref().is_none_or(|file| file.marked.is_none()) {
            return self.error(line, "hunk-without-file", "this hunk has no file", "`---` and `+++` lines must stand before it");
        }
        let (mut old_left, mut new_left) = (old, new);
        let (mut added, mut deleted, mut submodule) = (0, 0, false);
        let mut tracker = self.file.as_mut().map(|file| std::mem::take(&mut file.tracker)).unwrap_or_default();
        tracker.hunk(heading(line.text), old_first <= 1 && first <= 1);
        while old_left > 0 || new_left > 0 {
            let next = self.peek();
            let kind = next.map(|next| next.text.bytes().next().unwrap_or(b' '));
            let fits = match kind {
                Some(b' ') => old_left > 0 && new_left > 0,
                Some(b'-') => old_left > 0,
                Some(b'+') => new_left > 0,
                Some(b'\\') => true,
                _ => false,
            };
            if !fits {
                let message = format!("this hunk is cut off or edited: {old_left} old and {new_left} new lines are missing");
                self.error(next.unwrap_or(line), "hunk-length", &message, "make the diff again");
                break;
            }
            submodule |= next.is_some_and(|next| next.text[1.min(next.text.len())..].starts_with("Subproject commit "));
            old_left -= u64::from(matches!(kind, Some(b' ' | b'-')));
            new_left -= u64::from(matches!(kind, Some(b' ' | b'+')));
            deleted += u64::from(kind == Some(b'-'));
            added += u64::from(kind == Some(b'+'));
            if let (Some(next), Some(sign)) = (next, kind) {
                tracker.line(sign, next.text.get(1..).unwrap_or_default());
            }
            self.take();
        }
        let Some(file) = &mut self.file else { return };
        file.tracker = tracker;
        file.added += added;
        file.deleted += deleted;
        // A file of text may hold this sentence too; a pointer has nothing else and one line on each side.
        if submodule && old <= 1 && new <= 1 && file.new_mode.is_none() && file.old_mode.is_none() {
            file.content = Some(Content::Submodule);
        }
        file.hunks.push(LineRange { first, count: new });
    }

    fn binary_files(&mut self, line: Line<'a>, names: &str) {
        // After the lines of a file another one begins.
        if self.file.as_ref().is_none_or(|file| !file.of_git || file.content.is_some() || !file.hunks.is_empty()) {
            let Some((old, new)) = names.split_once(" and ") else { return };
            self.finish_file();
            let mut file = Open::at(line);
            (file.only_added, file.only_deleted) = (old == NO_FILE, new == NO_FILE);
            file.marked = Some((plain_or_quoted(old), plain_or_quoted(new)));
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            file.content = Some(Content::Binary);
        }
    }

    /// `Submodule PATH OLD..NEW:`, which `diff.submodule=log` writes instead of a diff.
    fn submodule_summary(&mut self, line: Line<'a>, rest: &str) {
        let (rest, status) = match rest {
            _ if rest.ends_with(" (new submodule)") => (rest.trim_end_matches(" (new submodule)"), Status::Added),
            _ if rest.ends_with(" (submodule deleted)") => (rest.trim_end_matches(" (submodule deleted)"), Status::Deleted),
            _ => (rest.trim_end_matches(" (rewind)").trim_end_matches(':').trim_end_matches(" (rewind)"), Status::Modified),
        };
        let Some((path, range)) = rest.rsplit_once(' ') else { return };
        let hex = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some((old, new)) = range.split_once("..") else { return };
        if !hex(old) || !hex(new.trim_start_matches('.')) {
            return;
        }
        self.finish_file();
        let names = (path.to_owned(), path.to_owned());
        let content = Some(Content::Submodule);
        self.file = Some(Open { status: Some(status), content, from: Some(names.0), to: Some(names.1), ..Open::at(line) });
    }

    fn finish_file(&mut self) {
        let Some(file) = self.file.take() else { return };
        let line = Line { text: self.text.get(file.line..file.end).unwrap_or_default(), start: file.line };
        let Some(changed) = file.close() else {
            return self.error(line, "no-name", "this file has no name that can be read", "make the diff again with `git diff`");
        };
        self.found.files.push(changed);
    }
}

impl Open {
    fn at(line: Line<'_>) -> Self {
        Self { line: line.start, end: line.start + line.text.len(), ..Self::default() }
    }

    fn close(self) -> Option<ChangedFile> {
        let (mut old_path, mut new_path) = match (self.from, self.to, &self.header, &self.marked) {
            (Some(from), Some(to), ..) => (Some(from), Some(to)),
            // Both names of the header tell the prefix, even where one side of `---` and `+++` is missing.
            (_, _, Some((old, new)), marked) if marked.is_none() || super::diff_names::common_path(old, new).is_some() => {
                paths_of(old, new)
            }
            (_, _, _, Some((old, new))) => paths_of(old, new),
            _ => (None, None),
        };
        let added = self.status == Some(Status::Added) || self.status.is_none() && self.only_added;
        let deleted = self.status == Some(Status::Deleted) || self.status.is_none() && self.only_deleted;
        if added {
            old_path = None;
        } else if deleted {
            new_path = None;
        }
        if old_path.is_none() && new_path.is_none() {
            return None;
        }
        let is_submodule = [&self.old_mode, &self.new_mode].into_iter().any(|mode| mode.as_deref() == Some(SUBMODULE_MODE));
        let content = if is_submodule { Content::Submodule } else { self.content.unwrap_or(Content::Text) };
        let mode_changed = self.old_mode.is_some() && self.new_mode.is_some();
        let status = match self.status {
            Some(status) => status,
            None if added => Status::Added,
            None if deleted => Status::Deleted,
            None if old_path != new_path => Status::Renamed,
            None if mode_changed && self.hunks.is_empty() && content == Content::Text => Status::ModeOnly,
            None => Status::Modified,
        };
        let Self { added, deleted, hunks, tracker, .. } = self;
        let parts = tracker.finish();
        Some(ChangedFile { old_path, new_path, status, content, added, deleted, hunks, parts })
    }
}

/// `@@ -first,count +first,count @@`; a missing count is 1.
fn hunk_header(text: &str) -> Option<((u64, u64), (u64, u64))> {
    let (ranges, _) = text.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| match text.split_once(',') {
        Some((first, count)) => Some((first.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    };
    Some((range(old)?, range(new)?))
}

/// What git prints behind `@@ … @@`: the last line before the hunk that looks like a definition to it.
fn heading(text: &str) -> &str {
    text.strip_prefix("@@ -").and_then(|rest| rest.split_once(" @@")).map_or("", |(_, heading)| heading.trim())
}

fn no_diff(source: SourceId, text: &str) -> Diagnostic {
    let end = text.find('\n').unwrap_or(text.len());
    let place = Span { source, start: 0, end: u32::try_from(end).unwrap_or(u32::MAX) };
    let help = if text.contains("\u{1b}[") {
        "the text holds colours: use `git diff --no-color`"
    } else {
        "expected the output of `git diff` or `diff -u`"
    };
    Diagnostic::error("no-diff", "this text holds no unified diff").at(place, "").help(help)
}

/// `5c5`, `12,14d11`: where a plain `diff` says what follows.
fn is_command(text: &str) -> bool {
    let is_range = |part: &str| {
        let mut numbers = part.splitn(2, ',');
        numbers.all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.split_once(['a', 'c', 'd']).is_some_and(|(old, new)| is_range(old) && is_range(new))
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
