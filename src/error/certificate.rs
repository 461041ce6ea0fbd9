//! Why a certificate was not accepted.

use super::ocsp::OcspFault;
use super::text::{Excerpt, Serial, date};
use crate::enums::AlertDescription;
use crate::waiver::Waiver;
use core::fmt;
use pki_types::UnixTime;

/// Which check a peer's certificate did not pass, and which certificate of its chain.
///
/// All of it is for this side's eyes; the peer sees the alert and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateError(Box<Failure>);

#[derive(Clone, PartialEq, Eq)]
struct Failure {
    fault: CertificateFault,
    certificate: Option<CertificateId>,
}

impl CertificateError {
    pub(crate) fn new(fault: CertificateFault, certificate: Option<CertificateId>) -> Self {
        Self(Box::new(Failure { fault, certificate }))
    }

    /// The check, what was found and what was wanted.
    #[must_use]
    pub fn fault(&self) -> &CertificateFault {
        &self.0.fault
    }

    /// The certificate, unless it is of no single one.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateId> {
        self.0.certificate.as_ref()
    }

    /// What would accept the certificate, as far as this check goes; `None` where nothing does.
    #[must_use]
    pub fn waiver(&self) -> Option<Waiver> {
        let waiver = self.fault().waiver()?;
        let position = self.certificate().map(CertificateId::position);
        // Version 1 is waived for the peer alone: it has no extension that makes an authority.
        (waiver != Waiver::Version1 || position == Some(0)).then_some(waiver)
    }

    pub(super) fn alert(&self) -> AlertDescription {
        self.fault().alert()
    }
}

/// Of a caller who judges certificates and knows no more than the fault.
impl From<CertificateFault> for CertificateError {
    fn from(fault: CertificateFault) -> Self {
        Self::new(fault, None)
    }
}

impl core::error::Error for CertificateError {}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(certificate) = self.certificate() {
            write!(f, "{certificate}: ")?;
        }
        fmt::Display::fmt(self.fault(), f)?;
        match self.waiver() {
            Some(waiver) => write!(f, " ({} would accept it)", waiver.setting()),
            None => Ok(()),
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

/// A certificate of a peer's chain, by what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateId {
    position: usize,
    subject: Excerpt,
    serial: Serial,
}

impl CertificateId {
    pub(crate) fn new(position: usize, subject: Excerpt, serial: &[u8]) -> Self {
        Self {
            position,
            subject,
            serial: Serial::new(serial),
        }
    }

    /// Where it stands in the chain as it came, 0 being the peer's own.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Its subject.
    #[must_use]
    pub fn subject(&self) -> &Excerpt {
        &self.subject
    }

    /// Its serial number, big-endian; of one over 32 bytes, which nobody honest has, the first 32.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.serial.as_bytes()
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            subject,
            serial,
        } = self;
        write!(f, "certificate {position} ({subject}, serial {serial:?})")
    }
}

errors! {
    /// A check that a certificate did not pass.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum CertificateFault {
        /// It does not parse, or says something that it must not.
        #[error("it does not parse")]
        #[alert(BAD_CERTIFICATE)]
        Malformed,
        /// Neither a configured root nor another certificate of the chain issued it.
        #[error("its issuer, {issuer}, is no configured root, and nothing in the chain leads to one")]
        #[alert(UNKNOWN_CA)]
        #[waiver(PinnedCertificate)]
        UnknownIssuer {
            /// The name of the issuer.
            issuer: Excerpt,
        },
        /// Its last day has passed.
        #[error("it expired on {}, and it is {}", date(not_after), date(now))]
        #[alert(CERTIFICATE_EXPIRED)]
        #[waiver(OutsideValidity)]
        Expired {
            /// Its end.
            not_after: UnixTime,
            /// The time at which it was judged.
            now: UnixTime,
        },
        /// Its first day is still to come.
        #[error("it is valid from {}, and it is {}", date(not_before), date(now))]
        #[alert(CERTIFICATE_EXPIRED)]
        #[waiver(OutsideValidity)]
        NotYetValid {
            /// Its beginning.
            not_before: UnixTime,
            /// The time at which it was judged.
            now: UnixTime,
        },
        /// It names others, not this peer.
        #[error("it is not valid for {wanted}; it has {found}")]
        #[alert(BAD_CERTIFICATE)]
        #[waiver(CommonName if *by_common_name, else AnyName)]
        NameMismatch {
            /// The name that was asked for.
            wanted: Excerpt,
            /// The names of its subjectAltName, or the lack of one.
            found: Excerpt,
            /// Whether the subject's common name is the one that was asked for, where there is no
            /// subjectAltName.
            by_common_name: bool,
        },
        /// The subject's common name is not the one that was asked for, and the configuration wants
        /// that.
        #[error("its common name is not {wanted}; its subject is {found}")]
        #[alert(BAD_CERTIFICATE)]
        CommonNameMismatch {
            /// The name that was asked for.
            wanted: Excerpt,
            /// The subject.
            found: Excerpt,
        },
        /// Its signature is not its issuer's.
        #[error("its signature is wrong")]
        #[alert(BAD_CERTIFICATE)]
        BadSignature,
        /// Its signature is over a SHA-1 hash.
        #[error("its signature is made with SHA-1")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(Sha1Signature)]
        Sha1Signature,
        /// Its signature is of an algorithm that is not accepted, or not one of its issuer's key.
        #[error("its signature algorithm, {algorithm}, is not accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(PinnedCertificate)]
        UnsupportedSignature {
            /// The algorithm's object identifier.
            algorithm: Excerpt,
        },
        /// It is a CA's, and came where a server's or client's was due.
        #[error("it is the certificate of a CA, not of a peer")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(PinnedCertificate)]
        CaAsLeaf,
        /// It is no CA's, and another one is said to be issued by it.
        #[error("it is no CA's, and issued another")]
        #[alert(BAD_CERTIFICATE)]
        NotACa,
        /// There are more certificates below it than its pathLenConstraint, or that of one above it,
        /// allows.
        #[error("the chain is longer than a path length constraint allows")]
        #[alert(BAD_CERTIFICATE)]
        PathLength,
        /// It has a name that an authority above it may not give.
        #[error("it has a name that an authority of its chain may not give")]
        #[alert(BAD_CERTIFICATE)]
        NameConstraints,
        /// It is of an X.509 version other than 3.
        #[error("it is of X.509 version {version}; 3 is accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(Version1 if *version == 1)]
        Version {
            /// The version, from 1.
            version: u32,
        },
        /// It has a critical extension that nobody here knows.
        #[error("its critical extension {oid} is not known")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        CriticalExtension {
            /// The extension's object identifier.
            oid: Excerpt,
        },
        /// The chain is longer than any honest one, or all paths through it are.
        #[error("the chain has {found} certificates; {most} are accepted")]
        #[alert(CERTIFICATE_UNKNOWN)]
        TooManyCertificates {
            /// How many came.
            found: usize,
            /// How many are accepted.
            most: usize,
        },
        /// Finding a path to a root takes more work than is allowed.
        #[error("finding its chain takes too much work")]
        #[alert(CERTIFICATE_UNKNOWN)]
        TooMuchWork,
        /// Its key is not an RSA key, or one for signatures with PSS alone.
        #[error("its key, of algorithm {algorithm}, is not RSA")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        NotRsa {
            /// The key algorithm's object identifier.
            algorithm: Excerpt,
        },
        /// Its RSA key is under 2048 or over 8192 bits.
        #[error("its RSA key has {bits} bits; 2048 to 8192 are accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(ShortRsaKey if (1024..2048).contains(bits))]
        KeySize {
            /// The modulus's length.
            bits: usize,
        },
        /// The RSA key that signed it is under 2048 or over 8192 bits.
        #[error("the RSA key that signed it has {bits} bits; 2048 to 8192 are accepted")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(ShortRsaKey if (1024..2048).contains(bits))]
        IssuerKeySize {
            /// The modulus's length.
            bits: usize,
        },
        /// keyUsage is present and lacks what is needed of the key: keyEncipherment of a server's,
        /// digitalSignature of a client's, keyCertSign of an authority's.
        #[error("its keyUsage allows {found}, not {wanted}")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        #[waiver(MissingKeyEncipherment if *wanted == "keyEncipherment")]
        KeyUsage {
            /// The usage that is missing, by its name in RFC 5280.
            wanted: &'static str,
            /// What it allows.
            found: Excerpt,
        },
        /// extendedKeyUsage is present and does not allow this role.
        #[error("its extendedKeyUsage allows {found}, not {wanted}")]
        #[alert(UNSUPPORTED_CERTIFICATE)]
        ExtendedKeyUsage {
            /// The purpose that is missing, by its name in RFC 5280.
            wanted: &'static str,
            /// What it allows.
            found: Excerpt,
        },
        /// Its issuer took it back, or its key is one that is publicly known to be in the wrong hands.
        #[error("it is revoked")]
        #[alert(CERTIFICATE_REVOKED)]
        Revoked,
        /// No configured revocation list says whether it is revoked.
        #[error("no revocation list says whether it is revoked")]
        #[alert(CERTIFICATE_UNKNOWN)]
        RevocationUnknown,
        /// The revocation list of its issuer is out of date.
        #[error(
            "the revocation list of its issuer ended on {}, and it is {}",
            date(next_update),
            date(now)
        )]
        #[alert(CERTIFICATE_UNKNOWN)]
        CrlExpired {
            /// When the next list was due.
            next_update: UnixTime,
            /// The time at which it was judged.
            now: UnixTime,
        },
        /// The revocation list of its issuer is not signed by that issuer, in a way that is accepted.
        #[error("the revocation list of its issuer is not signed by that issuer")]
        #[alert(CERTIFICATE_UNKNOWN)]
        CrlInvalid,
        /// There is no good OCSP response about it, and the configuration wants one.
        #[error("its OCSP response: {0}")]
        // "MUST check the OCSP response and abort the handshake if the response is not satisfactory
        // with bad_certificate_status_response(113) alert" (RFC 6066 section 8).
        #[alert(BAD_CERTIFICATE_STATUS_RESPONSE)]
        Ocsp(OcspFault),
        /// The caller, asked to decide, said no.
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
        let id = CertificateId::new(0, Excerpt::new("CN=plc"), &[0x2a, 0x0b]);
        let fault = CertificateFault::Expired {
            not_after: at(1_800_000_000),
            now: at(1_800_086_400),
        };
        let error = CertificateError::new(fault, Some(id));
        assert_eq!(
            error.to_string(),
            "certificate 0 (CN=plc, serial 2a0b): it expired on 2027-01-15T08:00:00Z, and it is \
             2027-01-16T08:00:00Z (CertificatePolicy::accept_outside_validity would accept it)"
        );
        assert_eq!(error.waiver(), Some(Waiver::OutsideValidity));
        let refused = CertificateError::from(CertificateFault::Refused);
        assert_eq!(refused.to_string(), "it was refused by the application");
        let far = CertificateFault::NotYetValid {
            not_before: at(u64::MAX),
            now: at(0),
        };
        assert!(far.to_string().starts_with("it is valid from 18446744073709551615"));
    }

    /// What a user reads, and what would accept the certificate.
    #[test]
    fn every_fault_has_its_words_and_its_waiver() {
        use CertificateFault as Fault;
        let at = |seconds| UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
        let (earlier, now) = (at(1_800_000_000), at(1_800_086_400));
        let text = Excerpt::new;
        let pin = Some(Waiver::PinnedCertificate);
        let outside = Some(Waiver::OutsideValidity);
        let short = Some(Waiver::ShortRsaKey);
        let none = None;
        let rows = [
            (Fault::Malformed, "it does not parse", none),
            (
                Fault::UnknownIssuer {
                    issuer: text("CN=Werk CA"),
                },
                "its issuer, CN=Werk CA, is no configured root, and nothing in the chain leads to one",
                pin,
            ),
            (
                Fault::Expired {
                    not_after: earlier,
                    now,
                },
                "it expired on 2027-01-15T08:00:00Z, and it is 2027-01-16T08:00:00Z",
                outside,
            ),
            (
                Fault::NotYetValid {
                    not_before: now,
                    now: earlier,
                },
                "it is valid from 2027-01-16T08:00:00Z, and it is 2027-01-15T08:00:00Z",
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
                "its common name is not a.example; its subject is CN=b.example",
                none,
            ),
            (Fault::BadSignature, "its signature is wrong", none),
            (
                Fault::Sha1Signature,
                "its signature is made with SHA-1",
                Some(Waiver::Sha1Signature),
            ),
            (
                Fault::UnsupportedSignature {
                    algorithm: text("1.2.3"),
                },
                "its signature algorithm, 1.2.3, is not accepted",
                pin,
            ),
            (
                Fault::CaAsLeaf,
                "it is the certificate of a CA, not of a peer",
                pin,
            ),
            (Fault::NotACa, "it is no CA's, and issued another", none),
            (
                Fault::PathLength,
                "the chain is longer than a path length constraint allows",
                none,
            ),
            (
                Fault::NameConstraints,
                "it has a name that an authority of its chain may not give",
                none,
            ),
            (
                Fault::Version { version: 1 },
                "it is of X.509 version 1; 3 is accepted",
                Some(Waiver::Version1),
            ),
            (
                Fault::Version { version: 2 },
                "it is of X.509 version 2; 3 is accepted",
                none,
            ),
            (
                Fault::CriticalExtension { oid: text("1.2.3") },
                "its critical extension 1.2.3 is not known",
                none,
            ),
            (
                Fault::TooManyCertificates {
                    found: 11,
                    most: 10,
                },
                "the chain has 11 certificates; 10 are accepted",
                none,
            ),
            (
                Fault::TooMuchWork,
                "finding its chain takes too much work",
                none,
            ),
            (
                Fault::NotRsa {
                    algorithm: text("1.2.3"),
                },
                "its key, of algorithm 1.2.3, is not RSA",
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
                "its keyUsage allows something else, not keyEncipherment",
                Some(Waiver::MissingKeyEncipherment),
            ),
            (
                key_usage("digitalSignature"),
                "its keyUsage allows something else, not digitalSignature",
                none,
            ),
            (
                Fault::ExtendedKeyUsage {
                    wanted: "serverAuth",
                    found: text("clientAuth"),
                },
                "its extendedKeyUsage allows clientAuth, not serverAuth",
                none,
            ),
            (Fault::Revoked, "it is revoked", none),
            (
                Fault::RevocationUnknown,
                "no revocation list says whether it is revoked",
                none,
            ),
            (
                Fault::CrlExpired {
                    next_update: earlier,
                    now,
                },
                "the revocation list of its issuer ended on 2027-01-15T08:00:00Z, and it is \
                 2027-01-16T08:00:00Z",
                none,
            ),
            (
                Fault::CrlInvalid,
                "the revocation list of its issuer is not signed by that issuer",
                none,
            ),
            (
                Fault::Ocsp(OcspFault::Missing),
                "its OCSP response: there is none",
                none,
            ),
            (Fault::Refused, "it was refused by the application", none),
        ];
        let has_row =
            |fault: &Fault| rows.iter().any(|row| discriminant(&row.0) == discriminant(fault));
        for (name, fault) in Fault::samples() {
            assert!(has_row(&fault), "{name}");
        }
        for (fault, words, waiver) in rows {
            // Version 1 has no extension that makes an authority.
            let of_other = waiver.filter(|waiver| *waiver != Waiver::Version1);
            for (position, waiver) in [(Some(0), waiver), (Some(1), of_other), (None, of_other)] {
                let id = position.map(|at| CertificateId::new(at, text("CN=x"), &[1]));
                let error = CertificateError::new(fault.clone(), id);
                assert_eq!(error.waiver(), waiver, "{error}");
                let which = position.map(|at| format!("certificate {at} (CN=x, serial 01): "));
                let hint = waiver.map(|waiver| format!(" ({} would accept it)", waiver.setting()));
                let [which, hint] = [which, hint].map(Option::unwrap_or_default);
                assert_eq!(error.to_string(), format!("{which}{words}{hint}"));
            }
        }
    }

    fn name_mismatch(by_common_name: bool) -> CertificateFault {
        CertificateFault::NameMismatch {
            wanted: Excerpt::new("a.example"),
            found: Excerpt::new("b.example"),
            by_common_name,
        }
    }

    fn key_usage(wanted: &'static str) -> CertificateFault {
        CertificateFault::KeyUsage {
            wanted,
            found: Excerpt::new("something else"),
        }
    }
}
