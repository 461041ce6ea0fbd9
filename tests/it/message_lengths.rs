//! How long each handshake message may be: as long as its definition allows, or the setting, and
//! nothing is kept but what arrived.

use crate::allocations::cost;
use premaster::error::PeerError;
use premaster::protocol::HandshakeType;
use premaster::{ClientAuth, Error};
use premaster_testing::by_hand::{Request, ServerByHand};
use premaster_testing::forger::{Sender, Stopped, established};
use premaster_testing::pair::{End, Pair};
use premaster_testing::wire::{
    CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC, CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE, FINISHED, HANDSHAKE, HELLO_REQUEST, Hello, NEW_SESSION_TICKET,
    RENEGOTIATION_INFO, SERVER_HELLO, SERVER_HELLO_DONE, SERVER_KEY_EXCHANGE, SESSION_TICKET,
    body_of, certificate_body, handshake, hello_with, message, record,
};
use premaster_testing::{
    NAME, certified, client_builder, client_certified, pair, roots, server_builder,
};

const STATUS_REQUEST: u16 = 5;
const CERTIFICATE_STATUS: u8 = 22;

/// All that a header can announce.
const ANY: usize = (1 << 24) - 1;

/// What the configurations accept by default.
const DEFAULT: usize = 131_396;

type Seal = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// Where a message of one type is due.
struct Place {
    typ: u8,
    /// By the definition of the message.
    longest: usize,
    end: End,
    /// Makes records of the peer's.
    seal: Seal,
}

impl Place {
    /// Before the keys change.
    fn clear(typ: u8, longest: usize, end: End) -> Self {
        Self {
            typ,
            longest,
            end,
            seal: Box::new(|content| record(HANDSHAKE, content)),
        }
    }

    /// The result for the header of a message with a body of this length.
    fn announce(&mut self, length: usize) -> Result<(), Error> {
        let [.., high, middle, low] = length.to_be_bytes();
        let record = (self.seal)(&[self.typ, high, middle, low]);
        self.end.take(&record)
    }
}

/// A client at the places of a full handshake's first flight.
fn client_at(limit: usize, place: u8) -> End {
    let client = client_builder().request_ocsp_response().max_handshake_message(limit);
    let mut server = ServerByHand::meet(client, NAME);
    let mut extensions = vec![(RENEGOTIATION_INFO, &[0][..]), (SESSION_TICKET, &[])];
    if place == CERTIFICATE_STATUS {
        extensions.push((STATUS_REQUEST, &[]));
    }
    let chain = certificate_body(&[&certified(2048).chain()[0]]);
    let flight = [
        hello_with(&extensions).server(),
        handshake(CERTIFICATE, &chain),
        handshake(SERVER_HELLO_DONE, &[]),
    ];
    let said = match place {
        SERVER_HELLO => 0,
        CERTIFICATE => 1,
        NEW_SESSION_TICKET => 3,
        _ => 2,
    };
    server.say(&flight[..said]).unwrap();
    server.client
}

/// Every type of message, at its place, under this setting.
fn places(limit: usize) -> Vec<Place> {
    let mut places: Vec<Place> = [
        (SERVER_HELLO, 65_607),
        (CERTIFICATE, ANY),
        (CERTIFICATE_STATUS, ANY),
        (CERTIFICATE_REQUEST, 131_329),
        (SERVER_HELLO_DONE, 0),
        (NEW_SESSION_TICKET, 65_541),
    ]
    .map(|(typ, longest)| Place::clear(typ, longest, client_at(limit, typ)))
    .into();

    let new_client =
        || client_builder().certificate(client_certified()).max_handshake_message(limit);
    let new_server = || {
        let auth = ClientAuth::Request(roots().into());
        server_builder().client_auth(auth).max_handshake_message(limit)
    };
    let fresh = pair(new_client(), new_server()).server;
    places.push(Place::clear(CLIENT_HELLO, 131_396, fresh));
    // Certificate, ClientKeyExchange, CertificateVerify.
    for (said, (typ, longest)) in [
        (CERTIFICATE, ANY),
        (CLIENT_KEY_EXCHANGE, 65_537),
        (CERTIFICATE_VERIFY, 65_539),
    ]
    .into_iter()
    .enumerate()
    {
        let mut stopped = Stopped::before_client_flight(new_client(), new_server());
        let mut end = stopped.pair.server;
        end.take(&stopped.client_flight.drain(..said).collect::<Vec<_>>().concat()).unwrap();
        places.push(Place::clear(typ, longest, end));
    }

    for sender in [Sender::Client, Sender::Server] {
        let stopped = Stopped::before_client_flight(new_client(), new_server());
        let forger = stopped.forger();
        let Pair { client, mut server } = stopped.pair;
        let unprotected = stopped.client_flight.len() - 2;
        server.take(&stopped.client_flight[..unprotected].concat()).unwrap();
        let mut end = match sender {
            Sender::Client => server,
            Sender::Server => client,
        };
        end.take(&record(CHANGE_CIPHER_SPEC, &[1])).unwrap();
        places.push(Place {
            typ: FINISHED,
            longest: 12,
            end,
            seal: Box::new(move |content| forger.seal(sender, 0, HANDSHAKE, content)),
        });

        let stopped = Stopped::before_client_flight(new_client(), new_server());
        let (Pair { client, server }, forger) = stopped.establish();
        let (typ, longest, end) = match sender {
            Sender::Client => (CLIENT_HELLO, 131_396, server),
            Sender::Server => (HELLO_REQUEST, 0, client),
        };
        places.push(Place {
            typ,
            longest,
            end,
            seal: Box::new(move |content| forger.seal(sender, 1, HANDSHAKE, content)),
        });
    }
    places
}

#[test]
fn each_message_may_be_as_long_as_its_definition() {
    for (at_limit, over) in places(usize::MAX).into_iter().zip(places(usize::MAX)) {
        let (mut at_limit, mut over) = (at_limit, over);
        let message = HandshakeType(at_limit.typ);
        assert_eq!(at_limit.announce(at_limit.longest), Ok(()), "{message}");
        if over.longest == ANY {
            continue;
        }
        let length = over.longest + 1;
        let refused = PeerError::MessageTooLong {
            message,
            length,
            most: over.longest,
        };
        let error = over.announce(length).unwrap_err();
        assert_eq!(error, refused.into());
        let told = format!("{length} bytes; it cannot have more than {}", over.longest);
        assert!(error.to_string().ends_with(&told), "{error}");
    }
}

#[test]
fn the_setting_limits_what_is_longer() {
    for limit in [DEFAULT, 200_000, 5000] {
        for (mut at_limit, mut over) in places(limit).into_iter().zip(places(limit)) {
            let message = HandshakeType(at_limit.typ);
            if at_limit.longest <= limit {
                assert_eq!(at_limit.announce(at_limit.longest), Ok(()), "{message}");
                continue;
            }
            assert_eq!(at_limit.announce(limit), Ok(()), "{message}");
            let refused = PeerError::MessageOverLimit {
                message,
                length: limit + 1,
                most: limit,
            };
            let error = over.announce(limit + 1).unwrap_err();
            assert_eq!(error, refused.into());
            assert_eq!(error.setting(), Some("max_handshake_message"));
        }
    }
}

#[test]
fn the_default_takes_every_hello() {
    let server = || pair(client_builder(), server_builder()).server;
    let mut suites = vec![0x009c];
    suites.extend((0..0xfffe / 2 - 1).map(|number| 0xe000 | number));
    let padding = vec![0; 0xffff - 5 - 4];
    let longest = Hello {
        session_id: vec![7; 32],
        suites,
        compressions: (0..=254).collect(),
        ..hello_with(&[(RENEGOTIATION_INFO, &[0]), (0x2a2a, &padding)])
    };
    let body = longest.client_body();
    assert_eq!(body.len(), DEFAULT);
    let message = message(CLIENT_HELLO, &body);
    for piece in [1 << 14, 7000] {
        let mut server = server();
        for fragment in message.chunks(piece) {
            assert!(server.outgoing.is_empty());
            server.take(&record(HANDSHAKE, fragment)).unwrap();
        }
        assert_eq!(server.outgoing[5], SERVER_HELLO);
    }
}

#[test]
fn a_request_may_name_many_authorities() {
    let request = Request {
        types: (1..=255).collect(),
        algorithms: (0..0xfffe / 2).map(|number| 0x0401 + number).collect(),
        authorities: vec![vec![0x30; 0xffff - 2]],
    };
    let body = request.body();
    assert_eq!(body.len(), 131_329);
    let mut client = client_at(DEFAULT, CERTIFICATE_REQUEST);
    for fragment in message(CERTIFICATE_REQUEST, &body).chunks(1 << 14) {
        client.take(&record(HANDSHAKE, fragment)).unwrap();
    }
    client.take(&handshake(SERVER_HELLO_DONE, &[])).unwrap();
    let flight = premaster_testing::wire::said(&mut client);
    assert_eq!(body_of(&flight, CERTIFICATE).unwrap(), [0, 0, 0]);
}

#[test]
fn a_header_takes_no_memory() {
    for mut place in places(usize::MAX) {
        let (typ, length) = (HandshakeType(place.typ), place.longest);
        let cost = cost(|| place.announce(length).unwrap());
        assert!(cost.memory < 4096, "{typ}: {cost:?}");
    }
    // What arrived is kept once, with room to grow.
    let mut place = Place::clear(CERTIFICATE, ANY, client_at(ANY, CERTIFICATE));
    place.announce(ANY).unwrap();
    let fragment = record(HANDSHAKE, &[7; 1 << 14]);
    let cost = cost(|| {
        for _ in 0..8 {
            place.end.take(&fragment).unwrap();
        }
    });
    assert!(cost.memory < 6 * (8 << 14) / 2, "{cost:?}");
}

#[test]
fn a_message_that_is_not_due_is_refused_by_its_header() {
    for mut place in places(usize::MAX) {
        place.typ = SERVER_KEY_EXCHANGE;
        assert!(matches!(
            place.announce(ANY).unwrap_err(),
            Error::Peer(PeerError::UnexpectedMessage {
                received: HandshakeType::SERVER_KEY_EXCHANGE,
                ..
            })
        ));
    }
    // The types that are due elsewhere, too.
    let (pair, forger) = established();
    let mut place = Place {
        typ: CERTIFICATE,
        longest: ANY,
        end: pair.client,
        seal: Box::new(move |content| forger.seal(Sender::Server, 1, HANDSHAKE, content)),
    };
    assert_eq!(
        place.announce(ANY),
        Err(PeerError::UnexpectedMessage {
            received: HandshakeType::CERTIFICATE,
            awaited: "nothing more",
        }
        .into())
    );
}
