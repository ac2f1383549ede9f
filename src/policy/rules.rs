//! The built-in policy: every threshold of a verdict, in one place.
//!
//! Source: model.md §3.5 and product.md, semantics 20 to 24. The floors for AI-assisted work by less experienced authors follow
//! the sign-off rule that the press reported in 2026; all other limits are elicited.

use crate::change::facts::{Level, Strategy};
use crate::risk::assessment::Band;

/// Lower ends of yellow, orange and red, as scores.
pub const BAND_LIMITS: [f64; 3] = [20.0, 40.0, 60.0];
/// P(breach) from which a change is orange, and red.
pub const BREACH_LIMITS: [f64; 2] = [0.01, 0.05];
/// Share of the worst trials in which a tier-0 service has to be impaired to make a change orange.
pub const WORST_SHARE: f64 = 0.5;
/// The tier that this rule is about.
pub const CRITICAL_TIER: u8 = 0;
/// Days after which a topology is stale.
pub const STALE_DAYS: i64 = 90;
/// Coverage below which a topology is incomplete.
pub const LEAST_COVERAGE: f64 = 0.8;
/// P(the score belongs to the next band) from which the next band counts.
pub const ESCALATION: f64 = 0.25;
/// P(impaired | fault) from which the owner of a service is named.
pub const OWNER_LIMIT: f64 = 0.05;
/// Most owners that are named one by one.
pub const MOST_OWNERS: usize = 8;
/// Share of trials cut at the horizon above which times and score count as too low.
pub const MOST_CENSORED: f64 = 0.01;
/// Chance of a wrong band by sampling error that a verdict may have.
pub const SAMPLING_DELTA: f64 = 0.01;

/// The band of a score, lower ends included.
pub fn band(score: f64) -> Band {
    match BAND_LIMITS.iter().filter(|limit| score >= **limit).count() {
        0 => Band::Green,
        1 => Band::Yellow,
        2 => Band::Orange,
        _ => Band::Red,
    }
}

/// The next band with the score it begins at; `None` above red.
pub fn next_band(band: Band) -> Option<(Band, f64)> {
    match band {
        Band::Green => Some((Band::Yellow, BAND_LIMITS[0])),
        Band::Yellow => Some((Band::Orange, BAND_LIMITS[1])),
        Band::Orange => Some((Band::Red, BAND_LIMITS[2])),
        Band::Red => None,
    }
}

/// The band that a chance of a breach asks for.
pub fn breach_band(p_breach: f64) -> Option<Band> {
    match BREACH_LIMITS.iter().filter(|limit| p_breach >= **limit).count() {
        0 => None,
        1 => Some(Band::Orange),
        _ => Some(Band::Red),
    }
}

/// Does the rule about AI-assisted work apply to authors of this level? Unknown counts as junior.
pub fn needs_supervision(level: Level) -> bool {
    level != Level::Senior
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
        for (score, expected) in [
            (0.0, Band::Green),
            (19.99, Band::Green),
            (20.0, Band::Yellow),
            (40.0, Band::Orange),
            (60.0, Band::Red),
            (100.0, Band::Red),
        ] {
            assert_eq!(band(score), expected);
        }
        assert_eq!([0.0099, 0.01, 0.05].map(breach_band), [None, Some(Band::Orange), Some(Band::Red)]);
    }
}
