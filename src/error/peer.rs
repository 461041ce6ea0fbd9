//! The rules of the protocol that a peer can break.

use crate::enums::{
    CipherSuite, CompressionMethod, ContentType, ExtensionType, HandshakeType, ProtocolVersion,
    SignatureScheme,
};

errors! {
    /// A rule of the protocol that the peer broke.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum PeerError {
        /// A handshake message came where another was due.
        #[error("{received} came where {awaited} was due")]
        #[alert(UNEXPECTED_MESSAGE)]
        UnexpectedMessage {
            /// What came.
            received: HandshakeType,
            /// What the state machine was waiting for.
            awaited: &'static str,
        },
        /// A record of a type that has no place here, or of no known type.
        #[error("a record of type {0} came where none was due")]
        #[alert(UNEXPECTED_MESSAGE)]
        UnexpectedRecord(ContentType),
        /// A record of another type came inside a handshake message.
        #[error("a record of type {0} came in the middle of a handshake message")]
        #[alert(UNEXPECTED_MESSAGE)]
        InterleavedRecord(ContentType),
        /// ChangeCipherSpec came before the handshake message in front of it was complete, or with
        /// messages still unread.
        #[error("change_cipher_spec came in the middle of a handshake message")]
        #[alert(UNEXPECTED_MESSAGE)]
        KeyChangeInsideMessage,
        /// ChangeCipherSpec carried something else than the single byte 1.
        #[error("change_cipher_spec does not carry the single byte 1")]
        #[alert(ILLEGAL_PARAMETER)]
        BadChangeCipherSpec,
        /// An alert's level was neither warning nor fatal.
        #[error("an alert had the level {0}")]
        #[alert(ILLEGAL_PARAMETER)]
        BadAlertLevel(u8),
        /// A record of this type was empty, which only application data may be.
        #[error("a record of type {0} was empty")]
        #[alert(UNEXPECTED_MESSAGE)]
        EmptyRecord(ContentType),
        /// More empty records in a row than anybody needs.
        #[error("too many empty records in a row")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooManyEmptyRecords,
        /// More warning alerts than anybody needs.
        #[error("too many warning alerts")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooManyWarnings,
        /// The peer asked for another handshake again and again.
        #[error("too many requests to renegotiate")]
        #[alert(UNEXPECTED_MESSAGE)]
        TooManyRenegotiations,
        /// A record was longer than the protocol or what the hellos agreed allows.
        #[error("a record was longer than is allowed here")]
        #[alert(RECORD_OVERFLOW)]
        RecordTooLong,
        /// A record's version was not that of TLS 1.2, or its bytes are no TLS at all.
        #[error("a record had the version {0}, or the bytes are not TLS")]
        #[alert(PROTOCOL_VERSION)]
        RecordVersion(ProtocolVersion),
        /// A protected record did not authenticate. Nothing more is ever said about it.
        #[error("a record did not authenticate")]
        #[alert(BAD_RECORD_MAC)]
        BadRecord,
        /// A handshake message's header announced more than 64 KiB.
        #[error("{message} announced {length} bytes, more than 64 KiB")]
        #[alert(DECODE_ERROR)]
        MessageTooLong {
            /// The message's type.
            message: HandshakeType,
            /// The length that its header gave.
            length: usize,
        },
        /// A ClientHello did not offer the null compression method.
        #[error("the client does not offer null compression")]
        #[alert(ILLEGAL_PARAMETER)]
        NoNullCompression,
        /// The server chose a compression method other than null.
        #[error("the server chose compression method {0}, which was not offered")]
        #[alert(ILLEGAL_PARAMETER)]
        UnofferedCompression(CompressionMethod),
        /// The server chose a cipher suite that was not offered.
        #[error("the server chose suite {0}, which was not offered")]
        #[alert(ILLEGAL_PARAMETER)]
        UnofferedSuite(CipherSuite),
        /// The server answered an extension that was not sent.
        #[error("the server answered extension {0}, which was not sent")]
        #[alert(UNSUPPORTED_EXTENSION)]
        UnsolicitedExtension(ExtensionType),
        /// An extension's content is not what it may be.
        #[error("extension {0} has a content it must not have")]
        #[alert(ILLEGAL_PARAMETER)]
        IllegalExtension(ExtensionType),
        /// The renegotiation_info of an initial handshake was not empty.
        #[error("renegotiation_info is not empty in an initial handshake")]
        #[alert(HANDSHAKE_FAILURE)]
        RenegotiationInfoNotEmpty,
        /// A signature was made with an algorithm that was not offered.
        #[error("signature algorithm {0} was not offered")]
        #[alert(ILLEGAL_PARAMETER)]
        UnofferedSignatureScheme(SignatureScheme),
        /// CertificateVerify does not fit the certificate's key or the handshake.
        #[error("the signature of certificate_verify is wrong")]
        #[alert(DECRYPT_ERROR)]
        BadCertificateVerify,
        /// Finished does not fit the handshake that this side saw.
        #[error("the verify_data of finished is wrong")]
        #[alert(DECRYPT_ERROR)]
        BadFinished,
        /// The server resumed a session with another suite than the session's.
        #[error("the server resumed a session with suite {0}, which is not the session's")]
        #[alert(ILLEGAL_PARAMETER)]
        ResumedWithOtherSuite(CipherSuite),
        /// A session was resumed with extended_master_secret where it was made without, or the other
        /// way round.
        #[error("extended_master_secret is not used as in the session that is resumed")]
        #[alert(HANDSHAKE_FAILURE)]
        ExtendedMasterSecretChanged,
        /// The ServerHello says that the server knows TLS 1.3, in a connection that was made because
        /// the server was thought not to.
        #[error("the server knows TLS 1.3, so that somebody made it look as if it did not")]
        #[alert(ILLEGAL_PARAMETER)]
        Downgraded,
    }
}
