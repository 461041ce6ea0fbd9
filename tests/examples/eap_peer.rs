//! The peer of the example `eap_tls`, which does no I/O, in memory.

use super::eap_tls_peer::{Keys, Peer, Step};
use premaster::{Connection, Event};
use premaster_testing::{client_builder, name, server_builder};
use std::sync::Arc;

const TLS: u8 = 13;
const LENGTH_INCLUDED: u8 = 0x80;
const MORE_FRAGMENTS: u8 = 0x40;
const START: &[u8] = &[TLS, 0x20];
/// An acknowledgement.
const EMPTY: &[u8] = &[TLS, 0];
const SUCCESS: &[u8] = &[3, 7, 0, 4];
const FAILURE: &[u8] = &[4, 7, 0, 4];

fn peer(fragment: usize) -> Peer {
    let config = Arc::new(client_builder().build().unwrap());
    Peer::new("station".to_owned(), config, name(), fragment)
}

fn server() -> Connection {
    Connection::server(Arc::new(server_builder().build().unwrap()))
}

/// A request, from its type on.
fn request(body: &[u8]) -> Vec<u8> {
    packet(1, body)
}

fn packet(code: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[code, 7, high, low], body].concat()
}

/// The response to a request, both from their type on.
#[track_caller]
fn ask(peer: &mut Peer, body: &[u8]) -> Vec<u8> {
    match peer.handle(&request(body)).unwrap() {
        Step::Respond(response) => {
            assert_eq!(response, packet(2, &response[4..]));
            response[4..].to_vec()
        }
        step => panic!("{step:?}"),
    }
}

#[track_caller]
fn refuses(peer: &mut Peer, packet: &[u8], reason: &str) {
    let failure = peer.handle(packet).unwrap_err().to_string();
    assert!(failure.contains(reason), "{failure}");
}

/// A fragment.
fn fragment(flags: u8, data: &[u8]) -> Vec<u8> {
    [&[TLS, flags], data].concat()
}

/// A fragment with the length of its flight.
fn first(flags: u8, length: u32, data: &[u8]) -> Vec<u8> {
    fragment(
        flags | LENGTH_INCLUDED,
        &[&length.to_be_bytes()[..], data].concat(),
    )
}

/// The flight that begins with this response.
fn collect(peer: &mut Peer, mut response: Vec<u8>) -> Vec<u8> {
    let mut flight = Vec::new();
    let mut length = None;
    loop {
        let [TLS, flags, data @ ..] = &response[..] else {
            panic!("{response:?}");
        };
        let mut data = data;
        if flags & LENGTH_INCLUDED != 0 {
            let (bytes, rest) = data.split_first_chunk().unwrap();
            length = Some(u32::from_be_bytes(*bytes) as usize);
            data = rest;
        }
        flight.extend_from_slice(data);
        if flags & MORE_FRAGMENTS == 0 {
            break;
        }
        response = ask(peer, EMPTY);
    }
    assert!(length.is_none_or(|length| length == flight.len()));
    flight
}

/// Gives the peer a flight in pieces: the flight that it answers with.
fn deliver(peer: &mut Peer, flight: &[u8], size: usize) -> Vec<u8> {
    let length = u32::try_from(flight.len()).unwrap();
    let mut pieces = flight.chunks(size).enumerate().peekable();
    while let Some((index, piece)) = pieces.next() {
        let more = if pieces.peek().is_some() {
            MORE_FRAGMENTS
        } else {
            0
        };
        let response = match index {
            0 => ask(peer, &first(more, length, piece)),
            _ => ask(peer, &fragment(more, piece)),
        };
        if more == 0 {
            return collect(peer, response);
        }
        assert_eq!(response, EMPTY);
    }
    unreachable!()
}

/// What the server answers to a flight.
fn answer(server: &mut Connection, mut flight: Vec<u8>) -> Vec<u8> {
    let (mut at, mut out) = (0, Vec::new());
    while at < flight.len() {
        let received = server.receive(&mut flight[at..], &mut out).unwrap();
        at += received.consumed;
        assert!(matches!(
            received.event,
            Event::NeedData | Event::HandshakeComplete
        ));
    }
    out
}

/// A peer whose hello has been sent, and the server's answer.
fn after_hello(size: usize) -> (Peer, Connection, Vec<u8>) {
    let (mut peer, mut server) = (peer(size), server());
    let response = ask(&mut peer, START);
    let hello = collect(&mut peer, response);
    let flight = answer(&mut server, hello);
    (peer, server, flight)
}

#[test]
fn a_handshake_in_fragments_gives_both_sides_the_keys() {
    for size in [64, 101, 1000, 3000] {
        let (mut peer, mut server, flight) = after_hello(size);
        let flight = deliver(&mut peer, &flight, size);
        let flight = answer(&mut server, flight);
        assert!(server.is_established());
        assert_eq!(deliver(&mut peer, &flight, size), b"");
        assert!(matches!(peer.handle(SUCCESS), Ok(Step::Succeeded)));

        let mut material = [0; 128];
        server.export_keying_material(b"client EAP encryption", None, &mut material).unwrap();
        let Keys { msk, emsk } = peer.keys().unwrap();
        assert_eq!([*msk, *emsk].concat(), material);
    }
}

#[test]
fn what_is_not_tls_is_answered_by_eap() {
    let mut peer = peer(1000);
    assert_eq!(peer.identity().unwrap(), b"\x02\x00\x00\x0c\x01station");
    assert_eq!(ask(&mut peer, &[1]), b"\x01station");
    assert_eq!(ask(&mut peer, b"\x02words"), [2]);
    // MD5-Challenge.
    assert_eq!(ask(&mut peer, &[4, 1, 2, 3]), [3, TLS]);
    assert!(matches!(peer.handle(FAILURE), Ok(Step::Failed)));
    assert!(peer.error().is_none());
}

#[test]
fn packets_out_of_place_are_refused() {
    for (packet, reason) in [
        (&b""[..], "too short"),
        (b"\x01\x07\x00", "too short"),
        (b"\x01\x07\x00\x09\x0d", "wrong length"),
        (b"\x01\x07\x00\x03\x0d", "wrong length"),
        (SUCCESS, "EAP-Success in the middle"),
        (b"\x01\x07\x00\x04", "out of place"),
        (b"\x02\x07\x00\x06\x0d\x00", "out of place"),
        (&request(&[TLS]), "out of place"),
        (&request(&[3, TLS]), "out of place"),
        (&request(EMPTY), "acknowledges what was not sent"),
        (&request(&[TLS, 0, 1]), "before it starts"),
        (&request(&[TLS, 0x20, 1]), "with data"),
    ] {
        refuses(&mut peer(1000), packet, reason);
    }

    // With more of the hello to be sent.
    for (body, reason) in [
        (START, "starts EAP-TLS twice"),
        (&fragment(0, b"x"), "does not wait"),
        (&fragment(MORE_FRAGMENTS, b""), "does not wait"),
        (&[4, 1], "out of place"),
    ] {
        let mut peer = peer(64);
        ask(&mut peer, START);
        refuses(&mut peer, &request(body), reason);
    }
}

#[test]
fn flights_that_do_not_fit_are_refused() {
    for (body, reason) in [
        (EMPTY.to_vec(), "acknowledges what was not sent"),
        (fragment(MORE_FRAGMENTS, b""), "an empty fragment"),
        (fragment(LENGTH_INCLUDED, b"\0\0\0"), "cut off"),
        (first(0, 65_537, b"x"), "over 64 KiB"),
        (first(0, u32::MAX, b"x"), "over 64 KiB"),
        (first(0, 2, b"x"), "shorter than its length"),
        (first(MORE_FRAGMENTS, 1, b"xx"), "longer than its length"),
        // Half a record's header.
        (fragment(0, &[22, 3]), "inside a record"),
    ] {
        let (mut peer, ..) = after_hello(1000);
        refuses(&mut peer, &request(&body), reason);
        assert!(peer.keys().is_err());
    }

    let (mut peer, ..) = after_hello(1000);
    refuses(&mut peer, SUCCESS, "EAP-Success in the middle");

    let (mut peer, ..) = after_hello(1000);
    assert_eq!(ask(&mut peer, &first(MORE_FRAGMENTS, 9, b"x")), EMPTY);
    refuses(&mut peer, &request(&first(0, 8, b"x")), "has changed");

    // Without a length there is a limit, too.
    let (mut peer, ..) = after_hello(1000);
    for _ in 0..64 {
        assert_eq!(
            ask(&mut peer, &fragment(MORE_FRAGMENTS, &[22; 1024])),
            EMPTY
        );
    }
    refuses(&mut peer, &request(&fragment(0, b"x")), "than 64 KiB");
}

#[test]
fn a_failure_of_tls_is_told_to_the_server_before_it_fails() {
    let (mut peer, ..) = after_hello(1000);
    // A record of no known type.
    let response = ask(&mut peer, &fragment(0, &[99, 3, 3, 0, 1, 0]));
    // An alert.
    assert_eq!(response[..3], [TLS, 0, 21]);
    assert!(peer.error().is_some());
    refuses(&mut peer, SUCCESS, "EAP-Success in the middle");
    assert!(matches!(peer.handle(FAILURE), Ok(Step::Failed)));

    // The server's alert is acknowledged.
    let (mut peer, ..) = after_hello(1000);
    assert_eq!(
        ask(&mut peer, &fragment(0, &[21, 3, 3, 0, 2, 2, 40])),
        EMPTY
    );
    assert!(peer.error().unwrap().alert_received().is_some());

    // It may fail without a word.
    let (mut peer, _, flight) = after_hello(1000);
    deliver(&mut peer, &flight, 1000);
    assert!(matches!(peer.handle(FAILURE), Ok(Step::Failed)));
    let error = peer.error().unwrap().to_string();
    assert!(error.contains("finished was sent"), "{error}");
}

#[test]
fn data_behind_the_handshake_is_refused() {
    let (mut peer, mut server, flight) = after_hello(1000);
    let flight = deliver(&mut peer, &flight, 1000);
    let mut flight = answer(&mut server, flight);
    server.send(b"data", &mut flight).unwrap();
    refuses(
        &mut peer,
        &request(&fragment(0, &flight)),
        "more than a handshake",
    );
}
