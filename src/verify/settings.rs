//! What a judgement demands and what it waives, as a policy sets it.

use super::certificate::PeerCertificate;
use super::revocation::Crls;
use super::roots::RootStore;
use crate::crypto::hash::{fingerprint, sha256};
use crate::crypto::private_key::KeyId;
use crate::waiver::{Waiver, Waivers};
use core::time::Duration;

/// The settings of a policy.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) roots: RootStore,
    pub(super) revocation: Option<Crls>,
    pub(super) requires_ocsp_response: bool,
    pub(super) pins: Vec<Pin>,
    /// Without the pins.
    pub(super) waived: Waivers,
    /// How far from the validity of a chain the time may be, where that is waived.
    pub(super) tolerance: Duration,
}

impl Settings {
    /// The strict settings with these roots.
    pub(super) fn new(roots: RootStore) -> Self {
        Self {
            roots,
            revocation: None,
            requires_ocsp_response: false,
            pins: Vec::new(),
            waived: Waivers::default(),
            tolerance: Duration::ZERO,
        }
    }

    /// The first pin that stands for this certificate.
    pub(super) fn matching_pin(&self, certificate: &PeerCertificate<'_>) -> Option<&Pin> {
        if self.pins.is_empty() {
            return None;
        }
        let hash = sha256(certificate.der());
        let key = certificate.key_id();
        self.pins.iter().find(|pin| match pin {
            Pin::Certificate(pinned) => *pinned == hash,
            Pin::PublicKey(pinned) => key == Some(*pinned),
        })
    }
}

/// Something that is known of a peer beforehand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pin {
    /// The SHA-256 of its certificate.
    Certificate([u8; 32]),
    PublicKey(KeyId),
}

impl Pin {
    pub(super) fn waiver(&self) -> Waiver {
        match self {
            Self::Certificate(_) => Waiver::PinnedCertificate,
            Self::PublicKey(_) => Waiver::PinnedPublicKey,
        }
    }

    pub(super) fn fingerprint(&self) -> [u8; 32] {
        match self {
            Self::Certificate(hash) => fingerprint([&b"certificate"[..], hash]),
            Self::PublicKey(key) => fingerprint([&b"key"[..], key.as_bytes()]),
        }
    }
}
