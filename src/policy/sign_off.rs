//! Who has to sign, who has, and what is still missing.
//!
//! A policy asks, by band and by rule, for senior engineers who did not write the change, for an owner of every changed service, for
//! a roll-out that shows a fault to a part of the users first, for a run in a simulation; or it blocks. Owners of what else breaks
//! are recommended. Where everybody of an owning team wrote the change, a senior engineer of another team signs in their place. What must hold: who has to sign does not depend on who signed; services that nobody owns are named as such.

use std::collections::HashMap;

use super::floor_rules::TOPOLOGY_EDITED;
use super::rules::Requirement;
use super::{Facts, code_owners, floors::percent, rules};
use crate::change::facts::{Change, Level, Reviewer, TriState};
use crate::change::team::TeamMember;
use crate::risk::assessment::{Band, Floor, SignOff};
use crate::risk::review::{candidates, independent, reviewer_level, senior_reviews, teams_of, wrote};
use crate::units::ServiceId;

/// The role of whoever gives a senior review.
pub const SENIOR: &str = "senior engineer";

/// Most services or people that a sentence names one by one.
const MOST_NAMED: usize = 3;

/// What is asked for.
pub(super) struct Demand<'a> {
    /// The band.
    pub(super) band: Band,
    /// What band and rules ask for together.
    pub(super) requirement: Requirement,
    /// The rules that fired.
    pub(super) floors: &'a [Floor],
    /// Would the band be lower if the change left the topology alone?
    pub(super) is_raised_by_edit: bool,
}

impl Demand<'_> {
    /// The rule that asks for something: that of the band where it does, else the first of the policy's own.
    fn rule(&self, facts: &Facts<'_>, asks: fn(&Requirement) -> bool) -> String {
        let own = self.floors.iter().filter(|floor| floor.is_in_force()).find(|floor| asks(&super::asks(facts, floor)));
        match own {
            Some(floor) if !asks(&facts.policy.requirement(self.band)) => floor.rule.clone(),
            _ if self.is_raised_by_edit => TOPOLOGY_EDITED.to_owned(),
            _ => format!("band-{}", self.band.as_str()),
        }
    }

    /// The rule that names an owner.
    pub(super) fn owners_rule(&self, facts: &Facts<'_>, required: bool) -> String {
        if required { self.rule(facts, |asked| asked.owners) } else { "owners-named".to_owned() }
    }
}

/// The list, and what the gate waits for.
pub(super) fn sign_off(facts: &Facts<'_>, demand: &Demand<'_>) -> (Vec<SignOff>, Vec<String>) {
    let (mut list, mut missing) = (Vec::new(), Vec::new());
    let asked = demand.requirement;
    if asked.seniors > 0 || asked.blocked {
        let (entry, lacking) = senior(facts, demand);
        list.push(entry);
        missing.extend(lacking);
    }
    let owners = owners(facts);
    if asked.owners {
        missing.extend(owners.iter().filter_map(|owner| lacking_owner(facts, owner)));
    }
    if asked.gradual {
        missing.extend(roll_outs(facts));
    }
    if asked.simulated && facts.changes.iter().any(|change| change.simulated != TriState::Yes) {
        missing.push("run it in a load test or a simulation, then state `simulated: yes`".to_owned());
    }
    list.extend(owner_entries(facts, &owners, demand));
    harmed_before(facts, &mut list);
    let (entries, lacking) = code_owners::entries(facts, demand);
    list.extend(entries);
    missing.extend(lacking);
    missing.extend(owners_before(facts, &mut list));
    if asked.blocked {
        missing = blocked(facts, demand, &missing);
    }
    (list, missing)
}

/// Owners who have to sign by the topology before the change edited it, and what is missing of them.
fn owners_before(facts: &Facts<'_>, list: &mut Vec<SignOff>) -> Vec<String> {
    let mut missing = Vec::new();
    for entry in facts.earlier.iter().flat_map(|earlier| &earlier.sign_off) {
        let is_same = |known: &SignOff| known.who == entry.who && known.role == entry.role;
        if list.iter().any(|known| is_same(known) && known.required) {
            continue;
        }
        list.retain(|known| !is_same(known));
        let mut entry = SignOff { rule: TOPOLOGY_EDITED.to_owned(), ..entry.clone() };
        entry.because.push("the change edits the topology, and by the one before it has to sign".to_owned());
        if entry.given_by.is_none() {
            missing.push(format!("{} has to sign off, as before the change edited the topology", entry.who));
        }
        list.push(entry);
    }
    missing
}

/// Owners of what is harmed only by the topology before the change edited it are recommended, where they are not named yet.
fn harmed_before(facts: &Facts<'_>, list: &mut Vec<SignOff>) {
    let Some(earlier) = facts.earlier else { return };
    for (owner, service, p) in earlier.harmed.iter().filter(|(.., p)| *p >= facts.policy.owner_limit) {
        let who = owner.clone().unwrap_or_else(|| format!("unowned: {service}"));
        let sentence = format!("{service} is impaired in {} of the trials by the topology before the edit", percent(*p));
        let n_recommended = list.iter().filter(|sign| !sign.required).count();
        match list.iter_mut().find(|sign| sign.who == who) {
            Some(known) => known.because.push(sentence),
            None if n_recommended < facts.policy.most_owners => {
                let (role, rule) = ("service owner", TOPOLOGY_EDITED.to_owned());
                list.push(SignOff { who, role, because: vec![sentence], required: false, given_by: None, rule });
            }
            None => {}
        }
    }
}

/// First what opens the gate, then what the band below still needs.
fn blocked(facts: &Facts<'_>, demand: &Demand<'_>, rest: &[String]) -> Vec<String> {
    let policy = facts.policy;
    let red = || demand.floors.iter().filter(|floor| floor.raises_to == Band::Red && floor.is_in_force());
    let is_red = |rules: &[&str]| red().any(|floor| rules.contains(&floor.rule.as_str()));
    let mut missing = Vec::new();
    for floor in red().filter(|floor| floor.rule == "frozen" || policy.rules.iter().any(|rule| rule.name == floor.rule)) {
        missing.push(format!("the rule `{}` no longer applies: {}", floor.rule, floor.because));
    }
    if is_red(&[TOPOLOGY_EDITED]) {
        missing
            .push("review the edit of the topology as a change of its own, and go on by the version that holds then".to_owned());
    }
    if is_red(&["destructive-without-tested-restore"]) {
        missing.push("test the restore, then state `rollback: {tested: yes}`".to_owned());
    }
    let mut down = Vec::new();
    let score = facts.risk.and_then(|risk| risk.score);
    if score.is_some_and(|score| policy.band(score.mean) == Band::Red) || is_red(&["next-band-likely", "too-close-to-call"]) {
        down.push(format!("the score below {}", policy.band_limits[2]));
    }
    if is_red(&["breach-probability"]) {
        down.push(format!("the chance of a breach below {}", percent(policy.breach_limits[1])));
    }
    if !down.is_empty() {
        let down = down.join(" and ");
        missing.push(format!("bring {down}: split the change, roll it out in steps, or test a way back"));
    }
    if !rest.is_empty() {
        missing.push(format!("then what is asked for besides: {}", rest.join("; ")));
    }
    missing
        .push("to go on regardless, two people have to take it up outside this gate, with evidence from a game day".to_owned());
    missing
}

/// The senior reviews. Every change in flight needs them; a senior of any team can give one.
fn senior(facts: &Facts<'_>, demand: &Demand<'_>) -> (SignOff, Vec<String>) {
    let wanted = demand.requirement.seniors.max(1) as usize;
    let (mut missing, mut given): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for change in facts.changes {
        let mut names: Vec<&str> = senior_reviews(change, facts.team).map(|reviewer| reviewer.name.as_str()).collect();
        names.sort_unstable();
        let what = match &change.title {
            Some(title) if facts.changes.len() > 1 => format!("`{title}`"),
            _ => "it".to_owned(),
        };
        match wanted.saturating_sub(names.len()) {
            0 => {}
            1 if wanted == 1 => missing.push(format!("a senior engineer who did not write {what} has to review it")),
            lacking => {
                missing.push(format!("{lacking} of {wanted} senior engineers who did not write {what} still have to review it"));
            }
        }
        given.extend(names.into_iter().take(wanted).map(str::to_owned));
    }
    given.sort_unstable();
    given.dedup();
    let band = demand.band.as_str();
    let mut because = vec![match wanted {
        1 => format!("a change in the {band} band needs a senior review"),
        _ => format!("a change in the {band} band needs {wanted} senior reviews"),
    }];
    because.extend(facts.earlier.map(|earlier| earlier.because.clone()));
    if !missing.is_empty() {
        let teams: Vec<&str> = facts.services.iter().filter_map(|id| facts.system.service(*id).owner.as_deref()).collect();
        let mut seniors = seniors(facts);
        // Who owns what is changed knows it best.
        seniors.sort_by_key(|member| !member.teams.iter().any(|team| teams.contains(&team.as_str())));
        because.extend(can_sign(facts, &seniors, ""));
    }
    let given_by = missing.is_empty().then(|| given.join(", "));
    let rule = demand.rule(facts, |asked| asked.seniors > 0);
    (SignOff { who: "any team".to_owned(), role: SENIOR, because, required: true, given_by, rule }, missing)
}

/// Seniors who wrote none of the changes.
pub(super) fn seniors<'a>(facts: &Facts<'a>) -> Vec<&'a TeamMember> {
    let mut seniors = candidates(facts.changes, facts.team);
    seniors.retain(|member| member.level == Level::Senior);
    seniors
}

/// Members of a team who wrote none of the changes.
pub(super) fn members<'a>(facts: &Facts<'a>, team: &str) -> Vec<&'a TeamMember> {
    let mut members = candidates(facts.changes, facts.team);
    members.retain(|member| member.teams.iter().any(|of| of == team));
    members
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

/// An owner with its services; those that nobody owns are two such groups, what is changed and what else breaks.
pub(super) struct Owner<'a> {
    pub(super) team: Option<&'a str>,
    /// Does it own something that is changed?
    pub(super) changed: bool,
    services: Vec<(ServiceId, f64)>,
}

impl Owner<'_> {
    /// The changed services, else all.
    pub(super) fn named<'s>(&self, facts: &Facts<'s>) -> Vec<&'s str> {
        let services = self.services.iter().filter(|(service, _)| !self.changed || facts.services.contains(service));
        services.map(|(service, _)| facts.system.service_name(*service)).collect()
    }
}

/// Does the team file list members of this team, all of whom wrote the change?
pub(super) fn wrote_it_all(facts: &Facts<'_>, team: &str) -> bool {
    let is_member = |member: &TeamMember| member.teams.iter().any(|of| of == team);
    facts.team.people.iter().any(is_member) && members(facts, team).is_empty()
}

/// Owners of changed services first, then by the probability that their services break.
pub(super) fn owners<'a>(facts: &Facts<'a>) -> Vec<Owner<'a>> {
    let is_changed = |service: &ServiceId| facts.services.contains(service);
    let mut broken: Vec<(ServiceId, f64)> =
        facts.impaired.iter().filter(|(service, p)| *p >= facts.policy.owner_limit || is_changed(service)).copied().collect();
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
fn owner_entries(facts: &Facts<'_>, owners: &[Owner<'_>], demand: &Demand<'_>) -> Vec<SignOff> {
    let shown = facts.policy.most_owners.max(owners.iter().filter(|owner| owner.changed).count()).min(owners.len());
    let mut list: Vec<SignOff> = owners[..shown].iter().map(|owner| entry(facts, owner, demand)).collect();
    let more = owners.len() - shown;
    if let (Some(last), true) = (list.last_mut(), more > 0) {
        let limit = percent(facts.policy.owner_limit);
        last.because.push(format!("{more} more own services that are impaired in {limit} of the trials or more"));
    }
    list
}

fn entry(facts: &Facts<'_>, owner: &Owner<'_>, demand: &Demand<'_>) -> SignOff {
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
            if given_by.is_none() && wrote_it_all(facts, team) {
                because.push(format!(
                    "everybody of {team} in the team file wrote it: a senior engineer of another team signs instead"
                ));
                because.extend(can_sign(facts, &seniors(facts), ""));
            } else if given_by.is_none() {
                because.extend(can_sign(facts, &members(facts, team), &format!(" of {team}")));
            }
            team.to_owned()
        }
        None => {
            let names = short_list(&owner.named(facts), ", ");
            because.insert(0, format!("nobody owns {names}"));
            format!("unowned: {names}")
        }
    };
    let required = owner.changed && demand.requirement.owners;
    let rule = demand.owners_rule(facts, required);
    SignOff { who, role: "service owner", because, required, given_by, rule }
}

/// At most so many names, and how many there are more.
fn short_list(names: &[&str], between: &str) -> String {
    let shown = names[..names.len().min(MOST_NAMED)].join(between);
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Who speaks for an owner: for each change that lands on its services the first reviewer who wrote none of the changes. What
/// nobody owns a senior has to take, service by service.
pub(super) fn given_by(facts: &Facts<'_>, owner: &Owner<'_>) -> Option<String> {
    let services = || owner.services.iter().map(|(service, _)| *service);
    let named = services().filter(|service| !owner.changed || facts.services.contains(service));
    let Some(team) = owner.team.filter(|team| !wrote_it_all(facts, team)) else {
        return joined(named.map(|service| taken_by(facts, service)));
    };
    let speaks = |reviewer: &Reviewer| {
        let is_of = |service: ServiceId| facts.system.service(service).owner.as_deref() == Some(team);
        let spoken_for = reviewer.service.as_deref().map(|name| facts.system.resolve(name).is_ok_and(|end| is_of(end.service)));
        if facts.team.people.is_empty() {
            // Nobody can check it: a note says so.
            return spoken_for == Some(true);
        }
        spoken_for != Some(false) && teams_of(reviewer, facts.team).iter().any(|known| known == team)
    };
    let landing = landing(facts, &named.collect::<Vec<_>>());
    joined(landing.into_iter().map(|change| by_nobody_who_wrote(facts, change, speaks)))
}

fn taken_by(facts: &Facts<'_>, service: ServiceId) -> Option<String> {
    let takes = |reviewer: &Reviewer| {
        let spoken_for = reviewer.service.as_deref().and_then(|name| facts.system.resolve(name).ok());
        reviewer_level(reviewer, facts.team) == Level::Senior && spoken_for.is_some_and(|end| end.service == service)
    };
    joined(landing(facts, &[service]).into_iter().map(|change| by_nobody_who_wrote(facts, change, takes)))
}

/// The changes that land on one of the services; all where none says that it does.
fn landing<'a>(facts: &Facts<'a>, services: &[ServiceId]) -> Vec<&'a Change> {
    let lands = |change: &&Change| {
        let mut ends = change.services.iter().filter_map(|name| facts.system.resolve(name).ok());
        ends.any(|end| services.contains(&end.service))
    };
    let landing: Vec<&Change> = facts.changes.iter().copied().filter(lands).collect();
    if landing.is_empty() { facts.changes.to_vec() } else { landing }
}

/// The first reviewer of a change for whom something holds, and who wrote no change in flight.
fn by_nobody_who_wrote(facts: &Facts<'_>, change: &Change, holds: impl Fn(&Reviewer) -> bool) -> Option<String> {
    let mut reviewers = independent_of_all(facts, change);
    reviewers.find(|reviewer| holds(reviewer)).map(|reviewer| reviewer.name.clone())
}

/// Reviews of one change by people who wrote no change in flight.
pub(super) fn independent_of_all<'a>(facts: &Facts<'a>, change: &'a Change) -> impl Iterator<Item = &'a Reviewer> {
    let (team, changes) = (facts.team, facts.changes);
    independent(change, team).filter(move |reviewer| !changes.iter().any(|other| wrote(other, team, reviewer)))
}

/// All names, each once; nothing where one is missing.
fn joined(names: impl Iterator<Item = Option<String>>) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        for one in name?.split(", ") {
            if !all.iter().any(|known| known == one) {
                all.push(one.to_owned());
            }
        }
    }
    Some(all.join(", "))
}

/// What an owner of changed services still has to do.
fn lacking_owner(facts: &Facts<'_>, owner: &Owner<'_>) -> Option<String> {
    if !owner.changed || given_by(facts, owner).is_some() {
        return None;
    }
    let names = owner.named(facts);
    Some(match owner.team {
        Some(team) if wrote_it_all(facts, team) => {
            let names = short_list(&names, ", ");
            format!("everybody of {team} wrote it: a senior engineer has to take {names}, as a reviewer with `service`")
        }
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
