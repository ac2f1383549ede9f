//! Users over time: the mean rate of a journey shaped by its daily peak.
//!
//! The rate is constant between breakpoints and averages to `users_per_minute` over a usual day (model.md §1; product.md,
//! semantics 20). Without a point in time the flat mean is used.

use super::facts::{Journey, Peak};
use crate::units::Ticks;
use jiff::{SignedDuration, Zoned, civil};

/// Users per minute from the start of a simulation on.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Start of each piece; the first is 0.
    starts: Vec<Ticks>,
    /// Users per minute in the piece.
    rates: Vec<f64>,
    /// Users × minutes up to the start of the piece.
    sums: Vec<f64>,
}

impl Traffic {
    /// The traffic of a journey from `at` on, as far as `horizon`. Without `users_per_minute` there is none.
    ///
    /// # Errors
    /// When the time zone is unknown.
    pub fn new(journey: &Journey, at: Option<&Zoned>, horizon: Ticks) -> Result<Self, String> {
        let mean = journey.users_per_minute.unwrap_or(0.0);
        match (&journey.peak, at) {
            (Some(peak), Some(at)) => Self::with_peak(mean, peak, at, horizon),
            _ => Ok(Self::flat(mean)),
        }
    }

    /// The same rate for ever.
    pub fn flat(rate: f64) -> Self {
        Self { starts: vec![Ticks::ZERO], rates: vec![rate], sums: vec![0.0] }
    }

    fn with_peak(mean: f64, peak: &Peak, at: &Zoned, horizon: Ticks) -> Result<Self, String> {
        let zone = jiff::tz::TimeZone::get(&peak.timezone).map_err(|_| format!("unknown time zone `{}`", peak.timezone))?;
        let start = at.with_time_zone(zone.clone());
        let length = (peak.to_minute + 1_440 - peak.from_minute) % 1_440;
        let length = if length == 0 { 1_440 } else { length };
        let peak_share = f64::from(length) / 1_440.0;
        let base = mean / (1.0 + (peak.factor - 1.0) * peak_share);
        // Edges of the peaks around the simulated time, on the local clock; a day with a change of clocks keeps its edges.
        let mut edges: Vec<(i64, f64)> = Vec::new();
        let days = horizon.0 / (1_440 * Ticks::PER_MINUTE) + 3;
        let mut day = start.date().yesterday().map_err(|error| error.to_string())?;
        for _ in 0..days {
            for (minute, rate) in [(peak.from_minute, base * peak.factor), (peak.from_minute + length, base)] {
                let date = if minute >= 1_440 { day.tomorrow() } else { Ok(day) }.map_err(|error| error.to_string())?;
                let minute = minute % 1_440;
                let time = civil::time((minute / 60) as i8, (minute % 60) as i8, 0, 0);
                let edge = date.to_datetime(time).to_zoned(zone.clone()).map_err(|error| error.to_string())?;
                let offset: SignedDuration = edge.duration_since(&start);
                edges.push((offset.as_micros() as i64, rate));
            }
            day = day.tomorrow().map_err(|error| error.to_string())?;
        }
        edges.sort_by_key(|(offset, _)| *offset);
        let before = edges.iter().rev().find(|(offset, _)| *offset <= 0).map_or(base, |(_, rate)| *rate);
        let mut traffic = Self::flat(before);
        for (offset, rate) in edges.into_iter().filter(|(offset, _)| *offset > 0) {
            traffic.then(Ticks(offset as u64), rate);
        }
        Ok(traffic)
    }

    /// All of several journeys together, as a share of the highest rate that they come to; 1 for ever where they are flat or have
    /// no users.
    pub fn share_of_peak(all: &[Self]) -> Self {
        let mut starts: Vec<Ticks> = all.iter().flat_map(|one| one.starts.iter().copied()).collect();
        starts.sort_unstable();
        starts.dedup();
        let rates: Vec<f64> = starts.iter().map(|start| all.iter().map(|one| one.rate_at(*start)).sum()).collect();
        let most = rates.iter().copied().fold(0.0, f64::max);
        if most <= 0.0 {
            return Self::flat(1.0);
        }
        let mut share = Self::flat(rates[0] / most);
        for (start, rate) in starts.into_iter().zip(rates).skip(1) {
            share.then(start, rate / most);
        }
        share
    }

    /// Adds a piece behind all others.
    fn then(&mut self, at: Ticks, rate: f64) {
        let last = self.starts.len() - 1;
        self.sums.push(self.sums[last] + self.rates[last] * at.saturating_sub(self.starts[last]).minutes());
        self.starts.push(at);
        self.rates.push(rate);
    }

    /// When the rate changes next after a time.
    pub fn next_change(&self, after: Ticks) -> Option<Ticks> {
        self.starts.get(self.starts.partition_point(|start| *start <= after)).copied()
    }

    /// Users × minutes between two times.
    pub fn user_minutes(&self, from: Ticks, to: Ticks) -> f64 {
        if self.starts.len() == 1 {
            return self.rates[0] * to.saturating_sub(from).minutes();
        }
        self.until(to) - self.until(from)
    }

    fn until(&self, time: Ticks) -> f64 {
        let piece = self.starts.partition_point(|start| *start <= time) - 1;
        self.sums[piece] + self.rates[piece] * time.saturating_sub(self.starts[piece]).minutes()
    }

    /// The highest rate.
    pub fn peak_rate(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max)
    }

    /// The rate at a time.
    pub fn rate_at(&self, time: Ticks) -> f64 {
        self.rates[self.starts.partition_point(|start| *start <= time) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journey(from: u32, to: u32) -> Journey {
        Journey {
            users_per_minute: Some(1_000.0),
            peak: Some(Peak { factor: 2.5, from_minute: from, to_minute: to, timezone: "America/New_York".to_owned() }),
            ..Journey::default()
        }
    }

    fn minutes(minutes: u64) -> Ticks {
        Ticks(minutes * Ticks::PER_MINUTE)
    }

    #[test]
    fn a_usual_day_has_the_mean() {
        let at: Zoned = "2026-07-01T14:00:00[America/New_York]".parse().expect("time");
        for (from, to) in [(720, 1_200), (1_320, 120)] {
            let traffic = Traffic::new(&journey(from, to), Some(&at), Ticks::from_days(3)).expect("traffic");
            let day = traffic.user_minutes(Ticks::ZERO, Ticks::from_days(1));
            assert!((day / 1_440.0 - 1_000.0).abs() < 1e-9, "{day}");
        }
    }

    #[test]
    fn the_peak_is_on_the_local_clock() {
        let at: Zoned = "2026-03-05T14:00:00-05:00[America/New_York]".parse().expect("time");
        let traffic = Traffic::new(&journey(720, 1_200), Some(&at), Ticks::from_days(3)).expect("traffic");
        let base = 1_000.0 / 1.5;
        assert!((traffic.user_minutes(Ticks::ZERO, minutes(60)) - base * 2.5 * 60.0).abs() < 1e-6);
        // 14:00 + 6 h is the end of the peak.
        assert!((traffic.user_minutes(minutes(360), minutes(420)) - base * 60.0).abs() < 1e-6);
        // The clocks change in the night of 8 March: the peak of that day begins an hour earlier in elapsed time.
        let elapsed = minutes((2 * 24 + 22) * 60 - 60);
        assert!((traffic.rate_at(elapsed) - base * 2.5).abs() < 1e-9);
        assert!((traffic.rate_at(Ticks(elapsed.0 - 1)) - base).abs() < 1e-9);
    }

    #[test]
    fn the_share_of_the_peak_is_that_of_all_together() {
        let at: Zoned = "2026-07-01T10:00:00[America/New_York]".parse().expect("time");
        let peaked = Traffic::new(&journey(720, 1_200), Some(&at), Ticks::from_days(3)).expect("traffic");
        // 1,000 a minute on average: 667 and, from noon to eight, 1,667; with 500 beside it 1,167 of 2,167.
        let share = Traffic::share_of_peak(&[peaked, Traffic::flat(500.0)]);
        let base = 1_000.0 / 1.5;
        assert!((share.rate_at(minutes(30)) - (base + 500.0) / (base * 2.5 + 500.0)).abs() < 1e-12);
        assert_eq!(share.next_change(Ticks::ZERO), Some(minutes(120)));
        assert_eq!((share.rate_at(minutes(120)), share.next_change(minutes(120))), (1.0, Some(minutes(600))));
        for flat in [
            Traffic::share_of_peak(&[]),
            Traffic::share_of_peak(&[Traffic::flat(0.0)]),
            Traffic::share_of_peak(&[Traffic::flat(7.0)]),
        ] {
            assert_eq!((flat.rate_at(minutes(9)), flat.next_change(Ticks::ZERO)), (1.0, None));
        }
    }

    #[test]
    fn without_a_time_the_mean_is_flat() {
        let traffic = Traffic::new(&journey(720, 1_200), None, Ticks::from_days(3)).expect("traffic");
        assert!((traffic.user_minutes(minutes(5), minutes(15)) - 10_000.0).abs() < 1e-9);
    }
}
