//! Tests of reading whole files, over all three formats.

use super::check::tests::Shop;
use super::*;
use proptest::prelude::*;

fn load(text: impl Into<String>, format: Format) -> Result<Read<Shop>, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let id = sources.add("shop", text);
    read(&sources, id, format)
}

fn first(text: &str, format: Format) -> Diagnostic {
    load(text, format).expect_err(text).remove(0)
}

#[test]
fn formats_are_told_by_extension() {
    assert_eq!(Format::from_path(Path::new("a/b.YML")), Some(Format::Yaml));
    assert_eq!(Format::from_path(Path::new("b.toml")), Some(Format::Toml));
    assert_eq!(Format::from_path(Path::new("b.json")), Some(Format::Json));
    assert_eq!(Format::from_path(Path::new("b.txt")), None);
}

#[test]
fn the_three_formats_say_the_same() {
    let yaml = "schema: shockfront/shop/v1\nservices:\n  zürich: {owner: no}\n  1.10: {owner: 0x1f}\n  a:\ndependencies:\n";
    let toml =
        "schema = 'shockfront/shop/v1'\n[services.'zürich']\nowner = 'no'\n[services.'1.10']\nowner = '0x1f'\n[services.a]\n";
    let json = r#"{"schema": "shockfront/shop/v1", "services": {"zürich": {"owner": "no"}, "1.10": {"owner": "0x1f"}, "a": {}}}"#;
    for (text, format) in [(yaml, Format::Yaml), (toml, Format::Toml), (json, Format::Json)] {
        for bom in ["", "\u{feff}"] {
            let text = format!("{bom}{text}");
            let services = load(text.as_str(), format).expect("valid").value.services.0;
            let names: Vec<_> = services.iter().map(|(name, _)| name.value.as_str()).collect();
            assert_eq!(names, ["zürich", "1.10", "a"], "{format:?}");
            for (name, service) in &services {
                let at = |span: Span| text[span.start as usize..span.end as usize].trim_matches(['"', '\'']).to_owned();
                assert_eq!(at(name.span), name.value);
                if let Some(owner) = &service.owner {
                    assert_eq!(at(owner.span), owner.value);
                }
            }
        }
    }
}

#[test]
fn empty_and_binary_files_are_errors_with_a_place() {
    for format in [Format::Yaml, Format::Toml, Format::Json] {
        for text in ["", " \n\t\r\n", "\u{feff}"] {
            let error = first(text, format);
            assert_eq!((error.code, &*error.message), ("empty", "the file is empty: expected a `schema:` line"));
            assert_eq!(error.labels.len(), 1);
        }
        assert_eq!(first("a\0b", format).labels[0].span.start, 1);
    }
    assert_eq!(first("# nothing\n---\n", Format::Yaml).code, "empty");
    assert_eq!(first("null", Format::Json).code, "wrong-type");
    assert_eq!(decode_utf8("a.yaml", b"ab\xffc".to_vec()).expect_err("bad").message, "a.yaml is not UTF-8: byte 2 is 0xff");
    assert!(decode_utf8("a.yaml", b"ab\0c".to_vec()).expect_err("bad").message.contains("byte 2 is NUL"));
    assert_eq!(decode_utf8("a.yaml", "é".into()).as_deref(), Ok("é"));
}

#[test]
fn large_files_are_refused_before_parsing() {
    let error = first(&" ".repeat(LIMITS.yaml_bytes + 1), Format::Yaml);
    assert_eq!(error.code, "too-large");
    assert!(error.message.contains("33 MB") && error.message.contains("32 MB"), "{}", error.message);
}

#[test]
fn options_of_numbers_and_text_read_plain_scalars() {
    let read = load("schema: shockfront/shop/v1\nname: 007\nseed: 18446744073709551615\n", Format::Yaml);
    assert!(read.is_ok(), "{read:?}");
    let error = first("{\"schema\": \"shockfront/shop/v1\", \"name\": 7}", Format::Json);
    assert_eq!((&*error.message, error.help.as_deref()), ("expected text, found `7`", Some("put it in quotes")));
    let error = first("schema = 'shockfront/shop/v1'\nseed = '7'", Format::Toml);
    assert_eq!(error.help.as_deref(), Some("remove the quotes"));
}

fn large(services: usize) -> (String, String) {
    let mut yaml = "schema: shockfront/shop/v1\ndependencies:\n".to_owned();
    let mut json = "{\"schema\": \"shockfront/shop/v1\", \"dependencies\": [\n".to_owned();
    for n in 0..services {
        yaml += &format!(
            "  - from: service-{n}.Place\n    to: service-{}.Get\n    probability: 0.{}\n",
            n * 7 % services,
            n % 97 + 1
        );
        let comma = if n == 0 { "" } else { ",\n" };
        json += &format!(
            "{comma}  {{\"from\": \"service-{n}.Place\", \"to\": \"service-{}.Get\", \"probability\": 0.{}}}",
            n * 7 % services,
            n % 97 + 1
        );
    }
    (yaml, json + "\n]}\n")
}

#[test]
fn large_files_read() {
    let (yaml, json) = large(3_000);
    for (text, format) in [(yaml, Format::Yaml), (json, Format::Json)] {
        let read = load(text.as_str(), format).expect("valid");
        assert_eq!(read.value.dependencies.len(), 3_000);
        let last = &read.value.dependencies[2_999];
        assert!(text[last.span.start as usize..last.span.end as usize].contains(&last.value.from));
        assert_eq!(read.node.at(&["dependencies", "2999", "from"]).and_then(Node::text), Some(&*last.value.from));
        assert!(!last.value.to.is_empty());
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_places_lie_in_the_text(tail in "([ \n:\\-{}\\[\\],a-z0-9\"'%./]|\\PC){0,60}") {
        for (head, format) in [
            ("schema: shockfront/shop/v1\n", Format::Yaml),
            ("schema = 'shockfront/shop/v1'\n", Format::Toml),
            ("{\"schema\": \"shockfront/shop/v1\",", Format::Json),
        ] {
            let text = format!("{head}{tail}");
            if let Err(errors) = load(text.as_str(), format) {
                for label in errors.iter().flat_map(|error| &error.labels) {
                    prop_assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{text:?} {errors:?}");
                }
            }
        }
    }
}
