//! An incident from onset to repair: exposure, detection, stages.

use super::{Event, HitState, IncidentState, Timeline, Trial};
use crate::fault::catalogue::FaultKind;
use crate::fault::draw::{Choose, nth};
use crate::fault::exposure::Exposed;
use crate::fault::scenario::{Harm, Incident, Loop};
use crate::propagation::lane::NONE;
use crate::random::Purpose;
use crate::units::Ticks;

/// Attempts to repair after which a trial gives up being wrong: far beyond any horizon.
const MOST_ATTEMPTS: usize = 1_000;

impl<'a> Trial<'a> {
    /// Puts the onsets of all hits into the queue.
    pub(super) fn schedule_onsets(&mut self, line: &Timeline<'a>) {
        self.hit_states.clear();
        self.node_hits.clear();
        for at in 0..self.hits.hits.len() {
            let hit = self.hits.hits[at];
            let start = self.node_hits.len() as u32;
            for position in hit.nodes.0..hit.nodes.1 {
                let node = line
                    .plan
                    .local(self.hits.nodes[position])
                    .map_or(NONE, |local| self.lane.index_of.get(local).copied().unwrap_or(NONE));
                if node != NONE {
                    self.node_hits.push((node, at as u32));
                }
            }
            let onset = line.scenario.incidents[hit.incident].at.saturating_add(hit.member.offset);
            self.hit_states.push(HitState { scale: 1.0, nodes: (start, self.node_hits.len() as u32), ..HitState::default() });
            self.at(onset, Event::Onset { hit: at as u32 });
        }
        // `own` looks hits up by node; `nodes_of_hit` keeps the order of the hits.
        self.record.hit_nodes.clear();
        self.record.hit_nodes.extend(self.node_hits.iter().map(|(node, _)| *node));
        self.node_hits.sort_unstable();
    }

    /// Lane nodes of a hit.
    pub(super) fn nodes_of_hit(&self, hit: u32) -> std::ops::Range<usize> {
        let (start, end) = self.hit_states[hit as usize].nodes;
        start as usize..end as usize
    }

    pub(super) fn onset(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let drawn = self.hits.hits[hit as usize];
        let incident = &line.scenario.incidents[drawn.incident];
        // A deploy wave that comes after detection, by people or by a canary, is not rolled out.
        let IncidentState { noticed, caught, .. } = self.incident_states[drawn.incident];
        if (noticed || caught.is_some_and(|caught| caught <= self.now)) && drawn.member.offset > Ticks::ZERO {
            return;
        }
        let exposed = exposure(incident, &drawn, line.scenario.horizon, choose);
        if !self.incident_states[drawn.incident].begun {
            self.incident_states[drawn.incident].begun = true;
            self.schedule_detection(line, drawn.incident, &exposed, choose);
        }
        for (step, (wait, _)) in exposed.steps.iter().enumerate().skip(1) {
            self.after(*wait, Event::Step { hit, step: step as u32 });
        }
        if let Some(caught) = exposed.caught_until {
            self.after(caught, Event::Repaired { hit });
            let until = &mut self.incident_states[drawn.incident].caught;
            let taken_back = self.now.saturating_add(caught);
            *until = Some(until.map_or(taken_back, |known| known.min(taken_back)));
        }
        let state = &mut self.hit_states[hit as usize];
        state.begun = true;
        state.active = true;
        state.scale = exposed.steps[0].1;
        state.steps = exposed.steps;
        if incident.harm != Harm::Silent {
            let forced = u32::from(drawn.is_source);
            for at in self.nodes_of_hit(hit) {
                let node = self.record.hit_nodes[at];
                self.forced[node as usize] += forced;
                self.mark_dirty(node);
                self.mark_changed(node);
            }
        }
    }

    /// Puts every way the incident can be noticed into the queue; the earliest that works wins (semantics 14).
    fn schedule_detection(&mut self, line: &Timeline<'a>, at: usize, exposed: &Exposed, choose: &mut impl Choose) {
        let incident = &line.scenario.incidents[at];
        let name = incident.name;
        if exposed.caught_until.is_some() || incident.kind == FaultKind::FalseAllClear {
            return;
        }
        if let Harm::Loop(growth) = incident.harm {
            if let Some(stated) = incident.members[0].detect {
                let wait = choose.duration(Purpose::Detection, name, stated, &|| what("time to detection", incident));
                self.after(wait, Event::Notice { incident: at as u32, watcher: NONE });
            } else if let Some(wait) = growth.noticed_after(line.scenario.horizon) {
                self.after(wait, Event::Notice { incident: at as u32, watcher: NONE });
            }
            return;
        }
        // All hits of an incident are one incident: the earliest detection at any of them, on one shared deviate.
        // Each hit is there to be seen from its own wave on.
        let seen = |hit: &crate::fault::trial::Hit<'_>, wait: Ticks| {
            incident.at.saturating_add(hit.member.offset).saturating_add(exposed.detection_from).saturating_add(wait)
        };
        let mut notices = Vec::new();
        let hits = || self.hits.hits.iter().filter(|hit| hit.incident == at);
        let usual = hits().map(|hit| {
            let law = hit.member.detect.unwrap_or_else(|| incident.kind.detection());
            let wait = choose.duration(Purpose::Detection, name, law, &|| what("time to detection", incident));
            seen(hit, slowed(wait, line.scenario.slowness))
        });
        notices.extend(usual.min().map(|due| (due, NONE)));
        let is_unstated = hits().any(|hit| hit.member.detect.is_none());
        for (number, watcher) in incident.watchers.iter().enumerate().filter(|_| is_unstated) {
            let first = hits().filter(|hit| hit.member.service == watcher.watched).min_by_key(|hit| hit.member.offset);
            let Some(first) = first.filter(|_| choose.chance(Purpose::Crossing, watcher.name, watcher.p_works)) else { continue };
            let wait =
                choose.duration(Purpose::Detection, watcher.name, watcher.law, &|| what("detection by a monitor", incident));
            notices.push((seen(first, wait), number as u32));
        }
        for (due, watcher) in notices {
            self.at(due.max(self.now), Event::Notice { incident: at as u32, watcher });
        }
    }

    pub(super) fn step(&mut self, line: &Timeline<'a>, hit: u32, step: u32) {
        let incident = self.hits.hits[hit as usize].incident;
        let grows_unseen = matches!(line.scenario.incidents[incident].harm, Harm::Loop(_));
        let state = &mut self.hit_states[hit as usize];
        // Once somebody has noticed, no further share is exposed; a poisoned loop goes on growing until its reset.
        if !state.active || state.ended || (self.incident_states[incident].noticed && !grows_unseen) {
            return;
        }
        state.scale = state.steps[step as usize].1;
        for at in self.nodes_of_hit(hit) {
            self.mark_dirty(self.record.hit_nodes[at]);
        }
    }

    pub(super) fn notice(&mut self, line: &Timeline<'a>, at: u32, watcher: u32, choose: &mut impl Choose) {
        let incident = &line.scenario.incidents[at as usize];
        if self.incident_states[at as usize].noticed || (watcher != NONE && self.is_blind(line, incident, watcher)) {
            return;
        }
        self.incident_states[at as usize].noticed = true;
        self.respond(line, at as usize, choose);
    }

    /// Is the monitor itself hit, down or corrupt?
    fn is_blind(&self, line: &Timeline<'a>, incident: &Incident, watcher: u32) -> bool {
        let monitor = incident.watchers[watcher as usize].monitor;
        let hit = self
            .hits
            .hits
            .iter()
            .zip(&self.hit_states)
            .any(|(hit, state)| hit.is_source && hit.member.service == monitor && state.active);
        hit || line.plan.services.iter().enumerate().any(|(node, service)| {
            let lane = self.lane.index_of.get(node).copied().unwrap_or(NONE);
            *service == monitor && lane != NONE && self.is_unfit(lane)
        })
    }
}

pub(super) fn slowed(wait: Ticks, slowness: f64) -> Ticks {
    if slowness == 1.0 { wait } else { Ticks::from_minutes(wait.minutes() * slowness) }
}

/// Time from the beginning of work to the end of the cause; wrong fixes repeat the stages. The first of several stages is the
/// diagnosis, which fewer people take longer for; a single stage does not say how much of it is diagnosis.
pub(super) fn repair_time(
    incident: &Incident,
    stages: &[crate::model::DurationLaw],
    slowness: f64,
    choose: &mut impl Choose,
) -> Ticks {
    let mut total = Ticks::ZERO;
    for attempt in 0..MOST_ATTEMPTS {
        for (number, law) in stages.iter().enumerate() {
            let name = nth(incident.name, attempt * 16 + number);
            let wait = choose.duration(Purpose::Repair, name, *law, &|| what("time to repair", incident));
            let is_diagnosis = stages.len() > 1 && number == 0;
            total = total.saturating_add(if is_diagnosis { slowed(wait, slowness) } else { wait });
        }
        if incident.wrong_fix <= 0.0 || !choose.chance(Purpose::Repair, nth(!incident.name, attempt), incident.wrong_fix) {
            break;
        }
    }
    total
}

fn exposure(incident: &Incident, hit: &crate::fault::trial::Hit<'_>, horizon: Ticks, choose: &mut impl Choose) -> Exposed {
    if let Harm::Loop(growth) = incident.harm {
        return Exposed { steps: growth.steps(horizon), ..Exposed::fully() };
    }
    // Every request of a slow canary is slow; wrong data shows on no counter.
    let seen = if hit.latency > 1.0 { 1.0 } else { hit.errors };
    match &incident.exposure {
        Some(exposure) => exposure.draw(seen, incident.name, choose),
        None => Exposed::fully(),
    }
}

fn what(stage: &str, incident: &Incident) -> String {
    format!("{stage} of {}", incident.label)
}

impl Loop {
    /// (time, share of wrong output) at the start and after each cycle.
    fn steps(&self, horizon: Ticks) -> Vec<(Ticks, f64)> {
        let mut share = self.initial;
        let mut steps = vec![(Ticks::ZERO, share)];
        for cycle in 1..=horizon.0 / self.cycle.0.max(1) {
            let next = (self.floor + self.gain * share).min(1.0);
            if next == share {
                break;
            }
            share = next;
            steps.push((Ticks(self.cycle.0 * cycle), share));
        }
        steps
    }

    /// When the share first exceeds the threshold; `None` if never within the horizon.
    fn noticed_after(&self, horizon: Ticks) -> Option<Ticks> {
        self.steps(horizon).into_iter().find(|(_, share)| *share > self.threshold).map(|(time, _)| time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_loop_is_noticed_at_the_ninth_cycle() {
        let day = Ticks::from_days(1);
        let growing = Loop { initial: 0.02, gain: 1.3, floor: 0.0, cycle: day, threshold: 0.2 };
        assert_eq!(growing.noticed_after(Ticks::from_days(30)), Some(Ticks::from_days(9)));
        let share = growing.steps(Ticks::from_days(30))[9].1;
        assert!((share - 0.212_1).abs() < 5e-5, "{share}");
        let shrinking = Loop { gain: 0.7, floor: 0.01, ..growing };
        assert_eq!(shrinking.noticed_after(Ticks::from_days(30)), None);
        let last = shrinking.steps(Ticks::from_days(60)).pop().map(|(_, share)| share);
        assert!(last.is_some_and(|share| (share - 0.033_3).abs() < 1e-4), "{last:?}");
    }
}
