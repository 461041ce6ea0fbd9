//! What each cipher suite is made of.

use super::hash::HashAlgorithm;
use crate::enums::CipherSuite;

/// The cipher that protects a suite's records, named after its key length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BulkCipher {
    Aes128Gcm,
    Aes256Gcm,
}

/// The parameters of a suite: the SecurityParameters of
/// [RFC 5246 section 6.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.1) that its number fixes.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) id: CipherSuite,
    pub(crate) prf: HashAlgorithm,
    pub(crate) bulk: BulkCipher,
    /// Length of each side's MAC key; zero for an AEAD suite.
    pub(crate) mac_key_length: usize,
    pub(crate) enc_key_length: usize,
    pub(crate) fixed_iv_length: usize,
}

/// Every suite that this crate implements, in the order in which it prefers them.
static SUITES: [Suite; 2] = [
    Suite {
        id: CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
        prf: HashAlgorithm::Sha384,
        bulk: BulkCipher::Aes256Gcm,
        mac_key_length: 0,
        enc_key_length: 32,
        fixed_iv_length: 4,
    },
    Suite {
        id: CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        prf: HashAlgorithm::Sha256,
        bulk: BulkCipher::Aes128Gcm,
        mac_key_length: 0,
        enc_key_length: 16,
        fixed_iv_length: 4,
    },
];

impl Suite {
    /// The suite of a number, if this crate implements it.
    pub(crate) fn of(id: CipherSuite) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.id == id)
    }

    /// Every implemented suite, the preferred one first.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        SUITES.iter()
    }
}
