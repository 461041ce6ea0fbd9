//! The moment at which a peer ends a handshake: what was sent and awaited, and what the peer may have
//! refused.

use premaster::error::{Moment, Told};
use premaster::protocol::{AlertDescription, HandshakeType};
use premaster::{ClientAuth, ClientConfig, Error};
use premaster_testing::forger::{Sender, Stopped, established};
use premaster_testing::pair::{End, Pair};
use premaster_testing::scene::{Scene, answer};
use premaster_testing::wire::{ALERT, HANDSHAKE, record};
use premaster_testing::{
    AES_128, AES_256, certified, client_builder, client_certified, now, pair, rng, roots,
    server_builder,
};

/// The transport of `end` ends inside the handshake.
#[track_caller]
fn hung_up(end: &mut End) -> Moment {
    let result = end.connection.receive_eof();
    let Err(Error::HungUp(moment)) = &result else {
        panic!("{result:?}");
    };
    assert!(end.outgoing.is_empty());
    assert_eq!(end.take(&[]), result);
    assert_eq!(end.connection.receive_eof(), result);
    assert_eq!(result.as_ref().unwrap_err().alert(), None);
    moment.clone()
}

/// `end` receives a fatal alert, in one piece or byte by byte.
#[track_caller]
fn alerted(mut end: End, alert: AlertDescription, bytewise: bool) -> Error {
    let alert_record = record(ALERT, &[2, alert.0]);
    let pieces: Vec<_> = alert_record.chunks(if bytewise { 1 } else { 99 }).collect();
    let (last, first) = pieces.split_last().unwrap();
    for piece in first {
        end.take(piece).unwrap();
    }
    let error = end.take(last).unwrap_err();
    assert_eq!(error.alert_received(), Some(alert));
    assert_eq!(end.take(&[]), Err(error.clone()));
    error
}

#[track_caller]
fn moment_of(error: &Error) -> &Moment {
    match error {
        Error::AlertReceived {
            moment: Some(moment),
            ..
        } => moment,
        other => panic!("{other:?}"),
    }
}

fn mutual() -> Stopped {
    Stopped::before_client_flight(
        client_builder().certificate(client_certified()),
        server_builder().client_auth(ClientAuth::Require(roots().into())),
    )
}

#[test]
fn a_probe_that_says_nothing_is_told_from_a_peer_that_stops() {
    let mut server = pair(client_builder(), server_builder()).server;
    // Input without a byte is no input.
    server.take(&[]).unwrap();
    let error = server.connection.receive_eof().unwrap_err();
    assert!(error.peer_was_silent());
    assert_eq!(
        error.to_string(),
        "the client closed the transport without sending a byte"
    );
    let moment = hung_up(&mut server);
    assert_eq!((moment.sent(), moment.awaited()), (None, "client_hello"));
    assert_eq!(moment.told(), None);

    // One byte is enough to be heard.
    let mut server = pair(client_builder(), server_builder()).server;
    server.take(&[HANDSHAKE]).unwrap();
    let error = server.connection.receive_eof().unwrap_err();
    assert!(!error.peer_was_silent());
    assert_eq!(
        error.to_string(),
        "the client closed the transport during the handshake; client_hello was awaited"
    );

    // After the handshake it is truncation.
    let (mut pair, _) = established();
    let error = pair.server.connection.receive_eof().unwrap_err();
    assert_eq!(error, Error::Truncated);
    assert!(!error.peer_was_silent());
}

#[test]
fn a_server_that_hangs_up_on_the_hello_may_have_refused_the_offer() {
    let client = client_builder().alpn_protocols(&[b"ocpp2.0.1"]);
    let mut client = pair(client, server_builder()).client;
    client.outgoing.clear();
    let moment = hung_up(&mut client);
    assert!(moment.peer_was_silent());
    assert_eq!(moment.sent(), Some(HandshakeType::CLIENT_HELLO));
    assert_eq!(moment.awaited(), "server_hello");
    let Some(Told::Offer {
        suites,
        server_name,
        protocols,
    }) = moment.told()
    else {
        panic!("{moment:?}");
    };
    assert_eq!(suites.total(), 2);
    assert!([AES_128, AES_256].iter().all(|suite| suites.suites().contains(suite)));
    assert_eq!(server_name.as_str(), premaster_testing::NAME);
    assert_eq!(protocols.to_string(), "ocpp2.0.1");
    let error = Error::HungUp(moment);
    assert_eq!(error.worth_checking().len(), 3);
    let text = error.to_string();
    let start = "the server closed the transport without sending a byte; client_hello was sent, \
                 server_hello was awaited; offered: TLS 1.2, ";
    assert!(text.starts_with(start), "{text}");
    for cause in error.worth_checking() {
        assert!(text.contains(cause), "{text}");
    }
}

/// A client, after each record of the server's first flight.
#[test]
fn a_client_tells_what_it_awaited() {
    let awaited = [
        "server_hello",
        "certificate",
        "certificate_request or server_hello_done",
        "server_hello_done",
        "change_cipher_spec",
    ];
    for (place, awaited) in awaited.into_iter().enumerate() {
        let flight = mutual().server_flight[..place].concat();
        // A new connection with the same randomness, and so the same hello.
        let config = client_builder().certificate(client_certified()).suites(&[AES_128]);
        let mut client = pair(config, server_builder()).client;
        client.take(&flight).unwrap();
        let answered = place == 4;
        client.outgoing.clear();
        let moment = hung_up(&mut client);
        assert_eq!(moment.awaited(), awaited);
        let sent = if answered {
            HandshakeType::FINISHED
        } else {
            HandshakeType::CLIENT_HELLO
        };
        assert_eq!(moment.sent(), Some(sent));
        assert_eq!(moment.peer_was_silent(), place == 0);
        match moment.told() {
            Some(Told::Offer { .. }) => assert_eq!(place, 0),
            Some(Told::Certificate {
                subject,
                certificates: 1,
                requested: false,
            }) if answered => assert_eq!(subject, client_certified().subject()),
            None => assert!((1..4).contains(&place)),
            other => panic!("{other:?}"),
        }
    }

    // Behind the flight: the server's ChangeCipherSpec and Finished.
    let Stopped {
        mut pair,
        client_flight,
        ..
    } = mutual();
    pair.server.take(&client_flight.concat()).unwrap();
    let change = premaster_testing::wire::said(&mut pair.server).swap_remove(0);
    pair.client.take(&change).unwrap();
    assert_eq!(hung_up(&mut pair.client).awaited(), "finished");
}

/// A server, after each record of the client's second flight.
#[test]
fn a_server_tells_what_it_awaited_and_which_certificate_it_had_shown() {
    let awaited = [
        "certificate",
        "client_key_exchange",
        "certificate_verify",
        "change_cipher_spec",
        "finished",
    ];
    for (place, awaited) in awaited.into_iter().enumerate() {
        let Stopped {
            mut pair,
            client_flight,
            ..
        } = mutual();
        pair.server.take(&client_flight[..place].concat()).unwrap();
        let moment = hung_up(&mut pair.server);
        assert_eq!(moment.awaited(), awaited);
        assert_eq!(moment.sent(), Some(HandshakeType::SERVER_HELLO_DONE));
        let subject = certified(2048).subject().clone();
        let certificates = certified(2048).chain().len();
        let shown = Told::Certificate {
            subject,
            certificates,
            requested: true,
        };
        assert_eq!(moment.told(), Some(&shown));
        let causes = Error::HungUp(moment).worth_checking();
        assert!(causes[1].contains("has a certificate to send"));
    }
}

#[test]
fn a_paused_handshake_awaits_its_caller() {
    let config = ClientConfig::builder_with_caller_verification();
    let client = config.rng(rng(1)).time_provider(now);
    let mut verifying = pair(client, server_builder());
    verifying.run(premaster_testing::pair::Chunks::Whole).unwrap();
    assert_eq!(
        hung_up(&mut verifying.client).awaited(),
        "the caller's verdict"
    );
    let server = server_builder().offload_decryption();
    let mut offloading = pair(client_builder(), server);
    offloading.run(premaster_testing::pair::Chunks::Whole).unwrap();
    assert_eq!(
        hung_up(&mut offloading.server).awaited(),
        "the decrypted pre-master secret"
    );
}

/// No certificate is shown then, so that none can have been refused.
#[test]
fn a_resumed_session_shows_no_certificate() {
    for scene in Scene::both() {
        scene.meet();
        let mut pair = scene.pair();
        let flight = answer(&mut pair);
        let moment = hung_up(&mut pair.server);
        assert_eq!(moment.awaited(), "change_cipher_spec");
        assert_eq!(moment.sent(), Some(HandshakeType::FINISHED));
        assert_eq!(moment.told(), None);
        pair.client.take(&flight[0]).unwrap();
        let moment = hung_up(&mut pair.client);
        let sends_ticket = flight.len() == 4;
        let awaited = if sends_ticket {
            "new_session_ticket"
        } else {
            "change_cipher_spec"
        };
        assert_eq!(moment.awaited(), awaited);
        assert_eq!(moment.told(), None);
    }
}

#[test]
fn an_alert_tells_what_its_sender_was_told() {
    for bytewise in [false, true] {
        let mut client = pair(client_builder(), server_builder()).client;
        client.outgoing.clear();
        let error = alerted(client, AlertDescription::HANDSHAKE_FAILURE, bytewise);
        assert!(matches!(moment_of(&error).told(), Some(Told::Offer { .. })));
        let text = error.to_string();
        assert!(text.contains("TLS_RSA_WITH_AES_128_GCM_SHA256"), "{text}");
        assert!(text.contains("worth checking: "), "{text}");
        assert!(text.contains("ECDHE or CBC"), "{text}");
        assert_eq!(error.setting(), None);

        // A client that refuses the server's certificate.
        let Stopped { pair, .. } =
            Stopped::before_client_flight(client_builder(), server_builder());
        let Pair { server, .. } = pair;
        let error = alerted(server, AlertDescription::UNKNOWN_CA, bytewise);
        let subject = certified(2048).subject().to_string();
        let text = error.to_string();
        assert!(text.contains(&subject), "{text}");
        assert!(error.worth_checking()[0].contains("the client has the root"));

        // A server that refuses the client's.
        let Pair { client, .. } = mutual().pair;
        let error = alerted(client, AlertDescription::CERTIFICATE_EXPIRED, bytewise);
        let text = error.to_string();
        let subject = client_certified().subject().to_string();
        assert!(text.contains(&subject), "{text}");
        assert!(text.contains("the server's clock"), "{text}");
    }
}

#[test]
fn an_alert_after_the_handshake_has_no_moment() {
    let (mut pair, forger) = established();
    let alert = forger.seal(Sender::Client, 1, ALERT, &[2, 80]);
    let error = pair.server.take(&alert).unwrap_err();
    let expected = Error::AlertReceived {
        alert: AlertDescription::INTERNAL_ERROR,
        moment: None,
    };
    assert_eq!(error, expected);
    assert_eq!(error.worth_checking(), [""; 0]);
}
