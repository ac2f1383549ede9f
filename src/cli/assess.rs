//! `assess`: a change from files, from git or from a diff, and the verdict on it.

use super::args::{Assess, ResultFormat};
use super::failure::{Failure, Outcome};
use super::files::standard_input;
use super::output::{Progress, deliver};
use super::reproduce::Words;
use super::session::Session;
use super::simulate::listed;
use super::when::written;
use super::{git, inputs};
use shockfront::assess::{AssessRequest, DEFAULT_TRIALS, InFlight, assess};
use shockfront::change::commits::Commit;
use shockfront::change::derive::{Material, derive};
use shockfront::change::diff::read_diff;
use shockfront::change::facts::Change;
use shockfront::change::merge::{Parts, merge};
use shockfront::change::paths::{Mapping, PathRule, map_files};
use shockfront::change::team::Team;
use shockfront::diagnostic::Diagnostic;
use shockfront::document::decode_utf8;
use shockfront::model::draft::{Locate, Place};
use shockfront::model::{Compact, System};
use shockfront::random::Seed;
use shockfront::report::{self, AssessmentReport};
use shockfront::risk::assessment::Gate;
use shockfront::topology::Loaded;
use std::path::Path;

pub(crate) fn run(session: &mut Session, arguments: &Assess) -> Result<Outcome, Failure> {
    if arguments.change.len() > 1 && (arguments.base.is_some() || arguments.diff.is_some()) {
        let message = "several change files are several changes: only one can complete a diff";
        return Err(Failure::input("usage", message));
    }
    let loaded = session.topology(&arguments.topology)?;
    let team = match &arguments.team {
        Some(path) => inputs::team(session, path)?,
        None => Team::default(),
    };
    let mut notes = Vec::new();
    let changes = changes(session, arguments, &loaded, &team, &mut notes)?;
    let (system, compact) = (&loaded.system, Compact::new(&loaded.system));
    let sampling = &arguments.sampling;
    let trials = sampling.trials.unwrap_or(DEFAULT_TRIALS);
    let at = changes.iter().find_map(|change| change.change.at.clone()).or_else(|| sampling.at.clone());
    let progress = Progress::new(trials.saturating_mul(1 + arguments.uncertainty.unwrap_or(0)), session.is_quiet);
    let add = |done| progress.add(done);
    let request = AssessRequest {
        changes,
        team,
        trials,
        precision: arguments.detail.precision,
        explain: true,
        mitigations: !arguments.no_mitigations,
        uncertainty: arguments.uncertainty,
        seed: Seed(sampling.seed),
        threads: sampling.threads.map(usize::from),
        horizon: sampling.horizon,
        response: sampling.response(),
        at: sampling.at.clone(),
        notes,
        progress: Some(&add),
    };
    let assessment = assess(system, &compact, &request);
    progress.finish();
    let assessment = assessment?;
    let report = AssessmentReport {
        system,
        assessment: &assessment,
        topology_sha256: loaded.sha256.clone(),
        at: at.as_ref().map(written),
        response: arguments.sampling.response(),
        services: listed(arguments.detail.services, system),
        command: command(arguments, trials),
    };
    let text = match sampling.format {
        ResultFormat::Text => report::assessment_text(&report, session.paper(sampling.output.output.is_some())),
        ResultFormat::Json => report::assessment_json(&report),
        ResultFormat::Markdown => report::assessment_markdown(&report, &arguments.topology),
    };
    deliver(&text, sampling.output.output.as_deref())?;
    let passes = assessment.verdict.gate == Gate::Pass || arguments.advisory;
    Ok(if passes { Outcome::Passed } else { Outcome::Stopped })
}

/// All changes in flight. Notes about how they came together go into the report.
fn changes(
    session: &mut Session,
    arguments: &Assess,
    loaded: &Loaded,
    team: &Team,
    notes: &mut Vec<String>,
) -> Result<Vec<InFlight>, Failure> {
    let (mut stated, mut problems) = (Vec::new(), Vec::new());
    for path in &arguments.change {
        match inputs::change(session, path, &loaded.system) {
            Ok(change) => stated.push(change),
            Err(Failure::Input(more)) => problems.extend(more),
            Err(failure) => return Err(failure),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::Input(problems));
    }
    let derived = derived(session, arguments, team, notes)?;
    let pairs: Vec<(Change, Option<Change>)> = match derived {
        Some(derived) => vec![(stated.pop().unwrap_or_default(), Some(derived))],
        None => stated.into_iter().map(|change| (change, None)).collect(),
    };
    let mut all = Vec::with_capacity(pairs.len());
    for (stated, derived) in pairs {
        let mut derived = derived.unwrap_or_default();
        if let Some(at) = &arguments.sampling.at {
            // What was typed knows better than the time of a commit when the change happens.
            derived.at = Some(at.clone());
        }
        let mapping = if derived.files.is_empty() { None } else { Some(mapping(loaded, &derived)?) };
        derived.services = mapping.iter().flat_map(|mapping| mapping.by_service.keys().cloned()).collect();
        let (change, said) = merge(Parts { stated, derived, ai_flag: arguments.ai_assisted, team });
        notes.extend(said.into_iter().map(|note| note.message));
        all.push(InFlight { change, mapping });
    }
    Ok(all)
}

/// The change as the repository or the diff shows it.
fn derived(session: &mut Session, arguments: &Assess, team: &Team, notes: &mut Vec<String>) -> Result<Option<Change>, Failure> {
    let (commits, files): (Vec<Commit>, _) = if let Some(base) = &arguments.base {
        let repository = arguments.repository.as_deref().unwrap_or(Path::new("."));
        let found = git::collect(repository, base, arguments.head.as_deref())
            .map_err(|error| Failure::input("git", error.to_string()))?;
        (found.commits, found.files)
    } else if let Some(path) = &arguments.diff {
        let (name, bytes) = match path.as_str() {
            "-" => ("standard input", standard_input()),
            path => (path, std::fs::read(path)),
        };
        let bytes = bytes.map_err(|error| Failure::input("unreadable", format!("{name} cannot be read: {error}")))?;
        let text = decode_utf8(name, bytes)?;
        let source = session.sources.add(name, text.as_str());
        let diff = read_diff(source, &text)?;
        notes.extend(diff.notes.into_iter().map(|note| note.message));
        if diff.files.is_empty() {
            return Err(Failure::input("empty-diff", format!("{name} holds no change: there is nothing to assess")));
        }
        (Vec::new(), diff.files)
    } else {
        return Ok(None);
    };
    let mut change = derive(Material { commits: &commits, files, team });
    if arguments.diff.is_some() {
        // A diff has no commits: nobody is known to have written it.
        change.title = None;
    }
    Ok(Some(change))
}

/// Where the files of a change belong. A glob that cannot be read is shown in the topology.
fn mapping(loaded: &Loaded, change: &Change) -> Result<Mapping, Failure> {
    let rules = rules(&loaded.system);
    let plain: Vec<PathRule<'_>> = rules.iter().map(|(rule, _)| *rule).collect();
    map_files(&plain, &change.files).map_err(|problems| {
        let mut located: Vec<Diagnostic> = Vec::new();
        for (rule, place) in &rules {
            if let Err(own) = map_files(std::slice::from_ref(rule), &[]) {
                located.extend(own.into_iter().map(|problem| problem.at(loaded.locate.span(*place), "")));
            }
        }
        Failure::Input(if located.is_empty() { problems } else { located })
    })
}

/// Every glob of the topology with its place.
fn rules(system: &System) -> Vec<(PathRule<'_>, Place<'static>)> {
    let of_service = |id: shockfront::units::ServiceId| {
        let globs = system.service(id).paths.iter().enumerate();
        globs.map(move |(at, glob)| {
            (PathRule { glob, service: system.service_name(id) }, Place::Service(id.index(), Some("paths"), Some(at)))
        })
    };
    system.service_ids().flat_map(of_service).collect()
}

fn command(arguments: &Assess, trials: u64) -> String {
    let mut words = Words::new("assess", &arguments.topology);
    for path in &arguments.change {
        words.option("change", Some(path));
    }
    words.option("base", arguments.base.as_ref());
    words.option("head", arguments.head.as_ref());
    words.option("repository", arguments.repository.as_ref().map(|path| path.display()));
    words.option("diff", arguments.diff.as_ref());
    words.option("team", arguments.team.as_ref());
    words.option("ai-assisted", arguments.ai_assisted);
    words.option("uncertainty", arguments.uncertainty);
    words.switch("no-mitigations", arguments.no_mitigations);
    words.switch("advisory", arguments.advisory);
    words.sampling(&arguments.sampling, &arguments.detail, Some(trials));
    words.line()
}
