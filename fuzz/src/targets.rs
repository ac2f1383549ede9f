//! What each fuzz target does with its bytes.
//!
//! A target feeds one door of the library that takes text from outside. It panics only where the library does, or where a
//! message points outside of its text. Bytes that are no UTF-8 go through the same check as in the program.

use shockfront::change::codeowners::{Dialect, read_codeowners};
use shockfront::change::commits::read_log;
use shockfront::change::derive::{Material, derive};
use shockfront::change::diff::read_diff;
use shockfront::change::facts::Change;
use shockfront::change::file::{read_change, read_team};
use shockfront::change::host::read_event;
use shockfront::change::manifest::{choose, read_manifests};
use shockfront::change::operations::{OperationRule, narrow};
use shockfront::change::paths::{PathRule, map_files};
use shockfront::change::raw::{RawDiff, read_raw};
use shockfront::change::reviews::{self, read_reviews};
use shockfront::change::team::Team;
use shockfront::change::terraform::read_plan;
use shockfront::change::terraform_land::land_plan;
use shockfront::change::trailers::{person, trailers};
use shockfront::diagnostic::{Diagnostic, SourceId, Sources};
use shockfront::document::{self, Format, decode_utf8};
use shockfront::edit::{self, Edit};
use shockfront::fault::file::read_faults;
use shockfront::fault::spec::law;
use shockfront::fault::{Fault, FaultKind, Scenario};
use shockfront::model::{Compact, System};
use shockfront::policy::file::read_policy;
use shockfront::propagation::{Request, simulate};
use shockfront::report::part::join;
use shockfront::report::part_ranking::{AnyPart, join_rankings, read_any_part};
use shockfront::risk::budgets::{self, read_budgets};
use shockfront::risk::ledger::read_ledger;
use shockfront::risk::score;
use shockfront::topology::{self, Files};
use shockfront::units::Ticks;
use std::io;
use std::sync::OnceLock;

/// One target.
pub type Target = fn(&[u8]);

/// All targets by name; the corpus of each is `fuzz/corpus/NAME`.
pub const TARGETS: &[(&str, Target)] = &[
    ("topology_yaml", topology_yaml),
    ("topology_toml", topology_toml),
    ("topology_json", topology_json),
    ("edge_list", edge_list),
    ("document", document),
    ("change_file", change_file),
    ("team_file", team_file),
    ("policy_file", policy_file),
    ("ledger_file", ledger_file),
    ("budgets_file", budgets_file),
    ("fault_file", fault_file),
    ("fault", fault),
    ("edit", edit),
    ("unified_diff", unified_diff),
    ("raw_diff", raw_diff),
    ("commit_log", commit_log),
    ("duration", duration),
    ("reference", reference),
    ("part", part),
    ("terraform_plan", terraform_plan),
    ("codeowners", codeowners),
    ("host_event", host_event),
    ("host_reviews", host_reviews),
    ("rollout", rollout),
];

/// Larger graphs are read, but not simulated: the target is the reader.
const MOST_SIMULATED: usize = 200;

/// A single file in memory.
struct Single<'a> {
    name: &'a str,
    bytes: &'a [u8],
}

impl Files for Single<'_> {
    fn size(&self, path: &str) -> io::Result<u64> {
        self.read(path).map(|bytes| bytes.len() as u64)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        if path == self.name { Ok(self.bytes.to_vec()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn list(&self, directory: &str) -> io::Result<Option<Vec<String>>> {
        if directory == self.name { Ok(None) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

/// A topology file, written as YAML.
pub fn topology_yaml(data: &[u8]) {
    topology("fuzz.yaml", data);
}

/// A topology file, written as TOML.
pub fn topology_toml(data: &[u8]) {
    topology("fuzz.toml", data);
}

/// A topology file, written as JSON.
pub fn topology_json(data: &[u8]) {
    topology("fuzz.json", data);
}

/// An edge list.
pub fn edge_list(data: &[u8]) {
    topology("fuzz.tsv", data);
    topology("fuzz.csv", data);
}

fn topology(name: &str, data: &[u8]) {
    let mut sources = Sources::default();
    match topology::load(&mut sources, name, &Single { name, bytes: data }) {
        Ok(loaded) => {
            judge(&sources, &loaded.warnings);
            use_system(&loaded.system);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "a file was refused without a reason");
            judge(&sources, &errors);
        }
    }
}

/// Messages can be drawn: their spans are inside of their texts and between characters.
fn judge(sources: &Sources, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        assert!(!diagnostic.message.is_empty(), "an empty message");
        for label in &diagnostic.labels {
            let Some(source) = sources.get(label.span.source) else { continue };
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(start <= end && end <= source.text.len(), "{diagnostic:?} points outside of its text");
            assert!(source.text.is_char_boundary(start) && source.text.is_char_boundary(end), "{diagnostic:?} cuts a character");
            assert!(sources.line_column(label.span).is_some());
        }
    }
}

/// A system that was accepted can be compiled and simulated.
fn use_system(system: &System) {
    let Some(first) = system.service_names().next() else { return };
    if system.service_count() > MOST_SIMULATED || system.dependency_count() > MOST_SIMULATED {
        return;
    }
    let compact = Compact::new(system);
    if compact.arc_count() > 20 * MOST_SIMULATED {
        return;
    }
    run(system, &compact, &Fault::new(FaultKind::Crash, first));
}

fn run(system: &System, compact: &Compact, fault: &Fault) {
    let Ok(scenario) = Scenario::new(system, compact, std::slice::from_ref(fault), None) else { return };
    for static_reach in [true, false] {
        let request = Request { trials: 8, static_reach, threads: Some(1), ..Request::default() };
        if let Ok(simulation) = simulate(system, compact, &scenario, &request) {
            assert!(simulation.reach.mean.mean.is_finite(), "reach is {}", simulation.reach.mean.mean);
        }
    }
}

/// Any document: the first byte chooses the format.
pub fn document(data: &[u8]) {
    let Some((sources, id, format)) = chosen(data) else { return };
    if let Err(errors) = document::parse(&sources, id, format) {
        judge(&sources, &errors);
    }
}

/// Bytes behind the first one as a text of the format that the first one chooses.
fn chosen(data: &[u8]) -> Option<(Sources, SourceId, Format)> {
    let (choice, bytes) = data.split_first()?;
    let text = decode_utf8("fuzz", bytes.to_vec()).ok()?;
    let mut sources = Sources::default();
    let id = sources.add("fuzz", text);
    Some((sources, id, [Format::Yaml, Format::Toml, Format::Json][*choice as usize % 3]))
}

/// A change file.
pub fn change_file(data: &[u8]) {
    let Some((sources, id, format)) = chosen(data) else { return };
    if let Err(errors) = read_change(&sources, id, format) {
        judge(&sources, &errors);
    }
}

/// A team file.
pub fn team_file(data: &[u8]) {
    let Some((sources, id, format)) = chosen(data) else { return };
    match read_team(&sources, id, format) {
        Ok((_, warnings)) => judge(&sources, &warnings),
        Err(errors) => judge(&sources, &errors),
    }
}

/// A policy file.
pub fn policy_file(data: &[u8]) {
    let Some((sources, id, format)) = chosen(data) else { return };
    match read_policy(&sources, id, format) {
        Ok((_, warnings)) => judge(&sources, &warnings),
        Err(errors) => judge(&sources, &errors),
    }
}

/// A ledger.
pub fn ledger_file(data: &[u8]) {
    let Some((sources, id, format)) = chosen(data) else { return };
    match read_ledger(&sources, id, format) {
        Ok((_, warnings)) => judge(&sources, &warnings),
        Err(errors) => judge(&sources, &errors),
    }
}

/// Objectives and spent error budgets, joined into a system.
pub fn budgets_file(data: &[u8]) {
    let Some((mut sources, id, format)) = chosen(data) else { return };
    match read_budgets(&mut sources, id, format) {
        Ok((found, warnings)) => {
            judge(&sources, &warnings);
            let mut system = facts().clone();
            match budgets::join(&found, &mut system, None) {
                Ok(_) => {
                    let mut both = score::remaining(&system).into_iter().zip(score::budgets(facts()));
                    let rises = |(left, whole): (Option<f64>, Option<f64>)| whole.is_some() && left > whole;
                    assert!(!both.any(rises), "a file made a stated budget larger");
                }
                Err(problems) => judge(&sources, &problems),
            }
        }
        Err(errors) => judge(&sources, &errors),
    }
}

/// A fault file.
pub fn fault_file(data: &[u8]) {
    let Some((sources, id, format)) = chosen(data) else { return };
    if let Err(errors) = read_faults(&sources, id, format) {
        judge(&sources, &errors);
    }
}

const SHOP: &str = "\
db\tcart\t0.9
cart\tcheckout\t0.5
checkout\tweb\t0.7
db\tcheckout\t0.2
web\tdb\t0.1
";

/// A small graph with a cycle.
fn shop() -> &'static (System, Compact) {
    static SHOP_SYSTEM: OnceLock<(System, Compact)> = OnceLock::new();
    SHOP_SYSTEM.get_or_init(|| {
        let files = Single { name: "shop.tsv", bytes: SHOP.as_bytes() };
        let loaded = topology::load(&mut Sources::default(), "shop.tsv", &files).expect("the shop is valid");
        let compact = Compact::new(&loaded.system);
        (loaded.system, compact)
    })
}

/// `--fault KIND@TARGET,key=value`.
pub fn fault(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Fault::parse(text) {
        Ok(fault) => {
            assert!(!fault.label().is_empty());
            let (system, compact) = shop();
            run(system, compact, &fault);
        }
        Err((message, range)) => {
            assert!(!message.is_empty());
            assert!(text.get(range.clone()).is_some(), "{range:?} is not a part of {text:?}");
        }
    }
}

/// A system with facts that edits can change.
fn facts() -> &'static System {
    const FACTS: &str = "schema: shockfront/topology/v1
services:
  web: {replicas: {count: 2, need: 1}, groups: [zone-a], requires: {at_least: 1, of: [cart, ads]}}
  cart: {detect: 5m}
  ads: {operations: [Show, Pick]}
  agent: {kind: agent}
dependencies:
  - {from: web, to: cart, probability: 0.8}
  - {from: web, to: ads.Show, kind: soft}
  - {from: web, to: cart, kind: startup}
  - {from: cart, to: agent, kind: authority, verbs: [write, delete]}
groups: {zone-a: {kind: zone}, zone-b: {kind: zone}}
journeys:
  buy: {needs: [web], users_per_minute: 100, slo: 99.9}
  browse: {needs: [ads], users_per_minute: 20}
";
    static FACTS_SYSTEM: OnceLock<System> = OnceLock::new();
    FACTS_SYSTEM.get_or_init(|| {
        let files = Single { name: "facts.yaml", bytes: FACTS.as_bytes() };
        topology::load(&mut Sources::default(), "facts.yaml", &files).expect("valid").system
    })
}

/// `--with EDIT`, applied to a small system.
pub fn edit(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Edit::parse(text) {
        Ok(edit) => {
            let written = edit.to_string();
            assert_eq!(
                Edit::parse(&written).map(|again| again.what),
                Ok(edit.what.clone()),
                "{text:?} is written as {written:?}"
            );
            for known in [&shop().0, facts()] {
                let mut system = known.clone();
                match edit::on_system(&edit, &mut system) {
                    Ok(_) => assert!(system.recheck().is_ok()),
                    Err(refusal) => assert!(text.get(refusal.range).is_some()),
                }
            }
        }
        Err((message, range)) => {
            assert!(!message.is_empty());
            assert!(text.get(range.clone()).is_some(), "{range:?} is not a part of {text:?}");
        }
    }
}

/// `--diff FILE`.
pub fn unified_diff(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut sources = Sources::default();
    let id = sources.add("fuzz.diff", text);
    let text = &sources.get(id).expect("just added").text;
    match read_diff(SourceId(0), text) {
        Ok(diff) => {
            let rules = [PathRule { service: "cart", glob: "src/cart/**" }, PathRule { service: "web", glob: "**/*.ts" }];
            let Ok(mut mapping) = map_files(&rules, &diff.files) else { return };
            let code = ["src/cart/**#Add*", "src/cart/items/**", "**#*.get"];
            let code = code.map(|path| OperationRule { service: "cart", operation: "Add", path });
            let notes = narrow(&mut mapping, &code, &diff.files, |_| false).expect("the globs are good");
            assert!(notes.len() <= 1, "{notes:?}");
        }
        Err(errors) => judge(&sources, &errors),
    }
}

/// `--terraform FILE`.
pub fn terraform_plan(data: &[u8]) {
    let Ok(text) = decode_utf8("plan.json", data.to_vec()) else { return };
    let mut sources = Sources::default();
    let id = sources.add("plan.json", text);
    match read_plan(&sources, id) {
        Ok(plan) => {
            let rules = [PathRule { service: "web", glob: "terraform:module.a" }];
            let landed = land_plan(&plan, &rules, |name| name == "cart").expect("the globs are good");
            assert!(!landed.notes.is_empty());
        }
        Err(errors) => judge(&sources, &errors),
    }
}

/// `--codeowners FILE`, of both hosts.
pub fn codeowners(data: &[u8]) {
    let Ok(text) = decode_utf8("CODEOWNERS", data.to_vec()) else { return };
    let mut sources = Sources::default();
    let id = sources.add("CODEOWNERS", text);
    let text = &sources.get(id).expect("just added").text;
    let _ = Dialect::of("CODEOWNERS", text);
    for dialect in [Dialect::GitHub, Dialect::GitLab] {
        let file = read_codeowners(id, text, dialect);
        judge(&sources, &file.warnings);
        for path in ["a", "docs/a b.js", "src/[x]/{y}.rs"] {
            assert!(file.claims(path).iter().all(|claim| claim.approvals > 0 && !claim.owners.is_empty()));
        }
    }
}

/// `--event FILE`.
pub fn host_event(data: &[u8]) {
    let Ok(text) = decode_utf8("event.json", data.to_vec()) else { return };
    let mut sources = Sources::default();
    let id = sources.add("event.json", text);
    match read_event(&sources, id) {
        Ok(request) => drop(request.join(&mut Change::default(), &Team::default())),
        Err(errors) => judge(&sources, &errors),
    }
}

/// `--reviews FILE`.
pub fn host_reviews(data: &[u8]) {
    let Ok(text) = decode_utf8("reviews.json", data.to_vec()) else { return };
    let mut sources = Sources::default();
    let id = sources.add("reviews.json", text);
    match read_reviews(&sources, id) {
        Ok(opinions) => {
            let mut change = Change::default();
            let notes = reviews::join(&opinions, &mut change, &Team::default());
            let approving = opinions.iter().filter(|opinion| opinion.approves).count();
            assert!(change.reviewers.len() + notes.len() <= approving, "{opinions:?}");
        }
        Err(errors) => judge(&sources, &errors),
    }
}

/// `--rollout FILE`.
pub fn rollout(data: &[u8]) {
    let Ok(text) = decode_utf8("rollout.yaml", data.to_vec()) else { return };
    let mut sources = Sources::default();
    let id = sources.add("rollout.yaml", text);
    match read_manifests(&mut sources, id) {
        Ok(manifests) => {
            for share in manifests.iter().filter_map(|manifest| manifest.rollout.share) {
                assert!(share > 0.0 && share <= 1.0, "{share}");
            }
            if let Err(problem) = choose(&manifests, &["shop"], |name| name == "shop") {
                judge(&sources, &[problem]);
            }
        }
        Err(errors) => judge(&sources, &errors),
    }
}

/// What `git diff --raw -z` and `--numstat -z` write, with byte 1 between them.
pub fn raw_diff(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (raw, numstat) = text.split_once('\u{1}').unwrap_or((&text, ""));
    if let Ok(files) = read_raw(RawDiff { raw, numstat }) {
        for file in &files {
            let _ = (file.path(), file.lines(), file.touched_paths().count());
        }
    }
}

/// What `git log -z` writes, down to authors, reviewers and signs of AI tools.
pub fn commit_log(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for trailer in trailers(&text) {
        let _ = (trailer.has_key("Co-authored-by"), person(&trailer.value));
    }
    if let Ok(commits) = read_log(&text) {
        let material = Material { commits: &commits, files: Vec::new(), team: &Team::default() };
        let _ = derive(material);
    }
}

/// Durations and their laws: `10m`, `10m/60m`.
pub fn duration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(ticks) = Ticks::parse(text) {
        assert!(ticks.minutes() >= 0.0);
    }
    if let Ok(law) = law(text) {
        assert!(law.mean_minutes() >= 0.0 && law.at_deviate(0.0) <= law.at_deviate(1.0));
    }
}

/// `SERVICE` or `SERVICE.OPERATION`.
pub fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (system, compact) = shop();
    if let Ok(endpoint) = system.resolve(text) {
        assert!(!system.endpoint_name(endpoint).is_empty());
        assert!((compact.node(endpoint) as usize) < compact.node_count());
    }
}

/// A part of a run, alone and twice.
pub fn part(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match read_any_part(text) {
        Ok(AnyPart::Simulation(part)) => {
            let read = part.sample();
            assert!(read.is_ok() || join(std::slice::from_ref(&*part)).is_err());
            assert!(join(&[(*part).clone(), *part]).is_err());
        }
        Ok(AnyPart::Ranking(part)) => {
            let (system, _) = shop();
            if let Ok(sample) = join_rankings(system, std::slice::from_ref(&*part)) {
                assert_eq!(sample.concluded().trials, part.ranking.sampling.trials);
            }
            assert!(join_rankings(system, &[(*part).clone(), *part]).is_err());
        }
        Err(_) => {}
    }
}
