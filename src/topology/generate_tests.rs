//! Tests of generated topologies.

use super::*;
use crate::model::System;
use crate::model::draft::Nowhere;
use crate::topology::edge_list::read;
use proptest::prelude::*;

fn text(plan: Plan) -> Vec<u8> {
    let mut text = Vec::new();
    edge_list(plan, &mut text).expect("a possible plan");
    text
}

#[test]
fn a_plan_gives_its_numbers_and_the_same_bytes() {
    let plan = Plan { services: 1_000, arcs: 8_000, seed: 1 };
    assert_eq!(text(plan), text(plan));
    assert_ne!(text(plan), text(Plan { seed: 2, ..plan }));
    let list = read("g.tsv", text(plan).as_slice()).expect("loads");
    assert_eq!((list.service_count(), list.dependency_count()), (1_000, 8_000));
    let system = System::build(draft(plan).expect("a draft"), &Nowhere).expect("valid");
    assert_eq!((system.service_count(), system.dependency_count(), system.journeys().len()), (1_000, 8_000, 2));
    let defaults = system.dependency_ids().filter(|id| system.kind(*id) == DependencyKind::Hard).count();
    assert!((6_000..6_800).contains(&defaults), "{defaults}");
    let stated = system.dependency_ids().filter_map(|id| system.stated_probability(id));
    assert!(stated.into_iter().all(|p| (0.1..=0.9).contains(&p)));
    // A few services are needed by many.
    let mut consumers = vec![0; 1_000];
    system.dependency_ids().for_each(|id| consumers[system.provider(id).service.index()] += 1);
    consumers.sort_unstable_by(|a, b| b.cmp(a));
    assert!(consumers[0] > 100 && consumers[500] < 10, "{:?}", &consumers[..10]);
}

#[test]
fn impossible_plans_are_refused() {
    let plan = Plan { services: 3, arcs: 4, seed: 0 };
    assert!(plan.check().is_err() && draft(plan).is_err() && edge_list(plan, &mut Vec::new()).is_err());
    assert!(Plan { services: 0, arcs: 0, seed: 0 }.check().is_err());
    assert!(draft(Plan { services: MOST_IN_DRAFT + 1, arcs: 10, seed: 0 }).is_err());
    assert!(draft(Plan { services: 1, arcs: 0, seed: 0 }).is_ok());
}

proptest! {
    #[test]
    fn every_possible_plan_is_filled(services in 1_u32..60, share in 0.0..=1.0_f64, seed: u64) {
        let most = u64::from(services) * u64::from(services - 1) / 2;
        let plan = Plan { services, arcs: (share * most as f64) as u64, seed };
        let system = System::build(draft(plan).expect("a draft"), &Nowhere).expect("valid");
        prop_assert_eq!(system.dependency_count() as u64, plan.arcs);
        prop_assert!(system.dependency_ids().all(|id| system.consumer(id).service < system.provider(id).service));
    }
}
