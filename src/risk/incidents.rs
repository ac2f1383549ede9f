//! How often a component had incidents, against the other components of the system.
//!
//! With n incidents over a time t, and the rate of the fleet f = Σn/Σt pooled over the services that state both, e = f·t were to be
//! expected. A few incidents say little, so the ratio of the rates is shrunk: a Gamma(k, k/f) prior of the rate, whose mean is f, and
//! a Poisson count give the posterior mean (n + k)/(t + k/f), which is f·(n + k)/(e + k). The strength k is that of two incidents
//! (elicited): a service of which two were expected is judged half by its own record. A fleet without incidents, or of one service,
//! tells nobody apart: all ratios are 1.
//!
//! What must hold: where some service of a change states nothing, the record of the others does not lower P(fault). Source: model.md §3.1
//! (component incident rate, shrunk); the Gamma-Poisson posterior is textbook (Gelman et al., Bayesian Data Analysis, §2.6).

use crate::model::System;
use crate::model::facts::IncidentCount;
use crate::units::ServiceId;

/// Incidents that the prior weighs as much as (elicited).
const STRENGTH: f64 = 2.0;

/// The record of the services that a change lands on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The one with the highest rate of those that state one; `None` where none does.
    pub worst: Option<Worst>,
    /// Does some service state nothing?
    pub is_partial: bool,
}

/// The record of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Worst {
    /// Its name.
    pub service: String,
    /// What it states.
    pub incidents: IncidentCount,
    /// How many the fleet would have had in that time.
    pub expected: f64,
    /// Its rate over that of the fleet, shrunk.
    pub ratio: f64,
}

impl Record {
    /// ln(rate/fleet) as far as it counts: without a record on every service none of them lowers it.
    pub fn log_ratio(&self) -> Option<f64> {
        let ratio = libm::log(self.worst.as_ref()?.ratio);
        Some(if self.is_partial { ratio.max(0.0) } else { ratio })
    }
}

/// (n + k)/(e + k).
fn shrunk(count: f64, expected: f64) -> f64 {
    (count + STRENGTH) / (expected + STRENGTH)
}

/// The record of some services of a system. O(services of the system).
pub fn record(system: &System, services: &[ServiceId]) -> Record {
    let stated = |id: ServiceId| system.service(id).incidents.filter(|incidents| incidents.over.0 > 0);
    // Nothing is stated in an edge list, and it may be large.
    let has_facts = !system.holds_probabilities_only();
    let sum = |(n, t): (f64, f64), one: IncidentCount| (n + f64::from(one.count), t + one.over.minutes());
    let (n, t) = system.service_ids().filter(|_| has_facts).filter_map(stated).fold((0.0, 0.0), sum);
    let worst = services.iter().filter_map(|id| {
        let incidents = stated(*id)?;
        let expected = n * incidents.over.minutes() / t;
        let ratio = shrunk(f64::from(incidents.count), expected);
        Some(Worst { service: system.service_name(*id).to_owned(), incidents, expected, ratio })
    });
    Record {
        worst: worst.reduce(|worst, other| if other.ratio > worst.ratio { other } else { worst }),
        is_partial: services.iter().any(|id| stated(*id).is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::testing::{arcs, build};
    use crate::units::Ticks;
    use proptest::prelude::{prop_assert, proptest};

    /// Services a, b and c with these incidents over these days.
    fn fleet(stated: [Option<(u32, u64)>; 3]) -> System {
        let mut draft = arcs(&[("a", "b", 0.5), ("b", "c", 0.5)]);
        for ((_, facts), stated) in draft.services.iter_mut().zip(stated) {
            facts.incidents = stated.map(|(count, days)| IncidentCount { count, over: Ticks::from_days(days) });
        }
        build(draft)
    }

    fn of(system: &System, names: &[&str]) -> Record {
        record(system, &names.iter().map(|name| system.find_service(name).expect("a service")).collect::<Vec<_>>())
    }

    #[test]
    fn rates_are_pooled_and_shrunk() {
        // 12 incidents in 360 service-days: 3 are expected in 90 days, 6 in 180.
        let system = fleet([Some((9, 90)), Some((3, 180)), Some((0, 90))]);
        for (name, expected, ratio) in [("a", 3.0, 11.0 / 5.0), ("b", 6.0, 5.0 / 8.0), ("c", 3.0, 2.0 / 5.0)] {
            let found = of(&system, &[name]).worst.expect("stated");
            assert!((found.expected - expected).abs() < 1e-9 && (found.ratio - ratio).abs() < 1e-12, "{found:?}");
        }
        // The largest counts.
        let found = of(&system, &["c", "a", "b"]);
        assert_eq!((found.worst.as_ref().map(|worst| worst.service.as_str()), found.is_partial), (Some("a"), false));
    }

    #[test]
    fn what_says_nothing_is_1_or_unknown() {
        let silent = fleet([None, None, None]);
        assert_eq!(of(&silent, &["a"]), Record { worst: None, is_partial: true });
        assert_eq!(of(&silent, &["a"]).log_ratio(), None);
        for system in [fleet([Some((5, 90)), None, None]), fleet([Some((0, 90)), Some((0, 30)), None])] {
            assert_eq!(of(&system, &["a"]).log_ratio(), Some(0.0));
        }
        // A good record does not speak for a service that has none.
        let system = fleet([Some((0, 90)), Some((9, 90)), None]);
        assert!(of(&system, &["a"]).log_ratio().is_some_and(|ratio| ratio < -0.5));
        assert_eq!(of(&system, &["a", "c"]).log_ratio(), Some(0.0));
        assert!(of(&system, &["b", "c"]).log_ratio().is_some_and(|ratio| ratio > 0.3));
        assert_eq!(of(&system, &[]), Record::default());
    }

    proptest! {
        /// More incidents never mean a lower ratio, and the ratio lies between 1 and the raw one.
        #[test]
        fn the_ratio_rises_and_is_shrunk(a in 0_u32..50, more in 0_u32..50, b in 0_u32..50, days in 1_u64..1_000) {
            let ratio = |count| of(&fleet([Some((count, days)), Some((b, 365)), None]), &["a"]).worst.expect("stated");
            let (less, higher) = (ratio(a), ratio(a + more));
            prop_assert!(higher.ratio >= less.ratio - 1e-12, "{less:?} {higher:?}");
            if less.expected > 0.0 {
                let raw = f64::from(a) / less.expected;
                prop_assert!(less.ratio >= raw.min(1.0) - 1e-9 && less.ratio <= raw.max(1.0) + 1e-9, "{less:?}");
            }
        }
    }
}
