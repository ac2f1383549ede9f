//! How a change rolls out, from manifests of Argo Rollouts (`kind: Rollout`) and Flagger (`kind: Canary`).
//!
//! A roll-out here is a share and a time ([`Rollout`]); a manifest is a schedule. The reading is never better than the manifest: steps
//! that nobody watches become waves whose traffic at any time is at least that of the schedule; where an analysis watches, only
//! the first step counts, and what it misses reaches everybody behind it. Other documents of the file are passed over. What must
//! hold: a value that cannot be read is an error with its place; a pause that waits for a person has no length.

use super::facts::{Rollout, Strategy};
use crate::diagnostic::{Diagnostic, SourceId, Sources, Span};
use crate::document::{self, Format, Node, Scalar, Value};
use crate::units::Ticks;

/// One manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The name of what is rolled out.
    pub name: String,
    /// How.
    pub rollout: Rollout,
    /// What a reader should know about the reading.
    pub note: String,
    /// Where it stands.
    pub span: Span,
}

const EXPECTED: &str = "expected manifests of Argo Rollouts (`kind: Rollout`) or Flagger (`kind: Canary`)";

/// Reads all manifests of a file.
///
/// # Errors
/// All places that cannot be read, and a file without a manifest.
///
/// # Panics
/// When `id` is not of `sources`.
pub fn read_manifests(sources: &mut Sources, id: SourceId) -> Result<Vec<Manifest>, Vec<Diagnostic>> {
    let source = sources.get(id).expect("the id came from these sources");
    let (name, text) = (source.name.clone(), source.text.clone());
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for document in candidates(&text) {
        let part = if document.len() == text.len() { id } else { sources.add(name.as_str(), document::alone(&text, document)) };
        let format = if text.trim_start().starts_with('{') { Format::Json } else { Format::Yaml };
        match document::parse(sources, part, format).and_then(|root| manifest(&root).map_err(|problem| vec![problem])) {
            Ok(manifest) => found.extend(manifest),
            Err(more) => problems.extend(more),
        }
    }
    if found.is_empty() && problems.is_empty() {
        let place = Span { source: id, start: 0, end: 0 };
        problems.push(Diagnostic::error("no-rollout", format!("{name} holds no roll-out")).at(place, "").help(EXPECTED));
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// What the manifests mean for one change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    /// How it rolls out, where that is known of all of it.
    pub rollout: Option<Rollout>,
    /// Why, as sentences.
    pub notes: Vec<String>,
}

/// The roll-out of a change. Manifests count for the services that they name; a lone one that names no service of the topology counts
/// for the whole change, since somebody gave it. Where one service of the change has no manifest nothing is held back for sure.
///
/// # Errors
/// Where manifests that count differ: a change has one roll-out.
pub fn choose(manifests: &[Manifest], services: &[&str], is_service: impl Fn(&str) -> bool) -> Result<Chosen, Diagnostic> {
    let is_lone = manifests.len() == 1 && !is_service(&manifests[0].name);
    let of = |service: &str| manifests.iter().find(|manifest| is_lone || manifest.name == service);
    let mut without: Vec<&str> = services.iter().copied().filter(|service| of(service).is_none()).collect();
    without.dedup();
    if !without.is_empty() {
        let note = format!("no manifest says how {} rolls out: everything at once is assumed", without.join(", "));
        return Ok(Chosen { rollout: None, notes: vec![note] });
    }
    let counting: Vec<&Manifest> = manifests.iter().filter(|one| is_lone || services.contains(&one.name.as_str())).collect();
    let Some((first, rest)) = counting.split_first() else { return Ok(Chosen::default()) };
    if let Some(other) = rest.iter().find(|other| other.rollout != first.rollout) {
        let message = format!("{} and {} roll out differently: state `rollout` in a change file", first.name, other.name);
        return Err(Diagnostic::error("rollouts-differ", message).at(other.span, "").at(first.span, "the other"));
    }
    let notes = vec![format!("the roll-out is {} by the manifest of {}: {}", first.rollout.strategy, first.name, first.note)];
    Ok(Chosen { rollout: Some(first.rollout), notes })
}

/// Documents that may be manifests: the others are not even parsed.
fn candidates(text: &str) -> Vec<std::ops::Range<usize>> {
    let kinds = ["Rollout", "Canary"];
    let mut found = document::documents(text);
    found.retain(|range| text[range.clone()].contains("kind") && kinds.iter().any(|kind| text[range.clone()].contains(kind)));
    found
}

/// The manifest of a document, if it is one.
fn manifest(root: &Node) -> Result<Option<Manifest>, Diagnostic> {
    let text = |path: &[&str]| root.at(path).and_then(Node::text);
    let (rollout, note) = match (text(&["apiVersion"]).and_then(|version| version.split('/').next()), text(&["kind"])) {
        (Some("argoproj.io"), Some("Rollout")) => argo(root)?,
        (Some("flagger.app"), Some("Canary")) => flagger(root)?,
        _ => return Ok(None),
    };
    let name = text(&["spec", "targetRef", "name"]).or_else(|| text(&["spec", "workloadRef", "name"]));
    let name = name.or_else(|| text(&["metadata", "name"])).unwrap_or_default().to_owned();
    Ok(Some(Manifest { name, rollout, note, span: root.anchor() }))
}

fn rollout(strategy: Strategy, share: Option<f64>, bake: Option<Ticks>) -> Rollout {
    Rollout { strategy, share, bake, power: None, rollback: None }
}

/// A step of the schedule at which it stays for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    share: f64,
    /// `None` where it waits for a person, or for an analysis of unknown length.
    time: Option<Ticks>,
    /// Whether an analysis runs before it goes on.
    is_watched: bool,
}

/// `spec.strategy` of Argo Rollouts.
fn argo(root: &Node) -> Result<(Rollout, String), Diagnostic> {
    let Some(strategy) = root.at(&["spec", "strategy"]) else {
        return Err(Diagnostic::error("bad-rollout", "the Rollout has no `spec.strategy`").at(root.anchor(), ""));
    };
    if strategy.entry("blueGreen").is_some() {
        return Ok((rollout(Strategy::BlueGreen, None, None), "it switches between two environments".to_owned()));
    }
    let Some((_, canary)) = strategy.entry("canary") else {
        let problem = Diagnostic::error("bad-rollout", "`strategy` is neither `canary` nor `blueGreen`");
        return Err(problem.at(strategy.anchor(), ""));
    };
    let steps = canary.entry("steps").map_or(Ok(&[][..]), |(_, list)| steps(list))?;
    // An analysis in the background begins at a step, counted from 0.
    let begins = match analysis(canary) {
        Some(analysis) => Some(analysis.entry("startingStep").map_or(Ok(0), |(_, value)| count(value))?),
        None => None,
    };
    schedule(steps, begins).map(|schedule| read_as(&schedule))
}

/// The analysis of a roll-out or a step. One that names no template asks nothing.
fn analysis(node: &Node) -> Option<&Node> {
    let (_, analysis) = node.entry("analysis")?;
    let is_asking = analysis.entry("templates").is_some_and(|(_, list)| !list.items().is_empty());
    (is_asking || analysis.entry("templateName").is_some()).then_some(analysis)
}

/// The list of steps. What is no list of tables would look like no steps at all.
fn steps(list: &Node) -> Result<&[Node], Diagnostic> {
    let wrong = match &list.value {
        Value::Sequence(steps) => steps.iter().find(|step| !matches!(step.value, Value::Table(_))),
        _ => (!list.is_null()).then_some(list),
    };
    match wrong {
        None => Ok(list.items()),
        Some(node) => {
            let problem = Diagnostic::error("bad-value", "`steps` is no list of steps");
            Err(problem.at(node.anchor(), "expected such as `- setWeight: 20`"))
        }
    }
}

/// The steps at which a canary stays. A `setWeight` without a pause behind it is passed through.
fn schedule(steps: &[Node], begins: Option<u64>) -> Result<Vec<Step>, Diagnostic> {
    let mut schedule: Vec<Step> = Vec::new();
    let mut share = 0.0;
    for (at, step) in (0_u64..).zip(steps) {
        if let Some((_, weight)) = step.entry("setWeight") {
            share = percent(weight)?;
        }
        let time = match (step.entry("pause"), step.entry("analysis")) {
            (Some((_, pause)), _) => pause.entry("duration").map(|(_, value)| duration(value)).transpose()?,
            (None, Some(_)) => None,
            (None, None) => continue,
        };
        let is_watched = analysis(step).is_some() || begins.is_some_and(|begins| begins <= at);
        match schedule.last_mut().filter(|last| last.share == share) {
            Some(last) => {
                last.time = last.time.zip(time).map(|(a, b)| a.saturating_add(b));
                last.is_watched |= is_watched;
            }
            None => schedule.push(Step { share, time, is_watched }),
        }
    }
    // At weight 0 nobody sees the change yet.
    schedule.retain(|step| step.share > 0.0);
    Ok(schedule)
}

/// A schedule as a share and a time.
///
/// Watched at the first step: that step. Not watched there, whatever comes later: waves of `share` = the largest growth of the traffic and `bake` = the shortest stay. After
/// k stays the traffic is at most (k + 1)·share, and k stays take at least k·bake, so the waves are never behind the schedule.
fn read_as(schedule: &[Step]) -> (Rollout, String) {
    let Some(first) = schedule.first() else {
        return (rollout(Strategy::BigBang, None, None), "it stays at no step: everything at once".to_owned());
    };
    if first.is_watched {
        let note = format!("an analysis watches it from {:.0} % on", first.share * 100.0);
        return (rollout(Strategy::Canary, Some(first.share), first.time), note);
    }
    let ends = schedule.iter().map(|step| step.share).chain([1.0]);
    let starts = [0.0].into_iter().chain(schedule.iter().map(|step| step.share));
    let growth = ends.zip(starts).map(|(end, start)| end - start).fold(0.0, f64::max);
    let shortest = schedule.iter().filter_map(|step| step.time).min();
    let whether =
        if schedule.iter().any(|step| step.is_watched) { "no analysis watches its first step" } else { "no analysis watches it" };
    let note = format!("{whether}: it counts as waves");
    (rollout(Strategy::Waves, Some(growth.min(1.0)), shortest), note)
}

/// `spec.analysis` of Flagger, which always watches. It goes back after `threshold` failed checks, at the weight of the first.
fn flagger(root: &Node) -> Result<(Rollout, String), Diagnostic> {
    let spec = root.at(&["spec"]);
    // Until version 1 it was called `canaryAnalysis`.
    let analysis = spec.and_then(|spec| spec.entry("analysis").or_else(|| spec.entry("canaryAnalysis")));
    let Some((_, analysis)) = analysis else {
        return Err(Diagnostic::error("bad-rollout", "the Canary has no `spec.analysis`").at(root.anchor(), ""));
    };
    let value = |key: &str| analysis.entry(key).map(|(_, value)| value);
    let interval = value("interval").map(duration).transpose()?.unwrap_or(Ticks(Ticks::PER_MINUTE));
    let threshold = value("threshold").map(count).transpose()?.unwrap_or(1).max(1);
    let first = value("stepWeights").and_then(|list| list.items().first()).or_else(|| value("stepWeight"));
    let most = value("maxWeight").map(percent).transpose()?;
    let bake = |checks: u64| Some(Ticks(interval.0.saturating_mul(checks)));
    match (first.map(percent).transpose()?.filter(|share| *share > 0.0), value("iterations").map(count).transpose()?) {
        (Some(share), _) => {
            let share = most.filter(|most| *most > 0.0).map_or(share, |most| share.min(most));
            let note = format!("Flagger watches it and goes back after {threshold} failed checks");
            Ok((rollout(Strategy::Canary, Some(share), bake(threshold)), note))
        }
        (None, Some(checks)) if value("match").is_some() => {
            let note = "some users get it by a header or cookie, how many is not stated".to_owned();
            Ok((rollout(Strategy::Canary, None, bake(checks.max(1))), note))
        }
        (None, Some(_)) => Ok((rollout(Strategy::BlueGreen, None, None), "it switches between two environments".to_owned())),
        (None, None) => {
            let problem = Diagnostic::error("bad-rollout", "`analysis` has neither `stepWeight`, `stepWeights` nor `iterations`");
            Err(problem.at(analysis.anchor(), ""))
        }
    }
}

/// A weight from 0 to 100, as a share.
fn percent(node: &Node) -> Result<f64, Diagnostic> {
    let weight = match node.scalar() {
        Some(Scalar::Integer(value)) => value as f64,
        Some(Scalar::Float(value)) => value,
        _ => f64::NAN,
    };
    if (0.0..=100.0).contains(&weight) {
        return Ok(weight / 100.0);
    }
    Err(Diagnostic::error("bad-value", "this is no weight").at(node.anchor(), "expected a number from 0 to 100"))
}

fn count(node: &Node) -> Result<u64, Diagnostic> {
    match node.scalar() {
        Some(Scalar::Integer(value)) if value >= 0 => Ok(value as u64),
        _ => Err(Diagnostic::error("bad-value", "this is no number of checks").at(node.anchor(), "expected a whole number")),
    }
}

/// `40s`, `1h`, or plain seconds.
fn duration(node: &Node) -> Result<Ticks, Diagnostic> {
    let seconds = |seconds: f64| Ticks::parse(&format!("{seconds}s")).ok();
    let read = match node.scalar() {
        Some(Scalar::Integer(value)) if value >= 0 => seconds(value as f64),
        Some(Scalar::Float(value)) if value >= 0.0 => seconds(value),
        Some(Scalar::Text(text)) => match text.parse::<u32>() {
            Ok(value) => seconds(f64::from(value)),
            Err(_) => Ticks::parse(text).ok(),
        },
        _ => None,
    };
    read.ok_or_else(|| Diagnostic::error("bad-value", "this is no duration").at(node.anchor(), "expected such as 5m, or seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, prop_assert, proptest};

    fn read(text: &str) -> Result<Vec<Manifest>, Vec<Diagnostic>> {
        let mut sources = Sources::default();
        let id = sources.add("rollout.yaml", text);
        read_manifests(&mut sources, id)
    }

    fn one(text: &str) -> (Strategy, Option<f64>, Option<Ticks>) {
        let found = read(text).expect(text).remove(0).rollout;
        (found.strategy, found.share, found.bake)
    }

    fn argo(strategy: &str) -> String {
        format!("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: shop}}\nspec: {{strategy: {strategy}}}\n")
    }

    fn flagger(analysis: &str) -> String {
        format!(
            "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: x}}\nspec: {{targetRef: {{name: shop}}, analysis: {analysis}}}\n"
        )
    }

    fn minutes(text: &str) -> Option<Ticks> {
        Some(Ticks::parse(text).expect("a duration"))
    }

    #[test]
    fn steps_of_argo() {
        for (strategy, expected) in [
            ("{blueGreen: {activeService: a}}", (Strategy::BlueGreen, None, None)),
            ("{canary: {}}", (Strategy::BigBang, None, None)),
            ("{canary: {steps: [{setWeight: 50}]}}", (Strategy::BigBang, None, None)),
            (
                "{canary: {steps: [{setWeight: 20}, {pause: {duration: 40s}}, {setWeight: 60}, {pause: {duration: 20}}]}}",
                (Strategy::Waves, Some(0.4), minutes("20s")),
            ),
            ("{canary: {steps: [{setWeight: 20}, {pause: {}}]}}", (Strategy::Waves, Some(0.8), None)),
            (
                "{canary: {analysis: {templates: [{templateName: a}], startingStep: 1}, steps: [{setWeight: 10}, {pause: {duration: 5m}}, {pause: {duration: 1h}}, {setWeight: 50}, {pause: {duration: 1m}}]}}",
                (Strategy::Canary, Some(0.1), minutes("65m")),
            ),
            (
                "{canary: {steps: [{setWeight: 5}, {analysis: {templates: [{templateName: a}]}}]}}",
                (Strategy::Canary, Some(0.05), None),
            ),
            // An analysis that asks nothing watches nothing.
            (
                "{canary: {analysis: {}, steps: [{setWeight: 25}, {pause: {duration: 1h}}, {analysis: null}, {setWeight: 75}, {pause: {duration: 1h}}]}}",
                (Strategy::Waves, Some(0.5), minutes("60m")),
            ),
            // An analysis that comes later has not watched the first step.
            (
                "{canary: {steps: [{setWeight: 25}, {pause: {duration: 30m}}, {setWeight: 75}, {analysis: {templates: [{templateName: a}]}}]}}",
                (Strategy::Waves, Some(0.5), minutes("30m")),
            ),
            (
                "{canary: {analysis: {templates: [{templateName: a}], startingStep: 2}, steps: [{setWeight: 25}, {pause: {duration: 30m}}, {setWeight: 75}, {pause: {duration: 1h}}]}}",
                (Strategy::Waves, Some(0.5), minutes("30m")),
            ),
        ] {
            assert_eq!(one(&argo(strategy)), expected, "{strategy}");
        }
    }

    #[test]
    fn analyses_of_flagger() {
        for (analysis, expected) in [
            ("{interval: 1m, threshold: 5, maxWeight: 50, stepWeight: 10}", (Strategy::Canary, Some(0.1), minutes("5m"))),
            ("{interval: 30s, threshold: 2, stepWeights: [1, 2, 50]}", (Strategy::Canary, Some(0.01), minutes("1m"))),
            ("{stepWeight: 10, maxWeight: 5}", (Strategy::Canary, Some(0.05), minutes("1m"))),
            ("{interval: 1m, threshold: 5, iterations: 10}", (Strategy::BlueGreen, None, None)),
            ("{interval: 1m, iterations: 10, match: [{headers: {}}]}", (Strategy::Canary, None, minutes("10m"))),
        ] {
            assert_eq!(one(&flagger(analysis)), expected, "{analysis}");
        }
    }

    #[test]
    fn other_documents_are_passed_over_and_places_stay() {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: Rollout, x: [}\n";
        let text = format!("# kinds\n---\nkind: Config\n--- \n{}---\n{}", argo("{canary: {}}"), flagger("{iterations: 1}"));
        let names: Vec<String> = read(&text).expect("manifests").into_iter().map(|manifest| manifest.name).collect();
        assert_eq!(names, ["shop", "shop"]);
        let text = format!("kind: Config\n---\n{}", argo("{canary: {steps: [{setWeight: 200}]}}"));
        let mut sources = Sources::default();
        let id = sources.add("rollout.yaml", text.as_str());
        let errors = read_manifests(&mut sources, id).expect_err("a weight");
        assert_eq!(sources.line_column(errors[0].labels[0].span), Some((6, 48)));
        assert!(read(&service.replace("Rollout", "x")).expect_err("none")[0].message.contains("holds no roll-out"));
        let json = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"strategy": {"blueGreen": {}}}}"#;
        assert_eq!(one(json).0, Strategy::BlueGreen);
    }

    #[test]
    fn broken_manifests_are_errors_with_their_place() {
        for text in [
            argo("{}"),
            argo("{canary: {steps: [{setWeight: 1}, {pause: {duration: soon}}]}}"),
            argo("{canary: {steps: [{setWeight: x}]}}"),
            flagger("{}"),
            flagger("{stepWeight: 5, interval: -1}"),
            flagger("{stepWeight: 5, threshold: many}"),
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n".to_owned(),
            "apiVersion: flagger.app/v1\nkind: Canary\nspec: [\n".to_owned(),
            String::new(),
        ] {
            let errors = read(&text).expect_err(&text);
            assert!(!errors[0].labels.is_empty(), "{text}: {errors:?}");
        }
    }

    #[test]
    fn manifests_count_for_the_services_that_they_name() {
        let manifest = |name: &str, share| Manifest {
            name: name.to_owned(),
            rollout: rollout(Strategy::Canary, Some(share), None),
            note: String::new(),
            span: Span::default(),
        };
        let ask = |manifests: &[Manifest], services: &[&str]| {
            choose(manifests, services, |name| ["shop", "web"].contains(&name))
                .map(|chosen| chosen.rollout.and_then(|one| one.share))
        };
        assert_eq!(ask(&[manifest("shop", 0.1)], &["shop"]), Ok(Some(0.1)));
        assert_eq!(ask(&[manifest("shop", 0.1)], &["shop", "web"]), Ok(None));
        assert_eq!(ask(&[manifest("shop", 0.1), manifest("web", 0.1)], &["shop", "web"]), Ok(Some(0.1)));
        assert!(ask(&[manifest("shop", 0.1), manifest("web", 0.2)], &["shop", "web"]).is_err());
        assert_eq!(ask(&[manifest("shop", 0.1), manifest("web", 0.2)], &["web"]), Ok(Some(0.2)));
        assert_eq!(ask(&[manifest("demo", 0.1)], &["shop", "web"]), Ok(Some(0.1)));
        assert_eq!(ask(&[manifest("demo", 0.1), manifest("other", 0.1)], &["shop"]), Ok(None));
    }

    proptest! {
        /// The waves are never behind the schedule that they stand for.
        #[test]
        fn waves_are_never_better_than_the_schedule(steps in prop::collection::vec((1_u32..=100, 1_u64..=90), 1..8)) {
            let mut weights: Vec<u32> = steps.iter().map(|(weight, _)| *weight).collect();
            weights.sort_unstable();
            let schedule: Vec<Step> = weights.iter().zip(&steps)
                .map(|(weight, (_, minutes))| Step { share: f64::from(*weight) / 100.0, time: Some(Ticks(minutes * Ticks::PER_MINUTE)), is_watched: false })
                .collect();
            let (waves, _) = read_as(&schedule);
            let (share, bake) = (waves.share.expect("a share"), waves.bake.expect("a time"));
            let mut now = 0;
            for step in &schedule {
                // At the start of a stay the waves are as far as they will be behind it.
                let reached = (share * ((now / bake.0) + 1) as f64).min(1.0);
                prop_assert!(reached + 1e-9 >= step.share, "{schedule:?} {waves:?} at {now}");
                now += step.time.expect("a time").0;
            }
        }
    }
}
