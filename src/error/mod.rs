//! What can go wrong, and which alert tells the peer.
//!
//! Every error but [`Error::Misuse`] is final: the connection that returned it returns it again.

mod certificate;

pub use certificate::{CertificateError, CertificateFault, CertificateId, Excerpt, OcspFault};

use crate::enums::{
    AlertDescription, CipherSuite, CompressionMethod, ContentType, ExtensionType, HandshakeType,
    MaxFragmentLength, ProtocolVersion, SignatureScheme,
};
use crate::waiver::Waiver;
use core::fmt;

/// Why a connection failed, or why a call on it was refused.
///
/// When a [`Connection`](crate::Connection) method returns an error, the alert that belongs to it
/// is already in the outgoing buffer; see [`Error::alert`]. Everything but [`Error::Misuse`] ends
/// the connection, and every later call returns the same value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message could not be parsed.
    #[error("{message} does not parse: {error}")]
    Decode {
        /// The message, by its name in RFC 5246.
        message: &'static str,
        /// What was wrong with its bytes.
        error: DecodeError,
    },
    /// The peer broke a rule of the protocol.
    #[error("the peer misbehaved: {0}")]
    Peer(PeerError),
    /// Both sides behave, but have nothing in common.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// The peer's certificate was not accepted.
    #[error("the peer's certificate was not accepted: {0}")]
    Certificate(CertificateError),
    /// The peer ended the connection with a fatal alert, or closed it before the handshake was over.
    #[error("the peer sent the alert {0}")]
    AlertReceived(AlertDescription),
    /// The transport ended without a close_notify: what was received may be cut short
    /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)).
    #[error("the transport ended without close_notify; data may be missing")]
    Truncated,
    /// Something on this side failed, through no fault of the peer.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The caller asked for something that the connection cannot do now. The connection goes on.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

// By hand: what `From` is derived for becomes the error's source, and its text would come twice.
impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<CertificateError> for Error {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

impl From<CertificateFault> for Error {
    fn from(fault: CertificateFault) -> Self {
        Self::Certificate(fault.into())
    }
}

/// What was wrong with the bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the field does.
    #[error("it ends in the middle of a field")]
    Truncated,
    /// Bytes are left after the last field.
    #[error("bytes are left after its last field")]
    TrailingData,
    /// A vector that must hold something is empty.
    #[error("a vector that must not be empty is")]
    EmptyVector,
    /// A vector's length is not a multiple of its element's, or over its maximum.
    #[error("a vector has a length it cannot have")]
    BadLength,
    /// A field says that what follows is of a type that was not asked for.
    #[error("it holds something of a type that was not asked for")]
    UnknownType,
    /// The same extension came twice.
    #[error("extension {0} came twice")]
    DuplicateExtension(ExtensionType),
}

/// A rule of the protocol that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// A handshake message came where another was due.
    #[error("{received} came where {awaited} was due")]
    UnexpectedMessage {
        /// What came.
        received: HandshakeType,
        /// What the state machine was waiting for.
        awaited: &'static str,
    },
    /// A record of a type that has no place here, or of no known type.
    #[error("a record of type {0} came where none was due")]
    UnexpectedRecord(ContentType),
    /// A record of another type came inside a handshake message.
    #[error("a record of type {0} came in the middle of a handshake message")]
    InterleavedRecord(ContentType),
    /// ChangeCipherSpec came before the handshake message in front of it was complete, or with
    /// messages still unread.
    #[error("change_cipher_spec came in the middle of a handshake message")]
    KeyChangeInsideMessage,
    /// ChangeCipherSpec carried something else than the single byte 1.
    #[error("change_cipher_spec does not carry the single byte 1")]
    BadChangeCipherSpec,
    /// An alert's level was neither warning nor fatal.
    #[error("an alert had the level {0}")]
    BadAlertLevel(u8),
    /// A record of this type was empty, which only application data may be.
    #[error("a record of type {0} was empty")]
    EmptyRecord(ContentType),
    /// More empty records in a row than anybody needs.
    #[error("too many empty records in a row")]
    TooManyEmptyRecords,
    /// More warning alerts than anybody needs.
    #[error("too many warning alerts")]
    TooManyWarnings,
    /// The peer asked for another handshake again and again.
    #[error("too many requests to renegotiate")]
    TooManyRenegotiations,
    /// A record was longer than the protocol or what the hellos agreed allows.
    #[error("a record was longer than is allowed here")]
    RecordTooLong,
    /// A record's version was not that of TLS 1.2, or its bytes are no TLS at all.
    #[error("a record had the version {0}, or the bytes are not TLS")]
    RecordVersion(ProtocolVersion),
    /// A protected record did not authenticate. Nothing more is ever said about it.
    #[error("a record did not authenticate")]
    BadRecord,
    /// A handshake message's header announced more than 64 KiB.
    #[error("{message} announced {length} bytes, more than 64 KiB")]
    MessageTooLong {
        /// The message's type.
        message: HandshakeType,
        /// The length that its header gave.
        length: usize,
    },
    /// A ClientHello did not offer the null compression method.
    #[error("the client does not offer null compression")]
    NoNullCompression,
    /// The server chose a compression method other than null.
    #[error("the server chose compression method {0}, which was not offered")]
    UnofferedCompression(CompressionMethod),
    /// The server chose a cipher suite that was not offered.
    #[error("the server chose suite {0}, which was not offered")]
    UnofferedSuite(CipherSuite),
    /// The server answered an extension that was not sent.
    #[error("the server answered extension {0}, which was not sent")]
    UnsolicitedExtension(ExtensionType),
    /// An extension's content is not what it may be.
    #[error("extension {0} has a content it must not have")]
    IllegalExtension(ExtensionType),
    /// The renegotiation_info of an initial handshake was not empty.
    #[error("renegotiation_info is not empty in an initial handshake")]
    RenegotiationInfoNotEmpty,
    /// A signature was made with an algorithm that was not offered.
    #[error("signature algorithm {0} was not offered")]
    UnofferedSignatureScheme(SignatureScheme),
    /// CertificateVerify does not fit the certificate's key or the handshake.
    #[error("the signature of certificate_verify is wrong")]
    BadCertificateVerify,
    /// Finished does not fit the handshake that this side saw.
    #[error("the verify_data of finished is wrong")]
    BadFinished,
    /// The server resumed a session with another suite than the session's.
    #[error("the server resumed a session with suite {0}, which is not the session's")]
    ResumedWithOtherSuite(CipherSuite),
    /// A session was resumed with extended_master_secret where it was made without, or the other
    /// way round.
    #[error("extended_master_secret is not used as in the session that is resumed")]
    ExtendedMasterSecretChanged,
    /// The ServerHello says that the server knows TLS 1.3, in a connection that was made because
    /// the server was thought not to.
    #[error("the server knows TLS 1.3, so that somebody made it look as if it did not")]
    Downgraded,
}

/// Two well-behaved sides with nothing in common.
///
/// Says what the peer offered, what was acceptable, and with [`Incompatible::setting`] what would
/// accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incompatible {
    /// The peer does not speak TLS 1.2.
    #[error(
        "the peer's version is {offered}; only TLS 1.2 is spoken here, no setting accepts another"
    )]
    Version {
        /// The version the peer offered or chose.
        offered: ProtocolVersion,
    },
    /// No cipher suite in common.
    #[error(
        "no suite in common: the client offers {offered}; acceptable are {acceptable} (ServerConfigBuilder::suites)"
    )]
    NoCommonSuite {
        /// What the client offered.
        offered: SuiteList,
        /// What the configuration accepts.
        acceptable: SuiteList,
    },
    /// The peer does not know secure renegotiation.
    #[error(
        "the peer does not know secure renegotiation (RFC 5746), which is required (the builder's secure_renegotiation would accept it)"
    )]
    NoSecureRenegotiation,
    /// The peer does not know the extended master secret.
    #[error(
        "the peer does not know the extended master secret (RFC 7627), which is required (the builder's extended_master_secret would accept it)"
    )]
    NoExtendedMasterSecret,
    /// No application protocol in common.
    #[error(
        "no application protocol in common: the client offers {offered}; acceptable are {acceptable} (ServerConfigBuilder::alpn_protocols)"
    )]
    NoCommonProtocol {
        /// What the client offered.
        offered: ProtocolList,
        /// What the configuration accepts.
        acceptable: ProtocolList,
    },
    /// The client says that it came back with an older version after a failure
    /// ([RFC 7507](https://www.rfc-editor.org/rfc/rfc7507)); it did not have to.
    #[error(
        "the client fell back to {offered} though TLS 1.2 is spoken here, no setting accepts that"
    )]
    InappropriateFallback {
        /// The version that the client fell back to.
        offered: ProtocolVersion,
    },
    /// The client asks for a name that there is no certificate for.
    #[error(
        "there is no certificate for the name that the client asks for (without CertificateSet::refuse_unknown_names the default one would be shown)"
    )]
    UnknownServerName,
    /// The client has no certificate, and one is required.
    #[error(
        "the client sent no certificate, and one is required (ServerConfigBuilder::client_auth)"
    )]
    NoClientCertificate,
}

impl Incompatible {
    /// The configuration method that would accept what the peer offers, if there is one; without
    /// the name of a builder, it is a method of both.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Version { .. } => None,
            Self::NoCommonSuite { .. } => Some("ServerConfigBuilder::suites"),
            Self::NoSecureRenegotiation => Some("secure_renegotiation"),
            Self::NoExtendedMasterSecret => Some("extended_master_secret"),
            Self::NoCommonProtocol { .. } => Some("ServerConfigBuilder::alpn_protocols"),
            Self::InappropriateFallback { .. } => None,
            Self::UnknownServerName => Some("CertificateSet::refuse_unknown_names"),
            Self::NoClientCertificate => Some("ServerConfigBuilder::client_auth"),
        }
    }
}

/// A failure on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The random number generator failed.
    #[error("the random number generator failed")]
    RandomUnavailable,
    /// The key has protected as many records as it may: the sequence number would wrap
    /// ([RFC 5246 section 6.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.1)).
    #[error("the sequence numbers of this key are used up")]
    KeyExhausted,
    /// The certificate's private key is elsewhere, and its operation is not offloaded to where it
    /// is.
    #[error("the certificate's private key is not there")]
    NoPrivateKey,
    /// The private key could not sign, or its signature was not the certificate's key's.
    #[error("the private key could not sign, or signed wrongly")]
    Signing,
    /// Something happened that this crate takes for impossible, which is a fault of the crate: please
    /// report it with the text. The connection ends rather than go on with data that was made up.
    #[error("internal error: {0}")]
    Internal(&'static str),
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

/// A call that the connection cannot serve now. Nothing changed; the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Something was asked for that needs a complete handshake.
    #[error("the handshake is not complete")]
    HandshakeIncomplete,
    /// The connection was closed, by this side or by the peer.
    #[error("the connection is closed")]
    Closed,
    /// An answer came though nothing is pending.
    #[error("nothing is pending")]
    NothingPending,
    /// The answer does not belong to what is pending: another kind, or another connection's.
    #[error("the answer does not belong to what is pending")]
    WrongAnswer,
    /// A [`Stream`](crate::Stream) was read or written while its connection waits for an answer.
    #[error("the connection waits for an answer")]
    Unanswered,
    /// Something was to be derived that is bound to nobody without the extended master secret,
    /// which this connection does not have
    /// ([RFC 7627 section 5.4](https://www.rfc-editor.org/rfc/rfc7627#section-5.4)). Keying material
    /// can be had by
    /// [`Connection::dangerous_export_without_extended_master_secret`](crate::Connection::dangerous_export_without_extended_master_secret).
    #[error("the connection has no extended master secret")]
    NoExtendedMasterSecret,
    /// Keying material was asked for with a label that TLS itself uses
    /// ([RFC 5705 section 4](https://www.rfc-editor.org/rfc/rfc5705#section-4)).
    #[error("the label is one of TLS itself")]
    ReservedLabel,
    /// The context of keying material is over 65535 bytes.
    #[error("the context is longer than 65535 bytes")]
    ContextTooLong,
    /// The hash of the server certificate's signature is none that tls-server-end-point is defined
    /// for ([RFC 5929 section 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).
    #[error("tls-server-end-point is not defined for the server's certificate")]
    NoEndPointHash,
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
    KeyElsewhere,
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
    NoRevocationLists,
    /// A revocation list that does not parse, or is of a kind that is not supported.
    #[error("a revocation list does not parse, or is of a kind that is not supported")]
    BadRevocationList,
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

/// Application protocols in the order they were offered: as many of their names as fit 32 bytes,
/// and how many there were.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProtocolList {
    text: [u8; Self::SHOWN],
    length: u8,
    shown: u16,
    total: u16,
}

impl ProtocolList {
    const SHOWN: usize = 32;

    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut list = Self {
            text: [0; Self::SHOWN],
            length: 0,
            shown: 0,
            total: 0,
        };
        for name in names {
            if list.shown == list.total {
                list.show(name);
            }
            list.total = list.total.saturating_add(1);
        }
        list
    }

    /// Appends a name, if it fits whole.
    fn show(&mut self, name: &[u8]) {
        let separator: &[u8] = if self.length == 0 { b"" } else { b", " };
        let start = usize::from(self.length);
        let end = start + separator.len() + name.len();
        let (Some(room), Ok(length)) = (self.text.get_mut(start..end), u8::try_from(end)) else {
            return;
        };
        let (before, after) = room.split_at_mut(separator.len());
        before.copy_from_slice(separator);
        after.copy_from_slice(name);
        self.length = length;
        self.shown += 1;
    }

    /// How many protocols the whole list has.
    #[must_use]
    pub fn total(&self) -> usize {
        usize::from(self.total)
    }
}

impl fmt::Display for ProtocolList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.get(..usize::from(self.length));
        write!(f, "{}", text.unwrap_or_default().escape_ascii())?;
        match (self.shown, self.total - self.shown) {
            (0, 0) => f.write_str("none"),
            (_, 0) => Ok(()),
            (0, hidden) => write!(f, "{hidden} too long to show"),
            (_, more) => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Debug for ProtocolList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Cipher suites in the order they were offered: the first sixteen, and how many there were.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuiteList {
    suites: [CipherSuite; Self::SHOWN],
    total: usize,
}

impl SuiteList {
    const SHOWN: usize = 16;

    pub(crate) fn new(offered: &[CipherSuite]) -> Self {
        let mut suites = [CipherSuite(0); Self::SHOWN];
        for (slot, suite) in suites.iter_mut().zip(offered) {
            *slot = *suite;
        }
        Self {
            suites,
            total: offered.len(),
        }
    }

    /// The first suites of the list, sixteen at most.
    #[must_use]
    pub fn suites(&self) -> &[CipherSuite] {
        self.suites.get(..self.total).unwrap_or(&self.suites)
    }

    /// How many suites the whole list has.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }
}

impl fmt::Display for SuiteList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total == 0 {
            return f.write_str("none");
        }
        for (index, suite) in self.suites().iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{suite}")?;
        }
        match self.total - self.suites().len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Debug for SuiteList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// The fatal alert that tells the peer, or `None` where the peer is told nothing: it spoke
    /// last, it is gone, or the error is the caller's.
    ///
    /// After this side's close_notify nothing goes out, so the alert of an error behind it is not
    /// sent.
    ///
    /// The alerts are those of [RFC 5246 section 7.2.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.2).
    #[must_use]
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::Decode { error, .. } => Some(error.alert()),
            Self::Peer(error) => Some(error.alert()),
            Self::Incompatible(error) => Some(error.alert()),
            Self::Certificate(error) => Some(error.alert()),
            Self::Local(error) => Some(error.alert()),
            Self::AlertReceived(_) | Self::Truncated | Self::Misuse(_) => None,
        }
    }

    /// The setting that would accept what the peer offers, where one exists.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Incompatible(incompatible) => incompatible.setting(),
            Self::Certificate(error) => error.waiver().map(Waiver::setting),
            Self::Decode { .. }
            | Self::Peer(_)
            | Self::AlertReceived(_)
            | Self::Truncated
            | Self::Local(_)
            | Self::Misuse(_) => None,
        }
    }
}

impl DecodeError {
    /// Names the message that did not parse.
    pub(crate) fn of(self, message: &'static str) -> Error {
        Error::Decode {
            message,
            error: self,
        }
    }

    fn alert(self) -> AlertDescription {
        match self {
            Self::Truncated | Self::TrailingData | Self::EmptyVector | Self::BadLength => {
                AlertDescription::DECODE_ERROR
            }
            Self::UnknownType | Self::DuplicateExtension(_) => AlertDescription::ILLEGAL_PARAMETER,
        }
    }
}

impl PeerError {
    fn alert(self) -> AlertDescription {
        match self {
            Self::UnexpectedMessage { .. }
            | Self::UnexpectedRecord(_)
            | Self::InterleavedRecord(_)
            | Self::KeyChangeInsideMessage
            | Self::EmptyRecord(_)
            | Self::TooManyEmptyRecords
            | Self::TooManyWarnings
            | Self::TooManyRenegotiations => AlertDescription::UNEXPECTED_MESSAGE,
            Self::RecordTooLong => AlertDescription::RECORD_OVERFLOW,
            Self::RecordVersion(_) => AlertDescription::PROTOCOL_VERSION,
            Self::BadRecord => AlertDescription::BAD_RECORD_MAC,
            Self::MessageTooLong { .. } => AlertDescription::DECODE_ERROR,
            Self::BadChangeCipherSpec
            | Self::BadAlertLevel(_)
            | Self::NoNullCompression
            | Self::UnofferedCompression(_)
            | Self::UnofferedSuite(_)
            | Self::IllegalExtension(_)
            | Self::UnofferedSignatureScheme(_)
            | Self::ResumedWithOtherSuite(_)
            | Self::Downgraded => AlertDescription::ILLEGAL_PARAMETER,
            Self::UnsolicitedExtension(_) => AlertDescription::UNSUPPORTED_EXTENSION,
            Self::RenegotiationInfoNotEmpty | Self::ExtendedMasterSecretChanged => {
                AlertDescription::HANDSHAKE_FAILURE
            }
            Self::BadCertificateVerify | Self::BadFinished => AlertDescription::DECRYPT_ERROR,
        }
    }
}

impl Incompatible {
    fn alert(self) -> AlertDescription {
        match self {
            Self::Version { .. } => AlertDescription::PROTOCOL_VERSION,
            Self::NoCommonSuite { .. }
            | Self::NoSecureRenegotiation
            | Self::NoExtendedMasterSecret
            | Self::NoClientCertificate => AlertDescription::HANDSHAKE_FAILURE,
            Self::NoCommonProtocol { .. } => AlertDescription::NO_APPLICATION_PROTOCOL,
            Self::UnknownServerName => AlertDescription::UNRECOGNIZED_NAME,
            Self::InappropriateFallback { .. } => AlertDescription::INAPPROPRIATE_FALLBACK,
        }
    }
}

impl LocalError {
    fn alert(self) -> AlertDescription {
        match self {
            Self::RandomUnavailable
            | Self::KeyExhausted
            | Self::NoPrivateKey
            | Self::Signing
            | Self::Internal(_) => AlertDescription::INTERNAL_ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole map from errors to alerts, one row a variant.
    #[test]
    fn every_error_has_its_alert() {
        use {AlertDescription as Alert, CertificateFault as Fault};
        let suites = SuiteList::new(&[]);
        let protocols = ProtocolList::new([]);
        let (typ, message) = (ContentType::ALERT, HandshakeType::FINISHED);
        let version = ProtocolVersion::TLS_1_0;
        let (awaited, wanted, bits, length) = ("", "", 1024, 0);
        let received = message;
        let found = || Excerpt::new("");
        let now = pki_types::UnixTime::since_unix_epoch(core::time::Duration::ZERO);
        let extension = ExtensionType::SERVER_NAME;
        let rows: Vec<(Error, Option<Alert>)> = [
            (DecodeError::Truncated, Alert::DECODE_ERROR),
            (DecodeError::TrailingData, Alert::DECODE_ERROR),
            (DecodeError::EmptyVector, Alert::DECODE_ERROR),
            (DecodeError::BadLength, Alert::DECODE_ERROR),
            (DecodeError::UnknownType, Alert::ILLEGAL_PARAMETER),
            (
                DecodeError::DuplicateExtension(extension),
                Alert::ILLEGAL_PARAMETER,
            ),
        ]
        .map(|(error, alert)| (error.of("message"), Some(alert)))
        .into_iter()
        .chain(
            [
                (
                    PeerError::UnexpectedMessage { received, awaited },
                    Alert::UNEXPECTED_MESSAGE,
                ),
                (PeerError::UnexpectedRecord(typ), Alert::UNEXPECTED_MESSAGE),
                (PeerError::InterleavedRecord(typ), Alert::UNEXPECTED_MESSAGE),
                (PeerError::KeyChangeInsideMessage, Alert::UNEXPECTED_MESSAGE),
                (PeerError::BadChangeCipherSpec, Alert::ILLEGAL_PARAMETER),
                (PeerError::BadAlertLevel(3), Alert::ILLEGAL_PARAMETER),
                (PeerError::EmptyRecord(typ), Alert::UNEXPECTED_MESSAGE),
                (PeerError::TooManyEmptyRecords, Alert::UNEXPECTED_MESSAGE),
                (PeerError::TooManyWarnings, Alert::UNEXPECTED_MESSAGE),
                (PeerError::TooManyRenegotiations, Alert::UNEXPECTED_MESSAGE),
                (PeerError::RecordTooLong, Alert::RECORD_OVERFLOW),
                (PeerError::RecordVersion(version), Alert::PROTOCOL_VERSION),
                (PeerError::BadRecord, Alert::BAD_RECORD_MAC),
                (
                    PeerError::MessageTooLong { message, length },
                    Alert::DECODE_ERROR,
                ),
                (PeerError::NoNullCompression, Alert::ILLEGAL_PARAMETER),
                (
                    PeerError::UnofferedCompression(CompressionMethod(1)),
                    Alert::ILLEGAL_PARAMETER,
                ),
                (
                    PeerError::UnofferedSuite(CipherSuite(0)),
                    Alert::ILLEGAL_PARAMETER,
                ),
                (
                    PeerError::UnsolicitedExtension(extension),
                    Alert::UNSUPPORTED_EXTENSION,
                ),
                (
                    PeerError::IllegalExtension(extension),
                    Alert::ILLEGAL_PARAMETER,
                ),
                (
                    PeerError::RenegotiationInfoNotEmpty,
                    Alert::HANDSHAKE_FAILURE,
                ),
                (
                    PeerError::UnofferedSignatureScheme(SignatureScheme(0x0201)),
                    Alert::ILLEGAL_PARAMETER,
                ),
                (PeerError::BadCertificateVerify, Alert::DECRYPT_ERROR),
                (PeerError::BadFinished, Alert::DECRYPT_ERROR),
                (
                    PeerError::ResumedWithOtherSuite(CipherSuite(0)),
                    Alert::ILLEGAL_PARAMETER,
                ),
                (
                    PeerError::ExtendedMasterSecretChanged,
                    Alert::HANDSHAKE_FAILURE,
                ),
                (PeerError::Downgraded, Alert::ILLEGAL_PARAMETER),
            ]
            .map(|(error, alert)| (error.into(), Some(alert))),
        )
        .chain(
            [
                (
                    Incompatible::Version { offered: version },
                    Alert::PROTOCOL_VERSION,
                ),
                (
                    Incompatible::NoCommonSuite {
                        offered: suites,
                        acceptable: suites,
                    },
                    Alert::HANDSHAKE_FAILURE,
                ),
                (
                    Incompatible::NoSecureRenegotiation,
                    Alert::HANDSHAKE_FAILURE,
                ),
                (Incompatible::NoClientCertificate, Alert::HANDSHAKE_FAILURE),
                (
                    Incompatible::NoExtendedMasterSecret,
                    Alert::HANDSHAKE_FAILURE,
                ),
                (
                    Incompatible::NoCommonProtocol {
                        offered: protocols,
                        acceptable: protocols,
                    },
                    Alert::NO_APPLICATION_PROTOCOL,
                ),
                (
                    Incompatible::InappropriateFallback { offered: version },
                    Alert::INAPPROPRIATE_FALLBACK,
                ),
            ]
            .map(|(error, alert)| (error.into(), Some(alert))),
        )
        .chain(
            [
                (Fault::Malformed, Alert::BAD_CERTIFICATE),
                (Fault::UnknownIssuer { issuer: found() }, Alert::UNKNOWN_CA),
                (
                    Fault::Expired {
                        not_after: now,
                        now,
                    },
                    Alert::CERTIFICATE_EXPIRED,
                ),
                (
                    Fault::NotYetValid {
                        not_before: now,
                        now,
                    },
                    Alert::CERTIFICATE_EXPIRED,
                ),
                (
                    Fault::NameMismatch {
                        wanted: found(),
                        found: found(),
                        by_common_name: false,
                    },
                    Alert::BAD_CERTIFICATE,
                ),
                (
                    Fault::CommonNameMismatch {
                        wanted: found(),
                        found: found(),
                    },
                    Alert::BAD_CERTIFICATE,
                ),
                (Fault::BadSignature, Alert::BAD_CERTIFICATE),
                (Fault::Sha1Signature, Alert::UNSUPPORTED_CERTIFICATE),
                (
                    Fault::UnsupportedSignature { algorithm: found() },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (Fault::CaAsLeaf, Alert::UNSUPPORTED_CERTIFICATE),
                (Fault::NotACa, Alert::BAD_CERTIFICATE),
                (Fault::PathLength, Alert::BAD_CERTIFICATE),
                (Fault::NameConstraints, Alert::BAD_CERTIFICATE),
                (
                    Fault::Version { version: 1 },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (
                    Fault::CriticalExtension { oid: found() },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (
                    Fault::TooManyCertificates {
                        found: 11,
                        most: 10,
                    },
                    Alert::CERTIFICATE_UNKNOWN,
                ),
                (Fault::TooMuchWork, Alert::CERTIFICATE_UNKNOWN),
                (
                    Fault::NotRsa { algorithm: found() },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (Fault::KeySize { bits }, Alert::UNSUPPORTED_CERTIFICATE),
                (
                    Fault::IssuerKeySize { bits },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (
                    Fault::KeyUsage {
                        wanted,
                        found: found(),
                    },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (
                    Fault::ExtendedKeyUsage {
                        wanted,
                        found: found(),
                    },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ),
                (Fault::Revoked, Alert::CERTIFICATE_REVOKED),
                (Fault::RevocationUnknown, Alert::CERTIFICATE_UNKNOWN),
                (
                    Fault::RevocationListExpired {
                        next_update: now,
                        now,
                    },
                    Alert::CERTIFICATE_UNKNOWN,
                ),
                (Fault::RevocationListInvalid, Alert::CERTIFICATE_UNKNOWN),
                (
                    Fault::Ocsp(OcspFault::Missing),
                    Alert::BAD_CERTIFICATE_STATUS_RESPONSE,
                ),
                (Fault::Refused, Alert::CERTIFICATE_UNKNOWN),
            ]
            .map(|(error, alert)| (error.into(), Some(alert))),
        )
        .chain(
            [
                LocalError::RandomUnavailable,
                LocalError::KeyExhausted,
                LocalError::NoPrivateKey,
                LocalError::Signing,
                LocalError::Internal("a text"),
            ]
            .map(|error| (error.into(), Some(Alert::INTERNAL_ERROR))),
        )
        .chain([
            (Error::AlertReceived(Alert::HANDSHAKE_FAILURE), None),
            (Error::Truncated, None),
        ])
        .chain(
            [
                Misuse::HandshakeIncomplete,
                Misuse::Closed,
                Misuse::NothingPending,
                Misuse::WrongAnswer,
                Misuse::Unanswered,
                Misuse::NoExtendedMasterSecret,
                Misuse::ReservedLabel,
                Misuse::ContextTooLong,
                Misuse::NoEndPointHash,
            ]
            .map(|error| (error.into(), None)),
        )
        .collect();
        for (error, alert) in rows {
            assert_eq!(error.alert(), alert, "{error}");
        }
    }

    #[test]
    fn no_chain_of_errors_says_the_same_twice() {
        use std::error::Error as _;
        for error in [
            DecodeError::Truncated.of("finished"),
            PeerError::BadRecord.into(),
            Incompatible::NoClientCertificate.into(),
            CertificateFault::Refused.into(),
            LocalError::Signing.into(),
            Misuse::Closed.into(),
        ] {
            assert!(error.source().is_none(), "{error}");
        }
    }

    #[test]
    fn errors_stay_small() {
        assert!(size_of::<Error>() <= 96, "{}", size_of::<Error>());
    }

    #[test]
    fn a_list_of_suites_prints_short() {
        let suites: Vec<_> = (0..18).map(CipherSuite).collect();
        assert_eq!(SuiteList::new(&[]).to_string(), "none");
        assert_eq!(SuiteList::new(&suites[..2]).to_string(), "0x0000, 0x0001");
        let printed = SuiteList::new(&suites).to_string();
        assert!(printed.ends_with("0x000f and 2 more"), "{printed}");
        assert_eq!(SuiteList::new(&suites).suites().len(), 16);
    }

    #[test]
    fn a_list_of_protocols_prints_short() {
        let print = |names: &[&'static [u8]]| ProtocolList::new(names.iter().copied()).to_string();
        assert_eq!(print(&[]), "none");
        assert_eq!(print(&[b"http/1.1", b"\xff"]), "http/1.1, \\xff");
        assert_eq!(
            print(&[b"ocpp2.0.1", &[b'x'; 22], b"a"]),
            "ocpp2.0.1 and 2 more"
        );
        assert_eq!(print(&[&[b'x'; 33]]), "1 too long to show");
    }
}
