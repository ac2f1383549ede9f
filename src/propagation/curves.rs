//! What pictures of a simulation need beyond its numbers: whole distributions of a few quantities, and the worst-hit services over
//! time.
//!
//! A distribution is given by its tail, P(X > x) at rising x, because that is what is asked of a downtime ("longer than an hour?")
//! and because each of its points is a probability with an exact interval; a density would need a choice of bins. The grid is even
//! and ends where one trial in a hundred lies beyond, so the last point says how much is not drawn. Nothing here changes another
//! number of a result.

use super::conclude::{minutes, proportion, thousandths};
use super::result::{Curves, Exceedance, ImpairedSeries, Reach, ReachBin, ServiceCurves, Simulation, certain};
use super::weighted::Weighted;
use crate::statistics::{CompensatedSum, Estimate, LogLinear};
use crate::units::ServiceId;
use std::borrow::Cow;

/// Services that are pictured; more lines than this nobody can tell apart.
const PICTURED: usize = 5;
/// Points of a curve, that at 0 not counted.
const POINTS: u64 = 48;
/// Bars of a picture at most.
const BARS: u64 = 40;
/// Where a picture ends.
const LAST_QUANTILE: f64 = 0.99;
/// Services that are followed over time for a picture: a row of minutes for each is some ten kilobytes in every thread.
pub(super) const MOST_FOLLOWED: usize = 1_000;

/// A distribution of an integer quantity whose tail can be asked.
pub(super) trait Tail {
    /// P(X > x).
    fn p_above(&self, value: u64) -> Estimate;
    /// The smallest x with F(x) ≥ q.
    fn quantile(&self, q: f64) -> u64;
}

/// A histogram of trials, those without a record at 0.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    histogram: LogLinear,
    trials: u64,
    confidence: f64,
}

impl Counted {
    pub(super) fn new(histogram: &LogLinear, trials: u64, confidence: f64) -> Self {
        let mut histogram = histogram.clone();
        histogram.settle();
        Self { histogram, trials, confidence }
    }
}

impl Tail for Counted {
    fn p_above(&self, value: u64) -> Estimate {
        proportion(self.histogram.trials_above(value), self.trials, self.confidence)
    }

    fn quantile(&self, q: f64) -> u64 {
        self.histogram.quantile(q, self.trials)
    }
}

impl Tail for Weighted {
    fn p_above(&self, value: u64) -> Estimate {
        let above: CompensatedSum = self.iter().filter(|(x, _)| *x > value).map(|(_, weight)| weight).collect();
        certain(above.value().clamp(0.0, 1.0))
    }

    fn quantile(&self, q: f64) -> u64 {
        self.quantile(q)
    }
}

/// P(X > x) on an even grid from 0 to `end`; nothing where `end` is 0.
fn exceedances(tail: &impl Tail, end: u64, unit: impl Fn(f64) -> f64) -> Vec<Exceedance> {
    if end == 0 {
        return Vec::new();
    }
    // Below so many units each unit is a point.
    let points = POINTS.min(end);
    let at = |step: u64| (u128::from(end) * u128::from(step) / u128::from(points)) as u64;
    (0..=points).map(at).map(|value| Exceedance { value: unit(value as f64), p_above: tail.p_above(value) }).collect()
}

/// Reach in at most [`BARS`] ranges of equal width, from the least to the greatest that occurs. `share` gives P(from ≤ reach ≤ to).
pub(super) fn reach_bins(reach: &Reach, share: impl Fn(u64, u64) -> Estimate) -> Vec<ReachBin> {
    let (Some((least, _)), Some((most, _))) = (reach.distribution.first(), reach.distribution.last()) else { return Vec::new() };
    let width = (most - least + 1).div_ceil(BARS);
    let bin = |from: u64| ReachBin { from, to: from + width - 1, probability: share(from, from + width - 1) };
    (*least..=*most).step_by(width as usize).map(bin).collect()
}

/// Downtime and time impaired of a service.
type Times<'a, T> = (Cow<'a, T>, Cow<'a, T>);

/// Curves of the worst-hit services of a simulation with a clock. `times` gives downtime and time impaired of a service; `series`
/// is in file order.
pub(super) fn curves<'a, T: Tail + Clone + 'a>(
    simulation: &Simulation,
    reach: Vec<ReachBin>,
    times: impl Fn(ServiceId) -> Option<Times<'a, T>>,
    user_minutes: &T,
    series: Option<&[ImpairedSeries]>,
) -> Curves {
    let worst: Vec<ServiceId> = simulation.worst_hit().iter().take(PICTURED).map(|result| result.service).collect();
    let known: Vec<_> = worst.iter().filter_map(|id| times(*id).map(|times| (*id, times))).collect();
    // One grid for all, so that the curves of a picture can be compared row by row.
    let end = |tail: &dyn Fn(&Times<'a, T>) -> u64| known.iter().map(|(_, times)| tail(times)).max().unwrap_or(0);
    let down_end = end(&|(downtime, _)| downtime.quantile(LAST_QUANTILE));
    let impaired_end = end(&|(_, impaired)| impaired.quantile(LAST_QUANTILE));
    let of_service = |(id, (downtime, impaired)): &(ServiceId, Times<'a, T>)| ServiceCurves {
        service: *id,
        downtime: exceedances(downtime.as_ref(), down_end, minutes),
        impaired_time: exceedances(impaired.as_ref(), impaired_end, minutes),
        series: series.and_then(|all| all.binary_search_by_key(id, |series| series.service).ok().map(|at| all[at].clone())),
    };
    Curves {
        reach,
        services: known.iter().map(of_service).collect(),
        user_minutes: exceedances(user_minutes, user_minutes.quantile(LAST_QUANTILE), thousandths),
    }
}

#[cfg(test)]
mod tests {
    use super::super::result::Quantile;
    use super::*;
    use crate::units::Ticks;

    #[test]
    fn tails_fall_from_all_that_is_above_zero() {
        let mut histogram = LogLinear::new();
        for (at, count) in [(10, 30), (20, 20), (60, 1)] {
            histogram.record(at * Ticks::PER_MINUTE, count);
        }
        let counted = Counted::new(&histogram, 100, 0.95);
        let found = exceedances(&counted, counted.quantile(LAST_QUANTILE), minutes);
        assert_eq!((found[0].value, found[0].p_above.mean), (0.0, 0.51));
        assert!(found.windows(2).all(|pair| pair[0].value < pair[1].value && pair[0].p_above.mean >= pair[1].p_above.mean));
        assert!(found.iter().all(|point| point.p_above.interval.contains(point.p_above.mean)));
        let last = found.last().expect("points");
        assert_eq!((last.value, last.p_above.mean), (20.0, 0.01), "what is not drawn is said");
        assert!(exceedances(&counted, 0, minutes).is_empty(), "nothing to draw");
    }

    #[test]
    fn bins_hold_every_reach_once() {
        for most in [1, 2, 39, 40, 41, 9_999] {
            let distribution = vec![(1, 0.5), (most, 0.5)];
            let [p50, p90, p99] = [1, most, most].map(Quantile::certain_count);
            let reach = Reach { mean: certain(1.0), p50, p90, p99, standard_deviation: 0.0, distribution };
            let bins = reach_bins(&reach, |from, to| certain((to - from + 1) as f64));
            assert!(bins.len() <= 40 && bins[0].from == 1 && bins.iter().any(|bin| bin.to >= most), "{most}");
            assert!(bins.windows(2).all(|pair| pair[0].to + 1 == pair[1].from), "{most}");
        }
    }

    #[test]
    fn worlds_of_equal_weight_are_trials() {
        let (mut histogram, mut worlds) = (LogLinear::new(), Weighted::default());
        for value in [3, 3, 9, 0] {
            histogram.record(value, u64::from(value > 0));
            worlds.add(value, 0.25);
        }
        let counted = Counted::new(&histogram, 4, 0.95);
        assert!((0..10).all(|at| (counted.p_above(at).mean - worlds.p_above(at).mean).abs() < 1e-15));
        assert_eq!(exceedances(&worlds, 9, |value| value).len(), 10, "small integers are each a point");
    }
}
