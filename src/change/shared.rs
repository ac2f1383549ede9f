//! Files that touch more than one service: lock files, which pin what a whole directory is built from, and shared libraries.
//!
//! A lock file touches every service of which a glob may fit something below its directory; at the top these are all with `paths`. A file
//! that fits a glob of a group touches all members; that is done by giving each member the glob, and is only told here. What must
//! hold: nobody looks into a lock file, so nobody is left out; the notes say what was done, since it may be more than was meant.

use super::files::ChangedFile;
use super::paths::{Mapping, PathRule, TERRAFORM};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is, such as `library`; may be empty.
    pub kind: &'a str,
    /// Its globs.
    pub paths: &'a [String],
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
            for service in &services {
                mapping.land(service, path, file.lines());
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

/// Says which changed files belong to groups, and so to all their members.
pub fn shared_notes(mapping: &Mapping, groups: &[Shared<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for group in groups {
        let Some((first, rest)) = group.members.split_first() else { continue };
        let touched =
            |member: &str, path: &String| mapping.by_service.get(member).is_some_and(|files| files.paths.contains(path));
        let paths = mapping.by_service.get(*first).map_or(&[][..], |files| &files.paths);
        let fits = |path: &str| super::paths::fits_any(group.paths, path);
        let common: Vec<&str> = paths
            .iter()
            .filter(|path| rest.iter().all(|member| touched(member, path)) && fits(path))
            .map(String::as_str)
            .collect();
        if !common.is_empty() {
            let (verb, kind) =
                (if common.len() == 1 { "is" } else { "are" }, if group.kind.is_empty() { "group" } else { group.kind });
            let members = named(&group.members);
            notes.push(format!("{} {verb} of the {kind} {}: all members are touched, {members}", named(&common), group.name));
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
            assert!(mapping.by_service.values().all(|touched| touched.paths.len() == 1 && touched.lines == 3), "{mapping:?}");
            assert_eq!(notes.len(), usize::from(locked_directory(path).is_some()), "{path}");
        }
        let note = "services/package-lock.json pins what is built in its directory and below: it touches ads, shop, web";
        assert_eq!(services("services/package-lock.json").2, [note]);
    }

    #[test]
    fn files_of_a_group_are_told() {
        let paths = ["libs/**".to_owned()];
        let group = Shared { name: "common", kind: "library", paths: &paths, members: vec!["shop", "web"] };
        let rules: Vec<PathRule<'_>> = group
            .members
            .iter()
            .map(|service| PathRule { glob: "libs/**", service })
            .chain([PathRule { glob: "libs/web/**", service: "web" }])
            .collect();
        let mapping = map_files(&rules, &[file("libs/a"), file("libs/web/b")]).expect("good globs");
        assert_eq!(mapping.services_of("libs/a"), ["shop", "web"]);
        assert_eq!(mapping.services_of("libs/web/b"), ["web"]);
        let notes = shared_notes(&mapping, &[group]);
        assert_eq!(notes, ["libs/a is of the library common: all members are touched, shop, web"]);
    }
}
