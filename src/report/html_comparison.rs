//! A comparison as one HTML file, for reviews of an architecture: as [`html`](super::html), with both versions in each picture.

use super::comparison::{ComparisonReport, TITLES, comparison_json};
use super::figures_comparison::figures;
use super::html::{again, bullets, grounds, more, page, plots, prose, record, table, titles};
use super::limits::limits;
use super::record_assessment::band_name;
use super::words::quality_lines;
use maud::{Markup, html};

/// Writes a comparison as a page.
pub fn comparison_html(report: &ComparisonReport<'_>) -> String {
    let band = report.verdicts.map_or("", |verdicts| band_name(verdicts.after.verdict.band));
    let edits: Vec<String> = report.edits.iter().map(|(with, words)| format!("{words} (`{with}`)")).collect();
    let body = html! {
        header class={ "lead " (band) } {
            h1 { (prose(&report.finding())) }
            p { (prose(&report.subject())) }
            @for note in report.notes() { p { (prose(&note)) } }
            p.soft { (prose(&report.run_line())) }
        }
        (bullets("What is done about it", &edits))
        (tables(report))
        (plots(&figures(report)))
        (grounds(&quality_lines(report.quality), &limits(Some(&report.paired.before), &report.limits)))
        (again(&report.command))
        (record(&comparison_json(report)))
    };
    page(&report.subject(), &body)
}

/// The tables of the other pages: what differs, with the intervals of paired trials.
fn tables(report: &ComparisonReport<'_>) -> Markup {
    let (_, cut) = report.services();
    let heads = |first: &str| titles(&[&[first], &TITLES[..]].concat());
    html! {
        @for (title, first, rows) in report.tables() {
            @let title = if title.is_empty() { "Before and after" } else { title };
            section {
                h2 { (title) }
                (table(title, &heads(first), 1, &rows.iter().map(|row| row.iter().map(|cell| prose(cell)).collect()).collect::<Vec<_>>()))
            }
        }
        (more(cut, "service that differs"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{quality, shop};
    use super::*;
    use crate::fault::{Fault, FaultKind, Response, Scenario};
    use crate::model::{Compact, System};
    use crate::propagation::{Paired, Request, Side, paired};
    use crate::random::Seed;

    fn compared(system: &System, other: &System, static_reach: bool) -> Paired {
        let (compact, other_compact) = (Compact::new(system), Compact::new(other));
        let fault = [Fault::new(FaultKind::Crash, "payment")];
        let scenario = Scenario::new(system, &compact, &fault, None).expect("a scenario");
        let changed = Scenario::new(other, &other_compact, &fault, None).expect("a scenario");
        let before = Side { system, compact: &compact, scenario: &scenario, watch: &[], budgets: &[] };
        let after = Side { system: other, compact: &other_compact, scenario: &changed, watch: &[], budgets: &[] };
        let request = Request { trials: 1_024, seed: Seed(7), curves: true, static_reach, ..Request::default() };
        paired(before, after, &request).expect("compared")
    }

    fn html_of(paired: &Paired) -> String {
        comparison_html(&ComparisonReport {
            name: "retail <b>",
            topology_sha256: "00ff".to_owned(),
            against: None,
            edits: vec![("remove:a->b".to_owned(), "a does not depend on b".to_owned())],
            faults: vec!["crash@payment".to_owned()],
            paired,
            verdicts: None,
            quality: &quality(),
            seed: 7,
            at: None,
            response: Response::default(),
            limits: Vec::new(),
            top: 10,
            command: "shockfront compare retail.yaml".to_owned(),
        })
    }

    #[test]
    fn both_versions_stand_in_each_picture() {
        let system = shop();
        let other = system.without_crossing(system.dependency_ids().next().expect("a dependency"));
        let page = html_of(&compared(&system, &other, false));
        for id in ["reach", "reach-after", "lost"] {
            assert!(page.contains(&format!("<figure id=\"{id}\">")), "{id}");
        }
        for wanted in
            ["Before and after", "remove:a-&gt;b", "retail &lt;b&gt;", "shockfront-record", "before", "after", "Run it again"]
        {
            assert!(page.contains(wanted), "{wanted}");
        }
        let (_, rest) = page.split_once("id=\"shockfront-record\">").expect("a record");
        let (json, _) = rest.split_once("</script>").expect("its end");
        let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(value["schema"], "shockfront/comparison/v1");
    }

    #[test]
    fn what_is_not_known_has_no_picture() {
        let system = shop();
        let page = html_of(&compared(&system, &system, true));
        assert!(page.contains("no effect") && page.contains("without a clock"), "{page}");
    }
}
