//! A blocking adapter: `io::Read` and `io::Write` over a [`Connection`] and a transport.

use crate::config::{ClientConfig, ServerConfig};
use crate::connection::{Connection, Event, MAX_PLAINTEXT, MAX_RECORD_LENGTH};
use crate::error::{Error, Misuse};
use crate::pending::{Answer, Pending};
use core::net::SocketAddr;
use pki_types::ServerName;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// A [`Connection`] over a blocking transport, such as a `TcpStream`.
///
/// Reading and writing complete the handshake first. A read of zero bytes means that the peer
/// closed with close_notify; a transport that just ends is an [`io::ErrorKind::UnexpectedEof`]. Every
/// error of the connection is the [`io::Error`]'s inner error, a [`premaster::Error`](crate::Error),
/// and its alert has been written if the transport took it.
///
/// A transport that is not ready, with [`io::ErrorKind::WouldBlock`], loses nothing: call again when
/// it is. Reading goes on while writing would block, so that two sides that both write cannot wait
/// for each other; a transport whose writes can time out should have a time limit on its reads too.
///
/// Dropping a stream sends nothing: [`close`](Self::close) it, or the peer takes its data for cut.
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
/// let mut stream = Stream::client(config, "bmc.example".try_into()?, transport)?;
/// stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut answer = Vec::new();
/// stream.read_to_end(&mut answer)?;
/// stream.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stream<S> {
    connection: Connection,
    transport: S,
    /// A record's worth of room; what is between `start` and `end` is still to be received.
    incoming: Box<[u8]>,
    start: usize,
    end: usize,
    /// Decrypted data that the last read had no room for, from `given` on.
    plaintext: Vec<u8>,
    given: usize,
    /// What the connection has to say, written up to `written`.
    outgoing: Vec<u8>,
    written: usize,
}

/// How much one write takes: what is kept for a transport that takes nothing stays bounded.
const MAX_WRITE: usize = 4 * MAX_PLAINTEXT;

impl<S: Read + Write> Stream<S> {
    /// A client's connection to the server of this name. Nothing is written yet.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::client`].
    pub fn client(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        transport: S,
    ) -> Result<Self, Error> {
        let mut outgoing = Vec::new();
        let connection = Connection::client(config, server_name, &mut outgoing)?;
        Ok(Self::new(connection, outgoing, transport))
    }

    /// A client's connection to the server at `address`, from where alone a session is resumed; see
    /// [`Connection::client_at`].
    ///
    /// # Errors
    ///
    /// Those of [`Connection::client_at`].
    pub fn client_at(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        address: SocketAddr,
        transport: S,
    ) -> Result<Self, Error> {
        let mut outgoing = Vec::new();
        let connection = Connection::client_at(config, server_name, address, &mut outgoing)?;
        Ok(Self::new(connection, outgoing, transport))
    }

    /// A server's connection. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::server`].
    pub fn server(config: Arc<ServerConfig>, transport: S) -> Result<Self, Error> {
        Ok(Self::new(
            Connection::server(config)?,
            Vec::new(),
            transport,
        ))
    }

    fn new(connection: Connection, outgoing: Vec<u8>, transport: S) -> Self {
        Self {
            connection,
            transport,
            incoming: vec![0; MAX_RECORD_LENGTH].into(),
            start: 0,
            end: 0,
            plaintext: Vec::new(),
            given: 0,
            outgoing,
            written: 0,
        }
    }

    /// Reads and writes until the handshake is complete; at once if it is.
    ///
    /// # Errors
    ///
    /// Those of the connection and of the transport. [`io::ErrorKind::WouldBlock`] with
    /// [`Misuse::Unanswered`] inside if the connection is paused: answer with
    /// [`resume`](Self::resume) and call again.
    pub fn complete_handshake(&mut self) -> io::Result<()> {
        if self.connection.session().is_some() {
            return Ok(());
        }
        while self.connection.session().is_none() {
            if self.advance()? == Advance::Closed {
                return Err(io_error(Misuse::Closed.into()));
            }
        }
        self.flush_outgoing()
    }

    /// Sends close_notify. What the peer sends until it closes too can still be read.
    ///
    /// # Errors
    ///
    /// Those of the transport.
    pub fn close(&mut self) -> io::Result<()> {
        self.connection.close(&mut self.outgoing);
        self.flush_outgoing()
    }

    /// What the connection waits for; see [`Connection::pending`].
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        self.connection.pending()
    }

    /// Answers what is pending; see [`Connection::resume`]. A transport that fails meanwhile shows
    /// at the next call.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub fn resume(&mut self, answer: Answer) -> io::Result<()> {
        let resumed = self.connection.resume(answer, &mut self.outgoing);
        let _ = self.flush_outgoing();
        resumed.map_err(io_error)
    }

    /// The connection, for what was agreed.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The transport.
    #[must_use]
    pub fn transport(&self) -> &S {
        &self.transport
    }

    /// Gives the transport back, and the bytes that were read from it and not received: after the
    /// peer's close_notify they are not TLS's. What is still to be written is lost;
    /// [`close`](Self::close) or flush first.
    #[must_use]
    pub fn into_inner(self) -> (S, Vec<u8>) {
        let unread = self.incoming.get(self.start..self.end).unwrap_or_default();
        let unread = unread.to_vec();
        (self.transport, unread)
    }

    /// Receives once: what is in the buffer, or what the transport has.
    ///
    /// A transport that can no longer be written to may still hold what the peer said before: its
    /// data, its close, or the alert that tells why. So a failed write stops nothing here; it shows
    /// at the next write, or when there is nothing to read either.
    fn advance(&mut self) -> io::Result<Advance> {
        let input = self
            .incoming
            .get_mut(self.start..self.end)
            .unwrap_or_default();
        let received = match self.connection.receive(input, &mut self.outgoing) {
            Ok(received) => received,
            Err(error) => {
                let _ = self.flush_outgoing();
                return Err(io_error(error));
            }
        };
        self.start += received.consumed;
        match received.event {
            Event::ApplicationData(data) => {
                self.plaintext.clear();
                self.plaintext.extend_from_slice(data);
                self.given = 0;
                Ok(Advance::Progress)
            }
            Event::HandshakeComplete => Ok(Advance::Progress),
            Event::PeerClosed => {
                let _ = self.flush_outgoing();
                Ok(Advance::Closed)
            }
            Event::Paused => {
                let _ = self.flush_outgoing();
                Err(io_error(Misuse::Unanswered.into()))
            }
            Event::NeedData => {
                let flushed = self.flush_outgoing();
                self.fill().map_err(|error| match flushed {
                    Err(cause) if cause.kind() != io::ErrorKind::WouldBlock => cause,
                    _ => error,
                })
            }
        }
    }

    /// Reads from the transport behind what is still to be received.
    fn fill(&mut self) -> io::Result<Advance> {
        self.incoming.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.incoming.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.transport.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if read == 0 {
            self.connection.receive_eof().map_err(io_error)?;
            return Ok(Advance::Closed);
        }
        self.end += read;
        Ok(Advance::Progress)
    }

    /// Writes what is outgoing. What the transport does not take now is kept.
    fn flush_outgoing(&mut self) -> io::Result<()> {
        while let Some(rest @ [_, ..]) = self.outgoing.get(self.written..) {
            match self.transport.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        self.transport.flush()
    }
}

/// What came of one step.
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
        self.complete_handshake()?;
        while self.given == self.plaintext.len() {
            if self.advance()? == Advance::Closed {
                return Ok(0);
            }
        }
        let rest = self.plaintext.get(self.given..).unwrap_or_default();
        let count = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.given += count;
        Ok(count)
    }
}

impl<S: Read + Write> Write for Stream<S> {
    /// Encrypts and writes up to 64 KiB of `data`.
    ///
    /// An error means that nothing of it was taken: the transport did not take what was kept from
    /// before, or the connection cannot send. What has been taken is written now or, if the
    /// transport does not take it, with the next call or by `flush`, which tells of the failure.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.complete_handshake()?;
        self.flush_outgoing()?;
        let taken = data.get(..MAX_WRITE).unwrap_or(data);
        let sent = self.connection.send(taken, &mut self.outgoing);
        let _ = self.flush_outgoing();
        sent.map(|()| taken.len()).map_err(io_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_outgoing()
    }
}

fn io_error(error: Error) -> io::Error {
    let kind = match &error {
        Error::Truncated => io::ErrorKind::UnexpectedEof,
        Error::AlertReceived(_) => io::ErrorKind::ConnectionAborted,
        Error::Misuse(Misuse::Unanswered) => io::ErrorKind::WouldBlock,
        Error::Misuse(_) => io::ErrorKind::NotConnected,
        Error::Decode { .. }
        | Error::Peer(_)
        | Error::Incompatible(_)
        | Error::Certificate(_)
        | Error::Local(_) => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}
