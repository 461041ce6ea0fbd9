//! What a ClientHello asks for, and what a server agrees to.

use crate::config::{ExtendedMasterSecret, SecureRenegotiation, ServerConfig};
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, ExtensionType, MaxFragmentLength, ProtocolVersion};
use crate::error::{DecodeError, Error, Incompatible, PeerError, ProtocolList, SuiteList};
use crate::handshake::limits::RecordLimits;
use crate::message::HandshakeBody;
use crate::message::extension::Extensions;
use crate::message::hello::ClientHello;
use pki_types::DnsName;

/// "If a TLS server receives a ClientHello containing a version number greater than the highest
/// version supported by the server, it MUST reply according to the highest version supported by the
/// server" (appendix E.1). TLS 1.3's extensions are not looked at.
pub(super) fn check_version(hello: &ClientHello<'_>) -> Result<(), Incompatible> {
    let offered = hello.client_version;
    let suites = &hello.cipher_suites;
    match offered < ProtocolVersion::TLS_1_2 {
        false => Ok(()),
        // "If TLS_FALLBACK_SCSV appears in ClientHello.cipher_suites and the highest protocol
        // version supported by the server is higher than the version indicated in
        // ClientHello.client_version, the server MUST respond with a fatal inappropriate_fallback
        // alert".
        true if suites.contains(&CipherSuite::TLS_FALLBACK_SCSV) => {
            Err(Incompatible::InappropriateFallback { offered })
        }
        true => Err(Incompatible::Version { offered }),
    }
}

/// The first suite of one side's list that stands in the other's.
pub(super) fn choose_suite(
    config: &ServerConfig,
    offered: &[CipherSuite],
) -> Result<&'static Suite, Incompatible> {
    let acceptable = &config.common.suites;
    let chosen = config
        .suite_preference
        .choose(acceptable, offered, |suite, id| suite.id == *id);
    chosen.copied().ok_or_else(|| {
        let acceptable: Vec<_> = acceptable.iter().map(|suite| suite.id).collect();
        Incompatible::NoCommonSuite {
            offered: SuiteList::new(offered),
            acceptable: SuiteList::new(&acceptable),
        }
    })
}

/// What the extensions of a ClientHello ask for.
pub(super) struct Asked<'a> {
    pub(super) server_name: AskedName<'a>,
    /// The server signs nothing: which they are does not matter.
    pub(super) names_signature_algorithms: bool,
    pub(super) secure_renegotiation: bool,
    pub(super) extended_master_secret: bool,
    pub(super) alpn_protocols: Vec<&'a [u8]>,
    pub(super) max_fragment_length: Option<MaxFragmentLength>,
    pub(super) record_size_limit: Option<u16>,
    pub(super) ocsp_response: bool,
    /// Empty where the client has no ticket but would take one.
    pub(super) session_ticket: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    pub(super) fn read(
        hello: &ClientHello<'_>,
        extensions: &'a Extensions<'_>,
    ) -> Result<Self, Error> {
        let decode = |error: DecodeError| error.of(ClientHello::NAME);
        let signature_algorithms = extensions.signature_algorithms().map_err(decode)?;
        Ok(Self {
            names_signature_algorithms: signature_algorithms.is_some(),
            server_name: AskedName::read(extensions)?,
            secure_renegotiation: read_renegotiation_info(hello, extensions)?,
            extended_master_secret: extensions.extended_master_secret().map_err(decode)?,
            alpn_protocols: extensions.alpn().map_err(decode)?.unwrap_or_default(),
            max_fragment_length: extensions.max_fragment_length().map_err(decode)?,
            record_size_limit: extensions.record_size_limit().map_err(decode)?,
            ocsp_response: extensions.asks_for_ocsp().map_err(decode)?,
            session_ticket: extensions.session_ticket().map_err(decode)?,
        })
    }
}

/// The name that the client asks for.
pub(super) enum AskedName<'a> {
    None,
    Usable(DnsName<'a>),
    /// An address, or a name that DNS does not allow or that ends with a dot, is nobody's we know:
    /// not used, and so not acknowledged.
    Unusable,
}

impl<'a> AskedName<'a> {
    fn read(extensions: &'a Extensions<'_>) -> Result<Self, Error> {
        let name = extensions.server_name();
        match name.map_err(|error| error.of(ClientHello::NAME))? {
            None => Ok(Self::None),
            // "represented as a byte string using ASCII encoding without a trailing dot".
            Some(name) if !name.is_ascii() || name.contains(&0) => {
                Err(PeerError::IllegalExtension(ExtensionType::SERVER_NAME).into())
            }
            Some(name) if name.ends_with(b".") => Ok(Self::Unusable),
            Some(name) => Ok(DnsName::try_from(name).map_or(Self::Unusable, Self::Usable)),
        }
    }
}

/// "the server MUST check if it includes the TLS_EMPTY_RENEGOTIATION_INFO_SCSV SCSV", and of the
/// extension "MUST then verify that the length of the "renegotiated_connection" field is zero, and
/// if it is not, MUST abort the handshake" (RFC 5746 section 3.6).
fn read_renegotiation_info(
    hello: &ClientHello<'_>,
    extensions: &Extensions<'_>,
) -> Result<bool, Error> {
    let signalled = hello
        .cipher_suites
        .contains(&CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
    let info = extensions.renegotiation_info();
    match info.map_err(|error| error.of(ClientHello::NAME))? {
        None => Ok(signalled),
        Some([]) => Ok(true),
        Some(_) => Err(PeerError::RenegotiationInfoNotEmpty.into()),
    }
}

/// What is agreed of what was asked for.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) server_name: Option<DnsName<'static>>,
    pub(super) names_signature_algorithms: bool,
    pub(super) secure_renegotiation: bool,
    pub(super) extended_master_secret: bool,
    pub(super) alpn_protocol: Option<Box<[u8]>>,
    pub(super) limits: RecordLimits,
    pub(super) asks_for_ocsp: bool,
}

impl Agreed {
    pub(super) fn of(asked: &Asked<'_>, config: &ServerConfig) -> Result<Self, Error> {
        let common = &config.common;
        if common.secure_renegotiation == SecureRenegotiation::Required
            && !asked.secure_renegotiation
        {
            return Err(Incompatible::NoSecureRenegotiation.into());
        }
        // "If a server receives a ClientHello without the extension, it SHOULD abort the handshake
        // if it does not wish to interoperate with legacy clients."
        let extended_master_secret = match common.extended_master_secret {
            ExtendedMasterSecret::Off => false,
            ExtendedMasterSecret::Optional => asked.extended_master_secret,
            ExtendedMasterSecret::Required if asked.extended_master_secret => true,
            ExtendedMasterSecret::Required => {
                return Err(Incompatible::NoExtendedMasterSecret.into());
            }
        };
        Ok(Self {
            server_name: match &asked.server_name {
                AskedName::Usable(name) => Some(name.to_owned()),
                AskedName::None | AskedName::Unusable => None,
            },
            names_signature_algorithms: asked.names_signature_algorithms,
            secure_renegotiation: asked.secure_renegotiation,
            extended_master_secret,
            alpn_protocol: choose_protocol(config, &asked.alpn_protocols)?,
            limits: record_limits(config, asked)?,
            asks_for_ocsp: asked.ocsp_response,
        })
    }
}

/// "In the event that the server supports no protocols that the client advertises, then the server
/// SHALL respond with a fatal "no_application_protocol" alert"
/// ([RFC 7301 section 3.2](https://www.rfc-editor.org/rfc/rfc7301#section-3.2)). A side that names
/// none does without.
fn choose_protocol(
    config: &ServerConfig,
    offered: &[&[u8]],
) -> Result<Option<Box<[u8]>>, Incompatible> {
    let acceptable = &config.common.alpn_protocols;
    if offered.is_empty() || acceptable.is_empty() {
        return Ok(None);
    }
    let chosen = config
        .alpn_preference
        .choose(acceptable, offered, |own, offered| **own == **offered);
    let chosen = chosen.ok_or_else(|| Incompatible::NoCommonProtocol {
        offered: ProtocolList::new(offered.iter().copied()),
        acceptable: ProtocolList::new(acceptable.iter().map(|name| &**name)),
    })?;
    Ok(Some(chosen.clone()))
}

fn record_limits(config: &ServerConfig, asked: &Asked<'_>) -> Result<RecordLimits, PeerError> {
    match (asked.record_size_limit, asked.max_fragment_length) {
        // "A server that supports the "record_size_limit" extension MUST ignore a
        // "max_fragment_length" that appears in a ClientHello if both extensions appear."
        (Some(sent), _) => {
            let own = config.common.record_size_limit;
            RecordLimits::records(sent, own.unwrap_or(RecordLimits::PROTOCOL))
        }
        // "If a server receives a maximum fragment length negotiation request for a value other
        // than the allowed values, it MUST abort the handshake with an "illegal_parameter" alert."
        (None, Some(length)) if length.bytes().is_none() => Err(PeerError::IllegalExtension(
            ExtensionType::MAX_FRAGMENT_LENGTH,
        )),
        (None, Some(length)) => Ok(RecordLimits::Fragments(length)),
        (None, None) => Ok(RecordLimits::Protocol),
    }
}
