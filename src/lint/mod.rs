//! Weak spots of a topology that can be used: what `check` reports besides errors.
//!
//! Rules look at structure and at what is stated, and simulate nothing. Each finding has a place and a target by which a waiver
//! can accept it for a time. Levels: an error stops the tool from doing its work (nobody can sign for a tier-0 service), a
//! warning is a likely weakness, a note is worth knowing. What must hold: a fact that is missing is reported as unknown, never
//! passed over; every rule is in [`RULES`]; the cost is linear in the topology for each journey.

mod data;
mod dependencies;
mod journeys;
mod load;
mod waivers;

use crate::diagnostic::Level;
use crate::finding::{Finding, Rule};
use crate::model::draft::{Locate, Place};
use crate::model::{Compact, System};
use crate::units::DependencyId;

/// Findings of one rule that are shown; the rest is counted.
const SHOWN: usize = 1_000;

/// All rules, in the order of the documentation.
pub const RULES: &[Rule] = &[
    Rule { name: "unowned-tier-0", description: "A tier-0 service has no owner, so nobody can be named who signs for it." },
    Rule {
        name: "single-point-of-failure",
        description: "A service with one replica and no failover takes a journey down through hard dependencies alone.",
    },
    Rule {
        name: "untested-fallback",
        description: "A soft dependency relies on a fallback that nobody has tested; untested fallbacks often fail with the provider.",
    },
    Rule {
        name: "breaker-without-fallback",
        description: "A circuit breaker has nothing to answer with when it opens: callers fail fast, but they fail.",
    },
    Rule {
        name: "metastable-load",
        description: "A service runs so close to its capacity that retries keep an overload up after its cause is gone.",
    },
    Rule {
        name: "unreachable-service",
        description: "No journey reaches a service, so its failures cost no user-minutes in any result.",
    },
    Rule {
        name: "journey-over-unknown",
        description: "A journey rests on dependencies of which nobody knows whether they are hard or soft.",
    },
    Rule {
        name: "startup-cycle",
        description: "Services need each other to come up: after an outage of all of them none can start by itself.",
    },
    Rule {
        name: "stale-observed-at",
        description: "The facts are older than 90 days, or their age is unknown; systems drift away from their maps.",
    },
    Rule {
        name: "missing-coverage",
        description: "Nobody stated which share of the dependencies is listed, so missing ones cannot be accounted for.",
    },
    Rule { name: "incomplete", description: "Less than 80 % of the dependencies are believed to be listed." },
    Rule {
        name: "defaulted-values",
        description: "Probabilities of dependencies are defaults of the tool, not knowledge about this system.",
    },
    Rule {
        name: "operation-outside-paths",
        description: "The code of an operation lies outside of the files of its service, so no change is ever narrowed to it.",
    },
    Rule { name: "expired-waiver", description: "A waiver has ended; what it accepted counts again." },
    Rule { name: "unused-waiver", description: "A waiver matches no finding: the weakness is gone, or the target is misspelt." },
    Rule { name: "unchecked-waiver", description: "Without a date nobody can tell whether a waiver still holds." },
    Rule { name: "unknown-rule", description: "A waiver names a rule that does not exist." },
];

/// What the rules look at.
struct Subject<'a> {
    system: &'a System,
    compact: &'a Compact,
    locate: &'a dyn Locate,
    at: Option<jiff::civil::Date>,
}

impl Subject<'_> {
    fn dependency_name(&self, id: DependencyId) -> String {
        let end = |endpoint| self.system.endpoint_name(endpoint);
        format!("{} -> {}", end(self.system.consumer(id)), end(self.system.provider(id)))
    }

    fn finding(&self, rule: &'static str, level: Level, place: Place<'_>, message: String) -> Finding {
        let span = self.locate.span(place);
        Finding { rule: rule.into(), level, message, span, target: None, help: None, waived: None }
    }
}

/// Adds the target and the remedy.
fn about(finding: Finding, target: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { target: Some(target.into()), help: Some(help.into()), ..finding }
}

/// All findings in the order of their places, waived ones included and marked. `at` is the day of the question: without it age
/// and the end of waivers stay unknown.
pub fn lint(system: &System, compact: &Compact, locate: &dyn Locate, at: Option<jiff::civil::Date>) -> Vec<Finding> {
    let subject = Subject { system, compact, locate, at };
    let mut findings = Vec::new();
    data::check(&subject, &mut findings);
    dependencies::check(&subject, &mut findings);
    load::check(&subject, &mut findings);
    journeys::check(&subject, &mut findings);
    waivers::apply(&subject, &mut findings);
    findings.sort_by(|a, b| (a.span, &a.rule, &a.target).cmp(&(b.span, &b.rule, &b.target)));
    shorten(&subject, findings)
}

/// Keeps the first findings of each rule; the number of the others becomes a finding of its own.
fn shorten(subject: &Subject<'_>, findings: Vec<Finding>) -> Vec<Finding> {
    let mut counts = vec![(0_usize, Level::Note); RULES.len()];
    let mut kept = Vec::with_capacity(findings.len().min(SHOWN));
    for finding in findings {
        let at = RULES.iter().position(|rule| rule.name == finding.rule).unwrap_or_default();
        counts[at].0 += 1;
        if counts[at].0 <= SHOWN {
            kept.push(finding);
        } else if finding.waived.is_none() {
            counts[at].1 = counts[at].1.max(finding.level);
        }
    }
    for (rule, (count, level)) in RULES.iter().zip(counts).filter(|(_, (count, _))| *count > SHOWN) {
        let message = format!("{} more findings of this rule are not listed", count - SHOWN);
        kept.push(subject.finding(rule.name, level, Place::Whole, message));
    }
    kept
}

/// `a`, `b` and 3 more.
fn list(names: &[&str]) -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        [first @ .., last] if names.len() <= 4 => format!("{} and `{last}`", quoted(first)),
        _ => format!("{} and {} more", quoted(&names[..3]), names.len() - 3),
    }
}

#[cfg(test)]
mod tests;
