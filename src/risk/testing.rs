//! Small systems for tests.

use crate::model::System;
use crate::model::draft::{Draft, DraftDependency, Nowhere};
use crate::model::facts::{Belief, Dependency, Journey, Service};
use crate::units::Probability;

/// A system from arcs `(provider, consumer, probability)`, with services in the order they appear.
pub(crate) fn arcs(arcs: &[(&str, &str, f64)]) -> Draft {
    let mut draft = Draft { name: Some("test".to_owned()), ..Draft::default() };
    for (provider, consumer, p) in arcs {
        for name in [provider, consumer] {
            if !draft.services.iter().any(|(known, _)| known == name) {
                draft.services.push(((*name).to_owned(), Service::default()));
            }
        }
        let mean = Probability::new(*p).expect("a probability");
        let facts = Dependency { probability: Some(Belief { mean, strength: None }), ..Dependency::default() };
        draft.dependencies.push(DraftDependency { from: (*consumer).to_owned(), to: (*provider).to_owned(), kind: None, facts });
    }
    draft
}

/// A journey with traffic and objective.
pub(crate) fn journey(needs: &str, users: f64, slo: f64) -> (String, Journey) {
    let facts = Journey { needs: vec![needs.to_owned()], users_per_minute: Some(users), slo: Some(slo), ..Journey::default() };
    (format!("use {needs}"), facts)
}

pub(crate) fn build(draft: Draft) -> System {
    System::build(draft, &Nowhere).expect("a valid draft")
}

/// V4 of model.md: s>a .9, a>b .8, a>c .7, b>t .6, c>t .5.
pub(crate) fn v4() -> System {
    build(arcs(&[("s", "a", 0.9), ("a", "b", 0.8), ("a", "c", 0.7), ("b", "t", 0.6), ("c", "t", 0.5)]))
}
