//! Peers that do not keep to the rules of a resumption: the error, and the alert that they get.

use premaster::error::PeerError;
use premaster::protocol::{ContentType, ExtendedMasterSecret, ExtensionType, HandshakeType};
use premaster::{ClientConfigBuilder, Error, ServerConfigBuilder};
use premaster_testing::forger::{Forger, Sender, Stopped};
use premaster_testing::pair::{Chunks, End};
use premaster_testing::scene::{Scene, answer, outcome};
use premaster_testing::wire::{
    APPLICATION_DATA, CERTIFICATE, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC, CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE, EXTENDED_MASTER_SECRET, FINISHED, HANDSHAKE, Hello, NEW_SESSION_TICKET,
    RENEGOTIATION_INFO, SERVER_NAME, SESSION_TICKET, certificate_body, handshake, hello, message,
    record, said, vector,
};
use premaster_testing::{AES_128, AES_256, Pair, certified, client_builder, pair, server_builder};

/// `end` fails on `bytes` with `expected`, and `peer` is told by the error's alert.
#[track_caller]
fn assert_fails(end: &mut End, peer: &mut End, bytes: &[u8], expected: impl Into<Error>) {
    let expected = expected.into();
    assert_eq!(end.take(bytes), Err(expected.clone()));
    let alert = std::mem::take(&mut end.outgoing);
    let told = premaster_testing::alert_received(peer.take(&alert));
    assert_eq!(Some(told), expected.alert());
    assert_eq!(end.take(&[]), Err(expected));
}

fn unexpected(received: u8, awaited: &'static str) -> PeerError {
    PeerError::UnexpectedMessage {
        received: HandshakeType(received),
        awaited,
    }
}

const CHANGE_OUT_OF_PLACE: PeerError = PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC);

fn change_cipher_spec() -> Vec<u8> {
    record(CHANGE_CIPHER_SPEC, &[1])
}

/// A NewSessionTicket's record.
fn new_session_ticket() -> Vec<u8> {
    let body = [&[0, 0, 0, 100][..], &vector(2, &[5; 50])].concat();
    handshake(NEW_SESSION_TICKET, &body)
}

/// A client that has offered a session of AES-128, and waits for a server made by hand.
struct Offering {
    scene: Scene,
    client: End,
    /// Has heard nothing; for the client's alert.
    server: End,
    client_hello: Vec<u8>,
    session_id: Vec<u8>,
}

impl Offering {
    fn new(scene: Scene) -> Self {
        Self::with(scene, |client| client, |server| server)
    }

    /// As configured in the connection that made the session.
    #[track_caller]
    fn with(
        scene: Scene,
        client: impl Fn(ClientConfigBuilder) -> ClientConfigBuilder,
        server: impl Fn(ServerConfigBuilder) -> ServerConfigBuilder,
    ) -> Self {
        let made_with = server(scene.server().suites(&[AES_128]));
        pair(client(scene.client()), made_with).established();
        let Pair { mut client, server } = pair(client(scene.client()), scene.server());
        let client_hello = said(&mut client).concat();
        let session_id = Hello::read_client(&client_hello).session_id;
        assert_eq!(session_id.len(), 32);
        Self {
            scene,
            client,
            server,
            client_hello,
            session_id,
        }
    }

    /// The ServerHello that resumes the session.
    fn server_hello(&self) -> Hello {
        let resuming = Hello {
            session_id: self.session_id.clone(),
            suites: vec![AES_128.0],
            ..hello()
        };
        resuming.with(EXTENDED_MASTER_SECRET, &[]).with(RENEGOTIATION_INFO, &[0])
    }

    /// ChangeCipherSpec and Finished behind this ServerHello and what else is in `flight`.
    fn closing(&self, flight: &[Vec<u8>], tamper: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let forger = Forger::new(&self.scene.client_keys, &flight[0]);
        let mut transcript = self.client_hello[5..].to_vec();
        flight.iter().for_each(|record| transcript.extend(&record[5..]));
        let mut verify_data = forger.verify_data(Sender::Server, &transcript);
        tamper(&mut verify_data);
        let finished = message(FINISHED, &verify_data);
        let finished = forger.seal(Sender::Server, 0, HANDSHAKE, &finished);
        [change_cipher_spec(), finished].concat()
    }

    /// The client fails, sends an alert, and does not offer the session again.
    #[track_caller]
    fn assert_fails(mut self, bytes: &[u8], expected: impl Into<Error>) {
        assert_fails(&mut self.client, &mut self.server, bytes, expected);
        assert!(self.scene.client_store.is_empty());
    }
}

#[track_caller]
fn nothing(_: &mut Vec<u8>) {}

/// The control for the tests below: by hand it can be done right.
#[test]
fn a_server_made_by_hand_resumes_a_session() {
    for with_ticket in [false, true] {
        for scene in Scene::both() {
            let mut offering = Offering::new(scene);
            let hello = offering.server_hello();
            let flight = if with_ticket {
                vec![
                    hello.with(SESSION_TICKET, &[]).server(),
                    new_session_ticket(),
                ]
            } else {
                vec![hello.server()]
            };
            offering.client.take(&flight.concat()).unwrap();
            let closing = offering.closing(&flight, nothing);
            offering.client.take(&closing).unwrap();
            let session = offering.client.connection.session().unwrap();
            assert!(session.resumption().is_resumed());
            assert!(session.extended_master_secret());
        }
    }
}

#[test]
fn a_session_is_resumed_with_its_own_suite_only() {
    for scene in Scene::both() {
        let offering = Offering::new(scene);
        let mut other = offering.server_hello();
        other.suites = vec![AES_256.0];
        offering.assert_fails(&other.server(), PeerError::ResumedWithOtherSuite(AES_256));
    }
}

/// "If the original session used the extension but the new ServerHello does not contain the
/// extension, the client MUST abort the handshake", and the other way round.
#[test]
fn a_session_is_resumed_with_its_own_way_to_the_master_secret_only() {
    for scene in Scene::both() {
        let offering = Offering::new(scene);
        let dropped = offering.server_hello().without(EXTENDED_MASTER_SECRET);
        offering.assert_fails(&dropped.server(), PeerError::ExtendedMasterSecretChanged);
    }
    for scene in Scene::both() {
        let offering = Offering::with(
            scene,
            |client| client.resume_without_extended_master_secret(),
            |server| server.extended_master_secret(ExtendedMasterSecret::Off),
        );
        let added = offering.server_hello();
        offering.assert_fails(&added.server(), PeerError::ExtendedMasterSecretChanged);
    }
}

#[test]
fn a_resumption_is_answered_with_what_was_asked_for_only() {
    let offering = Offering::with(
        Scene::by_id(),
        |client| client.session_tickets(false),
        |server| server,
    );
    let with_ticket = offering.server_hello().with(SESSION_TICKET, &[]);
    offering.assert_fails(
        &with_ticket.server(),
        PeerError::UnsolicitedExtension(ExtensionType::SESSION_TICKET),
    );
}

/// "This message MUST be sent if the server included a SessionTicket extension in the ServerHello.
/// This message MUST NOT be sent if the server did not include a SessionTicket extension in the
/// ServerHello."
#[test]
fn a_ticket_comes_if_it_is_announced_and_only_then() {
    for scene in Scene::both() {
        let mut offering = Offering::new(scene);
        let hello = offering.server_hello();
        offering.client.take(&hello.server()).unwrap();
        offering.assert_fails(
            &new_session_ticket(),
            unexpected(NEW_SESSION_TICKET, "change_cipher_spec"),
        );
    }
    for scene in Scene::both() {
        let mut offering = Offering::new(scene);
        let hello = offering.server_hello().with(SESSION_TICKET, &[]);
        offering.client.take(&hello.server()).unwrap();
        offering.assert_fails(&change_cipher_spec(), CHANGE_OUT_OF_PLACE);
    }
    for scene in Scene::both() {
        let mut offering = Offering::new(scene);
        let hello = offering.server_hello().with(SESSION_TICKET, &[]);
        let twice = [new_session_ticket(), new_session_ticket()].concat();
        offering.client.take(&hello.server()).unwrap();
        offering.assert_fails(&twice, unexpected(NEW_SESSION_TICKET, "change_cipher_spec"));
    }
}

/// A full handshake, with and without the extension that announces a ticket.
#[test]
fn a_ticket_comes_in_a_full_handshake_if_it_is_announced_and_only_then() {
    let stopped = Stopped::before_client_flight(client_builder(), server_builder());
    let behind_hello = stopped.server_flight[1..].concat();
    let hello = hello().with(RENEGOTIATION_INFO, &[0]);
    let announced = hello.clone().with(SESSION_TICKET, &[]);
    for (hello, bytes, expected) in [
        (
            hello,
            new_session_ticket(),
            unexpected(NEW_SESSION_TICKET, "change_cipher_spec"),
        ),
        (announced, change_cipher_spec(), CHANGE_OUT_OF_PLACE),
    ] {
        let mut client = pair(client_builder(), server_builder()).client;
        let flight = [hello.server(), behind_hello.clone()].concat();
        client.take(&flight).unwrap();
        assert_eq!(client.take(&bytes), Err(expected.into()));
    }
}

#[test]
fn an_abbreviated_flight_has_to_be_announced_by_the_session_id() {
    for session_id in [vec![], vec![7; 32]] {
        for scene in Scene::both() {
            let mut offering = Offering::new(scene);
            let mut hello = offering.server_hello();
            hello.session_id = session_id.clone();
            offering.client.take(&hello.server()).unwrap();
            offering.assert_fails(&change_cipher_spec(), CHANGE_OUT_OF_PLACE);
        }
    }
}

#[test]
fn a_server_that_echoes_the_session_id_has_to_resume() {
    for scene in Scene::both() {
        let mut offering = Offering::new(scene);
        let hello = offering.server_hello();
        offering.client.take(&hello.server()).unwrap();
        let chain = certificate_body(&[&certified(2048).chain()[0]]);
        offering.assert_fails(
            &handshake(CERTIFICATE, &chain),
            unexpected(CERTIFICATE, "change_cipher_spec"),
        );
    }
}

#[test]
fn the_servers_finished_must_fit_the_resumption() {
    for at in [0, 11] {
        for scene in Scene::both() {
            let mut offering = Offering::new(scene);
            let flight = [offering.server_hello().server()];
            offering.client.take(&flight.concat()).unwrap();
            let wrong = offering.closing(&flight, |verify_data| verify_data[at] ^= 1);
            offering.assert_fails(&wrong, PeerError::BadFinished);
        }
    }
}

/// A server that waits for the client's last two messages, and a client that has said them.
struct Resuming {
    pair: Pair,
    forger: Forger,
    /// ChangeCipherSpec and Finished.
    client_flight: Vec<Vec<u8>>,
}

impl Resuming {
    #[track_caller]
    fn new(scene: &Scene) -> Self {
        let connect = || pair(scene.client(), scene.server().suites(&[AES_128]));
        connect().established();
        let mut pair = connect();
        let server_flight = answer(&mut pair);
        pair.client.take(&server_flight.concat()).unwrap();
        let client_flight = said(&mut pair.client);
        assert_eq!(client_flight.len(), 2);
        Self {
            forger: Forger::new(&scene.server_keys, &server_flight[0]),
            pair,
            client_flight,
        }
    }
}

#[test]
fn the_server_awaits_nothing_but_a_change_of_keys() {
    for typ in [
        CLIENT_HELLO,
        CERTIFICATE,
        CLIENT_KEY_EXCHANGE,
        CERTIFICATE_VERIFY,
        FINISHED,
    ] {
        for scene in Scene::both() {
            let Pair {
                mut client,
                mut server,
            } = Resuming::new(&scene).pair;
            assert_fails(
                &mut server,
                &mut client,
                &handshake(typ, &vector(2, &[1; 256])),
                unexpected(typ, "change_cipher_spec"),
            );
            assert!(scene.client_store.is_empty() && scene.server_store.is_empty());
        }
    }
}

#[test]
fn the_server_takes_nothing_before_the_clients_finished() {
    for scene in Scene::both() {
        for (typ, content, expected) in [
            (
                APPLICATION_DATA,
                b"early".to_vec(),
                PeerError::UnexpectedRecord(ContentType::APPLICATION_DATA),
            ),
            (
                HANDSHAKE,
                message(CLIENT_KEY_EXCHANGE, &[]),
                unexpected(CLIENT_KEY_EXCHANGE, "finished"),
            ),
            (CHANGE_CIPHER_SPEC, vec![1], CHANGE_OUT_OF_PLACE),
            (
                HANDSHAKE,
                message(FINISHED, &[0; 12]),
                PeerError::BadFinished,
            ),
        ] {
            let Resuming {
                mut pair,
                forger,
                client_flight,
            } = Resuming::new(&scene);
            let protected = forger.seal(Sender::Client, 0, typ, &content);
            let bytes = [&client_flight[0][..], &protected].concat();
            assert_fails(&mut pair.server, &mut pair.client, &bytes, expected);
            assert!(pair.server.connection.session().is_none());
            assert!(scene.client_store.is_empty() && scene.server_store.is_empty());
        }
    }
}

/// The control for the two above: what the client said is taken.
#[test]
fn a_resumption_that_is_stopped_can_go_on() {
    for scene in Scene::both() {
        let mut resuming = Resuming::new(&scene);
        let flight = resuming.client_flight.concat();
        resuming.pair.server.take(&flight).unwrap();
        resuming.pair.client.send(b"data");
        resuming.pair.run(Chunks::Whole).unwrap();
        assert_eq!(resuming.pair.server.received, b"data");
        assert_eq!(outcome(&resuming.pair), scene.resumed);
    }
}

/// "When resuming a session, the server MUST NOT include a server_name extension in the server
/// hello."
#[test]
fn the_server_does_not_acknowledge_a_name_again() {
    for scene in Scene::both() {
        for resumed in [false, true] {
            let mut pair = scene.pair();
            let flight = answer(&mut pair);
            // Fixed fields, session ID, suite, compression, length of the block.
            let block = &flight[0][44 + usize::from(flight[0][43]) + 5..];
            let acknowledged = block.starts_with(&SERVER_NAME.to_be_bytes());
            assert_eq!(acknowledged, !resumed);
            pair.client.take(&flight.concat()).unwrap();
            assert_eq!(pair.established().client.events, ["HandshakeComplete"]);
        }
    }
}
