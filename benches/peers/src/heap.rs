//! Heap that one of premaster's connections holds, counted by the allocator.
//!
//! Only what a side's own calls allocate is counted, and not the buffers, which are the caller's,
//! nor the configurations, which all connections share. The allocations of other libraries are not
//! counted, as some of them do not come this way.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::premaster_pair::PremasterPair;
use crate::report::Report;
use crate::support::Side;
use crate::support::heap::Heap;
use crate::table::bytes;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A figure of a connection, and the most that it may be.
struct Figure {
    name: &'static str,
    of: fn(&Used) -> usize,
    /// Of a client and of a server.
    limits: [usize; 2],
}

const FIGURES: [Figure; 2] = [
    // Two GCM keys of 552 bytes are most of it.
    Figure {
        name: "idle",
        of: |used| used.idle,
        limits: [2304, 1536],
    },
    Figure {
        name: "peak of the handshake",
        of: |used| used.peak,
        limits: [24 * 1024; 2],
    },
];

/// Measures a connection of each suite after a full handshake.
pub fn measure(report: &mut Report) {
    let credentials = Credentials::new(KeyLength::Rsa2048);
    for cipher in Cipher::AEAD {
        let pair = PremasterPair::full(&credentials, cipher);
        let [client, server] = ALLOCATOR.connection(&pair);
        for Figure { name, of, limits } in FIGURES {
            let work = format!("bytes of heap, {name}, {}", cipher.name());
            let counts = [("client", of(&client)), ("server", of(&server))];
            for ((role, count), limit) in counts.into_iter().zip(limits) {
                report.rows.push(bytes(&work, role, count));
                let name = format!("{work}, {role}");
                let requirement = Requirement::bytes(name, count, limit);
                report.requirements.push(requirement);
            }
        }
    }
}

/// What a side of a connection holds after its handshake, and held at most during it.
struct Used {
    idle: usize,
    peak: usize,
}

impl Used {
    fn of(heap: &Heap) -> Self {
        let bytes = |count: isize| count.try_into().unwrap();
        Self {
            idle: bytes(heap.held()),
            peak: bytes(heap.peak()),
        }
    }
}

/// The system's allocator, which counts for the side whose call it is.
struct Counting {
    heaps: [Heap; 2],
    /// Which heap is counted on. Where there is no such heap, as whenever times are measured,
    /// nothing is counted.
    current: AtomicUsize,
}

const NOBODY: usize = usize::MAX;

#[global_allocator]
static ALLOCATOR: Counting = Counting {
    heaps: [const { Heap::empty() }; 2],
    current: AtomicUsize::new(NOBODY),
};

impl Counting {
    /// What the client and the server use in a handshake. Whatever is made once for all
    /// connections is made by another one before.
    fn connection(&self, pair: &PremasterPair) -> [Used; 2] {
        pair.connect(|_, call| call());
        self.heaps.iter().for_each(Heap::reset);
        let _connections = pair.connect(|side, call| self.count(side, call));
        self.heaps.each_ref().map(Used::of)
    }

    /// Counts for `side` what `call` allocates and frees.
    fn count(&self, side: Side, call: &mut dyn FnMut()) {
        let index = match side {
            Side::Client => 0,
            Side::Server => 1,
        };
        self.current.store(index, Ordering::Relaxed);
        call();
        self.current.store(NOBODY, Ordering::Relaxed);
    }

    fn current(&self) -> Option<&Heap> {
        self.heaps.get(self.current.load(Ordering::Relaxed))
    }
}

// SAFETY: every call is passed to the system's allocator with its arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(heap) = self.current() {
            heap.allocated(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if let Some(heap) = self.current() {
            heap.allocated(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(heap) = self.current() {
            heap.freed(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    /// Counts the two blocks as if both were held while the one is copied to the other.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if let Some(heap) = self.current() {
            heap.allocated(size);
            heap.freed(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}
