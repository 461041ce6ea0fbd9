//! The cryptography against vectors from elsewhere; tests/data/README.md names their sources.
#![cfg(test)]

use super::aead::{AeadKey, EXPLICIT_NONCE, TAG};
use super::hash::{HashAlgorithm, HashValue};
use super::key_schedule::{MasterSecret, PreMasterSecret, Randoms, WriteKeys};
use super::rsa::{KEY_BITS, PublicKey};
use super::suite::Suite;
use crate::enums::{CipherSuite, SignatureScheme};
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    let text = text(value, field);
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn array<const N: usize>(value: &Value, field: &str) -> [u8; N] {
    bytes(value, field).try_into().unwrap()
}

/// A suite whose key block is as long as the vector's longest, with every part of it in use.
fn suite_with_mac(prf: HashAlgorithm) -> Suite {
    let gcm = Suite::of(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256).unwrap();
    Suite {
        id: gcm.id,
        prf,
        bulk: gcm.bulk,
        mac_key_length: 32,
        enc_key_length: 16,
        fixed_iv_length: 16,
    }
}

fn suite(prf: HashAlgorithm) -> &'static Suite {
    Suite::all().find(|suite| suite.prf == prf).unwrap()
}

#[test]
fn key_schedule() {
    let vectors = load("tls12_key_schedule");
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 24);
    for case in cases {
        let hash = match text(case, "hash") {
            "sha256" => HashAlgorithm::Sha256,
            "sha384" => HashAlgorithm::Sha384,
            other => panic!("{other}"),
        };
        let randoms = Randoms {
            client: array(case, "client_random"),
            server: array(case, "server_random"),
        };
        let pre_master_secret = PreMasterSecret(array(case, "pre_master_secret"));
        let master_secret = MasterSecret::derive(hash, &pre_master_secret, &randoms);
        assert_eq!(master_secret.as_bytes()[..], bytes(case, "master_secret"));

        let parts = |block: &super::key_schedule::KeyBlock| {
            let (client, server) = block.partition();
            let both = [client.mac_key, server.mac_key, client.key, server.key];
            [&both.concat()[..], client.iv, server.iv].concat()
        };
        assert_eq!(
            parts(&master_secret.key_block(suite(hash), &randoms)),
            bytes(case, "key_block_gcm")
        );
        assert_eq!(
            parts(&master_secret.key_block(&suite_with_mac(hash), &randoms)),
            bytes(case, "key_block_128_bytes")
        );

        // The vectors use session_hash as the hash of the handshake too.
        let session_hash = HashValue::new(&bytes(case, "session_hash"));
        let extended = MasterSecret::derive_extended(hash, &pre_master_secret, &session_hash);
        let expected = bytes(case, "extended_master_secret");
        assert_eq!(extended.as_bytes()[..], expected);
        let client = master_secret.client_verify_data(&session_hash);
        assert_eq!(client.0[..], bytes(case, "client_verify_data"));
        let server = master_secret.server_verify_data(&session_hash);
        assert_eq!(server.0[..], bytes(case, "server_verify_data"));

        let exporter = &case["exporter"];
        let context = bytes(exporter, "context");
        let context = (context.len().try_into().unwrap(), &context[..]);
        for (context, field) in [(Some(context), "output"), (None, "output_no_context")] {
            let expected = bytes(exporter, field);
            let mut output = vec![0; expected.len()];
            let label = text(exporter, "label").as_bytes();
            master_secret.export(label, &randoms, context, &mut output);
            assert_eq!(output, expected);
        }
    }
}

#[test]
fn extended_master_secret_of_nist() {
    let vectors = load("tls12_key_schedule");
    let case = &vectors["nist_acvp_rfc7627_case_1"];
    let hash = HashAlgorithm::Sha256;
    let master_secret = MasterSecret::derive_extended(
        hash,
        &PreMasterSecret(array(case, "pre_master_secret")),
        &HashValue::new(&bytes(case, "session_hash")),
    );
    let expected = bytes(case, "extended_master_secret");
    assert_eq!(master_secret.as_bytes()[..], expected);
    let randoms = Randoms {
        client: array(case, "client_random"),
        server: array(case, "server_random"),
    };
    let block = master_secret.key_block(&suite_with_mac(hash), &randoms);
    let (client, server) = block.partition();
    let both = [client.mac_key, server.mac_key, client.key, server.key];
    let block = [&both.concat()[..], client.iv, server.iv].concat();
    assert_eq!(block, bytes(case, "key_block_128_bytes"));
}

#[test]
fn the_parts_of_a_key_block_lie_in_the_order_of_the_rfc() {
    let randoms = Randoms {
        client: [1; 32],
        server: [2; 32],
    };
    let hash = HashAlgorithm::Sha256;
    let master_secret = MasterSecret::derive(hash, &PreMasterSecret([3; 48]), &randoms);
    let block = master_secret.key_block(&suite_with_mac(hash), &randoms);
    let (client, server) = block.partition();
    for side in [client, server] {
        let lengths = (side.mac_key.len(), side.key.len(), side.iv.len());
        assert_eq!(lengths, (32, 16, 16));
    }
    // A key block with MAC keys is not cut for an AEAD.
    assert!(AeadKey::new(suite(hash), client).is_none());
}

#[test]
fn aes_gcm() {
    let vectors = load("wycheproof/aes_gcm_test");
    let mut checked = 0;
    for group in list(&vectors, "testGroups") {
        let id = match group["keySize"].as_u64().unwrap() {
            128 => CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            256 => CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
            _ => continue,
        };
        // TLS has nonces of 96 bits and no others.
        if group["ivSize"] != 96 {
            continue;
        }
        for test in list(group, "tests") {
            let (key, iv) = (bytes(test, "key"), bytes(test, "iv"));
            let keys = WriteKeys {
                mac_key: &[],
                key: &key,
                iv: &iv[..4],
            };
            let key = AeadKey::new(Suite::of(id).unwrap(), keys).unwrap();
            let nonce: [u8; EXPLICIT_NONCE] = iv[4..].try_into().unwrap();
            let (aad, plaintext) = (bytes(test, "aad"), bytes(test, "msg"));
            let (ciphertext, tag): (_, [u8; TAG]) = (bytes(test, "ct"), array(test, "tag"));
            let valid = test["result"] == "valid";

            let mut buffer = ciphertext.clone();
            let opened = key.open(nonce, &aad, &mut buffer, tag);
            assert_eq!(opened.is_ok(), valid, "{}", test["tcId"]);
            assert_eq!(buffer, if valid { &plaintext } else { &ciphertext }[..]);
            if valid {
                let mut sealed = vec![0; plaintext.len()];
                assert_eq!(key.seal(nonce, &aad, &plaintext, &mut sealed), Ok(tag));
                assert_eq!(sealed, ciphertext);
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
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
