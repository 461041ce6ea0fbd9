//! Why a peer's certificate was refused.

mod fault;
mod id;
#[cfg(test)]
mod tests;

pub use fault::CertificateFault;
pub use id::CertificateId;

use super::text::hex;
use crate::enums::AlertDescription;
use crate::waiver::Waiver;
use core::fmt;

/// Why the peer's certificate was refused: the check that failed, and the certificate of the chain
/// that failed it.
///
/// The peer receives only the alert.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateError(Box<Failure>);

#[derive(Clone, PartialEq, Eq)]
struct Failure {
    fault: CertificateFault,
    certificate: Option<CertificateId>,
    /// The SHA-256 of the peer's certificate, if a pin of it would accept the peer.
    pin: Option<[u8; 32]>,
    /// True if a policy found the fault, so that its settings can be named.
    by_policy: bool,
    /// True if the waiver that belongs to the fault would accept it.
    waivable: bool,
}

impl CertificateError {
    pub(crate) fn new(fault: CertificateFault, certificate: Option<CertificateId>) -> Self {
        Self(Box::new(Failure {
            fault,
            certificate,
            pin: None,
            by_policy: true,
            waivable: true,
        }))
    }

    /// This error where the waiver that belongs to the fault would not help.
    pub(crate) fn without_waiver(mut self) -> Self {
        self.0.waivable = false;
        self
    }

    /// This error where the caller judges without a policy: no setting is named.
    pub(crate) fn without_policy(mut self) -> Self {
        self.0.by_policy = false;
        self
    }

    /// This error where a pin of the peer's certificate, with this SHA-256, would accept the peer.
    pub(crate) fn with_pin(mut self, sha256: [u8; 32]) -> Self {
        self.0.pin = Some(sha256);
        self
    }

    /// Returns the failed check, with what was found and what was expected.
    #[must_use]
    pub fn fault(&self) -> &CertificateFault {
        &self.0.fault
    }

    /// Returns the certificate that failed the check, or `None` if no single certificate did.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateId> {
        self.0.certificate.as_ref()
    }

    /// Returns the waiver for the failed check, the narrowest if several would do; `None` if the
    /// check cannot be waived, or no policy made it. Other checks may still fail.
    #[must_use]
    pub fn waiver(&self) -> Option<Waiver> {
        let pin = self.pin().map(|_| Waiver::PinnedCertificate);
        self.waiver_of_fault().or(pin)
    }

    /// Returns the SHA-256 of the peer's own certificate, if
    /// [`pin_certificate`](crate::CertificatePolicy::pin_certificate) with it would pass this check.
    /// It is that of the leaf, also where the certificate that failed the check is another one.
    /// Compare it with the certificate on the device before pinning it.
    #[must_use]
    pub fn pin(&self) -> Option<[u8; 32]> {
        self.0.pin.filter(|_| self.0.by_policy)
    }

    /// Returns the setting that would pass the check, if there is one: that of the
    /// [waiver](Self::waiver), or a setting of [`Crls`](crate::certificate::Crls).
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        let of_fault = self.fault().setting().filter(|_| self.0.by_policy);
        of_fault.or(self.waiver().map(Waiver::setting))
    }

    /// The waiver for the fault that is not a pin.
    fn waiver_of_fault(&self) -> Option<Waiver> {
        let waivable = self.0.by_policy && self.0.waivable;
        let waiver = self.fault().waiver().filter(|_| waivable)?;
        // Both are for the peer's own certificate. Version 1 has no extension that makes a CA.
        let of_leaf = matches!(waiver, Waiver::Version1 | Waiver::ExtendedKeyUsage);
        let position = self.certificate().map(CertificateId::position);
        (!of_leaf || position == Some(0)).then_some(waiver)
    }

    /// What would accept the peer, the mildest first.
    fn remedies(&self) -> Vec<String> {
        if !self.0.by_policy {
            return Vec::new();
        }
        let pin = |sha256: &[u8; 32]| {
            let pin = Waiver::PinnedCertificate.setting();
            format!("{pin} with SHA-256 {}", hex(sha256))
        };
        let waiver = self.waiver_of_fault();
        let mut remedies = Vec::new();
        match self.fault() {
            CertificateFault::UnknownIssuer { issuer } => {
                remedies.push(format!("{issuer} as a root"))
            }
            CertificateFault::NameMismatch {
                has_names: true, ..
            } => {
                remedies.push("another server name, one that it has".to_owned());
            }
            _ => {}
        }
        if let (Some(Waiver::AnyName), Some(id)) = (waiver, self.certificate()) {
            let pin = pin(&id.certificate_sha256());
            remedies.push(format!("{pin} and accept_any_name but no roots"));
        }
        remedies.extend(self.fault().setting().map(str::to_owned));
        remedies.extend(waiver.map(|waiver| waiver.setting().to_owned()));
        remedies.extend(self.pin().as_ref().map(pin));
        remedies
    }

    pub(super) fn alert(&self) -> AlertDescription {
        self.fault().alert()
    }
}

/// Creates an error that names no certificate and no setting, for a caller that verifies
/// certificates itself.
impl From<CertificateFault> for CertificateError {
    fn from(fault: CertificateFault) -> Self {
        Self::new(fault, None).without_policy()
    }
}

impl core::error::Error for CertificateError {}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(certificate) = self.certificate() {
            write!(f, "{certificate}: ")?;
        }
        fmt::Display::fmt(self.fault(), f)?;
        let remedies = self.remedies();
        match &*remedies {
            [] => Ok(()),
            remedies => write!(f, " ({} would accept it)", remedies.join(", or ")),
        }
    }
}

impl fmt::Debug for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateError")
            .field("fault", self.fault())
            .field("certificate", &self.certificate())
            .finish()
    }
}
