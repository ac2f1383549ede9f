//! The kernels at work on a small system, in little enough time for Miri and for an emulator; see `scripts/lanes`.

use super::plan::Plan;
use super::reach::{Batch, Reached, run_batch};
use super::timeline::{Spread, Timeline};
use crate::fault::{Fault, Scenario};
use crate::lanes::{BATCH, Machine, Mask};
use crate::model::draft::{Draft, DraftDependency, Nowhere};
use crate::model::facts::{Belief, Channels, Dependency, Service};
use crate::model::{Compact, System};
use crate::random::Seed;
use crate::units::Probability;

/// Cycles, and two ways to the end; with rules, all channels cross.
fn system(with_rules: bool) -> System {
    let arcs = [("b", "a", 0.9), ("c", "b", 0.5), ("b", "c", 0.7), ("d", "c", 0.4), ("d", "a", 0.1), ("e", "d", 1.0)];
    let carries = with_rules.then(|| Channels::ERRORS.with(Channels::LATENCY).with(Channels::DATA));
    let dependencies = arcs.into_iter().map(|(from, to, p)| DraftDependency {
        from: from.to_owned(),
        to: to.to_owned(),
        kind: None,
        facts: Dependency {
            probability: Probability::new(p).map(|mean| Belief { mean, strength: None }),
            carries,
            ..Dependency::default()
        },
    });
    let services = ["a", "b", "c", "d", "e"].map(|name| (name.to_owned(), Service::default()));
    let draft = Draft { services: services.to_vec(), dependencies: dependencies.collect(), ..Draft::default() };
    System::build(draft, &Nowhere).expect("a valid draft")
}

/// Trials in which each service is reached on any channel.
fn reached(system: &System, fault: &str, machine: Machine) -> Vec<Mask> {
    let compact = Compact::new(system);
    let scenario = Scenario::new(system, &compact, &[Fault::parse(fault).expect("a fault")], None).expect("a target");
    let plan = Plan::new(system, &compact, &scenario, Seed(5), false);
    let mut reached = Reached::default();
    run_batch(&mut reached, machine, &plan, &scenario, Seed(5), Batch { number: 3, lanes: BATCH });
    (0..plan.len()).map(|node| reached.at(node).into_iter().fold(Mask::NONE, Mask::or)).collect()
}

#[test]
fn kernels_compute_the_same_bits_on_every_machine() {
    let count = |mask: &Mask| mask.iter().map(|word| word.count_ones()).sum::<u32>();
    for (with_rules, fault) in [(false, "crash@a"), (true, "crash@a"), (true, "corrupt_output@a,wrong=0.5")] {
        let system = system(with_rules);
        let portable = reached(&system, fault, Machine::Portable);
        assert_eq!(portable.len(), 5);
        assert_eq!(portable.iter().map(count).max(), Some(512), "the source is always reached");
        assert!(portable.iter().map(count).min().is_some_and(|least| (100..400).contains(&least)), "{fault}");
        for machine in Machine::available() {
            assert_eq!(reached(&system, fault, machine), portable, "{machine:?} {fault}");
        }
    }
}

/// Tests compare what spreads with the events: that says nothing where it never spreads.
#[test]
fn a_total_outage_spreads_and_nothing_else_does() {
    let spreads = |with_rules: bool, fault: &str| {
        let (system, fault) = (system(with_rules), Fault::parse(fault).expect("a fault"));
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &[fault], None).expect("a target");
        let plan = Plan::new(&system, &compact, &scenario, Seed(5), false);
        Spread::new(&Timeline::new(&system, &compact, &plan, &scenario, Vec::new())).is_some()
    };
    assert!(spreads(false, "crash@a") && spreads(false, "error_rate@a,rate=1"));
    assert!(!spreads(false, "error_rate@a,rate=0.5") && !spreads(false, "error_rate@a"));
    assert!(!spreads(true, "latency@a,factor=5") && !spreads(true, "corrupt_output@a,wrong=0.5"));
}
