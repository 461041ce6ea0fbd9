//! A server that asks for another handshake, and what a client that permits it accepts: what a server
//! needs to see the client's certificate later, and nothing of what attackers made of it.

use premaster::error::{Misuse, PeerError};
use premaster::protocol::{ExtendedMasterSecret, Renegotiation as Permission, SecureRenegotiation};
use premaster::session::{ChannelBinding, Resumption};
use premaster::{CipherSuite, ClientConfigBuilder, Connection, Error, Stream};
use premaster_testing::by_hand::{Renegotiation, ServerByHand, flight, request, server_hello};
use premaster_testing::wire::{
    ALERT, APPLICATION_DATA, CERTIFICATE, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC,
    CLIENT_KEY_EXCHANGE, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, HANDSHAKE, HELLO_REQUEST, Hello,
    RENEGOTIATION_INFO, SERVER_HELLO_DONE, certificate_body, handshake, message, vector,
};
use premaster_testing::{
    AES_128, AES_256, CBC_SUITES, NAME, SUITES, certified, client_builder, server_builder,
};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::Arc;

const NO_RENEGOTIATION: [u8; 2] = [1, 100];

fn permitting() -> ClientConfigBuilder {
    client_builder().accept_renegotiation(Permission::SameCertificate)
}

/// A complete connection to a server that can ask for another handshake.
#[track_caller]
fn connected(client: ClientConfigBuilder, suite: CipherSuite) -> Renegotiation {
    let mut server = ServerByHand::meet(client.suites(&[suite]), NAME);
    server.say(&flight(&server_hello(suite, &[]), &[])).unwrap();
    server.complete_to_renegotiate()
}

fn both(server: &Renegotiation) -> Vec<u8> {
    server.verify_data.concat()
}

/// Fails with this error, after a hello that the client sent.
#[track_caller]
fn refused(
    client: ClientConfigBuilder,
    answer: impl FnOnce(&Renegotiation) -> Vec<Vec<u8>>,
    error: PeerError,
) {
    let mut server = connected(client, AES_128);
    server.ask();
    let answer = answer(&server);
    assert_eq!(server.say(&answer), Err(error.into()));
    let alert = error_alert(error);
    assert_eq!(server.hear(), [(ALERT, vec![2, alert])]);
    assert!(!server.client.connection.is_established());
}

fn error_alert(error: PeerError) -> u8 {
    Error::from(error).alert().unwrap().0
}

#[test]
fn a_client_shows_its_certificate_when_it_is_asked_later() {
    let [cbc, ..] = CBC_SUITES;
    for suite in SUITES.into_iter().chain([cbc]) {
        let client = permitting().certificate(certified(2048));
        let mut server = connected(client, suite);
        let session = server.client.connection.session().unwrap();
        assert_eq!(session.renegotiations(), 0);
        assert!(session.requested_certificate().is_none());
        let randoms = (*session.client_random(), *session.server_random());

        let hello = server.ask();
        let offered = Hello::read_client(&hello);
        let info = vector(1, &server.verify_data[0]);
        let offered = offered.extensions.unwrap();
        assert!(offered.contains(&(RENEGOTIATION_INFO, info)));
        let answer = flight(&server_hello(suite, &both(&server)), &[request()]);
        server.say(&answer).unwrap();
        let types: Vec<_> = server
            .complete()
            .into_iter()
            .map(|(typ, content)| if typ == HANDSHAKE { content[0] } else { 0 })
            .collect();
        assert_eq!(
            types,
            [CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY, 0]
        );

        let complete = server.client.events.iter().filter(|event| *event == "HandshakeComplete");
        assert_eq!(complete.count(), 2);
        let session = server.client.connection.session().unwrap();
        assert_eq!(session.renegotiations(), 1);
        assert!(session.requested_certificate().is_some());
        assert_ne!(
            (*session.client_random(), *session.server_random()),
            randoms
        );
        // "the first TLS Finished message sent" of the last handshake (RFC 5929 section 3.1).
        let binding = server.client.connection.channel_binding(ChannelBinding::TlsUnique);
        assert_eq!(binding.unwrap(), server.verify_data[0]);

        // Both directions go on, under the new keys.
        server.send(APPLICATION_DATA, b"the answer").unwrap();
        assert_eq!(server.client.received, b"the answer");
        let end = &mut server.client;
        end.connection.send(b"thanks", &mut end.outgoing).unwrap();
        assert_eq!(server.hear(), [(APPLICATION_DATA, b"thanks".to_vec())]);
    }
}

#[test]
fn without_the_permission_requests_are_refused_as_before() {
    let mut server = connected(client_builder(), AES_128);
    server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap();
    assert_eq!(server.hear(), [(ALERT, NO_RENEGOTIATION.to_vec())]);
    assert!(server.client.connection.is_established());
}

/// A server without RFC 5746, where it is accepted: its renegotiation is the hole of 2009.
#[test]
fn nor_does_a_connection_without_secure_renegotiation_renegotiate() {
    let client =
        permitting().secure_renegotiation(SecureRenegotiation::Optional).suites(&[AES_128]);
    let mut server = ServerByHand::meet(client, NAME);
    let hello = server_hello(AES_128, &[]).without(RENEGOTIATION_INFO);
    server.say(&flight(&hello, &[])).unwrap();
    let mut server = server.complete_to_renegotiate();
    server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap();
    assert_eq!(server.hear(), [(ALERT, NO_RENEGOTIATION.to_vec())]);
}

/// An attacker who splices another connection's beginning in front of this one cannot know both
/// sides' verify_data.
#[test]
fn a_renegotiation_continues_this_connection_and_no_other() {
    let wrong: [fn(&Renegotiation) -> Vec<u8>; 5] = [
        |_| Vec::new(),
        |server| server.verify_data[0].clone(),
        |server| [&server.verify_data[1][..], &server.verify_data[0]].concat(),
        |server| {
            let mut both = both(server);
            both[23] ^= 1;
            both
        },
        |server| [&both(server)[..], &[0]].concat(),
    ];
    for info in wrong {
        refused(
            permitting(),
            |server| vec![server_hello(AES_128, &info(server)).server()],
            PeerError::RenegotiationInfoWrong,
        );
    }
    refused(
        permitting(),
        |server| vec![server_hello(AES_128, &both(server)).without(RENEGOTIATION_INFO).server()],
        PeerError::RenegotiationInfoWrong,
    );
}

/// In the "triple handshake" attack the server of the renegotiation is another one, whose certificate
/// the client might accept as well.
#[test]
fn the_server_stays_who_it_was() {
    let others = |server: &Renegotiation| {
        let chain = certificate_body(&[&certified(3072).chain()[0]]);
        vec![
            server_hello(AES_128, &both(server)).server(),
            handshake(CERTIFICATE, &chain),
        ]
    };
    refused(permitting(), others, PeerError::CertificateChanged);

    // Any certificate for the name, by the second permission.
    let client = client_builder().accept_renegotiation(Permission::SameName);
    let mut server = connected(client, AES_128);
    server.ask();
    let mut answer = others(&server);
    answer.push(handshake(SERVER_HELLO_DONE, &[]));
    server.say(&answer).unwrap();
    server.complete();
    let session = server.client.connection.session().unwrap();
    assert_eq!(session.peer_certificates()[0], certified(3072).chain()[0]);
}

#[test]
fn the_extended_master_secret_is_not_given_up() {
    refused(
        permitting(),
        |server| {
            vec![server_hello(AES_128, &both(server)).without(EXTENDED_MASTER_SECRET).server()]
        },
        PeerError::ExtendedMasterSecretLost,
    );
    // Where it was not used, it need not be.
    let client = permitting().extended_master_secret(ExtendedMasterSecret::Off).suites(&[AES_128]);
    let mut server = ServerByHand::meet(client, NAME);
    let hello = server_hello(AES_128, &[]).without(EXTENDED_MASTER_SECRET);
    server.say(&flight(&hello, &[])).unwrap();
    let mut server = server.complete_to_renegotiate();
    server.ask();
    let hello = server_hello(AES_128, &both(&server)).without(EXTENDED_MASTER_SECRET);
    server.say(&flight(&hello, &[])).unwrap();
    server.complete();
}

/// Of two CBC suites, the second must not step down to MAC-then-encrypt.
#[test]
fn nor_is_encrypt_then_mac() {
    let [cbc, other, ..] = CBC_SUITES;
    let hello = |info: &[u8], suite| server_hello(suite, info).with(ENCRYPT_THEN_MAC, &[]);
    let connected = || {
        let mut server = ServerByHand::meet(permitting().suites(&[cbc, other, AES_128]), NAME);
        server.say(&flight(&hello(&[], cbc), &[])).unwrap();
        let mut server = server.complete_to_renegotiate();
        server.ask();
        server
    };
    let mut server = connected();
    let without = server_hello(other, &both(&server)).server();
    assert_eq!(
        server.say(&[without]),
        Err(PeerError::EncryptThenMacLost.into())
    );
    // With it, and with a suite that needs none.
    for hello in [
        hello(&both(&connected()), other),
        server_hello(AES_128, &both(&connected())),
    ] {
        let mut server = connected();
        server.say(&flight(&hello, &[])).unwrap();
        server.complete();
        server.send(APPLICATION_DATA, b"data").unwrap();
        assert_eq!(server.client.received, b"data");
    }
}

/// The server may resume the session, as long as it is the one of the same leaf.
#[test]
fn a_session_may_be_resumed_in_it() {
    const ID: [u8; 4] = [9; 4];
    let hello = |info: &[u8]| Hello {
        session_id: ID.to_vec(),
        ..server_hello(AES_128, info)
    };
    let mut server = ServerByHand::meet(permitting().suites(&[AES_128]), NAME);
    server.say(&flight(&hello(&[]), &[])).unwrap();
    let mut server = server.complete_to_renegotiate();
    let offered = Hello::read_client(&server.ask());
    assert_eq!(offered.session_id, ID);
    let hello = hello(&both(&server)).server();
    server.resume(&hello);
    let session = server.client.connection.session().unwrap();
    assert_eq!(session.resumption(), Resumption::SessionId);
    assert_eq!(session.renegotiations(), 1);
    // The server's Finished was the first.
    let binding = server.client.connection.channel_binding(ChannelBinding::TlsUnique);
    assert_eq!(binding.unwrap(), server.verify_data[1]);
    server.send(APPLICATION_DATA, b"data").unwrap();
    assert_eq!(server.client.received, b"data");

    // Once more.
    server.ask();
    let hello = Hello {
        session_id: vec![],
        ..server_hello(AES_128, &both(&server))
    };
    server.say(&flight(&hello, &[])).unwrap();
    server.complete();
}

#[test]
fn another_suite_of_the_configuration_may_be_chosen() {
    let mut server = ServerByHand::meet(permitting(), NAME);
    server.say(&flight(&server_hello(AES_128, &[]), &[])).unwrap();
    let mut server = server.complete_to_renegotiate();
    server.ask();
    server.say(&flight(&server_hello(AES_256, &both(&server)), &[])).unwrap();
    server.complete();
    assert_eq!(
        server.client.connection.session().unwrap().cipher_suite(),
        AES_256
    );
    server.send(APPLICATION_DATA, b"data").unwrap();
    assert_eq!(server.client.received, b"data");
}

#[test]
fn data_is_received_up_to_the_new_keys_and_none_is_sent() {
    let mut server = connected(permitting(), AES_128);
    server.ask();
    let end = &mut server.client;
    assert_eq!(
        end.connection.send(b"too early", &mut end.outgoing),
        Err(Misuse::HandshakeIncomplete.into())
    );
    // The keys and the session of the handshake before still serve.
    assert!(!end.connection.is_established());
    assert_eq!(end.connection.session().unwrap().renegotiations(), 0);
    assert!(end.connection.export_keying_material(b"EXPORTER-x", None, &mut [0; 8]).is_ok());
    server.send(APPLICATION_DATA, b"be").unwrap();
    let answer = flight(&server_hello(AES_128, &both(&server)), &[]);
    server.say(&answer[..2]).unwrap();
    server.send(APPLICATION_DATA, b"tween").unwrap();
    server.say(&answer[2..]).unwrap();
    server.send(APPLICATION_DATA, b"!").unwrap();
    assert_eq!(server.client.received, b"between!");
    server.complete();

    // Not under keys that are not verified.
    let mut server = connected(permitting(), AES_128);
    server.ask();
    server.say(&flight(&server_hello(AES_128, &both(&server)), &[])).unwrap();
    server.send(CHANGE_CIPHER_SPEC, &[1]).unwrap();
    let error = server.send(APPLICATION_DATA, b"late").unwrap_err();
    assert_eq!(error, PeerError::BadRecord.into());
}

/// A transport in memory, which has nothing to read once this is read.
#[derive(Default)]
struct Wire {
    incoming: VecDeque<u8>,
    outgoing: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.incoming.read(out)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.outgoing.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes through a stream over the client's connection, for which there are these bytes to read.
/// What the client sends is the server's to hear.
fn write_through_a_stream(
    server: &mut Renegotiation,
    incoming: Vec<u8>,
    data: &[u8],
) -> io::Result<usize> {
    let absent = Connection::server(Arc::new(server_builder().build().unwrap()));
    let connection = mem::replace(&mut server.client.connection, absent);
    let wire = Wire {
        incoming: incoming.into(),
        ..Wire::default()
    };
    let mut stream = Stream::from_parts(connection, wire, &[]);
    let result = stream.write(data);
    let parts = stream.into_parts();
    assert!(parts.outgoing.is_empty() && parts.received.is_empty());
    server.client.connection = parts.connection;
    server.client.outgoing.extend(parts.transport.outgoing);
    result
}

#[test]
fn a_stream_writes_nothing_before_the_new_keys() {
    let [cbc, ..] = CBC_SUITES;
    for suite in [AES_128, cbc] {
        let mut server = connected(permitting(), suite);
        let written = write_through_a_stream(&mut server, Vec::new(), b"before");
        assert_eq!(written.unwrap(), 6);
        assert_eq!(server.hear(), [(APPLICATION_DATA, b"before".to_vec())]);

        // It waits for the server, also where the client has said all that it has to say.
        server.ask();
        let waits = |written: io::Result<usize>| {
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        };
        waits(write_through_a_stream(&mut server, Vec::new(), b"during"));
        assert!(server.client.outgoing.is_empty());
        server.say(&flight(&server_hello(suite, &both(&server)), &[])).unwrap();
        let said = server.client.outgoing.clone();
        waits(write_through_a_stream(&mut server, Vec::new(), b"during"));
        assert_eq!(server.client.outgoing, said);

        // And goes on by itself with the server's answer.
        let (_, answer) = server.answer();
        let written = write_through_a_stream(&mut server, answer, b"after");
        assert_eq!(written.unwrap(), 5);
        assert_eq!(server.hear(), [(APPLICATION_DATA, b"after".to_vec())]);
        assert_eq!(
            server.client.connection.session().unwrap().renegotiations(),
            1
        );
    }
}

#[test]
fn data_during_a_renegotiation_is_bounded() {
    let mut server = connected(permitting(), AES_128);
    server.ask();
    let piece = [7; 1 << 14];
    for _ in 0..256 {
        server.send(APPLICATION_DATA, &piece).unwrap();
    }
    let error = server.send(APPLICATION_DATA, b"!").unwrap_err();
    assert_eq!(error, PeerError::TooMuchDataBeforeKeys.into());
}

#[test]
fn a_connection_renegotiates_a_bounded_number_of_times() {
    let mut server = connected(permitting(), AES_128);
    for count in 1..=32 {
        server.ask();
        server.say(&flight(&server_hello(AES_128, &both(&server)), &[])).unwrap();
        server.complete();
        assert_eq!(
            server.client.connection.session().unwrap().renegotiations(),
            count
        );
        server.send(APPLICATION_DATA, b"data").unwrap();
    }
    server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap();
    assert_eq!(server.hear(), [(ALERT, NO_RENEGOTIATION.to_vec())]);
}

/// "This message will be ignored by the client if the client is currently negotiating a session."
#[test]
fn a_request_in_the_middle_is_ignored_and_too_many_are_a_flood() {
    let mut server = connected(permitting(), AES_128);
    server.ask();
    for _ in 0..3 {
        server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap();
        assert!(server.hear().is_empty());
    }
    let error = server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap_err();
    assert_eq!(error, PeerError::TooManyRenegotiations.into());
}

#[test]
fn who_has_closed_does_not_renegotiate() {
    let mut server = connected(permitting(), AES_128);
    let end = &mut server.client;
    end.connection.close(&mut end.outgoing);
    assert_eq!(server.hear(), [(ALERT, vec![1, 0])]);
    server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap();
    assert!(server.client.outgoing.is_empty());
    // Data still comes in.
    server.send(APPLICATION_DATA, b"the rest").unwrap();
    assert_eq!(server.client.received, b"the rest");
}

#[test]
fn an_end_in_the_middle_is_a_truncation() {
    let mut server = connected(permitting(), AES_128);
    server.ask();
    assert_eq!(
        server.client.connection.receive_eof(),
        Err(Error::Truncated)
    );

    let mut server = connected(permitting(), AES_128);
    server.ask();
    let end = &mut server.client;
    end.connection.close(&mut end.outgoing);
    // user_canceled and close_notify.
    assert_eq!(server.hear(), [(ALERT, vec![1, 90]), (ALERT, vec![1, 0])]);
    let event = server.client.connection.receive(&mut [], &mut Vec::new()).map(|_| ());
    assert_eq!(event, Err(Misuse::Closed.into()));
}
