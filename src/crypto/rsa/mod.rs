//! RSA: both halves of the key transport, and the signatures of certificates and CertificateVerify.
//!
//! The arithmetic is that of the `rsa` crate and of `crypto-bigint` below it, or of an engine in
//! vector instructions; a key chooses when it is made. Every private operation is blinded, and its
//! result is checked for CRT faults. The crate's unpadding is never used, because the length of its
//! output varies.

mod arithmetic;
mod blinding;
mod emsa;
mod engine;
mod load;
mod operation;
mod private;
mod private_engine;
mod private_key;
mod public;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
mod vector;

pub(crate) use emsa::signature_hash;
pub(crate) use operation::{Decryption, decrypt_together};
pub use private::RsaKey;
pub(crate) use public::{PublicKey, PublicKeyError};

use core::ops::RangeInclusive;
use crypto_bigint::BoxedUint;
use zeroize::Zeroizing;

/// The key lengths in bits that are accepted of a peer, and of this side's own keys.
pub(crate) const KEY_BITS: RangeInclusive<usize> = 2048..=8192;

/// The key lengths of a peer that are accepted under the waiver for short keys.
const KEY_BITS_FROM_1024: RangeInclusive<usize> = 1024..=8192;

/// Returns the key lengths of a peer that are accepted, with short keys or without.
pub(crate) fn peer_key_bits(short: bool) -> &'static RangeInclusive<usize> {
    if short {
        &KEY_BITS_FROM_1024
    } else {
        &KEY_BITS
    }
}

/// An integer below the modulus as big-endian bytes, exactly as many as the modulus has, with
/// nothing trimmed: the storage's width is public, the integer's is not.
fn fixed_width(integer: &BoxedUint, length: usize) -> Zeroizing<Vec<u8>> {
    let storage = Zeroizing::new(integer.to_be_bytes());
    let mut bytes = Zeroizing::new(vec![0; length]);
    for (to, from) in bytes.iter_mut().rev().zip(storage.iter().rev()) {
        *to = *from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_the_width_of_the_modulus() {
        let integer = BoxedUint::from_be_slice(&[5], 2112).unwrap();
        let bytes = fixed_width(&integer, 257);
        assert_eq!((bytes.len(), bytes.last()), (257, Some(&5)));
        // Wider than the storage too.
        let bytes = fixed_width(&integer, 300);
        assert_eq!(*bytes, [&[0; 299][..], &[5]].concat());
    }
}
