//! Who has to sign, who has, and what is still missing.
//!
//! Green asks for the normal review, yellow for a senior engineer who did not write the change, orange also for an owner of every
//! changed service and for a roll-out that shows a fault to a part of the users first; red is blocked. Owners of what else breaks
//! are recommended. What must hold: who has to sign does not depend on who signed; services that nobody owns are named as such.

use std::collections::HashMap;

use super::{Facts, code_owners, floors::percent, rules};
use crate::change::facts::{Level, Reviewer};
use crate::change::team::TeamMember;
use crate::risk::assessment::{Band, Floor, SignOff};
use crate::risk::review::{candidates, independent, reviewer_level, senior_review, teams_of};
use crate::units::ServiceId;

/// Most services or people that a sentence names one by one.
const MOST_NAMED: usize = 3;

/// The list, and what the gate waits for.
pub(super) fn sign_off(facts: &Facts<'_>, band: Band, floors: &[Floor]) -> (Vec<SignOff>, Vec<String>) {
    let (mut list, mut missing) = (Vec::new(), Vec::new());
    if band >= Band::Yellow {
        let (entry, lacking) = senior(facts, band);
        list.push(entry);
        missing.extend(lacking);
    }
    let owners = owners(facts);
    if band >= Band::Orange {
        missing.extend(owners.iter().filter_map(|owner| lacking_owner(facts, owner)));
        missing.extend(roll_outs(facts));
    }
    list.extend(owner_entries(facts, &owners, band));
    let (entries, lacking) = code_owners::entries(facts, band);
    list.extend(entries);
    missing.extend(lacking);
    if band == Band::Red {
        missing = blocked(facts, floors, &missing);
    }
    (list, missing)
}

/// First what opens the gate, then what the band below still needs.
fn blocked(facts: &Facts<'_>, floors: &[Floor], rest: &[String]) -> Vec<String> {
    let is_red = |rules: &[&str]| floors.iter().any(|floor| floor.raises_to == Band::Red && rules.contains(&floor.rule));
    let mut missing = Vec::new();
    if is_red(&["destructive-without-tested-restore"]) {
        missing.push("test the restore, then state `rollback: {tested: yes}`".to_owned());
    }
    let mut down = Vec::new();
    let score = facts.risk.and_then(|risk| risk.score);
    if score.is_some_and(|score| rules::band(score.mean) == Band::Red) || is_red(&["next-band-likely", "too-close-to-call"]) {
        down.push(format!("the score below {}", rules::BAND_LIMITS[2]));
    }
    if is_red(&["breach-probability"]) {
        down.push(format!("the chance of a breach below {}", percent(rules::BREACH_LIMITS[1])));
    }
    if !down.is_empty() {
        let down = down.join(" and ");
        missing.push(format!("bring {down}: split the change, roll it out in steps, or test a way back"));
    }
    if !rest.is_empty() {
        missing.push(format!("then, as in the orange band: {}", rest.join("; ")));
    }
    missing
        .push("to go on regardless, two people have to take it up outside this gate, with evidence from a game day".to_owned());
    missing
}

/// The senior review. Every change in flight needs one; a senior of any team can give it.
fn senior(facts: &Facts<'_>, band: Band) -> (SignOff, Vec<String>) {
    let (mut missing, mut given): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for change in facts.changes {
        match senior_review(change, facts.team) {
            Some(reviewer) if given.contains(&reviewer.name) => {}
            Some(reviewer) => given.push(reviewer.name.clone()),
            None => {
                let what = match &change.title {
                    Some(title) if facts.changes.len() > 1 => format!("`{title}`"),
                    _ => "it".to_owned(),
                };
                missing.push(format!("a senior engineer who did not write {what} has to review it"));
            }
        }
    }
    let mut because = vec![format!("a change in the {} band needs a senior review", name(band))];
    if !missing.is_empty() {
        let teams: Vec<&str> = facts.services.iter().filter_map(|id| facts.system.service(*id).owner.as_deref()).collect();
        let mut seniors = candidates(facts.changes, facts.team);
        seniors.retain(|member| member.level == Level::Senior);
        // Who owns what is changed knows it best.
        seniors.sort_by_key(|member| !member.teams.iter().any(|team| teams.contains(&team.as_str())));
        because.extend(can_sign(facts, &seniors, ""));
    }
    let given_by = missing.is_empty().then(|| given.join(", "));
    (SignOff { who: "any team".to_owned(), role: "senior engineer", because, required: true, given_by }, missing)
}

/// Who could sign, where a team file says who there is.
fn can_sign(facts: &Facts<'_>, members: &[&TeamMember], of: &str) -> Option<String> {
    let names: Vec<&str> = members.iter().take(MOST_NAMED).map(|member| member.name.as_str()).collect();
    match names.split_last() {
        _ if facts.team.people.is_empty() => None,
        None => Some(format!("nobody{of} in the team file can sign")),
        Some((one, [])) => Some(format!("{one}{of} can sign")),
        Some((last, first)) => Some(format!("{} or {last}{of} can sign", first.join(", "))),
    }
}

fn name(band: Band) -> &'static str {
    match band {
        Band::Green => "green",
        Band::Yellow => "yellow",
        Band::Orange => "orange",
        Band::Red => "red",
    }
}

/// An owner with its services; those that nobody owns are two such groups, what is changed and what else breaks.
struct Owner<'a> {
    team: Option<&'a str>,
    /// Does it own something that is changed?
    changed: bool,
    services: Vec<(ServiceId, f64)>,
}

impl Owner<'_> {
    /// The changed services, else all.
    fn named<'s>(&self, facts: &Facts<'s>) -> Vec<&'s str> {
        let services = self.services.iter().filter(|(service, _)| !self.changed || facts.services.contains(service));
        services.map(|(service, _)| facts.system.service_name(*service)).collect()
    }
}

/// Owners of changed services first, then by the probability that their services break.
fn owners<'a>(facts: &Facts<'a>) -> Vec<Owner<'a>> {
    let is_changed = |service: &ServiceId| facts.services.contains(service);
    let mut broken: Vec<(ServiceId, f64)> =
        facts.impaired.iter().filter(|(service, p)| *p >= rules::OWNER_LIMIT || is_changed(service)).copied().collect();
    let unseen = facts.services.iter().filter(|id| !facts.impaired.iter().any(|(service, _)| service == *id));
    broken.extend(unseen.map(|id| (*id, 0.0)));
    let mut owners: Vec<Owner<'a>> = Vec::new();
    let mut position: HashMap<(Option<&str>, bool), usize> = HashMap::new();
    for (service, p) in broken {
        let (team, changed) = (facts.system.service(service).owner.as_deref(), is_changed(&service));
        if team.is_none() && changed && code_owners::covers(facts, service) {
            continue;
        }
        let at = *position.entry((team, team.is_none() && changed)).or_insert(owners.len());
        if at == owners.len() {
            owners.push(Owner { team, changed: false, services: Vec::new() });
        }
        owners[at].changed |= changed;
        owners[at].services.push((service, p));
    }
    owners.sort_by_key(|owner| !owner.changed);
    owners
}

/// All owners of changed services, who are required from orange on, and the first of the others, who are recommended.
fn owner_entries(facts: &Facts<'_>, owners: &[Owner<'_>], band: Band) -> Vec<SignOff> {
    let shown = rules::MOST_OWNERS.max(owners.iter().filter(|owner| owner.changed).count()).min(owners.len());
    let mut list: Vec<SignOff> = owners[..shown].iter().map(|owner| entry(facts, owner, band)).collect();
    let more = owners.len() - shown;
    if let (Some(last), true) = (list.last_mut(), more > 0) {
        let limit = percent(rules::OWNER_LIMIT);
        last.because.push(format!("{more} more own services that are impaired in {limit} of the trials or more"));
    }
    list
}

fn entry(facts: &Facts<'_>, owner: &Owner<'_>, band: Band) -> SignOff {
    let name = |service: ServiceId| facts.system.service_name(service);
    let mut because: Vec<String> = Vec::new();
    let mut reasons = owner.services.clone();
    reasons.sort_by_key(|(service, _)| !facts.services.contains(service));
    for (service, p) in reasons.iter().take(MOST_NAMED) {
        let changed = if facts.services.contains(service) { "is changed, and " } else { "" };
        because.push(match p {
            0.0 => format!("{} is changed", name(*service)),
            _ => format!("{} {changed}is impaired in {} of the trials", name(*service), percent(*p)),
        });
    }
    let more = reasons.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        because.push(format!("so {} {more} more", if more == 1 { "is" } else { "are" }));
    }
    let given_by = given_by(facts, owner);
    let who = match owner.team {
        Some(team) => {
            if given_by.is_none() {
                let mut members = candidates(facts.changes, facts.team);
                members.retain(|member| member.teams.iter().any(|of| of == team));
                because.extend(can_sign(facts, &members, &format!(" of {team}")));
            }
            team.to_owned()
        }
        None => {
            let names = short_list(&owner.named(facts), ", ");
            because.insert(0, format!("nobody owns {names}"));
            format!("unowned: {names}")
        }
    };
    SignOff { who, role: "service owner", because, required: owner.changed && band >= Band::Orange, given_by }
}

/// At most so many names, and how many there are more.
fn short_list(names: &[&str], between: &str) -> String {
    let shown = names[..names.len().min(MOST_NAMED)].join(between);
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The first independent reviewer who speaks for the owner. What nobody owns a senior has to take, service by service.
fn given_by(facts: &Facts<'_>, owner: &Owner<'_>) -> Option<String> {
    let Some(team) = owner.team else {
        let unowned = owner.services.iter().filter(|(service, _)| !owner.changed || facts.services.contains(service));
        let takers: Option<Vec<String>> = unowned.map(|(service, _)| taken_by(facts, *service)).collect();
        let mut takers = takers?;
        takers.dedup();
        return Some(takers.join(", "));
    };
    let mut reviewers = facts.changes.iter().flat_map(|change| independent(change, facts.team));
    let speaks = |reviewer: &Reviewer| {
        let is_of = |service: ServiceId| facts.system.service(service).owner.as_deref() == Some(team);
        let spoken_for = reviewer.service.as_deref().map(|name| facts.system.resolve(name).is_ok_and(|end| is_of(end.service)));
        if facts.team.people.is_empty() {
            // Nobody can check it: a note says so.
            return spoken_for == Some(true);
        }
        spoken_for != Some(false) && teams_of(reviewer, facts.team).iter().any(|known| known == team)
    };
    reviewers.find(|reviewer| speaks(reviewer)).map(|reviewer| reviewer.name.clone())
}

fn taken_by(facts: &Facts<'_>, service: ServiceId) -> Option<String> {
    let mut reviewers = facts.changes.iter().flat_map(|change| independent(change, facts.team));
    let takes = |reviewer: &Reviewer| {
        let spoken_for = reviewer.service.as_deref().and_then(|name| facts.system.resolve(name).ok());
        reviewer_level(reviewer, facts.team) == Level::Senior && spoken_for.is_some_and(|end| end.service == service)
    };
    reviewers.find(|reviewer| takes(reviewer)).map(|reviewer| reviewer.name.clone())
}

/// What an owner of changed services still has to do.
fn lacking_owner(facts: &Facts<'_>, owner: &Owner<'_>) -> Option<String> {
    if !owner.changed || given_by(facts, owner).is_some() {
        return None;
    }
    let names = owner.named(facts);
    Some(match owner.team {
        Some(team) => format!("somebody of {team}, which owns {}, has to sign off", short_list(&names, ", ")),
        None => {
            let names = short_list(&names, ", ");
            format!("nobody owns {names}: a senior engineer has to take it, as a reviewer with `service`")
        }
    })
}

fn roll_outs(facts: &Facts<'_>) -> Option<String> {
    let is_gradual =
        |rollout: Option<crate::change::facts::Rollout>| rollout.is_some_and(|rollout| rules::is_gradual(rollout.strategy));
    let is_open = facts.changes.is_empty() || facts.changes.iter().any(|change| !is_gradual(change.rollout));
    is_open.then(|| "roll out by canary, waves or flag first".to_owned())
}
