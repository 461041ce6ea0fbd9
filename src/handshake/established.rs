//! The secrets of an established connection, for exporters and channel bindings.

use super::renegotiation::{Renegotiable, Renewal};
use super::session_info::SessionInfo;
use super::verified::FinishedVerified;
use crate::config::CertifiedKey;
use crate::crypto::hash::HashAlgorithm;
use crate::error::Misuse;
use crate::keys::{MASTER_SECRET, MasterSecret, Randoms, VerifyData};
use crate::resumption::Session;
use crate::verify::end_point_hash;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The labels with which TLS itself derives keys and which exporters must not use
/// ([RFC 5705 section 6](https://www.rfc-editor.org/rfc/rfc5705#section-6)).
const RESERVED_LABELS: [&[u8]; 5] = [
    b"client finished",
    b"server finished",
    b"master secret",
    b"key expansion",
    b"extended master secret",
];

/// A channel binding: data that both ends of one connection share, by which an application protocol
/// ties its authentication to that connection ([RFC 5056](https://www.rfc-editor.org/rfc/rfc5056)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelBinding {
    /// `tls-server-end-point`: the hash of the server's certificate
    /// ([RFC 5929 section 4](https://www.rfc-editor.org/rfc/rfc5929#section-4)). It is equal for
    /// all connections to servers with this certificate.
    TlsServerEndPoint,
    /// `tls-unique`: the verify_data of the handshake's first Finished
    /// ([RFC 5929 section 3](https://www.rfc-editor.org/rfc/rfc5929#section-3)).
    ///
    /// **It is not unique without the extended master secret:** an attacker in the middle can
    /// resume a session on two connections and give both the same value. It is therefore available
    /// only with the extended master secret. If the application protocol has a choice,
    /// `tls-exporter` ([RFC 9266](https://www.rfc-editor.org/rfc/rfc9266)) is the better binding:
    /// 32 bytes of keying material with the label `EXPORTER-Channel-Binding` and an empty context,
    /// `Some(&[])`.
    TlsUnique,
}

/// The secrets of an established connection and what they are bound to. The master secret is stored
/// as plain bytes, without its key schedule: it is seldom used, and many connections are open.
#[derive(Debug)]
pub(super) struct Established {
    master_secret: Secret,
    prf: HashAlgorithm,
    randoms: Randoms,
    extended_master_secret: bool,
    /// The verify_data of the first Finished.
    tls_unique: VerifyData,
    /// On a server, the certificate that it presented.
    own_certificate: Option<Arc<CertifiedKey>>,
    /// On a client that may renegotiate, what that takes.
    renegotiable: Option<Box<Renegotiable>>,
}

/// The verify_data of this side's Finished, which was the first or the second of the handshake.
pub(super) enum Own {
    First(VerifyData),
    Second(VerifyData),
}

struct Secret(Zeroizing<[u8; MASTER_SECRET]>);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Established {
    /// Stores the secrets. Only the proof that the peer's Finished was verified makes them.
    pub(super) fn new(
        verified: FinishedVerified,
        own: Own,
        session: &Session,
        randoms: Randoms,
        own_certificate: Option<Arc<CertifiedKey>>,
        encrypt_then_mac: bool,
        renewal: Option<Renewal>,
    ) -> Self {
        let peer = verified.into_verify_data();
        let (own, tls_unique) = match own {
            Own::First(own) => (own.clone(), own),
            Own::Second(own) => (own, peer.clone()),
        };
        Self {
            master_secret: Secret(Zeroizing::new(*session.master_secret.as_bytes())),
            prf: session.suite.prf,
            randoms,
            extended_master_secret: session.extended_master_secret,
            tls_unique,
            own_certificate,
            renegotiable: renewal
                .map(|renewal| Box::new(renewal.after(own, peer, session, encrypt_then_mac))),
        }
    }

    /// Returns what another handshake takes, once; `None` if there must not be one.
    pub(super) fn take_renegotiable(&mut self) -> Option<Box<Renegotiable>> {
        self.renegotiable.take()
    }

    /// Returns true if there may be another handshake.
    pub(super) fn may_renegotiate(&self) -> bool {
        self.renegotiable.is_some()
    }

    /// Refuses to export without the extended master secret: an implementation that goes on without
    /// it "MUST NOT export any key material based on the new master secret for any subsequent
    /// application-level authentication"
    /// ([RFC 7627 section 5.4](https://www.rfc-editor.org/rfc/rfc7627#section-5.4)).
    pub(super) fn require_extended_master_secret(&self) -> Result<(), Misuse> {
        if self.extended_master_secret {
            Ok(())
        } else {
            Err(Misuse::NoExtendedMasterSecret)
        }
    }

    pub(super) fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        if RESERVED_LABELS.contains(&label) {
            return Err(Misuse::ReservedLabel);
        }
        let with_length = |context: &[u8]| u16::try_from(context.len());
        let length = context.map(with_length).transpose();
        let length = length.map_err(|_| Misuse::ContextTooLong)?;
        MasterSecret::from_bytes(self.prf, &self.master_secret.0).export(
            label,
            &self.randoms,
            length.zip(context),
            out,
        );
        Ok(())
    }

    pub(super) fn channel_binding(
        &self,
        binding: ChannelBinding,
        session: &SessionInfo,
    ) -> Result<Vec<u8>, Misuse> {
        match binding {
            ChannelBinding::TlsServerEndPoint => {
                let chain = match &self.own_certificate {
                    Some(certified) => certified.chain(),
                    None => session.peer_certificates(),
                };
                let certificate = chain.first().ok_or(Misuse::NoEndPointHash)?;
                end_point_hash(certificate).ok_or(Misuse::NoEndPointHash)
            }
            ChannelBinding::TlsUnique => {
                self.require_extended_master_secret()?;
                Ok(self.tls_unique.0.to_vec())
            }
        }
    }
}
