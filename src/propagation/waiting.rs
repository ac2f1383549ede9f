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

/// Does a call take longer than anybody waits for it? `usual · L > timeout`; one that takes exactly as long is in time (model.md §2.2).
pub fn times_out(usual: f64, multiplier: f64, timeout: f64) -> bool {
    usual * multiplier > timeout
}

/// Failing share behind a cache whose entries have uniform ages and expire after `ttl`, so long after the onset: `min(1, t/ttl)`.
pub fn cache_failing_share(elapsed: f64, ttl: f64) -> f64 {
    if elapsed >= ttl { 1.0 } else { elapsed / ttl }
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
    fn calls_time_out_when_they_take_longer() {
        assert!(times_out(1.0, 2.5, 2.0) && !times_out(1.0, 2.0, 2.0));
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
        // The middles of a thousand steps: exact for straight pieces whose corner is on an edge.
        let mean = |outage: f64| {
            (0..1_000).map(|step| cache_failing_share(outage * (f64::from(step) + 0.5) / 1_000.0, 60.0)).sum::<f64>() / 1_000.0
        };
        assert!((mean(30.0) - 0.25).abs() < 1e-12 && (mean(60.0) - 0.5).abs() < 1e-12);
        assert!((mean(90.0) - 2.0 / 3.0).abs() < 1e-6, "{}", mean(90.0));
        assert_eq!(
            (cache_failing_share(0.0, 60.0), cache_failing_share(60.0, 60.0), cache_failing_share(1.0, 0.0)),
            (0.0, 1.0, 1.0)
        );
    }
}
