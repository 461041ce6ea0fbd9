//! A peer's certificates as received, before they are parsed under a policy.

use super::chain::{Chain, MAX_LONG_CHAIN, check_chain_length};
use super::settings::Settings;
use crate::error::CertificateError;
use pki_types::CertificateDer;

/// The certificates that a peer presented, no more than are read.
#[derive(Debug)]
pub(crate) struct Presented<'r> {
    received: &'r [CertificateDer<'r>],
}

impl<'r> Presented<'r> {
    /// The certificates for a caller that judges them alone, without a policy.
    pub(crate) fn to_caller(received: &'r [CertificateDer<'r>]) -> Result<Self, CertificateError> {
        check_chain_length(received, MAX_LONG_CHAIN)?;
        Ok(Self { received })
    }

    /// The certificates for a policy with these settings.
    pub(super) fn to_policy(
        received: &'r [CertificateDer<'r>],
        settings: &Settings,
    ) -> Result<Self, CertificateError> {
        check_chain_length(received, settings.max_certificates)?;
        Ok(Self { received })
    }

    /// Parses them.
    pub(crate) fn chain(&self) -> Result<Chain<'_>, CertificateError> {
        Chain::read(self.received)
    }
}
