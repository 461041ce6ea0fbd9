//! A blocking adapter: `io::Read` and `io::Write` over a [`Connection`] and a transport.

use super::pump::{Overrun, Pump, Step};
use crate::config::{ClientConfig, ServerConfig};
use crate::connection::Connection;
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
    pump: Pump,
    transport: S,
}

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

    /// Starts a server's connection over a transport. Nothing is read yet.
    #[must_use]
    pub fn server(config: Arc<ServerConfig>, transport: S) -> Self {
        Self::new(Connection::server(config), Vec::new(), transport)
    }

    fn new(connection: Connection, outgoing: Vec<u8>, transport: S) -> Self {
        Self {
            pump: Pump::new(connection, outgoing),
            transport,
        }
    }

    /// Reads and writes until the handshake is complete; at once if it is.
    ///
    /// # Errors
    ///
    /// Those of the connection and of the transport. [`io::ErrorKind::WouldBlock`] with
    /// [`Misuse::Paused`] inside if the connection is paused: answer with
    /// [`resume`](Self::resume) and call again.
    pub fn complete_handshake(&mut self) -> io::Result<()> {
        if self.is_established() {
            return Ok(());
        }
        while !self.is_established() {
            if self.advance()? == Advance::Closed {
                return Err(io_error(Misuse::Closed));
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
        self.pump.close();
        self.flush_outgoing()
    }

    /// What the connection waits for; see [`Connection::pending`].
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        self.pump.connection().pending()
    }

    /// Answers what is pending; see [`Connection::resume`]. A transport that fails meanwhile shows
    /// at the next call.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub fn resume(&mut self, answer: Answer) -> io::Result<()> {
        let resumed = self.pump.resume(answer);
        let _ = self.flush_outgoing();
        resumed.map_err(io_error)
    }

    /// The connection, for what was agreed.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.pump.connection()
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
        (self.transport, self.pump.into_unread())
    }

    fn is_established(&self) -> bool {
        self.pump.connection().session().is_some()
    }

    /// Does one step of the pump.
    ///
    /// A failed write stops nothing here: it shows at the next write, or when there is nothing to
    /// read either.
    fn advance(&mut self) -> io::Result<Advance> {
        match self.pump.step() {
            Ok(Step::Data | Step::HandshakeComplete) => Ok(Advance::Progress),
            Ok(Step::NeedRead) => self.fill(),
            Ok(Step::NeedWrite) => {
                let flushed = self.flush_outgoing();
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
        let room = self.pump.room().map_err(io_error)?;
        let count = uninterrupted(|| self.transport.read(room))?;
        if count == 0 {
            self.pump.read_eof().map_err(io_error)?;
            return Ok(Advance::Closed);
        }
        self.pump.read(count).map_err(overrun)?;
        Ok(Advance::Progress)
    }

    /// Writes what is outgoing. What the transport does not take now is kept.
    fn flush_outgoing(&mut self) -> io::Result<()> {
        while let rest @ [_, ..] = self.pump.outgoing().map_err(io_error)? {
            match uninterrupted(|| self.transport.write(rest))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.pump.wrote(count).map_err(overrun)?,
            }
        }
        self.transport.flush()?;
        self.pump.flushed();
        Ok(())
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
        loop {
            let data = self.pump.plaintext().map_err(io_error)?;
            if !data.is_empty() {
                let count = copy(data, out);
                self.pump.gave(count).map_err(overrun)?;
                return Ok(count);
            }
            if self.advance()? == Advance::Closed {
                return Ok(0);
            }
        }
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
        let sent = self.pump.send(data);
        let _ = self.flush_outgoing();
        // Everything from before has been written above.
        sent.map_err(io_error)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_outgoing()
    }
}

/// Copies as much as fits, and says how much.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    count
}

/// Makes a call again as long as it is interrupted.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn overrun(Overrun: Overrun) -> io::Error {
    io::Error::other("the transport says that it moved more bytes than it was given")
}

fn io_error(error: impl Into<Error>) -> io::Error {
    let error = error.into();
    let kind = match &error {
        Error::Truncated => io::ErrorKind::UnexpectedEof,
        Error::AlertReceived(_) => io::ErrorKind::ConnectionAborted,
        Error::Misuse(Misuse::Paused) => io::ErrorKind::WouldBlock,
        Error::Misuse(_) => io::ErrorKind::NotConnected,
        Error::Decode { .. }
        | Error::Peer(_)
        | Error::Incompatible(_)
        | Error::Certificate(_)
        | Error::Local(_) => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}
