//! Why a client sent no certificate, although the server asked for one.

errors! {
    /// Why a client sent no certificate, although the server asked for one.
    ///
    /// The server decides whether it goes on without. If it does not, the client's error has a
    /// [`Moment`](crate::error::Moment) with
    /// [`Told::NoCertificate`](crate::error::Told::NoCertificate); if it does,
    /// [`SessionInfo::requested_certificate`](crate::SessionInfo::requested_certificate) tells.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum CertificateWithheld {
        /// The configuration has no certificate.
        #[error("none is configured (ClientConfigBuilder::certificate adds one)")]
        #[setting(ClientConfigBuilder::certificate)]
        NoneConfigured,
        /// The server accepts no certificates with RSA keys.
        #[error("the server does not accept certificates with RSA keys; no setting changes that")]
        CertificateType,
        /// The server lists no signature algorithm with which this crate can sign.
        #[error(
            "the server lists no signature algorithm with which an RSA key can sign; no setting changes that"
        )]
        SignatureAlgorithm,
        /// Of the algorithms with which this crate can sign, the server lists SHA-1 alone.
        #[error(
            "the server accepts signatures with SHA-1 only (ClientConfigBuilder::sign_with_sha1 would make one)"
        )]
        #[setting(ClientConfigBuilder::sign_with_sha1)]
        Sha1,
        /// None of the CAs that the server lists issued a certificate that is configured.
        #[error(
            "none is from a CA that the server lists (ClientConfigBuilder::ignore_requested_authorities would send one)"
        )]
        #[setting(ClientConfigBuilder::ignore_requested_authorities)]
        Authority,
    }
}
