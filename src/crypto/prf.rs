//! The pseudorandom function of [RFC 5246 section 5](https://www.rfc-editor.org/rfc/rfc5246#section-5).

use super::hash::HashAlgorithm;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384};
use zeroize::Zeroize;

/// A secret made ready for the PRF: its HMAC key schedule is computed once and used for every
/// label. Wiped when dropped.
#[derive(Clone)]
pub(crate) enum PrfKey {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl PrfKey {
    pub(crate) fn new(hash: HashAlgorithm, secret: &[u8]) -> Self {
        match hash {
            HashAlgorithm::Sha256 => Self::Sha256(keyed(secret)),
            HashAlgorithm::Sha384 => Self::Sha384(keyed(secret)),
        }
    }

    /// Fills `out` with `PRF(secret, label, seed)`, the seed given in pieces.
    pub(crate) fn derive(&self, label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
        match self {
            Self::Sha256(key) => p_hash(key, label, seed, out),
            Self::Sha384(key) => p_hash(key, label, seed, out),
        }
    }
}

impl fmt::Debug for PrfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// HMAC takes a key of any length, so the error of the trait cannot occur; if it did, the key of
/// zeros would fail the handshake at Finished.
fn keyed<M: Mac + KeyInit>(secret: &[u8]) -> M {
    M::new_from_slice(secret).unwrap_or_else(|_| <M as KeyInit>::new(&Default::default()))
}

/// `P_hash(secret, label + seed)`:
/// `HMAC(secret, A(1) + seed) + HMAC(secret, A(2) + seed) + ...` with `A(0) = seed` and
/// `A(i) = HMAC(secret, A(i-1))`.
fn p_hash<M: Mac + Clone>(key: &M, label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let with_seed = |mut mac: M| {
        mac.update(label);
        for piece in seed {
            mac.update(piece);
        }
        mac.finalize().into_bytes()
    };
    let mut a = with_seed(key.clone());
    let mut chunks = out.chunks_mut(<M as hmac::digest::OutputSizeUser>::output_size());
    let mut next = chunks.next();
    while let Some(chunk) = next {
        let mut block = with_seed(key.clone().chain_update(&a));
        for (to, from) in chunk.iter_mut().zip(&block) {
            *to = *from;
        }
        block.zeroize();
        next = chunks.next();
        if next.is_some() {
            a = key.clone().chain_update(&a).finalize().into_bytes();
        }
    }
    a.zeroize();
}
