//! A blocking adapter: `io::Read` and `io::Write` over a [`Connection`] and a transport.

use super::deadline::{Deadline, Timeouts};
use super::errors::{io_error, is_reset, overrun};
use super::parts::StreamParts;
use super::pump::{Pump, Step};
use crate::config::{ClientConfig, ServerConfig};
use crate::connection::Connection;
use crate::error::{Error, HandshakeTimedOut, Misuse};
use crate::pending::{Answer, Pending};
use core::net::SocketAddr;
use pki_types::ServerName;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// A [`Connection`] over a blocking transport, such as a `TcpStream`.
///
/// Reads and writes complete the handshake first. A read of zero bytes means that the peer closed
/// its direction with close_notify; writes go on until this side is [closed](Self::close), too. If the
/// transport ends without it, the read fails with [`io::ErrorKind::UnexpectedEof`]; during the handshake the
/// inner error is then [`Error::HungUp`], also if the transport was reset
/// ([`io::ErrorKind::ConnectionReset`]). An error of the connection is the inner error of the
/// [`io::Error`], a [`premaster::Error`](crate::Error); its alert has been written if the transport
/// accepted it.
///
/// # Timeouts and pauses
///
/// An error of the transport is returned as it is. If a `TcpStream` has a read timeout, a read, or
/// the handshake, returns [`io::ErrorKind::WouldBlock`] or [`io::ErrorKind::TimedOut`], depending on
/// the operating system, when the timeout has passed. No data is lost: call again to continue, even
/// in the middle of a record or of the handshake. A non-blocking transport returns
/// [`io::ErrorKind::WouldBlock`] as well. Reads continue while writes would block, so two peers that
/// both write cannot deadlock. If writes on the transport can time out, set a timeout for its reads,
/// too.
///
/// A timeout counts for one read. A peer that sends a byte now and then outlasts it; so a server also sets a
/// deadline for the [whole handshake](Self::set_handshake_deadline).
///
/// A handshake that is paused, and waits for its caller and not for the peer, returns
/// [`io::ErrorKind::Other`] with [`Misuse::Paused`] as its inner error, and [`pending`](Self::pending)
/// returns the question.
///
/// ```
/// use premaster::error::{Error, Misuse};
/// use std::io::{self, ErrorKind};
///
/// fn is_timeout(error: &io::Error) -> bool {
///     matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
/// }
///
/// fn is_pause(error: &io::Error) -> bool {
///     let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
///     matches!(inner, Some(Error::Misuse(Misuse::Paused)))
/// }
/// ```
///
/// # Two threads
///
/// [`split`](Self::split) gives a reader and a writer that do not wait for each other.
///
/// # Closing
///
/// Dropping a stream sends nothing: [`close`](Self::close) it first, or the peer must treat its
/// data as truncated.
///
/// ```no_run
/// use premaster::{ClientConfig, RootStore, Stream};
/// use std::io::{Read, Write};
/// use std::sync::Arc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let roots = RootStore::from_pem(&std::fs::read("ca.pem")?)?;
/// let config = Arc::new(ClientConfig::builder(roots).build()?);
/// let transport = std::net::TcpStream::connect("bmc.example:443")?;
/// let mut stream = Stream::client(config, premaster::server_name("bmc.example")?, transport)?;
/// stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut response = Vec::new();
/// stream.read_to_end(&mut response)?;
/// stream.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stream<S> {
    pub(super) pump: Pump,
    pub(super) transport: S,
    /// Until the handshake is complete and all of it is written.
    pub(super) deadline: Option<Deadline<S>>,
}

impl<S: Read + Write> Stream<S> {
    /// Creates a client's stream to the server with this name. Nothing is written yet.
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::client`].
    pub fn client(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        transport: S,
    ) -> Result<Self, Error> {
        let mut outgoing = Vec::new();
        let connection = Connection::client(config, server_name, &mut outgoing)?;
        Ok(Self::new(connection, outgoing, &[], transport))
    }

    /// Creates a client's stream that resumes only a session made with the server at `address`; see
    /// [`Connection::client_at`].
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::client_at`].
    pub fn client_at(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        address: SocketAddr,
        transport: S,
    ) -> Result<Self, Error> {
        let mut outgoing = Vec::new();
        let connection = Connection::client_at(config, server_name, address, &mut outgoing)?;
        Ok(Self::new(connection, outgoing, &[], transport))
    }

    /// Creates a server's stream. Nothing is read yet.
    #[must_use]
    pub fn server(config: Arc<ServerConfig>, transport: S) -> Self {
        Self::new(Connection::server(config), Vec::new(), &[], transport)
    }

    /// Creates a stream from a connection, its transport, and the bytes that were already read from
    /// the transport and not consumed by the connection.
    ///
    /// Use it if the first bytes decide who serves the client
    /// ([`ClientHello::peek`](crate::ClientHello::peek)), or after a handshake without a stream.
    /// Send first what the connection has written to an `outgoing` so far: the stream does not have
    /// it.
    ///
    /// ```
    /// use premaster::{Connection, ServerConfig, Stream};
    /// use std::net::TcpStream;
    /// use std::sync::Arc;
    ///
    /// /// `hello` was read from the transport to look at it.
    /// fn serve(config: Arc<ServerConfig>, transport: TcpStream, hello: &[u8]) -> Stream<TcpStream> {
    ///     Stream::from_parts(Connection::server(config), transport, hello)
    /// }
    /// ```
    #[must_use]
    pub fn from_parts(connection: Connection, transport: S, already_received: &[u8]) -> Self {
        Self::new(connection, Vec::new(), already_received, transport)
    }

    fn new(connection: Connection, outgoing: Vec<u8>, received: &[u8], transport: S) -> Self {
        Self {
            pump: Pump::new(connection, outgoing, received),
            transport,
            deadline: None,
        }
    }

    /// Sets the time by which the handshake has to be complete, or that there is none, as at first.
    ///
    /// Without it a peer that sends a byte now and then holds a blocking handshake up for as long as
    /// it likes, whatever the timeouts of the transport. With it every read and write of the handshake
    /// is made with the time that is left, or with the transport's own timeout if that is shorter;
    /// after each call the transport has its own timeouts again. From the deadline on, until the
    /// handshake is complete, every call fails with [`io::ErrorKind::TimedOut`] and
    /// [`HandshakeTimedOut`] as its inner error, which says what was awaited. Nothing is sent then:
    /// close the transport.
    ///
    /// The deadline counts for [`complete_handshake`](Self::complete_handshake), for
    /// [`resume`](Self::resume), and for the reads and writes that complete the handshake first; also
    /// over a non-blocking transport. It does not interrupt what this side computes, or the caller's
    /// answer to a pause. A renegotiation has none.
    ///
    /// ```
    /// use premaster::{ServerConfig, Stream};
    /// use std::io::{self, Write};
    /// use std::net::TcpStream;
    /// use std::sync::Arc;
    /// use std::time::{Duration, Instant};
    ///
    /// fn greet(transport: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    ///     let mut stream = Stream::server(config, transport);
    ///     stream.set_handshake_deadline(Some(Instant::now() + Duration::from_secs(10)));
    ///     stream.write_all(b"hello\n")?;
    ///     stream.close()
    /// }
    /// ```
    pub fn set_handshake_deadline(&mut self, deadline: Option<Instant>)
    where
        S: Timeouts,
    {
        self.deadline = deadline.map(Deadline::new);
    }

    /// Reads and writes until the handshake is complete, or the renegotiation that the server asked
    /// for. Returns at once if it already is. Data that arrives meanwhile is kept.
    ///
    /// # Errors
    ///
    /// The errors of the connection and of the transport. If the handshake is paused,
    /// [`io::ErrorKind::Other`] with [`Misuse::Paused`] as its inner error: answer with
    /// [`resume`](Self::resume) and call again.
    pub fn complete_handshake(&mut self) -> io::Result<()> {
        if self.is_established() {
            return Ok(());
        }
        while !self.is_established() {
            let step = self.pump.receive();
            if self.act(step)? == Advance::Closed {
                return Err(io_error(Misuse::Closed));
            }
        }
        self.flush_outgoing()
    }

    /// Sends close_notify, after which nothing can be written. Data can still be read until the peer
    /// closes, too. Call it also after the peer has closed: it may wait for the answer.
    ///
    /// # Errors
    ///
    /// The errors of the transport.
    pub fn close(&mut self) -> io::Result<()> {
        self.pump.close();
        self.flush_outgoing()
    }

    /// Returns the question that a paused handshake waits for; see [`Connection::pending`].
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        self.pump.connection().pending()
    }

    /// Answers the pending question; see [`Connection::resume`]. An error of the transport is
    /// reported by the next call.
    ///
    /// # Errors
    ///
    /// The errors of the connection.
    pub fn resume(&mut self, answer: Answer) -> io::Result<()> {
        let resumed = self.pump.resume(answer);
        let _ = self.flush_outgoing();
        resumed.map_err(io_error)
    }

    /// Returns the connection, for example for its [`session`](Connection::session).
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.pump.connection()
    }

    /// Returns the transport.
    #[must_use]
    pub fn transport(&self) -> &S {
        &self.transport
    }

    /// Returns the transport, for example to change its timeouts. Bytes that the caller reads from it
    /// or writes to it break the connection.
    pub fn transport_mut(&mut self) -> &mut S {
        &mut self.transport
    }

    /// Takes the stream apart, so that the caller moves the bytes of the connection from here on.
    /// Nothing is lost: [`StreamParts`] also has what was read or encrypted and not passed on.
    #[must_use]
    pub fn into_parts(self) -> StreamParts<S> {
        StreamParts::new(self.pump.into_parts(), self.transport)
    }

    /// Returns the transport, and the bytes that were read from it but not processed. After the
    /// peer's close_notify these bytes do not belong to TLS. Output that is not yet written is
    /// lost; [`close`](Self::close) or flush first.
    #[must_use]
    pub fn into_inner(self) -> (S, Vec<u8>) {
        (self.transport, self.pump.into_unread())
    }

    fn is_established(&self) -> bool {
        self.pump.connection().is_established()
    }

    /// Returns true once the first handshake is complete.
    fn has_session(&self) -> bool {
        self.pump.connection().session().is_some()
    }

    /// The error of a handshake whose deadline is over, if that is so.
    fn late(&self) -> Option<io::Error> {
        self.deadline.as_ref().filter(|deadline| deadline.is_over())?;
        let connection = self.pump.connection();
        let error = HandshakeTimedOut::new(connection.moment(), connection.pending().is_some());
        Some(io::Error::new(io::ErrorKind::TimedOut, error))
    }

    /// Names the error of a call that timed out because the deadline is over.
    fn named(&self, error: io::Error) -> io::Error {
        if is_timeout(&error) {
            self.late().unwrap_or(error)
        } else {
            error
        }
    }

    /// Does what the pump needs.
    ///
    /// A failed write does not stop it: it is reported at the next write, or if there is nothing to
    /// read either.
    fn act(&mut self, step: Result<Step, Error>) -> io::Result<Advance> {
        match step {
            Ok(Step::Data | Step::HandshakeComplete) => Ok(Advance::Progress),
            Ok(Step::NeedRead) => self.fill(),
            Ok(Step::NeedWrite) => {
                let flushed = self.flush_outgoing();
                if self.pump.is_full() {
                    flushed?;
                    return Ok(Advance::Progress);
                }
                self.fill().map_err(|error| match flushed {
                    Err(cause) if cause.kind() != io::ErrorKind::WouldBlock => cause,
                    _ => error,
                })
            }
            Ok(Step::Closed) => {
                let _ = self.flush_outgoing();
                Ok(Advance::Closed)
            }
            Ok(Step::Paused) => {
                let _ = self.flush_outgoing();
                Err(io_error(Misuse::Paused))
            }
            Err(error) => {
                let _ = self.flush_outgoing();
                Err(io_error(error))
            }
        }
    }

    /// Reads once from the transport.
    fn fill(&mut self) -> io::Result<Advance> {
        // What is read after the handshake may take its time, even if its end is not written yet.
        let deadline_counts = !self.has_session();
        let deadline = self.deadline.as_ref().filter(|_| deadline_counts);
        let room = self.pump.room().map_err(io_error)?;
        let read = uninterrupted(|| match deadline {
            Some(deadline) => deadline.bound_read(&mut self.transport, |it| it.read(room)),
            None => self.transport.read(room),
        });
        let count = match read {
            // A peer that closes with bytes unread, such as a refused ClientHello, resets. So do the
            // probes of load balancers.
            Err(error) if is_reset(&error) && !self.is_established() => {
                self.pump.read_eof().map_err(|hung_up| io::Error::new(error.kind(), hung_up))?;
                return Err(error);
            }
            Err(error) if deadline_counts => return Err(self.named(error)),
            result => result?,
        };
        if count == 0 {
            self.pump.read_eof().map_err(io_error)?;
            return Ok(Advance::Closed);
        }
        self.pump.read(count).map_err(overrun)?;
        Ok(Advance::Progress)
    }

    /// Writes the output. Bytes that the transport does not accept now are kept.
    fn flush_outgoing(&mut self) -> io::Result<()> {
        self.write_outgoing().map_err(|error| self.named(error))?;
        self.pump.flushed();
        if self.has_session() {
            self.deadline = None;
        }
        Ok(())
    }

    fn write_outgoing(&mut self) -> io::Result<()> {
        let deadline = self.deadline.as_ref();
        while let rest @ [_, ..] = self.pump.outgoing().map_err(io_error)? {
            let write = |transport: &mut S| transport.write(rest);
            let written = uninterrupted(|| match deadline {
                Some(deadline) => deadline.bound_write(&mut self.transport, write),
                None => write(&mut self.transport),
            });
            match written? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.pump.wrote(count).map_err(overrun)?,
            }
        }
        match deadline {
            Some(deadline) => deadline.bound_write(&mut self.transport, S::flush),
            None => self.transport.flush(),
        }
    }
}

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advance {
    Progress,
    Closed,
}

impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        // A renegotiation goes on while data is read.
        if self.pump.connection().session().is_none() {
            self.complete_handshake()?;
        }
        loop {
            let data = self.pump.plaintext().map_err(io_error)?;
            if !data.is_empty() {
                let count = copy(data, out);
                self.pump.gave(count).map_err(overrun)?;
                return Ok(count);
            }
            let mut count = 0;
            let step = self.pump.receive_into(|data| {
                count = copy(data, out);
                count
            });
            if count > 0 {
                return Ok(count);
            }
            if self.act(step)? == Advance::Closed {
                return Ok(0);
            }
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    /// Encrypts and writes up to 64 KiB of `data`.
    ///
    /// On an error, none of `data` was accepted: the handshake failed, the connection cannot send,
    /// or the transport did not accept earlier output. Accepted data is written at once or, if the
    /// transport does not accept it, by the next call or by `flush`, which report a failure.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.complete_handshake()?;
        self.flush_outgoing()?;
        let sent = self.pump.send(data);
        let _ = self.flush_outgoing();
        // All earlier output has been written above.
        sent.map_err(io_error)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_outgoing()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Copies as many bytes as fit, and returns their number.
pub(super) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    count
}

/// Repeats a call while it is interrupted.
pub(super) fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_repeated_and_nothing_else() {
        let mut results = vec![
            Err(io::ErrorKind::WouldBlock.into()),
            Ok(7),
            Err(io::ErrorKind::Interrupted.into()),
            Err(io::ErrorKind::Interrupted.into()),
        ];
        let mut call = || results.pop().unwrap();
        assert_eq!(uninterrupted(&mut call).unwrap(), 7);
        let error = uninterrupted(&mut call).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_copy_takes_what_fits() {
        let mut out = [0; 3];
        assert_eq!(copy(b"ab", &mut out), 2);
        assert_eq!(&out, b"ab\0");
        assert_eq!(copy(b"cdefg", &mut out), 3);
        assert_eq!(&out, b"cde");
        assert_eq!(copy(b"xy", &mut []), 0);
    }
}
