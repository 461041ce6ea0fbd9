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

/// A connection, by the library that serves it. The handshake may be incomplete.
pub enum Served {
    ByRustls(Box<StreamOwned<rustls::ServerConnection, TcpStream>>),
    ByPremaster(Box<Stream<TcpStream>>),
    /// The client tried again with less, although its first attempt would have been accepted here.
    RefusedFallback,
}

impl Server {
    /// Reads the ClientHello and chooses the library. The socket's read timeout bounds the wait.
    pub fn accept(&self, mut socket: TcpStream) -> io::Result<Served> {
        let mut received = Vec::new();
        let hello = loop {
            match ClientHello::peek(&received) {
                Ok(Peeked::Hello(hello)) => break hello,
                Ok(Peeked::NeedData { more }) => {
                    let length = received.len();
                    received.resize(length + more, 0);
                    socket.read_exact(&mut received[length..])?;
                }
                // The connection fails, too, and sends the right alert.
                Err(_) => return Ok(self.serve_by_premaster(socket, &received)),
            }
        };
        // "If TLS_FALLBACK_SCSV appears in ClientHello.cipher_suites and the highest protocol
        // version supported by the server is higher than the version indicated in
        // ClientHello.client_version, the server MUST respond with a fatal inappropriate_fallback
        // alert" (RFC 7507 section 3). The highest version of this server is that of rustls.
        if hello.is_fallback() {
            socket.write_all(&INAPPROPRIATE_FALLBACK)?;
            return Ok(Served::RefusedFallback);
        }
        if self.rustls_can_serve(&hello) {
            self.serve_by_rustls(socket, &received)
        } else {
            Ok(self.serve_by_premaster(socket, &received))
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

    fn serve_by_premaster(&self, socket: TcpStream, received: &[u8]) -> Served {
        let connection = Connection::server(Arc::clone(&self.premaster));
        Served::ByPremaster(Box::new(Stream::from_parts(connection, socket, received)))
    }

    fn serve_by_rustls(&self, mut socket: TcpStream, mut received: &[u8]) -> io::Result<Served> {
        let connection = rustls::ServerConnection::new(Arc::clone(&self.rustls));
        let mut connection = connection.map_err(io::Error::other)?;
        while !received.is_empty() {
            connection.read_tls(&mut received)?;
            if let Err(error) = connection.process_new_packets() {
                connection.write_tls(&mut socket)?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        Ok(Served::ByRustls(Box::new(StreamOwned::new(
            connection, socket,
        ))))
    }
}
