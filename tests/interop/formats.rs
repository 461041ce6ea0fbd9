//! Files as OpenSSL writes them, in each of its formats, and its requests for a certificate.

use crate::Trials;
use crate::client;
use crate::exchange::expect_failure;
use crate::files::{Files, other_root};
use crate::openssl::OpenSsl;
use crate::peer::{Offer, Peer, Settings, connect_to};
use premaster::certificate::{Crls, certificates_from_bytes};
use premaster::error::{CertificateWithheld, ConfigError, KeyEncryption, Told};
use premaster::session::CertificateAnswer;
use premaster::{CertifiedKey, Error, RootStore, RsaKey};
use premaster_testing::pki::{Authority, Spec, crl, to_pem};
use premaster_testing::{client_builder, lasting};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const PASSWORD: &str = "pass:premaster";

pub fn add_trials(trials: &mut Trials) {
    for (name, test) in [
        ("certificates", certificates as fn(&Files)),
        ("bundles", bundles),
        ("lists", lists),
        ("keys", keys),
        ("encrypted_keys", encrypted_keys),
        ("pkcs12", pkcs12),
        ("authority::other_string", authority_in_another_string),
        ("authority::withheld", authority_of_somebody_else),
    ] {
        trials.add(OpenSsl.server(), format!("openssl::files::{name}"), test);
    }
}

/// What OpenSSL writes into this file with these arguments.
fn openssl<A: AsRef<OsStr>>(files: &Files, name: &str, arguments: &[A]) -> Vec<u8> {
    let out = files.path(&format!("formats-{name}"));
    let mut command = Command::new("openssl");
    let ended = command.args(arguments).arg("-out").arg(&out).output().unwrap();
    assert!(ended.status.success(), "{command:?}: {ended:?}");
    fs::read(out).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One certificate in each form.
fn certificates(files: &Files) {
    let root = files.root_certificate();
    let read = ["x509", "-in", path(&root)];
    let expected = vec![lasting::root().build()];
    for (name, options) in [
        ("pem", &[][..]),
        ("text", &["-text"]),
        ("der", &["-outform", "DER"]),
        ("trusted", &["-trustout"]),
        (
            "trusted-alias",
            &["-trustout", "-setalias", "root", "-addtrust", "serverAuth"],
        ),
        (
            "rejecting-mail",
            &["-trustout", "-addreject", "emailProtection"],
        ),
    ] {
        let bytes = openssl(files, name, &[&read, options].concat());
        assert_eq!(
            certificates_from_bytes(&bytes).as_ref(),
            Ok(&expected),
            "{name}"
        );
        RootStore::from_bytes(&bytes).unwrap();
    }
    for (name, options) in [
        ("trusted-mail", ["-addtrust", "emailProtection"]),
        ("rejecting", ["-addreject", "serverAuth"]),
    ] {
        let bytes = openssl(files, name, &[&read[..], &["-trustout"], &options].concat());
        let refused = RootStore::from_bytes(&bytes).unwrap_err();
        assert_eq!(refused, ConfigError::NotTrusted { position: 1 }, "{name}");
    }
    let key = files.server_key();
    let request = ["req", "-new", "-subj", "/CN=x", "-key", path(&key)];
    let refused = certificates_from_bytes(&openssl(files, "request", &request)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no certificate; the file has a certificate request"
    );
}

/// `crl2pkcs7` makes bundles of certificates and lists.
fn bundles(files: &Files) {
    let list = list(files);
    let own = (files.server_certificate(), files.root_certificate());
    let make = [
        "crl2pkcs7",
        "-certfile",
        path(&own.0),
        "-certfile",
        path(&own.1),
    ];
    for (name, options) in [
        ("bundle", &["-nocrl"][..]),
        ("bundle-der", &["-nocrl", "-outform", "DER"]),
        ("bundle-list", &["-in", path(&list)]),
    ] {
        let bytes = openssl(files, name, &[&make, options].concat());
        let mut read = certificates_from_bytes(&bytes).unwrap();
        assert_eq!(read.len(), 2, "{name}");
        assert!(read.contains(&lasting::root().build()));
        RootStore::from_bytes(&bytes).unwrap();
        let key = fs::read(files.server_key()).unwrap();
        let certified = CertifiedKey::from_bytes(&bytes, &key).unwrap();
        assert_eq!(certified.chain()[0], lasting::server().build());
        assert_eq!(Crls::from_bytes(&bytes).is_ok(), name == "bundle-list");
        // As OpenSSL itself unpacks it.
        let packed = files.path(&format!("formats-{name}"));
        let form = if bytes[0] == 0x30 { "DER" } else { "PEM" };
        let print = [
            "pkcs7",
            "-print_certs",
            "-inform",
            form,
            "-in",
            path(&packed),
        ];
        let mut printed = certificates_from_bytes(&openssl(files, "printed", &print)).unwrap();
        read.sort_by_key(|own| own.to_vec());
        printed.sort_by_key(|own| own.to_vec());
        assert_eq!(read, printed);
    }
}

/// A list of the test root's.
fn list(files: &Files) -> PathBuf {
    let mut list = crl(&Authority::root());
    list.this_update = lasting::root().not_before;
    list.next_update = Some(lasting::root().not_after);
    files.write(
        "formats-list.pem",
        to_pem("X509 CRL", &list.build()).as_bytes(),
    )
}

fn lists(files: &Files) {
    let list = list(files);
    let read = ["crl", "-in", path(&list)];
    for (name, options) in [
        ("list", &[][..]),
        ("list-text", &["-text"]),
        ("list-der", &["-outform", "DER"]),
    ] {
        Crls::from_bytes(&openssl(files, name, &[&read, options].concat())).unwrap();
    }
}

/// Keys that are not encrypted, in each form.
fn keys(files: &Files) {
    let key = files.server_key();
    for (name, arguments) in [
        ("key-pkcs8", &["pkey"][..]),
        ("key-text", &["pkey", "-text"]),
        ("key-pkcs8-der", &["pkey", "-outform", "DER"]),
        ("key-pkcs1", &["rsa", "-traditional"]),
        ("key-pkcs1-der", &["rsa", "-traditional", "-outform", "DER"]),
    ] {
        let bytes = openssl(files, name, &[arguments, &["-in", path(&key)]].concat());
        CertifiedKey::from_bytes(&fs::read(files.server_certificate()).unwrap(), &bytes).unwrap();
    }
    let public = openssl(files, "public", &["pkey", "-pubout", "-in", path(&key)]);
    let refused = RsaKey::from_bytes(&public).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no private key; the file has a public key"
    );
}

fn encrypted_keys(files: &Files) {
    let key = files.server_key();
    let read = ["-in", path(&key), "-passout", PASSWORD];
    let few = ["-iter", "2048"];
    for (name, arguments, encryption) in [
        (
            "topk8",
            [&["pkcs8", "-topk8"], &few[..]].concat(),
            KeyEncryption::Pkcs8,
        ),
        (
            "topk8-der",
            [&["pkcs8", "-topk8", "-outform", "DER"], &few[..]].concat(),
            KeyEncryption::Pkcs8,
        ),
        (
            "topk8-scrypt",
            vec!["pkcs8", "-topk8", "-scrypt", "-scrypt_N", "1024"],
            KeyEncryption::Pkcs8,
        ),
        // What `genrsa -aes256` writes.
        ("aes256", vec!["rsa", "-aes256"], KeyEncryption::Pkcs8),
        (
            "traditional",
            vec!["rsa", "-aes256", "-traditional"],
            KeyEncryption::Traditional,
        ),
    ] {
        let bytes = openssl(files, name, &[&arguments[..], &read].concat());
        let error = ConfigError::EncryptedKey { encryption };
        assert_eq!(RsaKey::from_bytes(&bytes).unwrap_err(), error, "{name}");
        #[cfg(feature = "encrypted-keys")]
        {
            let decrypted = RsaKey::from_encrypted(&bytes, b"premaster");
            assert_eq!(
                decrypted.is_ok(),
                encryption == KeyEncryption::Pkcs8,
                "{name}"
            );
        }
    }
    // The command that the error names.
    let traditional = files.path("formats-traditional");
    let convert = [
        "pkcs8", "-topk8", "-passin", PASSWORD, "-passout", PASSWORD, "-in",
    ];
    let bytes = openssl(
        files,
        "converted",
        &[&convert[..], &[path(&traditional)]].concat(),
    );
    let encryption = KeyEncryption::Pkcs8;
    let error = ConfigError::EncryptedKey { encryption };
    assert_eq!(RsaKey::from_bytes(&bytes).unwrap_err(), error);
    let converted = files.path("formats-converted");
    let decrypt = ["pkcs8", "-passin", PASSWORD, "-in", path(&converted)];
    RsaKey::from_bytes(&openssl(files, "decrypted", &decrypt)).unwrap();
}

/// A PKCS #12 file is told, and what OpenSSL unpacks from it is read with its attributes.
fn pkcs12(files: &Files) {
    let (own, key) = (files.server_certificate(), files.server_key());
    let root = files.root_certificate();
    let pack = [
        "pkcs12",
        "-export",
        "-in",
        path(&own),
        "-inkey",
        path(&key),
        "-certfile",
    ];
    let options = [path(&root), "-name", "own", "-passout", PASSWORD];
    let packed = openssl(files, "packed.p12", &[&pack[..], &options].concat());
    let refused = CertifiedKey::from_bytes(&packed, &packed).unwrap_err();
    assert!(refused.to_string().contains("openssl pkcs12 -in FILE -nodes -out NEW"));

    let packed = files.path("formats-packed.p12");
    let unpack = [
        "pkcs12",
        "-in",
        path(&packed),
        "-nodes",
        "-passin",
        PASSWORD,
    ];
    let unpacked = openssl(files, "unpacked", &unpack);
    assert!(String::from_utf8_lossy(&unpacked).contains("Bag Attributes"));
    let certified = CertifiedKey::from_bytes(&unpacked, &unpacked).unwrap();
    assert_eq!(
        certified.chain(),
        [lasting::server().build(), lasting::root().build()]
    );
}

/// An `s_server` that requires a certificate and lists this CA.
fn listing<'f>(files: &'f Files, authority: &Spec, name: &str) -> impl Fn(u16) -> Command + 'f {
    let listed = files.write(name, lasting::pem(authority).as_bytes());
    move |port| {
        let settings = Settings::offer(Offer::Defaults).with_client_certificate();
        let mut command = OpenSsl.server_command(port, settings, files);
        // It lists what is in the last such file, and verifies with the other.
        command.arg("-CAfile").arg(&listed);
        command.arg("-verifyCAfile").arg(files.root_certificate());
        command
    }
}

/// OpenSSL lists "CN=Test Root" in a PrintableString, in capitals; the certificate's issuer is a
/// UTF8String.
fn authority_in_another_string(files: &Files) {
    let listed = Spec {
        raw_subject: Some(printable("TEST  root")),
        ..lasting::root()
    };
    let command = listing(files, &listed, "formats-printable.pem");
    let config = client_builder().certificate(files.client.clone());
    let stream = client::session_with(&OpenSsl, command, config);
    let session = stream.connection().session().unwrap();
    let answer = session.requested_certificate().unwrap().answer();
    assert!(matches!(answer, CertificateAnswer::Sent(_)), "{answer:?}");
}

/// A Name with one common name as PrintableString.
fn printable(text: &str) -> Vec<u8> {
    use premaster_testing::pki::der::{SET, sequence, tlv};
    let attribute = sequence(&[b"\x06\x03\x55\x04\x03", &tlv(0x13, &[text.as_bytes()])]);
    sequence(&[&tlv(SET, &[&attribute])])
}

/// A server that lists a CA which has nothing to do with its clients.
fn authority_of_somebody_else(files: &Files) {
    let listed = Spec {
        not_before: lasting::root().not_before,
        not_after: lasting::root().not_after,
        ..other_root().certificate().issued_by(&other_root())
    };
    let command = listing(files, &listed, "formats-other.pem");
    let config = || client_builder().certificate(files.client.clone());
    let (mut refused, _program) = connect_to(&command, config());
    let failure = expect_failure(&mut refused);
    let Error::AlertReceived {
        moment: Some(moment),
        ..
    } = &failure
    else {
        panic!("{failure}");
    };
    match moment.told() {
        Some(Told::NoCertificate {
            reason: CertificateWithheld::Authority,
            authorities,
            ..
        }) => assert_eq!(authorities.as_str(), "CN=Other Root"),
        _ => panic!("{failure}"),
    }
    let config = config().ignore_requested_authorities();
    let stream = client::session_with(&OpenSsl, command, config);
    let session = stream.connection().session().unwrap();
    let answer = session.requested_certificate().unwrap().answer();
    let CertificateAnswer::SentRegardless(sent) = answer else {
        panic!("{answer:?}");
    };
    assert!(Arc::ptr_eq(sent, &files.client));
}
