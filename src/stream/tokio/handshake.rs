//! The futures of a handshake, client's and server's.

use super::deadline::{Deadline, timed_out};
use super::link::Link;
use super::stream::TlsStream;
use super::waiting::Side;
use crate::connection::Connection;
use crate::stream::errors::io_error;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// A handshake under way. It ends with a stream, or with an error and the transport.
#[derive(Debug)]
enum Handshake<S> {
    /// It could not begin.
    Refused(io::Error, S),
    Running(Box<Running<S>>),
    Done,
}

#[derive(Debug)]
struct Running<S> {
    link: Link<S>,
    deadline: Deadline,
    /// Why it fails, while the alert for the peer goes out.
    failure: Option<io::Error>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Running<S> {
    /// Is ready when the handshake is complete, or has failed and nothing is left to be sent.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.failure.is_none() {
            match self.link.operate(Side::Reader, context, Link::poll_handshake) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => self.failure = Some(error),
                Poll::Pending => {
                    ready!(self.deadline.poll(context));
                    let late = timed_out(self.link.pump.connection());
                    // Silent on purpose: what was not complete by now is not told anything.
                    let _ = self.link.pump.read_eof();
                    return Poll::Ready(Err(late));
                }
            }
        }
        // What the peer is told; the first error stays the one that is reported.
        let flushed = self.link.operate(Side::Reader, context, Link::poll_flush);
        if flushed.is_pending() {
            ready!(self.deadline.poll(context));
        }
        match self.failure.take() {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    fn poll_handshake(&mut self) -> Poll<io::Result<()>> {
        ready!(self.poll_established())?;
        self.poll_flush()
    }
}

impl<S> Handshake<S> {
    fn transport(&self) -> Option<&S> {
        match self {
            Self::Refused(_, transport) => Some(transport),
            Self::Running(running) => Some(&running.link.transport),
            Self::Done => None,
        }
    }

    fn transport_mut(&mut self) -> Option<&mut S> {
        match self {
            Self::Refused(_, transport) => Some(transport),
            Self::Running(running) => Some(&mut running.link.transport),
            Self::Done => None,
        }
    }

    fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Running(running) => Some(running.link.pump.connection()),
            Self::Refused(..) | Self::Done => None,
        }
    }

    fn add_received(&mut self, bytes: &[u8]) {
        let Self::Running(running) = self else {
            return;
        };
        if let Err(error) = running.link.pump.add_received(bytes) {
            running.failure = Some(io_error(error));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Handshake<S> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<TlsStream<S>, (io::Error, S)>> {
        let result = match self {
            Self::Running(running) => ready!(running.poll(context)),
            Self::Refused(..) => Ok(()),
            Self::Done => return Poll::Pending,
        };
        match (core::mem::replace(self, Self::Done), result) {
            (Self::Running(running), Ok(())) => Poll::Ready(Ok(TlsStream::of(running.link))),
            (Self::Running(running), Err(error)) => {
                Poll::Ready(Err((error, running.link.transport)))
            }
            (Self::Refused(error, transport), _) => Poll::Ready(Err((error, transport))),
            (Self::Done, _) => Poll::Pending,
        }
    }
}

macro_rules! handshake_future {
    ($name:ident, $what:literal) => {
        #[doc = $what]
        ///
        /// An error is given out once the alert for the peer has been sent, or the deadline has
        /// passed; it is always the first one. To keep the transport after an error, use
        /// [`into_fallible`](Self::into_fallible).
        ///
        /// Dropping the future ends the handshake, and with it the transport. To do something else
        /// meanwhile, poll it by reference: `tokio::select! { result = &mut handshake => .. }`
        /// drops nothing.
        #[derive(Debug)]
        #[must_use = "a handshake goes on only while it is awaited"]
        pub struct $name<S>(Handshake<S>);

        impl<S> $name<S> {
            pub(super) fn running(link: Link<S>, deadline: Deadline) -> Self {
                Self(Handshake::Running(Box::new(Running {
                    link,
                    deadline,
                    failure: None,
                })))
            }

            /// Adds bytes that were already read from the transport, for example to look at them.
            /// They are processed before anything that is read.
            pub fn with_early_reads(mut self, bytes: &[u8]) -> Self {
                self.0.add_received(bytes);
                self
            }

            /// Returns the transport with the error if the handshake fails.
            pub fn into_fallible(self) -> Fallible<S> {
                Fallible(self.0)
            }

            /// Returns the transport; `None` once the handshake is over.
            #[must_use]
            pub fn get_ref(&self) -> Option<&S> {
                self.0.transport()
            }

            /// Returns the transport, for example to set its options; `None` once the handshake is
            /// over.
            pub fn get_mut(&mut self) -> Option<&mut S> {
                self.0.transport_mut()
            }

            /// Returns the connection; `None` once the handshake is over.
            #[must_use]
            pub fn connection(&self) -> Option<&Connection> {
                self.0.connection()
            }
        }

        impl<S: AsyncRead + AsyncWrite + Unpin> Future for $name<S> {
            type Output = io::Result<TlsStream<S>>;

            fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
                let result = self.get_mut().0.poll(context);
                result.map_err(|(error, _)| error)
            }
        }
    };
}

handshake_future!(
    Connect,
    "The future of a client's handshake, from [`TlsConnector::connect`](super::TlsConnector::connect)."
);
handshake_future!(
    Accept,
    "The future of a server's handshake, from [`TlsAcceptor::accept`](super::TlsAcceptor::accept)."
);

impl<S> Connect<S> {
    pub(super) fn refused(error: io::Error, transport: S) -> Self {
        Self(Handshake::Refused(error, transport))
    }
}

/// A [`Connect`] or [`Accept`] that returns the transport with the error if the handshake fails. The
/// alert for the peer has then been sent, if the transport accepted it before the deadline.
#[derive(Debug)]
#[must_use = "a handshake goes on only while it is awaited"]
pub struct Fallible<S>(Handshake<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Fallible<S> {
    type Output = Result<TlsStream<S>, (io::Error, S)>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(context)
    }
}
