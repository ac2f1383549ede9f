//! All worlds of a plan, for the exact solver: outcomes of uncertain arcs as numbered worlds, and the decision tree of other
//! choices, replayed path by path.

use crate::diagnostic::Diagnostic;
use crate::fault::draw::Choose;
use crate::lanes::{Lanes, Mask};
use crate::model::DurationLaw;
use crate::model::crossing::Crossing;
use crate::model::facts::Channels;
use crate::propagation::lane::Arcs;
use crate::propagation::plan::{INSIDE, Plan};
use crate::propagation::reach::{Question, Worlds};
use crate::random::{Key, LANES, Purpose, Threshold};
use crate::units::Ticks;
use std::collections::{BTreeMap, HashMap};

/// The most uncertain arcs (two-way outcomes) that are enumerated.
pub const LIMIT: u32 = 22;

/// One uncertain entity: where its uniform number is cut, and the weights of the pieces.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    cuts: Vec<Threshold>,
    pub(super) weights: Vec<f64>,
}

/// When the number of an entity is below a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    Never,
    Always,
    /// In the first so many pieces of this entity.
    First {
        entity: u32,
        pieces: u32,
    },
}

/// All worlds of a plan.
#[derive(Debug, Default)]
pub(super) struct Worldset {
    pub(super) entities: Vec<Entity>,
    position: HashMap<u64, usize>,
    pub(super) total: u64,
}

impl Worldset {
    /// The worlds of a plan, few enough to be visited one by one.
    pub(super) fn new(plan: &Plan) -> Result<Self, Diagnostic> {
        let worlds = Self::of(plan);
        if worlds.total > 1 << LIMIT { Err(too_large(worlds.entities.len(), worlds.total)) } else { Ok(worlds) }
    }

    /// The worlds of a plan, however many.
    pub(super) fn of(plan: &Plan) -> Self {
        // Timeouts and validators turn other harm into errors, which then travel on.
        let makes_errors = plan.rules.iter().any(|rule| rule.crossing.timeout.is_some() || rule.crossing.rejects);
        let can = if makes_errors { plan.channels.with(Channels::ERRORS) } else { plan.channels };
        let mut cuts: BTreeMap<usize, (u64, Vec<Threshold>)> = BTreeMap::new();
        let mut number_of: HashMap<u64, usize> = HashMap::new();
        let mut add = |key: Key, threshold: Threshold| {
            if threshold != Threshold::ALWAYS && threshold != Threshold::NEVER {
                let next = number_of.len();
                let number = *number_of.entry(key.0).or_insert(next);
                cuts.entry(number).or_insert((key.0, Vec::new())).1.push(threshold);
            }
        };
        for arc in 0..plan.in_source.len() {
            let key = plan.in_key[arc];
            if plan.in_rule.is_empty() {
                add(key, plan.in_threshold.get(arc));
            } else if plan.rule(arc) != INSIDE {
                let rule = &plan.rules[plan.rule(arc) as usize];
                let carried = rule.crossing.channels;
                let both = |channel| can.has(channel) && carried.has(channel);
                if both(Channels::ERRORS) || rule.crossing.timeout.is_some() || rule.crossing.rejects {
                    add(key, rule.errors);
                    if rule.crossing.uncovered > 0.0 {
                        add(key, rule.live);
                    }
                }
                if both(Channels::LATENCY) {
                    add(key, rule.latency);
                }
                if both(Channels::DATA) {
                    add(key, rule.data);
                    if let Some((key, threshold)) = rule.validator {
                        add(key, threshold);
                    }
                }
            }
        }
        let mut worlds = Self { total: 1, ..Self::default() };
        let stated = stated_probabilities(plan);
        let exact = |cut: &Threshold| stated.get(&cut.0).copied().unwrap_or(f64::from(cut.0) / 4_294_967_296.0);
        for (key, mut cuts) in cuts.into_values() {
            cuts.sort_unstable();
            cuts.dedup();
            let edges: Vec<f64> = std::iter::once(0.0).chain(cuts.iter().map(exact)).chain([1.0]).collect();
            worlds.total = worlds.total.saturating_mul(edges.len() as u64 - 1);
            worlds.position.insert(key, worlds.entities.len());
            worlds.entities.push(Entity { cuts, weights: edges.windows(2).map(|pair| pair[1] - pair[0]).collect() });
        }
        worlds
    }

    /// When a number is below a threshold, as pieces of its entity.
    pub(super) fn when_below(&self, key: Key, threshold: Threshold) -> Below {
        match threshold {
            Threshold::ALWAYS => Below::Always,
            Threshold::NEVER => Below::Never,
            _ => match self.position.get(&key.0) {
                Some(entity) => {
                    let cut = self.entities[*entity].cuts.partition_point(|cut| *cut < threshold);
                    Below::First { entity: *entity as u32, pieces: cut as u32 + 1 }
                }
                // Not enumerated: the scenario cannot use this threshold.
                None => Below::Never,
            },
        }
    }

    /// Weight of a world, and for each entity the number of its piece.
    pub(super) fn world(&self, number: u64, pieces: &mut Vec<u32>) -> f64 {
        pieces.clear();
        let (mut rest, mut weight) = (number, 1.0);
        for entity in &self.entities {
            let size = entity.weights.len() as u64;
            let piece = (rest % size) as usize;
            rest /= size;
            weight *= entity.weights[piece];
            pieces.push(piece as u32);
        }
        weight
    }

    fn below(&self, pieces: &[u32], key: Key, threshold: Threshold) -> bool {
        match self.when_below(key, threshold) {
            Below::Always => true,
            Below::Never => false,
            Below::First { entity, pieces: first } => pieces[entity as usize] < first,
        }
    }
}

/// The stated probabilities behind thresholds: thresholds are rounded to 2^-32, the weights are not.
fn stated_probabilities(plan: &Plan) -> HashMap<u32, f64> {
    let stated = plan.rules.iter().flat_map(|rule| {
        let c = &rule.crossing;
        [c.p_errors, c.p_latency, c.p_data].into_iter().chain(c.p_validator)
    });
    let mut known = HashMap::new();
    for p in stated.chain(plan.stated.iter().copied()) {
        known.entry(Threshold::new(p).0).or_insert(p);
    }
    known
}

pub(super) fn too_large(entities: usize, worlds: u64) -> Diagnostic {
    let size = if worlds == u64::MAX { "more than 2^64".to_owned() } else { worlds.to_string() };
    Diagnostic::error(
        "too-large",
        format!("exact enumeration is for up to {LIMIT} uncertain arcs (2^{LIMIT} worlds): here are {entities} uncertain draws, {size} worlds"),
    )
    .help("leave out --exact to sample, or ask about a smaller part of the topology")
}

/// 512 worlds as masks.
pub(super) struct WorldMasks<'a> {
    set: &'a Worldset,
    /// For each entity and cut: worlds whose number is below the cut.
    masks: Vec<Vec<Mask>>,
}

impl Worlds for WorldMasks<'_> {
    #[inline(always)]
    fn ask<V: Lanes>(&self, machine: V::Machine, _: Question, key: Key, threshold: Threshold, need: V) -> V {
        if need.is_none() {
            return need;
        }
        match self.set.when_below(key, threshold) {
            Below::Always => need,
            Below::Never => V::splat(machine, 0),
            Below::First { entity, pieces } => need.and(V::load(machine, &self.masks[entity as usize][pieces as usize - 1])),
        }
    }
}

/// Replays chances along a path of a decision tree, to visit all of its leaves.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// (answer, probability of it, purpose, name).
    pub(super) path: Vec<(bool, f64, Purpose, u64)>,
    at: usize,
    /// What could not be enumerated.
    pub(super) random: Option<String>,
    pub(super) steps: u64,
}

impl Script {
    /// Back to the root.
    pub(super) fn restart(&mut self) {
        self.at = 0;
    }

    /// Weight of the path.
    pub(super) fn weight(&self) -> f64 {
        self.path.iter().map(|(_, p, ..)| p).product()
    }

    /// Moves to the next leaf; false when all were visited.
    pub(super) fn advance(&mut self) -> bool {
        self.path.truncate(self.at);
        while let Some((answer, p, ..)) = self.path.last_mut() {
            if *answer {
                (*answer, *p) = (false, 1.0 - *p);
                self.steps += 1;
                return true;
            }
            self.path.pop();
        }
        false
    }
}

impl Choose for Script {
    fn chance(&mut self, purpose: Purpose, name: u64, p: f64) -> bool {
        if p <= 0.0 || p >= 1.0 {
            return p >= 1.0;
        }
        if let Some((answer, ..)) = self.path[..self.at].iter().find(|(.., known, of)| *known == purpose && *of == name) {
            return *answer;
        }
        if self.at == self.path.len() {
            self.path.push((true, p, purpose, name));
        }
        self.at += 1;
        self.path[self.at - 1].0
    }

    fn uniform(&mut self, _: Purpose, _: u64, what: &dyn Fn() -> String) -> f64 {
        if self.random.is_none() {
            self.random = Some(what());
        }
        0.5
    }
}

/// A world for the timeline kernel.
pub(super) struct ExactTrial<'a> {
    pub(super) set: &'a Worldset,
    pub(super) pieces: &'a [u32],
    pub(super) script: &'a mut Script,
}

impl Choose for ExactTrial<'_> {
    fn chance(&mut self, purpose: Purpose, name: u64, p: f64) -> bool {
        self.script.chance(purpose, name, p)
    }

    fn uniform(&mut self, purpose: Purpose, name: u64, what: &dyn Fn() -> String) -> f64 {
        self.script.uniform(purpose, name, what)
    }
}

impl Arcs for ExactTrial<'_> {
    fn below(&mut self, _: usize, key: Key, threshold: Threshold) -> bool {
        self.set.below(self.pieces, key, threshold)
    }

    fn buffer(&mut self, name: u64, crossing: &Crossing) -> Ticks {
        self.duration(Purpose::Buffer, name, crossing.buffer.unwrap_or(DurationLaw::ZERO), &|| "buffer of a dependency".into())
    }

    fn hand_off(&mut self, name: u64, crossing: &Crossing) -> Ticks {
        self.duration(Purpose::Buffer, !name, crossing.delay.unwrap_or(DurationLaw::ZERO), &|| "delay of a dependency".into())
    }
}

pub(super) fn world_masks<'a>(
    set: &'a Worldset,
    first: u64,
    lanes: u64,
    weights: &mut [f64],
    pieces: &mut Vec<u32>,
) -> WorldMasks<'a> {
    let mut masks: Vec<Vec<Mask>> = set.entities.iter().map(|entity| vec![Mask::NONE; entity.cuts.len()]).collect();
    for lane in 0..lanes {
        weights[lane as usize] = set.world(first + lane, pieces);
        let (word, bit) = ((lane / LANES) as usize, 1_u64 << (lane % LANES));
        for (cuts, piece) in masks.iter_mut().zip(pieces.iter()) {
            for mask in cuts.iter_mut().skip(*piece as usize) {
                mask[word] |= bit;
            }
        }
    }
    WorldMasks { set, masks }
}
