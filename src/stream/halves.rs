//! A blocking stream in two halves, for two threads.

use super::blocking::{Stream, copy, uninterrupted};
use super::errors::{io_error, overrun};
use super::half_pumps::{Inlet, Outlet, Step, reunite, split};
use crate::connection::{ReceiveHalf, ReuniteError, SplitError};
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, Ordering, fence};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// The reading half of a [`Stream`], from [`Stream::split`].
///
/// Reads are like the stream's. What the connection has to tell the peer because of them (an alert
/// after an error, the refusal of another handshake, the answer to close_notify with
/// [`close_with_peer`](crate::ServerConfigBuilder::close_with_peer)) the reader writes itself if the
/// [`StreamWriter`] is idle, which may wait for the transport. If the writer is at work, the reader
/// does not wait for it: the writer sends it when its call is done.
///
/// An error of the connection is final for both halves. A failed write on the transport is the
/// writer's; the reader tries again with its next read.
#[derive(Debug)]
pub struct StreamReader<R, W> {
    inlet: Inlet,
    transport: R,
    writing: Arc<Writing<W>>,
}

/// The writing half of a [`Stream`], from [`Stream::split`]. Writes are like the stream's.
///
/// Dropping it sends nothing: [`close`](Self::close) it first. The reader goes on.
#[derive(Debug)]
pub struct StreamWriter<W> {
    writing: Arc<Writing<W>>,
}

/// The direction to the peer. The writer holds it while it writes, and the reader only to reply.
#[derive(Debug)]
struct Writing<W> {
    end: Mutex<End<W>>,
    /// There is something to reply. Whoever holds `end` looks here after letting go of it.
    due: AtomicBool,
}

#[derive(Debug)]
struct End<W> {
    outlet: Outlet,
    transport: W,
}

impl<S> Stream<S>
where
    for<'s> &'s S: Read + Write,
{
    /// Splits the stream into a reader and a writer, for two threads that use the connection at the
    /// same time without waiting for each other.
    ///
    /// It is for transports that can be read and written by shared reference, such as `TcpStream` and
    /// `UnixStream`; [`split_with`](Self::split_with) is for all others.
    ///
    /// ```no_run
    /// # use premaster::Stream;
    /// use std::io::{self, Write};
    /// use std::net::TcpStream;
    ///
    /// fn chat(mut stream: Stream<TcpStream>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    ///     stream.complete_handshake()?;
    ///     let (mut reader, mut writer) = stream.split()?;
    ///     let sending = std::thread::spawn(move || {
    ///         io::copy(&mut io::stdin(), &mut writer)?;
    ///         writer.close()
    ///     });
    ///     io::copy(&mut reader, &mut io::stdout())?;
    ///     sending.join().unwrap()?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SplitError`] gives the stream back, unchanged; see
    /// [`Connection::split`](crate::Connection::split). The handshake must be
    /// [complete](Self::complete_handshake).
    pub fn split(self) -> Result<Halves<SharedTransport<S>, SharedTransport<S>>, SplitError<Self>> {
        self.split_with(|transport| {
            let transport = SharedTransport(Arc::new(transport));
            (transport.clone(), transport)
        })
    }
}

type Halves<R, W> = (StreamReader<R, W>, StreamWriter<W>);

impl<S> Stream<S> {
    /// Splits the stream into a reader and a writer, and its transport with `halves` into what each
    /// of them uses.
    ///
    /// # Errors
    ///
    /// Those of [`split`](Self::split); `halves` is not called then.
    pub fn split_with<R, W>(
        self,
        halves: impl FnOnce(S) -> (R, W),
    ) -> Result<Halves<R, W>, SplitError<Self>> {
        match split(self.pump) {
            Ok((inlet, outlet)) => {
                let (reading, transport) = halves(self.transport);
                Ok(halves_of(inlet, reading, End { outlet, transport }))
            }
            Err(refused) => {
                let whole = Self {
                    pump: *refused.whole,
                    transport: self.transport,
                    deadline: self.deadline,
                };
                Err(SplitError::new(whole, refused.error))
            }
        }
    }
}

fn halves_of<R, W>(inlet: Inlet, transport: R, end: End<W>) -> Halves<R, W> {
    let writing = Arc::new(Writing {
        end: Mutex::new(end),
        due: AtomicBool::new(false),
    });
    let reader = StreamReader {
        inlet,
        transport,
        writing: writing.clone(),
    };
    (reader, StreamWriter { writing })
}

/// A transport that two halves of a stream share.
#[derive(Debug)]
pub struct SharedTransport<S>(Arc<S>);

impl<S> Clone for SharedTransport<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Deref for SharedTransport<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> Read for SharedTransport<S>
where
    for<'s> &'s S: Read,
{
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(out)
    }
}

impl<S> Write for SharedTransport<S>
where
    for<'s> &'s S: Write,
{
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self.0).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

impl<R, W> StreamReader<R, W> {
    /// Returns the connection's receiving half, for example for its
    /// [`session`](ReceiveHalf::session).
    #[must_use]
    pub fn receiver(&self) -> &ReceiveHalf {
        self.inlet.receiver()
    }

    /// Returns the transport, for example to shut it down or to change its timeouts.
    #[must_use]
    pub fn transport(&self) -> &R {
        &self.transport
    }

    /// Makes a whole stream of its halves. Nothing is lost: neither data that was received and not
    /// read, nor output that the transport has not accepted. `whole` makes one transport of two; for
    /// halves from [`Stream::split`] it is `|transport, _| transport`.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] gives back both if they are not halves of one stream.
    pub fn reunite<S>(
        self,
        writer: StreamWriter<W>,
        whole: impl FnOnce(R, W) -> S,
    ) -> Result<Stream<S>, ReuniteError<StreamWriter<W>, Self>> {
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
            Ok(writing) => writing.end.into_inner().unwrap_or_else(PoisonError::into_inner),
            // There are two handles, and both are here.
            Err(writing) => {
                let writer = StreamWriter {
                    writing: writing.clone(),
                };
                let reader = Self {
                    inlet,
                    transport: reading,
                    writing,
                };
                return Err(ReuniteError::new(writer, reader));
            }
        };
        let transport = end.transport;
        match reunite(inlet, end.outlet) {
            Ok(pump) => Ok(Stream {
                pump,
                transport: whole(reading, transport),
                deadline: None,
            }),
            Err(misfits) => {
                let (inlet, outlet) = *misfits;
                let (reader, writer) = halves_of(inlet, reading, End { outlet, transport });
                Err(ReuniteError::new(writer, reader))
            }
        }
    }
}

impl<R: Read, W: Write> StreamReader<R, W> {
    /// Reads once from the transport; false at its end.
    fn fill(&mut self) -> io::Result<bool> {
        let room = self.inlet.room().map_err(io_error)?;
        let count = uninterrupted(|| self.transport.read(room))?;
        if count == 0 {
            let ended = self.inlet.read_eof();
            self.pass_on_replies();
            ended.map_err(io_error)?;
            return Ok(false);
        }
        self.inlet.read(count).map_err(overrun)?;
        Ok(true)
    }

    fn pass_on_replies(&self) {
        if self.inlet.sender_is_due() {
            self.writing.leave_reply();
        }
    }
}

impl<R: Read, W: Write> Read for StreamReader<R, W> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let data = self.inlet.plaintext().map_err(io_error)?;
            if !data.is_empty() {
                let count = copy(data, out);
                self.inlet.gave(count).map_err(overrun)?;
                return Ok(count);
            }
            let mut count = 0;
            let step = self.inlet.receive_into(|data| {
                count = copy(data, out);
                count
            });
            self.pass_on_replies();
            match step.map_err(io_error)? {
                Step::Data => return Ok(count),
                Step::Closed => return Ok(0),
                Step::NeedRead => {
                    // What the transport has not accepted before.
                    self.writing.reply();
                    if !self.fill()? {
                        return Ok(0);
                    }
                }
            }
        }
    }
}

impl<W: Write> StreamWriter<W> {
    /// Sends close_notify, after which nothing can be written. The [`StreamReader`] can still read
    /// until the peer closes, too.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    pub fn close(&mut self) -> io::Result<()> {
        self.writing.write(|end| {
            end.outlet.close();
            end.flush()
        })
    }
}

impl<W: Write> Write for StreamWriter<W> {
    /// Encrypts and writes up to 64 KiB of `data`, as a [`Stream`] does.
    ///
    /// On an error, none of `data` was accepted: a half of the connection failed, it cannot send, or
    /// the transport did not accept earlier output.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.writing.write(|end| {
            end.flush()?;
            let sent = end.outlet.send(data);
            let _ = end.flush();
            // All earlier output has been written above.
            sent.map_err(io_error)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writing.write(End::flush)
    }
}

impl<W: Write> Writing<W> {
    /// Does something for the writer, which waits at most for a reply that the reader writes.
    fn write<T>(&self, operation: impl FnOnce(&mut End<W>) -> T) -> T {
        let done = {
            let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            operation(&mut end)
        };
        self.let_go();
        done
    }

    /// Has a reply written, now or by the writer when it is done.
    fn leave_reply(&self) {
        self.due.store(true, Ordering::SeqCst);
        self.let_go();
    }

    /// Replies after letting go of `end`, or after leaving something for who holds it.
    ///
    /// One thread sets `due` and then finds `end` taken; the other one lets go of `end` and then
    /// looks at `due`. The fences give both one order, so that the reply is not left to each by the
    /// other.
    fn let_go(&self) {
        fence(Ordering::SeqCst);
        self.reply();
    }

    /// Writes what is to be replied, unless the writer is at work.
    fn reply(&self) {
        while self.due.load(Ordering::SeqCst)
            && let Some(mut end) = self.take()
        {
            self.due.store(false, Ordering::SeqCst);
            end.outlet.reply();
            let flushed = end.flush();
            if flushed.is_err() {
                // Whichever half is used next tries again.
                self.due.store(true, Ordering::SeqCst);
                return;
            }
            drop(end);
            fence(Ordering::SeqCst);
        }
    }

    fn take(&self) -> Option<MutexGuard<'_, End<W>>> {
        match self.end.try_lock() {
            Ok(end) => Some(end),
            Err(TryLockError::Poisoned(end)) => Some(end.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<W: Write> End<W> {
    /// Writes the output. Bytes that the transport does not accept now are kept.
    fn flush(&mut self) -> io::Result<()> {
        while let rest @ [_, ..] = self.outlet.outgoing().map_err(io_error)? {
            match uninterrupted(|| self.transport.write(rest))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.outlet.wrote(count).map_err(overrun)?,
            }
        }
        self.transport.flush()?;
        self.outlet.flushed();
        Ok(())
    }
}
