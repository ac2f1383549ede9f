//! A pool of alike replicas that has lost some.

/// A when a pool of `count` replicas that needs `need` has `left` (semantics 10; model.md V25).
pub fn pool_failure(left: u32, count: u32, need: u32, load: Option<f64>) -> f64 {
    if left < need {
        return 1.0;
    }
    match load {
        Some(load) if load > 0.0 => (1.0 - f64::from(left) / (f64::from(count) * load)).max(0.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
    }

    #[test]
    fn v25_lost_replicas() {
        close(pool_failure(4, 5, 1, Some(0.78)), 0.0, 0.0);
        close(pool_failure(3, 5, 1, Some(0.78)), 0.230_769_2, 1e-7);
        close(pool_failure(3, 5, 4, Some(0.1)), 1.0, 0.0);
        close(pool_failure(3, 5, 1, None), 0.0, 0.0);
    }
}
