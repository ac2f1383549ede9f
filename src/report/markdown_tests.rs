//! Comments: what they hold, what they must not do, how long they may be.

use super::markdown::{LONGEST, assessment_markdown, simulation_markdown};
use super::testing::{assessment, assessment_report, quality, run, shop, simulation_report, timed};
use crate::propagation::Request;

#[test]
fn a_comment_begins_with_its_marker_and_verdict() {
    let system = shop();
    let assessment = assessment(&system);
    let text = assessment_markdown(&assessment_report(&system, &assessment), "retail --> x");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("<!-- shockfront:report:retail_-___x -->"));
    assert!(lines.next().is_some_and(|line| line.starts_with("### 🟠 ORANGE, score 38")), "{text}");
    for part in [
        "- **P(fault)**: 6 % (2 … 13 %)",
        "- [ ] `@shop/payments` (service owner), required: ",
        "- [x] `a senior engineer` (senior engineer), given by `lee`: ",
        "| `payment → checkout → frontend` (45 %) |",
        "<details><summary>Data</summary>",
        "```mermaid\nflowchart LR\n",
        "\n```sh\nshockfront assess retail.yaml",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    println!("{text}");
}

#[test]
fn nobody_is_called_and_no_table_breaks() {
    let system = shop();
    let mut assessment = assessment(&system);
    assessment.title = Some("fix `a|b` for @org/team <script>".to_owned());
    assessment.missing = vec!["sign-off of @org/team".to_owned()];
    let text = assessment_markdown(&assessment_report(&system, &assessment), "k");
    for (at, _) in text.match_indices('@') {
        let line_start = text[..at].rfind('\n').map_or(0, |found| found + 1);
        let in_code = text[line_start..at].matches('`').count() % 2 == 1;
        assert!(in_code || text[at + 1..].starts_with('\u{200B}'), "{}", &text[line_start..]);
    }
    assert!(!text.contains("<script>"));
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let table: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with("| worst")).take_while(|l| l.starts_with('|')).collect();
    assert!(table.len() > 3 && table.iter().all(|line| columns(line) == columns(table[0])), "{table:#?}");
}

#[test]
fn a_comment_that_is_too_long_says_what_was_cut() {
    let system = shop();
    let mut assessment = assessment(&system);
    assessment.unmapped = (0..4_000).map(|at| format!("some/rather/long/path/to/a/file/number/{at}.rs")).collect();
    let text = assessment_markdown(&assessment_report(&system, &assessment), "k");
    assert!(text.chars().count() <= LONGEST);
    assert!(text.contains("> Cut to fit into one comment: Changed files that belong to no service."), "{}", &text[..2_000]);
    assert!(text.contains("<summary>Limits</summary>") && text.contains("```sh\n"));
    assessment.missing = (0..4_000).map(|at| format!("a sign-off that is described at some length, number {at}")).collect();
    let text = assessment_markdown(&assessment_report(&system, &assessment), "k");
    assert!(text.chars().count() <= LONGEST);
    assert!(text.contains("the end of the summary"));
    assert!(text.contains("```sh\n"), "the command stays");
}

#[test]
fn a_simulation_is_a_comment_too() {
    let (system, quality) = (shop(), quality());
    let simulation = timed(&system);
    let text = simulation_markdown(&simulation_report(&system, &simulation, &quality), "retail");
    assert!(text.contains("### crash@\u{200B}payment reaches "), "{text}");
    assert!(text.contains("| `buy` |") && text.contains("<sub>2,048 trials, seed 7"), "{text}");
    let simulation = run(&system, &Request { trials: 512, static_reach: true, ..Request::default() });
    let text = simulation_markdown(&simulation_report(&system, &simulation, &quality), "retail");
    assert!(!text.contains("downtime") && !text.contains("journey"), "{text}");
}
