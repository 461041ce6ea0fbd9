//! What hellos offer and how they are answered.

use premaster::error::PeerError;
use premaster::protocol::{ExtendedMasterSecret, ExtensionType, MaxFragmentLength, Preference};
use premaster::{CipherSuite, ClientConfigBuilder, Connection, Tickets};
use premaster_testing::pair::Pair;
use premaster_testing::wire::{Hello, extensions, hello, hello_with, said, split_vector, vector};
use premaster_testing::{client_builder, name, pair, server_builder};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The fields of a ServerHello that a test looks at.
struct Answer {
    version: [u8; 2],
    session_id: Vec<u8>,
    suite: u16,
    compression: u8,
    /// Types and contents, `None` without an extension block.
    extensions: Option<Vec<(u16, Vec<u8>)>>,
}

/// What the server answers to this hello.
#[track_caller]
fn answer(hello: &Hello) -> Answer {
    let mut pair = pair(client_builder(), server_builder());
    pair.server.take(&hello.client()).unwrap();
    let records = said(&mut pair.server);
    assert_eq!(records.len(), 3);
    // Behind the headers of record and message.
    let body = &records[0][9..];
    let (session_id, chosen) = split_vector(1, &body[34..]);
    Answer {
        version: [body[0], body[1]],
        session_id: session_id.to_vec(),
        suite: u16::from_be_bytes([chosen[0], chosen[1]]),
        compression: chosen[2],
        extensions: extensions(&records[0]),
    }
}

const SERVER_NAME: (u16, &[u8]) = (0, b"\0\x11\0\0\x0eserver.example");

#[test]
fn a_hello_without_extensions_is_answered_without() {
    let answer = answer(&hello());
    assert_eq!(answer.version, [3, 3]);
    assert_eq!(answer.suite, 0x009c);
    assert_eq!(answer.compression, 0);
    assert_eq!(answer.extensions, None);
    // An empty block asks for nothing either.
    assert_eq!(self::answer(&hello_with(&[])).extensions, None);
}

#[test]
fn only_what_was_asked_for_is_answered() {
    let renegotiation = (0xff01, &[0][..]);
    for (asked, answered) in [
        (vec![SERVER_NAME], vec![(0, vec![])]),
        (vec![renegotiation], vec![(0xff01, vec![0])]),
        (
            vec![renegotiation, SERVER_NAME],
            vec![(0, vec![]), (0xff01, vec![0])],
        ),
    ] {
        assert_eq!(answer(&hello_with(&asked)).extensions, Some(answered));
    }
    // A name that the certificate does not have did not select it.
    let other = &b"\0\x10\0\0\x0dother.example"[..];
    assert_eq!(answer(&hello_with(&[(0, other)])).extensions, None);
    // An address and a name that no DNS has are not used, and so not acknowledged.
    for unusable in [
        &b"\0\x0c\0\0\x09127.0.0.1"[..],
        b"\0\x06\0\0\x03a b",
        b"\0\x05\0\0\x02a.",
    ] {
        assert_eq!(answer(&hello_with(&[(0, unusable)])).extensions, None);
    }
    let mut signalled = hello();
    signalled.suites.push(0x00ff);
    assert_eq!(answer(&signalled).extensions, Some(vec![(0xff01, vec![0])]));
}

#[test]
fn a_client_that_also_speaks_tls_1_3_is_answered_with_tls_1_2() {
    let key_share = [&[0, 36, 0, 29, 0, 32][..], &[9; 32]].concat();
    let psk = [&[0, 7, 0, 1, 1, 0, 0, 0, 0, 0, 33, 32][..], &[9; 32]].concat();
    let mut modern = hello_with(&[
        (0x0a0a, &[]),
        SERVER_NAME,
        (23, &[]),
        (0xff01, &[0]),
        (10, &[0, 4, 0x2a, 0x2a, 0, 29]),
        (13, &[0, 4, 8, 4, 4, 1]),
        (51, &key_share),
        (45, &[1, 1]),
        (43, &[4, 3, 4, 3, 3]),
        (0xdada, &[0]),
        (41, &psk),
    ]);
    modern.suites = vec![0x3a3a, 0x1301, 0x1302, 0xc02f, 0x009d, 0x009c];
    modern.session_id = vec![5; 32];
    let answered = answer(&modern);
    assert_eq!(answered.version, [3, 3]);
    // The session ID is one of the server's own, not an echo.
    assert_eq!(answered.session_id.len(), 32);
    assert_ne!(answered.session_id, modern.session_id);
    assert_eq!(answered.suite, 0x009d);
    assert_eq!(
        answered.extensions,
        Some(vec![(0, vec![]), (23, vec![]), (0xff01, vec![0])])
    );

    // A version above ours is offered, ours is chosen.
    let mut later = hello();
    later.version = 0x0304;
    assert_eq!(answer(&later).version, [3, 3]);
    // Compression methods beside null are passed over.
    let mut compressing = hello();
    compressing.compressions = vec![1, 0, 64];
    assert_eq!(answer(&compressing).compression, 0);
}

/// "represented as a byte string using ASCII encoding without a trailing dot".
#[test]
fn the_dot_at_the_end_of_a_name_is_not_sent() {
    let config = || Arc::new(client_builder().build().unwrap());
    let sent = |name: &'static str| {
        let mut sent = Vec::new();
        Connection::client(config(), name.try_into().unwrap(), &mut sent).unwrap();
        sent
    };
    assert_eq!(sent("server.example."), sent("server.example"));
}

#[test]
fn the_clients_hello_is_short_and_offers_what_is_configured() {
    let suite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
    let config = client_builder().suites(&[suite]).build().unwrap();
    let mut sent = Vec::new();
    Connection::client(Arc::new(config), name(), &mut sent).unwrap();
    assert!(sent.len() < 256, "{}", sent.len());
    // A record of TLS 1.0, which older servers read on, and a hello of TLS 1.2.
    assert_eq!(sent[..3], [22, 3, 1]);
    assert_eq!(sent[9..11], [3, 3]);
    let behind_random = &sent[43..];
    assert_eq!(behind_random[..7], [0, 0, 2, 0, 0x9c, 1, 0]);
    let extensions = &behind_random[9..];
    assert_eq!(extensions[..2], [0, 0]);
    assert!(extensions.ends_with(&[0xff, 1, 0, 1, 0]));
}

/// The hello of a client with these settings, as a record.
fn sent(client: ClientConfigBuilder) -> Vec<u8> {
    let mut sent = Vec::new();
    Connection::client(Arc::new(client.build().unwrap()), name(), &mut sent).unwrap();
    sent
}

/// The suites in a client's hello.
fn suites(hello: &[u8]) -> Vec<u16> {
    let (_session_id, rest) = split_vector(1, &hello[43..]);
    let (suites, _) = split_vector(2, rest);
    let pairs = suites.chunks_exact(2);
    pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn extension_types(hello: &[u8]) -> Vec<u16> {
    let extensions = extensions(hello).unwrap();
    extensions.into_iter().map(|(typ, _)| typ).collect()
}

/// Some servers cannot take a ClientHello of 256 bytes or more.
#[test]
fn every_setting_adds_to_the_hello_what_it_has_to_say() {
    let default = sent(client_builder());
    assert_eq!(extension_types(&default), [0, 13, 23, 35, 0xff01]);
    assert!(default.len() < 256, "{}", default.len());
    for (client, bytes) in [
        (
            client_builder().max_fragment_length(MaxFragmentLength::L512),
            5,
        ),
        (client_builder().request_ocsp_response(), 4 + 5),
        (
            client_builder().alpn_protocols(&[b"h2", b"ocpp1.6"]),
            4 + 2 + 3 + 8,
        ),
        (client_builder().record_size_limit(64), 4 + 2),
        (client_builder().fallback_scsv(), 2),
        (client_builder().grease(), 2 + 2 + 4 + 5),
        (
            client_builder().extended_master_secret(ExtendedMasterSecret::Off),
            -4,
        ),
        (client_builder().session_tickets(false), -4),
        (client_builder().session_store(None), -4),
    ] {
        let added = sent(client).len() as isize - default.len() as isize;
        assert_eq!(added, bytes);
    }
}

/// Nor do some servers take more than 512 bytes behind the record's header.
#[test]
fn a_hello_with_a_ticket_is_short_as_well() {
    let tickets = Arc::new(Tickets::rotating(Duration::from_secs(3600)));
    let client = Arc::new(client_builder().build().unwrap());
    let server = Arc::new(server_builder().tickets(Some(tickets)).build().unwrap());
    Pair::new(client.clone(), server, name()).established();
    let mut sent = Vec::new();
    Connection::client(client, name(), &mut sent).unwrap();
    let extensions = extensions(&sent).unwrap();
    let ticket = extensions.iter().find(|(typ, _)| *typ == 35).unwrap();
    assert!(ticket.1.len() > 100);
    assert!(sent.len() < 517, "{}", sent.len());
}

#[test]
fn only_a_client_that_fell_back_says_so() {
    let default = suites(&sent(client_builder()));
    assert_eq!(default, [0x009d, 0x009c]);
    let fell_back = suites(&sent(client_builder().fallback_scsv()));
    assert_eq!(fell_back, [0x009d, 0x009c, 0x5600]);
}

fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[test]
fn reserved_values_come_first_and_last_and_differ() {
    let plain = sent(client_builder());
    let config = Arc::new(client_builder().grease().build().unwrap());
    let mut seen = [const { BTreeSet::new() }; 4];
    for _ in 0..200 {
        let mut sent = Vec::new();
        Connection::client(config.clone(), name(), &mut sent).unwrap();
        let suites = suites(&sent);
        assert_eq!(suites[1..], self::suites(&plain));
        let greased = extensions(&sent).unwrap();
        let [(first, none), known @ .., (last, one)] = &greased[..] else {
            panic!("{greased:?}");
        };
        // The list of signature algorithms begins with one more.
        let mut known = known.to_vec();
        let list = known.iter_mut().find(|(typ, _)| *typ == 13).unwrap();
        let algorithm = u16::from_be_bytes([list.1[2], list.1[3]]);
        list.1 = vector(2, &list.1[4..]);
        assert_eq!(known, extensions(&plain).unwrap());
        // One empty, one not: a server must skip both.
        assert_eq!((&none[..], &one[..]), (&[][..], &[0][..]));
        assert_ne!(first, last);
        for (seen, value) in seen.iter_mut().zip([suites[0], algorithm, *first, *last]) {
            assert!(is_grease(value), "{value:#06x}");
            seen.insert(value);
        }
    }
    assert_eq!(seen.map(|values| values.len()), [16; 4]);
    assert!(!suites(&plain).into_iter().any(is_grease));
    assert!(!extension_types(&plain).into_iter().any(is_grease));
}

#[test]
fn our_server_passes_reserved_values_over() {
    let client = Arc::new(client_builder().grease().build().unwrap());
    let server = server_builder().suite_preference(Preference::Client);
    let server = Arc::new(server.build().unwrap());
    for resumed in [false, true, true] {
        let pair = Pair::new(client.clone(), server.clone(), name()).established();
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.resumption().is_resumed(), resumed);
    }
}

/// "Clients MUST reject GREASE values when negotiated by the server."
#[test]
fn a_server_that_chooses_a_reserved_value_is_refused() {
    let start = || {
        let mut pair = pair(client_builder().grease(), server_builder());
        let hello = said(&mut pair.client).concat();
        (pair.client, suites(&hello)[0], extension_types(&hello))
    };
    let renegotiation = (0xff01, &[0][..]);
    let (mut client, suite, _) = start();
    let mut chosen = hello_with(&[renegotiation]);
    chosen.suites = vec![suite];
    let refused = PeerError::UnofferedSuite(CipherSuite(suite));
    assert_eq!(client.take(&chosen.server()), Err(refused.into()));

    for content in [&[][..], &[0]] {
        let (mut first_client, _, types) = start();
        let (mut last_client, ..) = start();
        for (client, typ) in [
            (&mut first_client, types[0]),
            (&mut last_client, types[types.len() - 1]),
        ] {
            let chosen = hello_with(&[renegotiation, (typ, content)]);
            let refused = PeerError::UnsolicitedExtension(ExtensionType(typ));
            assert_eq!(client.take(&chosen.server()), Err(refused.into()));
        }
    }
}
