//! `compare`: a fault or a change, with and without something done about it.

use super::args::Detail;
use super::args::{Compare, ResultFormat};
use super::failure::{Failure, Outcome};
use super::inputs;
use super::output::{Progress, deliver};
use super::reproduce::Words;
use super::session::{Session, span};
use super::simulate::{Named, STATIC_TRIALS, TRIALS, faults, scenario};
use super::when::written;
use shockfront::assess::what_if::{Alternative, Verdicts, verdicts};
use shockfront::assess::{AssessRequest, InFlight};

use shockfront::diagnostic::{Diagnostic, SourceId};
use shockfront::edit::{Edit, Refusal, on_faults, on_system};
use shockfront::fault::Fault;
use shockfront::model::{Compact, System};
use shockfront::propagation::{Paired, Request, Side, paired};
use shockfront::quality::{DataQuality, data_quality};
use shockfront::random::Seed;
use shockfront::report::comparison::{ComparisonReport, comparison_json, comparison_markdown, comparison_text};
use shockfront::report::comparison_html;
use shockfront::risk::budgets::join;
use shockfront::risk::limits::simulation_limits;
use shockfront::topology::Loaded;

/// What was typed as `--with`.
struct Typed {
    edits: Vec<Edit>,
    sources: Vec<SourceId>,
}

impl Typed {
    /// A refusal, shown in the edit that it is about.
    fn refused(&self, (at, refusal): (usize, Refusal)) -> Failure {
        let Refusal { problem, range } = refusal;
        Failure::Input(vec![Diagnostic { labels: Vec::new(), ..*problem }.at(span(self.sources[at], range), "")])
    }
}

/// What was found, whatever was asked.
struct Found {
    paired: Paired,
    verdicts: Option<Verdicts>,
    faults: Vec<String>,
    quality: DataQuality,
}

pub(crate) fn run(session: &mut Session, arguments: &Compare) -> Result<Outcome, Failure> {
    let mut loaded = session.topology(&arguments.topology)?;
    let mut against = arguments.against.as_ref().map(|path| session.topology(path)).transpose()?;
    let typed = typed(session, &arguments.with)?;
    let trials = arguments.sampling.trials.unwrap_or(if arguments.static_reach { STATIC_TRIALS } else { TRIALS });
    let progress = Progress::new(trials.saturating_mul(2), session.is_quiet);
    let add = |done| progress.add(done);
    let found = match &arguments.change {
        Some(path) => of_change(session, (arguments, path), (&mut loaded, against.as_mut()), &typed, (trials, &add)),
        None => of_faults(session, arguments, (&loaded, against.as_ref()), &typed, (trials, &add)),
    };
    progress.finish();
    let found = found?;
    let sampling = &arguments.sampling;
    let report = ComparisonReport {
        name: &loaded.system.name,
        topology_sha256: loaded.sha256.clone(),
        against: against.as_ref().map(|against| (against.system.name.clone(), against.sha256.clone())),
        edits: typed.edits.iter().map(|edit| (edit.to_string(), edit.words())).collect(),
        faults: found.faults,
        paired: &found.paired,
        verdicts: found.verdicts.as_ref(),
        quality: &found.quality,
        seed: sampling.seed,
        at: sampling.at.as_ref().map(written),
        response: sampling.response(),
        limits: simulation_limits(),
        top: arguments.top,
        command: command(arguments, trials),
    };
    let text = match arguments.format {
        ResultFormat::Text => comparison_text(&report, session.paper(sampling.output.output.is_some())),
        ResultFormat::Json => comparison_json(&report),
        ResultFormat::Markdown => comparison_markdown(&report),
        ResultFormat::Html => comparison_html(&report),
    };
    deliver(&text, sampling.output.output.as_deref())?;
    Ok(Outcome::Passed)
}

/// All edits, or everything that is wrong with them.
fn typed(session: &mut Session, texts: &[String]) -> Result<Typed, Failure> {
    let (mut typed, mut problems) = (Typed { edits: Vec::new(), sources: Vec::new() }, Vec::new());
    for text in texts {
        let source = session.typed("--with", text);
        match Edit::parse(text) {
            Ok(edit) => {
                typed.edits.push(edit);
                typed.sources.push(source);
            }
            Err((message, range)) => problems.push(Diagnostic::error("bad-edit", message).at(span(source, range), "")),
        }
    }
    if problems.is_empty() { Ok(typed) } else { Err(Failure::Input(problems)) }
}

type Add<'a> = (u64, &'a (dyn Fn(u64) + Sync));

fn of_faults(
    session: &mut Session,
    arguments: &Compare,
    (loaded, against): (&Loaded, Option<&Loaded>),
    typed: &Typed,
    (trials, add): Add<'_>,
) -> Result<Found, Failure> {
    let sampling = &arguments.sampling;
    let (named, _) = faults(session, &arguments.fault, arguments.fault_file.as_deref())?;
    let system = &loaded.system;
    let compact = Compact::new(system);
    let first = scenario(system, &compact, &named, sampling)?;
    let mut changed: Vec<Fault> = named.iter().map(|named| named.fault.clone()).collect();
    let mut other: System = against.map_or(system, |against| &against.system).clone();
    for (at, edit) in typed.edits.iter().enumerate() {
        let on_topology = on_system(edit, &mut other).map_err(|refusal| typed.refused((at, refusal)))?;
        if !on_faults(edit, &mut changed) && !on_topology {
            return Err(typed.refused((at, Refusal::nothing_to_act_on(edit, false))));
        }
    }
    let written: Vec<String> = named.iter().map(|named| named.written.clone()).collect();
    let changed = named.into_iter().zip(changed).map(|(named, fault)| Named { fault, ..named });
    let other_compact = Compact::new(&other);
    let second = scenario(&other, &other_compact, &changed.collect::<Vec<_>>(), sampling)?;
    let request = Request {
        trials,
        seed: Seed(sampling.seed),
        static_reach: arguments.static_reach,
        exact: arguments.exact,
        at: sampling.at.clone(),
        threads: sampling.threads.map(usize::from),
        progress: Some(add),
        curves: arguments.format == ResultFormat::Html,
        ..Request::default()
    };
    let before = Side { system, compact: &compact, scenario: &first, watch: &[], budgets: &[] };
    let after = Side { system: &other, compact: &other_compact, scenario: &second, watch: &[], budgets: &[] };
    let quality = data_quality(system, Some(&first), sampling.at.as_ref());
    Ok(Found { paired: paired(before, after, &request)?, verdicts: None, faults: written, quality })
}

fn of_change(
    session: &mut Session,
    (arguments, path): (&Compare, &str),
    (loaded, mut against): (&mut Loaded, Option<&mut Loaded>),
    typed: &Typed,
    (trials, add): Add<'_>,
) -> Result<Found, Failure> {
    let sampling = &arguments.sampling;
    let team = arguments.team.as_ref().map(|path| inputs::team(session, path)).transpose()?;
    let (team, _) = team.unwrap_or_default();
    let policy = arguments.policy.as_ref().map(|path| inputs::policy(session, path)).transpose()?;
    let (policy, _) = policy.unwrap_or_default();
    let change = inputs::change(session, path, &loaded.system)?;
    let (budgets, _) = inputs::budgets(session, &arguments.slo)?;
    let at = change.at.as_ref().or(sampling.at.as_ref());
    for side in std::iter::once(&mut *loaded).chain(against.as_deref_mut()) {
        let notes = join(&budgets, &mut side.system, at)?;
        session.warn(&notes.into_iter().map(|note| Diagnostic::note("budgets", note)).collect::<Vec<_>>());
    }
    let request = AssessRequest {
        changes: vec![InFlight { change, ..InFlight::default() }],
        team,
        policy,
        trials,
        seed: Seed(sampling.seed),
        threads: sampling.threads.map(usize::from),
        horizon: sampling.horizon,
        response: sampling.response(),
        at: sampling.at.clone(),
        progress: Some(add),
        curves: arguments.format == ResultFormat::Html,
        ..AssessRequest::default()
    };
    let refused = |refusal| typed.refused(refusal);
    let before = Alternative::new(&loaded.system, &request, &[]).map_err(refused)?;
    let other = against.as_deref().map_or(&loaded.system, |against| &against.system);
    let after = Alternative::new(other, &request, &typed.edits).map_err(refused)?;
    let found = verdicts(&before, &after)?;
    let quality = found.before.quality.clone();
    Ok(Found { paired: found.paired.clone(), faults: found.faults.clone(), quality, verdicts: Some(found) })
}

fn command(arguments: &Compare, trials: u64) -> String {
    let mut words = Words::new("compare", &arguments.topology);
    arguments.fault.iter().for_each(|fault| words.option("fault", Some(fault)));
    words.option("fault-file", arguments.fault_file.as_ref());
    words.option("change", arguments.change.as_ref());
    arguments.with.iter().for_each(|edit| words.option("with", Some(edit)));
    words.option("against", arguments.against.as_ref());
    words.option("team", arguments.team.as_ref());
    words.option("policy", arguments.policy.as_ref());
    arguments.slo.iter().for_each(|path| words.option("slo", Some(path)));
    words.switch("static", arguments.static_reach);
    words.switch("exact", arguments.exact);
    words.format(&arguments.format);
    words.sampling(&arguments.sampling, &Detail::default(), (!arguments.exact).then_some(trials));
    words.line()
}
