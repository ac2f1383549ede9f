//! What a simulation found, as numbers with their intervals. Formats belong to `report`.

use crate::statistics::{Estimate, Interval};
use crate::units::ServiceId;
use std::cmp::Ordering;

/// How the numbers were got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Monte Carlo: intervals are those of the sampling error.
    Sampled,
    /// By a [`Solver`]: every interval is a point.
    Exact,
}

/// How an exact answer was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// Every world, one by one.
    Enumeration,
    /// Series, parallel and pendant arcs reduced; the others split into "crosses" and "does not".
    Factoring,
    /// Arc by arc, with worlds that cannot differ any more merged.
    Frontier,
}

impl Solver {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Enumeration, Self::Factoring, Self::Frontier];

    /// The word in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enumeration => "enumeration",
            Self::Factoring => "factoring",
            Self::Frontier => "frontier",
        }
    }
}

/// Services impaired at any time, the source included.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// Mean.
    pub mean: Estimate,
    /// Median.
    pub p50: Quantile<u64>,
    /// 90 % of the trials reach at most so many.
    pub p90: Quantile<u64>,
    /// 99 % of the trials reach at most so many.
    pub p99: Quantile<u64>,
    /// Standard deviation.
    pub standard_deviation: f64,
    /// P(reach = n), ascending in n; impossible values are left out.
    pub distribution: Vec<(u64, f64)>,
}

/// A quantile with its interval, by order statistics; unknown above where too few trials lie beyond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile<T = f64> {
    /// The smallest value that so many of the trials do not exceed.
    pub value: T,
    /// Where that of the law lies.
    pub interval: Interval,
}

impl Quantile {
    /// Of a law that is known.
    pub const fn certain(value: f64) -> Self {
        Self { value, interval: Interval { low: value, high: value } }
    }
}

impl Quantile<u64> {
    /// Of whole numbers whose law is known.
    pub const fn certain_count(value: u64) -> Self {
        Self { value, interval: Interval { low: value as f64, high: value as f64 } }
    }
}

/// A quantity over all trials; a trial in which nothing happens counts as 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Mean.
    pub mean: Estimate,
    /// Standard deviation over the trials.
    pub standard_deviation: f64,
    /// Median.
    pub p50: Quantile,
    /// 90th percentile.
    pub p90: Quantile,
    /// 95th percentile.
    pub p95: Quantile,
    /// 99th percentile.
    pub p99: Quantile,
    /// Mean of the worst 5 %.
    pub es95: Estimate,
    /// The part of the mean that comes from the worst sampled trial; 0 where nothing was lost, and where all worlds are known.
    pub worst_trial_share: f64,
}

impl Summary {
    /// Nothing, for certain.
    pub const ZERO: Self = Self {
        mean: Estimate::ZERO,
        standard_deviation: 0.0,
        p50: Quantile::certain(0.0),
        p90: Quantile::certain(0.0),
        p95: Quantile::certain(0.0),
        p99: Quantile::certain(0.0),
        es95: Estimate::ZERO,
        worst_trial_share: 0.0,
    };

    /// Do so few trials carry the mean that its interval may be too narrow for the longest tails?
    ///
    /// The worst trial makes a tenth of it, so fewer than ten like it would make the whole. Below, the intervals hold the truth as
    /// often as they say (measured, `src/statistics/coverage_tests.rs`).
    pub fn rests_on_few_trials(&self) -> bool {
        self.worst_trial_share >= 0.1
    }
}

/// One service that the fault can reach.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceResult {
    /// Which.
    pub service: ServiceId,
    /// P(impaired at any time).
    pub impaired: Estimate,
    /// P(down at any time).
    pub down: Estimate,
    /// P(wrong answers at any time).
    pub corrupt: Estimate,
    /// Large, and absent without a clock, where there can be a million services.
    pub(crate) clock: Option<Box<ServiceClock>>,
}

/// Everything of a service that needs a clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServiceClock {
    pub(crate) times: ServiceTimesResult,
    /// Absent where it is down without wrong answers in all the time that it is impaired: downtime says it then.
    pub(crate) states: Option<Box<StateMinutes>>,
}

impl ServiceResult {
    /// Times in minutes, where there is a clock.
    pub fn times(&self) -> Option<ServiceTimesResult> {
        self.clock.as_deref().map(|clock| clock.times)
    }

    /// Minutes in each state, where there is a clock.
    pub fn state_minutes(&self) -> Option<StateMinutes> {
        let ServiceClock { times, states } = self.clock.as_deref()?;
        Some(states.as_deref().copied().unwrap_or_else(|| StateMinutes::always_down(times.downtime.mean)))
    }
}

/// Mean minutes of a service in each state; a trial in which it never is counts as 0.
///
/// States are those of the labels (product.md, semantics 1). Down and corrupt can hold at once, and such a minute counts in
/// both. Where every minute shall count once, down wins: degraded + down + `corrupt_only` is the time impaired.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateMinutes {
    /// Impaired, neither down nor corrupt: slow, failing for less than half of the requests, or hit by a fault itself.
    pub degraded: Estimate,
    /// Down, whether corrupt or not; the mean of the downtime.
    pub down: Estimate,
    /// Corrupt, whether down or not.
    pub corrupt: Estimate,
    /// Corrupt and not down.
    pub corrupt_only: Estimate,
    /// Down at least and at most, however the reasons to fail overlap; `down` takes them as independent (model.md §2.2).
    pub down_bounds: (Estimate, Estimate),
}

impl StateMinutes {
    /// Of a service that is down without wrong answers in all the time that it is impaired.
    pub(crate) fn always_down(down: Estimate) -> Self {
        let interval = if down.interval.is_unknown() { Interval::UNKNOWN } else { certain(0.0).interval };
        let never = Estimate { mean: 0.0, interval };
        Self { degraded: never, down, corrupt: never, corrupt_only: never, down_bounds: (down, down) }
    }
}

/// Times of a service, in minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceTimesResult {
    /// Time down.
    pub downtime: Summary,
    /// Time impaired.
    pub impaired_time: Summary,
    /// Median onset over the trials in which it is impaired; `None` if there is none.
    pub onset_p50: Option<Quantile>,
}

/// One journey. Times in minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyResult {
    /// Its name.
    pub name: String,
    /// P(severity of at least one hundredth at any time).
    pub impaired: Estimate,
    /// P(severity of at least one half at any time).
    pub down: Estimate,
    /// P(at least a hundredth of its answers is wrong at any time).
    pub corrupt: Estimate,
    /// Median of the first impairment over the trials in which there is one; `None` if there is none.
    pub onset_p50: Option<Quantile>,
    /// Time with severity of at least one half.
    pub downtime: Summary,
    /// Time with severity of at least one hundredth.
    pub impaired_time: Summary,
    /// Mean of the impaired time without downtime.
    pub degraded_time: Estimate,
    /// Mean time with at least a hundredth of wrong answers, whatever its severity: that is of errors and delay alone.
    pub corrupt_time: Estimate,
    /// Whether its traffic is stated. Otherwise its user-minutes are unknown, and 0 here.
    pub is_traffic_known: bool,
    /// User-minutes lost.
    pub user_minutes: Summary,
    /// Mean of the same at least and at most: failures of what it needs hit the same users, or no two the same.
    pub user_minute_bounds: (Estimate, Estimate),
    /// User-minutes with wrong answers.
    pub integrity_minutes: Summary,
    /// User-minutes lost over the error budget of a window; `None` without traffic or objective.
    pub budget_share: Option<Summary>,
}

/// What happened in the trials that a caller asked to watch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watched {
    /// For each watched service: share of the worst 5 % of the trials, by user-minutes, in which it is impaired.
    pub impaired_in_worst: Vec<(ServiceId, f64)>,
    /// P(any journey loses more than its budget).
    pub breach: Option<Estimate>,
}

/// How precise a run is whose precision was asked for: relative half-widths, infinite where they cannot be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// What was asked.
    pub asked: f64,
    /// That of mean reach.
    pub reach: f64,
    /// That of mean user-minutes; `None` where the faults cannot reach any journey that has users, or where there is no clock.
    pub user_minutes: Option<f64>,
}

impl Precision {
    /// Is everything as precise as was asked?
    pub fn is_reached(self) -> bool {
        self.reach < self.asked && self.user_minutes.is_none_or(|user_minutes| user_minutes < self.asked)
    }
}

/// Trials were run only where the failure leaves what it hits for certain; the other ones are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaving {
    /// P(it leaves): what these trials weigh.
    pub probability: f64,
    /// Draws that can let it out, of which at least one does.
    pub draws: usize,
}

/// One service over time. Minute k of the simulation is element k; after the last one it is never impaired.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpairedSeries {
    /// Which.
    pub service: ServiceId,
    /// Share of the trials in which it is impaired at any time in a minute.
    pub shares: Vec<f64>,
    /// Their intervals, by Wilson's method.
    pub intervals: Vec<Interval>,
}

/// How likely a quantity is above a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exceedance {
    /// The value, in the unit of the quantity.
    pub value: f64,
    /// P(the quantity is above it), over all trials.
    pub p_above: Estimate,
}

/// What pictures of one service need.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceCurves {
    /// Which.
    pub service: ServiceId,
    /// Its downtime in minutes, at rising values that all services share.
    pub downtime: Vec<Exceedance>,
    /// Its time impaired, likewise.
    pub impaired_time: Vec<Exceedance>,
    /// When it is impaired; `None` where too many services can be reached to follow them, or where a sample did not.
    pub series: Option<ImpairedSeries>,
}

/// How likely reach lies in a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReachBin {
    /// Fewest services.
    pub from: u64,
    /// Most services, included.
    pub to: u64,
    /// P(from ≤ reach ≤ to).
    pub probability: Estimate,
}

/// What pictures need beyond numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curves {
    /// Reach, in ranges of equal width without gaps.
    pub reach: Vec<ReachBin>,
    /// With a clock: the worst-hit services, in the order of [`Simulation::worst_hit`].
    pub services: Vec<ServiceCurves>,
    /// With a clock: user-minutes lost over all journeys, at rising values; empty where none are lost.
    pub user_minutes: Vec<Exceedance>,
}

/// What a simulation found.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// How.
    pub method: Method,
    /// Which exact solver, with [`Method::Exact`].
    pub solver: Option<Solver>,
    /// Trials; or the cases that the exact solver went through.
    pub trials: u64,
    /// The seed.
    pub seed: u64,
    /// Is there a clock?
    pub timed: bool,
    /// Reach.
    pub reach: Reach,
    /// Without a clock: reach with all delayed arcs cut, and reach with no delays at all.
    pub reach_bounds: Option<(Reach, Reach)>,
    /// Services the fault can reach, in file order; all others stay healthy for certain.
    pub services: Vec<ServiceResult>,
    /// P(starved): services that lose traffic in at least one trial without ever being impaired in it, in file order. `None`
    /// when not asked.
    pub starved: Option<Vec<(ServiceId, Estimate)>>,
    /// All journeys, in file order; empty without a clock.
    pub journeys: Vec<JourneyResult>,
    /// User-minutes lost over all journeys whose traffic is known; absent without a clock, and where none is known.
    pub user_minutes: Option<Summary>,
    /// Share of the trials in which harm went on at the horizon.
    pub censored: f64,
    /// The horizon in minutes, where there is a clock.
    pub horizon_minutes: Option<f64>,
    /// Answers to [`Request::watch`](super::run::Request::watch).
    pub watched: Watched,
    /// Services over time, in file order, where that was asked; those that are ever impaired.
    pub series: Option<Vec<ImpairedSeries>>,
    /// What pictures need, where that was asked.
    pub curves: Option<Curves>,
    /// How precise it is, where that was asked.
    pub precision: Option<Precision>,
    /// Whether only trials were run in which the failure leaves its source.
    pub leaving: Option<Leaving>,
    /// A probability that random numbers of 32 digits cannot tell from its neighbours, and the one that was sampled for it.
    pub rounded: Option<(f64, f64)>,
}

impl Simulation {
    /// The result of a service; `None` when the fault cannot reach it.
    pub fn service(&self, id: ServiceId) -> Option<&ServiceResult> {
        self.services.binary_search_by_key(&id, |result| result.service).ok().map(|at| &self.services[at])
    }

    /// The services that were hit, worst first: by mean downtime, then by mean time impaired, then by P(impaired), then in file
    /// order.
    pub fn worst_hit(&self) -> Vec<&ServiceResult> {
        let key = |result: &ServiceResult| {
            let times = result.times().map_or((0.0, 0.0), |times| (times.downtime.mean.mean, times.impaired_time.mean.mean));
            [times.0, times.1, result.impaired.mean]
        };
        let mut hit: Vec<&ServiceResult> = self.services.iter().filter(|result| result.impaired.mean > 0.0).collect();
        hit.sort_by(|a, b| {
            let pairs = key(b).into_iter().zip(key(a));
            pairs.fold(Ordering::Equal, |order, (b, a)| order.then(b.total_cmp(&a))).then(a.service.cmp(&b.service))
        });
        hit
    }

    /// P(a service is impaired).
    pub fn p_impaired(&self, id: ServiceId) -> f64 {
        self.service(id).map_or(0.0, |result| result.impaired.mean)
    }

    /// P(a service is starved); `None` when not asked. Certainly 0 for a service that is not listed.
    pub fn starved(&self, id: ServiceId) -> Option<Estimate> {
        let starved = self.starved.as_ref()?;
        Some(starved.binary_search_by_key(&id, |(service, _)| *service).map_or(certain(0.0), |at| starved[at].1))
    }
}

/// A value that is known for certain.
pub(crate) fn certain(value: f64) -> Estimate {
    Estimate { mean: value, interval: Interval { low: value, high: value } }
}
