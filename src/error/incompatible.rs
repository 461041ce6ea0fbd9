//! Why two sides that follow the protocol have no common parameters, and the settings that would
//! change it.

use super::text::{ProtocolList, SuiteList};
use crate::enums::{CipherSuite, ProtocolVersion};

errors! {
    /// Why two sides that follow the protocol have no common parameters.
    ///
    /// The error holds what the peer offered and what was acceptable; [`Incompatible::setting`] names
    /// the setting that would accept the offer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Incompatible {
        /// The peer does not support TLS 1.2.
        #[error(
            "the peer's version is {offered}; only TLS 1.2 is supported, no setting accepts another"
        )]
        #[alert(PROTOCOL_VERSION)]
        Version {
            /// The version the peer offered or chose.
            offered: ProtocolVersion,
        },
        /// The client's supported_versions has no TLS 1.2
        /// ([RFC 8446 section 4.2.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.1)).
        #[error(
            "the client offers {offered} and not TLS 1.2 (enable TLS 1.2 in the client); no setting accepts another version"
        )]
        #[alert(PROTOCOL_VERSION)]
        NewerVersion {
            /// The highest version that the client offers.
            offered: ProtocolVersion,
        },
        /// There is no common cipher suite.
        #[error(
            "no common cipher suite: the client offers {offered}; the server accepts {acceptable} (set by ServerConfigBuilder::suites)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(ServerConfigBuilder::suites)]
        NoCommonSuite {
            /// What the client offered.
            offered: SuiteList,
            /// What the configuration accepts.
            acceptable: SuiteList,
        },
        /// The peer does not support secure renegotiation.
        #[error(
            "the peer does not support secure renegotiation (RFC 5746), which is required (the builder's secure_renegotiation can make it optional)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(secure_renegotiation)]
        NoSecureRenegotiation,
        /// The peer does not support the extended master secret.
        #[error(
            "the peer does not support the extended master secret (RFC 7627), which is required (the builder's extended_master_secret can make it optional)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(extended_master_secret)]
        NoExtendedMasterSecret,
        /// The peer does not support encrypt-then-MAC, and the suite is one with CBC.
        #[error(
            "the peer does not support encrypt-then-MAC (RFC 7366), which is required with {suite} (the builder's encrypt_then_mac can make it optional)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(encrypt_then_mac)]
        NoEncryptThenMac {
            /// The suite that the handshake would use.
            suite: CipherSuite,
        },
        /// There is no common application protocol.
        #[error(
            "no common application protocol: the client offers {offered}; the server accepts {acceptable} (set by ServerConfigBuilder::alpn_protocols)"
        )]
        #[alert(NO_APPLICATION_PROTOCOL)]
        #[setting(ServerConfigBuilder::alpn_protocols)]
        NoCommonProtocol {
            /// What the client offered.
            offered: ProtocolList,
            /// What the configuration accepts.
            acceptable: ProtocolList,
        },
        /// There is no certificate for the client's server name.
        #[error(
            "there is no certificate for the client's server name (without CertificateSet::refuse_unknown_names the default certificate would be used)"
        )]
        #[alert(UNRECOGNIZED_NAME)]
        #[setting(CertificateSet::refuse_unknown_names)]
        UnknownServerName,
        /// The client presented no certificate, but one is required.
        #[error(
            "the client presented no certificate, but one is required (ServerConfigBuilder::client_auth can make it optional)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(ServerConfigBuilder::client_auth)]
        NoClientCertificate,
    }
}
