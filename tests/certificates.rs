//! Certificates of both sides, each bad in one way: the error and the alert.

mod common;

use common::pair::Chunks;
use common::pki::{self, Spec};
use common::wire::{CERTIFICATE, certificate_body, handshake, hello, record, said};
use common::{client_builder, name, now, pair, roots, server_builder};
use premaster::pki_types::{CertificateDer, ServerName};
use premaster::{CertificateError, ClientAuth, ClientConfigBuilder, Connection, Error};
use std::sync::Arc;
use x509_cert::der::DecodePem;
use x509_cert::ext::pkix::KeyUsages;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

fn good() -> Spec {
    pki::server(&pki::key("rsa-2048"))
}

/// A client's verdict on this chain, from a server of this name.
fn judge(chain: &[CertificateDer<'_>], name: ServerName<'static>) -> Result<(), Error> {
    judge_with(client_builder(), chain, name)
}

/// The verdict of a client with these settings.
fn judge_with(
    client: ClientConfigBuilder,
    chain: &[CertificateDer<'_>],
    name: ServerName<'static>,
) -> Result<(), Error> {
    let config = Arc::new(client.build().unwrap());
    let mut outgoing = Vec::new();
    let mut client = Connection::client(config, name, &mut outgoing).unwrap();
    outgoing.clear();
    let mut server_hello = hello();
    server_hello.extensions = Some(vec![(0xff01, vec![0])]);
    let chain: Vec<&[u8]> = chain
        .iter()
        .map(|certificate| certificate.as_ref())
        .collect();
    let certificate = handshake(CERTIFICATE, &certificate_body(&chain));
    let mut flight = [server_hello.server(), certificate].concat();

    let result = client.receive(&mut flight, &mut outgoing).map(|_| ());
    if let Err(error) = &result {
        let alert = error.alert().unwrap();
        assert_eq!(outgoing, record(21, &[2, alert.0]));
    }
    result
}

#[track_caller]
fn assert_refused(chain: &[CertificateDer<'_>], expected: CertificateError) {
    assert_eq!(judge(chain, name()), Err(expected.into()));
}

/// A certificate with one run of bytes replaced by another of the same length, everywhere.
fn replaced(certificate: &[u8], from: &[u8], to: &[u8]) -> CertificateDer<'static> {
    assert_eq!(from.len(), to.len());
    let mut bytes = certificate.to_vec();
    let mut count = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            count += 1;
        }
    }
    assert!(count > 0);
    bytes.into()
}

#[test]
fn a_good_certificate_is_taken_by_every_name_it_has() {
    let certificate = [good().build()];
    judge(&certificate, name()).unwrap();
    judge(&certificate, "127.0.0.1".try_into().unwrap()).unwrap();
    let mut wildcard = good();
    wildcard.dns = vec!["*.plant.example"];
    judge(
        &[wildcard.build()],
        "press.plant.example".try_into().unwrap(),
    )
    .unwrap();
    // Without keyUsage and extendedKeyUsage the key is not restricted.
    let mut plain = good();
    plain.key_usage = None;
    plain.extended_key_usage = None;
    plain.ca = None;
    judge(&[plain.build()], name()).unwrap();
}

#[test]
fn the_dates_are_those_of_the_injected_time() {
    let mut expired = good();
    expired.not_after = pki::NOW - 1;
    assert_refused(&[expired.build()], CertificateError::Expired);
    let mut early = good();
    early.not_before = pki::NOW + 1;
    assert_refused(&[early.build()], CertificateError::NotYetValid);
}

#[test]
fn the_name_is_the_one_that_was_asked_for() {
    let mut other = good();
    other.dns = vec!["other.example"];
    assert_refused(&[other.build()], CertificateError::NameMismatch);
    // The common name is no name.
    let mut nameless = good();
    nameless.subject = "CN=server.example";
    nameless.dns = vec![];
    nameless.ip = vec![];
    assert_refused(&[nameless.build()], CertificateError::NameMismatch);
    assert_eq!(
        judge(&[good().build()], "127.0.0.2".try_into().unwrap()),
        Err(CertificateError::NameMismatch.into())
    );
}

#[test]
fn the_common_name_is_the_one_that_was_asked_for_where_it_has_to_be() {
    let mismatch = Err(CertificateError::CommonNameMismatch.into());
    for (subject, expected) in [
        ("CN=server.example", Ok(())),
        ("CN=Server.EXAMPLE", Ok(())),
        ("O=Plant,CN=server.example", Ok(())),
        ("CN=other.example", mismatch.clone()),
        ("CN=*.example", mismatch.clone()),
        ("CN=server.example.", mismatch.clone()),
        ("O=server.example", mismatch.clone()),
        // Which one would it be?
        ("CN=server.example,CN=other.example", mismatch.clone()),
        ("CN=other.example,CN=server.example", mismatch.clone()),
        ("CN=server.example,CN=server.example", mismatch.clone()),
    ] {
        let certificate = Spec { subject, ..good() }.build();
        let chain = [certificate];
        let strict = client_builder().require_common_name();
        assert_eq!(judge_with(strict, &chain, name()), expected, "{subject}");
        judge(&chain, name()).unwrap();
    }

    let strict = || client_builder().require_common_name();
    let address = || ServerName::try_from("127.0.0.1").unwrap();
    for (subject, expected) in [("CN=127.0.0.1", Ok(())), ("CN=server.example", mismatch)] {
        let chain = [Spec { subject, ..good() }.build()];
        assert_eq!(judge_with(strict(), &chain, address()), expected);
    }
    // It is no substitute for the name that counts.
    let nameless = Spec {
        subject: "CN=server.example",
        dns: vec!["other.example"],
        ..good()
    };
    assert_eq!(
        judge_with(strict(), &[nameless.build()], name()),
        Err(CertificateError::NameMismatch.into())
    );
}

/// It is not sent either.
#[test]
fn the_dot_at_the_end_of_a_name_is_no_part_of_it() {
    let chain = [Spec {
        subject: "CN=server.example",
        ..good()
    }
    .build()];
    let dotted = || ServerName::try_from("server.example.").unwrap();
    judge(&chain, dotted()).unwrap();
    judge_with(client_builder().require_common_name(), &chain, dotted()).unwrap();
}

#[test]
fn the_chain_leads_to_a_root() {
    let mut stranger = good();
    stranger.issuer = "CN=Stranger";
    assert_refused(&[stranger.build()], CertificateError::UnknownIssuer);

    let mut forged = good().build().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_refused(&[forged.into()], CertificateError::BadSignature);

    // An intermediate authority, its certificate in any order among others.
    let authority_key = pki::key("rsa-3072");
    let mut authority = pki::server(&authority_key);
    authority.subject = "CN=Intermediate";
    authority.ca = Some(true);
    authority.key_usage = Some(KeyUsages::KeyCertSign.into());
    let mut leaf = good();
    leaf.issuer = "CN=Intermediate";
    leaf.issuer_key = authority_key;
    let chain = [leaf.build(), good().build(), authority.build()];
    judge(&chain, name()).unwrap();
    assert_refused(&chain[..2], CertificateError::UnknownIssuer);

    // The same, but it is no authority.
    authority.ca = Some(false);
    assert_refused(
        &[leaf.build(), authority.build()],
        CertificateError::ConstraintViolated,
    );
}

#[test]
fn long_chains_are_not_searched() {
    let chain = vec![good().build(); 10];
    judge(&chain, name()).unwrap();
    assert_refused(&vec![good().build(); 11], CertificateError::TooComplex);
}

#[test]
fn the_certificate_is_a_servers_own() {
    let mut authority = good();
    authority.ca = Some(true);
    assert_refused(&[authority.build()], CertificateError::CaAsLeaf);
    let mut clients = good();
    clients.extended_key_usage = Some(vec![pki::CLIENT_AUTH]);
    assert_refused(&[clients.build()], CertificateError::ExtendedKeyUsage);
    let mut signs_only = good();
    signs_only.key_usage = Some(KeyUsages::DigitalSignature.into());
    let wanted = "keyEncipherment";
    assert_refused(&[signs_only.build()], CertificateError::KeyUsage { wanted });
}

#[test]
fn its_form_is_understood() {
    assert_refused(&[vec![0x30, 0].into()], CertificateError::Malformed);
    let whole = good().build();
    let trailing = [whole.as_ref(), &[0]].concat();
    assert_refused(&[trailing.into()], CertificateError::Malformed);
    let cut = whole[..whole.len() - 1].to_vec();
    assert_refused(&[cut.into()], CertificateError::Malformed);

    let mut unknown = good();
    unknown.unknown_critical = true;
    assert_refused(&[unknown.build()], CertificateError::UnsupportedKind);
    // Version 3 becomes version 2.
    let version_2 = replaced(&whole, &[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 1]);
    assert_refused(&[version_2], CertificateError::UnsupportedKind);
}

#[test]
fn signatures_are_never_sha1() {
    // sha256WithRSAEncryption becomes sha1WithRSAEncryption.
    let oid = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
    let sha1 = replaced(&good().build(), &oid(11), &oid(5));
    assert_refused(&[sha1], CertificateError::UnsupportedSignature);
}

#[test]
fn the_key_is_rsa_of_an_accepted_length() {
    let pem = std::fs::read(format!(
        "{}/tests/data/ec-p256.pub",
        env!("CARGO_MANIFEST_DIR")
    ));
    let mut elliptic = good();
    elliptic.public_key = SubjectPublicKeyInfoOwned::from_pem(pem.unwrap()).unwrap();
    assert_refused(&[elliptic.build()], CertificateError::NotRsa);

    let mut short = good();
    short.public_key = pki::public_key(&pki::key("rsa-1024").to_public_key());
    let bits = 1024;
    assert_refused(&[short.build()], CertificateError::KeySize { bits });

    // rsaEncryption becomes id-RSASSA-PSS: a key that may only sign.
    let oid = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
    let mut signs_only = good();
    signs_only.public_key = {
        use x509_cert::der::{Decode, Encode};
        let der = good().public_key.to_der().unwrap();
        SubjectPublicKeyInfoOwned::from_der(&replaced(&der, &oid(1), &oid(10))).unwrap()
    };
    assert_refused(&[signs_only.build()], CertificateError::NotRsa);
}

#[test]
fn a_self_signed_certificate_can_be_its_own_root() {
    let key = pki::key("rsa-2048");
    let mut own = good();
    own.issuer = own.subject;
    own.issuer_key = key.clone();
    assert_refused(&[own.build()], CertificateError::UnknownIssuer);

    let mut roots = premaster::RootStore::new();
    roots.add(&own.build()).unwrap();
    let client = premaster::ClientConfig::builder(roots)
        .random(common::rng(1))
        .time(now);
    pair(client, common::server_builder_with(own.certified(&key))).established();
}

#[test]
fn a_clients_certificate_is_judged_as_well() {
    let key = pki::key("rsa-2048-client");
    let refused = |change: &dyn Fn(&mut Spec), expected: CertificateError| {
        let mut spec = pki::client(&key);
        change(&mut spec);
        let mut pair = pair(
            client_builder().certificate(spec.certified(&key)),
            server_builder().client_auth(ClientAuth::Request(roots())),
        );
        let error = Error::from(expected);
        assert_eq!(pair.run(Chunks::Whole), Err(error.clone()));
        let alert = error.alert().unwrap().0;
        let told = said(&mut pair.server).pop().unwrap();
        assert_eq!(told, record(21, &[2, alert]));
    };
    refused(
        &|spec| spec.not_after = pki::NOW - 1,
        CertificateError::Expired,
    );
    refused(
        &|spec| spec.issuer = "CN=Stranger",
        CertificateError::UnknownIssuer,
    );
    refused(
        &|spec| spec.extended_key_usage = Some(vec![pki::SERVER_AUTH]),
        CertificateError::ExtendedKeyUsage,
    );
    refused(
        &|spec| spec.key_usage = Some(KeyUsages::KeyEncipherment.into()),
        CertificateError::KeyUsage {
            wanted: "digitalSignature",
        },
    );
}
