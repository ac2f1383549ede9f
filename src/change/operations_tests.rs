use super::*;
use crate::change::paths::map_files;

fn part(names: &[&str], lines: u64) -> ChangedPart {
    ChangedPart { names: names.iter().map(|&name| name.to_owned()).collect(), lines }
}

fn file(path: &str, status: Status, parts: &[ChangedPart]) -> ChangedFile {
    ChangedFile {
        old_path: (status != Status::Added).then(|| path.to_owned()),
        new_path: (status != Status::Deleted).then(|| path.to_owned()),
        status,
        content: Content::Text,
        added: parts.iter().map(|part| part.lines).sum(),
        deleted: 0,
        hunks: Vec::new(),
        parts: parts.to_vec(),
    }
}

fn rule<'a>((operation, path): (&'a str, &'a str)) -> OperationRule<'a> {
    OperationRule { service: "shop", operation, path }
}

/// What a change hits, and the notes.
fn hit(rules: &[(&str, &str)], files: &[ChangedFile]) -> (String, String) {
    let paths = [PathRule { glob: "src/**", service: "shop" }];
    let mut mapping = map_files(&paths, files).expect("good globs");
    let rules: Vec<_> = rules.iter().copied().map(rule).collect();
    let notes = narrow(&mut mapping, &rules, files, |_| false).expect("good globs");
    (mapping.targets().join(" "), notes.join("\n"))
}

const RULES: [(&str, &str); 4] = [
    ("PlaceOrder", "src/**#PlaceOrder*"),
    ("GetQuote", "src/**#Quotes.Get*"),
    ("GetQuote", "src/quotes/**"),
    ("v1.Refund", "/src/a.go#[rR]efund"),
];

#[test]
fn all_that_changed_has_to_lie_in_operations() {
    let edited = |parts: &[ChangedPart]| [file("src/a.go", Status::Modified, parts)];
    let order = part(&["Shop", "PlaceOrderNow"], 3);
    for (files, expected) in [
        (edited(std::slice::from_ref(&order)).to_vec(), "shop.PlaceOrder"),
        (edited(&[order.clone(), part(&["Quotes", "GetAll"], 1)]).to_vec(), "shop.GetQuote shop.PlaceOrder"),
        (edited(&[part(&["refund"], 1)]).to_vec(), "shop.v1\\.Refund"),
        (edited(&[order.clone(), part(&[], 1)]).to_vec(), "shop"),
        (edited(&[order.clone(), part(&["helper"], 1)]).to_vec(), "shop"),
        (edited(&[part(&["GetAll"], 1)]).to_vec(), "shop"),
        (edited(&[]).to_vec(), "shop"),
        // Files of an operation, whatever stands in them.
        (vec![file("src/quotes/b.py", Status::Modified, &[part(&[], 1)])], "shop.GetQuote"),
        (vec![file("src/quotes/b.py", Status::Added, &[])], "shop.GetQuote"),
        (vec![file("src/quotes/b.py", Status::Deleted, &[])], "shop.GetQuote"),
        // A new file has a head, and what is gone was used somewhere.
        (vec![file("src/a.go", Status::Added, std::slice::from_ref(&order))], "shop"),
        (vec![file("src/a.go", Status::Deleted, std::slice::from_ref(&order))], "shop"),
        (vec![ChangedFile { content: Content::Binary, ..file("src/quotes/b", Status::Modified, &[]) }], "shop"),
        (vec![file("src/quotes/b", Status::ModeOnly, &[])], "shop"),
        (vec![ChangedFile { old_path: Some("src/quotes/a".to_owned()), ..file("src/quotes/b", Status::Renamed, &[]) }], "shop"),
        // One file outside is enough.
        ([&edited(std::slice::from_ref(&order))[..], &[file("src/c.go", Status::Modified, &[part(&["x"], 1)])]].concat(), "shop"),
    ] {
        assert_eq!(hit(&RULES, &files).0, expected, "{files:?}");
    }
}

#[test]
fn notes_say_what_was_narrowed_and_what_was_not() {
    let order = part(&["Shop", "PlaceOrder"], 3);
    let (_, notes) = hit(&RULES, &[file("src/a.go", Status::Modified, std::slice::from_ref(&order))]);
    assert_eq!(notes, "shop is hit in shop.PlaceOrder (Shop.PlaceOrder) only: all that changed in src/a.go lies there");
    let (_, notes) = hit(&RULES, &[file("src/a.go", Status::Modified, &[order, part(&[], 1)])]);
    assert_eq!(notes, "shop is hit as a whole: not all of what changed in src/a.go lies in code of its operations");
    assert_eq!(hit(&[("PlaceOrder", "src/orders/**")], &[file("src/a.go", Status::Modified, &[])]).1, "");
}

#[test]
fn whatever_else_lands_on_a_service_hits_all_of_it() {
    let files = [file("src/a.go", Status::Modified, &[part(&["PlaceOrder"], 3)])];
    let rules: Vec<_> = RULES.iter().copied().map(rule).collect();
    let paths = [PathRule { glob: "src/**", service: "shop" }];
    let mut mapping = map_files(&paths, &files).expect("good globs");
    narrow(&mut mapping, &rules, &files, |_| false).expect("good globs");
    assert_eq!(mapping.by_service["shop"].operations, BTreeMap::from([("PlaceOrder".to_owned(), 3)]));
    mapping.land("shop", "Cargo.lock", 1);
    assert_eq!(mapping.targets(), ["shop"]);
    // Files that are shared, and services that somebody named.
    mapping.by_service.get_mut("shop").expect("it").share(1, 0.5);
    narrow(&mut mapping, &rules, &files, |_| false).expect("good globs");
    assert_eq!(mapping.targets(), ["shop"]);
    let mut mapping = map_files(&paths, &files).expect("good globs");
    assert!(narrow(&mut mapping, &rules, &files, |service| service == "shop").expect("good globs").is_empty());
    assert_eq!(mapping.targets(), ["shop"]);
}

#[test]
fn symbols_are_asked_for_where_they_matter() {
    let rules: Vec<_> = RULES.iter().copied().map(rule).collect();
    let quotes = [rule(("GetQuote", "src/quotes/**"))];
    let files =
        [file("src/a.go", Status::Modified, &[]), file("src/b.go", Status::Added, &[]), file("c.go", Status::Modified, &[])];
    assert_eq!(asks_for_symbols(&rules, &files), Ok(vec!["src/a.go".to_owned()]));
    assert_eq!(asks_for_symbols(&quotes, &files), Ok(Vec::new()));
    for bad in ["src/[#x", "src/**#", "#x", "src/**#[", ""] {
        assert_eq!(asks_for_symbols(&[rule(("A", bad))], &[]).map_err(|problems| problems.len()), Err(1), "{bad}");
    }
}

#[test]
fn code_outside_of_the_service_is_seen() {
    let paths = ["src/shop/**".to_owned(), "api/shop.proto".to_owned()];
    for (path, expected) in [
        ("src/shop/**#PlaceOrder*", false),
        ("src/shop/orders", false),
        ("/src/shop/*/order?.go#x", false),
        ("src/web/**#PlaceOrder", true),
        ("**#PlaceOrder", false),
        ("src/**#PlaceOrder", false),
        ("api/shop.proto#Place", false),
        ("src/{shop,web}/**", false),
    ] {
        assert_eq!(is_outside(path, &paths), expected, "{path}");
    }
}
