//! Memory for the masks of many nodes.
//!
//! The kernel reads masks in the order of arcs, all over the place. With pages of 4 KiB most of these reads also miss the
//! table of pages: on a million nodes huge pages made the kernel 3 times as fast. They are asked for, not relied on.

use super::Mask;
use memmap2::MmapMut;

/// From this size on huge pages are asked for, in bytes.
const LARGE: usize = 8 << 20;

/// Masks of nodes, all empty at first.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    small: Vec<Mask>,
    large: Option<MmapMut>,
    len: usize,
}

impl Masks {
    /// Makes room for `len` empty masks.
    pub(crate) fn reset(&mut self, len: usize) {
        if len != self.len {
            *self = Self::new(len);
        } else {
            self.as_mut_slice().fill(Mask::NONE);
        }
    }

    fn new(len: usize) -> Self {
        let bytes = len * size_of::<Mask>();
        // Fresh pages are zero.
        match (bytes >= LARGE).then(|| MmapMut::map_anon(bytes)) {
            Some(Ok(map)) => {
                #[cfg(target_os = "linux")]
                // A refusal costs speed, nothing else.
                let _ = map.advise(memmap2::Advice::HugePage);
                Self { small: Vec::new(), large: Some(map), len }
            }
            _ => Self { small: vec![Mask::NONE; len], large: None, len },
        }
    }

    /// The masks.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[Mask] {
        match &self.large {
            Some(map) => bytemuck::cast_slice(&map[..self.len * size_of::<Mask>()]),
            None => &self.small,
        }
    }

    /// The masks, to change.
    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [Mask] {
        match &mut self.large {
            Some(map) => bytemuck::cast_slice_mut(&mut map[..self.len * size_of::<Mask>()]),
            None => &mut self.small,
        }
    }
}
