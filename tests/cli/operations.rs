//! Changes that lie in the code of some operations of a service hit those; all others hit the service.

use super::{assess::git, json, run, shockfront, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A shop of which the web shows orders and the reports read quotes.
const SERVICES: &str = "\
schema: shockfront/topology/v1
observed_at: 2026-08-01
coverage: 0.9
services:
  web: {owner: team-web}
  reports: {owner: team-reports}
  shop:
    owner: team-shop
    paths: [\"shop/**\"]
    operations:
      PlaceOrder: {paths: [\"shop/**#PlaceOrder*\", \"shop/orders/**\"]}
      GetQuote: {paths: [\"shop/**#Shop.GetQuote\", \"shop/*.py#quote\"]}
      Health:
dependencies:
  - {from: web, to: shop.PlaceOrder, probability: 1}
  - {from: reports, to: shop.GetQuote, probability: 1}
journeys:
  buy: {needs: [web], users_per_minute: 100, slo: 99.9}
";

const MAIN: &str = "\
package main

import (
\t\"fmt\"
)

func (s *Shop) GetQuote(ctx Context) (*Quote, error) {
\tprice := s.price(ctx)
\tif price == nil {
\t\treturn nil, fmt.Errorf(\"no price\")
\t}
\treturn quote(price), nil
}

// PlaceOrder takes the money.
func (s *Shop) PlaceOrder(ctx Context, order *Order) error {
\tif err := s.charge(order); err != nil {
\t\treturn err
\t}
\treturn s.ship(order)
}

func (s *Shop) charge(order *Order) error {
\treturn s.payments.Charge(order.Total)
}
";

/// Methods of which git's heading names only the class.
const PAGE: &str = "\
class Page:
    title = 'quotes'

    def quote(self):
        a = 1
        b = 2
        c = 3
        d = 4
        return a + b + c + d

    def other(self):
        return 1
";

struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path();
        write(path, "services.yaml", SERVICES);
        write(path, "shop/main.go", MAIN);
        write(path, "shop/page.py", PAGE);
        write(path, "shop/orders/list.c", "int x;\n");
        git(path, &["init", "-q", "-b", "main"]);
        git(path, &["add", "."]);
        git(path, &["commit", "-q", "-m", "start"]);
        git(path, &["checkout", "-q", "-b", "work"]);
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Commits a file with some text in place of other.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(file)).expect("a file");
        assert!(text.contains(from), "{from}");
        write(self.path(), file, &text.replace(from, to));
        git(self.path(), &["commit", "-q", "-a", "-m", "Edit"]);
    }

    fn of_range(&self, more: &[&str]) -> Found {
        let arguments = ["assess", "services.yaml", "--base", "main", "--trials", "512", "--format", "json"];
        let (code, out, err) = run(self.path(), &[&arguments[..], more].concat());
        assert!(code < 2, "{err}");
        Found(json(&out))
    }

    fn of_diff(&self, diff: &str) -> Found {
        let arguments = ["assess", "services.yaml", "--diff", "-", "--trials", "512", "--format", "json"];
        let output = shockfront(self.path(), &arguments).write_stdin(diff).output().expect("it ran");
        assert!(output.status.code() < Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        Found(json(&String::from_utf8(output.stdout).expect("UTF-8")))
    }

    /// What git prints between the branches, with as many lines around a change.
    fn diff(&self, context: usize) -> String {
        let arguments = ["diff", &format!("-U{context}"), "main...work"];
        let output = std::process::Command::new("git").current_dir(self.path()).args(arguments).output().expect("git ran");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

struct Found(Value);

impl Found {
    fn faults(&self) -> String {
        self.0["impact"]["inputs"]["faults"][0].as_str().expect("a fault").to_owned()
    }

    fn notes(&self) -> String {
        self.0["notes"].as_array().expect("a list").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    fn is_impaired(&self, name: &str) -> bool {
        let services = self.0["impact"]["services"].as_array().expect("a list");
        let found = services.iter().find(|service| service["name"] == name);
        found.is_some_and(|service| service["impaired"]["probability"].as_f64().expect("a number") > 0.0)
    }
}

#[test]
fn a_change_inside_one_operation_hits_it_alone() {
    let shop = Shop::new();
    shop.edit("shop/main.go", "return s.ship(order)", "return s.ship(ctx, order)");
    let found = shop.of_range(&[]);
    assert_eq!(found.faults(), "bad_deploy@shop.PlaceOrder");
    assert_eq!(found.0["change"]["services"], serde_json::json!(["shop"]));
    let note = "shop is hit in shop.PlaceOrder (Shop.PlaceOrder) only: all that changed in shop/main.go lies there";
    assert!(found.notes().contains(note), "{}", found.notes());
    assert!(found.is_impaired("web") && !found.is_impaired("reports"), "{}", found.0);
    // The same from what git prints, whose heading is the function.
    assert_eq!(shop.of_diff(&shop.diff(1)).faults(), "bad_deploy@shop.PlaceOrder");
    assert_eq!(shop.of_diff(&shop.diff(0)).faults(), "bad_deploy@shop.PlaceOrder");
    // A condition of a policy sees the service.
    let rule = "schema: shockfront/policy/v1\nrules:\n  - {name: shops, when: '\"shop\" in change.services', raises_to: red}\n";
    write(shop.path(), "policy.yaml", rule);
    let found = shop.of_range(&["--policy", "policy.yaml"]);
    assert!(found.0["floors"].to_string().contains("shops"), "{}", found.0["floors"]);
    // Who names the service knows.
    write(shop.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [shop]\n");
    let found = shop.of_range(&["--change", "change.yaml"]);
    assert_eq!(found.faults(), "bad_deploy@shop");
    assert!(found.is_impaired("web") && found.is_impaired("reports"));
}

#[test]
fn changes_inside_two_operations_hit_both() {
    let shop = Shop::new();
    shop.edit("shop/main.go", "return s.ship(order)", "return s.ship(ctx, order)");
    shop.edit("shop/main.go", "return quote(price), nil", "return quote(ctx, price), nil");
    let found = shop.of_range(&[]);
    assert_eq!(found.faults(), "bad_deploy@shop.GetQuote+shop.PlaceOrder");
    assert!(found.is_impaired("web") && found.is_impaired("reports"));
    // One hunk whose heading is the import and that holds the end of one and the head of the other.
    assert_eq!(shop.of_diff(&shop.diff(3)).faults(), "bad_deploy@shop.GetQuote+shop.PlaceOrder");
}

#[test]
fn a_helper_or_the_imports_hit_the_whole_service() {
    for (from, to) in [
        ("s.payments.Charge(order.Total)", "s.payments.Charge(order.Sum)"),
        ("\t\"fmt\"\n", "\t\"fmt\"\n\t\"log\"\n"),
        // The heading of this is GetQuote, which has ended.
        ("// PlaceOrder takes the money.", "// PlaceOrder takes the money and ships.\nvar limit = 3\n"),
    ] {
        let shop = Shop::new();
        shop.edit("shop/main.go", "return s.ship(order)", "return s.ship(ctx, order)");
        shop.edit("shop/main.go", from, to);
        for found in [shop.of_range(&[]), shop.of_diff(&shop.diff(3)), shop.of_diff(&shop.diff(0))] {
            assert_eq!(found.faults(), "bad_deploy@shop", "{from}");
            let note = "shop is hit as a whole: not all of what changed in shop/main.go lies in code of its operations";
            assert!(found.notes().contains(note), "{}", found.notes());
            assert!(found.is_impaired("reports"));
        }
    }
}

#[test]
fn a_range_sees_definitions_far_above_the_change_and_a_diff_does_not() {
    let shop = Shop::new();
    shop.edit("shop/page.py", "return a + b + c + d", "return a + b + c - d");
    assert_eq!(shop.of_range(&[]).faults(), "bad_deploy@shop.GetQuote");
    // All that it shows are lines of some function, of some class.
    assert_eq!(shop.of_diff(&shop.diff(3)).faults(), "bad_deploy@shop");
    assert_eq!(shop.of_diff(&shop.diff(8)).faults(), "bad_deploy@shop.GetQuote");
    shop.edit("shop/page.py", "title = 'quotes'", "title = 'all quotes'");
    assert_eq!(shop.of_range(&[]).faults(), "bad_deploy@shop");
}

#[test]
fn files_of_an_operation_need_no_symbols_but_moves_and_other_files_hit_all() {
    let shop = Shop::new();
    shop.edit("shop/orders/list.c", "int x;", "int y;");
    assert_eq!(shop.of_range(&[]).faults(), "bad_deploy@shop.PlaceOrder");
    write(shop.path(), "shop/Makefile", "all:\n");
    git(shop.path(), &["add", "."]);
    shop.edit("shop/orders/list.c", "int y;", "int z;");
    assert_eq!(shop.of_range(&[]).faults(), "bad_deploy@shop");

    let shop = Shop::new();
    git(shop.path(), &["mv", "shop/main.go", "shop/shop.go"]);
    shop.edit("shop/shop.go", "return s.ship(order)", "return s.ship(ctx, order)");
    assert_eq!(shop.of_range(&[]).faults(), "bad_deploy@shop");
}

#[test]
fn a_glob_that_cannot_be_read_is_shown_where_it_stands() {
    let shop = Shop::new();
    shop.edit("shop/main.go", "return s.ship(order)", "return s.ship(ctx, order)");
    write(shop.path(), "services.yaml", &SERVICES.replace("Shop.GetQuote\"", "Get[\""));
    let (code, out, err) = run(shop.path(), &["assess", "services.yaml", "--base", "main"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("services.yaml:12:") && err.contains("`shop/**#Get[` of operation `shop.GetQuote`"), "{err}");
    write(shop.path(), "services.yaml", &SERVICES.replace("{paths: [\"shop/**#Shop.GetQuote", "{path: [\"shop/**#Shop.GetQuote"));
    let (code, _, err) = run(shop.path(), &["check", "services.yaml"]);
    assert!(code == 2 && err.contains("services.yaml:12:") && err.contains("did you mean `paths`?"), "{err}");
    write(shop.path(), "services.yaml", &SERVICES.replace("\"shop/orders/**\"", "\"orders/**\""));
    let (code, out, _) = run(shop.path(), &["check", "services.yaml", "--deny", "warning"]);
    assert!(code == 1 && out.contains("operation-outside-paths") && out.contains("`orders/**` of `shop.PlaceOrder`"), "{out}");
}
