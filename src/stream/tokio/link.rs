//! A pump and its transport: the steps of the pump as polls.

use super::answer::Answers;
use super::waiting::{Side, Waiting};
use crate::error::{Error, Misuse};
use crate::stream::errors::{io_error, is_reset, overrun};
use crate::stream::pump::{Pump, Step};
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    Progress,
    Closed,
}

/// A pump, its transport, the answers to its pauses, and the tasks that wait for all of them.
#[derive(Debug)]
pub(super) struct Link<S> {
    pub(super) pump: Pump,
    pub(super) transport: S,
    answers: Answers,
    pub(super) waiting: Arc<Waiting>,
    /// Wakes the tasks of `waiting`.
    waker: Waker,
}

impl<S> Link<S> {
    pub(super) fn new(pump: Pump, transport: S, answers: Answers) -> Self {
        let waiting = Arc::new(Waiting::default());
        Self {
            pump,
            transport,
            answers,
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        }
    }

    /// Runs one operation of a task, which is woken when the operation can go on.
    pub(super) fn operate<T>(
        &mut self,
        side: Side,
        context: &Context<'_>,
        operation: impl FnOnce(&mut Self) -> Poll<T>,
    ) -> Poll<T> {
        self.waiting.register(side, context);
        let before = (self.holds_up_reader(), self.holds_up_writer());
        let result = operation(self);
        // What one task has done may be what the other one waits for.
        let after = (self.holds_up_reader(), self.holds_up_writer());
        if before.0 != after.0 {
            self.waiting.wake_one(Side::Reader);
        }
        if before.1 != after.1 {
            self.waiting.wake_one(Side::Writer);
        }
        if result.is_ready() {
            self.waiting.clear(side);
        }
        result
    }

    /// A reader waits while there is no data, and may end when the connection does.
    fn holds_up_reader(&self) -> (bool, bool) {
        let has_data = self.pump.plaintext().is_ok_and(|data| !data.is_empty());
        (has_data, self.pump.connection().has_failed())
    }

    /// A writer waits for earlier output, and for the end of a handshake.
    fn holds_up_writer(&self) -> (bool, bool, bool) {
        let connection = self.pump.connection();
        (
            self.pump.has_written_all(),
            connection.is_established(),
            connection.has_failed(),
        )
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Does what the pump needs.
    ///
    /// A failed write does not stop it: it is reported at the next write, or if there is nothing to
    /// read either.
    pub(super) fn poll_act(&mut self, step: Result<Step, Error>) -> Poll<io::Result<Advance>> {
        match step {
            Ok(Step::Data | Step::HandshakeComplete) => Poll::Ready(Ok(Advance::Progress)),
            Ok(Step::NeedRead) => self.poll_fill(),
            Ok(Step::NeedWrite) => {
                let flushed = self.poll_flush();
                if self.pump.is_full() {
                    return flushed.map_ok(|()| Advance::Progress);
                }
                self.poll_fill().map_err(|error| match flushed {
                    Poll::Ready(Err(cause)) => cause,
                    _ => error,
                })
            }
            Ok(Step::Paused) => {
                let _ = self.poll_flush();
                self.poll_answer()
            }
            Ok(Step::Closed) => {
                let _ = self.poll_flush();
                Poll::Ready(Ok(Advance::Closed))
            }
            Err(error) => {
                let _ = self.poll_flush();
                Poll::Ready(Err(io_error(error)))
            }
        }
    }

    /// Reads and writes until the handshake is complete, or the renegotiation that the server asked
    /// for.
    pub(super) fn poll_established(&mut self) -> Poll<io::Result<()>> {
        while !self.pump.connection().is_established() {
            let step = self.pump.receive();
            if ready!(self.poll_act(step))? == Advance::Closed {
                return Poll::Ready(Err(io_error(Misuse::Closed)));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the output. Bytes that the transport does not accept now are kept.
    pub(super) fn poll_write_all(&mut self) -> Poll<io::Result<()>> {
        while let rest @ [_, ..] = self.pump.outgoing().map_err(io_error)? {
            let mut context = Context::from_waker(&self.waker);
            match ready!(Pin::new(&mut self.transport).poll_write(&mut context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.pump.wrote(count).map_err(overrun)?,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the output, and has the transport pass it on.
    pub(super) fn poll_flush(&mut self) -> Poll<io::Result<()>> {
        ready!(self.poll_write_all())?;
        let mut context = Context::from_waker(&self.waker);
        ready!(Pin::new(&mut self.transport).poll_flush(&mut context))?;
        self.pump.flushed();
        Poll::Ready(Ok(()))
    }

    /// Ends the sending direction of the transport.
    pub(super) fn poll_shutdown_transport(&mut self) -> Poll<io::Result<()>> {
        let mut context = Context::from_waker(&self.waker);
        match ready!(Pin::new(&mut self.transport).poll_shutdown(&mut context)) {
            // The peer has ended the connection, too.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }

    /// Reads once from the transport.
    fn poll_fill(&mut self) -> Poll<io::Result<Advance>> {
        let mut context = Context::from_waker(&self.waker);
        let mut room = ReadBuf::new(self.pump.room().map_err(io_error)?);
        let read = ready!(Pin::new(&mut self.transport).poll_read(&mut context, &mut room));
        let count = room.filled().len();
        match read {
            // A peer that closes with bytes unread, such as a refused ClientHello, resets. So do the
            // probes of load balancers.
            Err(error) if is_reset(&error) && !self.pump.connection().is_established() => {
                self.pump.read_eof().map_err(|hung_up| io::Error::new(error.kind(), hung_up))?;
                return Poll::Ready(Err(error));
            }
            result => result?,
        }
        if count == 0 {
            self.pump.read_eof().map_err(io_error)?;
            return Poll::Ready(Ok(Advance::Closed));
        }
        self.pump.read(count).map_err(overrun)?;
        Poll::Ready(Ok(Advance::Progress))
    }

    /// Waits for the answer to the pending question.
    fn poll_answer(&mut self) -> Poll<io::Result<Advance>> {
        let context = &mut Context::from_waker(&self.waker);
        let answer = ready!(self.answers.poll(self.pump.connection(), context));
        let resumed = match answer {
            Ok(answer) => self.pump.resume(answer).map_err(io_error),
            Err(error) => {
                self.pump.close();
                Err(error)
            }
        };
        // Also the alert of an answer that ends the handshake.
        let _ = self.poll_flush();
        resumed?;
        Poll::Ready(Ok(Advance::Progress))
    }
}
