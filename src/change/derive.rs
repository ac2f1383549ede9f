//! Facts about a change from its commits and files.
//!
//! The author is the least experienced of the people who wrote commits, since the least experienced hand decides how much
//! care is due; programs are passed over while there are people. Kind, roll-out, tests and the like stay unknown: nothing
//! in a repository tells them surely.

use super::commits::{Commit, Identity};
use super::facts::{Assisted, Basis, Change, Level, Person, Reviewer, TriState};
use super::files::{ChangedFile, Content};
use super::identities::is_machine;
use super::provenance::{answer, assistance};
use super::team::Team;
use super::trailers::{person, trailers};

/// Lines of a change that count as neither small nor large (model.md §3.1).
pub const TYPICAL_LINES: u64 = 100;

/// What git knows.
#[derive(Debug, Clone)]
pub struct Material<'a> {
    /// The commits, newest first.
    pub commits: &'a [Commit],
    /// The files that differ between base and head.
    pub files: Vec<ChangedFile>,
    /// Who people are.
    pub team: &'a Team,
}

/// The facts that follow. Services are added by the caller, who has the topology.
pub fn derive(material: Material<'_>) -> Change {
    let Material { commits, files, team } = material;
    let mut authors = authors(commits, team);
    let first = (0..authors.len()).min_by_key(|index| (authors[*index].level.caution(), *index));
    let author = first.map(|index| authors.remove(index)).unwrap_or_default();
    let mut co_authors = authors;
    for co_author in trailer_people(commits, &["Co-authored-by", "Co-developed-by"], team) {
        if !known(&co_author, std::slice::from_ref(&author), team) && !known(&co_author, &co_authors, team) {
            co_authors.push(co_author);
        }
    }
    let ai_evidence = assistance(commits);
    let ai_assisted = match answer(&ai_evidence) {
        TriState::Unknown => Assisted::default(),
        answer => Assisted { answer, basis: Basis::Derived },
    };
    Change {
        title: commits.iter().find(|commit| !commit.is_merge()).or(commits.first()).map(|commit| commit.title().to_owned()),
        lines: lines(&files),
        files,
        ai_assisted,
        ai_evidence,
        author,
        co_authors,
        reviewers: reviewers(commits, team),
        at: commits.first().and_then(|commit| commit.time.clone()),
        at_basis: Basis::Derived,
        head: commits.first().map(|commit| commit.hash.clone()),
        ..Change::default()
    }
}

/// Added and deleted lines. Nobody knows how many a binary file or another repository stands for, so with one of them few lines say
/// nothing.
fn lines(files: &[ChangedFile]) -> Option<u64> {
    let sum = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.lines()));
    let is_counted = files.iter().all(|file| file.content == Content::Text);
    (is_counted || sum >= TYPICAL_LINES).then_some(sum)
}

/// The people who wrote commits, newest first; a program only where there is nobody else.
fn authors(commits: &[Commit], team: &Team) -> Vec<Person> {
    let has_work = commits.iter().any(|commit| !commit.is_merge());
    let work = || commits.iter().filter(|commit| !(has_work && commit.is_merge())).map(|commit| &commit.author);
    let is_person = |identity: &&Identity| !is_machine(&identity.name, &identity.email);
    let mut people = Vec::new();
    for identity in work().filter(is_person) {
        add(&mut people, Some(&identity.name), Some(&identity.email), team);
    }
    if people.is_empty()
        && let Some(program) = work().next()
    {
        // Even where the team lists it: a program has no experience that counts.
        let emails = vec![program.email.clone()];
        people.push(Person { name: Some(program.name.clone()), emails, level: Level::Unknown });
    }
    people
}

fn trailer_people(commits: &[Commit], keys: &[&str], team: &Team) -> Vec<Person> {
    let mut people = Vec::new();
    for trailer in commits.iter().flat_map(|commit| trailers(&commit.message)) {
        if !keys.iter().any(|key| trailer.has_key(key)) {
            continue;
        }
        let (name, email) = person(&trailer.value);
        if !is_machine(name.unwrap_or_default(), email.unwrap_or_default()) {
            add(&mut people, name, email, team);
        }
    }
    people
}

/// Who says in a commit to have reviewed it; newest first. A line in a commit speaks for that commit and what was before it.
fn reviewers(commits: &[Commit], team: &Team) -> Vec<Reviewer> {
    let mut all: Vec<Reviewer> = Vec::new();
    let mut people: Vec<Person> = Vec::new();
    for commit in commits {
        for person in trailer_people(std::slice::from_ref(commit), &["Reviewed-by", "Acked-by"], team) {
            if known(&person, &people, team) {
                continue;
            }
            people.push(person.clone());
            let name = person.name.or_else(|| person.emails.first().cloned()).unwrap_or_default();
            let head = Some(commit.hash.clone());
            all.push(Reviewer { name, emails: person.emails, level: person.level, head, service: None, forecast: None });
        }
    }
    all
}

/// Adds a person, or an address to a person who is there.
fn add(people: &mut Vec<Person>, name: Option<&str>, email: Option<&str>, team: &Team) {
    let filled = |text: &str| !text.trim().is_empty();
    let name = name.filter(|name| filled(name)).map(str::to_owned);
    let emails: Vec<String> = email.filter(|email| filled(email)).map(str::to_owned).into_iter().collect();
    let person = Person { level: team.level(name.as_deref(), &emails), name, emails };
    if person.is_unnamed() {
        return;
    }
    match people.iter_mut().find(|other| are_one(other, &person, team)) {
        Some(other) => {
            // One person under two addresses of which the team knows one.
            if other.level == Level::Unknown {
                other.level = person.level;
            }
            for email in person.emails {
                if !other.emails.contains(&email) {
                    other.emails.push(email);
                }
            }
        }
        None => people.push(person),
    }
}

fn known(person: &Person, people: &[Person], team: &Team) -> bool {
    people.iter().any(|other| are_one(other, person, team))
}

/// Whether two names mean one person: by name, by address, or as the same member of the team.
pub fn are_one(a: &Person, b: &Person, team: &Team) -> bool {
    let member = |person: &Person| team.find(person.name.as_deref(), &person.emails).map(std::ptr::from_ref);
    a.is(b.name.as_deref(), &b.emails) || member(a).is_some_and(|member_a| member(b) == Some(member_a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::team::TeamMember;

    fn commit(author: (&str, &str), message: &str) -> Commit {
        let author = Identity { name: author.0.to_owned(), email: author.1.to_owned() };
        let hash = "1".repeat(40);
        Commit {
            hash,
            parents: Vec::new(),
            committer: author.clone(),
            author,
            time: None,
            message: message.to_owned(),
            note: None,
        }
    }

    fn team() -> Team {
        let member = |name: &str, emails: &[&str], level| TeamMember {
            name: name.to_owned(),
            emails: emails.iter().map(|&email| email.to_owned()).collect(),
            level,
            teams: Vec::new(),
        };
        let people =
            vec![member("Lee", &["lee@x.org"], Level::Senior), member("Kim", &["kim@x.org", "kim@home.org"], Level::Mid)];
        Team { people }
    }

    #[test]
    fn the_least_experienced_person_is_the_author() {
        let commits = [
            commit(
                ("Lee", "lee@x.org"),
                "newest\n\nReviewed-by: Kim <kim@x.org>\nAcked-by: Max <max@x.org>\nReviewed-by: max@x.org\n",
            ),
            commit(("K.", "kim@home.org"), "older\n\nCo-authored-by: Kim <kim@x.org>\nCo-authored-by: Ann <ann@x.org>\n"),
            commit(("Claude", "noreply@anthropic.com"), "oldest"),
        ];
        let change = derive(Material { commits: &commits, files: Vec::new(), team: &team() });
        assert_eq!((change.author.name.as_deref(), change.author.level), (Some("K."), Level::Mid));
        let names = |people: &[Person]| people.iter().filter_map(|person| person.name.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(&change.co_authors), "Lee Ann");
        assert_eq!(
            change.reviewers.iter().map(|r| (r.name.as_str(), r.level)).collect::<Vec<_>>(),
            [("Kim", Level::Mid), ("Max", Level::Unknown)]
        );
        assert_eq!(change.title.as_deref(), Some("newest"));
        assert_eq!(change.ai_assisted, Assisted { answer: TriState::Yes, basis: Basis::Derived });
    }

    #[test]
    fn a_program_is_author_only_alone_and_without_level() {
        let commits = [commit(("Claude", "noreply@anthropic.com"), "t")];
        let mut team = team();
        team.people[0].emails.push("noreply@anthropic.com".to_owned());
        let change = derive(Material { commits: &commits, files: Vec::new(), team: &team });
        assert_eq!((change.author.name.as_deref(), change.author.level), (Some("Claude"), Level::Unknown));
        let nothing = derive(Material { commits: &[], files: Vec::new(), team: &team });
        assert!(nothing.author.is_unnamed() && nothing.ai_assisted == Assisted::default());
    }
}
