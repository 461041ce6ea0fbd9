//! What is derived from a connection for the protocols above it: keying material and channel
//! bindings.

use premaster::certificate::Verified;
use premaster::error::{Misuse, PeerError};
use premaster::pki_types::CertificateDer;
use premaster::protocol::ExtendedMasterSecret;
use premaster::session::ChannelBinding;
use premaster::{
    CertifiedKey, CipherSuite, ClientAuth, ClientConfig, ClientConfigBuilder, Error, ServerConfig,
    ServerConfigBuilder, Tickets,
};
use premaster_testing::forger::{Forger, LastKey, Sender};
use premaster_testing::pair::{Chunks, End, Pair};
use premaster_testing::pki::{self, Algorithm, Spec};
use premaster_testing::wire::{
    APPLICATION_DATA, CHANGE_CIPHER_SPEC, messages, record, said, vector,
};
use premaster_testing::{
    AES_128, client_builder, client_certified, name, now, pair, rng, roots, server_builder,
    server_builder_with,
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const LABEL: &[u8] = b"EXPERIMENTAL premaster test";

fn export(
    end: &End,
    label: &[u8],
    context: Option<&[u8]>,
    length: usize,
) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; length];
    let connection = &end.connection;
    connection.export_keying_material(label, context, &mut out)?;
    Ok(out)
}

/// What both sides of an established pair derive.
#[track_caller]
fn exported(pair: &Pair, label: &[u8], context: Option<&[u8]>, length: usize) -> Vec<u8> {
    let [client, server] =
        [&pair.client, &pair.server].map(|end| export(end, label, context, length).unwrap());
    assert_eq!(client, server);
    client
}

/// Two sides without the extended master secret.
fn unbound() -> (ClientConfigBuilder, ServerConfigBuilder) {
    let off = ExtendedMasterSecret::Off;
    (
        client_builder().extended_master_secret(off),
        server_builder().extended_master_secret(off),
    )
}

/// An established pair whose handshake ran in view of the test.
struct Watched {
    pair: Pair,
    forger: Forger,
    /// The hello randoms, the client's first.
    randoms: Vec<u8>,
    /// The verify_data of the first Finished.
    first_verify_data: Vec<u8>,
}

impl Watched {
    /// Runs a new pair of [`AES_128`] to its end; `key_log` is that of one of its sides.
    #[track_caller]
    fn new(mut pair: Pair, key_log: &LastKey) -> Self {
        let hello = said(&mut pair.client);
        pair.server.take(&hello.concat()).unwrap();
        let flight = said(&mut pair.server);
        pair.client.take(&flight.concat()).unwrap();
        let answer = said(&mut pair.client);
        pair.server.take(&answer.concat()).unwrap();

        let forger = Forger::new(key_log, &flight[0]);
        let resumed = flight.iter().any(|record| record[0] == CHANGE_CIPHER_SPEC);
        let before_client = [&hello[..], &flight].concat();
        let before_server = [&before_client[..], &answer].concat();
        let (sender, transcript, sent) = if resumed {
            (Sender::Server, before_client, flight.last())
        } else {
            (Sender::Client, before_server, answer.last())
        };
        let transcript = messages(&transcript);
        assert_eq!(sent, Some(&forger.sealed_finished(sender, &transcript)));
        Self {
            randoms: [&hello[0][11..43], &flight[0][11..43]].concat(),
            pair: pair.established(),
            first_verify_data: forger.verify_data(sender, &transcript),
            forger,
        }
    }

    /// What [RFC 5705 section 4](https://www.rfc-editor.org/rfc/rfc5705#section-4) defines.
    fn expected(&self, label: &[u8], context: Option<&[u8]>, length: usize) -> Vec<u8> {
        let context = context.map(|context| vector(2, context)).unwrap_or_default();
        let seed = [&self.randoms[..], &context].concat();
        self.forger.derive(label, &seed, length)
    }
}

/// Two sides that can connect again and again, and the key log of the client.
struct Sides {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    key_log: Arc<LastKey>,
}

impl Sides {
    fn new(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Self {
        let key_log = Arc::new(LastKey::default());
        let client = client.suites(&[AES_128]).key_log(key_log.clone());
        Self {
            client: Arc::new(client.build().unwrap()),
            server: Arc::new(server.build().unwrap()),
            key_log,
        }
    }

    fn pair(&self) -> Pair {
        Pair::new(self.client.clone(), self.server.clone(), name())
    }

    fn watched(&self) -> Watched {
        Watched::new(self.pair(), &self.key_log)
    }
}

fn tickets() -> Option<Arc<Tickets>> {
    Some(Arc::new(Tickets::rotating(Duration::from_secs(3600))))
}

#[track_caller]
fn is_resumed(pair: &Pair) -> bool {
    let [client, server] = [&pair.client, &pair.server]
        .map(|end| end.connection.session().unwrap().resumption().is_resumed());
    assert_eq!(client, server);
    client
}

#[test]
fn keying_material_belongs_to_a_connection_a_label_and_a_context() {
    for suite in [AES_128, CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384] {
        let client = Arc::new(client_builder().suites(&[suite]).build().unwrap());
        let server = Arc::new(server_builder().session_store(None).build().unwrap());
        let mut all = BTreeSet::new();
        for _ in 0..2 {
            let pair = Pair::new(client.clone(), server.clone(), name()).established();
            assert!(!is_resumed(&pair));
            for label in [LABEL, b"EXPERIMENTAL another", b"EXPERIMENTAL", b""] {
                for context in [
                    None,
                    Some(&b""[..]),
                    Some(b"\0"),
                    Some(b"one"),
                    Some(b"two"),
                ] {
                    all.insert(exported(&pair, label, context, 48));
                }
            }
        }
        assert_eq!(all.len(), 2 * 4 * 5);
    }
}

#[test]
fn keying_material_is_what_the_rfc_defines() {
    let longest = vec![7; 0xffff];
    for (client, server) in [(client_builder(), server_builder()), unbound()] {
        let watched = Sides::new(client, server).watched();
        for context in [None, Some(&[][..]), Some(b"context"), Some(&longest)] {
            let expected = watched.expected(LABEL, context, 100);
            for end in [&watched.pair.client, &watched.pair.server] {
                let mut out = [0; 100];
                end.connection
                    .dangerous_export_without_extended_master_secret(LABEL, context, &mut out)
                    .unwrap();
                assert_eq!(out[..], expected);
                let session = end.connection.session().unwrap();
                let bound = export(end, LABEL, context, 100);
                if session.extended_master_secret() {
                    assert_eq!(bound, Ok(expected.clone()));
                } else {
                    assert_eq!(bound, Err(Misuse::NoExtendedMasterSecret.into()));
                }
            }
        }
    }
}

#[test]
fn keying_material_has_any_length() {
    let pair = pair(client_builder(), server_builder()).established();
    let longest = exported(&pair, LABEL, None, 1000);
    for length in 0..1000 {
        let shorter = exported(&pair, LABEL, None, length);
        assert_eq!(shorter, longest[..length]);
    }
}

#[test]
fn what_cannot_be_derived_leaves_everything_as_it_was() {
    let too_long = vec![7; 0x10000];
    let mut pair = pair(client_builder(), server_builder()).established();
    for (label, context, misuse) in [
        (&b"client finished"[..], None, Misuse::ReservedLabel),
        (b"server finished", None, Misuse::ReservedLabel),
        (
            b"master secret",
            Some(&b"context"[..]),
            Misuse::ReservedLabel,
        ),
        (b"extended master secret", None, Misuse::ReservedLabel),
        (b"key expansion", None, Misuse::ReservedLabel),
        (LABEL, Some(&too_long), Misuse::ContextTooLong),
    ] {
        for end in [&pair.client, &pair.server] {
            let mut out = [9; 32];
            let connection = &end.connection;
            let refused = Err(misuse.into());
            assert_eq!(
                connection.export_keying_material(label, context, &mut out),
                refused
            );
            assert_eq!(
                connection
                    .dangerous_export_without_extended_master_secret(label, context, &mut out),
                refused
            );
            assert_eq!(out, [9; 32]);
        }
    }
    pair.client.send(b"still here");
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(pair.server.received, b"still here");
}

/// The results of `end` for everything that can be derived.
#[track_caller]
fn assert_derives_nothing(end: &End, expected: impl Into<Error>) {
    let expected = Err(expected.into());
    let (connection, mut out) = (&end.connection, [9; 32]);
    assert_eq!(
        connection.export_keying_material(LABEL, None, &mut out),
        expected
    );
    assert_eq!(
        connection.dangerous_export_without_extended_master_secret(LABEL, None, &mut out),
        expected
    );
    assert_eq!(out, [9; 32]);
    for binding in [ChannelBinding::TlsUnique, ChannelBinding::TlsServerEndPoint] {
        assert_eq!(connection.channel_binding(binding).map(|_| ()), expected);
    }
}

#[test]
fn nothing_is_derived_before_the_handshake_is_over() {
    let mut pair = pair(client_builder(), server_builder());
    for _ in 0..2 {
        assert_derives_nothing(&pair.client, Misuse::HandshakeIncomplete);
        assert_derives_nothing(&pair.server, Misuse::HandshakeIncomplete);
        let to_server = said(&mut pair.client).concat();
        pair.server.take(&to_server).unwrap();
        // The client has its keys after the first round, and still waits for Finished.
        assert_derives_nothing(&pair.client, Misuse::HandshakeIncomplete);
        let to_client = said(&mut pair.server).concat();
        pair.client.take(&to_client).unwrap();
    }
    exported(&pair, LABEL, None, 32);
}

#[test]
fn a_connection_that_is_closed_still_derives() {
    let mut pair = pair(client_builder(), server_builder()).established();
    let open = exported(&pair, LABEL, None, 32);
    pair.client.close();
    assert_eq!(exported(&pair, LABEL, None, 32), open);
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(exported(&pair, LABEL, None, 32), open);
    for end in [&pair.client, &pair.server] {
        end.connection.channel_binding(ChannelBinding::TlsUnique).unwrap();
    }
}

#[test]
fn a_connection_that_failed_derives_nothing_more() {
    let mut pair = pair(client_builder(), server_builder()).established();
    let broken = record(APPLICATION_DATA, &[0; 30]);
    let error = Error::from(PeerError::BadRecord);
    assert_eq!(pair.client.take(&broken), Err(error.clone()));
    assert_derives_nothing(&pair.client, error);
    let alert = said(&mut pair.client).concat();
    let told = pair.server.take(&alert).unwrap_err();
    assert_derives_nothing(&pair.server, told);

    let mut given_up = premaster_testing::pair(client_builder(), server_builder());
    given_up.client.close();
    assert_derives_nothing(&given_up.client, Misuse::Closed);
}

#[test]
fn a_resumed_connection_derives_its_own() {
    for tickets in [None, tickets()] {
        let sides = Sides::new(client_builder(), server_builder().tickets(tickets));
        let mut all = BTreeSet::new();
        for resumed in [false, true, true] {
            let watched = sides.watched();
            assert_eq!(is_resumed(&watched.pair), resumed);
            let material = exported(&watched.pair, LABEL, Some(b"context"), 32);
            assert_eq!(material, watched.expected(LABEL, Some(b"context"), 32));
            all.insert(material);
        }
        assert_eq!(all.len(), 3);
    }
}

/// The value on both sides.
#[track_caller]
fn bound(pair: &Pair, binding: ChannelBinding) -> Result<Vec<u8>, Error> {
    let [client, server] =
        [&pair.client, &pair.server].map(|end| end.connection.channel_binding(binding));
    assert_eq!(client, server);
    client
}

#[test]
fn tls_unique_is_what_the_first_finished_says() {
    for tickets in [None, tickets()] {
        let server =
            server_builder().client_auth(ClientAuth::Require(roots().into())).tickets(tickets);
        let sides = Sides::new(client_builder().certificate(client_certified()), server);
        let mut all = BTreeSet::new();
        for resumed in [false, true, true] {
            let watched = sides.watched();
            assert_eq!(is_resumed(&watched.pair), resumed);
            let unique = bound(&watched.pair, ChannelBinding::TlsUnique).unwrap();
            assert_eq!(unique, watched.first_verify_data);
            all.insert(unique);
        }
        assert_eq!(all.len(), 3);
    }
}

#[test]
fn tls_unique_needs_the_extended_master_secret() {
    let (client, server) = unbound();
    let sides = Sides::new(client, server);
    for resumed in [false, true] {
        let Watched { pair, .. } = sides.watched();
        assert_eq!(is_resumed(&pair), resumed);
        let refused = Err(Misuse::NoExtendedMasterSecret.into());
        assert_eq!(bound(&pair, ChannelBinding::TlsUnique), refused);
        // The certificate is what it is.
        bound(&pair, ChannelBinding::TlsServerEndPoint).unwrap();
    }
}

/// The server's certificate, signed with this algorithm.
fn signed(algorithm: Algorithm) -> CertificateDer<'static> {
    let spec = Spec {
        algorithm: Some(algorithm),
        ..pki::server(&pki::key("rsa-2048"))
    };
    spec.build()
}

/// The server's certificate, which names another signature algorithm.
#[track_caller]
fn relabelled(identifier: [u8; 13]) -> CertificateDer<'static> {
    let mut der = pki::server(&pki::key("rsa-2048")).build().to_vec();
    let sha256 = algorithm(11, [5, 0]);
    let places: Vec<_> = (0..der.len()).filter(|at| der[*at..].starts_with(&sha256)).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        der[at..at + 13].copy_from_slice(&identifier);
    }
    der.into()
}

/// The identifier pkcs-1.`last` and its parameters, without the sequence around them.
fn algorithm(last: u8, parameters: [u8; 2]) -> [u8; 13] {
    let mut identifier = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last, 0, 0];
    identifier[11..].copy_from_slice(&parameters);
    identifier
}

fn caller_verifies() -> ClientConfigBuilder {
    ClientConfig::builder_with_caller_verification().rng(rng(1)).time_provider(now)
}

/// Runs a pair whose client accepts every certificate.
fn vouched(mut pair: Pair) -> Pair {
    pair.run(Chunks::Whole).unwrap();
    let verdict = Ok(Verified::dangerous_without_verification());
    let answer = pair.client.question().answer(verdict);
    pair.client.resume(answer).unwrap();
    pair.established()
}

#[test]
fn tls_server_end_point_is_the_certificates_hash_by_its_signature() {
    let sha256 = |der: &[u8]| Some(Sha256::digest(der).to_vec());
    let sha384 = |der: &[u8]| Some(Sha384::digest(der).to_vec());
    let sha512 = |der: &[u8]| Some(Sha512::digest(der).to_vec());
    let null = [5, 0];
    type Hash = fn(&[u8]) -> Option<Vec<u8>>;
    let rows: [(CertificateDer<'static>, Hash); 11] = [
        (signed(Algorithm::RSA_PKCS1_SHA256), sha256),
        (signed(Algorithm::RSA_PKCS1_SHA384), sha384),
        (signed(Algorithm::RSA_PKCS1_SHA512), sha512),
        (signed(Algorithm::RSA_PSS_SHA256), sha256),
        (signed(Algorithm::RSA_PSS_SHA384), sha384),
        (signed(Algorithm::RSA_PSS_SHA512), sha512),
        // MD5, SHA-1, and PSS without parameters, which is PSS with SHA-1.
        (relabelled(algorithm(4, null)), sha256),
        (relabelled(algorithm(5, null)), sha256),
        (relabelled(algorithm(10, [0x30, 0])), sha256),
        // SHA-224, and a signature that nobody knows.
        (relabelled(algorithm(14, null)), |_| None),
        (relabelled(algorithm(99, null)), |_| None),
    ];
    let key = pki::private_key(&pki::key("rsa-2048"));
    for (row, (certificate, hash)) in rows.into_iter().enumerate() {
        let chain = vec![certificate.clone()];
        let certified = Arc::new(CertifiedKey::from_der(chain, &key).unwrap());
        let sides = Sides::new(caller_verifies(), server_builder_with(certified));
        let expected = hash(&certificate).ok_or(Misuse::NoEndPointHash.into());
        for resumed in [false, true] {
            let pair = vouched(sides.pair());
            assert_eq!(is_resumed(&pair), resumed);
            let end_point = bound(&pair, ChannelBinding::TlsServerEndPoint);
            assert_eq!(end_point, expected, "row {row}, {resumed}");
        }
    }
}

/// The first certificate of the chain, on both sides, whatever the client shows.
#[test]
fn tls_server_end_point_is_of_the_servers_own_certificate() {
    let key = pki::key("rsa-2048");
    let chain = vec![pki::server(&key).build(), pki::root().build()];
    let expected = Sha256::digest(&chain[0]).to_vec();
    let certified = CertifiedKey::from_der(chain, &pki::private_key(&key)).unwrap();
    let server = server_builder_with(Arc::new(certified));
    let sides = Sides::new(
        client_builder().certificate(client_certified()),
        server.client_auth(ClientAuth::Require(roots().into())),
    );
    for resumed in [false, true] {
        let pair = sides.pair().established();
        assert_eq!(is_resumed(&pair), resumed);
        assert_eq!(
            bound(&pair, ChannelBinding::TlsServerEndPoint),
            Ok(expected.clone())
        );
    }
}

/// A hello begins with its version and its random, behind the headers of record and message.
fn random(flight: &[u8]) -> [u8; 32] {
    flight[5 + 4 + 2..][..32].try_into().unwrap()
}

#[test]
fn both_sides_tell_the_randoms_of_this_connection() {
    let client = Arc::new(client_builder().build().unwrap());
    let server = Arc::new(server_builder().build().unwrap());
    let mut seen = Vec::new();
    for resumed in [false, true] {
        let mut pair = Pair::new(client.clone(), server.clone(), name());
        let client_random = random(&pair.client.outgoing);
        pair.server.take(&std::mem::take(&mut pair.client.outgoing)).unwrap();
        let server_random = random(&pair.server.outgoing);
        pair.run(Chunks::Whole).unwrap();
        for end in [&pair.client, &pair.server] {
            let session = end.connection.session().unwrap();
            assert_eq!(session.resumption().is_resumed(), resumed);
            assert_eq!(session.client_random(), &client_random);
            assert_eq!(session.server_random(), &server_random);
        }
        seen.extend([client_random, server_random]);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}
