//! Files that touch more than one service: lock files, which pin what a whole directory is built from, and shared libraries.
//!
//! A lock file touches every service of which a glob may fit something below its directory; at the top these are all with `paths`. A file
//! that fits a glob of a group touches all members, which have the glob for that. Lines of shared files say nothing about one service:
//! where the change breaks something, each member is hit with `hit` of the group (semantics 11), and each of n services below a lock
//! file with 1/n, as if they had as many lines. What must hold: nobody looks into a lock file, so nobody is left out; what a service
//! has of its own counts no less for it; the notes say what was done, since it may be more than was meant.

use super::files::ChangedFile;
use super::paths::{Globs, Mapping, PathRule, TERRAFORM};
use std::collections::BTreeSet;

/// Most names in a note.
const MOST_NAMED: usize = 4;

/// Names of lock files by package manager.
const LOCK_FILES: &[&str] = &[
    // Rust, Go, Swift, Dart, C and C++
    "Cargo.lock",
    "go.sum",
    "go.work.sum",
    "Package.resolved",
    "pubspec.lock",
    "conan.lock",
    // JavaScript
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    // Python
    "poetry.lock",
    "Pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
    // Ruby, PHP, Elixir, Erlang, Haskell, Perl
    "Gemfile.lock",
    "composer.lock",
    "mix.lock",
    "rebar.lock",
    "stack.yaml.lock",
    "cabal.project.freeze",
    "cpanfile.snapshot",
    // Java and .NET
    "gradle.lockfile",
    "buildscript-gradle.lockfile",
    "packages.lock.json",
    "paket.lock",
    // Other
    "Podfile.lock",
    "MODULE.bazel.lock",
    "flake.lock",
    "Chart.lock",
];

/// A group with globs.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is, such as `library`; may be empty.
    pub kind: &'a str,
    /// Its globs.
    pub paths: &'a [String],
    /// P(a member is hit | a fault of the group).
    pub hit: f64,
    /// Its members.
    pub members: Vec<&'a str>,
}

/// The directory of a lock file, with `/` behind it, or nothing at the top; `None` for other files.
fn locked_directory(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    LOCK_FILES.contains(&name).then(|| &path[..path.len() - name.len()])
}

/// Whether a glob may fit something below a directory, by its part in front of the first wild card.
fn lies_below(glob: &str, directory: &str) -> bool {
    let glob = glob.trim_start_matches("./").trim_start_matches('/');
    let literal = &glob[..glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len())];
    let is_open = literal.len() < glob.len();
    !glob.starts_with(TERRAFORM) && (literal.starts_with(directory) || (is_open && directory.starts_with(literal)))
}

/// Gives lock files to all services below their directories; gives notes. Linear in lock files times globs.
pub fn land_lock_files(mapping: &mut Mapping, rules: &[PathRule<'_>], files: &[ChangedFile]) -> Vec<String> {
    let mut notes = Vec::new();
    for file in files {
        for path in file.touched_paths() {
            let Some(directory) = locked_directory(path) else { continue };
            let below = rules.iter().filter(|rule| lies_below(rule.glob, directory)).map(|rule| rule.service);
            let services: BTreeSet<&str> = below.collect();
            let has_it = |mapping: &Mapping, service: &str| {
                mapping.by_service.get(service).is_some_and(|touched| touched.paths.iter().any(|known| known == path))
            };
            if services.len() == 1 && services.iter().all(|service| has_it(mapping, service)) {
                // It is that service's own, with its lines.
                continue;
            }
            for service in &services {
                let had_it = has_it(mapping, service);
                let touched = mapping.land(service, path, 0);
                if had_it {
                    touched.lines = touched.lines.saturating_sub(file.lines());
                }
                touched.share(1, 1.0 / services.len() as f64);
            }
            if !services.is_empty() {
                let whose = named(&services.into_iter().collect::<Vec<_>>());
                notes.push(format!("{path} pins what is built in its directory and below: it touches {whose}"));
            }
        }
    }
    mapping.recount(files);
    notes
}

/// Marks files of groups as shared by all members; gives notes. Globs that cannot be read are an error elsewhere.
pub fn land_shared(mapping: &mut Mapping, groups: &[Shared<'_>], files: &[ChangedFile]) -> Vec<String> {
    let mut notes = Vec::new();
    for group in groups {
        let rules: Vec<PathRule<'_>> = group.paths.iter().map(|glob| PathRule { glob, service: group.name }).collect();
        let Ok(globs) = Globs::build(&rules) else { continue };
        let services = mapping.services_by_path();
        // A file of which a longer glob makes it somebody's own is not shared.
        let is_of_all =
            |path: &str| group.members.iter().all(|member| services.get(path).is_some_and(|all| all.contains(member)));
        let is_shared = |path: &&str| !group.members.is_empty() && globs.fit(path) && is_of_all(path);
        let common: Vec<(u64, Vec<&str>)> =
            files.iter().map(|file| (file.lines(), file.touched_paths().filter(is_shared).collect())).collect();
        for (lines, paths) in common.iter().filter(|(_, paths)| !paths.is_empty()) {
            for member in &group.members {
                let Some(touched) = mapping.by_service.get_mut(*member) else { continue };
                touched.lines = touched.lines.saturating_sub(*lines);
                touched.share(paths.len(), group.hit);
            }
        }
        let names: Vec<&str> = common.iter().flat_map(|(_, paths)| paths.iter().copied()).collect();
        if !names.is_empty() {
            let verb = if names.len() == 1 { "is" } else { "are" };
            let kind = if group.kind.is_empty() { "group" } else { group.kind };
            let members = named(&group.members);
            notes.push(format!("{} {verb} of the {kind} {}: all members are touched, {members}", named(&names), group.name));
        }
    }
    notes
}

/// Names, the first few of many.
fn named(names: &[&str]) -> String {
    let shown = names[..names.len().min(MOST_NAMED)].join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::files::{Content, Status};
    use crate::change::paths::map_files;

    fn file(path: &str) -> ChangedFile {
        ChangedFile {
            old_path: Some(path.to_owned()),
            new_path: Some(path.to_owned()),
            status: Status::Modified,
            content: Content::Text,
            added: 2,
            deleted: 1,
            hunks: Vec::new(),
            parts: Vec::new(),
        }
    }

    const RULES: [PathRule<'_>; 5] = [
        PathRule { glob: "/services/shop/**", service: "shop" },
        PathRule { glob: "services/web/**", service: "web" },
        PathRule { glob: "./*/ads/**", service: "ads" },
        PathRule { glob: "services-old", service: "old" },
        PathRule { glob: "terraform:module.db", service: "db" },
    ];

    fn services(path: &str) -> (String, Mapping, Vec<String>) {
        let files = [file(path)];
        let mut mapping = map_files(&RULES, &files).expect("good globs");
        let notes = land_lock_files(&mut mapping, &RULES, &files);
        (mapping.by_service.keys().cloned().collect::<Vec<_>>().join(" "), mapping, notes)
    }

    #[test]
    fn lock_files_touch_what_lies_below_them() {
        for (path, expected) in [
            ("Cargo.lock", "ads old shop web"),
            ("services/package-lock.json", "ads shop web"),
            ("services/shop/go.sum", "ads shop"),
            ("services/shop/part/go.sum", "ads shop"),
            ("other/yarn.lock", "ads"),
            ("Cargo.toml", ""),
            ("services-old/x.lock", "old"),
            ("libs/xCargo.lock", ""),
            ("é/uv.lock", "ads"),
        ] {
            let (found, mapping, notes) = services(path);
            assert_eq!(found, expected, "{path}");
            assert_eq!(mapping.unmapped.is_empty(), !expected.is_empty(), "{path}");
            assert_eq!(mapping.n_mapped, usize::from(!expected.is_empty()));
            let n = mapping.by_service.len() as f64;
            let is_shared = locked_directory(path).is_some();
            assert_eq!(notes.len(), usize::from(is_shared), "{path}");
            for touched in mapping.by_service.values() {
                assert_eq!(touched.shared_hit(), is_shared.then(|| (1.0 / n, true)), "{path}");
                assert_eq!((touched.paths.len(), touched.lines), (1, if is_shared { 0 } else { 3 }), "{path}");
            }
        }
        let files = [file("a/go.sum")];
        let rules = [PathRule { glob: "a/**", service: "a" }];
        let mut mapping = map_files(&rules, &files).expect("good globs");
        assert_eq!(land_lock_files(&mut mapping, &rules, &files), [""; 0]);
        assert_eq!((mapping.by_service["a"].lines, mapping.by_service["a"].shared), (3, None));
        let note = "services/package-lock.json pins what is built in its directory and below: it touches ads, shop, web";
        assert_eq!(services("services/package-lock.json").2, [note]);
    }

    #[test]
    fn files_of_a_group_are_told() {
        let paths = ["libs/**".to_owned()];
        let group = Shared { name: "common", kind: "library", paths: &paths, hit: 0.9, members: vec!["shop", "web"] };
        let rules: Vec<PathRule<'_>> = group
            .members
            .iter()
            .map(|service| PathRule { glob: "libs/**", service })
            .chain([PathRule { glob: "libs/web/**", service: "web" }])
            .collect();
        let files = [file("libs/a"), file("libs/web/b")];
        let mut mapping = map_files(&rules, &files).expect("good globs");
        let services = mapping.services_by_path();
        assert_eq!((&services["libs/a"][..], &services["libs/web/b"][..]), (&["shop", "web"][..], &["web"][..]));
        let notes = land_shared(&mut mapping, &[group], &files);
        let hits = ["shop", "web"].map(|service| (mapping.by_service[service].lines, mapping.by_service[service].shared_hit()));
        assert_eq!(hits, [(0, Some((0.9, true))), (3, Some((0.9, false)))]);
        assert_eq!(notes, ["libs/a is of the library common: all members are touched, shop, web"]);
    }
}
