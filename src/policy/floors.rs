//! Rules that raise the band whatever the score says.
//!
//! Each asks for one fact; what is not known is read as the worse answer. The rules are listed even where they do not raise
//! anything, because a reader wants to know that they fired.

use super::condition::Answer;
use super::freeze::Freeze;
use super::{Facts, rules, rules::Policy};
use crate::change::facts::{Change, Level, TriState};
use crate::change::paths::TERRAFORM;
use crate::model::facts::Effect;
use crate::risk::assessment::{Band, Floor};
use crate::risk::review::{author_level, least_experienced};
use crate::risk::score::Risk;

/// Most services that a rule names one by one.
const MOST_NAMED: usize = 3;

/// All rules that fire, strictest facts first within a subject; those that somebody set aside say so.
pub(super) fn floors(facts: &Facts<'_>) -> Vec<Floor> {
    let mut floors = fired(facts);
    if let Some(other) = other_judge(facts) {
        for strict in fired(&Facts { policy: &other, ..*facts }) {
            match floors.iter_mut().find(|floor| floor.rule == strict.rule) {
                Some(floor) if floor.raises_to < strict.raises_to => *floor = strict,
                Some(_) => {}
                None => floors.push(strict),
            }
        }
    }
    for floor in &mut floors {
        let mut asides = facts.policy.overrides.iter().filter(|aside| aside.rule == floor.rule);
        floor.overridden = asides.find(|aside| aside.judge(facts).is_ok()).map(super::overrides::Override::sentence);
    }
    floors
}

/// The policy that judges beside one that a change may have edited: the one before it, else the one that ships.
pub(super) fn other_judge(facts: &Facts<'_>) -> Option<Policy> {
    let before = || facts.policy.before.as_deref().cloned().unwrap_or_default();
    is_judge_edited(facts).then(before)
}

/// Does a change edit a file that decides about it?
pub(super) fn is_judge_edited(facts: &Facts<'_>) -> bool {
    facts.changes.iter().any(|change| edits_policy(facts, change).is_some())
}

/// What fires by the policy at hand.
fn fired(facts: &Facts<'_>) -> Vec<Floor> {
    let mut floors = Vec::new();
    if facts.is_never_deployed {
        own_rules(facts, &mut floors);
        return floors;
    }
    for change in facts.changes {
        floors.extend(destructive(change));
        floors.extend(assisted(facts, change));
        floors.extend(unsimulated(facts, change));
        floors.extend(frozen(facts, change));
        floors.extend(edits_policy(facts, change));
        if !change.open_questions.is_empty() {
            floors.push(floor("change-not-fully-known", Band::Orange, change.open_questions.join("; ")));
        }
    }
    floors.extend(facts.earlier.map(|earlier| floor("topology-edited", earlier.band, earlier.because.as_str())));
    files(facts, &mut floors);
    topology(facts, &mut floors);
    journeys(facts, &mut floors);
    numbers(facts, &mut floors);
    own_rules(facts, &mut floors);
    floors
}

fn floor(rule: &str, raises_to: Band, because: impl Into<String>) -> Floor {
    Floor { rule: rule.to_owned(), raises_to, because: because.into(), overridden: None }
}

/// Rules of the policy file. One that asks for something without raising is listed at the lowest band.
fn own_rules(facts: &Facts<'_>, floors: &mut Vec<Floor>) {
    for rule in &facts.policy.rules {
        let mut answers = facts.changes.iter().map(|change| rule.when.holds(facts, change));
        let Some(answer) = answers.find(|answer| *answer != Answer::False) else { continue };
        let because = rule.because.clone().unwrap_or_else(|| format!("`{}` holds", rule.when.text));
        let doubt = match answer {
            Answer::CloseCall => ", too close to the limit to call".to_owned(),
            Answer::Unknown(why) => format!(", as far as is known: {why}, which counts as yes"),
            Answer::True | Answer::False => String::new(),
        };
        floors.push(floor(&rule.name, rule.raises_to.unwrap_or(Band::Green), because + &doubt));
    }
}

/// Where software touches money, things or people, simulation is asked for.
fn unsimulated(facts: &Facts<'_>, change: &Change) -> Option<Floor> {
    if change.simulated == TriState::Yes {
        return None;
    }
    let mut touched: Vec<String> = Vec::new();
    for id in facts.services {
        let effects: Vec<&str> = facts.effects_to_simulate(*id).map(Effect::as_str).collect();
        if !effects.is_empty() {
            touched.push(format!("{} ({})", facts.system.service_name(*id), effects.join(", ")));
        }
    }
    let more = touched.len().saturating_sub(MOST_NAMED);
    touched.truncate(MOST_NAMED);
    let names = touched.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
    let said = if change.simulated == TriState::No { "it did not run" } else { "nobody says that it ran" };
    let because =
        format!("{said} in a load test or a simulation, and it changes what has effects outside of the software: {names}");
    (!touched.is_empty()).then(|| floor("simulation-missing", Band::Yellow, because))
}

fn frozen(facts: &Facts<'_>, change: &Change) -> Option<Floor> {
    let freezes = facts.policy.freezes.iter();
    let holds = |freeze: &&Freeze| change.times().any(|at| freeze.holds(at));
    let (freeze, doubt) = match change.happens_at() {
        Some(_) => (freezes.filter(holds).max_by_key(|freeze| freeze.raises_to)?, ""),
        None => {
            let doubt = ": when it happens is not known (`--at`, or `at` in a change file), which counts as inside";
            (freezes.max_by_key(|freeze| freeze.raises_to)?, doubt)
        }
    };
    let because = freeze.because.as_deref().unwrap_or("nothing should change at this time");
    Some(floor("frozen", freeze.raises_to, format!("{because}{doubt}")))
}

/// Whoever edits the rules of the gate is not judged by them alone: those of before judge, too, and nothing is set aside.
fn edits_policy(facts: &Facts<'_>, change: &Change) -> Option<Floor> {
    let edited = super::edited_judge(facts.gate_files, change)?;
    let because = format!("it edits {edited}, which decides about it");
    Some(floor("policy-edited", Band::Orange, because))
}

fn destructive(change: &Change) -> Option<Floor> {
    let is_open = change.destructive == TriState::Yes && change.rollback_tested != TriState::Yes;
    let because = match change.rollback_tested {
        TriState::No => "it destroys something, and restoring it was not tested",
        _ => "it destroys something, and nobody says that restoring it was tested",
    };
    is_open.then(|| floor("destructive-without-tested-restore", Band::Red, because))
}

fn assisted(facts: &Facts<'_>, change: &Change) -> Option<Floor> {
    let level = author_level(change, facts.team);
    let answer = change.ai_assisted.answer;
    if answer == TriState::No || !facts.policy.needs_supervision(level) {
        return None;
    }
    let ai = if answer == TriState::Yes {
        "AI helped to write it"
    } else {
        "whether AI helped to write it is unknown, which counts as yes"
    };
    let author = match level {
        Level::Unknown => {
            format!("the level of {} is unknown, which counts as junior", least_experienced(change, facts.team))
        }
        level => format!("{} is {level}", least_experienced(change, facts.team)),
    };
    Some(floor("ai-assisted-by-junior-or-mid", facts.policy.ai_band, format!("{ai}, and {author}")))
}

fn files(facts: &Facts<'_>, floors: &mut Vec<Floor>) {
    if facts.n_unplaced > 0 {
        floors.push(floor("nothing-to-assess", Band::Orange, "no service of the topology is known to be changed"));
    }
    if !facts.unmapped.is_empty() {
        let (n, is_plan) = (facts.unmapped.len(), facts.unmapped.iter().any(|path| path.starts_with(TERRAFORM)));
        let files = match (n, is_plan) {
            (1, false) => "changed file belongs",
            (1, true) => "resource of the Terraform plan belongs",
            (_, false) => "changed files belong",
            (_, true) => "changed files and resources belong",
        };
        let because = format!("{n} {files} to no service: what they do is unknown");
        floors.push(floor("unmapped-files", Band::Yellow, because));
    }
}

fn topology(facts: &Facts<'_>, floors: &mut Vec<Floor>) {
    let quality = facts.quality;
    match quality.age_days {
        Some(days) if days < 0 => {
            let because = "the topology was observed after the change, by its date: its age is unknown, which counts as stale";
            floors.push(floor("topology-stale", Band::Orange, because));
        }
        Some(days) if days <= facts.policy.stale_days => {}
        Some(days) => {
            let because = format!("the topology is {days} days old, more than {}", facts.policy.stale_days);
            floors.push(floor("topology-stale", Band::Orange, because));
        }
        None => floors.push(floor("topology-stale", Band::Orange, "the age of the topology is unknown, which counts as stale")),
    }
    match quality.coverage {
        Some(coverage) if coverage >= facts.policy.least_coverage => {}
        Some(coverage) => {
            let because = format!(
                "the topology lists {:.0} % of the dependencies, less than {:.0} %",
                coverage * 100.0,
                facts.policy.least_coverage * 100.0
            );
            floors.push(floor("topology-incomplete", Band::Orange, because));
        }
        None => {
            let because = "the topology does not say which share of the dependencies it lists, which counts as incomplete";
            floors.push(floor("topology-incomplete", Band::Orange, because));
        }
    }
}

fn journeys(facts: &Facts<'_>, floors: &mut Vec<Floor>) {
    if facts.system.journeys().is_empty() {
        floors.push(floor("no-journeys", Band::Orange, "the topology has no journey: users cannot be counted"));
        return;
    }
    let Some(risk) = facts.risk else { return };
    if risk.score.is_none() {
        floors.push(floor(
            "no-journeys",
            Band::Orange,
            "no journey states traffic and objective: there is no budget to compare with",
        ));
        return;
    }
    let uncounted = facts.system.journeys().iter().zip(&risk.journeys).filter(|(journey, risk)| {
        let is_harmed = journey.needs.iter().any(|need| facts.impaired.iter().any(|(service, _)| *service == need.service));
        risk.budget_share.is_none() && is_harmed
    });
    let names: Vec<String> = uncounted.map(|(journey, _)| format!("`{}`", journey.name)).collect();
    if !names.is_empty() {
        let because = format!(
            "traffic or objective is not stated for {}, which the fault harms: it cannot raise the score",
            names.join(", ")
        );
        floors.push(floor("journey-not-counted", Band::Yellow, because));
    }
}

fn numbers(facts: &Facts<'_>, floors: &mut Vec<Floor>) {
    let (Some(risk), Some(decision)) = (facts.risk, facts.decision) else { return };
    if let Some((share, minutes)) = facts.censored.filter(|(share, _)| share.interval.high > rules::MOST_CENSORED) {
        let doubt = doubt(share.mean > rules::MOST_CENSORED);
        let because = format!(
            "in {} of the trials harm went on at the horizon of {minutes} min{doubt}: times are cut and the score is too low",
            percent(share.mean)
        );
        floors.push(floor("harm-beyond-horizon", Band::Orange, because));
    }
    floors.extend(wide(facts));
    let breach = decision.breach.zip(risk.breach);
    if let Some((at_most, likely)) = breach.map(|(decision, risk)| (decision.interval.high, risk.mean))
        && let Some(band) = facts.policy.breach_band(at_most)
    {
        let doubt = doubt(facts.policy.breach_band(likely) == Some(band));
        let because = format!("the chance that a journey exceeds its budget is {}{doubt}", percent(likely));
        floors.push(floor("breach-probability", band, because));
    }
    floors.extend(worst_trials(facts));
    floors.extend(week(facts, risk));
    let (Some(score), Some(wide)) = (risk.score, decision.score) else { return };
    let band = facts.policy.band(score.mean);
    let strict = facts.policy.band(wide.interval.high);
    if strict > band {
        floors.push(floor("too-close-to-call", strict, "the sampling error reaches into the next band"));
    }
    // From the stricter of two bands that are too close to call: the score of another sample would lie in it.
    if let Some((next, limit)) = facts.policy.next_band(strict) {
        let p = (facts.p_score_above)(limit);
        if p.interval.high > facts.policy.escalation {
            let doubt = doubt(p.mean > facts.policy.escalation);
            let because = format!(
                "the score is above {limit} with a chance of {}{doubt}, given how little is known about P(fault)",
                percent(p.mean)
            );
            floors.push(floor("next-band-likely", next, because));
        }
    }
}

/// What is said where a rule fires by the sampling error alone.
fn doubt(fires_at_the_mean: bool) -> &'static str {
    if fires_at_the_mean { "" } else { ", too close to the limit to call" }
}

/// The mean reach, source included, against share and number.
fn wide(facts: &Facts<'_>) -> Option<Floor> {
    let (reach, services) = (facts.reach?, facts.system.service_count());
    let band = facts.policy.width_band(reach.interval.high, services)?;
    let doubt = doubt(facts.policy.width_band(reach.mean, services) == Some(band));
    let because = format!("the fault reaches {:.1} of {services} services in the mean{doubt}", reach.mean);
    Some(floor("wide-blast-radius", band, because))
}

/// Changes of one week add up: cut into pieces a risk is no smaller.
fn week(facts: &Facts<'_>, risk: &Risk) -> Option<Floor> {
    let (weekly, own) = (facts.weekly?, risk.score?);
    let band = facts.policy.band(weekly.score.interval.high);
    let doubt = doubt(facts.policy.band(weekly.score.mean) == band);
    let others = if weekly.n_others == 1 { "change" } else { "changes" };
    let because = format!(
        "with {} {others} of the same services in the seven days before, the score is {:.1}{doubt}",
        weekly.n_others, weekly.score.mean
    );
    (band > facts.policy.band(own.mean)).then(|| floor("weekly-ledger", band, because))
}

/// One rule for all services that it is about.
fn worst_trials(facts: &Facts<'_>) -> Option<Floor> {
    let mut hit: Vec<_> = facts.worst.iter().filter(|(_, share)| share.interval.high >= facts.policy.worst_share).collect();
    hit.sort_by(|a, b| b.1.mean.total_cmp(&a.1.mean));
    let doubt = doubt(hit.first()?.1.mean >= facts.policy.worst_share);
    let tier = facts.policy.critical_tier;
    let because = match hit.as_slice() {
        [(service, share)] => {
            let name = facts.system.service_name(*service);
            format!("{name} (tier {tier}) is impaired in {} of the worst trials{doubt}", percent(share.mean))
        }
        all => {
            let names = all.iter().take(MOST_NAMED);
            let names: Vec<String> = names
                .map(|(service, share)| format!("{} ({})", facts.system.service_name(*service), percent(share.mean)))
                .collect();
            let more = match all.len() - names.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{}{more} of tier {tier} are impaired in so many of the worst trials{doubt}", names.join(", "))
        }
    };
    Some(floor("tier-0-in-worst-trials", Band::Orange, because))
}

/// Two digits: a threshold that was missed by little has to look missed.
pub(super) fn percent(p: f64) -> String {
    let value = p * 100.0;
    if value >= 9.95 || value == 0.0 { format!("{value:.0} %") } else { format!("{value:.2} %") }
}
