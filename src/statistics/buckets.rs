//! Buckets of a log-linear histogram, in as little room as their numbers need.
//!
//! What must hold: buckets rise, each is in use, and a bucket lies within one step of the scale. Counts and sums are exact. As
//! long as all values are below 2^43 (in microseconds, 101 days) and there are fewer than 2^32 of them, a bucket takes 24 bytes,
//! else 48.

use std::cell::RefCell;
use std::ops::Range;

/// Sub-buckets of an octave, as a power of 2.
const PRECISION_BITS: u32 = 10;

/// One bucket in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Values in it, at least 1.
    pub count: u64,
    /// Smallest value seen.
    pub smallest: u64,
    /// Largest value seen.
    pub largest: u64,
    /// Sum of the values.
    pub sum: u128,
}

impl Bucket {
    /// Could recording have made it?
    pub fn is_sound(&self) -> bool {
        let (count, own) = (u128::from(self.count), bucket_of(self.largest));
        let fits = |value: u64| u128::from(value).checked_mul(count);
        self.count > 0
            && self.smallest <= self.largest
            && bucket_of(self.smallest) == own
            && fits(self.smallest).is_some_and(|least| least <= self.sum)
            && fits(self.largest).is_some_and(|most| self.sum <= most)
    }
}

/// The bucket of a value: rising with it, below 2^16.
pub(super) fn bucket_of(value: u64) -> u32 {
    place_of(value).0
}

/// The bucket of a value, and by how much it is above the bucket's start.
#[inline(always)]
fn place_of(value: u64) -> (u32, u64) {
    // Shifting keeps the leading bit and ten more; exact values and the first octave need no shift.
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    let lead = value >> shift;
    ((shift << PRECISION_BITS) + lead as u32, value - (lead << shift))
}

/// The smallest value of a bucket.
fn start_of(step: u32) -> u64 {
    let shift = (step >> PRECISION_BITS).saturating_sub(1);
    u64::from(step - (shift << PRECISION_BITS)) << shift
}

/// Values from here on may need a [`Bucket`].
const NARROW_END: u64 = 1 << 43;

/// A bucket by what its values are above its start, where that is below 2^32, as it always is for values below 2^43. With fewer than
/// 2^32 values the sum is below 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Narrow {
    step: u32,
    count: u32,
    smallest: u32,
    largest: u32,
    sum: u64,
}

impl Narrow {
    fn of(bucket: Bucket) -> Option<Self> {
        let step = bucket_of(bucket.largest);
        let (start, count) = (start_of(step), u32::try_from(bucket.count).ok()?);
        Some(Self {
            step,
            count,
            smallest: bucket.smallest.checked_sub(start)?.try_into().ok()?,
            largest: (bucket.largest - start).try_into().ok()?,
            sum: bucket.sum.checked_sub(u128::from(start) * u128::from(count))?.try_into().ok()?,
        })
    }
}

impl From<Narrow> for Bucket {
    fn from(narrow: Narrow) -> Self {
        let start = start_of(narrow.step);
        Self {
            count: narrow.count.into(),
            smallest: start + u64::from(narrow.smallest),
            largest: start + u64::from(narrow.largest),
            sum: u128::from(start) * u128::from(narrow.count) + u128::from(narrow.sum),
        }
    }
}

/// What buckets of either size can do.
trait Slot: Copy {
    /// Its place on the scale.
    fn step(&self) -> u32;
    /// Adds the values of another one for the same step of the scale.
    fn add(&mut self, other: Self);
}

impl Slot for Narrow {
    fn step(&self) -> u32 {
        self.step
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.smallest = self.smallest.min(other.smallest);
        self.largest = self.largest.max(other.largest);
        self.sum += other.sum;
    }
}

impl Slot for Bucket {
    fn step(&self) -> u32 {
        bucket_of(self.largest)
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.smallest = self.smallest.min(other.smallest);
        self.largest = self.largest.max(other.largest);
        self.sum += other.sum;
    }
}

/// Buckets in use, rising.
#[derive(Debug, Clone)]
pub(super) enum Buckets {
    Narrow(Vec<Narrow>),
    Wide(Vec<Bucket>),
}

impl Default for Buckets {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Buckets {
    /// A single bucket.
    pub(super) fn of(bucket: Bucket) -> Self {
        Narrow::of(bucket).map_or_else(|| Self::Wide(vec![bucket]), |narrow| Self::Narrow(vec![narrow]))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Narrow(all) => all.len(),
            Self::Wide(all) => all.len(),
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Bucket> + ExactSizeIterator + '_ {
        (0..self.len()).map(|at| match self {
            Self::Narrow(all) => all[at].into(),
            Self::Wide(all) => all[at],
        })
    }

    /// Adds values, in any order. The histogram has `total` values with them. O(b + n), with a logarithm where the values are few or
    /// wide.
    pub(super) fn add_values(&mut self, values: &mut [u64], total: u64) {
        let (mut lowest, mut highest) = (u64::MAX, 0);
        for value in &*values {
            (lowest, highest) = (lowest.min(*value), highest.max(*value));
        }
        if let Self::Narrow(all) = self
            && highest < NARROW_END
            && total <= u32::MAX.into()
        {
            let first = all.first().map_or(u32::MAX, |bucket| bucket.step).min(bucket_of(lowest));
            let last = all.last().map_or(0, |bucket| bucket.step).max(bucket_of(highest));
            // Going over unused places costs about an eighth of sorting a value in.
            if (last.saturating_sub(first) as usize) < 8 * values.len() {
                return add_many(all, values, first..last + 1);
            }
        }
        self.add_few(values, total);
    }

    /// The same, by sorting.
    fn add_few(&mut self, values: &mut [u64], total: u64) {
        values.sort_unstable();
        let mut buckets = Self::default();
        let mut rest = &*values;
        while let Some(smallest) = rest.first() {
            let step = bucket_of(*smallest);
            let start = start_of(step);
            let (mut count, mut largest, mut sum) = (0, 0, 0_u128);
            for value in rest.iter().take_while(|value| bucket_of(**value) == step) {
                count += 1;
                largest = value - start;
                sum += u128::from(largest);
            }
            rest = &rest[count..];
            buckets.push(step, (count as u64, smallest - start, largest, sum));
        }
        self.merge(buckets, total);
    }

    /// Appends a bucket above all others: its number of values, and the smallest, the largest and the sum of what they are above its
    /// start.
    fn push(&mut self, step: u32, (count, smallest, largest, sum): (u64, u64, u64, u128)) {
        if let Self::Narrow(all) = self
            && largest <= u32::MAX.into()
            && count <= u32::MAX.into()
        {
            all.push(Narrow { step, count: count as u32, smallest: smallest as u32, largest: largest as u32, sum: sum as u64 });
            return;
        }
        self.widen();
        if let Self::Wide(all) = self {
            let start = start_of(step);
            all.push(Bucket {
                count,
                smallest: start + smallest,
                largest: start + largest,
                sum: u128::from(start) * u128::from(count) + sum,
            });
        }
    }

    /// Adds rising buckets. The histogram has `total` values with them. O(b).
    pub(super) fn merge(&mut self, mut other: Self, total: u64) {
        if total > u32::MAX.into() || matches!((&*self, &other), (Self::Wide(_), _) | (_, Self::Wide(_))) {
            self.widen();
            other.widen();
        }
        match (self, other) {
            (Self::Narrow(mine), Self::Narrow(theirs)) => add_all(mine, theirs),
            (Self::Wide(mine), Self::Wide(theirs)) => add_all(mine, theirs),
            // Both were widened above when one of them is wide.
            (Self::Narrow(_), Self::Wide(_)) | (Self::Wide(_), Self::Narrow(_)) => {}
        }
    }

    fn widen(&mut self) {
        if let Self::Narrow(all) = self {
            *self = Self::Wide(all.iter().map(|narrow| (*narrow).into()).collect());
        }
    }
}

/// A bucket without values.
const UNUSED: Narrow = Narrow { step: 0, count: 0, smallest: u32::MAX, largest: 0, sum: 0 };

thread_local! {
    /// Work space of [`add_many`], which is left as it may be. Some hundred kilobytes: made anew for each of the thousands of
    /// histograms of a run, the pages would be given back to the system and asked for again every time.
    static PLACES: RefCell<Vec<Narrow>> = const { RefCell::new(Vec::new()) };
}

/// Adds values to rising buckets whose steps lie in a range, as theirs do: each finds its place at once. O(range + n).
fn add_many(buckets: &mut Vec<Narrow>, values: &[u64], steps: Range<u32>) {
    PLACES.with_borrow_mut(|all| {
        all.clear();
        all.resize(steps.len(), UNUSED);
        for bucket in &*buckets {
            all[(bucket.step - steps.start) as usize] = *bucket;
        }
        for value in values {
            let (step, above) = place_of(*value);
            let above = above as u32;
            all[(step - steps.start) as usize].add(Narrow { step, count: 1, smallest: above, largest: above, sum: above.into() });
        }
        // In use or not is hard to foresee, so every one is written, and the next over it if it was not.
        let mut used = 0;
        for at in 0..all.len() {
            all[used] = Narrow { step: steps.start + at as u32, ..all[at] };
            used += usize::from(all[used].count > 0);
        }
        buckets.clear();
        buckets.extend_from_slice(&all[..used]);
    });
}

/// Merges rising buckets into the own ones, in place and from behind, so that each is moved at most twice. O(b).
fn add_all<B: Slot>(mine: &mut Vec<B>, theirs: Vec<B>) {
    if mine.is_empty() {
        *mine = theirs;
        return;
    }
    let Some(first) = theirs.first() else { return };
    let (mut left, mut right) = (mine.len(), theirs.len());
    let mut write = left + right;
    mine.resize(write, *first);
    while right > 0 {
        let other = theirs[right - 1];
        let step = other.step();
        write -= 1;
        if left > 0 && mine[left - 1].step() >= step {
            left -= 1;
            mine[write] = mine[left];
            if mine[write].step() == step {
                mine[write].add(other);
                right -= 1;
            }
        } else {
            mine[write] = other;
            right -= 1;
        }
    }
    // Every pair that became one leaves a gap between what stayed and what moved.
    mine.drain(left..write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_fine_and_in_order() {
        assert_eq!((bucket_of(0), bucket_of(2_047), bucket_of(2_048), bucket_of(u64::MAX)), (0, 2_047, 2_048, 56_319));
        for octave in 11..64 {
            let start = 1_u64 << octave;
            assert_eq!(bucket_of(start), bucket_of(start - 1) + 1);
            assert_eq!(bucket_of(start), bucket_of(start + (start >> 10) - 1));
            assert_eq!(bucket_of(start) + 1, bucket_of(start + (start >> 10)));
            assert_eq!(start_of(bucket_of(start + (start >> 11))), start);
            assert_eq!(start_of(bucket_of(start - 1)), start - (start >> 11).max(1));
        }
    }

    #[test]
    fn buckets_widen_when_their_numbers_no_longer_fit() {
        let mut narrow = Buckets::default();
        narrow.add_values(&mut [5_000, 7, (1 << 43) - 1, 7], 4);
        let mut wide = Buckets::default();
        wide.add_values(&mut [7, (1 << 43) - 1, 7, 5_000], 1 << 32);
        assert!(matches!((&narrow, &wide), (Buckets::Narrow(_), Buckets::Wide(_))));
        assert!(narrow.iter().eq(wide.iter()));
        let doubled: Vec<Bucket> =
            wide.iter().map(|bucket| Bucket { count: 2 * bucket.count, sum: 2 * bucket.sum, ..bucket }).collect();
        narrow.merge(wide, 8);
        assert!(narrow.iter().eq(doubled));
        let mut large = Buckets::default();
        let far_from_its_start = (1 << 50) + (1 << 39);
        large.add_values(&mut [far_from_its_start, 7], 2);
        assert!(matches!(large, Buckets::Wide(_)));
        assert!(large.iter().map(|bucket| bucket.sum).eq([7, u128::from(far_from_its_start)]));
    }
}
