//! What a code host says about a pull or merge request: GitHub's event file and GitLab's variables.
//!
//! Title, text, who opened it, labels, whether it is a draft, between which commits it lies and how many files it has. Nothing is asked of the
//! host, so no token is needed, also for forks. What must hold: a label is a sign of AI assistance and its absence is none; whoever
//! opened the request does not review it; fewer files than the host counts leave an open question.

use super::derive::are_one;
use super::facts::{Assisted, Basis, Change, Level, Person, TriState};
use super::identities::{is_machine, login, mentions_tool, tool};
use super::provenance::{Confidence, Evidence, Signal, answer, in_text};
use super::team::Team;
use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, Format, Node, Scalar, Value};

/// A request as its host describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// What people call it, such as `pull request 7`.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// Who opened it: account and address.
    pub author: Option<(String, String)>,
    /// Whether a program opened it.
    pub is_program: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its text.
    pub body: Option<String>,
    /// Whether it is not meant to be merged yet.
    pub is_draft: bool,
    /// The commit that it goes to.
    pub base: Option<String>,
    /// The last commit of it.
    pub head: Option<String>,
    /// How many files the host counts.
    pub n_files: Option<u64>,
    /// How to get its commits where they are missing.
    pub fetch: Option<String>,
}

/// Labels that say that an AI tool wrote it, once spaces and the like are `-`.
const AI_LABELS: &[&str] =
    &["ai", "ai-assisted", "ai-authored", "ai-generated", "generated-by-ai", "llm", "llm-assisted", "llm-generated"];

/// Reads the payload of GitHub's `pull_request` events (`GITHUB_EVENT_PATH`).
///
/// # Errors
/// For a text that is none, with the place.
///
/// # Panics
/// When `id` is not of `sources`.
pub fn read_event(sources: &Sources, id: SourceId) -> Result<Request, Vec<Diagnostic>> {
    const EXPECTED: &str = "expected the event file of a `pull_request` workflow, whose path is in GITHUB_EVENT_PATH";
    let root = document::parse(sources, id, Format::Json)?;
    let is_table = |node: &&Node| matches!(node.value, Value::Table(_));
    let Some(request) = root.entry("pull_request").map(|(_, node)| node).filter(is_table) else {
        let known = ["push", "workflow_run", "schedule"].join(", ");
        let problem = Diagnostic::error("no-pull-request", "this event has no `pull_request`").at(root.anchor(), "");
        return Err(vec![problem.help(format!("{EXPECTED}; events such as {known} carry no request"))]);
    };
    let text = |path: &[&str]| request.at(path).and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
    let missing = |path: &[&str]| {
        let message = format!("`pull_request` has no `{}`", path.join("."));
        vec![Diagnostic::error("no-pull-request", message).at(request.anchor(), "").help(EXPECTED)]
    };
    let sha = |path: &[&str]| match text(path) {
        Some(hash) if is_hash(&hash) => Ok(hash),
        _ => Err(missing(path)),
    };
    let number = |path: &[&str]| match request.at(path).and_then(Node::scalar) {
        Some(Scalar::Integer(value)) => u64::try_from(value).ok(),
        _ => None,
    };
    let account = number(&["user", "id"]);
    let author = text(&["user", "login"]).map(|login| {
        let account = account.map(|account| format!("{account}+")).unwrap_or_default();
        let email = format!("{account}{login}@users.noreply.github.com");
        (login, email)
    });
    let labels = request.entry("labels").map_or(&[][..], |(_, list)| list.items());
    let name = number(&["number"]).map_or_else(|| "the pull request".to_owned(), |number| format!("pull request {number}"));
    Ok(Request {
        name,
        title: text(&["title"]),
        author,
        is_program: text(&["user", "type"]).as_deref() == Some("Bot"),
        labels: labels.iter().filter_map(|label| label.at(&["name"])?.text()).map(str::to_owned).collect(),
        body: text(&["body"]),
        is_draft: matches!(request.at(&["draft"]).map(|node| &node.value), Some(Value::Bool(true))),
        base: Some(sha(&["base", "sha"])?),
        head: Some(sha(&["head", "sha"])?),
        n_files: number(&["changed_files"]),
        fetch: number(&["number"]).map(|number| format!("git fetch origin pull/{number}/head")),
    })
}

/// Takes the variables of a merge request pipeline of GitLab. Who opened the request is in none of them.
///
/// # Errors
/// Where this is no such pipeline.
pub fn from_gitlab(variable: impl Fn(&str) -> Option<String>) -> Result<Request, Diagnostic> {
    let value = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(number) = value("CI_MERGE_REQUEST_IID") else {
        let problem = Diagnostic::error("no-merge-request", "CI_MERGE_REQUEST_IID is not set: this is no merge request pipeline");
        return Err(problem.help("run the job with `rules: [{if: $CI_PIPELINE_SOURCE == \"merge_request_event\"}]`"));
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Diagnostic::error("no-merge-request", "CI_MERGE_REQUEST_IID is no number"));
    }
    let Some(base) = value("CI_MERGE_REQUEST_DIFF_BASE_SHA").filter(|hash| is_hash(hash)) else {
        return Err(Diagnostic::error("no-merge-request", "CI_MERGE_REQUEST_DIFF_BASE_SHA is no commit"));
    };
    let title = value("CI_MERGE_REQUEST_TITLE");
    // In pipelines for merged results CI_COMMIT_SHA is a merge that nobody wrote; in others the branch has no variable of its own.
    let head = value("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| value("CI_COMMIT_SHA")).filter(|hash| is_hash(hash));
    let is_marked = title.as_ref().is_some_and(|title| title.to_lowercase().starts_with("draft:"));
    let labels = value("CI_MERGE_REQUEST_LABELS").unwrap_or_default();
    Ok(Request {
        name: format!("merge request {number}"),
        title,
        author: None,
        is_program: false,
        labels: labels.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        body: value("CI_MERGE_REQUEST_DESCRIPTION"),
        is_draft: is_marked || value("CI_MERGE_REQUEST_DRAFT").as_deref() == Some("true"),
        base: Some(base),
        head,
        n_files: None,
        fetch: Some(format!("git fetch origin refs/merge-requests/{number}/head")),
    })
}

fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Request {
    /// Adds what the host says to what the commits or a diff of the same change show; gives notes.
    pub fn join(self, change: &mut Change, team: &Team) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_draft {
            notes.push(format!("{} is a draft", self.name));
        }
        let seen = change.files.len() as u64;
        match self.n_files {
            Some(counted) if counted > seen && seen > 0 => change.open_questions.push(format!(
                "{} has {counted} changed files, of which {seen} were seen: fetch the whole history, and its last commit",
                self.name
            )),
            Some(counted) if counted < seen => {
                notes.push(format!("{} has {counted} changed files, {seen} were seen: all of them are assessed", self.name));
            }
            _ => {}
        }
        change.ai_evidence.extend(self.signs());
        if change.ai_assisted.answer == TriState::Unknown && answer(&change.ai_evidence) == TriState::Yes {
            change.ai_assisted = Assisted { answer: TriState::Yes, basis: Basis::Derived };
        }
        if let Some((account, email)) = &self.author {
            author(account, email, self.is_program, change, team);
        }
        change.title = self.title.or(change.title.take());
        notes
    }

    /// Signs that an AI tool helped.
    fn signs(&self) -> Vec<Evidence> {
        let sign = |signal, confidence, text| Evidence { signal, commit: String::new(), confidence, text };
        let mut signs = Vec::new();
        if let Some((account, email)) = &self.author
            && let Some((_, confidence)) = tool(account, email)
        {
            signs.push(sign(Signal::RequestAuthor, confidence, account.clone()));
        }
        for label in &self.labels {
            let plain: Vec<&str> = label.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            let plain = plain.join("-").to_lowercase();
            if AI_LABELS.contains(&plain.as_str()) {
                signs.push(sign(Signal::Label, Confidence::Medium, label.clone()));
            } else if mentions_tool(label) {
                // A label may well name what the change is about.
                signs.push(sign(Signal::Label, Confidence::Low, label.clone()));
            }
        }
        let said = in_text(self.body.as_deref().unwrap_or_default());
        signs.extend(said.into_iter().map(|(signal, confidence, text)| sign(signal, confidence, text)));
        signs
    }
}

/// Whoever opened the request wrote it, too: as its author where nobody else is known or nobody less experienced is.
fn author(account: &str, email: &str, is_program: bool, change: &mut Change, team: &Team) {
    let emails = vec![email.to_owned()];
    let is_program = is_program || is_machine(account, email);
    let level = if is_program { Level::Unknown } else { team.level(Some(account), &emails) };
    let opener = Person { name: Some(account.to_owned()), emails, level };
    let same_account =
        |person: &Person| person.emails.iter().any(|email| login(email).is_some_and(|known| known.eq_ignore_ascii_case(account)));
    let is_same = |person: &Person| same_account(person) || are_one(person, &opener, team);
    let known = std::iter::once(&mut change.author).chain(&mut change.co_authors).find(|person| is_same(person));
    if let Some(person) = known {
        if !person.emails.contains(&opener.emails[0]) {
            person.emails.extend(opener.emails);
        }
    } else if change.author.is_unnamed() {
        change.author = opener;
    } else if is_program {
        // The people who wrote the commits stand behind it.
    } else if opener.level != Level::Unknown && opener.level.caution() < change.author.level.caution() {
        change.co_authors.push(std::mem::replace(&mut change.author, opener));
    } else {
        change.co_authors.push(opener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::team::TeamMember;

    fn read(text: &str) -> Result<Request, Vec<Diagnostic>> {
        let mut sources = Sources::default();
        let id = sources.add("event.json", text);
        read_event(&sources, id)
    }

    fn team() -> Team {
        let member = |name: &str, email: &str, level| TeamMember {
            name: name.to_owned(),
            emails: vec![email.to_owned()],
            level,
            teams: Vec::new(),
        };
        Team {
            people: vec![
                member("Kim", "12+kim@users.noreply.github.com", Level::Junior),
                member("lee", "lee@x.org", Level::Senior),
            ],
        }
    }

    fn opened_by(login: &str) -> Request {
        let email = format!("12+{login}@users.noreply.github.com");
        Request { author: Some((login.to_owned(), email)), ..Request::default() }
    }

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn an_event_is_read() {
        let text = format!(
            r#"{{"action": "opened", "pull_request": {{"number": 7, "title": "Newer", "draft": true, "changed_files": 3,
                "user": {{"login": "kim", "id": 12, "type": "User"}}, "labels": [{{"name": "AI: assisted"}}, {{}}],
                "base": {{"sha": "{HASH}"}}, "head": {{"sha": "{HASH}", "repo": null}}}}}}"#
        );
        let request = read(&text).expect("an event");
        assert_eq!(
            (request.name.as_str(), request.title.as_deref(), request.n_files),
            ("pull request 7", Some("Newer"), Some(3))
        );
        assert_eq!(request.author, Some(("kim".to_owned(), "12+kim@users.noreply.github.com".to_owned())));
        assert!(request.is_draft && !request.is_program);
        assert_eq!(request.fetch.as_deref(), Some("git fetch origin pull/7/head"));
        let mut change = Change::default();
        let notes = request.join(&mut change, &team());
        assert_eq!((change.author.level, change.ai_assisted.answer), (Level::Junior, TriState::Yes));
        assert_eq!(notes, ["pull request 7 is a draft"]);
    }

    #[test]
    fn other_events_and_broken_ones_are_errors_with_their_place() {
        for (text, message, at) in [
            (r#"{"ref": "refs/heads/main"}"#, "no `pull_request`", 1),
            (r#"{"pull_request": {"base": {"sha": "-x"}}}"#, "no `base.sha`", 18),
            (r#"{"pull_request": {"base": {"sha": "0123456789"}, "head": {}}}"#, "no `head.sha`", 18),
            (r#"{"pull_request": 1}"#, "no `pull_request`", 1),
            ("{", "expected", 1),
        ] {
            let errors = read(text).expect_err(text);
            assert!(errors[0].message.contains(message), "{text}: {}", errors[0].message);
            assert_eq!(errors[0].labels[0].span.start, at, "{text}");
        }
    }

    #[test]
    fn variables_of_gitlab_are_read() {
        let with = |more: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                let known = [("CI_MERGE_REQUEST_IID", "5"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", HASH), ("CI_COMMIT_SHA", HASH)];
                let found = more.iter().chain(&known).find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            }
        };
        let request = from_gitlab(with(&[
            ("CI_MERGE_REQUEST_LABELS", "backend,ai-generated"),
            ("CI_MERGE_REQUEST_TITLE", "Draft: x"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", ""),
        ]));
        let request = request.expect("a merge request");
        assert_eq!((request.labels.len(), request.is_draft, request.head.as_deref()), (2, true, Some(HASH)));
        assert!(from_gitlab(|_| None).is_err());
        assert!(from_gitlab(with(&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", "--x")])).is_err());
    }

    #[test]
    fn labels_are_signs_by_what_they_say() {
        for (label, expected) in [
            ("ai-assisted", TriState::Yes),
            ("AI generated", TriState::Yes),
            ("AI/LLM", TriState::Unknown),
            ("Copilot", TriState::Unknown),
            ("no-ai", TriState::Unknown),
            ("email", TriState::Unknown),
        ] {
            let mut change = Change::default();
            Request { labels: vec![label.to_owned()], ..Request::default() }.join(&mut change, &Team::default());
            assert_eq!(change.ai_assisted.answer, expected, "{label}");
        }
        let mut change = Change::default();
        let devin = ("devin-ai-integration[bot]".to_owned(), "158243242+x@users.noreply.github.com".to_owned());
        Request { author: Some(devin), is_program: true, ..Request::default() }.join(&mut change, &Team::default());
        assert_eq!((change.ai_assisted.answer, change.author.level), (TriState::Yes, Level::Unknown));
    }

    #[test]
    fn who_opened_it_is_one_of_its_authors() {
        let lee = Person { name: Some("Lee".to_owned()), emails: vec!["lee@x.org".to_owned()], level: Level::Senior };
        let by_lee = || Change { author: lee.clone(), ..Change::default() };
        for (login, author, co_authors) in
            [("kim", "kim", 1), ("lee", "Lee", 0), ("max", "Lee", 1), ("dependabot[bot]", "Lee", 0)]
        {
            let mut change = by_lee();
            opened_by(login).join(&mut change, &team());
            assert_eq!((change.author.name.as_deref(), change.co_authors.len()), (Some(author), co_authors), "{login}");
        }
    }

    #[test]
    fn files_that_were_not_seen_leave_a_question() {
        use crate::change::files::{ChangedFile, Content, Status};
        let file = |path: &str| ChangedFile {
            old_path: None,
            new_path: Some(path.to_owned()),
            status: Status::Added,
            content: Content::Text,
            added: 1,
            deleted: 0,
            hunks: Vec::new(),
            parts: Vec::new(),
        };
        for (n_files, questions, notes) in [(Some(3), 1, 0), (Some(2), 0, 0), (Some(1), 0, 1), (None, 0, 0)] {
            let mut change = Change { files: vec![file("a"), file("b")], ..Change::default() };
            let said = Request { n_files, ..Request::default() }.join(&mut change, &Team::default());
            assert_eq!((change.open_questions.len(), said.len()), (questions, notes), "{n_files:?}");
        }
    }
}
