//! Has the rate of incidents gone up? The cumulative sum of Page for Poisson counts, and how long it runs.
//!
//! ```text
//! S ← max(0, S + X − k),   alarm when S ≥ h
//! ```
//!
//! with X the count of a period. Between a rate λ₀ that is fine and λ₁ that is not, the sum tells best with
//! k = (λ₁ − λ₀)/ln(λ₁/λ₀). With k and h in steps of 1/q the statistic takes q·h values below the alarm, so that the mean number of
//! periods until the alarm is the mean time until a Markov chain is absorbed, and is found exactly. Assumes independent counts with
//! one rate: weekly seasons alone make it ring.
//!
//! Source: Page 1954; Brook and Evans 1972 (the chain); Lucas 1985; Grassmann, Taksar and Heyman 1985 (elimination without
//! subtraction, so that even a run length of 1e15 keeps its digits); model.md §7, V46.

/// States up to which a chain is solved; cost grows with the third power.
const MOST_STATES: u32 = 1_024;

/// Nobody allows for more events in a period; nor are there more.
const MOST_ALLOWED: u32 = 1 << 20;
const LARGEST_RATE: f64 = 1e6;

/// A cumulative sum, with everything in steps of 1/q events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoissonCusum {
    steps: u32,
    allowance: u32,
    limit: u32,
}

/// The allowance that tells two rates apart best, (λ₁ − λ₀)/ln(λ₁/λ₀); between them, and λ₀ where they are equal. NaN unless both are
/// positive.
pub fn allowance_between(fine: f64, too_high: f64) -> f64 {
    if fine == too_high { fine } else { (too_high - fine) / libm::log(too_high / fine) }
}

impl PoissonCusum {
    /// k = allowance/steps and h = limit/steps: 3/2 and 10/2 for the 1.5 and 5 of the model page. `None` unless steps and limit are
    /// positive, the limit is at most 1,024 and the allowance at most 2²⁰ steps.
    pub fn new(steps: u32, allowance: u32, limit: u32) -> Option<Self> {
        let is_chart = steps > 0 && (1..=MOST_STATES).contains(&limit) && allowance <= MOST_ALLOWED;
        is_chart.then_some(Self { steps, allowance, limit })
    }

    /// The statistic in steps after a period with so many events; it starts at 0.
    pub fn after(self, statistic: u64, count: u64) -> u64 {
        let risen = count.saturating_mul(u64::from(self.steps)).saturating_add(statistic);
        risen.saturating_sub(u64::from(self.allowance))
    }

    /// Whether the statistic says that the rate is too high.
    pub fn is_alarm(self, statistic: u64) -> bool {
        statistic >= u64::from(self.limit)
    }

    /// Mean number of periods from 0 to the alarm, the last one included, when counts are Poisson with this mean; `None` unless it
    /// is above 0 and at most a million. Infinite where it exceeds all numbers. Relative error about 1e-15·(10 + rate·ln rate);
    /// O((q·h)³ + q·h·k).
    pub fn average_run_length(self, rate: f64) -> Option<f64> {
        (rate > 0.0 && rate <= LARGEST_RATE).then(|| Chain::new(self, rate).mean_time())
    }
}

/// P(X = count) for a Poisson law.
fn poisson(rate: f64, count: u64) -> f64 {
    let x = count as f64;
    libm::exp(x * libm::log(rate) - rate - libm::lgamma(x + 1.0))
}

/// P(X ≥ count): what is below is taken off one while the tail is the larger side, else its terms are added up.
fn poisson_at_least(rate: f64, count: u64, below: f64) -> f64 {
    if (count as f64) <= rate {
        return 1.0 - below;
    }
    let (mut sum, mut term, mut at) = (0.0, poisson(rate, count), count as f64);
    // Each term is smaller than the one before by rate/at < 1.
    while term > sum * 1e-17 {
        sum += term;
        at += 1.0;
        term *= rate / at;
    }
    sum
}

/// The statistic as a Markov chain: chances to go from one value below the alarm to another, and to the alarm.
struct Chain {
    states: usize,
    moves: Vec<f64>,
    alarms: Vec<f64>,
}

impl Chain {
    fn new(cusum: PoissonCusum, rate: f64) -> Self {
        let states = cusum.limit as usize;
        let (mut moves, mut alarms) = (vec![0.0; states * states], vec![0.0; states]);
        // From 0 the most events end below the alarm.
        let chances = (0..).take_while(|count| !cusum.is_alarm(cusum.after(0, *count))).map(|count| poisson(rate, count));
        let chances: Vec<f64> = chances.collect();
        for (from, alarm) in alarms.iter_mut().enumerate() {
            let (mut count, mut below) = (0, 0.0);
            for chance in &chances {
                let to = cusum.after(from as u64, count);
                if cusum.is_alarm(to) {
                    break;
                }
                moves[from * states + to as usize] += chance;
                below += chance;
                count += 1;
            }
            *alarm = poisson_at_least(rate, count, below);
        }
        Self { states, moves, alarms }
    }

    /// Mean number of periods from state 0 to the alarm. States are taken out one by one, the last first: what remains is the chain
    /// watched only outside of them, with the mean time between two looks. Sums and quotients of positive numbers only.
    fn mean_time(mut self) -> f64 {
        let mut times = vec![1.0; self.states];
        for out in (1..self.states).rev() {
            let (above, row) = self.moves.split_at_mut(out * self.states);
            let row = &row[..out];
            let leaves = row.iter().sum::<f64>() + self.alarms[out];
            for (from, others) in above.chunks_mut(self.states).enumerate() {
                let visits = others[out] / leaves;
                if visits > 0.0 {
                    others[..out].iter_mut().zip(row).for_each(|(chance, on)| *chance += visits * on);
                    self.alarms[from] += visits * self.alarms[out];
                    times[from] += visits * times[out];
                }
            }
        }
        times[0] / self.alarms[0]
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;

    fn run_length(steps: u32, allowance: u32, limit: u32, rate: f64) -> f64 {
        PoissonCusum::new(steps, allowance, limit).expect("a chart").average_run_length(rate).expect("a rate")
    }

    #[test]
    fn one_state_is_a_geometric_law() {
        // k = h = 1: the alarm comes with the first two events of one period.
        for rate in [1e-3, 0.3, 1.0, 5.0, 80.0] {
            let two = -libm::expm1(-rate) - rate * libm::exp(-rate);
            assert_close(run_length(1, 1, 1, rate), 1.0 / two, 1e-10);
        }
    }

    #[test]
    fn without_an_allowance_events_add_up() {
        // S counts all events: the alarm at h comes in period n with P(Poisson(nλ) ≥ h), so the mean is Σ P(Poisson(nλ) < h).
        let (limit, rate) = (7, 0.4);
        let below = |periods: i32| (0..limit).map(|count| poisson(rate * f64::from(periods), count)).sum::<f64>();
        let expected = 1.0 + (1..2_000).map(below).sum::<f64>();
        assert_close(run_length(1, 0, limit as u32, rate), expected, 1e-12);
    }

    #[test]
    fn a_finer_grid_is_the_same_chart() {
        for rate in [0.5, 1.0, 2.0] {
            assert_close(run_length(2, 3, 10, rate), run_length(14, 21, 70, rate), 1e-12);
        }
    }

    #[test]
    fn agrees_with_a_simulation() {
        let chart = PoissonCusum::new(3, 4, 11).expect("a chart");
        let (rate, runs) = (1.2, 20_000);
        let mut random = SplitMix64(5);
        let mut lengths = Vec::new();
        for _ in 0..runs {
            let (mut statistic, mut periods) = (0, 0_u32);
            while !chart.is_alarm(statistic) {
                let (mut count, mut left) = (0, random.uniform());
                while left > poisson(rate, count) {
                    left -= poisson(rate, count);
                    count += 1;
                }
                statistic = chart.after(statistic, count);
                periods += 1;
            }
            lengths.push(f64::from(periods));
        }
        let mean = lengths.iter().sum::<f64>() / f64::from(runs);
        let variance = lengths.iter().map(|length| (length - mean).powi(2)).sum::<f64>() / f64::from(runs);
        let exact = chart.average_run_length(rate).expect("a rate");
        assert!((mean - exact).abs() < 4.0 * (variance / f64::from(runs)).sqrt(), "{mean} {exact}");
    }

    #[test]
    fn long_runs_keep_their_digits() {
        // To first order in the rate four events of one period make the alarm, P = λ⁴/24; 3 and 2 in a row add 4λ of that.
        let rate = 1e-6;
        assert_close(run_length(1, 1, 3, rate), 24.0 / (rate.powi(4) * (1.0 + 4.0 * rate)), 5e-6);
    }

    #[test]
    fn the_statistic_and_what_cannot_be() {
        let chart = PoissonCusum::new(2, 3, 10).expect("a chart");
        let path: Vec<u64> = [0, 2, 4, 0, 3, 3]
            .iter()
            .scan(0, |s, count| {
                *s = chart.after(*s, *count);
                Some(*s)
            })
            .collect();
        assert_eq!(path, [0, 1, 6, 3, 6, 9]);
        assert!(!chart.is_alarm(9) && chart.is_alarm(10));
        assert_eq!(chart.after(3, u64::MAX), u64::MAX - 3);
        for (steps, limit) in [(0, 1), (1, 0), (1, 1_025)] {
            assert_eq!(PoissonCusum::new(steps, 1, limit), None);
        }
        for rate in [0.0, -1.0, f64::NAN, 2e6] {
            assert_eq!(chart.average_run_length(rate), None);
        }
        assert_close(allowance_between(1.0, 2.0), 1.0 / std::f64::consts::LN_2, 1e-15);
        assert_eq!(allowance_between(3.0, 3.0), 3.0);
    }
}
