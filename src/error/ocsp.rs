//! Why a stapled OCSP response was refused.

errors! {
    /// Why a stapled OCSP response was refused
    /// ([RFC 6960](https://www.rfc-editor.org/rfc/rfc6960)).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum OcspFault {
        /// The server sent no response.
        #[error("the server sent no response")]
        Missing,
        /// The response cannot be parsed, is of an unsupported type, or has a critical extension.
        #[error("the response cannot be parsed or is not supported")]
        Malformed,
        /// The response reports an error of the responder instead of a status.
        #[error("the responder reported an error instead of a status")]
        Unsuccessful,
        /// The response is about other certificates.
        #[error("the response is about another certificate")]
        OtherCertificate,
        /// The response is signed neither by the certificate's issuer nor by a responder that the
        /// issuer authorized.
        #[error("the responder is not authorized by the certificate's issuer")]
        Responder,
        /// The signature of the response does not verify with the responder's key.
        #[error("the signature of the response does not verify")]
        BadSignature,
        /// The thisUpdate or producedAt of the response is in the future.
        #[error("the response is not valid yet")]
        NotYetValid,
        /// The nextUpdate of the response has passed.
        #[error("the response has expired")]
        Expired,
        /// The response has no nextUpdate.
        #[error("the response has no nextUpdate")]
        NoNextUpdate,
        /// The response gives the status "unknown".
        #[error("the responder gives the certificate's status as \"unknown\"")]
        UnknownStatus,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::Samples;

    #[test]
    fn every_fault_of_an_ocsp_response_has_its_words() {
        let rows = [
            (OcspFault::Missing, "the server sent no response"),
            (
                OcspFault::Malformed,
                "the response cannot be parsed or is not supported",
            ),
            (
                OcspFault::Unsuccessful,
                "the responder reported an error instead of a status",
            ),
            (
                OcspFault::OtherCertificate,
                "the response is about another certificate",
            ),
            (
                OcspFault::Responder,
                "the responder is not authorized by the certificate's issuer",
            ),
            (
                OcspFault::BadSignature,
                "the signature of the response does not verify",
            ),
            (OcspFault::NotYetValid, "the response is not valid yet"),
            (OcspFault::Expired, "the response has expired"),
            (OcspFault::NoNextUpdate, "the response has no nextUpdate"),
            (
                OcspFault::UnknownStatus,
                "the responder gives the certificate's status as \"unknown\"",
            ),
        ];
        for (fault, words) in rows {
            assert_eq!(fault.to_string(), words);
        }
        for (name, fault) in OcspFault::samples() {
            assert!(rows.iter().any(|row| row.0 == fault), "{name}");
        }
    }
}
