//! The two ends of a connection through the bridge: the near one, which is accepted, and the far one,
//! which the bridge connects to.

use premaster::Error;
use premaster::pki_types::ServerName;
use premaster::session::Resumption;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsStream as RustlsStream;

/// How the near side is spoken to.
pub enum Near {
    Plain,
    Rustls(tokio_rustls::TlsAcceptor),
    Premaster(premaster::tokio::TlsAcceptor),
}

/// How the far side is spoken to, and where it is.
pub struct Far {
    /// `host:port`, looked up for each connection.
    pub address: String,
    pub protocol: FarProtocol,
    /// A transport that ends without a close_notify is taken for a clean end.
    pub accept_truncation: bool,
}

pub enum FarProtocol {
    Plain,
    Rustls(tokio_rustls::TlsConnector, ServerName<'static>),
    Premaster(premaster::tokio::TlsConnector, ServerName<'static>),
}

impl Near {
    /// Returns true if everything is readable on the way.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// The handshake with the peer that has connected.
    pub async fn accept(&self, socket: TcpStream) -> io::Result<End> {
        socket.set_nodelay(true)?;
        Ok(match self {
            Self::Plain => End::Plain(socket),
            Self::Rustls(acceptor) => End::Rustls(Box::new(acceptor.accept(socket).await?.into())),
            Self::Premaster(acceptor) => End::premaster(acceptor.accept(socket).await?, false),
        })
    }
}

impl Far {
    /// The first address that takes a connection, each of which is tried.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for address in lookup_host(&self.address).await? {
            match self.connect_to(address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, address: SocketAddr) -> io::Result<TcpStream> {
        if matches!(self.protocol, FarProtocol::Plain) && !address.ip().is_loopback() {
            let cause = format!("{address} is not on this machine, and plain TCP is for it alone");
            return Err(io::Error::other(cause));
        }
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// The handshake over a connection.
    pub async fn handshake(&self, socket: TcpStream) -> io::Result<End> {
        Ok(match &self.protocol {
            FarProtocol::Plain => End::Plain(socket),
            FarProtocol::Rustls(connector, name) => {
                let stream = connector.connect(name.clone(), socket).await?;
                End::Rustls(Box::new(stream.into()))
            }
            FarProtocol::Premaster(connector, name) => {
                let address = socket.peer_addr()?;
                let stream = connector.connect_at(name.clone(), address, socket).await?;
                End::premaster(stream, self.accept_truncation)
            }
        })
    }
}

/// An established connection with one side.
pub enum End {
    Plain(TcpStream),
    Rustls(Box<RustlsStream<TcpStream>>),
    Premaster {
        stream: Box<premaster::tokio::TlsStream<TcpStream>>,
        accept_truncation: bool,
    },
}

impl End {
    fn premaster(stream: premaster::tokio::TlsStream<TcpStream>, accept_truncation: bool) -> Self {
        Self::Premaster {
            stream: Box::new(stream),
            accept_truncation,
        }
    }

    /// Returns true if an earlier session with a device was resumed.
    pub fn is_resumed(&self) -> bool {
        let Self::Premaster { stream, .. } = self else {
            return false;
        };
        let session = stream.connection().session();
        session.is_some_and(|session| !matches!(session.resumption(), Resumption::Full(_)))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Rustls(stream) => stream.get_ref().0,
            Self::Premaster { stream, .. } => stream.get_ref().0,
        }
    }

    /// From here on, until [`close`](Self::close), the end of the socket resets it. A plain TCP
    /// connection has no other way to tell the peer that it was cut off.
    pub fn reset_unless_closed(&self) -> io::Result<()> {
        self.socket().set_zero_linger()
    }

    /// Closes the socket after a clean end, and lets what was sent be delivered.
    pub fn close(self) {
        #[expect(deprecated, reason = "no time is set, so nothing blocks")]
        let set = self.socket().set_linger(None);
        // A socket of which this fails has no peer any more.
        let _ = set;
    }
}

/// Returns true if the peer's transport ended without a close_notify.
pub fn is_truncation(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner == Some(&Error::Truncated) || error.kind() == io::ErrorKind::UnexpectedEof
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(context, out),
            Self::Rustls(stream) => Pin::new(stream).poll_read(context, out),
            Self::Premaster {
                stream,
                accept_truncation,
            } => match Pin::new(stream).poll_read(context, out) {
                Poll::Ready(Err(error)) if *accept_truncation && is_truncation(&error) => {
                    Poll::Ready(Ok(()))
                }
                result => result,
            },
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(context, data),
            Self::Rustls(stream) => Pin::new(stream).poll_write(context, data),
            Self::Premaster { stream, .. } => Pin::new(stream).poll_write(context, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(context),
            Self::Rustls(stream) => Pin::new(stream).poll_flush(context),
            Self::Premaster { stream, .. } => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Rustls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Premaster { stream, .. } => Pin::new(stream).poll_shutdown(context),
        }
    }
}
