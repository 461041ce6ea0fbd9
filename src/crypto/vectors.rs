//! The cryptography against vectors from elsewhere; tests/data/README.md names their sources.
#![cfg(test)]

use super::cipher::gcm::GcmKey;
use super::cipher::{AuthenticatedHeader, Cipher, MacOrder, WriteKeys};
use super::rng::testing::Broken;
use super::rsa::{KEY_BITS, PublicKey};
use super::suite::Suite;
use crate::enums::{CipherSuite, ContentType, ProtocolVersion, SignatureScheme};
use serde_json::Value;

pub(crate) fn load(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap()
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

pub(crate) fn bytes(value: &Value, field: &str) -> Vec<u8> {
    let text = text(value, field);
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn array<const N: usize>(value: &Value, field: &str) -> [u8; N] {
    bytes(value, field).try_into().unwrap()
}

#[test]
fn aes_gcm() {
    let vectors = load("wycheproof/aes_gcm_test");
    let mut checked = 0;
    for group in list(&vectors, "testGroups") {
        // TLS has keys of 128 and 256 bits, nonces of 96 bits and no others.
        if group["keySize"] == 192 || group["ivSize"] != 96 {
            continue;
        }
        for test in list(group, "tests") {
            for key in GcmKey::engines(&bytes(test, "key")) {
                aes_gcm_case(test, &key);
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

fn aes_gcm_case(test: &Value, key: &GcmKey) {
    let nonce = array(test, "iv");
    let (aad, plaintext) = (bytes(test, "aad"), bytes(test, "msg"));
    let (ciphertext, tag) = (bytes(test, "ct"), array(test, "tag"));
    let valid = test["result"] == "valid";

    let mut buffer = ciphertext.clone();
    let opened = key.decrypt(nonce, &aad, &mut buffer, tag);
    assert_eq!(opened.is_ok(), valid, "{}", test["tcId"]);
    assert_eq!(buffer, if valid { &plaintext } else { &ciphertext }[..]);
    if valid {
        let mut sealed = Vec::new();
        key.encrypt(nonce, &aad, &plaintext, &mut sealed).unwrap();
        assert_eq!(sealed, [&ciphertext[..], &tag].concat());
    }
}

/// A record's cipher, and what it authenticates besides the plaintext.
fn protected(case: &Value) -> (Cipher, AuthenticatedHeader) {
    let suite = CipherSuite::from_name(text(case, "suite")).unwrap();
    let keys = WriteKeys {
        mac_key: &bytes(case, "mac_key"),
        key: &bytes(case, "key"),
        iv: &bytes(case, "iv"),
    };
    let header = AuthenticatedHeader {
        sequence: u64::from_be_bytes(array(case, "sequence")),
        typ: ContentType(u8::try_from(case["type"].as_u64().unwrap()).unwrap()),
        version: ProtocolVersion::TLS_1_2,
    };
    let suite = Suite::of(suite).unwrap();
    let cipher = Cipher::new(suite, keys, MacOrder::MacThenEncrypt, &Broken).unwrap();
    (cipher, header)
}

#[test]
fn records_with_ccm() {
    let vectors = load("record_ccm");
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 4 * 9);
    for case in cases {
        let (cipher, header) = protected(case);
        let (plaintext, mut fragment) = (bytes(case, "plaintext"), bytes(case, "fragment"));
        let mut sealed = Vec::new();
        cipher.seal(header, &plaintext, &mut sealed).unwrap();
        assert_eq!(sealed, fragment);
        assert_eq!(cipher.open(header, &mut fragment).unwrap(), plaintext);
    }
}

#[test]
fn rsa_signatures() {
    for (file, scheme) in [
        (
            "rsa_signature_2048_sha256",
            SignatureScheme::RSA_PKCS1_SHA256,
        ),
        (
            "rsa_signature_2048_sha384",
            SignatureScheme::RSA_PKCS1_SHA384,
        ),
        (
            "rsa_signature_2048_sha512",
            SignatureScheme::RSA_PKCS1_SHA512,
        ),
        (
            "rsa_signature_3072_sha256",
            SignatureScheme::RSA_PKCS1_SHA256,
        ),
        (
            "rsa_signature_3072_sha384",
            SignatureScheme::RSA_PKCS1_SHA384,
        ),
        (
            "rsa_signature_4096_sha256",
            SignatureScheme::RSA_PKCS1_SHA256,
        ),
        (
            "rsa_signature_4096_sha512",
            SignatureScheme::RSA_PKCS1_SHA512,
        ),
        (
            "rsa_pss_2048_sha256_mgf1_32",
            SignatureScheme::RSA_PSS_RSAE_SHA256,
        ),
        (
            "rsa_pss_2048_sha384_mgf1_48",
            SignatureScheme::RSA_PSS_RSAE_SHA384,
        ),
        (
            "rsa_pss_3072_sha256_mgf1_32",
            SignatureScheme::RSA_PSS_RSAE_SHA256,
        ),
        (
            "rsa_pss_4096_sha512_mgf1_64",
            SignatureScheme::RSA_PSS_RSAE_SHA512,
        ),
    ] {
        let vectors = load(&format!("wycheproof/{file}_test"));
        let mut checked = 0;
        for group in list(&vectors, "testGroups") {
            let key = PublicKey::from_pkcs1_der(&bytes(group, "publicKeyAsn"), &KEY_BITS).unwrap();
            for key in key.on_every_engine() {
                for test in list(group, "tests") {
                    let verified = key.verifies(scheme, &bytes(test, "msg"), &bytes(test, "sig"));
                    match text(test, "result") {
                        "valid" => assert!(verified, "{file} {}", test["tcId"]),
                        "invalid" => assert!(!verified, "{file} {}", test["tcId"]),
                        _ => {}
                    }
                    checked += 1;
                }
            }
        }
        assert!(checked > 50, "{file}: {checked}");
    }
}

#[test]
fn hmac() {
    use hmac::{Hmac, KeyInit, Mac};
    fn check<M: Mac + KeyInit>(file: &str) {
        let vectors = load(file);
        for group in list(&vectors, "testGroups") {
            let length = usize::try_from(group["tagSize"].as_u64().unwrap() / 8).unwrap();
            for test in list(group, "tests") {
                let mut mac = <M as KeyInit>::new_from_slice(&bytes(test, "key")).unwrap();
                mac.update(&bytes(test, "msg"));
                let tag = mac.finalize().into_bytes();
                let equal = tag[..length] == bytes(test, "tag")[..];
                assert_eq!(equal, test["result"] == "valid", "{file} {}", test["tcId"]);
            }
        }
    }
    check::<Hmac<sha2::Sha256>>("wycheproof/hmac_sha256_test");
    check::<Hmac<sha2::Sha384>>("wycheproof/hmac_sha384_test");
}
