//! Accepted findings: a waiver marks what it matches until it ends.
//!
//! What must hold: a waiver never makes a finding disappear, and a waiver that does nothing, or no longer, is a finding itself.
//! Without a day of the question `observed_at` stands in: it is surely past, so a waiver that ended before it has ended.

use super::{RULES, Subject};
use crate::diagnostic::{Level, nearest};
use crate::finding::{Finding, Waived};
use crate::model::draft::Place;
use crate::model::facts::Waiver;

pub(super) fn apply(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut own = Vec::new();
    for (at, waiver) in subject.system.waivers.iter().enumerate() {
        let say = |rule, level, message, help: String| {
            let finding = subject.finding(rule, level, Place::Waiver(at), message);
            Finding { target: waiver.target.clone(), help: Some(help), ..finding }
        };
        let (rule, expires) = (&waiver.rule, waiver.expires);
        if !RULES.iter().any(|known| known.name == *rule) {
            let names = RULES.iter().map(|rule| rule.name);
            let help = match nearest(rule, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the rules are {}", names.collect::<Vec<_>>().join(", ")),
            };
            own.push(say("unknown-rule", Level::Error, format!("there is no rule `{rule}`: the waiver does nothing"), help));
            continue;
        }
        let matching: Vec<usize> = (0..findings.len()).filter(|at| matches(waiver, &findings[*at])).collect();
        let today = subject.at.or(subject.system.observed_at);
        if today.is_some_and(|today| today > expires) {
            let message = format!("the waiver of `{rule}` ended on {expires} ({})", waiver.reason.trim());
            own.push(say("expired-waiver", Level::Warning, message, "mend what it accepted, or set a new date".to_owned()));
        } else if matching.is_empty() {
            own.push(say("unused-waiver", Level::Warning, unused(waiver), unused_help(waiver, findings)));
        } else {
            for at in matching {
                findings[at].waived = Some(Waived { reason: waiver.reason.clone(), expires: Some(expires) });
            }
            if subject.at.is_none() {
                let message = format!("whether the waiver of `{rule}` still holds is unknown: it ends on {expires}");
                let help = "give today's date with `--at YYYY-MM-DD`".to_owned();
                own.push(say("unchecked-waiver", Level::Note, message, help));
            }
        }
    }
    findings.append(&mut own);
}

fn matches(waiver: &Waiver, finding: &Finding) -> bool {
    finding.rule == waiver.rule
        && match (&waiver.target, &finding.target) {
            (None, _) => true,
            (Some(wanted), Some(target)) => plain(wanted) == plain(target),
            (Some(_), None) => false,
        }
}

/// Spaces around the arrow do not matter.
fn plain(target: &str) -> String {
    target.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ->", "->").replace("-> ", "->")
}

fn unused(waiver: &Waiver) -> String {
    match &waiver.target {
        Some(target) => format!("the waiver of `{}` for `{target}` matches nothing", waiver.rule),
        None => format!("the waiver of `{}` matches nothing", waiver.rule),
    }
}

fn unused_help(waiver: &Waiver, findings: &[Finding]) -> String {
    let targets = findings.iter().filter(|finding| finding.rule == waiver.rule).filter_map(|finding| finding.target.as_deref());
    match waiver.target.as_deref().and_then(|target| nearest(target, targets)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove it, or correct its target".to_owned(),
    }
}
