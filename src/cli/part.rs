//! A command line as the inputs of a part, and back.

use super::args::{Detail, Merge, Output, ResultFormat, Sampling, Services, Simulate, parse_horizon, parse_trials};
use super::failure::Failure;
use super::simulate::Prepared;
use super::when::{parse_at, written as written_time};
use clap::ValueEnum;
use shockfront::propagation::{Sample, Shard};
use shockfront::random::GENERATOR;
use shockfront::report::part::{RunInputs, part_json};

/// The text of a part.
pub(super) fn written(arguments: &Simulate, prepared: &Prepared, trials: u64, (shard, sample): (Shard, &Sample)) -> String {
    let sampling = &arguments.sampling;
    let run = RunInputs {
        topology: arguments.topology.clone(),
        sha256: prepared.loaded.sha256.clone(),
        faults: arguments.fault.clone(),
        fault_file: arguments.fault_file.clone(),
        fault_file_sha256: prepared.fault_file.clone(),
        static_reach: arguments.static_reach,
        trials,
        seed: sampling.seed,
        generator: GENERATOR.to_owned(),
        at: sampling.at.as_ref().map(written_time),
        horizon: sampling.horizon.map(|horizon| horizon.to_string()),
        responders: sampling.responders,
        symptom_detection: sampling.symptom_detection,
        series: arguments.series,
        services: arguments.detail.services.and_then(|services| Some(services.to_possible_value()?.get_name().to_owned())),
    };
    part_json(run, shard, sample)
}

/// The command line of the whole run, shown as `merge` is asked to.
pub(super) fn command_line(run: &RunInputs, merge: &Merge) -> Result<Simulate, Failure> {
    let broken = |what: &str, why: String| Failure::input("bad-part", format!("the parts name no {what}: {why}"));
    let services = run.services.as_ref().map(|word| Services::from_str(word, false));
    Ok(Simulate {
        topology: run.topology.clone(),
        fault: run.faults.clone(),
        fault_file: run.fault_file.clone(),
        static_reach: run.static_reach,
        uncertainty: None,
        sensitivity: None,
        // Pages for people have no room for every minute.
        series: run.series && merge.format == ResultFormat::Json,
        exact: false,
        shard: None,
        trials_out: None,
        format: merge.format,
        detail: Detail { precision: None, services: services.transpose().map_err(|why| broken("services", why))? },
        sampling: Sampling {
            trials: Some(parse_trials(&run.trials.to_string()).map_err(|why| broken("trials", why))?),
            seed: run.seed,
            threads: None,
            horizon: run.horizon.as_deref().map(parse_horizon).transpose().map_err(|why| broken("horizon", why))?,
            responders: run.responders,
            symptom_detection: run.symptom_detection,
            at: run.at.as_deref().map(parse_at).transpose().map_err(|why| broken("time", why))?,
            output: Output { output: merge.output.output.clone() },
        },
    })
}
