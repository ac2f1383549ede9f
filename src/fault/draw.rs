//! Random choices behind one trait: drawn from keyed random numbers, or enumerated with their weights by the exact solver.
//!
//! A draw is a pure function of purpose and name, so code that asks twice for the same number gets the same answer: members of
//! one incident share the deviate of its repair, for example.

use crate::model::DurationLaw;
use crate::random::{Draws, Purpose, Seed, pair_hash};
use crate::statistics::{exponential, normal};
use crate::units::Ticks;

/// Where random choices come from.
pub(crate) trait Choose {
    /// Does an event of this probability happen? Ask once per (purpose, name) and trial.
    fn chance(&mut self, purpose: Purpose, name: u64, p: f64) -> bool;

    /// A uniform number; `what` names it for solvers that have none.
    fn uniform(&mut self, purpose: Purpose, name: u64, what: &dyn Fn() -> String) -> f64;

    /// A duration.
    fn duration(&mut self, purpose: Purpose, name: u64, law: DurationLaw, what: &dyn Fn() -> String) -> Ticks {
        match law.constant() {
            Some(ticks) => ticks,
            None => law.at_deviate(normal::quantile(self.uniform(purpose, name, what))),
        }
    }
}

/// Durations of a law at uniform numbers, which are used up: what [`Choose::duration`] makes of each, at most 2^62 ticks.
/// Compiled for wide registers where the caller is.
#[inline(always)]
pub(crate) fn durations(law: DurationLaw, uniforms: &mut [f64], ticks: &mut [Ticks]) {
    /// More standard deviations from the median than 53 digits can be.
    const FARTHEST: f64 = 9.0;
    const MOST_TICKS: f64 = (1_u64 << 62) as f64;
    let (DurationLaw::Constant(median) | DurationLaw::Lognormal { median, .. }, sigma) = (law, law.sigma());
    normal::quantiles(uniforms);
    let whole = |time: f64| {
        // Half a tick and more counts as one.
        let time = time.min(MOST_TICKS);
        let floor = time as u64;
        Ticks(floor + u64::from(time - floor as f64 >= 0.5))
    };
    if sigma * FARTHEST > exponential::LARGEST {
        for (ticks, z) in ticks.iter_mut().zip(uniforms) {
            *ticks = whole(law.at_deviate(*z).0 as f64);
        }
        return;
    }
    let median = median.0 as f64;
    for (ticks, z) in ticks.iter_mut().zip(uniforms) {
        *ticks = whole(median * exponential::exp(sigma * *z));
    }
}

/// Choices of one trial, drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) seed: Seed,
    pub(crate) trial: u64,
}

impl Choose for Drawn {
    fn chance(&mut self, purpose: Purpose, name: u64, p: f64) -> bool {
        p >= 1.0 || (p > 0.0 && Draws::new(self.seed.key(purpose, name), self.trial).uniform() < p)
    }

    fn uniform(&mut self, purpose: Purpose, name: u64, _: &dyn Fn() -> String) -> f64 {
        Draws::new(self.seed.key(purpose, name), self.trial).uniform()
    }
}

/// The number of an entity's i-th draw for one purpose.
pub(crate) fn nth(name: u64, i: usize) -> u64 {
    pair_hash(name, i as u64, 0x006E_7468)
}

/// The Beta(2, 5) law by its inverse: `F(x) = 1 − (1−x)⁶ − 6x(1−x)⁵`, the second smallest of six uniforms.
pub(crate) fn beta_2_5(uniform: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut x = 0.27;
    // Newton's steps, kept inside a shrinking bracket; the density is 30 x (1−x)⁴.
    for _ in 0..60 {
        let y = 1.0 - x;
        let y4 = y * y * y * y;
        let excess = 1.0 - y4 * y * y - 6.0 * x * y4 * y - uniform;
        if excess > 0.0 {
            high = x
        } else {
            low = x
        }
        let step = excess / (30.0 * x * y4);
        let next = x - step;
        let next = if next > low && next < high { next } else { 0.5 * (low + high) };
        if (next - x).abs() < 1e-13 {
            return next;
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_durations_are_the_single_ones() {
        let laws = [
            (1, 1),
            (60_000, 138_000),
            (1_200_000, 3_780_000),
            (5, 4_000_000_000),
            (1, u64::MAX),
            (4_000_000_000, 5_000_000_000),
        ];
        for (median, p95) in laws {
            let law = DurationLaw::lognormal(Ticks(median), Ticks(p95)).expect("a law");
            let mut choose = Drawn { seed: Seed(3), trial: 0 };
            let (mut uniforms, mut single) = (Vec::new(), Vec::new());
            for trial in 0..3_000 {
                choose.trial = trial;
                uniforms.push(choose.uniform(Purpose::Buffer, 7, &String::new));
                single.push(choose.duration(Purpose::Buffer, 7, law, &String::new).min(Ticks(1 << 62)));
            }
            let mut many = vec![Ticks::ZERO; uniforms.len()];
            durations(law, &mut uniforms, &mut many);
            assert_eq!(many, single, "{law}");
        }
    }

    #[test]
    fn beta_quantiles_invert_the_distribution_function() {
        for u in [1e-9, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0 - 1e-9] {
            let x = beta_2_5(u);
            let f = 1.0 - (1.0 - x).powi(6) - 6.0 * x * (1.0 - x).powi(5);
            assert!((f - u).abs() < 1e-10, "{u}: {x} {f}");
        }
    }
}
