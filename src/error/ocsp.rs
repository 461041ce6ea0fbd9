//! What is wrong with a stapled OCSP response.

errors! {
    /// What is wrong with a stapled OCSP response
    /// ([RFC 6960](https://www.rfc-editor.org/rfc/rfc6960)).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum OcspFault {
        /// The server sent none.
        #[error("there is none")]
        Missing,
        /// It does not parse, or has a critical extension.
        #[error("it does not parse")]
        Malformed,
        /// It says that the responder could not answer.
        #[error("the responder could not answer")]
        Unsuccessful,
        /// It is about other certificates.
        #[error("it is about another certificate")]
        OtherCertificate,
        /// It is made neither by the certificate's issuer nor by somebody to whom the issuer gave the
        /// right.
        #[error("its responder is not authorized by the certificate's issuer")]
        Responder,
        /// Its signature is not its responder's.
        #[error("its signature is wrong")]
        BadSignature,
        /// Its thisUpdate, or its producedAt, is still to come.
        #[error("it is not valid yet")]
        NotYetValid,
        /// Its nextUpdate has passed.
        #[error("it has expired")]
        Expired,
        /// It does not say when it ends.
        #[error("it has no end")]
        NoNextUpdate,
        /// The responder does not know the certificate.
        #[error("the responder does not know the certificate")]
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
            (OcspFault::Missing, "there is none"),
            (OcspFault::Malformed, "it does not parse"),
            (OcspFault::Unsuccessful, "the responder could not answer"),
            (
                OcspFault::OtherCertificate,
                "it is about another certificate",
            ),
            (
                OcspFault::Responder,
                "its responder is not authorized by the certificate's issuer",
            ),
            (OcspFault::BadSignature, "its signature is wrong"),
            (OcspFault::NotYetValid, "it is not valid yet"),
            (OcspFault::Expired, "it has expired"),
            (OcspFault::NoNextUpdate, "it has no end"),
            (
                OcspFault::UnknownStatus,
                "the responder does not know the certificate",
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
