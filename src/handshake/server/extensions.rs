//! The offers in a ClientHello, and what a server accepts of them.

use crate::config::ServerConfig;
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, ExtensionType, MaxFragmentLength, ProtocolVersion};
use crate::error::{DecodeError, Error, Incompatible, PeerError, ProtocolList, SuiteList};
use crate::handshake::hello::{
    agree_encrypt_then_mac, agree_extended_master_secret, check_secure_renegotiation,
    read_renegotiation_info,
};
use crate::handshake::limits::RecordLimits;
use crate::message::HandshakeBody;
use crate::message::extension::Extensions;
use crate::message::hello::ClientHello;
use pki_types::DnsName;

/// "If a TLS server receives a ClientHello containing a version number greater than the highest
/// version supported by the server, it MUST reply according to the highest version supported by the
/// server" (appendix E.1). The extensions of TLS 1.3 are ignored, except for supported_versions: a
/// client that leaves TLS 1.2 out of it would refuse this side's answer.
pub(super) fn check_version(hello: &ClientHello<'_>) -> Result<(), Incompatible> {
    let offered = hello.client_version;
    if offered >= ProtocolVersion::TLS_1_2 {
        return check_supported_versions(hello);
    }
    // Also with TLS_FALLBACK_SCSV: "the server MUST respond with a fatal inappropriate_fallback
    // alert (unless it responds with a fatal protocol_version alert because the version indicated
    // in ClientHello.client_version is unsupported)" (RFC 7507 section 3).
    Err(Incompatible::Version { offered })
}

/// Refuses a client whose supported_versions has no TLS 1.2. What cannot be parsed is not this
/// protocol's, and is ignored like the other extensions of TLS 1.3; so are GREASE values.
fn check_supported_versions(hello: &ClientHello<'_>) -> Result<(), Incompatible> {
    let extensions = hello.extensions.as_ref();
    let listed = extensions.and_then(|extensions| extensions.supported_versions().ok().flatten());
    let listed = listed.unwrap_or_default();
    let highest = listed.iter().copied().filter(|version| version.is_tls()).max();
    match highest {
        Some(_) if listed.contains(&ProtocolVersion::TLS_1_2) => Ok(()),
        Some(offered) if offered > ProtocolVersion::TLS_1_2 => {
            Err(Incompatible::NewerVersion { offered })
        }
        Some(offered) => Err(Incompatible::Version { offered }),
        None => Ok(()),
    }
}

/// The first suite of the preferred side's list that is also in the other side's list, and that the
/// rule for encrypt-then-MAC allows.
pub(super) fn choose_suite(
    config: &ServerConfig,
    offered: &[CipherSuite],
    encrypt_then_mac: bool,
) -> Result<&'static Suite, Incompatible> {
    let acceptable = &config.common.suites;
    let policy = config.common.encrypt_then_mac;
    let agree = |suite: &Suite| agree_encrypt_then_mac(policy, suite, encrypt_then_mac);
    let preference = config.suite_preference;
    let common = |suite: &&Suite, id: &CipherSuite| suite.id == *id;
    let chosen = preference.choose(acceptable, offered, |suite, id| {
        common(suite, id) && agree(suite).is_ok()
    });
    if chosen.is_none()
        && let Some(suite) = preference.choose(acceptable, offered, common)
    {
        agree(suite)?;
    }
    chosen.copied().ok_or_else(|| {
        let acceptable: Vec<_> = acceptable.iter().map(|suite| suite.id).collect();
        Incompatible::NoCommonSuite {
            offered: SuiteList::new(offered),
            acceptable: SuiteList::new(&acceptable),
        }
    })
}

/// The contents of a ClientHello's extensions.
pub(super) struct ClientOffer<'a> {
    pub(super) server_name: OfferedName<'a>,
    /// True if signature_algorithms is present. Its contents do not matter, because the server
    /// signs nothing.
    pub(super) names_signature_algorithms: bool,
    pub(super) secure_renegotiation: bool,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
    /// `None` if the client offers none.
    pub(super) alpn_protocols: Option<Vec<&'a [u8]>>,
    pub(super) max_fragment_length: Option<MaxFragmentLength>,
    pub(super) record_size_limit: Option<u16>,
    pub(super) ocsp_response: bool,
    /// Empty if the client has no ticket but accepts one.
    pub(super) session_ticket: Option<&'a [u8]>,
}

impl<'a> ClientOffer<'a> {
    pub(super) fn read(
        hello: &ClientHello<'_>,
        extensions: &'a Extensions<'_>,
    ) -> Result<Self, Error> {
        let decode = |error: DecodeError| error.of(ClientHello::NAME);
        let signature_algorithms = extensions.signature_algorithms().map_err(decode)?;
        Ok(Self {
            names_signature_algorithms: signature_algorithms.is_some(),
            server_name: OfferedName::read(extensions)?,
            secure_renegotiation: supports_secure_renegotiation(hello, extensions)?,
            extended_master_secret: extensions.extended_master_secret().map_err(decode)?,
            encrypt_then_mac: extensions.encrypt_then_mac().map_err(decode)?,
            alpn_protocols: extensions.alpn().map_err(decode)?,
            max_fragment_length: extensions.max_fragment_length().map_err(decode)?,
            record_size_limit: extensions.record_size_limit().map_err(decode)?,
            ocsp_response: extensions.asks_for_ocsp().map_err(decode)?,
            session_ticket: extensions.session_ticket().map_err(decode)?,
        })
    }
}

/// The server name that the client sent.
pub(super) enum OfferedName<'a> {
    None,
    Usable(DnsName<'a>),
    /// An IP address, or a name that DNS does not allow or that ends with a dot. It selects nothing
    /// and is not acknowledged.
    Unusable,
}

impl<'a> OfferedName<'a> {
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

/// "the server MUST check if it includes the TLS_EMPTY_RENEGOTIATION_INFO_SCSV SCSV", and if not,
/// the extension (RFC 5746 section 3.6).
fn supports_secure_renegotiation(
    hello: &ClientHello<'_>,
    extensions: &Extensions<'_>,
) -> Result<bool, Error> {
    let by_extension = read_renegotiation_info::<ClientHello<'_>>(extensions)?;
    let scsv = CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV;
    Ok(by_extension || hello.cipher_suites.contains(&scsv))
}

/// What the server accepts of a client's offer.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) server_name: Option<DnsName<'static>>,
    pub(super) extended_master_secret: bool,
    pub(super) alpn_protocol: Option<Box<[u8]>>,
    pub(super) limits: RecordLimits,
}

impl Accepted {
    pub(super) fn of(offer: &ClientOffer<'_>, config: &ServerConfig) -> Result<Self, Error> {
        let common = &config.common;
        check_secure_renegotiation(common.secure_renegotiation, offer.secure_renegotiation)?;
        let extended_master_secret = agree_extended_master_secret(
            common.extended_master_secret,
            offer.extended_master_secret,
        )?;
        Ok(Self {
            server_name: match &offer.server_name {
                OfferedName::Usable(name) => Some(name.to_owned()),
                OfferedName::None | OfferedName::Unusable => None,
            },
            extended_master_secret,
            alpn_protocol: match &offer.alpn_protocols {
                Some(offered) => choose_protocol(config, offered)?,
                None => None,
            },
            limits: record_limits(config, offer)?,
        })
    }
}

/// "In the event that the server supports no protocols that the client advertises, then the server
/// SHALL respond with a fatal "no_application_protocol" alert"
/// ([RFC 7301 section 3.2](https://www.rfc-editor.org/rfc/rfc7301#section-3.2)). If one side names
/// no protocols, none is agreed.
fn choose_protocol(
    config: &ServerConfig,
    offered: &[&[u8]],
) -> Result<Option<Box<[u8]>>, Incompatible> {
    let acceptable = &config.common.alpn_protocols;
    if acceptable.is_empty() {
        return Ok(None);
    }
    let chosen =
        config.alpn_preference.choose(acceptable, offered, |own, offered| **own == **offered);
    let chosen = chosen.ok_or_else(|| Incompatible::NoCommonProtocol {
        offered: ProtocolList::new(offered.iter().copied()),
        acceptable: ProtocolList::new(acceptable.iter().map(|name| &**name)),
    })?;
    Ok(Some(chosen.clone()))
}

fn record_limits(
    config: &ServerConfig,
    offer: &ClientOffer<'_>,
) -> Result<RecordLimits, PeerError> {
    match (offer.record_size_limit, offer.max_fragment_length) {
        // "A server that supports the "record_size_limit" extension MUST ignore a
        // "max_fragment_length" that appears in a ClientHello if both extensions appear."
        (Some(sent), _) => {
            let own = config.common.record_size_limit;
            RecordLimits::records(sent, own.unwrap_or(RecordLimits::PROTOCOL))
        }
        (None, Some(length)) => RecordLimits::fragments(length),
        (None, None) => Ok(RecordLimits::Protocol),
    }
}
