//! `rank`: every service as the fault.

use super::args::{Detail, Merge, Rank, TableFormat};
use super::args_simulate::Measure as Asked;
use super::failure::{Failure, Outcome};
use super::merge::misfit;
use super::output::{Progress, deliver};
use super::part_rank::{command_line, inputs};
use super::reproduce::Words;
use super::session::Session;
use super::simulate::{STATIC_TRIALS, TRIALS};
use super::trials_out::TrialsOut;
use super::when::written;
use clap::ValueEnum;
use shockfront::model::Compact;
use shockfront::propagation::ranking::{Failing, Ranking, TakeRows, rank, rank_shard, rank_with_rows};
use shockfront::propagation::sampling::Rows;
use shockfront::propagation::{Request, Shard};
use shockfront::quality::data_quality;
use shockfront::random::Seed;
use shockfront::report::part_ranking::{RankingPart, join_rankings, ranking_part_json};
use shockfront::report::ranking::{Measure, RankingReport, ranking_json, ranking_markdown, ranking_text};
use shockfront::risk::limits::simulation_limits;
use shockfront::topology::Loaded;
use shockfront::units::ServiceId;

pub(crate) fn run(session: &mut Session, arguments: &Rank) -> Result<Outcome, Failure> {
    let loaded = session.topology(&arguments.topology)?;
    let (system, sampling) = (&loaded.system, &arguments.sampling);
    let compact = Compact::new(system);
    let trials = trials(arguments);
    let share = arguments.shard.unwrap_or(Shard::ALL).trials(trials);
    let progress = Progress::new((share.end - share.start).saturating_mul(system.service_count() as u64), session.is_quiet);
    let add = |done| progress.add(done);
    let failing = Failing { kind: arguments.fault, horizon: sampling.horizon, response: sampling.response() };
    let request = Request {
        trials,
        seed: Seed(sampling.seed),
        static_reach: arguments.static_reach,
        at: sampling.at.clone(),
        threads: sampling.threads.map(usize::from),
        progress: Some(&add),
        precision: arguments.precision,
        ..Request::default()
    };
    let rows = match &arguments.trials_out {
        Some(path) => Some(TrialsOut::by_service(path, system, arguments.static_reach)?),
        None => None,
    };
    let take = |service: ServiceId, given: &Rows| {
        rows.iter().for_each(|rows| rows.take_of(system.service_name(service), given));
    };
    let taken: Option<TakeRows<'_>> = if rows.is_some() { Some(&take) } else { None };
    if let Some(shard) = arguments.shard {
        let sample = rank_shard(system, &compact, failing, &request, (shard, taken));
        progress.finish();
        let text = ranking_part_json(system, inputs(arguments, &loaded.sha256, trials), shard, &sample?);
        rows.map_or(Ok(()), TrialsOut::finish)?;
        deliver(&text, sampling.output.output.as_deref())?;
        return Ok(Outcome::Passed);
    }
    let ranking = match taken {
        Some(take) => rank_with_rows(system, &compact, failing, &request, take),
        None => rank(system, &compact, failing, &request),
    };
    progress.finish();
    let ranking = ranking?;
    rows.map_or(Ok(()), TrialsOut::finish)?;
    report(session, arguments, &loaded, &ranking)
}

/// What the parts of a ranking say together.
pub(super) fn merged(session: &mut Session, arguments: &Merge, parts: &[RankingPart]) -> Result<Outcome, Failure> {
    let Some(RankingPart { ranking: asked, .. }) = parts.first() else {
        return Err(Failure::input("missing-part", "there is no part"));
    };
    let rank = command_line(asked, arguments)?;
    let loaded = session.topology(arguments.topology.as_deref().unwrap_or(&asked.topology))?;
    if loaded.sha256 != asked.sha256 {
        return Err(Failure::input("changed", "the topology has changed since the parts were made"));
    }
    let sample = join_rankings(&loaded.system, parts).map_err(|(at, message)| misfit(arguments, at, message))?;
    report(session, &rank, &loaded, &sample.concluded())
}

/// How many trials are asked for.
fn trials(arguments: &Rank) -> u64 {
    arguments.sampling.trials.unwrap_or(if arguments.static_reach { STATIC_TRIALS } else { TRIALS })
}

/// Shows a ranking.
fn report(session: &Session, arguments: &Rank, loaded: &Loaded, ranking: &Ranking) -> Result<Outcome, Failure> {
    let (system, sampling) = (&loaded.system, &arguments.sampling);
    let quality = data_quality(system, None, sampling.at.as_ref());
    let any_lost = ranking.services.iter().any(|ranked| ranked.user_minutes.is_some_and(|lost| lost.mean > 0.0));
    let report = RankingReport {
        system,
        ranking,
        quality: &quality,
        fault: arguments.fault.name(),
        by: match arguments.by {
            Some(Asked::Reach) => Measure::Reach,
            Some(Asked::UserMinutes) => Measure::UserMinutes,
            Some(Asked::Downtime) => Measure::Downtime,
            None if any_lost => Measure::UserMinutes,
            None => Measure::Downtime,
        },
        top: arguments.top,
        topology_sha256: loaded.sha256.clone(),
        at: sampling.at.as_ref().map(written),
        seed: sampling.seed,
        limits: simulation_limits(),
        command: command(arguments, trials(arguments)),
    };
    let text = match arguments.format {
        TableFormat::Text => ranking_text(&report, session.paper(sampling.output.output.is_some())),
        TableFormat::Json => ranking_json(&report),
        TableFormat::Markdown => ranking_markdown(&report),
    };
    deliver(&text, sampling.output.output.as_deref())?;
    Ok(Outcome::Passed)
}

fn command(arguments: &Rank, trials: u64) -> String {
    let mut words = Words::new("rank", &arguments.topology);
    words.option("fault", Some(arguments.fault.name()));
    words.switch("static", arguments.static_reach);
    words.option("by", arguments.by.and_then(|by| Some(by.to_possible_value()?.get_name().to_owned())));
    words.option("top", Some(arguments.top));
    words.sampling(&arguments.sampling, &Detail { precision: arguments.precision, services: None }, Some(trials));
    words.format(&arguments.format);
    words.line()
}
