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

    /// A hit harms no longer.
    pub(super) fn up(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let state = &mut self.hit_states[hit as usize];
        state.active = false;
        state.starting = false;
        if line.scenario.incidents[self.hits.hits[hit as usize].incident].harm == crate::fault::scenario::Harm::Silent {
            return;
        }
        for at in self.nodes_of_hit(hit) {
            self.mark_dirty(self.record.hit_nodes[at]);
        }
        // The fault alone makes the service count as impaired until its tail is over (semantics 2).
        let tail = match self.nodes_of_hit(hit).next() {
            Some(at) => self.tail_time(line, self.record.hit_nodes[at], choose),
            None => Ticks::ZERO,
        };
        if tail == Ticks::ZERO { self.release(hit) } else { self.after(tail, Event::Release { hit }) }
    }

    pub(super) fn release(&mut self, hit: u32) {
        for at in self.nodes_of_hit(hit) {
            let node = self.record.hit_nodes[at];
            self.forced[node as usize] -= 1;
            self.mark_changed(node);
        }
    }

    /// Restore tail of a node: of the fault where it states one, else of the service.
    fn tail_time(&self, line: &Timeline<'a>, node: u32, choose: &mut impl Choose) -> Ticks {
        let local = self.lane.nodes[node as usize];
        let first = self.node_hits.partition_point(|(known, _)| *known < node);
        let law = match self.node_hits.get(first) {
            Some((known, hit)) if *known == node => self.hits.hits[*hit as usize].member.restore_tail,
            _ => line.tails.get(&local).copied().unwrap_or(DurationLaw::ZERO),
        };
        choose.duration(Purpose::RestoreTail, line.names[local as usize], law, &|| "restore tail".into())
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
        if self.deadlocked(line, choose).is_empty() {
            return;
        }
        for hit in 0..self.hit_states.len() {
            let incident = self.hits.hits[hit].incident;
            if self.hit_states[hit].waiting && !self.incident_states[incident].bootstrapping {
                self.incident_states[incident].bootstrapping = true;
                let law = line.scenario.incidents[incident].bootstrap;
                let name = line.scenario.incidents[incident].name;
                let wait =
                    choose.duration(Purpose::Bootstrap, name, law, &|| "start of services that wait for each other".into());
                self.after(wait, Event::Bootstrap);
                break;
            }
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

    /// Waiting hits that nothing but a start by hand can free, and that lie on a circle of waiting.
    fn deadlocked(&self, line: &Timeline<'a>, choose: &mut impl Choose) -> Vec<u32> {
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
        let mut deadlocked = Vec::new();
        for (hit, causes, _) in &blocked {
            let (mut seen, mut stack, mut hope, mut circle) = (Vec::new(), causes.clone(), false, false);
            while let Some(next) = stack.pop() {
                circle |= next == *hit;
                if !seen.contains(&next) {
                    seen.push(next);
                    if let Some((_, further, has_hope)) = causes_of(next) {
                        hope |= has_hope;
                        stack.extend(further);
                    }
                }
            }
            let own_hope = causes_of(*hit).is_some_and(|(.., hope)| *hope);
            if circle && !hope && !own_hope {
                deadlocked.push(*hit);
            }
        }
        deadlocked
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
            let first = self.node_hits.partition_point(|(known, _)| *known < node);
            for (_, hit) in self.node_hits[first..].iter().take_while(|(known, _)| *known == node) {
                let state = &self.hit_states[*hit as usize];
                if state.waiting {
                    causes.push(*hit);
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

    /// Starts deadlocked services by hand.
    pub(super) fn bootstrap(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        for state in &mut self.incident_states {
            state.bootstrapping = false;
        }
        for hit in self.deadlocked(line, choose) {
            self.start(line, hit, choose);
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
            let wait = self.tail_time(line, node, choose).max(backlog);
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
        } else if before.is_corrupt() && clean_up(line) != DurationLaw::ZERO {
            self.unclean[at] = before.wrong;
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
        for node in 0..self.unclean.len() as u32 {
            if self.unclean[node as usize] == Severity::NONE
                || self.cleaning[node as usize]
                || self.has_unclean_provider(line, node)
            {
                continue;
            }
            self.cleaning[node as usize] = true;
            self.clean_generation[node as usize] += 1;
            let name = line.names[self.lane.nodes[node as usize] as usize];
            let wait = choose.duration(Purpose::CleanUp, name, clean_up(line), &|| "clean-up of wrong data".into());
            self.after(wait, Event::Clean { node, generation: self.clean_generation[node as usize] });
        }
    }

    fn has_unclean_provider(&self, line: &Timeline<'a>, node: u32) -> bool {
        self.lane.arcs_into(node).any(|at| {
            let arc = &self.lane.arcs[at];
            let provider = arc.source as usize;
            let dirty = self.unclean[provider] > Severity::NONE || self.active[provider].is_corrupt();
            self.infected[at] && dirty && !is_inside(line.plan, arc) && !self.lane.same_cycle(arc.source, node)
        })
    }

    pub(super) fn cleaned(&mut self, node: u32, generation: u32) {
        if self.clean_generation[node as usize] == generation {
            self.unclean[node as usize] = Severity::NONE;
            self.cleaning[node as usize] = false;
            self.mark_changed(node);
        }
    }
}

/// The clean-up law of a scenario: the first incident that needs any.
fn clean_up(line: &Timeline<'_>) -> DurationLaw {
    let laws = line.scenario.incidents.iter().map(|incident| incident.clean_up);
    laws.into_iter().find(|law| *law != DurationLaw::ZERO).unwrap_or(DurationLaw::ZERO)
}
