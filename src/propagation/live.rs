//! Which arcs are live in the trials of a batch, for an engine that takes the trials one by one.
//!
//! Asking for one trial costs as much as asking for the 512 of its batch, so the answer for all is kept until the batch ends.

use super::lane::Arcs;
use crate::fault::draw::{Choose, Drawn};
use crate::lanes::{BATCH, Mask};
use crate::model::DurationLaw;
use crate::model::crossing::Crossing;
use crate::random::{Key, LANES, Purpose, Seed, Threshold, batch_key, below_mask};
use crate::units::Ticks;

/// Beyond this number of answers (68 bytes each) they are not kept.
const MOST_KEPT: usize = 1 << 20;

/// Answers of a batch.
#[derive(Debug, Default)]
pub(crate) struct LiveMasks {
    key: Mask,
    /// Number of the batch, counted from 1 in the order in which they come.
    batch: u32,
    /// By slot: the batch of the answer, and the answer.
    asked_in: Vec<u32>,
    live: Vec<Mask>,
}

impl LiveMasks {
    /// Starts a batch in which up to `slots` different questions are asked.
    pub(crate) fn start(&mut self, batch: u64, slots: usize) {
        self.key = batch_key(batch);
        let kept = if slots > MOST_KEPT { 0 } else { slots };
        if self.live.len() != kept || self.batch == u32::MAX {
            self.batch = 0;
            self.live = vec![Mask::NONE; kept];
            self.asked_in = vec![0; kept];
        }
        self.batch += 1;
    }

    /// Trials in which the entity's number is below the threshold. A slot always asks the same question.
    #[inline]
    pub(crate) fn below(&mut self, slot: usize, key: Key, threshold: Threshold) -> &Mask {
        if self.asked_in[slot] != self.batch {
            self.asked_in[slot] = self.batch;
            self.live[slot] = below_mask(&self.key, key, threshold, &Mask::first(BATCH));
        }
        &self.live[slot]
    }

    /// Is the entity's number below the threshold in this trial of the batch?
    #[inline]
    pub(crate) fn is_below(&mut self, slot: usize, key: Key, threshold: Threshold, lane: u64) -> bool {
        let (word, bit) = ((lane / LANES) as usize, lane % LANES);
        if self.live.is_empty() {
            let mut need = Mask::NONE;
            need[word] = 1 << bit;
            return !below_mask(&self.key, key, threshold, &need).is_none();
        }
        self.below(slot, key, threshold)[word] >> bit & 1 == 1
    }
}

/// Choices and live arcs of one sampled trial.
pub(crate) struct SampledTrial<'a> {
    pub(crate) drawn: Drawn,
    live: &'a mut LiveMasks,
}

impl<'a> SampledTrial<'a> {
    /// A trial of the batch that `live` was started for.
    pub(crate) fn new(seed: Seed, trial: u64, live: &'a mut LiveMasks) -> Self {
        Self { drawn: Drawn { seed, trial }, live }
    }
}

impl Choose for SampledTrial<'_> {
    fn chance(&mut self, purpose: Purpose, name: u64, p: f64) -> bool {
        self.drawn.chance(purpose, name, p)
    }

    #[inline]
    fn uniform(&mut self, purpose: Purpose, name: u64, what: &dyn Fn() -> String) -> f64 {
        self.drawn.uniform(purpose, name, what)
    }
}

impl Arcs for SampledTrial<'_> {
    #[inline]
    fn below(&mut self, slot: usize, key: Key, threshold: Threshold) -> bool {
        self.live.is_below(slot, key, threshold, self.drawn.trial % BATCH)
    }

    fn buffer(&mut self, name: u64, crossing: &Crossing) -> Ticks {
        let law = crossing.buffer.unwrap_or(DurationLaw::ZERO);
        self.duration(Purpose::Buffer, name, law, &|| "buffer of a dependency".into())
    }

    fn hand_off(&mut self, name: u64, crossing: &Crossing) -> Ticks {
        let law = crossing.delay.unwrap_or(DurationLaw::ZERO);
        self.duration(Purpose::Buffer, !name, law, &|| "delay of a dependency".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};

    #[test]
    fn kept_answers_are_the_answers() {
        let (mut kept, mut asked) = (LiveMasks::default(), LiveMasks::default());
        let keys: Vec<Key> = (0..9).map(|arc| Seed(4).key(Purpose::Crossing, arc)).collect();
        for batch in [3, 4, 3] {
            kept.start(batch, keys.len());
            asked.start(batch, MOST_KEPT + 1);
            for lane in (0..BATCH).step_by(37) {
                for (slot, key) in keys.iter().enumerate() {
                    let threshold = Threshold::new(0.1 * slot as f64);
                    let answer = kept.is_below(slot, *key, threshold, lane);
                    assert_eq!(answer, asked.is_below(slot, *key, threshold, lane), "{batch} {lane} {slot}");
                }
            }
        }
    }
}
