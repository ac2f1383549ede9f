//! The fewest people who can give the sign-offs that are still missing.
//!
//! Each missing sign-off can be given by some members of the team file, and may ask for several of them; a set of people who can
//! give all is a multicover. The smallest is found exactly where few sign-offs are missing ([`MOST_STATES`]), by dynamic programming
//! over what is still missing in O(people · states · sign-offs), and greedily beyond. Of sets of one size, that counts which speaks
//! for most owners of what else breaks, who are asked and not waited for. What must hold: nobody is named who wrote a change or
//! signed already; between equal sets the order of the team file decides.

use super::sign_off::{Demand, Owner, given_by, members, owners, seniors, wrote_it_all};
use super::{Facts, code_owners};
use crate::change::facts::{Change, Reviewer};
use crate::change::team::TeamMember;
use crate::risk::assessment::Signer;
use crate::risk::review::senior_reviews;

/// Most combinations of what can be missing for which the smallest set is found.
const MOST_STATES: usize = 1 << 14;

/// A sign-off that is missing, how many people have to give it, and who can.
pub(super) struct Open<'a> {
    pub(super) what: String,
    pub(super) needed: usize,
    pub(super) by: Vec<&'a TeamMember>,
}

/// The people, each with what they sign for; empty where nothing is missing, or where nobody can give it.
pub(super) fn signers(facts: &Facts<'_>, demand: &Demand<'_>) -> Vec<Signer> {
    let mut open = open(facts, demand);
    let n_required = open.len();
    open.extend(asked_besides(facts));
    // Where there are too few people, all of them are named.
    let mut needed: Vec<usize> = open.iter().map(|open| open.needed.min(open.by.len())).collect();
    let people: Vec<(&TeamMember, Vec<bool>)> = facts
        .team
        .people
        .iter()
        .map(|person| (person, open.iter().map(|open| open.by.iter().any(|by| std::ptr::eq(*by, person))).collect::<Vec<_>>()))
        .filter(|(_, covers)| covers[..n_required].contains(&true))
        .collect();
    let sets: Vec<&[bool]> = people.iter().map(|(_, covers)| covers.as_slice()).collect();
    let required = &needed[..n_required];
    let chosen = smallest(&sets, &needed, n_required).or_else(|| smallest(&sets, required, n_required));
    let chosen = chosen.unwrap_or_else(|| greedy(&sets, required));
    let named = chosen.into_iter().map(|at| {
        let (person, covers) = &people[at];
        let own = open.iter().zip(covers).zip(&mut needed).filter(|((_, covers), needed)| **covers && **needed > 0);
        let covers = own.map(|((open, _), needed)| {
            *needed -= 1;
            open.what.clone()
        });
        Signer { who: person.name.clone(), covers: covers.collect() }
    });
    named.collect()
}

/// Owners of what else breaks above the threshold, as many as are shown: who also speaks for them is the better one to ask.
fn asked_besides<'a>(facts: &Facts<'a>) -> Vec<Open<'a>> {
    let of = |owner: Owner<'a>| {
        let team = owner.team.filter(|team| !owner.changed && !wrote_it_all(facts, team))?;
        (given_by(facts, &owner).is_none()).then(|| Open { what: team.to_owned(), needed: 1, by: members(facts, team) })
    };
    owners(facts).into_iter().filter_map(of).take(facts.policy.most_owners).collect()
}

fn open<'a>(facts: &Facts<'a>, demand: &Demand<'_>) -> Vec<Open<'a>> {
    let mut open = Vec::from_iter(senior_reviews_open(facts, demand));
    if demand.requirement.owners {
        for owner in owners(facts).iter().filter(|owner| owner.changed && given_by(facts, owner).is_none()) {
            let (what, by) = match owner.team.filter(|team| !wrote_it_all(facts, team)) {
                Some(team) => (team.to_owned(), members(facts, team)),
                None => (owner.named(facts).join(", "), seniors(facts)),
            };
            open.push(Open { what, needed: 1, by });
        }
        open.extend(code_owners::open(facts));
    }
    open
}

/// Seniors who still have to review a change, and those who have not reviewed it.
fn senior_reviews_open<'a>(facts: &Facts<'a>, demand: &Demand<'_>) -> Option<Open<'a>> {
    let wanted = demand.requirement.seniors.max(u32::from(demand.requirement.blocked)) as usize;
    let lacking = |change: &Change| wanted.saturating_sub(senior_reviews(change, facts.team).count());
    let needed = facts.changes.iter().map(|change| lacking(change)).max()?;
    let mut by = seniors(facts);
    by.retain(|member| {
        let is_one = |reviewer: &Reviewer| {
            facts.team.find(Some(&reviewer.name), &reviewer.emails).is_some_and(|known| std::ptr::eq(known, *member))
        };
        facts.changes.iter().any(|change| lacking(change) > 0 && !senior_reviews(change, facts.team).any(is_one))
    });
    (needed > 0).then(|| Open { what: "senior review".to_owned(), needed, by })
}

/// Positions of a smallest family of sets that has so many of each of the first items, in order, and of these families the one that
/// has most of the other items; `None` where there are too many combinations to try, empty where no family has them.
fn smallest(sets: &[&[bool]], needed: &[usize], n_required: usize) -> Option<Vec<usize>> {
    let states = needed.iter().try_fold(1_usize, |product, needed| product.checked_mul(needed + 1))?;
    if states > MOST_STATES {
        return None;
    }
    // A state says in mixed radix how many of each item there are; for each the first smallest family that reaches it.
    let mut best: Vec<Option<Vec<usize>>> = vec![None; states];
    best[0] = Some(Vec::new());
    let advance = |state: usize, set: &[bool]| {
        let (mut rest, mut stride, mut next) = (state, 1, state);
        for (needed, is_in) in needed.iter().zip(set) {
            if *is_in && rest % (needed + 1) < *needed {
                next += stride;
            }
            rest /= needed + 1;
            stride *= needed + 1;
        }
        next
    };
    for (at, set) in sets.iter().enumerate() {
        // Downwards, since each leads upwards: nobody is taken twice.
        for state in (0..states).rev() {
            let next = advance(state, set);
            let Some(used) = best[state].as_ref().map(Vec::len).filter(|_| next != state) else { continue };
            if best[next].as_ref().is_none_or(|known| used + 1 < known.len()) {
                let mut family = best[state].clone().unwrap_or_default();
                family.push(at);
                best[next] = Some(family);
            }
        }
    }
    let required: usize = needed[..n_required].iter().map(|needed| needed + 1).product();
    // With all that is required; the states then differ in the other items only.
    let families = (required - 1..states).step_by(required).filter_map(|state| Some((state / required, best[state].take()?)));
    let others = |mut state: usize| {
        let radices = needed[n_required..].iter().map(|needed| needed + 1);
        radices.map(|radix| (state % radix, state /= radix).0).sum::<usize>()
    };
    let found = families.min_by_key(|(state, family)| (family.len(), std::cmp::Reverse(others(*state))));
    Some(found.map(|(_, family)| family).unwrap_or_default())
}

/// Takes the set that has most of what is left, again and again.
fn greedy(sets: &[&[bool]], needed: &[usize]) -> Vec<usize> {
    let mut left = needed.to_vec();
    let mut chosen: Vec<usize> = Vec::new();
    loop {
        let gain = |set: &[bool]| set.iter().zip(&left).filter(|(is_in, left)| **is_in && **left > 0).count();
        let others = (0..sets.len()).filter(|at| !chosen.contains(at));
        let best = others.max_by_key(|at| (gain(sets[*at]), std::cmp::Reverse(*at)));
        let Some(at) = best.filter(|at| gain(sets[*at]) > 0) else { return chosen };
        chosen.push(at);
        left.iter_mut().zip(sets[at]).for_each(|(left, is_in)| *left = left.saturating_sub(usize::from(*is_in)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The size of the smallest family, and how much of the other items such a one has at most, by trying all.
    fn by_force(sets: &[Vec<bool>], needed: &[usize], n_required: usize) -> Option<(usize, std::cmp::Reverse<usize>)> {
        let families = 0..1_u32 << sets.len();
        let of = |family: u32, item: usize| (0..sets.len()).filter(|set| family >> set & 1 == 1 && sets[*set][item]).count();
        let covers = |family: &u32| (0..n_required).all(|item| of(*family, item) >= needed[item]);
        let others = |family: u32| (n_required..4).map(|item| of(family, item).min(needed[item])).sum::<usize>();
        families.filter(covers).map(|family| (family.count_ones() as usize, std::cmp::Reverse(others(family)))).min()
    }

    proptest! {
        #[test]
        fn no_smaller_set_of_people_would_do(
            sets in prop::collection::vec(prop::collection::vec(any::<bool>(), 4), 0..9),
            needed in prop::collection::vec(0_usize..4, 4),
            n_required in 0_usize..5,
        ) {
            let borrowed: Vec<&[bool]> = sets.iter().map(Vec::as_slice).collect();
            let found = smallest(&borrowed, &needed, n_required).expect("few states");
            let has = |family: &[usize], item: usize| family.iter().filter(|at| sets[**at][item]).count();
            match by_force(&sets, &needed, n_required) {
                None => prop_assert!(found.is_empty()),
                Some(best) => {
                    prop_assert!((0..n_required).all(|item| has(&found, item) >= needed[item]));
                    let others: usize = (n_required..4).map(|item| has(&found, item).min(needed[item])).sum();
                    prop_assert_eq!((found.len(), std::cmp::Reverse(others)), best);
                }
            }
            let all: Vec<usize> = (0..sets.len()).collect();
            let taken = greedy(&borrowed, &needed);
            prop_assert!((0..4).all(|item| has(&taken, item) >= needed[item].min(has(&all, item))));
        }
    }

    #[test]
    fn one_senior_who_owns_is_better_than_two_people() {
        // Seniors 0 to 3; 0 owns one service, 2 the other: two seniors and two owners are two people.
        let sets = [[true, true, false], [true, false, false], [true, false, true], [true, false, false]];
        let borrowed: Vec<&[bool]> = sets.iter().map(<[bool; 3]>::as_slice).collect();
        assert_eq!(smallest(&borrowed, &[2, 1, 1], 3), Some(vec![0, 2]));
        assert_eq!(smallest(&borrowed, &[usize::MAX - 1, 3], 2), None);
        // One senior is enough: the one who owns what breaks besides.
        assert_eq!(smallest(&borrowed, &[1, 0, 1], 2), Some(vec![2]));
    }
}
