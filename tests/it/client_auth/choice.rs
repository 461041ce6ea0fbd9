//! Which of its certificates a client shows, and with which algorithm it proves the key.

use super::{
    DEFAULT_ALGORITHMS, SHA1, both_roots, certificates, certified_chain, other_root, other_roots,
    requiring,
};
use premaster::certificate::ClientAuthorities;
use premaster::error::{CertificateWithheld, Excerpt, Incompatible, PeerError, Told};
use premaster::protocol::{AlertDescription, HandshakeType, SignatureScheme};
use premaster::session::CertificateAnswer;
use premaster::{CertificatePolicy, CertifiedKey, ClientAuth, ClientConfigBuilder, Error};
use premaster_testing::by_hand::Request;
use premaster_testing::pair::Chunks;
use premaster_testing::pki::{self, Algorithm, Authority, der};
use premaster_testing::wire::{
    ALERT, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, RENEGOTIATION_INFO,
    SERVER_HELLO_DONE, body_of, certificate_body, handshake, hello_with, record, said, unhex,
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
        let answer = job.sign_with_rng(expected.key().unwrap(), rng(5));
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

/// The Name with one common name of this type.
fn common_name(tag: u8, text: &[u8]) -> Vec<u8> {
    let attribute = der::sequence(&[b"\x06\x03\x55\x04\x03", &der::tlv(tag, &[text])]);
    der::sequence(&[&der::tlv(der::SET, &[&attribute])])
}

/// "CN=Test Root" is the same name however it is written
/// ([RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1)).
#[test]
fn authorities_are_names_and_not_bytes() {
    let utf16: Vec<u8> = "Test Root".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (authority, is_same) in [
        (common_name(0x0c, b"Test Root"), true),
        (common_name(0x13, b"Test Root"), true),
        (common_name(0x14, b"Test Root"), true),
        (common_name(0x16, b"Test Root"), true),
        (common_name(0x1e, &utf16), true),
        (common_name(0x13, b"TEST root"), true),
        (common_name(0x13, b" Test   Root  "), true),
        (common_name(0x13, b"TestRoot"), false),
        (common_name(0x13, b"Test Root 2"), false),
        (common_name(0x04, b"Test Root"), false),
        (der::sequence(&[]), false),
        (b"Test Root".to_vec(), false),
    ] {
        let request = Request {
            authorities: vec![der::name("CN=Nobody"), authority.clone()],
            ..good()
        };
        let expected = if is_same {
            Answer::with(&first(), 0x0804)
        } else {
            NONE_SUITABLE
        };
        let answer = answer(client_with_both(), &request);
        assert_eq!(answer, expected, "{authority:02x?}");
    }
}

/// The certificate of the cases below, and a client that has it.
fn rig_client() -> ClientConfigBuilder {
    let file =
        |name: &str| std::fs::read(premaster_testing::data(&format!("files/{name}"))).unwrap();
    let pair = CertifiedKey::from_bytes(&file("common-client.pem"), &file("common-client.key"));
    client_with(&[Arc::new(pair.unwrap())])
}

/// The body of a CertificateRequest from the field.
fn recorded(name: &str) -> Request {
    let text = std::fs::read_to_string(premaster_testing::data(&format!("files/{name}.hex")));
    Request::read(&unhex(text.unwrap().trim()))
}

#[test]
fn requests_from_the_field_are_answered() {
    let sent = |client, name| !answer(client, &recorded(name)).chain.is_empty();
    // CN=Rig CA as PrintableString, which issued the certificate as UTF8String.
    assert!(sent(rig_client(), "f01-certreq-ca-name-printable"));
    // The server's own name.
    let own_name = "f01c-certreq-server-name-as-ca";
    assert!(!sent(rig_client(), own_name));
    assert!(sent(rig_client().ignore_requested_authorities(), own_name));
}

/// Where none is from a listed CA, the first is sent whose chain the server can verify.
#[test]
fn a_certificate_is_sent_regardless_of_the_authorities_where_that_is_set() {
    let client = |certificates: &[_]| client_with(certificates).ignore_requested_authorities();
    let sha1 = Algorithm::RSA_PKCS1_SHA1;
    let worse = pki::Spec {
        algorithm: Some(sha1),
        ..pki::client(&pki::key("rsa-2048"))
    };
    let worse = certified_chain(&[worse], "rsa-2048");
    for (configured, authority, expected) in [
        (vec![first(), second()], "CN=Nobody", Some(first())),
        (vec![second(), first()], "CN=Nobody", Some(second())),
        (vec![worse.clone(), first()], "CN=Nobody", Some(first())),
        (vec![worse.clone()], "CN=Nobody", Some(worse.clone())),
        // One that is from a listed CA is still preferred.
        (vec![first(), second()], "CN=Other Root", Some(second())),
        (vec![], "CN=Nobody", None),
    ] {
        let expected = expected.map_or(NONE_SUITABLE, |own| Answer::with(&own, 0x0804));
        assert_eq!(answer(client(&configured), &from(&[authority])), expected);
    }
    // It waives nothing else.
    let request = Request {
        types: vec![64],
        ..from(&["CN=Nobody"])
    };
    assert_eq!(answer(client(&[first()]), &request), NONE_SUITABLE);
}

/// Each reason, in a handshake that the server completes without a certificate and in one that it
/// refuses for that.
#[test]
fn a_certificate_is_not_withheld_in_silence() {
    let named = |name| ClientAuthorities::Names(vec![der::name(name)]);
    let sha1 = [SignatureScheme(SHA1)];
    for (client, authorities, algorithms, reason) in [
        (
            client_with(&[]),
            named("CN=Nobody"),
            None,
            CertificateWithheld::NoneConfigured,
        ),
        (
            client_with(&[first()]),
            named("CN=Nobody"),
            None,
            CertificateWithheld::Authority,
        ),
        (
            client_with(&[first()]),
            ClientAuthorities::None,
            Some(sha1),
            CertificateWithheld::Sha1,
        ),
    ] {
        let server = |auth: fn(CertificatePolicy) -> ClientAuth| {
            let server = server_builder().client_auth(auth(roots().into()));
            let server = server.client_authorities(authorities.clone());
            match algorithms {
                Some(algorithms) => server.client_signature_algorithms(&algorithms),
                None => server,
            }
        };
        let client = Arc::new(client.session_store(None).build().unwrap());
        let connect = |auth| {
            let server = Arc::new(server(auth).build().unwrap());
            Pair::new(client.clone(), server, premaster_testing::name())
        };
        let established = connect(ClientAuth::Request).established();
        let session = established.client.connection.session().unwrap();
        let requested = session.requested_certificate().unwrap();
        let CertificateAnswer::Withheld(told) = requested.answer() else {
            panic!("{requested:?}");
        };
        assert_eq!(*told, reason);
        assert!(established.server.connection.session().unwrap().requested_certificate().is_none());

        let mut refused = connect(ClientAuth::Require);
        refused.run(Chunks::Whole).unwrap_err();
        let told = std::mem::take(&mut refused.server.outgoing);
        let failure = refused.client.take(&told).unwrap_err();
        let (told, listed, configured) = withheld(&failure);
        assert_eq!(told, reason);
        let listed_all = matches!(authorities, ClientAuthorities::None);
        assert_eq!(
            listed.as_str(),
            if listed_all { "any" } else { "CN=Nobody" }
        );
        let nothing = reason == CertificateWithheld::NoneConfigured;
        assert_eq!(
            configured.as_str(),
            if nothing { "nothing" } else { "CN=Test Client" }
        );
        assert_eq!(failure.setting(), reason.setting());
    }
}

/// A request that no setting of this crate's server makes.
#[test]
fn what_no_server_here_asks_is_told_too() {
    for (types, algorithms, reason) in [
        (
            vec![64],
            DEFAULT_ALGORITHMS.to_vec(),
            CertificateWithheld::CertificateType,
        ),
        (
            vec![1],
            vec![0x0403],
            CertificateWithheld::SignatureAlgorithm,
        ),
    ] {
        let request = Request {
            types,
            algorithms,
            authorities: vec![],
        };
        let mut client = asked(client_with_both(), &request).client;
        client.take(&handshake(SERVER_HELLO_DONE, &[])).unwrap();
        let alert = AlertDescription::HANDSHAKE_FAILURE;
        let refused = client.take(&record(ALERT, &[2, alert.0])).unwrap_err();
        assert_eq!(withheld(&refused).0, reason);
        // A server may as well hang up.
        let mut client = asked(client_with_both(), &request).client;
        client.take(&handshake(SERVER_HELLO_DONE, &[])).unwrap();
        let Err(Error::HungUp(moment)) = client.connection.receive_eof() else {
            panic!("the handshake was not over");
        };
        let Some(Told::NoCertificate { reason: told, .. }) = moment.told() else {
            panic!("{moment:?}");
        };
        assert_eq!(*told, reason);
    }
}

/// Why a client sent no certificate to a server that refused it with handshake_failure, the server's
/// CAs, and the client's certificates.
#[track_caller]
fn withheld(failure: &Error) -> (CertificateWithheld, &Excerpt, &Excerpt) {
    let Error::AlertReceived {
        alert: AlertDescription::HANDSHAKE_FAILURE,
        moment: Some(moment),
    } = failure
    else {
        panic!("{failure:?}");
    };
    match moment.told() {
        Some(Told::NoCertificate {
            reason,
            authorities,
            configured,
        }) => (*reason, authorities, configured),
        _ => panic!("{failure:?}"),
    }
}

/// Names are shown up to a bound, whatever a server sends.
#[test]
fn what_is_told_of_a_request_is_bounded_and_printable() {
    let names = (0..40).map(|number| format!("CN=Authority {number}"));
    let mut authorities: Vec<_> = names.map(|name| der::name(&name)).collect();
    authorities.insert(0, common_name(0x0c, &[b'x'; 2000]));
    authorities.insert(1, common_name(0x0c, b"\x1b[2J"));
    authorities.insert(2, b"no name".to_vec());
    authorities.insert(3, der::sequence(&[]));
    let server = requiring(roots()).client_authorities(ClientAuthorities::Names(authorities));
    let client = client_with_both().ignore_requested_authorities();
    let pair = pair(client, server).established();
    let session = pair.client.connection.session().unwrap();
    let requested = session.requested_certificate().unwrap();
    assert_eq!(
        (requested.authorities().len(), requested.total_authorities()),
        (8, 44)
    );
    let shown: Vec<_> = requested.authorities().iter().map(|name| name.as_str()).collect();
    assert!(shown[0].len() <= 96 && shown[0].ends_with("..."));
    assert_eq!(shown[1], "CN=\\u{1b}[2J");
    assert_eq!(
        shown[2..5],
        [
            "not a distinguished name",
            "an empty name",
            "CN=Authority 0"
        ]
    );
    assert_eq!(
        (requested.configured().len(), requested.total_configured()),
        (2, 2)
    );
    let CertificateAnswer::SentRegardless(sent) = requested.answer() else {
        panic!("{requested:?}");
    };
    assert_eq!(sent.chain(), first().chain());
}

#[test]
fn a_session_tells_of_the_certificate_that_was_sent() {
    let pair = pair(client_with_both(), requiring(other_roots())).established();
    let session = pair.client.connection.session().unwrap();
    let requested = session.requested_certificate().unwrap();
    assert_eq!(requested.authorities()[0].as_str(), "CN=Other Root");
    let CertificateAnswer::Sent(sent) = requested.answer() else {
        panic!("{requested:?}");
    };
    assert_eq!(sent.chain(), second().chain());
    // Nothing is requested where a session is resumed, or where the server does not ask.
    let pair = premaster_testing::pair(client_with_both(), server_builder()).established();
    let session = pair.client.connection.session().unwrap();
    assert!(session.requested_certificate().is_none());
}
