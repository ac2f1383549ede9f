//! Whether the author of a change never changed a component before, from what a repository keeps.
//!
//! The components of a change are the services in which its own files lie. It is a first change where for one of them no commit of the
//! author before the change touched a file of it; who is one author is decided as for a change itself, by name, address and team. What
//! must hold: an absence counts only where the whole history was seen, else it is unknown; where nobody could tell (a program as author,
//! a service without `paths`, files that several services share) it is unknown, too; a change file that denies what the history
//! shows is not believed.

use super::commits::Commit;
use super::derive::are_one;
use super::facts::{Change, Level, Person, TriState};
use super::identities::is_machine;
use super::team::Team;
use std::collections::BTreeSet;

/// What an author did before a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Services whose files the author touched.
    pub services: BTreeSet<String>,
    /// Whether that is all of it: no part of the history was missing or left out.
    pub is_complete: bool,
}

/// The commits that a person wrote, in the order given; none of a program. O(commits).
pub fn commits_by<'a>(author: &Person, commits: &'a [Commit], team: &Team) -> Vec<&'a Commit> {
    let wrote = |commit: &&Commit| {
        let identity = &commit.author;
        let emails = vec![identity.email.clone()];
        let person = Person { name: Some(identity.name.clone()), emails, level: Level::Unknown };
        !is_machine(&identity.name, &identity.email) && are_one(author, &person, team)
    };
    if is_unknown(author) { Vec::new() } else { commits.iter().filter(wrote).collect() }
}

/// Whether nobody, or no person, is known to have written a change.
pub fn is_unknown(author: &Person) -> bool {
    let name = author.name.as_deref().unwrap_or_default();
    author.is_unnamed() || is_machine(name, "") || author.emails.iter().any(|email| is_machine(name, email))
}

/// Whether a change is a first one in some component, and in which; `components` are the services with whether their files are known.
pub fn first_change(components: &[(&str, bool)], past: &Past) -> (TriState, Vec<String>) {
    let untouched = |name: &str| !past.services.contains(name);
    let is_new = |(name, is_known): &&(&str, bool)| past.is_complete && *is_known && untouched(name);
    let new: Vec<String> = components.iter().filter(is_new).map(|(name, _)| (*name).to_owned()).collect();
    let answer = match new.is_empty() {
        false => TriState::Yes,
        true if components.is_empty() || components.iter().any(|(name, _)| untouched(name)) => TriState::Unknown,
        true => TriState::No,
    };
    (answer, new)
}

/// Puts what the history shows into a change; a sentence where the change file says otherwise.
pub fn settle(change: &mut Change, (answer, new_to): (TriState, Vec<String>)) -> Option<String> {
    let stated = change.first_change;
    change.first_change = if answer == TriState::Yes { answer } else { stated.or(answer) };
    let denied = stated == TriState::No && answer == TriState::Yes;
    let note = denied.then(|| {
        format!(
            "the change file says that it is no first change, but no commit of its author before it touches {}: it counts as one",
            new_to.join(", ")
        )
    });
    change.new_to = new_to;
    note
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::commits::Identity;
    use crate::change::team::TeamMember;

    fn past(services: &[&str], is_complete: bool) -> Past {
        Past { services: services.iter().map(|&name| name.to_owned()).collect(), is_complete }
    }

    #[test]
    fn a_first_change_is_first_in_one_component() {
        use TriState::{No, Unknown, Yes};
        for (components, touched, is_complete, expected, new_to) in [
            (&[("a", true)][..], &["a"][..], true, No, &[][..]),
            (&[("a", true)], &["a"], false, No, &[]),
            (&[("a", true)], &["b"], true, Yes, &["a"]),
            (&[("a", true)], &["b"], false, Unknown, &[]),
            (&[("a", true), ("b", true)], &["a"], true, Yes, &["b"]),
            (&[("a", true), ("b", true)], &["a"], false, Unknown, &[]),
            (&[("a", true), ("b", false)], &["a"], true, Unknown, &[]),
            (&[("a", true), ("b", false)], &[], true, Yes, &["a"]),
            (&[], &["a"], true, Unknown, &[]),
        ] {
            let found = first_change(components, &past(touched, is_complete));
            assert_eq!(found, (expected, new_to.iter().map(|&name| name.to_owned()).collect()), "{components:?} {touched:?}");
        }
    }

    #[test]
    fn a_file_may_only_add_care_to_what_history_shows() {
        use TriState::{No, Unknown, Yes};
        for (stated, shown, expected, notes) in [
            (Unknown, Yes, Yes, 0),
            (Unknown, No, No, 0),
            (Unknown, Unknown, Unknown, 0),
            (Yes, No, Yes, 0),
            (Yes, Unknown, Yes, 0),
            (No, Unknown, No, 0),
            (No, Yes, Yes, 1),
        ] {
            let mut change = Change { first_change: stated, ..Change::default() };
            let note = settle(&mut change, (shown, vec!["a".to_owned()]));
            assert_eq!((change.first_change, usize::from(note.is_some())), (expected, notes), "{stated} {shown}");
        }
    }

    #[test]
    fn commits_are_told_apart_by_name_address_and_team() {
        let commit = |name: &str, email: &str| Commit {
            hash: "0".repeat(40),
            parents: Vec::new(),
            author: Identity { name: name.to_owned(), email: email.to_owned() },
            committer: Identity::default(),
            time: None,
            message: String::new(),
            note: None,
        };
        let member = |name: &str, emails: [&str; 2]| TeamMember {
            name: name.to_owned(),
            emails: emails.map(str::to_owned).to_vec(),
            level: Level::Mid,
            teams: Vec::new(),
        };
        let team = Team { people: vec![member("Kim", ["kim@x.org", "k@home.org"])] };
        let commits = [
            commit("Lee", "lee@x.org"),
            commit("K.", "k@home.org"),
            commit("KIM", "kim@other.org"),
            commit("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
        ];
        let person = |name: &str, email: &str| Person {
            name: Some(name.to_owned()),
            emails: vec![email.to_owned()],
            level: Level::Unknown,
        };
        let of =
            |author: &Person| commits_by(author, &commits, &team).iter().map(|one| one.author.name.as_str()).collect::<Vec<_>>();
        assert_eq!(of(&person("Kim", "kim@x.org")), ["K.", "KIM"]);
        assert_eq!(of(&person("Lee", "l@x.org")), ["Lee"]);
        assert!(of(&person("Ann", "ann@x.org")).is_empty());
        // A program remembers nothing.
        assert!(of(&person("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com")).is_empty());
        assert!(is_unknown(&Person::default()) && !is_unknown(&person("Ann", "ann@x.org")));
    }
}
