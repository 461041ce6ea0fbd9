//! What hellos offer and how they are answered.

mod common;

use common::wire::{Hello, hello, said};
use common::{client_builder, name, pair, server_builder};
use premaster::{CipherSuite, Connection};
use std::sync::Arc;

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
fn answer(hello: &Hello) -> Answer {
    let mut pair = pair(client_builder(), server_builder());
    pair.server.take(&hello.client()).unwrap();
    let records = said(&mut pair.server);
    assert_eq!(records.len(), 3);
    // Behind the headers of record and message.
    let body = &records[0][9..];
    let (fixed, rest) = body.split_at(35);
    let (session_id, rest) = rest.split_at(fixed[34].into());
    let (chosen, rest) = rest.split_at(3);
    let extensions = (!rest.is_empty()).then(|| {
        let mut block = &rest[2..];
        let mut found = Vec::new();
        while !block.is_empty() {
            let length = usize::from(u16::from_be_bytes([block[2], block[3]]));
            let typ = u16::from_be_bytes([block[0], block[1]]);
            found.push((typ, block[4..4 + length].to_vec()));
            block = &block[4 + length..];
        }
        found
    });
    Answer {
        version: [fixed[0], fixed[1]],
        session_id: session_id.to_vec(),
        suite: u16::from_be_bytes([chosen[0], chosen[1]]),
        compression: chosen[2],
        extensions,
    }
}

const SERVER_NAME: (u16, &[u8]) = (0, b"\0\x11\0\0\x0eserver.example");

fn with(extensions: &[(u16, &[u8])]) -> Hello {
    let owned = extensions
        .iter()
        .map(|(typ, content)| (*typ, content.to_vec()));
    Hello {
        extensions: Some(owned.collect()),
        ..hello()
    }
}

#[test]
fn a_hello_without_extensions_is_answered_without() {
    let answer = answer(&hello());
    assert_eq!(answer.version, [3, 3]);
    assert_eq!(answer.suite, 0x009c);
    assert_eq!(answer.compression, 0);
    assert_eq!(answer.extensions, None);
    // An empty block asks for nothing either.
    assert_eq!(self::answer(&with(&[])).extensions, None);
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
        assert_eq!(answer(&with(&asked)).extensions, Some(answered));
    }
    // An address and a name that no DNS has are not used, and so not acknowledged.
    for unusable in [
        &b"\0\x0c\0\0\x09127.0.0.1"[..],
        b"\0\x06\0\0\x03a b",
        b"\0\x05\0\0\x02a.",
    ] {
        assert_eq!(answer(&with(&[(0, unusable)])).extensions, None);
    }
    let mut signalled = hello();
    signalled.suites.push(0x00ff);
    assert_eq!(answer(&signalled).extensions, Some(vec![(0xff01, vec![0])]));
}

#[test]
fn a_client_that_also_speaks_tls_1_3_is_answered_with_tls_1_2() {
    let key_share = [&[0, 36, 0, 29, 0, 32][..], &[9; 32]].concat();
    let psk = [&[0, 7, 0, 1, 1, 0, 0, 0, 0, 0, 33, 32][..], &[9; 32]].concat();
    let mut modern = with(&[
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
