//! Presets for kinds of peers. Each is a composition of public settings and nothing else, so that
//! what it does can be read here, and any part of it can be set otherwise after it.

use super::{
    ClientAuth, ClientConfigBuilder, ExtendedMasterSecret, SecureRenegotiation, ServerConfigBuilder,
};
use crate::enums::CipherSuite;
use crate::verify::CertificatePolicy;

/// Both suites with AES-GCM, the stronger one first: what OCPP 2.0.1 demands and what controllers
/// that know RSA key transport alone have.
const GCM: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
];

impl ClientConfigBuilder {
    /// A charging station, as a client of its management system.
    ///
    /// [`suites`](Self::suites) are both with AES-GCM, and the management system's common name
    /// [has to be](Self::require_common_name) the name that the station asks for. For security
    /// profile 3, add the station's [`certificate`](Self::certificate).
    ///
    /// Source: [OCPP 2.0.1](https://openchargealliance.org/protocols/open-charge-point-protocol/)
    /// part 2, requirements A00.FR.318 and 421 (the suites, on the management system's side) and
    /// A00.FR.309 and 510 (the common name is the fully qualified domain name).
    #[must_use]
    pub fn ocpp_2_0_1(self) -> Self {
        self.suites(&GCM).require_common_name()
    }

    /// A client of a management controller, PLC or other device that speaks TLS 1.2 with RSA key
    /// transport and AES-GCM and may know no extension younger than that.
    ///
    /// [`suites`](Self::suites) are both with AES-GCM, secure renegotiation is
    /// [`Optional`](SecureRenegotiation::Optional), and sessions
    /// [may be resumed](Self::resume_without_extended_master_secret) without the extended master
    /// secret: the RSA operation is what such devices are slow at.
    ///
    /// Sources: H3C's management controller HDM 3.57 accepts these two suites and no others
    /// ([report](https://github.com/mrlhansen/idrac_exporter/issues/204)); Beckhoff's TwinCAT 3
    /// lists them, or the one with AES-128 alone
    /// ([list](https://infosys.beckhoff.com/content/1031/tf6770_tc3_iot_websockets/9334002827.html));
    /// management services without RFC 5746 are met
    /// ([report](https://github.com/Openwsman/openwsman/pull/196)), and so are servers without
    /// the extended master secret ([report](https://github.com/openssl/openssl/issues/19989)).
    #[must_use]
    pub fn bmc_gcm(self) -> Self {
        self.suites(&GCM)
            .secure_renegotiation(SecureRenegotiation::Optional)
            .resume_without_extended_master_secret()
    }

    /// For servers that know everything that makes TLS 1.2 safer, and for those that have to.
    ///
    /// The extended master secret and secure renegotiation are `Required`, and no session is kept,
    /// so that every connection is authenticated anew.
    ///
    /// Source: [RFC 9325 section 3](https://www.rfc-editor.org/rfc/rfc9325#section-3), beyond which
    /// it goes by resuming nothing.
    #[must_use]
    pub fn strict(self) -> Self {
        self.extended_master_secret(ExtendedMasterSecret::Required)
            .secure_renegotiation(SecureRenegotiation::Required)
            .session_store(None)
            .session_tickets(false)
    }
}

impl ServerConfigBuilder {
    /// A management system, as the server of charging stations.
    ///
    /// [`suites`](Self::suites) are both with AES-GCM. Stations are [asked](ClientAuth::Request)
    /// for a certificate that `stations` accepts, and may do without: those of security profile 3
    /// have one, those of profile 2 have a password. Which station needs which is for the layer
    /// above to know, and [`peer_certificates`](crate::SessionInfo::peer_certificates) tells it.
    ///
    /// Source: [OCPP 2.0.1](https://openchargealliance.org/protocols/open-charge-point-protocol/)
    /// part 2, requirements A00.FR.318 and 421 (the suites) and A00.FR.401 to 405 (certificates of
    /// stations).
    #[must_use]
    pub fn ocpp_2_0_1(self, stations: impl Into<CertificatePolicy>) -> Self {
        self.suites(&GCM).client_auth(ClientAuth::Request(stations.into()))
    }

    /// A server that management controllers, PLCs and other devices call, as
    /// [`ClientConfigBuilder::bmc_gcm`] describes them.
    ///
    /// [`suites`](Self::suites) are both with AES-GCM, and sessions
    /// [may be resumed](Self::resume_without_extended_master_secret) without the extended master
    /// secret. That a client need not know secure renegotiation is a server's default.
    #[must_use]
    pub fn bmc_gcm(self) -> Self {
        self.suites(&GCM).resume_without_extended_master_secret()
    }

    /// For clients that know everything that makes TLS 1.2 safer, and for those that have to; see
    /// [`ClientConfigBuilder::strict`].
    #[must_use]
    pub fn strict(self) -> Self {
        self.extended_master_secret(ExtendedMasterSecret::Required)
            .secure_renegotiation(SecureRenegotiation::Required)
            .session_store(None)
            .tickets(None)
    }
}
