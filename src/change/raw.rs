//! Reads what `git diff --raw -z -M` (or `--name-status -z -M`) and `git diff --numstat -z -M` write.
//!
//! The first tells what happened to each file, the second how many lines. Both list the same files in the same order; a
//! rename has two names in both. What must hold: every file of the first has counts in the second, else it is an error.

use super::files::{ChangedFile, Content, Status};
use crate::diagnostic::Diagnostic;

/// The two outputs of git.
#[derive(Debug, Clone, Copy)]
pub struct RawDiff<'a> {
    /// `git diff --raw -z -M` or `git diff --name-status -z -M`; the former tells submodules and modes.
    pub raw: &'a str,
    /// `git diff --numstat -z -M`.
    pub numstat: &'a str,
}

/// Joins both lists.
///
/// # Errors
/// Where git wrote something that this version does not know.
pub fn read_raw(diff: RawDiff<'_>) -> Result<Vec<ChangedFile>, Diagnostic> {
    let mut counts = Fields::of(diff.numstat);
    let mut states = Fields::of(diff.raw);
    let mut files = Vec::new();
    while let Some(head) = states.next() {
        let entry = read_state(head, &mut states).ok_or_else(|| unreadable("--raw", head))?;
        let count = counts.next().ok_or_else(|| unreadable("--numstat", "nothing"))?;
        files.push(join(entry, count, &mut counts).ok_or_else(|| unreadable("--numstat", count))?);
    }
    match counts.next() {
        Some(extra) => Err(unreadable("--numstat", extra)),
        None => Ok(files),
    }
}

fn unreadable(option: &str, found: &str) -> Diagnostic {
    Diagnostic::error("unreadable-git", format!("`git diff {option} -z` wrote {found:?}, which cannot be read"))
        .help("this is a fault of shockfront or a version of git that it does not know: save `git diff` and use `--diff FILE`")
}

/// Fields that end with a NUL.
struct Fields<'a>(std::str::Split<'a, char>);

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.strip_suffix('\0').unwrap_or(text).split('\0'))
    }

    fn next(&mut self) -> Option<&'a str> {
        self.0.next().filter(|field| !field.is_empty())
    }
}

/// What `--raw` says of a file.
struct State<'a> {
    status: Status,
    is_submodule: bool,
    old: &'a str,
    new: &'a str,
}

fn read_state<'a>(head: &'a str, rest: &mut Fields<'a>) -> Option<State<'a>> {
    let (letter, is_submodule, mode_only) = match head.strip_prefix(':') {
        Some(head) => {
            let mut words = head.split(' ');
            let (old_mode, new_mode) = (words.next()?, words.next()?);
            let (old_hash, new_hash, letter) = (words.next()?, words.next()?, words.next()?);
            // A hash of zeros means "look in the work tree", so two of them are not the same content.
            let same_content = old_hash == new_hash && old_hash.bytes().any(|byte| byte != b'0');
            (letter, [old_mode, new_mode].contains(&"160000"), same_content && old_mode != new_mode)
        }
        None => (head, false, false),
    };
    let old = rest.next()?;
    let status = match letter.bytes().next()? {
        b'A' => Status::Added,
        b'D' => Status::Deleted,
        b'M' if mode_only => Status::ModeOnly,
        b'M' => Status::Modified,
        b'R' => Status::Renamed,
        b'C' => Status::Copied,
        b'T' => Status::TypeChanged,
        _ => return None,
    };
    let has_two = matches!(status, Status::Renamed | Status::Copied);
    let new = if has_two { rest.next()? } else { old };
    Some(State { status, is_submodule, old, new })
}

fn join<'a>(state: State<'a>, count: &'a str, rest: &mut Fields<'a>) -> Option<ChangedFile> {
    let mut parts = count.splitn(3, '\t');
    let (added, deleted, name) = (parts.next()?, parts.next()?, parts.next()?);
    // The names of a rename are fields of their own.
    let (old, new) = if name.is_empty() { (rest.next()?, rest.next()?) } else { (name, name) };
    if (old, new) != (state.old, state.new) {
        return None;
    }
    let is_binary = (added, deleted) == ("-", "-");
    let number = |text: &str| if is_binary { Some(0) } else { text.parse::<u64>().ok() };
    Some(ChangedFile {
        old_path: (state.status != Status::Added).then(|| state.old.to_owned()),
        new_path: (state.status != Status::Deleted).then(|| state.new.to_owned()),
        status: state.status,
        content: match (state.is_submodule, is_binary) {
            (true, _) => Content::Submodule,
            (_, true) => Content::Binary,
            _ => Content::Text,
        },
        added: number(added)?,
        deleted: number(deleted)?,
        hunks: Vec::new(),
        parts: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_are_joined() {
        let raw = ":100644 100644 1a 2b M\0é x\0:100644 100755 3c 3c M\0run\0:100644 100644 4d 5e R090\0from\0to\0:000000 160000 0 6f A\0lib\0";
        let numstat = "1\t2\té x\x000\t0\trun\0-\t-\t\0from\0to\x001\t0\tlib\0";
        let files = read_raw(RawDiff { raw, numstat }).expect("files");
        let states: Vec<_> = files.iter().map(|file| (file.path(), file.status, file.content, file.lines())).collect();
        assert_eq!(
            states,
            [
                ("é x", Status::Modified, Content::Text, 3),
                ("run", Status::ModeOnly, Content::Text, 0),
                ("to", Status::Renamed, Content::Binary, 0),
                ("lib", Status::Added, Content::Submodule, 1),
            ]
        );
        assert_eq!(files[2].touched_paths().collect::<Vec<_>>(), ["from", "to"]);
        let named = read_raw(RawDiff { raw: "M\0é x\0", numstat: "1\t2\té x\0" }).expect("files");
        assert_eq!(named[0], files[0]);
        assert_eq!(read_raw(RawDiff { raw: "", numstat: "" }), Ok(Vec::new()));
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        for (raw, numstat) in [
            ("M\0x\0", ""),
            ("", "1\t1\tx\0"),
            ("M\0x\0", "1\t1\ty\0"),
            ("U\0x\0", "1\t1\tx\0"),
            ("R100\0x\0", "0\t0\t\0x\0y\0"),
            (":100644\0x\0", "1\t1\tx\0"),
            ("M\0x\0", "a\t1\tx\0"),
            ("\0", "\0\0"),
            ("é\0x", "1\t1\tx"),
        ] {
            let empty = raw == "\0";
            assert_eq!(read_raw(RawDiff { raw, numstat }).is_ok(), empty, "{raw:?} {numstat:?}");
        }
    }
}
