//! A circuit breaker: a window of the last calls, open from a failing share on, half open after a while (model.md §2.3).
//!
//! The automaton counts single calls. The timeline, where calls are a flow, uses the mean of it, [`calls_to_open`]: the window
//! fills with failures at the failing share. Defaults are those of Resilience4j except the open time, which the model page sets.
//! What must hold: a breaker never lowers how much fails, it only fails faster and calls less; below its threshold it is blind.

use std::collections::VecDeque;

/// Calls in the window, where not stated.
pub const WINDOW: u32 = 100;
/// Failing share that opens it, where not stated.
pub const OPEN_AT: f64 = 0.5;
/// Seconds it stays open, where not stated.
pub const OPEN_SECONDS: u64 = 60;
/// Calls that it lets through to find out whether the provider is back.
pub const PROBES: u32 = 10;

/// How a breaker is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Calls in the window, at least 1.
    pub window: u32,
    /// Failing share that opens it.
    pub open_at: f64,
    /// How long it stays open, in seconds.
    pub open_for: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window: WINDOW, open_at: OPEN_AT, open_for: OPEN_SECONDS as f64 }
    }
}

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// Lets all calls through.
    Closed,
    /// Fails all calls at once until this time, in seconds.
    Open {
        /// When it becomes half open.
        until: f64,
    },
    /// Lets probes through and counts them.
    HalfOpen {
        /// Probes answered.
        answered: u32,
        /// Of these, failed.
        failed: u32,
    },
}

/// The automaton. Time is handed in and never goes back.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: Settings,
    state: State,
    /// Outcomes of the last calls, true for failed.
    window: VecDeque<bool>,
    failed: u32,
}

impl Breaker {
    /// A closed breaker; `prefilled` with successes it has seen a whole window of them, otherwise nothing yet.
    pub fn new(settings: Settings, prefilled: bool) -> Self {
        let window = if prefilled { settings.window as usize } else { 0 };
        Self { settings, state: State::Closed, window: std::iter::repeat_n(false, window).collect(), failed: 0 }
    }

    /// The state after time has passed.
    pub fn state(&mut self, now: f64) -> State {
        if let State::Open { until } = self.state
            && now >= until
        {
            self.state = State::HalfOpen { answered: 0, failed: 0 };
        }
        self.state
    }

    /// May a call go through now?
    pub fn allows(&mut self, now: f64) -> bool {
        !matches!(self.state(now), State::Open { .. })
    }

    /// Tells it how a call that went through ended. It does not judge before the window is full.
    pub fn record(&mut self, now: f64, failed: bool) {
        match self.state(now) {
            State::Open { .. } => {}
            State::HalfOpen { answered, failed: before } => {
                let (answered, failed) = (answered + 1, before + u32::from(failed));
                let probes = PROBES.min(self.settings.window);
                if answered < probes {
                    self.state = State::HalfOpen { answered, failed };
                } else if f64::from(failed) >= self.settings.open_at * f64::from(probes) {
                    self.open(now);
                } else {
                    self.state = State::Closed;
                    (self.failed, self.window) = (0, VecDeque::new());
                }
            }
            State::Closed => {
                self.window.push_back(failed);
                self.failed += u32::from(failed);
                if self.window.len() > self.settings.window as usize && self.window.pop_front() == Some(true) {
                    self.failed -= 1;
                }
                let full = self.window.len() >= self.settings.window as usize;
                if full && f64::from(self.failed) >= self.settings.open_at * f64::from(self.settings.window) {
                    self.open(now);
                }
            }
        }
    }

    fn open(&mut self, now: f64) {
        self.state = State::Open { until: now + self.settings.open_for };
        (self.failed, self.window) = (0, VecDeque::new());
    }
}

/// Calls until a breaker whose window holds successes opens under a steady failing share, in the mean: `⌈open_at · window / s⌉`;
/// `None` below its threshold, where it is blind.
pub fn calls_to_open(settings: Settings, failing: f64) -> Option<f64> {
    if failing < settings.open_at || failing <= 0.0 {
        return None;
    }
    Some((settings.open_at * f64::from(settings.window) / failing).ceil().max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::binomial::tail_at_least;

    #[test]
    fn v47_opens_after_a_second_of_failures() {
        let mut breaker = Breaker::new(Settings::default(), true);
        let calls = (1..).find(|call| {
            breaker.record(f64::from(*call) / 50.0, true);
            !breaker.allows(f64::from(*call) / 50.0)
        });
        assert_eq!(calls.map(|calls| f64::from(calls) / 50.0), Some(1.0));
        assert_eq!(calls_to_open(Settings::default(), 1.0), Some(50.0));
        assert_eq!(calls_to_open(Settings::default(), 0.5), Some(100.0));
    }

    #[test]
    fn it_is_blind_below_its_threshold() {
        // A steady 40 % opens it in one given window of 100 calls with probability 0.027 only.
        assert!((tail_at_least(50, 100, 0.4) - 0.027).abs() < 5e-4);
        assert_eq!(calls_to_open(Settings::default(), 0.49), None);
        let mut breaker = Breaker::new(Settings::default(), true);
        // 40 of each 100, evenly: never opens.
        (0..10_000).for_each(|call| breaker.record(f64::from(call), call % 5 < 2));
        assert_eq!(breaker.state(10_000.0), State::Closed);
    }

    #[test]
    fn probes_decide_whether_it_closes() {
        let mut breaker = Breaker::new(Settings { window: 10, open_at: 0.5, open_for: 60.0 }, false);
        (0..9).for_each(|_| breaker.record(0.0, true));
        assert!(breaker.allows(0.0), "the window is not full");
        breaker.record(0.0, true);
        assert_eq!(breaker.state(59.9), State::Open { until: 60.0 });
        assert!(breaker.allows(60.0));
        (0..10).for_each(|_| breaker.record(60.0, true));
        assert_eq!(breaker.state(61.0), State::Open { until: 120.0 });
        (0..10).for_each(|probe| breaker.record(121.0, probe < 4));
        assert_eq!(breaker.state(122.0), State::Closed);
    }

    #[test]
    fn the_flow_is_the_mean_of_the_automaton() {
        // Every third of four calls fails: 75 %.
        let settings = Settings { window: 60, open_at: 0.5, open_for: 60.0 };
        let mut breaker = Breaker::new(settings, true);
        let calls = (1..1_000).find(|call| {
            breaker.record(0.0, call % 4 != 0);
            !breaker.allows(0.0)
        });
        let mean = calls_to_open(settings, 0.75).expect("above the threshold");
        assert!(calls.is_some_and(|calls| (f64::from(calls) - mean).abs() <= 1.0), "{calls:?} {mean}");
    }
}
