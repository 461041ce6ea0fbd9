//! The time that one side's calls take.

use std::time::{Duration, Instant};

/// The side that makes a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// Does some work; returns how long it took, and its result.
pub fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}
