//! Factoring with series-parallel reduction: where the reductions end, one arc out of the source is split into "live" and
//! "dead", and each half is reduced again (Moskowitz 1958; Satyanarayana, Chang 1983).
//!
//! It takes networks of independent arcs on which every node is on as soon as one arc into it fires: no gates, no draw that
//! serves several arcs. Trees and series-parallel networks of any size need no split at all. O(2^splits × arcs²) products of
//! weights. Two runs with the same splits: numbers with slopes give P(on) of every bit (the slope of the total weight by the
//! weight of that bit), polynomials give the distribution of reach.

use super::outcome::Sums;
use super::problem::Problem;
use super::reduce::{Arc, Network, SOURCE, Weight};
use super::{ExactSolver, Question, Solver, refuse};
use crate::diagnostic::Diagnostic;

/// The most cases that splitting may lead to.
const MOST_CASES: u64 = 1 << 11;
/// The most ways for the faults to hit.
const MOST_SOURCES: usize = 64;
/// The most products of bits and rules: slopes by every bit are kept for each arc.
const MOST_SLOPES: usize = 1 << 22;

/// Factoring.
pub(super) struct Factoring;

impl ExactSolver for Factoring {
    fn name(&self) -> Solver {
        Solver::Factoring
    }

    fn answer(&self, question: &Question<'_>) -> Result<Sums, Diagnostic> {
        let problem = Problem::new(question)?;
        check(&problem)?;
        let (mut on, mut reach, mut cases) = (vec![0.0; problem.bits()], Vec::new(), 0);
        for (bits, weight) in &problem.sources {
            let slopes = |bit: u32| Slopes { value: 1.0, slopes: vec![(bit, 1.0)] };
            let total = factor(&network(&problem, bits, Slopes::constant, slopes), &mut cases)
                .ok_or_else(|| refuse(too_many(&problem)))?;
            total.slopes.iter().for_each(|(bit, slope)| on[*bit as usize] += slope * weight);
            let count = |bit: u32| if problem.counted[bit as usize] { Counts(vec![0.0, 1.0]) } else { Counts::one() };
            let network = network(&problem, bits, |p| Counts(vec![p]), count);
            let total = factor(&network, &mut 0).ok_or_else(|| refuse(too_many(&problem)))?;
            reach.resize(reach.len().max(total.0.len()), 0.0);
            reach.iter_mut().zip(&total.0).for_each(|(sum, p)| *sum += p * weight);
        }
        Ok(problem.sums(Solver::Factoring, cases, &on, &reach))
    }
}

fn too_many(problem: &Problem) -> String {
    format!("factoring is for up to {MOST_CASES} cases: {} uncertain draws need more here", problem.uncertain())
}

/// Does the method cover the problem?
fn check(problem: &Problem) -> Result<(), Diagnostic> {
    let mut uses = vec![0; problem.variables.len()];
    for condition in problem.rules.iter().flat_map(|rule| &rule.conditions) {
        uses[condition.variable as usize] += 1;
    }
    if !problem.gates.is_empty() {
        return Err(refuse("factoring does not cover `requires` gates".to_owned()));
    }
    if uses.iter().any(|uses| *uses > 1) || problem.rules.iter().any(|rule| rule.conditions.len() > 1) {
        return Err(refuse("factoring does not cover draws that serve several operations, channels or validators".to_owned()));
    }
    if problem.sources.len() > MOST_SOURCES {
        let ways = problem.sources.len();
        return Err(refuse(format!("factoring is for up to {MOST_SOURCES} ways for the faults to hit: here are {ways}")));
    }
    if problem.bits() * problem.rules.len() > MOST_SLOPES {
        return Err(refuse(format!("factoring is for small networks: here are {} rules", problem.rules.len())));
    }
    Ok(())
}

/// The network of a problem; bit b is vertex b + 1, those that are on join the source.
fn network<W: Weight>(problem: &Problem, on: &[u32], constant: impl Fn(f64) -> W, bit: impl Fn(u32) -> W) -> Network<W> {
    let weights = std::iter::once(W::one()).chain((0..problem.bits() as u32).map(bit)).collect();
    let arcs = problem.rules.iter().map(|rule| {
        let (mut dead, mut live) = (0.0, 1.0);
        for condition in &rule.conditions {
            let values = problem.variables[condition.variable as usize].iter().enumerate();
            (dead, live) =
                values.fold(
                    (0.0, 0.0),
                    |(dead, live), (value, p)| {
                        if condition.holds(value as u32) { (dead, live + p) } else { (dead + p, live) }
                    },
                );
        }
        let (from, to) = (rule.source as usize + 1, rule.target as usize + 1);
        Arc { from, to, dead: constant(dead), live: constant(live) }
    });
    let mut network = Network { arcs: arcs.collect(), on: weights };
    on.iter().for_each(|bit| network.join(*bit as usize + 1));
    network
}

/// The weight of all worlds; `None` beyond [`MOST_CASES`].
fn factor<W: Weight>(network: &Network<W>, cases: &mut u64) -> Option<W> {
    let mut stack = vec![network.clone()];
    let mut sum: Option<W> = None;
    while let Some(mut network) = stack.pop() {
        network.reduce();
        let Some(at) = split_at(&network) else {
            *cases += 1;
            sum = Some(sum.map_or_else(|| network.on[SOURCE].clone(), |sum| sum.plus(&network.on[SOURCE])));
            continue;
        };
        if *cases + stack.len() as u64 + 2 > MOST_CASES {
            return None;
        }
        let arc = network.arcs.remove(at);
        let mut live = network.clone();
        live.multiply(SOURCE, &arc.live);
        live.join(arc.to);
        network.multiply(SOURCE, &arc.dead);
        stack.push(network);
        stack.push(live);
    }
    sum
}

/// The arc out of the source to the vertex with the most arcs: it simplifies most when it joins the source.
fn split_at<W>(network: &Network<W>) -> Option<usize> {
    let degree = |vertex: usize| network.arcs.iter().filter(|arc| arc.from == vertex || arc.to == vertex).count();
    let out = network.arcs.iter().enumerate().filter(|(_, arc)| arc.from == SOURCE);
    out.max_by_key(|(at, arc)| (degree(arc.to), usize::MAX - at)).map(|(at, _)| at)
}

/// A number with its slopes by the weights of bits, ascending by bit (forward-mode derivative).
#[derive(Debug, Clone)]
struct Slopes {
    value: f64,
    slopes: Vec<(u32, f64)>,
}

impl Slopes {
    fn constant(value: f64) -> Self {
        Self { value, slopes: Vec::new() }
    }

    /// `a · x + b · y` for the slopes.
    fn combine(x: &[(u32, f64)], a: f64, y: &[(u32, f64)], b: f64) -> Vec<(u32, f64)> {
        let (mut x, mut y) = (x.iter().peekable(), y.iter().peekable());
        let mut all = Vec::with_capacity(x.len() + y.len());
        loop {
            let (in_x, in_y) = (x.peek().map(|(bit, _)| *bit), y.peek().map(|(bit, _)| *bit));
            let Some(bit) = in_x.into_iter().chain(in_y).min() else { return all };
            let left = x.next_if(|(known, _)| *known == bit).map_or(0.0, |(_, slope)| a * slope);
            let right = y.next_if(|(known, _)| *known == bit).map_or(0.0, |(_, slope)| b * slope);
            all.push((bit, left + right));
        }
    }
}

impl Weight for Slopes {
    fn one() -> Self {
        Self::constant(1.0)
    }

    fn plus(&self, other: &Self) -> Self {
        Self { value: self.value + other.value, slopes: Self::combine(&self.slopes, 1.0, &other.slopes, 1.0) }
    }

    fn times(&self, other: &Self) -> Self {
        Self { value: self.value * other.value, slopes: Self::combine(&self.slopes, other.value, &other.slopes, self.value) }
    }

    fn is_zero(&self) -> bool {
        self.value == 0.0 && self.slopes.iter().all(|(_, slope)| *slope == 0.0)
    }
}

/// A polynomial in z by ascending powers: coefficient n is the weight of n impaired services.
#[derive(Debug, Clone)]
struct Counts(Vec<f64>);

impl Weight for Counts {
    fn one() -> Self {
        Self(vec![1.0])
    }

    fn plus(&self, other: &Self) -> Self {
        let (long, short) = if self.0.len() < other.0.len() { (other, self) } else { (self, other) };
        let mut sum = long.0.clone();
        sum.iter_mut().zip(&short.0).for_each(|(sum, term)| *sum += term);
        Self(sum)
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = vec![0.0; self.0.len() + other.0.len() - 1];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                product[i + j] += a * b;
            }
        }
        Self(product)
    }

    fn is_zero(&self) -> bool {
        self.0.iter().all(|coefficient| *coefficient == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_derivatives() {
        let x = Slopes { value: 3.0, slopes: vec![(0, 1.0)] };
        let y = Slopes { value: 5.0, slopes: vec![(2, 1.0)] };
        // x² y + y: slopes 2xy and x² + 1.
        let found = x.times(&x).times(&y).plus(&y);
        assert_eq!((found.value, found.slopes), (50.0, vec![(0, 30.0), (2, 10.0)]));
    }

    #[test]
    fn a_pendant_counts_when_its_arc_is_live() {
        let arc = |from, to, p: f64| Arc { from, to, dead: Counts(vec![1.0 - p]), live: Counts(vec![p]) };
        let z = Counts(vec![0.0, 1.0]);
        let mut network = Network { arcs: vec![arc(0, 1, 0.5), arc(1, 2, 0.25)], on: vec![Counts::one(), z.clone(), z] };
        network.reduce();
        assert!(network.arcs.is_empty());
        assert_eq!(network.on[SOURCE].0, [0.5, 0.375, 0.125]);
    }
}
