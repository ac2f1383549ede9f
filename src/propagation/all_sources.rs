//! Static reach of every service as the fault at once: a mask is 512 sources in one world, not 512 worlds of one source.
//!
//! Whether a dependency lets failures through in a world does not depend on who fails, so it is drawn once for all sources: one
//! draw for an arc and 512 worlds, of which bit w is broadcast to all lanes of world w. Sources in topological order share a
//! group, so that a group starts at its first source. The worlds are those of one source at a time: the same numbers, faster.
//!
//! Where failures are plain, worlds are condensed first ([`super::condensed`]); else O(worlds × services/512 × arcs) mask operations.
//! 64 bytes an arc and thread.

use super::condensed::{Condensed, Spreading};
use super::count::{Adding, PLANES, count_at};
use super::plan::{INSIDE, Plan};
use super::reach::{Question, Reached, Worlds, is_constant};
use super::run::Request;
use super::sampling::Span;
use crate::fault::Scenario;
use crate::fault::draw::Drawn;
use crate::fault::trial::Hits;
use crate::lanes::{self, BATCH, Lanes, Machine, Mask, Work};
use crate::model::{Compact, System};
use crate::random::{Key, LANES, Threshold, batch_key, below};
use crate::statistics::batch::{BatchSums, batch_of};
use rayon::prelude::*;

/// Services up to which worlds with rules are faster for all at once than one service at a time: of many, most reach little, and one
/// at a time skips what they do not reach.
const MOST_AT_ONCE: usize = 2_048;

/// 512 sources, one a lane.
struct Group {
    /// Masks that are set when the fault strikes, by their position.
    seeds: Vec<(usize, Mask)>,
    /// Label nodes that count as impaired whatever crosses, ascending.
    sources: Vec<(u32, Mask)>,
    /// The first node that can be impaired.
    first: usize,
    /// Which scenario is in which lane.
    members: Vec<usize>,
}

/// Sums of reach over the trials of a span for each scenario, by batch; `None` where a scenario does not hit the same nodes in each
/// trial, or where one at a time is faster.
pub(super) fn reach_sums(
    system: &System,
    compact: &Compact,
    scenarios: &[Scenario],
    request: &Request<'_>,
    span: &Span,
) -> Option<Vec<BatchSums>> {
    let mut all = scenarios.first()?.without_load();
    if !scenarios.iter().all(is_constant) {
        return None;
    }
    all.incidents = scenarios.iter().flat_map(|scenario| scenario.incidents.iter().cloned()).collect();
    let plan = Plan::new(system, compact, &all, request.seed, false);
    let groups = groups(&plan, scenarios, request);
    let labels = plan.labels();
    let machine = request.machine();
    if plan.is_plain() && groups.iter().all(Group::is_plain) {
        return Some(condensed_sums(&plan, &groups, scenarios.len(), (request, span), machine));
    }
    if scenarios.len() > MOST_AT_ONCE {
        return None;
    }
    let units = span.batches.clone();
    // Few batches of worlds leave threads idle, unless each is worked on by several.
    let wanted = (rayon::current_num_threads() as u64 * 4).div_ceil((units.end - units.start).max(1));
    let chunk = groups.len().div_ceil(wanted.max(1) as usize).max(1);
    let tasks: Vec<(u64, &[Group])> = units.flat_map(|unit| groups.chunks(chunk).map(move |part| (unit, part))).collect();
    let none = || vec![BatchSums::new(); scenarios.len()];
    let sums = tasks
        .into_par_iter()
        .fold(none, |mut sums, (unit, groups)| {
            let mut worlds = AllWorlds { plan: &plan, labels: &labels, machine, total: request.trials, sums: &mut sums };
            worlds.run(unit, groups);
            if let Some(progress) = request.progress {
                let sources: usize = groups.iter().map(|group| group.members.len()).sum();
                progress((request.trials - unit * BATCH).min(BATCH) * sources as u64);
            }
            sums
        })
        .reduce(none, merged);
    Some(sums)
}

/// The same where failures are plain: 64 worlds at a time, each condensed once for all groups.
fn condensed_sums(
    plan: &Plan,
    groups: &[Group],
    scenarios: usize,
    (request, span): (&Request<'_>, &Span),
    machine: Machine,
) -> Vec<BatchSums> {
    let none = || (vec![BatchSums::new(); scenarios], Condensed::default(), Vec::new());
    let blocks = |batches: u64| (batches * (BATCH / LANES)).min(span.total.div_ceil(LANES));
    let all = (blocks(span.batches.start)..blocks(span.batches.end)).into_par_iter().fold(
        none,
        |(mut sums, mut world, mut masks), block| {
            // Drawn for 512 worlds where 64 are used: cheap beside what is done with each, and so there are eight times the tasks.
            let live = lanes::run(machine, Drawing { plan, batch: batch_key(block * LANES / BATCH) });
            // Plain arcs have one question.
            let words: Vec<u64> = live[0].iter().map(|mask| mask[(block % (BATCH / LANES)) as usize]).collect();
            drop(live);
            let mut counters = Counters::new(groups, &mut sums);
            let worlds = (request.trials - block * LANES).min(LANES);
            for number in 0..worlds {
                counters.enter(batch_of(block * LANES + number, request.trials));
                world.enter(plan, &words, number);
                for (group, planes) in groups.iter().zip(&mut counters.planes) {
                    lanes::run(machine, Spreading { world: &world, seeds: &group.seeds, masks: &mut masks, planes });
                }
            }
            counters.settle();
            if let Some(progress) = request.progress {
                progress(worlds * scenarios as u64);
            }
            (sums, world, masks)
        },
    );
    all.map(|(sums, ..)| sums).reduce(|| vec![BatchSums::new(); scenarios], merged)
}

fn merged(mut a: Vec<BatchSums>, b: Vec<BatchSums>) -> Vec<BatchSums> {
    a.iter_mut().zip(&b).for_each(|(mine, theirs)| mine.merge(theirs));
    a
}

/// How far each source reaches in the worlds since the batch of the means began that is open.
struct Counters<'a> {
    groups: &'a [Group],
    planes: Vec<[Mask; PLANES]>,
    batch: Option<usize>,
    sums: &'a mut [BatchSums],
}

impl<'a> Counters<'a> {
    fn new(groups: &'a [Group], sums: &'a mut [BatchSums]) -> Self {
        Self { groups, planes: vec![[Mask::NONE; PLANES]; groups.len()], batch: None, sums }
    }

    /// The next world is of this batch.
    fn enter(&mut self, batch: usize) {
        // Of fewer than 32 trials not every batch has one.
        if self.batch.is_some_and(|open| open != batch) {
            self.settle();
        }
        self.batch = Some(batch);
    }

    /// Adds what was counted to the batch that is open, and starts from 0.
    fn settle(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        for (group, planes) in self.groups.iter().zip(&mut self.planes) {
            for (lane, member) in group.members.iter().enumerate() {
                self.sums[*member].add(batch, count_at(planes, lane as u64));
            }
            *planes = [Mask::NONE; PLANES];
        }
    }
}

impl Group {
    /// Is everything that counts as impaired from the start also struck?
    fn is_plain(&self) -> bool {
        let struck = |node: u32| self.seeds.iter().find(|(at, _)| *at == node as usize).map_or(Mask::NONE, |(_, mask)| *mask);
        self.sources.iter().all(|(node, mask)| mask.without(struck(*node)).is_none())
    }
}

/// Cuts the scenarios into groups, in topological order of what they hit.
fn groups(plan: &Plan, scenarios: &[Scenario], request: &Request<'_>) -> Vec<Group> {
    let hits: Vec<Hits<'_>> = scenarios
        .iter()
        .map(|scenario| {
            let mut hits = Hits::default();
            hits.draw(scenario, &mut Drawn { seed: request.seed, trial: 0 });
            hits
        })
        .collect();
    // A silent fault hits nodes that are not in the plan.
    let first = |at: usize| hits[at].nodes.iter().filter_map(|node| plan.local(*node)).min().unwrap_or(plan.len());
    let mut order: Vec<(usize, usize)> = (0..scenarios.len()).map(|at| (first(at), at)).collect();
    order.sort_unstable();
    let mut reached = Reached::default();
    order
        .chunks(BATCH as usize)
        .map(|members| {
            reached.begin(plan);
            for (lane, (_, at)) in members.iter().enumerate() {
                reached.set_hits(plan, &hits[*at], lane as u64);
            }
            let masks = reached.all().0.iter().enumerate();
            let mut sources = reached.impaired_sources.clone();
            sources.sort_unstable_by_key(|(node, _)| *node);
            Group {
                seeds: masks.filter(|(_, mask)| !mask.is_none()).map(|(at, mask)| (at, *mask)).collect(),
                sources,
                first: component_start(plan, members[0].0),
                members: members.iter().map(|(_, at)| *at).collect(),
            }
        })
        .collect()
}

/// Where the component of a node starts: what one of them reaches may lie before it.
fn component_start(plan: &Plan, node: usize) -> usize {
    let at = plan.components.partition_point(|(_, end)| *end as usize <= node);
    plan.components.get(at).map_or(plan.len(), |(start, _)| *start as usize)
}

/// Every world in turn.
struct AllWorlds<'a> {
    plan: &'a Plan,
    labels: &'a [u32],
    machine: Machine,
    total: u64,
    sums: &'a mut [BatchSums],
}

impl AllWorlds<'_> {
    /// Runs a batch of 512 worlds for some groups.
    fn run(&mut self, unit: u64, groups: &[Group]) {
        let live = lanes::run(self.machine, Drawing { plan: self.plan, batch: batch_key(unit) });
        let mut reached = Reached::default();
        reached.begin(self.plan);
        let mut counters = Counters::new(groups, self.sums);
        let open = vec![vec![0; self.plan.in_source.len().div_ceil(64)]; live.len()];
        let mut world = World { open };
        for number in 0..(self.total - unit * BATCH).min(BATCH) {
            counters.enter(batch_of(unit * BATCH + number, self.total));
            world.enter(&live, number);
            for (group, planes) in groups.iter().zip(&mut counters.planes) {
                reached.strike(&group.seeds);
                reached.propagate_from(self.machine, self.plan, &world, group.first);
                let (masks, channels) = reached.all();
                let from = self.labels.partition_point(|label| (*label as usize) < group.first);
                let labels = &self.labels[from..];
                lanes::run(self.machine, Adding { masks, channels, labels, sources: &group.sources, planes });
                reached.heal_from(group.first);
            }
        }
        counters.settle();
    }
}

/// Draws the answers to all questions of all arcs for 512 worlds.
struct Drawing<'a> {
    plan: &'a Plan,
    batch: Mask,
}

impl Work for Drawing<'_> {
    /// By question and arc.
    type Output = Vec<Vec<Mask>>;

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) -> Self::Output {
        let (plan, batch) = (self.plan, V::load(machine, &self.batch));
        let all = V::splat(machine, u64::MAX);
        let arcs = plan.in_source.len();
        let mut live = vec![vec![Mask::NONE; arcs]; if plan.in_rule.is_empty() { 1 } else { Question::KINDS }];
        for (arc, key) in plan.in_key.iter().enumerate() {
            let key = *key;
            if plan.in_rule.is_empty() {
                below(machine, batch, key, plan.in_threshold.get(arc), all).store(&mut live[Question::ERRORS][arc]);
            } else if plan.rule(arc) != INSIDE {
                let rule = &plan.rules[plan.rule(arc) as usize];
                below(machine, batch, key, rule.errors, all).store(&mut live[Question::ERRORS][arc]);
                below(machine, batch, key, rule.latency, all).store(&mut live[Question::LATENCY][arc]);
                below(machine, batch, key, rule.data, all).store(&mut live[Question::DATA][arc]);
                if let Some((key, threshold)) = rule.validator {
                    below(machine, batch, key, threshold, all).store(&mut live[Question::VALIDATOR][arc]);
                }
            }
        }
        live
    }
}

/// One world: for each kind of question, a bit for each arc.
struct World {
    open: Vec<Vec<u64>>,
}

impl World {
    /// Takes the bits of a world out of 512.
    fn enter(&mut self, live: &[Vec<Mask>], number: u64) {
        let (word, bit) = ((number / LANES) as usize, number % LANES);
        for (open, live) in self.open.iter_mut().zip(live) {
            for (open, live) in open.iter_mut().zip(live.chunks(64)) {
                *open = live.iter().enumerate().fold(0, |open, (arc, mask)| open | (mask[word] >> bit & 1) << arc);
            }
        }
    }
}

impl Worlds for World {
    #[inline(always)]
    fn ask<V: Lanes>(&self, machine: V::Machine, question: Question, _: Key, _: Threshold, need: V) -> V {
        let open = self.open[question.of][question.arc / 64] >> (question.arc % 64) & 1;
        need.and(V::splat(machine, open.wrapping_neg()))
    }
}
