//! A command line as the inputs of a part, and back.

use super::args::{Detail, Merge, Output, ResultFormat, Sampling, Services, Simulate, parse_horizon, parse_trials};
use super::failure::Failure;
use super::simulate::Prepared;
use super::when::{parse_at, written as written_time};
use clap::ValueEnum;
use shockfront::propagation::{Sample, Shard};
use shockfront::random::GENERATOR;
use shockfront::report::part::{RunInputs, part_json};
use shockfront::report::part_set::SamplingInputs;

/// The text of a part.
pub(super) fn written(arguments: &Simulate, prepared: &Prepared, trials: u64, (shard, sample): (Shard, &Sample)) -> String {
    let run = RunInputs {
        topology: arguments.topology.clone(),
        sha256: prepared.loaded.sha256.clone(),
        faults: arguments.fault.clone(),
        fault_file: arguments.fault_file.clone(),
        fault_file_sha256: prepared.fault_file.clone(),
        static_reach: arguments.static_reach,
        sampling: sampling_inputs(&arguments.sampling, trials),
        series: arguments.series,
        services: arguments.detail.services.and_then(|services| Some(services.to_possible_value()?.get_name().to_owned())),
    };
    part_json(run, shard, sample)
}

/// The command line of the whole run, shown as `merge` is asked to.
pub(super) fn command_line(run: &RunInputs, merge: &Merge) -> Result<Simulate, Failure> {
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
        sampling: sampling(&run.sampling, merge)?,
    })
}

/// What a part says of its trials.
pub(super) fn sampling_inputs(sampling: &Sampling, trials: u64) -> SamplingInputs {
    SamplingInputs {
        trials,
        seed: sampling.seed,
        generator: GENERATOR.to_owned(),
        at: sampling.at.as_ref().map(written_time),
        horizon: sampling.horizon.map(|horizon| horizon.to_string()),
        responders: sampling.responders,
        symptom_detection: sampling.symptom_detection,
    }
}

/// The options of a command line from what a part says; they are held to what the command line is held to.
pub(super) fn sampling(inputs: &SamplingInputs, merge: &Merge) -> Result<Sampling, Failure> {
    Ok(Sampling {
        trials: Some(parse_trials(&inputs.trials.to_string()).map_err(|why| broken("trials", why))?),
        seed: inputs.seed,
        threads: None,
        horizon: inputs.horizon.as_deref().map(parse_horizon).transpose().map_err(|why| broken("horizon", why))?,
        responders: inputs.responders,
        symptom_detection: inputs.symptom_detection,
        at: inputs.at.as_deref().map(parse_at).transpose().map_err(|why| broken("time", why))?,
        output: Output { output: merge.output.output.clone() },
    })
}

/// A part that no command line could have made.
pub(super) fn broken(what: &str, why: String) -> Failure {
    Failure::input("bad-part", format!("the parts name no {what}: {why}"))
}
