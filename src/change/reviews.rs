//! Who approved a pull or merge request, as its host tells: the list of reviews of GitHub, the approvals of GitLab.
//!
//! GitHub (`GET /repos/{owner}/{repo}/pulls/{number}/reviews`) gives every review with its state and commit, the oldest first. Of each
//! person the last one that says yes or no counts; comments say neither. GitLab (`GET /projects/{id}/merge_requests/{iid}/approvals`)
//! names no commit. Where it tells when somebody approved (`approved_at`), and the versions of the request (`…/versions`) are put beside
//! it as `versions`, the approval is for the version that was the newest then; else nobody knows what was approved.
//!
//! What must hold: an approval without a commit does not count, and neither does one of a program or of a stranger, and each is said;
//! whoever asks for changes, or whose approval was dismissed, has not approved, whatever the commits say.

use super::derive::are_one;
use super::facts::{Change, Person, Reviewer};
use super::identities::is_machine;
use super::team::Team;
use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, Format, Node, Scalar, Value};
use jiff::Timestamp;

/// What one account says in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// The account.
    pub account: String,
    /// The address that the host makes up for it.
    pub email: String,
    /// Whether it belongs to a program.
    pub is_program: bool,
    /// Whether the host calls it a member; a stranger may review on a public repository.
    pub is_member: bool,
    /// Whether it opened the request, where the host tells.
    pub is_author: bool,
    /// Whether it approves.
    pub approves: bool,
    /// What was looked at, where the host tells.
    pub commit: Option<String>,
}

/// Words of GitHub for who may write.
const MEMBERS: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

const EXPECTED: &str = "expected the reviews of a pull request on GitHub (a list), or the approvals of a merge request on GitLab";

/// Reads what the host answered.
///
/// # Errors
/// All places that cannot be understood.
///
/// # Panics
/// When `id` is not of `sources`.
pub fn read_reviews(sources: &Sources, id: SourceId) -> Result<Vec<Opinion>, Vec<Diagnostic>> {
    let root = document::parse(sources, id, Format::Json)?;
    match &root.value {
        Value::Sequence(list) => of_github(list),
        Value::Table(_) if root.entry("approved_by").is_some() => of_gitlab(&root),
        _ => Err(vec![Diagnostic::error("no-reviews", "these are no reviews").at(root.anchor(), "").help(EXPECTED)]),
    }
}

fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    node.at(path).and_then(Node::text).filter(|text| !text.is_empty())
}

fn number(node: &Node, path: &[&str]) -> Option<i64> {
    match node.at(path).and_then(Node::scalar) {
        Some(Scalar::Integer(value)) => Some(value),
        _ => None,
    }
}

fn wrong(node: &Node, message: &str) -> Diagnostic {
    Diagnostic::error("bad-review", message).at(node.anchor(), "").help(EXPECTED)
}

fn of_github(list: &[Node]) -> Result<Vec<Opinion>, Vec<Diagnostic>> {
    let (mut opinions, mut problems): (Vec<Opinion>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    // The last word counts, in whatever order a file was put together; what has no time stays where it is.
    let mut list: Vec<&Node> = list.iter().collect();
    let time = |node: &Node| text(node, &["submitted_at"]).and_then(|time| time.parse::<Timestamp>().ok());
    if list.iter().all(|node| time(node).is_some()) {
        list.sort_by_key(|node| time(node));
    }
    for node in list {
        let (Some(state), Some(user)) = (text(node, &["state"]), node.at(&["user"])) else {
            problems.push(wrong(node, "a review has no `state` or no `user`"));
            continue;
        };
        // An account that is gone cannot be asked who it was.
        if user.is_null() || matches!(state, "COMMENTED" | "PENDING") {
            continue;
        }
        let Some(account) = text(user, &["login"]) else {
            problems.push(wrong(user, "the `user` of a review has no `login`"));
            continue;
        };
        let id = number(user, &["id"]).map(|id| format!("{id}+")).unwrap_or_default();
        let email = format!("{id}{account}@users.noreply.github.com");
        let opinion = Opinion {
            account: account.to_owned(),
            is_program: text(user, &["type"]) == Some("Bot") || is_machine(account, &email),
            is_member: text(node, &["author_association"]).is_some_and(|word| MEMBERS.contains(&word)),
            // GitHub lets nobody approve an own request, and the event names who opened it.
            is_author: false,
            // A state that is not known is no approval.
            approves: state == "APPROVED",
            commit: text(node, &["commit_id"]).map(str::to_owned),
            email,
        };
        opinions.retain(|known| !known.account.eq_ignore_ascii_case(account));
        opinions.push(opinion);
    }
    if problems.is_empty() { Ok(opinions) } else { Err(problems) }
}

fn of_gitlab(root: &Node) -> Result<Vec<Opinion>, Vec<Diagnostic>> {
    let list = |key: &str| match root.entry(key).map(|(_, node)| node) {
        Some(Node { value: Value::Sequence(list), .. }) => Ok(&list[..]),
        Some(other) if !other.is_null() => Err(vec![wrong(other, &format!("`{key}` is no list"))]),
        _ => Ok(&[][..]),
    };
    let mut versions: Vec<(Timestamp, &str)> = Vec::new();
    for version in list("versions")? {
        let made = text(version, &["created_at"]).and_then(|time| time.parse().ok());
        match (made, text(version, &["head_commit_sha"])) {
            (Some(made), Some(commit)) => versions.push((made, commit)),
            _ => return Err(vec![wrong(version, "a version has no `created_at` or no `head_commit_sha`")]),
        }
    }
    versions.sort_unstable();
    let mut opinions = Vec::new();
    for node in list("approved_by")? {
        let Some(account) = text(node, &["user", "username"]) else {
            return Err(vec![wrong(node, "an approval has no `user` with a `username`")]);
        };
        let at: Option<Timestamp> = text(node, &["approved_at"]).and_then(|time| time.parse().ok());
        let newest = at.and_then(|at| versions.iter().rfind(|(made, _)| *made <= at));
        let id = number(node, &["user", "id"]).map(|id| format!("{id}-")).unwrap_or_default();
        let email = format!("{id}{account}@users.noreply.gitlab.com");
        opinions.push(Opinion {
            account: account.to_owned(),
            is_program: is_token(account) || is_machine(account, &email),
            // Nobody else can approve there.
            is_member: true,
            is_author: text(root, &["author", "username"]).is_some_and(|author| author.eq_ignore_ascii_case(account)),
            approves: true,
            commit: newest.map(|(_, commit)| (*commit).to_owned()),
            email,
        });
    }
    Ok(opinions)
}

/// `project_12_bot`, `group_12_bot_0f3a`: accounts of access tokens.
fn is_token(account: &str) -> bool {
    let rest = account.strip_prefix("project_").or_else(|| account.strip_prefix("group_"));
    let Some((id, bot)) = rest.and_then(|rest| rest.split_once('_')) else { return false };
    id.bytes().all(|byte| byte.is_ascii_digit()) && (bot == "bot" || bot.starts_with("bot_"))
}

/// Does an address belong to an account of a code host?
fn has_account(email: &str) -> bool {
    email.contains("@users.noreply.")
}

/// Adds the approvals that may count to the reviews of a change, takes those back that were withdrawn, and says of the others why
/// they do not count.
pub fn join(opinions: &[Opinion], change: &mut Change, team: &Team) -> Vec<String> {
    let mut notes = Vec::new();
    for opinion in opinions {
        let emails = vec![opinion.email.clone()];
        // An account is named freely: it is not the member of this name whose own account is known to be another.
        let is_other = team.find(None, &emails).is_none()
            && team.find(Some(&opinion.account), &[]).is_some_and(|member| member.emails.iter().any(|email| has_account(email)));
        let name = if is_other { &opinion.email } else { &opinion.account };
        let person = Person { name: Some(name.clone()), level: team.level(Some(name), &emails), emails };
        let is_theirs = |reviewer: &Reviewer| {
            let known = Person { name: Some(reviewer.name.clone()), emails: reviewer.emails.clone(), level: reviewer.level };
            are_one(&known, &person, team)
        };
        if !opinion.approves {
            if change.reviewers.iter().any(is_theirs) {
                notes.push(format!("the review of {} does not count: the host says that it was taken back", opinion.account));
            }
            change.reviewers.retain(|reviewer| !is_theirs(reviewer));
            continue;
        }
        // A name may be anybody's, an address of the host is one account's.
        let is_known = opinion.is_member || team.find(None, &person.emails).is_some();
        let why = match &opinion.commit {
            _ if opinion.is_program => Some("it is the account of a program"),
            _ if opinion.is_author => Some("it opened the request"),
            _ if !is_known => Some("the host does not call the account a member, and the team file does not have its address"),
            None => Some("the host does not tell which commit was approved"),
            Some(_) => None,
        };
        if let Some(why) = why {
            notes.push(format!("the approval of {} does not count: {why}", opinion.account));
            continue;
        }
        let is_of_head = |head: &Option<String>| head.is_some() && head.as_deref() == change.head.as_deref();
        if change.reviewers.iter().any(|known| is_theirs(known) && is_of_head(&known.head) && !is_of_head(&opinion.commit)) {
            continue;
        }
        change.reviewers.retain(|known| !is_theirs(known) || known.service.is_some());
        change.reviewers.push(Reviewer {
            name: name.clone(),
            emails: person.emails,
            level: person.level,
            service: None,
            head: opinion.commit.clone(),
            forecast: None,
        });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::facts::Level;
    use crate::change::team::TeamMember;

    const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";
    const BEFORE: &str = "fedcba9876543210fedcba9876543210fedcba98";

    fn read(text: &str) -> Result<Vec<Opinion>, Vec<Diagnostic>> {
        let mut sources = Sources::default();
        let id = sources.add("reviews.json", text);
        read_reviews(&sources, id)
    }

    /// `login state commit association` of reviews, the oldest first.
    fn github(reviews: &[&str]) -> Vec<Opinion> {
        let one = |words: &&str| {
            let mut words = words.split(' ');
            let [login, state, commit, association] = [(); 4].map(|()| words.next().expect("four words"));
            let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
            format!(
                r#"{{"user": {{"login": "{login}", "id": 7, "type": "{kind}"}}, "state": "{state}", "commit_id": "{commit}",
                    "author_association": "{association}"}}"#
            )
        };
        read(&format!("[{}]", reviews.iter().map(one).collect::<Vec<_>>().join(","))).expect("reviews")
    }

    fn team() -> Team {
        let member = |name: &str, email: &str| TeamMember {
            name: name.to_owned(),
            emails: vec![email.to_owned()],
            level: Level::Senior,
            teams: vec!["shop".to_owned()],
        };
        Team { people: vec![member("lee", "lee@x.org"), member("Noor", "7+noor@users.noreply.github.com")] }
    }

    /// Who counts, with the commit, and the notes.
    fn joined(opinions: &[Opinion], before: &[(&str, &str)]) -> (String, String) {
        let reviewer = |(name, head): &(&str, &str)| Reviewer {
            name: (*name).to_owned(),
            emails: Vec::new(),
            level: Level::Senior,
            service: None,
            head: Some((*head).to_owned()),
            forecast: None,
        };
        let reviewers = before.iter().map(reviewer).collect();
        let mut change = Change { head: Some(HEAD.to_owned()), reviewers, ..Change::default() };
        let notes = join(opinions, &mut change, &team());
        let shown = |reviewer: &Reviewer| {
            let head = if reviewer.head.as_deref() == Some(HEAD) { "head" } else { "before" };
            format!("{} {head} {}", reviewer.name, reviewer.level.as_str())
        };
        (change.reviewers.iter().map(shown).collect::<Vec<_>>().join(", "), notes.join("\n"))
    }

    #[test]
    fn the_last_yes_or_no_of_each_person_counts() {
        for (reviews, expected) in [
            (&["lee APPROVED HEAD MEMBER"][..], "lee head senior"),
            (&["lee APPROVED BEFORE MEMBER"], "lee before senior"),
            (&["lee APPROVED BEFORE MEMBER", "lee APPROVED HEAD MEMBER"], "lee head senior"),
            (&["lee APPROVED HEAD MEMBER", "lee COMMENTED HEAD MEMBER", "lee PENDING HEAD MEMBER"], "lee head senior"),
            (&["lee APPROVED HEAD MEMBER", "LEE CHANGES_REQUESTED HEAD MEMBER"], ""),
            (&["lee CHANGES_REQUESTED HEAD MEMBER", "lee APPROVED HEAD MEMBER"], "lee head senior"),
            (&["lee APPROVED HEAD MEMBER", "lee DISMISSED HEAD MEMBER"], ""),
            (&["lee APPROVED HEAD MEMBER", "lee SOMETHING_NEW HEAD MEMBER"], ""),
            (&["lee COMMENTED HEAD MEMBER"], ""),
            (&["max APPROVED HEAD COLLABORATOR", "lee APPROVED HEAD OWNER"], "max head unknown, lee head senior"),
        ] {
            let reviews: Vec<String> = reviews.iter().map(|one| one.replace("HEAD", HEAD).replace("BEFORE", BEFORE)).collect();
            let reviews: Vec<&str> = reviews.iter().map(String::as_str).collect();
            assert_eq!(joined(&github(&reviews), &[]).0, expected, "{reviews:?}");
        }
    }

    #[test]
    fn programs_strangers_and_unknown_commits_do_not_count_and_are_said() {
        let approved = |login: &str, association: &str| github(&[&format!("{login} APPROVED {HEAD} {association}")]);
        for (opinions, said) in [
            (approved("renovate[bot]", "MEMBER"), "the account of a program"),
            (approved("Copilot", "COLLABORATOR"), "the account of a program"),
            // The name is that of a member, the account is not.
            (approved("lee", "NONE"), "does not call the account a member"),
            (approved("lee", "FIRST_TIME_CONTRIBUTOR"), "does not call the account a member"),
            (github(&["lee APPROVED  MEMBER"]), "does not tell which commit"),
        ] {
            let (counting, notes) = joined(&opinions, &[]);
            assert!(counting.is_empty() && notes.contains(said), "{opinions:?}: {notes}");
        }
        assert_eq!(joined(&approved("noor", "NONE"), &[]).0, "noor head senior");
        let gone = r#"[{"user": null, "state": "APPROVED", "commit_id": "a"}]"#;
        assert_eq!(read(gone), Ok(Vec::new()));
    }

    #[test]
    fn reviews_of_commits_and_of_the_host_are_one() {
        let approved = |commit: &str| github(&[&format!("lee APPROVED {commit} MEMBER")]);
        assert_eq!(joined(&approved(HEAD), &[("Lee", BEFORE)]).0, "lee head senior");
        assert_eq!(joined(&approved(BEFORE), &[("Lee", HEAD)]).0, "Lee head senior");
        let back = github(&[&format!("lee CHANGES_REQUESTED {HEAD} MEMBER")]);
        let (counting, notes) = joined(&back, &[("Lee", HEAD), ("max", HEAD)]);
        assert_eq!(counting, "max head senior");
        assert!(notes.contains("the review of lee does not count"), "{notes}");
    }

    #[test]
    fn gitlab_tells_the_commit_by_the_versions_of_the_request() {
        let answer = |at: &str, versions: &str| {
            format!(r#"{{"approved_by": [{{"user": {{"username": "lee", "id": 3}}, {at} "x": 1}}], {versions} "id": 1}}"#)
        };
        let version = |at: &str, commit: &str| format!(r#"{{"created_at": "2026-08-{at}Z", "head_commit_sha": "{commit}"}}"#);
        let both = format!(r#""versions": [{}, {}],"#, version("02T10:00:00.5", HEAD), version("01T10:00:00", BEFORE));
        for (at, versions, expected) in [
            (r#""approved_at": "2026-08-02T10:00:01.000Z","#, both.as_str(), "lee head senior"),
            (r#""approved_at": "2026-08-02T12:00:00.4+02:00","#, &both, "lee before senior"),
            (r#""approved_at": "2026-07-31T10:00:00Z","#, &both, ""),
            (r#""approved_at": "yesterday","#, &both, ""),
            ("", &both, ""),
            (r#""approved_at": "2026-08-02T10:00:01.000Z","#, "", ""),
        ] {
            let (counting, notes) = joined(&read(&answer(at, versions)).expect("approvals"), &[]);
            assert_eq!(counting, expected, "{at} {versions}");
            assert_eq!(notes.contains("does not tell which commit"), expected.is_empty(), "{notes}");
        }
        let bot = answer("", "").replace("lee", "project_12_bot_0f3a");
        assert!(joined(&read(&bot).expect("approvals"), &[]).1.contains("account of a program"));
    }

    #[test]
    fn what_is_no_review_is_an_error_with_its_place() {
        for (text, said, at) in [
            ("1", "these are no reviews", 0),
            (r#"{"message": "Not Found"}"#, "these are no reviews", 1),
            ("[1]", "no `state` or no `user`", 1),
            (r#"[{"state": "APPROVED"}]"#, "no `state` or no `user`", 2),
            (r#"[{"user": {"login": "a"}}]"#, "no `state` or no `user`", 2),
            (r#"[{"user": {}, "state": "APPROVED"}]"#, "no `login`", 10),
            (r#"[{"user": "lee", "state": "APPROVED"}]"#, "no `login`", 10),
            (r#"{"approved_by": 1}"#, "`approved_by` is no list", 16),
            (r#"{"approved_by": [{}]}"#, "no `user` with a `username`", 17),
            (r#"{"approved_by": [], "versions": [{}]}"#, "no `created_at`", 33),
            ("[", "expected", 1),
        ] {
            let errors = read(text).expect_err(text);
            assert!(errors[0].message.contains(said), "{text}: {}", errors[0].message);
            assert_eq!(errors[0].labels[0].span.start, at, "{text}");
        }
    }
}
