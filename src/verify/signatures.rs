//! The signatures that are accepted in a chain, in the form in which `rustls-webpki` takes
//! algorithms.

use super::form::Rewritten;
#[cfg(feature = "ecdsa")]
use crate::crypto::ecdsa::{self, Curve};
#[cfg(feature = "ecdsa")]
use crate::crypto::hash::SignatureHash;
use crate::crypto::rsa::{PublicKey, PublicKeyError, peer_key_bits};
use crate::enums::SignatureScheme;
use crate::waiver::{Waiver, Waivers};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use std::sync::OnceLock;

/// sha1WithRSAEncryption ([RFC 3279 section 2.2.1](https://www.rfc-editor.org/rfc/rfc3279#section-2.2.1)),
/// which `pki-types` does not name.
const RSA_PKCS1_SHA1: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00");

/// The maximum number of signature checks for a chain and its CRLs. The longest path needs 14; the
/// others are for CAs with equal names.
const MAX_SIGNATURES: usize = 48;

/// The maximum number of certificates that a search puts on paths, right or wrong, before it is
/// given up. `rustls-webpki` alone would try 200000, and parse the whole chain for each.
const MAX_STEPS: usize = 128;

/// A signature algorithm, and its identifier in certificates.
#[derive(Clone, Copy, Debug)]
enum Method {
    Rsa(SignatureScheme, AlgorithmIdentifier),
    #[cfg(feature = "ecdsa")]
    Ecdsa(Curve, SignatureHash),
}

/// RSA with SHA-256, SHA-384 and SHA-512, PKCS#1 v1.5 and PSS, and ECDSA. The most frequent come
/// first.
const METHODS: &[Method] = &[
    Method::Rsa(SignatureScheme::RSA_PKCS1_SHA256, alg_id::RSA_PKCS1_SHA256),
    Method::Rsa(SignatureScheme::RSA_PKCS1_SHA384, alg_id::RSA_PKCS1_SHA384),
    Method::Rsa(SignatureScheme::RSA_PKCS1_SHA512, alg_id::RSA_PKCS1_SHA512),
    Method::Rsa(SignatureScheme::RSA_PSS_RSAE_SHA256, alg_id::RSA_PSS_SHA256),
    Method::Rsa(SignatureScheme::RSA_PSS_RSAE_SHA384, alg_id::RSA_PSS_SHA384),
    Method::Rsa(SignatureScheme::RSA_PSS_RSAE_SHA512, alg_id::RSA_PSS_SHA512),
    #[cfg(feature = "ecdsa")]
    Method::Ecdsa(Curve::P256, SignatureHash::Sha256),
    #[cfg(feature = "ecdsa")]
    Method::Ecdsa(Curve::P256, SignatureHash::Sha384),
    #[cfg(feature = "ecdsa")]
    Method::Ecdsa(Curve::P384, SignatureHash::Sha256),
    #[cfg(feature = "ecdsa")]
    Method::Ecdsa(Curve::P384, SignatureHash::Sha384),
];

const SHA1: Method = Method::Rsa(SignatureScheme::RSA_PKCS1_SHA1, RSA_PKCS1_SHA1);

/// The rules for signatures in a chain. They also record the checks: how many there were and what
/// they found, over all searches in the chain under these rules.
#[derive(Debug, Default)]
pub(super) struct SignatureRules<'c> {
    /// True if SHA-1 is accepted.
    sha1: bool,
    /// True if RSA keys from 1024 bits are accepted.
    short_keys: bool,
    /// True if the extendedKeyUsage of the leaf is not checked.
    pub(super) any_purpose_of_leaf: bool,
    /// The certificates that `rustls-webpki` is shown with other contents than were signed.
    rewritten: Vec<&'c Rewritten>,
    sha1_relied_on: AtomicBool,
    short_key_relied_on: AtomicBool,
    /// The number of certificates that were put on a path.
    steps: AtomicUsize,
    /// The number of signatures that were checked.
    checked: AtomicUsize,
    /// The first signature that was refused.
    refused: OnceLock<Refusal>,
}

/// A signature that was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The signed bytes.
    pub(super) signed: Box<[u8]>,
    pub(super) reason: Reason,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Reason {
    Wrong,
    /// The signing RSA key has a length that is not accepted.
    KeySize {
        bits: usize,
    },
}

impl<'c> SignatureRules<'c> {
    /// The default rules, relaxed by these waivers.
    pub(super) fn new(waived: Waivers) -> Self {
        Self {
            sha1: waived.contains(Waiver::Sha1Signature),
            short_keys: waived.contains(Waiver::ShortRsaKey),
            any_purpose_of_leaf: waived.contains(Waiver::ExtendedKeyUsage),
            ..Self::default()
        }
    }

    /// These rules for a search that shows these certificates with other contents than were signed.
    pub(super) fn with_rewritten(self, rewritten: impl IntoIterator<Item = &'c Rewritten>) -> Self {
        Self {
            rewritten: rewritten.into_iter().collect(),
            ..self
        }
    }

    /// The algorithms under these rules.
    pub(super) fn algorithms(&self) -> Vec<RuledAlgorithm<'_>> {
        let algorithm = |method: &Method| RuledAlgorithm {
            method: *method,
            rules: self,
        };
        let sha1 = self.sha1.then_some(&SHA1);
        METHODS.iter().chain(sha1).map(algorithm).collect()
    }

    /// Resets the records.
    pub(super) fn forget(&mut self) {
        self.sha1_relied_on = AtomicBool::default();
        self.short_key_relied_on = AtomicBool::default();
        self.steps = AtomicUsize::default();
        self.checked = AtomicUsize::default();
        self.refused = OnceLock::new();
    }

    /// The waivers that were needed for a signature.
    pub(super) fn relied_on(&self) -> impl Iterator<Item = Waiver> {
        [
            (&self.sha1_relied_on, Waiver::Sha1Signature),
            (&self.short_key_relied_on, Waiver::ShortRsaKey),
        ]
        .into_iter()
        .filter_map(|(relied_on, waiver)| relied_on.load(Ordering::Relaxed).then_some(waiver))
    }

    /// The first signature that was refused.
    pub(super) fn refused(&self) -> Option<&Refusal> {
        self.refused.get()
    }

    /// Counts a certificate that is put on a path. Returns false if the limit is exceeded.
    pub(super) fn step(&self) -> bool {
        self.steps.fetch_add(1, Ordering::Relaxed) < MAX_STEPS
    }

    /// Returns true if there were more signatures than the limit.
    pub(super) fn is_exhausted(&self) -> bool {
        self.checked.load(Ordering::Relaxed) > MAX_SIGNATURES
    }

    /// The bytes over which a signature is checked, if `rustls-webpki` was shown `shown`.
    fn signed<'m>(&'m self, shown: &'m [u8]) -> &'m [u8] {
        let mut behind = self.rewritten.iter();
        match behind.find_map(|rewritten| rewritten.signed_behind(shown)) {
            Some(signed) => signed,
            None => shown,
        }
    }

    fn rsa(
        &self,
        scheme: SignatureScheme,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        let accepted = peer_key_bits(self.short_keys);
        let key = PublicKey::from_pkcs1_der(key, accepted).map_err(|error| match error {
            PublicKeyError::Malformed => Reason::Wrong,
            PublicKeyError::Size { bits } => Reason::KeySize { bits },
        })?;
        if !key.verifies(scheme, message, signature) {
            return Err(Reason::Wrong);
        }
        if scheme == SignatureScheme::RSA_PKCS1_SHA1 {
            self.sha1_relied_on.store(true, Ordering::Relaxed);
        }
        if key.is_short() {
            self.short_key_relied_on.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A signature algorithm under these rules.
#[derive(Debug)]
pub(super) struct RuledAlgorithm<'r> {
    method: Method,
    rules: &'r SignatureRules<'r>,
}

/// The algorithms in the form that `rustls-webpki` takes.
pub(super) fn as_dyn<'r>(
    algorithms: &'r [RuledAlgorithm<'r>],
) -> Vec<&'r dyn SignatureVerificationAlgorithm> {
    let as_dyn =
        |algorithm: &'r RuledAlgorithm<'r>| -> &'r dyn SignatureVerificationAlgorithm { algorithm };
    algorithms.iter().map(as_dyn).collect()
}

impl RuledAlgorithm<'_> {
    fn verify(&self, key: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), Reason> {
        match self.method {
            Method::Rsa(scheme, _) => self.rules.rsa(scheme, key, signed, signature),
            #[cfg(feature = "ecdsa")]
            Method::Ecdsa(curve, hash) => ecdsa::verifies(curve, hash, key, signed, signature)
                .then_some(())
                .ok_or(Reason::Wrong),
        }
    }
}

impl SignatureVerificationAlgorithm for RuledAlgorithm<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if self.rules.checked.fetch_add(1, Ordering::Relaxed) >= MAX_SIGNATURES {
            return Err(InvalidSignature);
        }
        let signed = self.rules.signed(message);
        self.verify(public_key, signed, signature).map_err(|reason| {
            self.rules.refused.get_or_init(|| Refusal {
                signed: signed.into(),
                reason,
            });
            InvalidSignature
        })
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.method {
            Method::Rsa(..) => alg_id::RSA_ENCRYPTION,
            #[cfg(feature = "ecdsa")]
            Method::Ecdsa(Curve::P256, _) => alg_id::ECDSA_P256,
            #[cfg(feature = "ecdsa")]
            Method::Ecdsa(Curve::P384, _) => alg_id::ECDSA_P384,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.method {
            Method::Rsa(_, id) => id,
            #[cfg(feature = "ecdsa")]
            Method::Ecdsa(_, SignatureHash::Sha384) => alg_id::ECDSA_SHA384,
            #[cfg(feature = "ecdsa")]
            Method::Ecdsa(..) => alg_id::ECDSA_SHA256,
        }
    }
}
