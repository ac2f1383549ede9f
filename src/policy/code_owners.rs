//! Owners of changed files, by the CODEOWNERS file of the code host, where the topology names nobody.
//!
//! They are asked for files of services without an owner and for files that belong to no service, wherever an owner of a service
//! would be, required where one is required and recommended elsewhere; a section that the host calls optional is recommended only. What must
//! hold: who wrote the change signs nothing of it; a service counts as owned only where each of its changed files has an owner who
//! can still sign.

use super::Facts;
use super::cover::Open;
use super::sign_off::{Demand, independent_of_all};
use crate::change::codeowners::{Claim, OwnedPath};
use crate::change::facts::{Change, Reviewer};
use crate::change::files::ChangedFile;
use crate::change::identities::login;
use crate::change::team::{Team, TeamMember};
use crate::risk::assessment::SignOff;
use crate::risk::review::{are_one_reviewer, as_reviewer, candidates, teams_of};
use crate::units::ServiceId;

/// Most files that a reason names one by one.
const MOST_NAMED: usize = 3;

/// Files that the same people may sign for by the same rule.
struct Group<'a> {
    claim: &'a Claim,
    owners: Vec<&'a str>,
    paths: Vec<&'a str>,
}

/// The entries of the list, and what the gate waits for.
pub(super) fn entries(facts: &Facts<'_>, demand: &Demand<'_>) -> (Vec<SignOff>, Vec<String>) {
    let (mut list, mut missing) = (Vec::new(), Vec::new());
    for group in groups(facts) {
        let required = group.claim.is_required && demand.requirement.owners;
        let given = given(facts, &group);
        let is_given = given.is_some();
        if required && !is_given {
            missing.push(lacking(&group));
        }
        let because = vec![reason(&group)];
        let given_by = given.map(|names| names.join(", "));
        let rule = demand.owners_rule(facts, required);
        list.push(SignOff { who: group.owners.join(" or "), role: "code owner", because, required, given_by, rule });
    }
    (list, missing)
}

/// What code owners of the team file can still give.
pub(super) fn open<'a>(facts: &Facts<'a>) -> Vec<Open<'a>> {
    let lacking = |group: &Group<'_>| group.claim.is_required && given(facts, group).is_none();
    let groups = groups(facts).into_iter().filter(lacking).map(|group| {
        let is_signer = |member: &&TeamMember| group.owners.iter().any(|owner| is_owner(owner, &as_reviewer(member), facts.team));
        let by = candidates(facts.changes, facts.team).into_iter().filter(is_signer).collect();
        Open { what: group.owners.join(" or "), needed: group.claim.approvals as usize, by }
    });
    groups.collect()
}

/// Whether files own up for a changed service that nobody owns in the topology.
pub(super) fn covers(facts: &Facts<'_>, service: ServiceId) -> bool {
    let name = facts.system.service_name(service);
    let mut files = facts.owned_paths.iter().filter(|file| file.services.iter().any(|of| of == name)).peekable();
    let is_signable = |claim: &Claim| claim.is_required && !eligible(facts, claim).is_empty();
    files.peek().is_some() && files.all(|file| file.claims.iter().any(is_signable))
}

/// Rules whose owners are asked, in the order of the changed files.
fn groups<'a>(facts: &Facts<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for file in facts.owned_paths.iter().filter(|file| is_asked(facts, file)) {
        for claim in &file.claims {
            let owners = eligible(facts, claim);
            if owners.is_empty() {
                continue;
            }
            match groups.iter_mut().find(|group| group.claim.line == claim.line && group.owners == owners) {
                Some(group) => group.paths.push(&file.path),
                None => groups.push(Group { claim, owners, paths: vec![&file.path] }),
            }
        }
    }
    groups
}

/// Does the topology name nobody for the file?
fn is_asked(facts: &Facts<'_>, file: &OwnedPath) -> bool {
    let is_unowned = |name: &String| match facts.system.find_service(name) {
        Some(service) => facts.system.service(service).owner.is_none(),
        None => true,
    };
    (file.services.is_empty() && !facts.is_never_deployed) || file.services.iter().any(is_unowned)
}

/// The owners who did not write a change in flight. A team stays: others of it can sign.
fn eligible<'a>(facts: &Facts<'_>, claim: &'a Claim) -> Vec<&'a str> {
    let wrote = |owner: &str| {
        let mut people = facts.changes.iter().flat_map(|change| std::iter::once(&change.author).chain(&change.co_authors));
        people.any(|person| is_person(owner, person.name.as_deref(), &person.emails, facts.team))
    };
    claim.owners.iter().map(String::as_str).filter(|owner| !wrote(owner)).collect()
}

/// Whether an owner is this one person: by account, by address, or by what the team file knows of them.
fn is_person(owner: &str, name: Option<&str>, emails: &[String], team: &Team) -> bool {
    let member = team.find(name, emails);
    let names = name.into_iter().chain(member.map(|member| member.name.as_str()));
    let all_emails: Vec<&String> = emails.iter().chain(member.into_iter().flat_map(|member| &member.emails)).collect();
    match owner.strip_prefix('@') {
        Some(account) => {
            names.map(|name| name.trim_start_matches('@')).any(|name| name.trim().eq_ignore_ascii_case(account))
                || all_emails.iter().any(|email| login(email).is_some_and(|login| login.eq_ignore_ascii_case(account)))
        }
        None => all_emails.iter().any(|email| email.trim().eq_ignore_ascii_case(owner)),
    }
}

/// Whether a reviewer may sign as an owner: in person, or as a member of the team of that name.
fn is_owner(owner: &str, reviewer: &Reviewer, team: &Team) -> bool {
    let is_team = |known: &String| {
        let (known, wanted) = (known.trim_start_matches('@'), owner.trim_start_matches('@'));
        let last = wanted.rsplit('/').next().unwrap_or(wanted);
        known.eq_ignore_ascii_case(wanted) || known.eq_ignore_ascii_case(last)
    };
    is_person(owner, Some(&reviewer.name), &reviewer.emails, team)
        || (owner.starts_with('@') && teams_of(reviewer, team).iter().any(is_team))
}

/// Who owns the files and reviewed: of each change that touches one of them enough people, who wrote no change in flight.
fn given(facts: &Facts<'_>, group: &Group<'_>) -> Option<Vec<String>> {
    let touches = |change: &&&Change| {
        let mut touched = change.files.iter().flat_map(ChangedFile::touched_paths);
        touched.any(|path| group.paths.contains(&path))
    };
    let mut names: Vec<String> = Vec::new();
    for change in facts.changes.iter().filter(touches) {
        let mut of_change: Vec<&Reviewer> = Vec::new();
        for reviewer in independent_of_all(facts, change) {
            let signs = reviewer.service.is_none() && group.owners.iter().any(|owner| is_owner(owner, reviewer, facts.team));
            if signs && !of_change.iter().any(|known| are_one_reviewer(known, reviewer, facts.team)) {
                of_change.push(reviewer);
            }
        }
        if of_change.len() < group.claim.approvals as usize {
            return None;
        }
        names.extend(of_change.iter().map(|reviewer| reviewer.name.clone()));
    }
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then_some(names)
}

fn paths(group: &Group<'_>) -> String {
    let shown = group.paths.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    match group.paths.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn reason(group: &Group<'_>) -> String {
    let section = group.claim.section.as_ref().map(|name| format!(", section {name}")).unwrap_or_default();
    let verb = if group.paths.len() == 1 { "is" } else { "are" };
    let files = paths(group);
    format!("{files} {verb} owned by `{}` (line {} of CODEOWNERS{section})", group.claim.pattern, group.claim.line)
}

fn lacking(group: &Group<'_>) -> String {
    let (owners, files) = (group.owners.join(" or "), paths(group));
    match group.claim.approvals {
        1 => format!("{owners}, code owner of {files}, has to sign off"),
        n => format!("{n} of {owners}, code owners of {files}, have to sign off"),
    }
}
