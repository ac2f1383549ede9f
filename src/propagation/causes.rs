//! How a failure gets from its source to a service: first causes, trial by trial.
//!
//! In each trial the live arcs from the sources form a graph; the shortest way in it from a source to a node is the way the failure
//! took first, where nothing delays it, and of equally short ways the one over the first arcs of the plan. So every trial has one tree
//! of first causes. Ways are counted over trials, 512 at a time: a level of the search takes all nodes that one more arc reaches.
//!
//! Without a clock, like the reach kernel it reads. Of a gate (k-of-n) the first lost provider counts as the cause. O(trials/512 ×
//! levels × arcs + ways). Source: model.md §3.6 (empirical first-cause trees).

use super::conclude::{CONFIDENCE, proportion};
use super::plan::Plan;
use super::reach::{Batch, Reached, SampledWorlds, Worlds, cross};
use super::run::{Request, Run, with_run};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{self, BATCH, Lanes, Mask, Work};
use crate::model::compact::dependency_of;
use crate::model::{Compact, Endpoint, System};
use crate::statistics::Estimate;
use crate::units::{DependencyId, ServiceId};
use std::collections::BTreeMap;

/// Beyond so many arcs, ways are not counted.
const MOST_ARCS: usize = 50_000;
/// Different ways that are told apart for one service; rarer ones that come later are reached all the same.
const MOST_WAYS: usize = 1_000;

/// The commonest way to a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The service.
    pub service: ServiceId,
    /// P(it is impaired), the clock aside.
    pub impaired: Estimate,
    /// Share of these trials in which the failure took this way first.
    pub share: Estimate,
    /// What it passes, the source first.
    pub steps: Vec<Endpoint>,
    /// The dependencies between them.
    pub dependencies: Vec<DependencyId>,
}

/// The commonest way to each of some services, in their order; those that no trial reaches are left out. Nothing for very large
/// plans.
///
/// # Errors
/// As [`super::simulate`] without a clock.
pub fn commonest_ways(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    services: &[ServiceId],
) -> Result<Vec<Way>, Diagnostic> {
    let request = Request {
        trials: request.trials,
        seed: request.seed,
        machine: request.machine,
        static_reach: true,
        ..Request::default()
    };
    with_run(system, compact, scenario, &request, |run| Ok(counted(run, services)))
}

fn counted(run: &Run<'_>, services: &[ServiceId]) -> Vec<Way> {
    let plan = run.plan;
    if plan.in_source.len() > MOST_ARCS {
        return Vec::new();
    }
    let targets: Vec<Option<u32>> =
        services.iter().map(|id| plan.local(run.compact.whole_node(*id)).map(|node| node as u32)).collect();
    let mut known: Vec<BTreeMap<Vec<u32>, u64>> = vec![BTreeMap::new(); services.len()];
    let mut impaired = vec![0_u64; services.len()];
    let mut reached = Reached::default();
    let trials = run.request.trials;
    for number in 0..trials.div_ceil(BATCH) {
        let batch = Batch { number, lanes: (trials - number * BATCH).min(BATCH) };
        let first = FirstCauses::of(run, &mut reached, batch);
        for ((target, known), impaired) in targets.iter().zip(&mut known).zip(&mut impaired) {
            let Some(target) = *target else { continue };
            *impaired += first.all[target as usize].iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            first.count(plan, target, first.all[target as usize], &mut Vec::new(), known);
        }
    }
    let of = |((id, known), total): ((&ServiceId, &BTreeMap<Vec<u32>, u64>), u64)| {
        // Of equally common ways the first in the order of the plan.
        let (arcs, count) = known.iter().fold(None, |best: Option<(&Vec<u32>, u64)>, (arcs, count)| match best {
            Some((_, most)) if most >= *count => best,
            _ => Some((arcs, *count)),
        })?;
        let (steps, dependencies) = written(run, *id, arcs);
        Some(Way {
            service: *id,
            impaired: proportion(total, trials, CONFIDENCE),
            share: proportion(count, total, CONFIDENCE),
            steps,
            dependencies,
        })
    };
    services.iter().zip(&known).zip(impaired).filter_map(of).collect()
}

/// Steps and dependencies of a way, from its arcs in the order of the harm.
fn written(run: &Run<'_>, service: ServiceId, arcs: &[u32]) -> (Vec<Endpoint>, Vec<DependencyId>) {
    let (plan, compact) = (run.plan, run.compact);
    let mut steps: Vec<Endpoint> = Vec::new();
    let mut add = |node: u32| {
        let service = compact.service_of(node);
        let is_whole = node == compact.whole_node(service);
        // "Any operation" after one of the operations says nothing new.
        if is_whole && steps.last().is_some_and(|last| last.service == service) {
            return;
        }
        let operation = (!is_whole).then(|| node - compact.operation_nodes(service).start);
        steps.push(Endpoint { service, operation });
    };
    arcs.iter().for_each(|arc| add(plan.nodes[plan.in_source[*arc as usize] as usize]));
    add(compact.whole_node(service));
    let entries = entries(plan, compact);
    (steps, arcs.iter().filter_map(|arc| dependency_of(entries[*arc as usize])).collect())
}

/// The entry of the compiled graph behind each arc of a plan.
fn entries(plan: &Plan, compact: &Compact) -> Vec<u32> {
    let arcs = plan.nodes.iter().flat_map(|node| compact.arcs_into(*node));
    let within = arcs.filter(|arc| plan.local(compact.in_provider[*arc]).is_some());
    within.map(|arc| compact.in_dependency[arc]).collect()
}

/// First causes of a batch of trials.
struct FirstCauses {
    /// By node, the trials in which it is impaired.
    all: Vec<Mask>,
    /// By node, those in which it is hit itself.
    hit: Vec<Mask>,
    /// By arc, those in which it brought the failure first.
    first: Vec<Mask>,
}

impl FirstCauses {
    fn of(run: &Run<'_>, reached: &mut Reached, batch: Batch) -> Self {
        let (plan, machine, worlds) = (run.plan, run.request.machine(), SampledWorlds::new(batch.number));
        let valid = Mask::first(batch.lanes);
        let any = |reached: &Reached, node: usize| {
            let [errors, latency, wrong] = reached.at(node);
            errors.or(latency).or(wrong).and(valid)
        };
        reached.start(plan, run.scenario, run.request.seed, batch);
        let mut hit: Vec<Mask> = (0..plan.len()).map(|node| any(reached, node)).collect();
        for (node, mask) in &reached.impaired_sources {
            hit[*node as usize] = hit[*node as usize].or(mask.and(valid));
        }
        reached.propagate(machine, plan, &worlds);
        let all: Vec<Mask> = (0..plan.len()).map(|node| any(reached, node).or(hit[node])).collect();
        let mut carried = vec![Mask::NONE; plan.in_source.len()];
        let (masks, channels) = reached.all();
        if channels == 1 {
            lanes::run(machine, Carrying::<1, _> { plan, worlds: &worlds, masks, carried: &mut carried });
        } else {
            lanes::run(machine, Carrying::<3, _> { plan, worlds: &worlds, masks, carried: &mut carried });
        }
        let mut found = Self { all, hit, first: vec![Mask::NONE; plan.in_source.len()] };
        found.search(plan, &carried);
        found
    }

    /// Level by level, all trials at once.
    fn search(&mut self, plan: &Plan, carried: &[Mask]) {
        let (mut settled, mut newly) = (self.hit.clone(), self.hit.clone());
        loop {
            let mut next = vec![Mask::NONE; plan.len()];
            for node in 0..plan.len() {
                let mut need = self.all[node].without(settled[node]);
                for arc in plan.arcs_into(node) {
                    if need.is_none() {
                        break;
                    }
                    let brought = carried[arc].and(newly[plan.in_source[arc] as usize]).and(need);
                    self.first[arc] = self.first[arc].or(brought);
                    next[node] = next[node].or(brought);
                    need = need.without(brought);
                }
            }
            if next.iter().all(Mask::is_none) {
                return;
            }
            settled.iter_mut().zip(&next).for_each(|(settled, next)| *settled = settled.or(*next));
            newly = next;
        }
    }

    /// Adds the ways to a node in some trials; `behind` are the arcs that follow, the last first.
    fn count(&self, plan: &Plan, node: u32, trials: Mask, behind: &mut Vec<u32>, known: &mut BTreeMap<Vec<u32>, u64>) {
        let ends = trials.and(self.hit[node as usize]);
        if !ends.is_none() {
            let way: Vec<u32> = behind.iter().rev().copied().collect();
            let count: u64 = ends.iter().map(|word| u64::from(word.count_ones())).sum();
            if known.len() < MOST_WAYS || known.contains_key(&way) {
                *known.entry(way).or_insert(0) += count;
            }
        }
        for arc in plan.arcs_into(node as usize) {
            let over = trials.without(ends).and(self.first[arc]);
            if !over.is_none() {
                behind.push(arc as u32);
                self.count(plan, plan.in_source[arc], over, behind, known);
                behind.pop();
            }
        }
    }
}

/// For each arc, the trials in which it carries anything at the fixpoint.
struct Carrying<'a, const C: usize, W> {
    plan: &'a Plan,
    worlds: &'a W,
    masks: &'a [Mask],
    carried: &'a mut [Mask],
}

impl<const C: usize, W: Worlds> Work for Carrying<'_, C, W> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) {
        for (arc, carried) in self.carried.iter_mut().enumerate() {
            let source = self.plan.in_source[arc] as usize;
            let fresh: [V; C] = std::array::from_fn(|channel| V::load(machine, &self.masks[source * C + channel]));
            let mut brought = [V::splat(machine, 0); C];
            cross(machine, self.plan, self.worlds, arc, fresh, &mut brought);
            let any = brought[1..].iter().fold(brought[0], |any, channel| any.or(*channel));
            any.store(carried);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, FaultKind};
    use crate::model::draft::{Draft, DraftDependency, Nowhere};
    use crate::model::facts::{Belief, Dependency, DependencyKind, Service};
    use crate::random::Seed;
    use crate::units::Probability;

    fn system(arcs: &[(&str, &str, f64)]) -> System {
        let mut draft = Draft::default();
        for (to, from, p) in arcs {
            for name in [to, from] {
                if !draft.services.iter().any(|(known, _)| known == name) {
                    draft.services.push(((*name).to_owned(), Service::default()));
                }
            }
            let mean = Probability::clipped(*p);
            let facts = Dependency { probability: Some(Belief { mean, strength: None }), ..Dependency::default() };
            let kind = Some(DependencyKind::Hard);
            draft.dependencies.push(DraftDependency { from: (*from).to_owned(), to: (*to).to_owned(), kind, facts });
        }
        System::build(draft, &Nowhere).expect("valid")
    }

    fn ways(system: &System, to: &str) -> Option<Way> {
        let compact = Compact::new(system);
        let scenario = Scenario::new(system, &compact, &[Fault::new(FaultKind::Crash, "s")], None).expect("a scenario");
        let request = Request { trials: 20_000, seed: Seed(2), ..Request::default() };
        let service = system.find_service(to).expect(to);
        commonest_ways(system, &compact, &scenario, &request, &[service]).expect("counted").pop()
    }

    fn names(system: &System, way: &Way) -> Vec<String> {
        way.steps.iter().map(|step| system.endpoint_name(*step)).collect()
    }

    #[test]
    fn v4_goes_over_b_unless_only_c_is_left() {
        let v4 = system(&[("s", "a", 0.9), ("a", "b", 0.8), ("a", "c", 0.7), ("b", "t", 0.6), ("c", "t", 0.5)]);
        let way = ways(&v4, "t").expect("reached");
        assert_eq!(names(&v4, &way), ["s", "a", "b", "t"]);
        assert_eq!(way.dependencies, [0, 1, 3].map(DependencyId));
        // Both ways are equally long, so b counts wherever it is live: 0.9·0.8·0.6 of 0.5958.
        assert!(way.impaired.interval.contains(0.5958), "{way:?}");
        assert!(way.share.interval.contains(0.432 / 0.5958), "{way:?}");
    }

    #[test]
    fn the_shorter_way_comes_first() {
        let system = system(&[("s", "a", 1.0), ("a", "t", 1.0), ("s", "t", 0.4), ("t", "a", 1.0)]);
        let way = ways(&system, "t").expect("reached");
        assert_eq!(names(&system, &way), ["s", "a", "t"]);
        assert!(way.share.interval.contains(0.6), "{way:?}");
    }

    /// More ways than are told apart: those that are not cannot make the service look impaired less often.
    #[test]
    fn ways_that_are_not_told_apart_are_reached_all_the_same() {
        let width = 20;
        let name = |layer: usize, at: usize| format!("l{layer}-{at}");
        let mut arcs: Vec<(String, String, f64)> = (0..width).map(|at| ("s".to_owned(), name(0, at), 0.3)).collect();
        for layer in 1..3 {
            arcs.extend((0..width * width).map(|at| (name(layer - 1, at / width), name(layer, at % width), 0.1)));
        }
        arcs.extend((0..width).map(|at| (name(2, at), "t".to_owned(), 0.1)));
        let dense = system(&arcs.iter().map(|(to, from, p)| (to.as_str(), from.as_str(), *p)).collect::<Vec<_>>());
        let (compact, t) = (Compact::new(&dense), dense.find_service("t").expect("t"));
        let scenario = Scenario::new(&dense, &compact, &[Fault::new(FaultKind::Crash, "s")], None).expect("a scenario");
        let request = Request { trials: 8_192, seed: Seed(2), static_reach: true, ..Request::default() };
        let found = crate::propagation::simulate(&dense, &compact, &scenario, &request).expect("simulated");
        let way = commonest_ways(&dense, &compact, &scenario, &request, &[t]).expect("counted").pop().expect("reached");
        assert_eq!(way.impaired.mean, found.p_impaired(t), "the same trials");
        let told = with_run(&dense, &compact, &scenario, &request, |run| {
            let (mut reached, mut known) = (Reached::default(), BTreeMap::new());
            let node = run.plan.local(run.compact.whole_node(t)).expect("in the plan") as u32;
            for number in 0..request.trials / BATCH {
                let first = FirstCauses::of(run, &mut reached, Batch { number, lanes: BATCH });
                first.count(run.plan, node, first.all[node as usize], &mut Vec::new(), &mut known);
            }
            Ok(known)
        });
        let told = told.expect("counted");
        let (told, ways) = (told.values().sum::<u64>() as f64, told.len());
        assert_eq!(ways, MOST_WAYS, "the graph is dense enough to reach the limit");
        assert!(told < way.impaired.mean * request.trials as f64, "{told} of {way:?}");
    }

    #[test]
    fn what_is_never_reached_has_no_way_and_a_source_is_its_own() {
        let system = system(&[("s", "a", 0.0), ("b", "s", 1.0)]);
        assert_eq!(ways(&system, "a"), None);
        let own = ways(&system, "s").expect("hit");
        assert_eq!((names(&system, &own), own.share.mean), (vec!["s".to_owned()], 1.0));
    }
}
