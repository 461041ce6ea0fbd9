//! purecrypto: `TLS_RSA_WITH_*` with CBC, since it has no such suite with GCM. What it takes for a full
//! handshake is comparable, as two small records are all that the cipher has to do with it.

use crate::certificates::Credentials;
use crate::common::{Cipher, NAME};
use crate::contender::{Contender, Taken};
use crate::support::Side;
use purecrypto::rng::OsRng;
use purecrypto::rsa::BoxedRsaPrivateKey;
use purecrypto::tls::{
    Config, ConfigBuilder, Connection, ProtocolVersion, RootCertStore, SigningKey,
};
use rsa::PrivateKey as RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;

/// Full handshakes.
pub struct PureCryptoPair {
    client: Config,
    server: Config,
    suite: u16,
}

impl PureCryptoPair {
    pub fn full(credentials: &Credentials, cipher: Cipher) -> Self {
        // RFC 5246 appendix A.5: with HMAC-SHA-256.
        let suite = match cipher {
            Cipher::Aes128Sha256 => 0x003c,
            Cipher::Aes256Sha384 => 0x003d,
        };
        let mut roots = RootCertStore::new();
        roots.add_der(certificate(&credentials.root)).unwrap();
        let key = SigningKey::Rsa(private_key(credentials.key));
        let chain = vec![certificate(&credentials.certificate)];
        Self {
            client: config(suite).roots(roots).server_name(NAME).build(),
            server: config(suite).identity(chain, key).build(),
            suite,
        }
    }
}

impl Contender for PureCryptoPair {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        let mut client = taken.by(Side::Client, || Connection::client(&self.client).unwrap());
        let mut server = taken.by(Side::Server, || Connection::server(&self.server).unwrap());
        let mut wire = taken.by(Side::Client, || client.pop().unwrap());
        for _ in 0..2 {
            wire = taken.by(Side::Server, || answer(&mut server, &wire));
            wire = taken.by(Side::Client, || answer(&mut client, &wire));
        }
        for side in [&client, &server] {
            assert!(side.is_handshake_complete());
            assert_eq!(side.negotiated_cipher_suite(), Some(self.suite));
        }
        taken
    }
}

fn answer(connection: &mut Connection, incoming: &[u8]) -> Vec<u8> {
    if incoming.is_empty() {
        return Vec::new();
    }
    connection.feed(incoming).unwrap();
    connection.pop().unwrap()
}

fn config(suite: u16) -> ConfigBuilder {
    Config::builder()
        .rng(Arc::new(OsRng))
        .tls_only()
        .versions(ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_2)
        .cipher_suites(&[suite])
}

fn certificate(pem: &[u8]) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}

fn private_key(pem: &[u8]) -> BoxedRsaPrivateKey {
    let key = RsaPrivateKey::from_pkcs8_pem(str::from_utf8(pem).unwrap()).unwrap();
    BoxedRsaPrivateKey::from_pkcs1_der(key.to_pkcs1_der().unwrap().as_bytes()).unwrap()
}
