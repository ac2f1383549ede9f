//! Random systems in which every mechanism of the model has something to act on, with faults of every kind.
//!
//! A tape of random numbers is read from the front; each is a choice, and 0 is the plainest one, so that cases shrink towards plain
//! systems. Durations are constants, and only a few entries are uncertain, so that the exact engines can answer.

use proptest::prelude::*;
use shockfront::model::DurationLaw;
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{
    Advice, Belief, Breaker, Cache, Channels, Dependency, DependencyKind, Failover, Fallback, Group, GroupKind, Journey,
    OnInvalid, Queue, Replicas, Requires, Retries, Service,
};
use shockfront::units::{Probability, Ticks};

/// A system and faults on it, as on the command line.
#[derive(Debug, Clone)]
pub struct Case {
    pub draft: Draft,
    /// Of all kinds, with constant times and severities.
    pub faults: Vec<String>,
    /// The same, with times and severities left to chance.
    pub drawn: Vec<String>,
    /// Of total severity, all from the beginning on, with constant times.
    pub total: Vec<String>,
}

/// A rich case.
pub fn rich_case() -> impl Strategy<Value = Case> {
    let tape = |least, most| prop::collection::vec(any::<u16>(), least..most);
    (tape(100, 700), tape(10, 60)).prop_map(|(of_draft, of_faults)| {
        let mut make = Make { tape: of_draft, at: 0, uncertain: 4 };
        let draft = make.draft();
        (make.tape, make.at) = (of_faults, 0);
        let total = make.total(&draft);
        let (faults, drawn) = make.faults(&draft);
        Case { draft, faults, drawn, total }
    })
}

pub fn constant(minutes: usize) -> DurationLaw {
    DurationLaw::Constant(time(minutes))
}

fn time(minutes: usize) -> Ticks {
    Ticks(minutes as u64 * Ticks::PER_MINUTE)
}

pub fn belief(p: f64) -> Option<Belief> {
    Some(Belief { mean: Probability::clipped(p), strength: None })
}

const CALLS: Channels = Channels::ERRORS.with(Channels::LATENCY);
const KINDS: [DependencyKind; 11] = [
    DependencyKind::Hard,
    DependencyKind::Hard,
    DependencyKind::Hard,
    DependencyKind::Soft,
    DependencyKind::Soft,
    DependencyKind::Async,
    DependencyKind::Startup,
    DependencyKind::Monitors,
    DependencyKind::Authority,
    DependencyKind::Knowledge,
    DependencyKind::Unknown,
];
const GROUPS: [&str; 3] = ["zone-a", "zone-b", "library"];

/// Does anything cross a dependency of this kind while the program runs?
pub fn propagates(kind: Option<DependencyKind>) -> bool {
    !matches!(kind, Some(DependencyKind::Startup | DependencyKind::Monitors))
}

/// The service of a reference to it or to one of its operations.
pub fn service_of(reference: &str) -> &str {
    reference.split('.').next().unwrap_or(reference)
}

struct Make {
    tape: Vec<u16>,
    at: usize,
    /// Entries that may still be uncertain.
    uncertain: usize,
}

impl Make {
    fn below(&mut self, most: usize) -> usize {
        let next = self.tape.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(next) % most
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// In so many of ten cases.
    fn in_ten<T>(&mut self, tenths: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(10) >= 10 - tenths).then(|| make(self))
    }

    fn minutes(&mut self) -> DurationLaw {
        constant(1 + self.below(40))
    }

    fn chance(&mut self) -> f64 {
        let tenths = if self.uncertain > 0 { self.one(&[10, 9, 5, 2]) } else { 10 };
        self.uncertain -= usize::from(tenths < 10);
        tenths as f64 / 10.0
    }

    fn draft(&mut self) -> Draft {
        let mut draft = Draft { name: Some("rich".to_owned()), ..Draft::default() };
        for name in GROUPS {
            let is_zone = name.starts_with("zone");
            draft.groups.push((
                name.to_owned(),
                Group {
                    kind: if is_zone { GroupKind::Zone } else { GroupKind::Shared },
                    kind_name: if is_zone { "zone" } else { "library" }.to_owned(),
                    hit: self.in_ten(2, |make| Probability::clipped(make.chance())),
                    waves: if is_zone { Vec::new() } else { self.in_ten(4, |_| vec![time(0), time(7)]).unwrap_or_default() },
                    beta: if is_zone { None } else { self.in_ten(4, |make| Probability::clipped(make.chance())) },
                    paths: Vec::new(),
                },
            ));
        }
        for at in 0..3 + self.below(4) {
            let service = self.service();
            draft.services.push((format!("s{at}"), service));
        }
        for _ in 0..2 + self.below(2 * draft.services.len()) {
            let dependency = self.dependency(&draft);
            draft.dependencies.extend(dependency);
        }
        self.gates(&mut draft);
        for at in 0..1 + self.below(2) {
            let mut needs: Vec<String> = (0..1 + self.below(2)).map(|_| self.end(&draft)).collect();
            needs.dedup();
            let journey = Journey { needs, users_per_minute: Some(1_000.0), slo: Some(99.9), ..Journey::default() };
            draft.journeys.push((format!("journey {at}"), journey));
        }
        draft
    }

    fn service(&mut self) -> Service {
        let replicas = self.in_ten(3, |make| {
            let count = 1 + make.below(5);
            Replicas { count: count as u32, need: 1 + make.below(count) as u32 }
        });
        let groups = GROUPS.into_iter().filter(|_| self.below(10) >= 7).map(str::to_owned).collect();
        let operations = self.in_ten(3, |_| vec!["A".to_owned(), "B".to_owned()]).unwrap_or_default();
        Service {
            replicas,
            groups,
            operations,
            detect: self.in_ten(3, Self::minutes),
            repair: self.in_ten(3, Self::minutes),
            rollback: self.in_ten(2, Self::minutes),
            cold_start: self.in_ten(3, Self::minutes),
            restore_tail: self.in_ten(2, Self::minutes),
            latency: self.in_ten(6, |_| Ticks(Ticks::PER_SECOND / 10)),
            load: self.in_ten(3, |make| 0.3 + 0.1 * make.below(6) as f64),
            failover: self.in_ten(1, |make| {
                let after = time(1 + make.below(20));
                Failover { after, works: Probability::clipped(make.chance()) }
            }),
            ..Service::default()
        }
    }

    /// A service, or one of its operations.
    fn end(&mut self, draft: &Draft) -> String {
        let (name, facts) = &draft.services[self.below(draft.services.len())];
        let which = self.below(4);
        facts.operations.get(which).map_or(name.clone(), |operation| format!("{name}.{operation}"))
    }

    /// Nothing where it would be the same as another one or go round a service.
    fn dependency(&mut self, draft: &Draft) -> Option<DraftDependency> {
        let (from, to, kind) = (self.end(draft), self.end(draft), self.one(&KINDS));
        let provider = draft.services.iter().find(|(name, _)| name == service_of(&to)).map(|(_, facts)| facts.latency);
        let mut facts = Dependency::default();
        if !propagates(Some(kind)) {
            facts.probability = belief(self.chance());
        } else {
            self.facts(kind, provider.flatten(), &mut facts);
        }
        let known = draft.dependencies.iter().any(|other| (&other.from, &other.to, other.kind) == (&from, &to, Some(kind)));
        (service_of(&from) != service_of(&to) && !known).then_some(DraftDependency { from, to, kind: Some(kind), facts })
    }

    fn facts(&mut self, kind: DependencyKind, provider_latency: Option<Ticks>, facts: &mut Dependency) {
        facts.probability = belief(self.chance());
        facts.share = self.in_ten(2, |_| 0.5);
        facts.calls = self.in_ten(2, |make| 1.0 + make.below(3) as f64);
        facts.buffer = self.in_ten(2, Self::minutes);
        facts.cache = self.in_ten(1, |make| match make.below(2) {
            0 => Cache { ttl: None, serve_stale: Some(time(5)) },
            _ => Cache { ttl: Some(time(20)), serve_stale: None },
        });
        let usual = shockfront::model::crossing::default_channels(kind);
        let all = CALLS.with(Channels::DATA);
        let stated = if kind == DependencyKind::Async { Channels::ERRORS.with(Channels::DATA) } else { all };
        facts.carries = self.in_ten(4, |make| make.one(&[stated, usual, Channels::ERRORS]));
        let carries = facts.carries.unwrap_or(usual);
        if carries.has(Channels::ERRORS) || carries.has(Channels::LATENCY) {
            self.facts_of_calls(kind, provider_latency, facts);
            if !carries.has(Channels::LATENCY) {
                (facts.timeout, facts.pool, facts.wait_share) = (None, None, None);
            }
        }
        if carries.has(Channels::ERRORS) && kind == DependencyKind::Async && facts.buffer.is_none() {
            facts.queue = self.in_ten(5, |_| Queue { capacity: 600.0, arrivals: 100.0, departures: Some(150.0) });
        }
        if carries.has(Channels::DATA) {
            facts.writes_data = self.in_ten(2, |_| true);
            facts.delay = self.in_ten(3, Self::minutes);
            if self.uncertain > 0 {
                facts.validated = self.in_ten(3, |make| Some(make.below(2) == 0));
                self.uncertain -= usize::from(facts.validated.is_some());
                facts.on_invalid = facts.validated.and(self.in_ten(5, |_| OnInvalid::Reject));
            }
        }
        match kind {
            DependencyKind::Authority => facts.verbs = vec!["delete".to_owned()],
            DependencyKind::Knowledge => {
                let half = Probability::clipped(0.5);
                facts.advice = self.in_ten(5, |_| Advice { age: Ticks::from_days(400), repeat: half, unverified: half });
            }
            _ => {}
        }
    }

    fn facts_of_calls(&mut self, kind: DependencyKind, provider_latency: Option<Ticks>, facts: &mut Dependency) {
        facts.timeout = self.in_ten(3, |make| Ticks(Ticks::PER_SECOND / 20 * [4, 40, 10][make.below(3)]));
        facts.retries = self.in_ten(3, |make| Retries { attempts: 2 + make.below(3) as u32, budget: make.in_ten(3, |_| 0.1) });
        facts.breaker = self.in_ten(2, |_| Breaker { window: None, open_at: None, open_for: None });
        facts.transient = self.in_ten(2, |_| 0.5);
        facts.wait_share = self.in_ten(2, |_| 0.5);
        if kind == DependencyKind::Soft {
            let coverage = self.one(&[1.0, 0.5]);
            facts.fallback = self.in_ten(5, |make| Fallback { coverage, tested: make.one(&[None, Some(true), Some(false)]) });
        }
        if facts.timeout.is_some() && provider_latency.is_some() {
            facts.pool = self.in_ten(4, |_| 30.0);
            facts.rate = facts.pool.map(|_| 100.0);
        }
    }

    fn gates(&mut self, draft: &mut Draft) {
        for (name, facts) in &mut draft.services {
            let mut of: Vec<String> = Vec::new();
            for dependency in draft.dependencies.iter().filter(|known| service_of(&known.from) == name && propagates(known.kind))
            {
                let provider = service_of(&dependency.to).to_owned();
                if !of.contains(&provider) {
                    of.push(provider);
                }
            }
            if of.len() > 1 {
                facts.requires = self.in_ten(5, |make| Requires { at_least: 1 + make.below(of.len()) as u32, of });
            }
        }
    }

    /// Two or three faults: kind, target and severity, then times.
    fn faults(&mut self, draft: &Draft) -> (Vec<String>, Vec<String>) {
        let (mut faults, mut drawn, mut labels): (Vec<String>, Vec<String>, Vec<String>) = Default::default();
        for _ in 0..1 + self.below(3) {
            let (label, severity, times) = self.fault(draft);
            // The same fault twice is two incidents, told apart by their order.
            if !labels.contains(&label) {
                let at = self.one(&[0, 5, 30]);
                let (detect, repair) = (1 + self.below(20), 5 + self.below(60));
                faults.push(format!("{label}{severity}{times},at={at}m,detect={detect}m,repair={repair}m"));
                let needed = if label.starts_with("overload") { severity.as_str() } else { "" };
                drawn.push(format!("{label}{needed},at={at}m"));
                labels.push(label);
            }
        }
        (faults, drawn)
    }

    fn fault(&mut self, draft: &Draft) -> (String, String, String) {
        let service = draft.services[self.below(draft.services.len())].0.clone();
        let any = self.end(draft);
        let members = |group: &str| draft.services.iter().any(|(_, facts)| facts.groups.iter().any(|known| known == group));
        let group = GROUPS.into_iter().find(|group| members(group));
        let loaded = draft.services.iter().find(|(_, facts)| facts.load.is_some());
        let monitor = draft.dependencies.iter().find(|known| known.kind == Some(DependencyKind::Monitors));
        let mix = self.one(&["rate=0.4", "factor=4", "wrong=0.3", "rate=1"]);
        let again = ",bootstrap=15m";
        let (label, severity, times) = match (self.below(14), group, loaded, monitor) {
            (1, ..) => (format!("error_rate@{any}"), format!(",rate={}", self.one(&["1", "0.3", "0.6"])), ""),
            (2, ..) => (format!("latency@{any}"), format!(",factor={}", self.one(&["5", "2", "30"])), ""),
            (3, _, Some((name, _)), _) => (format!("overload@{name}"), ",capacity=50%".to_owned(), ",relief=30m"),
            (4, ..) => (format!("bad_deploy@{any}"), format!(",{mix}"), ",rollback=12m"),
            (5, ..) => (format!("config_push@{}", group.unwrap_or(&service)), format!(",{mix}"), ""),
            (6, ..) => (format!("state_loss@{service}"), String::new(), again),
            (7, ..) => (format!("corrupt_output@{any}"), format!(",wrong={}", self.one(&["1", "0.3"])), ",unwind=15m"),
            (8, ..) => (format!("poisoned_loop@{service}"), ",initial=0.1,gain=1.5,cycle=10m".to_owned(), ""),
            (9, ..) => (format!("operator_advice@{service}"), format!(",{mix}"), ",wrong_fix=0"),
            (10, Some("zone-a"), ..) => ("zone_loss@zone-a".to_owned(), String::new(), again),
            (11, ..) => (format!("expiry@{service}"), String::new(), ""),
            (12, _, _, Some(monitor)) => (format!("false_all_clear@{}", monitor.to), String::new(), ""),
            (13, Some("library"), ..) => ("crash@library".to_owned(), String::new(), again),
            (10, ..) => (format!("crash@{service}"), ",instances=1".to_owned(), again),
            _ => (format!("crash@{service}"), String::new(), again),
        };
        (label, severity, times.to_owned())
    }

    fn total(&mut self, draft: &Draft) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        for _ in 0..1 + self.below(2) {
            let service = draft.services[self.below(draft.services.len())].0.clone();
            let (kind, severity) = self.one(&[
                ("crash", ""),
                ("error_rate", ",rate=1"),
                ("bad_deploy", ",rate=1"),
                ("corrupt_output", ",wrong=1,unwind=0m"),
                ("state_loss", ""),
                ("expiry", ""),
            ]);
            let fault = format!("{kind}@{service}{severity},detect=4m,repair=31m");
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        faults
    }
}
