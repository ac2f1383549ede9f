//! Circuit breakers along the timeline: opened by the flow of failures, closed by a probe after the provider is back.
//!
//! An open breaker changes how calls fail, not whether the failure crosses: delay becomes errors at once, and the provider gets
//! no calls. Its consumer stays impaired until the next probe, so up to the open time longer than the provider. On an arc of a
//! live cycle it adds no errors: an outage must not keep itself up through two breakers that wait for each other (R1).

use super::settle::seen_failing;
use super::{Event, Timeline, Trial};
use crate::model::crossing::SHORTEST_OPEN;
use crate::propagation::breaker::calls_to_open;
use crate::propagation::lane::NONE;
use crate::propagation::plan::Plan;
use crate::units::Ticks;

/// The breaker of a dependency.
#[derive(Debug)]
pub(super) struct Place {
    rule: u32,
    /// Plan node that answers.
    provider: u32,
}

/// Its state in a trial.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BreakerState {
    open: bool,
    since: Ticks,
    /// It is about to change.
    pending: bool,
    generation: u32,
}

/// All breakers of a plan, and the position of each rule's among them.
pub(super) fn places(plan: &Plan) -> (Vec<Place>, Vec<u32>) {
    let mut of_rule = vec![NONE; plan.rules.len()];
    let mut places = Vec::new();
    if plan.rules.iter().all(|rule| rule.crossing.breaker.is_none()) {
        return (places, of_rule);
    }
    for arc in 0..plan.in_source.len() {
        let rule = plan.rule(arc);
        let crossing = &plan.rules[rule as usize].crossing;
        if crossing.breaker.is_some() && !crossing.is_about_data_only() && of_rule[rule as usize] == NONE {
            of_rule[rule as usize] = places.len() as u32;
            places.push(Place { rule, provider: plan.in_source[arc] });
        }
    }
    (places, of_rule)
}

impl<'a> Trial<'a> {
    /// Does the breaker of a rule fail all calls at once?
    pub(super) fn is_open(&self, line: &Timeline<'a>, rule: u32) -> bool {
        let place = line.breaker_of_rule.get(rule as usize).copied().unwrap_or(NONE);
        self.breakers.get(place as usize).is_some_and(|state| state.open)
    }

    /// Starts and stops the timers of breakers whose provider fails or works again.
    pub(super) fn watch_breakers(&mut self, line: &Timeline<'a>) {
        for (number, place) in line.breakers.iter().enumerate() {
            let node = self.lane.index_of.get(place.provider as usize).copied().unwrap_or(NONE);
            let crossing = &line.plan.rules[place.rule as usize].crossing;
            let (true, Some(rule)) = (node != NONE, crossing.breaker) else { continue };
            let trips = calls_to_open(rule, seen_failing(crossing, self.active[node as usize]));
            let (now, state) = (self.now, &mut self.breakers[number]);
            let due = match (state.open, trips) {
                (false, Some(calls)) => {
                    Some(rule.rate.map_or(SHORTEST_OPEN, |rate| Ticks::from_minutes(calls / rate / 60.0).max(Ticks(1))))
                }
                (true, None) => {
                    // Probes go out each time it has been open for so long; the next one finds the provider well.
                    let (passed, period) = (now.saturating_sub(state.since).0, rule.open_for.0);
                    Some(Ticks(passed.div_ceil(period).max(1) * period - passed))
                }
                _ => None,
            };
            if state.pending == due.is_some() {
                continue;
            }
            state.pending = due.is_some();
            state.generation += 1;
            if let Some(wait) = due {
                let event = Event::Breaker { breaker: number as u32, generation: state.generation };
                self.after(wait, event);
            }
        }
    }

    /// A breaker opens or closes.
    pub(super) fn switch(&mut self, line: &Timeline<'a>, breaker: u32, generation: u32) {
        let (now, state) = (self.now, &mut self.breakers[breaker as usize]);
        if state.generation != generation {
            return;
        }
        *state = BreakerState { open: !state.open, since: now, pending: false, generation };
        let place = &line.breakers[breaker as usize];
        let node = self.lane.index_of[place.provider as usize];
        for at in 0..self.lane.arcs_out(node).len() {
            let arc = self.lane.arcs[self.lane.arcs_out(node)[at] as usize];
            if arc.rule == place.rule {
                self.mark_dirty(arc.target);
            }
        }
    }
}
