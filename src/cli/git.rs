//! Asks the `git` program what changed between two revisions.
//!
//! The only file that starts processes. What must hold: nothing in the repository or the arguments can make git run
//! another program, page, ask or colour; revisions cannot be taken for options; a clone that is too shallow is an error
//! with its remedy, never a smaller change. The difference is taken from the merge base, as pull requests show it, and
//! all commits of the branch are read, since a merge or squash commit loses their trailers.

use super::git_notes::add_notes;
use super::git_tree::count_hidden_lines;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shockfront::change::commits::{Commit, LOG_FORMAT, read_log};
use shockfront::change::files::ChangedFile;
use shockfront::change::raw::{RawDiff, read_raw};
use shockfront::diagnostic::{Diagnostic, nearest};

/// What git knows about a change.
#[derive(Debug, Clone)]
pub(crate) struct GitChange {
    /// The hash of the merge base.
    pub(crate) base: String,
    /// The hash of the head.
    #[cfg_attr(not(test), expect(dead_code, reason = "reports do not name revisions yet"))]
    pub(crate) head: String,
    /// The commits of the branch, newest first; the first is the head, whose time is the time of the change.
    pub(crate) commits: Vec<Commit>,
    /// The files that differ; none where the commits undo each other.
    pub(crate) files: Vec<ChangedFile>,
}

/// Why git could not tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no git program.
    #[error("the program `git` was not found: install git, or give the diff with `--diff FILE`")]
    Missing,
    /// It could not be started.
    #[error("`git` cannot be started: {0}")]
    Start(#[source] io::Error),
    /// The directory belongs to no repository.
    #[error("{} is not inside a git repository: run the command in one, or give the diff with `--diff FILE`", .0.display())]
    NotARepository(PathBuf),
    /// A revision that would be an option, or is empty.
    #[error("`{0}` is not a revision: give a branch, a tag or a commit")]
    BadRevision(String),
    /// A revision that is not there.
    #[error("the revision `{revision}` is unknown{}{}", suggestion(.nearest.as_deref()), if *.shallow { SHALLOW_HINT } else { "" })]
    UnknownRevision {
        /// As it was given.
        revision: String,
        /// A branch or tag of nearly that name.
        nearest: Option<String>,
        /// Whether a part of the history is missing.
        shallow: bool,
    },
    /// The history ends before both meet.
    #[error(
        "this clone is shallow and does not reach back to where `{head}` left `{base}`: run `git fetch --unshallow`, or set `fetch-depth: 0` in the checkout step"
    )]
    Shallow {
        /// As it was given.
        base: String,
        /// As it was given.
        head: String,
    },
    /// The two never meet.
    #[error("`{base}` and `{head}` have no common history: compare two branches of one repository")]
    Unrelated {
        /// As it was given.
        base: String,
        /// As it was given.
        head: String,
    },
    /// Nothing to assess.
    #[error("`{head}` has no commits that `{base}` does not have: there is no change to assess (are base and head swapped?)")]
    NoCommits {
        /// As it was given.
        base: String,
        /// As it was given.
        head: String,
    },
    /// Git ran and failed.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// The subcommand.
        command: String,
        /// What git said.
        message: String,
    },
    /// Git wrote something unknown.
    #[error("{}", .0.message)]
    Unreadable(Diagnostic),
}

const SHALLOW_HINT: &str =
    "; this clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` in the checkout step, if it should be there";

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// What changed on the way from the merge base of `base` and `head` to `head` (default `HEAD`).
pub(crate) fn collect(repository: &Path, base: &str, head: Option<&str>) -> Result<GitChange, GitError> {
    let git = Git { repository };
    let head = head.unwrap_or("HEAD");
    git.check_repository()?;
    let base_hash = git.resolve(base)?;
    let head_hash = git.resolve(head)?;
    let names = || (base.to_owned(), head.to_owned());
    let merge_base = git.merge_base(&base_hash, &head_hash)?.ok_or_else(|| {
        let (base, head) = names();
        if git.is_shallow() { GitError::Shallow { base, head } } else { GitError::Unrelated { base, head } }
    })?;
    let mut commits = git.log(&[&format!("^{base_hash}"), &head_hash, "--"])?;
    add_notes(&git, &mut commits)?;
    if commits.is_empty() {
        let (base, head) = names();
        return Err(GitError::NoCommits { base, head });
    }
    // The plumbing command ignores the user's taste in diffs.
    let diff = |shape: &str| {
        let plain = ["-r", "-z", "-M", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative"];
        let rest = ["--ignore-submodules=none", shape, &merge_base, &head_hash, "--"];
        git.run("diff-tree", &[&plain[..], &rest[..]].concat())
    };
    let (raw, numstat) = (diff("--raw")?, diff("--numstat")?);
    let mut files = read_raw(RawDiff { raw: &raw, numstat: &numstat }).map_err(GitError::Unreadable)?;
    count_hidden_lines(&git, (&merge_base, &head_hash), &mut files)?;
    Ok(GitChange { base: merge_base, head: head_hash, commits, files })
}

/// Most commits that are read to find those of an author, merges aside.
const MOST_COMMITS: usize = 10_000;
/// Most commits of an author whose files are listed, the newest first.
const MOST_OWN: usize = 500;

/// What some commits touched.
#[derive(Debug, Clone, Default)]
pub(crate) struct TouchedPaths {
    /// Paths from the top of the repository, some of them more than once.
    pub(crate) paths: Vec<String>,
    /// Was no commit left out?
    pub(crate) is_complete: bool,
}

/// The paths that commits before and at `base`, a hash, touched, merges aside; `pick` says of which. The first commits of a shallow clone
/// show every file as theirs, so they are left out.
pub(crate) fn touched_before(
    repository: &Path,
    base: &str,
    pick: impl FnOnce(&[Commit]) -> Vec<String>,
) -> Result<TouchedPaths, GitError> {
    let git = Git { repository };
    let most = format!("--max-count={MOST_COMMITS}");
    let mut commits = git.log(&["--no-merges", &most, base, "--"])?;
    let mut is_complete = commits.len() < MOST_COMMITS;
    if git.is_shallow() {
        is_complete = false;
        commits.retain(|commit| !commit.parents.is_empty());
    }
    let mut own = pick(&commits);
    is_complete &= own.len() <= MOST_OWN;
    own.truncate(MOST_OWN);
    if own.is_empty() {
        return Ok(TouchedPaths { paths: Vec::new(), is_complete });
    }
    let shape =
        ["--stdin", "-r", "-z", "--root", "--name-only", "--no-commit-id", "--no-renames", "--no-ext-diff", "--no-relative"];
    let list = git.run_with("diff-tree", &shape, &(own.join("\n") + "\n"))?;
    let paths = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    Ok(TouchedPaths { paths, is_complete })
}

/// The first of some files that a revision has, with its text. A link is passed over: it may lead anywhere.
pub(crate) fn first_file(repository: &Path, revision: &str, paths: &[&str]) -> Result<Option<(String, String)>, GitError> {
    let git = Git { repository };
    let commit = git.resolve(revision)?;
    let list = git.run("ls-tree", &[&["-z", "--full-tree", &commit, "--"], paths].concat())?;
    let blob = |wanted: &&str| {
        list.split('\0').find_map(|entry| {
            let (kind, path) = entry.split_once('\t')?;
            let mut words = kind.split(' ');
            let (mode, _, hash) = (words.next()?, words.next()?, words.next()?);
            (path == *wanted && mode.starts_with("100")).then(|| (path.to_owned(), hash.to_owned()))
        })
    };
    let Some((path, hash)) = paths.iter().find_map(blob) else { return Ok(None) };
    Ok(Some((path, git.run("cat-file", &["blob", &hash])?)))
}

/// One repository.
pub(super) struct Git<'a> {
    pub(super) repository: &'a Path,
}

impl Git<'_> {
    pub(super) fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("-C").arg(self.repository);
        // Both settings may name programs, and the repository may be a stranger's.
        command.args(["-c", "core.quotepath=off", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", subcommand]);
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
        // Hooks set these, and they would win over the directory.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null());
        command
    }

    /// The exit was good or not, the output, and what was said.
    pub(super) fn try_run(&self, subcommand: &str, arguments: &[&str]) -> Result<(bool, String, String), GitError> {
        let output = self.command(subcommand).args(arguments).output().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GitError::Missing,
            _ => GitError::Start(error),
        })?;
        // Names that are not UTF-8 get a replacement sign; globs still match around it.
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
    }

    pub(super) fn run(&self, subcommand: &str, arguments: &[&str]) -> Result<String, GitError> {
        match self.try_run(subcommand, arguments)? {
            (true, output, _) => Ok(output),
            (false, _, message) => Err(GitError::Failed { command: subcommand.to_owned(), message: message.trim().to_owned() }),
        }
    }

    /// Commits, newest first.
    fn log(&self, which: &[&str]) -> Result<Vec<Commit>, GitError> {
        let format = format!("--format={LOG_FORMAT}");
        let quiet = ["--no-color", "--no-show-signature", "--no-notes", "--no-patch", "--encoding=UTF-8", "--date=raw"];
        let log = self.run("log", &[&["-z", &format], &quiet[..], which].concat())?;
        read_log(&log).map_err(GitError::Unreadable)
    }

    /// Runs a command that reads `input`, which fits a pipe.
    fn run_with(&self, subcommand: &str, arguments: &[&str], input: &str) -> Result<String, GitError> {
        let mut command = self.command(subcommand);
        // What is not here is not fetched for this.
        command.env("GIT_NO_LAZY_FETCH", "1");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(GitError::Start)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).map_err(GitError::Start)?;
        }
        let output = child.wait_with_output().map_err(GitError::Start)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(GitError::Failed { command: subcommand.to_owned(), message: text(&output.stderr).trim().to_owned() }),
        }
    }

    fn check_repository(&self) -> Result<(), GitError> {
        let (is_good, _, message) = self.try_run("rev-parse", &["--git-dir"])?;
        if is_good {
            return Ok(());
        }
        if message.contains("not a git repository") || message.contains("cannot change to") {
            return Err(GitError::NotARepository(self.repository.to_owned()));
        }
        // Such as a repository of another owner, where git says itself what to do.
        Err(GitError::Failed { command: "rev-parse".to_owned(), message: message.trim().to_owned() })
    }

    pub(super) fn resolve(&self, revision: &str) -> Result<String, GitError> {
        let is_range = revision.contains("..");
        if revision.is_empty() || revision.starts_with(['-', '^']) || is_range || revision.contains(char::is_control) {
            return Err(GitError::BadRevision(revision.to_owned()));
        }
        let commit = format!("{revision}^{{commit}}");
        let (is_good, hash, _) = self.try_run("rev-parse", &["--verify", "--quiet", "--end-of-options", &commit])?;
        if is_good {
            return Ok(hash.trim().to_owned());
        }
        let refs = self.run("for-each-ref", &["--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"])?;
        // In a fresh clone `main` is only there as `origin/main`.
        let remote = refs.lines().find(|name| name.split_once('/').is_some_and(|(_, branch)| branch == revision));
        let nearest = remote.or_else(|| nearest(revision, refs.lines())).map(str::to_owned);
        Err(GitError::UnknownRevision { revision: revision.to_owned(), nearest, shallow: self.is_shallow() })
    }

    pub(super) fn merge_base(&self, base: &str, head: &str) -> Result<Option<String>, GitError> {
        match self.try_run("merge-base", &[base, head])? {
            (true, hash, _) => Ok(Some(hash.trim().to_owned())),
            (false, _, message) if message.trim().is_empty() => Ok(None),
            (false, _, message) => Err(GitError::Failed { command: "merge-base".to_owned(), message: message.trim().to_owned() }),
        }
    }

    fn is_shallow(&self) -> bool {
        self.run("rev-parse", &["--is-shallow-repository"]).is_ok_and(|answer| answer.trim() == "true")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use shockfront::change::files::{Content, Status};
    use tempfile::TempDir;

    use super::*;

    /// A repository of its own, whose tool settings do not reach it.
    struct Repository(TempDir);

    impl Repository {
        fn new() -> Self {
            let repository = Self(TempDir::new().expect("a directory"));
            repository.git(&["init", "-q", "-b", "main"]);
            repository
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn git(&self, arguments: &[&str]) -> String {
            let mut command = Git { repository: self.path() }.command("-c");
            command.args(["commit.gpgsign=false", "-c", "protocol.file.allow=always"]);
            command
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_COMMITTER_DATE", "1741200000 -0500");
            for (role, name) in [("AUTHOR", "Kim Ünal"), ("COMMITTER", "Lee")] {
                command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), format!("{name}@x.org"));
            }
            let output = command.args(arguments).output().expect("git runs");
            assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        }

        fn write(&self, path: &str, content: impl AsRef<[u8]>) {
            let path = self.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, content).expect("a file");
        }

        fn commit(&self, message: &str) {
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        }

        fn error(&self, base: &str, head: Option<&str>) -> String {
            collect(self.path(), base, head).expect_err("an error").to_string()
        }
    }

    /// Ten lines, so that renames are seen.
    fn lines(word: &str) -> String {
        (0..10).map(|number| format!("{word} {number}\n")).collect()
    }

    #[test]
    fn files_of_all_kinds_are_collected() {
        let lib = Repository::new();
        lib.commit("library");
        let repository = Repository::new();
        repository.write("old name.rs", lines("a"));
        repository.write("gone", "x\n");
        repository.write("run.sh", "x\n");
        repository.commit("base");
        repository.git(&["checkout", "-q", "-b", "work"]);
        repository.git(&["mv", "old name.rs", "new\tnäme \"x\".rs"]);
        repository.git(&["rm", "-q", "gone"]);
        repository.write("日本/é.txt", "one\ntwo\n");
        repository.write("p.bin", [0, 159, 146, 150]);
        repository.git(&["add", "-A"]);
        repository.git(&["update-index", "--chmod=+x", "run.sh"]);
        repository.git(&["submodule", "add", "-q", &lib.path().display().to_string(), "vendor/lib"]);
        repository.git(&["commit", "-q", "-m", "title\n\nReviewed-by: Max <max@x.org>"]);
        let change = collect(repository.path(), "main", None).expect("a change");
        let mut found: Vec<_> = change.files.iter().map(|file| (file.path(), file.status, file.content, file.lines())).collect();
        found.sort_by_key(|(path, ..)| *path);
        assert_eq!(
            found,
            [
                (".gitmodules", Status::Added, Content::Text, 3),
                ("gone", Status::Deleted, Content::Text, 1),
                ("new\tnäme \"x\".rs", Status::Renamed, Content::Text, 0),
                ("p.bin", Status::Added, Content::Binary, 0),
                ("run.sh", Status::ModeOnly, Content::Text, 0),
                ("vendor/lib", Status::Added, Content::Submodule, 1),
                ("日本/é.txt", Status::Added, Content::Text, 2),
            ]
        );
        let commit = &change.commits[0];
        assert_eq!((commit.author.name.as_str(), commit.committer.email.as_str()), ("Kim Ünal", "Lee@x.org"));
        assert_eq!(
            commit.time.as_ref().map(|time| time.strftime("%FT%T%:z").to_string()).as_deref(),
            Some("2025-03-05T13:40:00-05:00")
        );
        assert_eq!(commit.message, "title\n\nReviewed-by: Max <max@x.org>\n");
    }

    #[test]
    fn only_the_branch_counts_and_all_its_commits() {
        let repository = Repository::new();
        repository.commit("root");
        repository.git(&["checkout", "-q", "-b", "work"]);
        repository.write("work.txt", "1\n");
        repository.commit("work one");
        repository.git(&["checkout", "-q", "main"]);
        repository.write("main.txt", "1\n");
        repository.commit("main moves on");
        repository.git(&["checkout", "-q", "work"]);
        repository.git(&["merge", "-q", "--no-edit", "main"]);
        repository.write("work.txt", "2\n");
        repository.commit("work two");
        repository.git(&["checkout", "-q", "main"]);
        repository.write("later.txt", "1\n");
        repository.commit("main moves on again");
        let change = collect(repository.path(), "main", Some("work")).expect("a change");
        let titles: Vec<_> = change.commits.iter().map(Commit::title).collect();
        assert_eq!(titles, ["work two", "Merge branch 'main' into work", "work one"]);
        assert_eq!(change.files.iter().map(ChangedFile::path).collect::<Vec<_>>(), ["work.txt"]);
        assert_eq!((change.head.len(), change.base), (40, repository.git(&["rev-parse", "main~1"]).trim().to_owned()));
        assert!(repository.error("work", Some("work~1")).contains("swapped"));
        // A revision that names a file, too, and a commit that changes nothing.
        repository.git(&["checkout", "-q", "-b", "work.txt"]);
        repository.commit("nothing");
        assert!(collect(repository.path(), "main", Some("work.txt")).expect("a change").files.is_empty());
    }

    #[test]
    fn what_was_touched_before_is_listed_and_a_shallow_clone_cannot_say_all() {
        let repository = Repository::new();
        repository.write("a b/1", "1\n");
        repository.commit("root");
        repository.write("a b/1", "2\n");
        repository.git(&["mv", "a b/1", "c"]);
        repository.commit("moves");
        let head = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let all = |commits: &[Commit]| commits.iter().map(|commit| commit.hash.clone()).collect::<Vec<_>>();
        let touched = touched_before(repository.path(), &head, all).expect("paths");
        assert_eq!((touched.paths, touched.is_complete), (["a b/1", "c", "a b/1"].map(str::to_owned).to_vec(), true));
        let none = touched_before(repository.path(), &head, |_| Vec::new()).expect("paths");
        assert!(none.paths.is_empty() && none.is_complete);
        let clone = TempDir::new().expect("a directory");
        let url = format!("file://{}", repository.path().display());
        repository.git(&["clone", "-q", "--depth=1", &url, &clone.path().display().to_string()]);
        let touched = touched_before(clone.path(), &head, all).expect("paths");
        assert!(touched.paths.is_empty() && !touched.is_complete);
    }

    #[test]
    fn shallow_clones_say_what_to_do() {
        let origin = Repository::new();
        origin.commit("root");
        origin.git(&["checkout", "-q", "-b", "work"]);
        origin.commit("work");
        origin.git(&["checkout", "-q", "main"]);
        origin.commit("main moves on");
        let clone = TempDir::new().expect("a directory");
        let url = format!("file://{}", origin.path().display());
        origin.git(&["clone", "-q", "--depth=1", "--no-single-branch", &url, &clone.path().display().to_string()]);
        let error = collect(clone.path(), "main", Some("origin/work")).expect_err("an error").to_string();
        assert!(error.contains("fetch-depth: 0") && error.contains("--unshallow"), "{error}");
        let error = collect(clone.path(), "work", None).expect_err("an error").to_string();
        assert!(error.contains("did you mean `origin/work`?") && error.contains("fetch-depth: 0"), "{error}");
    }

    #[test]
    fn wrong_input_is_explained() {
        let repository = Repository::new();
        let unborn = repository.error("main", None);
        assert!(unborn.contains("`main` is unknown"), "{unborn}");
        repository.commit("root");
        repository.git(&["tag", "v1.0.0"]);
        assert_eq!(repository.error("v1.0.1", None), "the revision `v1.0.1` is unknown (did you mean `v1.0.0`?)");
        assert!(repository.error("main", None).contains("no commits"));
        for bad in ["--output=x", "-h", "", "main..HEAD", "^main", "ma\nin"] {
            assert!(repository.error(bad, None).contains("is not a revision"), "{bad}");
            assert!(repository.error("main", Some(bad)).contains("is not a revision"), "{bad}");
        }
        repository.git(&["checkout", "-q", "--orphan", "other"]);
        repository.commit("other root");
        assert!(repository.error("main", None).contains("no common history"));
        let outside = TempDir::new().expect("a directory");
        for path in [outside.path().to_owned(), outside.path().join("missing")] {
            let error = collect(&path, "main", None).expect_err("an error").to_string();
            assert!(error.contains("is not inside a git repository"), "{error}");
        }
    }
}
