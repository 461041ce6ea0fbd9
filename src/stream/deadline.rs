//! A deadline for the handshake over a transport whose calls block.

use core::fmt;
use core::time::Duration;
use std::io;
use std::time::Instant;

/// A transport whose reads and writes can be given a timeout, such as a `TcpStream`.
///
/// A [`Stream`](crate::Stream) needs it for a
/// [deadline](crate::Stream::set_handshake_deadline). The methods are those of
/// [`TcpStream`](std::net::TcpStream) with the same names: a read or write that has taken as long fails
/// with [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut), and `None`
/// lets it take any time.
///
/// ```
/// use premaster::Timeouts;
/// use std::io::Result;
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// struct Counted {
///     transport: TcpStream,
///     bytes: u64,
/// }
///
/// impl Timeouts for Counted {
///     fn read_timeout(&self) -> Result<Option<Duration>> {
///         self.transport.read_timeout()
///     }
///
///     fn set_read_timeout(&self, timeout: Option<Duration>) -> Result<()> {
///         self.transport.set_read_timeout(timeout)
///     }
///
///     fn write_timeout(&self) -> Result<Option<Duration>> {
///         self.transport.write_timeout()
///     }
///
///     fn set_write_timeout(&self, timeout: Option<Duration>) -> Result<()> {
///         self.transport.set_write_timeout(timeout)
///     }
/// }
/// ```
pub trait Timeouts {
    /// Returns how long a read may take.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    fn read_timeout(&self) -> io::Result<Option<Duration>>;

    /// Sets how long a read may take; never zero.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Returns how long a write may take.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    fn write_timeout(&self) -> io::Result<Option<Duration>>;

    /// Sets how long a write may take; never zero.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
}

macro_rules! has_timeouts {
    ($socket:ty) => {
        impl Timeouts for $socket {
            fn read_timeout(&self) -> io::Result<Option<Duration>> {
                <$socket>::read_timeout(self)
            }

            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_read_timeout(self, timeout)
            }

            fn write_timeout(&self) -> io::Result<Option<Duration>> {
                <$socket>::write_timeout(self)
            }

            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_write_timeout(self, timeout)
            }
        }
    };
}

has_timeouts!(std::net::TcpStream);
#[cfg(unix)]
has_timeouts!(std::os::unix::net::UnixStream);

impl<T: Timeouts + ?Sized> Timeouts for &T {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        (**self).read_timeout()
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        (**self).set_read_timeout(timeout)
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        (**self).write_timeout()
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        (**self).set_write_timeout(timeout)
    }
}

/// What is added to the time that is left: a system that wakes a call early must not make it look as if
/// the caller's own timeout had passed.
const ROUNDING: Duration = Duration::from_millis(1);

/// A time, and how a transport's timeouts are set, so that it is kept in a stream whose transport need
/// not have any.
pub(super) struct Deadline<S> {
    at: Instant,
    read: Setting<S>,
    write: Setting<S>,
}

struct Setting<S> {
    get: fn(&S) -> io::Result<Option<Duration>>,
    set: fn(&S, Option<Duration>) -> io::Result<()>,
}

impl<S: Timeouts> Deadline<S> {
    pub(super) fn new(at: Instant) -> Self {
        Self {
            at,
            read: Setting {
                get: S::read_timeout,
                set: S::set_read_timeout,
            },
            write: Setting {
                get: S::write_timeout,
                set: S::set_write_timeout,
            },
        }
    }
}

impl<S> Deadline<S> {
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.at
    }

    /// Makes a call that reads, with a timeout that ends at the deadline unless the transport's own is
    /// shorter. The transport then has its own again. A call after the deadline is not made, and times
    /// out.
    pub(super) fn bound_read<T>(
        &self,
        transport: &mut S,
        call: impl FnOnce(&mut S) -> io::Result<T>,
    ) -> io::Result<T> {
        self.bound(&self.read, transport, call)
    }

    /// Does so for a call that writes.
    pub(super) fn bound_write<T>(
        &self,
        transport: &mut S,
        call: impl FnOnce(&mut S) -> io::Result<T>,
    ) -> io::Result<T> {
        self.bound(&self.write, transport, call)
    }

    fn bound<T>(
        &self,
        setting: &Setting<S>,
        transport: &mut S,
        call: impl FnOnce(&mut S) -> io::Result<T>,
    ) -> io::Result<T> {
        let left = self.at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let own = (setting.get)(transport)?;
        if own.is_some_and(|own| own <= left) {
            return call(transport);
        }
        (setting.set)(transport, Some(left.saturating_add(ROUNDING)))?;
        let result = call(transport);
        let restored = (setting.set)(transport, own);
        let value = result?;
        restored?;
        Ok(value)
    }
}

impl<S> fmt::Debug for Deadline<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.at).finish()
    }
}
