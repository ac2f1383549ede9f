//! `simulate`: faults that a user names, and how far they reach.

use super::args::{ResultFormat, Sampling, Services, Simulate};
use super::failure::{Failure, Outcome};
use super::output::{Progress, deliver, deliver_with};
use super::reproduce::Words;
use super::session::{Session, span};
use super::trials_out::TrialsOut;
use super::when::written;
use super::{inputs, part};
use shockfront::diagnostic::{Diagnostic, Located, Span};
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::sampling::Rows;
use shockfront::propagation::{
    Request, Sensitivities, Shard, Simulation, Uncertainty, sample, sensitivities, simulate, simulate_last, uncertainty,
};
use shockfront::quality::{DataQuality, data_quality};
use shockfront::random::Seed;
use shockfront::report::{self, ServiceList, SimulationReport};
use shockfront::risk::limits::simulation_limits;
use shockfront::topology::Loaded;

/// Trials where nobody says how many.
pub(super) const TRIALS: u64 = 16_384;
/// Without a clock a trial is cheap.
pub(super) const STATIC_TRIALS: u64 = 65_536;

/// A fault with the places to point at.
pub(super) struct Named {
    pub(super) fault: Fault,
    /// As the user wrote it.
    pub(super) written: String,
    /// The whole fault.
    pub(super) whole: Option<Span>,
    /// Its target.
    pub(super) target: Option<Span>,
}

/// Everything that is read before trials are run.
pub(super) struct Prepared {
    pub(super) loaded: Loaded,
    faults: Vec<Named>,
    pub(super) compact: Compact,
    pub(super) scenario: Scenario,
    /// What a result rests on.
    quality: DataQuality,
    /// Hash of the text of the fault file.
    pub(super) fault_file: Option<String>,
}

pub(crate) fn run(session: &mut Session, arguments: &Simulate) -> Result<Outcome, Failure> {
    // A part is JSON; `merge` shows it.
    if arguments.series && arguments.shard.is_none() && arguments.format != ResultFormat::Json {
        return Err(Failure::input("usage", "--series is for `--format json`: pages for people have no room for every minute"));
    }
    let mut prepared = prepare(session, arguments, &arguments.topology)?;
    let system = &prepared.loaded.system;
    let trials = trials(arguments);
    let shard = arguments.shard.unwrap_or(Shard::ALL);
    let share = shard.trials(trials);
    let runs = 1 + arguments.uncertainty.unwrap_or(0) + arguments.sensitivity.map_or(0, |flips| 1 + u64::from(flips > 0));
    let progress = Progress::new((share.end - share.start).saturating_mul(runs), session.is_quiet);
    let add = |done| progress.add(done);
    let rows = match &arguments.trials_out {
        Some(path) => Some(TrialsOut::new(path, system, arguments.static_reach)?),
        None => None,
    };
    let take = |given: &Rows| rows.iter().for_each(|rows| rows.take(given));
    let request = Request { progress: Some(&add), rows: rows.is_some().then_some(&take), ..request(arguments, system, trials) };
    if arguments.shard.is_some() {
        let sampled = sample(system, &prepared.compact, &prepared.scenario, &request, shard);
        progress.finish();
        let text = part::written(arguments, &prepared, trials, (shard, &sampled?));
        rows.map_or(Ok(()), TrialsOut::finish)?;
        deliver(&text, arguments.sampling.output.output.as_deref())?;
        return Ok(Outcome::Passed);
    }
    // Pages of Markdown and of HTML draw the graph.
    let draws = matches!(arguments.format, ResultFormat::Markdown | ResultFormat::Html);
    let asks_more = arguments.uncertainty.is_some() || arguments.sensitivity.is_some() || draws;
    let (simulation, uncertainty, sensitivities) = if !asks_more {
        // Nothing is asked of the graph any more.
        let compact = std::mem::take(&mut prepared.compact);
        (simulate_last(&mut prepared.loaded.system, compact, &prepared.scenario, &request), None, None)
    } else {
        asked_more(arguments, &prepared, request)
    };
    progress.finish();
    let (simulation, uncertainty, sensitivities) = (simulation?, uncertainty.transpose()?, sensitivities.transpose()?);
    rows.map_or(Ok(()), TrialsOut::finish)?;
    report(session, arguments, &prepared, &simulation, (uncertainty.as_ref(), sensitivities.as_ref()))
}

/// A simulation and what follows from it, where that was asked and there is one.
type Answers =
    (Result<Simulation, Diagnostic>, Option<Result<Uncertainty, Diagnostic>>, Option<Result<Sensitivities, Diagnostic>>);

/// Asks several questions of the same graph.
fn asked_more(arguments: &Simulate, prepared: &Prepared, request: Request<'_>) -> Answers {
    let Prepared { loaded: Loaded { system, .. }, compact, scenario, .. } = prepared;
    let simulation = simulate(system, compact, scenario, &request);
    let Ok(found) = &simulation else { return (simulation, None, None) };
    // As many as the run took, where a precision stopped it.
    let trials = found.trials;
    let request = Request { trials, rows: None, curves: false, ..request };
    let uncertainty = arguments.uncertainty.map(|replicates| uncertainty(system, compact, scenario, &request, replicates));
    let sensitivities = arguments.sensitivity.map(|flips| sensitivities(system, compact, scenario, &request, flips as usize));
    (simulation, uncertainty, sensitivities)
}

/// Reads the topology from `topology`, and the faults. Errors of the faults are shown together with those of the topology.
pub(super) fn prepare(session: &mut Session, arguments: &Simulate, topology: &str) -> Result<Prepared, Failure> {
    let loaded = session.topology(topology);
    let faults = faults(session, &arguments.fault, arguments.fault_file.as_deref());
    let (loaded, (faults, fault_file)) = match (loaded, faults) {
        (Ok(loaded), Ok(faults)) => (loaded, faults),
        (Err(Failure::Input(first)), Err(Failure::Input(second))) => return Err(Failure::Input([first, second].concat())),
        (Err(failure), _) | (_, Err(failure)) => return Err(failure),
    };
    let compact = Compact::new(&loaded.system);
    let scenario = scenario(&loaded.system, &compact, &faults, &arguments.sampling)?;
    let quality = data_quality(&loaded.system, Some(&scenario), arguments.sampling.at.as_ref());
    Ok(Prepared { loaded, faults, compact, scenario, quality, fault_file })
}

/// How many trials are asked for.
fn trials(arguments: &Simulate) -> u64 {
    arguments.sampling.trials.unwrap_or(if arguments.static_reach { STATIC_TRIALS } else { TRIALS })
}

/// The question as it was typed.
pub(super) fn request<'a>(arguments: &Simulate, system: &System, trials: u64) -> Request<'a> {
    let sampling = &arguments.sampling;
    Request {
        trials,
        seed: Seed(sampling.seed),
        static_reach: arguments.static_reach,
        exact: arguments.exact,
        at: sampling.at.clone(),
        threads: sampling.threads.map(usize::from),
        precision: arguments.detail.precision,
        rare: true,
        series: arguments.series,
        curves: arguments.format == ResultFormat::Html,
        // Without a clock a batch takes so little that counting this would show, and only a list of all services shows it.
        starved: !arguments.static_reach || listed(arguments.detail.services, system) == ServiceList::All,
        ..Request::default()
    }
}

/// Shows a result.
pub(super) fn report(
    session: &Session,
    arguments: &Simulate,
    prepared: &Prepared,
    simulation: &Simulation,
    (uncertainty, sensitivities): (Option<&Uncertainty>, Option<&Sensitivities>),
) -> Result<Outcome, Failure> {
    let (system, sampling) = (&prepared.loaded.system, &arguments.sampling);
    let report = SimulationReport {
        system,
        simulation,
        uncertainty,
        sensitivities,
        quality: &prepared.quality,
        faults: prepared.faults.iter().map(|named| named.written.clone()).collect(),
        topology_sha256: prepared.loaded.sha256.clone(),
        at: sampling.at.as_ref().map(written),
        response: sampling.response(),
        limits: simulation_limits(),
        services: listed(arguments.detail.services, system),
        command: command(arguments, trials(arguments)),
    };
    let file = sampling.output.output.as_deref();
    match arguments.format {
        ResultFormat::Text => deliver(&report::simulation_text(&report, session.paper(file.is_some())), file)?,
        ResultFormat::Json => deliver_with(file, |out| report::write_simulation_json(&report, out))?,
        ResultFormat::Markdown => deliver(&report::simulation_markdown(&report, &arguments.topology), file)?,
        ResultFormat::Html => deliver(&report::simulation_html(&report), file)?,
    }
    Ok(Outcome::Passed)
}

/// Which services a result lists.
pub(crate) fn listed(services: Option<Services>, system: &System) -> ServiceList {
    match services {
        Some(Services::All) => ServiceList::All,
        Some(Services::Reached) => ServiceList::Reached,
        None => ServiceList::default_for(system),
    }
}

/// All faults of the command line and of the fault file, or everything that is wrong with them.
pub(super) fn faults(
    session: &mut Session,
    texts: &[String],
    file: Option<&str>,
) -> Result<(Vec<Named>, Option<String>), Failure> {
    let (mut faults, mut problems, mut hash) = (Vec::new(), Vec::new(), None);
    for text in texts {
        let source = session.typed("--fault", text);
        match Fault::parse(text) {
            Ok(fault) => {
                let start = text.find('@').map_or(0, |at| at + 1);
                let end = text[start..].find(',').map_or(text.len(), |at| start + at);
                let (whole, target) = (span(source, 0..text.len()), span(source, start..end));
                faults.push(Named { fault, written: text.clone(), whole: Some(whole), target: Some(target) });
            }
            Err((message, range)) => problems.push(Diagnostic::error("bad-fault", message).at(span(source, range), "")),
        }
    }
    if let Some(path) = file {
        match inputs::faults(session, path) {
            Ok((read, text_hash)) => {
                hash = Some(text_hash);
                faults.extend(read.into_iter().map(|Located { value: fault, span }| {
                    let written = fault.label();
                    Named { fault, written, whole: Some(span), target: Some(span) }
                }));
            }
            Err(Failure::Input(more)) => problems.extend(more),
            Err(failure) => return Err(failure),
        }
    }
    if problems.is_empty() { Ok((faults, hash)) } else { Err(Failure::Input(problems)) }
}

/// Resolves the faults; a problem is shown in the fault that has it.
pub(super) fn scenario(system: &System, compact: &Compact, faults: &[Named], sampling: &Sampling) -> Result<Scenario, Failure> {
    let all: Vec<Fault> = faults.iter().map(|named| named.fault.clone()).collect();
    let problems = match Scenario::new(system, compact, &all, sampling.horizon) {
        Ok(scenario) => return Ok(scenario.answered(sampling.response())),
        Err(problems) => problems,
    };
    let mut located = Vec::new();
    for named in faults {
        if let Err(own) = Scenario::new(system, compact, std::slice::from_ref(&named.fault), sampling.horizon) {
            located.extend(own.into_iter().map(|problem| {
                let is_about_target = problem.code.starts_with("unknown-");
                match if is_about_target { named.target } else { named.whole } {
                    Some(place) if problem.labels.is_empty() => problem.at(place, ""),
                    _ => problem,
                }
            }));
        }
    }
    Err(Failure::Input(if located.is_empty() { problems } else { located }))
}

fn command(arguments: &Simulate, trials: u64) -> String {
    let mut words = Words::new("simulate", &arguments.topology);
    for fault in &arguments.fault {
        words.option("fault", Some(fault));
    }
    words.option("fault-file", arguments.fault_file.as_ref());
    words.switch("static", arguments.static_reach);
    words.switch("exact", arguments.exact);
    words.option("uncertainty", arguments.uncertainty);
    words.option("sensitivity", arguments.sensitivity);
    words.switch("series", arguments.series);
    words.sampling(&arguments.sampling, &arguments.detail, (!arguments.exact).then_some(trials));
    words.format(&arguments.format);
    words.line()
}
