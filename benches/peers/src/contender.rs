//! A library with one kind of handshake to do, over and over.

use crate::support::{Side, time};
use std::time::Duration;

/// A client and a server of one library, ready for one kind of handshake.
pub trait Contender {
    /// Does one handshake, having made sure that it was of the kind it should be.
    fn handshake(&self) -> Taken;
}

/// What the calls of each side took.
#[derive(Default)]
pub struct Taken {
    pub client: Duration,
    pub server: Duration,
}

impl Taken {
    /// Does `work` for `side`.
    pub fn by<T>(&mut self, side: Side, work: impl FnOnce() -> T) -> T {
        let (taken, result) = time(work);
        match side {
            Side::Client => self.client += taken,
            Side::Server => self.server += taken,
        }
        result
    }
}

/// The sum of `times` handshakes.
pub fn batch(contender: &dyn Contender, times: u32) -> Taken {
    let mut sum = Taken::default();
    for _ in 0..times {
        let taken = contender.handshake();
        sum.client += taken.client;
        sum.server += taken.server;
    }
    sum
}
