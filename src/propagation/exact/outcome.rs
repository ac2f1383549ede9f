//! Weighted sums over all worlds, and the result they make.

use crate::model::System;
use crate::propagation::curves::{curves, reach_bins};
use crate::propagation::result::{
    Curves, JourneyResult, Method, Quantile, ServiceClock, ServiceResult, ServiceTimesResult, Simulation, Solver, StateMinutes,
    Watched, certain,
};
use crate::propagation::run::{Run, budget, minutes, thousandths};
use crate::propagation::series::WeightedSeries;
use crate::propagation::starved::Downstream;
use crate::propagation::weighted::{Weighted, reach_of};
use crate::statistics::{CompensatedSum, Estimate};
use crate::units::ServiceId;
use std::borrow::Cow;

#[derive(Debug, Default, Clone)]
pub(super) struct ExactService {
    pub(super) impaired: CompensatedSum,
    pub(super) down: CompensatedSum,
    pub(super) corrupt: CompensatedSum,
    pub(super) downtime: Weighted,
    pub(super) impaired_time: Weighted,
    pub(super) onset: Weighted,
    /// Mean times in states, in ticks.
    pub(super) degraded: CompensatedSum,
    pub(super) corrupt_only: CompensatedSum,
    pub(super) corrupt_down: CompensatedSum,
    pub(super) hardly_down: CompensatedSum,
    pub(super) almost_down: CompensatedSum,
}

#[derive(Debug, Default, Clone)]
pub(super) struct ExactJourney {
    pub(super) impaired: CompensatedSum,
    pub(super) down: CompensatedSum,
    pub(super) corrupt: CompensatedSum,
    pub(super) onset: Weighted,
    pub(super) downtime: Weighted,
    pub(super) impaired_time: Weighted,
    /// Mean times in ticks.
    pub(super) degraded: CompensatedSum,
    pub(super) corrupt_time: CompensatedSum,
    pub(super) user_minutes: Weighted,
    /// Means in thousandths.
    pub(super) user_minute_bounds: (CompensatedSum, CompensatedSum),
    pub(super) integrity_minutes: Weighted,
}

/// Weighted sums over worlds.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) solver: Solver,
    pub(super) worlds: u64,
    pub(super) reach: Weighted,
    pub(super) services: Vec<ExactService>,
    /// By position among those that can be starved; `None` where nobody asked or the solver does not follow it.
    pub(super) starved: Option<Vec<CompensatedSum>>,
    pub(super) journeys: Vec<ExactJourney>,
    pub(super) user_minutes: Weighted,
    pub(super) censored: CompensatedSum,
    pub(super) breach: CompensatedSum,
    /// Services over time, where that is asked for.
    pub(super) series: Option<WeightedSeries>,
}

impl Sums {
    /// Nothing yet, for so many services and journeys.
    pub(super) fn new(solver: Solver, services: usize, journeys: usize) -> Self {
        Self {
            solver,
            worlds: 0,
            reach: Weighted::default(),
            services: vec![ExactService::default(); services],
            starved: None,
            journeys: vec![ExactJourney::default(); journeys],
            user_minutes: Weighted::default(),
            censored: CompensatedSum::default(),
            breach: CompensatedSum::default(),
            series: None,
        }
    }
}

/// The result of a request.
pub(super) fn simulation(run: &Run<'_>, sums: &Sums, labels: &[u32], below: Option<&Downstream>) -> Simulation {
    let timed = !run.request.static_reach;
    let system: &System = run.system;
    let mut services: Vec<ServiceResult> = labels
        .iter()
        .zip(&sums.services)
        .map(|(node, service)| ServiceResult {
            service: run.plan.services[*node as usize],
            impaired: probability(service.impaired),
            down: probability(service.down),
            corrupt: probability(service.corrupt),
            clock: timed.then(|| Box::new(service_clock(service))),
        })
        .collect();
    services.sort_unstable_by_key(|result| result.service);
    let mut simulation = Simulation {
        method: Method::Exact,
        solver: Some(sums.solver),
        trials: sums.worlds,
        seed: run.request.seed.0,
        timed,
        reach: reach_of(&sums.reach),
        reach_bounds: None,
        services,
        starved: below
            .zip(sums.starved.as_ref())
            .map(|(below, starved)| below.in_file_order(starved, |sum| sum.value() > 0.0, |sum| probability(*sum))),
        journeys: system
            .journeys()
            .iter()
            .zip(&sums.journeys)
            .map(|(journey, sums)| JourneyResult {
                name: journey.name.clone(),
                impaired: probability(sums.impaired),
                down: probability(sums.down),
                corrupt: probability(sums.corrupt),
                onset_p50: onset(&sums.onset, sums.impaired),
                downtime: sums.downtime.summary(minutes),
                impaired_time: sums.impaired_time.summary(minutes),
                degraded_time: certain(minutes(sums.degraded.value())),
                corrupt_time: certain(minutes(sums.corrupt_time.value())),
                is_traffic_known: journey.is_traffic_known(),
                user_minutes: sums.user_minutes.summary(thousandths),
                user_minute_bounds: (
                    certain(thousandths(sums.user_minute_bounds.0.value())),
                    certain(thousandths(sums.user_minute_bounds.1.value())),
                ),
                integrity_minutes: sums.integrity_minutes.summary(thousandths),
                budget_share: budget(&journey.facts).map(|budget| sums.user_minutes.summary(|milli| thousandths(milli) / budget)),
            })
            .collect(),
        user_minutes: (timed && system.counts_users()).then(|| sums.user_minutes.summary(thousandths)),
        censored: probability(sums.censored).mean,
        horizon_minutes: timed.then(|| run.scenario.horizon.minutes()),
        series: None,
        curves: None,
        precision: None,
        leaving: None,
        rounded: None,
        watched: Watched {
            impaired_in_worst: Vec::new(),
            breach: (timed && !run.request.budgets.is_empty()).then(|| probability(sums.breach)),
        },
    };
    over_time(run, sums, labels, &mut simulation);
    simulation
}

/// Services over time, and what pictures need, where that is asked.
fn over_time(run: &Run<'_>, sums: &Sums, labels: &[u32], simulation: &mut Simulation) {
    let ids: Vec<ServiceId> = labels.iter().map(|node| run.plan.services[*node as usize]).collect();
    let series = sums.series.as_ref().map(|series| series.conclude(&ids));
    if run.request.curves {
        let share = |from: u64, to: u64| {
            let inside = sums.reach.iter().filter(|(value, _)| (from..=to).contains(value));
            probability(inside.map(|(_, weight)| weight).collect())
        };
        let bins = reach_bins(&simulation.reach, share);
        let of = |id| ids.iter().position(|known| *known == id).map(|at| &sums.services[at]);
        let times = |id| of(id).map(|service| (Cow::Borrowed(&service.downtime), Cow::Borrowed(&service.impaired_time)));
        simulation.curves = Some(match simulation.timed {
            true => curves(simulation, bins, times, &sums.user_minutes, series.as_deref()),
            false => Curves { reach: bins, ..Curves::default() },
        });
    }
    simulation.series = series.filter(|_| run.request.series);
}

fn service_clock(service: &ExactService) -> ServiceClock {
    let downtime = service.downtime.summary(minutes);
    let mean = |ticks: f64| certain(minutes(ticks));
    let corrupt: CompensatedSum = [service.corrupt_only, service.corrupt_down].into_iter().map(CompensatedSum::value).collect();
    ServiceClock {
        times: ServiceTimesResult {
            downtime,
            impaired_time: service.impaired_time.summary(minutes),
            onset_p50: onset(&service.onset, service.impaired),
        },
        states: Some(Box::new(StateMinutes {
            degraded: mean(service.degraded.value()),
            down: downtime.mean,
            corrupt: mean(corrupt.value()),
            corrupt_only: mean(service.corrupt_only.value()),
            down_bounds: (
                certain((downtime.mean.mean - minutes(service.hardly_down.value())).max(0.0)),
                certain(downtime.mean.mean + minutes(service.almost_down.value())),
            ),
        })),
    }
}

/// Median onset over the worlds in which there is an impairment.
fn onset(onsets: &Weighted, impaired: CompensatedSum) -> Option<Quantile> {
    let mut sum = 0.0;
    for (value, weight) in onsets.iter() {
        sum += weight;
        if sum >= 0.5 * impaired.value() - 1e-12 {
            return Some(Quantile::certain(minutes(value as f64)));
        }
    }
    None
}

/// A sum of weights as a probability. Even a compensated sum of rounded products can end one unit in the last place above 1.
fn probability(weight: CompensatedSum) -> Estimate {
    certain(weight.value().min(1.0))
}
