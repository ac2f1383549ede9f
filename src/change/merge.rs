//! One change from what its file states and what its commits show.
//!
//! The file wins, the commits complete it; `--ai-assisted` wins over both. Services are the union, since either source may
//! have forgotten one. What must hold: a contradiction is reported; where two sources differ about experience the lower
//! one counts; nobody's review of an own change is left.

use super::derive::are_one;
use super::facts::{Assisted, Basis, Change, Level, Person, Reviewer, TriState};
use super::provenance::Confidence;
use super::team::Team;
use crate::diagnostic::Diagnostic;
use jiff::Zoned;

/// What is known, by source.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// From the change file; [`Change::default`] without one.
    pub stated: Change,
    /// From the diff and the commits; [`Change::default`] without them.
    pub derived: Change,
    /// From `--ai-assisted`; an explicit `unknown` counts, too.
    pub ai_flag: Option<TriState>,
    /// Who people are.
    pub team: &'a Team,
}

/// The change, and what a reader should know about how it came together.
pub fn merge(parts: Parts<'_>) -> (Change, Vec<Diagnostic>) {
    let Parts { stated, derived, ai_flag, team } = parts;
    let mut notes = Vec::new();
    let ai_evidence = [stated.ai_evidence.clone(), derived.ai_evidence.clone()].concat();
    let also_at = also_at(&stated, &derived, &mut notes);
    let mut change = Change {
        services: services(&stated.services, &derived.services, &mut notes),
        lines: lines(&stated, &derived, &mut notes),
        ai_assisted: assisted(&stated, &derived, ai_flag, &mut notes),
        open_questions: open_questions(&stated, &derived),
        ai_evidence,
        author: author(&stated.author, &derived.author, team, &mut notes),
        co_authors: [stated.co_authors.clone(), derived.co_authors.clone()].concat(),
        reviewers: reviewers(&stated.reviewers, &derived.reviewers, team, &mut notes),
        // What the history shows is asked once the author is known: `history::settle`.
        first_change: stated.first_change.or(derived.first_change),
        new_to: [stated.new_to, derived.new_to].concat(),
        files: [stated.files, derived.files].concat(),
        title: stated.title.or(derived.title),
        kind: stated.kind.or(derived.kind),
        agent_executes: stated.agent_executes.or(derived.agent_executes),
        test_coverage: stated.test_coverage.or(derived.test_coverage),
        simulated: stated.simulated.or(derived.simulated),
        destructive: stated.destructive.or(derived.destructive),
        state_lost: [stated.state_lost, derived.state_lost].concat(),
        rollout: stated.rollout.or(derived.rollout),
        rollback_tested: stated.rollback_tested.or(derived.rollback_tested),
        at_basis: if stated.at.is_some() { Basis::File } else { derived.at_basis },
        also_at,
        at: stated.at.or(derived.at),
        head: derived.head,
    };
    // The author of the commits wrote them, whoever the file names.
    if !derived.author.is_unnamed() && !are_one(&derived.author, &change.author, team) {
        change.co_authors.push(derived.author);
    }
    drop_self_reviews(&mut change, team, &mut notes);
    (change, notes)
}

fn note(code: &'static str, message: String) -> Diagnostic {
    Diagnostic::note(code, message)
}

/// The time that was typed beside a file that states another: the file is used, and neither opens a gate that the other closes.
fn also_at(stated: &Change, derived: &Change, notes: &mut Vec<Diagnostic>) -> Option<Zoned> {
    let typed = derived.at.as_ref().filter(|_| derived.at_basis == Basis::Flag)?;
    let said = stated.at.as_ref().filter(|said| said.timestamp() != typed.timestamp())?;
    notes.push(note(
        "times-differ",
        format!("the change file says that it happens at {said}, `--at` says {typed}: what either forbids is forbidden"),
    ));
    Some(typed.clone())
}

fn services(stated: &[String], derived: &[String], notes: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in stated.iter().chain(derived) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    if stated.is_empty() || derived.is_empty() {
        return all;
    }
    let only_in = |these: &[String], those: &[String]| {
        let missing: Vec<_> = these.iter().filter(|name| !those.contains(name)).map(|name| format!("`{name}`")).collect();
        missing.join(", ")
    };
    let (only_stated, only_derived) = (only_in(stated, derived), only_in(derived, stated));
    if !only_stated.is_empty() {
        notes.push(note("services-differ", format!("the change file lists {only_stated}, where no changed file lies")));
    }
    if !only_derived.is_empty() {
        let message = format!("changed files lie in {only_derived}, which the change file does not list");
        notes.push(Diagnostic::warning("services-differ", message).help("all of them are assessed"));
    }
    all
}

fn lines(stated: &Change, derived: &Change, notes: &mut Vec<Diagnostic>) -> Option<u64> {
    if let (Some(said), Some(counted)) = (stated.lines, derived.lines)
        && said < counted
    {
        notes.push(Diagnostic::warning(
            "lines-differ",
            format!("the change file states {said} lines, the diff has {counted}: the statement is used"),
        ));
    }
    stated.lines.or(derived.lines)
}

/// The file wins, but what a plan shows it does is not talked away: somebody has to look.
fn open_questions(stated: &Change, derived: &Change) -> Vec<String> {
    let mut open = [stated.open_questions.clone(), derived.open_questions.clone()].concat();
    if stated.destructive == TriState::No && derived.destructive == TriState::Yes {
        let whose = if derived.state_lost.is_empty() { "a resource".to_owned() } else { derived.state_lost.join(", ") };
        open.push(format!("the change file says that nothing is destroyed, the Terraform plan destroys state of {whose}"));
    }
    open
}

fn assisted(stated: &Change, derived: &Change, flag: Option<TriState>, notes: &mut Vec<Diagnostic>) -> Assisted {
    let said = match (flag, stated.ai_assisted.answer) {
        (Some(answer), _) => Some(Assisted { answer, basis: Basis::Flag }),
        // A file that says `unknown` knows less than the commits.
        (None, TriState::Unknown) => None,
        (None, answer) => Some(Assisted { answer, basis: Basis::File }),
    };
    let Some(said) = said else { return derived.ai_assisted };
    let who = if said.basis == Basis::Flag { "`--ai-assisted`" } else { "the change file" };
    let against = derived.ai_evidence.iter().filter(|sign| sign.confidence > Confidence::Low);
    if said.answer != TriState::Yes
        && let Some(sign) = against.clone().max_by_key(|sign| sign.confidence)
    {
        let place = sign.place();
        let message = format!(
            "{who} says {} to AI assistance, but {} signs say yes, such as `{}` in {place}",
            said.answer,
            against.count(),
            sign.text
        );
        notes.push(Diagnostic::warning("ai-contradiction", message));
    }
    said
}

fn author(stated: &Person, derived: &Person, team: &Team, notes: &mut Vec<Diagnostic>) -> Person {
    let is_same = stated.is_unnamed() || are_one(stated, derived, team);
    let mut author = stated.clone();
    if is_same {
        author.name = author.name.or_else(|| derived.name.clone());
        author.emails.extend(derived.emails.iter().filter(|email| !stated.emails.contains(email)).cloned());
    } else if !derived.is_unnamed() {
        let name = |person: &Person| person.name.clone().or(person.emails.first().cloned()).unwrap_or_default();
        let message = format!("the change file names {} as author, the commits name {}", name(stated), name(derived));
        notes.push(note("authors-differ", message));
    }
    let elsewhere = team.level(author.name.as_deref(), &author.emails);
    let elsewhere = if is_same && elsewhere == Level::Unknown { derived.level } else { elsewhere };
    author.level = lower(stated.level, elsewhere, author.name.as_deref().unwrap_or("the author"), notes);
    author
}

/// The level of which both sources are sure.
fn lower(stated: Level, elsewhere: Level, who: &str, notes: &mut Vec<Diagnostic>) -> Level {
    match (stated, elsewhere) {
        (Level::Unknown, level) | (level, Level::Unknown) => level,
        (a, b) if a == b => a,
        (a, b) => {
            let level = if a.caution() < b.caution() { a } else { b };
            let message = format!("the change file calls {who} {a}, the team file says {b}: {level} is used");
            notes.push(Diagnostic::warning("levels-differ", message));
            level
        }
    }
}

fn reviewers(stated: &[Reviewer], derived: &[Reviewer], team: &Team, notes: &mut Vec<Diagnostic>) -> Vec<Reviewer> {
    let mut all: Vec<Reviewer> = Vec::new();
    for reviewer in stated {
        let known = team.level(Some(&reviewer.name), &reviewer.emails);
        all.push(Reviewer { level: lower(reviewer.level, known, &reviewer.name, notes), ..reviewer.clone() });
    }
    for reviewer in derived {
        // A review of one service in the file says less than one of the whole change in a commit.
        let is_there = |other: &&mut Reviewer| other.service.is_none() && are_one(&as_person(other), &as_person(reviewer), team);
        match all.iter_mut().find(is_there) {
            Some(other) => other.head = other.head.take().or_else(|| reviewer.head.clone()),
            None => all.push(reviewer.clone()),
        }
    }
    all
}

fn as_person(reviewer: &Reviewer) -> Person {
    Person { name: Some(reviewer.name.clone()), emails: reviewer.emails.clone(), level: reviewer.level }
}

fn drop_self_reviews(change: &mut Change, team: &Team, notes: &mut Vec<Diagnostic>) {
    let writers: Vec<&Person> = std::iter::once(&change.author).chain(&change.co_authors).collect();
    let is_writer = |reviewer: &Reviewer| writers.iter().any(|writer| are_one(writer, &as_person(reviewer), team));
    for reviewer in change.reviewers.iter().filter(|reviewer| is_writer(reviewer)) {
        let message = format!("{} wrote a part of this change: the review does not count", reviewer.name);
        notes.push(Diagnostic::warning("self-review", message));
    }
    let kept = change.reviewers.iter().filter(|reviewer| !is_writer(reviewer)).cloned().collect();
    change.reviewers = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::provenance::{Evidence, Signal};
    use crate::change::team::TeamMember;

    fn person(name: &str, email: &str, level: Level) -> Person {
        Person { name: Some(name.to_owned()), emails: vec![email.to_owned()], level }
    }

    fn reviewer(name: &str, level: Level) -> Reviewer {
        Reviewer { name: name.to_owned(), emails: Vec::new(), level, service: None, head: None, forecast: None }
    }

    fn run(stated: Change, derived: Change, ai_flag: Option<TriState>) -> (Change, String) {
        let kim =
            TeamMember { name: "Kim".to_owned(), emails: vec!["kim@x.org".to_owned()], level: Level::Junior, teams: Vec::new() };
        let team = Team { people: vec![kim] };
        let (change, notes) = merge(Parts { stated, derived, ai_flag, team: &team });
        (change, notes.iter().map(|note| note.code).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_file_wins_and_the_commits_complete() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let stated = Change { services: names(&["a", "b"]), lines: Some(5), simulated: TriState::No, ..Change::default() };
        let derived = Change {
            services: names(&["b", "c"]),
            lines: Some(9),
            simulated: TriState::Yes,
            title: Some("t".to_owned()),
            ..Change::default()
        };
        let (change, notes) = run(stated, derived, None);
        assert_eq!((change.services, change.lines, change.simulated), (names(&["a", "b", "c"]), Some(5), TriState::No));
        assert_eq!((change.title.as_deref(), notes.as_str()), (Some("t"), "services-differ services-differ lines-differ"));
    }

    #[test]
    fn what_a_plan_destroys_is_not_talked_away() {
        let derived = Change { destructive: TriState::Yes, state_lost: vec!["db".to_owned()], ..Change::default() };
        let stated = |destructive| Change { destructive, ..Change::default() };
        let (change, _) = run(stated(TriState::No), derived.clone(), None);
        assert_eq!((change.destructive, change.open_questions.len()), (TriState::No, 1));
        let (change, _) = run(stated(TriState::Unknown), derived, None);
        assert_eq!((change.destructive, change.open_questions.len(), change.state_lost.len()), (TriState::Yes, 0, 1));
    }

    #[test]
    fn the_flag_beats_the_file_and_the_file_the_signs() {
        let (signal, confidence) = (Signal::AssistedBy, Confidence::High);
        let sign = Evidence { signal, commit: "1".to_owned(), confidence, text: "Assisted-by: x".to_owned() };
        let derived = Change {
            ai_assisted: Assisted { answer: TriState::Yes, basis: Basis::Derived },
            ai_evidence: vec![sign],
            ..Change::default()
        };
        for (file, flag, answer, basis, notes) in [
            (TriState::Unknown, None, TriState::Yes, Basis::Derived, ""),
            (TriState::No, None, TriState::No, Basis::File, "ai-contradiction"),
            (TriState::No, Some(TriState::Yes), TriState::Yes, Basis::Flag, ""),
            (TriState::Yes, Some(TriState::Unknown), TriState::Unknown, Basis::Flag, "ai-contradiction"),
        ] {
            let stated = Change { ai_assisted: Assisted { answer: file, basis: Basis::File }, ..Change::default() };
            let (change, found) = run(stated, derived.clone(), flag);
            assert_eq!((change.ai_assisted, found.as_str()), (Assisted { answer, basis }, notes));
        }
    }

    #[test]
    fn experience_is_never_lent_and_never_raised() {
        let lee = person("Lee", "lee@x.org", Level::Senior);
        let derived = Change { author: lee.clone(), ..Change::default() };
        let max = person("Max", "max@x.org", Level::Unknown);
        let (change, notes) = run(Change { author: max, ..Change::default() }, derived.clone(), None);
        assert_eq!((change.author.level, notes.as_str()), (Level::Unknown, "authors-differ"));
        assert_eq!(change.co_authors, [lee]);
        let kim = Person { name: Some("kim".to_owned()), emails: Vec::new(), level: Level::Senior };
        let (change, notes) = run(Change { author: kim, ..Change::default() }, Change::default(), None);
        assert_eq!((change.author.level, notes.as_str()), (Level::Junior, "levels-differ"));
        assert_eq!(run(Change::default(), derived, None).0.author.level, Level::Senior);
    }

    #[test]
    fn nobody_reviews_an_own_change() {
        let stated =
            Change { reviewers: vec![reviewer("KIM", Level::Unknown), reviewer("Ann", Level::Mid)], ..Change::default() };
        let derived = Change {
            author: person("K.", "kim@x.org", Level::Junior),
            reviewers: vec![reviewer("ann", Level::Senior), reviewer("Bo", Level::Unknown)],
            ..Change::default()
        };
        let (change, notes) = run(stated, derived, None);
        let names: Vec<_> = change.reviewers.iter().map(|reviewer| (reviewer.name.as_str(), reviewer.level)).collect();
        assert_eq!(names, [("Ann", Level::Mid), ("Bo", Level::Unknown)]);
        assert_eq!(notes, "self-review");
    }
}
