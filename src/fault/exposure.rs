//! How a roll-out exposes users to a fault: shares of the traffic over time, and who notices first (model.md §3.2).
//!
//! The share scales the severity at the source. A canary that catches the fault ends it after `bake` plus an automatic
//! roll-back; one that misses it lets everything through, and the usual detection starts then. Its power is computed from the
//! requests it sees, or stated.

use super::catalogue::{CANARY_ROLLBACK, SWITCH_BACK};
use super::draw::Choose;
use super::scenario::Incident;
use crate::change::facts::{Rollout, Strategy};
use crate::model::structure::harmed_from;
use crate::model::{Compact, DurationLaw, System};
use crate::random::Purpose;
use crate::statistics::binomial;
use crate::units::Ticks;

/// Error rate of a healthy canary, and the chance of a false alarm that its test allows.
const BASELINE: (f64, f64) = (0.001, 0.01);
/// Share and bake time of a staged roll-out that does not state them.
const DEFAULT_SHARE: f64 = 0.05;
const DEFAULT_BAKE: Ticks = Ticks(15 * Ticks::PER_MINUTE);

/// A roll-out with its defaults and the traffic it sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exposure {
    pub(crate) strategy: Strategy,
    pub(crate) share: f64,
    pub(crate) bake: Ticks,
    pub(crate) power: Option<f64>,
    /// Automatic roll-back of a caught fault.
    pub(crate) rollback: DurationLaw,
    /// Users per minute that pass through the changed services.
    pub(crate) users_per_minute: f64,
}

/// What a roll-out does in one trial.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exposed {
    /// (time from the onset, share of the traffic), the first at 0.
    pub(crate) steps: Vec<(Ticks, f64)>,
    /// When the usual detection starts.
    pub(crate) detection_from: Ticks,
    /// When an automatic roll-back ends the fault, whatever detection does.
    pub(crate) caught_until: Option<Ticks>,
}

impl Exposed {
    /// Everything at once.
    pub(crate) fn fully() -> Self {
        Self { steps: vec![(Ticks::ZERO, 1.0)], detection_from: Ticks::ZERO, caught_until: None }
    }
}

impl Exposure {
    pub(crate) fn new(rollout: &Rollout, users_per_minute: f64) -> Self {
        Self {
            strategy: rollout.strategy,
            share: rollout.share.unwrap_or(DEFAULT_SHARE),
            bake: rollout.bake.unwrap_or(DEFAULT_BAKE),
            power: rollout.power,
            rollback: rollout.rollback.unwrap_or(CANARY_ROLLBACK),
            users_per_minute,
        }
    }

    /// How the fault ends after detection, where the roll-out brings its own way back.
    pub(crate) fn mitigation(&self) -> Option<DurationLaw> {
        matches!(self.strategy, Strategy::BlueGreen | Strategy::Flag).then_some(SWITCH_BACK)
    }

    /// P(the canary notices a fault with this share of failing requests).
    pub(crate) fn power(&self, failing: f64) -> f64 {
        if let Some(power) = self.power {
            return power;
        }
        let requests = (self.users_per_minute * self.share * self.bake.minutes()).floor();
        if requests < 1.0 || failing <= BASELINE.0 {
            return 0.0;
        }
        binomial::power(BASELINE.0, failing, requests.min(1e9) as u64, BASELINE.1)
    }

    /// One trial. `failing` is the share of requests that a watcher of the canary sees fail; 0 for wrong data.
    pub(crate) fn draw(&self, failing: f64, incident: u64, choose: &mut impl Choose) -> Exposed {
        match self.strategy {
            Strategy::BigBang | Strategy::BlueGreen => Exposed::fully(),
            Strategy::Canary => {
                // Wrong data shows on no error counter, whatever power is stated for errors.
                let power = if failing > 0.0 { self.power(failing) } else { 0.0 };
                if choose.chance(Purpose::Exposure, incident, power) {
                    let back = choose.duration(Purpose::Exposure, !incident, self.rollback, &|| "roll-back of the canary".into());
                    return Exposed {
                        steps: vec![(Ticks::ZERO, self.share)],
                        detection_from: Ticks::ZERO,
                        caught_until: Some(self.bake.saturating_add(back)),
                    };
                }
                Exposed {
                    steps: vec![(Ticks::ZERO, self.share), (self.bake, 1.0)],
                    detection_from: self.bake,
                    caught_until: None,
                }
            }
            Strategy::Flag => Exposed {
                steps: vec![(Ticks::ZERO, self.share), (self.bake, 1.0)],
                detection_from: Ticks::ZERO,
                caught_until: None,
            },
            Strategy::Waves => {
                let waves = (1.0 / self.share.max(0.001)).ceil() as u64;
                let steps = (0..waves).map(|wave| (Ticks(self.bake.0 * wave), (self.share * (wave + 1) as f64).min(1.0)));
                Exposed { steps: steps.collect(), detection_from: Ticks::ZERO, caught_until: None }
            }
        }
    }
}

/// Users per minute of the journeys that the targets can harm.
pub(super) fn users_through(system: &System, compact: &Compact, incident: &Incident) -> f64 {
    let sources = incident.members.iter().flat_map(|member| member.operations.iter().map(|(node, _)| *node));
    let reached = harmed_from(compact, sources);
    let touched = system
        .journeys()
        .iter()
        .filter(|journey| journey.needs.iter().any(|need| reached.contains(compact.node(*need) as usize)));
    touched.filter_map(|journey| journey.facts.users_per_minute).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_follows_the_traffic() {
        // model.md §3.2: canary error 1 %, n = 300, 1,000, 3,000 requests.
        let rollout = Rollout {
            strategy: Strategy::Canary,
            share: Some(0.05),
            bake: Some(Ticks(20 * Ticks::PER_MINUTE)),
            power: None,
            rollback: None,
        };
        for (users, expected) in [(300.0, 0.578), (1_000.0, 0.971), (3_000.0, 1.0)] {
            let power = Exposure::new(&rollout, users).power(0.01);
            assert!((power - expected).abs() < 6e-4, "{users}: {power}");
        }
        assert_eq!(Exposure::new(&rollout, 0.0).power(0.5), 0.0);
    }
}
