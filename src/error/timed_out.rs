//! A handshake that was not complete by its deadline.

use super::Moment;
use core::fmt;

/// The deadline of a handshake passed: the inner error of an [`io::Error`](std::io::Error) of the kind
/// [`TimedOut`](std::io::ErrorKind::TimedOut); see
/// [`Stream::set_handshake_deadline`](crate::Stream::set_handshake_deadline) and the module `tokio`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeTimedOut {
    moment: Option<Moment>,
    was_paused: bool,
}

impl HandshakeTimedOut {
    pub(crate) fn new(moment: Option<Moment>, was_paused: bool) -> Self {
        Self { moment, was_paused }
    }

    /// Returns what this side had sent and what it awaited. `None` if only the last of this side's
    /// own messages was left to be written, which the peer did not read.
    #[must_use]
    pub fn moment(&self) -> Option<&Moment> {
        self.moment.as_ref()
    }

    /// Returns true if the handshake was paused: it waited for this side's answer
    /// ([`Connection::pending`](crate::Connection::pending)), and not for the peer.
    #[must_use]
    pub fn was_paused(&self) -> bool {
        self.was_paused
    }

    /// Returns true if not one byte of the peer's had arrived.
    #[must_use]
    pub fn peer_was_silent(&self) -> bool {
        self.moment().is_some_and(Moment::peer_was_silent)
    }
}

impl fmt::Display for HandshakeTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handshake was not complete by its deadline: ")?;
        if self.was_paused {
            return f.write_str("this side did not answer the pause");
        }
        let Some(moment) = self.moment() else {
            return f.write_str("the peer did not read the last flight");
        };
        if moment.peer_was_silent() {
            f.write_str("the peer did not send a byte; ")?;
        }
        if let Some(sent) = moment.sent() {
            write!(f, "{sent} was sent, ")?;
        }
        write!(f, "{} was awaited", moment.awaited())
    }
}

impl core::error::Error for HandshakeTimedOut {}
