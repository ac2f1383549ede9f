//! What the author of a change did before it, asked of the repository.
//!
//! A git that cannot tell, such as in a clone without old trees, is no failure: then it is unknown.

use super::evidence::service_rules;
use super::git;
use shockfront::change::facts::{Change, TriState};
use shockfront::change::files::{ChangedFile, Content, Status};
use shockfront::change::history::{Past, commits_by, first_change, is_unknown, settle};
use shockfront::change::paths::{Mapping, PathRule, TERRAFORM, map_files};
use shockfront::change::team::Team;
use shockfront::model::System;
use std::path::Path;

/// Says of a change whether its author never changed one of its components before `base`, the commit where it begins.
pub(crate) fn know_author(
    (repository, base): (&Path, &str),
    system: &System,
    (change, mapping): (&mut Change, Option<&Mapping>),
    team: &Team,
) -> Option<String> {
    let answer = answer((repository, base), system, (change, mapping), team).unwrap_or((TriState::Unknown, Vec::new()));
    settle(change, answer)
}

fn answer(
    (repository, base): (&Path, &str),
    system: &System,
    (change, mapping): (&Change, Option<&Mapping>),
    team: &Team,
) -> Option<(TriState, Vec<String>)> {
    if is_unknown(&change.author) {
        return None;
    }
    let pick = |commits: &[_]| commits_by(&change.author, commits, team).iter().map(|commit| commit.hash.clone()).collect();
    let touched = git::touched_before(repository, base, pick).ok()?;
    let rules: Vec<PathRule<'_>> = service_rules(system).into_iter().map(|(rule, _)| rule).collect();
    let files: Vec<ChangedFile> = touched.paths.into_iter().map(touched_file).collect();
    let services = map_files(&rules, &files).ok()?.by_service.into_keys().collect();
    let components = components(system, change, mapping);
    Some(first_change(&components, &Past { services, is_complete: touched.is_complete }))
}

/// The services that the change is made in, with whether their files are known. What it only shares with others is no component of
/// its own.
fn components<'a>(system: &'a System, change: &Change, mapping: Option<&Mapping>) -> Vec<(&'a str, bool)> {
    let is_shared_only = |name: &str| {
        let touched = mapping.and_then(|mapping| mapping.by_service.get(name));
        touched.and_then(|touched| touched.shared_hit()).is_some_and(|(_, is_all)| is_all)
    };
    let mut found: Vec<(&str, bool)> = Vec::new();
    for id in change.services.iter().filter_map(|name| system.resolve(name).ok()).map(|endpoint| endpoint.service) {
        let name = system.service_name(id);
        let has_files = system.service(id).paths.iter().any(|glob| !glob.starts_with(TERRAFORM));
        if !is_shared_only(name) && !found.iter().any(|(known, _)| *known == name) {
            found.push((name, has_files));
        }
    }
    found
}

fn touched_file(path: String) -> ChangedFile {
    ChangedFile {
        old_path: None,
        new_path: Some(path),
        status: Status::Modified,
        content: Content::Text,
        added: 0,
        deleted: 0,
        hunks: Vec::new(),
        parts: Vec::new(),
    }
}
