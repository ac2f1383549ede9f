//! Broken input: exit 2, nothing on standard output, a message with its place.

use super::{SHOP, place, run, write};

/// Replaces a part of the topology.
fn with(from: &str, to: &str) -> String {
    assert!(SHOP.contains(from), "{from}");
    SHOP.replacen(from, to, 1)
}

#[test]
fn topologies_are_refused_with_the_place() {
    let cases = [
        ("owner: team-web", "onwer: team-web", "shop.yaml:6:", "owner"),
        ("to: shop,", "to: shopp,", "shop.yaml:11:", "did you mean `shop`?"),
        ("probability: 0.8", "probability: 1.8", "shop.yaml:12:", "0 to 1"),
        ("repair: 25m", "repair: 25", "shop.yaml:7:", "no unit"),
        ("needs: [web]", "needs: [wab]", "shop.yaml:15:", "did you mean `web`?"),
        ("topology/v1", "topology/v9", "shop.yaml:1:", "v1"),
        ("count: 3, need: 1", "count: 1, need: 3", "shop.yaml:6:", "at most"),
        ("tier: 3", "incidents: {count: 3, over: 0d}", "shop.yaml:9:", "counted over no time"),
        ("tier: 3", "incidents: {count: -1, over: 180d}", "shop.yaml:9:", "a whole number, at least 0"),
        ("tier: 3", "incidents: {count: 3}", "shop.yaml:9:", "over"),
        ("tier: 3", "incidents: 3", "shop.yaml:9:", "error"),
        ("services:", "services: [", "shop.yaml:", "error"),
    ];
    for (from, to, place_of_it, expected) in cases {
        let place = place();
        write(place.path(), "shop.yaml", &with(from, to));
        let (code, out, err) = run(place.path(), &["check", "shop.yaml"]);
        assert_eq!((code, out.as_str()), (2, ""), "{to}: {err}");
        assert!(err.contains(place_of_it) && err.contains(expected), "{to}: {err}");
    }
}

#[test]
fn faults_are_refused_with_a_caret() {
    let cases = [
        ("crush@db", "--fault:1:1", "did you mean `crash`?"),
        ("crash@bd", "--fault:1:7", "did you mean `db`?"),
        ("crash@db,repair=10", "--fault:1:10", "no unit"),
        ("overload@db", "--fault:1:1", "`db` states no `load`"),
        ("zone_loss@db", "--fault:1:1", "group"),
    ];
    for (fault, place_of_it, expected) in cases {
        let (code, out, err) = run(place().path(), &["simulate", "shop.yaml", "--fault", fault]);
        assert_eq!((code, out.as_str()), (2, ""), "{fault}: {err}");
        assert!(err.contains(place_of_it) && err.contains(expected) && err.contains('^'), "{fault}: {err}");
    }
}

#[test]
fn missing_files_and_wrong_usage_exit_2() {
    let place = place();
    write(place.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [shpo]\nkind: code\n");
    for (arguments, expected) in [
        (vec!["check", "none.yaml"], "none.yaml cannot be read"),
        (vec!["check", "shop.txt"], "shop.txt"),
        (vec!["simulate", "shop.yaml"], "--fault"),
        (vec!["simulate", "shop.yaml", "--fault", "crash@db", "--trials", "0"], "whole number"),
        (vec!["simulate", "shop.yaml", "--fault", "crash@db", "--at", "now"], "point in time"),
        (vec!["simulate", "shop.yaml", "--fault", "crash@ads", "--exact"], "random"),
        (vec!["assess", "shop.yaml"], "--change"),
        (vec!["assess", "shop.yaml", "--change", "change.yaml"], "did you mean `shop`?"),
        (vec!["assess", "shop.yaml", "--base", "main"], "git"),
        (vec!["frobnicate"], "frobnicate"),
    ] {
        let (code, out, err) = run(place.path(), &arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn a_fault_that_begins_after_the_horizon_is_refused() {
    let place = place();
    for (arguments, words) in [
        (
            &["simulate", "shop.yaml", "--fault", "crash@db,at=72h"][..],
            "begins 3d after the start, when the simulation of 3d is over",
        ),
        (
            &["simulate", "shop.yaml", "--fault", "crash@db", "--fault", "crash@ads,at=2h", "--horizon", "1h"],
            "`crash@ads` begins 2h",
        ),
        (&["simulate", "shop.yaml", "--fault", "crash@db,at=2h", "--horizon", "1h", "--exact"], "begins 2h"),
        (&["compare", "shop.yaml", "--fault", "crash@db,at=4d", "--with", "buffer:shop->db=10m"], "begins 4d"),
    ] {
        let (code, out, err) = run(place.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(words) && err.contains("`--horizon`"), "{err}");
    }
    // Without a clock nothing is ever over.
    let fine = ["simulate", "shop.yaml", "--fault", "crash@db,at=72h", "--static", "--trials", "64"];
    assert_eq!(run(place.path(), &fine).0, 0);
    let fine = ["simulate", "shop.yaml", "--fault", "crash@db,at=71h", "--trials", "64"];
    assert_eq!(run(place.path(), &fine).0, 0);
}
