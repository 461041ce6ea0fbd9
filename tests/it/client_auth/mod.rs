//! Client authentication: what a server requests, what a client answers and proves, and what
//! the server then knows of it.

mod choice;
mod modes;
mod peer;
mod policies;
mod proof;
mod refused;
mod request;

use pki::{Authority, Spec};
use premaster::certificate::ClientAuthorities;
use premaster::{CertificatePolicy, CertifiedKey, ClientAuth, RootStore, ServerConfigBuilder};
use premaster_testing::wire::{Hello, hello_with, split_vector, vector};
use premaster_testing::{pki, roots, server_builder};
use std::sync::{Arc, LazyLock};

/// The algorithms that a server lists by default: RSA with PSS, then with PKCS#1 v1.5.
const DEFAULT_ALGORITHMS: [u16; 6] = [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

const SHA1: u16 = 0x0201;

const SIGNATURE_ALGORITHMS: u16 = 13;

/// A server that requires a certificate by this policy.
fn requiring(policy: impl Into<CertificatePolicy>) -> ServerConfigBuilder {
    server_builder().client_auth(ClientAuth::Require(policy.into()))
}

/// A server that requires a certificate by this policy, and names no CAs.
fn requiring_of_anybody(policy: impl Into<CertificatePolicy>) -> ServerConfigBuilder {
    requiring(policy).client_authorities(ClientAuthorities::None)
}

/// Another root, which the servers of these tests do not know unless they are told.
fn other_root() -> Authority {
    Authority::new("CN=Other Root", pki::key("rsa-3072"))
}

/// Its own certificate.
fn other_root_certificate() -> Spec {
    other_root().certificate().issued_by(&other_root())
}

/// The other root alone.
fn other_roots() -> RootStore {
    let mut roots = RootStore::new();
    roots.add(&other_root_certificate().build()).unwrap();
    roots
}

/// Both roots.
fn both_roots() -> RootStore {
    let mut both = roots();
    both.add(&other_root_certificate().build()).unwrap();
    both
}

/// The test client's key under a certificate of the other root's.
fn foreign_certified() -> Arc<CertifiedKey> {
    static MADE: LazyLock<Arc<CertifiedKey>> = LazyLock::new(|| {
        let key = pki::key("rsa-2048-client");
        let certificate = Spec {
            subject: "CN=Foreign Client",
            ..pki::client(&key)
        };
        certificate.issued_by(&other_root()).certified(&key)
    });
    MADE.clone()
}

/// A chain with its key, every certificate as it is given.
fn certified_chain(chain: &[Spec], key: &str) -> Arc<CertifiedKey> {
    let chain = chain.iter().map(Spec::build).collect();
    let key = pki::private_key(&pki::key(key));
    Arc::new(CertifiedKey::from_der(chain, &key).unwrap())
}

/// Every certificate in the body of a Certificate message.
#[track_caller]
fn certificates(body: &[u8]) -> Vec<Vec<u8>> {
    let (mut list, after) = split_vector(3, body);
    assert!(after.is_empty());
    let mut certificates = Vec::new();
    while !list.is_empty() {
        let (certificate, rest) = split_vector(3, list);
        certificates.push(certificate.to_vec());
        list = rest;
    }
    certificates
}

/// The hello of a client that knows all algorithms.
fn hello() -> Hello {
    let algorithms = DEFAULT_ALGORITHMS.map(u16::to_be_bytes).concat();
    hello_with(&[(SIGNATURE_ALGORITHMS, &vector(2, &algorithms))])
}

/// The hello of a client that does not say which algorithms it knows.
fn hello_without_algorithms() -> Hello {
    hello_with(&[])
}
