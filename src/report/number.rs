//! The only formatter of numbers for people: pages, comments and drawings cannot disagree.
//!
//! A point is printed with no digit finer than the first digit of its half-width, so 0.5903 ± 0.004 reads `59.0 %`. Ends of an
//! interval are rounded outwards. A value whose interval is a point is known and printed as it is, to six digits. An event
//! that was never seen prints the upper end of its interval (`< 0.03 %`), never zero. All times of one line share a unit.

use crate::propagation::result::Quantile;
use crate::statistics::{Estimate, Interval};

/// Digits kept for values that are known exactly.
const EXACT_DIGITS: i32 = 6;
/// Digits kept where no interval limits them, as for quantiles.
const PLAIN_DIGITS: i32 = 2;
/// Below this relative slack a value counts as lying on the grid it is rounded to: 0.29 × 100 is 28.999….
const SLACK: f64 = 1e-9;
/// No quantity of a simulation is as large.
const BEYOND: f64 = 1e200;
/// What is said instead of an order between two values that the sampling error does not tell apart.
pub const TOO_CLOSE: &str = "too close to call";

/// A number rounded to a power of ten, with thousands separated by commas. `place` 0 is units, −1 tenths, 3 thousands.
fn at_place(value: f64, place: i32, round: fn(f64) -> f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    // Dividing by a positive power is exact where multiplying by a negative one is not.
    let units = if place < 0 { value * 10_f64.powi(-place) } else { value / 10_f64.powi(place) };
    let rounded = round(units) * if place > 0 { 10_f64.powi(place) } else { 1.0 };
    let decimals = usize::try_from(-place).unwrap_or(0);
    let shown = if place < 0 { rounded / 10_f64.powi(-place) } else { rounded };
    separated(&format!("{:.decimals$}", shown + 0.0))
}

fn separated(digits: &str) -> String {
    let (sign, rest) = digits.strip_prefix('-').map_or(("", digits), |rest| ("−", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    let nothing = rest.chars().all(|c| !('1'..='9').contains(&c));
    format!("{}{out}", if nothing { "" } else { sign })
}

fn magnitude(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() { 0 } else { value.abs().log10().floor() as i32 }
}

fn nearest(value: f64) -> f64 {
    value.round()
}

fn down(value: f64) -> f64 {
    (value + SLACK * value.abs().max(1.0)).floor()
}

fn up(value: f64) -> f64 {
    (value - SLACK * value.abs().max(1.0)).ceil()
}

/// The place of the first digit of the half-width.
fn place_of(interval: Interval) -> i32 {
    magnitude((interval.high - interval.low) / 2.0 * (1.0 + SLACK))
}

/// Whether nothing is known of a mean. A conversion of units may have scaled [`Interval::UNKNOWN`], so any such size counts.
pub(crate) fn is_unknown(interval: Interval) -> bool {
    interval.is_unknown() || !interval.low.is_finite() || !interval.high.is_finite() || interval.high > BEYOND
}

fn is_point(interval: Interval) -> bool {
    interval.low == interval.high
}

fn exact(value: f64) -> String {
    let text = at_place(value, magnitude(value) - EXACT_DIGITS + 1, nearest);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A value without an interval: two digits, whole numbers in full up to 100.
fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let place = if value.abs() >= 100.0 { magnitude(value) - PLAIN_DIGITS } else { (magnitude(value) - PLAIN_DIGITS + 1).min(0) };
    at_place(value, place, nearest)
}

/// A plain count, such as a number of trials.
pub fn whole(count: u64) -> String {
    separated(&count.to_string())
}

/// A point of an estimate and the text of its interval, if it has one to show.
fn parts(estimate: Estimate, scale: f64, coarsest: i32) -> (String, Option<String>) {
    let Estimate { mean, interval } = estimate;
    if is_unknown(interval) {
        return (plain(mean / scale), Some("interval unknown".to_owned()));
    }
    if is_point(interval) {
        return (exact(mean / scale), None);
    }
    let scaled = Interval { low: interval.low / scale, high: interval.high / scale };
    let place = place_of(scaled).min(coarsest);
    let ends = format!("{} … {}", at_place(scaled.low, place, down), at_place(scaled.high, place, up));
    (at_place(mean / scale, place, nearest), Some(ends))
}

/// A mean count with its interval: `3.85 (3.84 … 3.86)`.
pub fn count(estimate: Estimate) -> String {
    match parts(estimate, 1.0, i32::MAX) {
        (point, Some(ends)) => format!("{point} ({ends})"),
        (point, None) => point,
    }
}

/// A score with its interval. It has bands, so it is never rounded to tens, which may lie in another.
pub fn score(estimate: Estimate) -> String {
    match parts(estimate, 1.0, 0) {
        (point, Some(ends)) => format!("{point} ({ends})"),
        (point, None) => point,
    }
}

/// The point of [`score`] alone.
pub fn score_point(estimate: Estimate) -> String {
    parts(estimate, 1.0, 0).0
}

/// The point of [`count`] alone.
pub fn count_point(estimate: Estimate) -> String {
    parts(estimate, 1.0, i32::MAX).0
}

/// A count without an interval, such as a quantile of user-minutes.
pub fn count_plain(value: f64) -> String {
    plain(value)
}

/// A share with its interval: `59.0 % (58.6 … 59.4 %)`, `< 0.03 %`, `0 %` where it is certain.
pub fn share(estimate: Estimate) -> String {
    if let Some(bound) = one_sided(estimate) {
        return bound;
    }
    match parts(estimate, 0.01, 0) {
        (point, Some(ends)) if ends.contains('…') => format!("{point} % ({ends} %)"),
        (point, Some(ends)) => format!("{point} % ({ends})"),
        (point, None) => format!("{point} %"),
    }
}

/// The point of [`share`] alone, for tables.
pub fn share_point(estimate: Estimate) -> String {
    one_sided(estimate).unwrap_or_else(|| format!("{} %", parts(estimate, 0.01, 0).0))
}

/// A share without an interval, such as a stated coverage.
pub fn share_plain(value: f64) -> String {
    format!("{} %", if value == 0.0 || value == 1.0 { exact(value * 100.0) } else { plain(value * 100.0) })
}

/// Never or always seen among the trials: only a bound is known.
fn one_sided(estimate: Estimate) -> Option<String> {
    let Estimate { mean, interval } = estimate;
    if is_point(interval) || is_unknown(interval) {
        return None;
    }
    let bound = |rest: f64| magnitude(rest * 100.0);
    if mean <= 0.0 && interval.high < 1.0 {
        return Some(format!("< {} %", at_place(interval.high * 100.0, bound(interval.high), up)));
    }
    if mean >= 1.0 && interval.low > 0.0 && interval.high <= 1.0 {
        return Some(format!("> {} %", at_place(interval.low * 100.0, bound(1.0 - interval.low).min(0), down)));
    }
    None
}

/// A unit of time for one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

impl TimeUnit {
    const ALL: [Self; 4] = [Self::Seconds, Self::Minutes, Self::Hours, Self::Days];

    /// Minutes in one of it.
    pub(super) fn minutes(self) -> f64 {
        match self {
            Self::Seconds => 1.0 / 60.0,
            Self::Minutes => 1.0,
            Self::Hours => 60.0,
            Self::Days => 1_440.0,
        }
    }

    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Minutes => "min",
            Self::Hours => "h",
            Self::Days => "d",
        }
    }

    /// The unit for all times of one line: that of the smallest one that is not zero, coarser where the largest would have
    /// more than three digits.
    pub fn for_line(minutes: &[f64]) -> Self {
        let seen = || minutes.iter().copied().filter(|value| *value > 0.0 && value.is_finite());
        let Some(smallest) = seen().reduce(f64::min) else { return Self::Minutes };
        let largest = seen().fold(smallest, f64::max);
        let natural = match smallest {
            value if value < 1.0 => Self::Seconds,
            value if value < 90.0 => Self::Minutes,
            value if value < 5_760.0 => Self::Hours,
            _ => Self::Days,
        };
        let fits = |unit: &Self| largest / unit.minutes() < 1_000.0;
        Self::ALL.into_iter().skip_while(|unit| *unit != natural).find(fits).unwrap_or(Self::Days)
    }
}

/// One time: `45 min`, `6.0 h`, `13 h`.
pub fn duration(minutes: f64) -> String {
    duration_in(minutes, TimeUnit::for_line(&[minutes]))
}

/// A time in the unit of its line.
pub fn duration_in(minutes: f64, unit: TimeUnit) -> String {
    let value = minutes / unit.minutes();
    let text = if minutes == 0.0 { "0".to_owned() } else { plain(value) };
    format!("{text} {}", unit.symbol())
}

/// A quantile of time with its interval, digits no finer than it, in the unit of its line.
pub fn quantile_in(Quantile { value: minutes, interval }: Quantile, unit: TimeUnit) -> String {
    if is_unknown(interval) || is_point(interval) {
        return duration_in(minutes, unit);
    }
    let scaled = Interval { low: interval.low / unit.minutes(), high: interval.high / unit.minutes() };
    let value = minutes / unit.minutes();
    let place = place_of(scaled).max((magnitude(value) - PLAIN_DIGITS + 1).min(0)).min(0);
    format!("{} {}", at_place(value, place, nearest), unit.symbol())
}

/// A mean time with its interval in one unit: `31.2 min (30.9 … 31.5 min)`.
pub fn duration_estimate(estimate: Estimate) -> String {
    let unit = TimeUnit::for_line(&[estimate.mean]);
    match parts(estimate, unit.minutes(), 0) {
        (point, Some(ends)) if ends.contains('…') => format!("{point} {0} ({ends} {0})", unit.symbol()),
        (point, Some(ends)) => format!("{point} {} ({ends})", unit.symbol()),
        (point, None) => format!("{point} {}", unit.symbol()),
    }
}

/// The point of [`duration_estimate`] alone.
pub fn duration_point(estimate: Estimate) -> String {
    let unit = TimeUnit::for_line(&[estimate.mean]);
    format!("{} {}", parts(estimate, unit.minutes(), 0).0, unit.symbol())
}

/// Expected use of an error budget: a share, as a multiple from ten budgets on.
pub fn budget(estimate: Estimate) -> String {
    if estimate.mean < 10.0 {
        return match parts(estimate, 0.01, i32::MAX) {
            (point, Some(ends)) if ends.contains('…') => format!("{point} % ({ends} %)"),
            (point, _) => format!("{point} %"),
        };
    }
    format!("{} ×", count(estimate))
}

/// A difference of two shares, in percentage points.
pub fn share_difference(estimate: Estimate) -> String {
    signed(estimate, &with_unit(parts(estimate, 0.01, i32::MAX), "points"))
}

/// A difference of two times in minutes, in the unit of the line.
pub fn duration_difference(estimate: Estimate, unit: TimeUnit) -> String {
    signed(estimate, &with_unit(parts(estimate, unit.minutes(), 0), unit.symbol()))
}

fn with_unit((point, ends): (String, Option<String>), unit: &str) -> String {
    match ends {
        Some(ends) => format!("{point} {unit} ({ends})"),
        None => format!("{point} {unit}"),
    }
}

/// A difference of two scores. What changes P(fault) alone has no sampling error, and no more digits than P(fault).
pub fn score_difference(estimate: Estimate) -> String {
    match estimate.mean {
        mean if !is_point(estimate.interval) || mean == 0.0 => difference(estimate),
        mean if mean > 0.0 => format!("+{}", plain(mean)),
        mean => plain(mean),
    }
}

/// A difference: its sign and interval, or that it is too close to call.
pub fn difference(estimate: Estimate) -> String {
    signed(estimate, &count(estimate))
}

fn signed(estimate: Estimate, text: &str) -> String {
    let Estimate { mean, interval } = estimate;
    if !is_point(interval) && interval.contains(0.0) {
        return match text.split_once(" (") {
            Some((_, ends)) => format!("{TOO_CLOSE} ({ends}"),
            None => TOO_CLOSE.to_owned(),
        };
    }
    if mean > 0.0 { format!("+{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(mean: f64, low: f64, high: f64) -> Estimate {
        Estimate { mean, interval: Interval { low, high } }
    }

    #[test]
    fn scores_are_not_rounded_into_another_band() {
        let wide = estimate(16.4, 1.0, 22.0);
        assert_eq!((count_point(wide).as_str(), score_point(wide).as_str()), ("20", "16"));
        assert_eq!(score(estimate(62.2, 61.7, 62.7)), "62.2 (61.7 … 62.7)");
    }

    #[test]
    fn counts_show_no_digit_finer_than_the_interval() {
        for (mean, low, high, text) in [
            (3.8512, 3.84, 3.86, "3.85 (3.84 … 3.86)"),
            (3.8512, 3.2, 4.5, "3.9 (3.2 … 4.5)"),
            (312_345.0, 310_345.0, 314_345.0, "312,000 (310,000 … 315,000)"),
            (0.0, 0.0, 0.0, "0"),
            (2.5, 2.5, 2.5, "2.5"),
            (1_234_567.0, 1_234_567.0, 1_234_567.0, "1,234,570"),
            (0.29, 0.29 - 0.01, 0.29 + 0.01, "0.29 (0.28 … 0.30)"),
            (-21.13, -21.9, -20.3, "−21.1 (−21.9 … −20.3)"),
        ] {
            assert_eq!(count(estimate(mean, low, high)), text);
        }
        assert_eq!(count(Estimate { mean: 3.7, interval: Interval::UNKNOWN }), "3.7 (interval unknown)");
        assert_eq!(whole(65_536), "65,536");
        assert_eq!(whole(999), "999");
    }

    #[test]
    fn shares_are_bounded_where_nothing_was_seen() {
        for (mean, low, high, text) in [
            (0.5903, 0.586, 0.594, "59.0 % (58.6 … 59.4 %)"),
            (0.061, 0.02, 0.13, "6 % (2 … 13 %)"),
            (0.0, 0.0, 0.000_225, "< 0.03 %"),
            (0.0, 0.0, 0.0, "0 %"),
            (1.0, 1.0, 1.0, "100 %"),
            (1.0, 0.999_775, 1.0, "> 99.97 %"),
            (0.59375, 0.59375, 0.59375, "59.375 %"),
            (0.0, 0.0, 1.0, "0 % (0 … 100 %)"),
            (0.5, 0.3, 0.7, "50 % (30 … 70 %)"),
        ] {
            assert_eq!(share(estimate(mean, low, high)), text);
        }
        assert_eq!(share_point(estimate(0.5903, 0.586, 0.594)), "59.0 %");
        assert_eq!(share_plain(0.9), "90 %");
        assert_eq!(share_plain(1.0), "100 %");
        assert_eq!(share_plain(0.0123), "1.2 %");
    }

    #[test]
    fn durations_are_for_people() {
        for (minutes, text) in [
            (0.0, "0 min"),
            (0.5, "30 s"),
            (1.0, "1.0 min"),
            (45.0, "45 min"),
            (89.0, "89 min"),
            (360.0, "6.0 h"),
            (780.0, "13 h"),
            (4_320.0, "72 h"),
            (43_200.0, "30 d"),
        ] {
            assert_eq!(duration(minutes), text);
        }
        assert_eq!(duration_estimate(estimate(31.2, 30.9, 31.5)), "31.2 min (30.9 … 31.5 min)");
    }

    #[test]
    fn a_line_has_one_unit() {
        let line = [12.0, 130.0];
        let unit = TimeUnit::for_line(&line);
        assert_eq!(line.map(|value| duration_in(value, unit)), ["12 min", "130 min"]);
        let unit = TimeUnit::for_line(&[12.0, 4_000.0]);
        assert_eq!(duration_in(4_000.0, unit), "67 h");
        let shown = |value, low, high, unit| quantile_in(Quantile { value, interval: Interval { low, high } }, unit);
        assert_eq!(shown(130.2, 128.0, 133.0, TimeUnit::Minutes), "130 min");
        assert_eq!(shown(12.34, 12.3, 12.4, TimeUnit::Minutes), "12 min");
        assert_eq!(shown(74.0, 72.0, 78.0, TimeUnit::Hours), "1.2 h");
    }

    #[test]
    fn differences_say_when_they_are_none() {
        assert_eq!(difference(estimate(-21.13, -21.9, -20.3)), "−21.1 (−21.9 … −20.3)");
        assert_eq!(difference(estimate(2.0, 1.5, 2.5)), "+2.0 (1.5 … 2.5)");
        assert_eq!(difference(estimate(0.1, -0.3, 0.4)), "too close to call (−0.3 … 0.4)");
        assert_eq!(difference(estimate(0.0, 0.0, 0.0)), "0");
        assert_eq!(share_difference(estimate(-0.131, -0.133, -0.128)), "−13.1 points (−13.3 … −12.8)");
        assert_eq!(share_difference(estimate(0.0, -0.001, 0.002)), "too close to call (−0.1 … 0.2)");
        assert_eq!(duration_difference(estimate(30.0, 24.0, 36.0), TimeUnit::Minutes), "+30 min (24 … 36)");
    }

    #[test]
    fn budgets_are_shares_until_they_are_multiples() {
        assert_eq!(budget(estimate(0.34, 0.33, 0.35)), "34 % (33 … 35 %)");
        assert_eq!(budget(estimate(12.3, 12.1, 12.5)), "12.3 (12.1 … 12.5) ×");
    }
}
