//! `rank`: every service as the fault.

use super::args::{Detail, Rank, ResultFormat};
use super::args_simulate::Measure as Asked;
use super::failure::{Failure, Outcome};
use super::output::{Progress, deliver};
use super::reproduce::Words;
use super::session::Session;
use super::simulate::{STATIC_TRIALS, TRIALS};
use super::trials_out::TrialsOut;
use super::when::written;
use clap::ValueEnum;
use shockfront::model::Compact;
use shockfront::propagation::Request;
use shockfront::propagation::ranking::{Failing, rank, rank_with_rows};
use shockfront::propagation::sampling::Rows;
use shockfront::quality::data_quality;
use shockfront::random::Seed;
use shockfront::report::ranking::{Measure, RankingReport, ranking_json, ranking_markdown, ranking_text};
use shockfront::risk::limits::simulation_limits;
use shockfront::units::ServiceId;

pub(crate) fn run(session: &mut Session, arguments: &Rank) -> Result<Outcome, Failure> {
    let loaded = session.topology(&arguments.topology)?;
    let (system, sampling) = (&loaded.system, &arguments.sampling);
    let compact = Compact::new(system);
    let trials = sampling.trials.unwrap_or(if arguments.static_reach { STATIC_TRIALS } else { TRIALS });
    let progress = Progress::new(trials.saturating_mul(system.service_count() as u64), session.is_quiet);
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
    let ranking = match &rows {
        Some(rows) => {
            let take = |service: ServiceId, given: &Rows| rows.take_of(system.service_name(service), given);
            rank_with_rows(system, &compact, failing, &request, &take)
        }
        None => rank(system, &compact, failing, &request),
    };
    progress.finish();
    let ranking = ranking?;
    rows.map_or(Ok(()), TrialsOut::finish)?;
    let quality = data_quality(system, None, sampling.at.as_ref());
    let any_lost = ranking.services.iter().any(|ranked| ranked.user_minutes.is_some_and(|lost| lost.mean > 0.0));
    let report = RankingReport {
        system,
        ranking: &ranking,
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
        command: command(arguments, trials),
    };
    let text = match sampling.format {
        ResultFormat::Text => ranking_text(&report, session.paper(sampling.output.output.is_some())),
        ResultFormat::Json => ranking_json(&report),
        ResultFormat::Markdown => ranking_markdown(&report),
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
    words.line()
}
