//! Batches of trials with a clock: those in which one total outage spreads all at once, the others event by event.

use super::count::{Columns, count_column, count_services, count_trial, lists_of};
use super::lane::slots;
use super::live::{LiveMasks, SampledTrial};
use super::reach::{Batch, Reached, run_batch};
use super::run::Run;
use super::sampling::{Loss, Part, Span};
use super::series::{SeriesTally, Spell};
use super::spreading::{Source, Spreading};
use super::starved::{Downstream, Starving};
use super::tally::Tally;
use super::timeline::{JourneyOutcome, Spread, Timeline, Trial};
use crate::lanes::{BATCH, Mask};
use crate::statistics::batch::batch_of;

/// What is the same for all batches.
struct Clocked<'a, 'b> {
    run: &'b Run<'a>,
    line: Timeline<'b>,
    /// Where trials, all or nearly all, are of the special kind.
    spread: Option<Spread>,
    labels: Vec<u32>,
    /// By plan node; `u32::MAX` where it is no label.
    position: Vec<u32>,
    /// Plan nodes of the services whose part in the worst trials is asked; `None` for one out of reach.
    watched: Vec<Option<u32>>,
    /// In thousandths of user-minutes.
    budgets: Vec<Option<u64>>,
    below: Option<Downstream>,
    /// Trials of the whole run.
    trials: u64,
}

/// What a thread works with; reused from batch to batch.
#[derive(Default)]
struct State<'b> {
    reached: Reached,
    trial: Trial<'b>,
    lists: Vec<Vec<u32>>,
    live: LiveMasks,
    starving: Starving,
    spreading: Spreading,
    columns: Columns,
    /// When services are impaired, by label position.
    spells: Vec<Spell>,
    /// By label position, the trials of the batch in which it is impaired; empty where nobody asked.
    marks: Vec<Mask>,
    /// By trial of the batch: the batch of the mean that it belongs to.
    mean_batches: Vec<usize>,
    /// By trial of the batch: harm to the root goes on at the horizon, and services of the root that are impaired.
    roots: Vec<(bool, u64)>,
}

impl Run<'_> {
    /// Runs the trials of a span through time.
    pub(super) fn timeline(&self, span: &Span) -> Part {
        let (labels, position) = self.labels();
        let mut line = Timeline::new(self.system, self.compact, self.plan, self.scenario, self.traffic.clone());
        line.series = self.request.follows_series(labels.len());
        let node = |id| self.plan.local(self.compact.whole_node(id)).map(|node| node as u32);
        let milli = |minutes: f64| (minutes * 1_000.0).round() as u64;
        let clocked = Clocked {
            run: self,
            spread: if self.request.events_only { None } else { Spread::new(&line) },
            line,
            watched: self.request.watch.iter().map(|id| node(*id)).collect(),
            budgets: self.request.budgets.iter().map(|budget| budget.map(milli)).collect(),
            below: self.below(&labels),
            labels,
            position,
            trials: span.total,
        };
        let sizes = (span, clocked.labels.len(), clocked.below.as_ref().map_or(0, Downstream::len));
        self.parallel(State::default, |state, target, batch| target.with(|part| clocked.batch(state, part, batch)), sizes)
    }
}

impl<'b> Clocked<'_, 'b> {
    fn batch(&'b self, state: &mut State<'b>, part: &mut Part, batch: Batch) {
        let run = self.run;
        self.below.iter().for_each(|below| state.starving.begin(below));
        state.mean_batches.clear();
        state.mean_batches.extend((0..batch.lanes).map(|lane| batch_of(batch.number * BATCH + lane, self.trials)));
        run_batch(&mut state.reached, run.machine(), run.plan, run.scenario, run.request.seed, batch);
        state.live.start(batch.number, slots(run.plan));
        state.marks.clear();
        if run.request.marks {
            state.marks.resize(self.labels.len(), Mask::NONE);
        }
        self.spread(state, &mut part.tally, batch);
        let all_spread = (0..batch.lanes).all(|lane| state.spreading.takes(lane));
        if !all_spread {
            state.lists.resize_with(BATCH as usize, Vec::new);
            lists_of(&state.reached, run.plan, &mut state.lists);
        }
        for lane in 0..batch.lanes {
            self.one(state, part, batch, lane);
        }
        part.marks.append(&mut state.marks);
        if let Some(below) = &self.below {
            state.starving.settle(below);
            state.starving.count(below, &mut part.tally.starved);
        }
    }

    /// Decides and counts the trials that a spreading outage is all of.
    fn spread(&'b self, state: &mut State<'b>, tally: &mut Tally, batch: Batch) {
        let (run, first) = (self.run, batch.number * BATCH);
        let State { trial, live, spreading, reached, roots, columns, starving, mean_batches, spells, marks, .. } = state;
        let Some(spread) = &self.spread else { return };
        spreading.begin(&self.line);
        roots.clear();
        for lane in 0..batch.lanes {
            let mut draws = SampledTrial::new(run.request.seed, first + lane, live);
            trial.hits.draw(run.scenario, &mut draws.drawn);
            let outage = trial.root_outage(&self.line, spread, &mut draws);
            roots.push((trial.is_censored(), 0));
            let Some(outage) = outage else { continue };
            spreading.take(lane, outage);
            let mean_batch = mean_batches[lane as usize];
            roots[lane as usize].1 = count_services(trial, &self.line, &self.position, &mut tally.services, mean_batch);
            self.follow(trial, &mut tally.series, spells);
            self.mark(trial, marks, lane);
            if let Some(below) = &self.below {
                starving.set_trial(below, trial.services(&self.line), &self.position, lane);
            }
        }
        let source = Source { machine: run.machine(), seed: run.request.seed, batch: batch.number };
        spreading.run(&self.line, spread, reached, (&self.labels, source), |column| {
            count_column(column, &mut tally.services[column.label], mean_batches, columns);
            if let Some(series) = &mut tally.series {
                column.for_each_spell(|spell| series.add(&mut [spell]));
            }
        });
        for (mark, node) in marks.iter_mut().zip(&self.labels) {
            *mark = mark.or(*spreading.down(*node));
        }
        if let Some(below) = &self.below {
            starving.set_down(below, self.labels.iter().map(|node| spreading.down(*node)));
        }
    }

    /// Counts a trial; decides it by its events if that is not done.
    fn one(&'b self, state: &mut State<'b>, part: &mut Part, batch: Batch, lane: u64) {
        let (run, number) = (self.run, batch.number * BATCH + lane);
        let State { trial, spreading, .. } = state;
        if spreading.takes(lane) {
            let (outage, first_losses) = spreading.trial(lane);
            let (is_censored, root_reach) = state.roots[lane as usize];
            let journeys = trial.set_journeys(&self.line, outage, first_losses);
            let reach = root_reach + spreading.reach(lane);
            count_trial(journeys, is_censored, reach, &mut part.tally, number, self.trials);
            let is_impaired = |node: u32| spreading.down(node).contains(lane);
            self.remember(part, number, (journeys, is_censored), is_impaired);
            return;
        }
        let mut draws = SampledTrial::new(run.request.seed, number, &mut state.live);
        trial.hits.draw(run.scenario, &mut draws.drawn);
        trial.run(&self.line, &state.lists[lane as usize], &mut draws);
        let mean_batch = state.mean_batches[lane as usize];
        let reach = count_services(trial, &self.line, &self.position, &mut part.tally.services, mean_batch);
        self.follow(trial, &mut part.tally.series, &mut state.spells);
        self.mark(trial, &mut state.marks, lane);
        count_trial(trial.journeys(), trial.is_censored(), reach, &mut part.tally, number, self.trials);
        let is_impaired = |node: u32| trial.services(&self.line).any(|(known, outcome)| known == node && outcome.onset.is_some());
        self.remember(part, number, (trial.journeys(), trial.is_censored()), is_impaired);
        if let Some(below) = &self.below {
            state.starving.set_trial(below, trial.services(&self.line), &self.position, lane);
        }
    }

    /// Adds when services were impaired, where that is asked.
    fn follow(&self, trial: &Trial<'_>, series: &mut Option<SeriesTally>, spells: &mut Vec<Spell>) {
        if let Some(series) = series {
            spells.clear();
            spells.extend(trial.spells().map(|(node, from, until)| (self.position[node as usize], from, until)));
            series.add(spells);
        }
    }

    /// Adds who is impaired in a trial, where that is asked.
    fn mark(&self, trial: &Trial<'_>, marks: &mut [Mask], lane: u64) {
        if marks.is_empty() {
            return;
        }
        for (node, outcome) in trial.services(&self.line) {
            if outcome.onset.is_some() {
                marks[self.position[node as usize] as usize][(lane / 64) as usize] |= 1 << (lane % 64);
            }
        }
    }

    /// Keeps of a trial what is asked of single trials.
    fn remember(
        &self,
        part: &mut Part,
        number: u64,
        (journeys, is_censored): (&[JourneyOutcome], bool),
        is_impaired: impl Fn(u32) -> bool,
    ) {
        if self.run.request.rows.is_some() {
            part.rows.censored.push(is_censored);
            part.rows.milli_user_minutes.extend(journeys.iter().map(JourneyOutcome::milli_user_minutes));
        }
        let mut budgets = journeys.iter().zip(&self.budgets);
        if budgets.any(|(journey, budget)| budget.is_some_and(|budget| journey.milli_budget_minutes() > budget)) {
            part.breaches += 1;
        }
        if self.watched.is_empty() {
            return;
        }
        let milli_user_minutes = journeys.iter().map(JourneyOutcome::milli_budget_minutes).sum();
        let impaired: Vec<bool> = self.watched.iter().map(|node| node.is_some_and(&is_impaired)).collect();
        if impaired.contains(&true) || milli_user_minutes > 0 {
            part.losses.push(Loss { milli_user_minutes, trial: number, impaired });
        }
    }
}
