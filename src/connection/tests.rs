//! The processing of records and actions by connections; whole handshakes are in tests/.
#![cfg(test)]

use super::testing::{client, client_builder, established, receive, server};
use super::*;
use crate::error::{DecodeError, Details, Moment, Peer, PeerError};

/// A record without protection.
fn record(typ: ContentType, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    RecordWriter::new(ProtocolVersion::TLS_1_2).write(typ, content, &mut out).unwrap();
    out
}

/// The fatal alert that a connection without keys sends.
fn alert(description: AlertDescription) -> Vec<u8> {
    record(ContentType::ALERT, &[2, description.0])
}

/// Checks that a server fails on these bytes with `error`, sends its alert once, and keeps failing.
#[track_caller]
fn fails(bytes: &[u8], error: Error) {
    let mut server = server();
    let mut outgoing = Vec::new();
    let mut incoming = bytes.to_vec();
    let result = server.receive(&mut incoming, &mut outgoing).map(|_| ());
    assert_eq!(result, Err(error.clone()));
    let sent = error.alert().map(alert).unwrap_or_default();
    assert_eq!(outgoing, sent);

    outgoing.clear();
    let result = server.receive(&mut [], &mut outgoing).map(|_| ());
    assert_eq!(result, Err(error.clone()));
    assert_eq!(server.send(b"data", &mut outgoing), Err(error.clone()));
    assert_eq!(server.receive_eof(), Err(error));
    server.close(&mut outgoing);
    assert!(outgoing.is_empty());
}

#[test]
fn an_error_is_told_once_and_stays() {
    fails(
        &record(ContentType(24), &[1]),
        PeerError::UnexpectedRecord(ContentType(24)).into(),
    );
    fails(
        &record(ContentType::APPLICATION_DATA, &[1]),
        PeerError::UnexpectedRecord(ContentType::APPLICATION_DATA).into(),
    );
    fails(
        &record(ContentType::ALERT, &[3, 0]),
        PeerError::BadAlertLevel(3).into(),
    );
    fails(
        &record(ContentType::ALERT, &[1, 0, 0]),
        DecodeError::TrailingData.of("alert"),
    );
    fails(
        &record(ContentType::CHANGE_CIPHER_SPEC, &[2]),
        PeerError::BadChangeCipherSpec.into(),
    );
    fails(
        &record(ContentType::CHANGE_CIPHER_SPEC, &[1, 1]),
        PeerError::LongChangeCipherSpec.into(),
    );
    let fatal = record(ContentType::ALERT, &[2, 40]);
    let moment = Moment::new(Details {
        peer: Peer::Client,
        sent: None,
        awaited: "client_hello",
        silent: false,
        told: None,
    });
    fails(
        &fatal,
        Error::AlertReceived {
            alert: AlertDescription::HANDSHAKE_FAILURE,
            moment: Some(moment),
        },
    );
}

#[test]
fn what_comes_inside_a_message_is_refused_by_its_type() {
    let begun = record(ContentType::HANDSHAKE, &[1, 0, 0, 9]);
    fails(
        &[&begun[..], &record(ContentType::ALERT, &[1, 0])].concat(),
        PeerError::InterleavedRecord(ContentType::ALERT).into(),
    );
    fails(
        &[&begun[..], &record(ContentType::CHANGE_CIPHER_SPEC, &[1])].concat(),
        PeerError::KeyChangeInsideMessage.into(),
    );
}

#[test]
fn warnings_are_counted() {
    let warning = record(ContentType::ALERT, &[1, 112]);
    let mut server = server();
    let mut outgoing = Vec::new();
    for _ in 0..4 {
        let (event, _) = receive(&mut server, &mut warning.clone(), &mut outgoing).unwrap();
        assert_eq!(event, "NeedData");
    }
    assert_eq!(
        receive(&mut server, &mut warning.clone(), &mut outgoing),
        Err(PeerError::TooManyWarnings.into())
    );
}

#[test]
fn consumed_counts_whole_records_and_data_is_where_it_was_received() {
    let (mut client, mut server) = established();
    let mut wire = Vec::new();
    client.send(b"one", &mut wire).unwrap();
    let first = wire.len();
    client.send(b"two", &mut wire).unwrap();
    wire.extend_from_slice(&[23, 3, 3]);

    let mut outgoing = Vec::new();
    let received = server.receive(&mut wire, &mut outgoing).unwrap();
    assert_eq!(received.consumed, first);
    let Event::ApplicationData(data) = received.event else {
        panic!("{:?}", received.event);
    };
    assert_eq!(data, b"one");
    // The caller may answer while it holds the data.
    server.send(data, &mut outgoing).unwrap();
    data.fill(0);

    wire.drain(..first);
    let (event, data) = receive(&mut server, &mut wire, &mut outgoing).unwrap();
    assert_eq!(
        (&event[..], &data[..]),
        ("ApplicationData(3 bytes)", &b"two"[..])
    );
    let (event, _) = receive(&mut server, &mut wire, &mut outgoing).unwrap();
    assert_eq!((&event[..], &wire[..]), ("NeedData", &[23, 3, 3][..]));
    let (_, data) = receive(&mut client, &mut outgoing, &mut wire).unwrap();
    assert_eq!(data, b"one");
}

#[test]
fn no_data_makes_no_record_and_a_record_without_protection_is_bad() {
    let (mut client, mut server) = established();
    let mut outgoing = Vec::new();
    client.send(&[], &mut outgoing).unwrap();
    assert!(outgoing.is_empty());
    let mut bare = record(ContentType::APPLICATION_DATA, &[1]);
    assert_eq!(
        receive(&mut server, &mut bare, &mut outgoing),
        Err(PeerError::BadRecord.into())
    );
}

#[test]
fn a_close_ends_one_direction() {
    let (mut client, mut server) = established();
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    client.close(&mut to_server);
    let length = to_server.len();
    client.close(&mut to_server);
    assert_eq!(to_server.len(), length);
    assert_eq!(
        client.send(b"late", &mut to_server),
        Err(Misuse::Closed.into())
    );

    to_server.extend_from_slice(b"not TLS");
    let (event, _) = receive(&mut server, &mut to_server, &mut to_client).unwrap();
    assert_eq!(event, "PeerClosed");
    assert_eq!(to_server, b"not TLS");
    assert!(to_client.is_empty());
    server.send(b"the last word", &mut to_client).unwrap();
    server.close(&mut to_client);
    let length = to_client.len();
    server.close(&mut to_client);
    let (event, _) = receive(&mut server, &mut to_server, &mut to_client).unwrap();
    assert_eq!(event, "PeerClosed");
    assert_eq!((&to_server[..], to_client.len()), (&b"not TLS"[..], length));
    assert_eq!(server.receive_eof(), Ok(()));
    assert_eq!(
        server.send(b"late", &mut to_client),
        Err(Misuse::Closed.into())
    );
    let (_, data) = receive(&mut client, &mut to_client, &mut to_server).unwrap();
    assert_eq!(data, b"the last word");
    assert_eq!(client.receive_eof(), Err(Error::Truncated));
}

#[test]
fn a_handshake_can_be_given_up() {
    let (mut client, mut outgoing) = client(client_builder());
    outgoing.clear();
    client.close(&mut outgoing);
    // No version is agreed yet, so the records carry the ClientHello's.
    assert_eq!(outgoing, [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0]);
    assert_eq!(
        receive(&mut client, &mut Vec::new(), &mut outgoing),
        Err(Misuse::Closed.into())
    );
    assert_eq!(client.receive_eof(), Ok(()));
}

#[test]
fn misuse_leaves_a_connection_as_it_was() {
    let (mut client, mut to_server) = client(client_builder());
    let hello = to_server.clone();
    let early = Err(Misuse::HandshakeIncomplete.into());
    let binding = client.channel_binding(ChannelBinding::TlsServerEndPoint);
    assert_eq!(binding.map(|_| ()), early);
    let mut out = [7; 4];
    assert_eq!(
        client.export_keying_material(b"EXPERIMENTAL", None, &mut out),
        early
    );
    assert_eq!(out, [7; 4]);
    assert_eq!(client.send(b"data", &mut to_server), early);
    assert!(client.pending().is_none() && client.session().is_none());
    assert_eq!(to_server, hello);

    let (mut server, mut to_client) = (server(), Vec::new());
    for _ in 0..2 {
        receive(&mut server, &mut to_server, &mut to_client).unwrap();
        receive(&mut client, &mut to_client, &mut to_server).unwrap();
    }
    assert!(client.session().is_some());
    assert_eq!(client.send(b"data", &mut to_server), Ok(()));
}

#[test]
fn the_length_of_records_is_the_one_of_the_session() {
    let (mut client, _) = established();
    let most = client.session().unwrap().max_plaintext_sent();
    let mut outgoing = Vec::new();
    client.send(&vec![7; most + 1], &mut outgoing).unwrap();
    let length = usize::from(u16::from_be_bytes([outgoing[3], outgoing[4]]));
    // The explicit nonce, the tag, and the second record's header.
    assert_eq!(length, most + 8 + 16);
    assert_eq!(outgoing.len(), 2 * (5 + 8 + 16) + most + 1);
}

#[test]
fn a_record_buffer_holds_what_any_suite_may_send() {
    assert_eq!(MAX_RECORD_LENGTH, 5 + (1 << 14) + 2048);
}
