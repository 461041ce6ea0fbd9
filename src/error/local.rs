//! What can fail on this side.

errors! {
    /// A failure on this side.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum LocalError {
        /// The random number generator failed.
        #[error("the random number generator failed")]
        #[alert(INTERNAL_ERROR)]
        RandomUnavailable,
        /// The key has protected as many records as it may: the sequence number would wrap
        /// ([RFC 5246 section 6.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.1)).
        #[error("the sequence numbers of this key are used up")]
        #[alert(INTERNAL_ERROR)]
        KeyExhausted,
        /// The certificate's private key is elsewhere, and its operation is not offloaded to where it
        /// is.
        #[error("the certificate's private key is not there")]
        #[alert(INTERNAL_ERROR)]
        NoPrivateKey,
        /// The private key could not sign, or its signature was not the certificate's key's.
        #[error("the private key could not sign, or signed wrongly")]
        #[alert(INTERNAL_ERROR)]
        Signing,
        /// Something happened that this crate takes for impossible, which is a fault of the crate: please
        /// report it with the text. The connection ends rather than go on with data that was made up.
        #[error("internal error: {0}")]
        #[alert(INTERNAL_ERROR)]
        Internal(&'static str),
    }
}

/// A private key that could not be used, for whatever reason: the
/// [`PrivateKey`](crate::PrivateKey) knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private key could not be used")]
pub struct KeyError;

/// Without randomness there is no blinding.
impl From<LocalError> for KeyError {
    fn from(_: LocalError) -> Self {
        Self
    }
}
