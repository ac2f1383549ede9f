//! People: who works on which incident, and what they learn from users and dependents.
//!
//! A responder takes one incident from its detection to the end of its cause; where all are busy, incidents wait in the order of
//! their detection, those detected at the same time in the order of the faults. Stand-bys and automatic roll-backs need nobody.

use super::{Event, Timeline, Trial};
use crate::fault::FaultKind;
use crate::fault::draw::{Choose, nth};
use crate::fault::scenario::Harm;
use crate::random::Purpose;
use crate::units::Ticks;

/// Reports of users that are enough to notice an incident, and the share of failed users who report (model.md §1.2; elicited).
pub(super) const REPORTS: f64 = 50.0;
pub(super) const REPORTING_SHARE: f64 = 1e-3;
/// Rounding of integrals must not put a detection off.
const ALMOST: f64 = 1.0 - 1e-9;

impl<'a> Trial<'a> {
    /// An incident is noticed: stand-bys take over, and somebody begins to work on it.
    pub(super) fn respond(&mut self, line: &Timeline<'a>, incident: usize, choose: &mut impl Choose) {
        for hit in 0..self.hits.hits.len() {
            let drawn = self.hits.hits[hit];
            if drawn.incident == incident
                && self.hit_states[hit].active
                && let Some((after, works)) = drawn.member.failover
                && choose.chance(Purpose::Repair, nth(!drawn.member.name, 1), works)
            {
                self.after(after, Event::TakeOver { hit: hit as u32 });
            }
        }
        match &mut self.free {
            Some(0) => self.lined_up.push_back(incident),
            Some(free) => {
                *free -= 1;
                self.engage(line, incident, choose);
            }
            None => self.engage(line, incident, choose),
        }
    }

    fn engage(&mut self, line: &Timeline<'a>, incident: usize, choose: &mut impl Choose) {
        self.incident_states[incident].engaged = true;
        for hit in 0..self.hits.hits.len() {
            let drawn = self.hits.hits[hit];
            if drawn.incident == incident && !self.hit_states[hit].ended {
                let slowness = line.scenario.slowness;
                let facts = &line.scenario.incidents[incident];
                let wait = super::incident::repair_time(facts, &drawn.member.stages, slowness, choose);
                self.after(wait, Event::Repaired { hit: hit as u32 });
            }
        }
    }

    fn is_over(&self, incident: usize) -> bool {
        self.hits.hits.iter().zip(&self.hit_states).all(|(hit, state)| hit.incident != incident || state.ended)
    }

    /// Sends responders whose incident is over to the next one in line.
    pub(super) fn release_responder(&mut self, line: &Timeline<'a>, incident: usize, choose: &mut impl Choose) {
        if !self.incident_states[incident].engaged || !self.is_over(incident) {
            return;
        }
        self.incident_states[incident].engaged = false;
        if self.free.is_none() {
            return;
        }
        let next = loop {
            match self.lined_up.pop_front() {
                // Its roll-back may have come by itself.
                Some(waiting) if self.is_over(waiting) => {}
                next => break next,
            }
        };
        match (next, &mut self.free) {
            (Some(next), _) => self.engage(line, next, choose),
            (None, Some(free)) => *free += 1,
            (None, None) => {}
        }
    }

    /// The stand-by of a service serves; the cause is repaired in its time. It also serves while the service still waits for its
    /// providers or starts.
    pub(super) fn take_over(&mut self, line: &Timeline<'a>, hit: u32, choose: &mut impl Choose) {
        let state = &mut self.hit_states[hit as usize];
        if state.active {
            (state.taken_over, state.waiting) = (true, false);
            self.up(line, hit, choose);
        }
    }

    /// A dependent has been impaired for as long as its team takes to see it.
    pub(super) fn symptom(&mut self, line: &Timeline<'a>, node: u32, choose: &mut impl Choose) {
        if self.shown[node as usize].serves_badly() {
            self.notice_symptoms(line, choose);
        }
    }

    /// Whoever looks into symptoms finds every incident that goes on, except those with a stated time to detection.
    fn notice_symptoms(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        for at in 0..line.scenario.incidents.len() {
            if self.can_be_found(line, at) {
                self.notice(line, at as u32, crate::propagation::lane::NONE, choose);
            }
        }
    }

    fn can_be_found(&self, line: &Timeline<'a>, at: usize) -> bool {
        let incident = &line.scenario.incidents[at];
        let state = &self.incident_states[at];
        let is_silent = incident.kind == FaultKind::FalseAllClear || matches!(incident.harm, Harm::Loop(_));
        let open = |(hit, state): (&crate::fault::trial::Hit<'_>, &super::HitState)| {
            hit.incident == at && hit.member.detect.is_none() && state.begun && !state.ended
        };
        state.begun && !state.noticed && !is_silent && self.hits.hits.iter().zip(&self.hit_states).any(open)
    }

    /// After the severities of journeys changed: when will enough users have reported?
    pub(super) fn follow_reports(&mut self, line: &Timeline<'a>) {
        if !line.scenario.symptoms {
            return;
        }
        self.report_generation += 1;
        if !(0..line.scenario.incidents.len()).any(|at| self.can_be_found(line, at)) {
            return;
        }
        let (failed, rate) = self.record.failing_users(line, self.now);
        let missing = REPORTS / REPORTING_SHARE - (failed - self.reports_from);
        if rate > 0.0 {
            let wait = Ticks::from_minutes((missing / rate).max(0.0)).max(Ticks(1));
            self.after(wait, Event::Reports { generation: self.report_generation });
        }
    }

    /// Users may have reported often enough; the traffic may also have fallen in the meantime.
    pub(super) fn reports(&mut self, line: &Timeline<'a>, generation: u32, choose: &mut impl Choose) {
        if generation != self.report_generation {
            return;
        }
        for journey in 0..line.traffic.len() {
            self.integrate(line, journey);
        }
        let (failed, _) = self.record.failing_users(line, self.now);
        if failed - self.reports_from >= REPORTS / REPORTING_SHARE * ALMOST {
            self.reports_from = failed;
            self.notice_symptoms(line, choose);
        } else {
            self.follow_reports(line);
        }
    }
}
