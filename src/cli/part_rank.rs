//! A command line of `rank` as the inputs of a part, and back.

use super::args::{Merge, Rank};
use super::args_simulate::Measure;
use super::failure::Failure;
use super::part::{broken, sampling, sampling_inputs};
use clap::ValueEnum;
use shockfront::fault::FaultKind;
use shockfront::report::part_ranking::RankingInputs;

/// What a part says of the question.
pub(super) fn inputs(arguments: &Rank, sha256: &str, trials: u64) -> RankingInputs {
    RankingInputs {
        topology: arguments.topology.clone(),
        sha256: sha256.to_owned(),
        fault: arguments.fault.name().to_owned(),
        static_reach: arguments.static_reach,
        by: arguments.by.and_then(|by| Some(by.to_possible_value()?.get_name().to_owned())),
        top: arguments.top as u64,
        sampling: sampling_inputs(&arguments.sampling, trials),
    }
}

/// The command line of the whole ranking, shown as `merge` is asked to.
pub(super) fn command_line(inputs: &RankingInputs, merge: &Merge) -> Result<Rank, Failure> {
    let by = inputs.by.as_ref().map(|word| Measure::from_str(word, false));
    let fault = FaultKind::from_name(&inputs.fault).ok_or_else(|| broken("kind of fault", inputs.fault.clone()))?;
    Ok(Rank {
        topology: inputs.topology.clone(),
        fault,
        static_reach: inputs.static_reach,
        by: by.transpose().map_err(|why| broken("measure", why))?,
        precision: None,
        shard: None,
        trials_out: None,
        format: merge
            .format
            .of_ranking()
            .ok_or_else(|| Failure::input("usage", "a ranking is not written as a page: text, json or markdown"))?,
        top: usize::try_from(inputs.top).unwrap_or(usize::MAX),
        sampling: sampling(&inputs.sampling, merge)?,
    })
}
