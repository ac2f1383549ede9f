//! Tests of the YAML reader: places, limits and hostile files.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Node, Vec<Diagnostic>> {
    parse(SourceId(0), text, 0)
}

fn slice(text: &str, span: Span) -> &str {
    &text[span.start as usize..span.end as usize]
}

fn first_error(text: &str) -> (&'static str, String, u32) {
    let error = read(text).expect_err(text).remove(0);
    (error.code, error.message, error.labels[0].span.start)
}

#[test]
fn plain_scalars_keep_their_text() {
    let node = read("a: no\nb: 0x1f\nc: 1.10\nd: '5'\ne: !!str 5\nf:\n").expect("yaml");
    assert_eq!(node.at(&["a"]).and_then(Node::text), Some("no"));
    assert_eq!(node.at(&["b"]).and_then(Node::text), Some("0x1f"));
    assert_eq!(node.at(&["c"]).map(|n| &n.value), Some(&Value::Plain("1.10".into())));
    assert_eq!(node.at(&["d"]).map(|n| &n.value), Some(&Value::String("5".into())));
    assert_eq!(node.at(&["e"]).map(|n| &n.value), Some(&Value::String("5".into())));
    assert!(node.at(&["f"]).is_some_and(Node::is_null));
}

#[test]
fn spans_are_bytes_whatever_stands_before() {
    for (before, newline) in [("", "\n"), ("# é 😀\n", "\n"), ("ü: 'ß\u{a0}'\n", "\n"), ("# é\r\n", "\r\n")] {
        let text =
            format!("{before}services:\n  kasse:\n    tür: [größe, 'x y']\n    \"q\": {{a: 1}}\nend: |\n  two\n  lines\nz: 1\n")
                .replace('\n', newline)
                .replace("\r\r", "\r");
        let node = read(&text).expect("yaml");
        let at = |path: &[&str]| slice(&text, node.at(path).map(|n| n.span).unwrap_or_default());
        assert_eq!(at(&["services", "kasse", "tür", "0"]), "größe");
        assert_eq!(at(&["services", "kasse", "tür", "1"]), "'x y'");
        assert_eq!(at(&["services", "kasse", "tür"]), "[größe, 'x y']");
        assert_eq!(at(&["services", "kasse", "q"]), "{a: 1}");
        assert_eq!(at(&["z"]), "1");
        assert!(at(&["services"]).starts_with("kasse:") && at(&["services"]).ends_with('}'), "{}", at(&["services"]));
        let key = node.key_span(&["services", "kasse", "tür"]).unwrap_or_default();
        assert_eq!(slice(&text, key), "tür");
        assert_eq!(node.at(&["end"]).and_then(Node::text), Some("two\nlines\n"));
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let text = "\u{feff}a: é\nb: x\n";
    let node = parse(SourceId(0), text, 3).expect("yaml");
    assert_eq!(node.at(&["b"]).map(|n| slice(text, n.span)), Some("x"));
}

#[test]
fn aliases_and_merges_are_copied_in() {
    let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\none:\n  <<: *base\n  b: 9\ntwo:\n  <<: [*base, *more]\nthree: *base\n";
    let node = read(text).expect("yaml");
    let at = |path: &[&str]| node.at(path).and_then(Node::text);
    assert_eq!((at(&["one", "a"]), at(&["one", "b"])), (Some("1"), Some("9")));
    assert_eq!((at(&["two", "b"]), at(&["two", "c"])), (Some("2"), Some("4")));
    assert_eq!(at(&["three", "b"]), Some("2"));
    assert_eq!(node.at(&["three"]).map(|n| slice(text, n.span)), Some("*base"));
    assert_eq!(first_error("a: {<<: 5}").0, "yaml-merge");
    assert_eq!(first_error("a: &a [*a]").0, "yaml-alias");
    assert_eq!(first_error("a: *missing").0, "yaml-syntax");
}

#[test]
fn alias_bombs_are_refused_with_a_place() {
    let mut text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*l{}", level - 1); 10].join(", ");
        text += &format!("l{level}: &l{level} [{aliases}]\n");
    }
    let (code, message, start) = first_error(&text);
    assert_eq!(code, "yaml-alias");
    assert!(message.contains("values") && start > 0, "{message}");
    assert_eq!(first_error(&format!("a: &a 1\nb: [{}]", "*a, ".repeat(10_001))).0, "yaml-alias");
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(first_error(&"[".repeat(100_000)).0, "too-deep");
    assert_eq!(first_error(&"{a: ".repeat(1_000)).0, "too-deep");
    assert_eq!(first_error(&"- ".repeat(1_000)).0, "too-deep");
    let mut nested = "a0: &a0 [x]\n".to_owned();
    for level in 1..100 {
        nested += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert_eq!(first_error(&nested).0, "too-deep");
}

#[test]
fn duplicate_keys_name_both_places() {
    let text = "é: 1\na: 1\nb: {x: 1, x: 2}\na: 2\n";
    let errors = read(text).expect_err("twice");
    let places: Vec<_> = errors.iter().flat_map(|error| &error.labels).map(|label| label.span.start).collect();
    assert_eq!(places, [21, 15, 27, 6]);
    let many: String = (0..40).map(|n| format!("k{}: 1\n", n % 39)).collect();
    assert_eq!(read(&many).expect_err("twice").len(), 1);
}

#[test]
fn tabs_second_documents_and_odd_keys_are_errors() {
    assert_eq!(first_error("services:\n\tcheckout: {}\n"), ("yaml-tab", "a tab indents this line".to_owned(), 10));
    assert_eq!(first_error("a:\n  b:\n  \tc: 1\n\td: 1\n").0, "yaml-tab");
    assert_eq!(first_error("a: 1\n---\nb: 2\n").0, "several-documents");
    assert_eq!(first_error("a: !python/object:os.system x\n").0, "yaml-tag");
    assert_eq!(first_error("? [a]\n: 1\n").0, "yaml-key");
    assert_eq!(first_error(": 1\n").0, "yaml-key");
    assert!(read("--- \na: 1\n...\n").is_ok());
    assert!(read("a: [1,\t2]\t# tab\n").is_ok());
}

#[test]
fn an_empty_stream_is_null() {
    assert!(read("# only a comment\n").is_ok_and(|node| node.is_null()));
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC*") {
        _ = read(&text);
    }

    #[test]
    fn nothing_panics_on_nearly_yaml(text in "([a-c]{0,2}|[:\\-\\[\\]{}&*!|>'\"%@`#,?<~ \t\n\r]|\\PC){0,40}") {
        if let Err(errors) = read(&text) {
            for label in errors.iter().flat_map(|error| &error.labels) {
                prop_assert!(text.get(label.span.start as usize..label.span.end as usize).is_some());
            }
        }
    }
}
