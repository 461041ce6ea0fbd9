//! How a peer can violate the protocol.

use super::foreign::ForeignProtocol;
use crate::enums::{
    CipherSuite, CompressionMethod, ContentType, ExtensionType, HandshakeType, ProtocolVersion,
    SignatureScheme,
};

errors! {
    /// How the peer violated the protocol.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum PeerError {
        /// A handshake message arrived out of order.
        #[error("received {received}, expected {awaited}")]
        #[alert(UNEXPECTED_MESSAGE)]
        UnexpectedMessage {
            /// The message that was received.
            received: HandshakeType,
            /// What the handshake expected instead.
            awaited: &'static str,
        },
        /// The type of a record is unknown, or not allowed at this point.
        #[error("received an unexpected record of type {0}")]
        #[alert(UNEXPECTED_MESSAGE)]
        UnexpectedRecord(ContentType),
        /// A record of another type arrived between the parts of a handshake message.
        #[error("received a record of type {0} in the middle of a handshake message")]
        #[alert(UNEXPECTED_MESSAGE)]
        InterleavedRecord(ContentType),
        /// ChangeCipherSpec arrived before a handshake message was complete, or before all messages
        /// in front of it were processed.
        #[error("received change_cipher_spec in the middle of a handshake message")]
        #[alert(UNEXPECTED_MESSAGE)]
        KeyChangeInsideMessage,
        /// ChangeCipherSpec has more than its one byte.
        #[error("change_cipher_spec has more than one byte")]
        #[alert(UNEXPECTED_MESSAGE)]
        LongChangeCipherSpec,
        /// The byte in ChangeCipherSpec is not 1.
        #[error("the byte in change_cipher_spec is not 1")]
        #[alert(ILLEGAL_PARAMETER)]
        BadChangeCipherSpec,
        /// The level of an alert is neither warning nor fatal.
        #[error("an alert has level {0}; only 1 (warning) and 2 (fatal) are valid")]
        #[alert(ILLEGAL_PARAMETER)]
        BadAlertLevel(u8),
        /// A record of this type is empty. Only application data may be.
        #[error("a record of type {0} is empty; only application_data may be")]
        #[alert(UNEXPECTED_MESSAGE)]
        EmptyRecord(ContentType),
        /// The peer sent too many empty records without application data between them.
        #[error("too many empty records without application data between them")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooManyEmptyRecords,
        /// The peer sent too many warning alerts without application data between them.
        #[error("too many warning alerts without application data between them")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooManyWarnings,
        /// The peer requested renegotiation too often without application data between the requests.
        #[error("too many renegotiation requests without application data between them")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooManyRenegotiations,
        /// A record is longer than the limit of the protocol, or the one negotiated in the hellos.
        #[error("a record is longer than the protocol or the negotiated limit allows")]
        #[alert(RECORD_OVERFLOW)]
        RecordTooLong,
        /// The version of a record is not TLS 1.2, or the bytes are not TLS.
        #[error("a record has version {0} instead of TLS 1.2, or the bytes are not TLS")]
        #[alert(PROTOCOL_VERSION)]
        RecordVersion(ProtocolVersion),
        /// The peer does not speak TLS: its first bytes look like another protocol.
        #[error("the bytes are not TLS; they look like {0}")]
        #[alert(PROTOCOL_VERSION)]
        NotTls(ForeignProtocol),
        /// A protected record failed authentication. The error deliberately gives no further detail.
        #[error("a record failed authentication")]
        #[alert(BAD_RECORD_MAC)]
        BadRecord,
        /// The header of a handshake message announces more than the definition of the message
        /// allows.
        #[error("{message} has {length} bytes; it cannot have more than {most}")]
        #[alert(DECODE_ERROR)]
        MessageTooLong {
            /// The type of the message.
            message: HandshakeType,
            /// The length in its header, in bytes.
            length: usize,
            /// The longest that the definition allows, in bytes.
            most: usize,
        },
        /// The header of a handshake message announces more than the configuration allows.
        #[error(
            "{message} has {length} bytes; at most {most} are accepted (set by the builder's max_handshake_message)"
        )]
        #[alert(DECODE_ERROR)]
        #[setting(max_handshake_message)]
        MessageOverLimit {
            /// The type of the message.
            message: HandshakeType,
            /// The length in its header, in bytes.
            length: usize,
            /// The longest that the configuration allows, in bytes.
            most: usize,
        },
        /// Handshake data follows the message that ends the peer's flight, before this side has
        /// answered. HelloRequests may.
        #[error("received handshake data behind {0}, with which a flight ends")]
        #[alert(UNEXPECTED_MESSAGE)]
        ExcessHandshakeData(HandshakeType),
        /// The ClientHello does not offer the null compression method.
        #[error("the client does not offer null compression, which TLS requires")]
        #[alert(ILLEGAL_PARAMETER)]
        NoNullCompression,
        /// The server chose a compression method other than null.
        #[error("the server chose compression method {0}, which was not offered")]
        #[alert(ILLEGAL_PARAMETER)]
        UnofferedCompression(CompressionMethod),
        /// The server chose a cipher suite that was not offered.
        #[error("the server chose cipher suite {0}, which was not offered")]
        #[alert(ILLEGAL_PARAMETER)]
        UnofferedSuite(CipherSuite),
        /// The server replied to an extension that the client did not send.
        #[error("the server replied to extension {0}, which the client did not send")]
        #[alert(UNSUPPORTED_EXTENSION)]
        UnsolicitedExtension(ExtensionType),
        /// An extension has an invalid value.
        #[error("extension {0} has an invalid value")]
        #[alert(ILLEGAL_PARAMETER)]
        IllegalExtension(ExtensionType),
        /// The renegotiation_info of an initial handshake is not empty.
        #[error("renegotiation_info is not empty in an initial handshake")]
        #[alert(HANDSHAKE_FAILURE)]
        RenegotiationInfoNotEmpty,
        /// The renegotiation_info of a renegotiation is not the one of the handshake before: the server
        /// takes this connection for another one.
        #[error("renegotiation_info does not match the handshake before, or is missing")]
        #[alert(HANDSHAKE_FAILURE)]
        RenegotiationInfoWrong,
        /// The server showed another certificate in a renegotiation.
        #[error(
            "the server showed another certificate in a renegotiation (ClientConfigBuilder::accept_renegotiation can permit that)"
        )]
        #[alert(ILLEGAL_PARAMETER)]
        #[setting(ClientConfigBuilder::accept_renegotiation)]
        CertificateChanged,
        /// The handshake before used the extended master secret, and the renegotiation does not.
        #[error("the renegotiation does not use the extended master secret, as the handshake before did")]
        #[alert(HANDSHAKE_FAILURE)]
        ExtendedMasterSecretLost,
        /// The handshake before used encrypt-then-MAC, and the renegotiation uses CBC without it.
        #[error("the renegotiation does not use encrypt-then-MAC, as the handshake before did")]
        #[alert(HANDSHAKE_FAILURE)]
        EncryptThenMacLost,
        /// The server sent too much application data in the middle of a renegotiation.
        #[error("more than 4 MiB of application data in the middle of a renegotiation")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooMuchDataBeforeKeys,
        /// A signature uses an algorithm that was not offered.
        #[error("a signature uses algorithm {0}, which was not offered")]
        #[alert(ILLEGAL_PARAMETER)]
        UnofferedSignatureScheme(SignatureScheme),
        /// The signature in CertificateVerify does not match the certificate's key or the handshake.
        #[error("the signature in certificate_verify does not verify")]
        #[alert(DECRYPT_ERROR)]
        BadCertificateVerify,
        /// The verify_data in Finished does not match the handshake on this side.
        #[error("the verify_data in finished does not match the handshake")]
        #[alert(DECRYPT_ERROR)]
        BadFinished,
        /// The server resumed a session with a cipher suite other than the session's.
        #[error("the server resumed a session with cipher suite {0}, but the session has another")]
        #[alert(ILLEGAL_PARAMETER)]
        ResumedWithOtherSuite(CipherSuite),
        /// The handshake that resumes a session uses extended_master_secret and the original one
        /// did not, or vice versa.
        #[error("the resumed handshake and the original one differ in extended_master_secret")]
        #[alert(HANDSHAKE_FAILURE)]
        ExtendedMasterSecretChanged,
        /// The ServerHello of a fallback connection carries TLS 1.3's downgrade signal
        /// ([RFC 8446 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3)).
        #[error(
            "the server supports TLS 1.3, so the fallback to TLS 1.2 was unnecessary or forced by an attacker"
        )]
        #[alert(ILLEGAL_PARAMETER)]
        Downgraded,
    }
}
