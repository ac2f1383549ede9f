//! Git itself as the oracle for the readers of diffs and trailers, on random edits of real repositories.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::diff::read_diff;
use super::files::{ChangedFile, Content, Status};
use super::raw::{RawDiff, read_raw};
use super::trailers::{EXAMPLES, trailers};
use crate::diagnostic::SourceId;

fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Git may end before it has read all, which shows in its exit.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    })
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// A small generator: tests need variety, not quality.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Names that are quoted, have spaces, or look like parts of a diff.
const NAMES: [&str; 9] =
    ["plain.rs", "a/b/c.rs", "b/b/c.rs", "with space and more", "é/日本.txt", "tab\there", "quote\"d", "back\\slash", "x b/x"];

/// Lines that look like headers once they have a sign before them.
const LINES: [&str; 9] =
    ["one", "", "-- a/x", "++ b/x", " @@ -1 +1 @@", "\\ No newline at end of file", "diff --git a/x b/x", "two\r", "é"];

fn content(dice: &mut Dice) -> String {
    let mut content = String::new();
    for _ in 0..dice.roll(12) {
        let _ = writeln!(content, "{} {}", LINES[dice.roll(9) as usize], dice.roll(4));
        let _ = writeln!(content, "{}", LINES[dice.roll(9) as usize]);
    }
    if dice.roll(3) == 0 {
        content.push_str("no end of line");
    }
    if dice.roll(8) == 0 {
        content.push('\0');
    }
    content
}

/// A repository with a staged change of many kinds.
fn repository(seed: u64) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    let mut dice = Dice(seed);
    git(path, &["init", "-q"], b"");
    git(path, &["config", "core.autocrlf", "false"], b"");
    for round in 0..2 {
        for (number, name) in NAMES.iter().enumerate() {
            let file = path.join(name);
            match dice.roll(6) {
                0 => drop(std::fs::remove_file(&file)),
                1 if round == 1 && file.exists() => {
                    std::fs::rename(&file, path.join(format!("moved {number}"))).expect("a rename");
                }
                2 => {}
                _ => {
                    std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
                    std::fs::write(&file, content(&mut dice)).expect("a file");
                }
            }
        }
        git(path, &["add", "-A"], b"");
        if dice.roll(2) == 0 {
            let pointer = format!("160000,{:040x},vendor/lib", 1 + dice.roll(9));
            git(path, &["update-index", "--add", "--cacheinfo", &pointer], b"");
        }
        if round == 0 {
            let who = ["-c", "user.name=x", "-c", "user.email=x@x.org", "-c", "commit.gpgsign=false"];
            git(path, &[&who[..], &["commit", "-q", "--allow-empty", "-m", "base"]].concat(), b"");
        }
    }
    let listed = text(git(path, &["diff", "--cached", "--name-only", "-z", "--diff-filter=M"], b""));
    if let Some(name) = listed.split('\0').find(|name| !name.is_empty() && *name != "vendor/lib") {
        git(path, &["update-index", "--chmod=+x", name], b"");
    }
    directory
}

/// A diff does not tell that a file is binary which only moved or got other permissions.
fn without_hidden(mut files: Vec<ChangedFile>) -> Vec<ChangedFile> {
    for file in &mut files {
        if matches!(file.status, Status::Renamed | Status::ModeOnly) && file.content == Content::Binary {
            file.content = Content::Text;
        }
    }
    files
}

/// Paths and counts, by path.
fn counts(files: &[ChangedFile]) -> Vec<(&str, Option<&str>, u64, u64)> {
    let rows = files.iter().map(|file| (file.path(), file.old_path.as_deref(), file.added, file.deleted));
    let mut all: Vec<_> = rows.collect();
    all.sort_unstable();
    all
}

#[test]
fn diffs_are_counted_as_git_counts_them() {
    let mut n_files = 0;
    for seed in 0..16 {
        let directory = repository(seed);
        let path = directory.path();
        let read = |arguments: &[&str]| text(git(path, &[&["diff", "--cached", "-M"], arguments].concat(), b""));
        let (raw, numstat) = (read(&["--raw", "-z", "--no-abbrev"]), read(&["--numstat", "-z"]));
        let expected = without_hidden(read_raw(RawDiff { raw: &raw, numstat: &numstat }).expect("git's lists"));
        n_files += expected.len();
        for style in [
            &["--src-prefix=a/", "--dst-prefix=b/"][..],
            &["--no-prefix"],
            &["-c"],
            &["--src-prefix=before/x/", "--dst-prefix=later/y/"],
            &["--binary"],
            &["-U0"],
        ] {
            let patch = match style {
                ["-c"] => text(git(
                    path,
                    &["-c", "diff.mnemonicPrefix=true", "-c", "core.quotepath=off", "diff", "--cached", "-M"],
                    b"",
                )),
                style => read(style),
            };
            let diff = read_diff(SourceId(0), &patch).unwrap_or_else(|errors| panic!("{seed} {style:?}: {errors:?}\n{patch}"));
            let files = without_hidden(diff.files);
            assert_eq!(counts(&files), counts(&expected), "{seed} {style:?}\n{patch}");
            let statuses = |files: &[ChangedFile]| files.iter().map(|file| (file.status, file.content)).collect::<Vec<_>>();
            assert_eq!(statuses(&files), statuses(&expected), "{seed} {style:?}\n{patch}");
        }
        let patch = read(&[]);
        if !patch.is_empty() {
            let apply = text(git(path, &["apply", "--numstat", "-z", "--allow-empty"], patch.as_bytes()));
            let mut listed: Vec<_> = apply.split_terminator('\0').map(str::to_owned).collect();
            let diff = read_diff(SourceId(0), &patch).expect("a diff");
            let line = |file: &ChangedFile| match file.content {
                Content::Binary => format!("-\t-\t{}", file.path()),
                _ => format!("{}\t{}\t{}", file.added, file.deleted, file.path()),
            };
            let mut read: Vec<_> = diff.files.iter().map(line).collect();
            listed.sort();
            read.sort();
            assert_eq!(read, listed, "{seed}\n{patch}");
        }
    }
    assert!(n_files > 80, "only {n_files} files were tried");
}

#[test]
fn hunks_cover_the_added_lines() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    git(path, &["init", "-q"], b"");
    std::fs::write(path.join("x"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n").expect("a file");
    git(path, &["add", "x"], b"");
    std::fs::write(path.join("x"), "1\nnew\n2\n3\n4\n5\n6\n7\n9\n").expect("a file");
    let diff = read_diff(SourceId(0), &text(git(path, &["diff", "-U0"], b""))).expect("a diff");
    let hunks: Vec<_> = diff.files[0].hunks.iter().map(|hunk| (hunk.first, hunk.count)).collect();
    assert_eq!((hunks, diff.files[0].status), (vec![(2, 1), (8, 0)], Status::Modified));
}

#[test]
fn trailers_are_read_as_git_reads_them() {
    let directory = TempDir::new().expect("a directory");
    for message in EXAMPLES {
        let expected = text(git(directory.path(), &["interpret-trailers", "--parse", "--no-divider"], message.as_bytes()));
        let expected: Vec<_> = expected.lines().map(|line| line.trim_end().to_owned()).collect();
        let read: Vec<_> = trailers(message).iter().map(|t| format!("{}: {}", t.key, t.value).trim_end().to_owned()).collect();
        assert_eq!(read, expected, "{message:?}");
    }
}
