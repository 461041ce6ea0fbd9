//! purecrypto: `TLS_RSA_WITH_*` with CBC and TLS 1.1, since its server has no such suite with TLS 1.2.
//! What it takes for a full handshake is comparable, as two small records are all that the cipher has to
//! do with it, and most of the time is RSA's.

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

const VERSION: ProtocolVersion = ProtocolVersion::TLSv1_1;

/// Full handshakes.
pub struct PureCryptoPair {
    client: Config,
    server: Config,
    suite: u16,
}

impl PureCryptoPair {
    pub fn full(credentials: &Credentials, cipher: Cipher) -> Self {
        // TLS_RSA_WITH_AES_128_CBC_SHA and TLS_RSA_WITH_AES_256_CBC_SHA.
        let suite = match cipher {
            Cipher::Aes256Sha384 => 0x0035,
            _ => 0x002f,
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
            assert_eq!(side.negotiated_version(), Some(VERSION));
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
        .versions(VERSION, VERSION)
        .cipher_suites(&[suite])
}

fn certificate(pem: &[u8]) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}

fn private_key(pem: &[u8]) -> BoxedRsaPrivateKey {
    let key = RsaPrivateKey::from_pkcs8_pem(str::from_utf8(pem).unwrap()).unwrap();
    BoxedRsaPrivateKey::from_pkcs1_der(key.to_pkcs1_der().unwrap().as_bytes()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::KeyLength;
    use crate::premaster_pair;
    use purecrypto::tls::Error;

    /// Its client offers such a suite beside TLS 1.2 if it may fall back to TLS 1.1, and our server takes
    /// it. But with TLS 1.2 it looks the chosen suite up among those with ephemeral keys and AEAD.
    #[test]
    fn the_client_offers_cbc_with_tls_1_2_and_takes_it_from_nobody() {
        let credentials = Credentials::new(KeyLength::Rsa2048);
        let mut roots = RootCertStore::new();
        roots.add_der(certificate(&credentials.root)).unwrap();
        let versions = config(0x002f).versions(VERSION, ProtocolVersion::TLSv1_2);
        let mut client =
            Connection::client(&versions.roots(roots).server_name(NAME).build()).unwrap();
        let mut hello = client.pop().unwrap();
        let length = hello.len();

        let server = premaster_pair::server(&credentials, Cipher::Aes128Cbc).build().unwrap();
        let mut server = premaster::Connection::server(Arc::new(server));
        let mut flight = Vec::new();
        let received = server.receive(&mut hello, &mut flight).unwrap();
        assert_eq!(received.consumed, length);
        assert_eq!(flight[0], 22);
        assert_eq!(client.feed(&flight), Err(Error::HandshakeFailure));
    }

    #[test]
    fn full_handshakes_complete() {
        let credentials = Credentials::new(KeyLength::Rsa2048);
        for cipher in [Cipher::Aes128Sha256, Cipher::Aes256Sha384] {
            PureCryptoPair::full(&credentials, cipher).run();
        }
    }
}
