//! Where a fault could be contained: smallest sets of dependencies that keep a journey whole where none of them lets it through.
//!
//! The fault reaches a journey when every step of some chain of causes lets it through; gates (k-of-n) ask for several causes at
//! once. A set of dependencies is a cut set when the journey cannot be reached without them, and minimal when no part of it is one.
//! Search: take one chain that is still whole, cut each of its dependencies in turn, go on with what is left, to a depth of three.
//! Every minimal set of that size cuts each chain somewhere, so all are found. The depth grows step by step, so that where the number
//! of tries is spent all smaller sets are known, and the size up to which they are is said. Delays and severities are left out, and
//! what crosses with probability 0 is cut already.
//!
//! O(lengthᵈ · arcs) with the length of a chain and the depth d. Source: model.md §3.6; Fussell and Vesely 1972 (minimal cut sets).

use super::assessment::CutSets;
use crate::fault::Scenario;
use crate::model::compact::{REVERSED, dependency_of};
use crate::model::crossing::Crossing;
use crate::model::structure::harmed_from;
use crate::model::{Compact, System};
use crate::units::DependencyId;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Largest set that is looked for.
pub const LARGEST: usize = 3;
/// Sets that are kept of a journey.
const MOST: usize = 8;
/// Beyond so many nodes that the fault can reach, nobody reads the sets.
const MOST_NODES: usize = 2_000;
/// Cuts that are tried for one journey.
const MOST_TRIES: usize = 2_000;

/// Minimal cut sets of every journey that the fault can reach, in file order. Empty for systems too large to tell.
pub fn cut_sets(system: &System, compact: &Compact, scenario: &Scenario) -> Vec<CutSets> {
    let sources = scenario.source_nodes();
    let reached = harmed_from(compact, sources.iter().copied());
    if system.holds_probabilities_only() || reached.count_ones(..) > MOST_NODES {
        return Vec::new();
    }
    let graph = Graph { system, compact, sources, crosses: crossing_dependencies(system) };
    let of_journey = |journey: &crate::model::system::ResolvedJourney| {
        let targets: Vec<u32> = journey.needs.iter().map(|need| compact.node(*need)).collect();
        if !targets.iter().any(|target| reached.contains(*target as usize)) {
            return None;
        }
        let mut search = Search { graph: &graph, targets, found: BTreeSet::new(), depth: 0, tries: 0 };
        let is_hit_directly = search.graph.chain(&search.targets, &BTreeSet::new()).is_some_and(|chain| chain.is_empty());
        let largest = if is_hit_directly { LARGEST } else { search.deepening() };
        let mut sets = minimal(search.found);
        let more = sets.len().saturating_sub(MOST);
        sets.truncate(MOST);
        Some(CutSets { journey: journey.name.clone(), is_hit_directly, sets, more, largest, is_complete: largest == LARGEST })
    };
    system.journeys().iter().filter_map(of_journey).collect()
}

/// Dependencies over which anything can cross.
fn crossing_dependencies(system: &System) -> Vec<bool> {
    let of = |id| {
        let crossing = Crossing::of(system, id);
        crossing.propagates() && crossing.p_errors.max(crossing.p_latency).max(crossing.p_data).max(crossing.uncovered) > 0.0
    };
    system.dependency_ids().map(of).collect()
}

/// Sets that hold no other one, small ones first.
fn minimal(found: BTreeSet<Vec<DependencyId>>) -> Vec<Vec<DependencyId>> {
    let mut sets: Vec<Vec<DependencyId>> = found.into_iter().collect();
    sets.sort_by_key(Vec::len);
    let mut kept: Vec<Vec<DependencyId>> = Vec::new();
    for set in sets {
        if !kept.iter().any(|smaller| smaller.iter().all(|id| set.contains(id))) {
            kept.push(set);
        }
    }
    kept
}

struct Graph<'a> {
    system: &'a System,
    compact: &'a Compact,
    sources: Vec<u32>,
    crosses: Vec<bool>,
}

impl Graph<'_> {
    /// The dependencies of one chain of causes from the sources to a target; `None` where no target can be reached.
    fn chain(&self, targets: &[u32], cut: &BTreeSet<DependencyId>) -> Option<BTreeSet<DependencyId>> {
        let mut causes: HashMap<u32, Vec<usize>> = self.sources.iter().map(|node| (*node, Vec::new())).collect();
        let mut queue: VecDeque<u32> = self.sources.iter().copied().collect();
        while let Some(node) = queue.pop_front() {
            if targets.contains(&node) {
                return Some(self.dependencies_behind(node, &causes));
            }
            for consumer in self.compact.harmed_by(node) {
                if causes.contains_key(consumer) {
                    continue;
                }
                if let Some(arcs) = self.cause(*consumer, &causes, cut) {
                    causes.insert(*consumer, arcs);
                    queue.push_back(*consumer);
                }
            }
        }
        None
    }

    /// The arcs that harm a node, given those that are harmed: one, or as many as a gate asks for.
    fn cause(&self, node: u32, harmed: &HashMap<u32, Vec<usize>>, cut: &BTreeSet<DependencyId>) -> Option<Vec<usize>> {
        let live = |arc: &usize| {
            let is_open = |id: DependencyId| self.crosses[id.index()] && !cut.contains(&id);
            harmed.contains_key(&self.compact.in_provider[*arc])
                && dependency_of(self.compact.in_dependency[*arc]).is_none_or(is_open)
        };
        let service = self.compact.service_of(node);
        let requires = self.system.service(service).requires.as_ref();
        let requires = requires.filter(|_| self.compact.operation_nodes(service).contains(&node));
        let provider = |arc: &usize| self.compact.service_of(self.compact.in_provider[*arc]);
        let listed = |arc: &usize| -> Option<usize> {
            // Data that is written runs the other way and passes no gate.
            let is_written = self.compact.in_dependency[*arc] & REVERSED != 0;
            let name = self.system.service_name(provider(arc));
            requires.filter(|_| !is_written).and_then(|requires| requires.of.iter().position(|known| known == name))
        };
        let mut lost: HashMap<usize, usize> = HashMap::new();
        for arc in self.compact.arcs_into(node).filter(live) {
            match listed(&arc) {
                None => return Some(vec![arc]),
                Some(which) => _ = lost.entry(which).or_insert(arc),
            }
        }
        let requires = requires?;
        let tolerated = requires.of.len().saturating_sub(requires.at_least as usize);
        let mut arcs: Vec<usize> = lost.into_values().collect();
        arcs.sort_unstable();
        arcs.truncate(tolerated + 1);
        (arcs.len() > tolerated).then_some(arcs)
    }

    fn dependencies_behind(&self, target: u32, causes: &HashMap<u32, Vec<usize>>) -> BTreeSet<DependencyId> {
        let (mut found, mut seen, mut left) = (BTreeSet::new(), BTreeSet::new(), vec![target]);
        while let Some(node) = left.pop() {
            if !seen.insert(node) {
                continue;
            }
            for arc in causes.get(&node).into_iter().flatten() {
                found.extend(dependency_of(self.compact.in_dependency[*arc]));
                left.push(self.compact.in_provider[*arc]);
            }
        }
        found
    }
}

struct Search<'a> {
    graph: &'a Graph<'a>,
    targets: Vec<u32>,
    found: BTreeSet<Vec<DependencyId>>,
    /// Largest set of this round.
    depth: usize,
    tries: usize,
}

impl Search<'_> {
    /// Goes one deeper as long as there are tries. The size up to which all sets are found.
    fn deepening(&mut self) -> usize {
        for depth in 1..=LARGEST {
            self.depth = depth;
            self.cut(&mut Vec::new());
            if self.tries > MOST_TRIES {
                // What a broken round found is no more than a part of its sets: they are minimal, but not all.
                return depth - 1;
            }
        }
        LARGEST
    }

    /// Cuts one more dependency of a chain that is still whole.
    fn cut(&mut self, so_far: &mut Vec<DependencyId>) {
        self.tries += 1;
        let gone: BTreeSet<DependencyId> = so_far.iter().copied().collect();
        let Some(chain) = self.graph.chain(&self.targets, &gone) else {
            self.found.insert(gone.into_iter().collect());
            return;
        };
        if so_far.len() == self.depth {
            return;
        }
        for id in chain {
            if self.tries > MOST_TRIES {
                return;
            }
            so_far.push(id);
            self.cut(so_far);
            so_far.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{arcs, build, journey, v4};
    use super::*;
    use crate::fault::{Fault, FaultKind};
    use crate::model::draft::Draft;
    use crate::model::facts::Requires;

    fn sets(system: &System, source: &str) -> Vec<CutSets> {
        let compact = Compact::new(system);
        let scenario = Scenario::new(system, &compact, &[Fault::new(FaultKind::Crash, source)], None).expect("a scenario");
        cut_sets(system, &compact, &scenario)
    }

    fn with_journey(mut draft: Draft, needs: &str) -> System {
        draft.journeys.push(journey(needs, 10.0, 99.9));
        build(draft)
    }

    fn ids(set: &[u32]) -> Vec<DependencyId> {
        set.iter().map(|id| DependencyId(*id)).collect()
    }

    fn diamond() -> Draft {
        arcs(&[("s", "a", 0.9), ("a", "b", 0.8), ("a", "c", 0.7), ("b", "t", 0.6), ("c", "t", 0.5)])
    }

    #[test]
    fn v4_has_one_cut_of_one_and_four_of_two() {
        let found = sets(&with_journey(diamond(), "t"), "s");
        assert_eq!(found[0].sets, [ids(&[0]), ids(&[1, 2]), ids(&[1, 4]), ids(&[2, 3]), ids(&[3, 4])]);
        assert!(!found[0].is_hit_directly);
        assert!(sets(&v4(), "s").is_empty(), "no journey, no cut");
    }

    #[test]
    fn who_is_hit_cannot_be_shielded_and_what_is_not_reached_needs_no_shield() {
        let found = sets(&with_journey(diamond(), "s"), "s");
        assert!(found[0].is_hit_directly && found[0].sets.is_empty());
        assert!(sets(&with_journey(diamond(), "s"), "b").is_empty());
        let mut draft = diamond();
        draft.dependencies[3].facts.probability =
            Some(crate::model::facts::Belief { mean: crate::units::Probability::ZERO, strength: None });
        assert_eq!(sets(&with_journey(draft, "t"), "s")[0].sets, [ids(&[0]), ids(&[2]), ids(&[4])]);
    }

    #[test]
    fn gates_ask_for_several_causes() {
        // t needs one of b and c: to lose one of them is no harm, so each way alone is a cut.
        let mut draft = diamond();
        let t = draft.services.iter_mut().find(|(name, _)| name == "t").expect("t");
        t.1.requires = Some(Requires { at_least: 1, of: vec!["b".to_owned(), "c".to_owned()] });
        let found = sets(&with_journey(draft, "t"), "s");
        assert_eq!(found[0].sets, [ids(&[0]), ids(&[1]), ids(&[2]), ids(&[3]), ids(&[4])]);
    }

    /// Twelve ways of twelve steps: more than the tries of the third round, not of the second.
    #[test]
    fn small_sets_are_complete_where_the_tries_are_spent() {
        let names: Vec<String> = (0..144).map(|at| format!("n{at}")).collect();
        let mut ways: Vec<(&str, &str, f64)> = Vec::new();
        for way in names.chunks(12) {
            ways.push(("s", &way[0], 0.9));
            ways.extend(way.windows(2).map(|step| (step[0].as_str(), step[1].as_str(), 0.9)));
            ways.push((&way[11], "e", 0.9));
        }
        ways.push(("e", "t", 0.5));
        let found = sets(&with_journey(arcs(&ways), "t"), "s");
        assert_eq!(found[0].sets, [ids(&[ways.len() as u32 - 1])]);
        assert_eq!((found[0].largest, found[0].is_complete), (2, false));
        let small = sets(&with_journey(diamond(), "t"), "s");
        assert_eq!((small[0].largest, small[0].is_complete, small[0].more), (LARGEST, true, 0));
    }

    #[test]
    fn cycles_end() {
        let draft = arcs(&[("s", "a", 0.5), ("a", "b", 0.8), ("b", "c", 0.7), ("c", "a", 0.9), ("c", "t", 0.6)]);
        assert_eq!(sets(&with_journey(draft, "t"), "s")[0].sets, [ids(&[0]), ids(&[1]), ids(&[2]), ids(&[4])]);
    }
}
