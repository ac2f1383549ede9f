//! The fewest people who can give the sign-offs that are still missing.
//!
//! Each missing sign-off can be given by some members of the team file; a set of people who can give all of them is a set cover.
//! The smallest is found exactly where few sign-offs are missing ([`EXACT`]), by dynamic programming over subsets in
//! O(people · 2^sign-offs), and greedily beyond. What must hold: nobody is named who wrote a change; the order of the team file
//! decides between sets of one size.

use super::Facts;
use super::sign_off::{Demand, given_by, members, owners, seniors, wrote_it_all};
use crate::change::team::TeamMember;
use crate::risk::assessment::Signer;
use crate::risk::review::senior_reviews;

/// Most missing sign-offs for which the smallest set is found.
const EXACT: usize = 16;

/// What a senior signs.
const SENIOR: &str = "senior review";

/// A sign-off that is missing, and who can give it.
struct Open<'a> {
    what: String,
    by: Vec<&'a TeamMember>,
}

/// The people, each with what they sign for; empty where nothing is missing, or where nobody can give it.
pub(super) fn signers(facts: &Facts<'_>, demand: &Demand<'_>) -> Vec<Signer> {
    let open: Vec<Open<'_>> = open(facts, demand).into_iter().filter(|open| !open.by.is_empty()).collect();
    let people: Vec<(&TeamMember, Vec<bool>)> = facts
        .team
        .people
        .iter()
        .map(|person| (person, open.iter().map(|open| open.by.iter().any(|by| std::ptr::eq(*by, person))).collect::<Vec<_>>()))
        .filter(|(_, covers)| covers.contains(&true))
        .collect();
    let sets: Vec<&[bool]> = people.iter().map(|(_, covers)| covers.as_slice()).collect();
    let chosen = if open.len() <= EXACT { smallest(&sets, open.len()) } else { greedy(&sets, open.len()) };
    let mut left = vec![true; open.len()];
    let named = chosen.into_iter().map(|at| {
        let (person, covers) = &people[at];
        let own = open.iter().zip(covers).zip(&mut left).filter(|((_, covers), left)| **covers && **left);
        let covers = own.map(|((open, _), left)| {
            *left = false;
            open.what.clone()
        });
        Signer { who: person.name.clone(), covers: covers.collect() }
    });
    named.collect()
}

fn open<'a>(facts: &Facts<'a>, demand: &Demand<'_>) -> Vec<Open<'a>> {
    let mut open = Vec::new();
    let wanted = demand.requirement.seniors.max(u32::from(demand.requirement.blocked)) as usize;
    let given = facts.changes.iter().map(|change| senior_reviews(change, facts.team).count()).min().unwrap_or(0);
    for _ in given..wanted {
        open.push(Open { what: SENIOR.to_owned(), by: seniors(facts) });
    }
    if demand.requirement.owners {
        for owner in owners(facts).iter().filter(|owner| owner.changed && given_by(facts, owner).is_none()) {
            let (what, by) = match owner.team.filter(|team| !wrote_it_all(facts, team)) {
                Some(team) => (team.to_owned(), members(facts, team)),
                None => (owner.named(facts).join(", "), seniors(facts)),
            };
            open.push(Open { what, by });
        }
    }
    // Two seniors are two people: of several such sign-offs each is left to its own part of them.
    for (turn, one) in open.iter_mut().filter(|open| open.what == SENIOR).enumerate() {
        let own = one.by.iter().enumerate().filter(|(at, _)| wanted < 2 || at % wanted == turn % wanted);
        one.by = own.map(|(_, by)| *by).collect();
    }
    open
}

/// Positions of a smallest family of sets that covers everything, in order; empty where none does.
fn smallest(sets: &[&[bool]], count: usize) -> Vec<usize> {
    let all = (1_usize << count) - 1;
    let mask = |set: &[bool]| set.iter().enumerate().fold(0, |mask, (at, is_in)| mask | usize::from(*is_in) << at);
    // For each subset the first family that covers it: how many sets, the last of them, and the subset before.
    let mut best: Vec<Option<(usize, usize, usize)>> = vec![None; all + 1];
    best[0] = Some((0, usize::MAX, 0));
    for (at, set) in sets.iter().enumerate() {
        for covered in 0..=all {
            let Some((used, last, _)) = best[covered] else { continue };
            let next = covered | mask(set);
            // A set is used once: the same position twice adds nothing.
            if last != at && best[next].is_none_or(|(known, _, _)| used + 1 < known) {
                best[next] = Some((used + 1, at, covered));
            }
        }
    }
    let mut chosen = Vec::new();
    let mut covered = all;
    while covered != 0 {
        let Some((_, at, before)) = best[covered] else { return Vec::new() };
        chosen.push(at);
        covered = before;
    }
    chosen.reverse();
    chosen
}

/// Takes the set that covers most of what is left, again and again.
fn greedy(sets: &[&[bool]], count: usize) -> Vec<usize> {
    let mut left = vec![true; count];
    let mut chosen = Vec::new();
    loop {
        let gain = |set: &[bool]| set.iter().zip(&left).filter(|(is_in, left)| **is_in && **left).count();
        let best = (0..sets.len()).max_by_key(|at| (gain(sets[*at]), std::cmp::Reverse(*at)));
        let Some(at) = best.filter(|at| gain(sets[*at]) > 0) else { return chosen };
        chosen.push(at);
        left.iter_mut().zip(sets[at]).for_each(|(left, is_in)| *left &= !is_in);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The size of the smallest family, by trying all.
    fn by_force(sets: &[Vec<bool>], count: usize) -> Option<usize> {
        let families = 0..1_u32 << sets.len();
        let covers = |family: &u32| (0..count).all(|item| (0..sets.len()).any(|set| family >> set & 1 == 1 && sets[set][item]));
        families.filter(covers).map(|family| family.count_ones() as usize).min()
    }

    proptest! {
        #[test]
        fn no_smaller_set_of_people_would_do(sets in prop::collection::vec(prop::collection::vec(any::<bool>(), 5), 0..9)) {
            let borrowed: Vec<&[bool]> = sets.iter().map(Vec::as_slice).collect();
            let found = smallest(&borrowed, 5);
            match by_force(&sets, 5) {
                None => prop_assert!(found.is_empty()),
                Some(size) => {
                    prop_assert_eq!(found.len(), size);
                    prop_assert!((0..5).all(|item| found.iter().any(|at| sets[*at][item])));
                }
            }
            let taken = greedy(&borrowed, 5);
            let covered = |family: &[usize]| (0..5).filter(|item| family.iter().any(|at| sets[*at][*item])).count();
            prop_assert_eq!(covered(&taken), covered(&(0..sets.len()).collect::<Vec<_>>()));
        }
    }
}
