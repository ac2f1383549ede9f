//! How much of the time enough units work, when few can be repaired at once.
//!
//! n alike units fail at rate λ each, whatever the others do; c crews repair one failed unit each at rate μ, the others wait. The
//! number of failed units is a birth–death chain that goes up with (n − f)λ and down with min(f, c)μ, so that in the long run
//!
//! ```text
//! π(f) = π(0) · Π_{i=1..f} (n − i + 1)λ / (min(i, c)μ),   Σ π = 1,   A = Σ_{f ≤ n − k} π(f)
//! ```
//!
//! where k units are enough. With a crew for every unit they are independent: A = P(Binomial(n, λ/(λ + μ)) ≤ n − k). Only the means
//! of the times count then; with fewer crews repair times are taken as exponential. Both rates are per the same unit of time. Breaks
//! for failures with a common cause.
//!
//! Source: Barlow and Proschan, Mathematical Theory of Reliability (1965), §5.2; model.md V38.

/// Shares of the time; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Availability {
    /// Enough units work.
    pub up: f64,
    /// Too few do. Kept apart because 1 − up has no digits left where systems are good.
    pub down: f64,
}

/// Alike units that fail one by one and are repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repairable {
    /// All units, n.
    pub units: u32,
    /// How many of them must work, k.
    pub needed: u32,
    /// How many can be repaired at the same time, c.
    pub crews: u32,
}

/// From here on weights are scaled down; what was small by then no longer counts.
const LARGE: f64 = 1e150;

/// No unit fails so many times while another is repaired; weights stay in the range of numbers.
const MOST_FAILURES: f64 = 1e100;

impl Repairable {
    /// As many crews as units: nobody waits.
    pub fn independent(units: u32, needed: u32) -> Self {
        Self { units, needed, crews: units }
    }

    /// Availability in the long run with failure rate λ and repair rate μ; `None` unless there is a crew, and 0 ≤ λ/μ ≤ 1e100.
    /// Relative error of either share about 1e-16 for each unit. O(units).
    pub fn availability(self, failure_rate: f64, repair_rate: f64) -> Option<Availability> {
        let ratio = failure_rate / repair_rate;
        let are_rates = failure_rate >= 0.0 && repair_rate > 0.0 && ratio <= MOST_FAILURES;
        if !are_rates || (self.crews == 0 && self.units > 0) {
            return None;
        }
        let (mut weight, mut up, mut down) = (1.0, 0.0, 0.0);
        for failed in 0..=self.units {
            if failed > 0 {
                weight *= f64::from(self.units - failed + 1) / f64::from(failed.min(self.crews)) * ratio;
            }
            *(if self.units - failed >= self.needed { &mut up } else { &mut down }) += weight;
            if weight > LARGE {
                [&mut weight, &mut up, &mut down].into_iter().for_each(|value| *value /= LARGE);
            }
        }
        let all = up + down;
        Some(Availability { up: up / all, down: down / all })
    }
}

#[cfg(test)]
mod tests {
    use super::super::binomial;
    use super::super::testing::assert_close;
    use super::*;

    fn availability(units: u32, needed: u32, crews: u32, failure_rate: f64, repair_rate: f64) -> Availability {
        Repairable { units, needed, crews }.availability(failure_rate, repair_rate).expect("rates and a crew")
    }

    #[test]
    fn a_crew_for_every_unit_makes_them_independent() {
        for (units, needed) in [(1, 1), (2, 1), (5, 3), (40, 30), (400, 250)] {
            let found = Repairable::independent(units, needed).availability(0.3, 0.7).expect("rates");
            assert_close(found.down, binomial::tail_at_least(u64::from(units - needed + 1), u64::from(units), 0.3), 1e-11);
            assert!((found.up + found.down - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn one_crew_is_the_queue_with_few_customers() {
        // Palm 1947, machines and one repairman: with r = μ/λ, P(all n work) = Erlang's loss of r on n lines.
        for units in [1, 2, 7, 60] {
            let (failure_rate, repair_rate): (f64, f64) = (0.4, 3.0);
            let all_work = availability(units, units, 1, failure_rate, repair_rate).up;
            assert_close(all_work, super::super::erlang::erlang_b(units, repair_rate / failure_rate), 1e-13);
        }
    }

    #[test]
    fn fewer_crews_never_help() {
        let down: Vec<f64> = (1..=6).map(|crews| availability(6, 4, crews, 0.1, 1.0).down).collect();
        assert!(down.windows(2).all(|pair| pair[0] > pair[1]), "{down:?}");
        assert_eq!(availability(6, 4, 6, 0.1, 1.0), availability(6, 4, 90, 0.1, 1.0));
    }

    #[test]
    fn ends_and_what_cannot_be() {
        assert_eq!(availability(3, 0, 1, 5.0, 0.1), Availability { up: 1.0, down: 0.0 });
        assert_eq!(availability(3, 4, 1, 5.0, 0.1), Availability { up: 0.0, down: 1.0 });
        assert_eq!(availability(3, 3, 1, 0.0, 0.1), Availability { up: 1.0, down: 0.0 });
        assert_eq!(Repairable::independent(0, 0).availability(1.0, 1.0), Some(Availability { up: 1.0, down: 0.0 }));
        // Weights of 100,000 units leave the range of numbers.
        let swamped = availability(100_000, 1, 1, 1.0, 1.0);
        assert!((swamped.down - (-1.0_f64).exp()).abs() < 1e-12, "{swamped:?}");
        for (crews, failure_rate, repair_rate) in [
            (0, 1.0, 1.0),
            (1, -1.0, 1.0),
            (1, 1.0, 0.0),
            (1, f64::NAN, 1.0),
            (1, 1.0, 1e-200),
            (1, f64::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(Repairable { units: 2, needed: 1, crews }.availability(failure_rate, repair_rate), None);
        }
    }
}
