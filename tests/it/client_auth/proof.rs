//! CertificateVerify: which proofs a server takes, and where.

use super::{SHA1, hello, hello_without_algorithms, requiring};
use premaster::error::{DecodeError, PeerError};
use premaster::protocol::{AlertDescription, ContentType, HandshakeType, SignatureScheme};
use premaster::{ClientAuth, Error, MemoryStore, ServerConfigBuilder};
use premaster_testing::by_hand::ClientByHand;
use premaster_testing::pki::{self, Algorithm, Key};
use premaster_testing::wire::CERTIFICATE_VERIFY;
use premaster_testing::{client_certified, rng, roots, server_builder};
use std::sync::Arc;

const PSS_SHA256: u16 = 0x0804;

/// What the client's key signs with, by number.
const ALGORITHMS: [(u16, Algorithm); 6] = [
    (PSS_SHA256, Algorithm::RSA_PSS_SHA256),
    (0x0805, Algorithm::RSA_PSS_SHA384),
    (0x0806, Algorithm::RSA_PSS_SHA512),
    (0x0401, Algorithm::RSA_PKCS1_SHA256),
    (0x0501, Algorithm::RSA_PKCS1_SHA384),
    (0x0601, Algorithm::RSA_PKCS1_SHA512),
];

fn client_key() -> Key {
    pki::key("rsa-2048-client").into()
}

fn server() -> ServerConfigBuilder {
    requiring(roots())
}

/// A server that lists these algorithms.
fn listing(algorithms: &[u16]) -> ServerConfigBuilder {
    let schemes: Vec<_> = algorithms.iter().copied().map(SignatureScheme).collect();
    server().client_signature_algorithms(&schemes)
}

/// The server has the client's certificate and waits for the key exchange.
fn shown(server: ServerConfigBuilder) -> ClientByHand {
    let mut visited = ClientByHand::new(server, &hello());
    let certified = client_certified();
    visited.send_certificates(certified.chain()).unwrap();
    visited
}

/// The server waits for the proof.
fn waiting(server: ServerConfigBuilder) -> ClientByHand {
    let mut visited = shown(server);
    visited.send_any_key_exchange().unwrap();
    visited
}

/// A proof of this algorithm over what was said.
fn prove(visited: &mut ClientByHand, scheme: u16, algorithm: Algorithm) -> Result<(), Error> {
    let signature = visited.sign(&client_key(), algorithm);
    visited.send_proof(scheme, &signature)
}

/// The proof was taken: the server waits for what comes after it.
#[track_caller]
fn assert_taken(mut visited: ClientByHand, result: Result<(), Error>) {
    result.unwrap();
    visited.send_change_cipher_spec().unwrap();
    assert!(visited.server.outgoing.is_empty());
}

#[track_caller]
fn assert_refused(
    mut visited: ClientByHand,
    result: Result<(), Error>,
    expected: PeerError,
    alert: AlertDescription,
) {
    let error = visited.assert_refused(result, alert);
    assert_eq!(error, expected.into());
}

#[track_caller]
fn assert_bad(visited: ClientByHand, result: Result<(), Error>) {
    let (expected, alert) = (
        PeerError::BadCertificateVerify,
        AlertDescription::DECRYPT_ERROR,
    );
    assert_refused(visited, result, expected, alert);
}

#[track_caller]
fn assert_unoffered(visited: ClientByHand, result: Result<(), Error>, scheme: u16) {
    let expected = PeerError::UnofferedSignatureScheme(SignatureScheme(scheme));
    let alert = AlertDescription::ILLEGAL_PARAMETER;
    assert_refused(visited, result, expected, alert);
}

#[track_caller]
fn assert_out_of_place(visited: ClientByHand, result: Result<(), Error>, awaited: &'static str) {
    let received = HandshakeType::CERTIFICATE_VERIFY;
    let expected = PeerError::UnexpectedMessage { received, awaited };
    let alert = AlertDescription::UNEXPECTED_MESSAGE;
    assert_refused(visited, result, expected, alert);
}

/// "The hash and signature algorithms used in the signature MUST be one of those present in the
/// supported_signature_algorithms field of the CertificateRequest message."
#[test]
fn every_listed_algorithm_is_taken_and_no_other() {
    for (listed, _) in ALGORITHMS {
        for (scheme, algorithm) in ALGORITHMS {
            let mut visited = waiting(listing(&[listed]));
            let result = prove(&mut visited, scheme, algorithm);
            if scheme == listed {
                assert_taken(visited, result);
            } else {
                assert_unoffered(visited, result, scheme);
            }
        }
    }
}

#[test]
fn all_algorithms_are_taken_by_default() {
    for (scheme, algorithm) in ALGORITHMS {
        let mut visited = waiting(server());
        let result = prove(&mut visited, scheme, algorithm);
        assert_taken(visited, result);
    }
}

#[test]
fn sha1_is_taken_only_where_it_was_listed() {
    let lenient = || server().sha1_for_clients_without_signature_algorithms();
    let silent = |server| {
        let mut visited = ClientByHand::new(server, &hello_without_algorithms());
        let certified = client_certified();
        visited.send_certificates(certified.chain()).unwrap();
        visited.send_any_key_exchange().unwrap();
        visited
    };
    for (mut visited, taken) in [
        (waiting(listing(&[PSS_SHA256, SHA1])), true),
        (silent(lenient()), true),
        // The client says what it knows, and is held to the list.
        (waiting(lenient()), false),
        (waiting(server()), false),
        (silent(server()), false),
    ] {
        let result = prove(&mut visited, SHA1, Algorithm::RSA_PKCS1_SHA1);
        if taken {
            assert_taken(visited, result);
        } else {
            assert_unoffered(visited, result, SHA1);
        }
    }
}

/// It can be listed for those who sign certificates; the client's own key is RSA.
#[test]
fn an_algorithm_for_chains_proves_nothing() {
    let ecdsa = 0x0403;
    let with_ecdsa = || listing(&[PSS_SHA256, ecdsa]);
    let mut visited = waiting(with_ecdsa());
    let signature = visited.sign(&pki::p256(7), Algorithm::ECDSA_SHA256);
    let result = visited.send_proof(ecdsa, &signature);
    assert_bad(visited, result);

    let mut visited = waiting(with_ecdsa());
    let result = prove(&mut visited, ecdsa, Algorithm::RSA_PKCS1_SHA256);
    assert_bad(visited, result);

    let mut visited = waiting(server());
    let result = prove(&mut visited, ecdsa, Algorithm::RSA_PKCS1_SHA256);
    assert_unoffered(visited, result, ecdsa);
}

/// Of the same length, and of another.
#[test]
fn another_key_proves_nothing() {
    for key in ["rsa-2048", "rsa-2048-ca", "rsa-3072"] {
        for (scheme, algorithm) in ALGORITHMS {
            let mut visited = waiting(server());
            let signature = visited.sign(&pki::key(key).into(), algorithm);
            let result = visited.send_proof(scheme, &signature);
            assert_bad(visited, result);
        }
    }
}

/// "This message is sent [...] over all handshake messages sent or received, starting at client hello
/// and up to, but not including, this message".
#[test]
fn a_signature_over_something_else_proves_nothing() {
    // Before the certificate, and before the key exchange.
    let mut visited = ClientByHand::new(server(), &hello());
    let mut signatures = vec![visited.sign(&client_key(), Algorithm::RSA_PSS_SHA256)];
    let certified = client_certified();
    visited.send_certificates(certified.chain()).unwrap();
    signatures.push(visited.sign(&client_key(), Algorithm::RSA_PSS_SHA256));
    // Of another connection, which differs by the server's random.
    let other = waiting(server().rng(rng(9)));
    signatures.push(other.sign(&client_key(), Algorithm::RSA_PSS_SHA256));
    for signature in signatures {
        let mut visited = waiting(server());
        let result = visited.send_proof(PSS_SHA256, &signature);
        assert_bad(visited, result);
    }
}

#[test]
fn a_signature_has_the_length_of_the_key() {
    let good = waiting(server()).sign(&client_key(), Algorithm::RSA_PSS_SHA256);
    for signature in [
        vec![],
        good[1..].to_vec(),
        [&[0], &good[..]].concat(),
        [&good[..], &[0]].concat(),
        vec![0; 256],
        vec![0xff; 256],
    ] {
        let mut visited = waiting(server());
        let result = visited.send_proof(PSS_SHA256, &signature);
        assert_bad(visited, result);
    }
}

#[test]
fn a_proof_that_does_not_parse_is_none() {
    for (body, error) in [
        (&[][..], DecodeError::Truncated),
        (&[8, 4, 0, 2, 1], DecodeError::Truncated),
        (&[8, 4, 0, 1, 1, 1], DecodeError::TrailingData),
    ] {
        let mut visited = waiting(server());
        let result = visited.send(CERTIFICATE_VERIFY, body);
        let expected = Error::Decode {
            message: "certificate_verify",
            error,
        };
        let refused = visited.assert_refused(result, AlertDescription::DECODE_ERROR);
        assert_eq!(refused, expected);
    }
}

#[test]
fn a_certificate_without_a_proof_is_refused() {
    let mut visited = waiting(server());
    let result = visited.send_change_cipher_spec();
    let expected = PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC);
    let alert = AlertDescription::UNEXPECTED_MESSAGE;
    assert_refused(visited, result, expected, alert);
}

#[test]
fn a_proof_without_a_certificate_is_refused() {
    let requesting = server_builder().client_auth(ClientAuth::Request(roots().into()));
    let mut visited = ClientByHand::new(requesting, &hello());
    visited.send_certificates(&[]).unwrap();
    visited.send_any_key_exchange().unwrap();
    let result = prove(&mut visited, PSS_SHA256, Algorithm::RSA_PSS_SHA256);
    assert_out_of_place(visited, result, "change_cipher_spec");
}

#[test]
fn a_proof_comes_once_and_behind_the_key_exchange() {
    let mut visited = waiting(server());
    prove(&mut visited, PSS_SHA256, Algorithm::RSA_PSS_SHA256).unwrap();
    let again = prove(&mut visited, PSS_SHA256, Algorithm::RSA_PSS_SHA256);
    assert_out_of_place(visited, again, "change_cipher_spec");

    let mut visited = shown(server());
    let early = prove(&mut visited, PSS_SHA256, Algorithm::RSA_PSS_SHA256);
    assert_out_of_place(visited, early, "client_key_exchange");
}

#[test]
fn a_client_that_did_not_prove_itself_leaves_no_session() {
    let store = Arc::new(MemoryStore::new(8));
    let mut visited = waiting(server().session_store(Some(store.clone())));
    let result = visited.send_proof(PSS_SHA256, &[1; 256]);
    assert_bad(visited, result);
    assert!(store.is_empty());
}
