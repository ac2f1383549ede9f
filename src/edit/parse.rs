//! From the text of an edit to its value: `--with NAME[:SUBJECT][=VALUE][,KEY=VALUE|,WORD]…`.
//!
//! What is wrong is said with the byte range it stands at, and with the nearest name that exists.

use super::{Edit, Ends, Replication, What};
use crate::change::facts::{Rollout, Strategy};
use crate::diagnostic::nearest;
use crate::model::DurationLaw;
use crate::model::facts::{Breaker, OnInvalid};
use crate::units::{Probability, Ticks};
use std::ops::Range;

/// Every name of an edit, in the order of the documentation.
pub const NAMES: [&str; 24] = [
    "canary",
    "waves",
    "flag",
    "blue-green",
    "rollback",
    "restore-tested",
    "deny-delete",
    "senior-review",
    "simulated",
    "tests",
    "fallback",
    "breaker",
    "timeout",
    "retries",
    "retry-budget",
    "buffer",
    "serve-stale",
    "validator",
    "probability",
    "remove",
    "replica",
    "zones",
    "monitor",
    "detect",
];

/// A sentence, and the place it is about.
type Wrong = (String, Range<usize>);

/// A part of the text with its place.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Piece<'a> {
    fn range(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    /// Both sides of the first of this outside of quotes; the second side starts behind it.
    fn split(self, at: &str) -> Option<(Self, Self)> {
        let end = outside(self.text, |rest| rest.starts_with(at))?;
        let (left, right) = (&self.text[..end], &self.text[end + at.len()..]);
        Some((Self { text: left, at: self.at }, Self { text: right, at: self.at + end + at.len() }))
    }

    /// A name, without the quotes around it; empty where there is none.
    fn name(self) -> Result<String, Wrong> {
        let text = self.text.trim();
        if !text.contains('"') {
            return Ok(text.to_owned());
        }
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let is_whole = |inner: &&str| !inner.replace("\"\"", "").contains('"');
        match inner.filter(is_whole) {
            Some(inner) => Ok(inner.replace("\"\"", "\"")),
            None => self.wrong("quotes stand around a whole name, and a quote inside of them twice, such as \"a, \"\"b\"\"\""),
        }
    }

    fn wrong<T>(self, message: impl Into<String>) -> Result<T, Wrong> {
        Err((message.into(), self.range()))
    }

    fn read<T>(self, read: impl FnOnce(&'a str) -> Result<T, String>) -> Result<T, Wrong> {
        read(self.text.trim()).map_err(|message| (message, self.range()))
    }
}

/// Where something begins outside of quotes.
fn outside(text: &str, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    let mut is_quoted = false;
    for (at, letter) in text.char_indices() {
        is_quoted ^= letter == '"';
        if !is_quoted && is_it(&text[at..]) {
            return Some(at);
        }
    }
    None
}

/// The parts of an edit.
struct Parts<'a> {
    whole: Piece<'a>,
    name: Piece<'a>,
    subject: Option<Piece<'a>>,
    value: Option<Piece<'a>>,
    /// Behind commas: a word, or a key with its value.
    rest: Vec<(Piece<'a>, Option<Piece<'a>>)>,
}

impl Edit {
    /// Reads an edit.
    ///
    /// # Errors
    /// What is wrong, what was expected, and the byte range in the text.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let parts = Parts::of(text);
        let what = parts.what()?;
        let subject = parts.subject.map_or(parts.name.range(), Piece::range);
        Ok(Self { what, subject })
    }
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let whole = Piece { text, at: 0 };
        let end = text.find([':', '=', ',']).unwrap_or(text.len());
        let name = Piece { text: &text[..end], at: 0 };
        let mut left = Piece { text: &text[end..], at: end };
        let behind = |piece: Piece<'a>| Piece { text: &piece.text[1..], at: piece.at + 1 };
        let subject = left.text.starts_with(':').then(|| {
            let inner = behind(left);
            let end = outside(inner.text, |rest| rest.starts_with(['=', ','])).unwrap_or(inner.text.len());
            left = Piece { text: &inner.text[end..], at: inner.at + end };
            Piece { text: &inner.text[..end], at: inner.at }
        });
        let value = left.text.starts_with('=').then(|| {
            let inner = behind(left);
            // A list of zones is separated by commas itself.
            let end = if name.text == "zones" { inner.text.len() } else { inner.text.find(',').unwrap_or(inner.text.len()) };
            left = Piece { text: &inner.text[end..], at: inner.at + end };
            Piece { text: &inner.text[..end], at: inner.at }
        });
        let mut rest = Vec::new();
        while left.text.starts_with(',') {
            let inner = behind(left);
            let end = inner.text.find(',').unwrap_or(inner.text.len());
            let part = Piece { text: &inner.text[..end], at: inner.at };
            rest.push(part.split("=").map_or((part, None), |(key, value)| (key, Some(value))));
            left = Piece { text: &inner.text[end..], at: inner.at + end };
        }
        Self { whole, name, subject, value, rest }
    }

    fn what(&self) -> Result<What, Wrong> {
        match self.name.text {
            "canary" => self.rollout(Strategy::Canary),
            "waves" => self.rollout(Strategy::Waves),
            "flag" => self.rollout(Strategy::Flag),
            "blue-green" => self.rollout(Strategy::BlueGreen),
            "rollback" => {
                self.only(&[])?;
                let law = self.value.map(|value| value.read(DurationLaw::parse)).transpose()?;
                Ok(What::Rollback(self.subject_if_any()?, law))
            }
            "restore-tested" => self.plain(What::RestoreTested),
            "senior-review" => self.plain(What::SeniorReview),
            "simulated" => self.plain(What::Simulated),
            "deny-delete" => {
                self.only(&[])?;
                self.no_value()?;
                Ok(What::DenyDelete(self.subject_if_any()?))
            }
            "tests" => {
                self.no_subject()?;
                self.only(&[])?;
                Ok(What::Tests(self.value("a share of the changed lines, such as tests=80%")?.read(share)?))
            }
            "replica" | "zones" | "monitor" | "detect" => self.about_service(),
            "fallback" | "breaker" | "timeout" | "retries" | "retry-budget" | "buffer" | "serve-stale" | "validator"
            | "probability" | "remove" => self.about_dependency(),
            other => {
                let advice = match nearest(other, NAMES) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("expected one of {}", NAMES.join(", ")),
                };
                self.name.wrong(format!("there is no edit `{other}`: {advice}"))
            }
        }
    }

    fn about_service(&self) -> Result<What, Wrong> {
        let service = self.service()?;
        self.only(&[])?;
        Ok(match self.name.text {
            "replica" => What::Replicas(service, self.value("how many, such as +1 or 5")?.read(replication)?),
            "zones" => {
                let zones = self.value("names of zones, such as zone-a,zone-b")?;
                let (mut names, mut left) = (Vec::new(), zones);
                while let Some((name, rest)) = left.split(",") {
                    names.push(name.name()?);
                    left = rest;
                }
                names.push(left.name()?);
                if names.iter().any(String::is_empty) {
                    return zones.wrong("a name of a zone is missing: expected such as zone-a,zone-b");
                }
                What::Zones(service, names)
            }
            "detect" => {
                What::Monitor(service, Some(self.value("a time to detection, such as 5m or 5m/15m")?.read(DurationLaw::parse)?))
            }
            _ => What::Monitor(service, self.value.map(|value| value.read(DurationLaw::parse)).transpose()?),
        })
    }

    fn about_dependency(&self) -> Result<What, Wrong> {
        let ends = self.ends()?;
        match self.name.text {
            "fallback" => {
                self.no_value()?;
                let (mut coverage, mut tested) = (1.0, true);
                for (key, value) in self.rest(&["coverage", "tested"])? {
                    match (key.text, value) {
                        ("coverage", Some(value)) => coverage = value.read(share)?,
                        ("coverage", None) => return key.wrong("expected a share, such as coverage=0.8"),
                        (_, value) => tested = value.map_or(Ok(true), |value| value.read(yes_or_no))?,
                    }
                }
                return Ok(What::Fallback { ends, coverage, tested });
            }
            "breaker" => {
                self.no_value()?;
                let mut breaker = Breaker { window: None, open_at: None, open_for: None };
                for (key, value) in self.rest(&["window", "open_at", "open_for"])? {
                    let Some(value) = value else { return key.wrong(format!("`{}` needs a value", key.text)) };
                    match key.text {
                        "window" => breaker.window = Some(value.read(positive_whole)?),
                        "open_at" => breaker.open_at = Some(value.read(share)?),
                        _ => breaker.open_for = Some(value.read(positive)?),
                    }
                }
                return Ok(What::Breaker(ends, breaker));
            }
            "validator" => {
                self.no_value()?;
                let mut on_invalid = None;
                for (key, value) in self.rest(&["on_invalid"])? {
                    on_invalid = Some(value.as_ref().unwrap_or(key).read(on_invalid_of)?);
                }
                return Ok(What::Validator(ends, on_invalid));
            }
            _ => self.only(&[])?,
        }
        Ok(match self.name.text {
            "timeout" => What::Timeout(ends, self.value("a duration, such as 500ms")?.read(positive)?),
            "retries" => What::Retries(ends, self.value("how many tries, the first included")?.read(positive_whole)?),
            "retry-budget" => What::RetryBudget(ends, self.value("a share of extra calls, such as 10%")?.read(share)?),
            "buffer" => What::Buffer(ends, self.value("a duration, such as 30m")?.read(DurationLaw::parse)?),
            "serve-stale" => What::ServeStale(ends, self.value("a duration, such as 4h")?.read(positive)?),
            "probability" => What::Crossing(ends, self.value("a probability, such as 0.2")?.read(probability)?),
            _ => {
                self.no_value()?;
                What::Remove(ends)
            }
        })
    }

    /// `canary=5%/15m,power=0.9,rollback=5m/15m`: share and bake time.
    fn rollout(&self, strategy: Strategy) -> Result<What, Wrong> {
        self.no_subject()?;
        let mut rollout = Rollout { strategy, share: None, bake: None, power: None, rollback: None };
        if let Some(value) = self.value {
            if strategy == Strategy::BlueGreen {
                return value.wrong("a blue-green switch has neither share nor bake time: write `blue-green`");
            }
            let Some((part, bake)) = value.split("/") else {
                return value.wrong(format!("`{}`: expected share and bake time, such as {}=5%/15m", value.text, self.name.text));
            };
            (rollout.share, rollout.bake) = (Some(part.read(share)?), Some(bake.read(positive)?));
        }
        let keys: &[&str] = if strategy == Strategy::Canary { &["power", "rollback"] } else { &[] };
        for (key, value) in self.rest(keys)? {
            let Some(value) = value else { return key.wrong(format!("`{}` needs a value", key.text)) };
            match key.text {
                "power" => rollout.power = Some(value.read(share)?),
                _ => rollout.rollback = Some(value.read(DurationLaw::parse)?),
            }
        }
        Ok(What::Rollout(rollout))
    }

    fn plain(&self, what: What) -> Result<What, Wrong> {
        self.no_subject()?;
        self.no_value()?;
        self.only(&[])?;
        Ok(what)
    }

    fn subject_if_any(&self) -> Result<Option<String>, Wrong> {
        self.subject.map(|_| self.service()).transpose()
    }

    fn service(&self) -> Result<String, Wrong> {
        match self.subject.map(Piece::name).transpose()? {
            Some(name) if !name.is_empty() => Ok(name),
            Some(_) | None => self.whole.wrong(format!("`{0}` needs a service: expected {0}:SERVICE", self.name.text)),
        }
    }

    fn ends(&self) -> Result<Ends, Wrong> {
        let parts = self.subject.and_then(|subject| subject.split("->"));
        match parts.map(|(from, to)| Ok((from.name()?, to.name()?))).transpose()? {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok(Ends { from, to }),
            _ => self.subject.unwrap_or(self.whole).wrong(format!(
                "`{0}` needs a dependency: expected {0}:CONSUMER->PROVIDER, quoted against the shell",
                self.name.text
            )),
        }
    }

    fn value(&self, expected: &str) -> Result<Piece<'a>, Wrong> {
        match self.value {
            Some(value) => Ok(value),
            None => self.whole.wrong(format!("`{}` needs a value: {expected}", self.name.text)),
        }
    }

    fn no_value(&self) -> Result<(), Wrong> {
        self.value.map_or(Ok(()), |value| value.wrong(format!("`{}` takes no value", self.name.text)))
    }

    fn no_subject(&self) -> Result<(), Wrong> {
        self.subject.map_or(Ok(()), |subject| subject.wrong(format!("`{}` is about the change as a whole", self.name.text)))
    }

    fn only(&self, keys: &[&str]) -> Result<(), Wrong> {
        self.rest(keys).map(drop)
    }

    /// What stands behind commas, each once and of these keys.
    fn rest(&self, keys: &[&str]) -> Result<&[(Piece<'a>, Option<Piece<'a>>)], Wrong> {
        for (at, (key, _)) in self.rest.iter().enumerate() {
            if !keys.contains(&key.text) {
                let advice = match (nearest(key.text, keys.iter().copied()), keys) {
                    (Some(name), _) => format!("did you mean `{name}`?"),
                    (None, []) => format!("`{}` takes nothing behind a comma", self.name.text),
                    (None, keys) => format!("expected one of {}", keys.join(", ")),
                };
                return key.wrong(format!("unknown key `{}`: {advice}", key.text));
            }
            if self.rest[..at].iter().any(|(known, _)| known.text == key.text) {
                return key.wrong(format!("`{}` is given twice", key.text));
            }
        }
        Ok(&self.rest)
    }
}

fn share(text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|value| value / 100.0),
        None => text.parse::<f64>(),
    };
    match value {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err(format!("`{text}`: expected a share such as 0.05 or 5%")),
    }
}

fn probability(text: &str) -> Result<Probability, String> {
    Probability::new(share(text)?).ok_or_else(|| format!("`{text}`: expected a probability from 0 to 1"))
}

fn positive(text: &str) -> Result<Ticks, String> {
    let ticks = Ticks::parse(text)?;
    if ticks == Ticks::ZERO { Err(format!("`{text}`: expected a duration above 0")) } else { Ok(ticks) }
}

fn positive_whole(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err(format!("`{text}`: expected a whole number from 1 to 1,000,000")),
    }
}

fn replication(text: &str) -> Result<Replication, String> {
    match text.strip_prefix('+') {
        Some(more) => positive_whole(more).map(Replication::More),
        None => positive_whole(text).map(Replication::Count),
    }
}

fn on_invalid_of(text: &str) -> Result<OnInvalid, String> {
    let all = [OnInvalid::Pass, OnInvalid::Reject];
    all.into_iter().find(|one| one.name() == text).ok_or_else(|| format!("`{text}`: expected pass or reject"))
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("`{text}`: expected yes or no")),
    }
}
