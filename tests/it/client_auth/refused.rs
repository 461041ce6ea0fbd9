//! Client certificates that are refused: the check, the certificate of the chain, and the alert, which
//! is all that the client learns.

use super::{hello, other_root, requiring};
use premaster::certificate::{Crls, Waiver};
use premaster::error::CertificateFault as Fault;
use premaster::pki_types::CertificateDer;
use premaster::protocol::AlertDescription;
use premaster::{CertificatePolicy, ClientAuth, Error};
use premaster_testing::by_hand::ClientByHand;
use premaster_testing::pki::{self, Algorithm, Authority, NOW, Spec};
use premaster_testing::{roots, server_builder};
use x509_cert::ext::pkix::KeyUsages;

/// A chain that does not pass one check.
struct Case {
    chain: Vec<CertificateDer<'static>>,
    policy: CertificatePolicy,
    is_expected: fn(&Fault) -> bool,
    /// Of the certificate that it is about.
    position: Option<usize>,
    alert: AlertDescription,
    waiver: Option<Waiver>,
}

fn strict() -> CertificatePolicy {
    roots().into()
}

fn good() -> Spec {
    pki::client(&pki::key("rsa-2048-client"))
}

/// The client's own certificate is at fault.
fn own(
    certificate: &Spec,
    is_expected: fn(&Fault) -> bool,
    alert: AlertDescription,
    waiver: Option<Waiver>,
) -> Case {
    Case {
        chain: vec![certificate.build()],
        policy: strict(),
        is_expected,
        position: Some(0),
        alert,
        waiver,
    }
}

/// A certificate above the client's own is at fault, or what it says.
fn above(
    chain: &[&Spec],
    is_expected: fn(&Fault) -> bool,
    position: usize,
    alert: AlertDescription,
) -> Case {
    Case {
        chain: chain.iter().map(|certificate| certificate.build()).collect(),
        policy: strict(),
        is_expected,
        position: Some(position),
        alert,
        waiver: Some(Waiver::PinnedCertificate),
    }
}

/// The good certificate is held against this list.
fn listed(list: &pki::Crl, is_expected: fn(&Fault) -> bool, alert: AlertDescription) -> Case {
    let mut lists = Crls::new();
    lists.add(&list.build()).unwrap();
    Case {
        policy: strict().crls(lists),
        ..own(&good(), is_expected, alert, None)
    }
}

fn own_certificates() -> Vec<Case> {
    use AlertDescription as Alert;
    let unsupported = Alert::UNSUPPORTED_CERTIFICATE;
    let p256 = pki::p256(3).public_key();
    let rsa_1024 = pki::key("rsa-1024");
    vec![
        own(
            &good().issued_by(&other_root()),
            |fault| matches!(fault, Fault::UnknownIssuer { .. }),
            Alert::UNKNOWN_CA,
            Some(Waiver::PinnedCertificate),
        ),
        own(
            &Spec {
                not_after: NOW - 1,
                ..good()
            },
            |fault| matches!(fault, Fault::Expired { .. }),
            Alert::CERTIFICATE_EXPIRED,
            Some(Waiver::OutsideValidity),
        ),
        own(
            &Spec {
                not_before: NOW + 1,
                ..good()
            },
            |fault| matches!(fault, Fault::NotYetValid { .. }),
            Alert::CERTIFICATE_EXPIRED,
            Some(Waiver::OutsideValidity),
        ),
        own(
            &Spec {
                damaged: true,
                ..good()
            },
            |fault| *fault == Fault::BadSignature,
            Alert::BAD_CERTIFICATE,
            Some(Waiver::PinnedCertificate),
        ),
        own(
            &Spec {
                algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
                ..good()
            },
            |fault| *fault == Fault::Sha1Signature,
            unsupported,
            Some(Waiver::Sha1Signature),
        ),
        own(
            &Spec {
                algorithm: Some(Algorithm::RSA_PKCS1_MD5),
                ..good()
            },
            |fault| matches!(fault, Fault::UnsupportedSignature { .. }),
            unsupported,
            Some(Waiver::PinnedCertificate),
        ),
        own(
            &Spec {
                ca: Some(true),
                ..good()
            },
            |fault| *fault == Fault::CaAsLeaf,
            unsupported,
            Some(Waiver::PinnedCertificate),
        ),
        own(
            &good().version_1(),
            |fault| *fault == Fault::Version { version: 1 },
            unsupported,
            Some(Waiver::Version1),
        ),
        own(
            &Spec {
                unknown_critical: true,
                ..good()
            },
            |fault| matches!(fault, Fault::CriticalExtension { .. }),
            unsupported,
            None,
        ),
        own(
            &Spec {
                public_key: p256,
                ..good()
            },
            |fault| matches!(fault, Fault::NotRsa { .. }),
            unsupported,
            None,
        ),
        own(
            &pki::client(&rsa_1024),
            |fault| *fault == Fault::KeySize { bits: 1024 },
            unsupported,
            Some(Waiver::ShortRsaKey),
        ),
        own(
            &Spec {
                key_usage: Some(KeyUsages::KeyEncipherment.into()),
                ..good()
            },
            |fault| matches!(fault, Fault::KeyUsage { wanted, .. } if *wanted == "digitalSignature"),
            unsupported,
            None,
        ),
        own(
            &Spec {
                extended_key_usage: Some(vec![pki::SERVER_AUTH]),
                ..good()
            },
            |fault| matches!(fault, Fault::ExtendedKeyUsage { wanted, .. } if *wanted == "clientAuth"),
            unsupported,
            Some(Waiver::ExtendedKeyUsage),
        ),
    ]
}

fn certificates_above() -> Vec<Case> {
    use AlertDescription as Alert;
    let plant = Authority::new("CN=Plant", pki::p256(1));
    let company = Authority::new("CN=Company", pki::p384(2));
    let weak = Authority::new("CN=Weak", pki::key("rsa-1024"));
    let own = good().issued_by(&plant);
    let no_ca = Spec {
        ca: Some(false),
        ..plant.certificate()
    };
    let plant_of_company = plant.certificate().issued_by(&company);
    let short = Spec {
        path_length: Some(0),
        ..company.certificate()
    };
    let constrained = Spec {
        permitted: vec![pki::dns_name("other.example")],
        ..plant.certificate()
    };
    let expired = Spec {
        not_after: NOW - 1,
        ..plant.certificate()
    };
    let many: Vec<_> =
        [&good()].into_iter().chain([&plant.certificate(); 10]).map(Spec::build).collect();
    vec![
        above(
            &[&own, &no_ca],
            |fault| *fault == Fault::NotACa,
            1,
            Alert::BAD_CERTIFICATE,
        ),
        above(
            &[&own, &plant_of_company, &short],
            |fault| *fault == Fault::PathLength,
            2,
            Alert::BAD_CERTIFICATE,
        ),
        above(
            &[&own, &constrained],
            |fault| *fault == Fault::NameConstraints,
            0,
            Alert::BAD_CERTIFICATE,
        ),
        Case {
            waiver: Some(Waiver::OutsideValidity),
            ..above(
                &[&own, &expired],
                |fault| matches!(fault, Fault::Expired { .. }),
                1,
                Alert::CERTIFICATE_EXPIRED,
            )
        },
        Case {
            waiver: Some(Waiver::ShortRsaKey),
            ..above(
                &[&good().issued_by(&weak), &weak.certificate()],
                |fault| *fault == Fault::IssuerKeySize { bits: 1024 },
                0,
                Alert::UNSUPPORTED_CERTIFICATE,
            )
        },
        // Its issuer is missing.
        above(
            &[&own, &plant_of_company],
            |fault| matches!(fault, Fault::UnknownIssuer { .. }),
            1,
            Alert::UNKNOWN_CA,
        ),
        Case {
            chain: many,
            position: None,
            waiver: Some(Waiver::LongChain),
            ..above(
                &[],
                |fault| {
                    matches!(
                        fault,
                        Fault::TooManyCertificates {
                            found: 11,
                            most: 10
                        }
                    )
                },
                0,
                Alert::CERTIFICATE_UNKNOWN,
            )
        },
        Case {
            chain: vec![vec![0x30, 0].into()],
            position: None,
            waiver: None,
            ..above(
                &[],
                |fault| *fault == Fault::Malformed,
                0,
                Alert::BAD_CERTIFICATE,
            )
        },
    ]
}

fn revoked_certificates() -> Vec<Case> {
    use AlertDescription as Alert;
    let list = || pki::crl(&Authority::root());
    let ended = pki::Crl {
        next_update: Some(NOW - 1),
        ..list()
    };
    let damaged = pki::Crl {
        damaged: true,
        ..list()
    };
    vec![
        listed(
            &list().revoking(&good()),
            |fault| *fault == Fault::Revoked,
            Alert::CERTIFICATE_REVOKED,
        ),
        listed(
            &pki::crl(&other_root()),
            |fault| *fault == Fault::RevocationUnknown,
            Alert::CERTIFICATE_UNKNOWN,
        ),
        listed(
            &ended,
            |fault| matches!(fault, Fault::CrlExpired { .. }),
            Alert::CERTIFICATE_UNKNOWN,
        ),
        listed(
            &damaged,
            |fault| *fault == Fault::CrlInvalid,
            Alert::CERTIFICATE_UNKNOWN,
        ),
    ]
}

#[test]
fn every_fault_ends_the_handshake_with_its_alert_and_nothing_else() {
    let cases = [
        own_certificates(),
        certificates_above(),
        revoked_certificates(),
    ];
    for case in cases.iter().flatten() {
        for client_auth in [
            ClientAuth::Request(case.policy.clone()),
            ClientAuth::Require(case.policy.clone()),
        ] {
            case.check(client_auth);
        }
    }
}

impl Case {
    #[track_caller]
    fn check(&self, client_auth: ClientAuth) {
        let server = server_builder().client_auth(client_auth);
        let mut visited = ClientByHand::new(server, &hello());
        let result = visited.send_certificates(&self.chain);
        let error = visited.assert_refused(result, self.alert);
        let Error::Certificate(refused) = &error else {
            panic!("{error:?}");
        };
        assert!((self.is_expected)(refused.fault()), "{error}");
        let position = refused.certificate().map(|id| id.position());
        assert_eq!(position, self.position, "{error}");
        assert_eq!(refused.waiver(), self.waiver, "{error}");
        let of_lists = *refused.fault() == Fault::RevocationUnknown;
        let of_lists = of_lists.then_some("Crls::allow_unknown_status");
        let setting = self.waiver.map(Waiver::setting).or(of_lists);
        assert_eq!(error.setting(), setting, "{error}");
    }
}

#[test]
fn the_error_says_which_certificate_it_was() {
    let mut visited = ClientByHand::new(requiring(roots()), &hello());
    let expired = Spec {
        not_after: NOW - 1,
        ..good()
    };
    let result = visited.send_certificates(&[expired.build()]);
    let error = visited.assert_refused(result, AlertDescription::CERTIFICATE_EXPIRED);
    assert_eq!(
        error.to_string(),
        "the peer's certificate was not accepted: certificate 0 (CN=Test Client, serial 2a): it \
         expired on 2027-01-15T07:59:59Z; the current time is 2027-01-15T08:00:00Z \
         (CertificatePolicy::accept_outside_validity would accept it)"
    );
}
