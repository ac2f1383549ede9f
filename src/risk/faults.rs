//! From a change to the fault it would bring.
//!
//! The kind of change decides the kind of fault (product.md, semantics 26): code and schema a defective release, config and
//! permission a defective setting, model and data wrong output, a runbook bad advice, infrastructure a defective setting. A
//! destructive change of any kind loses state (model.md §3.1). Services are weighted by their share of the changed lines.
//!
//! What must hold: what is not known takes the worse reading, and is listed. A roll-out limits only faults that it can take back
//! or hold back: releases, settings and outputs; never lost state, advice or the shape of stored data.

use crate::change::facts::{Change, ChangeKind, TriState};
use crate::change::paths::{Mapping, reference};
use crate::diagnostic::Diagnostic;
use crate::fault::FaultKind;
use crate::fault::spec::{Fault, Target};
use crate::model::{Endpoint, System};
use crate::units::ServiceId;

/// Where a change lands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Landing {
    /// Services or operations, named by the change first, then those of its files, each once.
    pub targets: Vec<(Endpoint, Option<u64>)>,
    /// Paths that belong to no service.
    pub unmapped: Vec<String>,
    /// Number of changed files.
    pub n_files: usize,
    /// Services that share files with others: P(hit | fault) through those, and whether they have no other files.
    pub shared: Vec<SharedHit>,
}

impl Landing {
    /// The services, each once.
    pub fn services(&self) -> Vec<ServiceId> {
        let mut services = Vec::new();
        for (endpoint, _) in &self.targets {
            if !services.contains(&endpoint.service) {
                services.push(endpoint.service);
            }
        }
        services
    }
}

/// The services of a change: those it names and those its files belong to.
///
/// # Errors
/// For every name that the topology does not have, with the nearest that it has.
pub fn land(system: &System, change: &Change, mapping: Option<&Mapping>) -> Result<Landing, Vec<Diagnostic>> {
    let mut landing = Landing::default();
    let mut problems = Vec::new();
    let mut add = |name: &str, lines: Option<u64>| match system.resolve(name) {
        Ok(endpoint) => match landing.targets.iter_mut().find(|(known, _)| *known == endpoint) {
            Some((_, known)) => *known = known.or(lines),
            None => landing.targets.push((endpoint, lines)),
        },
        Err(problem) => problems.push(Diagnostic {
            message: format!("the change lands on `{name}`, but {}", problem.message),
            help: problem.help.or_else(|| Some(nearest_help(system, name))),
            ..problem
        }),
    };
    change.services.iter().for_each(|name| add(name, None));
    for (name, touched) in mapping.iter().flat_map(|mapping| &mapping.by_service) {
        for (operation, lines) in &touched.operations {
            add(&reference(name, operation), (*lines > 0).then_some(*lines));
        }
        if touched.operations.is_empty() {
            // Binary and empty files have a size that nobody knows.
            add(&name.replace('.', "\\."), (touched.lines > 0).then_some(touched.lines));
        }
    }
    if let Some(mapping) = mapping {
        landing.unmapped.clone_from(&mapping.unmapped);
        landing.n_files = mapping.n_files;
        let shared = mapping.by_service.iter().filter_map(|(name, touched)| Some((name, touched.shared_hit()?)));
        landing.shared = shared.filter_map(|(name, (hit, is_all))| Some((system.find_service(name)?, hit, is_all))).collect();
    }
    if problems.is_empty() { Ok(landing) } else { Err(problems) }
}

/// For a name that no spelling is near: the shortest service of which it may be a short form, as `checkoutsvc` of
/// `checkoutservice`.
fn nearest_help(system: &System, name: &str) -> String {
    let short = name.to_lowercase();
    let is_short_for = |known: &str| {
        let mut letters = known.chars().flat_map(char::to_lowercase);
        short.chars().next() == known.chars().flat_map(char::to_lowercase).next()
            && short.chars().all(|letter| letters.any(|l| l == letter))
    };
    let known = system.service_ids().map(|id| system.service_name(id)).filter(|known| short.len() >= 3 && is_short_for(known));
    match known.min_by_key(|known| known.len()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "name a service of the topology, or add this one to it".to_owned(),
    }
}

/// The kind of fault that a change brings.
pub fn kind(change: &Change) -> FaultKind {
    if change.destructive == TriState::Yes {
        return FaultKind::StateLoss;
    }
    match change.kind {
        None | Some(ChangeKind::Code | ChangeKind::Schema) => FaultKind::BadDeploy,
        Some(ChangeKind::Config | ChangeKind::Permission | ChangeKind::Infrastructure) => FaultKind::ConfigPush,
        Some(ChangeKind::Model | ChangeKind::Data) => FaultKind::CorruptOutput,
        Some(ChangeKind::Runbook) => FaultKind::OperatorAdvice,
    }
}

/// The faults of a change, none when it lands nowhere. Of a destructive change of which it is known where state is lost, these
/// services lose it, all of them for certain; the others get what a change of its kind brings, in the same trials.
pub fn faults(system: &System, change: &Change, landing: &Landing) -> Vec<Fault> {
    if landing.targets.is_empty() {
        return Vec::new();
    }
    let is_lost = |endpoint: &Endpoint| change.state_lost.iter().any(|name| name == system.service_name(endpoint.service));
    let (lost, kept): (Vec<_>, Vec<_>) = landing.targets.iter().partition(|(endpoint, _)| is_lost(endpoint));
    if kind(change) != FaultKind::StateLoss || lost.is_empty() {
        return vec![fault(system, change, &landing.targets, &landing.shared)];
    }
    let mut of_state = fault(system, change, &lost, &landing.shared);
    of_state.targets.iter_mut().for_each(|target| target.share = target.share.map(|_| 1.0));
    let mut all = vec![of_state];
    if !kept.is_empty() {
        all.push(fault(system, &Change { destructive: TriState::No, ..change.clone() }, &kept, &landing.shared));
    }
    all
}

/// A service with its P(hit | fault) through shared files, and whether it has no others.
type SharedHit = (ServiceId, f64, bool);

fn fault(system: &System, change: &Change, all_targets: &[(Endpoint, Option<u64>)], shared: &[SharedHit]) -> Fault {
    let kind = kind(change);
    let targets = match kind {
        // Lost state is lost as a whole, so an operation stands for its service.
        FaultKind::StateLoss => {
            let mut services: Vec<ServiceId> = Vec::new();
            for (endpoint, _) in all_targets {
                if !services.contains(&endpoint.service) {
                    services.push(endpoint.service);
                }
            }
            let whole = services.into_iter().map(|service| {
                let here = all_targets.iter().filter(|(endpoint, _)| endpoint.service == service);
                let lines = here.fold(None, |sum: Option<u64>, (_, lines)| match (sum, lines) {
                    (Some(sum), Some(lines)) => Some(sum.saturating_add(*lines)),
                    (sum, lines) => sum.or(*lines),
                });
                (Endpoint { service, operation: None }, lines)
            });
            whole.collect()
        }
        _ => all_targets.to_vec(),
    };
    let mut fault = Fault::on(kind, shares(system, &targets, shared));
    let is_schema = change.kind == Some(ChangeKind::Schema);
    fault.rollback_tested = match change.rollback_tested {
        _ if is_schema => Some(false),
        TriState::Yes => Some(true),
        TriState::No => Some(false),
        TriState::Unknown => None,
    };
    let can_hold_back = kind.can_be_held_back() && !is_schema;
    fault.rollout = change.rollout.filter(|_| can_hold_back);
    fault
}

/// Shares by changed lines. A service without known lines gets the mean of the others; without any lines all count alike. A service that
/// shares files with others is hit at least as often as those hit it, and one that has nothing else takes no share from the others.
fn shares(system: &System, targets: &[(Endpoint, Option<u64>)], shared: &[SharedHit]) -> Vec<Target> {
    let through_shared = |endpoint: &Endpoint| shared.iter().find(|(service, ..)| *service == endpoint.service);
    let is_own = |endpoint: &Endpoint| through_shared(endpoint).is_none_or(|(_, _, is_all)| !is_all);
    let own = || targets.iter().filter(|(endpoint, _)| is_own(endpoint));
    let known: Vec<f64> = own().filter_map(|(_, lines)| lines.map(|lines| lines as f64)).collect();
    let mean = if known.is_empty() { 1.0 } else { known.iter().sum::<f64>() / known.len() as f64 };
    let weight = |lines: Option<u64>| lines.map_or(mean, |lines| lines as f64);
    let total: f64 = own().map(|(_, lines)| weight(*lines)).sum();
    let share = |endpoint: &Endpoint, lines| {
        let own = if is_own(endpoint) { weight(lines) / total } else { 0.0 };
        (targets.len() > 1).then(|| own.max(through_shared(endpoint).map_or(0.0, |(_, hit, _)| *hit)))
    };
    let target = |(endpoint, lines): &(Endpoint, Option<u64>)| Target {
        name: system.endpoint_name(*endpoint),
        share: share(endpoint, *lines),
    };
    targets.iter().map(target).collect()
}

/// What was assumed to get from the change to its fault, as sentences.
pub fn assumed(change: &Change) -> Vec<String> {
    let mut said = Vec::new();
    if change.kind.is_none() && change.destructive != TriState::Yes {
        said.push("the kind of change is not stated: code, which takes longest to repair, is assumed".to_owned());
    }
    if change.destructive == TriState::Unknown {
        said.push("whether the change is destructive is not stated: no loss of state is simulated".to_owned());
    }
    if change.rollout.is_none() {
        said.push("the roll-out is not stated: everything at once is assumed".to_owned());
    } else if kind(change) == FaultKind::StateLoss || kind(change) == FaultKind::OperatorAdvice {
        said.push("the roll-out does not hold back this kind of fault: it is not counted".to_owned());
    } else if change.kind == Some(ChangeKind::Schema) {
        said.push("a change of stored data cannot be rolled back: the roll-out is not counted".to_owned());
    }
    if change.rollback_tested == TriState::Unknown {
        said.push("whether going back was tested is not stated".to_owned());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_files_hit_all_and_take_nothing_from_the_others() {
        use crate::risk::testing::{arcs, build};
        let system = build(arcs(&[("pay", "checkout", 0.5), ("checkout", "web", 0.8)]));
        let id = |name: &str| system.find_service(name).expect(name);
        let target = |name: &str, lines| (Endpoint { service: id(name), operation: None }, lines);
        let targets = [target("pay", Some(30)), target("checkout", Some(10)), target("web", None)];
        let ask = |shared: &[SharedHit]| shares(&system, &targets, shared).iter().filter_map(|one| one.share).collect::<Vec<_>>();
        assert_eq!(ask(&[]), [0.5, 10.0 / 60.0, 20.0 / 60.0]);
        assert_eq!(ask(&[(id("web"), 0.1, true)]), [0.75, 0.25, 0.1]);
        assert_eq!(ask(&[(id("web"), 0.9, true), (id("checkout"), 0.9, false)]), [0.75, 0.9, 0.9]);
        assert_eq!(shares(&system, &targets[..1], &[(id("pay"), 0.1, true)])[0].share, None);
    }

    #[test]
    fn state_that_is_lost_is_lost_for_certain() {
        use crate::risk::testing::{arcs, build};
        let system = build(arcs(&[("pay", "checkout", 0.5), ("checkout", "web", 0.8)]));
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let change = Change {
            kind: Some(ChangeKind::Infrastructure),
            services: names(&["pay", "checkout", "web"]),
            destructive: TriState::Yes,
            state_lost: names(&["pay", "web"]),
            ..Change::default()
        };
        let landing = land(&system, &change, None).expect("services");
        let found = faults(&system, &change, &landing);
        let labels: Vec<String> = found.iter().map(Fault::label).collect();
        assert_eq!(labels, ["state_loss@pay+web", "config_push@checkout"]);
        assert_eq!(found[0].targets.iter().map(|target| target.share).collect::<Vec<_>>(), [Some(1.0); 2]);
        let all = faults(&system, &Change { state_lost: Vec::new(), ..change }, &landing);
        assert_eq!(all.iter().map(Fault::label).collect::<Vec<_>>(), ["state_loss@pay+checkout+web"]);
    }

    #[test]
    fn kinds_follow_the_contract() {
        use ChangeKind::{Code, Config, Data, Infrastructure, Model, Permission, Runbook, Schema};
        for (change, expected) in [
            (Some(Code), FaultKind::BadDeploy),
            (Some(Schema), FaultKind::BadDeploy),
            (None, FaultKind::BadDeploy),
            (Some(Config), FaultKind::ConfigPush),
            (Some(Permission), FaultKind::ConfigPush),
            (Some(Infrastructure), FaultKind::ConfigPush),
            (Some(Model), FaultKind::CorruptOutput),
            (Some(Data), FaultKind::CorruptOutput),
            (Some(Runbook), FaultKind::OperatorAdvice),
        ] {
            let mut change = Change { kind: change, ..Change::default() };
            assert_eq!(kind(&change), expected);
            change.destructive = TriState::Yes;
            assert_eq!(kind(&change), FaultKind::StateLoss);
        }
    }
}
