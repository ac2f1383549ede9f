//! A fault as a user names it: `KIND@TARGET,key=value,…` on the command line, or an entry of a fault file.

use super::catalogue::FaultKind;
use crate::change::facts::Rollout;
use crate::diagnostic::nearest;
use crate::model::DurationLaw;
use crate::units::Ticks;

/// How many instances are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Instances {
    /// So many.
    Count(u32),
    /// This share, rounded up to whole instances.
    Share(f64),
}

/// Values of a fault that replace those of the service and of the catalogue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// Share of failing requests.
    pub rate: Option<f64>,
    /// Latency multiplier.
    pub factor: Option<f64>,
    /// Share of wrong answers.
    pub wrong: Option<f64>,
    /// Instances taken.
    pub instances: Option<Instances>,
    /// Share of the traffic that is hit.
    pub share: Option<f64>,
    /// Complete time to detection.
    pub detect: Option<DurationLaw>,
    /// Time to repair.
    pub repair: Option<DurationLaw>,
    /// Time to roll back.
    pub rollback: Option<DurationLaw>,
    /// Time to come up again.
    pub cold_start: Option<DurationLaw>,
    /// Restore tail of the targets.
    pub restore_tail: Option<DurationLaw>,
    /// Clean-up of wrong data at each service.
    pub unwind: Option<DurationLaw>,
    /// First stage of state loss after detection.
    pub decide: Option<DurationLaw>,
    /// Second stage.
    pub recreate: Option<DurationLaw>,
    /// Third stage.
    pub restore: Option<DurationLaw>,
    /// Last stage.
    pub validate: Option<DurationLaw>,
    /// One attempt to repair an operator's mistake.
    pub attempt: Option<DurationLaw>,
    /// P(an attempt is wrong).
    pub wrong_fix: Option<f64>,
    /// Share of wrong output a poisoned loop begins with.
    pub initial: Option<f64>,
    /// Growth per cycle.
    pub gain: Option<f64>,
    /// Share added per cycle.
    pub floor: Option<f64>,
    /// Length of a cycle.
    pub cycle: Option<Ticks>,
    /// Share at which the loop is noticed.
    pub threshold: Option<f64>,
    /// Start of services that wait for each other.
    pub bootstrap: Option<DurationLaw>,
    /// Share of its capacity that an overloaded service keeps.
    pub capacity: Option<f64>,
    /// Demand over the usual demand.
    pub demand: Option<f64>,
    /// From the end of the cause until load is shed, where an overload outlives it.
    pub relief: Option<DurationLaw>,
    /// Share of the load that is then kept away.
    pub shed: Option<f64>,
    /// How long it is kept away.
    pub hold: Option<Ticks>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// `SERVICE`, `SERVICE.OPERATION` or a group; a change that lands on several services has one target each. Never empty.
    pub targets: Vec<Target>,
    /// When, from the start of the simulation.
    pub at: Ticks,
    /// Stated values.
    pub overrides: Overrides,
    /// How the change that brought it reaches production.
    pub rollout: Option<Rollout>,
    /// The change says whether its roll-back was tested; `Some(false)` rules a roll-back out.
    pub rollback_tested: Option<bool>,
}

/// One target of a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The reference.
    pub name: String,
    /// Its share of the change, where there are several.
    pub share: Option<f64>,
}

/// The keys of `--fault`, in the order of the documentation.
const KEYS: [&str; 29] = [
    "at",
    "rate",
    "factor",
    "wrong",
    "instances",
    "share",
    "detect",
    "repair",
    "rollback",
    "cold_start",
    "restore_tail",
    "unwind",
    "decide",
    "recreate",
    "restore",
    "validate",
    "attempt",
    "wrong_fix",
    "initial",
    "gain",
    "floor",
    "cycle",
    "threshold",
    "bootstrap",
    "capacity",
    "demand",
    "relief",
    "shed",
    "hold",
];

impl Fault {
    /// A fault with the catalogue's values.
    pub fn new(kind: FaultKind, target: impl Into<String>) -> Self {
        Self::on(kind, vec![Target { name: target.into(), share: None }])
    }

    /// A fault of a change that lands on several services.
    pub fn on(kind: FaultKind, targets: Vec<Target>) -> Self {
        Self { kind, targets, at: Ticks::ZERO, overrides: Overrides::default(), rollout: None, rollback_tested: None }
    }

    /// `kind@target`: the name that keys its random numbers, so that a what-if on its values shares them.
    pub fn label(&self) -> String {
        let targets: Vec<&str> = self.targets.iter().map(|target| target.name.as_str()).collect();
        format!("{}@{}", self.kind.name(), targets.join("+"))
    }

    /// Reads `KIND@TARGET[,key=value…]` (product.md, semantics 25).
    ///
    /// # Errors
    /// What is wrong, what was expected, and the byte range in the text.
    pub fn parse(text: &str) -> Result<Self, (String, std::ops::Range<usize>)> {
        let all = 0..text.len();
        let Some((kind, rest)) = text.split_once('@') else {
            return Err((format!("`{text}` is not a fault: expected KIND@TARGET, such as crash@checkout"), all));
        };
        let Some(known) = FaultKind::from_name(kind) else {
            let names = FaultKind::ALL.map(FaultKind::name);
            let advice = match nearest(kind, names) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("expected one of {}", names.join(", ")),
            };
            return Err((format!("there is no fault kind `{kind}`: {advice}"), 0..kind.len()));
        };
        let mut parts = rest.split(',');
        let target = parts.next().unwrap_or_default();
        if target.is_empty() {
            return Err(("the fault has no target: expected KIND@TARGET".to_owned(), all));
        }
        let mut fault = Self::new(known, target);
        let mut at = kind.len() + 1 + target.len();
        let mut known = Vec::new();
        for part in parts {
            let range = at + 1..at + 1 + part.len();
            at = range.end;
            let Some((key, value)) = part.split_once('=') else {
                return Err((format!("`{part}` is not of the form key=value"), range));
            };
            fault.set(key.trim(), value.trim()).map_err(|message| (message, range.clone()))?;
            if known.contains(&key.trim()) {
                return Err((format!("`{}` is stated twice", key.trim()), range));
            }
            known.push(key.trim());
        }
        Ok(fault)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let o = &mut self.overrides;
        match key {
            "at" => self.at = Ticks::parse(value)?,
            "rate" => o.rate = Some(share(key, value)?),
            "factor" => o.factor = Some(number(key, value, 1.0..=1e6)?),
            "wrong" => o.wrong = Some(share(key, value)?),
            "instances" => o.instances = Some(instances(value)?),
            "share" => o.share = Some(share(key, value)?),
            "detect" => o.detect = Some(law(value)?),
            "repair" => o.repair = Some(law(value)?),
            "rollback" => o.rollback = Some(law(value)?),
            "cold_start" => o.cold_start = Some(law(value)?),
            "restore_tail" => o.restore_tail = Some(law(value)?),
            "unwind" => o.unwind = Some(law(value)?),
            "decide" => o.decide = Some(law(value)?),
            "recreate" => o.recreate = Some(law(value)?),
            "restore" => o.restore = Some(law(value)?),
            "validate" => o.validate = Some(law(value)?),
            "attempt" => o.attempt = Some(law(value)?),
            "wrong_fix" => o.wrong_fix = Some(number(key, value, 0.0..=0.99)?),
            "initial" => o.initial = Some(share(key, value)?),
            "gain" => o.gain = Some(number(key, value, 0.0..=1e6)?),
            "floor" => o.floor = Some(share(key, value)?),
            "cycle" => o.cycle = Some(positive(value)?),
            "threshold" => o.threshold = Some(share(key, value)?),
            "bootstrap" => o.bootstrap = Some(law(value)?),
            "capacity" => o.capacity = Some(share(key, value)?),
            "demand" => o.demand = Some(number(key, value, 0.0..=1e6)?),
            "relief" => o.relief = Some(law(value)?),
            "shed" => o.shed = Some(share(key, value)?),
            "hold" => o.hold = Some(positive(value)?),
            other => {
                let advice = match nearest(other, KEYS) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("expected one of {}", KEYS.join(", ")),
                };
                return Err(format!("unknown key `{other}`: {advice}"));
            }
        }
        Ok(())
    }
}

/// A duration as `--fault` takes it: `10m`, or `10m/60m` as median and 95th percentile.
///
/// # Errors
/// A sentence that says what was expected.
pub fn law(text: &str) -> Result<DurationLaw, String> {
    DurationLaw::parse(text)
}

fn positive(text: &str) -> Result<Ticks, String> {
    let ticks = Ticks::parse(text)?;
    if ticks == Ticks::ZERO { Err(format!("`{text}`: expected a duration above 0")) } else { Ok(ticks) }
}

fn number(key: &str, text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(format!("`{key}={text}`: expected a number from {} to {}", range.start(), range.end())),
    }
}

fn share(key: &str, text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|value| value / 100.0),
        None => text.parse::<f64>(),
    };
    match value {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err(format!("`{key}={text}`: expected a share such as 0.05 or 5%")),
    }
}

fn instances(text: &str) -> Result<Instances, String> {
    if text.ends_with('%') {
        let taken = share("instances", text)?;
        return if taken > 0.0 {
            Ok(Instances::Share(taken))
        } else {
            Err(format!("`instances={text}`: no instances are taken"))
        };
    }
    match text.parse::<u32>() {
        Ok(count) if count > 0 => Ok(Instances::Count(count)),
        _ => Err(format!("`instances={text}`: expected a number of instances such as 1, or a share such as 30%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_the_command_line() {
        let fault = Fault::parse("crash@checkout,repair=45m/4h,instances=30%,at=10m").expect("fault");
        assert_eq!((fault.kind, fault.label().as_str()), (FaultKind::Crash, "crash@checkout"));
        assert_eq!(fault.overrides.repair, Some(DurationLaw::lognormal_minutes(45, 240)));
        assert_eq!(fault.overrides.instances, Some(Instances::Share(0.3)));
        assert_eq!(fault.at, Ticks(10 * Ticks::PER_MINUTE));
    }

    #[test]
    fn wrong_faults_say_what_was_expected() {
        for (text, expected) in [
            ("crush@a", "did you mean `crash`"),
            ("crash", "KIND@TARGET"),
            ("crash@", "no target"),
            ("crash@a,repar=5m", "did you mean `repair`"),
            ("error_rate@a,rate=1.3", "share"),
            ("crash@a,repair=10", "no unit"),
            ("crash@a,repair=4h/45m", "median"),
            ("crash@a,x", "key=value"),
            ("crash@a,detect=1m,repair=2m, detect=9m", "`detect` is stated twice"),
            ("crash@a,at=1m,at=1m", "`at` is stated twice"),
        ] {
            let (message, range) = Fault::parse(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
            assert!(range.end <= text.len());
        }
    }
}
