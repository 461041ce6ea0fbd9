//! Tickets: the keys they are sealed with, when they are renewed, and what happens to those that
//! are not as they were.

use super::stores::{Diary, Shelf};
use aes_gcm::{AeadInOut, Aes256Gcm};
use hmac::{Hmac, KeyInit, Mac};
use premaster::session::{NotResumed, TicketKeySet};
use premaster::{ClientAuth, ClientConfigBuilder, MemoryStore, ServerConfigBuilder, Tickets};
use premaster_testing::pki::{self, Spec};
use premaster_testing::scene::{
    BY_ID, BY_TICKET, NOTHING_OFFERED, Outcome, Scene, answer, declined, meet, outcome, ticket_key,
};
use premaster_testing::wire::{
    CERTIFICATE, CLIENT_HELLO, HANDSHAKE, Hello, NEW_SESSION_TICKET, SERVER_HELLO,
    SERVER_HELLO_DONE, SESSION_TICKET, message, message_type, record, said, split_vector, vector,
};
use premaster_testing::{Pair, name, pair, rng, roots};
use rand_chacha::rand_core::Rng;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;

/// The fields of a NewSessionTicket.
#[derive(Debug, PartialEq, Eq)]
struct NewTicket {
    lifetime_hint: u32,
    ticket: Vec<u8>,
}

/// The NewSessionTicket in a flight; it is always in clear.
#[track_caller]
fn new_ticket(flight: &[Vec<u8>]) -> Option<NewTicket> {
    let in_clear = flight.iter().take_while(|record| record[0] == HANDSHAKE);
    let message = in_clear.into_iter().find(|record| message_type(record) == NEW_SESSION_TICKET)?;
    let (lifetime_hint, ticket) = message[9..].split_at(4);
    let (ticket, rest) = split_vector(2, ticket);
    assert!(rest.is_empty());
    Some(NewTicket {
        lifetime_hint: u32::from_be_bytes(lifetime_hint.try_into().unwrap()),
        ticket: ticket.to_vec(),
    })
}

/// A handshake, and the ticket that came in it.
fn meet_for_ticket(
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
) -> (Outcome, Option<NewTicket>) {
    let mut pair = pair(client, server);
    let mut ticket = None;
    while !pair.client.outgoing.is_empty() {
        let flight = answer(&mut pair);
        ticket = ticket.or(new_ticket(&flight));
        pair.client.take(&flight.concat()).unwrap();
    }
    (outcome(&pair), ticket)
}

/// The name of the key that a ticket is sealed with.
fn key_name(ticket: &Option<NewTicket>) -> u8 {
    ticket.as_ref().unwrap().ticket[0]
}

#[test]
fn a_ticket_of_one_server_is_good_for_the_other_and_renewed_by_its_newer_key() {
    let scene = Scene::by_ticket();
    let [one, two, three] = [1, 2, 3].map(ticket_key);
    // The two have nothing in common but the keys.
    let holding = |keys: TicketKeySet| {
        let tickets = Arc::new(Tickets::shared(keys));
        let store = Arc::new(MemoryStore::new(8));
        let server = scene.server().tickets(Some(tickets));
        server.session_store(Some(store))
    };
    let behind = || holding(TicketKeySet::new(one.clone()).next(two.clone()));
    let ahead = || holding(TicketKeySet::new(two.clone()).previous(one.clone()));

    let (outcome, ticket) = meet_for_ticket(scene.client(), behind());
    assert_eq!((outcome, key_name(&ticket)), (NOTHING_OFFERED, 1));
    let (outcome, ticket) = meet_for_ticket(scene.client(), ahead());
    assert_eq!((outcome, key_name(&ticket)), (BY_TICKET, 2));
    // The key that seals there: there is nothing to renew.
    assert_eq!(meet_for_ticket(scene.client(), ahead()), (BY_TICKET, None));
    // The server behind would put the session back under the older key: it renews nothing.
    assert_eq!(meet_for_ticket(scene.client(), behind()), (BY_TICKET, None));
    let renewing = behind().renew_tickets();
    assert_eq!(meet_for_ticket(scene.client(), renewing), (BY_TICKET, None));

    let done = || holding(TicketKeySet::new(three.clone()).previous(two.clone()));
    let (outcome, ticket) = meet_for_ticket(scene.client(), done());
    assert_eq!((outcome, key_name(&ticket)), (BY_TICKET, 3));
    let (outcome, ticket) = meet_for_ticket(scene.client(), ahead());
    assert_eq!(outcome, declined(NotResumed::Unknown));
    assert_eq!(key_name(&ticket), 2);
}

#[test]
fn keys_put_in_place_hold_for_the_next_connection() {
    let scene = Scene::by_ticket();
    let tickets = scene.tickets.clone().unwrap();
    assert_eq!(scene.meet(), NOTHING_OFFERED);
    tickets.replace(TicketKeySet::new(ticket_key(2)).previous(ticket_key(1)));
    let (outcome, ticket) = meet_for_ticket(scene.client(), scene.server());
    assert_eq!((outcome, key_name(&ticket)), (BY_TICKET, 2));
    tickets.replace(TicketKeySet::new(ticket_key(2)));
    assert_eq!(scene.meet(), BY_TICKET);
    tickets.replace(TicketKeySet::new(ticket_key(1)));
    assert_eq!(scene.meet(), declined(NotResumed::Unknown));
}

const PERIOD: u64 = 100;

fn rotating() -> Option<Arc<Tickets>> {
    let period = Duration::from_secs(PERIOD);
    Some(Arc::new(Tickets::rotating(period)))
}

#[test]
fn a_key_of_its_own_making_lasts_two_periods_and_renews_in_the_second() {
    let scene = Scene::by_ticket();
    let tickets = rotating();
    let connect = || meet_for_ticket(scene.client(), scene.server().tickets(tickets.clone()));
    // Another client is there before.
    let other = || scene.client().session_store(Some(Arc::new(Shelf::default())));
    meet(other(), scene.server().tickets(tickets.clone()));

    let (outcome, first) = connect();
    assert_eq!(outcome, NOTHING_OFFERED);
    scene.pass(PERIOD - 1);
    assert_eq!(connect(), (BY_TICKET, None));
    scene.pass(1);
    let (outcome, renewed) = connect();
    assert_eq!(outcome, BY_TICKET);
    let key_name = |ticket: &Option<NewTicket>| ticket.as_ref().unwrap().ticket[..16].to_vec();
    assert_ne!(key_name(&first), key_name(&renewed));
    assert_eq!(connect(), (BY_TICKET, None));

    // The renewed ticket's key began its life with the second period.
    scene.pass(2 * PERIOD - 1);
    let (outcome, renewed) = connect();
    assert_eq!(outcome, BY_TICKET);
    assert!(renewed.is_some());
    scene.pass(2 * PERIOD);
    assert_eq!(connect().0, declined(NotResumed::Unknown));
}

/// Nobody comes between that ticket and its key's second period.
#[test]
fn the_only_ticket_of_a_period_is_renewed_in_the_next() {
    let scene = Scene::by_ticket();
    let tickets = rotating();
    let connect = || meet_for_ticket(scene.client(), scene.server().tickets(tickets.clone()));
    assert_eq!(connect().0, NOTHING_OFFERED);
    scene.pass(PERIOD);
    let (outcome, renewed) = connect();
    assert_eq!(outcome, BY_TICKET);
    assert!(renewed.is_some());
}

#[test]
fn a_ticket_of_a_foreign_key_is_unknown_and_another_one_given() {
    let (own, foreign) = (Scene::by_ticket(), Scene::by_ticket());
    let tickets = Tickets::shared(TicketKeySet::new(ticket_key(2)));
    let tickets = Arc::new(tickets);
    let elsewhere = || foreign.server().tickets(Some(tickets.clone()));
    meet(own.client(), elsewhere());
    let (outcome, ticket) = meet_for_ticket(own.client(), own.server());
    assert_eq!(outcome, declined(NotResumed::Unknown));
    assert_eq!(key_name(&ticket), 1);
    assert_eq!(meet(own.client(), own.server()), BY_TICKET);
}

#[test]
fn a_server_without_tickets_takes_none() {
    let scene = Scene::by_ticket();
    assert_eq!(scene.meet(), NOTHING_OFFERED);
    let without = || scene.server().tickets(None);
    // It goes by the session ID, which the client made up.
    assert_eq!(
        meet(scene.client(), without()),
        declined(NotResumed::Unknown)
    );
    assert_eq!(meet(scene.client(), without()), BY_ID);
    // What the client has by then is an ID, which a server with tickets still knows.
    assert_eq!(scene.meet(), BY_ID);
}

/// A client that has a ticket, which a test changes behind its back.
struct Holder {
    scene: Scene,
    shelf: Arc<Shelf>,
    /// As the server gave it.
    ticket: Vec<u8>,
    /// As the client keeps it.
    session: Vec<u8>,
}

impl Holder {
    #[track_caller]
    fn new() -> Self {
        let scene = Scene::by_ticket();
        let shelf = Arc::new(Shelf::default());
        let client = scene.client().session_store(Some(shelf.clone()));
        let (outcome, ticket) = meet_for_ticket(client, scene.server());
        assert_eq!(outcome, NOTHING_OFFERED);
        Self {
            ticket: ticket.unwrap().ticket,
            session: shelf.bytes(),
            scene,
            shelf,
        }
    }

    /// What comes of offering this ticket in place of the right one.
    fn offers(&self, ticket: &[u8]) -> Outcome {
        let session = with_ticket(&self.session, &self.ticket, ticket);
        self.shelf.replace(session);
        let client = self.scene.client();
        meet(
            client.session_store(Some(self.shelf.clone())),
            self.scene.server(),
        )
    }
}

/// A client's session with a ticket in the place of the ID or ticket at its end.
fn with_ticket(session: &[u8], handle: &[u8], ticket: &[u8]) -> Vec<u8> {
    let rest = session.strip_suffix(&*vector(2, handle)).unwrap();
    let (_kind, rest) = rest.split_last().unwrap();
    [rest, &[2], &vector(2, ticket)].concat()
}

#[test]
fn a_ticket_with_any_bit_flipped_leads_to_a_full_handshake() {
    let holder = Holder::new();
    let client = holder.scene.client().session_store(Some(holder.shelf.clone()));
    let client = Arc::new(client.build().unwrap());
    let server = Arc::new(holder.scene.server().build().unwrap());
    let meet = || outcome(&Pair::new(client.clone(), server.clone(), name()).established());
    for bit in 0..8 * holder.ticket.len() {
        let mut flipped = holder.ticket.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let session = with_ticket(&holder.session, &holder.ticket, &flipped);
        holder.shelf.replace(session);
        assert_eq!(meet(), declined(NotResumed::Unknown), "bit {bit}");
    }
    holder.shelf.replace(holder.session.clone());
    assert_eq!(meet(), BY_TICKET);
}

#[test]
fn a_ticket_that_is_cut_or_longer_or_garbage_leads_to_a_full_handshake() {
    let holder = Holder::new();
    let ticket = &holder.ticket;
    let mut garbage = vec![0; ticket.len()];
    rng(3).fill_bytes(&mut garbage);
    let huge = vec![1; 14_000];
    // Behind the name of the right key, too.
    let named = [&ticket[..16], &garbage].concat();
    let named_huge = [&ticket[..16], &huge].concat();
    let longer = [ticket, &[0][..]].concat();
    let twice = ticket.repeat(2);
    let cut = (1..ticket.len()).step_by(5).map(|end| &ticket[..end]);
    for ticket in [&garbage, &huge, &named, &named_huge, &longer, &twice]
        .map(|ticket| &ticket[..])
        .into_iter()
        .chain(cut)
        .chain([&ticket[1..], &ticket[..ticket.len() - 1]])
    {
        let outcome = holder.offers(ticket);
        assert_eq!(outcome, declined(NotResumed::Unknown), "{ticket:?}");
    }
    assert_eq!(holder.offers(ticket), BY_TICKET);
}

/// The messages of a server's first flight.
const FULL_FLIGHT: [u8; 3] = [SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE];

fn message_types(flight: &[Vec<u8>]) -> Vec<u8> {
    flight.iter().map(|record| message_type(record)).collect()
}

/// Longer than any session that is kept.
#[test]
fn the_longest_ticket_that_fits_a_hello_leads_to_a_full_handshake() {
    let scene = Scene::by_ticket();
    let mut pair = scene.pair();
    let hello = Hello::read_client(&said(&mut pair.client)[0]);
    let hello = hello.with(SESSION_TICKET, &vec![1; 65_000]);
    let message = message(CLIENT_HELLO, &hello.client_body());
    for part in message.chunks(1 << 14) {
        pair.server.take(&record(HANDSHAKE, part)).unwrap();
    }
    assert_eq!(message_types(&said(&mut pair.server)), FULL_FLIGHT);
}

/// A ticket as its description says, sealed with the key that is all of one byte.
fn seal(key: u8, plaintext: &[u8]) -> Vec<u8> {
    let salt = [9; 32];
    let mac = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).unwrap();
    let derived = mac(&[key; 32]).chain_update(b"premaster ticket").chain_update(salt).finalize();
    let cipher = Aes256Gcm::new_from_slice(&derived.into_bytes()).unwrap();
    let header = [&[key; 16], &salt[..]].concat();
    let mut text = plaintext.to_vec();
    let tag = cipher
        .encrypt_inout_detached(&[0; 12].into(), &header, text.as_mut_slice().into())
        .unwrap();
    [header, text, tag.to_vec()].concat()
}

/// Sealed with the right key: only what is inside decides.
#[test]
fn a_ticket_holds_a_servers_session_and_nothing_else() {
    let scene = Scene::by_ticket();
    let (client_shelf, server_shelf) = (Arc::new(Shelf::default()), Arc::new(Shelf::default()));
    let client = || scene.client().session_store(Some(client_shelf.clone()));
    let by_id = scene.server().tickets(None);
    meet(client(), by_id.session_store(Some(server_shelf.clone())));
    let (of_client, of_server) = (client_shelf.bytes(), server_shelf.bytes());
    let id = &of_client[of_client.len() - 32..];

    let offers = |content: &[u8]| {
        let session = with_ticket(&of_client, id, &seal(1, content));
        client_shelf.replace(session);
        meet(client(), scene.server())
    };
    assert_eq!(offers(&of_server), BY_TICKET);
    for content in [
        &of_client[..],
        &of_server[1..],
        &of_server[..of_server.len() - 1],
        &[&of_server[..], &[0]].concat(),
        &[],
        &[1; 200],
    ] {
        assert_eq!(offers(content), declined(NotResumed::Unknown));
    }
}

#[test]
fn a_session_that_is_too_long_is_not_kept_and_the_ticket_empty() {
    let key = pki::key("rsa-2048-client");
    let names: Vec<&'static str> =
        (0..900).map(|number| &*format!("host-{number}.plant.example").leak()).collect();
    let certificate = Spec {
        dns: names,
        ..pki::client(&key)
    };
    let certificate = certificate.certified(&key);
    assert!(certificate.chain()[0].len() > 1 << 14);

    let scene = Scene::by_ticket();
    let client = || scene.client().certificate(certificate.clone());
    let server = || scene.server().client_auth(ClientAuth::Require(roots().into()));
    for _ in 0..2 {
        let (outcome, ticket) = meet_for_ticket(client(), server());
        assert_eq!(outcome, NOTHING_OFFERED);
        assert_eq!(ticket.unwrap().ticket, [0_u8; 0]);
    }
    assert!(scene.client_store.is_empty() && scene.server_store.is_empty());

    // By ID it is the client alone that keeps it.
    let by_id = || meet(client(), server().tickets(None));
    assert_eq!(by_id(), NOTHING_OFFERED);
    assert_eq!(by_id(), declined(NotResumed::Unknown));
    assert!(scene.server_store.is_empty());
}

#[test]
fn renewed_tickets_differ_and_do_not_prolong_the_sessions_life() {
    let scene = Scene::by_ticket();
    let connect = || {
        let server = scene.server().renew_tickets();
        let server = server.session_lifetime(Duration::from_secs(100));
        meet_for_ticket(scene.client(), server)
    };
    let mut tickets = Vec::new();
    // What remains differs each time: the server draws it anew.
    for (pause, expected, left) in [
        (0, NOTHING_OFFERED, 100),
        (0, BY_TICKET, 100),
        (60, BY_TICKET, 40),
        (39, BY_TICKET, 1),
    ] {
        scene.pass(pause);
        let (outcome, ticket) = connect();
        let NewTicket {
            lifetime_hint,
            ticket,
        } = ticket.unwrap();
        assert_eq!((outcome, lifetime_hint), (expected, left));
        assert!(!tickets.contains(&ticket));
        tickets.push(ticket);
    }
    // The client's clock stands still, so that the server has to say it.
    scene.server_clock.pass(1);
    assert_eq!(connect().0, declined(NotResumed::Expired));
}

/// "If a ticket is presented by the client, the server MUST NOT attempt to use the Session ID in
/// the ClientHello for stateful session resumption."
#[test]
fn beside_a_ticket_no_session_id_is_looked_up() {
    let scene = Scene::by_ticket();
    let diary = Arc::new(Diary::default());
    let server = || scene.server().session_store(Some(diary.clone()));
    let client = || scene.client().session_tickets(false);
    assert_eq!(meet(client(), server()), NOTHING_OFFERED);
    let [(_, id)] = &diary.calls()[..] else {
        panic!("one session is kept");
    };

    let mut offering = pair(client(), server());
    let hello = Hello::read_client(&said(&mut offering.client)[0]);
    assert_eq!(hello.session_id, *id);
    let beside = |ticket: &[u8]| hello.clone().with(SESSION_TICKET, ticket).client();
    offering.server.take(&beside(&[7; 200])).unwrap();
    assert_eq!(message_types(&said(&mut offering.server)), FULL_FLIGHT);
    assert_eq!(diary.calls(), []);

    // Who only asks for a ticket presents none.
    let mut asking = pair(client(), server());
    asking.server.take(&beside(&[])).unwrap();
    assert_eq!(diary.calls(), [("get", id.clone())]);
}

/// "If the server accepts the ticket and the Session ID is not empty, then it MUST respond with the
/// same Session ID present in the ClientHello."
#[test]
fn a_ticket_is_taken_with_any_session_id_and_without_one() {
    let scene = Scene::by_ticket();
    scene.meet();
    let mut pair = scene.pair();
    let hello = Hello::read_client(&said(&mut pair.client)[0]);
    // A made-up one, for the client to see the difference.
    assert_eq!(hello.session_id.len(), 32);
    for session_id in [vec![], vec![7], vec![7; 32]] {
        let mut hello = hello.clone();
        hello.session_id = session_id.clone();
        let mut pair = scene.pair();
        pair.server.take(&hello.client()).unwrap();
        let flight = said(&mut pair.server);
        assert_eq!(flight.len(), 3);
        let (echoed, _) = split_vector(1, &flight[0][43..]);
        assert_eq!(echoed, session_id);
    }
}
