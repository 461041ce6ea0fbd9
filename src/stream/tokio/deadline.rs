//! The time that a whole handshake may take.

use crate::connection::Connection;
use crate::error::HandshakeTimedOut;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a handshake may take unless another time is set.
pub(super) const DEFAULT: Duration = Duration::from_secs(10);

/// A deadline, or none.
#[derive(Debug)]
pub(super) struct Deadline {
    ends: Option<Instant>,
    /// Made when it is first awaited, so that a handshake can be prepared outside of a runtime.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// A deadline so long from now; none if that is beyond what the clock can tell.
    pub(super) fn after(time: Option<Duration>) -> Self {
        let ends = time.and_then(|time| Instant::now().checked_add(time));
        Self { ends, sleep: None }
    }

    /// Is ready when the deadline is over; never if there is none.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(ends) = self.ends else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(ends)));
        sleep.as_mut().poll(context)
    }
}

/// The error of a handshake that took too long.
pub(super) fn timed_out(connection: &Connection) -> io::Error {
    let error = HandshakeTimedOut::new(connection.moment(), connection.pending().is_some());
    io::Error::new(io::ErrorKind::TimedOut, error)
}
