//! The program as users run it: commands, exit codes, messages, files.

#[path = "cli/assess.rs"]
mod assess;
#[path = "cli/broken.rs"]
mod broken;
#[path = "cli/budgets.rs"]
mod budgets;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/happy.rs"]
mod happy;
#[path = "cli/measures.rs"]
mod measures;
#[path = "cli/not_deployed.rs"]
mod not_deployed;
#[path = "cli/not_fooled.rs"]
mod not_fooled;
#[path = "cli/not_hidden.rs"]
mod not_hidden;
#[path = "cli/operations.rs"]
mod operations;
#[path = "cli/outputs.rs"]
mod outputs;
#[path = "cli/pages.rs"]
mod pages;
#[path = "cli/policy.rs"]
mod policy;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/remote.rs"]
mod remote;
#[path = "cli/repositories.rs"]
mod repositories;
#[path = "cli/statistics.rs"]
mod statistics;
#[path = "cli/topology_edits.rs"]
mod topology_edits;
#[path = "cli/unknown_traffic.rs"]
mod unknown_traffic;
#[path = "cli/writing.rs"]
mod writing;

use assert_cmd::Command;
use std::path::Path;
use tempfile::TempDir;

/// Four services: web needs shop, shop needs db hard and ads soft.
const SHOP: &str = "\
schema: shockfront/topology/v1
name: shop
observed_at: 2026-08-01
coverage: 0.9
services:
  web: {owner: team-web, tier: 0, replicas: {count: 3, need: 1}, paths: [\"web/**\"]}
  shop: {owner: team-shop, tier: 1, replicas: {count: 2, need: 1}, paths: [\"shop/**\"], detect: 5m, repair: 25m}
  db: {kind: datastore, owner: team-shop, replicas: {count: 1, need: 1}, detect: 5m, repair: 25m}
  ads: {owner: team-ads, tier: 3}
dependencies:
  - {from: web, to: shop, kind: hard, probability: 1.0}
  - {from: shop, to: db, kind: hard, probability: 0.8}
  - {from: shop, to: ads, kind: soft, fallback: {coverage: 1.0, tested: false}}
journeys:
  buy: {needs: [web], users_per_minute: 100, slo: 99.9}
";

/// A directory with `shop.yaml`, in which the program runs.
fn place() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    write(directory.path(), "shop.yaml", SHOP);
    directory
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    std::fs::write(path, text).expect("written");
}

fn shockfront(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("shockfront").expect("the program");
    command.current_dir(directory).env_remove("NO_COLOR").args(arguments);
    command
}

/// Exit code, standard output, standard error.
fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = shockfront(directory, arguments).output().expect("it ran");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// The shipped topology, absolute.
fn boutique(name: &str) -> String {
    format!("{}/topologies/online-boutique/{name}", env!("CARGO_MANIFEST_DIR"))
}
