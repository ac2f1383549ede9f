//! Tests of edge lists.

use super::*;
use crate::topology::edge_part::decimal;
use crate::topology::tests::Memory;
use crate::units::DependencyId;
use proptest::prelude::*;

fn errors(text: &str) -> Vec<String> {
    read("e.tsv", text.as_bytes())
        .expect_err(text)
        .into_iter()
        .map(|error| format!("{}: {}", error.code, error.message))
        .collect()
}

#[test]
fn tabs_commas_and_blanks_separate() {
    for text in [
        "a\tb\t0.25\nb\tc c\t1\n",
        "\u{feff}provider\tconsumer\tprobability\n# x\n\n a\tb \t0.25\r\n\tb\tc c\t1.0\t# why\n",
        "Provider,Consumer,Probability\na,b,.25\n\"b\",\"c c\",1e0 # why\n# end",
        "a b 0.25\nb,c c,1.000\n",
        "a   b  0.2500000000000000000 # why\nb\tc c\t1 # why",
    ] {
        let system = read("dir/e.tsv", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        assert_eq!(system.name, "e");
        assert_eq!(system.service_names().collect::<Vec<_>>(), ["a", "b", "c c"], "{text}");
        let arcs: Vec<_> = system
            .dependency_ids()
            .map(|id| (system.provider(id).service.0, system.consumer(id).service.0, system.stated_probability(id)))
            .collect();
        assert_eq!(arcs, [(0, 1, Some(0.25)), (1, 2, Some(1.0))], "{text}");
        assert!(system.service(crate::units::ServiceId(2)) == &crate::model::facts::Service::default());
        assert_eq!(system.kind(DependencyId(1)), crate::model::facts::DependencyKind::Hard);
    }
}

#[test]
fn errors_name_line_and_column() {
    for (text, expected) in [
        ("", "empty: e.tsv:1:1: the edge list has no arcs"),
        ("# only\n", "empty: e.tsv:1:1: the edge list has no arcs"),
        ("a\tb\n", "missing-value: e.tsv:1:4: expected `provider consumer probability`, found two values"),
        ("a\n", "missing-value: e.tsv:1:2: expected `provider consumer probability`, found one value"),
        ("ä b 0.5\nä c 1.3\n", "out-of-range: e.tsv:2:5: the probability 1.3 is not within 0 to 1"),
        ("a b nan\n", "wrong-type: e.tsv:1:5: expected a probability from 0 to 1, found `nan`"),
        ("a b -0.1\n", "out-of-range: e.tsv:1:5: the probability -0.1 is not within 0 to 1"),
        ("a\tb\t0,5\n", "wrong-type: e.tsv:1:5: expected a probability from 0 to 1, found `0,5`"),
        ("a b 0.5 x\n", "extra-value: e.tsv:1:9: expected the end of the line after three values"),
        ("a,,0.5\n", "missing-value: e.tsv:1:3: expected a value, found nothing"),
        ("a a 0.5\n", "self-dependency: e.tsv:1:3: `a` depends on itself"),
        ("# x\na b 0.5\n\nb a 0.5\n# y\na b 0.6\n", "duplicate-dependency: e.tsv:6:1: the arc `a` to `b` stands in line 2 too"),
        ("a b 0.5\na b probability\n", "wrong-type: e.tsv:2:5: expected a probability from 0 to 1, found `probability`"),
        ("a\u{1} b 0.5\n", "bad-name: e.tsv:1:1: `a\\u{1}` is not a name"),
    ] {
        assert_eq!(errors(text), [expected], "{text}");
    }
    assert!(read("e.tsv", &b"a \xff 0.5\n"[..]).is_err_and(|found| found[0].message == "e.tsv:1:3: the name is not UTF-8"));
    assert!(errors(&"x".repeat(LONGEST_LINE + 5))[0].contains("longer than"));
    assert_eq!(errors(&"a b 7\n".repeat(100)).len(), MOST_ERRORS);
    assert_eq!(errors(&"a b 0.5\n".repeat(100)).len(), MOST_ERRORS);
    // Errors of lines do not shift the numbers of the lines behind them.
    assert_eq!(
        errors("a b 7\na b 0.5\na b 0.5\n")[1],
        "duplicate-dependency: e.tsv:3:1: the arc `a` to `b` stands in line 2 too"
    );
}

#[test]
fn decimals_are_those_of_the_library() {
    for text in
        ["0.1", "0.123456789012345", "0.999999999999999", "1", "0", ".5", "5.", "1e-3", "0.3333333333333333", "+0.5", "-0"]
    {
        assert_eq!(decimal(text.as_bytes()), text.parse().ok(), "{text}");
    }
    for text in ["", ".", "x", "inf", "nan", "0x1", "1_0", "0.5.5"] {
        assert_eq!(decimal(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_file_is_loaded_with_its_digest() {
    let files = Memory::of([("e.csv", "a,b,0.5\n")]);
    let loaded = load("e.csv", &files).expect("loads");
    let digest: String = Sha256::digest(b"a,b,0.5\n").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((loaded.sha256, loaded.files), (digest, vec!["e.csv".to_owned()]));
    assert!(load("f.csv", &files).is_err());
}

proptest! {
    #[test]
    fn bytes_do_not_panic(text in "([ab#,\t\n\r .\"0-9e-]|\\PC){0,80}", junk in proptest::collection::vec(any::<u8>(), 0..80)) {
        drop(read("e.tsv", text.as_bytes()));
        drop(read("e.tsv", junk.as_slice()));
    }

    #[test]
    fn decimals_agree_with_the_library(digits in 0_u64..1_000_000_000_000_000, places in 0_usize..=15) {
        let text = format!("{digits:016}");
        let (whole, fraction) = text.split_at(16 - places);
        let text = format!("{}.{fraction}", whole.trim_start_matches('0'));
        prop_assert_eq!(decimal(text.as_bytes()), text.parse().ok());
    }
}

/// What a text gives in blocks and parts of a size, as text; the reader breaks off behind so many bytes.
fn outcome(text: &[u8], sizes: Sizes, breaks_at: usize) -> String {
    let broken = io::Read::chain(&text[..breaks_at.min(text.len())], Broken(breaks_at < text.len()));
    match read_by("e.tsv", BufReader::with_capacity(7, broken), sizes) {
        Err(problems) => format!("{problems:?}"),
        Ok(system) => {
            let arc = |id| (system.provider(id).service, system.consumer(id).service, system.stated_probability(id));
            let arcs: Vec<_> = system.dependency_ids().map(arc).collect();
            let names: Vec<_> = system.service_names().collect();
            assert!(names.iter().enumerate().all(|(at, name)| system.find_service(name).is_some_and(|id| id.index() == at)));
            format!("{names:?} {arcs:?}")
        }
    }
}

/// Fails if it is broken, else ends.
struct Broken(bool);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        if self.0 { Err(io::Error::other("broken")) } else { Ok(0) }
    }
}

const WHOLE: Sizes = Sizes { block: 1 << 20, part: 1 << 20 };

#[test]
fn long_lines_and_errors_are_the_same_in_all_blocks() {
    let arcs: String = (0..3_000).map(|at| format!("a{at} b 0.5\n")).collect();
    let long = "x".repeat(LONGEST_LINE - 1);
    let faults = "a b 7\n".repeat(30);
    for text in [
        format!("{arcs}{long}\n{arcs}"),
        format!("{arcs}{}\n{arcs}", &long[1..]),
        format!("{long}\n{arcs}"),
        format!("# {}\n{arcs}", &long[5..]),
        format!("{arcs}{faults}{arcs}"),
        format!("a b 7\n{arcs}{arcs}{long}x"),
        format!("{arcs}a b 7\n{long}x\n{faults}"),
    ] {
        let expected = outcome(text.as_bytes(), WHOLE, usize::MAX);
        for sizes in [Sizes { block: 1_000, part: 100 }, Sizes { block: 70_000, part: 1 }, Sizes { block: 9_999, part: 20_000 }] {
            assert!(outcome(text.as_bytes(), sizes, usize::MAX) == expected, "{} bytes, {sizes:?}", text.len());
        }
    }
}

proptest! {
    /// Lines that are right, wrong, doubled and empty, with and without a header, cut anywhere.
    #[test]
    fn blocks_and_parts_change_nothing(
        lines in proptest::collection::vec(
            prop_oneof![
                8 => "[ab]{1,2}[0-9]?[\t, ][abc]{1,2}[0-9]?[\t, ](0.[1-9]|1)",
                2 => "service-[ab]{1,2}\tservice-[cde]{1,3}\t0.[0-9]{1,3}",
                1 => "a b probability|#.{0,5}|| |a\u{1} b 0.5|a b 7|a a 0.5|a b|a,b,1 # why|é ü 0.5|\"a\" b 0.5",
            ],
            0..60,
        ),
        line_end in "\n|\r\n", last_end in "\n|", mark in "\u{feff}?",
        block in 1_usize..300, part in 1_usize..300, breaks_at in 0_usize..2_000, junk in any::<Option<(usize, u8)>>(),
    ) {
        let mut text = format!("{mark}{}{last_end}", lines.join(&line_end)).into_bytes();
        if let Some((at, byte)) = junk.filter(|_| !text.is_empty()) {
            let length = text.len();
            text[at % length] = byte;
        }
        let expected = outcome(&text, WHOLE, breaks_at);
        prop_assert_eq!(outcome(&text, Sizes { block, part }, breaks_at), expected);
    }
}
