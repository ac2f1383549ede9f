//! Every threshold and every demand of a verdict, in one place; [`Policy::default`] is the one that ships.
//!
//! Source: model.md §3.5 and product.md, semantics 20 to 24. The floor for AI-assisted work by less experienced authors follows
//! the sign-off rule that the press reported in 2026; all other limits are elicited. A file of a team replaces values one by one
//! ([`super::file`]). What must hold: the limits of the bands rise.

use super::capacity::Capacity;
use super::condition::Condition;
use super::freeze::Freeze;
use super::overrides::Override;
use crate::change::facts::{Level, Strategy};
use crate::change::paths::FileGlobs;
use crate::model::facts::Effect;
use crate::risk::assessment::Band;

/// Share of trials cut at the horizon above which times and score count as too low.
pub const MOST_CENSORED: f64 = 0.01;
/// Chance of a wrong band by sampling error that a verdict may have.
pub const SAMPLING_DELTA: f64 = 0.01;

/// What a band, or a rule of a policy file, asks for before a change may go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Senior engineers who did not write the change.
    pub seniors: u32,
    /// An owner of every changed service.
    pub owners: bool,
    /// A roll-out that shows a fault to a part of the users first.
    pub gradual: bool,
    /// A run in a load test or a simulation.
    pub simulated: bool,
    /// Nothing opens the gate.
    pub blocked: bool,
}

impl Requirement {
    /// What either asks for.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            seniors: self.seniors.max(other.seniors),
            owners: self.owners || other.owners,
            gradual: self.gradual || other.gradual,
            simulated: self.simulated || other.simulated,
            blocked: self.blocked || other.blocked,
        }
    }
}

/// A reach that counts as wide: a share of the services, and a number, so that two of three services are not "wide".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Width {
    /// Share of all services.
    pub share: f64,
    /// Number of services.
    pub at_least: u64,
}

/// A rule of a policy file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it applies.
    pub when: Condition,
    /// The band it raises to, where it raises.
    pub raises_to: Option<Band>,
    /// What it asks for.
    pub requirement: Requirement,
    /// Why, as a sentence.
    pub because: Option<String>,
}

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What it is called; `None` for the one that ships.
    pub name: Option<String>,
    /// Lower ends of yellow, orange and red, as scores.
    pub band_limits: [f64; 3],
    /// What each band asks for, from green on.
    pub requirements: [Requirement; 4],
    /// P(breach) from which a change is orange, and red.
    pub breach_limits: [f64; 2],
    /// Share of the worst trials in which a service of the critical tier has to be impaired to make a change orange.
    pub worst_share: f64,
    /// The tier that this rule is about.
    pub critical_tier: u8,
    /// Days after which a topology is stale.
    pub stale_days: i64,
    /// Coverage below which a topology is incomplete.
    pub least_coverage: f64,
    /// P(the score belongs to the next band) above which the next band counts.
    pub escalation: f64,
    /// Mean reach from which a change is yellow, and orange.
    pub widths: [Width; 2],
    /// P(impaired | fault) from which the owner of a service is named.
    pub owner_limit: f64,
    /// Most owners that are named one by one.
    pub most_owners: usize,
    /// Authors whose AI-assisted work is raised; unknown counts as junior.
    pub supervised: Vec<Level>,
    /// The band it is raised to.
    pub ai_band: Band,
    /// Effects of changed services that ask for a run in a load test or a simulation.
    pub simulated_effects: Vec<Effect>,
    /// Files that never get into production.
    pub not_deployed: FileGlobs,
    /// Rules of the team's own.
    pub rules: Vec<Rule>,
    /// Times at which nothing should change.
    pub freezes: Vec<Freeze>,
    /// Rules that somebody set aside, with a name and an end.
    pub overrides: Vec<Override>,
    /// Who there is to review, where that is stated.
    pub capacity: Option<Capacity>,
    /// The policy as it was before a change that edits it: it judges as well.
    pub before: Option<Box<Policy>>,
}

impl Default for Policy {
    fn default() -> Self {
        let orange = Requirement { seniors: 1, owners: true, gradual: true, ..Requirement::default() };
        Self {
            name: None,
            band_limits: [20.0, 40.0, 60.0],
            requirements: [
                Requirement::default(),
                Requirement { seniors: 1, ..Requirement::default() },
                orange,
                Requirement { blocked: true, ..orange },
            ],
            breach_limits: [0.01, 0.05],
            worst_share: 0.5,
            critical_tier: 0,
            stale_days: 90,
            least_coverage: 0.8,
            escalation: 0.25,
            widths: [Width { share: 0.05, at_least: 10 }, Width { share: 0.2, at_least: 25 }],
            owner_limit: 0.05,
            most_owners: 8,
            supervised: vec![Level::Junior, Level::Mid],
            ai_band: Band::Yellow,
            simulated_effects: vec![Effect::Financial, Effect::Physical, Effect::Safety],
            not_deployed: FileGlobs::default(),
            rules: Vec::new(),
            freezes: Vec::new(),
            overrides: Vec::new(),
            capacity: None,
            before: None,
        }
    }
}

impl Policy {
    /// The band of a score, lower ends included.
    pub fn band(&self, score: f64) -> Band {
        match self.band_limits.iter().filter(|limit| score >= **limit).count() {
            0 => Band::Green,
            1 => Band::Yellow,
            2 => Band::Orange,
            _ => Band::Red,
        }
    }

    /// The next band with the score it begins at; `None` above red.
    pub fn next_band(&self, band: Band) -> Option<(Band, f64)> {
        match band {
            Band::Green => Some((Band::Yellow, self.band_limits[0])),
            Band::Yellow => Some((Band::Orange, self.band_limits[1])),
            Band::Orange => Some((Band::Red, self.band_limits[2])),
            Band::Red => None,
        }
    }

    /// The band that a chance of a breach asks for.
    pub fn breach_band(&self, p_breach: f64) -> Option<Band> {
        match self.breach_limits.iter().filter(|limit| p_breach >= **limit).count() {
            0 => None,
            1 => Some(Band::Orange),
            _ => Some(Band::Red),
        }
    }

    /// The band that a mean reach asks for in a system of so many services.
    pub fn width_band(&self, reach: f64, services: usize) -> Option<Band> {
        let is_wide = |width: &Width| reach >= width.at_least as f64 && reach >= width.share * services as f64;
        match self.widths.each_ref().map(is_wide) {
            [_, true] => Some(Band::Orange),
            [true, false] => Some(Band::Yellow),
            [false, false] => None,
        }
    }

    /// What a band asks for.
    pub fn requirement(&self, band: Band) -> Requirement {
        self.requirements[band as usize]
    }

    /// Does the rule about AI-assisted work apply to authors of this level? Unknown counts as junior.
    pub fn needs_supervision(&self, level: Level) -> bool {
        let counts_as = if level == Level::Unknown { Level::Junior } else { level };
        self.supervised.contains(&counts_as)
    }
}

/// Does a roll-out show a fault to a part of the users first?
pub fn is_gradual(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::Canary | Strategy::Waves | Strategy::Flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_ends_belong_to_the_band() {
        let policy = Policy::default();
        for (score, expected) in [
            (0.0, Band::Green),
            (19.99, Band::Green),
            (20.0, Band::Yellow),
            (40.0, Band::Orange),
            (60.0, Band::Red),
            (100.0, Band::Red),
        ] {
            assert_eq!(policy.band(score), expected);
        }
        assert_eq!([0.0099, 0.01, 0.05].map(|p| policy.breach_band(p)), [None, Some(Band::Orange), Some(Band::Red)]);
    }

    #[test]
    fn a_reach_is_wide_by_share_and_by_number() {
        let policy = Policy::default();
        for (reach, services, expected) in [
            (2.0, 3, None),
            (9.99, 11, None),
            (10.0, 200, Some(Band::Yellow)),
            (10.0, 201, None),
            (24.9, 30, Some(Band::Yellow)),
            (25.0, 125, Some(Band::Orange)),
            (25.0, 126, Some(Band::Yellow)),
        ] {
            assert_eq!(policy.width_band(reach, services), expected, "{reach} of {services}");
        }
    }
}
