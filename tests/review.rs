//! The Action and the template: their own steps, run here as the platforms would run them, against a server that keeps comments.
//!
//! `scripts/test` names a `check-jsonschema` in `SHOCKFRONT_CHECK_JSONSCHEMA`, which knows the formats of both files; a plain
//! `cargo test` without it skips that one test. The others need bash, git, jq and curl.
#![cfg(all(feature = "cli", unix))]

#[path = "review/api.rs"]
mod api;

use api::Api;
use shockfront::diagnostic::Sources;
use shockfront::document::{Format, Node, parse};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};
use tempfile::TempDir;

type Variables = BTreeMap<String, String>;

fn package(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn yaml(name: &str) -> Node {
    let mut sources = Sources::default();
    let id = sources.add(name, fs::read_to_string(package(name)).expect("readable"));
    parse(&sources, id, Format::Yaml).unwrap_or_else(|problems| panic!("{name}: {problems:?}"))
}

fn text<'a>(node: &'a Node, key: &str) -> &'a str {
    node.at(&[key]).and_then(Node::text).unwrap_or_default()
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    let person = [("NAME", "kim"), ("EMAIL", "kim@example.com"), ("DATE", "2026-11-20T14:00:00-05:00")];
    for (key, value) in person {
        command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.current_dir(directory).args(arguments).output().expect("git ran");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository with a topology and a branch that changes checkout, the event of its pull request, and a server.
struct Place {
    directory: TempDir,
    api: Api,
}

impl Place {
    /// The variables of a pipeline of GitLab for the branch `work`.
    fn merge_request(&self) -> Variables {
        let revision = |name| git(self.directory.path(), &["rev-parse", name]);
        let variables = [
            ("SHOCKFRONT", env!("CARGO_BIN_EXE_shockfront")),
            ("TOPOLOGY", "topology.yaml"),
            ("TEAM", "team.yaml"),
            ("ARGUMENTS", "--trials\n1024"),
            ("REPORTS", "reports"),
            ("CI_API_V4_URL", &self.api.url),
            ("CI_PROJECT_ID", "3"),
            ("CI_MERGE_REQUEST_IID", "9"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &revision("main")),
            ("CI_COMMIT_SHA", &revision("work")),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn new() -> Self {
        let place = Self { directory: TempDir::new().expect("a directory"), api: Api::start() };
        let path = place.directory.path();
        git(path, &["init", "-q", "-b", "main"]);
        for name in ["topology.yaml", "team.yaml"] {
            fs::copy(package(&format!("topologies/online-boutique/{name}")), path.join(name)).expect("copied");
        }
        place.commit("src/checkoutservice/main.go", "one\n", "start");
        git(path, &["checkout", "-q", "-b", "work"]);
        place.commit(
            "src/checkoutservice/main.go",
            "one\ntwo\n",
            "Convert prices\n\nCo-authored-by: Claude <noreply@anthropic.com>",
        );
        place
    }

    fn commit(&self, name: &str, text: &str, message: &str) {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("written");
        git(self.directory.path(), &["add", "."]);
        git(self.directory.path(), &["commit", "-q", "-m", message]);
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    /// Runs a script as a step: its exit code and what it printed.
    fn bash(&self, script: &str, variables: &Variables) -> (i32, String) {
        let mut command = Command::new("bash");
        command.args(["-e", "-o", "pipefail", "-c", script]).current_dir(self.directory.path());
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", self.directory.path());
        let output = command.envs(variables).output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), said)
    }

    /// The steps of the Action, one after the other, until one fails.
    fn action(&self, inputs: &[(&str, &str)]) -> Run {
        let path = self.directory.path();
        let revision = |name: &str| git(path, &["rev-parse", name]);
        let event = serde_json::json!({"pull_request": {"number": 7, "base": {"sha": revision("main")}, "head": {"sha": revision("work")}}});
        fs::write(path.join("event.json"), event.to_string()).expect("written");
        fs::write(path.join("summary.md"), "").expect("written");
        let action = yaml("action.yml");
        let mut known: Variables = action
            .at(&["inputs"])
            .expect("inputs")
            .entries()
            .iter()
            .map(|(key, input)| (format!("inputs.{}", key.text), text(input, "default").to_owned()))
            .collect();
        let given = [("topology", "topology.yaml"), ("team", "team.yaml"), ("binary", env!("CARGO_BIN_EXE_shockfront"))];
        let own = [("arguments", "--trials\n1024"), ("token", "a-token"), ("comment-author", "the-bot")];
        for (name, value) in given.iter().chain(&own).chain(inputs) {
            assert!(known.insert(format!("inputs.{name}"), (*value).to_owned()).is_some(), "{name} is no input");
        }
        known.insert("github.action_path".to_owned(), package(""));
        let mut run = Run { code: 0, said: String::new(), outputs: Variables::new(), ran: Vec::new() };
        for step in action.at(&["runs", "steps"]).expect("steps").items() {
            fs::write(path.join("output"), "").expect("written");
            let mut variables: Variables =
                [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary.md"), ("GITHUB_EVENT_PATH", "event.json")]
                    .map(|(name, file)| (name.to_owned(), path.join(file).display().to_string()))
                    .into();
            variables.insert("GITHUB_API_URL".to_owned(), self.api.url.clone());
            variables.insert("GITHUB_REPOSITORY".to_owned(), "shop/shop".to_owned());
            let env = step.at(&["env"]).expect("an environment");
            variables.extend(
                env.entries().iter().map(|(key, value)| (key.text.to_string(), filled(value.text().unwrap_or_default(), &known))),
            );
            let (code, said) = self.bash(text(step, "run"), &variables);
            run.said.push_str(&said);
            run.ran.push(text(step, "id").to_owned());
            for (name, value) in self.read("output").lines().filter_map(|line| line.split_once('=')) {
                known.insert(format!("steps.{}.outputs.{name}", text(step, "id")), value.to_owned());
            }
            run.code = code;
            if code != 0 {
                break;
            }
        }
        let outputs = action.at(&["outputs"]).expect("outputs").entries();
        run.outputs = outputs.iter().map(|(key, output)| (key.text.to_string(), filled(text(output, "value"), &known))).collect();
        run
    }
}

/// What the Action did.
struct Run {
    code: i32,
    said: String,
    outputs: Variables,
    ran: Vec<String>,
}

/// Puts values for `${{ NAME }}`; what is not known is empty, as on GitHub.
fn filled(text: &str, known: &Variables) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (name, after) = after.split_once("}}").expect("an expression ends");
        out.push_str(before);
        out.push_str(known.get(name.trim()).map_or("", String::as_str));
        rest = after;
    }
    out + rest
}

#[test]
fn a_pull_request_gets_one_comment_that_is_replaced() {
    let place = Place::new();
    place.api.with(|state| {
        state.comments.push(("somebody".to_owned(), "<!-- shockfront:report:topology.yaml -->\nnot ours".to_owned()))
    });
    let run = place.action(&[]);
    assert_eq!((run.code, run.ran.len()), (1, 5), "the gate does not pass, after everything else: {}", run.said);
    assert_eq!((run.outputs["gate"].as_str(), run.outputs["comment"].as_str()), ("blocked", "created"), "{}", run.said);
    assert!(run.outputs["score"].parse::<f64>().is_ok() && run.said.contains("\n::error file="), "{}", run.said);
    assert!(place.read("summary.md").starts_with("<!-- shockfront:report:topology.yaml -->\n### 🔴 RED"));
    for (name, file) in
        run.outputs.iter().filter(|(name, _)| ["json", "markdown", "html", "sarif", "junit"].contains(&name.as_str()))
    {
        assert!(!place.read(file).is_empty(), "{name}");
    }
    assert_eq!(place.api.writes(), ["POST /repos/shop/shop/issues/7/comments"]);
    assert!(place.api.with(|state| state.tokens.iter().all(|token| token == "Bearer a-token")));
    let again = place.action(&[]);
    assert_eq!(again.outputs["comment"], "unchanged");
    assert_eq!(place.api.writes(), [""; 0], "the same text is not written again");
    place.commit("src/frontend/main.go", "more\n", "Frontend, too");
    assert_eq!(place.action(&[]).outputs["comment"], "updated");
    assert_eq!(place.api.writes(), ["PATCH /repos/shop/shop/issues/comments/2"], "ours, not that of somebody");
    assert!(place.api.with(|state| state.comments.len() == 2 && state.comments[1].1.contains("frontend")));
}

/// Lines of a log that GitHub takes for commands: those beginning with `::`, except between `stop-commands` and its word.
fn commands(log: &str) -> Vec<&str> {
    let (mut found, mut until) = (Vec::new(), None);
    for line in log.lines() {
        match &until {
            Some(word) if line == word => until = None,
            Some(_) => {}
            None => {
                until = line.strip_prefix("::stop-commands::").map(|word| format!("::{word}::"));
                found.extend(Some(line).filter(|line| line.starts_with("::") && until.is_none()));
            }
        }
    }
    assert_eq!(until, None, "commands work again after the report");
    found
}

/// Who names a commit or a file gives no command to the job that reviews it.
#[test]
fn a_title_is_no_command() {
    assert_eq!(commands("::a::\n::stop-commands::x1\n::b::\n::x1::\nc ::d::"), ["::a::"]);
    let place = Place::new();
    place.commit("src/checkoutservice/::add-mask::e", "one\n", "::set-env name=PATH::/tmp\n\n::error::all is lost");
    let run = place.action(&[]);
    assert!(run.said.contains("set-env") && run.said.contains("::stop-commands::"), "{}", run.said);
    let found = commands(&run.said);
    let ours =
        |line: &&str| ["::error file=", "::warning file=", "::notice title=shockfront::"].iter().any(|own| line.starts_with(own));
    assert!(!found.is_empty() && found.iter().all(ours), "{found:?}");
}

#[test]
fn a_comment_is_found_behind_a_hundred_others() {
    let place = Place::new();
    place.action(&[]);
    let ours = place.api.with(|state| state.comments.pop().expect("a comment"));
    place.api.with(|state| {
        state.comments = (0..230).map(|at| ("somebody".to_owned(), format!("comment {at}"))).collect();
        state.comments.push(ours);
        state.requests.clear();
    });
    assert_eq!(place.action(&[]).outputs["comment"], "unchanged");
}

#[test]
fn a_fork_gets_a_summary_and_no_failure() {
    let place = Place::new();
    place.api.with(|state| state.read_only = true);
    let run = place.action(&[("fail-on", "never")]);
    assert_eq!((run.code, run.outputs["comment"].as_str()), (0, "read-only"), "{}", run.said);
    assert!(place.read("summary.md").contains("### 🔴 RED"));
    let without = place.action(&[("fail-on", "never"), ("token", "")]);
    assert_eq!((without.code, without.outputs["comment"].as_str()), (0, "read-only"));
}

#[test]
fn modes_and_thresholds_are_kept() {
    let place = Place::new();
    let off = place.action(&[("comment", "off"), ("fail-on", "red")]);
    assert_eq!((off.code, off.outputs["comment"].as_str()), (1, "off"), "red fails on red: {}", off.said);
    assert_eq!(place.api.writes(), [""; 0]);
    // A report that is green stays unsaid until there is a comment to correct.
    let report = |band: &str, mode: &str| {
        fs::write(place.directory.path().join("c.md"), format!("<!-- shockfront:report:k -->\n{band}\n")).expect("written");
        let variables = [
            ("COMMENT", mode),
            ("BAND", band),
            ("AUTHOR", "the-bot"),
            ("TOKEN", "t"),
            ("PULL_REQUEST", "7"),
            ("GITHUB_API_URL", &place.api.url),
            ("GITHUB_REPOSITORY", "shop/shop"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        place.bash(&format!("{} c.md", package("scripts/comment")), &variables)
    };
    assert_eq!(report("yellow", "threshold"), (0, "below-threshold\n".to_owned()));
    assert_eq!(report("orange", "threshold"), (0, "created\n".to_owned()));
    assert_eq!(report("green", "threshold"), (0, "updated\n".to_owned()), "in both directions");
    assert_eq!(report("green", "threshold"), (0, "unchanged\n".to_owned()));
    assert_eq!(report("green", "sometimes").0, 2);
    let pushed = [("GITHUB_REPOSITORY", "shop/shop"), ("TOKEN", "t")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (code, said) = place.bash(&format!("{} c.md", package("scripts/comment")), &pushed.into());
    assert_eq!((code, said.as_str()), (0, "nothing-to-comment-on\n"), "a push has no pull request");
    place.api.with(|state| state.comments.clear());
    assert_eq!(report("blue", "threshold").0, 2, "no band is no low risk");
}

#[test]
fn a_check_run_has_the_conclusion_of_the_verdict() {
    let place = Place::new();
    place.action(&[("check", "true")]);
    place.action(&[("check", "true"), ("fail-on", "never")]);
    place.action(&[]);
    let head = git(place.directory.path(), &["rev-parse", "work"]);
    let checks = place.api.with(|state| std::mem::take(&mut state.checks));
    assert_eq!(checks.iter().map(|check| &check["conclusion"]).collect::<Vec<_>>(), ["failure", "neutral"]);
    for check in &checks {
        assert_eq!((check["head_sha"].as_str(), check["status"].as_str()), (Some(head.as_str()), Some("completed")));
        assert_eq!(check["output"]["title"], "red: blocked");
        assert!(check["output"]["summary"].as_str().is_some_and(|text| text.starts_with("Still missing:\n- ")));
        assert!(check["output"]["text"].as_str().is_some_and(|text| text.contains("### 🔴 RED") && text.len() <= 65_535));
    }
    place.api.with(|state| state.read_only = true);
    let run = place.action(&[("check", "true"), ("fail-on", "never")]);
    assert_eq!(run.code, 0, "{}", run.said);
}

#[test]
fn wrong_input_fails_with_its_message_and_without_a_comment() {
    let place = Place::new();
    let run = place.action(&[("topology", "no-such.yaml")]);
    assert_eq!((run.code, run.ran.as_slice()), (2, &["program".to_owned(), "review".to_owned()][..]));
    assert!(run.said.contains("no-such.yaml"), "{}", run.said);
    let run = place.action(&[("slo", "no-such-slo.yaml")]);
    assert!(run.code == 2 && run.said.contains("no-such-slo.yaml"), "{}", run.said);
    let run = place.action(&[("fail-on", "sometimes")]);
    assert!(run.code == 2 && run.said.contains("expected gate, yellow"), "{}", run.said);
    assert!(place.action(&[("arguments", "--trials\n$(touch injected)")]).code == 2 && place.read("injected").is_empty());
    assert!(!place.directory.path().join("injected").exists(), "an input is never a command");
    assert_eq!(place.api.writes(), [""; 0]);
}

#[test]
fn the_template_of_gitlab_reviews_a_merge_request() {
    let place = Place::new();
    let template = yaml("templates/gitlab.yml");
    let script: Vec<&str> =
        template.at(&["shockfront", "script"]).expect("a script").items().iter().filter_map(Node::text).collect();
    let mut variables = place.merge_request();
    variables.insert("SHOCKFRONT_HOME".to_owned(), package(""));
    variables.insert("SHOCKFRONT_TOKEN".to_owned(), "a-token".to_owned());
    let (code, said) = place.bash(&script.join("\n"), &variables);
    assert_eq!(code, 1, "{said}");
    assert_eq!(place.api.writes(), ["POST /projects/3/merge_requests/9/notes"], "{said}");
    assert!(place.api.with(|state| state.tokens.iter().all(|token| token == "a-token")));
    assert!(place.read("reports/outputs.env").contains("SHOCKFRONT_GATE=blocked\n"));
    assert!(
        place.read("reports/code-quality.json").starts_with("[\n") && place.read("reports/junit.xml").contains("<testsuites")
    );
    place.commit("src/frontend/main.go", "more\n", "Frontend, too");
    variables.insert("CI_COMMIT_SHA".to_owned(), git(place.directory.path(), &["rev-parse", "work"]));
    variables.insert("FAIL_ON".to_owned(), "never".to_owned());
    let budgets = "schema: shockfront/budgets/v1\nbudgets: {buy: {spent: 0.35, at: 2026-08-01}}\n";
    fs::write(place.directory.path().join("budgets.yaml"), budgets).expect("written");
    variables.insert("SLO".to_owned(), "budgets.yaml\n".to_owned());
    let (code, said) = place.bash(&script.join("\n"), &variables);
    assert_eq!(code, 0, "{said}");
    assert_eq!(place.api.writes(), ["PUT /projects/3/merge_requests/9/notes/1"]);
    assert!(place.read("reports/comment.md").contains("Remaining error budget: buy 65 %"));
    for (kind, name) in template.at(&["shockfront", "artifacts", "reports"]).expect("reports").entries() {
        let name = name.text().expect("a path").replace("$REPORTS", "reports");
        assert!(!place.read(&name).is_empty(), "{}: {name}", kind.text);
    }
}

/// A review as GitHub gives it.
fn review(login: &str, state: &str, commit: &str) -> serde_json::Value {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    serde_json::json!({"id": 1, "user": {"login": login, "id": 7, "type": kind}, "state": state, "commit_id": commit,
        "author_association": "MEMBER", "submitted_at": "2026-11-20T20:00:00Z"})
}

#[test]
fn approvals_of_the_host_sign_the_head_commit_only() {
    let place = Place::new();
    let head = git(place.directory.path(), &["rev-parse", "work"]);
    let before = git(place.directory.path(), &["rev-parse", "main"]);
    // Who signed as the owner of checkout, and the notes.
    let owner = |inputs: &[(&str, &str)]| {
        let run = place.action(&[&[("fail-on", "never")], inputs].concat());
        assert_eq!(run.code, 0, "{}", run.said);
        let record: serde_json::Value = serde_json::from_str(&place.read(&run.outputs["json"])).expect("JSON");
        let list = record["sign_off"].as_array().expect("a list").iter();
        let mut given = list.filter(|entry| entry["who"] == "team-checkout").map(|entry| entry["given_by"].clone());
        (given.next().and_then(|by| by.as_str().map(str::to_owned)), record["notes"].to_string(), place.read("summary.md"))
    };
    let reviews = |list: &[serde_json::Value]| place.api.with(|state| state.reviews = list.iter().cloned().collect());
    assert_eq!(owner(&[]).0, None);

    reviews(&[review("noor", "APPROVED", &head)]);
    let (given, _, summary) = owner(&[]);
    assert_eq!(given.as_deref(), Some("noor"), "{summary}");
    assert!(summary.contains("noor"), "{summary}");
    assert_eq!(owner(&[("approvals", "off")]).0, None);
    let fetched = place.api.with(|state| state.requests.iter().filter(|request| request.contains("/pulls/7/reviews")).count());
    assert_eq!(fetched, 2, "once for each run that asks");

    reviews(&[review("noor", "APPROVED", &before)]);
    let (given, notes, _) = owner(&[]);
    assert!(given.is_none() && notes.contains("the review of noor does not count: it is for commit"), "{notes}");
    for taken_back in ["CHANGES_REQUESTED", "DISMISSED"] {
        reviews(&[review("noor", "APPROVED", &head), review("noor", taken_back, &head)]);
        assert_eq!(owner(&[]).0, None, "{taken_back}");
    }
    reviews(&[review("noor[bot]", "APPROVED", &head)]);
    let (given, notes, _) = owner(&[]);
    assert!(given.is_none() && notes.contains("it is the account of a program"), "{notes}");
    // kim wrote the commit.
    reviews(&[review("kim", "APPROVED", &head)]);
    assert_eq!(owner(&[]).0, None);
    // The word that counts stands behind a hundred others.
    let many: Vec<_> = (0..130).map(|at| review(&format!("reader{at}"), "COMMENTED", &head)).collect();
    reviews(&[&many[..], &[review("noor", "APPROVED", &head)]].concat());
    assert_eq!(owner(&[]).0.as_deref(), Some("noor"));
    // A token that may not read them.
    place.api.with(|state| state.hides_reviews = true);
    assert_eq!(owner(&[]).0, None);
    assert_eq!(place.action(&[("approvals", "some")]).code, 2);
}

#[test]
fn approvals_of_gitlab_count_where_it_tells_what_was_approved() {
    let place = Place::new();
    let path = place.directory.path();
    let head = git(path, &["rev-parse", "work"]);
    let mut variables = place.merge_request();
    variables.insert("TOKEN".to_owned(), "a-token".to_owned());
    let ask = |approval: serde_json::Value| {
        place.api.with(|state| {
            state.reviews = serde_json::json!({"id": 9, "approved_by": [approval]});
            state.versions = serde_json::json!([{"head_commit_sha": head, "created_at": "2026-11-20T19:00:00.000Z"},
                {"head_commit_sha": "f".repeat(40), "created_at": "2026-11-20T18:00:00.000Z"}]);
        });
        let (code, said) = place.bash(&package("scripts/review"), &variables);
        assert_eq!(code, 0, "{said}");
        let record: serde_json::Value = serde_json::from_str(&place.read("reports/assessment.json")).expect("JSON");
        let list = record["sign_off"].as_array().expect("a list").iter();
        let given = list.filter(|entry| entry["who"] == "team-checkout").find_map(|entry| entry["given_by"].as_str());
        (given.map(str::to_owned), record["notes"].to_string())
    };
    let user = serde_json::json!({"username": "noor", "id": 5});
    let (given, notes) = ask(serde_json::json!({"user": user}));
    assert!(given.is_none() && notes.contains("the host does not tell which commit was approved"), "{notes}");
    assert_eq!(ask(serde_json::json!({"user": user, "approved_at": "2026-11-20T19:30:00.000Z"})).0.as_deref(), Some("noor"));
    let (given, notes) = ask(serde_json::json!({"user": user, "approved_at": "2026-11-20T18:30:00.000Z"}));
    assert!(given.is_none() && notes.contains("it is for commit ffffffffff"), "{notes}");
    // Who opened it signs nothing of it.
    place.api.with(|state| state.opener = "noor".to_owned());
    let (given, notes) = ask(serde_json::json!({"user": user, "approved_at": "2026-11-20T19:30:00.000Z"}));
    assert!(given.is_none() && notes.contains("it opened the request"), "{notes}");
}

/// The workflow that README shows.
fn workflow() -> String {
    let readme = fs::read_to_string(package("README.md")).expect("README.md");
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.starts_with("on:")).expect("README.md shows a workflow").to_owned()
}

#[test]
fn all_files_for_platforms_are_valid() {
    let Some(checker) = env::var_os("SHOCKFRONT_CHECK_JSONSCHEMA") else { return };
    let directory = TempDir::new().expect("a directory");
    let shown = directory.path().join("workflow.yml");
    fs::write(&shown, workflow()).expect("written");
    let shown = shown.display().to_string();
    let files = [
        ("vendor.github-actions", package("action.yml")),
        ("vendor.gitlab-ci", package("templates/gitlab.yml")),
        ("vendor.github-workflows", shown),
    ];
    for (schema, file) in files {
        let run = Command::new(&checker).args(["--builtin-schema", schema, &file]).output().expect("check-jsonschema runs");
        assert!(run.status.success(), "{file}: {}", String::from_utf8_lossy(&run.stdout));
    }
}
