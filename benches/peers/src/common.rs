//! What both libraries are given: one self-signed certificate, its key and name, and the
//! cipher.

use premaster::pki_types::ServerName;

/// The server's chain, which is also the root that the client trusts.
pub const CERTIFICATE: &[u8] = include_bytes!("../../../tests/data/leaf-2048.pem");

pub const KEY: &[u8] = include_bytes!("../../../tests/data/rsa-2048.key");

pub fn name() -> ServerName<'static> {
    "localhost".try_into().unwrap()
}

/// The cipher and the hash of both libraries' suites.
#[derive(Clone, Copy)]
pub enum Cipher {
    Aes128Sha256,
    Aes256Sha384,
}

impl Cipher {
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Sha256 => "AES_128_GCM_SHA256",
            Self::Aes256Sha384 => "AES_256_GCM_SHA384",
        }
    }
}
