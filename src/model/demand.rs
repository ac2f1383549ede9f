//! Who calls whom, and how much of a service's usual load each caller brings (model.md §2.6).
//!
//! A topology states loads as shares of a capacity, not as rates, so demand is counted in units of a service's usual load: 1 is
//! usual. A call brings its share of it: by stated `rate` where every call into the service states one, else by `calls × share`,
//! each 1 where not stated. A service that nobody in the topology calls gets all of its load from outside.

use super::facts::{DependencyKind, Retries};
use super::system::System;
use crate::units::{DependencyId, ServiceId};

/// Calls of one consumer to a service with a stated load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Call {
    pub(crate) dependency: DependencyId,
    pub(crate) consumer: ServiceId,
    /// Share of the provider's usual load.
    pub(crate) weight: f64,
    pub(crate) retries: Retries,
    pub(crate) has_breaker: bool,
}

impl Call {
    /// The most tries per call, reached when all fail.
    pub(crate) fn most_attempts(&self) -> f64 {
        let most = f64::from(self.retries.attempts.max(1));
        self.retries.budget.map_or(most, |budget| most.min(1.0 + budget.max(0.0)))
    }
}

/// Demand of a service with a stated load.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Demand {
    pub(crate) service: ServiceId,
    /// Offered load over capacity when nothing fails.
    pub(crate) load: f64,
    /// Stated efficiency when overloaded.
    pub(crate) goodput: Option<f64>,
    /// Share that comes from outside the topology.
    pub(crate) external: f64,
    pub(crate) calls: Vec<Call>,
}

/// Does a consumer of this kind wait for answers to calls, and so call again?
pub fn is_call(kind: DependencyKind) -> bool {
    matches!(kind, DependencyKind::Hard | DependencyKind::Soft | DependencyKind::Unknown)
}

/// The demand of every service that states a load, in file order. O(services + dependencies).
pub(crate) fn demands(system: &System) -> Vec<Demand> {
    if system.is_edge_list() {
        return Vec::new();
    }
    let mut position = vec![u32::MAX; system.service_count()];
    let mut demands: Vec<Demand> = Vec::new();
    for service in system.service_ids() {
        let facts = system.service(service);
        if let Some(load) = facts.load {
            position[service.index()] = demands.len() as u32;
            demands.push(Demand { service, load, goodput: facts.goodput, external: 0.0, calls: Vec::new() });
        }
    }
    if demands.is_empty() {
        return demands;
    }
    let mut rates: Vec<Vec<Option<f64>>> = vec![Vec::new(); demands.len()];
    for id in system.dependency_ids().filter(|id| is_call(system.kind(*id))) {
        let (consumer, provider) = (system.consumer(id).service, system.provider(id).service);
        let at = position[provider.index()] as usize;
        if at >= demands.len() || consumer == provider {
            continue;
        }
        let facts = system.dependency(id);
        let weight = facts.calls.unwrap_or(1.0) * facts.share.unwrap_or(1.0);
        let retries = facts.retries.unwrap_or(Retries { attempts: 1, budget: None });
        let has_breaker = facts.breaker.is_some();
        demands[at].calls.push(Call { dependency: id, consumer, weight, retries, has_breaker });
        rates[at].push(facts.rate);
    }
    for (demand, rates) in demands.iter_mut().zip(&rates) {
        if rates.iter().all(Option::is_some) {
            demand.calls.iter_mut().zip(rates).for_each(|(call, rate)| call.weight = rate.unwrap_or(call.weight));
        }
        let total: f64 = demand.calls.iter().map(|call| call.weight).sum();
        if total > 0.0 {
            demand.calls.iter_mut().for_each(|call| call.weight /= total);
        } else {
            demand.calls.clear();
            demand.external = 1.0;
        }
    }
    demands
}
