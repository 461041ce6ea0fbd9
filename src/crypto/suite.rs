//! The parameters of the cipher suites.

use super::hash::HashAlgorithm;
use crate::enums::CipherSuite;

/// The cipher that protects a suite's records, named after its key length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BulkCipher {
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    Aes128Cbc(MacAlgorithm),
    Aes256Cbc(MacAlgorithm),
}

/// The MAC of a suite whose cipher does not authenticate by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MacAlgorithm {
    HmacSha1,
    HmacSha256,
}

impl MacAlgorithm {
    /// Returns the length of the MAC and of its key.
    pub(crate) const fn length(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
        }
    }
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

static AES_128_GCM_SHA256: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes128Gcm,
    mac_key_length: 0,
    enc_key_length: 16,
    fixed_iv_length: 4,
};

static AES_256_GCM_SHA384: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    prf: HashAlgorithm::Sha384,
    bulk: BulkCipher::Aes256Gcm,
    mac_key_length: 0,
    enc_key_length: 32,
    fixed_iv_length: 4,
};

static AES_128_CCM: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_128_CCM,
    // The PRF of TLS 1.2 with SHA-256, with either length of key (RFC 6655 section 3).
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes128Ccm,
    mac_key_length: 0,
    enc_key_length: 16,
    fixed_iv_length: 4,
};

static AES_128_CCM_8: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_128_CCM_8,
    // The PRF of TLS 1.2 with SHA-256, with either length of key (RFC 6655 section 3).
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes128Ccm8,
    mac_key_length: 0,
    enc_key_length: 16,
    fixed_iv_length: 4,
};

static AES_256_CCM: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_256_CCM,
    // The PRF of TLS 1.2 with SHA-256, with either length of key (RFC 6655 section 3).
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes256Ccm,
    mac_key_length: 0,
    enc_key_length: 32,
    fixed_iv_length: 4,
};

static AES_256_CCM_8: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_256_CCM_8,
    // The PRF of TLS 1.2 with SHA-256, with either length of key (RFC 6655 section 3).
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes256Ccm8,
    mac_key_length: 0,
    enc_key_length: 32,
    fixed_iv_length: 4,
};

static AES_256_CBC_SHA256: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes256Cbc(MacAlgorithm::HmacSha256),
    mac_key_length: MacAlgorithm::HmacSha256.length(),
    enc_key_length: 32,
    // The IVs travel in the records.
    fixed_iv_length: 0,
};

static AES_128_CBC_SHA256: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes128Cbc(MacAlgorithm::HmacSha256),
    mac_key_length: MacAlgorithm::HmacSha256.length(),
    enc_key_length: 16,
    // The IVs travel in the records.
    fixed_iv_length: 0,
};

static AES_256_CBC_SHA: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes256Cbc(MacAlgorithm::HmacSha1),
    mac_key_length: MacAlgorithm::HmacSha1.length(),
    enc_key_length: 32,
    // The IVs travel in the records.
    fixed_iv_length: 0,
};

static AES_128_CBC_SHA: Suite = Suite {
    id: CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
    prf: HashAlgorithm::Sha256,
    bulk: BulkCipher::Aes128Cbc(MacAlgorithm::HmacSha1),
    mac_key_length: MacAlgorithm::HmacSha1.length(),
    enc_key_length: 16,
    // The IVs travel in the records.
    fixed_iv_length: 0,
};

/// Every suite that this crate implements, in order of preference.
static ALL: [&Suite; 10] = [
    &AES_256_GCM_SHA384,
    &AES_128_GCM_SHA256,
    &AES_256_CCM,
    &AES_128_CCM,
    &AES_256_CCM_8,
    &AES_128_CCM_8,
    &AES_256_CBC_SHA256,
    &AES_128_CBC_SHA256,
    &AES_256_CBC_SHA,
    &AES_128_CBC_SHA,
];

/// The suites of a configuration that names none. An implemented suite is added here only by a
/// separate decision.
static DEFAULT_OFFER: [&Suite; 2] = [&AES_256_GCM_SHA384, &AES_128_GCM_SHA256];

impl Suite {
    /// Returns the suite with this number, if this crate implements it.
    pub(crate) fn of(id: CipherSuite) -> Option<&'static Self> {
        Self::all().find(|suite| suite.id == id)
    }

    /// Returns true for CBC, whose records have a MAC of their own.
    pub(crate) fn is_cbc(&self) -> bool {
        matches!(
            self.bulk,
            BulkCipher::Aes128Cbc(_) | BulkCipher::Aes256Cbc(_)
        )
    }

    /// Every implemented suite, in order of preference.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        ALL.into_iter()
    }

    /// The suites of a configuration that names none, in order of preference.
    pub(crate) fn default_offer() -> impl Iterator<Item = &'static Self> {
        DEFAULT_OFFER.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_suites_are_implemented() {
        assert!(Suite::all().map(|suite| suite.id).eq([
            CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_256_CCM,
            CipherSuite::TLS_RSA_WITH_AES_128_CCM,
            CipherSuite::TLS_RSA_WITH_AES_256_CCM_8,
            CipherSuite::TLS_RSA_WITH_AES_128_CCM_8,
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
        ]));
    }

    /// A suite that is added above does not belong here by itself.
    #[test]
    fn these_suites_are_offered_unless_others_are_named() {
        assert!(Suite::default_offer().map(|suite| suite.id).eq([
            CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        ]));
    }

    #[test]
    fn a_suite_is_found_by_its_number_and_only_once() {
        for suite in Suite::all() {
            assert!(core::ptr::eq(Suite::of(suite.id).unwrap(), suite));
            assert_eq!(Suite::all().filter(|other| other.id == suite.id).count(), 1);
        }
        for suite in Suite::default_offer() {
            assert!(Suite::of(suite.id).is_some());
        }
        assert!(Suite::of(CipherSuite(0x0a0a)).is_none());
    }
}
