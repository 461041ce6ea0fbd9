//! What a ClientHello asks for by its extensions, and what the ServerHello answers.

use crate::config::{ClientConfig, ExtendedMasterSecret, SecureRenegotiation};
use crate::enums::{CipherSuite, ExtensionType, MaxFragmentLength};
use crate::error::{DecodeError, Error, Incompatible, PeerError};
use crate::handshake::limits::RecordLimits;
use crate::message::HandshakeBody;
use crate::message::extension::Extensions;
use crate::message::hello::ServerHello;
use crate::resumption::Session;
use pki_types::ServerName;

/// The extensions that the configuration asks for.
pub(super) fn hello_extensions(
    config: &ClientConfig,
    server_name: &ServerName<'_>,
    ticket: &[u8],
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
    if config.common.extended_master_secret != ExtendedMasterSecret::Off {
        extensions.push_extended_master_secret();
    }
    if let Some(limit) = config.common.record_size_limit {
        extensions.push_record_size_limit(limit);
    }
    if config.takes_tickets() {
        extensions.push_session_ticket(ticket);
    }
    extensions.push_renegotiation_info();
    extensions
}

impl ClientConfig {
    /// Whether there is both the will to take tickets and the place to keep them.
    fn takes_tickets(&self) -> bool {
        self.session_tickets && self.common.session_store.is_some()
    }

    /// Whether the ClientHello carried an extension that a server may answer.
    fn requested(&self, typ: ExtensionType, server_name: &ServerName<'_>) -> bool {
        match typ {
            ExtensionType::SERVER_NAME => matches!(server_name, ServerName::DnsName(_)),
            ExtensionType::MAX_FRAGMENT_LENGTH => self.max_fragment_length.is_some(),
            ExtensionType::STATUS_REQUEST => self.request_ocsp_response,
            ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => {
                !self.common.alpn_protocols.is_empty()
            }
            ExtensionType::EXTENDED_MASTER_SECRET => {
                self.common.extended_master_secret != ExtendedMasterSecret::Off
            }
            ExtensionType::RECORD_SIZE_LIMIT => self.common.record_size_limit.is_some(),
            ExtensionType::SESSION_TICKET => self.takes_tickets(),
            ExtensionType::RENEGOTIATION_INFO => true,
            // signature_algorithms among them: "Servers MUST NOT send this extension."
            _ => false,
        }
    }
}

/// Adds a suite at the front and an extension at each end that nobody knows
/// ([RFC 8701 section 3.1](https://www.rfc-editor.org/rfc/rfc8701#section-3.1)), drawn at random
/// from the sixteen values that are reserved for it.
pub(super) fn grease(
    config: &ClientConfig,
    suites: Vec<CipherSuite>,
    extensions: Extensions<'_>,
) -> Result<(Vec<CipherSuite>, Extensions<'static>), Error> {
    let mut drawn = [0; 3];
    config.common.random().fill(&mut drawn)?;
    let [suite, first, last] = drawn.map(|byte| byte & 0x0f);
    // "There MUST NOT be more than one extension of the same type."
    let last = if last == first { last ^ 1 } else { last };
    let value = |nibble: u8| u16::from_be_bytes([nibble << 4 | 0x0a; 2]);

    let suites = [CipherSuite(value(suite))].into_iter().chain(suites);
    let mut greased = Extensions::new();
    greased.push_raw(ExtensionType(value(first)), &[]);
    for (typ, content) in extensions.iter() {
        greased.push_raw(typ, content);
    }
    greased.push_raw(ExtensionType(value(last)), &[0]);
    Ok((suites.collect(), greased))
}

/// What the extensions of the ServerHello say.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) secure_renegotiation: bool,
    pub(super) extended_master_secret: bool,
    pub(super) alpn_protocol: Option<Box<[u8]>>,
    max_fragment_length: Option<MaxFragmentLength>,
    record_size_limit: Option<u16>,
    /// CertificateStatus may come.
    pub(super) certificate_status: bool,
    /// NewSessionTicket will come.
    pub(super) new_session_ticket: bool,
}

impl Answers {
    /// "If a client receives an extension type in ServerHello that it did not request in the
    /// associated ClientHello, it MUST abort the handshake with an unsupported_extension fatal
    /// alert."
    pub(super) fn read(
        hello: &ServerHello<'_>,
        config: &ClientConfig,
        server_name: &ServerName<'_>,
    ) -> Result<Self, Error> {
        let none = Extensions::default();
        let extensions = hello.extensions.as_ref().unwrap_or(&none);
        for (typ, _) in extensions.iter() {
            if !config.requested(typ, server_name) {
                return Err(PeerError::UnsolicitedExtension(typ).into());
            }
        }
        let decode = |error: DecodeError| error.of(ServerHello::NAME);
        extensions.server_name_ack().map_err(decode)?;
        Ok(Self {
            secure_renegotiation: read_renegotiation_info(extensions, config)?,
            extended_master_secret: read_extended_master_secret(extensions, config)?,
            alpn_protocol: read_alpn(extensions, config)?,
            max_fragment_length: extensions.max_fragment_length().map_err(decode)?,
            record_size_limit: extensions.record_size_limit().map_err(decode)?,
            certificate_status: extensions.status_request_ack().map_err(decode)?,
            new_session_ticket: extensions.session_ticket_ack().map_err(decode)?,
        })
    }

    /// Judges the lengths that the server answers with, in a full handshake or for a session.
    pub(super) fn record_limits(
        &self,
        config: &ClientConfig,
        session: Option<&Session>,
    ) -> Result<RecordLimits, PeerError> {
        // "if a client receives a maximum fragment length negotiation response that differs from
        // the length it requested, it MUST also abort the handshake with an "illegal_parameter"
        // alert." A session has its length already.
        let kept = session.map(|session| session.max_fragment_length);
        if let Some(length) = self.max_fragment_length
            && kept.unwrap_or(config.max_fragment_length) != Some(length)
        {
            return Err(PeerError::IllegalExtension(
                ExtensionType::MAX_FRAGMENT_LENGTH,
            ));
        }
        let length = self.max_fragment_length.or(kept.flatten());
        match (config.common.record_size_limit, self.record_size_limit) {
            // "A client MUST treat receipt of both "max_fragment_length" and "record_size_limit" as
            // a fatal error, and it SHOULD generate an "illegal_parameter" alert."
            (Some(_), Some(_)) if self.max_fragment_length.is_some() => Err(
                PeerError::IllegalExtension(ExtensionType::MAX_FRAGMENT_LENGTH),
            ),
            (Some(received), Some(sent)) => RecordLimits::records(sent, received),
            _ => Ok(length.map_or(RecordLimits::Protocol, RecordLimits::Fragments)),
        }
    }
}

/// "The client MUST then verify that the length of the "renegotiated_connection" field is zero,
/// and if it is not, MUST abort the handshake (by sending a fatal handshake_failure alert)."
fn read_renegotiation_info(
    extensions: &Extensions<'_>,
    config: &ClientConfig,
) -> Result<bool, Error> {
    let info = extensions.renegotiation_info();
    match info.map_err(|error| error.of(ServerHello::NAME))? {
        Some([]) => Ok(true),
        Some(_) => Err(PeerError::RenegotiationInfoNotEmpty.into()),
        None => match config.common.secure_renegotiation {
            SecureRenegotiation::Required => Err(Incompatible::NoSecureRenegotiation.into()),
            SecureRenegotiation::Optional => Ok(false),
        },
    }
}

/// "If a client receives a ServerHello without the extension, it SHOULD abort the handshake if
/// it does not wish to interoperate with legacy servers"
/// ([RFC 7627 section 5.2](https://www.rfc-editor.org/rfc/rfc7627#section-5.2)).
fn read_extended_master_secret(
    extensions: &Extensions<'_>,
    config: &ClientConfig,
) -> Result<bool, Error> {
    let used = extensions.extended_master_secret();
    let used = used.map_err(|error| error.of(ServerHello::NAME))?;
    match config.common.extended_master_secret {
        ExtendedMasterSecret::Required if !used => Err(Incompatible::NoExtendedMasterSecret.into()),
        _ => Ok(used),
    }
}

/// "the "ProtocolNameList" MUST contain exactly one "ProtocolName"", one of the client's.
fn read_alpn(
    extensions: &Extensions<'_>,
    config: &ClientConfig,
) -> Result<Option<Box<[u8]>>, Error> {
    let offered = &config.common.alpn_protocols;
    let chosen = extensions.alpn();
    match chosen
        .map_err(|error| error.of(ServerHello::NAME))?
        .as_deref()
    {
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
