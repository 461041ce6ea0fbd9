//! Presets for kinds of peers. Each combines public settings and nothing else; any of the settings
//! can be changed after it.

use super::{
    ClientAuth, ClientConfigBuilder, ExtendedMasterSecret, SecureRenegotiation, ServerConfigBuilder,
};
use crate::enums::CipherSuite;
use crate::verify::CertificatePolicy;

/// Both suites with AES-GCM, AES-256 first: OCPP 2.0.1 requires them, and they are what controllers
/// that are limited to RSA key transport support.
const GCM: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
];

/// Both suites with AES-GCM, then those with CBC, the better MAC and the longer key first.
const GCM_AND_CBC: [CipherSuite; 6] = [
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
];

impl ClientConfigBuilder {
    /// Configures a charging station, the client of its management system (CSMS).
    ///
    /// It sets both AES-GCM [`suites`](Self::suites), and
    /// [requires the common name](Self::require_common_name) of the CSMS to equal the server name.
    /// For security profile 3, add the station's [`certificate`](Self::certificate).
    ///
    /// Source: [OCPP 2.0.1](https://openchargealliance.org/protocols/open-charge-point-protocol/)
    /// part 2, requirements A00.FR.318 and 421 (the suites, on the management system's side) and
    /// A00.FR.309 and 510 (the common name is the fully qualified domain name).
    #[must_use]
    pub fn ocpp_2_0_1(self) -> Self {
        self.suites(&GCM).require_common_name()
    }

    /// Configures a client of a management controller (BMC), PLC or other device that supports TLS
    /// 1.2 with RSA key transport and AES-GCM, and perhaps no later extension.
    ///
    /// It sets both AES-GCM [`suites`](Self::suites), makes secure renegotiation
    /// [`Optional`](SecureRenegotiation::Optional), and
    /// [allows resumption](Self::resume_without_extended_master_secret) without the extended master
    /// secret, because such devices are slow at the RSA operation.
    ///
    /// Sources: H3C's management controller HDM 3.57 accepts these two suites and no others
    /// ([report](https://github.com/mrlhansen/idrac_exporter/issues/204)); Beckhoff's TwinCAT 3
    /// lists both, or AES-128 only
    /// ([list](https://infosys.beckhoff.com/content/1031/tf6770_tc3_iot_websockets/9334002827.html));
    /// some management services do not support RFC 5746
    /// ([report](https://github.com/Openwsman/openwsman/pull/196)), and some servers do not support
    /// the extended master secret ([report](https://github.com/openssl/openssl/issues/19989)).
    #[must_use]
    pub fn bmc_gcm(self) -> Self {
        self.suites(&GCM)
            .secure_renegotiation(SecureRenegotiation::Optional)
            .resume_without_extended_master_secret()
    }

    /// Configures a client of an old device or server that supports TLS 1.2 with RSA key transport
    /// and, of the ciphers, perhaps CBC only.
    ///
    /// It sets the AES-GCM [`suites`](Self::suites) and behind them the CBC suites, makes secure
    /// renegotiation [`Optional`](SecureRenegotiation::Optional), and
    /// [allows resumption](Self::resume_without_extended_master_secret) without the extended master
    /// secret. [Encrypt-then-MAC](Self::encrypt_then_mac) is used if the server supports it.
    ///
    /// Sources: [RFC 5246 section 9](https://www.rfc-editor.org/rfc/rfc5246#section-9) makes
    /// TLS_RSA_WITH_AES_128_CBC_SHA mandatory; cameras by Axis with firmware 6 accept no GCM suite
    /// ([report](https://github.com/AlexxIT/go2rtc/pull/2383)); an ESP8266 with few suites has the
    /// four of CBC ([list](https://github.com/xoseperez/espurna/pull/1810)); servers on old IIS 10
    /// accept AES128-SHA only ([report](https://github.com/rustls/rustls/issues/381)).
    #[must_use]
    pub fn legacy_cbc(self) -> Self {
        self.suites(&GCM_AND_CBC)
            .secure_renegotiation(SecureRenegotiation::Optional)
            .resume_without_extended_master_secret()
    }

    /// Configures a client for servers that support the security extensions of TLS 1.2.
    ///
    /// It requires the extended master secret and secure renegotiation, and stores no session, so
    /// that each connection is authenticated anew.
    ///
    /// Source: [RFC 9325 section 3](https://www.rfc-editor.org/rfc/rfc9325#section-3); it goes
    /// further by not resuming sessions.
    #[must_use]
    pub fn strict(self) -> Self {
        self.extended_master_secret(ExtendedMasterSecret::Required)
            .secure_renegotiation(SecureRenegotiation::Required)
            .session_store(None)
            .session_tickets(false)
    }
}

impl ServerConfigBuilder {
    /// Configures a management system (CSMS), the server of charging stations.
    ///
    /// It sets both AES-GCM [`suites`](Self::suites), and [requests](ClientAuth::Request) a
    /// certificate that `stations` accepts. Stations of security profile 3 present one; stations of
    /// profile 2 use a password instead. The application must check which of the two a station
    /// needs, with [`SessionInfo::peer_certificates`](crate::SessionInfo::peer_certificates).
    ///
    /// Source: [OCPP 2.0.1](https://openchargealliance.org/protocols/open-charge-point-protocol/)
    /// part 2, requirements A00.FR.318 and 421 (the suites) and A00.FR.401 to 405 (certificates of
    /// stations).
    #[must_use]
    pub fn ocpp_2_0_1(self, stations: impl Into<CertificatePolicy>) -> Self {
        self.suites(&GCM).client_auth(ClientAuth::Request(stations.into()))
    }

    /// Configures a server to which management controllers, PLCs and other devices connect; see
    /// [`ClientConfigBuilder::bmc_gcm`].
    ///
    /// It sets both AES-GCM [`suites`](Self::suites), and
    /// [allows resumption](Self::resume_without_extended_master_secret) without the extended master
    /// secret. A server accepts clients without secure renegotiation by default.
    #[must_use]
    pub fn bmc_gcm(self) -> Self {
        self.suites(&GCM).resume_without_extended_master_secret()
    }

    /// Configures a server to which old devices connect that support CBC only; see
    /// [`ClientConfigBuilder::legacy_cbc`].
    ///
    /// It sets the AES-GCM [`suites`](Self::suites) and behind them the CBC suites, and
    /// [allows resumption](Self::resume_without_extended_master_secret) without the extended master
    /// secret. A server accepts clients without secure renegotiation by default.
    #[must_use]
    pub fn legacy_cbc(self) -> Self {
        self.suites(&GCM_AND_CBC).resume_without_extended_master_secret()
    }

    /// Configures a server for clients that support the security extensions of TLS 1.2, as
    /// [`ClientConfigBuilder::strict`] does for a client. It issues no tickets.
    #[must_use]
    pub fn strict(self) -> Self {
        self.extended_master_secret(ExtendedMasterSecret::Required)
            .secure_renegotiation(SecureRenegotiation::Required)
            .session_store(None)
            .tickets(None)
    }
}
