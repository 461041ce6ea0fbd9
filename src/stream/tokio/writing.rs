//! The direction to the peer of a stream in two halves.

use super::waiting::{Side, Waiting};
use crate::error::Error;
use crate::stream::errors::{io_error, overrun};
use crate::stream::half_pumps::Outlet;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker, ready};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::AsyncWrite;

/// What the writer uses for its data, and the reader to reply and to pass on what the writer left
/// behind. Either holds `end` for as long as one poll takes.
#[derive(Debug)]
pub(super) struct Writing<W> {
    end: Mutex<End<W>>,
    /// There is output that the transport has not accepted or passed on.
    unwritten: AtomicBool,
    peer_closed: AtomicBool,
    waiting: Arc<Waiting>,
    /// Wakes the tasks of `waiting`.
    waker: Waker,
}

/// A sender with its output and its transport.
#[derive(Debug)]
pub(super) struct End<W> {
    pub(super) outlet: Outlet,
    pub(super) transport: W,
}

impl<W> Writing<W> {
    pub(super) fn new(end: End<W>) -> Self {
        let waiting = Arc::new(Waiting::default());
        Self {
            unwritten: AtomicBool::new(end.outlet.needs_write()),
            end: Mutex::new(end),
            peer_closed: AtomicBool::new(false),
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        }
    }

    pub(super) fn into_end(self) -> End<W> {
        self.end.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the reading task is woken when the transport accepts output again.
    pub(super) fn reader_waits(&self, context: &Context<'_>) {
        self.waiting.register(Side::Reader, context);
    }

    pub(super) fn reader_is_done(&self) {
        self.waiting.clear(Side::Reader);
    }

    /// The reader has seen the peer's close_notify.
    pub(super) fn peer_has_closed(&self) {
        self.peer_closed.store(true, Ordering::Release);
    }

    pub(super) fn peer_closed(&self) -> bool {
        self.peer_closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, End<W>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: AsyncWrite + Unpin> Writing<W> {
    /// Does something for the writing task, which is woken when it can go on.
    pub(super) fn write<T>(
        &self,
        context: &Context<'_>,
        operation: impl FnOnce(&mut End<W>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.waiting.register(Side::Writer, context);
        let result = self.operate(operation);
        if result.is_ready() {
            self.waiting.clear(Side::Writer);
        }
        result
    }

    /// Encrypts with `send` when that is possible, and passes the result on at once.
    pub(super) fn send(
        &self,
        context: &Context<'_>,
        send: impl FnOnce(&mut Outlet) -> Result<Option<usize>, Error>,
    ) -> Poll<io::Result<usize>> {
        self.write(context, |end, context| {
            ready!(end.poll_write_all(context))?;
            let sent = send(&mut end.outlet);
            // What the transport does not accept now is kept; its error comes again.
            let _ = end.poll_write_all(context);
            // All earlier output has been written above.
            Poll::Ready(sent.map_err(io_error)?.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
        })
    }

    /// Sends what the receiver has left for the sender, for the reading task.
    pub(super) fn reply(&self) {
        self.flush_for_reader(|end| end.outlet.reply());
    }

    /// Passes on what the writing task has left behind, for the reading task.
    pub(super) fn pass_on_rest(&self) {
        if self.unwritten.load(Ordering::Acquire) {
            self.flush_for_reader(|_| ());
        }
    }

    fn flush_for_reader(&self, prepare: impl FnOnce(&mut End<W>)) {
        // An error of the transport comes again when the writer writes.
        let _ = self.operate(|end, context| {
            prepare(end);
            end.poll_flush(context)
        });
        // What the reader has written, the writer may have waited for.
        if !self.unwritten.load(Ordering::Acquire) {
            self.waiting.wake_one(Side::Writer);
        }
    }

    fn operate<T>(
        &self,
        operation: impl FnOnce(&mut End<W>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut end = self.lock();
        let result = operation(&mut end, &mut Context::from_waker(&self.waker));
        self.unwritten.store(end.outlet.needs_write(), Ordering::Release);
        result
    }
}

impl<W: AsyncWrite + Unpin> End<W> {
    /// Writes the output. Bytes that the transport does not accept now are kept.
    pub(super) fn poll_write_all(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let rest @ [_, ..] = self.outlet.outgoing().map_err(io_error)? {
            match ready!(Pin::new(&mut self.transport).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.outlet.wrote(count).map_err(overrun)?,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the output, and has the transport pass it on.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_all(context))?;
        ready!(Pin::new(&mut self.transport).poll_flush(context))?;
        self.outlet.flushed();
        Poll::Ready(Ok(()))
    }

    /// Ends the sending direction of the transport.
    pub(super) fn poll_shutdown_transport(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.transport).poll_shutdown(context)) {
            // The peer has ended the connection, too.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}
