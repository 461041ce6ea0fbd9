//! The purposes that a certificate has to allow: keyUsage and extendedKeyUsage by the peer's role.

use super::certificate::{PeerCertificate, Usage};
use super::signatures::SignatureRules;
use crate::error::{CertificateFault, Excerpt};
use webpki::{ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter};

/// The peer's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

impl Role {
    /// How the handshake uses the key.
    pub(super) fn usage(self) -> Usage {
        match self {
            Self::Server => Usage::KeyEncipherment,
            Self::Client => Usage::DigitalSignature,
        }
    }

    /// The purpose that extendedKeyUsage, where it is present, has to allow: id-kp-serverAuth or
    /// id-kp-clientAuth.
    fn purpose(self) -> KeyPurposeId<'static> {
        KeyPurposeId::new(match self {
            Self::Server => b"\x2b\x06\x01\x05\x05\x07\x03\x01",
            Self::Client => b"\x2b\x06\x01\x05\x05\x07\x03\x02",
        })
    }

    /// Refuses a certificate whose extendedKeyUsage, where it is present, does not allow the role:
    /// "the certificate MUST only be used for one of the purposes indicated"
    /// ([RFC 5280 section 4.2.1.12](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12)).
    pub(super) fn require_purpose(
        self,
        certificate: &PeerCertificate<'_>,
    ) -> Result<(), CertificateFault> {
        let Some(purposes) = certificate.purposes()? else {
            return Ok(());
        };
        let (allowed, wanted) = match self {
            Self::Server => (purposes.server_auth, "serverAuth"),
            Self::Client => (purposes.client_auth, "clientAuth"),
        };
        if allowed {
            return Ok(());
        }
        let known = [
            (purposes.any, "anyExtendedKeyUsage"),
            (purposes.server_auth, "serverAuth"),
            (purposes.client_auth, "clientAuth"),
            (purposes.code_signing, "codeSigning"),
            (purposes.email_protection, "emailProtection"),
            (purposes.time_stamping, "timeStamping"),
            (purposes.ocsp_signing, "OCSPSigning"),
        ];
        let named = known.iter().filter(|(has, _)| *has).map(|(_, name)| (*name).to_owned());
        let others = purposes.other.iter().map(ToString::to_string);
        Err(CertificateFault::ExtendedKeyUsage {
            wanted,
            found: Excerpt::list(named.chain(others)),
        })
    }
}

/// The check of each certificate's extendedKeyUsage while `rustls-webpki` builds a path. It is asked
/// once for each certificate that is put on a path, so it also counts those.
pub(super) struct PurposeCheck<'r> {
    purpose: KeyPurposeId<'static>,
    rules: &'r SignatureRules<'r>,
}

impl<'r> PurposeCheck<'r> {
    pub(super) fn new(role: Role, rules: &'r SignatureRules<'r>) -> Self {
        Self {
            purpose: role.purpose(),
            rules,
        }
    }
}

impl ExtendedKeyUsageValidator for PurposeCheck<'_> {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        if !self.rules.step() {
            return Err(webpki::Error::MaximumPathBuildCallsExceeded);
        }
        let mut restricted = false;
        for purpose in purposes {
            restricted = true;
            if purpose? == self.purpose {
                return Ok(());
            }
        }
        // Which certificate it is, and what it allows, is found out once and not at each step.
        if restricted {
            return Err(webpki::Error::EmptyEkuExtension);
        }
        Ok(())
    }
}
