//! Precision, shards, rows of trials, rankings: as users run them.

use super::{json, place, run, write};
use std::path::Path;

const CRASH: [&str; 4] = ["simulate", "shop.yaml", "--fault", "crash@db"];

fn simulate(place: &Path, more: &[&str]) -> (i32, String, String) {
    run(place, &[&CRASH[..], more].concat())
}

fn read(place: &Path, name: &str) -> String {
    std::fs::read_to_string(place.join(name)).expect("written")
}

#[test]
fn merged_shards_print_what_one_run_prints() {
    let place = place();
    let place = place.path();
    for (mode, trials) in [(&["--static"][..], "5000"), (&["--responders", "1", "--horizon", "5h"][..], "1500")] {
        let options = [mode, &["--trials", trials, "--seed", "3"]].concat();
        let mut names = Vec::new();
        for number in 0..3 {
            let (shard, name, rows) = (format!("{number}/3"), format!("part-{number}.json"), format!("rows-{number}.csv"));
            let written = simulate(place, &[&options[..], &["--shard", &shard, "-o", &name, "--trials-out", &rows]].concat());
            assert_eq!(written, (0, String::new(), String::new()));
            names.insert(0, name);
        }
        for format in ["text", "json", "markdown"] {
            let one = simulate(place, &[&options[..], &["--format", format, "--trials-out", "rows.csv"]].concat());
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            let merged = run(place, &[&["merge"], &parts[..], &["--format", format]].concat());
            assert_eq!(one, merged, "{format}");
        }
        let mut rows = read(place, "rows-0.csv");
        for number in 1..3 {
            let part = read(place, &format!("rows-{number}.csv"));
            rows.push_str(part.split_once('\n').expect("a title").1);
        }
        assert_eq!(rows, read(place, "rows.csv"));
    }
    // A series is carried along; a page for people leaves it out.
    let options = ["--trials", "1500", "--series"];
    for number in ["0", "1"] {
        let (shard, name) = (format!("{number}/2"), format!("series-{number}.json"));
        let written = simulate(place, &[&options[..], &["--shard", &shard, "-o", &name]].concat());
        assert_eq!(written, (0, String::new(), String::new()));
    }
    let merge = |format: &str| run(place, &["merge", "series-1.json", "series-0.json", "--format", format]);
    let one = simulate(place, &[&options[..], &["--format", "json"]].concat());
    assert!(one.1.contains("\"bucket_minutes\""));
    assert_eq!(one, merge("json"));
    assert_eq!(simulate(place, &options[..2]), merge("text"));
    for (parts, message) in [
        (&["part-0.json", "part-1.json"][..], "1 of 3 parts are missing, among them part 2"),
        (&["part-0.json", "part-1.json", "part-1.json"][..], "part 1 of 3 is given twice"),
        (&["shop.yaml"][..], "this is no part of a run"),
        (&["none.json"][..], "none.json cannot be read"),
    ] {
        let (code, out, err) = run(place, &[&["merge"], parts].concat());
        assert!(code == 2 && out.is_empty() && err.contains(message), "{err}");
    }
}

#[test]
fn merged_shards_of_a_ranking_print_what_one_prints() {
    let place = place();
    let place = place.path();
    for (mode, trials) in [
        (&["--static", "--top", "2"][..], "5000"),
        (&["--responders", "1", "--horizon", "5h", "--by", "downtime", "--fault", "bad_deploy"][..], "1500"),
    ] {
        let options = [&["rank", "shop.yaml"], mode, &["--trials", trials, "--seed", "3"]].concat();
        for number in 0..3 {
            let (shard, name, rows) = (format!("{number}/3"), format!("rank-{number}.json"), format!("rows-{number}.csv"));
            // Rows take services one by one; the sums are the same.
            let rows: &[&str] = if number == 1 { &["--trials-out", &rows] } else { &[] };
            let written = run(place, &[&options[..], &["--shard", &shard, "-o", &name], rows].concat());
            assert_eq!(written, (0, String::new(), String::new()));
        }
        for format in ["text", "json", "markdown"] {
            let one = run(place, &[&options[..], &["--format", format]].concat());
            let merged = run(place, &["merge", "rank-2.json", "rank-0.json", "rank-1.json", "--format", format]);
            assert_eq!(one, merged, "{format}");
        }
    }
    assert_eq!(simulate(place, &["--trials", "1500", "--shard", "0/3", "-o", "part-0.json"]).0, 0);
    for (parts, message) in [
        (&["rank-0.json", "rank-1.json"][..], "1 of 3 parts are missing, among them part 2"),
        (&["rank-0.json", "part-0.json"][..], "part-0.json does not fit: it is of another command than the first"),
        (&["part-0.json", "rank-0.json"][..], "rank-0.json does not fit: it is of another command than the first"),
    ] {
        let (code, out, err) = run(place, &[&["merge"], parts].concat());
        assert!(code == 2 && out.is_empty() && err.contains(message), "{err}");
    }
    write(place, "shop.yaml", &super::SHOP.replace("probability: 0.8", "probability: 0.7"));
    let (code, _, err) = run(place, &["merge", "rank-0.json", "rank-1.json", "rank-2.json"]);
    assert!(code == 2 && err.contains("the topology has changed since the parts were made"), "{err}");
    for bad in [&["--shard", "2/2"][..], &["--shard", "0/2", "--precision", "1%"]] {
        assert_eq!(run(place, &[&["rank", "shop.yaml"], bad].concat()).0, 2);
    }
}

#[test]
fn parts_of_other_runs_are_refused() {
    let place = place();
    let place = place.path();
    let part = |shard: &str, more: &[&str], name: &str| {
        assert_eq!(simulate(place, &[&["--static", "--trials", "2000", "--shard", shard, "-o", name], more].concat()).0, 0);
    };
    part("0/2", &[], "a.json");
    part("1/2", &["--seed", "1"], "b.json");
    let (code, _, err) = run(place, &["merge", "a.json", "b.json"]);
    assert!(
        code == 2 && err.contains("b.json does not fit: it is of another run than the first: `seed` is 1 and not 0"),
        "{err}"
    );
    part("1/2", &[], "b.json");
    write(place, "shop.yaml", &super::SHOP.replace("probability: 0.8", "probability: 0.7"));
    let (code, _, err) = run(place, &["merge", "a.json", "b.json"]);
    assert!(code == 2 && err.contains("the topology has changed since the parts were made"), "{err}");
    write(place, "moved/shop.yaml", super::SHOP);
    assert_eq!(run(place, &["merge", "a.json", "b.json", "--topology", "moved/shop.yaml"]).0, 0);
    for bad in [&["--shard", "2/2"][..], &["--shard", "0/2", "--exact"], &["--shard", "0/2", "--precision", "1%"]] {
        assert_eq!(simulate(place, bad).0, 2);
    }
}

#[test]
fn a_part_fits_its_schema() {
    let place = place();
    for (format, mut arguments, series) in [
        ("part", [&CRASH[..], &["--trials", "1000", "--shard", "0/2"]].concat(), Some("--series")),
        ("part", ["rank", "shop.yaml", "--trials", "600", "--shard", "1/2"].to_vec(), None),
        ("ranking", ["rank", "shop.yaml", "--trials", "600", "--format", "json"].to_vec(), None),
    ] {
        for mode in [None, series, Some("--static")] {
            arguments.retain(|argument| *argument != "--series");
            arguments.extend(mode);
            let (code, out, err) = run(place.path(), &arguments);
            assert_eq!((code, err.as_str()), (0, ""));
            let schema = json(&run(place.path(), &["schema", format]).1);
            let validator = jsonschema::validator_for(&schema).expect("a valid schema");
            let wrong: Vec<String> = validator.iter_errors(&json(&out)).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{format}: {wrong:#?}");
        }
    }
}

/// What `merge` runs on comes from a file, and no option of a file is free of what holds for a typed one.
#[test]
fn options_of_parts_are_held_to_what_the_command_line_is() {
    let place = place();
    for arguments in [
        [&CRASH[..], &["--trials", "600", "--horizon", "6h", "--shard", "0/1"]].concat(),
        ["rank", "shop.yaml", "--trials", "600", "--horizon", "6h", "--shard", "0/1"].to_vec(),
    ] {
        let (code, part, err) = run(place.path(), &arguments);
        assert_eq!((code, err.as_str()), (0, ""));
        for (good, bad, said) in [
            ("\"horizon\":\"6h\"", "\"horizon\":\"0m\"", "the horizon is above 0"),
            ("\"trials\":600,\"seed\"", "\"trials\":0,\"seed\"", "a whole number from 1"),
        ] {
            assert!(part.contains(good), "{good}: {part}");
            write(place.path(), "part.json", &part.replace(good, bad));
            let (code, out, err) = run(place.path(), &["merge", "part.json"]);
            // A part without trials may fail earlier: its sums are those of others.
            assert!(code == 2 && out.is_empty() && (err.contains(said) || bad.contains("trials")), "{bad}: {err}");
        }
    }
}

#[test]
fn precision_is_reached_or_said_to_be_missed() {
    let place = place();
    let stopped = |more: &[&str]| json(&simulate(place.path(), &[more, &["--format", "json"]].concat()).1);
    let early = stopped(&["--static", "--precision", "1%", "--trials", "1000000"]);
    assert_eq!((&early["inputs"]["trials"], &early["precision"]["is_reached"]), (&8_192.into(), &true.into()));
    let reach = &early["reach"];
    let half = (reach["interval"][1].as_f64().expect("known") / reach["mean"].as_f64().expect("known")) - 1.0;
    assert!(half < 0.01 && (half - early["precision"]["reach"].as_f64().expect("known")).abs() < 1e-12);
    let late = stopped(&["--precision", "0.0001", "--trials", "9000"]);
    assert_eq!((&late["inputs"]["trials"], &late["precision"]["is_reached"]), (&9_000.into(), &false.into()));
    assert!(late["limits"].to_string().contains("9,000 trials were too few for the precision"), "{}", late["limits"]);
    let text = simulate(place.path(), &["--static", "--precision", "1%", "--trials", "1000000"]).1;
    assert!(text.contains("half-width 0.91 % of mean reach") && text.contains("--trials 1000000 --precision 0.01"), "{text}");
    let change = "schema: shockfront/change/v1\nservices: [db]\nkind: code\n";
    write(place.path(), "change.yaml", change);
    let arguments = [
        "assess",
        "shop.yaml",
        "--change",
        "change.yaml",
        "--advisory",
        "--precision",
        "0.0001",
        "--trials",
        "9000",
        "--format",
        "json",
    ];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    let assessment = json(&out);
    assert_eq!(
        (&assessment["impact"]["inputs"]["trials"], &assessment["impact"]["precision"]["is_reached"]),
        (&9_000.into(), &false.into())
    );
}

/// A mean that a few trials carry says so, and how much of it the worst one makes; with more trials it does not.
#[test]
fn long_tails_are_told() {
    let place = place();
    let told = |trials: &str| {
        let tail = ["simulate", "shop.yaml", "--fault", "crash@db,repair=20m/20h", "--horizon", "3000d", "--trials", trials];
        let found = json(&run(place.path(), &[&tail[..], &["--format", "json"]].concat()).1);
        let limits = found["limits"].as_array().expect("limits").iter().filter_map(|limit| limit.as_str());
        let told: Vec<String> = limits.filter(|limit| limit.contains("Few trials carry")).map(str::to_owned).collect();
        told
    };
    let [few] = &told("300")[..] else { panic!("no word about few trials") };
    assert!(few.contains("the worst one up to ") && few.contains("user-minutes, downtime of buy"), "{few}");
    assert!(few.contains("downtime of 3 services") && few.ends_with("More `--trials` help."), "{few}");
    assert_eq!(told("200000"), [""; 0], "long, and yet no trial is a tenth");
}

#[test]
fn every_service_fails_in_turn() {
    let place = place();
    let (code, out, err) = run(place.path(), &["rank", "shop.yaml", "--trials", "2000"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("rank_shop", out);
    let (_, markdown, _) = run(place.path(), &["rank", "shop.yaml", "--trials", "2000", "--format", "markdown"]);
    insta::assert_snapshot!("rank_shop_markdown", markdown);
    let ranking = |more: &[&str]| json(&run(place.path(), &[&["rank", "shop.yaml", "--format", "json"], more].concat()).1);
    let fixed = ranking(&["--static", "--threads", "1"]);
    assert_eq!(fixed, ranking(&["--static", "--threads", "3"]));
    assert_eq!(fixed["schema"], "shockfront/ranking/v1");
    let names: Vec<&str> = fixed["services"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["db", "shop", "ads", "web"]);
    assert_eq!(fixed["services"][1]["reach"]["mean"], 2.0);
    // The same numbers as one simulation of that fault.
    let one = json(&simulate(place.path(), &["--static", "--format", "json"]).1);
    assert_eq!(fixed["services"][0]["reach"]["mean"], one["reach"]["mean"]);
    assert_eq!(fixed["services"][0]["reach"]["interval"], one["reach"]["interval"]);
    let (code, _, err) = run(place.path(), &["rank", "shop.yaml", "--fault", "zone_loss"]);
    assert!(code == 2 && err.contains("zone"), "{err}");
    assert_eq!(run(place.path(), &["rank", "shop.yaml", "--static", "--fault", "overload"]).0, 2);
}
