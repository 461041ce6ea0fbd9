//! What the hellos agreed, in either role, and the secret and session that a full handshake derives
//! from it.

use super::key_log;
use super::limits::RecordLimits;
use super::session_info::Resumption;
use crate::config::{Common, Environment};
use crate::crypto::cipher::MacOrder;
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::rng::RandomSource;
use crate::crypto::suite::Suite;
use crate::error::LocalError;
use crate::keys::{MasterSecret, Randoms, TrafficKeys, Transcript};
use crate::resumption::{Session, TrustContext, Validity};
use crate::verify::VerifiedPeer;
use crate::waiver::Waivers;
use pki_types::ServerName;

/// The parameters that the two hellos agreed.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) suite: &'static Suite,
    pub(super) randoms: Randoms,
    pub(super) extended_master_secret: bool,
    /// Never with an AEAD suite.
    pub(super) encrypt_then_mac: bool,
    pub(super) secure_renegotiation: bool,
    pub(super) alpn_protocol: Option<Box<[u8]>>,
    pub(super) limits: RecordLimits,
    pub(super) resumption: Resumption,
}

impl Agreed {
    /// The master secret of a full handshake, extended if agreed, and written to the key log. The
    /// transcript must end with ClientKeyExchange.
    pub(super) fn master_secret(
        &self,
        pre_master_secret: &PreMasterSecret,
        transcript: &Transcript,
        environment: &Environment,
    ) -> MasterSecret {
        let prf = self.suite.prf;
        let master_secret = if self.extended_master_secret {
            MasterSecret::derive_extended(prf, pre_master_secret, &transcript.current())
        } else {
            MasterSecret::derive(prf, pre_master_secret, &self.randoms)
        };
        self.log_key(environment, &master_secret);
        master_secret
    }

    /// The keys of both directions. Only CBC draws from `random`, for its IVs.
    pub(super) fn traffic_keys(
        &self,
        master_secret: &MasterSecret,
        random: &dyn RandomSource,
    ) -> Result<TrafficKeys, LocalError> {
        let order = if self.encrypt_then_mac {
            MacOrder::EncryptThenMac
        } else {
            MacOrder::MacThenEncrypt
        };
        TrafficKeys::derive(master_secret, self.suite, &self.randoms, order, random)
    }

    /// Writes the connection's line to the key log, if there is one.
    pub(super) fn log_key(&self, environment: &Environment, master_secret: &MasterSecret) {
        key_log::log(environment, &self.randoms, master_secret);
    }

    /// The session that a full handshake makes, with the peer's chain, if the peer presented one.
    pub(super) fn new_session(
        &self,
        common: &Common,
        master_secret: MasterSecret,
        server_name: Option<ServerName<'static>>,
        trust: TrustContext,
        peer: Option<VerifiedPeer>,
    ) -> Session {
        let (peer_certificates, waivers, ocsp_verified, certificates_expire) = match peer {
            Some(peer) => (peer.chain, peer.waivers, peer.ocsp_verified, peer.expires),
            // Without a certificate, only the lifetime ends the session.
            None => (Box::default(), Waivers::default(), false, u64::MAX),
        };
        let now = common.now();
        Session {
            suite: self.suite,
            master_secret,
            extended_master_secret: self.extended_master_secret,
            max_fragment_length: self.limits.max_fragment_length(),
            server_name,
            peer_certificates,
            waivers,
            ocsp_verified,
            trust,
            validity: Validity::starting(now, common.session_lifetime, certificates_expire),
        }
    }
}
