//! A stream in two halves, for two tasks.

use super::answer::Answers;
use super::link::Link;
use super::stream::{TlsStream, put};
use super::writing::{End, Writing};
use crate::connection::{ReceiveHalf, ReuniteError, SplitError};
use crate::stream::errors::{io_error, overrun};
use crate::stream::half_pumps::{Inlet, Step, reunite, split};
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The reading half of a [`TlsStream`], from [`TlsStream::split`].
///
/// Reads are like the stream's. What the connection has to tell the peer because of them (an alert
/// after an error, the refusal of another handshake, the answer to close_notify with
/// [`close_with_peer`](crate::ServerConfigBuilder::close_with_peer)) a read passes on at once, and so it
/// does with what an idle [`WriteHalf`] has left behind. What the transport does not accept then goes
/// out with the next call of either half. An error of the connection is final for both halves; an
/// error of the transport while it is written is the writer's.
///
/// A dropped future of a read loses nothing.
#[derive(Debug)]
pub struct ReadHalf<R, W> {
    inlet: Inlet,
    transport: R,
    writing: Arc<Writing<W>>,
}

/// The writing half of a [`TlsStream`], from [`TlsStream::split`]. Writes, flushes and shutdowns are
/// like the stream's.
///
/// Dropping it sends nothing: shut it down first. The reader goes on.
#[derive(Debug)]
pub struct WriteHalf<W> {
    writing: Arc<Writing<W>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Splits the stream into a reader and a writer, for two tasks.
    ///
    /// Unlike with `tokio::io::split` over the whole stream, one task decrypts while the other one
    /// encrypts. They share the transport, each for as long as one poll of it takes; a transport that
    /// comes apart needs not even that: [`split_with`](Self::split_with).
    ///
    /// # Errors
    ///
    /// [`SplitError`] gives the stream back, unchanged; see
    /// [`Connection::split`](crate::Connection::split).
    pub fn split(self) -> Result<Halves<SharedTransport<S>, SharedTransport<S>>, SplitError<Self>> {
        self.split_with(|transport| {
            let transport = SharedTransport(Arc::new(Mutex::new(transport)));
            (SharedTransport(Arc::clone(&transport.0)), transport)
        })
    }
}

type Halves<R, W> = (ReadHalf<R, W>, WriteHalf<W>);

impl<S> TlsStream<S> {
    /// Splits the stream into a reader and a writer, and its transport with `halves` into what each
    /// of them uses.
    ///
    /// ```
    /// use premaster::SplitError;
    /// use premaster::tokio::{ReadHalf, TlsStream, WriteHalf};
    /// use tokio::net::TcpStream;
    /// use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
    ///
    /// type Reader = ReadHalf<OwnedReadHalf, OwnedWriteHalf>;
    /// type Writer = WriteHalf<OwnedWriteHalf>;
    ///
    /// fn two_tasks(
    ///     stream: TlsStream<TcpStream>,
    /// ) -> Result<(Reader, Writer), SplitError<TlsStream<TcpStream>>> {
    ///     stream.split_with(TcpStream::into_split)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`split`](Self::split); `halves` is not called then.
    pub fn split_with<R, W>(
        self,
        halves: impl FnOnce(S) -> (R, W),
    ) -> Result<Halves<R, W>, SplitError<Self>> {
        let mut link = self.link;
        match split(link.pump) {
            Ok((inlet, outlet)) => {
                let (reading, transport) = halves(link.transport);
                Ok(halves_of(inlet, reading, End { outlet, transport }))
            }
            Err(refused) => {
                link.pump = *refused.whole;
                Err(SplitError::new(Self::of(link), refused.error))
            }
        }
    }
}

fn halves_of<R, W>(inlet: Inlet, transport: R, end: End<W>) -> Halves<R, W> {
    let writing = Arc::new(Writing::new(end));
    let reader = ReadHalf {
        inlet,
        transport,
        writing: Arc::clone(&writing),
    };
    (reader, WriteHalf { writing })
}

impl<R, W> ReadHalf<R, W> {
    /// Returns the connection's receiving half, for example for its
    /// [`session`](ReceiveHalf::session).
    #[must_use]
    pub fn receiver(&self) -> &ReceiveHalf {
        self.inlet.receiver()
    }

    /// Returns the transport that is read.
    #[must_use]
    pub fn get_ref(&self) -> &R {
        &self.transport
    }

    /// Makes a whole stream of its halves. Nothing is lost: neither data that was received and not
    /// read, nor output that the transport has not accepted. `whole` makes one transport of two; for
    /// halves from [`TlsStream::split`] it is `|transport, _| transport`.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] gives back both if they are not halves of one stream.
    pub fn reunite<S>(
        self,
        writer: WriteHalf<W>,
        whole: impl FnOnce(R, W) -> S,
    ) -> Result<TlsStream<S>, ReuniteError<WriteHalf<W>, Self>> {
        if !Arc::ptr_eq(&self.writing, &writer.writing) {
            return Err(ReuniteError::new(writer, self));
        }
        drop(writer);
        let Self {
            inlet,
            transport: reading,
            writing,
        } = self;
        let end = match Arc::try_unwrap(writing) {
            Ok(writing) => writing.into_end(),
            // There are two handles, and both are here.
            Err(writing) => {
                let writer = WriteHalf {
                    writing: Arc::clone(&writing),
                };
                let reader = Self {
                    inlet,
                    transport: reading,
                    writing,
                };
                return Err(ReuniteError::new(writer, reader));
            }
        };
        let End { outlet, transport } = end;
        match reunite(inlet, outlet) {
            Ok(pump) => {
                // A connection that was split never pauses again.
                let link = Link::new(pump, whole(reading, transport), Answers::default());
                Ok(TlsStream::of(link))
            }
            Err(misfits) => {
                let (inlet, outlet) = *misfits;
                let (reader, writer) = halves_of(inlet, reading, End { outlet, transport });
                Err(ReuniteError::new(writer, reader))
            }
        }
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> ReadHalf<R, W> {
    /// Reads as much as there is, at least one byte.
    fn poll_read_some(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut has_read = false;
        loop {
            let step = self.inlet.receive_into(|data| put(data, out));
            if step == Ok(Step::Data) {
                has_read = true;
                if out.remaining() > 0 {
                    continue;
                }
            }
            self.pass_on_replies();
            if has_read {
                // Whatever the step is, the next call has it again.
                return Poll::Ready(Ok(()));
            }
            match step.map_err(io_error)? {
                Step::Data => {}
                Step::Closed => {
                    self.writing.peer_has_closed();
                    return Poll::Ready(Ok(()));
                }
                Step::NeedRead => {
                    self.writing.pass_on_rest();
                    if !ready!(self.poll_fill(context))? {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }

    /// Reads once from the transport; false at its end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut room = ReadBuf::new(self.inlet.room().map_err(io_error)?);
        ready!(Pin::new(&mut self.transport).poll_read(context, &mut room))?;
        let count = room.filled().len();
        if count == 0 {
            let ended = self.inlet.read_eof();
            self.pass_on_replies();
            ended.map_err(io_error)?;
            return Poll::Ready(Ok(false));
        }
        self.inlet.read(count).map_err(overrun)?;
        Poll::Ready(Ok(true))
    }

    fn pass_on_replies(&self) {
        if self.inlet.sender_is_due() {
            self.writing.reply();
        }
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> AsyncRead for ReadHalf<R, W> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let reader = self.get_mut();
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let data = reader.inlet.plaintext().map_err(io_error)?;
        if !data.is_empty() {
            let count = put(data, out);
            reader.inlet.gave(count).map_err(overrun)?;
            return Poll::Ready(Ok(()));
        }
        // Before it looks for what the writer left behind, so that it is woken for what comes later.
        reader.writing.reader_waits(context);
        let result = reader.poll_read_some(context, out);
        if result.is_ready() {
            reader.writing.reader_is_done();
        }
        result
    }
}

impl<W: AsyncWrite + Unpin> WriteHalf<W> {
    /// Sends close_notify, after which nothing can be written, and leaves the transport open; see
    /// [`TlsStream::send_close_notify`].
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    ///
    /// # Cancelling
    ///
    /// The close_notify of a dropped future is sent by the next call of either half.
    pub async fn send_close_notify(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            self.writing.write(context, |end, context| {
                end.outlet.close();
                end.poll_flush(context)
            })
        })
        .await
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for WriteHalf<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writing.send(context, |outlet| outlet.send(data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let pieces = pieces.iter().map(|piece| &**piece);
        self.writing.send(context, |outlet| outlet.send_pieces(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing.write(context, End::poll_flush)
    }

    /// Sends close_notify, and ends the sending direction of the transport.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let peer_closed = self.writing.peer_closed();
        self.writing.write(context, |end, context| {
            end.outlet.close();
            match ready!(end.poll_write_all(context)) {
                // A peer that has closed need not wait for the answer.
                Err(_) if peer_closed && !end.outlet.has_unwritten_data() => {}
                result => {
                    result?;
                    ready!(end.poll_flush(context))?;
                }
            }
            end.poll_shutdown_transport(context)
        })
    }
}

/// A transport that two halves of a stream share, each for as long as one poll takes.
#[derive(Debug)]
pub struct SharedTransport<S>(Arc<Mutex<S>>);

impl<S: Unpin> SharedTransport<S> {
    /// Runs `work` with the transport, for example to set its options. Both halves wait meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&mut S) -> T) -> T {
        work(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SharedTransport<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_read(context, out)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SharedTransport<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write(context, data)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_shutdown(context)
    }
}
