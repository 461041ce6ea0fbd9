//! What the target for RSA decrypts: a batch of ciphertexts of one key.

use premaster::RsaKey;
use premaster::private_key::{PrivateKey, key_rng};
use premaster_testing::data;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey as RsaPrivateKey};
use std::sync::LazyLock;

/// Most inputs choose a key of 2048 bits, which is the fastest.
const NAMES: [&str; 4] = ["rsa-2048", "rsa-2048-client", "rsa-3072", "rsa-4096"];

static KEYS: LazyLock<Vec<(RsaKey, RsaPrivateKey)>> = LazyLock::new(|| {
    let read = |name: &str| {
        let pem = std::fs::read_to_string(data(&format!("{name}.key"))).unwrap();
        let key = RsaKey::from_pem(pem.as_bytes()).unwrap();
        (key, RsaPrivateKey::from_pkcs8_pem(&pem).unwrap())
    };
    NAMES.into_iter().map(read).collect()
});

/// Decrypts a batch with [`RsaKey`] and each of its ciphertexts with the `rsa` crate. The first byte
/// chooses the key, and each one after it begins a ciphertext: its form, then eight bytes to repeat.
/// The key checks each result by its public engine, and leaves zero where that differs.
pub fn decrypt_batch(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    let (own, theirs) = &KEYS[usize::from(choice % 16).saturating_sub(12)];
    let numbers: Vec<_> = rest.chunks_exact(9).take(9).map(|one| number(theirs, one)).collect();
    let length = own.modulus_length();
    let bytes = |number: &BoxedUint| number.to_be_bytes()[..length].to_vec();
    let ciphertexts: Vec<u8> = numbers.iter().flat_map(bytes).collect();
    let mut integers = vec![0; ciphertexts.len()];
    let mut rng = key_rng(ChaCha12Rng::seed_from_u64(1));
    own.decrypt(&ciphertexts, &mut integers, &mut rng).unwrap();
    for (number, integer) in numbers.iter().zip(integers.chunks_exact(length)) {
        let rng = None::<&mut ChaCha12Rng>;
        let expected = rsa::hazmat::rsa_decrypt(rng, theirs, number).unwrap();
        assert_eq!(integer, bytes(&expected));
    }
}

/// A number below the modulus, in one of the forms at which carries and reductions have their edges.
fn number(key: &RsaPrivateKey, form: &[u8]) -> BoxedUint {
    let width = key.n().bits_precision();
    let n = key.n().as_ref();
    let one = BoxedUint::one_with_precision(width);
    let pattern: Vec<u8> = form[1..].iter().copied().cycle().take(n.to_be_bytes().len()).collect();
    let pattern = BoxedUint::from_be_slice(&pattern, width).unwrap();
    let prime = |at: usize| BoxedUint::from_be_slice_vartime(&key.primes()[at].to_be_bytes());
    let number = match form[0] % 8 {
        0 => BoxedUint::zero_with_precision(width),
        1 => one,
        2 => n.wrapping_sub(&one),
        3 => return multiple(&prime(0), form[1], width),
        4 => return multiple(&prime(1), form[1], width),
        5 => BoxedUint::max(width).wrapping_shr(u32::from(form[1]) + 1),
        _ => pattern,
    };
    number.rem(key.n())
}

/// `prime * (factor + 1)`, which is below the modulus.
fn multiple(prime: &BoxedUint, factor: u8, width: u32) -> BoxedUint {
    let bytes = prime.to_be_bytes();
    let prime = BoxedUint::from_be_slice(&bytes, width).unwrap();
    prime.wrapping_mul(BoxedUint::from(u64::from(factor) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_agrees_in_every_size_of_a_batch() {
        for count in 1..=9 {
            let batch: Vec<u8> =
                (0..count).flat_map(|form| [form, 255, form, 0, 255, 7, 1, 0, 9]).collect();
            decrypt_batch(&[&[0][..], &batch].concat());
        }
        for key in [13, 14, 15] {
            decrypt_batch(&[&[key][..], &[5, 255, 255, 0, 0, 0, 0, 0, 0]].concat());
        }
    }
}
