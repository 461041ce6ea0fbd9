//! Every way in which a connection fails: the error, the alert that the peer gets, and that the
//! error stays.

use premaster::error::{DecodeError, Incompatible, LocalError, Misuse, PeerError};
use premaster::protocol::{
    AlertDescription, ContentType, ExtendedMasterSecret, ExtensionType, HandshakeType,
    MaxFragmentLength, ProtocolVersion, SecureRenegotiation, SignatureScheme,
};
use premaster::{
    CipherSuite, ClientAuth, ClientConfigBuilder, Connection, Error, ServerConfigBuilder,
};
use premaster_testing::forger::{Sender, Stopped, established};
use premaster_testing::pair::{End, Pair};
use premaster_testing::wire::{
    ALERT, APPLICATION_DATA, CERTIFICATE, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC, CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE, FINISHED, HANDSHAKE, HELLO_REQUEST, SERVER_HELLO, SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE, handshake, hello, hello_with, message, message_type, record,
    record_of_version, records, said, vector,
};
use premaster_testing::{client_builder, client_certified, pair, pki, rng, roots, server_builder};
use rand_chacha::rand_core::utils::next_word_via_fill;
use rand_chacha::rand_core::{TryCryptoRng, TryRng};
use std::sync::Arc;

/// `end` fails on `bytes` with `expected`, tells `peer` by the error's alert, and stays failed.
#[track_caller]
fn assert_fails(end: &mut End, peer: &mut End, bytes: &[u8], expected: impl Into<Error>) {
    let expected = expected.into();
    assert_eq!(end.take(bytes), Err(expected.clone()));
    let told = std::mem::take(&mut end.outgoing);
    match expected.alert() {
        Some(alert) => assert_eq!(premaster_testing::alert_received(peer.take(&told)), alert),
        None => assert!(told.is_empty()),
    }

    assert_eq!(end.take(&[]), Err(expected.clone()));
    let mut more = Vec::new();
    assert_eq!(
        end.connection.send(b"data", &mut more),
        Err(expected.clone())
    );
    assert_eq!(end.connection.receive_eof(), Err(expected));
    end.connection.close(&mut more);
    assert!(end.outgoing.is_empty() && more.is_empty());
}

/// A new pair of which neither side has received anything.
fn new_pair() -> Pair {
    let mut pair = pair(client_builder(), server_builder());
    pair.client.outgoing.clear();
    pair
}

#[track_caller]
fn server_fails(bytes: &[u8], expected: impl Into<Error>) {
    server_with_fails(server_builder(), bytes, expected);
}

#[track_caller]
fn server_with_fails(server: ServerConfigBuilder, bytes: &[u8], expected: impl Into<Error>) {
    let mut pair = pair(client_builder(), server);
    assert_fails(&mut pair.server, &mut pair.client, bytes, expected);
}

#[track_caller]
fn client_fails(bytes: &[u8], expected: impl Into<Error>) {
    client_with_fails(client_builder(), bytes, expected);
}

#[track_caller]
fn client_with_fails(client: ClientConfigBuilder, bytes: &[u8], expected: impl Into<Error>) {
    let mut pair = pair(client, server_builder());
    pair.client.outgoing.clear();
    assert_fails(&mut pair.client, &mut pair.server, bytes, expected);
}

fn decode(message: &'static str, error: DecodeError) -> Error {
    Error::Decode { message, error }
}

fn too_long(message: HandshakeType, length: usize, most: usize) -> Error {
    PeerError::MessageTooLong {
        message,
        length,
        most,
    }
    .into()
}

fn unexpected(received: HandshakeType, awaited: &'static str) -> PeerError {
    PeerError::UnexpectedMessage { received, awaited }
}

#[test]
fn records_that_break_a_rule() {
    server_fails(
        &record(24, &[0]),
        PeerError::UnexpectedRecord(ContentType(24)),
    );
    server_fails(
        &record(APPLICATION_DATA, b"early"),
        PeerError::UnexpectedRecord(ContentType::APPLICATION_DATA),
    );
    for typ in [CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE] {
        server_fails(&record(typ, &[]), PeerError::EmptyRecord(ContentType(typ)));
    }
    server_fails(&[HANDSHAKE, 3, 1, 0x40, 1], PeerError::RecordTooLong);
    server_fails(
        b"\x16\x45\x54\x20\x2f",
        PeerError::RecordVersion(ProtocolVersion(0x4554)),
    );
    // Once TLS 1.2 is agreed, a record of another version is refused.
    let mut pair = new_pair();
    pair.server.take(&hello().client()).unwrap();
    pair.server.outgoing.clear();
    assert_fails(
        &mut pair.server,
        &mut pair.client,
        &record_of_version(HANDSHAKE, 0x0301, &message(CLIENT_KEY_EXCHANGE, &[])),
        PeerError::RecordVersion(ProtocolVersion::TLS_1_0),
    );
}

/// Whole and byte by byte: five bytes are enough, and no more are waited for.
#[test]
fn bytes_that_are_not_tls_are_named() {
    use premaster::error::ForeignProtocol::{
        HttpRequest, HttpResponse, Imap, Ldap, Proxy, Ssh, Ssl2Hello, Zeros,
    };
    let from_clients: [(&[u8], _); 7] = [
        (b"GET / HTTP/1.1\r\n", HttpRequest),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Ssh),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n", Proxy),
        (b"\x30\x1d\x02\x01\x01\x77\x18", Ldap),
        (b"\x80\x2e\x01\x03\x01\x00\x15", Ssl2Hello),
        (&[0; 5], Zeros),
        (b"GET /", HttpRequest),
    ];
    for (bytes, protocol) in from_clients {
        let expected = Error::from(PeerError::NotTls(protocol));
        server_fails(bytes, expected.clone());
        let mut server = new_pair().server;
        for byte in &bytes[..4] {
            server.take(&[*byte]).unwrap();
        }
        assert_eq!(server.take(&bytes[4..5]), Err(expected));
    }
    for (bytes, protocol) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], HttpResponse),
        (b"* OK IMAP4rev1 ready\r\n", Imap),
    ] {
        client_fails(bytes, PeerError::NotTls(protocol));
    }
    let error = Error::from(PeerError::NotTls(HttpRequest));
    let text = error.to_string();
    assert!(text.contains("they look like an HTTP request"), "{text}");
}

#[test]
fn a_client_without_tls_1_2_is_told_so() {
    let versions = |list: &[u8]| hello_with(&[(43, list), (23, &[]), (0xff01, &[0])]);
    for (list, offered) in [
        (&[2, 3, 4][..], ProtocolVersion::TLS_1_3),
        (&[4, 0x2a, 0x2a, 3, 4], ProtocolVersion::TLS_1_3),
        (&[4, 3, 4, 3, 1], ProtocolVersion::TLS_1_3),
    ] {
        // As clients send it: with suites of TLS 1.3 alone, and with ours.
        for suites in [vec![0x1301, 0x1302], vec![0x1301, 0x009c]] {
            let mut only = versions(list);
            only.suites = suites;
            server_fails(&only.client(), Incompatible::NewerVersion { offered });
        }
    }
    let offered = ProtocolVersion::TLS_1_1;
    server_fails(
        &versions(&[4, 3, 2, 3, 1]).client(),
        Incompatible::Version { offered },
    );
    // What is not understood is ignored, as TLS 1.2 has it.
    for list in [
        &[4, 3, 4, 3, 3][..],
        &[2, 0x2a, 0x2a],
        &[0],
        &[3, 3, 4],
        &[],
    ] {
        new_pair().server.take(&versions(list).client()).unwrap();
    }
}

#[test]
fn protected_records_that_break_a_rule() {
    let (mut pair, forger) = established();
    // 2^14 bytes pass, one more does not.
    let longest = forger.seal(Sender::Client, 1, APPLICATION_DATA, &[7; 1 << 14]);
    pair.server.take(&longest).unwrap();
    assert_eq!(pair.server.received.len(), 1 << 14);
    let longer = forger.seal(Sender::Client, 2, APPLICATION_DATA, &[7; (1 << 14) + 1]);
    assert_fails(
        &mut pair.server,
        &mut pair.client,
        &longer,
        PeerError::RecordTooLong,
    );

    let (mut pair, _) = established();
    assert_fails(
        &mut pair.server,
        &mut pair.client,
        &[APPLICATION_DATA, 3, 3, 0x48, 1],
        PeerError::RecordTooLong,
    );

    let (mut pair, forger) = established();
    for sequence in 1..=32 {
        let empty = forger.seal(Sender::Server, sequence, APPLICATION_DATA, &[]);
        pair.client.take(&empty).unwrap();
    }
    let empty = forger.seal(Sender::Server, 33, APPLICATION_DATA, &[]);
    assert_fails(
        &mut pair.client,
        &mut pair.server,
        &empty,
        PeerError::TooManyEmptyRecords,
    );

    let (mut pair, forger) = established();
    let mut broken = forger.seal(Sender::Server, 1, APPLICATION_DATA, b"data");
    *broken.last_mut().unwrap() ^= 1;
    assert_fails(
        &mut pair.client,
        &mut pair.server,
        &broken,
        PeerError::BadRecord,
    );

    // A record that comes twice.
    let (mut pair, forger) = established();
    let data = forger.seal(Sender::Server, 1, APPLICATION_DATA, b"data");
    pair.client.take(&data).unwrap();
    assert_fails(
        &mut pair.client,
        &mut pair.server,
        &data,
        PeerError::BadRecord,
    );
}

#[test]
fn what_came_before_an_error_is_handed_over_once() {
    let (mut pair, _) = established();
    pair.client.send(b"one ");
    pair.client.send(b"two");
    let mut sent = said(&mut pair.client).concat();
    sent.extend(record(APPLICATION_DATA, &[0; 40]));
    let Pair { client, server } = &mut pair;
    assert_fails(server, client, &sent, PeerError::BadRecord);
    assert_eq!(server.received, b"one two");
}

#[test]
fn alerts_that_break_a_rule() {
    server_fails(&record(ALERT, &[3, 0]), PeerError::BadAlertLevel(3));
    server_fails(
        &record(ALERT, &[2]),
        decode("alert", DecodeError::Truncated),
    );
    server_fails(
        &record(ALERT, &[1, 90, 1, 0]),
        decode("alert", DecodeError::TrailingData),
    );
    let warning = record(ALERT, &[1, 100]);
    server_fails(&warning.repeat(5), PeerError::TooManyWarnings);
    let mut pair = new_pair();
    pair.server.take(&warning.repeat(4)).unwrap();
    pair.server.take(&hello().client()).unwrap();
}

#[test]
fn alerts_received_end_the_connection() {
    for description in [40, 0, 255] {
        let error = alerted(client_builder(), &record(ALERT, &[2, description]));
        assert_eq!(error.alert_received(), Some(AlertDescription(description)));
    }
    // A refusal from a server that knows no TLS 1.2 is understood.
    let error = alerted(
        client_builder(),
        &record_of_version(ALERT, 0x0301, &[2, 70]),
    );
    assert_eq!(
        error.alert_received(),
        Some(AlertDescription::PROTOCOL_VERSION)
    );
}

/// A client's error for an alert that comes in place of the ServerHello: nothing is sent, and the
/// error stays.
#[track_caller]
fn alerted(client: ClientConfigBuilder, alert: &[u8]) -> Error {
    let mut client = pair(client, server_builder()).client;
    client.outgoing.clear();
    let error = client.take(alert).unwrap_err();
    assert!(client.outgoing.is_empty());
    assert_eq!(client.take(&[]), Err(error.clone()));
    assert_eq!(client.connection.receive_eof(), Err(error.clone()));
    error
}

#[test]
fn a_close_before_the_handshake_is_over_is_answered_and_no_success() {
    let mut pair = new_pair();
    let closed = pair.client.take(&record(ALERT, &[1, 0]));
    assert_eq!(
        premaster_testing::alert_received(closed.clone()),
        AlertDescription::CLOSE_NOTIFY
    );
    assert_eq!(
        pair.client.outgoing,
        record_of_version(ALERT, 0x0301, &[1, 0])
    );
    assert_eq!(pair.client.take(&[]), closed);
}

#[test]
fn handshake_messages_and_records_of_other_types_do_not_mix() {
    let part = record(HANDSHAKE, &message(CLIENT_HELLO, &[0; 100])[..50]);
    for (typ, content) in [(ALERT, &[1, 0][..]), (APPLICATION_DATA, &[0])] {
        server_fails(
            &[part.clone(), record(typ, content)].concat(),
            PeerError::InterleavedRecord(ContentType(typ)),
        );
    }
    // A header that is not complete counts as well.
    server_fails(
        &[record(HANDSHAKE, &[CLIENT_HELLO]), record(ALERT, &[1, 0])].concat(),
        PeerError::InterleavedRecord(ContentType::ALERT),
    );
}

#[test]
fn a_long_message_is_refused_by_its_header() {
    server_fails(
        &record(HANDSHAKE, &[CLIENT_HELLO, 2, 1, 0x45]),
        PeerError::MessageTooLong {
            message: HandshakeType::CLIENT_HELLO,
            length: 131_397,
            most: 131_396,
        },
    );
    client_fails(
        &[
            server_hello().server(),
            record(HANDSHAKE, &[CERTIFICATE, 2, 1, 0x45]),
        ]
        .concat(),
        PeerError::MessageOverLimit {
            message: HandshakeType::CERTIFICATE,
            length: 131_397,
            most: 131_396,
        },
    );
}

#[test]
fn client_hellos_that_do_not_parse() {
    let body = hello().client_body();
    for length in 0..body.len() {
        server_fails(
            &handshake(CLIENT_HELLO, &body[..length]),
            decode("client_hello", DecodeError::Truncated),
        );
    }
    server_fails(
        &handshake(
            CLIENT_HELLO,
            &[hello_with(&[]).client_body(), vec![0]].concat(),
        ),
        decode("client_hello", DecodeError::TrailingData),
    );
    let mut no_suites = hello();
    no_suites.suites.clear();
    server_fails(
        &no_suites.client(),
        decode("client_hello", DecodeError::EmptyVector),
    );
    let mut long_session_id = hello();
    long_session_id.session_id = vec![1; 33];
    server_fails(
        &long_session_id.client(),
        decode("client_hello", DecodeError::BadLength),
    );
    server_fails(
        &hello_with(&[(0x2a2a, &[]), (0x2a2a, &[])]).client(),
        decode(
            "client_hello",
            DecodeError::DuplicateExtension(ExtensionType(0x2a2a)),
        ),
    );
    server_fails(
        &hello_with(&[(13, &[0, 1, 4])]).client(),
        decode("client_hello", DecodeError::BadLength),
    );
    let two_names = &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'];
    server_fails(
        &hello_with(&[(0, two_names)]).client(),
        decode("client_hello", DecodeError::DuplicateHostName),
    );
    server_fails(
        &hello_with(&[(0, &[0, 4, 0, 0, 1, 0])]).client(),
        PeerError::IllegalExtension(ExtensionType::SERVER_NAME),
    );
    server_fails(
        &hello_with(&[(0xff01, &[1, 9])]).client(),
        PeerError::RenegotiationInfoNotEmpty,
    );
}

#[test]
fn extensions_of_a_client_hello_that_break_a_rule() {
    let broken = |error| decode("client_hello", error);
    let illegal = |typ| PeerError::IllegalExtension(ExtensionType(typ)).into();
    for (typ, content, expected) in [
        // max_fragment_length
        (1, &[][..], broken(DecodeError::Truncated)),
        (1, &[1, 1], broken(DecodeError::TrailingData)),
        (1, &[0], illegal(1)),
        (1, &[5], illegal(1)),
        (1, &[255], illegal(1)),
        // status_request
        (5, &[1, 0, 0], broken(DecodeError::Truncated)),
        (5, &[1, 0, 0, 0, 0, 0], broken(DecodeError::TrailingData)),
        // application_layer_protocol_negotiation
        (16, &[0, 0], broken(DecodeError::EmptyVector)),
        (16, &[0, 1, 0], broken(DecodeError::EmptyVector)),
        (16, b"\0\x05\x03a/1\0", broken(DecodeError::EmptyVector)),
        (16, b"\0\x03\x03a/", broken(DecodeError::Truncated)),
        // extended_master_secret
        (23, &[0], broken(DecodeError::TrailingData)),
        // record_size_limit
        (28, &[64], broken(DecodeError::Truncated)),
        (28, &[0, 64, 0], broken(DecodeError::TrailingData)),
        (28, &[0, 63], illegal(28)),
        (28, &[0, 0], illegal(28)),
    ] {
        server_fails(&hello_with(&[(typ, content)]).client(), expected);
    }
}

/// "the server MUST respond with a fatal inappropriate_fallback alert (unless it responds with a
/// fatal protocol_version alert because the version indicated in ClientHello.client_version is
/// unsupported)": every version below TLS 1.2 is.
#[test]
fn a_client_that_fell_back_from_tls_1_2_has_the_wrong_version() {
    let mut fallen = hello();
    fallen.suites.push(0x5600);
    for version in [0x0300, 0x0301, 0x0302] {
        fallen.version = version;
        let offered = ProtocolVersion(version);
        server_fails(&fallen.client(), Incompatible::Version { offered });
    }
    for version in [0x0303, 0x0304] {
        fallen.version = version;
        new_pair().server.take(&fallen.client()).unwrap();
    }
}

#[test]
fn client_hellos_without_anything_in_common() {
    for version in [0x0300, 0x0301, 0x0302, 0x0200] {
        let mut old = hello();
        old.version = version;
        let offered = ProtocolVersion(version);
        server_fails(&old.client(), Incompatible::Version { offered });
    }
    let mut deflate = hello();
    deflate.compressions = vec![1];
    server_fails(&deflate.client(), PeerError::NoNullCompression);

    let mut others = hello();
    others.suites = (0xc000..0xc020).chain([0x00ff]).collect();
    let mut pair = new_pair();
    let error = pair.server.take(&others.client()).unwrap_err();
    let Error::Incompatible(Incompatible::NoCommonSuite {
        offered,
        acceptable,
    }) = &error
    else {
        panic!("{error}");
    };
    assert_eq!(offered.total(), 33);
    assert_eq!(offered.suites()[0], CipherSuite(0xc000));
    assert_eq!(acceptable.total(), 2);
    assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
    assert_eq!(error.setting(), Some("ServerConfigBuilder::suites"));
    let text = error.to_string();
    assert!(
        text.contains("0xc000") && text.contains("and 17 more"),
        "{text}"
    );
    assert!(text.contains("TLS_RSA_WITH_AES_128_GCM_SHA256"), "{text}");
}

/// A server's hello that the test client takes.
fn server_hello() -> premaster_testing::wire::Hello {
    premaster_testing::wire::Hello {
        extensions: Some(vec![(0xff01, vec![0])]),
        ..hello()
    }
}

#[test]
fn server_hellos_that_break_a_rule() {
    let mut pair = new_pair();
    pair.client.take(&server_hello().server()).unwrap();

    let mut changed = server_hello();
    changed.version = 0x0302;
    client_fails(
        &changed.server(),
        Incompatible::Version {
            offered: ProtocolVersion::TLS_1_1,
        },
    );
    let mut changed = server_hello();
    changed.suites = vec![0x002f];
    client_fails(
        &changed.server(),
        PeerError::UnofferedSuite(CipherSuite(0x002f)),
    );
    let mut changed = server_hello();
    changed.compressions = vec![1];
    client_fails(
        &changed.server(),
        PeerError::UnofferedCompression(premaster::protocol::CompressionMethod(1)),
    );
    for typ in [13, 16, 43, 0x3a3a] {
        let mut changed = server_hello();
        changed.extensions.as_mut().unwrap().push((typ, vec![]));
        client_fails(
            &changed.server(),
            PeerError::UnsolicitedExtension(ExtensionType(typ)),
        );
    }
    let mut changed = server_hello();
    changed.extensions.as_mut().unwrap().push((0, vec![1]));
    client_fails(
        &changed.server(),
        decode("server_hello", DecodeError::TrailingData),
    );
    let mut changed = server_hello();
    changed.extensions = Some(vec![(0xff01, vec![1, 5])]);
    client_fails(&changed.server(), PeerError::RenegotiationInfoNotEmpty);

    // A server of an older version is known by its record already.
    let mut old = server_hello().server();
    old[2] = 1;
    client_fails(
        &old,
        Incompatible::Version {
            offered: ProtocolVersion::TLS_1_0,
        },
    );
}

/// The test client's server hello with one extension more.
fn server_hello_with(extensions: &[(u16, &[u8])]) -> Vec<u8> {
    hello_with(&[&[(0xff01, &[0][..])], extensions].concat()).server()
}

#[test]
fn extensions_of_a_server_hello_that_break_a_rule() {
    let asks = || {
        client_builder()
            .alpn_protocols(&[b"a/1", b"a/2"])
            .max_fragment_length(MaxFragmentLength::L1024)
            .record_size_limit(1000)
            .request_ocsp_response()
    };
    let broken = |error| decode("server_hello", error);
    let illegal = |typ| PeerError::IllegalExtension(ExtensionType(typ)).into();
    for (extensions, expected) in [
        // max_fragment_length: another one than was asked for, or none at all.
        (&[(1, &[1][..])][..], illegal(1)),
        (&[(1, &[5])], illegal(1)),
        (&[(1, &[])], broken(DecodeError::Truncated)),
        // "A client MUST treat receipt of both [...] as a fatal error".
        (&[(1, &[2]), (28, &[3, 0])], illegal(1)),
        // record_size_limit
        (&[(28, &[0, 63])], illegal(28)),
        (&[(28, &[1])], broken(DecodeError::Truncated)),
        // status_request
        (&[(5, &[0])], broken(DecodeError::TrailingData)),
        // application_layer_protocol_negotiation: one protocol, of those that were offered.
        (&[(16, b"\0\x04\x03a/3")], illegal(16)),
        (&[(16, b"\0\x08\x03a/1\x03a/2")], illegal(16)),
        (&[(16, b"\0\x01\0")], broken(DecodeError::EmptyVector)),
        (&[(16, b"\0\0")], broken(DecodeError::EmptyVector)),
        // extended_master_secret
        (&[(23, &[0])], broken(DecodeError::TrailingData)),
        // session_ticket
        (&[(35, &[0])], broken(DecodeError::TrailingData)),
    ] {
        client_with_fails(asks(), &server_hello_with(extensions), expected);
    }
    for extensions in [
        &[(1, &[2][..]), (5, &[]), (23, &[]), (35, &[])][..],
        &[(16, b"\0\x04\x03a/2"), (28, &[0, 64])],
    ] {
        let mut pair = pair(asks(), server_builder());
        pair.client.take(&server_hello_with(extensions)).unwrap();
    }
}

#[test]
fn extensions_that_were_not_sent_are_not_answered() {
    let unsolicited = |typ| PeerError::UnsolicitedExtension(ExtensionType(typ));
    let off = || client_builder().extended_master_secret(ExtendedMasterSecret::Off);
    for (client, extension) in [
        (client_builder(), (1, &[1][..])),
        (client_builder(), (5, &[])),
        (client_builder(), (16, b"\0\x04\x03a/1")),
        (off(), (23, &[])),
        (client_builder(), (28, &[1, 0])),
        (client_builder().session_tickets(false), (35, &[])),
        (client_builder().session_store(None), (35, &[])),
    ] {
        let hello = server_hello_with(&[extension]);
        client_with_fails(client, &hello, unsolicited(extension.0));
    }
}

/// "TLS 1.3 clients [...] MUST check that the last 8 bytes are not equal to either of these
/// values": a client is one when it came back from TLS 1.3.
#[test]
fn a_server_that_knows_tls_1_3_is_refused_after_a_fallback_alone() {
    for last in [b"DOWNGRD\x00", b"DOWNGRD\x01"] {
        let mut hello = server_hello().server();
        hello[35..43].copy_from_slice(last);
        let fell_back = client_builder().fallback_scsv();
        client_with_fails(fell_back, &hello, PeerError::Downgraded);
        new_pair().client.take(&hello).unwrap();
    }
    for last in [b"DOWNGRD\x02", b"downgrd\x01"] {
        let mut hello = server_hello().server();
        hello[35..43].copy_from_slice(last);
        let mut pair = pair(client_builder().fallback_scsv(), server_builder());
        pair.client.take(&hello).unwrap();
    }
}

/// The alert has the version TLS 1.2, as the ServerHello does: its server accepts no other any
/// more.
#[test]
fn why_a_server_hello_is_refused_reaches_the_server() {
    let mut pair = pair(
        client_builder().extended_master_secret(ExtendedMasterSecret::Required),
        server_builder().extended_master_secret(ExtendedMasterSecret::Off),
    );
    let hello = said(&mut pair.client).concat();
    pair.server.take(&hello).unwrap();
    let flight = said(&mut pair.server).concat();
    assert_fails(
        &mut pair.client,
        &mut pair.server,
        &flight,
        Incompatible::NoExtendedMasterSecret,
    );
}

#[test]
fn an_address_is_not_sent_and_so_not_acknowledged() {
    let config = Arc::new(client_builder().build().unwrap());
    let mut hello = Vec::new();
    let address = "127.0.0.1".try_into().unwrap();
    let mut connection = Connection::client(config, address, &mut hello).unwrap();
    let mut acknowledged = server_hello();
    acknowledged.extensions.as_mut().unwrap().push((0, vec![]));
    assert_eq!(
        connection.receive(&mut acknowledged.server(), &mut Vec::new()).unwrap_err(),
        PeerError::UnsolicitedExtension(ExtensionType::SERVER_NAME).into()
    );
}

#[test]
fn a_server_without_secure_renegotiation_needs_the_setting() {
    let error = Incompatible::NoSecureRenegotiation;
    assert_eq!(Error::from(error).setting(), Some("secure_renegotiation"));
    client_fails(&hello().server(), error);
    let lenient = client_builder().secure_renegotiation(SecureRenegotiation::Optional);
    let mut pair = pair(lenient, server_builder());
    pair.client.take(&hello().server()).unwrap();
}

#[test]
fn a_client_without_secure_renegotiation_is_refused_where_the_server_wants_it() {
    let strict = || server_builder().secure_renegotiation(SecureRenegotiation::Required);
    let error = Incompatible::NoSecureRenegotiation;
    server_with_fails(strict(), &hello().client(), error);
    let mut signalled = hello();
    signalled.suites.push(0x00ff);
    for knows in [signalled, hello_with(&[(0xff01, &[0])])] {
        let mut pair = pair(client_builder(), strict());
        pair.server.take(&knows.client()).unwrap();
    }
}

/// In place of each message of the server's first flight, every other one is refused.
#[test]
fn messages_out_of_place_are_refused_by_the_client() {
    let stopped = Stopped::before_client_flight(client_builder(), server_builder());
    let awaited = [
        "server_hello",
        "certificate",
        "certificate_request or server_hello_done",
    ];
    for (place, awaited) in awaited.into_iter().enumerate() {
        let expected = message_type(&stopped.server_flight[place]);
        for typ in 1..=24 {
            // The optional CertificateRequest has its place here.
            if typ == expected || (place == 2 && typ == 13) {
                continue;
            }
            let mut pair = new_pair();
            pair.client.take(&stopped.server_flight[..place].concat()).unwrap();
            assert_fails(
                &mut pair.client,
                &mut pair.server,
                &handshake(typ, &[]),
                unexpected(HandshakeType(typ), awaited),
            );
        }
        let mut pair = new_pair();
        pair.client.take(&stopped.server_flight[..place].concat()).unwrap();
        assert_fails(
            &mut pair.client,
            &mut pair.server,
            &record(CHANGE_CIPHER_SPEC, &[1]),
            PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC),
        );
    }
    // Never a ServerKeyExchange, which other key exchanges have.
    let mut pair = new_pair();
    pair.client.take(&stopped.server_flight[..2].concat()).unwrap();
    assert_fails(
        &mut pair.client,
        &mut pair.server,
        &handshake(SERVER_KEY_EXCHANGE, &[0; 20]),
        unexpected(
            HandshakeType::SERVER_KEY_EXCHANGE,
            "certificate_request or server_hello_done",
        ),
    );
}

#[test]
fn messages_out_of_place_are_refused_by_the_server() {
    for typ in [
        SERVER_HELLO,
        CERTIFICATE,
        CLIENT_KEY_EXCHANGE,
        FINISHED,
        HELLO_REQUEST,
        99,
    ] {
        server_fails(
            &handshake(typ, &[]),
            unexpected(HandshakeType(typ), "client_hello"),
        );
    }
    let refused = |before: &dyn Fn(&Stopped) -> Vec<u8>, auth: ClientAuth, typ, awaited| {
        let mut stopped = Stopped::before_client_flight(
            client_builder().certificate(client_certified()),
            server_builder().client_auth(auth),
        );
        let before = before(&stopped);
        stopped.pair.server.take(&before).unwrap();
        assert_fails(
            &mut stopped.pair.server,
            &mut stopped.pair.client,
            &handshake(typ, &[]),
            unexpected(HandshakeType(typ), awaited),
        );
    };
    let first = |count: usize| move |stopped: &Stopped| stopped.client_flight[..count].concat();
    let request = || ClientAuth::Request(roots().into());
    refused(
        &first(0),
        ClientAuth::None,
        CERTIFICATE,
        "client_key_exchange",
    );
    refused(
        &first(0),
        ClientAuth::None,
        CERTIFICATE_VERIFY,
        "client_key_exchange",
    );
    refused(
        &first(0),
        ClientAuth::None,
        CLIENT_HELLO,
        "client_key_exchange",
    );
    // A certificate was asked for, and left out.
    refused(&first(0), request(), CLIENT_KEY_EXCHANGE, "certificate");
    refused(&first(1), request(), CERTIFICATE, "client_key_exchange");
    // A certificate without its proof.
    refused(&first(2), request(), FINISHED, "certificate_verify");
    refused(&first(1), ClientAuth::None, FINISHED, "change_cipher_spec");
    // A proof though no certificate was sent.
    refused(
        &first(1),
        ClientAuth::None,
        CERTIFICATE_VERIFY,
        "change_cipher_spec",
    );
}

#[test]
fn change_cipher_spec_has_one_place_and_one_content() {
    let stopped = || Stopped::before_client_flight(client_builder(), server_builder());
    let fails = |mut stopped: Stopped, bytes: &[u8], expected: Error| {
        let Pair { client, server } = &mut stopped.pair;
        assert_fails(server, client, bytes, expected);
    };
    let out_of_place = PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC);
    let change = record(CHANGE_CIPHER_SPEC, &[1]);

    // Before the ClientHello, before the ClientKeyExchange, and twice.
    server_fails(&change, out_of_place);
    fails(stopped(), &change, out_of_place.into());
    let state = stopped();
    let key_exchange = state.client_flight[0].clone();
    // The second one comes where records are protected already.
    fails(
        state,
        &[key_exchange.clone(), change.clone(), change.clone()].concat(),
        PeerError::BadRecord.into(),
    );
    let state = stopped();
    let protected = state.forger().seal(Sender::Client, 0, CHANGE_CIPHER_SPEC, &[1]);
    fails(
        state,
        &[key_exchange.clone(), change.clone(), protected].concat(),
        out_of_place.into(),
    );

    // With another content.
    for (content, error) in [
        (&[2][..], PeerError::BadChangeCipherSpec),
        (&[1, 1], PeerError::LongChangeCipherSpec),
        (&[2, 1], PeerError::LongChangeCipherSpec),
    ] {
        let bytes = [key_exchange.clone(), record(CHANGE_CIPHER_SPEC, content)].concat();
        fails(stopped(), &bytes, error.into());
    }

    // With a message begun before it: Finished must be wholly under the new keys.
    let begun = [key_exchange, record(HANDSHAKE, &[FINISHED, 0]), change].concat();
    fails(stopped(), &begun, PeerError::KeyChangeInsideMessage.into());

    // After the handshake.
    let (mut pair, forger) = established();
    let late = forger.seal(Sender::Server, 1, CHANGE_CIPHER_SPEC, &[1]);
    assert_fails(&mut pair.client, &mut pair.server, &late, out_of_place);
}

#[test]
fn finished_must_fit_the_handshake() {
    for body in [vec![0; 12], vec![0; 11], vec![0; 13]] {
        let mut stopped = Stopped::before_client_flight(client_builder(), server_builder());
        let forged = stopped.forger().seal(Sender::Client, 0, HANDSHAKE, &message(FINISHED, &body));
        let bytes = [stopped.client_flight[..2].concat(), forged].concat();
        let expected = match body.len() {
            12 => PeerError::BadFinished.into(),
            11 => decode("finished", DecodeError::Truncated),
            _ => too_long(HandshakeType::FINISHED, 13, 12),
        };
        let Pair { client, server } = &mut stopped.pair;
        assert_fails(server, client, &bytes, expected);
    }

    let mut stopped = Stopped::before_client_flight(client_builder(), server_builder());
    let forged = stopped.forger().seal(Sender::Server, 0, HANDSHAKE, &message(FINISHED, &[0; 12]));
    let Pair { client, server } = &mut stopped.pair;
    // The server's keys are needed to read the client's alert.
    server.take(&stopped.client_flight.concat()).unwrap();
    server.outgoing.clear();
    let bytes = [record(CHANGE_CIPHER_SPEC, &[1]), forged].concat();
    assert_fails(client, server, &bytes, PeerError::BadFinished);
}

#[test]
fn server_messages_that_do_not_parse() {
    let stopped = Stopped::before_client_flight(
        client_builder(),
        server_builder().client_auth(ClientAuth::Request(roots().into())),
    );
    for (place, typ, body, expected) in [
        (
            1,
            CERTIFICATE,
            &[0, 0, 0][..],
            decode("certificate", DecodeError::EmptyVector),
        ),
        (
            1,
            CERTIFICATE,
            &[0, 0, 1],
            decode("certificate", DecodeError::Truncated),
        ),
        (
            2,
            13,
            &[0, 0, 0, 0, 0],
            decode("certificate_request", DecodeError::EmptyVector),
        ),
        (
            3,
            SERVER_HELLO_DONE,
            &[0],
            too_long(HandshakeType::SERVER_HELLO_DONE, 1, 0),
        ),
    ] {
        let mut pair = new_pair();
        pair.client.take(&stopped.server_flight[..place].concat()).unwrap();
        let Pair { client, server } = &mut pair;
        assert_fails(client, server, &handshake(typ, body), expected);
    }
}

#[test]
fn the_length_of_the_encrypted_pre_master_secret_is_exact() {
    for (body, error) in [
        (vec![0; 256], DecodeError::TrailingData),
        (
            [vector(2, &[1; 256]), vec![0]].concat(),
            DecodeError::TrailingData,
        ),
        (vector(2, &[1; 256])[..257].to_vec(), DecodeError::Truncated),
    ] {
        let mut stopped = Stopped::before_client_flight(client_builder(), server_builder());
        let Pair { client, server } = &mut stopped.pair;
        assert_fails(
            server,
            client,
            &handshake(CLIENT_KEY_EXCHANGE, &body),
            decode("client_key_exchange", error),
        );
    }
}

#[test]
fn certificate_verify_must_be_the_certificates_own() {
    let stopped = || {
        Stopped::before_client_flight(
            client_builder().certificate(client_certified()),
            server_builder().client_auth(ClientAuth::Require(roots().into())),
        )
    };
    // Certificate, ClientKeyExchange, CertificateVerify.
    let good = stopped().client_flight[2].clone();
    let mut wrong_signature = good.clone();
    *wrong_signature.last_mut().unwrap() ^= 1;
    let mut wrong_algorithm = good.clone();
    wrong_algorithm[9..11].copy_from_slice(&[4, 1]);
    let mut sha1 = good.clone();
    sha1[9..11].copy_from_slice(&[2, 1]);
    for (verify, expected) in [
        (wrong_signature, PeerError::BadCertificateVerify),
        (wrong_algorithm, PeerError::BadCertificateVerify),
        (
            sha1,
            PeerError::UnofferedSignatureScheme(SignatureScheme(0x0201)),
        ),
    ] {
        let mut stopped = stopped();
        let bytes = [stopped.client_flight[..2].concat(), verify].concat();
        let Pair { client, server } = &mut stopped.pair;
        assert_fails(server, client, &bytes, expected);
    }
}

#[test]
fn a_required_certificate_that_is_missing_drops_the_client() {
    let mut pair = pair(
        client_builder(),
        server_builder().client_auth(ClientAuth::Require(roots().into())),
    );
    let error = Error::from(Incompatible::NoClientCertificate);
    assert_eq!(error.setting(), Some("ServerConfigBuilder::client_auth"));
    assert_eq!(pair.run(premaster_testing::pair::Chunks::Whole), Err(error));
    let alert = said(&mut pair.server).pop().unwrap();
    assert_eq!(alert, record(ALERT, &[2, 40]));
    assert!(pair.server.connection.session().is_none());
}

#[test]
fn renegotiation_is_refused_and_not_for_ever() {
    let no_renegotiation = [1, 100];
    // A client asked to, and a server whose client tries.
    for (sender, request) in [
        (Sender::Server, message(HELLO_REQUEST, &[])),
        (
            Sender::Client,
            message(CLIENT_HELLO, &hello().client_body()),
        ),
    ] {
        let (mut pair, forger) = established();
        let Pair { client, server } = &mut pair;
        let (end, peer) = match sender {
            Sender::Server => (client, server),
            Sender::Client => (server, client),
        };
        for sequence in 1..=4 {
            let asked = forger.seal(sender, sequence, HANDSHAKE, &request);
            end.take(&asked).unwrap();
            let answer = said(end).concat();
            assert_eq!(answer.len(), 5 + 8 + no_renegotiation.len() + 16);
            peer.take(&answer).unwrap();
        }
        let asked = forger.seal(sender, 5, HANDSHAKE, &request);
        assert_fails(end, peer, &asked, PeerError::TooManyRenegotiations);
    }

    let (mut pair, forger) = established();
    let broken = forger.seal(Sender::Server, 1, HANDSHAKE, &message(HELLO_REQUEST, &[0]));
    let Pair { client, server } = &mut pair;
    assert_fails(
        client,
        server,
        &broken,
        too_long(HandshakeType::HELLO_REQUEST, 1, 0),
    );
    let (mut pair, forger) = established();
    let finished = forger.seal(Sender::Client, 1, HANDSHAKE, &message(FINISHED, &[0; 12]));
    let Pair { client, server } = &mut pair;
    assert_fails(
        server,
        client,
        &finished,
        unexpected(HandshakeType::FINISHED, "nothing more"),
    );
}

#[test]
fn a_hello_request_inside_a_handshake_is_ignored() {
    let request = handshake(HELLO_REQUEST, &[]);
    let stopped = Stopped::before_client_flight(client_builder(), server_builder());
    let mut pair = pair(
        client_builder().suites(&[CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256]),
        server_builder(),
    );
    let hello = said(&mut pair.client).concat();
    pair.server.take(&hello).unwrap();
    for flight in said(&mut pair.server) {
        pair.client.take(&request).unwrap();
        pair.client.take(&flight).unwrap();
    }
    assert_eq!(records(&pair.client.outgoing), stopped.client_flight);
    pair.run(premaster_testing::pair::Chunks::Whole).unwrap();
    assert!(pair.server.connection.session().is_some());

    client_fails(&request.repeat(5), PeerError::TooManyRenegotiations);
}

#[test]
fn an_end_without_close_notify_is_truncation() {
    let (mut pair, _) = established();
    pair.server.send(b"half of it");
    let sent = said(&mut pair.server).concat();
    pair.client.take(&sent).unwrap();
    pair.client.close();
    assert_eq!(pair.client.connection.receive_eof(), Err(Error::Truncated));
    assert_eq!(pair.client.connection.receive_eof(), Err(Error::Truncated));
    assert_eq!(pair.client.received, b"half of it");
}

#[test]
fn misuse_leaves_the_connection_as_it_was() {
    let mut pair = pair(client_builder(), server_builder());
    let nothing = &mut Vec::new();
    assert_eq!(
        pair.client.connection.send(b"early", nothing),
        Err(Misuse::HandshakeIncomplete.into())
    );
    assert!(nothing.is_empty());
    let mut pair = pair.established();

    // Closed on this side: nothing more is sent, what the peer still sends is received.
    pair.client.close();
    pair.client.close();
    assert_eq!(
        pair.client.connection.send(b"late", nothing),
        Err(Misuse::Closed.into())
    );
    pair.server.send(b"last words");
    let last_words = said(&mut pair.server).concat();
    pair.client.take(&last_words).unwrap();
    assert_eq!(pair.client.received, b"last words");
    let closed = said(&mut pair.client);
    assert_eq!(closed.len(), 1);

    // Closed by the peer: the bytes behind its close_notify are not TLS's.
    let after = [closed.concat(), b"plain text".to_vec()].concat();
    pair.server.take(&after).unwrap();
    assert_eq!(pair.server.incoming, b"plain text");
    pair.server.take(&[]).unwrap();
    assert_eq!(pair.server.incoming, b"plain text");
    assert_eq!(pair.server.connection.receive_eof(), Ok(()));
}

/// "the sender will not send any more messages": a refusal or an error after it stays unsaid.
#[test]
fn nothing_goes_out_after_close_notify() {
    let (mut pair, forger) = established();
    pair.server.close();
    assert_eq!(said(&mut pair.server).len(), 1);
    let request = message(CLIENT_HELLO, &hello().client_body());
    let asked = forger.seal(Sender::Client, 1, HANDSHAKE, &request);
    pair.server.take(&asked).unwrap();
    assert!(pair.server.outgoing.is_empty());
    let broken = record(APPLICATION_DATA, &[0; 30]);
    assert_eq!(pair.server.take(&broken), Err(PeerError::BadRecord.into()));
    assert!(pair.server.outgoing.is_empty());
}

#[test]
fn a_handshake_can_be_given_up() {
    let mut pair = new_pair();
    pair.client.close();
    let said = said(&mut pair.client);
    let warning = |description| record_of_version(ALERT, 0x0301, &[1, description]);
    assert_eq!(said, [warning(90), warning(0)]);
    let mut input = server_hello().server();
    assert_eq!(
        pair.client.connection.receive(&mut input, &mut Vec::new()).unwrap_err(),
        Misuse::Closed.into()
    );
    assert_eq!(pair.client.connection.receive_eof(), Ok(()));
    assert_eq!(
        premaster_testing::alert_received(pair.server.take(&said.concat())),
        AlertDescription::CLOSE_NOTIFY
    );
}

/// A generator that fails after this many bytes.
struct Failing(usize, rand_chacha::ChaCha12Rng);

#[derive(Debug)]
struct Exhausted;

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("exhausted")
    }
}

impl std::error::Error for Exhausted {}

impl TryRng for Failing {
    type Error = Exhausted;

    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Exhausted> {
        self.0 = self.0.checked_sub(out.len()).ok_or(Exhausted)?;
        let Ok(()) = self.1.try_fill_bytes(out);
        Ok(())
    }
}

impl TryCryptoRng for Failing {}

fn failing_after(bytes: usize) -> Failing {
    Failing(bytes, rng(3))
}

#[test]
fn a_generator_that_fails_is_an_internal_error() {
    let config = Arc::new(client_builder().rng(failing_after(31)).build().unwrap());
    let mut outgoing = Vec::new();
    assert_eq!(
        Connection::client(config, premaster_testing::name(), &mut outgoing).unwrap_err(),
        LocalError::RandomUnavailable.into()
    );
    assert!(outgoing.is_empty());

    // The server's random, and its fallback pre-master secret.
    for bytes in [31, 32 + 47] {
        let mut pair = pair(client_builder(), server_builder().rng(failing_after(bytes)));
        let error = pair.run(premaster_testing::pair::Chunks::Whole).unwrap_err();
        assert_eq!(error, LocalError::RandomUnavailable.into());
        let alert = said(&mut pair.server).pop().unwrap();
        assert_eq!(alert, record(ALERT, &[2, 80]));
    }
    // The client's pre-master secret, and its padding.
    for bytes in [32 + 45, 32 + 46 + 10] {
        let mut pair = pair(client_builder().rng(failing_after(bytes)), server_builder());
        let error = pair.run(premaster_testing::pair::Chunks::Whole).unwrap_err();
        assert_eq!(error, LocalError::RandomUnavailable.into());
    }
    // Behind 205 bytes of padding and what is drawn again for its zeros: the salt of its signature,
    // and what blinds it.
    for bytes in [220, 250] {
        let client =
            client_builder().certificate(client_certified()).rng(failing_after(32 + 46 + bytes));
        let server = server_builder().client_auth(ClientAuth::Request(roots().into()));
        let error = pair(client, server).run(premaster_testing::pair::Chunks::Whole).unwrap_err();
        assert_eq!(error, LocalError::Signing.into());
    }
}

#[test]
fn the_client_trusts_only_what_it_was_given() {
    let mut other_root = pki::server(&pki::key("rsa-2048"));
    other_root.subject = "CN=Other Root";
    other_root.issuer = "CN=Other Root";
    other_root.ca = Some(true);
    let mut roots = premaster::RootStore::new();
    roots.add(&other_root.build()).unwrap();
    let client =
        premaster::ClientConfig::builder(roots).rng(rng(1)).time_provider(premaster_testing::now);
    let mut pair = pair(client, server_builder());
    let fault = premaster_testing::fault(pair.run(premaster_testing::pair::Chunks::Whole));
    assert!(matches!(
        fault,
        premaster::error::CertificateFault::UnknownIssuer { .. }
    ));
    assert_eq!(
        said(&mut pair.client).pop().unwrap(),
        record(ALERT, &[2, 48])
    );
}
