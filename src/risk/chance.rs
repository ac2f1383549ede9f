//! How likely is it that a change brings a fault?
//!
//! logit P = b0 + Σ β_i x_i with b0 the logit of a Beta(2, 18) base rate and β_i ~ Normal(m_i, sd_i²), so logit P is shifted by
//! m = Σ m_i x_i with spread s² = Σ (sd_i x_i)². A fault is an effect in production that users see or that somebody has to
//! repair; how bad it is comes from simulation and must not enter here a second time.
//!
//! Layers that catch faults are not independent when AI wrote the change: with common-cause share β two layers miss
//! β·min(m₁, m₂) + (1 − β)·m₁·m₂ together, which is βm + (1 − β)m² for equal layers.
//!
//! Breaks where factors interact: the combination AI × junior is a rule of the policy, not a probability. Unknown facts add
//! nothing and are listed; unknown AI assistance counts half. Source: model.md §3.1 with the sources named there.

use super::assessment::Factor;
use super::incidents::{Record, record};
use super::review::{author_level, least_experienced, senior_review};
use crate::change::derive::TYPICAL_LINES;
use crate::change::facts::{Change, Level, TriState};
use crate::change::team::Team;
use crate::model::System;
use crate::statistics::{Estimate, Interval, LogitPosterior, normal};
use crate::units::ServiceId;

/// The base rate: faults and faultless changes, as if counted (DORA 2024: 5 to 40 % by cluster).
pub const BASE: (f64, f64) = (2.0, 18.0);
/// Share of the misses that two layers have in common when AI wrote the change (elicited).
const COMMON_CAUSE: f64 = 0.3;
/// What a factor of one unit does: mean and standard deviation of the log odds ratio.
const AI_ASSISTED: (f64, f64) = (0.25, 0.35);
const AGENT_EXECUTES: (f64, f64) = (0.50, 0.50);
const SIZE: (f64, f64) = (0.25, 0.10);
const SERVICES: (f64, f64) = (0.20, 0.15);
const LESS_EXPERIENCED: (f64, f64) = (0.20, 0.25);
const DESTRUCTIVE: (f64, f64) = (0.70, 0.40);
const TESTS: (f64, f64) = (-0.60, 0.20);
const FIRST_CHANGE: (f64, f64) = (0.30, 0.25);
const INCIDENT_RATE: (f64, f64) = (0.60, 0.20);
const SENIOR_REVIEW: (f64, f64) = (-0.43, 0.20);
const SIMULATED: (f64, f64) = (-0.30, 0.20);

const ELICITED: &str = "engineering judgement, to be replaced by the team's history";
const RECORD: &str =
    "incidents stated in the topology; what they mean for a change, and the prior of two incidents, are engineering judgement";

/// P(fault | change) as a belief, with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Chance {
    /// The law of P.
    pub belief: LogitPosterior,
    /// Its mean and 95 % interval.
    pub estimate: Estimate,
    /// What shifts it, unknown facts included.
    pub factors: Vec<Factor>,
    /// Names of the factors that nothing is known about.
    pub unknown: Vec<&'static str>,
}

/// What a change lands on, as far as it bears on the chance of a fault.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ground {
    /// How many services.
    pub services: usize,
    /// What they are known for.
    pub record: Record,
}

impl Ground {
    /// Of some services of a system.
    pub fn new(system: &System, services: &[ServiceId]) -> Self {
        Self { services: services.len(), record: record(system, services) }
    }
}

/// The chance that a change brings a fault.
pub fn chance(change: &Change, ground: &Ground, team: &Team) -> Chance {
    let mut sum = Sum::default();
    let ai = people(&mut sum, change, team);
    content(&mut sum, change, ground.services);
    layers(&mut sum, change, team, ai);
    history(&mut sum, change, &ground.record);
    let belief = LogitPosterior::new(BASE.0, BASE.1, sum.mean, sum.variance.sqrt());
    let interval = Interval { low: belief.quantile(0.025), high: belief.quantile(0.975) };
    Chance { estimate: Estimate { mean: belief.mean(), interval }, belief, factors: sum.factors, unknown: sum.names }
}

/// P of at least one fault among changes in flight together, as if independent; the ends of the interval combine in the same
/// way, since the beliefs share their factors.
pub fn at_least_one(chances: &[Chance]) -> Estimate {
    let join = |pick: fn(&Estimate) -> f64| 1.0 - chances.iter().map(|chance| 1.0 - pick(&chance.estimate)).product::<f64>();
    match chances {
        [one] => one.estimate,
        _ => Estimate {
            mean: join(|estimate| estimate.mean),
            interval: Interval { low: join(|estimate| estimate.interval.low), high: join(|estimate| estimate.interval.high) },
        },
    }
}

/// What P(fault) rests on, as sentences.
pub fn assumed(chance: &Chance) -> Vec<String> {
    let (faults, fine) = BASE;
    let rate = 100.0 * faults / (faults + fine);
    let mut said = vec![format!("base rate of faults is {rate:.0} % as published for teams in general, not counted at this one")];
    if !chance.unknown.is_empty() {
        said.push(format!("P(fault) knows nothing about {}", chance.unknown.join(", ")));
    }
    said
}

/// Sums over factors.
#[derive(Default)]
struct Sum {
    mean: f64,
    variance: f64,
    factors: Vec<Factor>,
    names: Vec<&'static str>,
}

impl Sum {
    fn add(&mut self, name: &'static str, (m, sd): (f64, f64), x: f64, because: String, source: &'static str) {
        self.mean += m * x;
        self.variance += (sd * x).powi(2);
        let half = normal::quantile(0.975) * sd * x.abs();
        let interval = Interval { low: libm::exp(m * x - half), high: libm::exp(m * x + half) };
        self.factors.push(Factor { name, odds_ratio: Estimate { mean: libm::exp(m * x), interval }, because, source });
    }

    fn unknown(&mut self, name: &'static str, because: &str, source: &'static str) {
        self.names.push(name);
        self.add(name, (0.0, 0.0), 0.0, format!("unknown, counts as average: {because}"), source);
    }

    fn yes_no(&mut self, name: &'static str, effect: (f64, f64), answer: TriState, words: [&str; 2], source: &'static str) {
        match answer {
            TriState::Yes => self.add(name, effect, 1.0, words[0].to_owned(), source),
            TriState::No => {}
            TriState::Unknown => self.unknown(name, words[1], source),
        }
    }
}

/// Who and what wrote it; the weight of AI assistance is returned.
fn people(sum: &mut Sum, change: &Change, team: &Team) -> f64 {
    let source = "vendor reports on incidents and review findings, and DORA 2024 on stability; all confounded, the interval includes no effect";
    let ai = match change.ai_assisted.answer {
        TriState::Yes => 1.0,
        TriState::No => 0.0,
        TriState::Unknown => 0.5,
    };
    match change.ai_assisted.answer {
        TriState::Yes => sum.add("ai_assisted", AI_ASSISTED, ai, "an AI tool helped to write it".to_owned(), source),
        TriState::No => {}
        TriState::Unknown => {
            let because = "whether an AI tool helped is not known: counts half";
            sum.add("ai_assisted", AI_ASSISTED, ai, because.to_owned(), source);
            sum.names.push("ai_assisted");
        }
    }
    let words =
        ["an agent applies it without a person approving each action", "whether an agent applies it on its own is not stated"];
    sum.yes_no("agent_executes", AGENT_EXECUTES, change.agent_executes, words, ELICITED);
    match author_level(change, team) {
        Level::Senior => {}
        // Not as a senior, or who leaves the level out would gain by it.
        Level::Unknown => {
            sum.add(
                "author_level",
                LESS_EXPERIENCED,
                0.5,
                "the experience of the author is not known: counts half".to_owned(),
                ELICITED,
            );
            sum.names.push("author_level");
        }
        level => {
            sum.add("author_level", LESS_EXPERIENCED, 1.0, format!("{} is {level}", least_experienced(change, team)), ELICITED)
        }
    }
    ai
}

/// Most services that a reason names.
const MOST_NAMED: usize = 4;

/// What was before.
fn history(sum: &mut Sum, change: &Change, record: &Record) {
    let first = match change.new_to.as_slice() {
        [] => "the author changes this component for the first time".to_owned(),
        services => {
            let (named, more) = (services.len().min(MOST_NAMED), services.len().saturating_sub(MOST_NAMED));
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("no commit of the author before it touches {}{rest}", services[..named].join(", "))
        }
    };
    let words = [first.as_str(), "whether the author changed this component before is not known"];
    sum.yes_no("first_change", FIRST_CHANGE, change.first_change, words, ELICITED);
    let unknown = "the history of incidents of the component is not known";
    match (record.log_ratio(), &record.worst) {
        (Some(x), Some(worst)) => {
            let count = worst.incidents.count;
            let partial = if record.is_partial { "; of other services it is not known" } else { "" };
            let because = format!(
                "{} had {count} incident{} in {} where the services with a record had {:.1}: {:.2} times their rate, shrunk{partial}",
                worst.service,
                if count == 1 { "" } else { "s" },
                worst.incidents.over,
                worst.expected,
                worst.ratio
            );
            sum.add("incident_rate", INCIDENT_RATE, x, because, RECORD);
            sum.names.extend(record.is_partial.then_some("incident_rate"));
        }
        _ => sum.unknown("incident_rate", unknown, ELICITED),
    }
}

/// How much is changed.
fn content(sum: &mut Sum, change: &Change, n_services: usize) {
    let source = "research on defect prediction by size of change, and on batch size (DORA 2024)";
    match change.lines {
        None => sum.unknown("size", "the number of changed lines is not known", source),
        Some(lines) => {
            let x = libm::log2(lines.max(1) as f64 / TYPICAL_LINES as f64).clamp(-3.0, 5.0);
            sum.add("size", SIZE, x, format!("{lines} changed {}", if lines == 1 { "line" } else { "lines" }), source);
        }
    }
    if n_services > 1 {
        let x = libm::log2(n_services as f64);
        sum.add("services", SERVICES, x, format!("it lands on {n_services} services"), ELICITED);
    }
    let words = ["it destroys something that cannot be brought back", "whether it is destructive is not stated"];
    sum.yes_no("destructive", DESTRUCTIVE, change.destructive, words, ELICITED);
}

/// What catches faults before production.
fn layers(sum: &mut Sum, change: &Change, team: &Team, ai: f64) {
    let tests = "published catch rates of unit and integration tests (Code Complete)";
    match change.test_coverage {
        None => {
            sum.names.push("tests");
            sum.add("tests", TESTS, 0.0, "the tested share of the changed lines is not known: counts as 0".to_owned(), tests);
        }
        Some(share) => {
            sum.add("tests", TESTS, share, format!("tests cover {:.0} % of the changed lines", share * 100.0), tests);
        }
    }
    let review = senior_review(change, team);
    match review {
        Some(reviewer) => {
            let because = format!("{}, a senior engineer, reviewed it", reviewer.name);
            sum.add("senior_review", SENIOR_REVIEW, 1.0, because, "elicited catch rate of 35 %; formal inspection reaches 60 %");
        }
        None if change.reviewers.is_empty() => {
            sum.add("senior_review", (0.0, 0.0), 0.0, "no senior review is known".to_owned(), ELICITED);
        }
        None => {}
    }
    let words = ["it ran in a load test or a simulation before", "whether it ran in a load test or a simulation is not stated"];
    sum.yes_no("simulated", SIMULATED, change.simulated, words, ELICITED);
    let share = change.test_coverage.unwrap_or(0.0);
    if ai > 0.0 && share > 0.0 && review.is_some() {
        let (tests, review) = (libm::exp(TESTS.0 * share), libm::exp(SENIOR_REVIEW.0));
        let together = COMMON_CAUSE * tests.min(review) + (1.0 - COMMON_CAUSE) * tests * review;
        let effect = (libm::log(together / (tests * review)), 0.0);
        let because = "tests and review of AI-assisted work share blind spots: 30 % of what they miss is missed together";
        sum.add("shared_blind_spots", effect, ai, because.to_owned(), ELICITED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::facts::{Assisted, Basis, Person, Reviewer};
    use crate::model::facts::IncidentCount;
    use crate::risk::incidents::Worst;
    use crate::units::Ticks;

    fn ratio(chance: &Chance, name: &str) -> f64 {
        chance.factors.iter().find(|factor| factor.name == name).map_or(1.0, |factor| factor.odds_ratio.mean)
    }

    fn on(services: usize) -> Ground {
        Ground { services, ..Ground::default() }
    }

    fn of(change: &Change) -> Chance {
        chance(change, &on(1), &Team::default())
    }

    fn ai(answer: TriState) -> Change {
        let author = Person { level: Level::Senior, ..Person::default() };
        Change { ai_assisted: Assisted { answer, basis: Basis::File }, author, ..Change::default() }
    }

    #[test]
    fn nothing_known_is_the_base_rate_and_half_of_ai() {
        let chance = of(&ai(TriState::No));
        assert!((chance.estimate.mean - 0.1).abs() < 1e-9);
        assert!(chance.unknown.contains(&"size") && !chance.unknown.contains(&"author_level"));
        assert!(!chance.unknown.contains(&"senior_review"));
    }

    #[test]
    fn an_author_whom_nobody_knows_is_no_senior() {
        let by = |level| of(&Change { author: Person { level, ..Person::default() }, ..ai(TriState::No) });
        let [senior, unknown, junior] = [Level::Senior, Level::Unknown, Level::Junior].map(by);
        assert!(senior.estimate.mean < unknown.estimate.mean && unknown.estimate.mean < junior.estimate.mean);
        assert!((ratio(&unknown, "author_level") - 0.1_f64.exp()).abs() < 1e-12 && unknown.unknown.contains(&"author_level"));
    }

    #[test]
    fn unknown_ai_counts_half() {
        let means = [TriState::No, TriState::Unknown, TriState::Yes].map(|answer| of(&ai(answer)).estimate.mean);
        assert!(means[0] < means[1] && means[1] < means[2]);
        assert!((ratio(&of(&ai(TriState::Unknown)), "ai_assisted") - 0.125_f64.exp()).abs() < 1e-12);
        let yes = of(&ai(TriState::Yes));
        let known = yes.factors.iter().find(|factor| factor.name == "ai_assisted").expect("factor").odds_ratio;
        // model.md §3.1: the prior 95 % interval of the odds ratio is 0.65 to 2.55.
        assert!((known.interval.low - 0.65).abs() < 0.006 && (known.interval.high - 2.55).abs() < 0.006);
    }

    #[test]
    fn a_first_change_of_a_component_counts_and_an_unknown_one_is_listed() {
        let with = |first_change, services: &[&str]| {
            let new_to = services.iter().map(|&name| name.to_owned()).collect();
            of(&Change { first_change, new_to, ..ai(TriState::No) })
        };
        let [yes, no, unknown] = [TriState::Yes, TriState::No, TriState::Unknown].map(|answer| with(answer, &[]));
        assert!((ratio(&yes, "first_change") - 0.3_f64.exp()).abs() < 1e-12 && ratio(&no, "first_change") == 1.0);
        assert!(yes.estimate.mean > unknown.estimate.mean && unknown.estimate.mean == no.estimate.mean);
        assert!(unknown.unknown.contains(&"first_change") && !no.unknown.contains(&"first_change"));
        let named = with(TriState::Yes, &["a", "b", "c", "d", "e", "f"]);
        let because = &named.factors.iter().find(|factor| factor.name == "first_change").expect("factor").because;
        assert_eq!(because, "no commit of the author before it touches a, b, c, d and 2 more");
    }

    #[test]
    fn a_record_of_incidents_counts_by_its_shrunk_ratio() {
        let incidents = IncidentCount { count: 9, over: Ticks::from_days(90) };
        let with = |ratio: f64, is_partial| {
            let worst = Some(Worst { service: "db".to_owned(), incidents, expected: 3.0, ratio });
            let ground = Ground { services: 1, record: Record { worst, is_partial } };
            chance(&ai(TriState::No), &ground, &Team::default())
        };
        let bad = with(2.2, false);
        assert!((ratio(&bad, "incident_rate") - (0.6 * 2.2_f64.ln()).exp()).abs() < 1e-12);
        let factor = bad.factors.iter().find(|factor| factor.name == "incident_rate").expect("factor");
        assert_eq!(
            factor.because,
            "db had 9 incidents in 90d where the services with a record had 3.0: 2.20 times their rate, shrunk"
        );
        let half = 1.959_963_985 * 0.2 * 2.2_f64.ln();
        assert!((factor.odds_ratio.interval.high - (0.6 * 2.2_f64.ln() + half).exp()).abs() < 1e-6);
        assert!(ratio(&with(0.4, false), "incident_rate") < 1.0 && !bad.unknown.contains(&"incident_rate"));
        // Where others have no record, a good one does not speak for them.
        let partial = with(0.4, true);
        assert!(ratio(&partial, "incident_rate") == 1.0 && partial.unknown.contains(&"incident_rate"));
    }

    #[test]
    fn size_is_clipped_and_services_add() {
        for (lines, x) in [(0, -3.0_f64), (100, 0.0), (400, 2.0), (1_000_000, 5.0)] {
            let change = Change { lines: Some(lines), ..Change::default() };
            assert!((ratio(&of(&change), "size") - (0.25 * x).exp()).abs() < 1e-12, "{lines}");
        }
        assert!((ratio(&chance(&Change::default(), &on(8), &Team::default()), "services") - 0.6_f64.exp()).abs() < 1e-12);
    }

    #[test]
    fn layers_of_ai_work_share_blind_spots() {
        let reviewer = Reviewer {
            name: "Lee".to_owned(),
            emails: Vec::new(),
            level: Level::Senior,
            service: None,
            head: None,
            forecast: None,
        };
        let change = |answer| Change { test_coverage: Some(1.0), reviewers: vec![reviewer.clone()], ..ai(answer) };
        assert_eq!(ratio(&of(&change(TriState::No)), "shared_blind_spots"), 1.0);
        let (tests, review) = ((-0.6_f64).exp(), (-0.43_f64).exp());
        let expected = 0.3 / review + 0.7;
        assert!((ratio(&of(&change(TriState::Yes)), "shared_blind_spots") - expected).abs() < 1e-12, "{tests}");
    }

    #[test]
    fn several_changes_combine() {
        let chances = [of(&ai(TriState::No)), of(&ai(TriState::No))];
        assert!((at_least_one(&chances).mean - 0.19).abs() < 1e-9);
    }
}
