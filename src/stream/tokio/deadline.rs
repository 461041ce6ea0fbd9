//! The time that a whole handshake may take.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a handshake may take unless another time is set.
pub(super) const DEFAULT: Duration = Duration::from_secs(10);

/// The inner error of the [`io::Error`] of kind [`TimedOut`](io::ErrorKind::TimedOut) with which a
/// handshake ends that takes longer than its deadline permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeTimedOut {
    after: Duration,
    unanswered: bool,
}

impl HandshakeTimedOut {
    /// Returns the time that the handshake had.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }

    /// Returns true if this side was to blame: the handshake was paused and waited for an
    /// [`Answerer`](super::Answerer), and not for the peer.
    #[must_use]
    pub fn unanswered(&self) -> bool {
        self.unanswered
    }
}

impl fmt::Display for HandshakeTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = if self.unanswered {
            "it waited for this side's answer to a pause"
        } else {
            "it waited for the peer"
        };
        write!(
            f,
            "the handshake was not complete after {:?}: {cause}",
            self.after
        )
    }
}

impl core::error::Error for HandshakeTimedOut {}

/// A deadline, or none.
#[derive(Debug)]
pub(super) struct Deadline {
    ends: Option<Ends>,
    /// Made when it is first awaited, so that a handshake can be prepared outside of a runtime.
    sleep: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    at: Instant,
    after: Duration,
}

impl Deadline {
    /// A deadline so long from now; none if that is beyond what the clock can tell.
    pub(super) fn after(time: Option<Duration>) -> Self {
        let ends = time.and_then(|after| {
            let at = Instant::now().checked_add(after)?;
            Some(Ends { at, after })
        });
        Self { ends, sleep: None }
    }

    /// Is ready, with the time that has passed, when the deadline is over; never if there is none.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Duration> {
        let Some(Ends { at, after }) = self.ends else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        sleep.as_mut().poll(context).map(|()| after)
    }
}

/// The error of a handshake that took too long.
pub(super) fn timed_out(after: Duration, unanswered: bool) -> io::Error {
    let error = HandshakeTimedOut { after, unanswered };
    io::Error::new(io::ErrorKind::TimedOut, error)
}
