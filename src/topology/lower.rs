//! The file format to the words of the model.
//!
//! What a JSON Schema cannot say is judged here: dates, times of day, time zones, numbers that must fit each other. What must
//! hold: every entry of a file becomes exactly one entry of the draft, at the same position, so that places can be found again.

use super::lower_dependency::dependency;
use super::schema::{Effect, Group, Journey, Peak, Service, ServiceKind, Topology};
use crate::diagnostic::{Diagnostic, Span};
use crate::document::{DurationText, Entries, Marked, ProbabilityNumber};
use crate::model::draft::{Draft, DraftDependency};
use crate::model::facts;
use crate::units::{Probability, Ticks};
use jiff::civil::Date;

/// Lists every problem of a file that its form allows. The draft is complete even then.
pub fn lower(file: Topology, problems: &mut Vec<Diagnostic>) -> Draft {
    Draft {
        name: file.name.map(|name| name.value),
        observed_at: file.observed_at.and_then(|text| date(&text, problems)),
        coverage: file.coverage.map(|coverage| coverage.value.0),
        services: named(file.services, problems, |service, _| lower_service(service)),
        dependencies: file
            .dependencies
            .into_iter()
            .map(|entry| {
                let (from, to, kind, facts) = dependency(entry, problems);
                DraftDependency { from, to, kind, facts }
            })
            .collect(),
        groups: named(file.groups, problems, |group, _| lower_group(group)),
        journeys: named(file.journeys, problems, lower_journey),
        responders: file.people.and_then(|people| people.responders).map(|responders| responders.value),
        waivers: file
            .waivers
            .into_iter()
            .map(|waiver| facts::Waiver {
                rule: waiver.rule,
                target: waiver.target,
                reason: waiver.reason,
                // The draft is dropped when there are problems.
                expires: date(&waiver.expires, problems).unwrap_or(Date::MIN),
            })
            .collect(),
    }
}

/// Lowers a table of names, and judges the names.
fn named<T, U>(
    table: Entries<T>,
    problems: &mut Vec<Diagnostic>,
    lower: impl Fn(T, &mut Vec<Diagnostic>) -> U,
) -> Vec<(String, U)> {
    table
        .0
        .into_iter()
        .map(|(name, value)| {
            if name.value.trim().is_empty() || name.value.chars().any(char::is_control) {
                let error = Diagnostic::error("bad-name", format!("`{}` is not a name", name.value.escape_debug()));
                problems.push(error.at(name.span, "expected visible text on one line"));
            }
            (name.value, lower(value, problems))
        })
        .collect()
}

fn lower_service(service: Service) -> facts::Service {
    let (operations, operation_paths) = service.operations.into_parts();
    facts::Service {
        kind: service.kind.map(service_kind),
        owner: service.owner,
        tier: service.tier,
        effects: service.effects.into_iter().map(effect).collect(),
        paths: service.paths,
        replicas: service.replicas.map(|replicas| {
            let need = replicas.need.map_or(1, |need| need.0);
            facts::Replicas { count: replicas.count.unwrap_or(need), need }
        }),
        groups: service.groups,
        operations,
        operation_paths,
        detect: service.detect.map(|law| law.0),
        repair: service.repair.map(|law| law.0),
        rollback: service.rollback.map(|law| law.0),
        cold_start: service.cold_start.map(|law| law.0),
        restore_tail: service.restore_tail.map(|law| law.0),
        latency: service.latency.map(ticks),
        load: service.load,
        goodput: service.goodput.map(|goodput| goodput.0),
        failover: service
            .failover
            .map(|failover| facts::Failover { after: failover.after.0, works: probability(failover.works) }),
        incidents: service.incidents.map(|incidents| facts::IncidentCount { count: incidents.count.0, over: incidents.over.0 }),
        requires: service.requires.map(|requires| facts::Requires { at_least: requires.at_least, of: requires.of }),
    }
}

fn service_kind(kind: ServiceKind) -> facts::ServiceKind {
    match kind {
        ServiceKind::Service => facts::ServiceKind::Service,
        ServiceKind::Datastore => facts::ServiceKind::Datastore,
        ServiceKind::Cache => facts::ServiceKind::Cache,
        ServiceKind::Queue => facts::ServiceKind::Queue,
        ServiceKind::Model => facts::ServiceKind::Model,
        ServiceKind::Agent => facts::ServiceKind::Agent,
        ServiceKind::Pipeline => facts::ServiceKind::Pipeline,
        ServiceKind::ControlPlane => facts::ServiceKind::ControlPlane,
        ServiceKind::Monitor => facts::ServiceKind::Monitor,
        ServiceKind::Job => facts::ServiceKind::Job,
        ServiceKind::Document => facts::ServiceKind::Document,
        ServiceKind::External => facts::ServiceKind::External,
    }
}

fn effect(effect: Effect) -> facts::Effect {
    match effect {
        Effect::Financial => facts::Effect::Financial,
        Effect::Physical => facts::Effect::Physical,
        Effect::Safety => facts::Effect::Safety,
    }
}

fn lower_group(group: Group) -> facts::Group {
    let kind_name = group.kind.unwrap_or_default();
    facts::Group {
        kind: if kind_name == "zone" { facts::GroupKind::Zone } else { facts::GroupKind::Shared },
        kind_name,
        hit: group.hit.map(probability),
        waves: group.waves.into_iter().map(ticks).collect(),
        beta: group.beta.map(probability),
        paths: group.paths,
    }
}

fn lower_journey(journey: Journey, problems: &mut Vec<Diagnostic>) -> facts::Journey {
    if let Some(window) = journey.window
        && window.value.0 == Ticks::ZERO
    {
        problems.push(Diagnostic::error("out-of-range", "expected a duration above 0").at(window.span, "such as 30d"));
    }
    facts::Journey {
        needs: journey.needs,
        users_per_minute: journey.users_per_minute,
        slo: journey.slo,
        window: journey.window.map(|window| window.value.0),
        peak: journey.peak.and_then(|peak| lower_peak(peak, problems)),
    }
}

fn lower_peak(peak: Peak, problems: &mut Vec<Diagnostic>) -> Option<facts::Peak> {
    let (from, to) = (clock(&peak.from, false, problems), clock(&peak.to, true, problems));
    if jiff::tz::TimeZone::get(&peak.timezone.value).is_err() {
        let error = Diagnostic::error("unknown-timezone", format!("there is no time zone `{}`", peak.timezone.value))
            .at(peak.timezone.span, "expected a name such as America/New_York");
        problems.push(suggest_zone(error, &peak.timezone.value));
    }
    if from.is_some() && from == to {
        let error = Diagnostic::error("out-of-range", "the peak ends when it begins");
        problems.push(error.at(peak.to.span, "expected another time than that of `from`; 24:00 is midnight"));
    }
    Some(facts::Peak { factor: peak.factor, from_minute: from?, to_minute: to?, timezone: peak.timezone.value })
}

fn suggest_zone(error: Diagnostic, wrong: &str) -> Diagnostic {
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    error.suggest(wrong, known.iter().map(String::as_str))
}

/// Minutes after midnight. The end of a day may be called 24:00.
fn clock(text: &Marked<String>, end: bool, problems: &mut Vec<Diagnostic>) -> Option<u32> {
    let part = |part: &str| {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| digits)
    };
    let read = text.value.split_once(':').and_then(|(hours, minutes)| Some((part(hours)?, part(minutes)?, minutes.len())));
    match read {
        Some((hours, minutes, 2)) if hours < 24 && minutes < 60 => Some(hours * 60 + minutes),
        Some((24, 0, 2)) if end => Some(0),
        _ => {
            let error = Diagnostic::error("bad-value", format!("`{}` is not a time of day", text.value));
            problems.push(error.at(text.span, "expected hours and minutes, such as \"12:00\""));
            None
        }
    }
}

fn date(text: &Marked<String>, problems: &mut Vec<Diagnostic>) -> Option<Date> {
    // `jiff` reads times as well; a format that reads more than it says cannot be changed later.
    let day = text.value.parse::<Date>().ok().filter(|day| day.to_string() == text.value);
    if day.is_none() {
        let error = Diagnostic::error("bad-value", format!("`{}` is not a day", text.value));
        problems.push(error.at(text.span, "expected year-month-day, such as 2026-08-01"));
    }
    day
}

pub(super) fn ticks(text: DurationText) -> Ticks {
    text.0
}

/// The check of the form has refused everything outside 0..=1.
pub(super) fn probability(number: ProbabilityNumber) -> Probability {
    Probability::clipped(number.0)
}

/// Where the header fields of one file stand that must agree with those of others.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    pub(super) name: Option<Span>,
    pub(super) responders: Option<Span>,
}

impl Header {
    pub(super) fn of(file: &Topology) -> Self {
        Self {
            name: file.name.as_ref().map(|name| name.span),
            responders: file.people.as_ref().and_then(|people| people.responders).map(|responders| responders.span),
        }
    }
}
