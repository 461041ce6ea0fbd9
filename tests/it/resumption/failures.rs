//! "Servers and clients MUST forget any session-identifiers, keys, and secrets associated with a
//! failed connection"; those of one that merely ended are kept.

use premaster::Error;
use premaster::error::{Misuse, PeerError};
use premaster::protocol::AlertDescription;
use premaster_testing::Pair;
use premaster_testing::pair::{Chunks, End};
use premaster_testing::scene::{BY_TICKET, NOTHING_OFFERED, Scene, answer, outcome};
use premaster_testing::wire::{ALERT, APPLICATION_DATA, record, said};

/// The side that finds fault with the other.
#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Server,
}

const SIDES: [Side; 2] = [Side::Client, Side::Server];

impl Side {
    /// The side and its peer.
    fn of(self, pair: &mut Pair) -> (&mut End, &mut End) {
        match self {
            Self::Client => (&mut pair.client, &mut pair.server),
            Self::Server => (&mut pair.server, &mut pair.client),
        }
    }

    /// The side fails on `bytes`, which its peer hears nothing of.
    #[track_caller]
    fn fails_alone(self, pair: &mut Pair, bytes: &[u8]) {
        let (end, _) = self.of(pair);
        assert_eq!(end.take(bytes), Err(PeerError::BadRecord.into()));
    }

    /// The side fails on `bytes`, which the peer has not protected, and sends an alert.
    #[track_caller]
    fn fails(self, pair: &mut Pair, bytes: &[u8]) {
        let (end, peer) = self.of(pair);
        assert_eq!(end.take(bytes), Err(PeerError::BadRecord.into()));
        let alert = std::mem::take(&mut end.outgoing);
        let told = premaster_testing::alert_received(peer.take(&alert));
        assert_eq!(told, AlertDescription::BAD_RECORD_MAC);
    }
}

/// A record that nobody with the keys has made.
fn bad_record() -> Vec<u8> {
    record(APPLICATION_DATA, &[0; 40])
}

/// The last byte of a flight that ends with Finished is one of its tag.
fn with_tampered_finished(flight: &[Vec<u8>]) -> Vec<u8> {
    let mut flight = flight.concat();
    *flight.last_mut().unwrap() ^= 1;
    flight
}

/// Each way to keep a session, with each side.
fn cases() -> impl Iterator<Item = (Scene, Side)> {
    SIDES.into_iter().flat_map(|side| Scene::both().map(|scene| (scene, side)))
}

/// Nothing is left in either store, and the next handshake is a full one. What is in tickets a
/// server cannot take back: there it is the client alone that forgets.
#[track_caller]
fn assert_forgotten(scene: &Scene) {
    assert!(scene.client_store.is_empty() && scene.server_store.is_empty());
    assert_eq!(scene.meet(), NOTHING_OFFERED);
    assert_eq!(scene.meet(), scene.resumed);
}

/// Both stores still have what they are to have, and the session is resumed.
#[track_caller]
fn assert_kept(scene: &Scene) {
    assert_eq!(scene.client_store.len(), 1);
    assert_eq!(scene.server_store.is_empty(), scene.resumed == BY_TICKET);
    assert_eq!(scene.meet(), scene.resumed);
}

#[test]
fn a_session_is_forgotten_when_its_first_connection_fails() {
    for (scene, side) in cases() {
        let mut pair = scene.pair().established();
        assert!(!scene.client_store.is_empty());
        side.fails(&mut pair, &bad_record());
        assert_forgotten(&scene);
    }
}

#[test]
fn a_session_is_forgotten_when_a_connection_that_resumed_it_fails() {
    for (scene, side) in cases() {
        scene.meet();
        let mut pair = scene.pair().established();
        assert_eq!(outcome(&pair), scene.resumed);
        pair.client.send(b"data");
        pair.run(Chunks::Whole).unwrap();
        assert_eq!(pair.server.received, b"data");
        side.fails(&mut pair, &bad_record());
        assert_forgotten(&scene);
    }
}

#[test]
fn a_session_is_forgotten_when_its_resumption_fails() {
    for (scene, side) in cases() {
        scene.meet();
        let mut pair = scene.pair();
        let flight = answer(&mut pair);
        match side {
            Side::Client => side.fails(&mut pair, &with_tampered_finished(&flight)),
            Side::Server => {
                pair.client.take(&flight.concat()).unwrap();
                let flight = said(&mut pair.client);
                side.fails(&mut pair, &with_tampered_finished(&flight));
            }
        }
        assert_forgotten(&scene);
    }
}

#[test]
fn a_session_is_forgotten_when_a_fatal_alert_comes_in_place_of_an_answer() {
    let alert = record(ALERT, &[2, 80]);
    let told = AlertDescription::INTERNAL_ERROR;
    for scene in Scene::both() {
        scene.meet();
        // Of the ServerHello, and of the client's ChangeCipherSpec.
        let mut pair = scene.pair();
        answer(&mut pair);
        assert_eq!(
            premaster_testing::alert_received(pair.client.take(&alert)),
            told
        );
        assert!(scene.client_store.is_empty());
        assert_eq!(
            premaster_testing::alert_received(pair.server.take(&alert)),
            told
        );
        assert_forgotten(&scene);
    }
}

#[test]
fn the_other_sessions_of_a_server_stay() {
    let scene = Scene::by_id();
    let other_client = Scene::by_id();
    scene.meet();
    let meet = || premaster_testing::scene::meet(other_client.client(), scene.server());
    assert_eq!(meet(), NOTHING_OFFERED);
    assert_eq!(scene.server_store.len(), 2);
    let mut pair = scene.pair().established();
    Side::Server.fails(&mut pair, &bad_record());
    assert_eq!(scene.server_store.len(), 1);
    assert_eq!(meet(), scene.resumed);
    assert_eq!(scene.meet(), NOTHING_OFFERED);
}

#[test]
fn a_session_survives_a_clean_close() {
    for (scene, side) in cases() {
        scene.meet();
        let mut pair = scene.pair().established();
        assert_eq!(outcome(&pair), scene.resumed);
        let (closing, other) = side.of(&mut pair);
        closing.close();
        let closed = std::mem::take(&mut closing.outgoing);
        other.take(&closed).unwrap();
        other.close();
        pair.run(Chunks::Whole).unwrap();
        for end in [&mut pair.client, &mut pair.server] {
            assert_eq!(end.connection.receive_eof(), Ok(()));
        }
        assert_kept(&scene);
    }
}

/// "failure to properly close a connection no longer requires that a session not be resumed"
/// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)).
#[test]
fn a_session_survives_a_transport_that_just_ends() {
    for (scene, side) in cases() {
        let mut pair = scene.pair().established();
        let truncated = side.of(&mut pair).0.connection.receive_eof();
        assert_eq!(truncated, Err(Error::Truncated));
        assert_kept(&scene);
    }
}

/// Whatever makes a server hang up on an offered session would do so again.
#[test]
fn a_session_on_which_the_server_hangs_up_is_offered_once() {
    let hangs_up: [fn(&mut End); 4] = [
        |client| {
            let hung_up = client.connection.receive_eof();
            assert!(matches!(hung_up, Err(Error::HungUp(_))), "{hung_up:?}");
        },
        |client| assert!(client.take(&record(ALERT, &[1, 0])).is_err()),
        |client| assert!(client.take(&record(ALERT, &[2, 0])).is_err()),
        // The transport failed, and the caller gives the connection up.
        |_| {},
    ];
    for hang_up in hangs_up {
        for scene in Scene::both() {
            scene.meet();
            let mut pair = scene.pair();
            answer(&mut pair);
            hang_up(&mut pair.client);
            drop(pair);
            assert!(scene.client_store.is_empty());
            // The server cannot tell it from a client that goes away.
            assert_eq!(scene.server_store.is_empty(), scene.resumed == BY_TICKET);
            assert_eq!(scene.meet(), NOTHING_OFFERED);
        }
    }
}

#[test]
fn a_session_that_failed_is_not_put_back_by_another_connection() {
    let scene = Scene::by_ticket();
    scene.meet();
    let renewing = || premaster_testing::pair(scene.client(), scene.server().renew_tickets());
    let (mut slow, mut failing) = (renewing(), renewing());
    let flight = answer(&mut slow);
    let other = answer(&mut failing);
    failing.client.take(&other.concat()).unwrap();
    Side::Client.fails_alone(&mut failing, &bad_record());
    assert!(scene.client_store.is_empty());
    slow.client.take(&flight.concat()).unwrap();
    assert!(scene.client_store.is_empty());
}

#[test]
fn a_session_survives_a_handshake_that_is_given_up() {
    let closed = AlertDescription::CLOSE_NOTIFY;
    for scene in Scene::both() {
        scene.meet();
        // By the client, which has heard the ServerHello.
        let mut pair = scene.pair();
        let flight = answer(&mut pair);
        pair.client.take(&flight[0]).unwrap();
        let goodbye = given_up(&mut pair.client);
        assert_eq!(
            premaster_testing::alert_received(pair.server.take(&goodbye)),
            closed
        );
        assert_kept(&scene);
        // By the server, for whose client the handshake is complete.
        let mut pair = scene.pair();
        let flight = answer(&mut pair);
        pair.client.take(&flight.concat()).unwrap();
        let goodbye = given_up(&mut pair.server);
        assert_eq!(pair.client.take(&goodbye), Ok(()));
        assert_eq!(pair.client.events.last().unwrap(), "PeerClosed");
        assert_kept(&scene);
    }
}

/// The ServerHello is on its way, and the server past the versions of which a hello may be.
#[test]
fn a_session_survives_a_client_that_gives_up_before_it_hears_the_server() {
    let closed = AlertDescription::CLOSE_NOTIFY;
    for scene in Scene::both() {
        scene.meet();
        let mut pair = scene.pair();
        answer(&mut pair);
        let goodbye = given_up(&mut pair.client);
        assert_eq!(
            premaster_testing::alert_received(pair.server.take(&goodbye)),
            closed
        );
        assert_kept(&scene);
    }
}

/// user_canceled and close_notify.
#[track_caller]
fn given_up(end: &mut End) -> Vec<u8> {
    end.close();
    assert_eq!(end.take(&[]), Err(Misuse::Closed.into()));
    std::mem::take(&mut end.outgoing)
}
