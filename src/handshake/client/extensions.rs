//! The extensions of a ClientHello, and the ServerHello's answers to them.

use crate::config::{ClientConfig, ExtendedMasterSecret};
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, ExtensionType, MaxFragmentLength, SignatureScheme};
use crate::error::{DecodeError, Error, PeerError};
use crate::handshake::hello::{
    agree_encrypt_then_mac, agree_extended_master_secret, check_secure_renegotiation,
    read_renegotiation_info,
};
use crate::handshake::limits::RecordLimits;
use crate::handshake::renegotiation::Previous;
use crate::message::HandshakeBody;
use crate::message::extension::Extensions;
use crate::message::hello::ServerHello;
use crate::resumption::Session;
use pki_types::ServerName;

/// The extensions that the configuration requires.
pub(super) fn hello_extensions(
    config: &ClientConfig,
    server_name: &ServerName<'_>,
    ticket: Option<&[u8]>,
    previous: Option<&Previous>,
) -> Extensions<'static> {
    let mut extensions = Extensions::new();
    // "Literal IPv4 and IPv6 addresses are not permitted in "HostName"", which is a name "without a
    // trailing dot".
    if let ServerName::DnsName(name) = server_name {
        let name: &str = name.as_ref();
        extensions.push_server_name(name.strip_suffix('.').unwrap_or(name));
    }
    if let Some(length) = config.max_fragment_length {
        extensions.push_max_fragment_length(length);
    }
    if config.request_ocsp_response {
        extensions.push_status_request();
    }
    extensions.push_signature_algorithms(&config.signature_algorithms);
    if !config.common.alpn_protocols.is_empty() {
        extensions.push_alpn(&config.common.alpn_protocols);
    }
    if config.common.offers_encrypt_then_mac() {
        extensions.push_encrypt_then_mac();
    }
    if config.common.extended_master_secret != ExtendedMasterSecret::Off {
        extensions.push_extended_master_secret();
    }
    if let Some(limit) = config.common.record_size_limit {
        extensions.push_record_size_limit(limit);
    }
    if accepts_tickets(config) {
        // An empty extension requests a ticket.
        extensions.push_session_ticket(ticket.unwrap_or(&[]));
    }
    extensions.push_renegotiation_info(previous.map_or(&[], Previous::client_verify_data));
    extensions
}

/// Returns true if tickets are enabled and there is a store for them.
fn accepts_tickets(config: &ClientConfig) -> bool {
    config.session_tickets && config.common.session_store.is_some()
}

/// Returns true if the ClientHello carried this extension, and a server may answer it.
fn requested(config: &ClientConfig, server_name: &ServerName<'_>, typ: ExtensionType) -> bool {
    let common = &config.common;
    match typ {
        ExtensionType::SERVER_NAME => matches!(server_name, ServerName::DnsName(_)),
        ExtensionType::MAX_FRAGMENT_LENGTH => config.max_fragment_length.is_some(),
        ExtensionType::STATUS_REQUEST => config.request_ocsp_response,
        ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => !common.alpn_protocols.is_empty(),
        ExtensionType::ENCRYPT_THEN_MAC => common.offers_encrypt_then_mac(),
        ExtensionType::EXTENDED_MASTER_SECRET => {
            common.extended_master_secret != ExtendedMasterSecret::Off
        }
        ExtensionType::RECORD_SIZE_LIMIT => common.record_size_limit.is_some(),
        ExtensionType::SESSION_TICKET => accepts_tickets(config),
        ExtensionType::RENEGOTIATION_INFO => true,
        // Including signature_algorithms: "Servers MUST NOT send this extension."
        _ => false,
    }
}

/// Adds an unassigned suite and an unassigned signature algorithm at the front of their lists, and an
/// unassigned extension at each end ([RFC 8701 section 3.1](https://www.rfc-editor.org/rfc/rfc8701#section-3.1)), chosen at random
/// from the sixteen values that are reserved for this.
pub(super) fn grease(
    config: &ClientConfig,
    suites: Vec<CipherSuite>,
    extensions: Extensions<'_>,
) -> Result<(Vec<CipherSuite>, Extensions<'static>), Error> {
    let mut drawn = [0; 4];
    config.common.random().fill(&mut drawn)?;
    let [suite, algorithm, first, last] = drawn.map(|byte| byte & 0x0f);
    // "There MUST NOT be more than one extension of the same type."
    let last = if last == first { last ^ 1 } else { last };
    let value = |nibble: u8| u16::from_be_bytes([nibble << 4 | 0x0a; 2]);

    let suites = [CipherSuite(value(suite))].into_iter().chain(suites);
    let mut greased = Extensions::new();
    greased.push_raw(ExtensionType(value(first)), &[]);
    for (typ, content) in extensions.iter() {
        if typ == ExtensionType::SIGNATURE_ALGORITHMS {
            let algorithm = SignatureScheme(value(algorithm));
            let known = config.signature_algorithms.iter().copied();
            let algorithms: Vec<_> = [algorithm].into_iter().chain(known).collect();
            greased.push_signature_algorithms(&algorithms);
        } else {
            greased.push_raw(typ, content);
        }
    }
    greased.push_raw(ExtensionType(value(last)), &[0]);
    Ok((suites.collect(), greased))
}

/// The contents of the ServerHello's extensions.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) secure_renegotiation: bool,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
    pub(super) alpn_protocol: Option<Box<[u8]>>,
    max_fragment_length: Option<MaxFragmentLength>,
    record_size_limit: Option<u16>,
    /// The server may send CertificateStatus.
    pub(super) certificate_status: bool,
    /// The server will send NewSessionTicket.
    pub(super) new_session_ticket: bool,
}

impl Answers {
    /// "If a client receives an extension type in ServerHello that it did not request in the
    /// associated ClientHello, it MUST abort the handshake with an unsupported_extension fatal
    /// alert."
    pub(super) fn read(
        hello: &ServerHello<'_>,
        suite: &Suite,
        config: &ClientConfig,
        server_name: &ServerName<'_>,
        previous: Option<&Previous>,
    ) -> Result<Self, Error> {
        let none = Extensions::default();
        let extensions = hello.extensions.as_ref().unwrap_or(&none);
        for (typ, _) in extensions.iter() {
            if !requested(config, server_name, typ) {
                return Err(PeerError::UnsolicitedExtension(typ).into());
            }
        }
        let decode = |error: DecodeError| error.of(ServerHello::NAME);
        extensions.server_name_ack().map_err(decode)?;
        let secure_renegotiation = match previous {
            None => read_renegotiation_info::<ServerHello<'_>>(extensions)?,
            Some(previous) => {
                let info = extensions.renegotiation_info().map_err(decode)?;
                previous.check_renegotiation_info(info)?;
                true
            }
        };
        check_secure_renegotiation(config.common.secure_renegotiation, secure_renegotiation)?;
        let extended_master_secret = extensions.extended_master_secret().map_err(decode)?;
        let encrypt_then_mac = read_encrypt_then_mac(extensions, suite, config)?;
        if let Some(previous) = previous {
            previous.check_extended_master_secret(extended_master_secret)?;
            previous.check_encrypt_then_mac(suite, encrypt_then_mac)?;
        }
        Ok(Self {
            secure_renegotiation,
            extended_master_secret: agree_extended_master_secret(
                config.common.extended_master_secret,
                extended_master_secret,
            )?,
            encrypt_then_mac,
            alpn_protocol: read_alpn(extensions, config)?,
            max_fragment_length: extensions.max_fragment_length().map_err(decode)?,
            record_size_limit: extensions.record_size_limit().map_err(decode)?,
            certificate_status: extensions.status_request_ack().map_err(decode)?,
            new_session_ticket: extensions.session_ticket_ack().map_err(decode)?,
        })
    }

    /// Checks the record lengths in the server's answer, in a full handshake or for a resumed
    /// session.
    pub(super) fn record_limits(
        &self,
        config: &ClientConfig,
        session: Option<&Session>,
    ) -> Result<RecordLimits, PeerError> {
        // "if a client receives a maximum fragment length negotiation response that differs from
        // the length it requested, it MUST also abort the handshake with an "illegal_parameter"
        // alert." A resumed session keeps its length.
        let illegal = PeerError::IllegalExtension(ExtensionType::MAX_FRAGMENT_LENGTH);
        let (due, kept) = match session {
            Some(session) => (session.max_fragment_length, session.max_fragment_length),
            None => (config.max_fragment_length, None),
        };
        if self.max_fragment_length.is_some() && self.max_fragment_length != due {
            return Err(illegal);
        }
        match (config.common.record_size_limit, self.record_size_limit) {
            // "A client MUST treat receipt of both "max_fragment_length" and "record_size_limit" as
            // a fatal error, and it SHOULD generate an "illegal_parameter" alert."
            (Some(_), Some(_)) if self.max_fragment_length.is_some() => Err(illegal),
            (Some(received), Some(sent)) => RecordLimits::records(sent, received),
            _ => match self.max_fragment_length.or(kept) {
                Some(length) => RecordLimits::fragments(length),
                None => Ok(RecordLimits::Protocol),
            },
        }
    }
}

/// For a suite that is not CBC, the server "MUST NOT send an encrypt-then-MAC response extension".
fn read_encrypt_then_mac(
    extensions: &Extensions<'_>,
    suite: &Suite,
    config: &ClientConfig,
) -> Result<bool, Error> {
    let supported = extensions.encrypt_then_mac();
    let supported = supported.map_err(|error| error.of(ServerHello::NAME))?;
    if supported && !suite.is_cbc() {
        return Err(PeerError::IllegalExtension(ExtensionType::ENCRYPT_THEN_MAC).into());
    }
    let policy = config.common.encrypt_then_mac;
    Ok(agree_encrypt_then_mac(policy, suite, supported)?)
}

/// "the "ProtocolNameList" MUST contain exactly one "ProtocolName"", one of the client's.
fn read_alpn(
    extensions: &Extensions<'_>,
    config: &ClientConfig,
) -> Result<Option<Box<[u8]>>, Error> {
    let offered = &config.common.alpn_protocols;
    let chosen = extensions.alpn();
    match chosen.map_err(|error| error.of(ServerHello::NAME))?.as_deref() {
        None => Ok(None),
        Some([chosen]) if offered.iter().any(|own| **own == **chosen) => {
            Ok(Some(Box::from(*chosen)))
        }
        Some(_) => {
            let typ = ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION;
            Err(PeerError::IllegalExtension(typ).into())
        }
    }
}
