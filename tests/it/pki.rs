//! The tests' own PKI: what others read in it and say about it.
//!
//! Where `openssl` is not installed, what it would say is not asked; where the environment says
//! `CI=true`, it has to be there.

use premaster::pki_types::alg_id;
use premaster_testing::Directory;
use premaster_testing::pki::{
    self, Algorithm, Authority, Crl, Hash, Key, NOW, Ocsp, Responder, Spec, Status, der,
};
use premaster_testing::program::{Ended, Program, is_ci, is_installed};
use std::process::Command;
use webpki::{BorrowedCertRevocationList, EndEntityCert};
use x509_parser::num_bigint::BigUint;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

/// `openssl` and a directory of its own.
struct OpenSsl(Directory);

impl OpenSsl {
    /// `None` where it is not installed. The name is the test's.
    #[track_caller]
    fn installed(test: &str) -> Option<Self> {
        if !is_installed("openssl") {
            assert!(!is_ci(), "openssl is not installed");
            return None;
        }
        Some(Self(Directory::create(&format!("pki-{test}"))))
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        self.0.write(file, content);
    }

    fn certificates(&self, file: &str, list: &[Spec]) {
        let pem = |spec: &Spec| pki::to_pem("CERTIFICATE", &spec.build());
        self.write(file, list.iter().map(pem).collect::<String>());
    }

    /// Runs a command, its words apart by one space, on the files.
    fn run(&self, command: &str) -> Ended {
        let mut openssl = Command::new("openssl");
        openssl.args(command.split(' ')).current_dir(self.0.root());
        Program::start(&mut openssl).wait()
    }

    /// Its verdict on `leaf.pem`, given `root.pem` and these other arguments: empty if it is good.
    fn verdict(&self, arguments: &str) -> String {
        let ended = self.run(&format!(
            "verify -attime {NOW} -auth_level 0 -CAfile root.pem{arguments} leaf.pem"
        ));
        if ended.status.success() {
            String::new()
        } else {
            ended.stderr
        }
    }
}

#[track_caller]
fn assert_says(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
}

fn server() -> Spec {
    pki::server(&pki::key("rsa-2048"))
}

/// A server certificate in which every field is used.
fn full() -> Spec {
    Spec {
        serial: vec![0x7f, 1, 2, 3],
        subject: "CN=server.example,CN=second.example,O=Plant",
        ca: Some(true),
        path_length: Some(3),
        extended_key_usage: Some(vec![pki::SERVER_AUTH, pki::ANY_PURPOSE]),
        other_names: vec![pki::uri("urn:plant:7"), pki::email("ops@plant.example")],
        permitted: vec![pki::dns_name("plant.example")],
        excluded: vec![pki::network([10, 0, 0, 0], [255, 0, 0, 0])],
        subject_key_id: Some(vec![0xab; 20]),
        authority_key_id: Some(vec![0xcd; 20]),
        extensions: vec![der::extension("1.3.6.1.4.1.55555.2", false, &der::null())],
        ..server()
    }
}

#[test]
fn every_algorithm_signs_and_a_damaged_signature_does_not_verify() {
    let Some(openssl) = OpenSsl::installed("algorithms") else {
        return;
    };
    let rsa = || Key::from(pki::key("rsa-2048-ca"));
    for (key, algorithm) in [
        (rsa(), Algorithm::RSA_PKCS1_SHA1),
        (rsa(), Algorithm::RSA_PKCS1_SHA256),
        (rsa(), Algorithm::RSA_PKCS1_SHA384),
        (rsa(), Algorithm::RSA_PKCS1_SHA512),
        (rsa(), Algorithm::RSA_PSS_SHA256),
        (rsa(), Algorithm::RSA_PSS_SHA384),
        (rsa(), Algorithm::RSA_PSS_SHA512),
        (pki::rsa(1023, 1).into(), Algorithm::RSA_PKCS1_SHA256),
        (pki::rsa(2047, 1).into(), Algorithm::RSA_PSS_SHA512),
        (pki::p256(1), Algorithm::ECDSA_SHA1),
        (pki::p256(1), Algorithm::ECDSA_SHA256),
        (pki::p256(1), Algorithm::ECDSA_SHA384),
        (pki::p256(1), Algorithm::ECDSA_SHA512),
        (pki::p384(1), Algorithm::ECDSA_SHA256),
        (pki::p384(1), Algorithm::ECDSA_SHA384),
    ] {
        let authority = Authority::new("CN=Authority", key);
        let root = authority.certificate().issued_by(&authority);
        openssl.certificates("root.pem", &[root]);
        let leaf = Spec {
            algorithm: Some(algorithm),
            ..server().issued_by(&authority)
        };
        openssl.certificates("leaf.pem", std::slice::from_ref(&leaf));
        assert_eq!(openssl.verdict(""), "", "{algorithm:?}");

        let damaged = Spec {
            damaged: true,
            ..leaf
        };
        openssl.certificates("leaf.pem", &[damaged]);
        assert_says(&openssl.verdict(""), &["certificate signature failure"]);
    }
}

#[test]
fn an_algorithm_can_be_in_name_only() {
    let inner = Spec {
        inner_algorithm: Some(Algorithm::RSA_PKCS1_SHA384),
        ..server()
    };
    let md5 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_MD5),
        ..server()
    };
    for (spec, inside, outside) in [
        (inner, "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.11"),
        (md5, "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.4"),
    ] {
        let der = spec.build();
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        let inner = &certificate.tbs_certificate.signature;
        assert_eq!(inner.algorithm.to_id_string(), inside);
        let outer = &certificate.signature_algorithm;
        assert_eq!(outer.algorithm.to_id_string(), outside);
    }
}

#[test]
fn every_field_is_read_as_it_was_meant() {
    let der = full().build();
    assert_eq!(der, full().build());
    let (rest, certificate) = X509Certificate::from_der(&der).unwrap();
    assert!(rest.is_empty());
    let unparsed: Vec<_> = certificate
        .extensions()
        .iter()
        .filter(|extension| {
            let parsed = extension.parsed_extension();
            parsed.unsupported() || matches!(parsed, ParsedExtension::ParseError { .. })
        })
        .map(|extension| extension.oid.to_id_string())
        .collect();
    assert_eq!(unparsed, ["1.3.6.1.4.1.55555.2"]);

    let Some(openssl) = OpenSsl::installed("fields") else {
        return;
    };
    openssl.certificates("leaf.pem", &[full()]);
    let text = openssl.run("x509 -noout -text -nameopt rfc2253 -in leaf.pem").stdout;
    assert_says(
        &text,
        &[
            "Version: 3 (0x2)",
            "(0x7f010203)",
            "Subject: CN=server.example,CN=second.example,O=Plant",
            "Issuer: CN=Test Root",
            "CA:TRUE, pathlen:3",
            "TLS Web Server Authentication, Any Extended Key Usage",
            "DNS:server.example, IP Address:127.0.0.1, URI:urn:plant:7, email:ops@plant.example",
            "Permitted:\n                  DNS:plant.example",
            "Excluded:\n                  IP:10.0.0.0/255.0.0.0",
            "1.3.6.1.4.1.55555.2",
            "AB:AB:AB",
            "CD:CD:CD",
        ],
    );
}

#[test]
fn the_first_version_is_made() {
    let der = server().version_1().build();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.version().0, 0);
    assert!(certificate.extensions().is_empty());
    // Versions that must not have extensions can have them all the same.
    for version in [1, 2] {
        let spec = Spec {
            version,
            ..server()
        };
        let der = spec.build();
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.version().0, u32::from(version) - 1);
        assert_eq!(certificate.extensions().len(), 4);
    }
}

#[test]
fn names_are_any_bytes() {
    for name in [
        der::name(""),
        der::name("OU=Two+CN=In One,O=\\#1"),
        der::common_name(b"a\0b\x1b[31m\n\xff"),
        der::common_name(&[b'x'; 5000]),
    ] {
        let spec = Spec {
            raw_subject: Some(name.clone()),
            raw_issuer: Some(name.clone()),
            ..server()
        };
        let der = spec.build();
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.subject().as_raw(), name);
        assert_eq!(certificate.issuer().as_raw(), name);
    }
}

#[test]
fn serial_numbers_are_any_bytes() {
    for serial in [vec![], vec![0], vec![0, 0, 1], vec![0x80], vec![0x7f; 40]] {
        let spec = Spec {
            serial: serial.clone(),
            ..server()
        };
        // Behind the headers of both sequences and the version.
        assert!(spec.build()[4 + 4 + 5..].starts_with(&der::integer(&serial)));
    }
}

#[test]
fn public_keys_are_of_any_length_and_kind() {
    let read = |public_key| {
        let der = Spec {
            public_key,
            ..server()
        }
        .build();
        EndEntityCert::try_from(&der).unwrap();
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        let key = certificate.public_key();
        let PublicKey::RSA(rsa) = key.parsed().unwrap() else {
            return (key.algorithm.algorithm.to_id_string(), 0);
        };
        let bits = BigUint::from_bytes_be(rsa.modulus).bits();
        (key.algorithm.algorithm.to_id_string(), bits)
    };
    let rsa = |bits| ("1.2.840.113549.1.1.1".to_owned(), bits);
    for bits in [1023, 1024, 2047] {
        let key = pki::rsa(bits, 1).to_public_key();
        assert_eq!(read(pki::public_key(&key)), rsa(bits as u64));
    }
    for bits in [512, 8192, 8193, 16384] {
        assert_eq!(read(pki::rsa_public_key(bits, &[3])), rsa(bits as u64));
    }
    for key in [pki::p256(1), pki::p384(1)] {
        let algorithm = "1.2.840.10045.2.1".to_owned();
        assert_eq!(read(key.public_key()), (algorithm, 0));
    }
    let foreign = pki::raw_public_key(alg_id::ED25519, &[7; 32]);
    assert_eq!(read(foreign), ("1.3.101.112".to_owned(), 0));
}

#[test]
fn a_subject_alt_name_is_absent_or_empty_or_of_other_kinds() {
    let nameless = Spec {
        dns: vec![],
        ip: vec![],
        ..server()
    };
    let empty = Spec {
        extensions: vec![pki::empty_subject_alt_name()],
        ..nameless.clone()
    };
    let other = Spec {
        other_names: vec![pki::uri("urn:plant:7")],
        ..nameless.clone()
    };
    for (spec, names) in [(nameless, None), (empty, Some(0)), (other, Some(1))] {
        let der = spec.build();
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        let found = certificate.subject_alternative_name().unwrap();
        assert_eq!(found.map(|found| found.value.general_names.len()), names);
    }
    let twice = Spec {
        extensions: vec![pki::empty_subject_alt_name()],
        ..server()
    };
    let der = twice.build();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert!(certificate.subject_alternative_name().is_err());
}

#[test]
fn chains_lead_to_the_root_and_cycles_nowhere() {
    let Some(openssl) = OpenSsl::installed("chains") else {
        return;
    };
    openssl.certificates("root.pem", &[pki::root()]);
    let judge = |chain: &[Spec]| {
        openssl.certificates("leaf.pem", &chain[..1]);
        openssl.certificates("others.pem", &chain[1..]);
        openssl.verdict(" -untrusted others.pem")
    };
    let good = pki::chain(server(), 4);
    assert_eq!(good.len(), 5);
    assert_eq!(judge(&good), "");
    assert_says(
        &judge(&good[..4]),
        &["unable to get local issuer certificate"],
    );

    let mut short = good.clone();
    short[4].path_length = Some(2);
    assert_says(&judge(&short), &["path length constraint exceeded"]);
    let mut constrained = good.clone();
    constrained[4].permitted = vec![pki::dns_name("plant.example")];
    assert_says(&judge(&constrained), &["permitted subtree violation"]);

    let leaf = server().issued_by(&Authority::intermediate(1));
    let [first, second] = pki::cycle();
    let cyclic = [leaf, first, second];
    assert_says(&judge(&cyclic), &["unable to get local issuer certificate"]);
    // The root vouches for the second one as well.
    let [leaf, first, second] = cyclic;
    let crossed = Authority::intermediate(2).certificate();
    assert_eq!(judge(&[leaf, first, crossed, second]), "");
}

#[test]
fn revocation_lists_are_believed() {
    let root = Authority::root();
    let good = pki::crl(&root);
    let revoked = good.clone().revoking(&server());
    for (list, expected) in [(&good, false), (&revoked, true)] {
        let der = list.build();
        let list =
            webpki::CertRevocationList::from(BorrowedCertRevocationList::from_der(&der).unwrap());
        assert_eq!(list.find_serial(&[42]).unwrap().is_some(), expected);
    }

    let Some(openssl) = OpenSsl::installed("lists") else {
        return;
    };
    openssl.certificates("root.pem", &[pki::root()]);
    openssl.certificates("leaf.pem", &[server()]);
    let verdict = |list: &Crl| {
        openssl.write("list.pem", pki::to_pem("X509 CRL", &list.build()));
        openssl.verdict(" -crl_check -CRLfile list.pem")
    };
    assert_eq!(verdict(&good), "");
    assert_says(&verdict(&revoked), &["certificate revoked"]);
    let damaged = Crl {
        damaged: true,
        ..good.clone()
    };
    assert_says(&verdict(&damaged), &["CRL signature failure"]);
    let expired = Crl {
        next_update: Some(NOW - 1),
        ..good
    };
    assert_says(&verdict(&expired), &["CRL has expired"]);

    let mut explained = revoked;
    explained.revoked[0].reason = Some(1);
    verdict(&explained);
    let text = openssl.run("crl -noout -text -in list.pem").stdout;
    let number = "X509v3 CRL Number: \n                1";
    assert_says(&text, &["Serial Number: 2A", "Key Compromise", number]);
}

#[test]
fn ocsp_responses_are_believed() {
    let Some(openssl) = OpenSsl::installed("ocsp") else {
        return;
    };
    openssl.certificates("root.pem", &[pki::root()]);
    openssl.certificates("leaf.pem", &[server()]);
    let verdict = |response: &Ocsp| {
        openssl.write("response.der", response.build());
        let hash = format!("{:?}", response.responses[0].hash).to_lowercase();
        // `-attime` is for the signature; the dates of a status are held against the clock.
        let ended = openssl.run(&format!(
            "ocsp -attime {NOW} -validity_period 10000000000 -respin response.der \
             -CAfile root.pem -issuer root.pem -{hash} -cert leaf.pem"
        ));
        ended.stdout + &ended.stderr
    };
    let good = pki::ocsp(&server());
    assert_says(&verdict(&good), &["Response verify OK", "leaf.pem: good"]);

    let by_key = Ocsp {
        responder: Responder::ByKey(Authority::root().key.id()),
        ..good.clone()
    };
    assert_says(&verdict(&by_key), &["Response verify OK", "leaf.pem: good"]);
    for hash in [Hash::Sha1, Hash::Sha256] {
        let mut revoked = good.clone();
        let reason = Some(4);
        revoked.responses[0].status = Status::Revoked { at: NOW, reason };
        revoked.responses[0].hash = hash;
        let said = ["Response verify OK", "leaf.pem: revoked", "superseded"];
        assert_says(&verdict(&revoked), &said);
    }
    let mut unknown = good.clone();
    unknown.responses[0].status = Status::Unknown;
    assert_says(&verdict(&unknown), &["leaf.pem: unknown"]);

    let key = pki::key("rsa-2048-client");
    let delegated = good.clone().delegated(&pki::responder(&key), key.clone());
    assert_says(
        &verdict(&delegated),
        &["Response verify OK", "leaf.pem: good"],
    );
    let stranger = good.clone().delegated(&pki::client(&key), key);
    assert_says(&verdict(&stranger), &["Response Verify Failure"]);

    let damaged = Ocsp {
        damaged: true,
        ..good.clone()
    };
    assert_says(&verdict(&damaged), &["Response Verify Failure"]);
    let later = Ocsp {
        status: Ocsp::TRY_LATER,
        ..good
    };
    assert_eq!(later.build(), [0x30, 3, 0x0a, 1, 3]);
    assert_says(&verdict(&later), &["Responder Error: trylater (3)"]);
}
