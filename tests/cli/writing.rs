//! Results reach their place whole, or not at all.

use super::{SHOP, place, run, shockfront, write};
use std::process::Stdio;

const SIMULATE: [&str; 8] = ["simulate", "shop.yaml", "--fault", "crash@db", "--static", "--trials", "512", "-o"];

#[test]
fn a_file_is_replaced_only_by_a_whole_result() {
    let place = place();
    let target = place.path().join("result.txt");
    assert_eq!(run(place.path(), &[&SIMULATE[..], &["result.txt"]].concat()).0, 0);
    let first = std::fs::read_to_string(&target).expect("written");
    assert!(first.contains("crash@db"));
    let broken = ["simulate", "shop.yaml", "--fault", "crash@none", "-o", "result.txt"];
    assert_eq!(run(place.path(), &broken).0, 2);
    assert_eq!(std::fs::read_to_string(&target).expect("kept"), first);
    let left: Vec<_> = std::fs::read_dir(place.path()).expect("listed").map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_cannot_be_written_exits_3() {
    let place = place();
    for target in ["no/such/place.txt", "."] {
        let (code, _, err) = run(place.path(), &[&SIMULATE[..], &[target]].concat());
        assert_eq!(code, 3, "{err}");
        assert!(err.contains("cannot be written"), "{err}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let place = place();
    // A reader that is gone before anything is written.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let program = assert_cmd::cargo::cargo_bin("shockfront");
    let output = std::process::Command::new(program)
        .current_dir(place.path())
        .args(["schema", "topology"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("it ran");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_diff_comes_from_standard_input() {
    let place = place();
    write(place.path(), "web/a.txt", "a\n");
    let diff = "--- a/web/a.txt\n+++ b/web/a.txt\n@@ -1 +1 @@\n-a\n+b\n";
    let mut command = shockfront(place.path(), &["assess", "shop.yaml", "--diff", "-", "--trials", "1000", "--format", "json"]);
    let output = command.write_stdin(diff).output().expect("it ran");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"web\""));
}

#[test]
fn no_result_takes_the_place_of_what_it_was_made_from() {
    let place = place();
    let path = place.path();
    write(path, "change.yaml", "schema: shockfront/change/v1\ntitle: x\nservices: [db]\n");
    write(path, "map/shop.yaml", SHOP);
    let change = std::fs::read(path.join("change.yaml")).expect("read");
    for arguments in [
        &["simulate", "shop.yaml", "--fault", "crash@db", "-o", "./shop.yaml"][..],
        &["simulate", "shop.yaml", "--fault", "crash@db", "--static", "--trials-out", "shop.yaml"],
        &["rank", "shop.yaml", "-o", "map/../shop.yaml"],
        &["check", "map", "--format", "json", "-o", "map/shop.yaml"],
        &["graph", "shop.yaml", "--format", "svg", "-o", "shop.yaml"],
        &["compare", "shop.yaml", "--against", "map/shop.yaml", "--fault", "crash@db", "-o", "map/shop.yaml"],
        &["assess", "shop.yaml", "--change", "change.yaml", "-o", "change.yaml"],
        &["assess", "shop.yaml", "--change", "change.yaml", "--report", "sarif=shop.yaml"],
    ] {
        let (code, out, err) = run(path, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("overwrites-input"), "{err}");
    }
    assert_eq!(std::fs::read_to_string(path.join("shop.yaml")).expect("read"), SHOP);
    assert_eq!(std::fs::read(path.join("change.yaml")).expect("read"), change);
    let fine = ["graph", "map", "--format", "svg", "-o", "map/graph.svg"];
    assert_eq!((run(path, &fine).0, run(path, &fine).0), (0, 0), "a result of before may be replaced");
}
