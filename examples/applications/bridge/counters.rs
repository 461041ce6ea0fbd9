//! What the bridge counts.

use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a connection was not served, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    TooManyOfAddress,
    Queue,
    NearHandshake,
    FarConnect,
    FarHandshake,
    HandshakeTimeout,
    Idle,
    Truncated,
    Broken,
    Stopped,
    Panicked,
}

impl Reason {
    const ALL: [Self; 11] = [
        Self::TooManyOfAddress,
        Self::Queue,
        Self::NearHandshake,
        Self::FarConnect,
        Self::FarHandshake,
        Self::HandshakeTimeout,
        Self::Idle,
        Self::Truncated,
        Self::Broken,
        Self::Stopped,
        Self::Panicked,
    ];
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyOfAddress => "too many connections of its address",
            Self::Queue => "no place became free in time",
            Self::NearHandshake => "the handshake with it failed",
            Self::FarConnect => "no connection to the other side",
            Self::FarHandshake => "the handshake with the other side failed",
            Self::HandshakeTimeout => "a handshake took too long",
            Self::Idle => "nothing moved for too long",
            Self::Truncated => "a side was cut off",
            Self::Broken => "a connection broke",
            Self::Stopped => "the bridge was stopped",
            Self::Panicked => "its task panicked",
        })
    }
}

/// Counts since the start.
#[derive(Default)]
pub struct Counters {
    pub accepted: AtomicU64,
    pub served: AtomicU64,
    /// Connections to the device whose session was resumed.
    pub resumed: AtomicU64,
    /// Bytes of the applications.
    pub to_far: AtomicU64,
    pub from_far: AtomicU64,
    failed: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    pub fn failed(&self, reason: Reason, count: u64) {
        add(&self.failed[reason as usize], count);
    }
}

pub fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// A line for each counter, those of failures only if there were any.
impl Display for Counters {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let failed: u64 = self.failed.iter().map(of).sum();
        write!(
            f,
            "accepted: {}, served: {}, failed: {failed}, device sessions resumed: {}\n\
             bytes forwarded: {}, bytes returned: {}",
            of(&self.accepted),
            of(&self.served),
            of(&self.resumed),
            of(&self.to_far),
            of(&self.from_far),
        )?;
        for (reason, counter) in Reason::ALL.iter().zip(&self.failed) {
            if of(counter) > 0 {
                write!(f, "\n  {reason}: {}", of(counter))?;
            }
        }
        Ok(())
    }
}
