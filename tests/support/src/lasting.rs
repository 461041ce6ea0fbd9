//! The test PKI's certificates with a long life: outside programs have a clock of their own.

use crate::pki::{self, Spec};
use x509_cert::der::EncodePem;
use x509_cert::der::pem::LineEnding;

/// 2020-01-01.
const NOT_BEFORE: u64 = 1_577_836_800;
/// 2120-01-01.
const NOT_AFTER: u64 = 4_733_510_400;

/// The test root.
pub fn root() -> Spec {
    lasting(pki::root())
}

/// The server's certificate, over the key `rsa-2048`.
pub fn server() -> Spec {
    lasting(pki::server(&pki::key("rsa-2048")))
}

/// The client's certificate, over the key `rsa-2048-client`.
pub fn client() -> Spec {
    lasting(pki::client(&pki::key("rsa-2048-client")))
}

pub fn pem(spec: &Spec) -> String {
    spec.certificate().to_pem(LineEnding::LF).unwrap()
}

fn lasting(spec: Spec) -> Spec {
    Spec {
        not_before: NOT_BEFORE,
        not_after: NOT_AFTER,
        ..spec
    }
}
