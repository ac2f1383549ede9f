//! Evidence about a change that others write: Terraform plans, owners of files, pull and merge requests,
//! roll-outs, objects of Kubernetes, lock files and shared libraries.

use super::assess::git;
use super::{json, place, run, shockfront, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A shipped topology, absolute.
fn shipped(path: &str) -> String {
    format!("{}/topologies/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn fixture(path: &str) -> String {
    format!("{}/tests/cli/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// All strings of a list, one a line.
fn lines(list: &Value) -> String {
    let items = list.as_array().expect("a list");
    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_replaced_environment_loses_state_and_blocks() {
    let place = place();
    let (topology, plan) = (shipped("delete-and-recreate/topology.yaml"), fixture("plans/environment.json"));
    let arguments = ["assess", &topology, "--terraform", &plan, "--trials", "512", "--format", "json"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert_eq!(lines(&result["impact"]["inputs"]["faults"]), "state_loss@calc-env\nconfig_push@console-widget");
    assert_eq!(result["verdict"]["gate"], "blocked");
    let notes = lines(&result["notes"]);
    for said in [
        "the Terraform plan has 3 resources: 1 created, 1 changed in place, 1 replaced; 2 of 3 belong to a service",
        "module.calc.aws_elastic_beanstalk_environment.calc_env (of calc-env) is deleted and then created again, because \
         `solution_stack_name` cannot be changed in place; what it holds is lost",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
    assert_eq!(lines(&result["change"]["unmapped"]), "terraform:aws_cloudwatch_dashboard.costs");
    let floors = lines(&result["floors"]);
    assert!(floors.contains("1 resource of the Terraform plan belongs to no service"), "{floors}");
    assert!(floors.contains("destructive-without-tested-restore") && !floors.contains("change-not-fully-known"), "{floors}");
}

const SERVICES: &str = "\
schema: shockfront/topology/v1
observed_at: 2026-08-01
coverage: 0.9
services:
  orders-db: {kind: datastore, owner: team-orders}
  pool: {owner: team-orders, paths: [\"terraform:terraform_data.web\"]}
dependencies:
  - {from: pool, to: orders-db}
journeys:
  buy: {needs: [pool], users_per_minute: 100, slo: 99.9}
";

#[test]
fn types_that_tell_nothing_leave_a_question() {
    let place = place();
    write(place.path(), "services.yaml", SERVICES);
    // Written by Terraform 1.11 from resources of its own provider.
    let plan = fixture("plans/terraform_data.json");
    let arguments =
        ["assess", "services.yaml", "--terraform", &plan, "--trials", "512", "--format", "json", "--at", "2026-08-02"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert_eq!(lines(&result["change"]["services"]), "orders-db\npool");
    assert_eq!(lines(&result["change"]["unmapped"]), "terraform:terraform_data.gone");
    let floors = lines(&result["floors"]);
    let question = "whether `terraform_data.gone`, `terraform_data.orders_db`, which the Terraform plan destroys, hold state";
    assert!(floors.contains("change-not-fully-known") && floors.contains(question), "{floors}");
    let notes = lines(&result["notes"]);
    let gone = "terraform_data.gone (of no service) is deleted, because its block is no longer in the configuration";
    assert!(notes.contains(gone) && notes.contains("`triggers_replace` cannot be changed in place"), "{notes}");
}

#[test]
fn a_plan_that_changes_nothing_is_nothing_to_assess() {
    let place = place();
    let plan = r#"{"format_version": "1.2", "resource_changes": [{"address": "a.b", "change": {"actions": ["no-op"]}}]}"#;
    write(place.path(), "plan.json", plan);
    let (code, out, err) = run(place.path(), &["assess", "shop.yaml", "--terraform", "plan.json"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("plan.json is a plan that changes nothing"), "{err}");
    write(place.path(), "half.json", r#"{"format_version": "1.2", "errored": true}"#);
    let (code, out, err) = run(place.path(), &["assess", "shop.yaml", "--terraform", "half.json", "--format", "json"]);
    assert_eq!((code, json(&out)["verdict"]["gate"].as_str()), (1, Some("not_assessed")), "{err}");
}

#[test]
fn broken_plans_show_the_place() {
    let place = place();
    write(place.path(), "plan.json", "{\"format_version\": \"1.2\",\n \"resource_changes\": [{\"address\": 1}]}\n");
    let (code, out, err) = run(place.path(), &["assess", "shop.yaml", "--terraform", "plan.json"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("plan.json:2:24") && err.contains("terraform show -json"), "{err}");
}

#[test]
fn a_plan_comes_through_a_pipe_and_a_change_file_completes_it() {
    let place = place();
    let change = "schema: shockfront/change/v1\ntitle: Newer stack\nrollback: {tested: yes}\n";
    write(place.path(), "change.yaml", change);
    let topology = shipped("delete-and-recreate/topology.yaml");
    let arguments = ["assess", &topology, "--terraform", "-", "--change", "change.yaml", "--trials", "512", "--format", "json"];
    let plan = std::fs::read(fixture("plans/environment.json")).expect("the plan");
    let output = shockfront(place.path(), &arguments).write_stdin(plan).output().expect("it ran");
    let result = json(&String::from_utf8(output.stdout).expect("UTF-8"));
    assert_eq!(result["change"]["title"], "Newer stack");
    assert!(!lines(&result["floors"]).contains("destructive-without-tested-restore"), "{result}");
    let twice = ["assess", &topology, "--terraform", "-", "--diff", "-"];
    let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    let output = shockfront(place.path(), &twice).write_stdin(diff).output().expect("it ran");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input can be read once"));
}

/// The shop without an owner, in a repository whose `main` has a CODEOWNERS and whose `work` gives itself another.
fn owned_repository(codeowners: &str, place_of_it: &str) -> TempDir {
    let directory = place();
    let path = directory.path();
    // Everything else is known, so that only the owner is asked for; the old topology makes it orange.
    let shop =
        super::SHOP.replace("owner: team-shop, tier: 1", "tier: 1").replace("observed_at: 2026-08-01", "observed_at: 2026-01-01");
    write(path, "shop.yaml", &shop);
    write(path, place_of_it, codeowners);
    write(path, "shop/main.rs", "one\n");
    git(path, &["init", "-q", "-b", "main"]);
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "start"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    write(path, "shop/main.rs", "one\ntwo\n");
    write(path, place_of_it, "* @kim\n");
    git(path, &["commit", "-q", "-a", "-m", "More"]);
    directory
}

/// Who has to sign with role `code owner`: who, whether required, by whom given.
fn code_owners(result: &Value) -> Vec<(String, bool, Option<String>)> {
    let entries = result["sign_off"].as_array().expect("a list").iter().filter(|entry| entry["role"] == "code owner");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    entries
        .map(|entry| {
            (text(&entry["who"]).expect("who"), entry["required"].as_bool().expect("required"), text(&entry["given_by"]))
        })
        .collect()
}

fn assess_work(place: &Path, more: &[&str]) -> (i32, Value) {
    let arguments = ["assess", "shop.yaml", "--base", "main", "--trials", "512", "--format", "json"];
    let (code, out, err) = run(place, &[&arguments[..], more].concat());
    assert!(code < 2, "{err}");
    (code, json(&out))
}

#[test]
fn code_owners_sign_for_what_nobody_owns() {
    // kim wrote the commit.
    let place = owned_repository("* @all\n/shop/ @kim @org/shop-team\n", ".github/CODEOWNERS");
    let (code, result) = assess_work(place.path(), &[]);
    assert_eq!(code, 1);
    // The owners of main count, not those that the change gives itself; it changes CODEOWNERS, too, which belongs to no service.
    let all = ("@all".to_owned(), true, None);
    assert_eq!(code_owners(&result), [all.clone(), ("@org/shop-team".to_owned(), true, None)]);
    let text = result.to_string();
    assert!(text.contains("shop/main.rs is owned by `/shop/` (line 2 of CODEOWNERS)"), "{text}");
    assert!(text.contains("@org/shop-team, code owner of shop/main.rs, has to sign off"), "{text}");
    assert!(!text.contains("nobody owns shop"), "{text}");
    assert!(lines(&result["notes"]).contains("owners of files are those of .github/CODEOWNERS at main"), "{text}");

    let team = "schema: shockfront/team/v1\npeople:\n  - {name: kim, emails: [kim@example.com], level: senior, teams: [shop-team]}\n  \
        - {name: lee, emails: [lee@x.org], level: senior, teams: [shop-team]}\n";
    write(place.path(), "team.yaml", team);
    let head = hash(place.path(), "HEAD");
    let reviewers = format!("reviewers: [{{name: kim, head: {head}}}, {{name: lee, head: {head}}}]");
    write(place.path(), "change.yaml", &format!("schema: shockfront/change/v1\n{reviewers}\n"));
    let (_, result) = assess_work(place.path(), &["--team", "team.yaml", "--change", "change.yaml"]);
    assert_eq!(code_owners(&result), [all, ("@org/shop-team".to_owned(), true, Some("lee".to_owned()))]);
}

#[test]
fn an_owner_who_wrote_the_change_leaves_the_service_unowned() {
    let place = owned_repository("/shop/ @kim\n", "CODEOWNERS");
    let (_, result) = assess_work(place.path(), &[]);
    assert_eq!(code_owners(&result), []);
    assert!(result.to_string().contains("nobody owns shop"), "{result}");
}

#[test]
fn sections_of_gitlab_each_ask() {
    let text = "[Shop][2] @lee @max @group/shop\n/shop/\n^[Code]\n*.rs @rust\n[Other]\n/web/ @web\n";
    let place = owned_repository(text, ".gitlab/CODEOWNERS");
    let review = format!("schema: shockfront/change/v1\nreviewers: [{{name: lee, head: {}}}]\n", hash(place.path(), "HEAD"));
    write(place.path(), "change.yaml", &review);
    let (_, result) = assess_work(place.path(), &["--change", "change.yaml"]);
    let both = [("@lee or @max or @group/shop".to_owned(), true, None), ("@rust".to_owned(), false, None)];
    assert_eq!(code_owners(&result), both);
    let text = result.to_string();
    assert!(text.contains("2 of @lee or @max or @group/shop") && text.contains("section Shop"), "{text}");
}

#[test]
fn a_file_of_owners_goes_with_a_diff_and_warns_where_the_host_is_silent() {
    let place = owned_repository("* @all\n", "CODEOWNERS");
    write(place.path(), "OWNERS", "* @all\n!shop/ @x\nshop/ @lee\n");
    write(place.path(), "a.diff", "--- a/shop/main.rs\n+++ b/shop/main.rs\n@@ -1 +1 @@\n-a\n+b\n");
    let arguments = ["assess", "shop.yaml", "--diff", "a.diff", "--codeowners", "OWNERS", "--trials", "512", "--format", "json"];
    let (_, out, err) = run(place.path(), &arguments);
    assert_eq!(code_owners(&json(&out)), [("@lee".to_owned(), true, None)]);
    assert!(err.contains("OWNERS:2:1") && err.contains("GitHub passes over this line"), "{err}");
    write(place.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [shop]\n");
    let arguments =
        ["assess", "shop.yaml", "--change", "change.yaml", "--codeowners", "OWNERS", "--trials", "512", "--format", "json"];
    let notes = lines(&json(&run(place.path(), &arguments).1)["notes"]);
    assert!(notes.contains("OWNERS was not asked: no changed files are known"), "{notes}");
}

/// The full hash of a revision.
fn hash(place: &Path, revision: &str) -> String {
    let output = std::process::Command::new("git").current_dir(place).args(["rev-parse", revision]).output().expect("git ran");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// The event of a pull request from `main` to `work`, opened by lee.
fn event(place: &Path, head: &str, n_files: u64) -> String {
    let event = serde_json::json!({"action": "synchronize", "pull_request": {
        "number": 7, "title": "Shop sells more", "draft": true, "changed_files": n_files,
        "user": {"login": "lee", "id": 77, "type": "User"}, "labels": [{"name": "ai-assisted"}, {"name": "backend"}],
        "body": "Sells more.\n\n- [x] An AI tool helped\n- [ ] It was tried out",
        "base": {"ref": "main", "sha": hash(place, "main")}, "head": {"ref": "work", "sha": head, "repo": {"fork": true}}}});
    event.to_string()
}

#[test]
fn an_event_of_github_says_what_is_compared_and_who_opened_it() {
    let place = owned_repository("/shop/ @lee\n", "CODEOWNERS");
    let head = hash(place.path(), "work");
    // A pipeline stands on a merge that nobody wrote.
    git(place.path(), &["checkout", "-q", "main"]);
    write(place.path(), "event.json", &event(place.path(), &head, 2));
    let arguments = ["assess", "shop.yaml", "--event", "event.json", "--trials", "512", "--format", "json"];
    let (code, out, err) = run(place.path(), &arguments);
    let result = json(&out);
    assert_eq!((code, result["change"]["title"].as_str()), (1, Some("Shop sells more")), "{err}");
    assert_eq!(lines(&result["change"]["services"]), "shop");
    assert_eq!(result["change"]["ai"]["assisted"], "yes");
    let sign = "the pull or merge request: `ai-assisted` (label, confidence medium)";
    assert!(result["change"]["ai"]["evidence"].to_string().contains(sign), "{out}");
    let sign = "the pull or merge request: `An AI tool helped` (checkbox, confidence medium)";
    assert!(result["change"]["ai"]["evidence"].to_string().contains(sign), "{out}");
    assert!(lines(&result["notes"]).contains("pull request 7 is a draft"), "{out}");
    // lee opened it, so lee does not sign for it as the owner of the file.
    assert!(code_owners(&result).is_empty() && out.contains("nobody owns shop"), "{out}");
    assert!(!out.contains("change-not-fully-known"), "{out}");

    write(place.path(), "event.json", &event(place.path(), &head, 9));
    let (_, out, _) = run(place.path(), &arguments);
    assert!(out.contains("pull request 7 has 9 changed files, of which 2 were seen"), "{out}");
}

#[test]
fn commits_of_a_fork_that_are_missing_can_be_fetched_without_a_token() {
    let place = owned_repository("* @all\n", "CODEOWNERS");
    write(place.path(), "event.json", &event(place.path(), &"7".repeat(40), 2));
    let (code, out, err) = run(place.path(), &["assess", "shop.yaml", "--event", "event.json"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("git fetch origin pull/7/head"), "{err}");
    write(place.path(), "event.json", "{\"ref\": \"refs/heads/main\"}");
    let (code, _, err) = run(place.path(), &["assess", "shop.yaml", "--event", "event.json"]);
    assert!(code == 2 && err.contains("event.json:1:2") && err.contains("no `pull_request`"), "{err}");
}

#[test]
fn variables_of_gitlab_say_the_same() {
    let place = owned_repository("/shop/ @lee\n", "CODEOWNERS");
    let arguments = ["assess", "shop.yaml", "--gitlab", "--trials", "512", "--format", "json"];
    let mut command = shockfront(place.path(), &arguments);
    command.env("CI_MERGE_REQUEST_IID", "5").env("CI_MERGE_REQUEST_TITLE", "Shop sells more");
    command.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", hash(place.path(), "main")).env("CI_COMMIT_SHA", hash(place.path(), "work"));
    command.env("CI_MERGE_REQUEST_LABELS", "backend,ai-generated").env_remove("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA");
    let output = command.output().expect("it ran");
    let result = json(&String::from_utf8(output.stdout).expect("UTF-8"));
    assert_eq!((&result["change"]["title"], &result["change"]["ai"]["assisted"]), (&"Shop sells more".into(), &"yes".into()));
    assert_eq!(code_owners(&result), [("@lee".to_owned(), true, None)]);
    let mut command = shockfront(place.path(), &arguments);
    let output = command.env_remove("CI_MERGE_REQUEST_IID").output().expect("it ran");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("this is no merge request pipeline"));
}

const ROLLOUT: &str = "\
apiVersion: v1
kind: Service
metadata: {name: shop}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  strategy:
    canary:
      analysis: {templates: [{templateName: success}]}
      steps: [{setWeight: 10}, {pause: {duration: 30m}}, {setWeight: 50}, {pause: {}}]
";

#[test]
fn a_manifest_tells_the_roll_out_unless_the_change_file_does() {
    let place = place();
    write(place.path(), "rollout.yaml", ROLLOUT);
    write(place.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [shop]\n");
    let arguments =
        ["assess", "shop.yaml", "--change", "change.yaml", "--rollout", "rollout.yaml", "--trials", "512", "--format", "json"];
    let (code, out, err) = run(place.path(), &arguments);
    assert!(code < 2, "{err}");
    let note = "the roll-out is canary by the manifest of shop: an analysis watches it from 10 % on";
    assert!(lines(&json(&out)["notes"]).contains(note), "{out}");
    assert!(!out.contains("roll out by canary, waves or flag first"), "{out}");

    write(place.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [shop]\nrollout: {strategy: big_bang}\n");
    assert!(run(place.path(), &arguments).1.contains("roll out by canary, waves or flag first"));
    write(place.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [shop, web]\n");
    let (_, out, _) = run(place.path(), &arguments);
    assert!(out.contains("no manifest says how web rolls out"), "{out}");
    write(place.path(), "rollout.yaml", &ROLLOUT.replace("setWeight: 50", "setWeight: half"));
    let (code, _, err) = run(place.path(), &arguments);
    assert!(code == 2 && err.contains("rollout.yaml:12:"), "{err}");
}

#[test]
fn kubectl_diff_lands_on_services_by_the_names_of_objects() {
    let place = place();
    let part = |file: &str| {
        format!(
            "diff -u -N /tmp/LIVE-1/{file} /tmp/MERGED-2/{file}\n--- /tmp/LIVE-1/{file}\t2026-03-05 14:00:00.0 +0000\n\
             +++ /tmp/MERGED-2/{file}\t2026-03-05 14:00:00.0 +0000\n@@ -1 +1 @@\n-a: 1\n+a: 2\n"
        )
    };
    let diff = part("apps.v1.Deployment.prod.shop") + &part("v1.ConfigMap.prod.settings");
    let arguments = ["assess", "shop.yaml", "--diff", "-", "--trials", "512", "--format", "json"];
    let output = shockfront(place.path(), &arguments).write_stdin(diff).output().expect("it ran");
    let result = json(&String::from_utf8(output.stdout).expect("UTF-8"));
    assert_eq!(lines(&result["change"]["services"]), "shop");
    assert_eq!(lines(&result["change"]["unmapped"]), "v1.ConfigMap.prod.settings");
}

#[test]
fn lock_files_and_libraries_touch_all_who_depend_on_them() {
    let place = place();
    let services = super::SHOP
        .replace("tier: 3}", "tier: 3, groups: [common]}")
        .replace("replicas: {count: 3, need: 1}, paths", "replicas: {count: 3, need: 1}, groups: [common], paths")
        .replace("journeys:", "groups:\n  common: {kind: library, paths: [\"libs/common/**\"]}\njourneys:");
    write(place.path(), "services.yaml", &services);
    let diff = |path: &str| format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n");
    let ask = |path: &str| {
        let arguments = ["assess", "services.yaml", "--diff", "-", "--trials", "512", "--format", "json"];
        let output = shockfront(place.path(), &arguments).write_stdin(diff(path)).output().expect("it ran");
        assert!(output.status.code() < Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        let result = json(&String::from_utf8(output.stdout).expect("UTF-8"));
        (lines(&result["change"]["services"]), lines(&result["notes"]))
    };
    let (found, notes) = ask("libs/common/retry.rs");
    assert_eq!(found, "ads\nweb");
    assert!(notes.contains("libs/common/retry.rs is of the library common: all members are touched, web, ads"), "{notes}");
    let (found, notes) = ask("Cargo.lock");
    assert_eq!(found, "shop\nweb");
    assert!(notes.contains("Cargo.lock pins what is built in its directory and below: it touches shop, web"), "{notes}");
    assert_eq!(ask("web/package-lock.json").0, "web");

    write(place.path(), "services.yaml", &services.replace("libs/common/**", "libs/["));
    let output =
        shockfront(place.path(), &["assess", "services.yaml", "--diff", "-"]).write_stdin(diff("a")).output().expect("it ran");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && err.contains("services.yaml:15:") && err.matches("cannot be read").count() == 1,
        "{err}"
    );
}
