//! The server's half: one port for clients of both kinds.

use premaster::protocol::ProtocolVersion;
use premaster::{CipherSuite, ClientHello, Connection, Peeked, Stream};
use rustls::{StreamOwned, SupportedCipherSuite};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A fatal alert inappropriate_fallback, as the record that a server sends before any agreement.
const INAPPROPRIATE_FALLBACK: [u8; 7] = [21, 3, 3, 0, 2, 2, 86];

/// Serves with rustls every client that it can serve, and the others with premaster.
///
/// **The two must not have the same key.** A key for RSA key transport decrypts what was recorded if
/// it is ever stolen, and is used for nothing else.
pub struct Server {
    pub rustls: Arc<rustls::ServerConfig>,
    pub premaster: Arc<premaster::ServerConfig>,
}

/// A socket that belongs to the library that serves it and to whoever looks after it.
#[derive(Clone, Debug)]
pub struct Shared(Arc<TcpStream>);

impl Shared {
    pub fn new(socket: TcpStream) -> Self {
        Self(Arc::new(socket))
    }

    pub fn socket(&self) -> &TcpStream {
        &self.0
    }
}

impl Read for Shared {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket().read(out)
    }
}

impl Write for Shared {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.socket().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket().flush()
    }
}

/// A connection, by the library that serves it. The handshake may be incomplete.
pub enum Served {
    ByRustls(Box<StreamOwned<rustls::ServerConnection, Shared>>),
    ByPremaster(Box<Stream<Shared>>),
    /// The client tried again with less, although its first attempt would have been accepted here.
    RefusedFallback,
}

impl Server {
    /// Reads the ClientHello and chooses the library. An error of the socket that passes, such as
    /// [`io::ErrorKind::WouldBlock`], loses nothing: call again with what has been `received`.
    pub fn accept(&self, socket: &Shared, received: &mut Vec<u8>) -> io::Result<Served> {
        let hello = loop {
            match ClientHello::peek(received) {
                Ok(Peeked::Hello(hello)) => break hello,
                Ok(Peeked::NeedData { more }) => read_more(socket.socket(), received, more)?,
                // The connection fails, too, and sends the right alert.
                Err(_) => return Ok(self.serve_by_premaster(socket, received)),
            }
        };
        // "If TLS_FALLBACK_SCSV appears in ClientHello.cipher_suites and the highest protocol
        // version supported by the server is higher than the version indicated in
        // ClientHello.client_version, the server MUST respond with a fatal inappropriate_fallback
        // alert" (RFC 7507 section 3). The highest version of this server is that of rustls.
        if hello.is_fallback() {
            socket.socket().write_all(&INAPPROPRIATE_FALLBACK)?;
            return Ok(Served::RefusedFallback);
        }
        if self.rustls_can_serve(&hello) {
            self.serve_by_rustls(socket, received)
        } else {
            Ok(self.serve_by_premaster(socket, received))
        }
    }

    /// Returns true if rustls supports a suite of the client with a version of the client.
    ///
    /// Old clients offer more than RSA key transport, such as DHE, which rustls does not support
    /// either. So what decides is what rustls has, and not what the client prefers.
    pub fn rustls_can_serve(&self, hello: &ClientHello) -> bool {
        let suites = &self.rustls.crypto_provider().cipher_suites;
        suites.iter().any(|own| {
            let version = match own {
                SupportedCipherSuite::Tls13(_) => ProtocolVersion::TLS_1_3,
                SupportedCipherSuite::Tls12(_) => ProtocolVersion::TLS_1_2,
            };
            let suite = CipherSuite(own.suite().into());
            hello.versions().contains(&version) && hello.cipher_suites().contains(&suite)
        })
    }

    fn serve_by_premaster(&self, socket: &Shared, received: &[u8]) -> Served {
        let connection = Connection::server(Arc::clone(&self.premaster));
        let socket = socket.clone();
        Served::ByPremaster(Box::new(Stream::from_parts(connection, socket, received)))
    }

    fn serve_by_rustls(&self, socket: &Shared, mut received: &[u8]) -> io::Result<Served> {
        let connection = rustls::ServerConnection::new(Arc::clone(&self.rustls));
        let mut connection = connection.map_err(io::Error::other)?;
        while !received.is_empty() {
            connection.read_tls(&mut received)?;
            if let Err(error) = connection.process_new_packets() {
                connection.write_tls(&mut socket.socket())?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        Ok(Served::ByRustls(Box::new(StreamOwned::new(
            connection,
            socket.clone(),
        ))))
    }
}

/// Reads at most so many bytes.
fn read_more(mut socket: &TcpStream, received: &mut Vec<u8>, most: usize) -> io::Result<()> {
    let length = received.len();
    received.resize(length + most, 0);
    let read = socket.read(&mut received[length..]);
    received.truncate(length + read.as_ref().copied().unwrap_or_default());
    match read? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
