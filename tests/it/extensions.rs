//! What the hellos negotiate beside suite and version: agreed on both sides, kept to on the wire,
//! and told to the caller.

use premaster::certificate::Verified;
use premaster::error::{DecodeError, Incompatible, PeerError};
use premaster::protocol::{
    AlertDescription, ExtendedMasterSecret, HandshakeType, MaxFragmentLength, Preference,
};
use premaster::session::{NotResumed, Resumption};
use premaster::{
    CertifiedKey, ClientAuth, ClientConfig, ClientConfigBuilder, Error, MemoryStore, ServerConfig,
    ServerConfigBuilder, SessionInfo, SessionStore, Tickets,
};
use premaster_testing::by_hand::{ClientByHand, ServerByHand};
use premaster_testing::forger::{Forger, LastKey, Sender, Stopped};
use premaster_testing::pair::{Chunks, End, Pair};
use premaster_testing::pki::{self, Spec};
use premaster_testing::wire::{
    ALERT, APPLICATION_DATA, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY,
    CHANGE_CIPHER_SPEC, CLIENT_KEY_EXCHANGE, HANDSHAKE, Hello, SERVER_HELLO, SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE, certificate_body, extensions, handshake, hello_with, message,
    message_type, messages, record, records, said, split_vector, vector,
};
use premaster_testing::{
    AES_128, NAME, certified, client_builder, client_certified, name, now, pair, rng, roots,
    server_builder, server_builder_with,
};
use rsa::Pkcs1v15Encrypt;
use std::sync::Arc;
use std::time::Duration;

const MAX_FRAGMENT_LENGTH: u16 = 1;
const STATUS_REQUEST: u16 = 5;
const ALPN: u16 = 16;
const RECORD_SIZE_LIMIT: u16 = 28;
const RENEGOTIATION_INFO: (u16, &[u8]) = (0xff01, &[0]);

const CERTIFICATE_STATUS: u8 = 22;

/// The most plaintext in a record where nothing else is agreed.
const MAX_PLAINTEXT: usize = 1 << 14;

/// What an established pair's two sides tell, the client's first.
fn sessions(pair: &Pair) -> [&SessionInfo; 2] {
    [&pair.client, &pair.server].map(|end| end.connection.session().unwrap())
}

/// An established pair, of configurations that may have been used before.
fn connect(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Pair {
    Pair::new(client.clone(), server.clone(), name()).established()
}

fn client(builder: ClientConfigBuilder) -> Arc<ClientConfig> {
    Arc::new(builder.build().unwrap())
}

fn server(builder: ServerConfigBuilder) -> Arc<ServerConfig> {
    Arc::new(builder.build().unwrap())
}

fn store() -> Arc<dyn SessionStore> {
    Arc::new(MemoryStore::new(8))
}

/// Each side's records of a handshake.
struct Traffic {
    client: Vec<Vec<u8>>,
    server: Vec<Vec<u8>>,
}

impl Traffic {
    /// Runs a pair to the end of its handshake.
    #[track_caller]
    fn of(pair: &mut Pair) -> Self {
        let mut traffic = Self {
            client: Vec::new(),
            server: Vec::new(),
        };
        for _ in 0..2 {
            let to_server = said(&mut pair.client);
            pair.server.take(&to_server.concat()).unwrap();
            traffic.client.extend(to_server);
            let to_client = said(&mut pair.server);
            pair.client.take(&to_client.concat()).unwrap();
            traffic.server.extend(to_client);
        }
        for end in [&pair.client, &pair.server] {
            assert!(end.connection.session().is_some());
        }
        traffic
    }
}

/// How long the plaintexts of a side's records are: those in clear, and the protected ones.
fn plaintexts(records: &[Vec<u8>]) -> (Vec<usize>, Vec<usize>) {
    let change = records.iter().position(|record| record[0] == CHANGE_CIPHER_SPEC);
    let (clear, protected) = records.split_at(change.unwrap() + 1);
    let clear = clear.iter().map(|record| record.len() - 5).collect();
    (clear, protected_lengths(&protected.concat()))
}

/// How long the plaintexts of protected records are.
fn protected_lengths(stream: &[u8]) -> Vec<usize> {
    let records = records(stream);
    records.iter().map(|record| record.len() - 5 - 8 - 16).collect()
}

/// The types of a flight's handshake messages, one a record.
fn message_types(flight: &[Vec<u8>]) -> Vec<u8> {
    let clear = flight.iter().take_while(|record| record[0] == HANDSHAKE);
    clear.map(|record| message_type(record)).collect()
}

fn has(hello: &[u8], typ: u16) -> bool {
    let extensions = extensions(hello).unwrap_or_default();
    extensions.iter().any(|(found, _)| *found == typ)
}

/// The server's certificate or the client's, with more names than a record holds.
fn long(spec: Spec) -> Spec {
    let names = (0..800).map(|i| &*format!("host-{i}.plant.example").leak());
    let dns = spec.dns.iter().copied().chain(names).collect();
    Spec { dns, ..spec }
}

fn long_server() -> Arc<CertifiedKey> {
    let key = pki::key("rsa-2048");
    long(pki::server(&key)).certified(&key)
}

fn long_client() -> Arc<CertifiedKey> {
    let key = pki::key("rsa-2048-client");
    long(pki::client(&key)).certified(&key)
}

/// The pre-master secret in a record with the ClientKeyExchange.
#[track_caller]
fn pre_master_secret(key_exchange: &[u8]) -> Vec<u8> {
    assert_eq!(message_type(key_exchange), CLIENT_KEY_EXCHANGE);
    let (ciphertext, _) = split_vector(2, &key_exchange[9..]);
    let key = pki::key("rsa-2048");
    key.decrypt(Pkcs1v15Encrypt, ciphertext).unwrap()
}

/// A client by hand that has come to the end of its handshake with one of our servers.
#[track_caller]
fn complete(hello: &Hello, server: ServerConfigBuilder) -> ClientByHand {
    let mut client = ClientByHand::new(server, hello);
    let secret = [&[3, 3][..], &[0x5a; 46]].concat();
    let key = pki::key("rsa-2048").to_public_key();
    let ciphertext = key.encrypt(&mut rng(9), Pkcs1v15Encrypt, &secret).unwrap();
    client.send_key_exchange(&ciphertext).unwrap();
    client.send_change_cipher_spec().unwrap();
    client.send_finished(&client.forger(&secret)).unwrap();
    assert!(client.server.connection.session().is_some());
    client.server.outgoing.clear();
    client
}

fn meet(client: ClientConfigBuilder) -> ServerByHand {
    ServerByHand::meet(client, NAME)
}

/// The keys of the pre-master secret that the client has sent, whatever its key log says.
fn decrypted(records: &[Vec<u8>]) -> Forger {
    let key_exchange = records.iter().find(|record| message_type(record) == CLIENT_KEY_EXCHANGE);
    let secret = pre_master_secret(key_exchange.unwrap());
    Forger::from_pre_master_secret(&secret, &records[0], &records[1])
}

/// A server's hello by hand with these extensions, and those that every client of ours requires.
fn server_hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
    hello_with(&[&[RENEGOTIATION_INFO], extensions].concat()).server()
}

fn certificate() -> Vec<u8> {
    let certified = certified(2048);
    handshake(CERTIFICATE, &certificate_body(&[&certified.chain()[0]]))
}

fn certificate_request() -> Vec<u8> {
    handshake(CERTIFICATE_REQUEST, &[1, 1, 0, 2, 4, 1, 0, 0])
}

fn server_hello_done() -> Vec<u8> {
    handshake(SERVER_HELLO_DONE, &[])
}

/// What two sides' settings come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agreement {
    Used,
    Unused,
    ClientFails,
    ServerFails,
}

#[test]
fn the_extended_master_secret_is_used_where_both_allow_it_and_missed_where_one_insists() {
    use Agreement::{ClientFails, ServerFails, Unused, Used};
    use ExtendedMasterSecret::{Off, Optional, Required};
    for (client, server, expected) in [
        (Off, Off, Unused),
        (Off, Optional, Unused),
        (Off, Required, ServerFails),
        (Optional, Off, Unused),
        (Optional, Optional, Used),
        (Optional, Required, Used),
        (Required, Off, ClientFails),
        (Required, Optional, Used),
        (Required, Required, Used),
    ] {
        let mut pair = pair(
            client_builder().extended_master_secret(client),
            server_builder().extended_master_secret(server),
        );
        let error = match pair.run(Chunks::Whole) {
            Ok(()) => {
                let used = sessions(&pair).map(SessionInfo::extended_master_secret);
                assert_eq!(used, [expected == Used; 2], "{client:?}, {server:?}");
                continue;
            }
            Err(error) => error,
        };
        let missed = Error::from(Incompatible::NoExtendedMasterSecret);
        assert_eq!(error, missed, "{client:?}, {server:?}");
        assert_eq!(error.setting(), Some("extended_master_secret"));
        let failed = match expected {
            ClientFails => &mut pair.client,
            ServerFails => &mut pair.server,
            Used | Unused => panic!("{client:?}, {server:?}"),
        };
        let told = said(failed).concat();
        assert_eq!(told[0], ALERT);
        assert_eq!(told[5..], [2, error.alert().unwrap().0]);
    }
}

/// Neither the proof of the client's certificate belongs to it, nor does it matter where the
/// pre-master secret is decrypted.
#[test]
fn the_extended_master_secret_is_bound_to_all_up_to_client_key_exchange() {
    use ExtendedMasterSecret::{Off, Required};
    for case in 0..8 {
        let [extended, certificate, offload] = [1, 2, 4].map(|bit| case & bit != 0);
        let logs = [(); 2].map(|()| Arc::new(LastKey::default()));
        let mut client = client_builder()
            .suites(&[AES_128])
            .extended_master_secret(if extended { Required } else { Off })
            .key_log(logs[0].clone());
        let mut server = server_builder().key_log(logs[1].clone());
        if certificate {
            client = client.certificate(client_certified());
            server = server.client_auth(ClientAuth::Require(roots().into()));
        }
        if offload {
            server = server.offload_decryption();
        }

        let mut pair = pair(client, server);
        let hello = said(&mut pair.client);
        pair.server.take(&hello.concat()).unwrap();
        let flight = said(&mut pair.server);
        pair.client.take(&flight.concat()).unwrap();
        let answer = said(&mut pair.client);
        pair.server.take(&answer.concat()).unwrap();
        if offload {
            decrypt_elsewhere(&mut pair.server);
        }
        let pair = pair.established();
        let used = sessions(&pair).map(SessionInfo::extended_master_secret);
        assert_eq!(used, [extended; 2]);

        let own: &[u8] = if certificate {
            &[CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY]
        } else {
            &[CLIENT_KEY_EXCHANGE]
        };
        assert_eq!(message_types(&answer), own);
        let exchange = usize::from(certificate);
        let secret = pre_master_secret(&answer[exchange]);
        let up_to_exchange = [&hello, &flight, &answer[..=exchange]].concat();
        let expected = if extended {
            Forger::from_extended_master_secret(
                &secret,
                &messages(&up_to_exchange),
                &hello[0],
                &flight[0],
            )
        } else {
            Forger::from_pre_master_secret(&secret, &hello[0], &flight[0])
        };
        for log in logs {
            let logged = Forger::new(&log, &flight[0]).master_secret;
            assert_eq!(logged, expected.master_secret, "case {case}");
        }
    }
}

/// Answers a server's question for the pre-master secret.
fn decrypt_elsewhere(server: &mut End) {
    let answer = server.job().decrypt_with_rng(certified(2048).key().unwrap(), rng(5));
    server.resume(answer).unwrap();
}

#[test]
fn the_application_protocol_is_the_first_in_the_order_that_decides() {
    let (one, two, other) = (&b"ocpp1.6"[..], &b"ocpp2.0.1"[..], &b"http/1.1"[..]);
    for (preference, offered, accepted, agreed) in [
        (
            Preference::Server,
            &[one, two][..],
            &[two, one][..],
            Some(two),
        ),
        (Preference::Server, &[two, one], &[one, two], Some(one)),
        (Preference::Client, &[one, two], &[two, one], Some(one)),
        (Preference::Client, &[two, one], &[one, two], Some(two)),
        // What the other side does not know is passed over.
        (Preference::Server, &[one], &[two, other, one], Some(one)),
        (Preference::Client, &[two, other, one], &[one], Some(one)),
        // A side that names none does without.
        (Preference::Server, &[], &[one], None),
        (Preference::Server, &[one], &[], None),
        (Preference::Client, &[], &[], None),
    ] {
        let mut pair = pair(
            client_builder().alpn_protocols(offered),
            server_builder().alpn_protocols(accepted).alpn_preference(preference),
        );
        let traffic = Traffic::of(&mut pair);
        assert_eq!(has(&traffic.client[0], ALPN), !offered.is_empty());
        assert_eq!(has(&traffic.server[0], ALPN), agreed.is_some());
        for session in sessions(&pair) {
            assert_eq!(
                session.alpn_protocol(),
                agreed,
                "{preference:?} {offered:?}"
            );
        }
    }
}

#[test]
fn protocols_without_one_in_common_are_told() {
    let mut pair = pair(
        client_builder().alpn_protocols(&[b"ocpp1.6", b"ocpp2.0.1"]),
        server_builder().alpn_protocols(&[b"http/1.1"]),
    );
    let error = pair.run(Chunks::Whole).unwrap_err();
    let Error::Incompatible(Incompatible::NoCommonProtocol {
        offered,
        acceptable,
    }) = &error
    else {
        panic!("{error}");
    };
    assert_eq!((offered.total(), acceptable.total()), (2, 1));
    let text = error.to_string();
    assert!(
        text.contains("ocpp1.6, ocpp2.0.1") && text.contains("http/1.1"),
        "{text}"
    );
    assert_eq!(error.setting(), Some("ServerConfigBuilder::alpn_protocols"));
    assert_eq!(said(&mut pair.server), [record(ALERT, &[2, 120])]);
}

/// "Servers MUST correctly ignore unknown values in a ClientHello".
#[test]
fn application_protocols_that_nobody_knows_are_passed_over() {
    let names: Vec<u8> = [&[0x0a, 0x0a][..], b"\xff", b"ocpp2.0.1", &[0xfa, 0xfa]]
        .iter()
        .flat_map(|name| vector(1, name))
        .collect();
    let hello = hello_with(&[(ALPN, &vector(2, &names))]);
    for preference in [Preference::Server, Preference::Client] {
        let builder = server_builder()
            .alpn_protocols(&[b"http/1.1", b"ocpp2.0.1"])
            .alpn_preference(preference);
        let ClientByHand { server, flight, .. } = complete(&hello, builder);
        let chosen = vector(2, &vector(1, b"ocpp2.0.1"));
        assert_eq!(extensions(&flight[0]), Some(vec![(ALPN, chosen)]));
        let session = server.connection.session().unwrap();
        assert_eq!(session.alpn_protocol(), Some(&b"ocpp2.0.1"[..]));
    }
}

/// "only the values in the new handshake messages are considered."
#[test]
fn a_resumed_session_agrees_on_a_protocol_of_its_own() {
    let (kept, served) = (store(), store());
    let client = |names: &[&[u8]]| {
        let builder = client_builder().alpn_protocols(names);
        self::client(builder.session_store(Some(kept.clone())))
    };
    let server = |names: &[&[u8]]| {
        let builder = server_builder().alpn_protocols(names);
        self::server(builder.session_store(Some(served.clone())))
    };
    let both = server(&[b"ocpp1.6", b"ocpp2.0.1"]);
    for (resumed, names, agreed) in [
        (false, &[&b"ocpp1.6"[..]][..], Some(&b"ocpp1.6"[..])),
        (true, &[b"ocpp2.0.1"], Some(b"ocpp2.0.1")),
        (true, &[], None),
        (true, &[b"ocpp1.6"], Some(b"ocpp1.6")),
    ] {
        let pair = connect(&client(names), &both);
        for session in sessions(&pair) {
            assert_eq!(session.resumption().is_resumed(), resumed);
            assert_eq!(session.alpn_protocol(), agreed);
        }
    }
    let mut refused = Pair::new(client(&[b"ocpp1.6"]), server(&[b"http/1.1"]), name());
    let error = refused.run(Chunks::Whole).unwrap_err();
    assert_eq!(
        error.alert(),
        Some(AlertDescription::NO_APPLICATION_PROTOCOL)
    );
}

const LENGTHS: [(MaxFragmentLength, usize); 4] = [
    (MaxFragmentLength::L512, 512),
    (MaxFragmentLength::L1024, 1024),
    (MaxFragmentLength::L2048, 2048),
    (MaxFragmentLength::L4096, 4096),
];

#[test]
fn no_record_is_longer_than_the_fragment_length() {
    for (length, bytes) in LENGTHS {
        let mut pair = pair(
            client_builder().max_fragment_length(length).certificate(long_client()),
            server_builder_with(long_server()).client_auth(ClientAuth::Require(roots().into())),
        );
        let Traffic { client, server } = Traffic::of(&mut pair);
        assert_eq!(
            extensions(&server[0]).unwrap()[1],
            (MAX_FRAGMENT_LENGTH, vec![length.0])
        );
        for records in [client, server] {
            let (clear, protected) = plaintexts(&records);
            assert_eq!(clear.iter().max(), Some(&bytes));
            assert!(clear.iter().filter(|length| **length == bytes).count() > 2);
            // Finished.
            assert_eq!(protected, [16]);
        }
        for session in sessions(&pair) {
            assert_eq!(session.max_plaintext_sent(), bytes);
            assert_eq!(session.max_plaintext_received(), bytes);
        }

        let data = vec![7; 2 * bytes + 1];
        for end in [&mut pair.client, &mut pair.server] {
            end.send(&data);
            let lengths = protected_lengths(&end.outgoing);
            assert_eq!(lengths, [bytes, bytes, 1]);
        }
        pair.run(Chunks::Random(1)).unwrap();
        assert_eq!(
            (&pair.client.received, &pair.server.received),
            (&data, &data)
        );
    }
}

#[test]
fn without_an_agreement_records_are_as_long_as_the_protocol_allows() {
    let pair = pair(client_builder(), server_builder()).established();
    for session in sessions(&pair) {
        assert_eq!(session.max_plaintext_sent(), MAX_PLAINTEXT);
        assert_eq!(session.max_plaintext_received(), MAX_PLAINTEXT);
    }
    // A server that does not answer has not agreed.
    let asks = client_builder().max_fragment_length(MaxFragmentLength::L512);
    let mut silent = meet(asks);
    let chain = message(CERTIFICATE, &certificate_body(&[&long_server().chain()[0]]));
    let chain = chain.chunks(MAX_PLAINTEXT).map(|part| record(HANDSHAKE, part));
    let mut flight = vec![server_hello(&[])];
    flight.extend(chain);
    flight.push(server_hello_done());
    assert_eq!(flight.len(), 4);
    silent.say(&flight).unwrap();
    let (client, _) = silent.complete_with(decrypted);
    let session = client.connection.session().unwrap();
    assert_eq!(session.max_plaintext_sent(), MAX_PLAINTEXT);
    assert_eq!(session.max_plaintext_received(), MAX_PLAINTEXT);
}

/// The header of a record that holds this much plaintext, of which nothing has come.
fn header(typ: u8, length: usize) -> Vec<u8> {
    let [.., high, low] = length.to_be_bytes();
    vec![typ, 3, 3, high, low]
}

#[test]
fn a_record_longer_than_the_fragment_length_is_refused_by_its_header() {
    for (length, bytes) in LENGTHS {
        let stopped = || {
            let client = client_builder().max_fragment_length(length);
            Stopped::before_client_flight(client, server_builder())
        };
        // In clear, from the hellos on.
        for (excess, refused) in [(0, false), (1, true)] {
            let part = header(HANDSHAKE, bytes + excess);
            let mut pair = stopped().pair;
            assert_eq!(pair.server.take(&part).is_err(), refused);
            let asks = client_builder().max_fragment_length(length);
            let mut by_hand = meet(asks);
            let answer = server_hello(&[(MAX_FRAGMENT_LENGTH, &[length.0])]);
            by_hand.say(&[answer]).unwrap();
            assert_eq!(by_hand.client.take(&part).is_err(), refused);
        }
        // Protected.
        for sender in [Sender::Client, Sender::Server] {
            let (mut pair, forger) = stopped().establish();
            let Pair { client, server } = &mut pair;
            let (end, peer) = match sender {
                Sender::Client => (server, client),
                Sender::Server => (client, server),
            };
            assert_keeps_to(bytes, sender, end, &forger);
            let description = AlertDescription::RECORD_OVERFLOW;
            let told = said(end).concat();
            assert_eq!(
                premaster_testing::alert_received(peer.take(&told)),
                description
            );
        }
    }
}

/// `end` takes a record of `bytes` bytes from its peer, and refuses a longer one by its header.
#[track_caller]
fn assert_keeps_to(bytes: usize, sender: Sender, end: &mut End, forger: &Forger) {
    let longest = forger.seal(sender, 1, APPLICATION_DATA, &vec![7; bytes]);
    end.take(&longest).unwrap();
    assert_eq!(end.received.len(), bytes);
    let longer = header(APPLICATION_DATA, 8 + bytes + 1 + 16);
    assert_eq!(end.take(&longer), Err(PeerError::RecordTooLong.into()));
}

/// A fragment length is the session's, so a resumed one has it as well.
#[test]
fn a_resumed_session_keeps_its_fragment_length() {
    let asks = client_builder().max_fragment_length(MaxFragmentLength::L512);
    let (client, server) = (client(asks), server(server_builder()));
    for resumed in [false, true] {
        let mut pair = Pair::new(client.clone(), server.clone(), name());
        let Traffic { server, .. } = Traffic::of(&mut pair);
        assert!(has(&server[0], MAX_FRAGMENT_LENGTH));
        for session in sessions(&pair) {
            assert_eq!(session.resumption().is_resumed(), resumed);
            assert_eq!(session.max_plaintext_sent(), 512);
            assert_eq!(session.max_plaintext_received(), 512);
        }
    }
}

#[test]
fn each_direction_has_the_record_size_limit_of_its_receiver() {
    for (own, servers) in [(64, 1000), (1000, 64), (1 << 14, 600), (600, 1 << 14)] {
        let limit = usize::from;
        let mut pair = pair(
            client_builder().record_size_limit(own).certificate(long_client()),
            server_builder_with(long_server())
                .record_size_limit(servers)
                .client_auth(ClientAuth::Require(roots().into())),
        );
        let Traffic { client, server } = Traffic::of(&mut pair);
        let answer = (RECORD_SIZE_LIMIT, servers.to_be_bytes().to_vec());
        assert_eq!(extensions(&server[0]).unwrap()[1], answer);
        // "Unprotected messages are not subject to this limit", but may keep to it all the same,
        // once the hello has told it.
        for (records, limit) in [(client, limit(servers)), (server, limit(own))] {
            let (clear, _) = plaintexts(&records);
            assert_eq!(clear[1..].iter().max(), Some(&limit));
        }
        let [client, server] = sessions(&pair);
        assert_eq!(client.max_plaintext_sent(), limit(servers));
        assert_eq!(client.max_plaintext_received(), limit(own));
        assert_eq!(server.max_plaintext_sent(), limit(own));
        assert_eq!(server.max_plaintext_received(), limit(servers));

        let data = vec![7; (1 << 14) + 1];
        let Pair { client, server } = &mut pair;
        for (end, limit) in [(client, limit(servers)), (server, limit(own))] {
            end.send(&data);
            let lengths = protected_lengths(&end.outgoing);
            assert_eq!(lengths.len(), data.len().div_ceil(limit));
            assert_eq!(lengths.iter().max(), Some(&limit));
        }
        pair.run(Chunks::Whole).unwrap();
        assert_eq!(
            (&pair.client.received, &pair.server.received),
            (&data, &data)
        );
    }
}

#[test]
fn a_record_longer_than_the_record_size_limit_is_refused_by_its_header() {
    for sender in [Sender::Client, Sender::Server] {
        let stopped = Stopped::before_client_flight(
            client_builder().record_size_limit(100),
            server_builder().record_size_limit(200),
        );
        let (mut pair, forger) = stopped.establish();
        let (bytes, end) = match sender {
            Sender::Client => (200, &mut pair.server),
            Sender::Server => (100, &mut pair.client),
        };
        assert_keeps_to(bytes, sender, end, &forger);
    }
}

#[test]
fn a_record_size_limit_that_only_one_side_sends_limits_nobody_else() {
    // The client knows nothing of it.
    let server = server_builder().record_size_limit(100);
    let pair = pair(client_builder(), server).established();
    for session in sessions(&pair) {
        assert_eq!(session.max_plaintext_sent(), MAX_PLAINTEXT);
        assert_eq!(session.max_plaintext_received(), MAX_PLAINTEXT);
    }
    // A server states its limit whenever it is asked.
    let asks = client_builder().record_size_limit(100);
    let pair = premaster_testing::pair(asks, server_builder()).established();
    let [client, server] = sessions(&pair);
    assert_eq!(client.max_plaintext_sent(), MAX_PLAINTEXT);
    assert_eq!(server.max_plaintext_sent(), 100);
    // One that knows nothing of it may send whatever the protocol allows.
    let mut silent = meet(client_builder().record_size_limit(100));
    let flight = [server_hello(&[]), certificate(), server_hello_done()];
    silent.say(&flight).unwrap();
    let (mut client, forger) = silent.complete_with(decrypted);
    assert_keeps_to(MAX_PLAINTEXT, Sender::Server, &mut client, &forger);
}

#[test]
fn a_limit_above_the_protocols_is_taken_and_never_used_up() {
    let above = 0xffff_u16.to_be_bytes();
    let data = vec![7; MAX_PLAINTEXT + 1];
    let longest_first = |end: &mut End| {
        end.send(&data);
        assert_eq!(protected_lengths(&end.outgoing), [MAX_PLAINTEXT, 1]);
        let session = end.connection.session().unwrap();
        assert_eq!(session.max_plaintext_sent(), MAX_PLAINTEXT);
        assert_eq!(session.max_plaintext_received(), 300);
    };
    let hello = hello_with(&[(RECORD_SIZE_LIMIT, &above)]);
    let builder = server_builder().record_size_limit(300);
    longest_first(&mut complete(&hello, builder).server);

    let mut by_hand = meet(client_builder().record_size_limit(300));
    let hello = server_hello(&[(RECORD_SIZE_LIMIT, &above)]);
    by_hand.say(&[hello, certificate(), server_hello_done()]).unwrap();
    longest_first(&mut by_hand.complete_with(decrypted).0);
}

#[test]
fn the_record_size_limit_wins_over_the_fragment_length() {
    let mut pair = pair(
        client_builder().max_fragment_length(MaxFragmentLength::L512).record_size_limit(100),
        server_builder_with(long_server()).record_size_limit(200),
    );
    let Traffic { client, server } = Traffic::of(&mut pair);
    assert!(has(&client[0], MAX_FRAGMENT_LENGTH) && has(&client[0], RECORD_SIZE_LIMIT));
    assert!(!has(&server[0], MAX_FRAGMENT_LENGTH) && has(&server[0], RECORD_SIZE_LIMIT));
    let (clear, _) = plaintexts(&server);
    assert_eq!(clear[1..].iter().max(), Some(&100));
    let [client, server] = sessions(&pair);
    assert_eq!(client.max_plaintext_sent(), 200);
    assert_eq!(server.max_plaintext_sent(), 100);
}

/// "A server that supports the "record_size_limit" extension MUST ignore a "max_fragment_length"
/// that appears in a ClientHello if both extensions appear."
#[test]
fn beside_a_record_size_limit_no_fragment_length_is_looked_at() {
    for length in [1, 0, 5, 255] {
        let hello = hello_with(&[
            (MAX_FRAGMENT_LENGTH, &[length]),
            (RECORD_SIZE_LIMIT, &[0, 100]),
        ]);
        let ClientByHand { server, .. } = complete(&hello, server_builder());
        let session = server.connection.session().unwrap();
        assert_eq!(session.max_plaintext_sent(), 100);
        assert_eq!(session.max_plaintext_received(), MAX_PLAINTEXT);
    }
}

/// "During renegotiation or resumption, the record size limit is renegotiated."
#[test]
fn a_resumed_session_has_record_size_limits_of_its_own() {
    let (kept, served) = (store(), store());
    for (resumed, own, servers) in [
        (false, Some(100), 1000),
        (true, Some(200), 1000),
        (true, Some(200), 64),
        (true, None, 64),
        (true, Some(64), 1 << 14),
    ] {
        let mut client = client_builder().session_store(Some(kept.clone()));
        if let Some(own) = own {
            client = client.record_size_limit(own);
        }
        let server =
            server_builder().session_store(Some(served.clone())).record_size_limit(servers);
        let pair = pair(client, server).established();
        let [client, server] = sessions(&pair);
        let (to_client, to_server) = match own {
            Some(own) => (own.into(), servers.into()),
            None => (MAX_PLAINTEXT, MAX_PLAINTEXT),
        };
        for (session, sent, received) in [
            (client, to_server, to_client),
            (server, to_client, to_server),
        ] {
            assert_eq!(session.resumption().is_resumed(), resumed);
            assert_eq!(session.max_plaintext_sent(), sent);
            assert_eq!(session.max_plaintext_received(), received);
        }
    }
}

/// Nothing here parses it.
const OCSP_RESPONSE: &[u8] = b"an OCSP response";

fn stapling() -> ServerConfigBuilder {
    premaster_testing::stapling(OCSP_RESPONSE)
}

fn ocsp_responses(pair: &Pair) -> [Option<&[u8]>; 2] {
    sessions(pair).map(SessionInfo::ocsp_response)
}

#[test]
fn an_ocsp_response_comes_where_it_is_asked_for_and_configured() {
    for (asks, has_one, requests) in [
        (true, true, false),
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ] {
        let mut client = client_builder();
        if asks {
            client = client.request_ocsp_response();
        }
        let mut server = if has_one {
            stapling()
        } else {
            server_builder()
        };
        if requests {
            server = server.client_auth(ClientAuth::Request(roots().into()));
        }
        let mut pair = pair(client, server);
        let traffic = Traffic::of(&mut pair);
        let comes = asks && has_one;
        assert_eq!(has(&traffic.client[0], STATUS_REQUEST), asks);
        assert_eq!(has(&traffic.server[0], STATUS_REQUEST), comes);
        let mut types = vec![SERVER_HELLO, CERTIFICATE];
        types.extend(comes.then_some(CERTIFICATE_STATUS));
        types.extend(requests.then_some(CERTIFICATE_REQUEST));
        types.push(SERVER_HELLO_DONE);
        assert_eq!(message_types(&traffic.server), types);
        assert_eq!(
            ocsp_responses(&pair),
            [comes.then_some(OCSP_RESPONSE), None]
        );
    }
}

#[test]
fn an_ocsp_response_may_be_longer_than_a_record() {
    let response = vec![0x30; 3 * MAX_PLAINTEXT];
    let server = premaster_testing::stapling(&response);
    let pair = pair(client_builder().request_ocsp_response(), server).established();
    assert_eq!(ocsp_responses(&pair), [Some(&response[..]), None]);
}

#[test]
fn a_resumed_session_has_no_ocsp_response() {
    let asks = client_builder().request_ocsp_response();
    let (client, server) = (client(asks), server(stapling()));
    for response in [Some(OCSP_RESPONSE), None] {
        let mut pair = Pair::new(client.clone(), server.clone(), name());
        let Traffic { server, .. } = Traffic::of(&mut pair);
        assert_eq!(has(&server[0], STATUS_REQUEST), response.is_some());
        assert_eq!(
            sessions(&pair)[0].resumption().is_resumed(),
            response.is_none()
        );
        assert_eq!(ocsp_responses(&pair), [response, None]);
    }
}

fn caller_verifies() -> ClientConfigBuilder {
    ClientConfig::builder_with_caller_verification()
        .rng(rng(1))
        .time_provider(now)
        .request_ocsp_response()
}

fn vouch(client: &mut End) -> Result<(), Error> {
    let verdict = Ok(Verified::dangerous_without_verification());
    client.resume(client.question().answer(verdict))
}

#[test]
fn a_caller_who_verifies_sees_the_ocsp_response() {
    for (server, response) in [(stapling(), Some(OCSP_RESPONSE)), (server_builder(), None)] {
        let mut pair = pair(caller_verifies(), server);
        pair.run(Chunks::Whole).unwrap();
        assert_eq!(pair.client.question().ocsp_response(), response);
        vouch(&mut pair.client).unwrap();
        assert_eq!(ocsp_responses(&pair.established()), [response, None]);
    }
}

fn certificate_status() -> Vec<u8> {
    let body = [vec![1], vector(3, OCSP_RESPONSE)].concat();
    handshake(CERTIFICATE_STATUS, &body)
}

/// "a server MAY choose not to send a "CertificateStatus" message, even if it [...] has sent a
/// "status_request" extension in the server hello message".
#[test]
fn an_ocsp_response_that_was_announced_need_not_come() {
    let announced = server_hello(&[(STATUS_REQUEST, &[])]);
    for status in [None, Some(certificate_status())] {
        for request in [None, Some(certificate_request())] {
            let mut flight = vec![announced.clone(), certificate()];
            flight.extend(status.clone());
            flight.extend(request);
            flight.push(server_hello_done());
            let response = status.as_ref().map(|_| OCSP_RESPONSE);

            let mut by_hand = meet(client_builder().request_ocsp_response());
            by_hand.say(&flight).unwrap();
            let (client, _) = by_hand.complete_with(decrypted);
            let session = client.connection.session().unwrap();
            assert_eq!(session.ocsp_response(), response);

            // The caller is asked as soon as it is known what comes behind the chain, and once.
            let mut by_hand = meet(caller_verifies());
            by_hand.say(&flight[..2]).unwrap();
            assert!(by_hand.client.connection.pending().is_none());
            by_hand.say(&flight[2..3]).unwrap();
            assert_eq!(by_hand.client.question().ocsp_response(), response);
            vouch(&mut by_hand.client).unwrap();
            by_hand.say(&flight[3..]).unwrap();
            let (client, _) = by_hand.complete_with(decrypted);
            let session = client.connection.session().unwrap();
            assert_eq!(session.ocsp_response(), response);
            assert_eq!(client.events, ["Paused", "HandshakeComplete"]);
        }
    }
}

#[test]
fn what_comes_in_place_of_an_announced_ocsp_response_is_judged_as_without() {
    let flight = [server_hello(&[(STATUS_REQUEST, &[])]), certificate()];
    let unexpected = Err(PeerError::UnexpectedMessage {
        received: HandshakeType::SERVER_KEY_EXCHANGE,
        awaited: "certificate_request or server_hello_done",
    }
    .into());
    let stranger = [handshake(SERVER_KEY_EXCHANGE, &[])];
    let mut by_hand = meet(client_builder().request_ocsp_response());
    by_hand.say(&flight).unwrap();
    assert_eq!(by_hand.say(&stranger), unexpected);

    let mut by_hand = meet(caller_verifies());
    by_hand.say(&flight).unwrap();
    by_hand.say(&stranger).unwrap();
    assert_eq!(vouch(&mut by_hand.client), unexpected);
}

/// What no server of ours sends: see also the hellos in errors.rs.
#[test]
fn ocsp_responses_that_break_a_rule() {
    let decode = |error| {
        let message = "certificate_status";
        Error::Decode { message, error }
    };
    let announced = &[(STATUS_REQUEST, &[][..])][..];
    for (extensions, status, expected) in [
        (
            &[][..],
            certificate_status(),
            PeerError::UnexpectedMessage {
                received: HandshakeType::CERTIFICATE_STATUS,
                awaited: "certificate_request or server_hello_done",
            }
            .into(),
        ),
        (
            announced,
            handshake(CERTIFICATE_STATUS, &[2, 0, 0, 1, 0x30]),
            decode(DecodeError::UnknownType),
        ),
        (
            announced,
            handshake(CERTIFICATE_STATUS, &[1, 0, 0, 0]),
            decode(DecodeError::EmptyVector),
        ),
        (
            announced,
            handshake(CERTIFICATE_STATUS, &[1, 0, 0, 1]),
            decode(DecodeError::Truncated),
        ),
        (
            announced,
            record(CHANGE_CIPHER_SPEC, &[1]),
            PeerError::UnexpectedRecord(premaster::protocol::ContentType::CHANGE_CIPHER_SPEC)
                .into(),
        ),
    ] {
        let mut by_hand = meet(client_builder().request_ocsp_response());
        by_hand.say(&[server_hello(extensions), certificate()]).unwrap();
        assert_eq!(by_hand.say(&[status]), Err(expected.clone()));
        let alert = expected.alert().unwrap();
        assert_eq!(said(&mut by_hand.client), [record(ALERT, &[2, alert.0])]);
    }
}

/// Everything at once, in full, by session ID and by ticket.
#[test]
fn all_that_is_negotiated_goes_together() {
    for tickets in [
        None,
        Some(Arc::new(Tickets::rotating(Duration::from_secs(3600)))),
    ] {
        let by_handle = match tickets {
            None => Resumption::SessionId,
            Some(_) => Resumption::Ticket,
        };
        let client = client(
            client_builder()
                .extended_master_secret(ExtendedMasterSecret::Required)
                .alpn_protocols(&[b"ocpp2.0.1"])
                .record_size_limit(512)
                .max_fragment_length(MaxFragmentLength::L1024)
                .request_ocsp_response()
                .fallback_scsv()
                .grease()
                .certificate(client_certified()),
        );
        let server = server(
            stapling()
                .extended_master_secret(ExtendedMasterSecret::Required)
                .secure_renegotiation(premaster::protocol::SecureRenegotiation::Required)
                .alpn_protocols(&[b"ocpp2.0.1"])
                .record_size_limit(256)
                .client_auth(ClientAuth::Require(roots().into()))
                .tickets(tickets),
        );
        let in_full = Resumption::Full(NotResumed::NothingOffered);
        for resumption in [in_full, by_handle, by_handle] {
            let pair = connect(&client, &server);
            for session in sessions(&pair) {
                assert_eq!(session.resumption(), resumption);
                assert!(session.extended_master_secret() && session.secure_renegotiation());
                assert_eq!(session.alpn_protocol(), Some(&b"ocpp2.0.1"[..]));
                assert_eq!(session.peer_certificates().len(), 1);
            }
            let [client, server] = sessions(&pair);
            assert_eq!(
                (client.max_plaintext_sent(), server.max_plaintext_sent()),
                (256, 512)
            );
            assert_eq!(client.ocsp_response().is_some(), resumption == in_full);
        }
    }
}
