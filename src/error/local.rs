//! What can fail on this side.

errors! {
    /// A failure on this side.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum LocalError {
        /// The random number generator failed.
        #[error("the random number generator failed")]
        #[alert(INTERNAL_ERROR)]
        RandomUnavailable,
        /// The key has protected the maximum number of records: the next sequence number would wrap
        /// ([RFC 5246 section 6.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.1)).
        #[error("the sequence numbers of the connection's key are exhausted")]
        #[alert(INTERNAL_ERROR)]
        KeyExhausted,
        /// The certificate was configured without a private key, and the operation is not offloaded.
        #[error(
            "the certificate was configured without a private key, and the operation is not offloaded"
        )]
        #[alert(INTERNAL_ERROR)]
        NoPrivateKey,
        /// The private key could not sign, or its signature does not verify with the certificate.
        #[error("the private key could not sign, or its signature does not verify with the certificate")]
        #[alert(INTERNAL_ERROR)]
        Signing,
        /// An internal check failed, which is a bug in this crate; please report it with the text.
        /// The connection ends rather than continue with invalid data.
        #[error("internal error, please report it: {0}")]
        #[alert(INTERNAL_ERROR)]
        Internal(&'static str),
    }
}

/// The private key could not be used. The reason remains with the implementation of
/// [`PrivateKey`](crate::PrivateKey).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private key could not be used")]
pub struct KeyError;

/// Without randomness there is no blinding.
impl From<LocalError> for KeyError {
    fn from(_: LocalError) -> Self {
        Self
    }
}
