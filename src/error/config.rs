//! What is wrong with a configuration.

use crate::enums::{CipherSuite, MaxFragmentLength, SignatureScheme};

errors! {
    /// What is wrong with a configuration.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ConfigError {
        /// The list of suites is empty.
        #[error("no cipher suite is configured")]
        NoSuites,
        /// A suite that this crate does not implement.
        #[error("cipher suite {0} is not implemented")]
        UnsupportedSuite(CipherSuite),
        /// A suite stands twice in the list.
        #[error("cipher suite {0} is listed twice")]
        DuplicateSuite(CipherSuite),
        /// There is nothing to verify the peer's certificate against.
        #[error("no root certificate is configured")]
        NoRoots,
        /// A server without a certificate.
        #[error("no certificate is configured")]
        NoCertificate,
        /// PEM that does not parse.
        #[error("the PEM text does not parse")]
        BadPem,
        /// A certificate that does not parse.
        #[error("a certificate does not parse")]
        BadCertificate,
        /// A chain that no peer would take: over 64 KiB as a message.
        #[error("the certificate chain is longer than a handshake message may be")]
        ChainTooLong,
        /// PEM text without a private key in it.
        #[error("there is no private key in the PEM text")]
        NoKey,
        /// A private key that does not parse, or whose numbers do not fit together.
        #[error("the private key does not parse or is not consistent")]
        BadKey,
        /// A name that certificates are to be chosen by and that DNS does not allow.
        #[error("not a DNS name, nor one whose first label is *")]
        BadServerName,
        /// A key, private or in a certificate, that is not RSA.
        #[error("the key is not RSA")]
        NotRsa,
        /// An RSA key under 2048 or over 8192 bits.
        #[error("the RSA key has {bits} bits; 2048 to 8192 are accepted")]
        KeySize {
            /// The modulus's length.
            bits: usize,
        },
        /// The private key does not belong to the first certificate.
        #[error("the private key does not belong to the certificate")]
        KeyMismatch,
        /// A certificate whose private key is elsewhere, and nothing says that its operations are.
        #[error(
            "the certificate's private key is not there, and its operation is not offloaded to where it is"
        )]
        NoPrivateKey,
        /// No source of randomness: the `getrandom` feature is off and none was given.
        #[error("no source of randomness is configured")]
        NoRandom,
        /// An application protocol's name that is empty, over 255 bytes or listed twice, or more names
        /// than a hello holds.
        #[error(
            "an application protocol's name is empty, over 255 bytes or listed twice, or the list is over 4096 bytes"
        )]
        BadProtocolName,
        /// A record size limit under 64 or over 2^14 bytes
        /// ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
        #[error("a record size limit of {0}; 64 to 16384 are possible")]
        BadRecordSizeLimit(u16),
        /// A maximum fragment length that RFC 6066 does not define.
        #[error("a maximum fragment length of {0}; 2^9, 2^10, 2^11 and 2^12 are possible")]
        BadMaxFragmentLength(MaxFragmentLength),
        /// Sessions that live for less than a second or for more than a day
        /// ([RFC 5246 appendix F.1.4](https://www.rfc-editor.org/rfc/rfc5246#appendix-F.1.4)).
        #[error("sessions cannot live for less than a second or for more than a day")]
        BadSessionLifetime,
        /// PEM text without a revocation list in it.
        #[error("there is no revocation list in the PEM text")]
        NoCrls,
        /// A revocation list that does not parse, or is of a kind that is not supported.
        #[error("a revocation list does not parse, or is of a kind that is not supported")]
        BadCrl,
        /// An OCSP response is required of clients, who cannot send one.
        #[error("an OCSP response is required of clients, who cannot send one")]
        ClientOcspResponse,
        /// A signature algorithm that this crate does not implement.
        #[error("signature algorithm {0} is not implemented")]
        UnsupportedSignatureScheme(SignatureScheme),
        /// A list of signature algorithms in which none is one that a client's RSA key can sign with, or
        /// which is longer than all that there are.
        #[error("no signature algorithm is configured with which a client could prove its key")]
        NoSignatureSchemes,
        /// Names of authorities of which one is empty, or which are too long to be sent: over 65279
        /// bytes, two for each name among them.
        #[error("a name of an authority is empty, or they are too long to be sent")]
        BadAuthorities,
        /// An OCSP response that is empty or too long to be sent.
        #[error("the OCSP response is empty or too long to be sent")]
        BadOcspResponse,
    }
}
