//! Files as people have them: the same certificates, lists and keys in every format, and what an
//! error tells of the others.

use premaster::certificate::{Crls, certificates_from_bytes};
use premaster::error::{FileContents, FileItem, KeyAlgorithm, KeyEncryption, PemFault};
use premaster::pki_types::CertificateDer;
use premaster::rand_core::Rng;
use premaster::{CertifiedKey, ConfigError, RootStore, RsaKey};
use premaster_testing::pki::der::{self, SEQUENCE, SET, constructed, sequence, tlv};
use premaster_testing::pki::{Authority, Spec, crl, server, to_pem};
use premaster_testing::{data, rng};
use std::sync::Arc;

const OID_SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const OID_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const OID_SERVER_AUTH: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
const OID_EMAIL: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x04";
const OID_ANY_PURPOSE: &[u8] = b"\x06\x04\x55\x1d\x25\x00";

fn file(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

fn root() -> CertificateDer<'static> {
    premaster_testing::pki::root().build()
}

fn leaf() -> CertificateDer<'static> {
    server(&premaster_testing::pki::key("rsa-2048")).build()
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    to_pem("CERTIFICATE", certificate)
}

fn list() -> Vec<u8> {
    crl(&Authority::root()).build()
}

fn found(items: &[FileItem]) -> FileContents {
    items.iter().copied().collect()
}

/// A PKCS #7 bundle of these certificates and lists.
fn bundle(certificates: &[&[u8]], lists: &[&[u8]]) -> Vec<u8> {
    let signed_data = sequence(&[
        &der::integer(&[1]),
        &tlv(SET, &[]),
        &sequence(&[OID_DATA]),
        &tlv(constructed(0), certificates),
        &tlv(constructed(1), lists),
        &tlv(SET, &[]),
    ]);
    sequence(&[OID_SIGNED_DATA, &tlv(constructed(0), &[&signed_data])])
}

/// The ways in which two certificates stand in a file.
fn files_of_two() -> Vec<(&'static str, Vec<u8>)> {
    let (one, two) = (leaf(), root());
    let plain = pem(&one) + &pem(&two);
    let crlf = plain.replace('\n', "\r\n");
    let bag = "Bag Attributes\n    friendlyName: -----\nKey Attributes: <No Attributes>\n\
               subject=CN = Test Server\nissuer=CN = Test Root\n";
    let relabelled = |label: &str| plain.replace("CERTIFICATE", label);
    let bundle = bundle(&[&one, &two], &[]);
    vec![
        ("plain", plain.clone().into()),
        ("CRLF", crlf.clone().into()),
        ("CR", plain.replace('\n', "\r").into()),
        ("mark", format!("\u{feff}{plain}").into()),
        (
            "marks of joined files",
            format!("\u{feff}{}\u{feff}{}", pem(&one), pem(&two)).into(),
        ),
        ("mark, CRLF", format!("\u{feff}{crlf}").into()),
        ("spaces, tabs", plain.replace('\n', " \t \n").into()),
        ("indented", plain.replace('\n', "\n\t  ").into()),
        ("empty lines", plain.replace('\n', "\n\n").into()),
        ("one line of base64", {
            let flat = |certificate| {
                let (head, rest) = certificate_lines(certificate);
                format!("{head}\n{}", rest.replace('\n', "")).replace("-----END", "\n-----END")
            };
            (flat(pem(&one)) + "\n" + &flat(pem(&two))).into()
        }),
        ("no padding", plain.replace('=', "").into()),
        ("no last newline", plain.trim_end().into()),
        (
            "attributes",
            format!("{bag}{}{bag}{}", pem(&one), pem(&two)).into(),
        ),
        ("X509 CERTIFICATE", relabelled("X509 CERTIFICATE").into()),
        (
            "TRUSTED CERTIFICATE",
            relabelled("TRUSTED CERTIFICATE").into(),
        ),
        (
            "with a key, a request of another program and parameters",
            format!(
                "{}{}-----BEGIN PGP SIGNATURE-----\n\n=?\n-----END PGP SIGNATURE-----\n{}{}",
                String::from_utf8(file("rsa-2048.key")).unwrap(),
                pem(&one),
                to_pem("EC PARAMETERS", b"\x06\x01\x2a"),
                pem(&two)
            )
            .into(),
        ),
        ("PKCS7", to_pem("PKCS7", &bundle).into()),
        ("CMS", to_pem("CMS", &bundle).into()),
        (
            "PKCS #7 SIGNED DATA",
            to_pem("PKCS #7 SIGNED DATA", &bundle).into(),
        ),
        ("PKCS #7 of Windows", to_pem("CERTIFICATE", &bundle).into()),
        ("PKCS #7 in DER", bundle),
    ]
}

/// The BEGIN line, and the rest.
fn certificate_lines(pem: String) -> (String, String) {
    let (head, rest) = pem.split_once('\n').unwrap();
    (head.to_owned(), rest.to_owned())
}

#[test]
fn certificates_are_read_however_they_stand_in_a_file() {
    let expected = [leaf(), root()];
    for (format, bytes) in files_of_two() {
        let read = certificates_from_bytes(&bytes);
        assert_eq!(read.as_deref(), Ok(&expected[..]), "{format}");
        RootStore::from_bytes(&bytes).unwrap();
        // The key stands with them in one of the files.
        let certified = CertifiedKey::from_bytes(&bytes, &file("rsa-2048.key")).unwrap();
        assert_eq!(certified.chain(), expected, "{format}");
        let is_text = bytes[0] != SEQUENCE;
        assert_eq!(RootStore::from_pem(&bytes).is_ok(), is_text, "{format}");
    }
    let mut padded = root().to_vec();
    for end in [&b""[..], b"\n", b"\r\n"] {
        padded.extend(end);
        assert_eq!(certificates_from_bytes(&padded), Ok(vec![root()]));
    }
}

#[test]
fn lists_are_read_however_they_stand_in_a_file() {
    let plain = to_pem("X509 CRL", &list());
    for bytes in [
        plain.clone().into_bytes(),
        format!("\u{feff}{}", plain.replace('\n', " \r\n")).into(),
        to_pem("CRL", &list()).into(),
        list(),
        bundle(&[&root()], &[&list()]),
        to_pem("PKCS7", &bundle(&[], &[&list()])).into(),
    ] {
        Crls::from_bytes(&bytes).unwrap();
    }
    let only_certificate = Crls::from_bytes(&root()).unwrap_err();
    let found = found(&[FileItem::Certificate]);
    assert_eq!(only_certificate, ConfigError::NoCrls { found });
    let text = only_certificate.to_string();
    assert_eq!(text, "there is no CRL; the file has a certificate");
}

#[test]
fn keys_are_read_however_they_stand_in_a_file() {
    use rsa::pkcs1::EncodeRsaPrivateKey;
    let pkcs8 = String::from_utf8(file("rsa-2048.key")).unwrap();
    let key = premaster_testing::pki::key("rsa-2048");
    let pkcs1 = key.to_pkcs1_der().unwrap();
    let pkcs1_pem = to_pem("RSA PRIVATE KEY", pkcs1.as_bytes());
    let pkcs8_der = premaster_testing::pki::private_key(&key);
    for bytes in [
        pkcs8.clone().into_bytes(),
        format!("\u{feff}{}", pkcs8.replace('\n', "\t\r\n")).into(),
        pkcs8_der.secret_der().to_vec(),
        pkcs1.as_bytes().to_vec(),
        pkcs1_pem.clone().into(),
        // A label that belongs to the other form.
        to_pem("PRIVATE KEY", pkcs1.as_bytes()).into(),
        to_pem("RSA PRIVATE KEY", pkcs8_der.secret_der()).into(),
        // Headers of a key that is not encrypted.
        pkcs1_pem.replace("KEY-----\nM", "KEY-----\nX-Comment: none\n\nM").into(),
        (to_pem("EC PARAMETERS", b"\x06\x01\x2a") + &pkcs8).into(),
    ] {
        let key = RsaKey::from_bytes(&bytes).unwrap();
        assert_eq!(key.modulus_length(), 256);
    }
}

/// What else stands in a file, and what the error tells.
#[test]
fn an_error_tells_what_was_found() {
    use FileItem as Item;
    let pkcs12 = sequence(&[
        &der::integer(&[3]),
        &sequence(&[OID_DATA, &tlv(constructed(0), &[])]),
    ]);
    let request = sequence(&[
        &sequence(&[
            &der::integer(&[0]),
            &sequence(&[]),
            &sequence(&[]),
            &tlv(constructed(0), &[]),
        ]),
        &sequence(&[]),
        &der::bit_string(&[1]),
    ]);
    let public_key = sequence(&[&sequence(&[]), &der::bit_string(&[1])]);
    let utf16: Vec<u8> = "\u{feff}-----BEGIN".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, items) in [
        (vec![], &[][..]),
        (b"no PEM".to_vec(), &[Item::PlainText]),
        (utf16, &[Item::Utf16]),
        (vec![0x30, 0x82, 0xff], &[Item::Binary]),
        (request.clone(), &[Item::CertificateRequest]),
        (
            to_pem("NEW CERTIFICATE REQUEST", &request).into(),
            &[Item::CertificateRequest],
        ),
        (public_key.clone(), &[Item::PublicKey]),
        (to_pem("PUBLIC KEY", &public_key).into(), &[Item::PublicKey]),
        (to_pem("RSA PUBLIC KEY", &[]).into(), &[Item::PublicKey]),
        (list(), &[Item::Crl]),
        (pkcs12.clone(), &[Item::Pkcs12]),
        (
            to_pem("OPENSSH PRIVATE KEY", b"openssh").into(),
            &[Item::OpenSshKey],
        ),
        (
            to_pem("DH PARAMETERS", &[0x30, 0]).into(),
            &[Item::Parameters],
        ),
        (to_pem("SOMETHING", &[0x30, 0]).into(), &[Item::Other]),
        (bundle(&[], &[]), &[Item::Pkcs7]),
        (
            (to_pem("X509 CRL", &list()) + &to_pem("PUBLIC KEY", &public_key)).into(),
            &[Item::Crl, Item::PublicKey],
        ),
    ] {
        let found = found(items);
        let error = ConfigError::NoCertificateFound { found };
        assert_eq!(certificates_from_bytes(&bytes), Err(error));
        assert_eq!(RootStore::from_bytes(&bytes).unwrap_err(), error);
        let error = ConfigError::NoKey { found };
        assert_eq!(RsaKey::from_bytes(&bytes).unwrap_err(), error);
    }
    let error = certificates_from_bytes(&pkcs12).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no certificate; the file has a PKCS #12 file \
         (openssl pkcs12 -in FILE -nodes -out NEW converts it)"
    );
}

#[test]
fn der_and_pem_are_told_apart_where_only_one_is_expected() {
    let key = premaster_testing::pki::private_key(&premaster_testing::pki::key("rsa-2048"));
    let key_error = RsaKey::from_pem(key.secret_der()).unwrap_err();
    assert_eq!(
        key_error.to_string(),
        "there is no private key; the file has a private key in DER, which from_bytes reads"
    );
    let certificate = CertifiedKey::from_pem(&leaf(), &file("rsa-2048.key")).unwrap_err();
    let found = certificates_from_bytes(key.secret_der()).unwrap_err();
    assert!(matches!(
        certificate,
        ConfigError::NoCertificateFound { .. }
    ));
    assert!(certificate.to_string().ends_with("which from_bytes reads"));
    assert!(!found.to_string().ends_with("which from_bytes reads"));
    assert!(Crls::from_pem(&list()).unwrap_err().to_string().ends_with("from_bytes reads"));

    let pem_as_der = CertificateDer::from(pem(&leaf()).into_bytes());
    let error = ConfigError::PemInsteadOfDer;
    assert_eq!(RootStore::new().add(&pem_as_der).unwrap_err(), error);
    assert_eq!(
        CertifiedKey::without_key(vec![pem_as_der]).unwrap_err(),
        error
    );
    assert_eq!(
        Crls::new().add(to_pem("X509 CRL", &list()).as_bytes()),
        Err(error)
    );
    let pem_key = premaster::pki_types::PrivatePkcs8KeyDer::from(file("rsa-2048.key"));
    assert_eq!(RsaKey::from_der(&pem_key.into()).unwrap_err(), error);
}

#[test]
fn faults_of_pem_text_are_told_with_their_line() {
    let good = pem(&leaf());
    let end = good.lines().count();
    for (text, line, fault) in [
        (good.replacen("-----\n", "----\n", 1), 1, PemFault::Begin),
        (
            good.replacen("BEGIN CERTIFICATE", "BEGIN ", 1),
            1,
            PemFault::Begin,
        ),
        (good.replace('\n', "\\n"), 1, PemFault::Begin),
        (
            format!("text\n{}", good.replace("-----END", "")),
            2,
            PemFault::NoEnd,
        ),
        (
            good.replace("-----END CERTIFICATE-----", "") + &good,
            1,
            PemFault::NoEnd,
        ),
        (
            good.replace("END CERTIFICATE", "END KEY"),
            end,
            PemFault::End,
        ),
        (
            good.replace("END CERTIFICATE-----", "END CERTIFICATE"),
            end,
            PemFault::End,
        ),
        (
            format!("\n\n{}", good.replacen("\nM", "\n!", 1)),
            3,
            PemFault::Base64,
        ),
        // A colon inside is no header.
        (
            good.replacen("\nMII", "\nMII:", 1).replacen(':', "A\n:", 1),
            1,
            PemFault::Base64,
        ),
        (
            to_pem("CERTIFICATE", &[]).replace("-----END", "QQ=Q\n-----END"),
            1,
            PemFault::Base64,
        ),
        (
            format!("{good}{}", good.replace("\nM", "\n M=")),
            end + 1,
            PemFault::Base64,
        ),
    ] {
        let bad = Err(ConfigError::BadPem { line, fault });
        assert_eq!(certificates_from_bytes(text.as_bytes()), bad, "{text}");
    }
}

#[test]
fn items_that_cannot_be_parsed_are_told_with_their_position() {
    let text = pem(&root()) + &to_pem("CERTIFICATE", b"\x30\x00");
    let bad = |position, item| ConfigError::BadItem { position, item };
    assert_eq!(
        RootStore::from_bytes(text.as_bytes()).unwrap_err(),
        bad(2, FileItem::Certificate)
    );
    let cut_off = bundle(&[b"\x30\x05\x00"], &[]);
    for bundle in [
        cut_off,
        sequence(&[OID_SIGNED_DATA, &tlv(constructed(0), &[])]),
        to_pem("PKCS7", &[0x30, 0]).into(),
    ] {
        let refused = certificates_from_bytes(&bundle);
        assert_eq!(refused, Err(bad(1, FileItem::Pkcs7)));
    }
}

/// `TRUSTED CERTIFICATE` carries OpenSSL's settings for roots.
#[test]
fn the_settings_of_a_trusted_certificate_are_kept() {
    let trust = |oids: &[&[u8]]| sequence(oids);
    let reject = |oids: &[&[u8]]| tlv(constructed(0), oids);
    let alias = tlv(0x0c, &[b"alias"]);
    for (settings, trusted) in [
        (vec![], true),
        (sequence(&[]), true),
        (sequence(&[&alias]), true),
        (sequence(&[&trust(&[OID_SERVER_AUTH])]), true),
        (
            sequence(&[&trust(&[OID_EMAIL, OID_ANY_PURPOSE]), &alias]),
            true,
        ),
        (sequence(&[&trust(&[]), &alias]), false),
        (sequence(&[&trust(&[OID_EMAIL])]), false),
        (sequence(&[&reject(&[OID_EMAIL])]), true),
        (sequence(&[&reject(&[OID_SERVER_AUTH]), &alias]), false),
        (
            sequence(&[&trust(&[OID_SERVER_AUTH]), &reject(&[OID_ANY_PURPOSE])]),
            false,
        ),
        (vec![1, 2, 3], false),
    ] {
        let der = [&root()[..], &settings].concat();
        let text = pem(&leaf()) + &to_pem("TRUSTED CERTIFICATE", &der);
        let store = RootStore::from_bytes(text.as_bytes());
        let error = ConfigError::NotTrusted { position: 2 };
        assert_eq!(store.err(), (!trusted).then_some(error), "{settings:02x?}");
        // It is a certificate of this side's own chain in any case.
        assert_eq!(
            certificates_from_bytes(text.as_bytes()),
            Ok(vec![leaf(), root()])
        );
    }
    // Only that label allows anything behind the certificate.
    let behind = [&root()[..], &sequence(&[])].concat();
    assert!(RootStore::from_bytes(to_pem("CERTIFICATE", &behind).as_bytes()).is_err());
}

#[test]
fn keys_that_cannot_be_used_are_told_by_their_algorithm() {
    let pkcs8 = |oid: &[u8]| {
        let algorithm = sequence(&[&tlv(6, &[oid])]);
        sequence(&[&der::integer(&[0]), &algorithm, &tlv(4, &[b"key"])])
    };
    let integers = |count| sequence(&vec![&der::integer(&[0])[..]; count]);
    for (bytes, algorithm) in [
        (file("ec-p256.key"), KeyAlgorithm::Ec),
        (pkcs8(b"\x2a\x86\x48\xce\x3d\x02\x01"), KeyAlgorithm::Ec),
        (
            sequence(&[&der::integer(&[1]), &tlv(4, &[b"key"])]),
            KeyAlgorithm::Ec,
        ),
        (to_pem("EC PRIVATE KEY", b"?").into(), KeyAlgorithm::Ec),
        (pkcs8(b"\x2b\x65\x70"), KeyAlgorithm::EdDsa),
        (pkcs8(b"\x2b\x65\x71"), KeyAlgorithm::EdDsa),
        (pkcs8(b"\x2a\x86\x48\xce\x38\x04\x01"), KeyAlgorithm::Dsa),
        (integers(6), KeyAlgorithm::Dsa),
        (
            pkcs8(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"),
            KeyAlgorithm::RsaPss,
        ),
        (pkcs8(b"\x2a"), KeyAlgorithm::Other),
    ] {
        let error = ConfigError::NotRsa { algorithm };
        assert_eq!(RsaKey::from_bytes(&bytes).unwrap_err(), error);
    }
    assert_eq!(
        RsaKey::from_bytes(&integers(9)).unwrap_err(),
        ConfigError::BadKey
    );
    let ec = Spec {
        public_key: premaster_testing::pki::p256(1).public_key(),
        ..server(&premaster_testing::pki::key("rsa-2048"))
    };
    let algorithm = KeyAlgorithm::Ec;
    let refused = CertifiedKey::without_key(vec![ec.build()]).unwrap_err();
    assert_eq!(refused, ConfigError::NotRsa { algorithm });
    assert_eq!(
        refused.to_string(),
        "found an EC key; RSA key transport needs an RSA key"
    );
}

const ENCRYPTED: [&str; 3] = [
    "encrypted-pbkdf2",
    "encrypted-pbkdf2-sha1",
    "encrypted-scrypt",
];

fn encrypted(name: &str) -> Vec<u8> {
    file(&format!("files/{name}.key"))
}

#[test]
fn an_encrypted_key_is_told_without_its_password() {
    for name in ENCRYPTED {
        let error = ConfigError::EncryptedKey {
            encryption: KeyEncryption::Pkcs8,
        };
        let key = encrypted(name);
        assert_eq!(RsaKey::from_bytes(&key).unwrap_err(), error);
        assert_eq!(RsaKey::from_pem(&key).unwrap_err(), error);
        let both = CertifiedKey::from_pem(pem(&leaf()).as_bytes(), &key);
        assert_eq!(both.unwrap_err(), error);
        let text = error.to_string();
        assert!(text.starts_with("the private key is encrypted: RsaKey::from_encrypted"));
    }
    let traditional = encrypted("encrypted-traditional");
    let error = ConfigError::EncryptedKey {
        encryption: KeyEncryption::Traditional,
    };
    for key in [
        String::from_utf8(traditional.clone()).unwrap(),
        String::from_utf8(traditional).unwrap().replace('\n', " \r\n"),
    ] {
        assert_eq!(RsaKey::from_bytes(key.as_bytes()).unwrap_err(), error);
    }
    assert!(error.to_string().contains("openssl pkcs8 -topk8"));
}

#[cfg(feature = "encrypted-keys")]
#[test]
fn an_encrypted_key_is_read_with_its_password() {
    let plain = RsaKey::from_bytes(&file("rsa-2048.key")).unwrap();
    let id = premaster::PrivateKey::key_id(&plain);
    let read = |name: &str| RsaKey::from_encrypted(&encrypted(name), b"premaster");
    for name in ENCRYPTED {
        let key = read(name).unwrap();
        assert_eq!(premaster::PrivateKey::key_id(&key), id);
        let chain = certificates_from_bytes(&leaf()).unwrap();
        CertifiedKey::with_key(chain, Arc::new(key)).unwrap();
        for wrong in [&b""[..], b"Premaster", b"premaster\n"] {
            let refused = RsaKey::from_encrypted(&encrypted(name), wrong);
            assert_eq!(refused.unwrap_err(), ConfigError::WrongPassword);
        }
    }
    // In DER too, and a key that is not encrypted.
    RsaKey::from_encrypted(&file("rsa-2048.key"), b"premaster").unwrap();
    let unsupported = ConfigError::UnsupportedKeyEncryption;
    for name in ["encrypted-3des", "encrypted-pbes1"] {
        assert_eq!(read(name).unwrap_err(), unsupported, "{name}");
    }
    let encryption = KeyEncryption::Traditional;
    let traditional = read("encrypted-traditional").unwrap_err();
    assert_eq!(traditional, ConfigError::EncryptedKey { encryption });
}

/// The file decides about the work, so the work has a limit.
#[cfg(feature = "encrypted-keys")]
#[test]
fn the_work_for_an_encrypted_key_is_bounded() {
    let costly = ConfigError::CostlyKeyDerivation;
    let refused = RsaKey::from_encrypted(&encrypted("encrypted-scrypt-costly"), b"premaster");
    assert_eq!(refused.unwrap_err(), costly);

    let pbkdf2 = |iterations: &[u8]| {
        let kdf = sequence(&[
            b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c",
            &sequence(&[&tlv(4, &[b"saltsalt"]), &der::unsigned(iterations)]),
        ]);
        encrypted_with(&kdf)
    };
    let scrypt = |cost: &[u8], block_size: &[u8]| {
        let kdf = sequence(&[
            b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x04\x0b",
            &sequence(&[
                &tlv(4, &[b"saltsalt"]),
                &der::unsigned(cost),
                &der::unsigned(block_size),
                &der::unsigned(&[1]),
            ]),
        ]);
        encrypted_with(&kdf)
    };
    let read = |der: Vec<u8>| RsaKey::from_encrypted(&der, b"premaster").unwrap_err();
    // 10,000,001 iterations.
    assert_eq!(read(pbkdf2(&[0x98, 0x96, 0x81])), costly);
    assert_eq!(read(pbkdf2(&[1])), ConfigError::WrongPassword);
    // 128 * 2^20 * 3 bytes.
    assert_eq!(read(scrypt(&[0x10, 0, 0], &[3])), costly);
    assert_eq!(read(scrypt(&[0xff; 8], &[0xff, 0xff])), costly);
    assert_eq!(read(scrypt(&[4], &[1])), ConfigError::WrongPassword);
}

/// An EncryptedPrivateKeyInfo that no password decrypts.
#[cfg(feature = "encrypted-keys")]
fn encrypted_with(kdf: &[u8]) -> Vec<u8> {
    let cipher = sequence(&[
        b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a",
        &tlv(4, &[&[0; 16]]),
    ]);
    let pbes2 = sequence(&[
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d",
        &sequence(&[kdf, &cipher]),
    ]);
    sequence(&[&pbes2, &tlv(4, &[&[0; 32]])])
}

#[test]
fn a_chain_is_put_in_order() {
    let specs = premaster_testing::pki::chain(server(&premaster_testing::pki::key("rsa-2048")), 2);
    let mut chain: Vec<_> = specs.iter().map(Spec::build).collect();
    chain.push(root());
    let stranger = Authority::intermediate(9).certificate().build();
    let key = || Arc::new(RsaKey::from_bytes(&file("rsa-2048.key")).unwrap());
    let all = [chain, vec![stranger]].concat();
    let pick =
        |order: &[usize]| -> Vec<_> { order.iter().map(|index| all[*index].clone()).collect() };
    for (given, sent) in [
        (&[0, 1, 2, 3][..], &[0, 1, 2, 3][..]),
        (&[3, 2, 1, 0], &[0, 1, 2, 3]),
        (&[2, 0, 3, 1], &[0, 1, 2, 3]),
        (&[0, 3, 2, 1], &[0, 1, 2, 3]),
        (&[1, 2, 0], &[0, 1, 2]),
        // Without the one between them, the leaf comes first and the others keep their order.
        (&[3, 2, 0], &[0, 3, 2]),
        (&[0, 0, 1, 1, 2], &[0, 1, 2, 0, 1]),
        (&[4, 1, 0], &[0, 1, 4]),
        (&[0], &[0]),
    ] {
        let with_key = CertifiedKey::with_key(pick(given), key()).unwrap();
        assert_eq!(with_key.chain(), pick(sent), "{given:?}");
    }
    // Without the key, the leaf is the one that issued none of the others.
    for (given, sent) in [
        (&[0, 1, 2, 3][..], &[0, 1, 2, 3][..]),
        (&[3, 2, 1, 0], &[0, 1, 2, 3]),
        (&[2, 0, 3, 1], &[0, 1, 2, 3]),
        // Two could be the leaf: the first one is.
        (&[0, 4], &[0, 4]),
    ] {
        let without_key = CertifiedKey::without_key(pick(given)).unwrap();
        assert_eq!(without_key.chain(), pick(sent), "{given:?}");
    }
    let other = CertifiedKey::with_key(pick(&[1, 2, 3]), key()).unwrap_err();
    assert_eq!(other, ConfigError::KeyMismatch);
}

/// Files that a program, or an attacker, has cut and changed.
#[test]
fn no_bytes_make_a_reader_panic() {
    let mut random = rng(13);
    let mut files: Vec<_> = files_of_two().into_iter().map(|(_, bytes)| bytes).collect();
    files.extend([
        list(),
        leaf().to_vec(),
        file("rsa-2048.key"),
        encrypted("encrypted-pbkdf2"),
    ]);
    let read = |bytes: &[u8]| {
        let _ = RootStore::from_bytes(bytes).is_ok();
        let _ = certificates_from_bytes(bytes).is_ok();
        let _ = Crls::from_bytes(bytes).is_ok();
        // Reading a whole key computes with it.
        if bytes.len() < 256 {
            let _ = RsaKey::from_bytes(bytes).is_ok();
        }
    };
    let mut below = |most: usize| random.next_u32() as usize % most;
    for bytes in &files {
        for _ in 0..60 {
            read(&bytes[..below(bytes.len())]);
            let mut changed = bytes.clone();
            for _ in 0..=below(3) {
                let at = below(changed.len());
                changed[at] = [below(256) as u8, b'-', b'\n', 0x30, 0x80, 0xff][below(6)];
            }
            read(&changed);
            read(&changed[below(changed.len())..]);
        }
    }
    for length in 0..200 {
        let noise: Vec<_> = (0..length).map(|_| below(256) as u8).collect();
        read(&noise);
        let text: Vec<_> = (0..length).map(|_| b"-BEGIN \n\r:=A"[below(12)]).collect();
        read(&text);
        let framed = [
            b"-----BEGIN PRIVATE KEY-----\n",
            &text[..],
            b"\n-----END PRIVATE KEY-----",
        ];
        read(&framed.concat());
        RsaKey::from_bytes(&framed.concat()).unwrap_err();
    }
}
