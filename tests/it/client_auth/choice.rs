//! Which of its certificates a client shows, and with which algorithm it proves the key.

use super::{
    DEFAULT_ALGORITHMS, SHA1, both_roots, certificates, certified_chain, other_root, other_roots,
    requiring,
};
use premaster::certificate::ClientAuthorities;
use premaster::error::{Incompatible, PeerError};
use premaster::protocol::{HandshakeType, SignatureScheme};
use premaster::{CertifiedKey, ClientConfigBuilder, Error};
use premaster_testing::by_hand::Request;
use premaster_testing::pair::Chunks;
use premaster_testing::pki::{self, Algorithm, Authority, der};
use premaster_testing::wire::{
    CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, RENEGOTIATION_INFO, SERVER_HELLO_DONE,
    body_of, certificate_body, handshake, hello_with, said,
};
use premaster_testing::{
    Pair, certified, client_builder, client_certified, pair, rng, roots, server_builder,
};
use std::sync::{Arc, LazyLock};

/// Issued by the test root.
fn first() -> Arc<CertifiedKey> {
    client_certified()
}

/// Over another key, issued by an intermediate CA whose certificate the other root issued and
/// stands in the chain.
fn second() -> Arc<CertifiedKey> {
    static MADE: LazyLock<Arc<CertifiedKey>> = LazyLock::new(|| {
        let intermediate = Authority::intermediate(1);
        let own = pki::client(&pki::key("rsa-3072")).issued_by(&intermediate);
        let above = intermediate.certificate().issued_by(&other_root());
        certified_chain(&[own, above], "rsa-3072")
    });
    MADE.clone()
}

/// A request that both certificates fit.
fn good() -> Request {
    Request {
        types: vec![1],
        algorithms: DEFAULT_ALGORITHMS.to_vec(),
        authorities: vec![],
    }
}

/// A good request of a server that knows these CAs.
fn from(authorities: &[&str]) -> Request {
    Request {
        authorities: authorities.iter().map(|name| der::name(name)).collect(),
        ..good()
    }
}

/// What a client answers a server's request with.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    chain: Vec<Vec<u8>>,
    /// Of CertificateVerify, if there is one.
    algorithm: Option<u16>,
}

/// "the client MUST send a certificate message containing no certificates", and no proof.
const NONE_SUITABLE: Answer = Answer {
    chain: vec![],
    algorithm: None,
};

impl Answer {
    fn with(certified: &CertifiedKey, algorithm: u16) -> Self {
        Self {
            chain: certified.chain().iter().map(|der| der.to_vec()).collect(),
            algorithm: Some(algorithm),
        }
    }
}

/// A client that has a server's flight before it, up to CertificateRequest.
fn asked(client: ClientConfigBuilder, request: &Request) -> Pair {
    let mut pair = pair(client, server_builder());
    let hello = hello_with(&[(RENEGOTIATION_INFO, &[0])]);
    let server = certified(2048);
    let chain: Vec<&[u8]> = server.chain().iter().map(AsRef::as_ref).collect();
    let flight = [
        hello.server(),
        handshake(CERTIFICATE, &certificate_body(&chain)),
        handshake(CERTIFICATE_REQUEST, &request.body()),
    ];
    said(&mut pair.client);
    pair.client.take(&flight.concat()).unwrap();
    pair
}

fn answer(client: ClientConfigBuilder, request: &Request) -> Answer {
    let mut client = asked(client, request).client;
    client.take(&handshake(SERVER_HELLO_DONE, &[])).unwrap();
    let flight = said(&mut client);
    let chain = body_of(&flight, CERTIFICATE).unwrap();
    let proof = body_of(&flight, CERTIFICATE_VERIFY);
    Answer {
        chain: certificates(&chain),
        algorithm: proof.map(|body| u16::from_be_bytes([body[0], body[1]])),
    }
}

fn client_with(configured: &[Arc<CertifiedKey>]) -> ClientConfigBuilder {
    let add =
        |client: ClientConfigBuilder, own: &Arc<CertifiedKey>| client.certificate(own.clone());
    configured.iter().fold(client_builder(), add)
}

fn client_with_both() -> ClientConfigBuilder {
    client_with(&[first(), second()])
}

/// "one of the certificates in the certificate chain SHOULD be issued by one of the listed CAs."
#[test]
fn a_certificate_of_the_chain_is_from_one_of_the_authorities() {
    for (authorities, expected) in [
        (&["CN=Test Root"][..], Some(first())),
        (&["CN=Test Intermediate 1"], Some(second())),
        (&["CN=Other Root"], Some(second())),
        (&["CN=Nobody", "CN=Other Root"], Some(second())),
        (&["CN=Nobody", "CN=Test Root"], Some(first())),
        // The subjects are nobody's CAs.
        (&["CN=Nobody", "CN=Test Client"], None),
        (&["O=Test Root"], None),
    ] {
        let expected = match expected {
            Some(certified) => Answer::with(&certified, 0x0804),
            None => NONE_SUITABLE,
        };
        assert_eq!(answer(client_with_both(), &from(authorities)), expected);
    }
}

#[test]
fn of_several_that_fit_the_first_one_is_shown() {
    let both = ["CN=Other Root", "CN=Test Root"];
    for request in [from(&both), from(&[])] {
        for (configured, expected) in [
            ([first(), second()], first()),
            ([second(), first()], second()),
        ] {
            let answer = answer(client_with(&configured), &request);
            assert_eq!(answer, Answer::with(&expected, 0x0804));
        }
    }
}

/// "Any certificates provided by the client MUST be signed using a hash/signature algorithm pair
/// found in supported_signature_algorithms", if there is one.
#[test]
fn a_chain_that_is_signed_with_the_servers_algorithms_goes_first() {
    let key = pki::key("rsa-2048-client");
    let signed = |algorithm| {
        let spec = pki::Spec {
            algorithm: Some(algorithm),
            ..pki::client(&key)
        };
        spec.certified(&key)
    };
    let [sha1, sha384, pss] = [
        Algorithm::RSA_PKCS1_SHA1,
        Algorithm::RSA_PKCS1_SHA384,
        Algorithm::RSA_PSS_SHA512,
    ]
    .map(signed);
    let all = [sha1.clone(), sha384.clone(), pss.clone()];
    for (algorithms, shown) in [
        (vec![0x0401, 0x0501], &sha384),
        (vec![0x0401, 0x0806], &pss),
        (vec![0x0401, SHA1], &sha1),
        // The server may take another all the same.
        (vec![0x0401], &sha1),
    ] {
        let request = Request {
            algorithms,
            ..good()
        };
        let answer = answer(client_with(&all), &request);
        assert_eq!(answer.chain, Answer::with(shown, 0).chain);
    }
    // A CA below another one, and one that signed itself.
    let intermediate = Authority::intermediate(1);
    let chain = |algorithm| {
        let own = pki::client(&key).issued_by(&intermediate);
        let above = pki::Spec {
            algorithm: Some(algorithm),
            ..intermediate.certificate()
        };
        let root = pki::Spec {
            algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
            ..pki::root()
        };
        certified_chain(&[own, above, root], "rsa-2048-client")
    };
    let [worse, better] = [Algorithm::RSA_PKCS1_SHA1, Algorithm::RSA_PKCS1_SHA256].map(chain);
    let answer = answer(client_with(&[worse, better.clone()]), &good());
    assert_eq!(answer.chain, Answer::with(&better, 0).chain);
}

#[test]
fn without_a_certificate_the_answer_is_none() {
    assert_eq!(answer(client_builder(), &from(&[])), NONE_SUITABLE);
    assert_eq!(
        answer(client_builder(), &from(&["CN=Test Root"])),
        NONE_SUITABLE
    );
}

#[test]
fn only_servers_that_take_rsa_signatures_are_shown_a_certificate() {
    for (types, fits) in [
        (&[1][..], true),
        (&[64, 1], true),
        // ecdsa_sign, dss_sign, rsa_fixed_dh.
        (&[64], false),
        (&[2, 3], false),
    ] {
        let request = Request {
            types: types.to_vec(),
            ..good()
        };
        let expected = if fits {
            Answer::with(&first(), 0x0804)
        } else {
            NONE_SUITABLE
        };
        assert_eq!(answer(client_with_both(), &request), expected);
    }
}

/// In the client's order, whatever the server prefers.
#[test]
fn the_algorithm_is_the_best_of_those_that_the_server_takes() {
    for (algorithms, expected) in [
        (&[0x0804][..], Some(0x0804)),
        (&[0x0805], Some(0x0805)),
        (&[0x0806], Some(0x0806)),
        (&[0x0401], Some(0x0401)),
        (&[0x0501], Some(0x0501)),
        (&[0x0601], Some(0x0601)),
        (
            &[0x0601, 0x0501, 0x0401, 0x0806, 0x0805, 0x0804],
            Some(0x0804),
        ),
        (&[0x0601, 0x0806], Some(0x0806)),
        (&[SHA1, 0x0601], Some(0x0601)),
        // For chains alone, of another key, of nobody, and SHA-1.
        (&[0x0403, 0x0503, 0x0807, 0x1a1a], None),
        (&[0x0809], None),
        (&[SHA1], None),
    ] {
        let request = Request {
            algorithms: algorithms.to_vec(),
            ..good()
        };
        let expected = match expected {
            Some(algorithm) => Answer::with(&first(), algorithm),
            None => NONE_SUITABLE,
        };
        assert_eq!(answer(client_with_both(), &request), expected);
    }
}

#[test]
fn sha1_is_signed_with_where_it_is_allowed_and_nothing_better_is_taken() {
    for (algorithms, expected) in [
        (&[SHA1][..], Some(SHA1)),
        (&[SHA1, 0x0403], Some(SHA1)),
        (&[SHA1, 0x0601], Some(0x0601)),
        (&[0x0401, SHA1], Some(0x0401)),
        (&[0x0403], None),
    ] {
        let request = Request {
            algorithms: algorithms.to_vec(),
            ..good()
        };
        let expected = match expected {
            Some(algorithm) => Answer::with(&first(), algorithm),
            None => NONE_SUITABLE,
        };
        let client = client_with_both().sign_with_sha1();
        assert_eq!(answer(client, &request), expected);
    }
}

/// Sends an empty list where the other side takes SHA-1 alone, and a proof where both agree on it.
#[test]
fn a_whole_handshake_is_proven_with_sha1_only_if_both_sides_say_so() {
    let server = || requiring(roots()).client_signature_algorithms(&[SignatureScheme(SHA1)]);
    let mut pair = pair(client_with_both(), server());
    let missing = Error::from(Incompatible::NoClientCertificate);
    assert_eq!(pair.run(Chunks::Whole), Err(missing));
    let pair = premaster_testing::pair(client_with_both().sign_with_sha1(), server()).established();
    let session = pair.server.connection.session().unwrap();
    assert_eq!(session.peer_certificates(), first().chain());
    // That is not a waiver: it concerns this connection's proof, not the certificate.
    assert!(session.waivers().is_empty());
}

/// The key that proves is the one of the certificate that is shown.
#[test]
fn a_server_gets_the_certificate_that_it_can_verify() {
    for (trusted, named, expected) in [
        (roots(), ClientAuthorities::FromRoots, first()),
        (other_roots(), ClientAuthorities::FromRoots, second()),
        (both_roots(), ClientAuthorities::FromRoots, first()),
        (
            both_roots(),
            ClientAuthorities::Names(vec![der::name("CN=Test Intermediate 1")]),
            second(),
        ),
    ] {
        let server = requiring(trusted).client_authorities(named);
        let pair = pair(client_with_both(), server).established();
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.peer_certificates(), expected.chain());
        let certificate = session.peer_certificate().unwrap();
        assert_eq!(certificate.key_id(), Some(expected.key_id()));
    }
}

#[test]
fn of_several_keys_elsewhere_the_right_one_is_asked() {
    let keyless = |certified: Arc<CertifiedKey>| {
        let chain = certified.chain().to_vec();
        Arc::new(CertifiedKey::without_key(chain).unwrap())
    };
    for (trusted, expected) in [(roots(), first()), (other_roots(), second())] {
        let client = client_with(&[keyless(first()), keyless(second())]).offload_signing();
        let mut pair = pair(client, requiring(trusted));
        pair.run(Chunks::Whole).unwrap();
        let job = pair.client.signing_job();
        assert_eq!(job.key_id(), expected.key_id());
        let answer = job.sign(expected.key().unwrap(), rng(5));
        pair.client.resume(answer).unwrap();
        let pair = pair.established();
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.peer_certificates(), expected.chain());
    }
}

#[test]
fn a_server_asks_once() {
    for request in [good(), from(&["CN=Nobody"])] {
        let mut client = asked(client_with_both(), &request).client;
        let again = handshake(CERTIFICATE_REQUEST, &request.body());
        assert_eq!(
            client.take(&again),
            Err(PeerError::UnexpectedMessage {
                received: HandshakeType::CERTIFICATE_REQUEST,
                awaited: "server_hello_done",
            }
            .into())
        );
    }
}
