//! The random numbers of the program as raw bytes, without end, for batteries of tests such as dieharder; see `scripts/rng`.
//!
//!     random_stream ORDER [SEED]
//!
//! `draw`: word by word as the static kernel draws them: digits of one arc, batch after batch, arc after arc in blocks.
//! `arc`: neighbouring arcs of one batch side by side, digit by digit. `trial`: the 32-digit number of each trial, trial after
//! trial, arc after arc. `length`: the words from which durations and choices are made, two for each entity and trial.

use shockfront::random::{Key, Purpose, Seed, digits, pair_hash, stream};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Arcs that share a batch before the next batch comes.
const ARCS: u64 = 1_024;
/// Digits that a draw needs on average, and a few more.
const DIGITS: usize = 12;

fn key(seed: Seed, arc: u64) -> Key {
    // Names that differ as little as names can.
    seed.key(Purpose::Crossing, pair_hash(arc, arc + 1, 0))
}

fn write(order: &str, seed: Seed, out: &mut impl Write) -> io::Result<()> {
    let mut put = |word: u64| out.write_all(&word.to_le_bytes());
    for block in 0.. {
        for at in 0..ARCS {
            let (arc, batch) = (block / 64 * ARCS + at, block % 64);
            let key = key(seed, arc);
            match order {
                "draw" => digits(key, batch)[..DIGITS].iter().flatten().try_for_each(|word| put(*word))?,
                "arc" => put(digits(key, batch)[(block / 8 % DIGITS as u64) as usize][(block % 8) as usize])?,
                "trial" => {
                    let rows = digits(key, batch);
                    let number =
                        |trial: usize| rows.iter().fold(0, |number, row| number << 1 | (row[trial / 64] >> (trial % 64) & 1));
                    (0..512).step_by(2).try_for_each(|trial| put(number(trial) << 32 | number(trial + 1)))?;
                }
                _ => stream(seed.key(Purpose::Repair, arc), block).take(2).try_for_each(&mut put)?,
            }
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let order = arguments.next().unwrap_or_default();
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse());
    match (order.as_str(), seed) {
        ("draw" | "arc" | "trial" | "length", Ok(seed)) => {
            // A reader that has enough closes the pipe.
            let _ = write(&order, Seed(seed), &mut BufWriter::with_capacity(1 << 16, io::stdout().lock()));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: random_stream draw|arc|trial|length [SEED]");
            ExitCode::from(2)
        }
    }
}
