//! What differs between two versions of a topology, one sentence each, for people who have to look at an edit.
//!
//! Parts are paired by name, dependencies by their ends, and compared as the values of the file format: order, comments and spelling
//! are no difference. What is gone comes first, since an edit that leaves something out looks harmless everywhere else. O(both
//! systems).

use super::write_facts::{dependency, group, journey, number, service, waiver};
use crate::model::System;
use crate::units::DependencyId;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};

/// Most sentences: more are counted.
const MOST: usize = 200;

/// Sentences by how much they can hide.
#[derive(Default)]
struct Found {
    gone: Vec<String>,
    changed: Vec<String>,
    new: Vec<String>,
}

/// What differs; nothing where both say the same.
pub fn differences(before: &System, after: &System) -> Vec<String> {
    let mut found = Found::default();
    dependencies(before, after, &mut found);
    let services = |system: &System| {
        let named = system.service_ids().map(|id| (system.service_name(id).to_owned(), service(system.service(id))));
        named.collect()
    };
    parts("service", services(before), services(after), &mut found);
    let journeys = |system: &System| system.journeys().iter().map(|known| (known.name.clone(), journey(&known.facts))).collect();
    parts("journey", journeys(before), journeys(after), &mut found);
    let groups = |system: &System| system.groups().map(|(_, name, facts, _)| (name.to_owned(), group(facts))).collect();
    parts("group", groups(before), groups(after), &mut found);
    let whole = |system: &System| [("the topology".to_owned(), header(system))].into();
    parts("", whole(before), whole(after), &mut found);
    let mut all = [found.gone, found.changed, found.new].concat();
    if all.len() > MOST {
        let more = all.len() - MOST;
        all.truncate(MOST);
        all.push(format!("and {more} more differences"));
    }
    all
}

/// What the file says of the system as a whole.
fn header(system: &System) -> Json {
    let mut keys = Map::new();
    let mut put = |key: &str, value: Option<Json>| keys.extend(value.map(|value| (key.to_owned(), value)));
    put("name", (!system.name.is_empty()).then(|| json!(system.name)));
    put("observed_at", system.observed_at.map(|day| json!(day.to_string())));
    put("coverage", system.coverage.map(number));
    put("people.responders", system.responders.map(|responders| json!(responders)));
    let waivers: Vec<Json> = system.waivers.iter().map(waiver).collect();
    put("waivers", (!waivers.is_empty()).then_some(Json::Array(waivers)));
    Json::Object(keys)
}

/// Named parts of one kind.
fn parts(kind: &str, before: BTreeMap<String, Json>, after: BTreeMap<String, Json>, found: &mut Found) {
    let call = |name: &str| if kind.is_empty() { name.to_owned() } else { format!("{kind} `{name}`") };
    for (name, old) in &before {
        match after.get(name) {
            None => found.gone.push(format!("{} is removed", call(name))),
            Some(new) => found.changed.extend(facts(old, new).map(|text| format!("{}: {text}", call(name)))),
        }
    }
    let added = after.keys().filter(|name| !before.contains_key(*name));
    found.new.extend(added.map(|name| format!("{} is added", call(name))));
}

/// Dependencies by their ends; several between the same two in file order.
fn dependencies(before: &System, after: &System, found: &mut Found) {
    let ends = |system: &System, id: DependencyId| {
        (system.endpoint_name(system.consumer(id)), system.endpoint_name(system.provider(id)))
    };
    let mut known: HashMap<(String, String), Vec<DependencyId>> = HashMap::new();
    for id in after.dependency_ids() {
        known.entry(ends(after, id)).or_default().push(id);
    }
    known.values_mut().for_each(|ids| ids.reverse());
    for id in before.dependency_ids() {
        let pair = ends(before, id);
        let call = format!("dependency `{}` → `{}`", pair.0, pair.1);
        match known.get_mut(&pair).and_then(Vec::pop) {
            None => found.gone.push(format!("{call} is removed")),
            Some(other) => {
                let (old, new) = (dependency(before, id), dependency(after, other));
                found.changed.extend(facts(&old, &new).map(|text| format!("{call}: {text}")));
            }
        }
    }
    for id in after.dependency_ids() {
        let pair = ends(after, id);
        let left = known.get(&pair).is_some_and(|ids| ids.contains(&id));
        if left {
            found.new.push(format!("dependency `{}` → `{}` is added", pair.0, pair.1));
        }
    }
}

/// Each fact that differs.
fn facts(old: &Json, new: &Json) -> impl Iterator<Item = String> {
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let gone = old.iter().filter_map(|(key, was)| match new.get(key) {
        Some(is) if is == was => None,
        Some(is) => Some(format!("`{key}` was {}, is {}", text(was), text(is))),
        None => Some(format!("`{key}` was {}, is not stated", text(was))),
    });
    let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
    let added = added.map(|(key, is)| format!("`{key}` was not stated, is {}", text(is)));
    gone.chain(added).collect::<Vec<_>>().into_iter()
}

/// A value as a reader would write it.
fn text(value: &Json) -> String {
    match value {
        Json::String(word) => word.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Object(keys) => {
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key} {}", text(value))).collect();
            format!("({})", keys.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::topology::{load, tests::Memory};

    const BEFORE: &str = "\
schema: shockfront/topology/v1
observed_at: 2026-08-01
services: {web: {tier: 0}, shop: {repair: 25m, paths: [\"shop/**\"]}, db: {}, old: {}}
dependencies:
  - {from: web, to: shop, kind: hard, probability: 0.9}
  - {from: shop, to: db, kind: hard}
groups: {pool: {kind: zone}}
journeys: {buy: {needs: [web], users_per_minute: 100, slo: 99.9}}
";

    fn system(text: &str) -> System {
        let files = Memory::of([("a.yaml", text)]);
        load(&mut Sources::default(), "a.yaml", &files).expect("valid").system
    }

    #[test]
    fn what_is_gone_comes_first_and_every_fact_is_named() {
        let after = BEFORE
            .replace("  - {from: shop, to: db, kind: hard}\n", "  - {from: web, to: db, kind: soft}\n")
            .replace("probability: 0.9", "probability: 0.1, timeout: 2s")
            .replace("repair: 25m, ", "")
            .replace(", old: {}", ", new: {}")
            .replace("2026-08-01", "2026-09-01")
            .replace("slo: 99.9", "slo: 99.5");
        assert_eq!(
            differences(&system(BEFORE), &system(&after)),
            [
                "dependency `shop` → `db` is removed",
                "service `old` is removed",
                "dependency `web` → `shop`: `probability` was 0.9, is 0.1",
                "dependency `web` → `shop`: `timeout` was not stated, is 2s",
                "service `shop`: `repair` was 25m, is not stated",
                "journey `buy`: `slo` was 99.9, is 99.5",
                "the topology: `observed_at` was 2026-08-01, is 2026-09-01",
                "dependency `web` → `db` is added",
                "service `new` is added",
            ]
        );
    }

    #[test]
    fn spelling_is_no_difference() {
        let after = format!("# a note\n{}", BEFORE.replace("{tier: 0}", "{\"tier\": 0} ").replace("0.9}", "0.90}"));
        assert_eq!(differences(&system(BEFORE), &system(&after)), [""; 0]);
    }

    #[test]
    fn many_are_counted() {
        let many: String = (0..300).map(|at| format!("s{at}: {{}}, ")).collect();
        let found = differences(&system(&BEFORE.replace("old: {}", &format!("old: {{}}, {many}"))), &system(BEFORE));
        assert_eq!((found.len(), found[200].as_str()), (201, "and 100 more differences"));
    }
}
