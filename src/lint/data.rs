//! What is known about the facts themselves: owners, age, coverage, defaults.

use super::{Subject, about};
use crate::change::operations::is_outside;
use crate::change::paths::reference;
use crate::diagnostic::Level;
use crate::finding::Finding;
use crate::model::draft::Place;

/// Facts older than this are stale (product.md, semantics 23).
const STALE_AFTER_DAYS: i32 = 90;
/// Below this coverage a topology is incomplete (likewise).
const COVERAGE_NEEDED: f64 = 0.8;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    owners(subject, findings);
    operations(subject, findings);
    findings.extend(age(subject));
    findings.extend(coverage(subject));
    findings.extend(defaults(subject));
}

fn owners(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for id in subject.system.service_ids() {
        let service = subject.system.service(id);
        let has_owner = service.owner.as_ref().is_some_and(|owner| !owner.trim().is_empty());
        if service.tier == Some(0) && !has_owner {
            let name = subject.system.service_name(id);
            let finding = subject.finding(
                "unowned-tier-0",
                Level::Error,
                Place::Service(id.index(), None, None),
                format!("`{name}` is of tier 0 and has no owner: nobody can sign for it"),
            );
            findings.push(about(finding, name, format!("add `owner: TEAM` to `{name}`")));
        }
    }
}

fn operations(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for id in subject.system.service_ids() {
        let service = subject.system.service(id);
        for (at, (operation, paths)) in service.operations.iter().zip(&service.operation_paths).enumerate() {
            for path in paths.iter().filter(|path| is_outside(path, &service.paths)) {
                let name = reference(subject.system.service_name(id), operation);
                let finding = subject.finding(
                    "operation-outside-paths",
                    Level::Warning,
                    Place::Service(id.index(), Some("operations"), Some(at)),
                    format!("`{path}` of `{name}` lies outside of the `paths` of its service: no change is narrowed to it"),
                );
                findings.push(about(finding, name, "add its files to the `paths` of the service, or correct the glob"));
            }
        }
    }
}

fn age(subject: &Subject<'_>) -> Option<Finding> {
    let at_key = Place::Top("observed_at");
    let (level, message, help) = match (subject.system.observed_at, subject.at) {
        (None, _) => (
            Level::Warning,
            "the topology does not say when it was observed: its age is unknown".to_owned(),
            "add `observed_at: YYYY-MM-DD`, the day on which the facts were gathered",
        ),
        (Some(_), None) => (
            Level::Note,
            "the age of the facts is unknown without a date to compare with".to_owned(),
            "give today's date with `--at YYYY-MM-DD`; the clock of the machine is never read",
        ),
        (Some(observed), Some(at)) => match (at - observed).get_days() {
            days if days < 0 => (
                Level::Warning,
                format!("the facts were observed on {observed}, after {at}, the day of the question"),
                "correct `observed_at` or `--at`",
            ),
            days if days > STALE_AFTER_DAYS => (
                Level::Warning,
                format!("the facts are {days} days old; over {STALE_AFTER_DAYS} they count as stale"),
                "look at the system again and set `observed_at`",
            ),
            _ => return None,
        },
    };
    Some(Finding { help: Some(help.to_owned()), ..subject.finding("stale-observed-at", level, at_key, message) })
}

fn coverage(subject: &Subject<'_>) -> Option<Finding> {
    let (rule, message) = match subject.system.coverage {
        None => ("missing-coverage", "the topology does not say which share of the dependencies it lists".to_owned()),
        Some(share) if share < COVERAGE_NEEDED => (
            "incomplete",
            format!("only {:.0} % of the dependencies are believed to be listed; below 80 % a map is incomplete", share * 100.0),
        ),
        Some(_) => return None,
    };
    let finding = subject.finding(rule, Level::Warning, Place::Top("coverage"), message);
    let help = if rule == "incomplete" {
        "add the missing dependencies; until then the verdict is raised for what is not seen"
    } else {
        "add `coverage:`, the share from 0 to 1 that traces or an architect confirm; missing counts as incomplete"
    };
    Some(Finding { help: Some(help.to_owned()), ..finding })
}

fn defaults(subject: &Subject<'_>) -> Option<Finding> {
    let total = subject.system.dependency_count();
    let stated = subject.system.dependency_ids().filter(|id| subject.system.stated_probability(*id).is_some()).count();
    if total == stated {
        return None;
    }
    let count = total - stated;
    let percent = (count as f64 / total as f64 * 100.0).round();
    let message = format!("probability of {count} of {total} dependencies ({percent} %) is a default");
    let finding = subject.finding("defaulted-values", Level::Note, Place::Top("dependencies"), message);
    let help = "state `probability:` where incidents or experiments tell it; results list every default they used";
    Some(Finding { help: Some(help.to_owned()), ..finding })
}
