//! How hyper's client connects: over TLS 1.2 with RSA key transport, and to the BMC alone.

use crate::origin::Origin;
use hyper::Uri;
use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use premaster::pki_types::ServerName;
use premaster::tokio::{TlsConnector, TlsStream};
use premaster::{ClientConfig, SessionInfo};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

/// Connects to one BMC. Clones count their connections together.
#[derive(Clone)]
pub struct Connector {
    origin: Origin,
    name: ServerName<'static>,
    tls: TlsConnector,
    /// How long TCP, and then TLS, may take.
    patience: Duration,
    made: Arc<AtomicU64>,
}

impl Connector {
    pub fn new(
        origin: Origin,
        name: ServerName<'static>,
        config: Arc<ClientConfig>,
        patience: Duration,
    ) -> Self {
        Self {
            origin,
            name,
            tls: TlsConnector::from(config).deadline(patience),
            patience,
            made: Arc::default(),
        }
    }

    async fn connect(self, uri: Uri) -> io::Result<Link> {
        // The client has only addresses of the BMC; this is where it would do harm if not.
        if !self.origin.has(&uri) {
            return Err(io::Error::other("not the BMC's address"));
        }
        let address = (self.origin.host(), self.origin.port());
        let socket = timeout(self.patience, TcpStream::connect(address)).await??;
        socket.set_nodelay(true)?;
        // A session is resumed with the BMC that it was made with, and no other of its name.
        let address = socket.peer_addr()?;
        let stream = self.tls.connect_at(self.name, address, socket).await?;
        let session = stream.connection().session().cloned();
        let session = session.ok_or_else(|| io::Error::other("the handshake is not complete"))?;
        Ok(Link {
            stream: TokioIo::new(stream),
            facts: Facts {
                number: self.made.fetch_add(1, Ordering::Relaxed) + 1,
                session: Arc::new(session),
            },
        })
    }
}

/// Which connection an answer came over. hyper's client puts it into each response's extensions.
#[derive(Clone)]
pub struct Facts {
    /// Counted from 1.
    pub number: u64,
    pub session: Arc<SessionInfo>,
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Link>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// A connection to the BMC.
pub struct Link {
    stream: TokioIo<TlsStream<TcpStream>>,
    facts: Facts,
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.facts.clone())
    }
}

impl hyper::rt::Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}
