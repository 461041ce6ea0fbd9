//! Two connections in memory for unit tests, with the certificate of tests/data.
#![cfg(test)]

use super::{Connection, Event};
use crate::config::{
    CertifiedKey, ClientConfig, ClientConfigBuilder, ServerConfig, ServerConfigBuilder,
};
use crate::error::Error;
use crate::verify::RootStore;
use core::time::Duration;
use pki_types::UnixTime;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

/// 2027-01-15, when the certificate is valid.
pub(crate) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000))
}

fn certified() -> CertifiedKey {
    CertifiedKey::from_pem(
        include_bytes!("../../tests/data/leaf-2048.pem"),
        include_bytes!("../../tests/data/rsa-2048.key"),
    )
    .unwrap()
}

/// The root that the client trusts: the server's own certificate.
pub(crate) fn roots() -> RootStore {
    let mut roots = RootStore::new();
    roots.add(&certified().chain()[0]).unwrap();
    roots
}

pub(crate) fn client_builder() -> ClientConfigBuilder {
    ClientConfig::builder(roots()).rng(ChaCha12Rng::seed_from_u64(1)).time_provider(now)
}

/// A client that pauses for its caller to verify the certificate.
pub(crate) fn judging_client_builder() -> ClientConfigBuilder {
    ClientConfig::builder_with_caller_verification()
        .rng(ChaCha12Rng::seed_from_u64(1))
        .time_provider(now)
}

pub(crate) fn server_builder() -> ServerConfigBuilder {
    ServerConfig::builder(Arc::new(certified()))
        .rng(ChaCha12Rng::seed_from_u64(2))
        .time_provider(now)
}

/// A client's connection and its ClientHello.
pub(crate) fn client(builder: ClientConfigBuilder) -> (Connection, Vec<u8>) {
    let mut outgoing = Vec::new();
    let config = Arc::new(builder.build().unwrap());
    let name = "localhost".try_into().unwrap();
    let connection = Connection::client(config, name, &mut outgoing).unwrap();
    (connection, outgoing)
}

pub(crate) fn server() -> Connection {
    Connection::server(Arc::new(server_builder().build().unwrap()))
}

/// Returns one event of a connection for `incoming`, as text, and its application data.
pub(crate) fn receive(
    connection: &mut Connection,
    incoming: &mut Vec<u8>,
    outgoing: &mut Vec<u8>,
) -> Result<(String, Vec<u8>), Error> {
    let received = connection.receive(incoming, outgoing)?;
    let text = format!("{:?}", received.event);
    let data = match received.event {
        Event::ApplicationData(data) => data.to_vec(),
        _ => Vec::new(),
    };
    let consumed = received.consumed;
    incoming.drain(..consumed);
    Ok((text, data))
}

/// A client's and a server's connection, both established.
pub(crate) fn established() -> (Connection, Connection) {
    let (mut client, mut to_server) = client(client_builder());
    let mut server = server();
    let mut to_client = Vec::new();
    for _ in 0..2 {
        receive(&mut server, &mut to_server, &mut to_client).unwrap();
        receive(&mut client, &mut to_client, &mut to_server).unwrap();
    }
    assert!(client.session().is_some() && server.session().is_some());
    assert!(to_server.is_empty() && to_client.is_empty());
    (client, server)
}
