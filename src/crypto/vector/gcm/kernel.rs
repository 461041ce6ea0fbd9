//! A key with the engine that this processor has for it.

use super::frame::{Message, Text};
use super::ghash::BLOCK;
use super::key::Key;
use crate::crypto::vector::aes::Secret;
use crate::crypto::vector::boundary::{AesNi, Vaes256, Vaes512};
use crate::crypto::vector::cpu::Tier;
use core::fmt;
use subtle::ConstantTimeEq;

/// Length of a nonce.
const NONCE: usize = 12;

/// The longest text: one of more blocks would come back to the first counter.
const LONGEST_TEXT: u64 = (1 << 36) - 32;

/// Texts up to this length are faster in 256 bits where there are 512: there is little to share out
/// over wide registers, and the narrow ones are ready sooner.
const SHORT: usize = 256;

/// The engines, the widest first.
#[derive(Clone, Copy)]
enum Engine {
    /// The second is for short texts.
    Vaes512(Vaes512, Vaes256),
    Vaes256(Vaes256),
    AesNi(AesNi),
}

impl Engine {
    fn of_tier(tier: Tier) -> Option<Self> {
        match tier {
            Tier::Avx512 => Some(Self::Vaes512(Vaes512::detect()?, Vaes256::detect()?)),
            Tier::Vaes256 => Vaes256::detect().map(Self::Vaes256),
            Tier::Avx2 => None,
            Tier::AesNi => AesNi::detect().map(Self::AesNi),
        }
    }
}

/// A key for AES-GCM with the widest engine of this processor. Wiped when dropped; prints as
/// `[redacted]`.
#[derive(Clone)]
pub(crate) struct GcmKernel {
    engine: Engine,
    key: Box<Key>,
}

impl GcmKernel {
    /// Prepares a key of 16 or 32 bytes; `None` for another length, and where this processor or
    /// build has no engine.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        Tier::permitted().find_map(|tier| Self::for_tier(key, tier))
    }

    /// Prepares a key of 16 or 32 bytes for the engine of one tier; `None` where there is none, or
    /// this processor has not got it.
    pub(crate) fn for_tier(key: &[u8], tier: Tier) -> Option<Self> {
        let engine = Engine::of_tier(tier)?;
        let secret = Secret::new(key)?;
        // Where it stays, so that no copy of it is left elsewhere.
        let mut key = Box::new(Key::empty());
        AesNi::detect()?.prepare(secret, &mut key);
        Some(Self { engine, key })
    }

    /// The tier of the engine.
    #[cfg(test)]
    pub(crate) fn tier(&self) -> Tier {
        match self.engine {
            Engine::Vaes512(..) => Tier::Avx512,
            Engine::Vaes256(_) => Tier::Vaes256,
            Engine::AesNi(_) => Tier::AesNi,
        }
    }

    /// Encrypts `plaintext`, appends it to `out` and returns the tag. `None`, and nothing appended,
    /// if the text is longer than GCM allows.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE],
        additional_data: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<[u8; BLOCK]> {
        if !is_possible(plaintext.len()) {
            return None;
        }
        out.reserve(plaintext.len() + BLOCK);
        Some(self.pass(j0(nonce), additional_data, Text::Seal(plaintext, out)))
    }

    /// Checks the tag and decrypts `text` in place. Returns false if the tag is wrong, and leaves
    /// the text as it was.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE],
        additional_data: &[u8],
        text: &mut [u8],
        tag: &[u8; BLOCK],
    ) -> bool {
        if !is_possible(text.len()) {
            return false;
        }
        let j0 = j0(nonce);
        let computed = self.pass(j0, additional_data, Text::Open(text));
        let is_right = is_equal(&computed, tag);
        if !is_right {
            // Counter mode undoes itself: the same key stream makes the ciphertext again, before
            // anybody can see the text. Only forgeries pay for it.
            self.pass(j0, additional_data, Text::Open(text));
        }
        is_right
    }

    /// Seals or opens a text whose counters come after `j0`, and returns the tag that belongs to it.
    pub(super) fn pass(
        &self,
        j0: [u8; BLOCK],
        additional_data: &[u8],
        text: Text<'_>,
    ) -> [u8; BLOCK] {
        let message = Message {
            j0,
            additional_data,
        };
        match self.engine {
            Engine::Vaes512(_, engine) if text.len() <= SHORT => {
                engine.pass(&self.key, &message, text)
            }
            Engine::Vaes512(engine, _) => engine.pass(&self.key, &message, text),
            Engine::Vaes256(engine) => engine.pass(&self.key, &message, text),
            Engine::AesNi(engine) => engine.pass(&self.key, &message, text),
        }
    }
}

impl fmt::Debug for GcmKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whether GCM has a text of this length.
fn is_possible(length: usize) -> bool {
    length as u64 <= LONGEST_TEXT
}

/// The block before the first counter: the nonce and a counter of 1.
fn j0(nonce: &[u8; NONCE]) -> [u8; BLOCK] {
    let mut j0 = [0; BLOCK];
    j0[..NONCE].copy_from_slice(nonce);
    j0[BLOCK - 1] = 1;
    j0
}

/// Compares tags in constant time.
fn is_equal(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> bool {
    let difference = u128::from_ne_bytes(*a) ^ u128::from_ne_bytes(*b);
    let folded = (difference >> 64) as u64 | difference as u64;
    folded.ct_eq(&0).into()
}
