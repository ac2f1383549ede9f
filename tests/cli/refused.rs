//! Evidence that cannot be read: located errors, exit 2, nothing on standard output and no file written.
//!
//! Plans, events and manifests are refused. A CODEOWNERS file is read as its host reads it: only what is no text at all is
//! refused, every line that the host passes over gets a warning at its place, and the other lines count.

use super::{json, place, run, write};
use serde_json::Value;
use std::path::Path;

const CHANGE: &str = "schema: shockfront/change/v1\nservices: [shop]\n";
const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

/// Asks for everything that an assessment can write, and for one more input; gives what was said.
#[track_caller]
fn refused(place: &Path, input: &[&str], said_of: &str) -> String {
    let outputs = ["r.html", "r.sarif", "r.xml", "r.json", "r.md", "ledger.json", "result.txt"];
    let reports = ["html=r.html", "sarif=r.sarif", "junit=r.xml", "json=r.json", "markdown=r.md"];
    let mut arguments =
        vec!["assess", "shop.yaml", "--ledger", "ledger.json", "--record", "--at", "2026-08-02", "-o", "result.txt"];
    arguments.extend(reports.iter().flat_map(|report| ["--report", report]));
    arguments.extend(input);
    let (code, out, err) = run(place, &arguments);
    assert_eq!((code, out.as_str()), (2, ""), "{said_of}: {err}");
    for output in outputs {
        assert!(!place.join(output).exists(), "{said_of}: {output} was written");
    }
    let entries = std::fs::read_dir(place).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = entries.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{said_of}: {left:?}");
    err
}

/// Texts with the line and column of their error, `0:0` for those that have no lines, and a part of the message.
#[track_caller]
fn all_refused(file: &str, option: &str, cases: &[(&[u8], &str, &str)]) {
    let place = place();
    let mut wrong = String::new();
    for (bytes, at, said) in cases {
        std::fs::write(place.path().join(file), bytes).expect("written");
        let text = String::from_utf8_lossy(bytes).chars().take(200).collect::<String>();
        let err = refused(place.path(), &[option, file], &text);
        let position = if *at == "0:0" { file.to_owned() } else { format!("{file}:{at}\n") };
        if !err.contains(&position) || !err.contains(said) {
            wrong += &format!("{text}\nexpected {at} and {said}:\n{err}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() >= 18, "only {} cases", cases.len());
    std::fs::remove_file(place.path().join(file)).expect("it was there");
    let err = refused(place.path(), &[option, file], "a file that is not there");
    assert!(err.contains(&format!("{file} cannot be read")), "{err}");
    std::fs::create_dir(place.path().join(file)).expect("created");
    let err = refused(place.path(), &[option, file], "a directory");
    assert!(err.contains(&format!("{file} cannot be read")), "{err}");
}

/// What every reader of JSON refuses.
const NO_JSON: &[(&[u8], &str, &str)] = &[
    (b"", "1:1", "empty"),
    (b" \n\t\n", "1:1", "empty"),
    (b"\xef\xbb\xbf", "1:1", "empty"),
    (b"{\"format_version\": \"1.2\", \"a\": \"\xff\"}", "0:0", "is not UTF-8: byte 32 is 0xff"),
    (b"\xff\xfe{\0}\0", "0:0", "is not text"),
    (b"{\"format_version\": \"1.2\",\n \"resource_changes\": [", "2:23", "expected a value"),
    (b"{\"a\": \"cut", "1:11", "at the end of the string"),
    (b"{\"a\": 1,\n \"a\": 2}", "2:2", "`a`"),
    (b"{\"a\": 01}", "1:7", "must not begin with 0"),
    (b"{\"a\": 1e999}", "1:7", "number"),
    (b"{\"a\": NaN}", "1:7", "expected"),
    (b"{'a': 1}", "1:2", "expected"),
    (b"{\"a\": 1,}", "1:9", "expected"),
    (b"{\"a\": 1} x", "1:10", "expected"),
];

fn with_shared<'a>(own: &[(&'a [u8], &'a str, &'a str)]) -> Vec<(&'a [u8], &'a str, &'a str)> {
    NO_JSON.iter().chain(own).copied().collect()
}

#[test]
fn broken_plans_are_refused_with_their_place() {
    let deep = [b"{\"format_version\": \"1.2\", \"a\": ".to_vec(), b"[".repeat(100_000)].concat();
    let cases: &[(&[u8], &str, &str)] = &[
        (b"[]", "1:1", "it is no table"),
        (b"\"text\"", "1:1", "it is no table"),
        (b"null", "1:1", "no Terraform plan"),
        (b"{\"resource_changes\": []}", "1:2", "no `format_version`"),
        (b"\xef\xbb\xbf{\"format_version\": \"2.0\"}", "1:20", "plans of format 2.0 are not known"),
        (b"{\"format_version\": 1}", "1:20", "no text"),
        (b"{\"format_version\": \"\"}", "1:20", "plans of format"),
        (b"{\"format_version\": \"1.2\", \"values\": {}}", "1:2", "this is a state"),
        (b"{\"format_version\": \"1.2\",\n \"resource_changes\": {}}", "2:22", "is no list"),
        (b"{\"format_version\": \"1.2\", \"resource_changes\": \"none\"}", "1:47", "is no list"),
        (b"{\"format_version\": \"1.2\", \"resource_changes\": [3]}", "1:48", "no `address`"),
        (b"{\"format_version\": \"1.2\",\n \"resource_changes\": [{\"address\": 1}]}", "2:24", "no `address`"),
        (b"{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"\"}]}", "1:49", "no `address`"),
        (b"{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"a.b\"}]}", "1:49", "a.b has no `change`"),
        (b"{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"a.b\", \"change\": {}}]}", "1:49", "`change.actions`"),
        (
            b"{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"a.b\",\n \"change\": {\"actions\": \"delete\"}}]}",
            "2:24",
            "no list of words",
        ),
        (
            b"{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"a.b\",\n \"change\": {\"actions\": []}}]}",
            "2:24",
            "no list of words",
        ),
        (
            b"{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"a.b\",\n \"change\": {\"actions\": [1]}}]}",
            "2:24",
            "no list of words",
        ),
        (b"{\"@level\": \"info\"}\n{\"@level\": \"info\"}\n", "2:1", "expected"),
        (&deep, "1:95", "nested more than 64 levels deep"),
    ];
    all_refused("plan.json", "--terraform", &with_shared(cases));
}

#[test]
fn broken_events_are_refused_with_their_place() {
    let event = |request: &str| format!("{{\"action\": \"opened\",\n \"pull_request\": {request}}}");
    let sides = |base: &str, head: &str| event(&format!("{{\"base\": {base}, \"head\": {head}}}"));
    let good = format!("{{\"sha\": \"{HASH}\"}}");
    let owned: Vec<(String, &str, &str)> = vec![
        ("[]".to_owned(), "1:1", "no `pull_request`"),
        ("{}".to_owned(), "1:1", "no `pull_request`"),
        ("{\"ref\": \"refs/heads/main\", \"commits\": []}".to_owned(), "1:2", "no `pull_request`"),
        (event("1"), "1:2", "no `pull_request`"),
        (event("null"), "1:2", "no `pull_request`"),
        (event("[{}]"), "1:2", "no `pull_request`"),
        (event("{}"), "2:18", "no `base.sha`"),
        (sides("{}", &good), "2:19", "no `base.sha`"),
        (sides("[]", &good), "2:19", "no `base.sha`"),
        (sides("null", &good), "2:19", "no `base.sha`"),
        (sides("{\"sha\": 12345678}", &good), "2:19", "no `base.sha`"),
        (sides("{\"sha\": \"--upload-pack=x\"}", &good), "2:19", "no `base.sha`"),
        (sides("{\"sha\": \"HEAD\"}", &good), "2:19", "no `base.sha`"),
        (sides("{\"sha\": \"abc\"}", &good), "2:19", "no `base.sha`"),
        (sides(&good, "{}"), "2:19", "no `head.sha`"),
        (sides(&good, "{\"ref\": \"work\"}"), "2:19", "no `head.sha`"),
        (sides(&good, &format!("{{\"sha\": \"{HASH}{HASH}\"}}")), "2:19", "no `head.sha`"),
        (sides(&good, "{\"sha\": \"\"}"), "2:19", "no `head.sha`"),
    ];
    let cases: Vec<(&[u8], &str, &str)> = owned.iter().map(|(text, at, said)| (text.as_bytes(), *at, *said)).collect();
    all_refused("event.json", "--event", &with_shared(&cases));
}

#[test]
fn broken_variables_of_gitlab_are_named() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    for (iid, base, said) in [
        (None, Some(HASH), "CI_MERGE_REQUEST_IID is not set"),
        (Some(""), Some(HASH), "CI_MERGE_REQUEST_IID is not set"),
        (Some(" "), Some(HASH), "CI_MERGE_REQUEST_IID is not set"),
        (Some("5"), None, "CI_MERGE_REQUEST_DIFF_BASE_SHA is no commit"),
        (Some("5"), Some(""), "CI_MERGE_REQUEST_DIFF_BASE_SHA is no commit"),
        (Some("5"), Some("main"), "CI_MERGE_REQUEST_DIFF_BASE_SHA is no commit"),
        (Some("5"), Some("--output=x"), "CI_MERGE_REQUEST_DIFF_BASE_SHA is no commit"),
        (Some("5; rm"), Some(HASH), "CI_MERGE_REQUEST_IID is no number"),
        (Some("-1"), Some(HASH), "CI_MERGE_REQUEST_IID is no number"),
    ] {
        let mut command = super::shockfront(place.path(), &["assess", "shop.yaml", "--gitlab", "-o", "result.txt"]);
        for (name, value) in [("CI_MERGE_REQUEST_IID", iid), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)] {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.output().expect("it ran");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{iid:?} {base:?}: {err}");
        assert!(err.contains(said) && !place.path().join("result.txt").exists(), "{iid:?} {base:?}: {err}");
    }
}

#[test]
fn broken_manifests_are_refused_with_their_place() {
    let rollout = |strategy: &str| {
        format!("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: shop}}\nspec:\n  strategy:\n    {strategy}\n")
    };
    let canary = |analysis: &str| {
        format!("apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: shop}}\nspec:\n  analysis: {analysis}\n")
    };
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    let mut wrong = String::new();
    for (text, at, said) in [
        (String::new(), "1:1", ""),
        ("a: [1".to_owned(), "1:", ""),
        ("\"cut".to_owned(), "1:", ""),
        ("kind: Rollout\nkind: Rollout\n".to_owned(), "2:1", "`kind`"),
        (format!("kind: {} # Rollout", "[".repeat(10_000)), "1:", "deep"),
        ("%YAML 9\n---\na: *x\n".to_owned(), "", ""),
        (rollout("canary: {steps: {setWeight: 5}}"), "6:22", "`steps` is no list"),
        (rollout("canary: {steps: [{setWeight: 5}, 10]}"), "6:", "`steps` is no list"),
        (rollout("recreate: {}"), "6:", "neither `canary` nor `blueGreen`"),
        (rollout("canary: {steps: [{setWeight: 5}").replace("name: shop", "name: [shop"), "3:", "expected"),
        (canary("{interval: 1m}"), "5:", "neither `stepWeight`"),
        (canary("[]"), "5:", "neither `stepWeight`"),
        (rollout("canary: {steps: [{setWeight: half}]}"), "6:", ""),
        (rollout("canary: {steps: [{setWeight: 400}]}"), "6:", ""),
        (rollout("canary: {steps: [{setWeight: -1}]}"), "6:", ""),
        (rollout("canary: {steps: [{setWeight: 5}, {pause: {duration: soon}}]}"), "6:", ""),
        (canary("{stepWeight: many, interval: 1m}"), "5:", ""),
        (canary("{stepWeight: 10, maxWeight: 50, interval: never}"), "5:", ""),
    ] {
        write(place.path(), "rollout.yaml", &text);
        let err = refused(place.path(), &["--change", "change.yaml", "--rollout", "rollout.yaml"], &text);
        if !err.contains(&format!("rollout.yaml:{at}")) || !err.contains(said) {
            wrong += &format!("{text}\nexpected {at} and {said}:\n{err}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    std::fs::write(place.path().join("rollout.yaml"), b"a: \xc3\x28").expect("written");
    assert!(
        refused(place.path(), &["--change", "change.yaml", "--rollout", "rollout.yaml"], "no UTF-8").contains("is not UTF-8")
    );
}

/// A shop that nobody owns, and a change of it.
fn unowned(path: &Path) {
    write(path, "shop.yaml", &super::SHOP.replace("owner: team-shop, tier: 1", "tier: 1"));
    write(path, "a.diff", "--- a/shop/main.rs\n+++ b/shop/main.rs\n@@ -1 +1 @@\n-a\n+b\n");
}

/// What is no text is refused, whatever the host would make of it.
#[test]
fn owners_that_are_no_text_are_refused() {
    let place = place();
    unowned(place.path());
    let ask = |name: &str| refused(place.path(), &["--diff", "a.diff", "--codeowners", name], name);
    for (name, bytes, said) in [
        ("latin", &b"* @caf\xe9\n"[..], "latin is not UTF-8: byte 6 is 0xe9"),
        ("wide", b"*\0 \0@\0a\0", "wide is not text: byte 1 is NUL"),
        ("cut", b"* @all\n/\xf0\x9f\x98", "cut is not UTF-8: byte 8 is 0xf0"),
    ] {
        std::fs::write(place.path().join(name), bytes).expect("written");
        assert!(ask(name).contains(said), "{name}");
    }
    std::fs::create_dir(place.path().join("folder")).expect("created");
    assert!(ask("folder").contains("folder cannot be read") && ask("missing").contains("missing cannot be read"));
}

#[test]
fn lines_that_a_host_passes_over_are_shown_and_the_others_count() {
    let place = place();
    unowned(place.path());
    let large = format!("* @all\n{}", "# filler\n".repeat((3 << 20) / 8));
    // Host, text, place and message of the warning, and who has to sign for shop/main.rs.
    for (host, text, at, said, owner) in [
        ("github", "* @all\n!shop/ @x\n", "2:1", "GitHub passes over this line: `!`", "@all"),
        ("github", "* @all\n[Ss]hop/ @x\n", "2:1", "`[ ]` is no character range", "@all"),
        ("github", "* @all\n[Shop\n", "2:1", "`[ ]` is no character range", "@all"),
        ("github", "* @all\n  \\#shop @x\n", "2:3", "cannot begin with `#`", "@all"),
        ("github", "* @all\nshop/ lee\n", "2:1", "`lee` is no owner", "@all"),
        ("github", "* @all\nshop/ @lee max\n", "2:1", "`max` is no owner", "@all"),
        ("github", "* @all\nshop/ lee@localhost\n", "2:1", "`lee@localhost` is no owner", "@all"),
        ("github", "* @all\nshop/ @\n", "2:1", "`@` is no owner", "@all"),
        ("github", "* @all\nshop/ @@maintainer\n", "2:1", "`@@maintainer` is no owner", "@all"),
        ("github", "* @all\nshop/ @org/\n", "2:1", "`@org/` is no owner", "@all"),
        ("github", "* @all\nshop/ @org/team/more\n", "2:1", "`@org/team/more` is no owner", "@all"),
        ("github", "* @all\nshop/ @a,@b\n", "2:1", "`@a,@b` is no owner", "@all"),
        ("github", "\u{feff}* @all\n", "1:1", "byte order mark", "@all"),
        ("github", &large, "1:1", "GitHub does not load it", ""),
        ("gitlab", "* @all\n[Shop @lee\nshop/ @max\n", "2:1", "not closed: GitLab takes this line for a pattern", "@max"),
        ("gitlab", "* @all\n[] @lee\n", "2:1", "this section has no name", "@all"),
        ("gitlab", "* @all\n^[  ]\n", "2:1", "this section has no name", "@all"),
        ("gitlab", "* @all\n^[Shop]x @lee\n", "2:1", "this section cannot be read", "@all"),
        ("gitlab", "[Shop][0] @lee\nshop/\n", "1:1", "one approval at least", "@lee"),
        ("gitlab", "* @all\nshop/ lee @max\n", "2:1", "`lee` is no owner", "@max"),
        ("gitlab", "* @all\n[Shop]\nshop/\n", "3:1", "GitLab asks nobody", "@all"),
        ("gitlab", "* @all\nshop/ @group//x @max\n", "2:1", "`@group//x` is no owner", "@max"),
    ] {
        let file = format!(".{host}/CODEOWNERS");
        write(place.path(), &file, text);
        let arguments = ["assess", "shop.yaml", "--diff", "a.diff", "--codeowners", &file, "--trials", "256", "--format", "json"];
        let (code, out, err) = run(place.path(), &arguments);
        let shown: String = text.chars().take(100).collect();
        assert!(code < 2, "{shown}: {err}");
        assert!(err.contains(&format!("{file}:{at}\n")) && err.contains("warning") && err.contains(said), "{shown}: {err}");
        let result = json(&out);
        let entries = result["sign_off"].as_array().expect("a list").iter();
        let owners: Vec<&str> =
            entries.filter(|entry| entry["role"] == "code owner").filter_map(|entry| entry["who"].as_str()).collect();
        let expected: Vec<&str> = if owner.is_empty() { Vec::new() } else { vec![owner] };
        assert_eq!(owners, expected, "{shown}: {}", Value::from(out.as_str()));
    }
}
