//! What a piece of work allocates, by a count of each thread's own: tests run side by side.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static MADE: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST_HELD: Cell<isize> = const { Cell::new(0) };
}

/// A thread that is ending allocates after its locals are gone; nobody measures it.
fn count(allocations: usize, bytes: isize) {
    let _ = MADE.try_with(|made| made.set(made.get() + allocations));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    let held = HELD.try_with(Cell::get).unwrap_or_default();
    let _ = MOST_HELD.try_with(|most| most.set(most.get().max(held)));
}

// SAFETY: everything is passed on to the system's allocator unchanged. `realloc` is the trait's own:
// it allocates anew, and counts as that.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What some work cost this thread.
#[derive(Debug)]
pub struct Cost {
    pub allocations: usize,
    /// The most bytes that were held at a time, beyond what was held before.
    #[cfg_attr(
        not(feature = "ocsp"),
        allow(dead_code, reason = "hostile responses are left out")
    )]
    pub memory: isize,
}

pub fn cost(work: impl FnOnce()) -> Cost {
    let (made, held) = (MADE.get(), HELD.get());
    MOST_HELD.set(held);
    work();
    Cost {
        allocations: MADE.get() - made,
        memory: MOST_HELD.get() - held,
    }
}
