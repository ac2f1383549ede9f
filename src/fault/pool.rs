//! A pool of alike replicas that has lost some, to one fault or to several at a time (product.md, semantics 10).

/// The replicas of a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pool {
    pub(crate) count: u32,
    /// With fewer the service fails.
    pub(crate) need: u32,
    /// Its usual load, over the capacity of all.
    pub(crate) load: Option<f64>,
}

/// What one hit takes from a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lost {
    pub(crate) pool: Pool,
    pub(crate) taken: u32,
    /// Hash of the zone that is lost with all its replicas; `None` for single instances.
    pub(crate) zone: Option<u64>,
}

/// What is left of a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Left {
    /// Share of the requests that fail.
    pub(crate) failing: f64,
    /// Share of the capacity; `None` where so few replicas are left that the service fails.
    pub(crate) capacity: Option<f64>,
}

impl Lost {
    /// What is left while this hit is the only one.
    pub(crate) fn alone(&self) -> Left {
        Self::together(std::iter::once(self)).unwrap_or(Left { failing: 0.0, capacity: Some(1.0) })
    }

    /// What is left of one pool while all of these hits take from it; `None` for no hits. A zone is lost once, however often. Nobody
    /// says where single instances stand: to be on the safe side, outside of lost zones and each for itself.
    pub(crate) fn together<'a>(hits: impl Iterator<Item = &'a Self> + Clone) -> Option<Left> {
        let Pool { count, need, load } = hits.clone().next()?.pool;
        let again = |at: usize, zone: u64| hits.clone().take(at).any(|before| before.zone == Some(zone));
        let taken = hits.clone().enumerate().filter(|(at, hit)| !hit.zone.is_some_and(|zone| again(*at, zone)));
        let left = taken.fold(count, |left, (_, hit)| left.saturating_sub(hit.taken));
        let capacity = (left >= need).then(|| f64::from(left) / f64::from(count.max(1)));
        Some(Left { failing: pool_failure(left, count, need, load), capacity })
    }
}

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

    #[test]
    fn hits_take_different_replicas_but_a_zone_once() {
        let pool = Pool { count: 5, need: 2, load: Some(0.78) };
        let lost = |taken, zone| Lost { pool, taken, zone };
        let left = |hits: &[Lost]| Lost::together(hits.iter()).map(|left| (left.failing, left.capacity));
        assert_eq!(left(&[]), None);
        assert_eq!(left(&[lost(2, Some(7)), lost(2, Some(7))]), left(&[lost(2, Some(7))]));
        assert_eq!(left(&[lost(1, None), lost(1, None)]), left(&[lost(2, None)]));
        let (failing, capacity) = left(&[lost(2, Some(7)), lost(1, Some(8))]).expect("two hits");
        close(failing, 1.0 - 0.4 / 0.78, 1e-12);
        assert_eq!(capacity, Some(0.4));
        assert_eq!(left(&[lost(2, Some(7)), lost(1, Some(8)), lost(1, None)]), Some((1.0, None)));
        assert_eq!(lost(9, None).alone(), Left { failing: 1.0, capacity: None });
    }
}
