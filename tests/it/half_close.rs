//! What each side may still say once the other has closed its direction with close_notify.

use premaster::error::{Misuse, PeerError};
use premaster::{ClientConfigBuilder, Error, ServerConfigBuilder};
use premaster_testing::forger::{Sender, established};
use premaster_testing::pair::{ALL_CHUNKS, Chunks, End, Pair};
use premaster_testing::wire::{ALERT, APPLICATION_DATA, record, said};
use premaster_testing::{client_builder, pair, server_builder};

/// More than one record.
static ANSWER: [u8; 40_000] = [7; 40_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

const ROLES: [Role; 2] = [Role::Client, Role::Server];

impl Role {
    /// The end of this role, and the other one.
    fn of(self, pair: &mut Pair) -> (&mut End, &mut End) {
        match self {
            Self::Client => (&mut pair.client, &mut pair.server),
            Self::Server => (&mut pair.server, &mut pair.client),
        }
    }
}

fn connected(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Pair {
    pair(client, server).established()
}

fn assert_closed(end: &mut End) {
    assert_eq!(end.events.last().unwrap(), "PeerClosed");
    assert_eq!(end.connection.receive_eof(), Ok(()));
    let mut nothing = Vec::new();
    let late = end.connection.send(b"late", &mut nothing);
    assert_eq!(late, Err(Misuse::Closed.into()));
    end.connection.close(&mut nothing);
    assert!(nothing.is_empty());
}

/// A request and the end of it, then the answer: what `socat` and HTTP/1.0 do.
#[test]
fn an_answer_is_finished_after_the_peers_close() {
    for asking in ROLES {
        for chunks in ALL_CHUNKS {
            let mut pair = connected(client_builder(), server_builder());
            let (asks, _) = asking.of(&mut pair);
            asks.send(b"request");
            asks.close();
            pair.run(chunks).unwrap();

            let (_, answers) = asking.of(&mut pair);
            assert_eq!(answers.received, b"request");
            assert_eq!(answers.events.last().unwrap(), "PeerClosed");
            assert!(answers.outgoing.is_empty());
            for piece in ANSWER.chunks(15_000) {
                asking.of(&mut pair).1.send(piece);
                pair.run(chunks).unwrap();
            }
            let (asks, answers) = asking.of(&mut pair);
            assert!(asks.received == ANSWER, "{asking:?} {chunks:?}");
            answers.close();
            pair.run(chunks).unwrap();
            assert_closed(&mut pair.client);
            assert_closed(&mut pair.server);
        }
    }
}

#[test]
fn a_side_that_closes_with_its_peer_answers_at_once_and_says_no_more() {
    for asking in ROLES {
        for chunks in ALL_CHUNKS {
            let mut pair = match asking {
                Role::Client => connected(client_builder(), server_builder().close_with_peer()),
                Role::Server => connected(client_builder().close_with_peer(), server_builder()),
            };
            let (asks, _) = asking.of(&mut pair);
            asks.send(b"request");
            asks.close();
            pair.run(chunks).unwrap();
            let (_, answers) = asking.of(&mut pair);
            assert_eq!(answers.received, b"request");
            assert_closed(&mut pair.client);
            assert_closed(&mut pair.server);
        }
    }
}

/// The setting is about the peer's close, not about this side's.
#[test]
fn a_side_that_closes_first_receives_until_its_peer_closes() {
    let client = client_builder().close_with_peer();
    let mut pair = connected(client, server_builder().close_with_peer());
    pair.client.close();
    pair.server.send(b"on its way");
    let sent = said(&mut pair.server).concat();
    pair.client.take(&sent).unwrap();
    assert_eq!(pair.client.received, b"on its way");
    pair.run(Chunks::Whole).unwrap();
    assert_closed(&mut pair.client);
    assert_closed(&mut pair.server);
}

/// What stands behind a close_notify is not TLS, protected or not, and changes nothing.
#[test]
fn what_follows_a_close_is_left_alone() {
    for sender in [Sender::Client, Sender::Server] {
        let (mut pair, forger) = established();
        let end = match sender {
            Sender::Client => &mut pair.server,
            Sender::Server => &mut pair.client,
        };
        end.take(&forger.seal(sender, 1, ALERT, &[1, 0])).unwrap();
        for after in [
            forger.seal(sender, 2, APPLICATION_DATA, b"late"),
            record(APPLICATION_DATA, &[0; 30]),
            b"plain text".to_vec(),
        ] {
            end.take(&after).unwrap();
            assert_eq!(end.events.last().unwrap(), "PeerClosed");
            assert_eq!(std::mem::take(&mut end.incoming), after);
        }
        assert!(end.received.is_empty());
        // Both ends close, and the keys of each direction with it.
        end.send(b"still here");
        end.close();
        let (client, server) = (&mut pair.client, &mut pair.server);
        let (from, to) = match sender {
            Sender::Client => (server, client),
            Sender::Server => (client, server),
        };
        to.take(&std::mem::take(&mut from.outgoing)).unwrap();
        assert_eq!(to.received, b"still here");
    }
}

/// A connection that is broken after the peer's close fails like any other.
#[test]
fn an_error_of_the_other_direction_is_still_one() {
    let mut pair = connected(client_builder(), server_builder());
    pair.client.close();
    pair.run(Chunks::Whole).unwrap();
    pair.server.send(b"answer");
    let mut answer = said(&mut pair.server).concat();
    *answer.last_mut().unwrap() ^= 1;
    let broken = pair.client.take(&answer);
    assert_eq!(broken, Err(Error::from(PeerError::BadRecord)));
    // After its close_notify the client says nothing, not even this.
    assert!(pair.client.outgoing.is_empty());
}
