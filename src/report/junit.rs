//! An assessment as JUnit XML: the gate, each rule that can raise the band and each signature is a test case, so that every system
//! that shows tests shows what is missing.
//!
//! What fails is what the gate waits for. A rule that fired does not fail where the gate passes all the same; its case says that it
//! fired. What must hold: the document is well-formed whatever a name holds.

use super::escape::xml;
use super::input::AssessmentReport;
use super::record_assessment::gate_name;
use super::words::{change_line, floor_line, verdict_band, verdict_line};
use crate::policy::floor_rules::FLOOR_RULES;
use crate::risk::assessment::Gate;

/// One test case.
struct Case {
    class: &'static str,
    name: String,
    /// Kind and words of what is wrong.
    failure: Option<(&'static str, String)>,
    /// What else there is to say.
    said: Option<String>,
}

/// Writes an assessment as JUnit XML.
pub fn assessment_junit(report: &AssessmentReport<'_>) -> String {
    let assessment = report.assessment;
    let cases = cases(report);
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\"", cases.len());
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"shockfront\" {counts}>\n");
    out.push_str(&format!("  <testsuite name=\"{}\" {counts}>\n    <properties>\n", xml(&change_line(assessment))));
    let verdict = &assessment.verdict;
    for (name, value) in [("band", verdict.band.as_str()), ("gate", gate_name(verdict.gate))] {
        out.push_str(&format!("      <property name=\"{name}\" value=\"{value}\"/>\n"));
    }
    out.push_str("    </properties>\n");
    cases.iter().for_each(|case| out.push_str(&case.text()));
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn cases(report: &AssessmentReport<'_>) -> Vec<Case> {
    let assessment = report.assessment;
    let passes = assessment.verdict.gate == Gate::Pass;
    let verdict = format!("{}, {}", verdict_band(&assessment.verdict), verdict_line(&assessment.verdict));
    let missing = if assessment.missing.is_empty() { String::new() } else { format!(": {}", assessment.missing.join("; ")) };
    let mut cases = vec![Case {
        class: "shockfront.gate",
        name: "gate".to_owned(),
        failure: (!passes).then(|| (gate_name(assessment.verdict.gate), format!("{verdict}{missing}"))),
        said: passes.then_some(verdict),
    }];
    // A policy may bring rules of its own: they follow those that are always looked at.
    let mut rules: Vec<&str> = FLOOR_RULES.iter().map(|(name, _)| *name).collect();
    for floor in &assessment.floors {
        if !rules.contains(&floor.rule.as_str()) {
            rules.push(&floor.rule);
        }
    }
    cases.extend(rules.into_iter().map(|rule| {
        let fired: Vec<String> = assessment.floors.iter().filter(|floor| floor.rule == rule).map(floor_line).collect();
        let words = (!fired.is_empty()).then(|| fired.join("; "));
        let is_in_force = assessment.floors.iter().any(|floor| floor.rule == rule && floor.is_in_force());
        Case {
            class: "shockfront.rule",
            name: rule.to_owned(),
            failure: words.clone().filter(|_| !passes && is_in_force).map(|words| ("floor", words)),
            said: words.filter(|_| passes || !is_in_force),
        }
    }));
    cases.extend(assessment.sign_off.iter().map(|sign| {
        let because = sign.because.join("; ");
        let is_open = sign.required && sign.given_by.is_none();
        let given = sign.given_by.as_ref().map_or_else(|| "recommended".to_owned(), |by| format!("given by {by}"));
        Case {
            class: "shockfront.sign_off",
            name: format!("{} ({})", sign.who, sign.role),
            failure: is_open.then(|| ("sign_off", format!("required: {because}"))),
            said: (!is_open).then(|| format!("{given}: {because}")),
        }
    }));
    cases
}

impl Case {
    fn text(&self) -> String {
        let head = format!("    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", self.class, xml(&self.name));
        let failure = self
            .failure
            .as_ref()
            .map(|(kind, words)| format!("      <failure type=\"{kind}\" message=\"{0}\">{0}</failure>\n", xml(words)));
        let said = self.said.as_ref().map(|said| format!("      <system-out>{}</system-out>\n", xml(said)));
        match failure.or(said) {
            Some(inside) => format!("{head}>\n{inside}    </testcase>\n"),
            None => format!("{head}/>\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assessment, assessment_report, shop};
    use super::*;

    #[test]
    fn what_the_gate_waits_for_fails() {
        let system = shop();
        let mut assessment = assessment(&system);
        let text = assessment_junit(&assessment_report(&system, &assessment));
        assert!(text.contains("tests=\"23\" failures=\"3\""), "{text}");
        assert!(text.contains("name=\"gate\" time=\"0\">\n      <failure type=\"sign_off_required\""), "{text}");
        assert!(text.contains("<system-out>given by lee: "), "{text}");
        assert!(text.contains("<testcase classname=\"shockfront.rule\" name=\"topology-stale\" time=\"0\"/>"), "{text}");
        assessment.verdict.gate = Gate::Pass;
        assessment.sign_off.clear();
        let text = assessment_junit(&assessment_report(&system, &assessment));
        assert!(text.contains("tests=\"21\" failures=\"0\"") && !text.contains("<failure"), "{text}");
        assert!(
            text.contains("<system-out>at least orange (ai-assisted-by-junior-or-mid): the author is a junior</system-out>"),
            "{text}"
        );
    }

    #[test]
    fn rules_of_a_team_follow_those_that_ship() {
        let system = shop();
        let mut assessment = assessment(&system);
        assessment.floors[0].rule = "no-friday".to_owned();
        let text = assessment_junit(&assessment_report(&system, &assessment));
        assert!(text.contains("tests=\"24\" failures=\"3\""), "{text}");
        assert!(text.contains("name=\"no-friday\" time=\"0\">\n      <failure type=\"floor\""), "{text}");
    }

    #[test]
    fn names_are_text() {
        let system = shop();
        let mut assessment = assessment(&system);
        assessment.sign_off[0].who = "a\"</testcase>\u{1}<b>".to_owned();
        let text = assessment_junit(&assessment_report(&system, &assessment));
        assert!(text.contains("name=\"a&quot;&lt;/testcase&gt;\u{FFFD}&lt;b&gt; (service owner)\""), "{text}");
    }
}
