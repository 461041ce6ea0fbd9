//! What the tests share: both ends of a connection, and their errors.

use premaster::tokio::{TlsAcceptor, TlsConnector, TlsStream};
use premaster::{ClientConfigBuilder, Error, ServerConfigBuilder};
use premaster_testing::{client_builder, name, server_builder};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};

pub fn connector_of(client: ClientConfigBuilder) -> TlsConnector {
    TlsConnector::from(Arc::new(client.build().unwrap()))
}

pub fn acceptor_of(server: ServerConfigBuilder) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(server.build().unwrap()))
}

pub fn connector() -> TlsConnector {
    connector_of(client_builder())
}

pub fn acceptor() -> TlsAcceptor {
    acceptor_of(server_builder())
}

/// Both ends of a connection over these transports, the handshake complete.
pub async fn established_over<C, S>(client: C, server: S) -> (TlsStream<C>, TlsStream<S>)
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (client, server) = (
        connector().connect(name(), client),
        acceptor().accept(server),
    );
    let (client, server) = tokio::join!(client, server);
    (client.unwrap(), server.unwrap())
}

/// Both ends of a connection in memory, which holds so many bytes on the way.
pub async fn established(room: usize) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (client, server) = duplex(room);
    established_over(client, server).await
}

/// The connection's error inside an I/O error.
#[track_caller]
pub fn inner(error: &io::Error) -> &Error {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

/// Bytes that tell where they belong.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index >> 3) as u8 ^ index as u8).collect()
}

/// Lets the other tasks run until they have come so far.
pub async fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "it does not come");
        tokio::task::yield_now().await;
    }
}
