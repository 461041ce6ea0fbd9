//! Chains as devices in the field have them.

use super::scene::{Scene, intermediate, leaf_below, roots};
use premaster::pki_types::CertificateDer;
use premaster::pki_types::pem::PemObject;
use premaster::{CertificatePolicy, CertifiedKey, ClientConfig, RootStore, ServerConfig};
use premaster_testing::pki::{self, Spec};
use premaster_testing::{Pair, data, field, now, rng};
use std::fs;
use std::str::FromStr;
use std::sync::Arc;
use x509_cert::der::asn1::Any;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

#[test]
fn each_chain_is_judged_as_the_standard_says() {
    for case in field::chains() {
        let what = case.what;
        let chain: Vec<_> = case.chain.iter().map(|spec| spec.build()).collect();
        let scene = Scene::of(chain).under(roots(case.roots.clone()));
        match (scene.judge(), case.fault) {
            (Ok(session), None) => {
                assert!(session.waivers().is_empty(), "{what}");
                // What came is reported, and not the form of it.
                let reported = session.peer_certificates();
                assert!(
                    reported.iter().all(|der| scene.chain.contains(der)),
                    "{what}"
                );
                assert_eq!(reported[0], scene.chain[0], "{what}");
            }
            (Err(error), Some(fault)) => {
                let premaster::Error::Certificate(error) = error else {
                    panic!("{what}: {error:?}");
                };
                let text = error.fault().to_string();
                assert!(text.starts_with(fault), "{what}: {text}");
            }
            (Ok(_), Some(fault)) => panic!("{what}: accepted, but {fault}"),
            (Err(error), None) => panic!("{what}: {error}"),
        }
    }
}

/// Two certificates may look alike in the form in which a path is built. Each is only worth what
/// was signed of itself.
#[test]
fn a_signature_is_that_of_one_certificate() {
    let constrained = Spec {
        permitted: vec![pki::dns_name("server.example"), werk()],
        ..intermediate()
    };
    let free = Spec {
        permitted: vec![pki::dns_name("server.example")],
        ..intermediate()
    };
    let parts = |spec: &Spec| Vec::<Any>::from_der(&spec.build()).unwrap();
    // What the CA is free of, with the signature over what it is bound by.
    let forged = [&parts(&free)[..1], &parts(&constrained)[1..]].concat();
    let forged = CertificateDer::from(forged.to_der().unwrap());
    let outside = leaf_below();
    let inside = Spec {
        subject: "CN=plc-7,O=Werk,C=DE",
        ..leaf_below()
    };
    let constrained = constrained.build();
    let judge = |leaf: &Spec, authorities: &[&CertificateDer<'static>]| {
        let authorities = authorities.iter().copied().cloned();
        Scene::of([leaf.build()].into_iter().chain(authorities).collect()).judge()
    };
    judge(&inside, &[&constrained]).unwrap();
    judge(&outside, &[&free.build()]).unwrap();
    for authorities in [
        &[&forged][..],
        &[&constrained],
        &[&constrained, &forged],
        &[&forged, &constrained],
    ] {
        judge(&outside, authorities).unwrap_err();
    }
    for authorities in [[&constrained, &forged], [&forged, &constrained]] {
        let session = judge(&inside, &authorities).unwrap();
        assert_eq!(session.peer_certificates()[1], constrained);
    }
}

fn werk() -> GeneralName {
    GeneralName::DirectoryName(Name::from_str("O=Werk,C=DE").unwrap())
}

/// Files of programs that write certificates otherwise than most.
#[test]
fn files_of_the_field_are_accepted() {
    let read = |file: &str| fs::read(data("field").join(file)).unwrap();
    for (root, chain) in [
        ("root-printable.pem", "server.pem"),
        ("ca.pem", "sigalg-without-null.pem"),
        ("ca.pem", "critical-policies.pem"),
        ("root-printable.pem", "critical-policies.pem"),
    ] {
        let policy = CertificatePolicy::new(RootStore::from_pem(&read(root)).unwrap());
        let client = ClientConfig::builder(policy).rng(rng(1)).time_provider(now);
        let certified = CertifiedKey::from_pem(&read(chain), &read("server.key")).unwrap();
        let server = ServerConfig::builder(Arc::new(certified)).rng(rng(2)).time_provider(now);
        let pair = Pair::new(
            Arc::new(client.build().unwrap()),
            Arc::new(server.build().unwrap()),
            "device.test".try_into().unwrap(),
        );
        let pair = pair.established();
        let session = pair.client.connection.session().unwrap();
        assert!(session.waivers().is_empty(), "{chain}");
        let sent = CertificateDer::from_pem_slice(&read(chain)).unwrap();
        assert_eq!(session.peer_certificates(), [sent]);
    }
}
