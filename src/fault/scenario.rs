//! Faults resolved against a system: who can be hit, how hard, how it is noticed and how it ends.
//!
//! What must hold: every target exists, every number is in range; the kernels only draw. Sources of the rules: product.md,
//! semantics 8 to 14 and 21; the catalogue.

use super::catalogue::{self, FaultKind};
use super::exposure::Exposure;
use super::pool::Lost;
use super::resolve::incident;
use super::spec::Fault;
use super::surge::{Surge, surge};
use crate::diagnostic::Diagnostic;
use crate::model::{Compact, DurationLaw, System};
use crate::random::pair_hash;
use crate::units::{ServiceId, Ticks};

/// How hard a fault hits its targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Harm {
    /// Failing share, latency multiplier, wrong share.
    Fixed { errors: f64, latency: f64, wrong: f64 },
    /// A ~ Beta(2, 5).
    Errors,
    /// L ~ LN(5, 20).
    Latency,
    /// D ~ Beta(2, 5).
    Data,
    /// One of the three above, 60/25/15 %.
    Mix,
    /// Wrong share 1, scaled by the steps of a poisoned loop.
    Loop(Loop),
    /// A monitor goes blind; nobody is impaired by that.
    Silent,
    /// Less capacity, more demand; what fails of it follows from the load.
    Overload { capacity: f64, demand: f64 },
}

impl Harm {
    /// Can it make answers late?
    pub(crate) fn can_delay(self) -> bool {
        match self {
            Self::Fixed { latency, .. } => latency > 1.0,
            Self::Latency | Self::Mix => true,
            Self::Errors | Self::Data | Self::Loop(_) | Self::Silent | Self::Overload { .. } => false,
        }
    }

    /// Can it give wrong answers?
    pub(crate) fn can_be_wrong(self) -> bool {
        match self {
            Self::Fixed { wrong, .. } => wrong > 0.0,
            Self::Data | Self::Mix | Self::Loop(_) => true,
            Self::Errors | Self::Latency | Self::Silent | Self::Overload { .. } => false,
        }
    }
}

/// A loop that feeds on its own wrong output: `x' = min(1, floor + gain · x)` per cycle (model.md §8e).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loop {
    pub(crate) initial: f64,
    pub(crate) gain: f64,
    pub(crate) floor: f64,
    pub(crate) cycle: Ticks,
    pub(crate) threshold: f64,
}

/// One service that a fault can hit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) service: ServiceId,
    /// Hash of (incident, service or operation), for its draws.
    pub(crate) name: u64,
    /// Deploy wave.
    pub(crate) offset: Ticks,
    /// P(hit); several members are conditioned on at least one.
    pub(crate) p: f64,
    /// Operation nodes with P(hit | member hit), conditioned on at least one; p = 1 for kinds that hit all.
    pub(crate) operations: Vec<(u32, f64)>,
    /// Hash of (member, operation) of each of them, for its draws; rising.
    pub(crate) operation_names: Vec<u64>,
    /// The replicas it loses, where these decide what fails.
    pub(crate) lost: Option<Lost>,
    /// Stand-by that takes over so long after detection, and P(it works).
    pub(crate) failover: Option<(Ticks, f64)>,
    /// Complete time to detection, where stated.
    pub(crate) detect: Option<DurationLaw>,
    /// Stages after detection.
    pub(crate) stages: Vec<DurationLaw>,
    pub(crate) cold_start: DurationLaw,
    pub(crate) restore_tail: DurationLaw,
}

/// A monitor that can notice the incident.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watcher {
    pub(crate) watched: ServiceId,
    pub(crate) monitor: ServiceId,

    pub(crate) name: u64,
    pub(crate) law: DurationLaw,
    pub(crate) p_works: f64,
}

/// One fault, resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Incident {
    pub(crate) label: String,
    pub(crate) name: u64,
    pub(crate) kind: FaultKind,
    pub(crate) at: Ticks,
    pub(crate) harm: Harm,
    /// Share of the traffic that is hit.
    pub(crate) share: f64,
    /// Targets in file order.
    pub(crate) members: Vec<Member>,
    /// Hit 1 + Poisson(1.5) distinct members, instead of each by its own p.
    pub(crate) advice: bool,
    /// P(the cause is common to a whole group), and the other members of that group.
    pub(crate) common: Vec<(f64, Vec<Member>)>,
    pub(crate) watchers: Vec<Watcher>,
    /// P(an attempt to repair is wrong): stages repeat.
    pub(crate) wrong_fix: f64,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) bootstrap: DurationLaw,
    /// Clean-up of wrong data at each service.
    pub(crate) clean_up: DurationLaw,
    pub(crate) relief: Relief,
}

/// What people do about an overload that outlives its causes: after a while they keep a share of the load away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Relief {
    pub(crate) after: DurationLaw,
    pub(crate) shed: f64,
    pub(crate) hold: Ticks,
}

impl Incident {
    /// Is the member the service that the fault names, and not one of a group, or one that shares its cause?
    pub(crate) fn names(&self, member: &Member) -> bool {
        matches!(self.members.as_slice(), [only] if only.name == member.name) && self.kind != FaultKind::ZoneLoss
    }

    /// All services it can hit.
    pub(crate) fn all_members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().chain(self.common.iter().flat_map(|(_, members)| members))
    }
}

/// Of each fault, how many of the same kind on the same target come before it: two are two incidents with numbers of their own. By their
/// times and values, so that it does not count in which order they are written. O(n log n).
fn numbers_among_alike(faults: &[Fault]) -> Vec<u64> {
    let mut sorted: Vec<usize> = (0..faults.len()).collect();
    sorted.sort_by_cached_key(|at| {
        let fault = &faults[*at];
        (fault.label(), fault.at, format!("{:?}", (&fault.overrides, &fault.rollout)))
    });
    let mut numbers = vec![0; faults.len()];
    for pair in sorted.windows(2) {
        if faults[pair[0]].label() == faults[pair[1]].label() {
            numbers[pair[1]] = numbers[pair[0]] + 1;
        }
    }
    numbers
}

/// How people answer to faults, where it differs from what the topology states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Response {
    /// How many incidents can be worked on at the same time.
    pub responders: Option<u32>,
    /// Dependents' symptoms and users' reports take part in detection (product.md, semantics 14).
    pub symptom_detection: bool,
}

/// Faults resolved against a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub(crate) incidents: Vec<Incident>,
    /// How long harm is followed.
    pub horizon: Ticks,
    /// Who can be overloaded.
    pub(crate) surge: Surge,
    /// How many incidents can be worked on at the same time; any number where nobody says.
    pub(crate) responders: Option<u32>,
    /// Human time to detection and diagnosis over the usual one.
    pub(crate) slowness: f64,
    /// Symptoms of dependents and reports of users take part in detection.
    pub(crate) symptoms: bool,
}

impl Scenario {
    /// Resolves faults. `horizon` replaces the default of 72 hours (30 days when a fault is about data).
    ///
    /// # Errors
    /// One message per fault that cannot be injected.
    pub fn new(system: &System, compact: &Compact, faults: &[Fault], horizon: Option<Ticks>) -> Result<Self, Vec<Diagnostic>> {
        let mut incidents: Vec<Incident> = Vec::new();
        let mut problems = Vec::new();
        for (fault, same) in faults.iter().zip(numbers_among_alike(faults)) {
            match incident(system, compact, fault) {
                Ok(mut resolved) => {
                    if same > 0 {
                        resolved.name = pair_hash(resolved.name, same, 0x0061_6761_696E);
                    }
                    incidents.push(resolved);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if faults.is_empty() {
            problems.push(Diagnostic::error("no-fault", "there is no fault to simulate"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let about_data = incidents.iter().any(|incident| incident.kind.is_about_data());
        let default = if about_data { catalogue::DATA_HORIZON } else { catalogue::HORIZON };
        let mut scenario = Self {
            incidents,
            horizon: horizon.unwrap_or(default),
            surge: Surge::default(),
            responders: system.responders,
            slowness: 1.0,
            symptoms: false,
        };
        scenario.surge = surge(system, compact, &scenario);
        Ok(scenario)
    }

    /// The same faults, answered in another way. With another number of responders than the topology states, human detection and
    /// diagnosis take `(staff/baseline)^−½` times as long (model.md §7; elicited).
    #[must_use]
    pub fn answered(mut self, response: Response) -> Self {
        if let Some(staff) = response.responders {
            let (staff, baseline) = (staff.max(1), self.responders.unwrap_or(staff).max(1));
            self.slowness = libm::sqrt(f64::from(baseline) / f64::from(staff));
            self.responders = Some(staff);
        }
        self.symptoms = response.symptom_detection;
        self
    }

    /// The faults that mean nothing without a clock, by label.
    pub fn needs_clock(&self) -> Option<&str> {
        let overload = self.incidents.iter().find(|incident| matches!(incident.harm, Harm::Overload { .. }));
        overload.map(|incident| incident.label.as_str())
    }

    /// The same faults where nothing can be overloaded: without a clock there is no load.
    pub(crate) fn without_load(&self) -> Self {
        Self { surge: Surge::default(), ..self.clone() }
    }

    /// Every service the faults can hit directly, each once, in the order of the faults.
    pub fn targets(&self) -> Vec<ServiceId> {
        let mut targets: Vec<ServiceId> = Vec::new();
        for member in self.incidents.iter().flat_map(Incident::all_members) {
            if !targets.contains(&member.service) {
                targets.push(member.service);
            }
        }
        targets
    }

    /// Can several faults take replicas from one pool?
    pub(crate) fn shares_pools(&self) -> bool {
        let mut losers: Vec<ServiceId> =
            self.incidents.iter().flat_map(Incident::all_members).filter(|m| m.lost.is_some()).map(|m| m.service).collect();
        losers.sort_unstable();
        losers.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Every node the faults can hit directly.
    pub(crate) fn source_nodes(&self) -> Vec<u32> {
        let mut nodes: Vec<u32> = self
            .incidents
            .iter()
            .filter(|incident| incident.harm != Harm::Silent)
            .flat_map(Incident::all_members)
            .flat_map(|member| member.operations.iter().map(|(node, _)| *node))
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}
