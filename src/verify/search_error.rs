//! The reasons for which a search finds no path: the errors of `rustls-webpki`, as far as this
//! crate distinguishes them.

use crate::error::CertificateError;
use pki_types::UnixTime;

/// The reason for which a search found no path. The diagnosis finds the certificate that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SearchError {
    UnknownIssuer,
    Expired {
        not_after: UnixTime,
    },
    NotYetValid {
        not_before: UnixTime,
    },
    BadSignature,
    /// Both fields hold the contents of an AlgorithmIdentifier: that of the signature, and, if the
    /// issuer's key does not match the signature, that of the key.
    UnsupportedSignature {
        signature: Vec<u8>,
        key: Option<Vec<u8>>,
    },
    CaAsLeaf,
    NotACa,
    PathLength,
    NameConstraints,
    /// A CA requires a certificate policy that the path does not have.
    Policies,
    Version,
    CriticalExtension,
    Purpose,
    /// `rustls-webpki` distrusts a key.
    Distrusted,
    /// A certificate is refused because of the CRLs.
    Refused(CertificateError),
    TooMuchWork,
    TooLong,
    /// A certificate or CRL cannot be parsed.
    Malformed,
}

impl SearchError {
    /// Returns true if the path may be valid at another time.
    pub(super) fn is_of_time(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::NotYetValid { .. })
    }
}

/// The error of `rustls-webpki` in which this crate's own checks of a path carry theirs through its
/// search. It comes out as it went in.
pub(super) fn carried(error: SearchError) -> webpki::Error {
    use webpki::Error;
    match error {
        SearchError::NotACa => Error::EndEntityUsedAsCa,
        SearchError::PathLength => Error::PathLenConstraintViolated,
        SearchError::NameConstraints => Error::NameConstraintViolation,
        SearchError::Policies => Error::UnsupportedNameType,
        SearchError::TooMuchWork => Error::MaximumNameConstraintComparisonsExceeded,
        _ => Error::BadDer,
    }
}

impl From<webpki::Error> for SearchError {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error;
        match error {
            Error::UnknownIssuer => Self::UnknownIssuer,
            Error::CertExpired { not_after, .. } => Self::Expired { not_after },
            Error::CertNotValidYet { not_before, .. } => Self::NotYetValid { not_before },
            Error::InvalidSignatureForPublicKey => Self::BadSignature,
            Error::UnsupportedSignatureAlgorithmContext(context) => Self::UnsupportedSignature {
                signature: context.signature_algorithm_id,
                key: None,
            },
            Error::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => {
                Self::UnsupportedSignature {
                    signature: context.signature_algorithm_id,
                    key: Some(context.public_key_algorithm_id),
                }
            }
            Error::CaUsedAsEndEntity => Self::CaAsLeaf,
            Error::EndEntityUsedAsCa => Self::NotACa,
            Error::PathLenConstraintViolated => Self::PathLength,
            Error::NameConstraintViolation => Self::NameConstraints,
            // It names no check of a path; see `carried`.
            Error::UnsupportedNameType => Self::Policies,
            Error::UnsupportedCertVersion => Self::Version,
            Error::UnsupportedCriticalExtension => Self::CriticalExtension,
            Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => Self::Purpose,
            Error::CertDistrusted => Self::Distrusted,
            Error::MaximumNameConstraintComparisonsExceeded
            | Error::MaximumPathBuildCallsExceeded
            | Error::MaximumSignatureChecksExceeded => Self::TooMuchWork,
            Error::MaximumPathDepthExceeded => Self::TooLong,
            // The enum is non-exhaustive; the other variants are encoding errors.
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn only_faults_of_time_may_pass_at_another_time() {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1));
        let expired = webpki::Error::CertExpired {
            time,
            not_after: time,
        };
        let early = webpki::Error::CertNotValidYet {
            time,
            not_before: time,
        };
        for (error, is_of_time) in [
            (expired, true),
            (early, true),
            (webpki::Error::UnknownIssuer, false),
        ] {
            assert_eq!(SearchError::from(error).is_of_time(), is_of_time);
        }
    }

    #[test]
    fn own_errors_come_out_as_they_went_in() {
        for error in [
            SearchError::NotACa,
            SearchError::PathLength,
            SearchError::NameConstraints,
            SearchError::Policies,
            SearchError::TooMuchWork,
            SearchError::Malformed,
        ] {
            assert_eq!(SearchError::from(carried(error.clone())), error);
        }
    }

    #[test]
    fn what_is_not_told_apart_is_malformed() {
        for error in [
            webpki::Error::BadDer,
            webpki::Error::BadDerTime,
            webpki::Error::InvalidCertValidity,
            webpki::Error::SignatureAlgorithmMismatch,
        ] {
            assert_eq!(SearchError::from(error), SearchError::Malformed);
        }
    }
}
