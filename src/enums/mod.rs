//! The numbers on the wire, as newtypes that preserve unknown values.

mod suite_names;

use core::fmt;

macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($int:ty) $(or $others:path)?;
        $( $(#[$value_meta:meta])* $constant:ident = $value:literal => $text:literal; )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $int);

        impl $name {
            $( $(#[$value_meta])* pub const $constant: Self = Self($value); )*

            /// Returns the registered name, or `None` for a value that is not in
            /// [`NAMED`](Self::NAMED).
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some($text), )*
                    _ => None,
                }
            }

            /// All values that have a name in this crate, in numeric order.
            pub const NAMED: &'static [Self] = &[ $( Self::$constant, )* ];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let name = self.name();
                $( let name = name.or_else(|| $others(self.0)); )?
                match name {
                    Some(name) => f.write_str(name),
                    // 0x and two digits a byte.
                    None => write!(f, "{:#0width$x}", self.0, width = 2 + 2 * size_of::<$int>()),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

wire_enum! {
    /// The content type of a record ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).
    pub struct ContentType(u8);
    /// The records after this one use the new keys.
    CHANGE_CIPHER_SPEC = 20 => "change_cipher_spec";
    /// An alert.
    ALERT = 21 => "alert";
    /// A part of a handshake message, or several messages.
    HANDSHAKE = 22 => "handshake";
    /// Data of the application.
    APPLICATION_DATA = 23 => "application_data";
}

wire_enum! {
    /// A protocol version, as encoded on the wire.
    pub struct ProtocolVersion(u16);
    /// SSL 3.0.
    SSL_3_0 = 0x0300 => "SSL 3.0";
    /// TLS 1.0.
    TLS_1_0 = 0x0301 => "TLS 1.0";
    /// TLS 1.1.
    TLS_1_1 = 0x0302 => "TLS 1.1";
    /// TLS 1.2, the only version that this crate supports.
    TLS_1_2 = 0x0303 => "TLS 1.2";
    /// TLS 1.3.
    TLS_1_3 = 0x0304 => "TLS 1.3";
}

wire_enum! {
    /// The type of a handshake message ([RFC 5246 section 7.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4)).
    pub struct HandshakeType(u8);
    /// The server requests a new handshake.
    HELLO_REQUEST = 0 => "hello_request";
    /// The client's offer of parameters, which opens the handshake.
    CLIENT_HELLO = 1 => "client_hello";
    /// The server's choice of parameters.
    SERVER_HELLO = 2 => "server_hello";
    /// A session ticket for the client to store ([RFC 5077 section 3.3](https://www.rfc-editor.org/rfc/rfc5077#section-3.3)).
    NEW_SESSION_TICKET = 4 => "new_session_ticket";
    /// The sender's certificate chain.
    CERTIFICATE = 11 => "certificate";
    /// Key exchange parameters, which RSA key transport does not use.
    SERVER_KEY_EXCHANGE = 12 => "server_key_exchange";
    /// The server requests a client certificate.
    CERTIFICATE_REQUEST = 13 => "certificate_request";
    /// The end of the server's first flight.
    SERVER_HELLO_DONE = 14 => "server_hello_done";
    /// The client's signature, the proof that it holds its certificate's key.
    CERTIFICATE_VERIFY = 15 => "certificate_verify";
    /// The encrypted pre-master secret.
    CLIENT_KEY_EXCHANGE = 16 => "client_key_exchange";
    /// The check value over the handshake, the proof that both sides saw the same messages.
    FINISHED = 20 => "finished";
    /// A stapled OCSP response for the server's certificate ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)).
    CERTIFICATE_STATUS = 22 => "certificate_status";
}

wire_enum! {
    /// The severity of an alert ([RFC 5246 section 7.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2)).
    pub struct AlertLevel(u8);
    /// The connection can continue.
    WARNING = 1 => "warning";
    /// The connection ends.
    FATAL = 2 => "fatal";
}

wire_enum! {
    /// The reason for an alert ([RFC 5246 section 7.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2)).
    pub struct AlertDescription(u8);
    /// The sender closes the connection and sends nothing more.
    CLOSE_NOTIFY = 0 => "close_notify";
    /// A message was not allowed at this point.
    UNEXPECTED_MESSAGE = 10 => "unexpected_message";
    /// A record failed authentication.
    BAD_RECORD_MAC = 20 => "bad_record_mac";
    /// A record was too long.
    RECORD_OVERFLOW = 22 => "record_overflow";
    /// The sender found no acceptable set of parameters.
    HANDSHAKE_FAILURE = 40 => "handshake_failure";
    /// A certificate was corrupt or did not verify.
    BAD_CERTIFICATE = 42 => "bad_certificate";
    /// A certificate was of an unsupported type.
    UNSUPPORTED_CERTIFICATE = 43 => "unsupported_certificate";
    /// A certificate was revoked by its signer.
    CERTIFICATE_REVOKED = 44 => "certificate_revoked";
    /// A certificate has expired or is not yet valid.
    CERTIFICATE_EXPIRED = 45 => "certificate_expired";
    /// A certificate was refused for another reason.
    CERTIFICATE_UNKNOWN = 46 => "certificate_unknown";
    /// A field was out of range or contradicted another.
    ILLEGAL_PARAMETER = 47 => "illegal_parameter";
    /// The chain does not lead to a known CA.
    UNKNOWN_CA = 48 => "unknown_ca";
    /// The certificate is valid, but its holder has no access.
    ACCESS_DENIED = 49 => "access_denied";
    /// A message could not be parsed.
    DECODE_ERROR = 50 => "decode_error";
    /// A cryptographic check of the handshake failed.
    DECRYPT_ERROR = 51 => "decrypt_error";
    /// The protocol version is not supported.
    PROTOCOL_VERSION = 70 => "protocol_version";
    /// The server requires more secure ciphers than the client supports.
    INSUFFICIENT_SECURITY = 71 => "insufficient_security";
    /// The sender failed for a reason unrelated to the peer.
    INTERNAL_ERROR = 80 => "internal_error";
    /// The client fell back to an older version without need.
    INAPPROPRIATE_FALLBACK = 86 => "inappropriate_fallback";
    /// The handshake was cancelled for a reason outside the protocol.
    USER_CANCELED = 90 => "user_canceled";
    /// The sender refuses to renegotiate.
    NO_RENEGOTIATION = 100 => "no_renegotiation";
    /// The ServerHello has an extension that the client did not offer.
    UNSUPPORTED_EXTENSION = 110 => "unsupported_extension";
    /// The server does not recognize the server name.
    UNRECOGNIZED_NAME = 112 => "unrecognized_name";
    /// A stapled OCSP response was missing or invalid.
    BAD_CERTIFICATE_STATUS_RESPONSE = 113 => "bad_certificate_status_response";
    /// There is no common application protocol.
    NO_APPLICATION_PROTOCOL = 120 => "no_application_protocol";
}

wire_enum! {
    /// A cipher suite, by its IANA number. It prints by its registered name, also if this crate does
    /// not implement it.
    pub struct CipherSuite(u16) or suite_names::registered;
    /// AES-128 in CBC with HMAC-SHA-1, PRF with SHA-256 ([RFC 5246 appendix A.5](https://www.rfc-editor.org/rfc/rfc5246#appendix-A.5)). The suite that RFC 5246 makes mandatory. Only if configured.
    TLS_RSA_WITH_AES_128_CBC_SHA = 0x002f => "TLS_RSA_WITH_AES_128_CBC_SHA";
    /// AES-256 in CBC with HMAC-SHA-1, PRF with SHA-256 ([RFC 5246 appendix A.5](https://www.rfc-editor.org/rfc/rfc5246#appendix-A.5)). Only if configured.
    TLS_RSA_WITH_AES_256_CBC_SHA = 0x0035 => "TLS_RSA_WITH_AES_256_CBC_SHA";
    /// AES-128 in CBC with HMAC-SHA-256, PRF with SHA-256 ([RFC 5246 appendix A.5](https://www.rfc-editor.org/rfc/rfc5246#appendix-A.5)). Only if configured.
    TLS_RSA_WITH_AES_128_CBC_SHA256 = 0x003c => "TLS_RSA_WITH_AES_128_CBC_SHA256";
    /// AES-256 in CBC with HMAC-SHA-256, PRF with SHA-256 ([RFC 5246 appendix A.5](https://www.rfc-editor.org/rfc/rfc5246#appendix-A.5)). Only if configured.
    TLS_RSA_WITH_AES_256_CBC_SHA256 = 0x003d => "TLS_RSA_WITH_AES_256_CBC_SHA256";
    /// AES-128 in GCM, PRF with SHA-256 ([RFC 5288](https://www.rfc-editor.org/rfc/rfc5288)).
    TLS_RSA_WITH_AES_128_GCM_SHA256 = 0x009c => "TLS_RSA_WITH_AES_128_GCM_SHA256";
    /// AES-256 in GCM, PRF with SHA-384 ([RFC 5288](https://www.rfc-editor.org/rfc/rfc5288)).
    TLS_RSA_WITH_AES_256_GCM_SHA384 = 0x009d => "TLS_RSA_WITH_AES_256_GCM_SHA384";
    /// A signalling value, not a cipher suite: the client supports secure renegotiation ([RFC 5746 section 3.3](https://www.rfc-editor.org/rfc/rfc5746#section-3.3)).
    TLS_EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff => "TLS_EMPTY_RENEGOTIATION_INFO_SCSV";
    /// A signalling value, not a cipher suite: the client retries below its highest version ([RFC 7507](https://www.rfc-editor.org/rfc/rfc7507)).
    TLS_FALLBACK_SCSV = 0x5600 => "TLS_FALLBACK_SCSV";
    /// AES-128 in CCM, PRF with SHA-256 ([RFC 6655](https://www.rfc-editor.org/rfc/rfc6655)). Only if configured.
    TLS_RSA_WITH_AES_128_CCM = 0xc09c => "TLS_RSA_WITH_AES_128_CCM";
    /// AES-256 in CCM, PRF with SHA-256 ([RFC 6655](https://www.rfc-editor.org/rfc/rfc6655)). Only if configured.
    TLS_RSA_WITH_AES_256_CCM = 0xc09d => "TLS_RSA_WITH_AES_256_CCM";
    /// AES-128 in CCM with a tag of eight bytes ([RFC 6655](https://www.rfc-editor.org/rfc/rfc6655)). Only if configured.
    TLS_RSA_WITH_AES_128_CCM_8 = 0xc0a0 => "TLS_RSA_WITH_AES_128_CCM_8";
    /// AES-256 in CCM with a tag of eight bytes ([RFC 6655](https://www.rfc-editor.org/rfc/rfc6655)). Only if configured.
    TLS_RSA_WITH_AES_256_CCM_8 = 0xc0a1 => "TLS_RSA_WITH_AES_256_CCM_8";
}

wire_enum! {
    /// A compression method. This crate supports only null.
    pub struct CompressionMethod(u8);
    /// No compression.
    NULL = 0 => "null";
}

wire_enum! {
    /// The type of a hello extension.
    pub struct ExtensionType(u16);
    /// The name of the server that the client connects to, SNI ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)).
    SERVER_NAME = 0 => "server_name";
    /// A limit for the plaintext of a record, one of four values ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)).
    MAX_FRAGMENT_LENGTH = 1 => "max_fragment_length";
    /// The client requests a stapled OCSP response ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)).
    STATUS_REQUEST = 5 => "status_request";
    /// The signature algorithms that the client can verify ([RFC 5246 section 7.4.1.4.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.4.1)).
    SIGNATURE_ALGORITHMS = 13 => "signature_algorithms";
    /// The application protocol over TLS, ALPN ([RFC 7301 section 3.1](https://www.rfc-editor.org/rfc/rfc7301#section-3.1)).
    APPLICATION_LAYER_PROTOCOL_NEGOTIATION = 16 => "application_layer_protocol_negotiation";
    /// The records of a CBC suite are encrypted first and authenticated then ([RFC 7366 section 2](https://www.rfc-editor.org/rfc/rfc7366#section-2)).
    ENCRYPT_THEN_MAC = 22 => "encrypt_then_mac";
    /// A master secret bound to the handshake ([RFC 7627 section 5.1](https://www.rfc-editor.org/rfc/rfc7627#section-5.1)).
    EXTENDED_MASTER_SECRET = 23 => "extended_master_secret";
    /// The longest plaintext of a record that a side accepts ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
    RECORD_SIZE_LIMIT = 28 => "record_size_limit";
    /// A session ticket, or support for tickets ([RFC 5077 section 3.2](https://www.rfc-editor.org/rfc/rfc5077#section-3.2)).
    SESSION_TICKET = 35 => "session_ticket";
    /// The versions that the client offers ([RFC 8446 section 4.2.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.1)).
    SUPPORTED_VERSIONS = 43 => "supported_versions";
    /// Support for secure renegotiation ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).
    RENEGOTIATION_INFO = 0xff01 => "renegotiation_info";
}

wire_enum! {
    /// The longest plaintext of a record, one of four powers of two ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)).
    pub struct MaxFragmentLength(u8);
    /// 512 bytes.
    L512 = 1 => "2^9";
    /// 1024 bytes.
    L1024 = 2 => "2^10";
    /// 2048 bytes.
    L2048 = 3 => "2^11";
    /// 4096 bytes.
    L4096 = 4 => "2^12";
}

wire_enum! {
    /// A certificate type of a CertificateRequest ([RFC 5246 section 7.4.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4)).
    pub struct ClientCertificateType(u8);
    /// A certificate with an RSA key for signing.
    RSA_SIGN = 1 => "rsa_sign";
}

wire_enum! {
    /// A signature algorithm: the SignatureAndHashAlgorithm pair of RFC 5246 as one number, by the
    /// names of [RFC 8446 section 4.2.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3).
    pub struct SignatureScheme(u16);
    /// RSASSA-PKCS1-v1_5 with SHA-1, which is broken; used only if configured.
    RSA_PKCS1_SHA1 = 0x0201 => "rsa_pkcs1_sha1";
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RSA_PKCS1_SHA256 = 0x0401 => "rsa_pkcs1_sha256";
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RSA_PKCS1_SHA384 = 0x0501 => "rsa_pkcs1_sha384";
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RSA_PKCS1_SHA512 = 0x0601 => "rsa_pkcs1_sha512";
    /// RSASSA-PSS with SHA-256 and a key of type rsaEncryption.
    RSA_PSS_RSAE_SHA256 = 0x0804 => "rsa_pss_rsae_sha256";
    /// RSASSA-PSS with SHA-384 and a key of type rsaEncryption.
    RSA_PSS_RSAE_SHA384 = 0x0805 => "rsa_pss_rsae_sha384";
    /// RSASSA-PSS with SHA-512 and a key of type rsaEncryption.
    RSA_PSS_RSAE_SHA512 = 0x0806 => "rsa_pss_rsae_sha512";
    /// ECDSA with SHA-256, only for the certificates of a chain.
    ECDSA_SHA256 = 0x0403 => "ecdsa_sha256";
    /// ECDSA with SHA-384, only for the certificates of a chain.
    ECDSA_SHA384 = 0x0503 => "ecdsa_sha384";
}

impl ProtocolVersion {
    /// Returns the two bytes of the version.
    pub(crate) fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Returns true if the major number is 3, as in SSL 3.0 and all versions of TLS.
    pub(crate) fn is_tls(self) -> bool {
        self.to_bytes().first() == Some(&3)
    }
}

impl CipherSuite {
    /// Returns the cipher suite with this IANA name, for configuration files and command lines.
    ///
    /// Returns `None` for unknown names and for signalling values.
    ///
    /// ```
    /// use premaster::CipherSuite;
    /// assert_eq!(
    ///     CipherSuite::from_name("TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ///     Some(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256),
    /// );
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED
            .iter()
            .copied()
            .filter(|suite| !suite.is_signalling())
            .find(|suite| suite.name() == Some(name))
    }

    /// Returns true for a signalling value, which tells the server something about the client.
    fn is_signalling(self) -> bool {
        matches!(
            self,
            Self::TLS_EMPTY_RENEGOTIATION_INFO_SCSV | Self::TLS_FALLBACK_SCSV
        )
    }
}

impl MaxFragmentLength {
    /// Returns the length in bytes, or `None` for an undefined value.
    pub(crate) fn bytes(self) -> Option<usize> {
        match self {
            Self::L512 => Some(512),
            Self::L1024 => Some(1024),
            Self::L2048 => Some(2048),
            Self::L4096 => Some(4096),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_registered_and_unknown_values_print_as_numbers() {
        assert_eq!(AlertDescription::CLOSE_NOTIFY.to_string(), "close_notify");
        assert_eq!(CipherSuite(0x1a1a).to_string(), "0x1a1a");
        assert_eq!(AlertDescription(200).to_string(), "0xc8");
        assert_eq!(HandshakeType(4).to_string(), "new_session_ticket");
        assert_eq!(HandshakeType(22).to_string(), "certificate_status");
    }

    #[test]
    fn only_suites_are_found_by_name() {
        for name in [
            "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
            "TLS_FALLBACK_SCSV",
            "nonsense",
        ] {
            assert_eq!(CipherSuite::from_name(name), None);
        }
        for suite in CipherSuite::NAMED.iter().filter(|s| !s.is_signalling()) {
            assert_eq!(CipherSuite::from_name(suite.name().unwrap()), Some(*suite));
        }
    }

    #[test]
    fn a_version_of_tls_has_the_major_number_3() {
        for version in ProtocolVersion::NAMED {
            assert!(version.is_tls(), "{version}");
        }
        assert_eq!(ProtocolVersion::TLS_1_2.to_bytes(), [3, 3]);
        for other in [0, 0x0002, 0x0203, 0x0400, 0x4854] {
            assert!(!ProtocolVersion(other).is_tls(), "{other}");
        }
    }

    #[test]
    fn named_values_are_in_numeric_order() {
        assert!(HandshakeType::NAMED.is_sorted_by(|one, next| one < next));
        assert!(CipherSuite::NAMED.is_sorted_by(|one, next| one < next));
        assert!(ExtensionType::NAMED.is_sorted_by(|one, next| one < next));
        assert!(MaxFragmentLength::NAMED.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_fragment_length_is_the_power_of_two_that_it_is_named_after() {
        for (exponent, length) in (9..).zip(MaxFragmentLength::NAMED) {
            assert_eq!(length.name(), Some(&*format!("2^{exponent}")));
            assert_eq!(length.bytes(), Some(1 << exponent));
        }
        assert_eq!(MaxFragmentLength::NAMED.len(), 4);
        for unknown in [0, 5, 255] {
            assert_eq!(MaxFragmentLength(unknown).bytes(), None);
        }
    }
}
