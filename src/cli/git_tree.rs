//! What a repository holds: files of one commit, and differences with all of their lines.
//!
//! What must hold: links are not followed, since they may lead anywhere; what is no file of the commit is an error.

use super::git::{Git, GitError};
use shockfront::change::diff::read_diff;
use shockfront::change::files::{ChangedFile, Content, is_binary_by_name};
use shockfront::diagnostic::SourceId;
use shockfront::topology::Files;
use std::io;
use std::path::{Path, PathBuf};

/// More lines of context than any text has that people write.
const ALL_LINES: &str = "--unified=10000000";

/// Names of files that one command line holds for certain.
const PATHS_AT_ONCE: usize = 200;

/// The differences of some files with all of their lines, from where `base` and `head` parted: what a line lies in may stand far
/// above it.
pub(crate) fn whole_files(repository: &Path, base: &str, head: Option<&str>, paths: &[String]) -> Result<String, GitError> {
    let git = Git { repository };
    let (base, head) = (git.resolve(base)?, git.resolve(head.unwrap_or("HEAD"))?);
    let Some(merge_base) = git.merge_base(&base, &head)? else { return Ok(String::new()) };
    let plain = ["-r", "-p", ALL_LINES, "--no-renames", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color"];
    let mut text = String::new();
    for some in paths.chunks(PATHS_AT_ONCE) {
        let literal: Vec<String> = some.iter().map(|path| literal(path)).collect();
        let rest = ["--no-relative", "--src-prefix=a/", "--dst-prefix=b/", &merge_base, &head, "--"];
        let paths: Vec<&str> = literal.iter().map(String::as_str).collect();
        text += &git.run("diff-tree", &[&plain[..], &rest[..], &paths[..]].concat())?;
    }
    Ok(text)
}

/// An attribute, or a single zero byte, makes a file binary for git, which then counts no lines: those of files whose names do not end as
/// those of pictures and the like are counted all the same.
pub(super) fn count_hidden_lines(git: &Git<'_>, (from, to): (&str, &str), files: &mut [ChangedFile]) -> Result<(), GitError> {
    let is_hidden = |file: &ChangedFile| file.content == Content::Binary && !is_binary_by_name(file.path());
    let paths: Vec<String> =
        files.iter().filter(|file| is_hidden(file)).flat_map(|file| file.touched_paths()).map(literal).collect();
    let plain = ["-r", "-p", "--text", "-M", "--unified=0", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color"];
    let rest = ["--no-relative", "--src-prefix=a/", "--dst-prefix=b/", from, to, "--"];
    for some in paths.chunks(PATHS_AT_ONCE) {
        let paths: Vec<&str> = some.iter().map(String::as_str).collect();
        let text = git.run("diff-tree", &[&plain[..], &rest[..], &paths[..]].concat())?;
        // What cannot be read stays what it was: of unknown size.
        for shown in read_diff(SourceId::default(), &text).map(|diff| diff.files).unwrap_or_default() {
            for file in files.iter_mut().filter(|file| is_hidden(file) && file.path() == shown.path()) {
                (file.content, file.added, file.deleted) = (Content::Text, shown.added, shown.deleted);
            }
        }
    }
    Ok(())
}

fn literal(path: &str) -> String {
    format!(":(top,literal){path}")
}

/// The directory of the checked-out files; none in a bare repository.
pub(crate) fn root(repository: &Path) -> Option<PathBuf> {
    let (is_good, path, _) = Git { repository }.try_run("rev-parse", &["--show-toplevel"]).ok()?;
    let path = path.trim_end_matches(['\n', '\r']);
    if is_good && !path.is_empty() { std::fs::canonicalize(path).ok() } else { None }
}

/// The files of one commit, by their paths inside of the repository. Links lead anywhere and are not followed.
pub(crate) struct Tree<'a> {
    git: Git<'a>,
    commit: String,
}

/// What a commit has at a path.
struct Entry {
    is_file: bool,
    is_directory: bool,
    hash: String,
    size: u64,
    path: String,
}

impl<'a> Tree<'a> {
    /// `commit` is a hash.
    pub(crate) fn new(repository: &'a Path, commit: &str) -> Self {
        Self { git: Git { repository }, commit: commit.to_owned() }
    }

    fn entries(&self, path: &str) -> io::Result<Vec<Entry>> {
        let wanted = if path.is_empty() { &[][..] } else { &[path][..] };
        let arguments = [&["-z", "-l", "--full-tree", &self.commit, "--"], wanted].concat();
        let list = self.git.run("ls-tree", &arguments).map_err(io::Error::other)?;
        let entry = |line: &str| {
            let (facts, path) = line.split_once('\t')?;
            let mut words = facts.split_ascii_whitespace();
            let (mode, kind, hash, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let (is_file, is_directory) = (mode.starts_with("100"), kind == "tree");
            Some(Entry { is_file, is_directory, hash: hash.to_owned(), size: size.parse().unwrap_or(0), path: path.to_owned() })
        };
        Ok(list.split('\0').filter_map(entry).collect())
    }

    /// What links lead to, files and directories; those that lead out of the repository are left out.
    pub(crate) fn linked(&self) -> Result<Vec<String>, GitError> {
        let list = self.git.run("ls-tree", &["-r", "-z", "--full-tree", &self.commit])?;
        let link = |line: &str| {
            let (facts, path) = line.split_once('\t')?;
            let mut words = facts.split_ascii_whitespace();
            (words.next()? == "120000").then_some((words.nth(1)?.to_owned(), path.to_owned()))
        };
        let mut targets = Vec::new();
        for (hash, path) in list.split('\0').filter_map(link) {
            let target = self.git.run("cat-file", &["blob", &hash])?;
            let mut parts: Vec<&str> = path.split('/').collect();
            parts.pop();
            let steps = target.split('/').try_for_each(|step| match step {
                "" | "." => Some(()),
                ".." => parts.pop().map(drop),
                name => {
                    parts.push(name);
                    Some(())
                }
            });
            if steps.is_some() && !target.starts_with('/') {
                targets.push(parts.join("/"));
            }
        }
        Ok(targets)
    }

    fn file(&self, path: &str) -> io::Result<Entry> {
        let found = self.entries(path)?.into_iter().find(|entry| entry.path == path);
        let found = found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there was no such file"))?;
        if found.is_file { Ok(found) } else { Err(io::Error::other("it was a link, a directory or another repository")) }
    }
}

impl Files for Tree<'_> {
    fn size(&self, path: &str) -> io::Result<u64> {
        Ok(self.file(path)?.size)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let output = self.git.command("cat-file").args(["blob", &self.file(path)?.hash]).output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    fn list(&self, directory: &str) -> io::Result<Option<Vec<String>>> {
        let directory = directory.trim_end_matches('/');
        let inside = if matches!(directory, "" | ".") { String::new() } else { format!("{directory}/") };
        if !inside.is_empty() {
            let found = self.entries(directory)?.into_iter().find(|entry| entry.path == directory);
            let found = found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there was no such file"))?;
            if !found.is_directory {
                return Ok(None);
            }
        }
        let entries = self.entries(&inside)?.into_iter().filter(|entry| !entry.is_directory);
        let names = entries.filter_map(|entry| entry.path.strip_prefix(&inside).map(str::to_owned));
        Ok(Some(names.filter(|name| !name.starts_with('.')).collect()))
    }
}
