//! The failure of a sender; whole exchanges are in tests/.
#![cfg(test)]

use super::{ReceiveHalf, SendHalf};
use crate::connection::Connection;
use crate::connection::testing::{client_builder, established, receive, server_builder};
use crate::connection::{Error, Misuse};
use crate::error::LocalError;
use crate::handshake::ChannelBinding;
use std::sync::Arc;

/// A client's halves whose sender cannot protect another record, and the server.
fn exhausted() -> (SendHalf, ReceiveHalf, Connection) {
    let (client, server) = established();
    let (mut sender, receiver) = client.split().unwrap();
    sender.exhaust();
    (sender, receiver, server)
}

const EXHAUSTED: Error = Error::Local(LocalError::KeyExhausted);

#[test]
fn a_failure_of_the_sender_is_the_receivers_too() {
    let (mut sender, mut receiver, mut server) = exhausted();
    let mut wire = Vec::new();
    server.send(b"data", &mut wire).unwrap();
    let mut outgoing = Vec::new();
    for _ in 0..2 {
        assert_eq!(sender.send(b"data", &mut outgoing), Err(EXHAUSTED));
        let binding = receiver.channel_binding(ChannelBinding::TlsServerEndPoint);
        assert_eq!(binding, Err(EXHAUSTED));
    }
    for _ in 0..2 {
        assert_eq!(receiver.receive(&mut wire).map(|_| ()), Err(EXHAUSTED));
        assert_eq!(receiver.receive_eof(), Err(EXHAUSTED));
        assert!(!receiver.sender_is_due());
    }
    sender.close(&mut outgoing);
    // Without a key nothing goes out, least of all unprotected.
    assert!(outgoing.is_empty());
    let mut whole = Connection::reunite(sender, receiver, &mut outgoing).unwrap();
    assert_eq!(whole.send(b"data", &mut outgoing), Err(EXHAUSTED));
    whole.close(&mut outgoing);
    assert!(outgoing.is_empty());
}

#[test]
fn halves_that_fail_at_once_keep_their_own_errors() {
    let (mut sender, mut receiver, _) = exhausted();
    let mut outgoing = Vec::new();
    let mut bare = [23, 3, 3, 0, 1, 0];
    let broken = receiver.receive(&mut bare).map(|_| ()).unwrap_err();
    // The alert cannot be protected, either.
    assert_eq!(sender.send(b"data", &mut outgoing), Err(broken.clone()));
    assert!(outgoing.is_empty());

    let (mut sender, mut receiver, _) = exhausted();
    assert_eq!(sender.send(b"data", &mut outgoing), Err(EXHAUSTED));
    assert_eq!(receiver.receive(&mut bare).map(|_| ()), Err(EXHAUSTED));
    assert_eq!(sender.send(b"data", &mut outgoing), Err(EXHAUSTED));
}

/// "the session identifier MUST be invalidated": at once, not only when the receiver learns of it.
#[test]
fn a_failure_of_the_sender_invalidates_the_session() {
    let config = Arc::new(client_builder().build().unwrap());
    let server_config = Arc::new(server_builder().build().unwrap());
    let meet = || {
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let name = "localhost".try_into().unwrap();
        let mut client = Connection::client(config.clone(), name, &mut to_server).unwrap();
        let mut server = Connection::server(server_config.clone());
        for _ in 0..3 {
            receive(&mut server, &mut to_server, &mut to_client).unwrap();
            receive(&mut client, &mut to_client, &mut to_server).unwrap();
        }
        client
    };
    let resumed = |client: &Connection| client.session().unwrap().resumption().is_resumed();
    assert!(!resumed(&meet()));
    let client = meet();
    assert!(resumed(&client));
    let (mut sender, _receiver) = client.split().unwrap();
    sender.exhaust();
    assert_eq!(sender.send(b"data", &mut Vec::new()), Err(EXHAUSTED));
    assert!(!resumed(&meet()));
}

/// A connection that was closed before it was split.
#[test]
fn a_closed_connection_has_a_closed_sender() {
    let (mut client, mut server) = established();
    let mut wire = Vec::new();
    client.close(&mut wire);
    let (mut sender, mut receiver) = client.split().unwrap();
    assert_eq!(sender.send(b"late", &mut wire), Err(Misuse::Closed.into()));
    let length = wire.len();
    sender.close(&mut wire);
    assert_eq!(wire.len(), length);
    let mut back = Vec::new();
    server.send(b"data", &mut back).unwrap();
    assert_eq!(receiver.receive(&mut back).unwrap().consumed, back.len());
}
