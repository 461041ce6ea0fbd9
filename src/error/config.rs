//! Why a configuration was refused.

use super::files::{FileContents, FileItem, KeyAlgorithm, KeyEncryption, PemFault};
use crate::enums::{CipherSuite, MaxFragmentLength, SignatureScheme};

errors! {
    /// Why a configuration was refused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ConfigError {
        /// The list of cipher suites is empty.
        #[error("no cipher suite is configured")]
        NoSuites,
        /// This crate does not implement the cipher suite.
        #[error("cipher suite {0} is not implemented")]
        UnsupportedSuite(CipherSuite),
        /// The list of cipher suites contains a suite twice.
        #[error("cipher suite {0} is listed twice")]
        DuplicateSuite(CipherSuite),
        /// There is neither a root certificate nor a pin to verify the peer's certificate with.
        #[error("there is no root certificate and no pin")]
        NoRoots,
        /// The certificate chain is empty.
        #[error("the certificate chain is empty")]
        NoCertificate,
        /// The file contains no certificate.
        #[error("there is no certificate; the file has {found}")]
        NoCertificateFound {
            /// What it contains.
            found: FileContents,
        },
        /// The PEM text cannot be parsed.
        #[error("cannot parse the PEM text: line {line}: {fault}")]
        BadPem {
            /// The line, counted from 1, with the fault or with the BEGIN of its section.
            line: usize,
            /// What is wrong.
            fault: PemFault,
        },
        /// An item in a file cannot be parsed.
        #[error("item {position} of the file is {item}, but cannot be parsed")]
        BadItem {
            /// The position among the items of this kind, counted from 1.
            position: usize,
            /// The item, by its PEM label or its first bytes.
            item: FileItem,
        },
        /// A certificate cannot be parsed.
        #[error("cannot parse a certificate")]
        BadCertificate,
        /// PEM text was given where DER is expected.
        #[error("found PEM text where DER is expected (from_bytes reads both)")]
        PemInsteadOfDer,
        /// The certificate is an OpenSSL `TRUSTED CERTIFICATE` whose settings do not trust it for
        /// TLS.
        #[error(
            "certificate {position} of the file is a TRUSTED CERTIFICATE whose settings do not trust it for TLS (openssl x509 -in FILE -out NEW writes it without them)"
        )]
        NotTrusted {
            /// The position among the certificates, counted from 1.
            position: usize,
        },
        /// The certificate chain exceeds the 64 KiB of a handshake message.
        #[error("the certificate chain is too long for a handshake message of 65536 bytes")]
        ChainTooLong,
        /// The file contains no private key.
        #[error("there is no private key; the file has {found}")]
        NoKey {
            /// What it contains.
            found: FileContents,
        },
        /// The private key cannot be parsed, or its numbers are inconsistent.
        #[error("the private key cannot be parsed or is inconsistent")]
        BadKey,
        /// The private key is encrypted, and there is no password for it, or its format is not
        /// supported.
        #[error("the private key is encrypted: {encryption}")]
        EncryptedKey {
            /// How it is encrypted.
            encryption: KeyEncryption,
        },
        /// The password does not decrypt the private key.
        #[error("the password does not decrypt the private key")]
        WrongPassword,
        /// The private key is encrypted with an algorithm that is not supported: PBES1, DES, 3DES or
        /// RC2.
        #[error(
            "the private key is encrypted with an algorithm that is not supported (openssl pkcs8 -in FILE -topk8 -v2 aes-256-cbc -out NEW converts it)"
        )]
        UnsupportedKeyEncryption,
        /// The derivation of the key from the password would take too long or too much memory: more
        /// than 10,000,000 iterations of PBKDF2, or scrypt with more than 256 MiB or a
        /// parallelization of more than 16.
        #[error(
            "the derivation of the private key from the password takes more than 10000000 iterations of PBKDF2, or more than 256 MiB for scrypt"
        )]
        CostlyKeyDerivation,
        /// A name in a [`CertificateSet`](crate::certificate::CertificateSet) is not a valid DNS name, or a
        /// certificate in it has none.
        #[error("a name to choose the certificate by is missing, or is not a DNS name (* may be its first label)")]
        BadServerName,
        /// The key, private or in a certificate, is not an RSA key.
        #[error("found {algorithm}; RSA key transport needs an RSA key")]
        NotRsa {
            /// The key's algorithm.
            algorithm: KeyAlgorithm,
        },
        /// The RSA key has less than 2048 or more than 8192 bits.
        #[error("the RSA key has {bits} bits; 2048 to 8192 are accepted")]
        KeySize {
            /// The length of the modulus in bits.
            bits: usize,
        },
        /// The private key belongs to no certificate of the chain.
        #[error("the private key belongs to no certificate of the chain")]
        KeyMismatch,
        /// The certificate has no private key, and the configuration does not offload the operation.
        #[error(
            "the configuration has no private key for the certificate, and the operation is not offloaded (offload_decryption of a server, offload_signing of a client)"
        )]
        NoPrivateKey,
        /// There is no random number generator: the feature `getrandom` is off and the
        /// configuration sets none.
        #[error("no random number generator is configured (the builder's rng sets one)")]
        NoRandom,
        /// There is no clock: the system has none, as in `wasm32-unknown-unknown`, and the
        /// configuration sets none.
        #[error("no clock is configured (the builder's time_provider sets one)")]
        NoTime,
        /// The name of an application protocol is empty, longer than 255 bytes or listed twice, or
        /// the list is longer than 4096 bytes.
        #[error(
            "an application protocol's name is empty, longer than 255 bytes or listed twice, or the list is longer than 4096 bytes"
        )]
        BadProtocolName,
        /// The record size limit is less than 64 or more than 2^14 bytes
        /// ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
        #[error("the record size limit is {0}; 64 to 16384 bytes are accepted")]
        BadRecordSizeLimit(u16),
        /// RFC 6066 does not define the maximum fragment length.
        #[error("the maximum fragment length is {0}; 2^9, 2^10, 2^11 and 2^12 are accepted")]
        BadMaxFragmentLength(MaxFragmentLength),
        /// The session lifetime is less than a second or more than a day
        /// ([RFC 5246 appendix F.1.4](https://www.rfc-editor.org/rfc/rfc5246#appendix-F.1.4)).
        #[error("the session lifetime must be one second to one day")]
        BadSessionLifetime,
        /// The file contains no CRL.
        #[error("there is no CRL; the file has {found}")]
        NoCrls {
            /// What it contains.
            found: FileContents,
        },
        /// A CRL cannot be parsed, or is of an unsupported kind.
        #[error("a CRL cannot be parsed or is of an unsupported kind")]
        BadCrl,
        /// The policy for clients requires an OCSP response, which clients cannot send.
        #[error("the policy for clients requires an OCSP response, which clients cannot send")]
        ClientOcspResponse,
        /// This crate does not implement the signature algorithm.
        #[error("signature algorithm {0} is not implemented")]
        UnsupportedSignatureScheme(SignatureScheme),
        /// The list of signature algorithms has none that a client's RSA key can sign with, or
        /// repeats some so often that it is too long.
        #[error("the list of signature algorithms has none for a client's RSA key, or is too long")]
        NoSignatureSchemes,
        /// The name of a CA is empty, or the list is too long to send: more than 65279 bytes,
        /// including two for each name.
        #[error("the name of a CA is empty, or the list of CA names is longer than 65279 bytes")]
        BadAuthorities,
        /// The OCSP response is empty, or too long for a handshake message of 64 KiB.
        #[error("the OCSP response is empty, or too long for a handshake message of 65536 bytes")]
        BadOcspResponse,
    }
}
