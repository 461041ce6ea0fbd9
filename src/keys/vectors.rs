//! The derivation of secrets and keys against vectors from elsewhere; tests/data/README.md names
//! their sources.
#![cfg(test)]

use super::traffic::KeyBlock;
use super::{MasterSecret, Randoms, Side};
use crate::crypto::hash::{HashAlgorithm, HashValue};
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::suite::Suite;
use crate::crypto::vectors::{array, bytes, list, load, text};
use crate::enums::CipherSuite;

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

/// The whole key block, put together from its parts.
fn key_block(master_secret: &MasterSecret, suite: &Suite, randoms: &Randoms) -> Vec<u8> {
    let block = KeyBlock::derive(master_secret, suite, randoms).unwrap();
    let (client, server) = block.partition().unwrap();
    let parts = [client.mac_key, server.mac_key, client.key, server.key];
    [&parts.concat()[..], client.iv, server.iv].concat()
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

        for (suite, field) in [
            (suite(hash), "key_block_gcm"),
            (&suite_with_mac(hash), "key_block_128_bytes"),
        ] {
            let block = key_block(&master_secret, suite, &randoms);
            assert_eq!(block, bytes(case, field));
        }

        // The vectors also use session_hash as the hash of the handshake.
        let session_hash = HashValue::new(&bytes(case, "session_hash"));
        let extended = MasterSecret::derive_extended(hash, &pre_master_secret, &session_hash);
        let expected = bytes(case, "extended_master_secret");
        assert_eq!(extended.as_bytes()[..], expected);
        let client = master_secret.verify_data(Side::Client, &session_hash);
        assert_eq!(client.0[..], bytes(case, "client_verify_data"));
        let server = master_secret.verify_data(Side::Server, &session_hash);
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
    let block = key_block(&master_secret, &suite_with_mac(hash), &randoms);
    assert_eq!(block, bytes(case, "key_block_128_bytes"));
}
