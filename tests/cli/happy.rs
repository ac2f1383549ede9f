//! Every command does its work.

use super::{boutique, json, place, run};

#[test]
fn simulate_gives_the_exact_chain() {
    let place = place();
    let arguments = ["simulate", "shop.yaml", "--fault", "crash@db", "--static", "--exact", "--format", "json"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    let result = json(&out);
    assert_eq!(result["inputs"]["method"], "exact");
    assert_eq!(result["inputs"]["solver"], "enumeration");
    // db, and with 0.8 shop and web, which needs it for certain.
    assert_eq!(result["reach"]["mean"].as_f64().map(|mean| (mean * 1e9).round() / 1e9), Some(2.6));
}

#[test]
fn simulate_has_three_formats_and_repeats_itself() {
    let place = place();
    for format in ["text", "json", "markdown"] {
        let run = |threads| {
            let arguments =
                ["simulate", "shop.yaml", "--fault", "crash@db", "--trials", "2000", "--format", format, "--threads", threads];
            run(place.path(), &arguments)
        };
        let first = run("1");
        assert_eq!(first.0, 0, "{}", first.2);
        assert_eq!(first, run("3"), "{format}");
        assert!(first.1.contains("crash@db") && !first.1.contains('\u{1b}'), "{}", first.1);
    }
    let (_, out, _) =
        run(place.path(), &["simulate", "shop.yaml", "--fault", "crash@db", "--color", "always", "--trials", "500"]);
    assert!(out.contains('\u{1b}'));
}

#[test]
fn check_lists_weak_spots_and_can_be_a_gate() {
    let place = place();
    let (code, out, _) = run(place.path(), &["check", "shop.yaml", "--at", "2026-08-02"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("check_shop", out);
    assert_eq!(run(place.path(), &["check", "shop.yaml", "--deny", "warning"]).0, 1);
    assert_eq!(run(place.path(), &["check", "shop.yaml", "--deny", "error"]).0, 0);
    let (code, out, _) = run(place.path(), &["check", "shop.yaml", "--format", "json"]);
    assert_eq!((code, json(&out)["schema"].as_str()), (0, Some("shockfront/findings/v1")));
    let sarif = json(&run(place.path(), &["check", "shop.yaml", "--format", "sarif"]).1);
    assert_eq!(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "shop.yaml");
}

#[test]
fn the_shipped_topology_works() {
    let (place, topology) = (place(), boutique("topology.yaml"));
    assert_eq!(run(place.path(), &["check", &topology]).0, 0);
    for format in ["dot", "mermaid", "svg"] {
        let (code, out, _) = run(place.path(), &["graph", &topology, "--format", format]);
        assert!(code == 0 && out.contains("checkoutservice"), "{format}");
    }
    let (code, out, _) =
        run(place.path(), &["simulate", &topology, "--fault", "crash@redis-cart", "--static", "--format", "json"]);
    assert!(code == 0 && json(&out)["reach"]["mean"].as_f64().is_some_and(|mean| mean > 2.0));
}

#[test]
fn schemas_scripts_and_pages_are_made() {
    let place = place();
    for format in ["topology", "change", "team", "fault", "part", "ranking", "comparison"] {
        let (code, out, _) = run(place.path(), &["schema", format]);
        assert!(code == 0 && json(&out).is_object() && out.contains(&format!("shockfront/{format}/v1")), "{out}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(place.path(), &["completions", shell]);
        assert!(code == 0 && out.contains("shockfront"), "{shell}");
    }
    assert!(run(place.path(), &["man"]).1.contains(".TH shockfront 1"));
    assert_eq!(run(place.path(), &["man", "."]).0, 0);
    assert!(place.path().join("shockfront-assess.1").exists());
}

#[test]
fn help_is_stable() {
    let place = place();
    for command in ["assess", "simulate", "check", "rank", "merge", "compare"] {
        let (code, out, _) = run(place.path(), &[command, "--help"]);
        assert_eq!(code, 0);
        insta::assert_snapshot!(format!("help_{command}"), out);
    }
    insta::assert_snapshot!("help", run(place.path(), &["--help"]).1);
}

#[test]
fn generated_topologies_can_be_used() {
    let place = place();
    for (format, file) in [("yaml", "made.yaml"), ("json", "made.json"), ("edge-list", "made.tsv")] {
        let arguments = ["generate", "--services", "30", "--arcs", "60", "--seed", "7", "--format", format];
        let (code, out, err) = run(place.path(), &arguments);
        assert_eq!(code, 0, "{err}");
        assert_eq!(run(place.path(), &[&arguments[..], &["-o", file]].concat()).0, 0);
        assert_eq!(std::fs::read_to_string(place.path().join(file)).expect("written"), out);
        let (code, _, err) = run(place.path(), &["check", file]);
        assert_eq!(code, 0, "{err}");
    }
}
