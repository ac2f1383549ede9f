//! A naive reference: all subsets of live entries, a plain fixpoint. Shares no code with the engines.

use shockfront::model::draft::Draft;

/// P(impaired) of each service, and P(reach = n), when `s0` crashes. Services are named s0, s1, … and operations o0, o1, …
pub fn brute_force(draft: &Draft) -> (Vec<f64>, Vec<f64>) {
    let index = |text: &str| text[1..].parse::<usize>().expect("index");
    let end = |name: &str| match name.split_once('.') {
        Some((service, operation)) => (index(service), Some(index(operation))),
        None => (index(name), None),
    };
    let entries: Vec<_> = draft.dependencies.iter().map(|d| (end(&d.to), end(&d.from))).collect();
    let p = |entry: usize| draft.dependencies[entry].facts.probability.expect("stated").mean.value();
    let listed = |service: usize, provider: usize| {
        let requires = draft.services[service].1.requires.as_ref();
        requires.is_some_and(|requires| requires.of.iter().any(|name| index(name) == provider))
    };
    let healthy: Vec<Vec<bool>> = draft.services.iter().map(|(_, facts)| vec![false; facts.operations.len().max(1)]).collect();
    let (mut impaired, mut reach) = (vec![0.0; healthy.len()], vec![0.0; healthy.len() + 1]);
    for world in 0_u32..1 << entries.len() {
        let live = |entry: usize| world >> entry & 1 == 1;
        let weight: f64 = (0..entries.len()).map(|entry| if live(entry) { p(entry) } else { 1.0 - p(entry) }).product();
        let mut state = healthy.clone();
        state[0].fill(true);
        loop {
            let before = state.clone();
            for (service, operations) in state.iter_mut().enumerate() {
                for (operation, is_impaired) in operations.iter_mut().enumerate() {
                    let harmed = |(provider, which): (usize, Option<usize>)| match which {
                        Some(which) => before[provider][which],
                        None => before[provider].contains(&true),
                    };
                    let mine = |(consumer, which): (usize, Option<usize>)| {
                        consumer == service && which.is_none_or(|which| which == operation)
                    };
                    let crossing = (0..entries.len()).filter(|at| live(*at) && mine(entries[*at].1) && harmed(entries[*at].0));
                    let (gated, single): (Vec<usize>, Vec<usize>) =
                        crossing.map(|at| entries[at].0.0).partition(|provider| listed(service, *provider));
                    let lost: std::collections::BTreeSet<usize> = gated.into_iter().collect();
                    let requires = draft.services[service].1.requires.as_ref();
                    let tolerated = requires.map_or(0, |requires| requires.of.len() - requires.at_least as usize);
                    *is_impaired |= !single.is_empty() || lost.len() > tolerated;
                }
            }
            if state == before {
                break;
            }
        }
        let hit: Vec<bool> = state.iter().map(|operations| operations.contains(&true)).collect();
        reach[hit.iter().filter(|hit| **hit).count()] += weight;
        impaired.iter_mut().zip(hit).for_each(|(sum, hit)| *sum += if hit { weight } else { 0.0 });
    }
    (impaired, reach)
}
