//! A look at a ClientHello before there is a connection.

use premaster::error::{DecodeError, PeerError};
use premaster::protocol::{ContentType, HandshakeType, ProtocolVersion};
use premaster::rand_core::Rng;
use premaster::{ClientHello, Error, Peeked};
use premaster_testing::wire::{
    CLIENT_HELLO, HANDSHAKE, Hello, SERVER_NAME, handshake, hello, message, record,
    record_of_version, records, vector,
};
use premaster_testing::{AES_128, AES_256, NAME, client_builder, pair, rng, server_builder};

const SUPPORTED_VERSIONS: u16 = 43;

/// The ClientHello of a client with this crate, as it is on the wire.
fn own_hello() -> Vec<u8> {
    let client = client_builder().alpn_protocols(&[b"h2", b"http/1.1"]);
    pair(client, server_builder()).client.outgoing
}

/// The records with their content in pieces of this size.
fn in_pieces(flight: &[u8], size: usize) -> Vec<u8> {
    let content: Vec<u8> = records(flight).iter().flat_map(|record| record[5..].to_vec()).collect();
    content
        .chunks(size)
        .flat_map(|piece| record_of_version(HANDSHAKE, 0x0301, piece))
        .collect()
}

#[track_caller]
fn complete(bytes: &[u8]) -> ClientHello {
    match ClientHello::peek(bytes) {
        Ok(Peeked::Hello(hello)) => hello,
        other => panic!("{other:?}"),
    }
}

fn with_extension(typ: u16, content: &[u8]) -> Hello {
    Hello {
        extensions: Some(vec![(typ, content.to_vec())]),
        ..hello()
    }
}

#[test]
fn a_hello_shows_what_it_offers() {
    let hello = complete(&own_hello());
    assert_eq!(hello.client_version(), ProtocolVersion::TLS_1_2);
    assert_eq!(hello.versions(), [ProtocolVersion::TLS_1_2]);
    assert!(hello.cipher_suites().contains(&AES_128));
    assert!(hello.cipher_suites().contains(&AES_256));
    assert_eq!(hello.server_name().map(AsRef::as_ref), Some(NAME));
    assert_eq!(hello.alpn_protocols(), [&b"h2"[..], b"http/1.1"]);
    assert!(!hello.is_fallback());

    let bare = complete(&hello_record(&Hello {
        version: 0x0301,
        ..self::hello()
    }));
    assert_eq!(bare.versions(), [ProtocolVersion::TLS_1_0]);
    assert_eq!(bare.server_name(), None);
    assert!(bare.alpn_protocols().is_empty());
}

fn hello_record(hello: &Hello) -> Vec<u8> {
    hello.clone().client()
}

#[test]
fn newer_versions_are_in_an_extension() {
    let versions = vector(1, &[0x8a, 0x8a, 3, 4, 3, 3]);
    let hello = complete(&hello_record(&with_extension(
        SUPPORTED_VERSIONS,
        &versions,
    )));
    assert_eq!(hello.client_version(), ProtocolVersion::TLS_1_2);
    assert_eq!(
        hello.versions(),
        [0x8a8a, 0x0304, 0x0303].map(ProtocolVersion)
    );
    for broken in [vector(1, &[]), vector(1, &[3]), vec![2, 3, 4, 0]] {
        let hello = complete(&hello_record(&with_extension(SUPPORTED_VERSIONS, &broken)));
        assert_eq!(hello.versions(), [ProtocolVersion::TLS_1_2]);
    }
}

/// A name that selects nothing in a server is none here either.
#[test]
fn only_names_of_dns_are_told() {
    for (name, told) in [
        (&b"bmc.example"[..], Some("bmc.example")),
        (b"192.0.2.1", None),
        (b"bmc example", None),
        (b"\xff", None),
    ] {
        let list = vector(2, &[&[0][..], &vector(2, name)].concat());
        let hello = complete(&hello_record(&with_extension(SERVER_NAME, &list)));
        assert_eq!(hello.server_name().map(AsRef::as_ref), told);
    }
}

#[test]
fn suites_are_told_as_they_are() {
    let suites = [0x0a0a, 0x009e, 0x009c, 0x00ff];
    for (signal, is_fallback) in [(0x5600, true), (0x5601, false)] {
        let suites = [&suites[..], &[signal]].concat();
        let hello = complete(&hello_record(&Hello {
            suites: suites.clone(),
            ..hello()
        }));
        let told: Vec<_> = hello.cipher_suites().iter().map(|suite| suite.0).collect();
        assert_eq!(told, suites);
        assert_eq!(hello.is_fallback(), is_fallback);
    }
}

/// One more byte never changes what was known, and brings the end nearer by one byte at most.
#[test]
fn edited_hellos_are_read_alike_from_any_beginning() {
    let flight = own_hello();
    for seed in 0..40 {
        let mut rng = rng(seed);
        let mut draw = |below: usize| rng.next_u32() as usize % below;
        let mut bytes = in_pieces(&flight, 1 + draw(400));
        for _ in 0..draw(4) {
            let length = bytes.len();
            bytes[draw(length)] ^= 1 << draw(8);
        }
        let mut before = ClientHello::peek(&[]);
        for length in 1..=bytes.len() {
            let after = ClientHello::peek(&bytes[..length]);
            match (&before, &after) {
                (Ok(Peeked::NeedData { more }), Ok(Peeked::NeedData { more: left })) => {
                    assert!(*left > 0 && left + 1 >= *more, "{seed} {length}");
                }
                (Ok(Peeked::NeedData { more }), Ok(Peeked::Hello(_))) => assert_eq!(*more, 1),
                (Ok(Peeked::NeedData { .. }), Err(_)) => {}
                (before, after) => assert_eq!(before, after, "{seed} {length}"),
            }
            before = after;
        }
    }
}

/// However the hello is cut: each beginning needs more, never more than there is, and what is needed
/// is enough in the end.
#[test]
fn a_beginning_needs_more() {
    let flight = own_hello();
    let whole = complete(&flight);
    for size in [1, 2, 3, 4, 5, 50, 1 << 14] {
        let bytes = in_pieces(&flight, size);
        assert_eq!(complete(&bytes), whole);
        for length in 0..bytes.len() {
            match ClientHello::peek(&bytes[..length]).unwrap() {
                Peeked::NeedData { more } => {
                    assert!(
                        more > 0 && length + more <= bytes.len(),
                        "{size} {length} {more}"
                    );
                }
                Peeked::Hello(_) => panic!("complete with {length} of {}", bytes.len()),
            }
        }
        let mut length = 0;
        let mut calls = 0;
        while let Peeked::NeedData { more } = ClientHello::peek(&bytes[..length]).unwrap() {
            length += more;
            calls += 1;
        }
        assert_eq!(length, bytes.len());
        // In one record: the header, the header of the message, the message.
        if size == 1 << 14 {
            assert_eq!(calls, 2);
        }
        // What follows does not matter.
        assert_eq!(complete(&[&bytes[..], b"anything"].concat()), whole);
    }
}

/// A hello that is longer than a record needs the headers of all of its records.
#[test]
fn a_long_hello_is_in_several_records() {
    let padding = (21, vec![0; 40_000]);
    let long = Hello {
        extensions: Some(vec![padding]),
        ..hello()
    };
    let bytes = in_pieces(&hello_record(&long), 1 << 14);
    let mut length = 0;
    let mut calls = 0;
    while let Peeked::NeedData { more } = ClientHello::peek(&bytes[..length]).unwrap() {
        length += more;
        calls += 1;
    }
    assert_eq!((length, calls), (bytes.len(), 2));
}

#[test]
fn what_is_no_hello_is_refused_by_its_first_bytes() {
    let unexpected = |typ| Error::from(PeerError::UnexpectedRecord(ContentType(typ)));
    for (bytes, error) in [
        (&b"GET / HTTP/1.1\r\n"[..], unexpected(b'G')),
        (b"S", unexpected(b'S')),
        (&[21, 3, 1, 0, 2, 1, 0], unexpected(21)),
        (
            &[22, 2, 0, 0, 1, 1],
            PeerError::RecordVersion(ProtocolVersion(0x0200)).into(),
        ),
        (&[22, 3, 1, 0x40, 1], PeerError::RecordTooLong.into()),
        (
            &[22, 3, 1, 0, 0],
            PeerError::EmptyRecord(ContentType(22)).into(),
        ),
        (
            &record(HANDSHAKE, &[2]),
            PeerError::UnexpectedMessage {
                received: HandshakeType::SERVER_HELLO,
                awaited: "client_hello",
            }
            .into(),
        ),
        (
            &record(HANDSHAKE, &[1, 0xff, 0xff, 0xff]),
            PeerError::MessageTooLong {
                message: HandshakeType::CLIENT_HELLO,
                length: 0xff_ffff,
                most: 131_396,
            }
            .into(),
        ),
        (&record(HANDSHAKE, &[1, 0, 0, 40]), truncated()),
        (&handshake(CLIENT_HELLO, &[0xff; 41]), truncated()),
    ] {
        assert_eq!(ClientHello::peek(bytes), Err(error), "{bytes:02x?}");
    }
}

fn truncated() -> Error {
    Error::Decode {
        message: "client_hello",
        error: DecodeError::Truncated,
    }
}

/// The work for a hello is bounded, however many records it comes in.
#[test]
fn a_hello_in_too_many_records_is_refused() {
    let begun = message(CLIENT_HELLO, &[7; 5000]);
    let bytes: Vec<u8> = begun.iter().flat_map(|byte| record(HANDSHAKE, &[*byte])).collect();
    let most = 6 * 4095;
    let needs = ClientHello::peek(&bytes[..most]);
    assert!(matches!(needs, Ok(Peeked::NeedData { .. })), "{needs:?}");
    let refused = ClientHello::peek(&bytes[..most + 6]);
    let error = Error::Decode {
        message: "client_hello in more than 4096 records",
        error: DecodeError::BadLength,
    };
    assert_eq!(refused, Err(error));
}
