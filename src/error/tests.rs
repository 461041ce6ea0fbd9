//! Tables of all errors. The values come from the declarations, so a test fails if a table misses a
//! variant.
#![cfg(test)]

use super::{
    CertificateFault, CertificateWithheld, ConfigError, DecodeError, Details, Error, Excerpt,
    FileContents, FileItem, ForeignProtocol, Incompatible, KeyAlgorithm, KeyEncryption, LocalError,
    Misuse, Moment, OcspFault, Peer, PeerError, PemFault, ProtocolList, ServerNameError,
    ServerNameFault, SuiteList, Told,
};
use crate::enums::{
    AlertDescription as Alert, CipherSuite, CompressionMethod, ContentType, ExtensionType,
    HandshakeType, MaxFragmentLength, ProtocolVersion, SignatureScheme,
};
use core::time::Duration;
use pki_types::UnixTime;
use std::collections::BTreeMap;

/// A family of errors: one value of each variant, with the variant's name.
pub(super) trait Samples: Sized {
    fn samples() -> Vec<(&'static str, Self)>;
}

/// A field of an error: any value.
pub(super) trait Sample {
    fn sample() -> Self;
}

macro_rules! samples {
    ($($type:ty: $value:expr),+ $(,)?) => {
        $(impl Sample for $type {
            fn sample() -> Self {
                $value
            }
        })+
    };
}

samples! {
    bool: false,
    u8: 3,
    u16: 3,
    u32: 1,
    usize: 1024,
    &'static str: "a text",
    CipherSuite: CipherSuite(0),
    CompressionMethod: CompressionMethod(1),
    ContentType: ContentType::ALERT,
    Excerpt: Excerpt::new("a text"),
    ExtensionType: ExtensionType::SERVER_NAME,
    FileContents: FileContents::from_iter([FileItem::PublicKey]),
    FileItem: FileItem::Certificate,
    ForeignProtocol: ForeignProtocol::Ssh,
    HandshakeType: HandshakeType::FINISHED,
    KeyAlgorithm: KeyAlgorithm::Ec,
    KeyEncryption: KeyEncryption::Pkcs8,
    MaxFragmentLength: MaxFragmentLength(0),
    OcspFault: OcspFault::Missing,
    PemFault: PemFault::NoEnd,
    ProtocolList: ProtocolList::new([]),
    ProtocolVersion: ProtocolVersion::TLS_1_0,
    SignatureScheme: SignatureScheme(0x0201),
    SuiteList: SuiteList::new(&[]),
    UnixTime: UnixTime::since_unix_epoch(Duration::ZERO),
}

/// Every error of a connection.
fn errors() -> Vec<(&'static str, Error)> {
    fn of<T: Samples>(into: impl Fn(T) -> Error) -> impl Iterator<Item = (&'static str, Error)> {
        let samples = T::samples().into_iter();
        samples.map(move |(name, sample)| (name, into(sample)))
    }
    let alert = Error::AlertReceived {
        alert: Alert::HANDSHAKE_FAILURE,
        moment: None,
    };
    let mut errors = vec![
        ("Error::AlertReceived", alert),
        ("Error::HungUp", Error::HungUp(moment(None))),
        ("Error::Truncated", Error::Truncated),
    ];
    errors.extend(of(|error: DecodeError| error.of("message")));
    errors.extend(of(|error: PeerError| error.into()));
    errors.extend(of(|error: Incompatible| error.into()));
    errors.extend(of(|error: CertificateFault| error.into()));
    errors.extend(of(|fault| CertificateFault::Ocsp(fault).into()));
    errors.extend(of(|reason: CertificateWithheld| Error::AlertReceived {
        alert: Alert::HANDSHAKE_FAILURE,
        moment: Some(moment(Some(withheld(reason)))),
    }));
    errors.extend(of(|error: LocalError| error.into()));
    errors.extend(of(|error: Misuse| error.into()));
    // Another family has to be added here and above.
    for (_, error) in &errors {
        match error {
            Error::Decode { .. }
            | Error::Peer(_)
            | Error::Incompatible(_)
            | Error::Certificate(_)
            | Error::AlertReceived { .. }
            | Error::HungUp(_)
            | Error::Truncated
            | Error::Local(_)
            | Error::Misuse(_) => {}
        }
    }
    errors
}

/// A moment at which a server ends the handshake that was told this.
fn moment(told: Option<Told>) -> Moment {
    Moment::new(Details {
        peer: Peer::Server,
        sent: Some(HandshakeType::FINISHED),
        awaited: "change_cipher_spec",
        silent: false,
        told,
    })
}

fn withheld(reason: CertificateWithheld) -> Told {
    Told::NoCertificate {
        reason,
        authorities: Excerpt::new("CN=Root"),
        configured: Excerpt::new("CN=Client"),
    }
}

/// The alerts, in the order and with the words of
/// [RFC 5246 section 7.2.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.2), then those of
/// later RFCs; and the errors that send them.
const ALERTS: &[(Alert, &[&str])] = &[
    // "An inappropriate message was received."
    (
        Alert::UNEXPECTED_MESSAGE,
        &[
            "PeerError::UnexpectedMessage",
            "PeerError::UnexpectedRecord",
            "PeerError::InterleavedRecord",
            "PeerError::KeyChangeInsideMessage",
            "PeerError::EmptyRecord",
            "PeerError::TooManyEmptyRecords",
            "PeerError::TooManyWarnings",
            "PeerError::TooManyRenegotiations",
            "PeerError::TooMuchDataBeforeKeys",
            "PeerError::ExcessHandshakeData",
            "PeerError::LongChangeCipherSpec",
        ],
    ),
    // "This alert is returned if a record is received with an incorrect MAC. This alert also MUST be
    // returned if an alert is sent because a TLSCiphertext decrypted in an invalid way".
    (Alert::BAD_RECORD_MAC, &["PeerError::BadRecord"]),
    // "A TLSCiphertext record was received that had a length more than 2^14+2048 bytes, or a record
    // decrypted to a TLSCompressed record with more than 2^14+1024 bytes."
    (Alert::RECORD_OVERFLOW, &["PeerError::RecordTooLong"]),
    // "Reception of a handshake_failure alert message indicates that the sender was unable to
    // negotiate an acceptable set of security parameters given the options available."
    (
        Alert::HANDSHAKE_FAILURE,
        &[
            "PeerError::RenegotiationInfoNotEmpty",
            "PeerError::RenegotiationInfoWrong",
            "PeerError::ExtendedMasterSecretLost",
            "PeerError::EncryptThenMacLost",
            "PeerError::ExtendedMasterSecretChanged",
            "Incompatible::NoCommonSuite",
            "Incompatible::NoSecureRenegotiation",
            "Incompatible::NoExtendedMasterSecret",
            "Incompatible::NoEncryptThenMac",
            "Incompatible::NoClientCertificate",
        ],
    ),
    // "A certificate was corrupt, contained signatures that did not verify correctly, etc."
    (
        Alert::BAD_CERTIFICATE,
        &[
            "CertificateFault::Malformed",
            "CertificateFault::NameMismatch",
            "CertificateFault::CommonNameMismatch",
            "CertificateFault::BadSignature",
            "CertificateFault::NotACa",
            "CertificateFault::PathLength",
            "CertificateFault::UnusableRoot",
            "CertificateFault::NameConstraints",
            "CertificateFault::Policies",
        ],
    ),
    // "A certificate was of an unsupported type."
    (
        Alert::UNSUPPORTED_CERTIFICATE,
        &[
            "CertificateFault::Sha1Signature",
            "CertificateFault::UnsupportedSignature",
            "CertificateFault::CaAsLeaf",
            "CertificateFault::Version",
            "CertificateFault::CriticalExtension",
            "CertificateFault::NotRsa",
            "CertificateFault::KeySize",
            "CertificateFault::IssuerKeySize",
            "CertificateFault::KeyUsage",
            "CertificateFault::ExtendedKeyUsage",
        ],
    ),
    // "A certificate was revoked by its signer."
    (Alert::CERTIFICATE_REVOKED, &["CertificateFault::Revoked"]),
    // "A certificate has expired or is not currently valid."
    (
        Alert::CERTIFICATE_EXPIRED,
        &["CertificateFault::Expired", "CertificateFault::NotYetValid"],
    ),
    // "Some other (unspecified) issue arose in processing the certificate, rendering it
    // unacceptable."
    (
        Alert::CERTIFICATE_UNKNOWN,
        &[
            "CertificateFault::TooManyCertificates",
            "CertificateFault::PathTooLong",
            "CertificateFault::TooMuchWork",
            "CertificateFault::RevocationUnknown",
            "CertificateFault::CrlExpired",
            "CertificateFault::CrlInvalid",
            "CertificateFault::CrlIssuer",
            "CertificateFault::Refused",
        ],
    ),
    // "A field in the handshake was out of range or inconsistent with other fields."
    (
        Alert::ILLEGAL_PARAMETER,
        &[
            "DecodeError::UnknownType",
            "DecodeError::DuplicateExtension",
            "DecodeError::DuplicateHostName",
            "PeerError::BadChangeCipherSpec",
            "PeerError::BadAlertLevel",
            "PeerError::NoNullCompression",
            "PeerError::UnofferedCompression",
            "PeerError::UnofferedSuite",
            "PeerError::IllegalExtension",
            "PeerError::UnofferedSignatureScheme",
            "PeerError::ResumedWithOtherSuite",
            "PeerError::Downgraded",
            "PeerError::CertificateChanged",
        ],
    ),
    // "A valid certificate chain or partial chain was received, but the certificate was not accepted
    // because the CA certificate could not be located or couldn't be matched with a known, trusted
    // CA."
    (Alert::UNKNOWN_CA, &["CertificateFault::UnknownIssuer"]),
    // "A message could not be decoded because some field was out of the specified range or the length
    // of the message was incorrect."
    (
        Alert::DECODE_ERROR,
        &[
            "DecodeError::Truncated",
            "DecodeError::TrailingData",
            "DecodeError::EmptyVector",
            "DecodeError::BadLength",
            "PeerError::MessageTooLong",
            "PeerError::MessageOverLimit",
        ],
    ),
    // "A handshake cryptographic operation failed, including being unable to correctly verify a
    // signature or validate a Finished message."
    (
        Alert::DECRYPT_ERROR,
        &["PeerError::BadCertificateVerify", "PeerError::BadFinished"],
    ),
    // "The protocol version the client has attempted to negotiate is recognized but not supported."
    (
        Alert::PROTOCOL_VERSION,
        &[
            "PeerError::RecordVersion",
            "PeerError::NotTls",
            "Incompatible::Version",
            "Incompatible::NewerVersion",
        ],
    ),
    // "An internal error unrelated to the peer or the correctness of the protocol (such as a memory
    // allocation failure) makes it impossible to continue."
    (
        Alert::INTERNAL_ERROR,
        &[
            "LocalError::RandomUnavailable",
            "LocalError::KeyExhausted",
            "LocalError::NoPrivateKey",
            "LocalError::Signing",
            "LocalError::Internal",
        ],
    ),
    // "sent by clients that receive an extended server hello containing an extension that they did
    // not put in the corresponding client hello."
    (
        Alert::UNSUPPORTED_EXTENSION,
        &["PeerError::UnsolicitedExtension"],
    ),
    // "the server understood the ClientHello extension but does not recognize the server name" (RFC
    // 6066 section 3).
    (
        Alert::UNRECOGNIZED_NAME,
        &["Incompatible::UnknownServerName"],
    ),
    // "abort the handshake if the response is not satisfactory with
    // bad_certificate_status_response(113) alert" (RFC 6066 section 8).
    (
        Alert::BAD_CERTIFICATE_STATUS_RESPONSE,
        &[
            "CertificateFault::Ocsp",
            "OcspFault::Missing",
            "OcspFault::Malformed",
            "OcspFault::Unsuccessful",
            "OcspFault::OtherCertificate",
            "OcspFault::Responder",
            "OcspFault::BadSignature",
            "OcspFault::NotYetValid",
            "OcspFault::Expired",
            "OcspFault::NoNextUpdate",
            "OcspFault::UnknownStatus",
        ],
    ),
    // "no_application_protocol(120)" (RFC 7301 section 3.2).
    (
        Alert::NO_APPLICATION_PROTOCOL,
        &["Incompatible::NoCommonProtocol"],
    ),
];

/// The peer spoke last, is gone, or has nothing to do with it.
const WITHOUT_ALERT: &[&str] = &[
    "Error::AlertReceived",
    "Error::HungUp",
    "Error::Truncated",
    "CertificateWithheld::NoneConfigured",
    "CertificateWithheld::CertificateType",
    "CertificateWithheld::SignatureAlgorithm",
    "CertificateWithheld::Sha1",
    "CertificateWithheld::Authority",
    "Misuse::HandshakeIncomplete",
    "Misuse::Closed",
    "Misuse::NothingPending",
    "Misuse::WrongAnswer",
    "Misuse::BufferTooSmall",
    "Misuse::MayRenegotiate",
    "Misuse::Paused",
    "Misuse::NoExtendedMasterSecret",
    "Misuse::ReservedLabel",
    "Misuse::ContextTooLong",
    "Misuse::NoEndPointHash",
];

/// The map from errors to alerts is complete and has nothing else.
#[test]
fn every_error_has_its_alert() {
    let rows = ALERTS.iter().map(|(alert, names)| (Some(*alert), *names));
    let expected: Vec<_> = rows
        .chain([(None, WITHOUT_ALERT)])
        .flat_map(|(alert, names)| names.iter().map(move |name| (*name, alert)))
        .collect();
    let declared: BTreeMap<_, _> =
        errors().into_iter().map(|(name, error)| (name, error.alert())).collect();
    assert_eq!(expected.len(), declared.len());
    assert_eq!(expected.into_iter().collect::<BTreeMap<_, _>>(), declared);
}

/// The setting of each incompatibility. The waivers of certificates have a table of their own.
#[test]
fn an_incompatibility_says_which_setting_would_accept_it() {
    for (name, error) in Incompatible::samples() {
        let expected = match name {
            "Incompatible::Version" | "Incompatible::NewerVersion" => None,
            "Incompatible::NoCommonSuite" => Some("ServerConfigBuilder::suites"),
            "Incompatible::NoSecureRenegotiation" => Some("secure_renegotiation"),
            "Incompatible::NoExtendedMasterSecret" => Some("extended_master_secret"),
            "Incompatible::NoEncryptThenMac" => Some("encrypt_then_mac"),
            "Incompatible::NoCommonProtocol" => Some("ServerConfigBuilder::alpn_protocols"),
            "Incompatible::UnknownServerName" => Some("CertificateSet::refuse_unknown_names"),
            "Incompatible::NoClientCertificate" => Some("ServerConfigBuilder::client_auth"),
            other => panic!("{other} is not in the table"),
        };
        assert_eq!(error.setting(), expected, "{name}");
        assert_eq!(Error::from(error).setting(), expected, "{name}");
        // The text names it too.
        let text = error.to_string();
        match expected {
            Some(setting) => assert!(text.contains(setting), "{text}"),
            None => assert!(text.contains("no setting accepts"), "{text}"),
        }
    }
}

/// The text names the setting that would send a certificate.
#[test]
fn a_certificate_that_is_withheld_says_which_setting_would_send_it() {
    for (name, reason) in CertificateWithheld::samples() {
        let expected = match name {
            "CertificateWithheld::NoneConfigured" => Some("ClientConfigBuilder::certificate"),
            "CertificateWithheld::Sha1" => Some("ClientConfigBuilder::sign_with_sha1"),
            "CertificateWithheld::Authority" => {
                Some("ClientConfigBuilder::ignore_requested_authorities")
            }
            _ => None,
        };
        assert_eq!(reason.setting(), expected, "{name}");
        // A server that misses a certificate may as well hang up.
        let hung_up = Error::HungUp(moment(Some(withheld(reason))));
        assert_eq!(hung_up.setting(), expected, "{name}");
        let text = reason.to_string();
        assert!(
            text.contains(expected.unwrap_or("no setting changes")),
            "{text}"
        );
    }
}

/// Of the other errors, only certificate errors, by the method that sets the waiver, and the limit
/// of messages name a setting.
#[test]
fn no_other_error_names_a_setting() {
    for (name, error) in errors() {
        let expected = match &error {
            Error::Incompatible(incompatible) => incompatible.setting(),
            Error::Certificate(error) => error.setting(),
            Error::AlertReceived {
                moment: Some(moment),
                ..
            } => moment.setting(),
            Error::Peer(PeerError::MessageOverLimit { .. }) => Some("max_handshake_message"),
            Error::Peer(PeerError::CertificateChanged) => {
                Some("ClientConfigBuilder::accept_renegotiation")
            }
            _ => None,
        };
        assert_eq!(error.setting(), expected, "{name}");
    }
}

#[test]
fn every_error_has_words_of_its_own() {
    let errors = errors().into_iter();
    let errors = errors.map(|(name, error)| (name, error.to_string()));
    let config = ConfigError::samples().into_iter();
    let config = config.map(|(name, error)| (name, error.to_string()));
    let mut said = BTreeMap::new();
    for (name, text) in errors.chain(config) {
        assert!(!text.is_empty() && !text.ends_with('.'), "{name}: {text}");
        if let Some(before) = said.insert(text, name) {
            // The outer variant prints the inner one, so both samples are the same error.
            let pair = (before, name);
            assert_eq!(pair, ("CertificateFault::Ocsp", "OcspFault::Missing"));
        }
    }
}

/// What a user reads, with the part that each kind of error adds.
#[test]
fn the_text_of_an_error_is_whole() {
    let suite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
    let suites = Incompatible::NoCommonSuite {
        offered: SuiteList::new(&[CipherSuite(0xc02f), CipherSuite(0xc030)]),
        acceptable: SuiteList::new(&[suite]),
    };
    let protocols = Incompatible::NoCommonProtocol {
        offered: ProtocolList::new([&b"h2"[..]]),
        acceptable: ProtocolList::new([]),
    };
    let unexpected = PeerError::UnexpectedMessage {
        received: HandshakeType::FINISHED,
        awaited: "change_cipher_spec",
    };
    let withheld = Error::AlertReceived {
        alert: Alert::HANDSHAKE_FAILURE,
        moment: Some(moment(Some(withheld(CertificateWithheld::Authority)))),
    };
    let rows: [(Error, &str); 11] = [
        (
            DecodeError::Truncated.of("client_hello"),
            "cannot parse client_hello: it ends in the middle of a field",
        ),
        (
            unexpected.into(),
            "the peer violated the protocol: received finished, expected change_cipher_spec",
        ),
        (
            PeerError::RecordVersion(ProtocolVersion(0x4854)).into(),
            "the peer violated the protocol: a record has version 0x4854 instead of TLS 1.2, or the \
             bytes are not TLS",
        ),
        (
            suites.into(),
            "no common cipher suite: the client offers \
             TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384; the server accepts \
             TLS_RSA_WITH_AES_128_GCM_SHA256 (set by ServerConfigBuilder::suites)",
        ),
        (
            protocols.into(),
            "no common application protocol: the client offers h2; the server accepts none (set by \
             ServerConfigBuilder::alpn_protocols)",
        ),
        (
            CertificateFault::Ocsp(OcspFault::Expired).into(),
            "the peer's certificate was not accepted: the required OCSP check failed: the response \
             has expired",
        ),
        (
            Error::AlertReceived {
                alert: Alert::UNKNOWN_CA,
                moment: None,
            },
            "the peer sent the alert unknown_ca",
        ),
        (
            withheld,
            "the server sent the alert handshake_failure; finished was sent, change_cipher_spec was \
             awaited; it had asked for a certificate and got none: none is from a CA that the server lists \
             (ClientConfigBuilder::ignore_requested_authorities would send one); CAs of the server: \
             CN=Root; certificates of the client: CN=Client",
        ),
        (
            Error::Truncated,
            "the transport ended without close_notify; received data may be incomplete",
        ),
        (
            LocalError::Internal("a reason").into(),
            "internal error, please report it: a reason",
        ),
        (
            Misuse::NothingPending.into(),
            "the handshake is not paused, so there is nothing to answer",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
    }
}

/// In a `Box`, in `anyhow` with its chain of sources, and in the error of a stream.
#[test]
fn no_chain_of_errors_says_the_same_twice() {
    fn check(name: &str, error: impl std::error::Error + Send + Sync + Clone + 'static) {
        let text = error.to_string();
        assert!(error.source().is_none(), "{name}");
        let boxed: Box<dyn std::error::Error> = Box::new(error.clone());
        assert_eq!(boxed.to_string(), text, "{name}");
        let in_io = std::io::Error::other(error.clone());
        for report in [anyhow::Error::new(error), anyhow::Error::new(in_io)] {
            assert_eq!(format!("{report:#}"), text, "{name}");
            assert_eq!(format!("{report:?}").lines().next(), Some(&*text), "{name}");
            let context = format!("{:#}", report.context("cannot connect"));
            assert_eq!(context, format!("cannot connect: {text}"), "{name}");
        }
    }
    for (name, error) in errors() {
        check(name, error);
    }
    for (name, error) in ConfigError::samples() {
        check(name, error);
    }
    for (name, fault) in ServerNameFault::samples() {
        check(name, fault);
        check(name, ServerNameError::new("bmc:443", fault));
    }
}

#[test]
fn errors_stay_small() {
    assert!(size_of::<Error>() <= 96, "{}", size_of::<Error>());
}
