//! Who has to sign, who has, and what is still missing.
//!
//! Green asks for the normal review, yellow for a senior engineer who did not write the change, orange also for an owner of what
//! breaks and for a roll-out that shows a fault to a part of the users first; red is blocked. Owners are named in the order of
//! the probability with which their services break; services that nobody owns are named as such.

use super::{Facts, floors::percent, rules};
use crate::risk::assessment::{Band, Floor, SignOff};
use crate::risk::review::{independent, senior_review, teams_of};
use crate::units::ServiceId;

/// Most services that a reason names one by one.
const MOST_REASONS: usize = 3;

/// The list, and what the gate waits for.
pub(super) fn sign_off(facts: &Facts<'_>, band: Band, floors: &[Floor]) -> (Vec<SignOff>, Vec<String>) {
    let (mut list, mut missing) = (Vec::new(), Vec::new());
    if band == Band::Red {
        missing.extend(blocked(floors));
    }
    if band >= Band::Yellow {
        let (entry, lacking) = senior(facts, band);
        list.push(entry);
        missing.extend(lacking);
    }
    let mut owners = owners(facts);
    if band >= Band::Orange {
        missing.extend(require_owner(&mut owners));
        missing.extend(roll_outs(facts));
    }
    list.extend(owners);
    (list, missing)
}

fn blocked(floors: &[Floor]) -> Vec<String> {
    let red = |rule: &str| floors.iter().any(|floor| floor.rule == rule && floor.raises_to == Band::Red);
    let mut missing = Vec::new();
    if red("destructive-without-tested-restore") {
        missing.push("test the restore, then state `rollback: {tested: yes}`".to_owned());
    } else {
        missing.push("bring the expected harm down: split the change, roll it out in steps, or test a way back".to_owned());
    }
    missing
        .push("to go on regardless, two people have to take it up outside this gate, with evidence from a game day".to_owned());
    missing
}

/// The senior review. Every change in flight needs one.
fn senior(facts: &Facts<'_>, band: Band) -> (SignOff, Vec<String>) {
    let mut teams: Vec<&str> = Vec::new();
    for owner in facts.services.iter().filter_map(|id| facts.system.service(*id).owner.as_deref()) {
        if !teams.contains(&owner) {
            teams.push(owner);
        }
    }
    let who =
        if teams.is_empty() { "a senior engineer".to_owned() } else { format!("a senior engineer of {}", teams.join(" or ")) };
    let mut missing = Vec::new();
    let mut given = Vec::new();
    for change in facts.changes {
        match senior_review(change, facts.team) {
            Some(reviewer) => given.push(reviewer.name.clone()),
            None => {
                let title = match &change.title {
                    Some(title) if facts.changes.len() > 1 => format!(" `{title}`"),
                    _ => String::new(),
                };
                missing.push(format!("{who} who did not write it has to review{title}"));
            }
        }
    }
    given.dedup();
    let because = vec![format!("a change in the {} band needs a senior review", name(band))];
    let given_by = missing.is_empty().then(|| given.join(", "));
    (SignOff { who, role: "senior engineer", because, required: true, given_by }, missing)
}

fn name(band: Band) -> &'static str {
    match band {
        Band::Green => "green",
        Band::Yellow => "yellow",
        Band::Orange => "orange",
        Band::Red => "red",
    }
}

/// An owner with the services that break.
struct Owner<'a> {
    team: Option<&'a str>,
    services: Vec<(ServiceId, f64)>,
}

fn owners(facts: &Facts<'_>) -> Vec<SignOff> {
    let is_changed = |service: &ServiceId| facts.services.contains(service);
    let mut broken: Vec<(ServiceId, f64)> =
        facts.impaired.iter().filter(|(service, p)| *p >= rules::OWNER_LIMIT || is_changed(service)).copied().collect();
    let unseen = facts.services.iter().filter(|id| !facts.impaired.iter().any(|(service, _)| service == *id));
    broken.extend(unseen.map(|id| (*id, 0.0)));
    let mut owners: Vec<Owner<'_>> = Vec::new();
    let mut position: std::collections::HashMap<Option<&str>, usize> = std::collections::HashMap::new();
    for (service, p) in broken {
        let team = facts.system.service(service).owner.as_deref();
        let at = *position.entry(team).or_insert(owners.len());
        if at == owners.len() {
            owners.push(Owner { team, services: Vec::new() });
        }
        owners[at].services.push((service, p));
    }
    let more = owners.len().saturating_sub(rules::MOST_OWNERS);
    owners.truncate(rules::MOST_OWNERS);
    let mut list: Vec<SignOff> = owners.iter().map(|owner| entry(facts, owner)).collect();
    if let (Some(last), true) = (list.last_mut(), more > 0) {
        let limit = percent(rules::OWNER_LIMIT);
        last.because.push(format!("{more} more own services that are impaired in {limit} of the trials or more"));
    }
    list
}

fn entry(facts: &Facts<'_>, owner: &Owner<'_>) -> SignOff {
    let name = |service: ServiceId| facts.system.service_name(service);
    let mut because: Vec<String> = Vec::new();
    for (service, p) in owner.services.iter().take(MOST_REASONS) {
        let changed = if facts.services.contains(service) { "is changed, and " } else { "" };
        because.push(match p {
            0.0 => format!("{} is changed", name(*service)),
            _ => format!("{} {changed}is impaired in {} of the trials", name(*service), percent(*p)),
        });
    }
    let more = owner.services.len().saturating_sub(MOST_REASONS);
    if more > 0 {
        because.push(format!("so {} {more} more", if more == 1 { "is" } else { "are" }));
    }
    let who = match owner.team {
        Some(team) => team.to_owned(),
        None => {
            let names: Vec<&str> = owner.services.iter().take(MOST_REASONS).map(|(service, _)| name(*service)).collect();
            because.insert(0, format!("nobody owns {}", names.join(", ")));
            format!("unowned: {}{}", names.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
        }
    };
    let given_by = given_by(facts, owner);
    SignOff { who, role: "service owner", because, required: false, given_by }
}

/// The first independent reviewer of the owning team, or who speaks for one of its services.
fn given_by(facts: &Facts<'_>, owner: &Owner<'_>) -> Option<String> {
    let reviewers = facts.changes.iter().flat_map(|change| independent(change, facts.team));
    let mut owning = reviewers.filter(|reviewer| {
        let of_team = owner.team.is_some_and(|team| teams_of(reviewer, facts.team).iter().any(|known| known == team));
        let spoken_for = reviewer.service.as_deref().and_then(|name| facts.system.resolve(name).ok());
        of_team || spoken_for.is_some_and(|end| owner.services.iter().any(|(service, _)| *service == end.service))
    });
    owning.next().map(|reviewer| reviewer.name.clone())
}

/// One owner of what breaks is enough; where none signed yet, the one whose services break most is asked.
fn require_owner(owners: &mut [SignOff]) -> Option<String> {
    if let Some(given) = owners.iter_mut().find(|owner| owner.given_by.is_some()) {
        given.required = true;
        return None;
    }
    let names: Vec<String> =
        owners.iter().filter(|owner| !owner.who.starts_with("unowned: ")).map(|owner| owner.who.clone()).collect();
    let ask = owners.iter_mut().find(|owner| names.is_empty() || owner.who == names[0])?;
    ask.required = true;
    Some(match names.as_slice() {
        [] => {
            let services = ask.who.trim_start_matches("unowned: ");
            format!("name an owner of {services} in the topology, or a reviewer with `service`, who then has to sign off")
        }
        [one] => format!("somebody of {one}, which owns what breaks, has to sign off"),
        many => format!("somebody of {}, which own what breaks, has to sign off", many.join(" or ")),
    })
}

fn roll_outs(facts: &Facts<'_>) -> Option<String> {
    let is_gradual =
        |rollout: Option<crate::change::facts::Rollout>| rollout.is_some_and(|rollout| rules::is_gradual(rollout.strategy));
    let is_open = facts.changes.is_empty() || facts.changes.iter().any(|change| !is_gradual(change.rollout));
    is_open.then(|| "roll out by canary, waves or flag first".to_owned())
}
