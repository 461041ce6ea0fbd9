//! A peer's certificates as received, before they are parsed under a policy.

use super::chain::{Chain, check_chain_length, mended_leaf};
use super::settings::Settings;
use crate::error::CertificateError;
use pki_types::CertificateDer;

/// The certificates that a peer presented, no more than are read.
#[derive(Debug)]
pub(crate) struct Presented<'r> {
    received: &'r [CertificateDer<'r>],
    /// The leaf in DER, if it is pinned and its key cannot be read as it is.
    mended_leaf: Option<Vec<u8>>,
}

impl<'r> Presented<'r> {
    /// The certificates for a policy with these settings.
    pub(super) fn to_policy(
        received: &'r [CertificateDer<'r>],
        settings: &Settings,
    ) -> Result<Self, CertificateError> {
        check_chain_length(received, settings.max_certificates)?;
        let pinned = received.first().filter(|leaf| settings.pins_certificate(leaf));
        Ok(Self {
            received,
            mended_leaf: pinned.and_then(|leaf| mended_leaf(leaf)),
        })
    }

    /// Parses them.
    pub(crate) fn chain(&self) -> Result<Chain<'_>, CertificateError> {
        Chain::read_with(self.received, self.mended_leaf.as_deref())
    }
}
