//! Sessions that are not resumed: who decides it, and the reason that each side gives.

use super::stores::Shelf;
use premaster::certificate::Verified;
use premaster::error::CertificateFault;
use premaster::protocol::{ExtendedMasterSecret, MaxFragmentLength};
use premaster::session::NotResumed;
use premaster::{
    CertifiedKey, ClientAuth, ClientConfig, ClientConfigBuilder, Connection, MemoryStore,
    RootStore, ServerConfigBuilder,
};
use premaster_testing::pair::{Chunks, End};
use premaster_testing::pki::{self, NOW, Spec};
use premaster_testing::scene::{
    BY_ID, NOTHING_OFFERED, Outcome, Scene, answer, declined, meet, outcome, withheld,
};
use premaster_testing::wire::{
    CERTIFICATE, CHANGE_CIPHER_SPEC, Hello, SERVER_NAME, SESSION_TICKET, extensions, said,
    split_vector,
};
use premaster_testing::{
    AES_128, AES_256, NAME, Pair, certified, client_certified, fault, name, pair, roots,
    server_builder_with,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Of the same length as [`NAME`].
const OTHER_NAME: &str = "plants.example";

const LIFETIME: Duration = Duration::from_secs(100);

/// The client's clock stands still, so that it still offers what is over for the server.
#[test]
fn a_session_ends_with_the_servers_lifetime() {
    // The store has dropped the session; a ticket still holds it.
    for (scene, reason) in [
        (Scene::by_id(), NotResumed::Unknown),
        (Scene::by_ticket(), NotResumed::Expired),
    ] {
        let connect = || meet(scene.client(), scene.server().session_lifetime(LIFETIME));
        assert_eq!(connect(), NOTHING_OFFERED);
        scene.server_clock.pass(99);
        assert_eq!(connect(), scene.resumed);
        scene.server_clock.pass(1);
        assert_eq!(connect(), declined(reason));
        assert_eq!(connect(), scene.resumed);
    }
}

#[test]
fn a_server_does_not_rely_on_its_store_to_know_the_time() {
    let scene = Scene::by_id();
    let shelf = Arc::new(Shelf::default());
    let connect = || {
        let server = scene.server().session_store(Some(shelf.clone()));
        meet(scene.client(), server.session_lifetime(LIFETIME))
    };
    connect();
    scene.server_clock.pass(100);
    assert_eq!(connect(), declined(NotResumed::Expired));
}

#[test]
fn a_session_ends_with_the_clients_lifetime() {
    for scene in Scene::both() {
        // The first store knows the time, the second one does not.
        let connect = || meet(scene.client().session_lifetime(LIFETIME), scene.server());
        assert_eq!(connect(), NOTHING_OFFERED);
        scene.client_clock.pass(99);
        assert_eq!(connect(), scene.resumed);
        scene.client_clock.pass(1);
        assert_eq!(connect(), NOTHING_OFFERED);

        let shelf = Arc::new(Shelf::default());
        let connect = || {
            let client = scene.client().session_store(Some(shelf.clone()));
            meet(client.session_lifetime(LIFETIME), scene.server())
        };
        assert_eq!(connect(), NOTHING_OFFERED);
        scene.client_clock.pass(100);
        assert_eq!(connect(), withheld(NotResumed::Expired));
    }
}

/// "A client SHOULD delete the ticket and associated state when the time expires."
#[test]
fn a_session_ends_with_the_lifetime_that_the_server_gives_its_ticket() {
    let scene = Scene::by_ticket();
    let connect = || meet(scene.client(), scene.server().session_lifetime(LIFETIME));
    assert_eq!(connect(), NOTHING_OFFERED);
    // The server's clock stands still.
    scene.client_clock.pass(99);
    assert_eq!(connect(), scene.resumed);
    scene.client_clock.pass(1);
    assert_eq!(connect(), NOTHING_OFFERED);
}

#[test]
fn a_session_from_the_future_is_not_resumed() {
    let (early, late) = (Scene::by_id(), Scene::by_id());
    // The servers share their sessions, and their clocks differ by more than is normal.
    late.server_clock.pass(61);
    let server = |scene: &Scene| {
        let store = early.server_store.clone();
        scene.server().session_store(Some(store))
    };
    meet(early.client(), server(&late));
    assert_eq!(
        meet(early.client(), server(&early)),
        declined(NotResumed::Expired)
    );
    early.server_clock.pass(1);
    meet(late.client(), server(&late));
    assert_eq!(meet(late.client(), server(&early)), late.resumed);
}

/// The server would refuse the certificate today, and does so in the full handshake.
#[test]
fn a_session_does_not_outlive_the_clients_certificate() {
    let key = pki::key("rsa-2048-client");
    let certificate = Spec {
        not_after: NOW + 100,
        ..pki::client(&key)
    };
    let certificate = certificate.certified(&key);
    for scene in Scene::both() {
        let pair = || {
            pair(
                scene.client().certificate(certificate.clone()),
                scene
                    .server()
                    .client_auth(ClientAuth::Require(roots().into()))
                    .session_lifetime(Duration::from_secs(3600)),
            )
        };
        pair().established();
        scene.server_clock.pass(99);
        assert_eq!(outcome(&pair().established()), scene.resumed);
        scene.server_clock.pass(2);
        let fault = fault(pair().run(Chunks::Whole));
        assert!(matches!(fault, CertificateFault::Expired { .. }));
    }
}

#[test]
fn a_session_does_not_outlive_the_servers_certificate() {
    let key = pki::key("rsa-2048");
    let until = |not_after| {
        let spec = Spec {
            not_after,
            ..pki::server(&key)
        };
        server_builder_with(spec.certified(&key))
    };
    for scene in Scene::both() {
        let shelf = Arc::new(Shelf::default());
        let connect = |not_after| {
            let client = scene.client().session_store(Some(shelf.clone()));
            meet(client, scene.server_from(until(not_after)))
        };
        assert_eq!(connect(NOW + 100), NOTHING_OFFERED);
        scene.client_clock.pass(99);
        assert_eq!(connect(NOW + 100), scene.resumed);
        scene.client_clock.pass(2);
        // The server has another certificate by then.
        assert_eq!(connect(NOW + 1000), withheld(NotResumed::Expired));
    }
}

#[test]
fn a_session_that_had_to_make_room_is_unknown() {
    let scene = Scene::by_id();
    let small = Arc::new(MemoryStore::new(1));
    let server = || scene.server().session_store(Some(small.clone()));
    let other_client = || {
        let store = Arc::new(MemoryStore::new(1));
        scene.client().session_store(Some(store))
    };
    assert_eq!(meet(scene.client(), server()), NOTHING_OFFERED);
    assert_eq!(meet(scene.client(), server()), scene.resumed);
    assert_eq!(meet(other_client(), server()), NOTHING_OFFERED);
    assert_eq!(
        meet(scene.client(), server()),
        declined(NotResumed::Unknown)
    );
}

#[test]
fn a_client_with_room_for_one_server_forgets_the_other() {
    for scene in Scene::both() {
        let store = Arc::new(MemoryStore::new(1));
        let connect_to = |name| {
            let client = scene.client().session_store(Some(store.clone()));
            meet_as(name, client, scene.server())
        };
        assert_eq!(connect_to(NAME), NOTHING_OFFERED);
        assert_eq!(connect_to(NAME), scene.resumed);
        assert_eq!(connect_to("127.0.0.1"), NOTHING_OFFERED);
        assert_eq!(connect_to("127.0.0.1"), scene.resumed);
        assert_eq!(connect_to(NAME), NOTHING_OFFERED);
    }
}

/// A handshake with the server under this name.
fn meet_as(
    name: &'static str,
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
) -> Outcome {
    let client = Arc::new(client.build().unwrap());
    let server = Arc::new(server.build().unwrap());
    outcome(&Pair::new(client, server, name.try_into().unwrap()).established())
}

#[test]
fn another_server_does_not_know_the_session() {
    let (one, other) = (Scene::by_id(), Scene::by_id());
    assert_eq!(meet(one.client(), one.server()), NOTHING_OFFERED);
    assert_eq!(
        meet(one.client(), other.server()),
        declined(NotResumed::Unknown)
    );
    // The session with the other one is in the place of the first.
    assert_eq!(meet(one.client(), other.server()), other.resumed);
    assert_eq!(
        meet(one.client(), one.server()),
        declined(NotResumed::Unknown)
    );
}

/// The server's certificate, good for another name as well.
fn certified_for_both_names() -> Arc<CertifiedKey> {
    let key = pki::key("rsa-2048");
    let both = Spec {
        dns: vec![NAME, OTHER_NAME],
        ..pki::server(&key)
    };
    both.certified(&key)
}

#[test]
fn a_session_belongs_to_the_name_that_it_was_made_for() {
    let certified = certified_for_both_names();
    for scene in Scene::both() {
        let shelf = Arc::new(Shelf::default());
        let connect_to = |name| {
            let client = scene.client().session_store(Some(shelf.clone()));
            let server = scene.server_from(server_builder_with(certified.clone()));
            meet_as(name, client, server)
        };
        assert_eq!(connect_to(NAME), NOTHING_OFFERED);
        assert_eq!(connect_to(OTHER_NAME), withheld(NotResumed::ServerName));
        assert_eq!(connect_to(OTHER_NAME), scene.resumed);
        // The client is led to believe that the session is one of the first name.
        let renamed = replaced(&shelf.bytes(), OTHER_NAME.as_bytes(), NAME.as_bytes());
        shelf.replace(renamed);
        assert_eq!(connect_to(NAME), declined(NotResumed::ServerName));
    }
}

/// The bytes with `new` in the first place where `old` stood, which is as long: in a session, the
/// server's name.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old);
    let at = at.unwrap();
    let mut out = bytes.to_vec();
    out[at..at + new.len()].copy_from_slice(new);
    out
}

#[test]
fn a_name_is_the_same_in_capitals() {
    for scene in Scene::both() {
        let connect_to = |name| meet_as(name, scene.client(), scene.server());
        assert_eq!(connect_to(NAME), NOTHING_OFFERED);
        assert_eq!(connect_to("SERVER.Example"), scene.resumed);
    }
}

#[test]
fn a_hello_without_a_name_does_not_resume_the_session_of_one() {
    for scene in Scene::both() {
        scene.meet();
        for (named, answered_with) in [(true, CHANGE_CIPHER_SPEC), (false, CERTIFICATE)] {
            let mut pair = scene.pair();
            let hello = Hello::read_client(&said(&mut pair.client)[0]);
            let hello = if named {
                hello
            } else {
                hello.without(SERVER_NAME)
            };
            pair.server.take(&hello.client()).unwrap();
            let flight = said(&mut pair.server);
            // The type of the record, or of the message in it.
            let second = match flight[1][0] {
                CHANGE_CIPHER_SPEC => CHANGE_CIPHER_SPEC,
                _ => flight[1][5],
            };
            assert_eq!(second, answered_with);
        }
    }
}

#[test]
fn a_session_ends_with_its_suite() {
    for scene in Scene::both() {
        let shelf = Arc::new(Shelf::default());
        let client = || scene.client().session_store(Some(shelf.clone()));
        let server = || scene.server();
        // Where both are free to choose, it is AES-256.
        let begin = || meet(client(), server());
        assert_eq!(begin(), NOTHING_OFFERED);
        assert_eq!(
            meet(client().suites(&[AES_128]), server()),
            withheld(NotResumed::Suite)
        );
        // That session is of AES-128.
        assert_eq!(
            meet(client(), server().suites(&[AES_256])),
            declined(NotResumed::Suite)
        );
        assert_eq!(begin(), scene.resumed);
        // The order of the suites does not matter.
        assert_eq!(
            meet(client().suites(&[AES_128, AES_256]), server()),
            scene.resumed
        );

        // The client has forgotten which suite it was, and offers only the other one.
        let mut bytes = shelf.bytes();
        bytes[1..3].copy_from_slice(&AES_128.0.to_be_bytes());
        shelf.replace(bytes);
        assert_eq!(
            meet(client().suites(&[AES_128]), server()),
            declined(NotResumed::Suite)
        );
    }
}

/// The roots of the tests and another one.
fn more_roots() -> RootStore {
    let mut more = roots();
    more.add(&pki::server(&pki::key("rsa-2048")).build()).unwrap();
    more
}

#[test]
fn a_client_that_trusts_others_does_not_offer_what_it_had() {
    for scene in Scene::both() {
        let trusting = |roots| scene.client_from(ClientConfig::builder(roots));
        assert_eq!(scene.meet(), NOTHING_OFFERED);
        // Two configurations share the store: each finds what the other has left.
        for _ in 0..2 {
            assert_eq!(
                meet(trusting(more_roots()), scene.server()),
                withheld(NotResumed::Trust)
            );
            assert_eq!(meet(trusting(more_roots()), scene.server()), scene.resumed);
            assert_eq!(scene.meet(), withheld(NotResumed::Trust));
            assert_eq!(scene.meet(), scene.resumed);
        }
    }
}

#[test]
fn a_client_that_is_someone_else_does_not_offer_what_it_had() {
    let key = pki::key("rsa-2048-client");
    let renewed = Spec {
        not_after: NOW + 100_000,
        ..pki::client(&key)
    };
    for scene in Scene::both() {
        let connect = |certificate| {
            meet(
                scene.client().certificate(certificate),
                scene.server().client_auth(ClientAuth::Require(roots().into())),
            )
        };
        assert_eq!(connect(client_certified()), NOTHING_OFFERED);
        assert_eq!(connect(client_certified()), scene.resumed);
        assert_eq!(
            connect(renewed.certified(&key)),
            withheld(NotResumed::Trust)
        );
    }
}

#[test]
fn a_client_that_becomes_strict_about_names_does_not_offer_what_it_had() {
    let key = pki::key("rsa-2048");
    let with_common_name = Spec {
        subject: "CN=server.example",
        ..pki::server(&key)
    };
    let certified = with_common_name.certified(&key);
    for scene in Scene::both() {
        let server = || scene.server_from(server_builder_with(certified.clone()));
        let strict = || scene.client().require_common_name();
        assert_eq!(meet(scene.client(), server()), NOTHING_OFFERED);
        assert_eq!(meet(strict(), server()), withheld(NotResumed::Trust));
        assert_eq!(meet(strict(), server()), scene.resumed);
        assert_eq!(meet(scene.client(), server()), withheld(NotResumed::Trust));
    }
}

#[test]
fn a_server_with_another_policy_declines_what_it_had() {
    let auth = [
        ClientAuth::None,
        ClientAuth::Request(roots().into()),
        ClientAuth::Require(roots().into()),
        ClientAuth::Require(more_roots().into()),
    ];
    for scene in Scene::both() {
        for before in &auth {
            for after in &auth {
                let connect = |auth: &ClientAuth| {
                    let client = scene.client().certificate(client_certified());
                    meet(client, scene.server().client_auth(auth.clone()))
                };
                connect(before);
                let expected = if std::ptr::eq(before, after) {
                    scene.resumed
                } else {
                    declined(NotResumed::Trust)
                };
                assert_eq!(connect(after), expected, "{before:?}, then {after:?}");
            }
        }
    }
}

#[test]
fn a_server_with_another_certificate_declines_what_it_had() {
    for scene in Scene::both() {
        let connect = |certified: Arc<CertifiedKey>| {
            let server = scene.server_from(server_builder_with(certified));
            meet(scene.client(), server)
        };
        assert_eq!(connect(certified(2048)), NOTHING_OFFERED);
        // The same key under another certificate.
        assert_eq!(
            connect(certified_for_both_names()),
            declined(NotResumed::Trust)
        );
    }
}

#[test]
fn a_session_keeps_its_maximum_fragment_length() {
    use MaxFragmentLength as Length;
    for scene in Scene::both() {
        let asking = |length| scene.client().max_fragment_length(length);
        assert_eq!(meet(asking(Length::L512), scene.server()), NOTHING_OFFERED);
        assert_eq!(meet(asking(Length::L512), scene.server()), scene.resumed);
        // The client does not request the session's length any more.
        let other = withheld(NotResumed::MaxFragmentLength);
        assert_eq!(meet(asking(Length::L1024), scene.server()), other);
        assert_eq!(scene.meet(), other);
        // The session has none, and the client would like one.
        assert_eq!(
            meet(asking(Length::L512), scene.server()),
            declined(NotResumed::MaxFragmentLength)
        );
        // A record_size_limit makes the server ignore the length that it once agreed to.
        assert_eq!(
            meet(asking(Length::L512).record_size_limit(4096), scene.server()),
            declined(NotResumed::MaxFragmentLength)
        );
    }
}

/// "During renegotiation or resumption, the record size limit is renegotiated."
#[test]
fn the_record_size_limit_is_each_connections_own() {
    for scene in Scene::both() {
        for limit in [64, 1000, 1 << 14] {
            let client = scene.client().record_size_limit(limit);
            let pair = pair(client, scene.server()).established();
            let session = pair.server.connection.session().unwrap();
            assert_eq!(session.max_plaintext_sent(), usize::from(limit));
            assert_eq!(session.resumption().is_resumed(), limit != 64);
        }
    }
}

#[test]
fn a_client_that_takes_no_tickets_any_more_does_not_offer_the_one_it_has() {
    let scene = Scene::by_ticket();
    let without = || scene.client().session_tickets(false);
    assert_eq!(scene.meet(), NOTHING_OFFERED);
    assert_eq!(meet(without(), scene.server()), NOTHING_OFFERED);
    // It gets a session ID instead.
    assert_eq!(meet(without(), scene.server()), BY_ID);
}

#[test]
fn a_session_at_one_address_is_not_offered_at_another() {
    let address = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
    for scene in Scene::both() {
        let connect = |address: Option<SocketAddr>| {
            let config = Arc::new(scene.client().build().unwrap());
            let mut outgoing = Vec::new();
            let client = match address {
                None => Connection::client(config, name(), &mut outgoing),
                Some(address) => Connection::client_at(config, name(), address, &mut outgoing),
            };
            let server = Connection::server(Arc::new(scene.server().build().unwrap()));
            let pair = Pair {
                client: End::new(client.unwrap(), outgoing),
                server: End::new(server, Vec::new()),
            };
            outcome(&pair.established())
        };
        for place in [address(1), address(2), None] {
            assert_eq!(connect(place), NOTHING_OFFERED, "{place:?}");
            assert_eq!(connect(place), scene.resumed, "{place:?}");
        }
        assert_eq!(connect(address(1)), scene.resumed);
    }
}

/// A session is made without the extended master secret because one side does not use it; the
/// other side resumes it if it is told to.
#[test]
fn sessions_without_the_extended_master_secret_are_resumed_where_a_side_says_so() {
    use ExtendedMasterSecret::{Off, Optional, Required};
    let refused = NotResumed::ExtendedMasterSecret;
    for scene in Scene::both() {
        let client = |policy| scene.client().extended_master_secret(policy);
        let lenient_client = |policy| client(policy).resume_without_extended_master_secret();
        let server = |policy| scene.server().extended_master_secret(policy);
        let lenient_server = |policy| server(policy).resume_without_extended_master_secret();

        assert_eq!(meet(client(Optional), server(Off)), NOTHING_OFFERED);
        assert_eq!(meet(client(Optional), server(Off)), withheld(refused));
        assert_eq!(meet(lenient_client(Optional), server(Off)), scene.resumed);
        // The server's leniency is not the client's.
        assert_eq!(
            meet(client(Optional), lenient_server(Off)),
            withheld(refused)
        );
        // "the server MUST NOT perform the abbreviated handshake."
        assert_eq!(
            meet(lenient_client(Optional), lenient_server(Optional)),
            declined(refused)
        );
        // What is required now was not there then.
        meet(client(Off), server(Off));
        assert_eq!(
            meet(lenient_client(Required), lenient_server(Required)),
            withheld(refused)
        );

        meet(client(Off), server(Off));
        assert_eq!(meet(client(Off), lenient_server(Optional)), scene.resumed);
        // The client's leniency is not the server's.
        assert_eq!(
            meet(lenient_client(Off), server(Optional)),
            declined(refused)
        );
    }
}

#[test]
fn a_session_that_the_server_would_not_resume_has_no_handle() {
    use ExtendedMasterSecret::Off;
    type Setting = fn(ServerConfigBuilder) -> ServerConfigBuilder;
    let settings: [(Setting, bool); 3] = [
        (|server| server, false),
        (
            |server| server.resume_without_extended_master_secret(),
            true,
        ),
        (|server| server.extended_master_secret(Off), true),
    ];
    for (setting, resumable) in settings {
        for scene in Scene::both() {
            let client = scene.client().extended_master_secret(Off);
            let mut pair = pair(client, setting(scene.server()));
            let flight = answer(&mut pair);
            let (session_id, _) = split_vector(1, &flight[0][43..]);
            let tickets = scene.tickets.is_some();
            let announced = extensions(&flight[0]).unwrap().contains(&(SESSION_TICKET, vec![]));
            assert_eq!(announced, resumable && tickets);
            assert_eq!(session_id.is_empty(), !resumable || tickets);
            pair.client.take(&flight.concat()).unwrap();
            pair.established();
            assert_eq!(scene.server_store.is_empty(), !resumable || tickets);
            assert_eq!(scene.client_store.is_empty(), !resumable);
        }
    }
}

/// A name that the server does not use is still another than none.
#[test]
fn a_session_without_a_name_is_not_resumed_under_one_that_is_not_used() {
    let scene = Scene::by_id();
    let address = || "192.0.2.1".try_into().unwrap();
    let server = Arc::new(scene.server().build().unwrap());
    let client = || {
        let client = scene.client_from(ClientConfig::builder_with_caller_verification());
        Arc::new(client.build().unwrap())
    };
    let mut made = Pair::new(client(), server.clone(), address());
    made.run(Chunks::Whole).unwrap();
    let verdict = Ok(Verified::dangerous_without_verification());
    let answer = made.client.question().answer(verdict);
    made.client.resume(answer).unwrap();
    made.run(Chunks::Whole).unwrap();
    assert_eq!(scene.server_store.len(), 1);

    let mut again = Pair::new(client(), server.clone(), address());
    let hello = Hello::read_client(&said(&mut again.client)[0]);
    for (content, resumed) in [
        (None, true),
        (Some(&b"\0\x0e\0\0\x0bsomebody.a."[..]), false),
    ] {
        let hello = match content {
            None => hello.clone(),
            Some(content) => hello.clone().with(SERVER_NAME, content),
        };
        let mut server = Pair::new(client(), server.clone(), address()).server;
        server.take(&hello.client()).unwrap();
        let flight = said(&mut server);
        assert_eq!(flight[1][0] == CHANGE_CIPHER_SPEC, resumed);
    }
}
