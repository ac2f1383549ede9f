//! What is written for Mermaid is read by Mermaid: whole topologies, and the drawings inside of comments.
//!
//! `scripts/test` names Mermaid's one file in `SHOCKFRONT_MERMAID` and a browser to run it in `SHOCKFRONT_CHROMIUM`; a plain `cargo test`
//! without them skips this test. Mermaid is also shown a broken drawing, so that a test which accepts everything is noticed.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use tempfile::TempDir;

/// Reads all drawings and leaves what is wrong with each in the document.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Mermaid</title><pre id="found"></pre>
<script src="MERMAID"></script><script type="module">
const found = [];
for (const text of DRAWINGS) {
  try { found.push((await mermaid.parse(text)).diagramType.startsWith("flowchart") ? "" : "no flowchart"); }
  catch (error) { found.push(String(error)); }
}
document.getElementById("found").textContent = "FOUND" + btoa(unescape(encodeURIComponent(JSON.stringify(found)))) + "END";
</script>"#;

/// What is wrong with each drawing; nothing where it can be read.
fn problems(chromium: &OsStr, mermaid: &OsStr, drawings: &[&str]) -> Vec<String> {
    let directory = TempDir::new().expect("a directory");
    let drawings = serde_json::to_string(drawings).expect("JSON").replace('<', "\\u003c");
    let page = PAGE.replace("MERMAID", &format!("file://{}", Path::new(mermaid).display())).replace("DRAWINGS", &drawings);
    fs::write(directory.path().join("page.html"), page).expect("written");
    let run = Command::new(chromium)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--virtual-time-budget=60000",
        ])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .args(["--allow-file-access-from-files", "--dump-dom"])
        .arg(format!("file://{}", directory.path().join("page.html").display()))
        .output()
        .expect("Chromium runs");
    let dom = String::from_utf8_lossy(&run.stdout);
    let found = dom.split_once("FOUND").and_then(|(_, rest)| rest.split_once("END")).map(|(found, _)| found);
    let found = found.unwrap_or_else(|| panic!("nothing was found: {dom}{}", String::from_utf8_lossy(&run.stderr)));
    serde_json::from_slice(&base64(found)).expect("an answer for each")
}

/// Bytes of a text in base 64 (RFC 4648).
fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(digit).collect();
    let group = |four: &[u32]| {
        let bits = four.iter().enumerate().fold(0, |bits, (at, digit)| bits | digit << (18 - 6 * at));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

fn shockfront(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_shockfront")).args(arguments).output().expect("shockfront runs");
    assert!(matches!(run.status.code(), Some(0 | 1)), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("UTF-8")
}

/// The drawing inside of a comment.
fn drawing(comment: &str) -> Option<String> {
    let (_, rest) = comment.split_once("```mermaid\n")?;
    Some(rest.split_once("```")?.0.to_owned())
}

#[test]
fn drawings_are_valid_mermaid() {
    let (Some(chromium), Some(mermaid)) = (env::var_os("SHOCKFRONT_CHROMIUM"), env::var_os("SHOCKFRONT_MERMAID")) else { return };
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("topologies")).expect("topologies");
    let mut topologies: Vec<PathBuf> = folders.map(|entry| entry.expect("entry").path().join("topology.yaml")).collect();
    topologies.retain(|path| path.exists());
    topologies.sort();
    let mut drawings = Vec::new();
    for topology in topologies.iter().map(|path| path.display().to_string()) {
        drawings.push((topology.clone(), shockfront(&["graph", &topology, "--format", "mermaid"])));
        let ranking: Value =
            serde_json::from_str(&shockfront(&["rank", &topology, "--static", "--trials", "512", "--format", "json"]))
                .expect("JSON");
        let worst = ranking["services"][0]["name"].as_str().expect("a service").replace('.', "\\.");
        let fault = format!("crash@{worst}");
        let comment =
            shockfront(&["simulate", &topology, "--fault", &fault, "--static", "--trials", "512", "--format", "markdown"]);
        let inside = drawing(&comment).expect("the comment holds a drawing");
        assert!(inside.matches(":::tier").count() <= 30, "more nodes than can be read");
        drawings.push((format!("{topology}, {fault}"), inside));
    }
    let directory = TempDir::new().expect("a directory");
    let hostile = directory.path().join("hostile.yaml");
    let names = "schema: shockfront/topology/v1\nservices: {'a\"b]': {}, 'end': {}, 'x --> y; %%': {}}\ndependencies:\n  \
        - {from: 'a\"b]', to: end}\n  - {from: end, to: 'x --> y; %%'}\n";
    fs::write(&hostile, names).expect("written");
    drawings.push(("hostile names".to_owned(), shockfront(&["graph", &hostile.display().to_string(), "--format", "mermaid"])));
    let mut texts: Vec<&str> = drawings.iter().map(|(_, text)| text.as_str()).collect();
    texts.push("flowchart LR\n  a[\"b --> ]\n  --> c\n");
    let mut found = problems(&chromium, &mermaid, &texts);
    assert!(found.pop().is_some_and(|broken| !broken.is_empty()), "a broken drawing is accepted");
    for ((name, text), problem) in drawings.iter().zip(found) {
        assert_eq!(problem, "", "{name}:\n{text}");
    }
}
