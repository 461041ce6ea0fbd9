//! The buffers of a pump: one for input, and one for what is appended and taken.

use crate::connection::MAX_RECORD_LENGTH;
use crate::error::LocalError;
use core::fmt;

/// A transport reported that it moved more bytes than it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overrun;

/// A buffer for one record of any kind, or for the longer input that it began with. The bytes
/// between `start` and `end` are unread.
pub(super) struct Incoming {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Incoming {
    pub(super) fn new(received: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(MAX_RECORD_LENGTH.max(received.len()));
        bytes.extend_from_slice(received);
        bytes.resize(bytes.capacity(), 0);
        Self {
            bytes: bytes.into(),
            start: 0,
            end: received.len(),
        }
    }

    pub(super) fn unread(&mut self) -> Result<&mut [u8], LocalError> {
        self.bytes.get_mut(self.start..self.end).ok_or(LocalError::Internal(
            "the unread input is longer than its buffer",
        ))
    }

    pub(super) fn into_unread(self) -> Vec<u8> {
        let Self { bytes, start, end } = self;
        bytes.into_iter().take(end).skip(start).collect()
    }

    /// Removes bytes from the front of the unread ones.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Moves the unread bytes to the front, and returns the space behind them.
    pub(super) fn room(&mut self) -> Result<&mut [u8], LocalError> {
        let unread = self.unread()?.len();
        self.bytes.copy_within(self.start..self.end, 0);
        self.start = 0;
        self.end = unread;
        self.bytes.get_mut(unread..).ok_or(LocalError::Internal(
            "the unread input is longer than its buffer",
        ))
    }

    /// Adds bytes to the end of the unread ones.
    pub(super) fn fill(&mut self, count: usize) -> Result<(), Overrun> {
        match self.end.checked_add(count) {
            Some(end) if end <= self.bytes.len() => {
                self.end = end;
                Ok(())
            }
            _ => Err(Overrun),
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({}..{})", self.start, self.end)
    }
}

/// Bytes that are appended at the end and taken from the front.
#[derive(Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// The number of bytes that have been taken.
    taken: usize,
}

impl From<Vec<u8>> for Queue {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, taken: 0 }
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// Returns the bytes that have not been taken.
    pub(super) fn rest(&self) -> Result<&[u8], LocalError> {
        self.bytes.get(self.taken..).ok_or(LocalError::Internal(
            "more bytes were taken from a queue than it had",
        ))
    }

    pub(super) fn into_rest(mut self) -> Vec<u8> {
        self.bytes.drain(..self.taken);
        self.bytes
    }

    pub(super) fn take(&mut self, count: usize) -> Result<(), Overrun> {
        match self.taken.checked_add(count) {
            Some(taken) if taken < self.bytes.len() => self.taken = taken,
            Some(taken) if taken == self.bytes.len() => {
                self.bytes.clear();
                self.taken = 0;
            }
            _ => return Err(Overrun),
        }
        Ok(())
    }

    /// Returns the vector, only to append to it.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// Plaintext is not printed.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({}..{})", self.taken, self.bytes.len())
    }
}
