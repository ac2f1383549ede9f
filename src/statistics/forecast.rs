//! How good were forecasts of chances, now that it is known what happened?
//!
//! ```text
//! Brier  mean of (p − y)²                                   0 is best, 0.25 is what p = 1/2 gets
//! log    mean of −ln p where it happened, −ln(1 − p) else    0 is best, in nats
//! ```
//!
//! Both are proper: nobody gains by saying something else than what they believe. For the logarithm p is kept within
//! 0.001..=0.999, so that one bold mistake costs at most 6.9 nats and not everything. Forecasts of one incident are not
//! independent; such scores are compared incident by incident.
//!
//! Source: Brier 1950; Good 1952; model.md §5, V49.

/// Forecasts nearer to 0 or 1 count as this near in the logarithmic score.
const NEAREST: f64 = 1e-3;

/// A forecast, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The chance that was stated, 0..=1.
    pub chance: f64,
    /// Whether it happened.
    pub happened: bool,
}

/// The mean of the squared errors; `None` without forecasts. O(forecasts).
pub fn brier(forecasts: &[Forecast]) -> Option<f64> {
    let missed = |forecast: &Forecast| forecast.chance - f64::from(u8::from(forecast.happened));
    mean(forecasts, |forecast| missed(forecast) * missed(forecast))
}

/// The mean surprise in nats; `None` without forecasts. O(forecasts).
pub fn log_score(forecasts: &[Forecast]) -> Option<f64> {
    mean(forecasts, |forecast| {
        let chance = forecast.chance.clamp(NEAREST, 1.0 - NEAREST);
        if forecast.happened { -libm::log(chance) } else { -libm::log1p(-chance) }
    })
}

fn mean(forecasts: &[Forecast], penalty: impl Fn(&Forecast) -> f64) -> Option<f64> {
    (!forecasts.is_empty()).then(|| forecasts.iter().map(penalty).sum::<f64>() / forecasts.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    #[test]
    fn one_forecast() {
        let of = |chance, happened| [Forecast { chance, happened }];
        assert_eq!((brier(&of(1.0, true)), brier(&of(1.0, false)), brier(&of(0.5, true))), (Some(0.0), Some(1.0), Some(0.25)));
        // Certainty is paid for as if it had been 0.999.
        assert_eq!(log_score(&of(1.0, false)), log_score(&of(0.999, false)));
        assert_close(log_score(&of(0.0, true)).expect("one"), 1_000.0_f64.ln(), 1e-15);
        assert_close(log_score(&of(0.25, false)).expect("one"), (4.0_f64 / 3.0).ln(), 1e-15);
        assert_eq!((brier(&[]), log_score(&[])), (None, None));
    }

    #[test]
    fn the_truth_scores_best() {
        // Of 100 cases 30 happen: the mean of either score has its minimum at 0.3.
        for score in [brier, log_score] {
            let at = |percent: u32| {
                let forecasts: Vec<Forecast> =
                    (0..100).map(|case| Forecast { chance: f64::from(percent) / 100.0, happened: case < 30 }).collect();
                score(&forecasts).expect("some")
            };
            let best = (0..=100).min_by(|a, b| at(*a).total_cmp(&at(*b)));
            assert_eq!(best, Some(30));
        }
    }
}
