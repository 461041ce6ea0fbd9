//! Heap that one connection holds, counted by the allocator.
//!
//! Only what a side's own calls allocate is counted, and not the buffers, which are the caller's:
//! they have their capacity before. The configurations are shared by all connections. The aim is
//! less than 4 KiB for a connection that is idle after its handshake.

#[path = "../tests/common/mod.rs"]
mod common;
mod support;

use premaster::{CipherSuite, Connection};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use support::{Side, handshake};

/// Bytes that have been allocated and not freed, and the most that they ever were. The first is
/// negative where a block is freed on another heap than the one it was allocated on.
struct Heap {
    held: AtomicIsize,
    peak: AtomicIsize,
}

impl Heap {
    const fn empty() -> Self {
        Self {
            held: AtomicIsize::new(0),
            peak: AtomicIsize::new(0),
        }
    }

    fn allocated(&self, layout: Layout) {
        let size = layout.size() as isize;
        let held = self.held.fetch_add(size, Ordering::Relaxed) + size;
        self.peak.fetch_max(held, Ordering::Relaxed);
    }

    fn freed(&self, layout: Layout) {
        let size = layout.size() as isize;
        self.held.fetch_sub(size, Ordering::Relaxed);
    }

    fn reset(&self) {
        self.held.store(0, Ordering::Relaxed);
        self.peak.store(0, Ordering::Relaxed);
    }
}

/// The system's allocator, with a heap of its own for the calls of each side and for all else.
struct Counting {
    heaps: [Heap; 3],
    current: AtomicUsize,
}

const ELSE: usize = 0;

#[global_allocator]
static ALLOCATOR: Counting = Counting {
    heaps: [const { Heap::empty() }; 3],
    current: AtomicUsize::new(ELSE),
};

impl Counting {
    fn index(side: Side) -> usize {
        match side {
            Side::Client => 1,
            Side::Server => 2,
        }
    }

    fn of(&self, side: Side) -> &Heap {
        &self.heaps[Self::index(side)]
    }

    fn current(&self) -> &Heap {
        &self.heaps[self.current.load(Ordering::Relaxed)]
    }

    /// Counts for `side` what `call` allocates and frees.
    fn count(&self, side: Side, call: &mut dyn FnMut()) {
        self.current.store(Self::index(side), Ordering::Relaxed);
        call();
        self.current.store(ELSE, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments that it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.current().allocated(layout);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.current().freed(layout);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Prints what each side holds after a handshake with this suite, and held at most during it.
fn measure(suite: CipherSuite) {
    let client = Arc::new(common::client_builder().suites(&[suite]).build().unwrap());
    let server = Arc::new(common::server_builder().build().unwrap());
    let count = |side, call: &mut dyn FnMut()| ALLOCATOR.count(side, call);
    // Whatever is made once for all connections is made here.
    handshake(&client, &server, count);
    for side in [Side::Client, Side::Server] {
        ALLOCATOR.of(side).reset();
    }

    let connections = handshake(&client, &server, count);
    for (role, side) in [("client", Side::Client), ("server", Side::Server)] {
        let heap = ALLOCATOR.of(side);
        let held = heap.held.load(Ordering::Relaxed);
        let peak = heap.peak.load(Ordering::Relaxed);
        println!("{:32} {role} {held:>10} {peak:>10}", suite.to_string());
    }
    drop(connections);
}

fn main() {
    println!("size_of::<Connection>() is {}", size_of::<Connection>());
    println!(
        "{:32} {:6} {:>10} {:>10}",
        "heap in bytes", "", "idle", "peak"
    );
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    ] {
        measure(suite);
    }
}
