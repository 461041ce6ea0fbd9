//! Two well-behaved sides with nothing in common, and the settings that would change it.

use super::text::{ProtocolList, SuiteList};
use crate::enums::ProtocolVersion;

errors! {
    /// Two well-behaved sides with nothing in common.
    ///
    /// Says what the peer offered, what was acceptable, and with [`Incompatible::setting`] what would
    /// accept it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Incompatible {
        /// The peer does not speak TLS 1.2.
        #[error(
            "the peer's version is {offered}; only TLS 1.2 is spoken here, no setting accepts another"
        )]
        #[alert(PROTOCOL_VERSION)]
        Version {
            /// The version the peer offered or chose.
            offered: ProtocolVersion,
        },
        /// No cipher suite in common.
        #[error(
            "no suite in common: the client offers {offered}; acceptable are {acceptable} (ServerConfigBuilder::suites)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(ServerConfigBuilder::suites)]
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
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(secure_renegotiation)]
        NoSecureRenegotiation,
        /// The peer does not know the extended master secret.
        #[error(
            "the peer does not know the extended master secret (RFC 7627), which is required (the builder's extended_master_secret would accept it)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(extended_master_secret)]
        NoExtendedMasterSecret,
        /// No application protocol in common.
        #[error(
            "no application protocol in common: the client offers {offered}; acceptable are {acceptable} (ServerConfigBuilder::alpn_protocols)"
        )]
        #[alert(NO_APPLICATION_PROTOCOL)]
        #[setting(ServerConfigBuilder::alpn_protocols)]
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
        #[alert(INAPPROPRIATE_FALLBACK)]
        InappropriateFallback {
            /// The version that the client fell back to.
            offered: ProtocolVersion,
        },
        /// The client asks for a name that there is no certificate for.
        #[error(
            "there is no certificate for the name that the client asks for (without CertificateSet::refuse_unknown_names the default one would be shown)"
        )]
        #[alert(UNRECOGNIZED_NAME)]
        #[setting(CertificateSet::refuse_unknown_names)]
        UnknownServerName,
        /// The client has no certificate, and one is required.
        #[error(
            "the client sent no certificate, and one is required (ServerConfigBuilder::client_auth)"
        )]
        #[alert(HANDSHAKE_FAILURE)]
        #[setting(ServerConfigBuilder::client_auth)]
        NoClientCertificate,
    }
}
