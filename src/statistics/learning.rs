//! What is believed of a probability, what evidence makes of it, and what one more experiment would teach.
//!
//! A belief is Beta(a, b), with mean m = a/(a + b) and a + b the number of runs that it is worth. n runs of weight w, y of them with
//! the effect, make it Beta(a + w·y, b + w·(n − y)): the power prior, in which weaker evidence counts as fewer runs.
//!
//! ```text
//! information of one run   H(m) + m·[ψ(a + 1) − ψ(a + b + 1)] + (1 − m)·[ψ(b + 1) − ψ(a + b + 1)]     nats
//! variance that n remove   I² · Var(p) · n/(a + b + n),   Var(p) = m(1 − m)/(a + b + 1)
//! ```
//!
//! with H the entropy of one run in nats and I the derivative of the mean loss by the probability: the expected fall of the variance
//! of the mean loss, exact where that is affine in p and no other probability is learned about. Information alone says nothing of
//! whether the probability matters.
//!
//! Source: Ibrahim and Chen 2000 (power prior); Lindley 1956; Chaloner and Verdinelli 1995; model.md §5 and §6, V43, V44 and V51.

use super::digamma::digamma_above_log;
use super::{Estimate, Interval};

/// What kind of evidence, for its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A run of an experiment: somebody switched the provider off.
    GameDay,
    /// An incident: more than one thing may have been broken.
    Incident,
    /// An episode of traces; all spans of an episode are one observation.
    TraceEpisode,
}

impl Evidence {
    /// How many runs of an experiment one observation is worth (model.md §5; elicited). Of an incident 0.3 to 0.5, so the middle.
    pub fn weight(self) -> f64 {
        match self {
            Self::GameDay => 1.0,
            Self::Incident => 0.4,
            Self::TraceEpisode => 0.1,
        }
    }
}

/// A probability that is not known for certain: Beta(a, b) with finite a, b > 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaBelief {
    a: f64,
    b: f64,
}

impl BetaBelief {
    /// Beta(a, b); `None` unless both are positive and finite.
    pub fn new(a: f64, b: f64) -> Option<Self> {
        (a > 0.0 && b > 0.0 && (a + b).is_finite()).then_some(Self { a, b })
    }

    /// Both parameters.
    pub fn parameters(self) -> (f64, f64) {
        (self.a, self.b)
    }

    /// Chance of the effect in one run, a/(a + b).
    pub fn mean(self) -> f64 {
        self.a / self.strength()
    }

    /// Runs that the belief is worth, a + b.
    pub fn strength(self) -> f64 {
        self.a + self.b
    }

    /// Variance of the probability, m(1 − m)/(a + b + 1).
    pub fn variance(self) -> f64 {
        self.mean() * (self.b / self.strength()) / (self.strength() + 1.0)
    }

    /// The belief after `with` observations with the effect and `without` others, of a weight each; unchanged for a weight that is
    /// not positive and finite.
    #[must_use]
    pub fn after(self, with: u64, without: u64, weight: f64) -> Self {
        let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        Self::new(self.a + weight * with as f64, self.b + weight * without as f64).unwrap_or(self)
    }

    /// Expected fall of the entropy of the belief in nats by one run, between 0 and ln 2.
    ///
    /// Written with g(x) = ψ(x + 1) − ln x as m·g(a) + (1 − m)·g(b) − g(a + b), about 1/(2(a + b)): the logarithms of the formula above
    /// cancel before they are computed. Relative error below 1e-12 while a and b are above 0.001.
    pub fn expected_information_gain(self) -> f64 {
        let (mean, rest) = (self.mean(), self.b / self.strength());
        let gain = mean * digamma_above_log(self.a) + rest * digamma_above_log(self.b) - digamma_above_log(self.strength());
        gain.max(0.0)
    }

    /// Expected fall of the variance of the mean loss by so many runs, where its derivative by the probability is `importance`.
    pub fn expected_variance_reduction(self, importance: f64, runs: f64) -> f64 {
        importance * importance * self.learned_from(runs)
    }

    /// The same where the derivative was sampled with a standard error. Its square is too high by the square of the error on average,
    /// which is taken off; the interval is that of the derivative, squared.
    pub fn variance_reduction_of(self, derivative: Estimate, standard_error: f64, runs: f64) -> Estimate {
        let Interval { low, high } = derivative.interval;
        let learned = self.learned_from(runs);
        let mean = (derivative.mean * derivative.mean - standard_error * standard_error).max(0.0) * learned;
        if derivative.interval.is_unknown() {
            return Estimate { mean, interval: Interval::UNKNOWN };
        }
        let (near, far) = if low.abs() < high.abs() { (low, high) } else { (high, low) };
        let near = if low <= 0.0 && high >= 0.0 { 0.0 } else { near };
        let low = (near * near * learned).min(mean);
        Estimate { mean, interval: Interval { low, high: (far * far * learned).max(mean) } }
    }

    /// Expected fall of the variance of the probability by so many runs.
    fn learned_from(self, runs: f64) -> f64 {
        self.variance() * runs / (self.strength() + runs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;

    fn belief(a: f64, b: f64) -> BetaBelief {
        BetaBelief::new(a, b).expect("positive")
    }

    #[test]
    fn gains_of_the_model_page() {
        assert!((belief(1.0, 1.0).expected_information_gain() - 0.1931).abs() < 5e-5);
        assert!((belief(3.5, 6.5).expected_information_gain() - 0.0472).abs() < 5e-5);
        assert!((belief(1.0, 19.0).expected_information_gain() - 0.0211).abs() < 5e-5);
    }

    /// Entropy of Beta(a, b) by statrs.
    fn entropy(a: f64, b: f64) -> f64 {
        use statrs::statistics::Distribution;
        statrs::distribution::Beta::new(a, b).expect("positive").entropy().expect("an entropy")
    }

    #[test]
    fn a_gain_is_the_expected_fall_of_the_entropy() {
        let mut random = SplitMix64(11);
        for _ in 0..300 {
            let [a, b] = [(); 2].map(|()| libm::exp(random.uniform() * 7.0 - 2.0));
            let m = a / (a + b);
            let fall = entropy(a, b) - m * entropy(a + 1.0, b) - (1.0 - m) * entropy(a, b + 1.0);
            let gain = belief(a, b).expected_information_gain();
            assert!((gain - fall).abs() < 1e-11 && gain < std::f64::consts::LN_2, "{a} {b}: {gain} {fall}");
        }
    }

    #[test]
    fn gains_far_out_keep_their_digits() {
        // Next to a belief worth many runs one run tells 1/(2·strength).
        assert_close(belief(4e8, 6e8).expected_information_gain(), 0.5e-9, 1e-8);
        // A belief that is all in its ends learns the whole answer.
        assert_close(belief(1e-9, 1e-9).expected_information_gain(), std::f64::consts::LN_2, 1e-6);
    }

    #[test]
    fn a_fall_of_variance_is_that_of_the_posteriors() {
        for (a, b, runs) in [(3.5, 6.5, 3_u64), (1.0, 1.0, 1), (9.5, 0.5, 7)] {
            let prior = belief(a, b);
            // Weights of y effects in n runs: beta-binomial, by the chances of run after run.
            let mut chances = vec![1.0];
            for run in 0..runs {
                let mut next = vec![0.0; chances.len() + 1];
                for (with, chance) in chances.iter().enumerate() {
                    let mean = prior.after(with as u64, run - with as u64, 1.0).mean();
                    next[with + 1] += chance * mean;
                    next[with] += chance * (1.0 - mean);
                }
                chances = next;
            }
            let left: f64 = (0..=runs).map(|with| chances[with as usize] * prior.after(with, runs - with, 1.0).variance()).sum();
            assert_close(prior.expected_variance_reduction(2.0, runs as f64), 4.0 * (prior.variance() - left), 1e-12);
        }
    }

    #[test]
    fn weaker_evidence_counts_as_fewer_runs() {
        let prior = belief(3.5, 6.5);
        assert_eq!(prior.after(10, 0, Evidence::TraceEpisode.weight()), prior.after(1, 0, Evidence::GameDay.weight()));
        assert_eq!(prior.after(5, 5, Evidence::Incident.weight()).parameters(), (5.5, 8.5));
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(prior.after(3, 4, weight), prior);
        }
        assert_eq!(BetaBelief::new(0.0, 1.0), None);
        assert_eq!(BetaBelief::new(f64::NAN, 1.0), None);
    }

    #[test]
    fn a_sampled_derivative_is_squared_without_bias() {
        let belief = belief(6.0, 4.0);
        let sampled = |mean: f64, error: f64| {
            let interval = Interval { low: mean - 1.96 * error, high: mean + 1.96 * error };
            belief.variance_reduction_of(Estimate { mean, interval }, error, 1.0)
        };
        let known = sampled(-0.468, 0.0);
        assert_close(known.mean, belief.expected_variance_reduction(0.468, 1.0), 1e-15);
        assert_close(known.interval.low, known.mean, 1e-15);
        let noise = sampled(0.01, 0.02);
        assert_eq!((noise.mean, noise.interval.low), (0.0, 0.0));
        let sure = sampled(-3.0, 0.1);
        assert!(0.0 < sure.interval.low && sure.interval.contains(sure.mean), "{sure:?}");
        // The mean over many samples is that of the true derivative.
        let mut random = SplitMix64(3);
        let (n, truth, error) = (200_000, 1.0, 0.3);
        let draws = (0..n).map(|_| truth + error * super::super::normal::quantile(random.uniform()));
        let mean = draws.map(|draw| sampled(draw, error).mean).sum::<f64>() / f64::from(n);
        assert_close(mean, belief.expected_variance_reduction(truth, 1.0), 0.01);
        let unknown = Estimate { mean: 1.0, interval: Interval::UNKNOWN };
        assert!(belief.variance_reduction_of(unknown, 0.1, 1.0).interval.is_unknown());
    }
}
