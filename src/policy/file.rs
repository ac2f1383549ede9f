//! Policy files, `shockfront/policy/v1`.
//!
//! A file states what differs from the policy that ships; everything it leaves out stays as shipped. What must hold: every message
//! has a place in the file; a rule that an override names exists; a policy with a key that is not known is no policy.

use super::capacity::{CapacityEntry, capacity};
use super::condition::Condition;
use super::floor_rules::{FLOOR_RULES, TOO_CLOSE};
use super::freeze::{Cron, Freeze, LONGEST, Window};
use super::overrides::Override;
use super::rules::{Policy, Requirement, Rule, Width};
use crate::change::facts::Level;
use crate::change::file::parse_time;
use crate::change::paths::FileGlobs;
use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, DurationText, FileType, Format, Marked, Percent, Read};
use crate::model::facts::Effect;
use crate::risk::assessment::Band;
use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;

/// What a team asks of changes.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Always `shockfront/policy/v1`.
    #[expect(dead_code, reason = "judged before it is decoded")]
    schema: String,
    /// What it is called.
    name: Option<String>,
    /// Where the bands begin, and what each asks for.
    bands: Option<Bands>,
    /// The chance that a journey exceeds its error budget from which a change is orange, and red.
    breach: Option<Breach>,
    /// Services of the critical tier in the worst trials.
    worst_trials: Option<WorstTrials>,
    /// How old and how complete a topology has to be.
    topology: Option<TopologyLimits>,
    /// Chance of the next band above which it counts.
    escalation: Option<Percent>,
    /// Mean reach from which a change counts as wide.
    width: Option<Widths>,
    /// Owners of what else breaks.
    owners: Option<Owners>,
    /// Work that AI tools had a part in.
    ai: Option<AiRule>,
    /// Changed services with one of these effects need a run in a load test or a simulation; the shipped list is all three.
    simulation_for: Option<Vec<EffectWord>>,
    /// Globs of files that never get into production, such as `docs/**`. A change of nothing else passes. Files that a service has in
    /// its `paths` count all the same.
    #[serde(default)]
    not_deployed: Vec<Marked<String>>,
    /// Rules of your own.
    #[serde(default)]
    rules: Vec<RuleEntry>,
    /// Times at which nothing should change.
    #[serde(default)]
    freezes: Vec<Marked<FreezeEntry>>,
    /// Rules that somebody set aside.
    #[serde(default)]
    overrides: Vec<OverrideEntry>,
    /// Who there is to review, so that the report can say whether reviews keep up.
    capacity: Option<Marked<CapacityEntry>>,
}

impl FileType for PolicyFile {
    const SCHEMA: &'static str = "shockfront/policy/v1";
}

/// A band.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum BandWord {
    Green,
    Yellow,
    Orange,
    Red,
}

impl BandWord {
    fn band(self) -> Band {
        match self {
            Self::Green => Band::Green,
            Self::Yellow => Band::Yellow,
            Self::Orange => Band::Orange,
            Self::Red => Band::Red,
        }
    }
}

/// An effect of a service.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EffectWord {
    Financial,
    Physical,
    Safety,
}

/// Experience of an author.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LevelWord {
    Junior,
    Mid,
    Senior,
}

/// The bands.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bands {
    /// Below yellow.
    green: Option<Demand>,
    /// From a score of 20 on, unless said.
    yellow: Option<BandEntry>,
    /// From a score of 40 on, unless said.
    orange: Option<BandEntry>,
    /// From a score of 60 on, unless said.
    red: Option<BandEntry>,
}

/// One band.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BandEntry {
    /// The lowest score of the band.
    from: Option<Marked<f64>>,
    /// What it asks for; all of what ships is replaced.
    asks: Option<Demand>,
}

/// What is asked for before a change may go on.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Demand {
    /// Senior engineers who did not write the change.
    #[serde(default)]
    #[schemars(range(max = 20))]
    seniors: u32,
    /// Whether an owner of every changed service has to sign.
    owners: Option<document::TriState>,
    /// Whether the roll-out has to show a fault to a part of the users first: canary, waves or flag.
    gradual: Option<document::TriState>,
    /// Whether it has to have run in a load test or a simulation.
    simulated: Option<document::TriState>,
    /// Whether nothing opens the gate.
    blocked: Option<document::TriState>,
}

impl From<Demand> for Requirement {
    fn from(demand: Demand) -> Self {
        // Who writes `unknown` here did not say no.
        let asked = |word: Option<document::TriState>| word.is_some_and(|word| word != document::TriState::No);
        Self {
            seniors: demand.seniors,
            owners: asked(demand.owners),
            gradual: asked(demand.gradual),
            simulated: asked(demand.simulated),
            blocked: asked(demand.blocked),
        }
    }
}

/// Limits of the chance of a breach.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Breach {
    /// 1% if not said.
    orange: Option<Marked<Percent>>,
    /// 5% if not said.
    red: Option<Marked<Percent>>,
}

/// Critical services in the worst 5 % of the trials.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WorstTrials {
    /// The tier that counts as critical; 0 if not said.
    #[schemars(range(max = 3))]
    tier: Option<u8>,
    /// Share of the worst trials in which such a service is impaired that makes a change orange; 50% if not said.
    share: Option<Percent>,
}

/// Limits of a topology, above which a change is orange.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TopologyLimits {
    /// Age; 90d if not said. Counted in whole days.
    stale_after: Option<Marked<DurationText>>,
    /// Share of the dependencies that are listed; 80% if not said.
    least_coverage: Option<Percent>,
}

/// Mean reach that counts as wide.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Widths {
    /// 5% and at least 10 services if not said.
    yellow: Option<WidthEntry>,
    /// 20% and at least 25 services if not said.
    orange: Option<WidthEntry>,
}

/// A reach.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WidthEntry {
    /// Share of all services.
    share: Percent,
    /// Number of services, so that two of three are not "wide".
    at_least: u64,
}

/// Owners of what else breaks.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Owners {
    /// Share of the trials in which a service is impaired from which its owner is named; 5% if not said.
    named_from: Option<Percent>,
    /// Most owners that are named one by one; 8 if not said.
    #[schemars(range(min = 1, max = 1000))]
    most: Option<u16>,
}

/// AI-assisted work; unknown assistance counts as yes, an unknown author as junior.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AiRule {
    /// Authors whose work is raised; junior and mid if not said.
    authors: Option<Vec<LevelWord>>,
    /// The band it is raised to; yellow if not said.
    raises_to: Option<BandWord>,
}

/// A rule.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    /// Its name, which reports and overrides use.
    #[schemars(length(min = 1))]
    name: Marked<String>,
    /// A condition in the Common Expression Language, such as `change.hour >= 16 && "payments" in change.services`.
    when: Marked<String>,
    /// The band it raises to.
    raises_to: Option<BandWord>,
    /// What it asks for.
    asks: Option<Demand>,
    /// Why, as a sentence.
    because: Option<String>,
}

/// A freeze: either `from` and `to`, or `cron`, `lasts` and `timezone`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FreezeEntry {
    /// When it begins: a date, or a time with an offset.
    from: Option<Marked<String>>,
    /// When it ends: a date, whose day is not part of it, or a time with an offset.
    to: Option<Marked<String>>,
    /// When a window begins that comes again, as five fields of cron.
    cron: Option<Marked<String>>,
    /// How long that window lasts.
    lasts: Option<Marked<DurationText>>,
    /// Time zone of dates and of `cron`, such as America/New_York; UTC if not said.
    timezone: Option<Marked<String>>,
    /// The band that a change inside it is raised to; red if not said.
    raises_to: Option<BandWord>,
    /// Why, as a sentence.
    because: Option<String>,
}

/// A rule that is set aside.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OverrideEntry {
    /// The rule, as reports name it.
    rule: Marked<String>,
    /// The change it is for, by title or by at least seven letters of its head commit; all changes if not said.
    change: Option<String>,
    /// Who takes it upon themselves: a senior engineer who did not write the change.
    #[schemars(length(min = 1))]
    approver: String,
    /// Why.
    #[schemars(length(min = 1))]
    reason: String,
    /// When it ends: a date in UTC, whose day is not part of it, or a time with an offset.
    expires: Marked<String>,
}

/// Reads a policy file; warnings come beside it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_policy(sources: &Sources, id: SourceId, format: Format) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Read { value: file, warnings, .. } = document::read::<PolicyFile>(sources, id, format)?;
    let mut problems = Vec::new();
    let mut policy = Policy { name: file.name.clone(), ..Policy::default() };
    bands(&file, &mut policy, &mut problems);
    limits(&file, &mut policy, &mut problems);
    let globs: Vec<&str> = file.not_deployed.iter().map(|glob| glob.value.as_str()).collect();
    match FileGlobs::build(&globs) {
        Ok(read) => policy.not_deployed = read,
        Err(unread) => problems.extend(unread.into_iter().map(|(at, why)| {
            let Marked { value, span } = &file.not_deployed[at];
            wrong(format!("the glob `{value}` cannot be read: {why}")).at(*span, "")
        })),
    }
    policy.rules = own_rules(file.rules, sources, &mut problems);
    policy.freezes = collect(file.freezes.into_iter().map(freeze), &mut problems);
    policy.capacity = collect(file.capacity.into_iter().map(capacity), &mut problems).pop();
    let shipped = FLOOR_RULES.iter().map(|(name, _)| *name).filter(|name| *name != TOO_CLOSE);
    let names: Vec<&str> = shipped.chain(policy.rules.iter().map(|rule| rule.name.as_str())).collect();
    policy.overrides = collect(file.overrides.into_iter().map(|entry| set_aside(entry, &names)), &mut problems);
    if problems.is_empty() { Ok((policy, warnings)) } else { Err(problems.into_iter().chain(warnings).collect()) }
}

/// The values that could be read; what is wrong with the others is added to the problems.
fn collect<T>(results: impl Iterator<Item = Result<T, Vec<Diagnostic>>>, problems: &mut Vec<Diagnostic>) -> Vec<T> {
    results.filter_map(|result| result.map_err(|found| problems.extend(found)).ok()).collect()
}

pub(super) fn wrong(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("bad-policy", message)
}

fn bands(file: &PolicyFile, policy: &mut Policy, problems: &mut Vec<Diagnostic>) {
    let Some(bands) = &file.bands else { return };
    if let Some(asks) = bands.green {
        policy.requirements[0] = asks.into();
    }
    let mut last = None;
    for (at, entry) in [&bands.yellow, &bands.orange, &bands.red].into_iter().enumerate() {
        let Some(entry) = entry else { continue };
        if let Some(from) = &entry.from {
            if !(from.value > 0.0 && from.value <= 100.0) {
                problems.push(wrong("a band begins at a score above 0 and up to 100").at(from.span, ""));
            }
            policy.band_limits[at] = from.value;
            last = Some(from.span);
        }
        if let Some(asks) = entry.asks {
            policy.requirements[at + 1] = asks.into();
        }
    }
    let [yellow, orange, red] = policy.band_limits;
    if let Some(span) = last.filter(|_| !(yellow < orange && orange < red)) {
        let message = format!("the bands do not rise: yellow from {yellow}, orange from {orange}, red from {red}");
        problems.push(wrong(message).at(span, "").help("bands that the file leaves out begin at 20, 40 and 60"));
    }
}

fn limits(file: &PolicyFile, policy: &mut Policy, problems: &mut Vec<Diagnostic>) {
    if let Some(breach) = &file.breach {
        let mut span = None;
        for (at, limit) in [&breach.orange, &breach.red].into_iter().enumerate() {
            if let Some(limit) = limit {
                policy.breach_limits[at] = limit.value.0;
                span = Some(limit.span);
            }
        }
        let [orange, red] = policy.breach_limits;
        if let Some(span) = span.filter(|_| !(orange > 0.0 && orange < red)) {
            problems.push(wrong("the limits do not rise: orange is above 0 and below red").at(span, ""));
        }
    }
    if let Some(worst) = &file.worst_trials {
        policy.critical_tier = worst.tier.unwrap_or(policy.critical_tier);
        policy.worst_share = worst.share.map_or(policy.worst_share, |share| share.0);
    }
    if let Some(topology) = &file.topology {
        policy.least_coverage = topology.least_coverage.map_or(policy.least_coverage, |share| share.0);
        if let Some(age) = &topology.stale_after {
            let days = age.value.0.minutes() / (24.0 * 60.0);
            if days < 1.0 {
                problems.push(wrong("ages are counted in whole days: expected 1d or more").at(age.span, ""));
            }
            policy.stale_days = days as i64;
        }
    }
    policy.escalation = file.escalation.map_or(policy.escalation, |share| share.0);
    if let Some(widths) = &file.width {
        for (width, entry) in policy.widths.iter_mut().zip([widths.yellow, widths.orange]) {
            *width = entry.map_or(*width, |entry| Width { share: entry.share.0, at_least: entry.at_least });
        }
    }
    if let Some(owners) = &file.owners {
        policy.owner_limit = owners.named_from.map_or(policy.owner_limit, |share| share.0);
        policy.most_owners = owners.most.map_or(policy.most_owners, usize::from);
    }
    if let Some(ai) = &file.ai {
        policy.ai_band = ai.raises_to.map_or(policy.ai_band, BandWord::band);
        if let Some(authors) = &ai.authors {
            let level = |word: &LevelWord| match word {
                LevelWord::Junior => Level::Junior,
                LevelWord::Mid => Level::Mid,
                LevelWord::Senior => Level::Senior,
            };
            policy.supervised = authors.iter().map(level).collect();
        }
    }
    if let Some(effects) = &file.simulation_for {
        let effect = |word: &EffectWord| match word {
            EffectWord::Financial => Effect::Financial,
            EffectWord::Physical => Effect::Physical,
            EffectWord::Safety => Effect::Safety,
        };
        policy.simulated_effects = effects.iter().map(effect).collect();
    }
}

fn own_rules(entries: Vec<RuleEntry>, sources: &Sources, problems: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for entry in entries {
        let name = &entry.name;
        if FLOOR_RULES.iter().any(|(shipped, _)| *shipped == name.value) {
            problems.push(wrong(format!("`{}` is the name of a rule that ships", name.value)).at(name.span, ""));
        }
        if rules.iter().any(|rule| rule.name == name.value) {
            problems.push(wrong(format!("there are two rules `{}`", name.value)).at(name.span, "again"));
        }
        if entry.raises_to.is_none() && entry.asks.is_none() {
            let message = format!("the rule `{}` does nothing: expected `raises_to`, `asks` or both", name.value);
            problems.push(wrong(message).at(name.span, ""));
        }
        match Condition::compile(&entry.when, sources) {
            Ok(when) => rules.push(Rule {
                name: entry.name.value,
                when,
                raises_to: entry.raises_to.map(BandWord::band),
                requirement: entry.asks.map_or_else(Requirement::default, Requirement::from),
                because: entry.because,
            }),
            Err(found) => problems.extend(found),
        }
    }
    rules
}

fn freeze(entry: Marked<FreezeEntry>) -> Result<Freeze, Vec<Diagnostic>> {
    let Marked { value: entry, span } = entry;
    let zone = match &entry.timezone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(&name.value).map_err(|_| {
            vec![wrong(format!("there is no time zone `{}`", name.value)).at(name.span, "such as America/New_York")]
        })?,
    };
    let window = match (&entry.from, &entry.to, &entry.cron, &entry.lasts) {
        (Some(from), Some(to), None, None) => {
            let (begin, end) = (moment(from, &zone)?, moment(to, &zone)?);
            if begin.timestamp() >= end.timestamp() {
                return Err(vec![wrong("the freeze ends before it begins").at(to.span, "")]);
            }
            Window::Once(begin, end)
        }
        (None, None, Some(cron), Some(lasts)) => {
            let expression = Cron::parse(&cron.value).map_err(|why| vec![wrong(why).at(cron.span, "")])?;
            if lasts.value.0 > LONGEST || lasts.value.0.0 == 0 {
                return Err(vec![wrong("a window that comes again lasts above 0 and up to 31d").at(lasts.span, "")]);
            }
            Window::Again(expression, lasts.value.0, zone)
        }
        _ => {
            let message = "expected either `from` and `to`, or `cron` and `lasts`";
            return Err(vec![wrong(message).at(span, "")]);
        }
    };
    let raises_to = entry.raises_to.map_or(Band::Red, BandWord::band);
    Ok(Freeze { window, because: entry.because, raises_to })
}

/// A date, which begins at midnight of the zone, or a point in time.
fn moment(text: &Marked<String>, zone: &TimeZone) -> Result<Zoned, Vec<Diagnostic>> {
    if let Ok(date) = text.value.parse::<Date>()
        && text.value.len() == "2026-12-20".len()
        && let Ok(start) = date.to_zoned(zone.clone())
    {
        return Ok(start);
    }
    parse_time(&text.value).map_err(|why| vec![wrong(why).at(text.span, "such as 2026-12-20 or 2026-12-20T18:00:00-05:00")])
}

fn set_aside(entry: OverrideEntry, names: &[&str]) -> Result<Override, Vec<Diagnostic>> {
    let rule = &entry.rule;
    if !names.contains(&rule.value.as_str()) {
        let problem = wrong(format!("there is no rule `{}`", rule.value)).at(rule.span, "");
        return Err(vec![problem.suggest(&rule.value, names.iter().copied())]);
    }
    let expires = moment(&entry.expires, &TimeZone::UTC)?;
    let OverrideEntry { change, approver, reason, rule, .. } = entry;
    Ok(Override { rule: rule.value, change, approver, reason, expires })
}
