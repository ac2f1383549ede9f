//! The fault catalogue of model.md §1.3: what each kind does and how long its stages last.
//!
//! Durations are in minutes, as median and 95th percentile. All are elicited defaults unless the model page names a source;
//! results list them as assumed.

use crate::model::DurationLaw;
use crate::units::Ticks;

/// A kind of fault (product.md, semantics 26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Processes are gone.
    Crash,
    /// A share of the requests fails.
    ErrorRate,
    /// Requests are slow.
    Latency,
    /// More load than capacity.
    Overload,
    /// A defective release.
    BadDeploy,
    /// A defective setting.
    ConfigPush,
    /// An environment was deleted.
    StateLoss,
    /// Wrong answers.
    CorruptOutput,
    /// Wrong answers that feed themselves.
    PoisonedLoop,
    /// Somebody followed bad advice.
    OperatorAdvice,
    /// A zone is gone.
    ZoneLoss,
    /// Something ran out.
    Expiry,
    /// A monitor says all is well when it is not.
    FalseAllClear,
}

impl FaultKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Crash,
        Self::ErrorRate,
        Self::Latency,
        Self::Overload,
        Self::BadDeploy,
        Self::ConfigPush,
        Self::StateLoss,
        Self::CorruptOutput,
        Self::PoisonedLoop,
        Self::OperatorAdvice,
        Self::ZoneLoss,
        Self::Expiry,
        Self::FalseAllClear,
    ];

    /// The word in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::ErrorRate => "error_rate",
            Self::Latency => "latency",
            Self::Overload => "overload",
            Self::BadDeploy => "bad_deploy",
            Self::ConfigPush => "config_push",
            Self::StateLoss => "state_loss",
            Self::CorruptOutput => "corrupt_output",
            Self::PoisonedLoop => "poisoned_loop",
            Self::OperatorAdvice => "operator_advice",
            Self::ZoneLoss => "zone_loss",
            Self::Expiry => "expiry",
            Self::FalseAllClear => "false_all_clear",
        }
    }

    /// The kind behind a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Does it hit a random subset of a service's operations? (semantics 9)
    pub(crate) fn hits_some_operations(self) -> bool {
        matches!(self, Self::BadDeploy | Self::ConfigPush | Self::ErrorRate | Self::Latency | Self::CorruptOutput)
    }

    /// Does a stand-by that runs the same release, settings and data escape it? (`failover`)
    pub(crate) fn spares_stand_by(self) -> bool {
        matches!(self, Self::Crash | Self::ErrorRate | Self::Latency | Self::ZoneLoss)
    }

    /// Kinds that take a whole process down and so cannot name one operation (semantics 9).
    pub(crate) fn refuses_operations(self) -> bool {
        matches!(self, Self::Crash | Self::StateLoss | Self::ZoneLoss | Self::Expiry)
    }

    /// Can a roll-out hold it back or take it back? Releases, settings and outputs; never lost state or advice.
    pub fn can_be_held_back(self) -> bool {
        matches!(self, Self::BadDeploy | Self::ConfigPush | Self::CorruptOutput)
    }

    /// Is the channel on which it harms drawn, unless somebody states it?
    pub(crate) fn may_harm_on_any_channel(self) -> bool {
        matches!(self, Self::BadDeploy | Self::ConfigPush | Self::OperatorAdvice)
    }

    /// Does the service have to start again afterwards?
    pub fn crashes(self) -> bool {
        matches!(self, Self::Crash | Self::StateLoss | Self::ZoneLoss)
    }

    /// May `rollback` replace `repair`? (semantics 13)
    pub fn can_roll_back(self) -> bool {
        matches!(self, Self::BadDeploy | Self::ConfigPush)
    }

    /// Do the service's own `detect` and `repair` apply, or the catalogue's stages? (semantics 13)
    pub fn takes_service_times(self) -> bool {
        matches!(self, Self::Crash | Self::ErrorRate | Self::Latency | Self::Overload | Self::BadDeploy | Self::ConfigPush)
    }

    /// Is wrong data part of it? Such faults are followed for thirty days (model.md §2.5).
    pub(crate) fn is_about_data(self) -> bool {
        matches!(self, Self::CorruptOutput | Self::PoisonedLoop)
    }

    /// Time to detection without any stated value.
    pub(crate) fn detection(self) -> DurationLaw {
        let (median, p95) = match self {
            Self::Crash => (2, 10),
            Self::ErrorRate | Self::BadDeploy => (10, 60),
            Self::Latency => (15, 90),
            Self::Overload | Self::ConfigPush => (5, 30),
            Self::StateLoss => (5, 20),
            Self::CorruptOutput => (480, 2_880),
            Self::OperatorAdvice | Self::Expiry => (5, 40),
            Self::ZoneLoss => (3, 15),
            // A loop is detected by its own threshold, an all-clear is not observed at all.
            Self::PoisonedLoop | Self::FalseAllClear => return DurationLaw::ZERO,
        };
        DurationLaw::lognormal_minutes(median, p95)
    }

    /// Time to detection by a monitor that states no `detect` of its own.
    pub(crate) fn monitored_detection(self) -> DurationLaw {
        if self == Self::CorruptOutput { DurationLaw::lognormal_minutes(60, 360) } else { self.detection() }
    }

    /// Stages after detection without any stated value, one after the other.
    pub(crate) fn repair(self) -> Vec<DurationLaw> {
        let one = |median, p95| vec![DurationLaw::lognormal_minutes(median, p95)];
        match self {
            Self::Crash => one(10, 60),
            Self::ErrorRate => one(45, 240),
            Self::Latency | Self::CorruptOutput => one(60, 300),
            Self::Overload => one(60, 360),
            Self::BadDeploy | Self::ZoneLoss => one(120, 600),
            Self::ConfigPush => one(30, 180),
            // Decide, recreate, restore, validate (model.md §8b).
            Self::StateLoss => [(30, 90), (120, 360), (480, 1_080), (90, 240)]
                .map(|(median, p95)| DurationLaw::lognormal_minutes(median, p95))
                .to_vec(),
            Self::PoisonedLoop => one(240, 1_440),
            Self::OperatorAdvice => one(45, 150),
            Self::Expiry => one(60, 300),
            Self::FalseAllClear => vec![DurationLaw::ZERO],
        }
    }
}

/// Roll-back without a stated value (elite recovery, DORA 2024).
pub const ROLLBACK: DurationLaw = DurationLaw::lognormal_minutes(20, 90);
/// Restoring lost state, and validating it, where the restore was drilled (model.md §8b; elicited).
pub const TESTED_RESTORE: [DurationLaw; 2] = [DurationLaw::lognormal_minutes(60, 180), DurationLaw::lognormal_minutes(30, 90)];
/// Automatic roll-back of a caught canary (model.md §3.2).
pub(crate) const CANARY_ROLLBACK: DurationLaw = DurationLaw::lognormal_minutes(5, 15);
/// Switching back a blue-green deployment or a flag (model.md §3.2).
pub(crate) const SWITCH_BACK: DurationLaw = DurationLaw::lognormal_minutes(2, 6);
/// Clean-up of wrong data at one service (model.md §1.3).
pub(crate) const CLEAN_UP: DurationLaw = DurationLaw::lognormal_minutes(240, 1_440);
/// Start of services that wait for each other (model.md §2.5, R2).
pub(crate) const BOOTSTRAP: DurationLaw = DurationLaw::lognormal_minutes(30, 120);
/// P(an attempt to repair an operator's mistake is wrong).
pub(crate) const WRONG_FIX: f64 = 0.3;
/// Channels of a defective release or setting: errors, latency, data.
pub(crate) const MIX: [f64; 3] = [0.60, 0.25, 0.15];
/// The multiplier of a latency fault: lognormal, median 5, 95th percentile 20.
pub(crate) const LATENCY_MEDIAN_P95: (f64, f64) = (5.0, 20.0);
/// Mean number of further services that bad advice hits.
pub(crate) const ADVICE_MEAN: f64 = 1.5;
/// Share of its capacity that an overloaded service keeps, where a fault does not say (model.md V21).
pub(crate) const OVERLOAD_CAPACITY: f64 = 0.5;
/// From the end of the cause until people shed load, where an overload outlives it: 4 to 10 hours are the commonest length of
/// metastable outages (Huang et al., OSDI 2022); the 95th percentile is elicited.
pub(crate) const RELIEF: DurationLaw = DurationLaw::lognormal_minutes(360, 1_440);
/// Share of the load that is then kept away, and for how long.
pub(crate) const SHED: (f64, Ticks) = (1.0, Ticks(Ticks::PER_MINUTE));
/// How long a simulation follows a fault.
pub(crate) const HORIZON: Ticks = Ticks(72 * 60 * Ticks::PER_MINUTE);
/// How long it follows faults that are about data.
pub(crate) const DATA_HORIZON: Ticks = Ticks(30 * 24 * 60 * Ticks::PER_MINUTE);
