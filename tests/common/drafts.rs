//! Random systems of a few services.

use proptest::prelude::*;
use shockfront::model::DurationLaw;
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Belief, Cache, Dependency, DependencyKind, Requires, Service};
use shockfront::units::{Probability, Ticks};
use std::collections::BTreeSet;

/// One random dependency: consumer, provider, probability in tenths, buffer in minutes, serve-stale in minutes, soft, startup.
type Arc = (usize, usize, u32, u64, u64, bool);

/// Services `s0`, `s1` and so on, with gates, buffers and caches.
pub fn random_draft() -> impl Strategy<Value = Draft> {
    (3_usize..9).prop_flat_map(|services| {
        let arc = (
            0..services,
            0..services,
            0_u32..=10,
            prop_oneof![3 => Just(0_u64), 1 => 1_u64..60],
            prop_oneof![4 => Just(0_u64), 1 => 1_u64..60],
            any::<bool>(),
        );
        let arcs = prop::collection::vec(arc, 1..16);
        let gates = prop::collection::vec(any::<bool>(), services);
        (Just(services), arcs, gates).prop_map(|(services, arcs, gates)| make_draft(services, &arcs, &gates))
    })
}

fn make_draft(services: usize, arcs: &[Arc], gates: &[bool]) -> Draft {
    let mut seen = BTreeSet::new();
    let mut draft = Draft { name: Some("random".to_owned()), ..Draft::default() };
    for (consumer, provider, tenths, buffer, stale, soft) in arcs {
        if consumer == provider || !seen.insert((consumer, provider)) {
            continue;
        }
        let minutes = |minutes: u64| Ticks(minutes * Ticks::PER_MINUTE);
        draft.dependencies.push(DraftDependency {
            from: format!("s{consumer}"),
            to: format!("s{provider}"),
            kind: Some(if *soft { DependencyKind::Soft } else { DependencyKind::Hard }),
            facts: Dependency {
                probability: Some(Belief { mean: Probability::clipped(f64::from(*tenths) / 10.0), strength: None }),
                buffer: (*buffer > 0).then(|| DurationLaw::Constant(minutes(*buffer))),
                cache: (*stale > 0).then(|| Cache { ttl: None, serve_stale: Some(minutes(*stale)) }),
                ..Dependency::default()
            },
        });
    }
    for (service, gated) in gates.iter().enumerate().take(services) {
        let name = format!("s{service}");
        let of: Vec<String> = draft.dependencies.iter().filter(|d| d.from == name).map(|d| d.to.clone()).collect();
        let requires = (*gated && of.len() > 1).then(|| Requires { at_least: of.len() as u32 - 1, of });
        draft.services.push((name, Service { requires, ..Service::default() }));
    }
    draft
}
