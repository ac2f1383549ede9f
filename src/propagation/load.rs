//! Load: retries, wasted work and the outages that feed on them (model.md §2.6).
//!
//! One service sees the load ρ (offered over capacity) multiplied by the attempts its callers make per call. An overloaded
//! service wastes work on requests that were given up, so its failing share makes callers try again, which keeps it overloaded
//! after the cause is gone: a metastable outage (Bronson et al., HotOS 2021; Huang et al., OSDI 2022). Loads are fluid; a queue
//! in front of a service has no memory here. Every function is pure, O(1) and total: callers may hand in any finite number.

/// Time between two updates of the load (model.md §2.6, R4), in seconds.
pub const EPOCH_SECONDS: u64 = 10;

/// Share of an overloaded service's capacity that still does useful work, where a topology states no `goodput`; elicited.
pub const GOODPUT: f64 = 0.5;

/// Mean number of tries per call when each fails with the share `failing` on its own and there are at most `attempts`:
/// `A(s, k) = (1 − s^k)/(1 − s) = 1 + s + … + s^(k−1)`, k at s = 1. With a retry `budget` β at most 1 + β (SRE book, ch. 21).
pub fn attempts(failing: f64, attempts: u32, budget: Option<f64>) -> f64 {
    let (s, k) = (failing.clamp(0.0, 1.0), f64::from(attempts.max(1)));
    // Near 1 the quotient cancels; there the sum is its number of terms to first order.
    let tries = if 1.0 - s < 1e-9 { k } else { ((1.0 - libm::pow(s, k)) / (1.0 - s)).min(k) };
    budget.map_or(tries, |budget| tries.min(1.0 + budget.max(0.0)))
}

/// Failing share of a service offered `offered` times its capacity: `G = 0` up to 1, else `1 − γ/offered` with the goodput γ.
/// An overloaded service serves γ of its capacity, whatever is offered.
pub fn overload_failure(offered: f64, goodput: f64) -> f64 {
    if offered <= 1.0 { 0.0 } else { (1.0 - goodput / offered).clamp(0.0, 1.0) }
}

/// The load from which an outage can outlive its cause: `ρ_v = 1/A(1 − γ)`, given the tries per call at the failing share 1 − γ at
/// which an overload begins; `γ / (1 − (1 − γ)^k)` where all calls try k times. Between ρ_v and 1 a service runs well until something
/// triggers it. At γ = 1 it is 1: retries without wasted work sustain nothing.
pub fn vulnerable_load(tries_under_overload: f64) -> f64 {
    1.0 / tries_under_overload
}

/// The share of the load that must be kept away to end an overload: `1 − ρ_v/ρ`, 0 where it ends by itself.
pub fn required_shedding(load: f64, tries_under_overload: f64) -> f64 {
    (1.0 - vulnerable_load(tries_under_overload) / load).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: f64, expected: f64, last_digit: f64) {
        assert!((value - expected).abs() <= 0.5 * last_digit, "{value} is not {expected}");
    }

    /// One service from healthy: for each epoch (load, capacity); the failing share after the last.
    fn follow(epochs: impl IntoIterator<Item = (f64, f64)>, from: f64, tries: u32, budget: Option<f64>) -> f64 {
        epochs.into_iter().fold(from, |s, (load, capacity)| overload_failure(load * attempts(s, tries, budget) / capacity, 0.5))
    }

    fn epochs(seconds: u64, load: f64, capacity: f64) -> impl Iterator<Item = (f64, f64)> {
        (0..seconds / EPOCH_SECONDS).map(move |_| (load, capacity))
    }

    #[test]
    fn v18_retries_multiply_layer_by_layer() {
        let bottom = |tries: u32, layers: usize| (0..layers).map(|_| attempts(1.0, tries, None)).product::<f64>();
        assert_eq!((bottom(3, 5), bottom(4, 3)), (243.0, 64.0));
    }

    #[test]
    fn v19_tries_per_call() {
        for (failing, expected) in [(0.1, 1.11), (0.5, 1.75), (0.9, 2.71)] {
            assert!((attempts(failing, 3, None) - expected).abs() < 1e-12);
        }
        assert_eq!(attempts(1.0, 3, None), 3.0);
        assert!((attempts(1.0 - 1e-12, 3, None) - 3.0).abs() < 1e-9);
        assert_eq!((attempts(0.0, 3, None), attempts(0.9, 1, None), attempts(0.9, 3, Some(0.1))), (1.0, 1.0, 1.1));
    }

    /// The failing share at which an overload keeps itself up: `s* = (1 − γ/ρ)^(1/k)`, self-consistent if s* > 1 − γ (model.md §2.6).
    fn bad_fixpoint(load: f64, tries: u32, goodput: f64) -> Option<f64> {
        let fixpoint = (1.0 - goodput / load).max(0.0).powf(1.0 / f64::from(tries));
        (fixpoint > 1.0 - goodput).then_some(fixpoint)
    }

    #[test]
    fn v20_the_vulnerable_band() {
        let begins = |tries, goodput: f64| attempts(1.0 - goodput, tries, None);
        printed(vulnerable_load(begins(3, 0.5)), 0.571_428_6, 1e-7);
        printed(required_shedding(0.7, begins(3, 0.5)), 0.183_673_5, 1e-7);
        for (k, expected) in [(1, 1.0), (2, 0.666_7), (3, 0.571_4), (4, 0.533_3)] {
            printed(vulnerable_load(begins(k, 0.5)), expected, 1e-4);
            let closed = 0.5 / (1.0 - 0.5_f64.powi(k as i32));
            assert!((vulnerable_load(begins(k, 0.5)) - closed).abs() < 1e-12);
        }
        // From far above the engine's own rule comes down to the fixpoint, and below the band to nothing.
        let from_above = |load: f64| follow(epochs(86_400, load, 1.0), 1.0, 3, None);
        printed(from_above(0.7), 0.658_633_8, 1e-7);
        assert!((from_above(0.7) - bad_fixpoint(0.7, 3, 0.5).expect("metastable")).abs() < 1e-12);
        assert_eq!((from_above(0.57), bad_fixpoint(0.57, 3, 0.5), bad_fixpoint(0.9, 5, 1.0)), (0.0, None, None));
        assert_eq!((vulnerable_load(begins(5, 1.0)), required_shedding(0.5, begins(3, 0.5))), (1.0, 0.0));
    }

    #[test]
    fn v21_an_overload_outlives_a_trigger_of_five_minutes() {
        let day = 86_400;
        let after = |tries, budget| {
            let hit = follow(epochs(300, 0.7, 0.5), 0.0, tries, budget);
            assert!(hit > 0.2, "{hit}");
            follow(epochs(day, 0.7, 1.0), hit, tries, budget)
        };
        let stuck = after(3, None);
        assert!((stuck - bad_fixpoint(0.7, 3, 0.5).expect("metastable")).abs() < 1e-12, "{stuck}");
        assert_eq!((after(1, None), after(3, Some(0.1))), (0.0, 0.0));
        // A fifth shed for a minute ends it; less than the needed share does not, however long it is held.
        let shed = |share: f64, seconds| {
            follow(epochs(day, 0.7, 1.0), follow(epochs(seconds, 0.7 * (1.0 - share), 1.0), stuck, 3, None), 3, None)
        };
        assert_eq!(shed(0.20, 60), 0.0);
        assert!(shed(0.15, 60) > 0.6 && shed(0.15, day) > 0.6);
    }

    #[test]
    fn failing_rises_with_load_and_never_leaves_the_unit_interval() {
        let mut last = 0.0;
        for step in 0..400 {
            let now = overload_failure(f64::from(step) * 0.01, 0.3);
            assert!((last..1.0).contains(&now), "{now}");
            last = now;
        }
        assert_eq!((overload_failure(1.0, 0.5), overload_failure(2.0, 1.0)), (0.0, 0.5));
    }
}
