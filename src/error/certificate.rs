//! Why a peer's certificate was refused.

use super::ocsp::OcspFault;
use super::text::{Excerpt, Serial, date, hex};
use crate::enums::AlertDescription;
use crate::waiver::Waiver;
use core::fmt;
use pki_types::UnixTime;

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
            let pin = pin(&id.certificate_sha256);
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

/// Identifies a certificate in the peer's chain by position, subject, serial number and hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateId {
    position: usize,
    subject: Excerpt,
    serial: Serial,
    certificate_sha256: [u8; 32],
    key_sha256: [u8; 32],
}

impl CertificateId {
    pub(crate) fn new(
        position: usize,
        subject: Excerpt,
        serial: &[u8],
        certificate_sha256: [u8; 32],
        key_sha256: [u8; 32],
    ) -> Self {
        Self {
            position,
            subject,
            serial: Serial::new(serial),
            certificate_sha256,
            key_sha256,
        }
    }

    /// Returns its position in the chain as received; the leaf has position 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns its subject.
    #[must_use]
    pub fn subject(&self) -> &Excerpt {
        &self.subject
    }

    /// Returns its serial number, big-endian, cut to the first 32 bytes. RFC 5280 allows at most 20.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.serial.as_bytes()
    }

    /// Returns the SHA-256 of the certificate in DER, as
    /// [`pin_certificate`](crate::CertificatePolicy::pin_certificate) takes it.
    #[must_use]
    pub fn certificate_sha256(&self) -> [u8; 32] {
        self.certificate_sha256
    }

    /// Returns the SHA-256 of its SubjectPublicKeyInfo, the SPKI fingerprint that
    /// [`pin_public_key`](crate::CertificatePolicy::pin_public_key) takes.
    #[must_use]
    pub fn key_sha256(&self) -> [u8; 32] {
        self.key_sha256
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateId")
            .field("position", &self.position)
            .field("subject", &self.subject)
            .field("serial", &self.serial)
            .field(
                "certificate_sha256",
                &format_args!("{}", hex(&self.certificate_sha256)),
            )
            .field("key_sha256", &format_args!("{}", hex(&self.key_sha256)))
            .finish()
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            subject,
            serial,
            ..
        } = self;
        write!(f, "certificate {position} ({subject}, serial {serial:?})")
    }
}

/// The most certificates that [`Waiver::LongChain`] accepts.
const MAX_LONG_CHAIN: usize = 100;

errors! {
    /// A check that a certificate failed.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum CertificateFault {
        /// It cannot be parsed, or has an invalid value.
        #[error("it cannot be parsed or has an invalid value")]
        #[alert(BAD_CERTIFICATE)]
        Malformed,
        /// Its issuer is not a configured root, and no certificate in the chain leads to one.
        #[error("its issuer, {issuer}, is not a configured root, and no certificate in the chain leads to one")]
        #[alert(UNKNOWN_CA)]
        UnknownIssuer {
            /// The name of the issuer.
            issuer: Excerpt,
        },
        /// It has expired.
        #[error("it expired on {}; the current time is {}", date(not_after), date(now))]
        #[alert(CERTIFICATE_EXPIRED)]
        #[waiver(OutsideValidity)]
        Expired {
            /// The end of its validity.
            not_after: UnixTime,
            /// The time of the verification.
            now: UnixTime,
        },
        /// It is not valid yet.
        #[error("it is not valid before {}; the current time is {}", date(not_before), date(now))]
        #[alert(CERTIFICATE_EXPIRED)]
        #[waiver(OutsideValidity)]
        NotYetValid {
            /// The beginning of its validity.
            not_before: UnixTime,
            /// The time of the verification.
            now: UnixTime,
        },
        /// It is not valid for the server name.
        #[error("it is not valid for {wanted}; it has {found}")]
        #[alert(BAD_CERTIFICATE)]
        #[waiver(CommonName if *by_common_name, else AnyName)]
        NameMismatch {
            /// The server name.
            wanted: Excerpt,
            /// The names in its subjectAltName; its subject if it has no subjectAltName.
            found: Excerpt,
            /// True if [`Waiver::CommonName`] would accept it: its subjectAltName has no dNSName, and
            /// its common name is the server name.
            by_common_name: bool,
            /// True if its subjectAltName has a dNSName or an iPAddress, for which it is valid.
            has_names: bool,
        },
        /// The common name in its subject differs from the server name, and the configuration
        /// requires them to be equal.
        #[error("its common name must be {wanted}; its subject is {found}")]
        #[alert(BAD_CERTIFICATE)]
        CommonNameMismatch {
            /// The server name.
            wanted: Excerpt,
            /// Its subject.
            found: Excerpt,
        },
        /// Its signature does not verify with its issuer's key.
        #[error("its signature does not verify with its issuer's key")]
        #[alert(BAD_CERTIFICATE)]
        BadSignature,
        /// Its signature uses SHA-1.
        #[error("its signature uses SHA-1")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(Sha1Signature)]
        Sha1Signature,
        /// Its signature algorithm is not accepted, or does not match its issuer's key.
        #[error("its signature algorithm, {algorithm}, is not accepted or does not match its issuer's key")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        UnsupportedSignature {
            /// The object identifier of the algorithm.
            algorithm: Excerpt,
        },
        /// It is a CA certificate, presented in place of a leaf certificate.
        #[error("it is a CA certificate; a leaf certificate is required")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        CaAsLeaf,
        /// It is not a CA certificate, but another certificate names it as its issuer.
        #[error("it is not a CA certificate, but another certificate names it as its issuer")]
        #[alert(BAD_CERTIFICATE)]
        NotACa,
        /// The chain has more CA certificates below it than its pathLenConstraint allows.
        #[error("the chain has more CA certificates below it than its pathLenConstraint allows")]
        #[alert(BAD_CERTIFICATE)]
        PathLength,
        /// The path leads to a configured root that cannot be used.
        #[error("the configured root above it, {root}, has an invalid value or is not supported")]
        #[alert(BAD_CERTIFICATE)]
        UnusableRoot {
            /// The name of the root.
            root: Excerpt,
        },
        /// The name constraints of a CA above it do not allow one of its names.
        #[error("the name constraints of a CA above it do not allow one of its names")]
        #[alert(BAD_CERTIFICATE)]
        NameConstraints,
        /// A CA requires a certificate policy, and the chain has none that is valid in all of its
        /// certificates
        /// ([RFC 5280 section 6.1](https://www.rfc-editor.org/rfc/rfc5280#section-6.1)).
        #[error("a CA of the chain requires a certificate policy, and the chain has no valid one")]
        #[alert(BAD_CERTIFICATE)]
        Policies,
        /// Its X.509 version is not 3.
        #[error("its X.509 version is {version}; only version 3 is accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(Version1 if *version == 1)]
        Version {
            /// The version, counted from 1.
            version: u32,
        },
        /// It has a critical extension that is not supported.
        #[error("its critical extension {oid} is not supported")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        CriticalExtension {
            /// The object identifier of the extension.
            oid: Excerpt,
        },
        /// The chain has more certificates than are read.
        #[error("the chain has {found} certificates; at most {most} are accepted")]
        #[alert(CERTIFICATE_UNKNOWN)]
        #[waiver(LongChain if *found <= MAX_LONG_CHAIN)]
        TooManyCertificates {
            /// How many were received.
            found: usize,
            /// How many are accepted.
            most: usize,
        },
        /// Every path to a root has more certificates than a path may have.
        #[error("every path to a root has more than {most} certificates below the root")]
        #[alert(CERTIFICATE_UNKNOWN)]
        PathTooLong {
            /// How many are accepted.
            most: usize,
        },
        /// The search for a path to a root takes more steps than are allowed.
        #[error("the search for a path to a root takes too many steps")]
        #[alert(CERTIFICATE_UNKNOWN)]
        TooMuchWork,
        /// Its key is not an RSA key, or is restricted to PSS signatures.
        #[error("its key has algorithm {algorithm}; only RSA (1.2.840.113549.1.1.1) is accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        NotRsa {
            /// The object identifier of the key's algorithm.
            algorithm: Excerpt,
        },
        /// Its RSA key has less than 2048 or more than 8192 bits.
        #[error("its RSA key has {bits} bits; 2048 to 8192 are accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(ShortRsaKey if (1024..2048).contains(bits))]
        KeySize {
            /// The length of the modulus in bits.
            bits: usize,
        },
        /// The RSA key that signed it has less than 2048 or more than 8192 bits.
        #[error("the RSA key that signed it has {bits} bits; 2048 to 8192 are accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(ShortRsaKey if (1024..2048).contains(bits))]
        IssuerKeySize {
            /// The length of the modulus in bits.
            bits: usize,
        },
        /// Its keyUsage lacks a required bit: keyEncipherment for a server, digitalSignature for a
        /// client, keyCertSign for a CA.
        #[error("its keyUsage allows {found}; {wanted} is required")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(MissingKeyEncipherment if *wanted == "keyEncipherment")]
        KeyUsage {
            /// The usage that is missing, by its name in RFC 5280.
            wanted: &'static str,
            /// What it allows.
            found: Excerpt,
        },
        /// Its extendedKeyUsage does not include the role of the peer.
        #[error("its extendedKeyUsage allows {found}; {wanted} is required")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(ExtendedKeyUsage if found.as_str() != Excerpt::NOTHING)]
        ExtendedKeyUsage {
            /// The purpose that is missing, by its name in RFC 5280.
            wanted: &'static str,
            /// What it allows.
            found: Excerpt,
        },
        /// Its issuer revoked it, or a public key on its path is one that `rustls-webpki` always
        /// distrusts.
        #[error("it is revoked")]
        #[alert(CERTIFICATE_REVOKED)]
        Revoked,
        /// No configured CRL covers it.
        #[error("no configured CRL covers it")]
        #[alert(CERTIFICATE_UNKNOWN)]
        #[setting(Crls::allow_unknown_status)]
        RevocationUnknown,
        /// The CRL of its issuer has expired.
        #[error(
            "the CRL of its issuer expired on {}; the current time is {}",
            date(next_update),
            date(now)
        )]
        #[alert(CERTIFICATE_UNKNOWN)]
        CrlExpired {
            /// The nextUpdate of the CRL.
            next_update: UnixTime,
            /// The time of the verification.
            now: UnixTime,
        },
        /// The CRL of its issuer has no signature of that issuer that is accepted.
        #[error("the CRL of its issuer has no acceptable signature of that issuer")]
        #[alert(CERTIFICATE_UNKNOWN)]
        CrlInvalid,
        /// The keyUsage of its issuer, which may be the root, does not allow it to sign CRLs.
        #[error("the keyUsage of its issuer lacks cRLSign, so the CRL of that issuer does not count")]
        #[alert(CERTIFICATE_UNKNOWN)]
        CrlIssuer,
        /// The configuration requires a stapled OCSP response, and it is missing or was refused.
        #[error("the required OCSP check failed: {0}")]
        // "MUST check the OCSP response and abort the handshake if the response is not satisfactory
        // with bad_certificate_status_response(113) alert" (RFC 6066 section 8).
        #[alert(BAD_CERTIFICATE_STATUS_RESPONSE)]
        Ocsp(OcspFault),
        /// The application refused it.
        #[error("it was refused by the application")]
        #[alert(CERTIFICATE_UNKNOWN)]
        Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::Samples;
    use core::mem::discriminant;

    #[test]
    fn an_error_says_which_certificate_what_and_what_would_accept_it() {
        let at = |seconds| UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
        let id = CertificateId::new(0, Excerpt::new("CN=plc"), &[0x2a, 0x0b], [1; 32], [2; 32]);
        assert_eq!(
            (id.certificate_sha256(), id.key_sha256()),
            ([1; 32], [2; 32])
        );
        let fault = CertificateFault::Expired {
            not_after: at(1_800_000_000),
            now: at(1_800_086_400),
        };
        let error = CertificateError::new(fault, Some(id));
        assert_eq!(
            error.to_string(),
            "certificate 0 (CN=plc, serial 2a0b): it expired on 2027-01-15T08:00:00Z; the current time \
             is 2027-01-16T08:00:00Z (CertificatePolicy::accept_outside_validity would accept it)"
        );
        assert_eq!(error.waiver(), Some(Waiver::OutsideValidity));
        let refused = CertificateError::from(CertificateFault::Refused);
        assert_eq!(refused.to_string(), "it was refused by the application");
        let far = CertificateFault::NotYetValid {
            not_before: at(u64::MAX),
            now: at(0),
        };
        assert!(far.to_string().starts_with("it is not valid before 18446744073709551615"));
    }

    /// What a user reads, and what would accept the certificate.
    #[test]
    fn every_fault_has_its_words_and_its_waiver() {
        use CertificateFault as Fault;
        let at = |seconds| UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
        let (earlier, now) = (at(1_800_000_000), at(1_800_086_400));
        let text = Excerpt::new;
        let outside = Some(Waiver::OutsideValidity);
        let short = Some(Waiver::ShortRsaKey);
        let none = None;
        let rows = [
            (
                Fault::Malformed,
                "it cannot be parsed or has an invalid value",
                none,
            ),
            (
                Fault::UnknownIssuer {
                    issuer: text("CN=Werk CA"),
                },
                "its issuer, CN=Werk CA, is not a configured root, and no certificate in the chain leads to one",
                none,
            ),
            (
                Fault::Expired {
                    not_after: earlier,
                    now,
                },
                "it expired on 2027-01-15T08:00:00Z; the current time is 2027-01-16T08:00:00Z",
                outside,
            ),
            (
                Fault::NotYetValid {
                    not_before: now,
                    now: earlier,
                },
                "it is not valid before 2027-01-16T08:00:00Z; the current time is 2027-01-15T08:00:00Z",
                outside,
            ),
            (
                name_mismatch(false),
                "it is not valid for a.example; it has b.example",
                Some(Waiver::AnyName),
            ),
            (
                name_mismatch(true),
                "it is not valid for a.example; it has b.example",
                Some(Waiver::CommonName),
            ),
            (
                Fault::CommonNameMismatch {
                    wanted: text("a.example"),
                    found: text("CN=b.example"),
                },
                "its common name must be a.example; its subject is CN=b.example",
                none,
            ),
            (
                Fault::BadSignature,
                "its signature does not verify with its issuer's key",
                none,
            ),
            (
                Fault::Sha1Signature,
                "its signature uses SHA-1",
                Some(Waiver::Sha1Signature),
            ),
            (
                Fault::UnsupportedSignature {
                    algorithm: text("1.2.3"),
                },
                "its signature algorithm, 1.2.3, is not accepted or does not match its issuer's key",
                none,
            ),
            (
                Fault::CaAsLeaf,
                "it is a CA certificate; a leaf certificate is required",
                none,
            ),
            (
                Fault::NotACa,
                "it is not a CA certificate, but another certificate names it as its issuer",
                none,
            ),
            (
                Fault::PathLength,
                "the chain has more CA certificates below it than its pathLenConstraint allows",
                none,
            ),
            (
                Fault::NameConstraints,
                "the name constraints of a CA above it do not allow one of its names",
                none,
            ),
            (
                Fault::Version { version: 1 },
                "its X.509 version is 1; only version 3 is accepted",
                Some(Waiver::Version1),
            ),
            (
                Fault::Version { version: 2 },
                "its X.509 version is 2; only version 3 is accepted",
                none,
            ),
            (
                Fault::CriticalExtension { oid: text("1.2.3") },
                "its critical extension 1.2.3 is not supported",
                none,
            ),
            (
                Fault::TooManyCertificates {
                    found: 11,
                    most: 10,
                },
                "the chain has 11 certificates; at most 10 are accepted",
                Some(Waiver::LongChain),
            ),
            (
                Fault::TooManyCertificates {
                    found: 101,
                    most: 10,
                },
                "the chain has 101 certificates; at most 10 are accepted",
                none,
            ),
            (
                Fault::PathTooLong { most: 7 },
                "every path to a root has more than 7 certificates below the root",
                none,
            ),
            (
                Fault::UnusableRoot {
                    root: text("CN=Root"),
                },
                "the configured root above it, CN=Root, has an invalid value or is not supported",
                none,
            ),
            (
                Fault::TooMuchWork,
                "the search for a path to a root takes too many steps",
                none,
            ),
            (
                Fault::NotRsa {
                    algorithm: text("1.2.3"),
                },
                "its key has algorithm 1.2.3; only RSA (1.2.840.113549.1.1.1) is accepted",
                none,
            ),
            (
                Fault::KeySize { bits: 1024 },
                "its RSA key has 1024 bits; 2048 to 8192 are accepted",
                short,
            ),
            (
                Fault::KeySize { bits: 1023 },
                "its RSA key has 1023 bits; 2048 to 8192 are accepted",
                none,
            ),
            (
                Fault::KeySize { bits: 8193 },
                "its RSA key has 8193 bits; 2048 to 8192 are accepted",
                none,
            ),
            (
                Fault::IssuerKeySize { bits: 2047 },
                "the RSA key that signed it has 2047 bits; 2048 to 8192 are accepted",
                short,
            ),
            (
                Fault::IssuerKeySize { bits: 512 },
                "the RSA key that signed it has 512 bits; 2048 to 8192 are accepted",
                none,
            ),
            (
                key_usage("keyEncipherment"),
                "its keyUsage allows something else; keyEncipherment is required",
                Some(Waiver::MissingKeyEncipherment),
            ),
            (
                key_usage("digitalSignature"),
                "its keyUsage allows something else; digitalSignature is required",
                none,
            ),
            (
                Fault::ExtendedKeyUsage {
                    wanted: "serverAuth",
                    found: text("clientAuth"),
                },
                "its extendedKeyUsage allows clientAuth; serverAuth is required",
                Some(Waiver::ExtendedKeyUsage),
            ),
            (Fault::Revoked, "it is revoked", none),
            (
                Fault::RevocationUnknown,
                "no configured CRL covers it",
                none,
            ),
            (
                Fault::CrlExpired {
                    next_update: earlier,
                    now,
                },
                "the CRL of its issuer expired on 2027-01-15T08:00:00Z; the current time is \
                 2027-01-16T08:00:00Z",
                none,
            ),
            (
                Fault::CrlInvalid,
                "the CRL of its issuer has no acceptable signature of that issuer",
                none,
            ),
            (
                Fault::CrlIssuer,
                "the keyUsage of its issuer lacks cRLSign, so the CRL of that issuer does not count",
                none,
            ),
            (
                Fault::Policies,
                "a CA of the chain requires a certificate policy, and the chain has no valid one",
                none,
            ),
            (
                Fault::Ocsp(OcspFault::Missing),
                "the required OCSP check failed: the server sent no response",
                none,
            ),
            (Fault::Refused, "it was refused by the application", none),
        ];
        let has_row =
            |fault: &Fault| rows.iter().any(|row| discriminant(&row.0) == discriminant(fault));
        for (name, fault) in Fault::samples() {
            assert!(has_row(&fault), "{name}");
        }
        let of_leaf = [Waiver::Version1, Waiver::ExtendedKeyUsage];
        for (fault, words, waiver) in rows {
            let of_other = waiver.filter(|waiver| !of_leaf.contains(waiver));
            for (position, waiver) in [(Some(0), waiver), (Some(1), of_other), (None, of_other)] {
                let id =
                    position.map(|at| CertificateId::new(at, text("CN=x"), &[1], [1; 32], [2; 32]));
                let error = CertificateError::new(fault.clone(), id);
                assert_eq!(error.waiver(), waiver, "{error}");
                let which = position.map(|at| format!("certificate {at} (CN=x, serial 01): "));
                let which = which.unwrap_or_default();
                assert!(error.to_string().starts_with(&format!("{which}{words}")));
                let hints = error.to_string().matches(" would accept it)").count();
                let setting = error.setting();
                match setting {
                    None => assert_eq!(hints, usize::from(error.to_string().contains("as a root"))),
                    Some(setting) => assert!(error.to_string().contains(setting), "{error}"),
                }
                let others = error.clone().without_waiver();
                assert_eq!(others.waiver(), None);

                let pinnable = error.with_pin([0xab; 32]);
                let pin = format!(
                    "CertificatePolicy::pin_certificate with SHA-256 {}",
                    "ab".repeat(32)
                );
                assert_eq!(
                    pinnable.waiver(),
                    waiver.or(Some(Waiver::PinnedCertificate))
                );
                assert_eq!(pinnable.pin(), Some([0xab; 32]));
                assert!(pinnable.to_string().ends_with(&format!("{pin} would accept it)")));
                // Where no policy judged, no setting of a policy is named.
                let alone = pinnable.without_policy();
                assert_eq!(
                    (alone.waiver(), alone.setting(), alone.pin()),
                    (None, None, None)
                );
                assert_eq!(alone.to_string(), format!("{which}{words}"));
            }
        }
    }

    #[test]
    fn what_would_accept_it_is_named_the_mildest_first() {
        let hint = |fault: CertificateFault| {
            let id = CertificateId::new(0, Excerpt::new("CN=x"), &[1], [0xcd; 32], [2; 32]);
            let error = CertificateError::new(fault, Some(id));
            let text = error.to_string();
            let (_, hint) = text.rsplit_once(" (").unwrap();
            hint.strip_suffix(" would accept it)").unwrap().to_owned()
        };
        let pin = format!(
            "CertificatePolicy::pin_certificate with SHA-256 {} and accept_any_name but no roots",
            "cd".repeat(32)
        );
        let any = "CertificatePolicy::accept_any_name";
        let mismatch = |by_common_name, has_names| CertificateFault::NameMismatch {
            wanted: Excerpt::new("a.example"),
            found: Excerpt::new("b.example"),
            by_common_name,
            has_names,
        };
        let other = "another server name, one that it has";
        let common = "CertificatePolicy::accept_common_name";
        for (by_common_name, has_names, expected) in [
            (false, true, format!("{other}, or {pin}, or {any}")),
            (false, false, format!("{pin}, or {any}")),
            (true, true, format!("{other}, or {common}")),
            (true, false, common.to_owned()),
        ] {
            assert_eq!(hint(mismatch(by_common_name, has_names)), expected);
        }
        let issuer = Excerpt::new("CN=Werk CA");
        let unknown = hint(CertificateFault::UnknownIssuer { issuer });
        assert_eq!(unknown, "CN=Werk CA as a root");
        let uncovered = hint(CertificateFault::RevocationUnknown);
        assert_eq!(uncovered, "Crls::allow_unknown_status");
    }

    fn name_mismatch(by_common_name: bool) -> CertificateFault {
        CertificateFault::NameMismatch {
            wanted: Excerpt::new("a.example"),
            found: Excerpt::new("b.example"),
            by_common_name,
            has_names: false,
        }
    }

    fn key_usage(wanted: &'static str) -> CertificateFault {
        CertificateFault::KeyUsage {
            wanted,
            found: Excerpt::new("something else"),
        }
    }
}
