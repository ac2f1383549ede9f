//! Quantities and ids that every room shares.
//!
//! Ids are positions in file order. Times inside the engine are whole microseconds, so that sums do not depend on the order
//! in which trials are added. What must hold: a [`Probability`] lies in 0..=1, a [`Severity`] never exceeds [`Severity::FULL`].

mod duration;

pub use duration::DurationLaw;
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The position as an index.
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The id at a position.
            ///
            /// # Panics
            /// When the position does not fit 32 bits; the readers refuse such files.
            pub fn at(index: usize) -> Self {
                Self(u32::try_from(index).expect("ids fit 32 bits: readers limit the number of entities"))
            }
        }
    };
}

id!(/// A service, by its position in the topology.
    ServiceId);
id!(/// One entry of `dependencies`, by its position in the topology.
    DependencyId);
id!(/// A group of services that fail together.
    GroupId);
id!(/// A user journey.
    JourneyId);

/// A probability, 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// Impossible.
    pub const ZERO: Self = Self(0.0);
    /// Certain.
    pub const ONE: Self = Self(1.0);

    /// `None` outside 0..=1 and for NaN.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The nearest probability: values outside 0..=1 are clipped, NaN becomes 1 (never optimistic).
    pub fn clipped(value: f64) -> Self {
        Self(if value.is_nan() { 1.0 } else { value.clamp(0.0, 1.0) })
    }

    /// As a number.
    pub fn value(self) -> f64 {
        self.0
    }
}

/// A span of simulated time in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub u64);

impl Ticks {
    /// No time.
    pub const ZERO: Self = Self(0);
    /// Longer than any horizon.
    pub const MAX: Self = Self(u64::MAX);
    /// Ticks in a minute.
    pub const PER_MINUTE: u64 = 60_000_000;
    /// Ticks in a second.
    pub const PER_SECOND: u64 = 1_000_000;

    /// Rounds to the nearest tick; negative values become 0, values too large become [`Ticks::MAX`].
    pub fn from_minutes(minutes: f64) -> Self {
        // `as` saturates, which is what is wanted here.
        Self((minutes * Self::PER_MINUTE as f64).round() as u64)
    }

    /// In minutes.
    pub fn minutes(self) -> f64 {
        self.0 as f64 / Self::PER_MINUTE as f64
    }

    /// Whole days.
    pub fn from_days(days: u64) -> Self {
        Self(days * 24 * 60 * Self::PER_MINUTE)
    }

    /// Sum that stops at [`Ticks::MAX`].
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference that stops at 0.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Reads the DURATION grammar of the file formats: numbers with `ms`, `s`, `m` (minutes), `h` or `d`, joined as in `1h30m`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err("expected a duration such as `30s`, `10m` or `1h30m`, found nothing".to_owned());
        }
        let mut total = 0.0_f64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let Ok(number) = number.parse::<f64>() else {
                return Err(format!(
                    "`{text}` is not a duration: expected a number with a unit, such as `30s`, `10m` or `1h30m`"
                ));
            };
            let unit_length = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_length);
            let seconds = match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                "" => return Err(format!("`{text}` has no unit: write ms, s, m (minutes), h or d after the number")),
                other => return Err(format!("`{other}` is not a unit of time: use ms, s, m (minutes), h or d")),
            };
            total += number * seconds;
            rest = tail;
        }
        if total > 3_650.0 * 86_400.0 {
            return Err(format!("`{text}` is longer than ten years"));
        }
        Ok(Self((total * Self::PER_SECOND as f64).round() as u64))
    }
}

impl fmt::Display for Ticks {
    /// The shortest exact form in the grammar of the files, e.g. `1h30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0m");
        }
        let mut rest = self.0;
        for (unit, size) in [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)] {
            let count = rest / size;
            if count > 0 {
                write!(f, "{count}{unit}")?;
                rest %= size;
            }
        }
        if rest > 0 {
            write!(f, "{}ms", rest as f64 / 1_000.0)?;
        }
        Ok(())
    }
}

/// A share of failing requests or of wrong answers, in whole units of 2^-24 (model.md §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Severity(pub u32);

impl Severity {
    /// Nothing fails.
    pub const NONE: Self = Self(0);
    /// Everything fails.
    pub const FULL: Self = Self(1 << 24);

    /// Rounds half up; values outside 0..=1 are clipped.
    pub fn from_share(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * f64::from(Self::FULL.0) + 0.5) as u32)
    }

    /// As a share, 0..=1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::FULL.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_grammar() {
        assert_eq!(Ticks::parse("1h30m"), Ok(Ticks(90 * Ticks::PER_MINUTE)));
        assert_eq!(Ticks::parse("40ms"), Ok(Ticks(40_000)));
        assert_eq!(Ticks::parse("1.5h"), Ticks::parse("90m"));
        assert_eq!(Ticks::parse("0m"), Ok(Ticks::ZERO));
        for bad in ["", "10", "m", "10 minutes", "1h30", "-5m", "1..5m", "9999d", "5min"] {
            assert!(Ticks::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_print_in_their_own_grammar() {
        for text in ["0m", "1h30m", "40ms", "2d3h", "0.5ms"] {
            let ticks = Ticks::parse(text).expect(text);
            assert_eq!(ticks.to_string(), text);
        }
    }

    #[test]
    fn probabilities_are_checked() {
        assert!(Probability::new(1.3).is_none());
        assert!(Probability::new(f64::NAN).is_none());
        assert_eq!(Probability::clipped(f64::NAN), Probability::ONE);
    }

    #[test]
    fn severities_round_half_up() {
        assert_eq!(Severity::from_share(1.0), Severity::FULL);
        assert_eq!(Severity::from_share(0.5).0, 1 << 23);
        assert_eq!(Severity::from_share(2.0_f64.powi(-25)).0, 1);
    }
}
