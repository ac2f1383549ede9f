//! Exact answers: the questions of the sampler, without its error.
//!
//! General reachability is #P-hard (Provan, Ball 1983), so every solver has a stated size beyond which it refuses. Without a
//! clock there are three behind one trait, tried in the order of [`Solver::ALL`]: enumeration of all worlds, factoring with
//! series-parallel reduction, and a frontier method that merges worlds. The last two work on a `Problem`, the plan as monotone
//! rules between bits. With a clock there is enumeration only.

mod diagram;
mod enumerate;
mod factoring;
mod frontier;
mod hits;
mod order;
mod outcome;
mod problem;
mod reduce;
mod worlds;

use super::plan::Plan;
use super::result::{Simulation, Solver};
use super::run::Run;
use super::starved::Downstream;
use super::weighted::reach_of;
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use enumerate::Enumeration;
use factoring::Factoring;
use frontier::Frontier;
use outcome::{Sums, simulation};
pub use worlds::LIMIT;

/// What is asked without a clock: of each label node P(impaired), P(down), P(corrupt), and the distribution of reach.
#[derive(Clone, Copy)]
struct Question<'a> {
    scenario: &'a Scenario,
    plan: &'a Plan,
    labels: &'a [u32],
    /// Who can be starved, where that is asked.
    below: Option<&'a Downstream>,
}

/// A way to answer a question without a clock exactly.
trait ExactSolver {
    /// Its name in results.
    fn name(&self) -> Solver;

    /// The answer, or why this solver does not take the question.
    fn answer(&self, question: &Question<'_>) -> Result<Sums, Diagnostic>;
}

/// Solves a request exactly.
pub(crate) fn solve(run: &Run<'_>) -> Result<Simulation, Diagnostic> {
    let (labels, position) = run.labels();
    let below = run.below(&labels);
    let below = below.as_ref();
    if !run.request.static_reach {
        if let Some(solver @ (Solver::Factoring | Solver::Frontier)) = run.request.solver {
            return Err(Diagnostic::error("not-exact", format!("the {} solver has no clock", solver.name())).help("add --static"));
        }
        let sums = enumerate::enumerate_timeline(run, &labels, &position, below)?;
        return Ok(simulation(run, &sums, &labels, below));
    }
    let sums = answer(&Question { scenario: run.scenario, plan: run.plan, labels: &labels, below }, run.request.solver)?;
    let mut simulation = simulation(run, &sums, &labels, below);
    let pessimistic = simulation.reach.clone();
    // Without delays both bounds are the same question.
    let optimistic = if run.plan.has_delays() {
        let plan = Plan::new(run.system, run.compact, run.scenario, run.request.seed, true);
        let labels = plan.labels();
        reach_of(
            &answer(&Question { scenario: run.scenario, plan: &plan, labels: &labels, below: None }, run.request.solver)?.reach,
        )
    } else {
        pessimistic.clone()
    };
    simulation.reach_bounds = Some((optimistic, pessimistic));
    Ok(simulation)
}

/// The answer of the first solver that takes the question, or of the one that is asked for.
fn answer(question: &Question<'_>, wanted: Option<Solver>) -> Result<Sums, Diagnostic> {
    let solvers: [&dyn ExactSolver; 3] = [&Enumeration, &Factoring, &Frontier];
    let mut refusals = Vec::new();
    for solver in solvers.into_iter().filter(|solver| wanted.is_none_or(|wanted| wanted == solver.name())) {
        match solver.answer(question) {
            Ok(sums) => return Ok(sums),
            Err(refusal) => refusals.push(refusal.message),
        }
    }
    Err(Diagnostic::error("too-large", format!("no exact solver takes this: {}", refusals.join("; ")))
        .help("leave out --exact to sample, or ask about a smaller part of the topology"))
}

/// The refusal of a solver.
fn refuse(message: String) -> Diagnostic {
    Diagnostic::error("too-large", message)
}
