//! A count of what is on the heap, for an allocator that counts.

use std::sync::atomic::{AtomicIsize, Ordering};

/// Bytes that have been allocated and not freed, and the most that they ever were. The first is
/// negative where a block is freed on another heap than the one it was allocated on.
pub struct Heap {
    held: AtomicIsize,
    peak: AtomicIsize,
}

impl Heap {
    pub const fn empty() -> Self {
        Self {
            held: AtomicIsize::new(0),
            peak: AtomicIsize::new(0),
        }
    }

    pub fn allocated(&self, size: usize) {
        let size = size as isize;
        let held = self.held.fetch_add(size, Ordering::Relaxed) + size;
        self.peak.fetch_max(held, Ordering::Relaxed);
    }

    pub fn freed(&self, size: usize) {
        self.held.fetch_sub(size as isize, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.held.store(0, Ordering::Relaxed);
        self.peak.store(0, Ordering::Relaxed);
    }

    pub fn held(&self) -> isize {
        self.held.load(Ordering::Relaxed)
    }

    pub fn peak(&self) -> isize {
        self.peak.load(Ordering::Relaxed)
    }
}
