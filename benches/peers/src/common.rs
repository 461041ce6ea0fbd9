//! What both libraries are given: one self-signed certificate, its key, and its name.

use premaster::pki_types::ServerName;

/// The server's chain, which is also the root that the client trusts.
pub const CERTIFICATE: &[u8] = include_bytes!("../../../tests/data/leaf-2048.pem");

pub const KEY: &[u8] = include_bytes!("../../../tests/data/rsa-2048.key");

pub fn name() -> ServerName<'static> {
    "localhost".try_into().unwrap()
}
