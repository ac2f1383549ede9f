//! What users see of a trial: labels of services and severities of journeys, integrated over time.

use super::{Event, NodeState, Timeline, Trial};
use crate::fault::draw::Choose;
use crate::propagation::lane::{NONE, is_inside};
use crate::propagation::series::Spell;
use crate::propagation::transfer::{Combined, DOWN_SHARE, impairs};
use crate::random::Purpose;
use crate::units::{Severity, Ticks};

/// Time that a service spends in the states that downtime and impaired time do not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StateTimes {
    /// Impaired, neither down nor corrupt.
    pub(crate) degraded: Ticks,
    /// Corrupt and not down.
    pub(crate) corrupt_only: Ticks,
    /// Corrupt and down at once.
    pub(crate) corrupt_down: Ticks,
    /// Down only if the reasons to fail overlap no more than independent ones do.
    pub(crate) hardly_down: Ticks,
    /// Not down, but so if the reasons to fail overlapped as little as they can.
    pub(crate) almost_down: Ticks,
}

/// The state of a service as [`StateTimes`] sees it. At any time it is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Healthy, or down with right answers: downtime tells.
    #[default]
    Other,
    Degraded,
    CorruptOnly,
    CorruptDown,
}

impl State {
    fn of(impaired: bool, down: bool, corrupt: bool) -> Self {
        match (corrupt, down) {
            (true, true) => Self::CorruptDown,
            (true, false) => Self::CorruptOnly,
            (false, false) if impaired => Self::Degraded,
            (false, _) => Self::Other,
        }
    }
}

/// One service in one trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ServiceOutcome {
    pub(crate) impaired_time: Ticks,
    pub(crate) downtime: Ticks,
    pub(crate) onset: Option<Ticks>,
    pub(crate) down: bool,
    pub(crate) corrupt: bool,
    pub(crate) states: StateTimes,
    impaired_since: Option<Ticks>,
    down_since: Option<Ticks>,
    state: State,
    state_since: Ticks,
    hardly_down_since: Option<Ticks>,
    almost_down_since: Option<Ticks>,
}

impl ServiceOutcome {
    /// Starts and stops the clocks of what depends on how reasons to fail overlap, while the service is impaired.
    fn doubt(&mut self, shown: NodeState, now: Ticks) {
        let is_down = |share: Severity| share.share() >= DOWN_SHARE;
        let (least, most) = shown.bounds;
        clock(is_down(shown.errors) && !is_down(least), &mut self.hardly_down_since, &mut self.states.hardly_down, now);
        let is_almost_down = shown.is_impaired() && !is_down(shown.errors) && is_down(most);
        clock(is_almost_down, &mut self.almost_down_since, &mut self.states.almost_down, now);
    }

    /// Changes the state, and adds the time that the last one took.
    fn enter(&mut self, state: State, now: Ticks) {
        if state == self.state {
            return;
        }
        let total = match self.state {
            State::Other => None,
            State::Degraded => Some(&mut self.states.degraded),
            State::CorruptOnly => Some(&mut self.states.corrupt_only),
            State::CorruptDown => Some(&mut self.states.corrupt_down),
        };
        if let Some(total) = total {
            *total = total.saturating_add(now.saturating_sub(self.state_since));
        }
        (self.state, self.state_since) = (state, now);
    }
}

/// One journey in one trial. Users are counted in thousandths of user-minutes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct JourneyOutcome {
    pub(crate) impaired_time: Ticks,
    pub(crate) downtime: Ticks,
    /// When its severity is a hundredth for the first time.
    pub(crate) onset: Option<Ticks>,
    /// Whether its severity is ever one half.
    pub(crate) down: bool,
    /// Time in which a hundredth of the answers and more is wrong.
    pub(crate) corrupt_time: Ticks,
    /// Whether there ever is such a time, be it without length.
    pub(crate) corrupt: bool,
    user_minutes: f64,
    /// The same if what it needs failed for the same users, and if it failed for no two the same.
    bounds: (f64, f64),
    integrity_minutes: f64,
    since: Ticks,
    severity: f64,
    severity_bounds: (f64, f64),
    wrong: f64,
}

impl JourneyOutcome {
    pub(crate) fn milli_user_minutes(&self) -> u64 {
        (self.user_minutes * 1_000.0).round() as u64
    }

    /// At least and at most, however the failures of what it needs overlap.
    pub(crate) fn milli_user_minute_bounds(&self) -> (u64, u64) {
        let milli = |minutes: f64| (minutes * 1_000.0).round() as u64;
        (milli(self.bounds.0), milli(self.bounds.1))
    }

    /// Everything that counts against the error budget: requests that failed and wrong answers (model.md §0).
    pub(crate) fn milli_budget_minutes(&self) -> u64 {
        self.milli_user_minutes().saturating_add(self.milli_integrity_minutes())
    }

    pub(crate) fn milli_integrity_minutes(&self) -> u64 {
        (self.integrity_minutes * 1_000.0).round() as u64
    }
}

/// Sums of one trial; reused from trial to trial.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// By lane node; only label nodes are used.
    pub(super) services: Vec<ServiceOutcome>,
    pub(super) journeys: Vec<JourneyOutcome>,
    pub(super) hit_nodes: Vec<u32>,
    touched: Vec<u32>,
    journeys_touched: Vec<u32>,
    /// Label nodes that became impaired for the first time at this timestamp, and not by a fault of their own.
    symptoms: Vec<u32>,
    /// When which lane node was impaired, where that is asked.
    pub(super) spells: Vec<Spell>,
    pub(super) follows: bool,
    pub(super) censored: bool,
}

impl Record {
    pub(super) fn reset(&mut self, line: &Timeline<'_>, nodes: usize) {
        self.services.clear();
        self.services.resize(nodes, ServiceOutcome::default());
        self.journeys.clear();
        self.journeys.resize(line.journey_needs.len(), JourneyOutcome::default());
        self.symptoms.clear();
        self.spells.clear();
        self.follows = line.series;
        self.censored = false;
    }

    /// Notes when a service was impaired, before its clock stops.
    fn note_spell(&mut self, node: u32, now: Ticks) {
        if let (true, Some(since)) = (self.follows, self.services[node as usize].impaired_since) {
            self.spells.push((node, since, now));
        }
    }

    /// Users who have failed so far, in user-minutes, and how many fail per minute now.
    pub(super) fn failing_users(&self, line: &Timeline<'_>, now: Ticks) -> (f64, f64) {
        let journeys = self.journeys.iter().zip(&line.traffic);
        journeys.fold((0.0, 0.0), |(failed, rate), (journey, traffic)| {
            let since = if journey.severity > 0.0 { traffic.user_minutes(journey.since, now) * journey.severity } else { 0.0 };
            (failed + journey.user_minutes + since, rate + traffic.rate_at(now) * journey.severity)
        })
    }
}

impl Record {
    /// A journey that fails completely from one time to another and never else.
    pub(super) fn set_total_loss(&mut self, line: &Timeline<'_>, journey: usize, from: Ticks, until: Ticks) {
        let mut outcome = JourneyOutcome::default();
        if from < until {
            outcome.user_minutes = line.traffic[journey].user_minutes(from, until);
            outcome.bounds = (outcome.user_minutes, outcome.user_minutes);
            outcome.downtime = until.saturating_sub(from);
            outcome.impaired_time = outcome.downtime;
            (outcome.onset, outcome.down) = (Some(from), true);
        }
        self.journeys[journey] = outcome;
    }
}

impl<'a> Trial<'a> {
    /// Brings labels and journeys up to date with the nodes that changed at this timestamp.
    pub(super) fn record_changes(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        let mut changed = std::mem::take(&mut self.changed);
        for node in &changed {
            self.changed_flag[*node as usize] = false;
            if !self.stands_for_others(line, *node) {
                self.follow_tail(line, *node, choose);
            }
            self.prior[*node as usize] = self.active[*node as usize];
        }
        if clean_up_possible(line) {
            self.start_cleaning(line, choose);
        }
        let mut touched = std::mem::take(&mut self.record.touched);
        touched.clear();
        for node in &changed {
            if !self.stands_for_others(line, *node) {
                self.show(*node);
                touched.push(*node);
            }
            // The whole-service node shows the worst of its operations.
            for at in 0..self.lane.arcs_out(*node).len() {
                let arc = self.lane.arcs[self.lane.arcs_out(*node)[at] as usize];
                if is_inside(line.plan, &arc) && !touched.contains(&arc.target) {
                    touched.push(arc.target);
                }
            }
        }
        for node in &touched {
            if self.stands_for_others(line, *node) {
                self.show_worst(*node);
            }
        }
        self.record.journeys_touched.clear();
        for node in &touched {
            self.label(line, *node);
            if let Some(journeys) = line.journeys_of.get(&self.lane.nodes[*node as usize]) {
                for journey in journeys {
                    if !self.record.journeys_touched.contains(journey) {
                        self.record.journeys_touched.push(*journey);
                    }
                }
            }
        }
        for at in 0..self.record.journeys_touched.len() {
            let journey = self.record.journeys_touched[at];
            self.journey(line, journey as usize);
        }
        self.report_symptoms(line, choose);
        self.record.touched = touched;
        changed.clear();
        self.changed = changed;
    }

    /// Dependents' symptoms and users' reports, where they take part in detection.
    fn report_symptoms(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        let mut symptoms = std::mem::take(&mut self.record.symptoms);
        for node in symptoms.drain(..) {
            let at = self.lane.nodes[node as usize] as usize;
            if let Some(law) = line.symptom_laws.get(at) {
                let wait = choose.duration(Purpose::Detection, line.names[at], *law, &|| "detection of a symptom".into());
                let wait = super::incident::slowed(wait, line.scenario.slowness);
                self.after(wait, Event::Symptom { node });
            }
        }
        self.record.symptoms = symptoms;
        if !self.record.journeys_touched.is_empty() {
            self.follow_reports(line);
        }
    }

    /// Is this the node of a whole service that has operations of its own?
    fn stands_for_others(&self, line: &Timeline<'a>, node: u32) -> bool {
        line.plan.stands_for_others[self.lane.nodes[node as usize] as usize]
    }

    fn show(&mut self, node: u32) {
        let at = node as usize;
        let mut shown = self.active[at];
        if let Some(tail) = self.tail[at] {
            shown = worst(shown, tail);
        }
        shown.wrong = shown.wrong.max(self.unclean[at]);
        self.shown[at] = shown;
    }

    fn show_worst(&mut self, node: u32) {
        let mut shown = NodeState::HEALTHY;
        for at in self.lane.arcs_into(node) {
            shown = worst(shown, self.shown[self.lane.arcs[at].source as usize]);
        }
        self.shown[node as usize] = shown;
    }

    /// Updates the label of a service whose whole-service node this is.
    fn label(&mut self, line: &Timeline<'a>, node: u32) {
        if !line.plan.is_label[self.lane.nodes[node as usize] as usize] {
            return;
        }
        let shown = self.shown[node as usize];
        let forced = if self.stands_for_others(line, node) {
            self.lane.arcs_into(node).any(|at| self.forced[self.lane.arcs[at].source as usize] > 0)
        } else {
            self.forced[node as usize] > 0
        };
        let (impaired, down) = (forced || shown.is_impaired(), shown.errors.share() >= DOWN_SHARE);
        if !impaired {
            self.record.note_spell(node, self.now);
        }
        let outcome = &mut self.record.services[node as usize];
        outcome.corrupt |= shown.is_corrupt();
        outcome.down |= down;
        if impaired && outcome.onset.is_none() {
            outcome.onset = Some(self.now);
            if line.scenario.symptoms && !forced {
                self.record.symptoms.push(node);
            }
        }
        clock(impaired, &mut outcome.impaired_since, &mut outcome.impaired_time, self.now);
        clock(down, &mut outcome.down_since, &mut outcome.downtime, self.now);
        outcome.enter(State::of(impaired, down, shown.is_corrupt()), self.now);
        outcome.doubt(shown, self.now);
    }

    fn journey(&mut self, line: &Timeline<'a>, journey: usize) {
        let (mut errors, mut wrong) = (Combined::NONE, Combined::NONE);
        for need in &line.journey_needs[journey] {
            let node = self.lane.index_of.get(*need as usize).copied().unwrap_or(NONE);
            if node != NONE {
                let shown = self.shown[node as usize];
                errors = errors.and_between(shown.errors.share(), (shown.bounds.0.share(), shown.bounds.1.share()));
                wrong = wrong.and(self.shown[node as usize].wrong.share());
            }
        }
        // Rounded to whole severities: a product over tiny shares must not leave dust behind.
        let rounded = |share: f64| Severity::from_share(share).share();
        let (severity, wrong) = (rounded(errors.share()), rounded(wrong.share()));
        let (least, most) = errors.bounds();
        let bounds = (rounded(least).min(severity), rounded(most).max(severity));
        let outcome = &self.record.journeys[journey];
        if (outcome.severity, outcome.severity_bounds, outcome.wrong) != (severity, bounds, wrong) {
            self.integrate(line, journey);
            let outcome = &mut self.record.journeys[journey];
            (outcome.severity, outcome.severity_bounds, outcome.wrong) = (severity, bounds, wrong);
            outcome.down |= severity >= DOWN_SHARE;
            outcome.corrupt |= impairs(wrong);
            if outcome.onset.is_none() && impairs(severity) {
                outcome.onset = Some(self.now);
            }
        }
    }

    /// Adds the time since the last change of a journey.
    pub(super) fn integrate(&mut self, line: &Timeline<'a>, journey: usize) {
        let now = self.now;
        let outcome = &mut self.record.journeys[journey];
        let passed = now.saturating_sub(outcome.since);
        if passed > Ticks::ZERO && (outcome.severity_bounds.1 > 0.0 || outcome.wrong > 0.0) {
            let users = line.traffic[journey].user_minutes(outcome.since, now);
            outcome.user_minutes += users * outcome.severity;
            outcome.bounds.0 += users * outcome.severity_bounds.0;
            outcome.bounds.1 += users * outcome.severity_bounds.1;
            outcome.integrity_minutes += users * outcome.wrong;
            if outcome.severity >= DOWN_SHARE {
                outcome.downtime = outcome.downtime.saturating_add(passed);
            }
            if impairs(outcome.severity) {
                outcome.impaired_time = outcome.impaired_time.saturating_add(passed);
            }
            if impairs(outcome.wrong) {
                outcome.corrupt_time = outcome.corrupt_time.saturating_add(passed);
            }
        }
        outcome.since = now;
    }

    /// Cuts everything that still goes on at the horizon.
    pub(super) fn finish(&mut self, line: &Timeline<'a>) {
        for node in 0..self.lane.nodes.len() {
            if !line.plan.is_label[self.lane.nodes[node] as usize] {
                continue;
            }
            self.record.note_spell(node as u32, self.now);
            let outcome = &mut self.record.services[node];
            self.record.censored |= outcome.impaired_since.is_some();
            clock(false, &mut outcome.impaired_since, &mut outcome.impaired_time, self.now);
            clock(false, &mut outcome.down_since, &mut outcome.downtime, self.now);
            outcome.enter(State::Other, self.now);
            outcome.doubt(NodeState::HEALTHY, self.now);
        }
        for journey in 0..self.record.journeys.len() {
            self.integrate(line, journey);
        }
    }

    /// Services of this trial: (plan node of the label, outcome).
    pub(crate) fn services<'b>(&'b self, line: &'b Timeline<'a>) -> impl Iterator<Item = (u32, &'b ServiceOutcome)> {
        let nodes = self.lane.nodes.iter().zip(&self.record.services);
        nodes.filter(|(node, _)| line.plan.is_label[**node as usize]).map(|(node, outcome)| (*node, outcome))
    }

    /// When which label nodes of the plan were impaired, where that is asked.
    pub(crate) fn spells(&self) -> impl Iterator<Item = Spell> + '_ {
        self.record.spells.iter().map(|(node, from, until)| (self.lane.nodes[*node as usize], *from, *until))
    }

    /// Journeys of this trial, in file order.
    pub(crate) fn journeys(&self) -> &[JourneyOutcome] {
        &self.record.journeys
    }

    /// Did harm go on at the horizon?
    pub(crate) fn is_censored(&self) -> bool {
        self.record.censored
    }
}

/// Starts or stops a clock.
fn clock(on: bool, since: &mut Option<Ticks>, total: &mut Ticks, now: Ticks) {
    match (on, *since) {
        (true, None) => *since = Some(now),
        (false, Some(start)) => {
            *total = total.saturating_add(now.saturating_sub(start));
            *since = None;
        }
        _ => {}
    }
}

fn worst(a: NodeState, b: NodeState) -> NodeState {
    NodeState {
        errors: a.errors.max(b.errors),
        latency: a.latency.max(b.latency),
        wrong: a.wrong.max(b.wrong),
        bounds: (a.bounds.0.max(b.bounds.0), a.bounds.1.max(b.bounds.1)),
    }
}

fn clean_up_possible(line: &Timeline<'_>) -> bool {
    line.scenario.incidents.iter().any(|incident| incident.clean_up != crate::model::DurationLaw::ZERO)
}
