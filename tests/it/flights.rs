//! A flight ends with a record: what stands behind its last message, before the other side has
//! answered, is refused.

use premaster::Error;
use premaster::error::PeerError;
use premaster::protocol::{AlertDescription, HandshakeType};
use premaster_testing::forger::{Forger, Sender, Stopped};
use premaster_testing::pair::{Chunks, End, Pair};
use premaster_testing::wire::{
    ALERT, CHANGE_CIPHER_SPEC, CLIENT_KEY_EXCHANGE, HANDSHAKE, HELLO_REQUEST, message, messages,
    record, said,
};
use premaster_testing::{client_builder, pair, server_builder};

/// What may not stand behind a flight: a part of a message, the next flight's message, whole and
/// begun, and a part of a HelloRequest, also behind a whole one.
fn excess() -> Vec<Vec<u8>> {
    let next = message(CLIENT_KEY_EXCHANGE, &[0, 1, 7]);
    vec![
        vec![CLIENT_KEY_EXCHANGE],
        next[..4].to_vec(),
        next,
        vec![HELLO_REQUEST],
        vec![0, 0, 0, 0, 0, 0],
        message(HELLO_REQUEST, &[0]),
    ]
}

fn hello_requests(count: usize) -> Vec<u8> {
    message(HELLO_REQUEST, &[]).repeat(count)
}

#[track_caller]
fn assert_refused(result: Result<(), Error>, end: HandshakeType) {
    let refused = Error::from(PeerError::ExcessHandshakeData(end));
    assert_eq!(refused.alert(), Some(AlertDescription::UNEXPECTED_MESSAGE));
    assert_eq!(result, Err(refused));
}

/// A pair whose hello is sent, and the ClientHello.
fn met() -> (Pair, Vec<u8>) {
    let mut pair = pair(client_builder(), server_builder());
    let hello = messages(&said(&mut pair.client));
    (pair, hello)
}

#[test]
fn nothing_follows_a_client_hello() {
    for excess in excess() {
        let (mut pair, hello) = met();
        let flight = record(HANDSHAKE, &[hello, excess].concat());
        assert_refused(pair.server.take(&flight), HandshakeType::CLIENT_HELLO);
        // The server has not answered the hello.
        assert_eq!(pair.server.outgoing, record(ALERT, &[2, 10]));
    }
}

#[test]
fn nothing_follows_a_server_hello_done() {
    for excess in excess() {
        let (mut pair, hello) = met();
        pair.server.take(&record(HANDSHAKE, &hello)).unwrap();
        let flight = messages(&said(&mut pair.server));
        let flight = record(HANDSHAKE, &[flight, excess].concat());
        let refused = pair.client.take(&flight);
        assert_refused(refused, HandshakeType::SERVER_HELLO_DONE);
        assert_eq!(pair.client.outgoing, record(ALERT, &[2, 10]));
    }
}

/// An end that awaits its peer's Finished, and the forger of that.
fn before_finished(sender: Sender) -> (End, Forger, Vec<u8>) {
    let stopped = Stopped::before_client_flight(client_builder(), server_builder());
    let forger = stopped.forger();
    let Pair { client, mut server } = stopped.pair;
    let hello = stopped.client_hello.clone();
    let mut transcript = [hello, messages(&stopped.server_flight)].concat();
    let (_finished, clear) = stopped.client_flight.split_last().unwrap();
    transcript.extend(messages(clear));
    server.take(&clear.concat()).unwrap();
    match sender {
        Sender::Client => (server, forger, transcript),
        Sender::Server => {
            transcript.extend(forger.finished(Sender::Client, &transcript));
            let mut client = client;
            client.take(&record(CHANGE_CIPHER_SPEC, &[1])).unwrap();
            (client, forger, transcript)
        }
    }
}

#[test]
fn nothing_follows_finished() {
    for sender in [Sender::Client, Sender::Server] {
        for excess in excess() {
            let (mut end, forger, transcript) = before_finished(sender);
            let finished = forger.finished(sender, &transcript);
            let flight = forger.seal(sender, 0, HANDSHAKE, &[finished, excess].concat());
            assert_refused(end.take(&flight), HandshakeType::FINISHED);
            assert!(end.connection.session().is_none());
        }
    }
}

/// "The HelloRequest message MAY be sent by the server at any time": in the handshake it is
/// ignored, afterwards refused with a warning.
#[test]
fn hello_requests_belong_to_no_flight() {
    for count in 1..=3 {
        let (mut pair, hello) = met();
        pair.server.take(&record(HANDSHAKE, &hello)).unwrap();
        let flight = messages(&said(&mut pair.server));
        let requests = hello_requests(count);
        let flight = [flight, requests.clone()].concat();
        pair.client.take(&record(HANDSHAKE, &flight)).unwrap();
        pair.run(Chunks::Whole).unwrap();
        assert!(pair.client.connection.session().is_some());
        assert!(pair.server.connection.session().is_some());

        let (mut client, forger, transcript) = before_finished(Sender::Server);
        client.outgoing.clear();
        let finished = forger.finished(Sender::Server, &transcript);
        let flight = [finished, requests].concat();
        client.take(&forger.seal(Sender::Server, 0, HANDSHAKE, &flight)).unwrap();
        assert!(client.connection.session().is_some());
        assert_eq!(said(&mut client).len(), count);
    }
}
