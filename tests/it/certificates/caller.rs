//! The caller's own judgement, without a policy of this crate.

use super::scene::{Scene, built, leaf, leaf_below, meet};
use premaster::certificate::{Verified, Waiver};
use premaster::error::CertificateFault as Fault;
use premaster::pki_types::CertificateDer;
use premaster::{CertificatePolicy, ClientConfig, Error, SessionInfo};
use premaster_testing::by_hand::ServerByHand;
use premaster_testing::pki::{self, Spec};
use premaster_testing::{NAME, now, roots};
use x509_cert::ext::pkix::KeyUsages;

/// A client that asks its caller about this chain.
fn asked(chain: Vec<CertificateDer<'static>>) -> Result<ServerByHand, Error> {
    let client = ClientConfig::builder_with_caller_verification();
    let mut server = meet(client, NAME);
    server.say(&Scene::of(chain).flight())?;
    Ok(server)
}

/// The result of the handshake with this verdict.
fn answered(
    mut server: ServerByHand,
    verdict: Result<Verified, premaster::error::CertificateError>,
) -> Result<SessionInfo, Error> {
    let answer = server.client.question().answer(verdict);
    server.client.resume(answer)?;
    let (client, _) = server.complete();
    Ok(client.connection.session().unwrap().clone())
}

#[test]
fn a_session_tells_who_accepted_the_certificate() {
    let unverified = asked(built([leaf_below()])).unwrap();
    let verdict = Ok(Verified::dangerous_without_verification());
    let session = answered(unverified, verdict).unwrap();
    assert!(session.verified_by_caller());
    assert!(session.waivers().is_empty());

    let server = asked(built([leaf()])).unwrap();
    let verdict = server.client.question().verify(&roots().into(), now());
    assert!(!answered(server, verdict).unwrap().verified_by_caller());
    let by_policy = Scene::of(built([leaf()])).judge().unwrap();
    assert!(!by_policy.verified_by_caller());
}

/// There is no policy whose setting could be named.
#[test]
fn no_setting_of_a_policy_is_named() {
    let spec = |spec: Spec| built([spec]);
    let signs = Spec {
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        ..leaf()
    };
    let no_use = Spec {
        key_usage: Some(Default::default()),
        ..leaf()
    };
    let short = Spec {
        public_key: pki::rsa_public_key(1024, &[3]),
        ..leaf()
    };
    for (chain, text) in [
        (
            spec(signs),
            "certificate 0 (CN=Test Server, serial 2a): its keyUsage allows Digital Signature; \
             keyEncipherment is required",
        ),
        (
            spec(no_use),
            "certificate 0 (CN=Test Server, serial 2a): its keyUsage allows nothing; \
             keyEncipherment is required",
        ),
        (
            spec(short),
            "certificate 0 (CN=Test Server, serial 2a): its RSA key has 1024 bits; 2048 to 8192 are \
             accepted",
        ),
        (
            vec![vec![0x30, 0].into()],
            "it cannot be parsed or has an invalid value",
        ),
    ] {
        let server = asked(chain).unwrap();
        let verdict = Ok(Verified::dangerous_without_verification());
        let error = answered(server, verdict).unwrap_err();
        assert_eq!(error.setting(), None, "{error}");
        let text = format!("the peer's certificate was not accepted: {text}");
        assert_eq!(error.to_string(), text);
    }
    // Nor where the caller makes the error.
    let server = asked(built([leaf()])).unwrap();
    let error = answered(server, Err(Fault::Sha1Signature.into())).unwrap_err();
    assert_eq!(error.setting(), None);
    assert!(error.to_string().ends_with("its signature uses SHA-1"));
    // A policy that the caller uses has settings.
    let server = asked(built([leaf_below()])).unwrap();
    let error = server.client.question().verify(&roots().into(), now()).unwrap_err();
    assert_eq!(error.waiver(), Some(Waiver::PinnedCertificate));
}

#[test]
fn the_caller_is_given_a_hundred_certificates_and_no_more() {
    let of = |length| {
        let mut chain = vec![CertificateDer::from(vec![0x30, 0]); length];
        chain[0] = leaf().build();
        chain
    };
    let most = asked(of(100)).unwrap();
    let question = most.client.question();
    assert_eq!(question.chain().len(), 100);
    // The caller's policy has a limit of its own.
    let error = question.verify(&roots().into(), now()).unwrap_err();
    assert_eq!(error.waiver(), Some(Waiver::LongChain));
    let policy = CertificatePolicy::new(roots()).accept_long_chain(100);
    let verdict = question.verify(&policy, now());
    assert!(answered(most, verdict).unwrap().waivers().contains(Waiver::LongChain));

    let Err(Error::Certificate(error)) = asked(of(101)).map(|_| ()) else {
        panic!("accepted");
    };
    let too_many = Fault::TooManyCertificates {
        found: 101,
        most: 100,
    };
    assert_eq!((error.fault(), error.waiver()), (&too_many, None));
}
