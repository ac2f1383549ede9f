//! Coming back: startup dependencies and their deadlocks, restore tails, clean-up of wrong data.
//!
//! A crashed service comes up when its cause is repaired and every live startup provider serves. Services that wait for each
//! other in a circle are started by hand after a while (model.md §2.5, R2).

use super::{Event, Timeline, Trial};
use crate::fault::draw::Choose;
use crate::model::DurationLaw;
use crate::propagation::lane::{NONE, is_inside};
use crate::propagation::transfer::DOWN_SHARE;
use crate::random::Purpose;
use crate::units::{Severity, Ticks};
use std::collections::HashMap;

impl<'a> Trial<'a> {
    /// The cause at a hit is gone.
    pub(super) fn repaired(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        self.cause_ends(line, hit, choose);
        self.release_responder(line, self.hits.hits[hit as usize].incident, choose);
    }

    fn cause_ends(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let incident = &line.scenario.incidents[self.hits.hits[hit as usize].incident];
        let state = &mut self.hit_states[hit as usize];
        if state.ended {
            return;
        }
        state.ended = true;
        if !state.begun || state.taken_over {
            return;
        }
        if incident.kind.crashes() {
            self.hit_states[hit as usize].waiting = true;
        } else {
            self.up(line, hit, choose);
        }
    }

    /// A service has started; a stand-by may have been faster.
    pub(super) fn started(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        if self.hit_states[hit as usize].starting {
            self.up(line, hit, choose);
        }
    }

    /// A hit harms no longer.
    pub(super) fn up(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let state = &mut self.hit_states[hit as usize];
        (state.active, state.starting, state.over) = (false, false, Some(self.now));
        if line.scenario.incidents[self.hits.hits[hit as usize].incident].harm == crate::fault::scenario::Harm::Silent {
            return;
        }
        let law = self.hits.hits[hit as usize].member.restore_tail;
        for at in self.nodes_of_hit(hit) {
            let node = self.record.hit_nodes[at];
            self.mark_dirty(node);
            let last = &mut self.last_ended[node as usize];
            // Of faults that end together the longer tail counts.
            let same_time = last.filter(|(when, _)| *when == self.now).map(|(_, other)| other);
            *last = Some((self.now, same_time.map_or(law, |other| longer(law, other))));
        }
        // The fault alone makes the service count as impaired until its tail is over (semantics 2).
        let tail = match self.nodes_of_hit(hit).next() {
            Some(at) => self.tail_time(line, self.record.hit_nodes[at], law, choose),
            None => Ticks::ZERO,
        };
        if tail == Ticks::ZERO { self.release(hit) } else { self.after(tail, Event::Release { hit }) }
    }

    pub(super) fn release(&mut self, hit: u32) {
        let forced = u32::from(self.hits.hits[hit as usize].is_source);
        for at in self.nodes_of_hit(hit) {
            let node = self.record.hit_nodes[at];
            self.forced[node as usize] -= forced;
            self.mark_changed(node);
        }
    }

    fn tail_time(&self, line: &Timeline<'a>, node: u32, law: DurationLaw, choose: &mut impl Choose) -> Ticks {
        let local = self.lane.nodes[node as usize];
        choose.duration(Purpose::RestoreTail, line.names[local as usize], law, &|| "restore tail".into())
    }

    /// Restore tail that begins at a node: of the fault that ended there last, where that states one, else of the service.
    fn take_tail_law(&mut self, line: &Timeline<'a>, node: u32) -> DurationLaw {
        let of_service = || line.tails.get(&self.lane.nodes[node as usize]).copied().unwrap_or(DurationLaw::ZERO);
        self.last_ended[node as usize].take().map_or_else(of_service, |(_, law)| law)
    }

    /// Lets crashed services come up whose startup providers serve; finds deadlocks.
    pub(super) fn follow_recovery(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        if !self.hit_states.iter().any(|state| state.waiting) {
            return;
        }
        for hit in 0..self.hit_states.len() as u32 {
            if self.hit_states[hit as usize].waiting && self.blockers(line, hit, choose).is_empty() {
                self.start(line, hit, choose);
            }
        }
        for circle in self.deadlocked(line, choose) {
            if circle.iter().any(|hit| self.hit_states[*hit as usize].bootstrapping.is_some()) {
                continue;
            }
            // The circle is up when the slowest of its faults lets it; of one length, by name, not by their order.
            let incidents = circle.iter().map(|hit| &line.scenario.incidents[self.hits.hits[*hit as usize].incident]);
            let law = incidents.clone().map(|incident| incident.bootstrap).fold(DurationLaw::ZERO, longer);
            let name = incidents.filter(|incident| incident.bootstrap == law).map(|incident| incident.name).min();
            let what = || "start of services that wait for each other".into();
            let wait = choose.duration(Purpose::Bootstrap, name.unwrap_or_default(), law, &what);
            for hit in &circle {
                self.hit_states[*hit as usize].bootstrapping = Some(circle[0]);
            }
            self.after(wait, Event::Bootstrap { hit: circle[0] });
        }
    }

    fn start(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let member = self.hits.hits[hit as usize].member;
        let state = &mut self.hit_states[hit as usize];
        state.waiting = false;
        state.starting = true;
        let wait = choose.duration(Purpose::ColdStart, member.name, member.cold_start, &|| "cold start".into());
        if wait == Ticks::ZERO { self.up(line, hit, choose) } else { self.after(wait, Event::Up { hit }) }
    }

    /// Lane nodes of live startup providers that do not serve.
    fn blockers(&self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) -> Vec<u32> {
        let service = self.hits.hits[hit as usize].member.service;
        let Some(needs) = line.startup.get(&service) else { return Vec::new() };
        let mut blockers = Vec::new();
        for need in needs {
            let node = self.lane.index_of.get(need.node as usize).copied().unwrap_or(NONE);
            if node != NONE && self.is_down(node) && self.crosses(choose, need) {
                blockers.push(node);
            }
        }
        blockers
    }

    fn crosses(&self, choose: &mut impl Choose, need: &super::StartupNeed) -> bool {
        // Startup entries are drawn through `chance`, on the entry's own key.
        choose.chance(Purpose::Crossing, need.name, need.probability)
    }

    fn is_down(&self, node: u32) -> bool {
        self.active[node as usize].errors.share() >= DOWN_SHARE
    }

    /// Is a monitor at this node unable to notice anything?
    pub(super) fn is_unfit(&self, node: u32) -> bool {
        self.is_down(node) || self.active[node as usize].is_corrupt()
    }

    /// Circles of waiting hits that nothing but a start by hand can free.
    fn deadlocked(&self, line: &Timeline<'a>, choose: &mut impl Choose) -> Vec<Vec<u32>> {
        let waiting: Vec<u32> = (0..self.hit_states.len() as u32).filter(|hit| self.hit_states[*hit as usize].waiting).collect();
        let blocked: Vec<(u32, Vec<u32>, bool)> = waiting
            .iter()
            .map(|hit| {
                let blockers = self.blockers(line, *hit, choose);
                let (causes, hope) = self.causes(&blockers);
                (*hit, causes, hope)
            })
            .collect();
        let causes_of = |hit: u32| blocked.iter().find(|(known, ..)| *known == hit);
        // What each hit waits for, over any number of steps, where nothing of it may come back by itself.
        let mut hopeless: Vec<(u32, Vec<u32>)> = Vec::new();
        for (hit, causes, own_hope) in &blocked {
            let (mut seen, mut stack, mut hope) = (Vec::new(), causes.clone(), *own_hope);
            while let Some(next) = stack.pop() {
                if !seen.contains(&next) {
                    seen.push(next);
                    if let Some((_, further, has_hope)) = causes_of(next) {
                        hope |= has_hope;
                        stack.extend(further);
                    }
                }
            }
            if seen.contains(hit) && !hope {
                hopeless.push((*hit, seen));
            }
        }
        let mut circles: Vec<Vec<u32>> = Vec::new();
        for (hit, waits_for) in &hopeless {
            if !circles.iter().flatten().any(|known| known == hit) {
                let mutual = |(other, back): &&(u32, Vec<u32>)| waits_for.contains(other) && back.contains(hit);
                circles.push(hopeless.iter().filter(mutual).map(|(other, _)| *other).collect());
            }
        }
        circles
    }

    /// Waiting hits behind nodes that do not serve, and whether one of them may still come back by itself.
    fn causes(&self, blockers: &[u32]) -> (Vec<u32>, bool) {
        let (mut causes, mut hope) = (Vec::new(), false);
        let mut seen = Vec::new();
        let mut stack = blockers.to_vec();
        while let Some(node) = stack.pop() {
            if seen.contains(&node) {
                continue;
            }
            seen.push(node);
            for hit in self.hits_at(node) {
                let state = &self.hit_states[hit as usize];
                if state.waiting {
                    causes.push(hit);
                } else if state.active {
                    hope = true;
                }
            }
            for at in self.lane.arcs_into(node) {
                let source = self.lane.arcs[at].source;
                if self.active[source as usize].errors > Severity::NONE {
                    stack.push(source);
                }
            }
        }
        (causes, hope)
    }

    /// Starts the services of a circle by hand, where they still wait for each other.
    pub(super) fn bootstrap(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let circles = self.deadlocked(line, choose);
        match circles.into_iter().find(|circle| circle.contains(&hit)) {
            Some(circle) => circle.into_iter().for_each(|hit| self.start(line, hit, choose)),
            // Something else has freed it or gives hope; should that not come true, people wait anew.
            None => {
                let of_circle = self.hit_states.iter_mut().filter(|state| state.bootstrapping == Some(hit));
                of_circle.for_each(|state| state.bootstrapping = None);
            }
        }
    }

    /// Begins and cancels the tail and the clean-up of a node whose active state changed.
    pub(super) fn follow_tail(&mut self, line: &Timeline<'a>, node: u32, choose: &mut impl Choose) {
        let at = node as usize;
        let (before, after) = (self.prior[at], self.active[at]);
        if after.is_impaired() {
            self.tail[at] = None;
            self.tail_generation[at] += 1;
        } else if before.is_impaired() {
            let backlog = self.drain_until[at].saturating_sub(self.now);
            let law = self.take_tail_law(line, node);
            let wait = self.tail_time(line, node, law, choose).max(backlog);
            if wait > Ticks::ZERO {
                self.tail[at] = Some(before);
                self.tail_generation[at] += 1;
                self.after(wait, Event::TailEnd { node, generation: self.tail_generation[at] });
            }
        }
        if after.is_corrupt() {
            self.unclean[at] = Severity::NONE;
            self.cleaning[at] = false;
            self.clean_generation[at] += 1;
        } else if before.is_corrupt() {
            self.clean_up[at] = self.clean_up_law(line, node);
            if self.clean_up[at] != DurationLaw::ZERO {
                self.unclean[at] = before.wrong;
            }
        }
    }

    pub(super) fn tail_end(&mut self, node: u32, generation: u32) {
        if self.tail_generation[node as usize] == generation {
            self.tail[node as usize] = None;
            self.mark_changed(node);
        }
    }

    /// Starts the clean-up of nodes whose providers are all clean, upstream first (model.md §2.5).
    pub(super) fn start_cleaning(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        // All nodes of a cycle have the same answer.
        let mut kept: HashMap<u32, bool> = HashMap::new();
        for node in 0..self.unclean.len() as u32 {
            if self.unclean[node as usize] == Severity::NONE || self.cleaning[node as usize] {
                continue;
            }
            let is_kept = match self.lane.data_cycle(node) {
                Some(cycle) => *kept.entry(cycle).or_insert_with(|| self.has_unclean_provider(line, node)),
                None => self.has_unclean_provider(line, node),
            };
            if is_kept {
                continue;
            }
            self.cleaning[node as usize] = true;
            self.clean_generation[node as usize] += 1;
            let name = line.names[self.lane.nodes[node as usize] as usize];
            let law = self.clean_up[node as usize];
            let wait = choose.duration(Purpose::CleanUp, name, law, &|| "clean-up of wrong data".into());
            self.after(wait, Event::Clean { node, generation: self.clean_generation[node as usize] });
        }
    }

    /// Clean-up law of a node that was corrupt: the longest of the faults whose wrong data came to it.
    fn clean_up_law(&self, line: &Timeline<'a>, node: u32) -> DurationLaw {
        let law_of = |hit: &u32| line.scenario.incidents[self.hits.hits[*hit as usize].incident].clean_up;
        let mut law = DurationLaw::ZERO;
        if line.scenario.incidents.iter().all(|incident| incident.clean_up == DurationLaw::ZERO) {
            return law;
        }
        let (mut seen, mut stack) = (vec![node], vec![node]);
        while let Some(node) = stack.pop() {
            let wrong = |hit: &u32| {
                let state = &self.hit_states[*hit as usize];
                let is_cleaned = state.over.is_some_and(|over| self.cleaned_at[node as usize].is_some_and(|at| over < at));
                state.begun && !is_cleaned && self.hits.hits[*hit as usize].wrong > 0.0
            };
            law = self.hits_at(node).filter(wrong).map(|hit| law_of(&hit)).fold(law, longer);
            for at in self.lane.arcs_into(node) {
                let arc = &self.lane.arcs[at];
                if (self.infected[at] || is_inside(line.plan, arc)) && !seen.contains(&arc.source) {
                    seen.push(arc.source);
                    stack.push(arc.source);
                }
            }
        }
        law
    }

    /// Hits of a lane node.
    pub(super) fn hits_at(&self, node: u32) -> impl Iterator<Item = u32> {
        let first = self.node_hits.partition_point(|(known, _)| *known < node);
        self.node_hits[first..].iter().take_while(move |(known, _)| *known == node).map(|(_, hit)| *hit)
    }

    /// Does wrong data of a provider keep a node from its clean-up? Services whose wrong data go round a cycle are cleaned together,
    /// when nothing wrong comes to any of them.
    fn has_unclean_provider(&self, line: &Timeline<'a>, node: u32) -> bool {
        self.lane.data_cycle_of(node).any(|member| {
            self.lane.arcs_into(member).filter(|at| self.infected[*at]).any(|at| {
                let arc = &self.lane.arcs[at];
                let provider = arc.source as usize;
                let waits = self.unclean[provider] > Severity::NONE && !self.lane.same_data_cycle(arc.source, member);
                (waits || self.active[provider].is_corrupt()) && !is_inside(line.plan, arc)
            })
        })
    }

    pub(super) fn cleaned(&mut self, node: u32, generation: u32) {
        if self.clean_generation[node as usize] == generation {
            self.unclean[node as usize] = Severity::NONE;
            self.cleaning[node as usize] = false;
            self.cleaned_at[node as usize] = Some(self.now);
            for at in self.lane.arcs_into(node) {
                self.infected[at] = false;
            }
            self.mark_changed(node);
        }
    }
}

/// The law of the longer mean. Of two with one mean, that with the shorter median: an order among all laws, so that the faults' own
/// does not count.
fn longer(one: DurationLaw, other: DurationLaw) -> DurationLaw {
    let key = |law: DurationLaw| (law.mean_minutes(), -law.at_deviate(0.0).minutes());
    if key(other) > key(one) { other } else { one }
}
