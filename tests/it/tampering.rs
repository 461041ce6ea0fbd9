//! Every byte of a handshake and of a protected record, flipped: always an error, never a panic,
//! never a handshake that completes.

use premaster::error::PeerError;
use premaster::protocol::MaxFragmentLength;
use premaster::{ClientAuth, ClientConfigBuilder, Error, ServerConfigBuilder};
use premaster_testing::forger::Stopped;
use premaster_testing::pair::Pair;
use premaster_testing::wire::said;
use premaster_testing::{client_builder, client_certified, roots, stapling};

/// Flips one bit of each byte in turn, a different one from byte to byte.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        flipped
    })
}

/// Lets both sides talk until one fails or both wait. Returns true if either completed the
/// handshake.
fn completes(pair: &mut Pair) -> bool {
    for _ in 0..4 {
        let to_server = std::mem::take(&mut pair.client.outgoing);
        let to_client = std::mem::take(&mut pair.server.outgoing);
        let failed = pair.server.take(&to_server).is_err() | pair.client.take(&to_client).is_err();
        if failed {
            break;
        }
    }
    let established = |end: &premaster_testing::pair::End| end.connection.session().is_some();
    established(&pair.client) || established(&pair.server)
}

/// A client with every setting that adds to its messages.
fn client() -> ClientConfigBuilder {
    client_builder()
        .certificate(client_certified())
        .alpn_protocols(&[b"ocpp1.6", b"ocpp2.0.1"])
        .max_fragment_length(MaxFragmentLength::L4096)
        .record_size_limit(1000)
        .request_ocsp_response()
}

/// The server of such a client.
fn server() -> ServerConfigBuilder {
    stapling(b"an OCSP response")
        .client_auth(ClientAuth::Request(roots().into()))
        .alpn_protocols(&[b"ocpp1.6", b"ocpp2.0.1"])
        .record_size_limit(2000)
}

fn pair() -> Pair {
    premaster_testing::pair(client(), server())
}

/// A flipped length can make the receiver wait for more, which is not a success either; the other
/// outcomes are errors. Nothing ever completes.
#[test]
fn the_servers_first_flight() {
    let mut recorded = pair();
    let hello = said(&mut recorded.client).concat();
    recorded.server.take(&hello).unwrap();
    let flight = std::mem::take(&mut recorded.server.outgoing);
    let (mut refused_at_once, mut total) = (0, 0);
    for flipped in flips(&flight) {
        let mut pair = pair();
        let hello = said(&mut pair.client).concat();
        pair.server.take(&hello).unwrap();
        pair.server.outgoing.clear();
        total += 1;
        refused_at_once += usize::from(pair.client.take(&flipped).is_err());
        assert!(!completes(&mut pair));
    }
    // Most of the flight is a signed certificate.
    assert!(refused_at_once * 2 > total, "{refused_at_once} of {total}");
}

#[test]
fn the_client_hello() {
    let mut recorded = pair();
    let hello = said(&mut recorded.client).concat();
    for flipped in flips(&hello) {
        // A record header's minor version is free in a first ClientHello, and nothing hashes it.
        if flipped[2] != hello[2] {
            continue;
        }
        let mut pair = pair();
        pair.client.outgoing.clear();
        if pair.server.take(&flipped).is_ok() {
            assert!(!completes(&mut pair));
        }
    }
}

#[test]
fn the_clients_second_flight() {
    let stopped = || Stopped::before_client_flight(client(), server());
    for flipped in flips(&stopped().client_flight.concat()) {
        let mut stopped = stopped();
        let _ = stopped.pair.server.take(&flipped);
        assert!(stopped.pair.server.connection.session().is_none());
    }
}

#[test]
fn a_protected_record() {
    let (mut sender, _) = premaster_testing::forger::established();
    sender.client.send(b"attack at dawn");
    let record = std::mem::take(&mut sender.client.outgoing);
    for (at, flipped) in flips(&record).enumerate() {
        let (mut pair, _) = premaster_testing::forger::established();
        let result = pair.server.take(&flipped);
        assert!(pair.server.received.is_empty());
        match at {
            // The header: type, version, length.
            0..5 if result.is_ok() => assert!(flipped.len() < 5 + length(&flipped)),
            0..5 => {}
            _ => assert_eq!(result, Err(Error::from(PeerError::BadRecord))),
        }
    }
    // The control: without a flip it is taken.
    sender.server.take(&record).unwrap();
    assert_eq!(sender.server.received, b"attack at dawn");
}

fn length(record: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([record[3], record[4]]))
}
