//! Notes of AI tools on commits, as far as this clone has them.
//!
//! Notes are not fetched by default and get lost when commits are squashed, so what is not there says nothing.

use super::git::{Git, GitError};
use shockfront::change::commits::Commit;
use std::collections::HashMap;

/// Where such notes lie.
const NOTES: &str = "refs/notes/ai";

/// Gives each commit its note. One program where there are no notes, else one more for each commit that has one.
pub(super) fn add_notes(git: &Git<'_>, commits: &mut [Commit]) -> Result<(), GitError> {
    let (is_good, listed, _) = git.try_run("notes", &["--ref", NOTES, "list"])?;
    if !is_good {
        return Ok(());
    }
    let notes: HashMap<&str, &str> =
        listed.lines().filter_map(|line| line.split_once(' ')).map(|(note, of)| (of, note)).collect();
    for commit in commits {
        if let Some(note) = notes.get(commit.hash.as_str()) {
            commit.note = Some(git.run("cat-file", &["blob", note])?);
        }
    }
    Ok(())
}
