//! The facts of the model as values of the file format; the opposite of [`super::lower`].

use crate::model::facts::{
    Channels, Dependency, Effect, Failover, Group, IncidentCount, Journey, OnInvalid, Replicas, Requires, Service, ServiceKind,
    Waiver,
};
use crate::model::{DurationLaw, System};
use crate::units::{DependencyId, Ticks};
use serde_json::{Map, Number, Value as Json, json};

/// A table that leaves out what is not stated.
#[derive(Default)]
struct Table(Map<String, Json>);

impl Table {
    fn put(&mut self, key: &str, value: Option<impl Into<Json>>) -> &mut Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    fn list(&mut self, key: &str, values: &[impl AsRef<str>]) -> &mut Self {
        let list: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        self.put(key, (!list.is_empty()).then(|| json!(list)))
    }
}

/// A whole number is written without a point.
pub(super) fn number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return json!(value as i64);
    }
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}

fn time(ticks: Ticks) -> Json {
    json!(ticks.to_string())
}

fn law(law: DurationLaw) -> Json {
    match law {
        DurationLaw::Constant(ticks) => time(ticks),
        DurationLaw::Lognormal { median, p95 } => json!({ "median": median.to_string(), "p95": p95.to_string() }),
    }
}

pub(super) fn service(facts: &Service) -> Json {
    let mut table = Table::default();
    table
        .put("kind", facts.kind.map(service_kind))
        .put("owner", facts.owner.clone())
        .put("tier", facts.tier)
        .list("effects", &facts.effects.iter().map(|known| effect(*known)).collect::<Vec<_>>())
        .list("paths", &facts.paths)
        .put("replicas", facts.replicas.map(|Replicas { count, need }| json!({ "count": count, "need": need })))
        .list("groups", &facts.groups)
        .put("operations", operations(facts))
        .put("detect", facts.detect.map(law))
        .put("repair", facts.repair.map(law))
        .put("rollback", facts.rollback.map(law))
        .put("cold_start", facts.cold_start.map(law))
        .put("restore_tail", facts.restore_tail.map(law))
        .put("latency", facts.latency.map(time))
        .put("load", facts.load.map(number))
        .put("goodput", facts.goodput.map(number))
        .put(
            "failover",
            facts.failover.map(|Failover { after, works }| json!({ "after": time(after), "works": number(works.value()) })),
        )
        .put("requires", facts.requires.as_ref().map(|Requires { at_least, of }| json!({ "at_least": at_least, "of": of })))
        .put("incidents", facts.incidents.map(|IncidentCount { count, over }| json!({ "count": count, "over": time(over) })));
    Json::Object(table.0)
}

/// A list of names, or a table where one of them tells where its code lies.
fn operations(facts: &Service) -> Option<Json> {
    if facts.operations.is_empty() {
        return None;
    }
    if facts.operation_paths.iter().all(Vec::is_empty) {
        return Some(json!(facts.operations));
    }
    let paths = facts.operation_paths.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
    let code = |paths: &[String]| inner(|table| _ = table.list("paths", paths));
    Some(Json::Object(facts.operations.iter().zip(paths).map(|(name, paths)| (name.clone(), code(paths))).collect()))
}

/// A table inside a table.
fn inner(build: impl Fn(&mut Table)) -> Json {
    let mut table = Table::default();
    build(&mut table);
    Json::Object(table.0)
}

pub(super) fn dependency(system: &System, id: DependencyId) -> Json {
    let facts = system.dependency(id);
    let mut table = Table::default();
    let strength = facts.probability.and_then(|belief| belief.strength);
    let probability = system.stated_probability(id).map(|mean| match strength {
        Some(strength) => json!({ "mean": number(mean), "strength": number(strength) }),
        None => number(mean),
    });
    table
        .put("from", Some(system.endpoint_name(system.consumer(id))))
        .put("to", Some(system.endpoint_name(system.provider(id))))
        .put("kind", Some(system.kind(id).name()))
        .put("probability", probability)
        .put("share", facts.share.map(number))
        .put("calls", facts.calls.map(number))
        .put("rate", facts.rate.map(number))
        .put("pool", facts.pool.map(number))
        .put("wait_share", facts.wait_share.map(number))
        .put("transient", facts.transient.map(number))
        .put("timeout", facts.timeout.map(time));
    table.put(
        "retries",
        facts.retries.map(|retries| {
            inner(|table| _ = table.put("attempts", Some(retries.attempts)).put("budget", retries.budget.map(number)))
        }),
    );
    table.put(
        "breaker",
        facts.breaker.map(|breaker| {
            inner(|table| {
                let open_for = breaker.open_for.map(time);
                table.put("window", breaker.window).put("open_at", breaker.open_at.map(number)).put("open_for", open_for);
            })
        }),
    );
    table.put(
        "fallback",
        facts.fallback.map(|fallback| {
            inner(|table| _ = table.put("coverage", Some(number(fallback.coverage))).put("tested", fallback.tested.map(yes_no)))
        }),
    );
    table.put(
        "cache",
        facts.cache.map(|cache| {
            inner(|table| _ = table.put("ttl", cache.ttl.map(time)).put("serve_stale", cache.serve_stale.map(time)))
        }),
    );
    hand_over(facts, &mut table);
    Json::Object(table.0)
}

/// What is stated about data, messages and advice.
fn hand_over(facts: &Dependency, table: &mut Table) {
    table
        .put("buffer", facts.buffer.map(law))
        .put("carries", facts.carries.map(channels))
        .put("data", facts.writes_data.map(|writes| if writes { "write" } else { "read" }))
        .put("validated", facts.validated.map(|answer| answer.map_or("unknown", yes_no)))
        .put("on_invalid", facts.on_invalid.map(OnInvalid::name))
        .put("delay", facts.delay.map(law));
    table.put(
        "queue",
        facts.queue.map(|queue| {
            inner(|table| {
                table.put("capacity", Some(number(queue.capacity))).put("in", Some(number(queue.arrivals)));
                table.put("out", queue.departures.map(number));
            })
        }),
    );
    table.list("verbs", &facts.verbs).put(
        "advice",
        facts.advice.map(|advice| {
            let (repeat, unverified) = (number(advice.repeat.value()), number(advice.unverified.value()));
            json!({ "age": time(advice.age), "repeat": repeat, "unverified": unverified })
        }),
    );
    table.put(
        "evidence",
        facts.evidence.as_ref().map(|evidence| {
            inner(|table| {
                table.put("origin", evidence.origin.clone());
                table.put("failures", evidence.failures).put("impaired", evidence.impaired);
            })
        }),
    );
}

pub(super) fn group(facts: &Group) -> Json {
    let mut table = Table::default();
    table
        .put("kind", (!facts.kind_name.is_empty()).then(|| facts.kind_name.clone()))
        .put("hit", facts.hit.map(|hit| number(hit.value())))
        .put("waves", (!facts.waves.is_empty()).then(|| Json::Array(facts.waves.iter().copied().map(time).collect())))
        .put("beta", facts.beta.map(|beta| number(beta.value())))
        .list("paths", &facts.paths);
    Json::Object(table.0)
}

pub(super) fn journey(facts: &Journey) -> Json {
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut table = Table::default();
    table
        .list("needs", &facts.needs)
        .put("users_per_minute", facts.users_per_minute.map(number))
        .put("slo", facts.slo.map(number))
        .put("window", facts.window.map(time))
        .put(
            "peak",
            facts.peak.as_ref().map(|peak| {
                let (from, to) = (clock(peak.from_minute), clock(peak.to_minute));
                json!({ "factor": number(peak.factor), "from": from, "to": to, "timezone": peak.timezone })
            }),
        );
    Json::Object(table.0)
}

pub(super) fn waiver(facts: &Waiver) -> Json {
    let mut table = Table::default();
    table
        .put("rule", Some(facts.rule.clone()))
        .put("target", facts.target.clone())
        .put("reason", Some(facts.reason.clone()))
        .put("expires", Some(facts.expires.to_string()));
    Json::Object(table.0)
}

fn yes_no(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}

fn channels(channels: Channels) -> Json {
    let all = [(Channels::ERRORS, "errors"), (Channels::LATENCY, "latency"), (Channels::DATA, "data")];
    json!(all.iter().filter(|(channel, _)| channels.has(*channel)).map(|(_, word)| *word).collect::<Vec<_>>())
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Financial => "financial",
        Effect::Physical => "physical",
        Effect::Safety => "safety",
    }
}

fn service_kind(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Service => "service",
        ServiceKind::Datastore => "datastore",
        ServiceKind::Cache => "cache",
        ServiceKind::Queue => "queue",
        ServiceKind::Model => "model",
        ServiceKind::Agent => "agent",
        ServiceKind::Pipeline => "pipeline",
        ServiceKind::ControlPlane => "control_plane",
        ServiceKind::Monitor => "monitor",
        ServiceKind::Job => "job",
        ServiceKind::Document => "document",
        ServiceKind::External => "external",
    }
}
