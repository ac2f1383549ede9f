//! Things that fill up and run empty: connection pools, queues, caches (model.md §2.3).
//!
//! Fluid rules: rates are constant, queues have no randomness. Units are whatever the caller uses, as long as they fit each
//! other. Every function is pure and O(1).

/// Connections that calls hold at the same time, by Little's law: `rate · min(W, timeout) · attempts`. Times in seconds, `rate`
/// per second, `attempts` tries per call (see [`super::load::attempts`]).
pub fn connections_in_use(rate: f64, wait: f64, timeout: f64, attempts: f64) -> f64 {
    rate * wait.min(timeout) * attempts
}

/// Does a pool run out? Then whoever needs it waits until the timeout, so the threshold is sharp (Little 1961).
pub fn pool_exhausted(in_use: f64, pool: f64) -> bool {
    in_use > pool
}

/// How long the backlog of an outage takes to drain: `T = λD/(μ − λ)`, where what did not fit into `capacity` is lost. Infinite
/// where no more can be taken out than arrives.
pub fn time_to_drain(outage: f64, capacity: f64, arrivals: f64, departures: f64) -> f64 {
    let backlog = (arrivals * outage).min(capacity);
    if backlog <= 0.0 {
        0.0
    } else if departures > arrivals {
        backlog / (departures - arrivals)
    } else {
        f64::INFINITY
    }
}

/// Mean share lost over an outage behind a cache whose entries have uniform ages and expire after `ttl`, with the failing share
/// `min(1, t/ttl)`: `D/(2τ)` up to D = τ, then `1 − τ/(2D)`.
pub fn cache_mean_loss(outage: f64, ttl: f64) -> f64 {
    if outage <= 0.0 {
        0.0
    } else if outage <= ttl {
        outage / (2.0 * ttl)
    } else {
        1.0 - ttl / (2.0 * outage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v24_a_longer_timeout_empties_the_pool() {
        let hung = f64::INFINITY;
        assert_eq!((connections_in_use(200.0, hung, 2.0, 1.0), connections_in_use(200.0, hung, 1.0, 1.0)), (400.0, 200.0));
        assert!(pool_exhausted(400.0, 300.0) && !pool_exhausted(200.0, 300.0) && !pool_exhausted(300.0, 300.0));
        // A provider that answers in time holds fewer; tries multiply.
        assert_eq!(connections_in_use(200.0, 0.04, 2.0, 3.0), 24.0);
    }

    #[test]
    fn v26_queues_drain() {
        // 100 a second in, 150 out, one hour; minutes.
        assert_eq!(time_to_drain(60.0, f64::INFINITY, 6_000.0, 9_000.0), 120.0);
        // What did not fit does not have to be worked off.
        assert_eq!(time_to_drain(60.0, 90_000.0, 6_000.0, 9_000.0), 30.0);
        assert_eq!(time_to_drain(60.0, 90_000.0, 6_000.0, 6_000.0), f64::INFINITY);
        assert_eq!(time_to_drain(60.0, 9.0, 0.0, 0.0), 0.0);
    }

    #[test]
    fn v27_a_cache_loses_half_while_it_expires() {
        assert_eq!(cache_mean_loss(30.0, 60.0), 0.25);
        assert!((cache_mean_loss(90.0, 60.0) - 0.666_666_7).abs() < 1e-7);
        assert_eq!((cache_mean_loss(60.0, 60.0), cache_mean_loss(0.0, 60.0), cache_mean_loss(1.0, 0.0)), (0.5, 0.0, 1.0));
    }
}
