//! A contender: a library with one kind of work, done repeatedly.

use crate::support::{Side, time};
use std::time::Duration;

/// A client and a server of one library, or a cipher or an RSA key alone, ready for one kind of
/// work.
pub trait Contender {
    /// Does the work once, having made sure that it was of the kind it should be.
    fn run(&mut self) -> Taken;
}

/// Records of application data that are sent and received in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub records: usize,
    /// Plaintext in each record.
    pub length: usize,
}

/// What the calls of each side took. Of records, the client sends them and the server receives
/// them.
#[derive(Clone, Copy, Default)]
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
