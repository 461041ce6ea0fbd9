//! `AsyncRead` and `AsyncWrite` over a connection and a transport.

use super::answer::Answers;
use super::link::{Advance, Link};
use super::waiting::Side;
use crate::connection::Connection;
use crate::error::Error;
use crate::stream::errors::{io_error, overrun};
use crate::stream::parts::StreamParts;
use crate::stream::pump::{Pump, Step};
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An established connection over an asynchronous transport, such as tokio's `TcpStream`.
///
/// [`TlsConnector`](super::TlsConnector) and [`TlsAcceptor`](super::TlsAcceptor) make it.
///
/// A read of zero bytes means that the peer closed its direction with close_notify; writes go on until
/// this side [shuts down](tokio::io::AsyncWrite::poll_shutdown), too. If the transport ends without
/// it, the read fails with [`io::ErrorKind::UnexpectedEof`] and [`Error::Truncated`] as its inner
/// error. Every error of the connection is the inner error of the [`io::Error`].
///
/// # What is written when
///
/// A write encrypts up to 64 KiB and passes it to the transport at once. What the transport does not
/// accept is kept, and written by whatever is called next: a write, a flush, a shutdown, **or a
/// read**, so a task that only reads passes on what another one wrote. Nothing more is encrypted
/// meanwhile. A transport with a buffer of its own, such as `BufWriter`, is flushed by flushes and
/// by reads that find nothing to read. The same holds for alerts, also that of a failed connection:
/// after an error, a shutdown still sends it.
///
/// # Closing
///
/// | | close_notify | TCP |
/// |---|---|---|
/// | `shutdown` of `AsyncWriteExt` | sent | this side ends its direction, and can still read |
/// | [`send_close_notify`](Self::send_close_notify) | sent | stays open |
/// | [`close`](Self::close) | sent, and the peer's awaited | returned to the caller, open |
/// | dropping the stream | not sent | closed; the peer must treat its data as truncated |
///
/// With `close_with_peer` of the configuration, the peer's close_notify also ends this side's direction:
/// the answer is sent at once, and a write fails with [`io::ErrorKind::NotConnected`].
///
/// # Cancelling
///
/// Every method that polls keeps its state in the stream, so a dropped future of `read`, `write`,
/// `flush` or `shutdown` loses nothing: bytes that arrived stay for the next read, and bytes that a
/// write accepted are sent once. A write that was not ready has accepted nothing, so the next one may
/// have other data. (`read_exact` and `write_all` of tokio keep their own count and lose that.)
///
/// One task may read while another one writes, over `tokio::io::split`; with [`split`](Self::split)
/// neither waits for the other one.
#[derive(Debug)]
pub struct TlsStream<S> {
    pub(super) link: Link<S>,
}

impl<S> TlsStream<S> {
    pub(super) fn of(link: Link<S>) -> Self {
        Self { link }
    }

    /// Returns the transport, and the connection, for example for its
    /// [`session`](Connection::session).
    #[must_use]
    pub fn get_ref(&self) -> (&S, &Connection) {
        (&self.link.transport, self.link.pump.connection())
    }

    /// Returns the transport, for example to set its options, and the connection. Bytes that the
    /// caller reads from the transport or writes to it break the connection.
    pub fn get_mut(&mut self) -> (&mut S, &Connection) {
        (&mut self.link.transport, self.link.pump.connection())
    }

    /// Returns the connection, for example for its [`session`](Connection::session).
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.link.pump.connection()
    }

    /// Returns the transport, and the bytes that were read from it but not processed. Output that is
    /// not yet written is lost; [`close`](Self::close) or flush first.
    #[must_use]
    pub fn into_inner(self) -> (S, Vec<u8>) {
        (self.link.transport, self.link.pump.into_unread())
    }

    /// Takes the stream apart, so that the caller moves the bytes of the connection from here on.
    /// Nothing is lost: [`StreamParts`] also has what was read or encrypted and not passed on.
    #[must_use]
    pub fn into_parts(self) -> StreamParts<S> {
        StreamParts::new(self.link.pump.into_parts(), self.link.transport)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Creates a stream from a connection whose handshake is complete, its transport, and the bytes
    /// that were already read from the transport and not consumed by the connection.
    ///
    /// Send first what the connection has written to an `outgoing` so far: the stream does not have
    /// it. If the handshake is not complete, the first read or write completes it, without a
    /// deadline.
    #[must_use]
    pub fn from_parts(connection: Connection, transport: S, already_received: &[u8]) -> Self {
        let pump = Pump::new(connection, Vec::new(), already_received);
        Self::of(Link::new(pump, transport, Answers::default()))
    }

    /// Sends close_notify, after which nothing can be written, and leaves the transport open. Data
    /// can still be read until the peer closes, too.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    ///
    /// # Cancelling
    ///
    /// The close_notify of a dropped future is sent by the next read, flush or shutdown.
    pub async fn send_close_notify(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            self.link.pump.close();
            self.link.operate(Side::Writer, context, Link::poll_flush)
        })
        .await
    }

    /// Closes both directions and returns the transport, which stays open, with the bytes that were
    /// read from it behind the peer's close_notify. They do not belong to TLS.
    ///
    /// This sends close_notify and waits for the peer's: "If the application protocol using TLS
    /// provides that any data may be carried over the underlying transport after the TLS connection
    /// is closed, the TLS implementation must receive the responding close_notify alert before
    /// indicating to the application layer that the TLS connection has ended."
    /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)) Data that the
    /// peer sends before it is discarded: read to the end first if it matters. How long to wait is up
    /// to the caller (`tokio::time::timeout`).
    ///
    /// Use `shutdown` of `AsyncWriteExt` if the transport ends with the connection.
    ///
    /// # Errors
    ///
    /// The errors of the transport and of the connection: [`Error::Truncated`] if the transport ends
    /// instead.
    pub async fn close(mut self) -> io::Result<(S, Vec<u8>)> {
        poll_fn(|context| {
            self.link.pump.close();
            self.link.operate(Side::Writer, context, Link::poll_closed)
        })
        .await?;
        Ok(self.into_inner())
    }

    /// Encrypts with `send` when that is possible, and passes the result on at once.
    fn poll_send(
        &mut self,
        context: &Context<'_>,
        send: impl FnOnce(&mut Pump) -> Result<Option<usize>, Error>,
    ) -> Poll<io::Result<usize>> {
        self.link.operate(Side::Writer, context, |link| {
            ready!(link.poll_established())?;
            ready!(link.poll_write_all())?;
            let sent = send(&mut link.pump);
            // What the transport does not accept now is kept; its error comes again.
            let _ = link.poll_write_all();
            // All earlier output has been written above.
            Poll::Ready(sent.map_err(io_error)?.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Reads as much as there is, at least one byte.
    fn poll_read(&mut self, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut has_read = false;
        loop {
            let step = self.pump.receive_into(|data| put(data, out));
            if step == Ok(Step::Data) {
                has_read = true;
                if out.remaining() > 0 {
                    continue;
                }
            }
            if has_read {
                // Whatever the step is, the next call has it again. Alerts go out all the same.
                let _ = self.pump.needs_write().then(|| self.poll_flush());
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_act(step))? == Advance::Closed {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Discards data until the peer has closed.
    fn poll_closed(&mut self) -> Poll<io::Result<()>> {
        loop {
            let step = self.pump.receive_into(<[u8]>::len);
            if ready!(self.poll_act(step))? == Advance::Closed {
                return self.poll_flush();
            }
        }
    }
}

/// Copies as many bytes as fit, and returns their number.
pub(super) fn put(data: &[u8], out: &mut ReadBuf<'_>) -> usize {
    let fitting = data.split_at_checked(out.remaining()).map_or(data, |(fitting, _)| fitting);
    out.put_slice(fitting);
    fitting.len()
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let link = &mut self.get_mut().link;
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let data = link.pump.plaintext().map_err(io_error)?;
        if !data.is_empty() {
            let count = put(data, out);
            link.pump.gave(count).map_err(overrun)?;
            return Poll::Ready(Ok(()));
        }
        link.operate(Side::Reader, context, |link| link.poll_read(out))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(context, |pump| pump.send(data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let pieces = pieces.iter().map(|piece| &**piece);
        self.get_mut().poll_send(context, |pump| pump.send_pieces(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().link.operate(Side::Writer, context, Link::poll_flush)
    }

    /// Sends close_notify, and ends the sending direction of the transport.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let link = &mut self.get_mut().link;
        link.pump.close();
        link.operate(Side::Writer, context, |link| {
            match ready!(link.poll_write_all()) {
                // A peer that has closed need not wait for the answer.
                Err(_) if link.pump.peer_has_closed() && !link.pump.has_unwritten_data() => {}
                result => {
                    result?;
                    ready!(link.poll_flush())?;
                }
            }
            link.poll_shutdown_transport()
        })
    }
}
