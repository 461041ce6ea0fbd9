//! The requirements and waivers of a verification, as a policy sets them.

use super::chain::{Chain, MAX_CHAIN};
use super::revocation::Crls;
use super::roots::RootStore;
use crate::crypto::hash::{fingerprint, sha256};
use crate::crypto::key_id::KeyId;
use crate::waiver::{Waiver, Waivers};
use core::time::Duration;

/// The settings of a policy.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) roots: RootStore,
    pub(super) revocation: Option<Crls>,
    pub(super) requires_ocsp_response: bool,
    pub(super) pins: Vec<Pin>,
    /// The waivers other than pins.
    pub(super) waived: Waivers,
    /// With `OutsideValidity`: how far the chain's validity may be from now.
    pub(super) tolerance: Duration,
    /// How many certificates a chain may have as received.
    pub(super) max_certificates: u8,
}

impl Settings {
    /// The default settings with these roots.
    pub(super) fn new(roots: RootStore) -> Self {
        Self {
            roots,
            revocation: None,
            requires_ocsp_response: false,
            pins: Vec::new(),
            waived: Waivers::default(),
            tolerance: Duration::ZERO,
            max_certificates: MAX_CHAIN,
        }
    }

    /// Returns true if a pin of certificates matches these bytes.
    pub(super) fn pins_certificate(&self, der: &[u8]) -> bool {
        let mut hashes = self.pins.iter().filter_map(|pin| match pin {
            Pin::Certificate(hash) => Some(*hash),
            Pin::PublicKey(_) => None,
        });
        let Some(first) = hashes.next() else {
            return false;
        };
        let own = sha256(der);
        first == own || hashes.any(|hash| hash == own)
    }

    /// Returns the first pin that matches the leaf of this chain.
    pub(super) fn matching_pin(&self, chain: &Chain<'_>) -> Option<&Pin> {
        if self.pins.is_empty() {
            return None;
        }
        let hash = sha256(chain.leaf_received());
        let key = chain.leaf().certificate().key_id();
        self.pins.iter().find(|pin| match pin {
            Pin::Certificate(pinned) => *pinned == hash,
            Pin::PublicKey(pinned) => key == Some(*pinned),
        })
    }
}

/// A certificate or public key that is known in advance.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pin {
    /// The SHA-256 of a certificate in DER.
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
