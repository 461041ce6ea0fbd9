//! The checks of keyUsage and extendedKeyUsage for the peer's role.

use super::certificate::{PeerCertificate, Usage};
use super::signatures::SignatureRules;
use crate::error::{CertificateFault, Excerpt};
use core::cell::Cell;
use webpki::{ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter};

/// The peer's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

impl Role {
    /// The use of the peer's key in the handshake.
    pub(super) fn usage(self) -> Usage {
        match self {
            Self::Server => Usage::KeyEncipherment,
            Self::Client => Usage::DigitalSignature,
        }
    }

    /// The purpose that an extendedKeyUsage must allow: id-kp-serverAuth or id-kp-clientAuth.
    fn purpose(self) -> KeyPurposeId<'static> {
        KeyPurposeId::new(match self {
            Self::Server => b"\x2b\x06\x01\x05\x05\x07\x03\x01",
            Self::Client => b"\x2b\x06\x01\x05\x05\x07\x03\x02",
        })
    }

    /// Refuses a certificate whose extendedKeyUsage does not allow the role; a certificate without
    /// the extension allows it: "the certificate MUST only be used for one of the purposes
    /// indicated"
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

/// The check of each certificate's extendedKeyUsage while `rustls-webpki` builds a path.
/// `rustls-webpki` calls it once for each certificate that it puts on a path, so it also counts
/// them. The first one is the leaf.
pub(super) struct PurposeCheck<'r> {
    purpose: KeyPurposeId<'static>,
    rules: &'r SignatureRules<'r>,
    is_leaf: Cell<bool>,
}

impl<'r> PurposeCheck<'r> {
    pub(super) fn new(role: Role, rules: &'r SignatureRules<'r>) -> Self {
        Self {
            purpose: role.purpose(),
            rules,
            is_leaf: Cell::new(true),
        }
    }
}

impl ExtendedKeyUsageValidator for PurposeCheck<'_> {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        if !self.rules.step() {
            return Err(webpki::Error::MaximumPathBuildCallsExceeded);
        }
        let excused = self.is_leaf.replace(false) && self.rules.any_purpose_of_leaf;
        let mut restricted = false;
        for purpose in purposes {
            restricted = true;
            if purpose? == self.purpose {
                return Ok(());
            }
        }
        // The diagnosis finds the certificate and its purposes, once and not at each step.
        if restricted && !excused {
            return Err(webpki::Error::EmptyEkuExtension);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{Spec, extension, server};
    use x509_cert::der::oid::ObjectIdentifier;
    use x509_cert::ext::pkix::ExtendedKeyUsage;

    /// The text for what was found, if the role is not allowed.
    fn refused(role: Role, purposes: &[&str]) -> Option<String> {
        let purposes = purposes.iter().map(|oid| ObjectIdentifier::new_unwrap(oid));
        let spec = Spec {
            extensions: vec![extension(&ExtendedKeyUsage(purposes.collect()))],
            ..server()
        };
        let certificate = spec.build();
        let certificate = PeerCertificate::parse(&certificate).unwrap();
        match role.require_purpose(&certificate) {
            Ok(()) => None,
            Err(CertificateFault::ExtendedKeyUsage { found, .. }) => {
                Some(found.as_str().to_owned())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_certificate_with_purposes_must_name_the_role() {
        let (server_auth, client_auth) = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
        let any = "2.5.29.37.0";
        for (role, own, other, others_name) in [
            (Role::Server, server_auth, client_auth, "clientAuth"),
            (Role::Client, client_auth, server_auth, "serverAuth"),
        ] {
            assert_eq!(refused(role, &[own]), None);
            assert_eq!(refused(role, &[other, own]), None);
            assert_eq!(refused(role, &[other]).as_deref(), Some(others_name));
            // anyExtendedKeyUsage does not replace the purpose of the role.
            let found = refused(role, &[any]);
            assert_eq!(found.as_deref(), Some("anyExtendedKeyUsage"));
        }
        let certificate = server().build();
        let certificate = PeerCertificate::parse(&certificate).unwrap();
        Role::Server.require_purpose(&certificate).unwrap();
        Role::Client.require_purpose(&certificate).unwrap();
    }
}
