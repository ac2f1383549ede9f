//! A circuit breaker: a window of the last calls, open from a failing share on, half open after a while (model.md §2.3).
//!
//! The automaton counts single calls. The timeline, where calls are a flow, uses the mean of it, [`calls_to_open`]: the window
//! fills with failures at the failing share. Defaults stand in `model::crossing`.
//! What must hold: a breaker never lowers how much fails, it only fails faster and calls less; below its threshold it is blind.

use crate::model::crossing::BreakerRule;
use crate::units::Ticks;
use std::collections::VecDeque;

/// Calls that it lets through to find out whether the provider is back.
pub const PROBES: u32 = 10;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// Lets all calls through.
    Closed,
    /// Fails all calls at once until this time.
    Open {
        /// When it becomes half open.
        until: Ticks,
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
    rule: BreakerRule,
    state: State,
    /// Outcomes of the last calls, true for failed.
    window: VecDeque<bool>,
    failed: u32,
}

impl Breaker {
    /// A closed breaker; `prefilled` with successes it has seen a whole window of them, otherwise nothing yet.
    pub fn new(rule: BreakerRule, prefilled: bool) -> Self {
        let window = if prefilled { rule.window as usize } else { 0 };
        Self { rule, state: State::Closed, window: std::iter::repeat_n(false, window).collect(), failed: 0 }
    }

    /// The state after time has passed.
    pub fn state(&mut self, now: Ticks) -> State {
        if let State::Open { until } = self.state
            && now >= until
        {
            self.state = State::HalfOpen { answered: 0, failed: 0 };
        }
        self.state
    }

    /// May a call go through now?
    pub fn allows(&mut self, now: Ticks) -> bool {
        !matches!(self.state(now), State::Open { .. })
    }

    /// Tells it how a call that went through ended. It does not judge before the window is full.
    pub fn record(&mut self, now: Ticks, failed: bool) {
        match self.state(now) {
            State::Open { .. } => {}
            State::HalfOpen { answered, failed: before } => {
                let (answered, failed) = (answered + 1, before + u32::from(failed));
                let probes = PROBES.min(self.rule.window);
                if answered < probes {
                    self.state = State::HalfOpen { answered, failed };
                } else if f64::from(failed) >= self.rule.open_at * f64::from(probes) {
                    self.open(now);
                } else {
                    self.state = State::Closed;
                    (self.failed, self.window) = (0, VecDeque::new());
                }
            }
            State::Closed => {
                self.window.push_back(failed);
                self.failed += u32::from(failed);
                if self.window.len() > self.rule.window as usize && self.window.pop_front() == Some(true) {
                    self.failed -= 1;
                }
                let full = self.window.len() >= self.rule.window as usize;
                if full && f64::from(self.failed) >= self.rule.open_at * f64::from(self.rule.window) {
                    self.open(now);
                }
            }
        }
    }

    fn open(&mut self, now: Ticks) {
        self.state = State::Open { until: now.saturating_add(self.rule.open_for) };
        (self.failed, self.window) = (0, VecDeque::new());
    }
}

/// Calls until a breaker whose window holds successes opens under a steady failing share, in the mean: `⌈open_at · window / s⌉`;
/// `None` below its threshold, where it is blind.
pub fn calls_to_open(rule: BreakerRule, failing: f64) -> Option<f64> {
    if failing < rule.open_at || failing <= 0.0 {
        return None;
    }
    Some((rule.open_at * f64::from(rule.window) / failing).ceil().max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::crossing::BREAKER;
    use crate::statistics::binomial::tail_at_least;

    fn seconds(seconds: f64) -> Ticks {
        Ticks::from_minutes(seconds / 60.0)
    }

    #[test]
    fn v47_opens_after_a_second_of_failures() {
        let mut breaker = Breaker::new(BREAKER, true);
        let calls = (1..100).map(f64::from).find(|call| {
            let now = seconds(call / 50.0);
            breaker.record(now, true);
            !breaker.allows(now)
        });
        assert_eq!(calls, Some(50.0));
        assert_eq!(calls_to_open(BREAKER, 1.0), Some(50.0));
        assert_eq!(calls_to_open(BREAKER, 0.5), Some(100.0));
    }

    #[test]
    fn it_is_blind_below_its_threshold() {
        // A steady 40 % opens it in one given window of 100 calls with probability 0.027 only.
        assert!((tail_at_least(50, 100, 0.4) - 0.027).abs() < 5e-4);
        assert_eq!(calls_to_open(BREAKER, 0.49), None);
        let mut breaker = Breaker::new(BREAKER, true);
        // 40 of each 100, evenly: never opens.
        (0..10_000).for_each(|call| breaker.record(seconds(f64::from(call)), call % 5 < 2));
        assert_eq!(breaker.state(seconds(10_000.0)), State::Closed);
    }

    #[test]
    fn probes_decide_whether_it_closes() {
        let mut breaker = Breaker::new(BreakerRule { window: 10, ..BREAKER }, false);
        (0..9).for_each(|_| breaker.record(Ticks::ZERO, true));
        assert!(breaker.allows(Ticks::ZERO), "the window is not full");
        breaker.record(Ticks::ZERO, true);
        assert_eq!(breaker.state(seconds(59.9)), State::Open { until: seconds(60.0) });
        assert!(breaker.allows(seconds(60.0)));
        (0..10).for_each(|_| breaker.record(seconds(60.0), true));
        assert_eq!(breaker.state(seconds(61.0)), State::Open { until: seconds(120.0) });
        (0..10).for_each(|probe| breaker.record(seconds(121.0), probe < 4));
        assert_eq!(breaker.state(seconds(122.0)), State::Closed);
    }

    #[test]
    fn the_flow_is_the_mean_of_the_automaton() {
        // Three of four calls fail.
        let rule = BreakerRule { window: 60, ..BREAKER };
        let mut breaker = Breaker::new(rule, true);
        let calls = (1..1_000).find(|call| {
            breaker.record(Ticks::ZERO, call % 4 != 0);
            !breaker.allows(Ticks::ZERO)
        });
        let mean = calls_to_open(rule, 0.75).expect("above the threshold");
        assert!(calls.is_some_and(|calls| (f64::from(calls) - mean).abs() <= 1.0), "{calls:?} {mean}");
    }
}
