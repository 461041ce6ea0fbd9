//! The signatures that are accepted in a chain, its CRLs and its OCSP response: the algorithms in
//! the form in which `rustls-webpki` takes them, and a budget for all of them.

mod method;
mod work;

pub(super) use method::is_same_algorithm;
pub(super) use work::Work;

use super::der::{BIT_STRING, Reader, SEQUENCE};
use super::form::Rewritten;
use crate::crypto::hash::fingerprint;
use crate::crypto::rsa::{PublicKey, peer_key_bits};
use crate::waiver::{Waiver, Waivers};
use core::sync::atomic::{AtomicBool, Ordering};
use method::{Method, RsaNumbers};
use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use work::Exhausted;

/// The number of keys under which a signature is remembered as right, and as wrong.
const MAX_KNOWN_KEYS: usize = 8;

/// The rules for signatures in a chain. They also record what the checks under these rules found.
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
    /// RSA keys that are parsed already, with their encodings.
    parsed: Vec<(&'c [u8], &'c PublicKey)>,
    work: Arc<Work>,
    sha1_relied_on: AtomicBool,
    short_key_relied_on: AtomicBool,
    /// The first signature of a certificate that was refused.
    refused: OnceLock<Refusal>,
}

/// A signature that was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The signed bytes.
    pub(super) signed: Box<[u8]>,
    pub(super) reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Wrong,
    /// The algorithm is not accepted, or does not match the key.
    Unsupported,
    /// The signing RSA key has a length that is not accepted.
    KeySize {
        bits: usize,
    },
    /// The budget is exceeded.
    TooMuchWork,
}

impl From<Exhausted> for Reason {
    fn from(_: Exhausted) -> Self {
        Self::TooMuchWork
    }
}

/// A signature of a CRL or an OCSP response, whose content is hashed when it is read.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// The content of the AlgorithmIdentifier.
    algorithm: Box<[u8]>,
    /// The hash of the signed content; `None` if the algorithm is not known.
    hash: Option<Box<[u8]>>,
    signature: Box<[u8]>,
}

impl Signature {
    /// The signature with this algorithm, the content of an AlgorithmIdentifier, over these bytes.
    pub(super) fn over(signed: &[u8], algorithm: &[u8], signature: &[u8]) -> Self {
        let method = Method::all(true).find(|method| method.is_named(algorithm));
        Self {
            algorithm: algorithm.into(),
            hash: method.map(|method| method.hash().of(&[signed]).into()),
            signature: signature.into(),
        }
    }
}

/// A public key: the contents of a SubjectPublicKeyInfo.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignerKey<'k> {
    /// The content of its AlgorithmIdentifier.
    algorithm: &'k [u8],
    key: &'k [u8],
}

impl<'k> SignerKey<'k> {
    /// The key of this SubjectPublicKeyInfo in DER; `None` if it is not one.
    pub(super) fn read(key_info: &'k [u8]) -> Option<Self> {
        let mut whole = Reader::new(key_info);
        let mut parts = whole.next()?.ok()?.content_of(SEQUENCE)?;
        let (algorithm, key) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let (SEQUENCE, BIT_STRING) = (algorithm.tag, key.tag) else {
            return None;
        };
        Some(Self {
            algorithm: algorithm.content,
            key: key.content.strip_prefix(&[0])?,
        })
    }

    /// The subjectPublicKey.
    #[cfg(feature = "ocsp")]
    pub(super) fn key(&self) -> &'k [u8] {
        self.key
    }
}

/// The keys under which a signature was checked, remembered over all connections. The right and the
/// wrong ones are kept apart, so that wrong ones leave room for the right.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    right: Vec<[u8; 32]>,
    wrong: Vec<[u8; 32]>,
}

impl KnownKeys {
    /// Returns whether the signature is right under this key, if that is known.
    fn get(&self, key: &[u8; 32]) -> Option<bool> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.right.contains(key) {
            return Some(true);
        }
        known.wrong.contains(key).then_some(false)
    }

    /// Remembers a key, unless there are as many as are kept.
    fn add(&self, key: [u8; 32], is_right: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = if is_right {
            &mut known.right
        } else {
            &mut known.wrong
        };
        if keys.len() < MAX_KNOWN_KEYS && !keys.contains(&key) {
            keys.push(key);
        }
    }
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

    /// These rules for a search with these RSA keys, each beside its encoding in a subjectPublicKey.
    pub(super) fn with_parsed(
        self,
        keys: impl IntoIterator<Item = (&'c [u8], &'c PublicKey)>,
    ) -> Self {
        Self {
            parsed: keys.into_iter().collect(),
            ..self
        }
    }

    /// These rules for a search whose work is part of this.
    pub(super) fn sharing(self, work: &Arc<Work>) -> Self {
        Self {
            work: work.clone(),
            ..self
        }
    }

    /// The same rules, with records of their own, for a search that shows this certificate.
    #[cfg(feature = "ocsp")]
    pub(super) fn beside<'r>(&self, rewritten: Option<&'r Rewritten>) -> SignatureRules<'r> {
        SignatureRules {
            sha1: self.sha1,
            short_keys: self.short_keys,
            rewritten: rewritten.into_iter().collect(),
            work: self.work.clone(),
            ..SignatureRules::default()
        }
    }

    /// Records the waivers that were needed under other rules.
    #[cfg(feature = "ocsp")]
    pub(super) fn rely_on_all_of(&self, other: &SignatureRules<'_>) {
        let flags = [
            (&self.sha1_relied_on, &other.sha1_relied_on),
            (&self.short_key_relied_on, &other.short_key_relied_on),
        ];
        for (own, other) in flags {
            own.fetch_or(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// The algorithms under these rules.
    pub(super) fn algorithms(&self) -> Vec<RuledAlgorithm<'_>> {
        let algorithm = |method| RuledAlgorithm {
            method,
            rules: self,
        };
        Method::all(self.sha1).map(algorithm).collect()
    }

    /// Resets the records, but not the work.
    pub(super) fn forget(&mut self) {
        self.sha1_relied_on = AtomicBool::default();
        self.short_key_relied_on = AtomicBool::default();
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

    /// The first signature of a certificate that was refused.
    pub(super) fn refused(&self) -> Option<&Refusal> {
        self.refused.get()
    }

    /// Charges for a certificate that is put on a path. Returns false if the budget is exceeded.
    pub(super) fn step(&self) -> bool {
        self.work.charge_step().is_ok()
    }

    /// Returns true if the budget is exceeded.
    pub(super) fn is_exhausted(&self) -> bool {
        self.work.is_exhausted()
    }

    /// Checks the signature of a CRL or an OCSP response. Under a `known` key it costs nothing.
    pub(super) fn verify(
        &self,
        signature: &Signature,
        key: SignerKey<'_>,
        known: Option<&KnownKeys>,
    ) -> Result<(), Reason> {
        let fits = |method: &Method| {
            method.is_named(&signature.algorithm) && *method.key_id() == *key.algorithm
        };
        let method = Method::all(self.sha1).find(fits).ok_or(Reason::Unsupported)?;
        let hash = signature.hash.as_deref().ok_or(Reason::Unsupported)?;
        let short = self.key_is_short(method, key.key)?;
        let id = fingerprint([key.algorithm, key.key]);
        let checked = match known.and_then(|known| known.get(&id)) {
            Some(true) => Ok(()),
            Some(false) => Err(Reason::Wrong),
            None => self.compute(method, key.key, hash, &signature.signature),
        };
        if let (Some(known), Ok(()) | Err(Reason::Wrong)) = (known, checked) {
            known.add(id, checked.is_ok());
        }
        checked?;
        self.record(method, short);
        Ok(())
    }

    /// The bytes over which a signature is checked, if `rustls-webpki` was shown `shown`.
    fn signed<'m>(&'m self, shown: &'m [u8]) -> &'m [u8] {
        let mut behind = self.rewritten.iter();
        match behind.find_map(|rewritten| rewritten.signed_behind(shown)) {
            Some(signed) => signed,
            None => shown,
        }
    }

    /// Checks the signature of a certificate.
    fn verify_certificate(
        &self,
        method: Method,
        key: &[u8],
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        self.work.charge_bytes(signed.len())?;
        let short = self.key_is_short(method, key)?;
        let hash = method.hash().of(&[signed]);
        self.compute(method, key, &hash, signature)?;
        self.record(method, short);
        Ok(())
    }

    /// Returns true if a key is accepted only by the waiver for short keys.
    fn key_is_short(&self, method: Method, key: &[u8]) -> Result<bool, Reason> {
        match method {
            Method::Rsa(..) => {
                let RsaNumbers { bits, .. } = RsaNumbers::read(key).ok_or(Reason::Wrong)?;
                if !peer_key_bits(self.short_keys).contains(&bits) {
                    return Err(Reason::KeySize { bits });
                }
                Ok(!peer_key_bits(false).contains(&bits))
            }
            #[cfg(feature = "ecdsa")]
            Method::Ecdsa(..) => Ok(false),
        }
    }

    /// Computes whether a signature is right, unless that was computed before.
    fn compute(
        &self,
        method: Method,
        key: &[u8],
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        let algorithms = [method.signature_id(), method.key_id()];
        let [signature_id, key_id] = &algorithms;
        let question = fingerprint([signature_id, key_id, key, hash, signature]);
        let mut parsed = self.parsed.iter();
        let parsed = parsed.find_map(|(encoding, parsed)| (*encoding == key).then_some(*parsed));
        let compute = || method.verifies(key, parsed, hash, signature);
        let is_right = self.work.once(question, method.cost(key), compute)?;
        is_right.then_some(()).ok_or(Reason::Wrong)
    }

    /// Records the waivers that a right signature needed.
    fn record(&self, method: Method, short_key: bool) {
        if method.is_sha1() {
            self.sha1_relied_on.store(true, Ordering::Relaxed);
        }
        if short_key {
            self.short_key_relied_on.store(true, Ordering::Relaxed);
        }
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

impl SignatureVerificationAlgorithm for RuledAlgorithm<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let signed = self.rules.signed(message);
        let checked = self.rules.verify_certificate(self.method, public_key, signed, signature);
        checked.map_err(|reason| {
            self.rules.refused.get_or_init(|| Refusal {
                signed: signed.into(),
                reason,
            });
            InvalidSignature
        })
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.method.key_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.method.signature_id()
    }
}
