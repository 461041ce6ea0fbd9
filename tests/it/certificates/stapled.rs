//! OCSP responses that a client requires.

use super::scene::{
    Scene, WAIVERS, authority, built, intermediate, leaf, leaf_below, meet, roots_of,
};
use premaster::certificate::{Waiver, Waivers};
use premaster::error::{CertificateError, CertificateFault, OcspFault};
use premaster::pki_types::CertificateDer;
use premaster::protocol::AlertDescription as Alert;
use premaster::{CertificatePolicy, ClientConfig, Error};
use premaster_testing::pki::{
    self, Algorithm, Authority, DAY, Hash, Key, NOW, Ocsp, Responder, SingleResponse, Spec, Status,
    der, ocsp, single_response,
};
use premaster_testing::{NAME, now};
use x509_cert::ext::Extension;

/// A client that requires a response about the leaf of this chain, and this response.
fn stapled(chain: Vec<CertificateDer<'static>>, response: &Ocsp) -> Scene {
    requiring(Scene {
        ocsp_response: Some(response.build()),
        ..Scene::of(chain)
    })
}

fn requiring(scene: Scene) -> Scene {
    let policy = scene.policy.clone().require_ocsp_response();
    Scene { policy, ..scene }
}

/// A good leaf below the test root, and this response to it.
fn with(response: &Ocsp) -> Scene {
    stapled(built([leaf()]), response)
}

#[track_caller]
fn assert_accepted(scene: Scene) {
    for waivers in [&[][..], &WAIVERS] {
        let session = scene.clone().waiving(waivers).judge().unwrap();
        assert!(session.waivers().is_empty());
        assert_eq!(session.ocsp_response(), scene.ocsp_response.as_deref());
    }
}

#[track_caller]
fn assert_refused(what: &str, scene: Scene, fault: impl Into<CertificateFault>) {
    let fault = fault.into();
    let alert = match fault {
        CertificateFault::Revoked => Alert::CERTIFICATE_REVOKED,
        _ => Alert::BAD_CERTIFICATE_STATUS_RESPONSE,
    };
    for waivers in [&[][..], &WAIVERS] {
        let scene = scene.clone().waiving(waivers);
        let error = match scene.judge() {
            Err(error) => error,
            Ok(_) => panic!("{what} is accepted"),
        };
        assert_eq!(error.alert(), Some(alert), "{what}");
        assert_eq!(error.setting(), None, "{what}");
        let error = scene.refusal();
        assert_eq!(*error.fault(), fault, "{what}");
        assert_eq!(error.certificate().unwrap().position(), 0, "{what}");
    }
}

fn bad(what: &str, response: &Ocsp, fault: OcspFault) {
    assert_refused(what, with(response), CertificateFault::Ocsp(fault));
}

/// A response that identifies the certificate in this way.
fn saying(change: impl Fn(&mut SingleResponse)) -> Ocsp {
    let mut response = ocsp(&leaf());
    change(&mut response.responses[0]);
    response
}

fn by_key(key: &Key) -> Responder {
    Responder::ByKey(key.id())
}

#[test]
fn responses_by_the_issuer() {
    let below = leaf_below();
    let chain = || built([leaf_below(), intermediate()]);
    let root = Authority::root();
    for response in [
        ocsp(&leaf()),
        Ocsp {
            responder: by_key(&root.key),
            ..ocsp(&leaf())
        },
        // The responder's certificate may be with it and does not matter.
        Ocsp {
            certificates: vec![pki::root().build(), leaf().build()],
            ..ocsp(&leaf())
        },
        Ocsp {
            extensions: vec![der::extension("1.3.6.1.4.1.55555.2", false, &der::null())],
            ..ocsp(&leaf())
        },
    ] {
        assert_accepted(with(&response));
    }
    for response in [
        ocsp(&below),
        Ocsp {
            responder: by_key(&authority().key),
            ..ocsp(&below)
        },
    ] {
        assert_accepted(stapled(chain(), &response));
    }
}

#[test]
fn responses_with_every_algorithm_of_rsa() {
    for algorithm in [
        Algorithm::RSA_PKCS1_SHA256,
        Algorithm::RSA_PKCS1_SHA384,
        Algorithm::RSA_PKCS1_SHA512,
        Algorithm::RSA_PSS_SHA256,
        Algorithm::RSA_PSS_SHA384,
        Algorithm::RSA_PSS_SHA512,
    ] {
        let response = Ocsp {
            algorithm: Some(algorithm),
            ..ocsp(&leaf())
        };
        assert_accepted(with(&response));
    }
}

#[cfg(feature = "ecdsa")]
#[test]
fn responses_by_issuers_on_curves() {
    for key in [pki::p256(1), pki::p384(1)] {
        let root = Authority::new("CN=EC Root", key);
        let leaf = leaf().issued_by(&root);
        let under_root = |response: Ocsp| {
            let scene = Scene {
                ocsp_response: Some(response.build()),
                ..Scene::of(built([leaf.clone()])).under(roots_of(&[&root]))
            };
            requiring(scene)
        };
        for algorithm in [Algorithm::ECDSA_SHA256, Algorithm::ECDSA_SHA384] {
            let algorithm = Some(algorithm);
            let responder = by_key(&root.key);
            let response = || Ocsp {
                algorithm,
                ..ocsp(&leaf)
            };
            assert_accepted(under_root(response()));
            assert_accepted(under_root(Ocsp {
                responder,
                ..response()
            }));
        }
        let damaged = Ocsp {
            damaged: true,
            ..ocsp(&leaf)
        };
        let fault = CertificateFault::Ocsp(OcspFault::BadSignature);
        assert_refused("damaged", under_root(damaged), fault);
    }
}

#[test]
fn certificates_are_identified_by_any_hash() {
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        assert_accepted(with(&saying(|single| single.hash = hash)));
    }
}

#[test]
fn serial_numbers_are_numbers() {
    for (certificates, responses) in [
        (vec![42], vec![42]),
        (vec![0, 0xff], vec![0, 0xff]),
        (vec![0], vec![0]),
    ] {
        let leaf = Spec {
            serial: certificates,
            ..leaf()
        };
        let mut response = ocsp(&leaf);
        response.responses[0].serial = responses;
        assert_accepted(stapled(built([leaf]), &response));
    }
}

fn responders_key() -> rsa::PrivateKey {
    pki::key("rsa-3072")
}

/// A good responder of the test root.
fn responder() -> Spec {
    pki::responder(&responders_key())
}

fn delegated(responder: &Spec) -> Ocsp {
    ocsp(&leaf()).delegated(responder, responders_key())
}

#[test]
fn responses_by_whom_the_issuer_gave_the_right() {
    let of_two = Spec {
        extended_key_usage: Some(vec![pki::SERVER_AUTH, pki::OCSP_SIGNING]),
        ..responder()
    };
    let by_key = Ocsp {
        responder: by_key(&Key::from(responders_key())),
        ..delegated(&responder())
    };
    let among_others = Ocsp {
        certificates: vec![pki::root().build(), leaf().build(), responder().build()],
        ..delegated(&responder())
    };
    let namesake = Spec {
        extended_key_usage: None,
        ..responder()
    };
    let behind_a_namesake = Ocsp {
        certificates: vec![namesake.build(), responder().build()],
        ..delegated(&responder())
    };
    for response in [
        delegated(&responder()),
        delegated(&of_two),
        by_key,
        among_others,
        behind_a_namesake,
    ] {
        assert_accepted(with(&response));
    }
    let below = responder().issued_by(&authority());
    let response = ocsp(&leaf_below()).delegated(&below, responders_key());
    assert_accepted(stapled(built([leaf_below(), intermediate()]), &response));
}

#[test]
fn responders_without_the_right() {
    let purposes = |extended_key_usage| Spec {
        extended_key_usage,
        ..responder()
    };
    let expired = Spec {
        not_after: NOW - 1,
        ..responder()
    };
    let early = Spec {
        not_before: NOW + 1,
        ..responder()
    };
    let damaged = Spec {
        damaged: true,
        ..responder()
    };
    let ca = Spec {
        ca: Some(true),
        ..responder()
    };
    let critical = Spec {
        unknown_critical: true,
        ..responder()
    };
    let own = responder().issued_by(&Authority::new("CN=Test Responder", responders_key()));
    for (what, responder) in [
        ("no purpose", purposes(None)),
        ("any purpose", purposes(Some(vec![pki::ANY_PURPOSE]))),
        ("another purpose", purposes(Some(vec![pki::SERVER_AUTH]))),
        ("expired", expired),
        ("not valid yet", early),
        ("damaged", damaged),
        ("a CA", ca),
        ("a critical extension", critical),
        ("of version 1", responder().version_1()),
        ("self-signed", own),
        (
            "below another authority",
            responder().issued_by(&authority()),
        ),
    ] {
        bad(what, &delegated(&responder), OcspFault::Responder);
    }
    // "issued directly by the CA".
    let below = Ocsp {
        certificates: vec![
            responder().issued_by(&authority()).build(),
            intermediate().build(),
        ],
        ..delegated(&responder())
    };
    bad("below an intermediate", &below, OcspFault::Responder);
    let chain = built([leaf_below(), intermediate()]);
    let response = ocsp(&leaf_below()).delegated(&responder(), responders_key());
    let fault = CertificateFault::Ocsp(OcspFault::Responder);
    assert_refused("the root's responder", stapled(chain, &response), fault);

    let without = Ocsp {
        certificates: vec![],
        ..delegated(&responder())
    };
    bad("no certificate", &without, OcspFault::BadSignature);
    let others = Ocsp {
        responder: Responder::ByName(der::name("CN=Somebody")),
        ..delegated(&responder())
    };
    bad("the name of somebody", &others, OcspFault::Responder);
    let others = Ocsp {
        responder: Responder::ByKey(vec![7; 20]),
        ..delegated(&responder())
    };
    bad("the key of somebody", &others, OcspFault::Responder);
    // The server itself, whose certificate has no OCSP purpose.
    let own = ocsp(&leaf()).delegated(&leaf(), pki::key("rsa-2048"));
    bad("the server", &own, OcspFault::Responder);
}

/// The work is bounded: so many certificates of the responder's name are tried.
#[test]
fn responders_are_not_searched_for_ever() {
    let namesake = Spec {
        extended_key_usage: None,
        ..responder()
    };
    for (before, found) in [(3, true), (4, false)] {
        let mut certificates = vec![namesake.build(); before];
        certificates.push(responder().build());
        let response = Ocsp {
            certificates,
            ..delegated(&responder())
        };
        if found {
            assert_accepted(with(&response));
        } else {
            bad("one too many", &response, OcspFault::Responder);
        }
    }
}

#[test]
fn signatures_that_are_wrong() {
    let damaged = |response| Ocsp {
        damaged: true,
        ..response
    };
    let by = |key: Key| Ocsp {
        signer_key: key,
        ..ocsp(&leaf())
    };
    let signed = |algorithm| Ocsp {
        algorithm: Some(algorithm),
        ..ocsp(&leaf())
    };
    let stolen = Ocsp {
        signer_key: pki::key("rsa-2048").into(),
        ..delegated(&responder())
    };
    for (what, response) in [
        ("damaged", damaged(ocsp(&leaf()))),
        ("a responder's damaged", damaged(delegated(&responder()))),
        ("another key", by(pki::key("rsa-2048-client").into())),
        ("a longer key", by(responders_key().into())),
        ("a key on a curve", by(pki::p256(1))),
        ("not the responder's key", stolen),
        ("MD5", signed(Algorithm::RSA_PKCS1_MD5)),
    ] {
        bad(what, &response, OcspFault::BadSignature);
    }
}

/// In a chain that needs no waiver, too.
#[test]
fn sha1_is_taken_where_it_is_waived() {
    let sha1 = |spec| Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..spec
    };
    let signed = |response| Ocsp {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..response
    };
    let waived = [Waiver::Sha1Signature];
    let (old, new) = (|| built([sha1(leaf())]), || built([leaf()]));
    for (chain, response) in [
        (old(), ocsp(&leaf())),
        (old(), signed(ocsp(&leaf()))),
        (old(), signed(delegated(&sha1(responder())))),
        (new(), signed(ocsp(&leaf()))),
        (new(), signed(delegated(&responder()))),
        (new(), delegated(&sha1(responder()))),
    ] {
        let scene = stapled(chain, &response);
        scene.clone().judge().unwrap_err();
        let used = scene.waiving(&waived).judge().unwrap().waivers();
        assert_eq!(used, Waivers::from_iter(waived));
    }
    let scene = stapled(new(), &ocsp(&leaf())).waiving(&waived);
    assert!(scene.judge().unwrap().waivers().is_empty());
}

#[test]
fn responses_about_others() {
    let other = OcspFault::OtherCertificate;
    let mut none = ocsp(&leaf());
    none.responses.clear();
    let stranger = Spec {
        serial: vec![43],
        ..leaf()
    };
    for (what, response) in [
        ("another serial number", ocsp(&stranger)),
        (
            "a longer serial number",
            saying(|single| single.serial = vec![42, 0]),
        ),
        (
            "another issuer's name",
            saying(|single| single.issuer_name = der::name("CN=Other")),
        ),
        (
            "another issuer's key",
            saying(|single| single.issuer_key = vec![7; 32]),
        ),
        ("none", none),
    ] {
        bad(what, &response, other);
    }
    let mut several = ocsp(&stranger);
    several.responses.push(single_response(&leaf()));
    several.responses.push(single_response(&stranger));
    assert_accepted(with(&several));
    several.responses[1].status = Status::Unknown;
    bad(
        "unknown among good ones",
        &several,
        OcspFault::UnknownStatus,
    );
}

#[test]
fn certificates_that_are_not_good() {
    for (at, reason) in [
        (NOW - DAY, None),
        (NOW - DAY, Some(1)),
        (NOW + DAY, Some(4)),
    ] {
        let response = saying(|single| single.status = Status::Revoked { at, reason });
        assert_refused("revoked", with(&response), CertificateFault::Revoked);
    }
    let unknown = saying(|single| single.status = Status::Unknown);
    bad("unknown", &unknown, OcspFault::UnknownStatus);
    // The signer is checked first.
    let forged = Ocsp {
        damaged: true,
        ..saying(|single| {
            single.status = Status::Revoked {
                at: NOW,
                reason: None,
            };
        })
    };
    bad("said to be revoked", &forged, OcspFault::BadSignature);
}

#[test]
fn responses_of_another_time() {
    assert_accepted(with(&saying(|single| {
        single.this_update = NOW;
        single.next_update = Some(NOW + 1);
    })));
    let produced = |produced_at| Ocsp {
        produced_at,
        ..ocsp(&leaf())
    };
    assert_accepted(with(&produced(NOW)));
    for (what, response, fault) in [
        ("made to come", produced(NOW + 1), OcspFault::NotYetValid),
        (
            "to come",
            saying(|single| single.this_update = NOW + 1),
            OcspFault::NotYetValid,
        ),
        (
            "ended",
            saying(|single| single.next_update = Some(NOW)),
            OcspFault::Expired,
        ),
        (
            "long ended",
            saying(|single| single.next_update = Some(NOW - DAY)),
            OcspFault::Expired,
        ),
        (
            "endless",
            saying(|single| single.next_update = None),
            OcspFault::NoNextUpdate,
        ),
    ] {
        bad(what, &response, fault);
    }
    // An old response does not count.
    let old = saying(|single| {
        single.next_update = Some(NOW);
        single.status = Status::Revoked {
            at: NOW - DAY,
            reason: None,
        };
    });
    bad("revoked once", &old, OcspFault::Expired);
}

#[test]
fn responses_that_are_none() {
    for status in [1, 2, Ocsp::TRY_LATER, 5, 6] {
        let response = Ocsp {
            status,
            ..ocsp(&leaf())
        };
        bad("unsuccessful", &response, OcspFault::Unsuccessful);
    }
    let critical = |oid| -> Vec<Extension> { vec![der::extension(oid, true, &der::null())] };
    let of_response = Ocsp {
        extensions: critical("1.3.6.1.4.1.55555.1"),
        ..ocsp(&leaf())
    };
    let of_single = saying(|single| single.extensions = critical("1.3.6.1.4.1.55555.1"));
    let trailing = Ocsp {
        trailing: vec![0],
        ..ocsp(&leaf())
    };
    for (what, response) in [
        ("a critical extension", of_response),
        ("a critical extension of one", of_single),
        ("a byte too many", trailing),
    ] {
        bad(what, &response, OcspFault::Malformed);
    }
    let whole = ocsp(&leaf()).build();
    // id-pkix-ocsp-basic becomes id-pkix-ocsp-nonce.
    let basic = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
    let at = whole.windows(9).position(|bytes| bytes == basic).unwrap();
    let mut nonce = whole.clone();
    nonce[at + 8] = 2;
    let without_bytes = der::sequence(&[&der::enumerated(0)]);
    for (what, bytes) in [
        ("a byte too few", whole[..whole.len() - 1].to_vec()),
        ("garbage", b"not ASN.1".to_vec()),
        ("another type", nonce),
        ("success without a response", without_bytes),
    ] {
        let scene = requiring(Scene {
            ocsp_response: Some(bytes),
            ..Scene::of(built([leaf()]))
        });
        assert_refused(what, scene, CertificateFault::Ocsp(OcspFault::Malformed));
    }
}

#[test]
fn a_response_that_does_not_come() {
    let missing = CertificateFault::Ocsp(OcspFault::Missing);
    assert_refused(
        "not announced",
        requiring(Scene::of(built([leaf()]))),
        missing,
    );
    // Announced, and then left out.
    let scene = requiring(Scene::of(built([leaf()])));
    let mut server = meet(ClientConfig::builder(scene.policy.clone()), NAME);
    let announced = Scene {
        ocsp_response: Some(vec![0]),
        ..scene
    };
    let mut flight = announced.flight();
    let _status = flight.remove(2);
    let error = server.say(&flight).unwrap_err();
    assert_eq!(error.alert(), Some(Alert::BAD_CERTIFICATE_STATUS_RESPONSE));
    // Without the setting it need not come, and is not looked into.
    for ocsp_response in [None, Some(b"not ASN.1".to_vec())] {
        let scene = Scene {
            ocsp_response: ocsp_response.clone(),
            ..Scene::of(built([leaf()]))
        };
        let client = ClientConfig::builder(scene.policy.clone()).request_ocsp_response();
        let session = scene.judge_by(client).unwrap();
        assert_eq!(session.ocsp_response(), ocsp_response.as_deref());
    }
}

/// What is wrong with the certificate itself is said first.
#[test]
fn a_response_does_not_make_a_certificate_good() {
    let expired = Spec {
        not_after: NOW - 1,
        ..leaf()
    };
    let renamed = Spec {
        dns: vec!["other.example"],
        ip: vec![],
        ..leaf()
    };
    for (spec, waiver) in [
        (expired, Waiver::OutsideValidity),
        (renamed, Waiver::AnyName),
    ] {
        let scene = stapled(built([spec.clone()]), &ocsp(&spec));
        assert_eq!(scene.refusal().waiver(), Some(waiver));
        let used = scene.waiving(&[waiver]).judge().unwrap().waivers();
        assert_eq!(used, Waivers::from_iter([waiver]));
        // And the other way round.
        let missing = requiring(Scene::of(built([spec]))).waiving(&[waiver]);
        let fault = CertificateFault::Ocsp(OcspFault::Missing);
        assert_eq!(*missing.refusal().fault(), fault);
    }
}

/// A caller that decides runs these checks too; in a resumed session there is nothing to verify.
#[test]
fn a_caller_verifies_the_response_of_a_full_handshake() {
    let required: CertificatePolicy = premaster_testing::roots().into();
    let required = required.require_ocsp_response();
    let key = pki::key("rsa-2048");
    let certified = leaf().certified(&key);
    let client = || {
        ClientConfig::builder_with_caller_verification()
            .request_ocsp_response()
            .rng(premaster_testing::rng(1))
            .time_provider(now)
    };
    let (client, server) = (
        client(),
        premaster_testing::server_builder_with(certified.clone()),
    );
    let (client, server) = (client.build().unwrap(), server.build().unwrap());
    let (client, server) = (std::sync::Arc::new(client), std::sync::Arc::new(server));
    let meet = || {
        let name = premaster_testing::name();
        let mut pair = premaster_testing::Pair::new(client.clone(), server.clone(), name);
        pair.run(premaster_testing::pair::Chunks::Whole).unwrap();
        pair
    };
    let verify = |pair: &premaster_testing::Pair| -> Result<(), CertificateError> {
        let question = pair.client.question();
        question.verify(&required, now()).map(|_| ())
    };
    let fault = |fault: OcspFault| CertificateFault::Ocsp(fault);

    let refused = meet();
    let error = verify(&refused).unwrap_err();
    assert_eq!(*error.fault(), fault(OcspFault::Missing));
    certified.staple(Some(b"not ASN.1")).unwrap();
    let error = verify(&meet()).unwrap_err();
    assert_eq!(*error.fault(), fault(OcspFault::Malformed));

    certified.staple(Some(&ocsp(&leaf()).build())).unwrap();
    let mut accepted = meet();
    let question = accepted.client.question();
    assert!(!question.is_resumed());
    let answer = question.answer(question.verify(&required, now()));
    accepted.client.resume(answer).unwrap();
    accepted.established();

    certified.staple(None).unwrap();
    let mut resumed = meet();
    let question = resumed.client.question();
    assert!(question.is_resumed());
    let answer = question.answer(question.verify(&required, now()));
    resumed.client.resume(answer).unwrap();
    let resumed = resumed.established();
    let session = resumed.client.connection.session().unwrap();
    assert!(session.resumption().is_resumed());
    assert_eq!(session.ocsp_response(), None);
}

/// A session that was made with a response is resumed without one.
#[test]
fn a_policy_wants_a_response_of_full_handshakes_only() {
    let policy: CertificatePolicy = premaster_testing::roots().into();
    let client = ClientConfig::builder(policy.require_ocsp_response())
        .rng(premaster_testing::rng(1))
        .time_provider(now);
    let certified = leaf().certified(&pki::key("rsa-2048"));
    certified.staple(Some(&ocsp(&leaf()).build())).unwrap();
    let server = premaster_testing::server_builder_with(certified.clone());
    let client = std::sync::Arc::new(client.build().unwrap());
    let server = std::sync::Arc::new(server.build().unwrap());
    let meet = || {
        premaster_testing::Pair::new(client.clone(), server.clone(), premaster_testing::name())
            .established()
    };
    let full = meet();
    let session = full.client.connection.session().unwrap();
    assert!(session.ocsp_response().is_some());
    certified.staple(None).unwrap();
    let resumed = meet();
    let session = resumed.client.connection.session().unwrap();
    assert!(session.resumption().is_resumed());
}

/// The alert is the extension's own.
#[test]
fn a_client_says_what_it_missed() {
    let error = requiring(Scene::of(built([leaf()]))).judge().unwrap_err();
    let Error::Certificate(certificate) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        certificate.to_string(),
        "certificate 0 (CN=Test Server, serial 2a): the required OCSP check failed: the server sent no response"
    );
    assert_eq!(error.alert().unwrap().0, 113);
}

/// All that is said about the certificate has to be good.
#[test]
fn a_response_does_not_say_two_things() {
    let single = |status| SingleResponse {
        status,
        ..single_response(&leaf())
    };
    let revoked = || {
        single(Status::Revoked {
            at: NOW - 1,
            reason: None,
        })
    };
    let good = || single(Status::Good);
    for (responses, accepted) in [
        (vec![good(), good()], true),
        (vec![good(), revoked()], false),
        (vec![revoked(), good()], false),
    ] {
        let scene = with(&Ocsp {
            responses,
            ..ocsp(&leaf())
        });
        if accepted {
            assert_accepted(scene);
        } else {
            assert_refused("good and revoked", scene, CertificateFault::Revoked);
        }
    }
}

/// Who reads it first is who signed it.
#[test]
fn what_nobody_signed_is_not_read() {
    // Attributes of one name in an order that takes long to sort.
    let attribute = |value: u16| {
        let value = der::tlv(der::UTF8_STRING, &[format!("{value:05}").as_bytes()]);
        der::sequence(&[&der::object_identifier("2.5.4.3"), &value])
    };
    let attributes: Vec<_> = (0..600).rev().map(attribute).collect();
    let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
    let name = der::sequence(&[&der::tlv(der::SET, &attributes)]);
    let unsorted = Ocsp {
        responder: Responder::ByName(name),
        damaged: true,
        ..ocsp(&leaf())
    };
    bad("nobody's", &unsorted, OcspFault::BadSignature);
}
