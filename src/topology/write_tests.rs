//! Tests of writing: what was written loads to the same system.

use super::*;
use crate::diagnostic::Sources;
use crate::topology::load;
use crate::topology::tests::{Disk, Memory, shipped, system};

/// Everything that a file states.
pub(in crate::topology) fn assert_same(a: &System, b: &System, about: &str) {
    assert_eq!(a.name, b.name, "{about}");
    assert_eq!(
        (a.observed_at, a.coverage, a.responders, &a.waivers),
        (b.observed_at, b.coverage, b.responders, &b.waivers),
        "{about}"
    );
    assert_eq!(a.service_names().collect::<Vec<_>>(), b.service_names().collect::<Vec<_>>(), "{about}");
    for id in a.service_ids() {
        assert_eq!(a.service(id), b.service(id), "{about}: {}", a.service_name(id));
    }
    assert_eq!(a.dependency_count(), b.dependency_count(), "{about}");
    for id in a.dependency_ids() {
        assert_eq!((a.consumer(id), a.provider(id), a.kind(id)), (b.consumer(id), b.provider(id), b.kind(id)), "{about}");
        assert_eq!((a.dependency(id), a.stated_probability(id)), (b.dependency(id), b.stated_probability(id)), "{about}");
    }
    let (of_a, of_b): (Vec<_>, Vec<_>) = (a.groups().collect(), b.groups().collect());
    assert_eq!(of_a, of_b, "{about}");
    assert_eq!(a.journeys(), b.journeys(), "{about}");
}

fn reload(name: &str, text: &str) -> System {
    system(name, &Memory::of([(name, text)]))
}

#[test]
fn shipped_topologies_survive_a_round_trip() {
    for path in shipped("shockfront/topology/v1") {
        let original = system(&path, &Disk);
        for (name, text) in [("t.yaml", yaml(&original)), ("t.json", json(&original))] {
            assert_same(&original, &reload(name, &text), &format!("{path} as {name}"));
        }
    }
}

const EVERYTHING: &str = r##"
schema: shockfront/topology/v1
name: "a: b"
observed_at: 2026-08-01
coverage: 0.9
people: {responders: 3}
services:
  checkout:
    kind: control_plane
    owner: "no"
    tier: 0
    effects: [financial, safety]
    paths: ["src/**", "{a,b}", "#x"]
    replicas: {count: 6, need: 4}
    groups: [zone-a, "Ä, ö"]
    operations: [PlaceOrder, "v1.Get"]
    detect: {median: 10m, p95: 60m}
    repair: 1h30m
    rollback: 20m/90m
    cold_start: 5m
    restore_tail: 0.5ms
    latency: 40ms
    load: 0.6
    goodput: 0.5
    failover: {after: 2m, works: 0.9}
    requires: {at_least: 2, of: ["psp.a", "1.10", "true"]}
    incidents: {count: 3, over: 180d}
  "psp.a": {latency: 5ms}
  "1.10": {latency: 5ms}
  "true": {operations: {Charge: {paths: ["src/**#Charge*", "b"]}, "v1.Void": }}
  "x\u2028\"\\y": {}
dependencies:
  - {from: checkout.PlaceOrder, to: 'psp\.a', kind: hard, probability: {mean: 0.95, strength: 10}, share: 5%, calls: 3, timeout: 2s, rate: 200, pool: 300, wait_share: 0.3,
     retries: {attempts: 3, budget: 0.1}, breaker: {window: 100, open_at: 0.5, open_for: 60s}, fallback: {coverage: 0.5, tested: unknown},
     cache: {ttl: 60s, serve_stale: 4h}, buffer: 30m, carries: [data, errors, latency], evidence: {origin: observed, failures: 40, impaired: 12}}
  - {from: 'checkout.v1\.Get', to: "1.10", kind: async, rate: 200, transient: 0.1, data: write, validated: unknown,
     on_invalid: reject, delay: 24h, queue: {capacity: 90000, in: 6000, out: 9000}, carries: [errors, data]}
  - {from: checkout, to: "true.Charge", kind: authority, verbs: [write, delete], validated: yes, data: read, carries: [errors, data], fallback: {tested: yes}}
  - {from: "psp.a", to: "true.Charge", kind: unknown, carries: []}
  - {from: "psp.a", to: "1.10", kind: knowledge, advice: {age: 540d, repeat: 0.8, unverified: 0.5}, probability: 1e-9}
groups:
  zone-a: {kind: zone, hit: 1.0}
  "Ä, ö": {kind: library, hit: 0.9, waves: [0m, 30m, 2h], beta: 0.1, paths: ["libs/**"]}
journeys:
  buy: {needs: [checkout.PlaceOrder, "psp.a"], users_per_minute: 10000, slo: 99.9, window: 30d,
        peak: {factor: 2.5, from: "12:00", to: "24:00", timezone: America/New_York}}
waivers:
  - {rule: unowned, target: checkout, reason: "we: know", expires: 2027-01-31}
"##;

#[test]
fn every_field_survives_a_round_trip() {
    let original = reload("t.yaml", EVERYTHING);
    assert_eq!(original.dependency(crate::units::DependencyId(0)).wait_share, Some(0.3));
    let incidents = original.service(crate::units::ServiceId(0)).incidents.map(|incidents| incidents.count);
    assert_eq!(incidents, Some(3));
    assert_eq!(original.journeys()[0].facts.peak.as_ref().map(|peak| peak.to_minute), Some(0));
    for (name, text) in [("t.yaml", yaml(&original)), ("t.json", json(&original))] {
        assert_same(&original, &reload(name, &text), &text);
    }
}

#[test]
fn toml_and_json_say_the_same_as_yaml() {
    let yaml = "schema: shockfront/topology/v1\nname: x\nobserved_at: 2026-08-01\nservices:\n  a: {detect: 10m/60m, operations: {P: {paths: [a#B]}, \"1\": {}}}\n  b: {tier: 1, operations: [2]}\ndependencies:\n  - {from: a.P, to: b, probability: 0.5, carries: [data], validated: yes, calls: 3}\njourneys:\n  j: {needs: [a], peak: {factor: 2, from: 8:00, to: 20:00, timezone: UTC}}\n";
    let json = r#"{"schema": "shockfront/topology/v1", "name": "x", "observed_at": "2026-08-01",
        "services": {"a": {"detect": {"median": "10m", "p95": "60m"}, "operations": {"P": {"paths": ["a#B"]}, "1": {"paths": []}}}, "b": {"tier": 1, "operations": ["2"]}},
        "dependencies": [{"from": "a.P", "to": "b", "probability": 0.5, "carries": ["data"], "validated": true, "calls": 3.0}],
        "journeys": {"j": {"needs": ["a"], "peak": {"factor": 2, "from": "8:00", "to": "20:00", "timezone": "UTC"}}}}"#;
    let toml = "schema = 'shockfront/topology/v1'\nname = 'x'\nobserved_at = 2026-08-01\n[services.a]\ndetect = {median = '10m', p95 = '60m'}\noperations = {P = {paths = ['a#B']}, 1 = {}}\n[services.b]\ntier = 1\noperations = ['2']\n[[dependencies]]\nfrom = 'a.P'\nto = 'b'\nprobability = 0.5\ncarries = ['data']\nvalidated = 'yes'\ncalls = 3\n[journeys.j]\nneeds = ['a']\npeak = {factor = 2, from = '8:00', to = '20:00', timezone = 'UTC'}\n";
    let first = reload("t.yaml", yaml);
    assert_same(&first, &reload("t.json", json), "JSON");
    assert_same(&first, &reload("t.toml", toml), "TOML");
}

#[test]
fn edge_lists_survive_a_round_trip_and_documents_are_reduced() {
    let list = "# x\n\"#odd\"\tb\t0.5\nb\tc d\t0.123456789012345678\n\"\"quoted\"\"\tb\t1\n";
    let original = reload("t.tsv", list);
    let mut text = Vec::new();
    edge_list(&original, &mut text).expect("written");
    let text = String::from_utf8(text).expect("text");
    assert_same(&original, &reload("t.tsv", &text), &text);
    assert_same(&original, &reload("t.tsv", &text.replace('\n', "\r\n")), "line ends");
    let as_document = load(&mut Sources::default(), "t.yaml", &Memory::of([("t.yaml", &yaml(&original))])).expect("loads").system;
    assert_eq!(as_document.stated_probability(crate::units::DependencyId(1)), Some(0.123_456_789_012_345_68));

    let reduced = {
        let mut text = Vec::new();
        edge_list(&reload("t.yaml", EVERYTHING), &mut text).expect("written");
        String::from_utf8(text).expect("text")
    };
    // Written data runs the other way; what carries nothing is left out.
    assert_eq!(
        reduced,
        "# provider\tconsumer\tprobability\npsp.a\tcheckout\t0.95\n1.10\tcheckout\t0.95\ntrue\tcheckout\t1\n1.10\tpsp.a\t0.000000001\ncheckout\t1.10\t0.95\n"
    );
}
