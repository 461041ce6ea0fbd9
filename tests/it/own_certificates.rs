//! What the builders warn of: certificates of this side's own that peers probably refuse.

use premaster::certificate::{
    CertificateFlaw as Flaw, CertificateSet, CertificateWarning, CertificatesByName,
};
use premaster::pki_types::UnixTime;
use premaster::{CertifiedKey, ServerConfig};
use premaster_testing::pki::{
    self, Algorithm, Authority, CLIENT_AUTH, DAY, NOW, SERVER_AUTH, Spec,
};
use premaster_testing::{client_builder, server_builder, server_builder_with};
use std::sync::Arc;
use std::time::Duration;
use x509_cert::ext::pkix::KeyUsages;

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn server() -> Spec {
    pki::server(&pki::key("rsa-2048"))
}

fn certified(chain: &[Spec]) -> Arc<CertifiedKey> {
    let chain = chain.iter().map(Spec::build).collect();
    Arc::new(CertifiedKey::without_key(chain).unwrap())
}

/// The positions and the flaws.
fn flaws(warnings: &[CertificateWarning]) -> Vec<(usize, String)> {
    let flaw = |warning: &CertificateWarning| {
        assert!(warning.to_string().ends_with(&warning.flaw().to_string()));
        (
            warning.certificate().position(),
            format!("{:?}", warning.flaw()),
        )
    };
    warnings.iter().map(flaw).collect()
}

#[track_caller]
fn assert_server_flaws(chain: &[Spec], expected: &[(usize, Flaw)]) {
    let warnings = server_builder_with(certified(chain)).warnings();
    let expected: Vec<_> =
        expected.iter().map(|(position, flaw)| (*position, format!("{flaw:?}"))).collect();
    assert_eq!(flaws(&warnings), expected);
}

#[test]
fn a_good_certificate_needs_no_warning() {
    assert_server_flaws(&[server()], &[]);
    assert_server_flaws(&pki::chain(server(), 2), &[]);
    assert!(server_builder().warnings().is_empty());
    let client = client_builder().certificate(premaster_testing::client_certified());
    assert!(client.warnings().is_empty());
    assert!(client_builder().warnings().is_empty());
}

#[test]
fn what_clients_refuse_is_told_of_a_servers_certificate() {
    let name = pki::email("a@server.example");
    for (spec, flaw) in [
        (
            Spec {
                not_after: NOW - 1,
                ..server()
            },
            Flaw::Expired {
                not_after: at(NOW - 1),
            },
        ),
        (
            Spec {
                not_before: NOW + 1,
                ..server()
            },
            Flaw::NotYetValid {
                not_before: at(NOW + 1),
            },
        ),
        (
            Spec {
                dns: vec![],
                ip: vec![],
                ..server()
            },
            Flaw::NoNames,
        ),
        (
            Spec {
                dns: vec![],
                ip: vec![],
                other_names: vec![name],
                ..server()
            },
            Flaw::NoNames,
        ),
        (
            Spec {
                ca: Some(true),
                ..server()
            },
            Flaw::CaAsLeaf,
        ),
        (
            Spec {
                algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
                ..server()
            },
            Flaw::Sha1Signature,
        ),
    ] {
        assert_server_flaws(&[spec], &[(0, flaw)]);
    }
    let usage = Spec {
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        extended_key_usage: Some(vec![CLIENT_AUTH]),
        ..server()
    };
    let [first, second] = &server_builder_with(certified(&[usage])).warnings()[..] else {
        panic!("not two");
    };
    assert_eq!(
        first.to_string(),
        "certificate 0 (CN=Test Server, serial 2a): its keyUsage lacks keyEncipherment; it has \
         Digital Signature"
    );
    assert_eq!(
        second.flaw().to_string(),
        "its extendedKeyUsage lacks serverAuth; it has clientAuth"
    );
    // No extensions: the version, and no names.
    assert_server_flaws(
        &[server().version_1()],
        &[(0, Flaw::NoNames), (0, Flaw::Version1)],
    );
    // A moment that is still inside.
    let ends_now = Spec {
        not_after: NOW,
        not_before: NOW,
        ..server()
    };
    assert_server_flaws(&[ends_now], &[]);
}

#[test]
fn what_servers_refuse_is_told_of_a_clients_certificate() {
    let client = || pki::client(&pki::key("rsa-2048-client"));
    let nameless = Spec {
        dns: vec![],
        ..client()
    };
    let for_servers = Spec {
        key_usage: Some(KeyUsages::KeyEncipherment.into()),
        extended_key_usage: Some(vec![SERVER_AUTH]),
        not_after: NOW - DAY / 2,
        ..client()
    };
    let with =
        |spec: Spec| client_builder().certificate(spec.certified(&pki::key("rsa-2048-client")));
    assert!(with(nameless).warnings().is_empty());
    let warnings = with(for_servers).warnings();
    let flaws: Vec<_> = warnings.iter().map(|warning| warning.flaw().to_string()).collect();
    assert_eq!(
        flaws,
        [
            "its keyUsage lacks digitalSignature; it has Key Encipherment",
            "its extendedKeyUsage lacks clientAuth; it has serverAuth",
            "it expired on 2027-01-14T20:00:00Z",
        ]
    );
}

#[test]
fn the_whole_chain_is_looked_at() {
    let mut chain = pki::chain(server(), 1);
    chain[1].not_after = NOW - 1;
    let expired = Flaw::Expired {
        not_after: at(NOW - 1),
    };
    assert_server_flaws(&chain, &[(1, expired)]);

    let short = Authority::new("CN=Short", pki::key("rsa-1024"));
    let chain = [server().issued_by(&short), short.certificate()];
    assert_server_flaws(&chain, &[(1, Flaw::KeySize { bits: 1024 })]);

    let stranger = Authority::intermediate(9).certificate();
    assert_server_flaws(&[server(), stranger], &[(1, Flaw::NotTheIssuer)]);

    // Nobody looks at the signature of a root.
    let root = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..pki::root()
    };
    assert_server_flaws(&[server(), root], &[]);
}

#[test]
fn the_certificates_of_a_resolver_are_looked_at() {
    let good = premaster_testing::certified(2048);
    let expired = certified(&[Spec {
        not_after: NOW - 1,
        ..server()
    }]);
    let set = CertificateSet::new(good)
        .name("one.example", &expired)
        .and_then(|set| set.name("two.example", &expired));
    let resolver = Arc::new(CertificatesByName::new(set.unwrap()));
    let builder =
        ServerConfig::builder_with_resolver(resolver).time_provider(premaster_testing::now);
    let [warning] = &builder.warnings()[..] else {
        panic!("not one");
    };
    assert!(matches!(warning.flaw(), Flaw::Expired { .. }));
}
