//! The checks that a certificate can fail.

use crate::error::ocsp::OcspFault;
use crate::error::text::{Excerpt, date};
use crate::waiver::Waiver;
use pki_types::UnixTime;

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
