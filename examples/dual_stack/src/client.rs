//! The client's half: rustls first, and premaster for servers that cannot do better.

use premaster::Stream;
use premaster::pki_types::ServerName;
use rustls::{AlertDescription, StreamOwned};
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;

/// Connects with rustls, or else with premaster.
pub struct Client {
    pub rustls: Arc<rustls::ClientConfig>,
    /// Built with `fallback_scsv` and without a session store, so that a server that supports TLS 1.3
    /// refuses the second attempt.
    pub premaster: Arc<premaster::ClientConfig>,
}

/// A connection with a complete handshake, by the library that made it.
pub enum Connected {
    WithRustls(Box<StreamOwned<rustls::ClientConnection, TcpStream>>),
    WithPremaster(Box<Stream<TcpStream>>),
}

impl Client {
    /// Connects to the server with this name. `dial` opens the transport, twice if need be.
    pub fn connect(
        &self,
        name: &ServerName<'static>,
        dial: impl Fn() -> io::Result<TcpStream>,
    ) -> io::Result<Connected> {
        match self.connect_with_rustls(name, dial()?) {
            Err(error) if may_fall_back(&error) => self.connect_with_premaster(name, dial()?),
            result => result,
        }
    }

    fn connect_with_rustls(
        &self,
        name: &ServerName<'static>,
        mut socket: TcpStream,
    ) -> io::Result<Connected> {
        let config = Arc::clone(&self.rustls);
        let connection = rustls::ClientConnection::new(config, name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let stream = StreamOwned::new(connection, socket);
        Ok(Connected::WithRustls(Box::new(stream)))
    }

    fn connect_with_premaster(
        &self,
        name: &ServerName<'static>,
        socket: TcpStream,
    ) -> io::Result<Connected> {
        let config = Arc::clone(&self.premaster);
        let stream = Stream::client(config, name.clone(), socket);
        let mut stream = stream.map_err(io::Error::other)?;
        stream.complete_handshake()?;
        Ok(Connected::WithPremaster(Box::new(stream)))
    }
}

/// Returns true if the first attempt failed as it does with a server that has only RSA key transport:
/// it refuses the offer, or closes the transport without a word. A certificate that is not accepted,
/// for example, is no reason to try with less.
fn may_fall_back(error: &io::Error) -> bool {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::AlertReceived(alert)) => matches!(
            alert,
            AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity
                | AlertDescription::ProtocolVersion
        ),
        Some(_) => false,
        None => matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
        ),
    }
}
