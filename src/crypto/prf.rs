//! The pseudorandom function of [RFC 5246 section 5](https://www.rfc-editor.org/rfc/rfc5246#section-5).

use super::hash::HashAlgorithm;
use core::{fmt, iter};
use hmac::KeyInit;
use hmac::block_api::HmacCore;
use hmac::digest::Output;
use hmac::digest::block_api::{Buffer, FixedOutputCore};
use sha2::{Sha256, Sha384};
use zeroize::Zeroize;

/// A secret made ready for the PRF: its HMAC key schedule is computed once and used for every
/// label. Wiped when dropped.
///
/// Without the buffer that is part of [`hmac::Hmac`], which would be copied and wiped for each HMAC.
#[derive(Clone)]
pub(crate) enum PrfKey {
    Sha256(HmacCore<Sha256>),
    Sha384(HmacCore<Sha384>),
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
fn keyed<C: KeyInit>(secret: &[u8]) -> C {
    C::new_from_slice(secret).unwrap_or_else(|_| <C as KeyInit>::new(&Default::default()))
}

/// `P_hash(secret, label + seed)`:
/// `HMAC(secret, A(1) + seed) + HMAC(secret, A(2) + seed) + ...` with `A(0) = seed` and
/// `A(i) = HMAC(secret, A(i-1))`.
fn p_hash<C: FixedOutputCore + Clone>(key: &C, label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let label_and_seed = || iter::once(label).chain(seed.iter().copied());
    let mut buffer = Buffer::<C>::default();
    let mut a = hmac(key, &mut buffer, label_and_seed());
    let mut chunks = out.chunks_mut(C::output_size());
    let mut next = chunks.next();
    while let Some(chunk) = next {
        let mut block = hmac(key, &mut buffer, iter::once(&*a).chain(label_and_seed()));
        for (to, from) in chunk.iter_mut().zip(&block) {
            *to = *from;
        }
        block.zeroize();
        next = chunks.next();
        if next.is_some() {
            a = hmac(key, &mut buffer, iter::once(&*a));
        }
    }
    a.zeroize();
}

/// `HMAC(secret, message)`, the message given in pieces. `buffer` is empty before and after.
fn hmac<'a, C: FixedOutputCore + Clone>(
    key: &C,
    buffer: &mut Buffer<C>,
    message: impl Iterator<Item = &'a [u8]>,
) -> Output<C> {
    let mut state = key.clone();
    for piece in message {
        buffer.digest_blocks(piece, |blocks| state.update_blocks(blocks));
    }
    let mut code = Output::<C>::default();
    state.finalize_fixed_core(buffer, &mut code);
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::EagerHash;
    use zeroize::ZeroizeOnDrop;

    #[test]
    fn a_key_and_what_is_hashed_with_it_are_wiped() {
        fn wiped_on_drop<T: ZeroizeOnDrop>() {}
        // The two states that `HmacCore` is made of.
        wiped_on_drop::<<Sha256 as EagerHash>::Core>();
        wiped_on_drop::<<Sha384 as EagerHash>::Core>();
        wiped_on_drop::<Buffer<HmacCore<Sha256>>>();
        wiped_on_drop::<Buffer<HmacCore<Sha384>>>();
    }
}
