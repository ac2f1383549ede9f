//! Times at which nothing should change: a period between two dates, or a window that comes again.
//!
//! A window that comes again starts when a cron expression says so, in a time zone, and lasts for a while. What must hold: where the
//! time of a change is not known, a freeze counts as met, since unknown is never read as harmless.
//! Fields of the expression are those of crontab(5): minute, hour, day of the month, month, day of the week; where both kinds of day are
//! restricted, either is enough.

use crate::risk::assessment::Band;
use crate::units::Ticks;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan, Zoned};

/// Longest window that comes again.
pub const LONGEST: Ticks = Ticks(31 * 24 * 60 * Ticks::PER_MINUTE);

/// A freeze.
#[derive(Debug, Clone)]
pub struct Freeze {
    /// When.
    pub window: Window,
    /// Why, as a sentence.
    pub because: Option<String>,
    /// The band that a change inside it is raised to.
    pub raises_to: Band,
}

/// When a freeze holds.
#[derive(Debug, Clone)]
pub enum Window {
    /// From a point in time up to another.
    Once(Zoned, Zoned),
    /// From each time of the expression on, for so long.
    Again(Cron, Ticks, TimeZone),
}

impl Freeze {
    /// Does it hold at this time?
    pub fn holds(&self, at: &Zoned) -> bool {
        match &self.window {
            Window::Once(from, to) => from.timestamp() <= at.timestamp() && at.timestamp() < to.timestamp(),
            Window::Again(cron, lasts, zone) => cron.started_within(&at.with_time_zone(zone.clone()), *lasts),
        }
    }
}

/// The names of the fields, with their smallest and largest values.
const FIELDS: [(&str, u8, u8); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7)];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron expression: for each field the values that fit, as bits, and whether it is a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron([(u64, bool); 5]);

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Ok(words) = <[&str; 5]>::try_from(words) else {
            return Err(format!("`{text}` is no cron expression: expected five fields, such as `0 16 * * fri`"));
        };
        let mut fields = [(0, false); 5];
        for (at, (word, field)) in words.iter().zip(&mut fields).enumerate() {
            *field = (bits(word, at)?, word.starts_with('*'));
        }
        // Sunday has two numbers.
        fields[4].0 |= fields[4].0 >> 7 & 1;
        Ok(Self(fields))
    }

    fn fits(&self, field: usize, value: i8) -> bool {
        u8::try_from(value).is_ok_and(|value| self.0[field].0 >> value & 1 == 1)
    }

    fn is_day(&self, date: Date) -> bool {
        let (by_number, by_weekday) = (self.fits(2, date.day()), self.fits(4, date.weekday().to_sunday_zero_offset()));
        let either = !self.0[2].1 && !self.0[4].1;
        self.fits(3, date.month()) && if either { by_number || by_weekday } else { by_number && by_weekday }
    }

    /// Is there a start in the time before, no longer ago than `lasts`?
    fn started_within(&self, at: &Zoned, lasts: Ticks) -> bool {
        let lasts = SignedDuration::from_secs_f64((lasts.minutes() * 60.0).min(LONGEST.minutes() * 60.0));
        let days = lasts.as_secs() / 86_400 + 2;
        let started = |date: Date| {
            let hours = (0..24).filter(|hour| self.fits(1, *hour));
            hours.flat_map(|hour| (0..60).map(move |minute| (hour, minute))).any(|(hour, minute)| {
                let start =
                    self.fits(0, minute).then(|| date.at(hour, minute, 0, 0).to_zoned(at.time_zone().clone()).ok()).flatten();
                start.is_some_and(|start| {
                    let ago = at.duration_since(&start);
                    !ago.is_negative() && ago < lasts
                })
            })
        };
        (0..days).filter_map(|back| at.date().checked_sub(back.days()).ok()).any(|date| self.is_day(date) && started(date))
    }
}

/// The values of a field, as bits.
fn bits(word: &str, field: usize) -> Result<u64, String> {
    let (name, least, most) = FIELDS[field];
    let wrong = |why: String| format!("the field for the {name}, `{word}`, {why}");
    let value = |text: &str| {
        let lower = text.to_lowercase();
        let names: &[&str] = [&[][..], &[], &[], &MONTHS, &DAYS][field];
        let named = names.iter().position(|name| *name == lower).map(|at| at as u8 + least);
        let value = named.or_else(|| lower.parse().ok()).ok_or_else(|| wrong(format!("has `{text}`, which is no {name}")))?;
        if (least..=most).contains(&value) { Ok(value) } else { Err(wrong(format!("goes from {least} to {most}"))) }
    };
    let mut all = 0;
    for part in word.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)),
            None => (part, Some(1)),
        };
        let step: u8 = step.ok_or_else(|| wrong("has a step that is no whole number above 0".to_owned()))?;
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((from, to))) => (value(from)?, value(to)?),
            (one, None) => (value(one)?, if part.contains('/') { most } else { value(one)? }),
        };
        if from > to {
            return Err(wrong("runs backwards".to_owned()));
        }
        (from..=to).step_by(usize::from(step)).for_each(|value| all |= 1 << value);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().expect("a time")
    }

    #[test]
    fn a_weekend_is_frozen_in_its_own_time_zone() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        let weekend = |zone: &TimeZone| Freeze {
            window: Window::Again(
                Cron::parse("0 16 * * fri").expect("an expression"),
                Ticks(64 * 60 * Ticks::PER_MINUTE),
                zone.clone(),
            ),
            because: None,
            raises_to: Band::Orange,
        };
        for (time, holds) in [
            ("2026-03-06T15:59:00-05:00[America/New_York]", false),
            ("2026-03-06T16:00:00-05:00[America/New_York]", true),
            ("2026-03-06T22:30:00+01:00[Europe/Berlin]", true),
            ("2026-03-08T12:00:00-04:00[America/New_York]", true),
            // The clocks go forward inside this weekend: 64 hours end at nine.
            ("2026-03-09T08:59:00-04:00[America/New_York]", true),
            ("2026-03-09T09:00:00-04:00[America/New_York]", false),
        ] {
            assert_eq!(weekend(&zone).holds(&at(time)), holds, "{time}");
        }
    }

    #[test]
    fn expressions_are_those_of_crontab() {
        let date = |text: &str| text.parse::<Date>().expect("a date");
        for (text, day, fits) in [
            ("0 0 13 * 5", "2026-11-13", true),
            ("0 0 13 * 5", "2026-11-20", true),
            ("0 0 13 * 5", "2026-11-14", false),
            ("0 0 * dec *", "2026-12-24", true),
            ("0 0 */2 * *", "2026-12-02", false),
            ("0 0 20-31 12 *", "2026-12-31", true),
            ("0 0 * * 7", "2026-11-22", true),
            ("0 0 * * 0", "2026-11-22", true),
            ("0 0 * * 1-5", "2026-11-22", false),
        ] {
            assert_eq!(Cron::parse(text).expect(text).is_day(date(day)), fits, "{text} {day}");
        }
        for wrong in ["", "* * * *", "60 * * * *", "* * 0 * *", "* * * * fry", "5-1 * * * *", "*/0 * * * *", "* * * * * *"] {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
    }
}
