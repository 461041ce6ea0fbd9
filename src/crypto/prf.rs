//! The pseudorandom function of [RFC 5246 section 5](https://www.rfc-editor.org/rfc/rfc5246#section-5).

use super::hash::HashAlgorithm;
use core::{fmt, iter};
use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, FixedOutputCore};
use hmac::digest::common::Key;
use hmac::digest::{Digest, Output};
use hmac::{EagerHash, KeyInit};
use sha2::{Sha256, Sha384};
use zeroize::Zeroize;

/// A secret prepared for the PRF: its HMAC key schedule is computed once and used for every label.
/// Wiped when dropped.
///
/// It omits the buffer of [`hmac::Hmac`], which would be copied and wiped for each HMAC.
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

/// The key schedule of HMAC for a secret of any length, padded to a block of the hash: "Applications
/// that use keys longer than B bytes will first hash the key using H and then use the resultant L
/// byte string as the actual key to HMAC"
/// ([RFC 2104 section 2](https://www.rfc-editor.org/rfc/rfc2104#section-2)).
fn keyed<D: EagerHash + Digest>(secret: &[u8]) -> HmacCore<D> {
    let mut block = Key::<HmacCore<D>>::default();
    if secret.len() <= block.len() {
        fill_front(&mut block, secret);
    } else {
        let mut hash = D::digest(secret);
        fill_front(&mut block, &hash);
        hash.zeroize();
    }
    let key = HmacCore::new(&block);
    block.zeroize();
    key
}

fn fill_front(block: &mut [u8], bytes: &[u8]) {
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
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
    use hmac::{Hmac, Mac};
    use zeroize::ZeroizeOnDrop;

    /// Up to a block, and beyond it.
    #[test]
    fn a_secret_of_any_length_is_keyed_as_hmac_says() {
        fn check<D: EagerHash + Digest>(lengths: &[usize]) -> bool
        where
            Hmac<D>: Mac + KeyInit,
        {
            lengths.iter().all(|length| {
                let secret: Vec<u8> = (0..=u8::MAX).cycle().take(*length).collect();
                let mut buffer = Buffer::<HmacCore<D>>::default();
                let pieces = [&b"message"[..]].into_iter();
                let own = hmac(&keyed::<D>(&secret), &mut buffer, pieces);
                let theirs = <Hmac<D> as KeyInit>::new_from_slice(&secret).unwrap();
                theirs.chain_update(b"message").finalize().as_bytes()[..] == own[..]
            })
        }
        assert!(check::<Sha256>(&[0, 1, 32, 48, 63, 64, 65, 300]));
        assert!(check::<Sha384>(&[0, 1, 48, 127, 128, 129, 300]));
    }

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
