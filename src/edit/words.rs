//! An edit in the words of its grammar, and in words for people.

use super::{Edit, Ends, Replication, What};
use crate::change::facts::{Rollout, Strategy};
use crate::model::facts::OnInvalid;
use std::borrow::Cow;
use std::fmt;

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", quoted(&self.from), quoted(&self.to))
    }
}

/// A name as an edit takes it: in quotes where it holds what separates.
fn quoted(name: &str) -> Cow<'_, str> {
    let separates = name.contains([',', '=', '"']) || name.contains("->") || name.trim() != name;
    if separates { Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))) } else { Cow::Borrowed(name) }
}

/// As [`Edit::parse`] reads it.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Fallback { ends, coverage, tested } => {
                write!(f, "fallback:{ends},coverage={coverage},tested={}", if *tested { "yes" } else { "no" })
            }
            What::Breaker(ends, breaker) => {
                write!(f, "breaker:{ends}")?;
                breaker.window.map_or(Ok(()), |window| write!(f, ",window={window}"))?;
                breaker.open_at.map_or(Ok(()), |share| write!(f, ",open_at={share}"))?;
                breaker.open_for.map_or(Ok(()), |time| write!(f, ",open_for={time}"))
            }
            What::Timeout(ends, timeout) => write!(f, "timeout:{ends}={timeout}"),
            What::Retries(ends, attempts) => write!(f, "retries:{ends}={attempts}"),
            What::RetryBudget(ends, budget) => write!(f, "retry-budget:{ends}={budget}"),
            What::Buffer(ends, law) => write!(f, "buffer:{ends}={law}"),
            What::ServeStale(ends, stale) => write!(f, "serve-stale:{ends}={stale}"),
            What::Validator(ends, on_invalid) => {
                write!(f, "validator:{ends}")?;
                on_invalid.map_or(Ok(()), |what| write!(f, ",on_invalid={}", what.name()))
            }
            What::Crossing(ends, p) => write!(f, "probability:{ends}={}", p.value()),
            What::Remove(ends) => write!(f, "remove:{ends}"),
            What::Replicas(service, Replication::More(more)) => write!(f, "replica:{}=+{more}", quoted(service)),
            What::Replicas(service, Replication::Count(count)) => write!(f, "replica:{}={count}", quoted(service)),
            What::Zones(service, zones) => {
                let zones: Vec<Cow<'_, str>> = zones.iter().map(|zone| quoted(zone)).collect();
                write!(f, "zones:{}={}", quoted(service), zones.join(","))
            }
            What::Monitor(service, None) => write!(f, "monitor:{}", quoted(service)),
            What::Monitor(service, Some(law)) => write!(f, "detect:{}={law}", quoted(service)),
            What::Rollback(service, law) => {
                f.write_str("rollback")?;
                service.as_ref().map_or(Ok(()), |service| write!(f, ":{}", quoted(service)))?;
                law.map_or(Ok(()), |law| write!(f, "={law}"))
            }
            What::Rollout(rollout) => write_rollout(f, rollout),
            What::RestoreTested => f.write_str("restore-tested"),
            What::DenyDelete(None) => f.write_str("deny-delete"),
            What::DenyDelete(Some(service)) => write!(f, "deny-delete:{}", quoted(service)),
            What::SeniorReview => f.write_str("senior-review"),
            What::Simulated => f.write_str("simulated"),
            What::Tests(share) => write!(f, "tests={share}"),
        }
    }
}

fn write_rollout(f: &mut fmt::Formatter<'_>, rollout: &Rollout) -> fmt::Result {
    f.write_str(match rollout.strategy {
        // Nobody writes this edit; a change is at once where nothing is said.
        Strategy::BigBang => "big-bang",
        Strategy::Canary => "canary",
        Strategy::Waves => "waves",
        Strategy::BlueGreen => "blue-green",
        Strategy::Flag => "flag",
    })?;
    rollout.share.zip(rollout.bake).map_or(Ok(()), |(share, bake)| write!(f, "={share}/{bake}"))?;
    rollout.power.map_or(Ok(()), |power| write!(f, ",power={power}"))?;
    rollout.rollback.map_or(Ok(()), |law| write!(f, ",rollback={law}"))
}

/// A share as people write it, with the digits it has.
fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

impl Edit {
    /// What it means, for people.
    pub fn words(&self) -> String {
        match &self.what {
            What::Fallback { ends, coverage, tested } => {
                let tested = if *tested { "a tested fallback" } else { "a fallback that is not tested" };
                let part = if *coverage < 1.0 { format!(" for {} of the requests", percent(*coverage)) } else { String::new() };
                format!("{tested} of {} for {}{part}", ends.from, ends.to)
            }
            What::Breaker(ends, _) => format!("a circuit breaker of {} for {}", ends.from, ends.to),
            What::Timeout(ends, timeout) => format!("a timeout of {timeout} of {} for {}", ends.from, ends.to),
            What::Retries(ends, attempts) => format!("at most {attempts} tries of {} at {}", ends.from, ends.to),
            What::RetryBudget(ends, share) => format!("a retry budget of {} of {} for {}", percent(*share), ends.from, ends.to),
            What::Buffer(ends, law) => format!("a buffer of {law} of {} before {}", ends.from, ends.to),
            What::ServeStale(ends, stale) => format!("{} serves stale answers of {} for {stale}", ends.from, ends.to),
            What::Validator(ends, on_invalid) => {
                let then = match on_invalid {
                    Some(OnInvalid::Reject) => ", and invalid ones are an error",
                    Some(OnInvalid::Pass) => ", and goes on without invalid ones",
                    None => "",
                };
                format!("{} validates the data of {}{then}", ends.from, ends.to)
            }
            What::Crossing(ends, p) => {
                format!("a failure crosses from {} to {} with {}", ends.to, ends.from, percent(p.value()))
            }
            What::Remove(ends) => format!("{} does not depend on {}", ends.from, ends.to),
            What::Replicas(service, Replication::More(1)) => format!("one more replica of {service}"),
            What::Replicas(service, Replication::More(more)) => format!("{more} more replicas of {service}"),
            What::Replicas(service, Replication::Count(count)) => format!("{count} replicas of {service}"),
            What::Zones(service, zones) => format!("{service} in {}", zones.join(" and ")),
            What::Monitor(service, None) => format!("a monitor of its own for {service}"),
            What::Monitor(service, Some(law)) => format!("{service} is known to fail within {law}"),
            What::Rollback(None, law) => format!("a tested roll-back{}", within(law.as_ref())),
            What::Rollback(Some(service), law) => format!("a tested roll-back of {service}{}", within(law.as_ref())),
            What::Rollout(rollout) => rollout_words(rollout),
            What::RestoreTested => "a tested restore".to_owned(),
            What::DenyDelete(None) => "deletion denied".to_owned(),
            What::DenyDelete(Some(service)) => format!("deletion of {service} denied"),
            What::SeniorReview => "a review by a senior engineer".to_owned(),
            What::Simulated => "a load test or a simulation before".to_owned(),
            What::Tests(share) => format!("tests cover {} of the changed lines", percent(*share)),
        }
    }
}

fn within(law: Option<&crate::model::DurationLaw>) -> String {
    law.map_or_else(String::new, |law| format!(" within {law}"))
}

fn rollout_words(rollout: &Rollout) -> String {
    let name = match rollout.strategy {
        Strategy::BigBang => "everything at once",
        Strategy::Canary => "canary",
        Strategy::Waves => "waves",
        Strategy::BlueGreen => "blue-green switch",
        Strategy::Flag => "feature flag",
    };
    let steps = rollout.share.zip(rollout.bake);
    steps.map_or_else(
        || name.to_owned(),
        |(share, bake)| match rollout.strategy {
            Strategy::Waves => format!("{name} of {} every {bake}", percent(share)),
            _ => format!("{name} {} for {bake}", percent(share)),
        },
    )
}
