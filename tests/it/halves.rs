//! A connection in two halves: each does its part of what the whole one does.

use crate::allocations::cost;
use premaster::error::{Misuse, PeerError};
use premaster::protocol::{EncryptThenMac, Renegotiation as Permission};
use premaster::session::ChannelBinding;
use premaster::{ClientConfigBuilder, Connection, Error, Event, ReceiveHalf, SendHalf};
use premaster::{ServerConfigBuilder, SplitError};
use premaster_testing::by_hand::{ServerByHand, flight, server_hello};
use premaster_testing::forger::{Forger, Sender, established};
use premaster_testing::pair::{ALL_CHUNKS, Chunks, End, Pair};
use premaster_testing::wire::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, CLIENT_HELLO, FINISHED, HANDSHAKE, HELLO_REQUEST,
    hello, message, record,
};
use premaster_testing::{
    AES_128, NAME, alert_received, all_suites, client_builder, name, pair, rng, server_builder,
};
use rand_chacha::rand_core::Rng;
use std::sync::{Arc, mpsc};

/// An end whose connection is split.
struct Halves {
    sender: SendHalf,
    receiver: ReceiveHalf,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    received: Vec<u8>,
    events: Vec<String>,
}

impl Halves {
    #[track_caller]
    fn of(end: End) -> Self {
        let (sender, receiver) = end.connection.split().unwrap();
        Self {
            sender,
            receiver,
            incoming: end.incoming,
            outgoing: end.outgoing,
            received: end.received,
            events: end.events,
        }
    }

    /// Receives `bytes` and everything that waits. The sender stands still.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.incoming.extend_from_slice(bytes);
        loop {
            let received = self.receiver.receive(&mut self.incoming)?;
            let consumed = received.consumed;
            let event = format!("{:?}", received.event);
            let done = matches!(received.event, Event::NeedData | Event::PeerClosed);
            if let Event::ApplicationData(data) = received.event {
                self.received.extend_from_slice(data);
            }
            self.incoming.drain(..consumed);
            if event != "NeedData" {
                self.events.push(event);
            }
            if done {
                return Ok(());
            }
        }
    }

    /// Receives, and has the sender reply if it is due.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let result = self.receive(bytes);
        if self.receiver.sender_is_due() {
            self.sender.reply(&mut self.outgoing);
        }
        assert!(!self.receiver.sender_is_due());
        result
    }

    fn send(&mut self, data: &[u8]) -> Result<(), Error> {
        self.sender.send(data, &mut self.outgoing)
    }

    fn close(&mut self) {
        self.sender.close(&mut self.outgoing);
    }

    #[track_caller]
    fn reunited(mut self) -> End {
        let connection =
            Connection::reunite(self.sender, self.receiver, &mut self.outgoing).unwrap();
        End {
            connection,
            incoming: self.incoming,
            outgoing: self.outgoing,
            received: self.received,
            events: self.events,
        }
    }
}

fn bytes_of(end: &mut Vec<u8>) -> Vec<u8> {
    std::mem::take(end)
}

/// The end that receives what `sender` sends.
fn receiving(pair: Pair, sender: Sender) -> (End, End) {
    match sender {
        Sender::Client => (pair.server, pair.client),
        Sender::Server => (pair.client, pair.server),
    }
}

const SENDERS: [Sender; 2] = [Sender::Client, Sender::Server];

#[test]
fn halves_can_go_to_other_threads() {
    fn is_send<T: Send + Sync + 'static>() {}
    is_send::<SendHalf>();
    is_send::<ReceiveHalf>();
    is_send::<SplitError<Connection>>();
}

#[test]
fn data_goes_both_ways_with_every_suite() {
    for suite in all_suites() {
        for order in [EncryptThenMac::Off, EncryptThenMac::Optional] {
            let client = client_builder().suites(&[suite]).encrypt_then_mac(order);
            let pair = pair(client, server_builder().suites(&[suite])).established();
            assert_exchange(pair, Chunks::Random(1));
        }
    }
    for chunks in ALL_CHUNKS {
        assert_exchange(
            pair(client_builder(), server_builder()).established(),
            chunks,
        );
    }
}

/// Both ends are split, send, close, and are whole again.
#[track_caller]
fn assert_exchange(pair: Pair, chunks: Chunks) {
    let (mut client, mut server) = (Halves::of(pair.client), Halves::of(pair.server));
    let (question, answer) = (vec![1; 20_000], vec![2; 40_000]);
    client.send(&question).unwrap();
    server.send(&answer).unwrap();
    deliver(&mut client.outgoing, &mut server, chunks).unwrap();
    deliver(&mut server.outgoing, &mut client, chunks).unwrap();
    assert_eq!(server.received, question);
    assert_eq!(client.received, answer);
    let binding = ChannelBinding::TlsServerEndPoint;
    assert_eq!(
        client.receiver.channel_binding(binding).unwrap(),
        server.receiver.channel_binding(binding).unwrap()
    );

    client.close();
    deliver(&mut client.outgoing, &mut server, chunks).unwrap();
    server.send(b"last").unwrap();
    server.close();
    deliver(&mut server.outgoing, &mut client, chunks).unwrap();
    assert!(client.received.ends_with(b"last"));
    for mut half in [client, server] {
        assert_eq!(half.events.last().unwrap(), "PeerClosed");
        assert_eq!(half.receiver.receive_eof(), Ok(()));
        assert_eq!(half.send(b"late"), Err(Misuse::Closed.into()));
        let mut whole = half.reunited();
        assert!(whole.outgoing.is_empty());
        whole.close();
        assert!(whole.outgoing.is_empty());
        assert_eq!(whole.connection.receive_eof(), Ok(()));
    }
}

fn deliver(from: &mut Vec<u8>, to: &mut Halves, chunks: Chunks) -> Result<(), Error> {
    let bytes = bytes_of(from);
    let mut rng = rng(match chunks {
        Chunks::Random(seed) => seed,
        Chunks::Whole | Chunks::OneByte => 0,
    });
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let length = match chunks {
            Chunks::Whole => rest.len(),
            Chunks::OneByte => 1,
            Chunks::Random(_) => 1 + rng.next_u32() as usize % rest.len().min(300),
        };
        let (piece, after) = rest.split_at(length);
        to.take(piece)?;
        rest = after;
    }
    Ok(())
}

/// What a peer may send, each once or as often as it takes to fail.
fn strange_records(sender: Sender) -> Vec<Vec<(u8, Vec<u8>)>> {
    let request = match sender {
        Sender::Client => hello().client_body(),
        Sender::Server => Vec::new(),
    };
    let typ = match sender {
        Sender::Client => CLIENT_HELLO,
        Sender::Server => HELLO_REQUEST,
    };
    let request = (HANDSHAKE, message(typ, &request));
    let data = (APPLICATION_DATA, b"data".to_vec());
    vec![
        vec![data.clone(); 3],
        vec![(APPLICATION_DATA, Vec::new()); 33],
        vec![(ALERT, vec![1, 90]); 5],
        vec![request.clone(); 5],
        vec![request.clone(), data.clone(), request.clone(), data.clone()],
        vec![request, (ALERT, vec![1, 0]), data.clone()],
        vec![(ALERT, vec![1, 0]), data.clone()],
        vec![data, (ALERT, vec![2, 40])],
        vec![(ALERT, vec![2, 0])],
        vec![(ALERT, vec![3, 0])],
        vec![(ALERT, vec![1])],
        vec![(ALERT, Vec::new())],
        vec![(CHANGE_CIPHER_SPEC, vec![1])],
        vec![(CHANGE_CIPHER_SPEC, vec![2])],
        vec![(CHANGE_CIPHER_SPEC, vec![1, 1])],
        vec![(HANDSHAKE, message(FINISHED, &[0; 12]))],
        vec![(HANDSHAKE, vec![typ, 0]), (ALERT, vec![1, 0])],
        vec![(HANDSHAKE, vec![typ, 0]), (CHANGE_CIPHER_SPEC, vec![1])],
        vec![(HANDSHAKE, vec![typ, 0xff, 0xff, 0xff])],
        vec![(HANDSHAKE, message(typ, &[0; 3]))],
        vec![(24, vec![1])],
    ]
}

/// These records under the keys of a connection.
fn sealed(forger: &Forger, sender: Sender, records: &[(u8, Vec<u8>)], from: u64) -> Vec<Vec<u8>> {
    let sequence = from..;
    let seal = |(sequence, (typ, content)): (u64, &(u8, Vec<u8>))| {
        forger.seal(sender, sequence, *typ, content)
    };
    sequence.zip(records).map(seal).collect()
}

#[test]
fn every_error_reaches_the_peer_as_its_alert() {
    let mut alerts = std::collections::BTreeSet::new();
    for sender in SENDERS {
        for records in strange_records(sender) {
            let (pair, forger) = established();
            let (end, mut peer) = receiving(pair, sender);
            let mut halves = Halves::of(end);
            let wire = sealed(&forger, sender, &records, 1).concat();
            let Err(error) = halves.take(&wire) else {
                continue;
            };
            // Nothing goes out after the alert, and the error stays in both.
            let last = halves.outgoing.len();
            for _ in 0..2 {
                assert_eq!(halves.take(b""), Err(error.clone()));
                assert_eq!(halves.send(b"data"), Err(error.clone()));
                assert_eq!(halves.receiver.receive_eof(), Err(error.clone()));
                halves.close();
                let binding = halves.receiver.channel_binding(ChannelBinding::TlsServerEndPoint);
                assert_eq!(binding, Err(error.clone()));
            }
            assert_eq!(halves.outgoing.len(), last);
            if let Some(alert) = error.alert() {
                assert_eq!(alert_received(peer.take(&halves.outgoing)), alert);
                alerts.insert(alert.0);
            }
            assert_eq!(halves.reunited().connection.receive_eof(), Err(error));
        }
    }
    // unexpected_message, decode_error, illegal_parameter.
    assert!(
        alerts.contains(&10) && alerts.contains(&50) && alerts.contains(&47),
        "{alerts:?}"
    );
}

/// A connection as a whole and in halves, step by step with the same bytes.
struct Twins {
    whole: End,
    halves: Halves,
}

impl Twins {
    #[track_caller]
    fn assert_equal(&self) {
        assert_eq!(self.whole.outgoing, self.halves.outgoing);
        assert_eq!(self.whole.incoming, self.halves.incoming);
        assert_eq!(self.whole.received, self.halves.received);
        assert_eq!(self.whole.events, self.halves.events);
    }

    #[track_caller]
    fn take(&mut self, bytes: &[u8]) {
        assert_eq!(self.whole.take(bytes), self.halves.take(bytes));
        self.assert_equal();
    }

    /// What the connection's own side does.
    #[track_caller]
    fn act(&mut self, choice: u32) {
        match choice % 16 {
            0 => {
                self.whole.close();
                self.halves.close();
            }
            1 => assert_eq!(
                self.whole.connection.receive_eof(),
                self.halves.receiver.receive_eof()
            ),
            length => {
                let data = vec![9; length as usize * 1500];
                let sent = self.whole.connection.send(&data, &mut self.whole.outgoing);
                assert_eq!(sent, self.halves.send(&data));
            }
        }
        self.assert_equal();
    }

    fn reunited(self) -> [End; 2] {
        [self.whole, self.halves.reunited()]
    }
}

#[test]
fn halves_do_what_a_whole_connection_does() {
    let settings: [fn() -> (ClientConfigBuilder, ServerConfigBuilder); 2] = [
        || (client_builder(), server_builder()),
        || {
            (
                client_builder().close_with_peer(),
                server_builder().close_with_peer(),
            )
        },
    ];
    let mut rng = rng(7);
    for sender in SENDERS {
        for records in strange_records(sender) {
            for setting in settings {
                let established = || {
                    let (client, server) = setting();
                    let stopped =
                        premaster_testing::forger::Stopped::before_client_flight(client, server);
                    stopped.establish()
                };
                let (whole, forger) = established();
                let (halves, _) = established();
                let mut twins = Twins {
                    whole: receiving(whole, sender).0,
                    halves: Halves::of(receiving(halves, sender).0),
                };
                let mut wires = sealed(&forger, sender, &records, 1);
                match rng.next_u32() % 4 {
                    0 => *wires.last_mut().unwrap().last_mut().unwrap() ^= 1,
                    1 => wires.push(record(APPLICATION_DATA, b"not sealed")),
                    _ => {}
                }
                for wire in &wires {
                    // A piece holds no more than one record, and so at most one request to refuse.
                    let mut rest = &wire[..];
                    while !rest.is_empty() {
                        let length = rest.len().min(1 + rng.next_u32() as usize % 80);
                        let (piece, after) = rest.split_at(length);
                        twins.take(piece);
                        rest = after;
                        if rng.next_u32().is_multiple_of(12) {
                            twins.act(rng.next_u32());
                        }
                    }
                }
                let [mut whole, mut halves] = twins.reunited();
                for end in [&mut whole, &mut halves] {
                    end.close();
                }
                assert_eq!(whole.outgoing, halves.outgoing);
                assert_eq!(whole.received, halves.received);
                assert_eq!(whole.events, halves.events);
                let ends = [whole, halves].map(|mut end| end.connection.receive_eof());
                assert_eq!(ends[0], ends[1]);
            }
        }
    }
}

/// What a busy sender has not picked up does not pile up.
#[test]
fn a_sender_finds_the_replies_at_its_next_call() {
    let (pair, forger) = established();
    let (mut server, mut client) = (pair.server, Halves::of(pair.client));
    for turn in 0..100 {
        let request = forger.seal(Sender::Server, 1 + 2 * turn, HANDSHAKE, &[0; 4]);
        let data = forger.seal(Sender::Server, 2 + 2 * turn, APPLICATION_DATA, b"x");
        client.receive(&[request, data].concat()).unwrap();
        assert!(client.receiver.sender_is_due());
    }
    client.send(b"data").unwrap();
    // One no_renegotiation, then the data.
    let records = premaster_testing::wire::records(&client.outgoing);
    assert_eq!(records.len(), 2);
    assert_eq!(forger.open(Sender::Client, 1, &records[0]), [1, 100]);
    server.take(&client.outgoing).unwrap();
    assert_eq!(server.received, b"data");

    // The answer to a close goes out before the refusal of data.
    let (pair, forger) = close_with_peer();
    let (mut server, mut client) = (pair.server, Halves::of(pair.client));
    client.receive(&forger.seal(Sender::Server, 1, ALERT, &[1, 0])).unwrap();
    assert_eq!(client.send(b"late"), Err(Misuse::Closed.into()));
    server.take(&client.outgoing).unwrap();
    assert_eq!(server.events.last().unwrap(), "PeerClosed");

    // So does the alert of a receiver that failed.
    let (pair, forger) = established();
    let (mut server, mut client) = (pair.server, Halves::of(pair.client));
    let error = client.receive(&forger.seal(Sender::Server, 1, 24, &[1])).unwrap_err();
    assert!(client.outgoing.is_empty());
    assert_eq!(client.send(b"late"), Err(error.clone()));
    assert_eq!(
        Some(alert_received(server.take(&client.outgoing))),
        error.alert()
    );
    assert!(server.received.is_empty());
}

fn close_with_peer() -> (Pair, Forger) {
    let client = client_builder().close_with_peer();
    premaster_testing::forger::Stopped::before_client_flight(client, server_builder()).establish()
}

/// After its close_notify a side says nothing more.
#[test]
fn a_closed_sender_drops_replies() {
    let (pair, forger) = established();
    let mut client = Halves::of(pair.client);
    client.close();
    let length = client.outgoing.len();
    let error = client.take(&forger.seal(Sender::Server, 1, 24, &[1])).unwrap_err();
    assert_eq!(client.send(b"late"), Err(error));
    assert_eq!(client.outgoing.len(), length);
}

#[test]
fn a_transport_that_ends_stops_the_sender() {
    let (pair, _) = established();
    let mut client = Halves::of(pair.client);
    assert_eq!(client.receiver.receive_eof(), Err(Error::Truncated));
    assert!(client.receiver.sender_is_due());
    assert_eq!(client.send(b"late"), Err(Error::Truncated));
    assert!(client.outgoing.is_empty());
}

/// The refusal, and the connection, which goes on.
#[track_caller]
fn refused(connection: Connection) -> (Error, Connection) {
    let SplitError { whole, error, .. } = connection.split().unwrap_err();
    (error, *whole)
}

#[test]
fn only_a_complete_connection_is_split() {
    let mut pair = pair(client_builder(), server_builder());
    for end in [&mut pair.client, &mut pair.server] {
        let fresh = std::mem::replace(&mut end.connection, connection());
        let (error, connection) = refused(fresh);
        assert_eq!(error, Misuse::HandshakeIncomplete.into());
        end.connection = connection;
    }
    let mut pair = pair.established();
    let broken = pair.client.take(&record(APPLICATION_DATA, &[0; 40])).unwrap_err();
    assert_eq!(broken, PeerError::BadRecord.into());
    let (error, mut failed) = refused(pair.client.connection);
    assert_eq!(error, broken);
    assert_eq!(failed.receive_eof(), Err(broken));
}

fn connection() -> Connection {
    Connection::server(Arc::new(server_builder().build().unwrap()))
}

#[test]
fn a_connection_that_may_renegotiate_stays_whole() {
    let client = client_builder().accept_renegotiation(Permission::SameCertificate);
    let mut server = ServerByHand::meet(client.suites(&[AES_128]), NAME);
    server.say(&flight(&server_hello(AES_128, &[]), &[])).unwrap();
    let mut server = server.complete_to_renegotiate();
    let whole = std::mem::replace(&mut server.client.connection, connection());
    let (error, whole) = refused(whole);
    assert_eq!(error, Misuse::MayRenegotiate.into());
    assert_eq!(
        SplitError::to_string(&whole.split().unwrap_err()),
        "the connection cannot be split: the connection may renegotiate, so it cannot be split"
    );
}

#[test]
fn halves_of_different_connections_do_not_fit() {
    let pair = pair(client_builder(), server_builder()).established();
    let (client, mut server) = (Halves::of(pair.client), Halves::of(pair.server));
    let mut outgoing = Vec::new();
    let error = Connection::reunite(client.sender, server.receiver, &mut outgoing).unwrap_err();
    server.receiver = *error.receiver;
    let mut server = server.reunited();
    let mut client = Connection::reunite(*error.sender, client.receiver, &mut outgoing).unwrap();
    client.send(b"data", &mut outgoing).unwrap();
    server.take(&outgoing).unwrap();
    assert_eq!(server.received, b"data");
}

/// The keys, sequence numbers and an unfinished message survive any number of splits.
#[test]
fn a_connection_is_split_again_and_again() {
    let (pair, forger) = established();
    let (mut client, mut server) = (pair.client, pair.server);
    for turn in 0..5 {
        let mut halves = Halves::of(client);
        halves.send(b"one").unwrap();
        server.take(&bytes_of(&mut halves.outgoing)).unwrap();
        // A HelloRequest in four records.
        halves.take(&forger.seal(Sender::Server, 1 + turn, HANDSHAKE, &[0])).unwrap();
        client = halves.reunited();
        client.send(b"two");
        server.take(&bytes_of(&mut client.outgoing)).unwrap();
    }
    assert_eq!(server.received, b"onetwo".repeat(5));
}

/// The rule for sessions of a failed connection is the one for a whole connection.
#[test]
fn a_failure_of_the_receiver_invalidates_the_session() {
    for (wire, resumed) in [(Some(record(24, &[1])), false), (None, true)] {
        let client = Arc::new(client_builder().build().unwrap());
        let server = Arc::new(server_builder().build().unwrap());
        let meet = || Pair::new(client.clone(), server.clone(), name()).established();
        let mut halves = Halves::of(meet().client);
        match wire {
            Some(wire) => drop(halves.take(&wire).unwrap_err()),
            None => drop(halves.receiver.receive_eof().unwrap_err()),
        }
        let session = meet().client.connection.session().unwrap().resumption().is_resumed();
        assert_eq!(session, resumed);
    }
}

#[test]
fn halves_allocate_nothing_for_a_record() {
    for suite in all_suites() {
        let client = client_builder().suites(&[suite]);
        let pair = pair(client, server_builder().suites(&[suite])).established();
        let (mut client, mut server) = (Halves::of(pair.client), Halves::of(pair.server));
        let data = vec![7; 40_000];
        let mut wire = Vec::new();
        client.sender.send(&data, &mut wire).unwrap();
        let mut turn = || {
            let mut start = 0;
            while start < wire.len() {
                start += server.receiver.receive(&mut wire[start..]).unwrap().consumed;
            }
            wire.clear();
            client.sender.send(&data, &mut wire).unwrap();
        };
        turn();
        assert_eq!(
            cost(|| (0..3).for_each(|_| turn())).allocations,
            0,
            "{suite}"
        );
    }
}

const MEGABYTES: usize = 2 << 20;

/// One end on two threads: one sends, the other one receives, until both directions are closed.
fn full_duplex(
    end: End,
    to_peer: mpsc::SyncSender<Vec<u8>>,
    from_peer: mpsc::Receiver<Vec<u8>>,
    fill: u8,
) -> (End, usize) {
    let Halves {
        mut sender,
        mut receiver,
        ..
    } = Halves::of(end);
    let sending = std::thread::spawn(move || {
        for _ in 0..MEGABYTES / 50_000 {
            let mut out = Vec::new();
            sender.send(&vec![fill; 50_000], &mut out).unwrap();
            to_peer.send(out).unwrap();
        }
        let mut out = Vec::new();
        sender.close(&mut out);
        to_peer.send(out).unwrap();
        sender
    });
    let mut bytes = 0;
    let mut closed = false;
    for mut wire in from_peer {
        let mut start = 0;
        while start < wire.len() {
            let received = receiver.receive(&mut wire[start..]).unwrap();
            start += received.consumed;
            match received.event {
                Event::ApplicationData(data) => {
                    assert!(data.iter().all(|byte| *byte == !fill));
                    bytes += data.len();
                }
                Event::PeerClosed => closed = true,
                Event::NeedData => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(closed);
    let mut outgoing = Vec::new();
    let sender = sending.join().unwrap();
    let connection = Connection::reunite(sender, receiver, &mut outgoing).unwrap();
    (End::new(connection, outgoing), bytes)
}

#[test]
fn both_directions_run_at_once_on_threads_of_their_own() {
    let pair = pair(client_builder(), server_builder()).established();
    let (to_server, from_client) = mpsc::sync_channel(2);
    let (to_client, from_server) = mpsc::sync_channel(2);
    let client = pair.client;
    let client = std::thread::spawn(move || full_duplex(client, to_server, from_server, 0x55));
    let (server, to_server) = full_duplex(pair.server, to_client, from_client, 0xaa);
    let (client, to_client) = client.join().unwrap();
    let sent = MEGABYTES / 50_000 * 50_000;
    assert_eq!((to_server, to_client), (sent, sent));
    for mut end in [client, server] {
        assert!(end.outgoing.is_empty());
        assert_eq!(end.connection.receive_eof(), Ok(()));
    }
}
