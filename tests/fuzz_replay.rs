//! The fuzz targets on a stable compiler: every file of the corpus, then fresh inputs made from it by seeded mutation.
//!
//! `SHOCKFRONT_FUZZ_INPUTS` sets the number of fresh inputs for each target (2,000 unless told), `SHOCKFRONT_FUZZ_SEED` the seed.
//! An input that panics is written below the target directory and named, so that it can join the corpus.

#[allow(unreachable_pub, reason = "public for the fuzz targets of their own crate")]
#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Mutated inputs do not grow beyond this.
const LONGEST: usize = 4_096;

/// Words that stand where syntax turns.
const WORDS: &[&str] = &[
    "schema: shockfront/topology/v1\n",
    "services:",
    "dependencies:",
    "\t",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    ",",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: *a",
    "1e999",
    "-1",
    "0.5",
    "18446744073709551616",
    "10m/60m",
    "0m",
    "null",
    "@",
    "=",
    "\0",
    "\u{feff}",
    "ä",
    "diff --git a/x b/x\n",
    "@@ -1,2 +1,3 @@\n",
    "rename from x\n",
    "R100",
    "#",
    "|\n",
    ">-\n",
    "\\u0000",
];

/// SplitMix64: enough for mutation, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> =
        entries.map(|entry| entry.expect("entry").path()).map(|path| (path.clone(), fs::read(&path).expect("seed"))).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no seeds", folder.display());
    files
}

fn mutate(seeds: &[(PathBuf, Vec<u8>)], dice: &mut Dice) -> Vec<u8> {
    let mut data = seeds[dice.below(seeds.len())].1.clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(data.len() + 1);
        match dice.below(7) {
            0 if at < data.len() => data[at] ^= 1 << dice.below(8),
            1 => data.truncate(at),
            2 => drop(data.drain(at..(at + dice.below(16)).min(data.len()))),
            3 => drop(data.splice(at..at, WORDS[dice.below(WORDS.len())].bytes())),
            4 => {
                let other = &seeds[dice.below(seeds.len())].1;
                let from = dice.below(other.len() + 1);
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
            5 => {
                let end = (at + dice.below(64)).min(data.len());
                let part = data[at..end].to_vec();
                drop(data.splice(at..at, part));
            }
            _ => data.insert(at, dice.next() as u8),
        }
    }
    data.truncate(LONGEST);
    data
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

fn run(name: &str, target: targets::Target, data: &[u8], what: &str) {
    if catch_unwind(|| target(data)).is_err() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.crash"));
        fs::write(&path, data).expect("crash file");
        panic!("target {name} panicked on {what}; the input is in {}", path.display());
    }
}

/// One test a target, so that they run side by side and a failure has a name.
macro_rules! replay {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            assert_eq!(targets::TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), replayed);
        }
    };
}

replay!(
    topology_yaml,
    topology_toml,
    topology_json,
    edge_list,
    document,
    change_file,
    team_file,
    policy_file,
    ledger_file,
    budgets_file,
    fault_file,
    fault,
    edit,
    unified_diff,
    raw_diff,
    commit_log,
    duration,
    reference,
    part,
    terraform_plan,
    codeowners,
    host_event,
    host_reviews,
    rollout
);

fn replay(name: &str) {
    let (_, target) = *targets::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let seeds = corpus(name);
    for (path, data) in &seeds {
        run(name, target, data, &path.display().to_string());
    }
    let seed = number("SHOCKFRONT_FUZZ_SEED", 1);
    let mut dice = Dice(seed);
    for input in 0..number("SHOCKFRONT_FUZZ_INPUTS", 2_000) {
        run(name, target, &mutate(&seeds, &mut dice), &format!("fresh input {input} of seed {seed}"));
    }
}
