//! CODEOWNERS in the dialect of GitHub against `@snyk/github-codeowners` (npm), over made-up patterns and paths.
//!
//! Both read the same files; of every path the owners have to be the same. Letters are small, since that program ignores their
//! case, and signs that GitHub does not read are left out, since it does not know of them. Seeds are fixed.
//!
//! `scripts/test` installs the program into `target/cache/codeowners`, or `SHOCKFRONT_CODEOWNERS_MODULES` names its `node_modules`.
//! Without it this test fails.

use serde_json::{Value, json};
use shockfront::change::codeowners::{Dialect, read_codeowners};
use shockfront::diagnostic::SourceId;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FILES: u64 = 400;
const PATHS: usize = 25;

/// SplitMix64, the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Few names, so that patterns and paths meet.
const NAMES: &[&str] = &["a", "b", "docs", "a.js", "b.js", "x-y", "{a}"];
const PARTS: &[&str] = &["a", "b", "docs", "*.js", "*", "**", "a*", "?", "x-*", "{a}", "*.*"];

fn path(dice: &mut Dice) -> String {
    let depth = 1 + dice.below(4);
    (0..depth).map(|_| dice.one(NAMES)).collect::<Vec<_>>().join("/")
}

fn pattern(dice: &mut Dice) -> String {
    let depth = 1 + dice.below(3);
    let mut parts: Vec<&str> = (0..depth).map(|_| dice.one(PARTS)).collect();
    // That program takes `**/**` for at least one directory; by the documentation of git it may be none.
    parts.dedup_by(|a, b| a == b && *a == "**");
    format!("{}{}{}", dice.one(&["", "/"]), parts.join("/"), dice.one(&["", "", "/"]))
}

fn file(dice: &mut Dice) -> String {
    let rule = |line: usize, dice: &mut Dice| {
        let owners = match dice.below(5) {
            0 => String::new(),
            1 => format!(" @o{line} @org/team-{line}"),
            _ => format!(" @o{line}"),
        };
        format!("{}{owners}\n", pattern(dice))
    };
    let comment = "# owners\n\n".to_owned();
    let rules = 1 + dice.below(6);
    std::iter::once(comment).chain((0..rules).map(|line| rule(line, dice))).collect()
}

fn modules() -> PathBuf {
    let cached = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cache/codeowners/node_modules");
    let modules = std::env::var_os("SHOCKFRONT_CODEOWNERS_MODULES").map_or_else(cached, PathBuf::from);
    let engine = modules.join("@snyk/github-codeowners");
    assert!(engine.exists(), "{} is missing: scripts/test installs it with npm", engine.display());
    modules
}

fn others(cases: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codeowners/owners.js");
    let mut child = Command::new("node")
        .arg(script)
        .arg(modules())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is needed: scripts/test says so");
    child.stdin.take().expect("piped").write_all(cases.to_string().as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ran");
    assert!(output.status.success(), "the other program failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn files_have_the_owners_that_another_program_finds() {
    let mut cases = Vec::new();
    for seed in 0..FILES {
        let dice = &mut Dice(seed);
        let text = file(dice);
        let paths: Vec<String> = (0..PATHS).map(|_| path(dice)).collect();
        cases.push(json!({"text": text, "paths": paths}));
    }
    let answers = others(&json!({"cases": cases}));
    let (mut n_owned, mut different) = (0, Vec::new());
    for (case, answer) in cases.iter().zip(answers.as_array().expect("a list")) {
        let text = case["text"].as_str().expect("a text");
        let ours = read_codeowners(SourceId(0), text, Dialect::GitHub);
        assert!(ours.warnings.is_empty(), "{text}: {:?}", ours.warnings);
        for (path, expected) in case["paths"].as_array().expect("paths").iter().zip(answer.as_array().expect("answers")) {
            let claims = ours.claims(path.as_str().expect("a path"));
            let found = json!(claims.first().map_or(&[][..], |claim| &claim.owners));
            n_owned += usize::from(!claims.is_empty());
            if found != *expected {
                different.push(format!("{path} in {text:?}: {found}, they say {expected}"));
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different[..different.len().min(12)].join("\n"));
    assert!(n_owned > 1_000, "only {n_owned} files have owners: the test is blind");
}
