//! Every engine that this processor has against the `aes-gcm` crate, and against SP 800-38D.

use super::frame::Text;
use super::ghash::BLOCK;
use super::kernel::GcmKernel;
use super::key::Key;
use crate::crypto::vector::Tier;
use aes_gcm::aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes_gcm::aes::{Aes128, Aes256};
use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm};

const TAG: usize = 16;

/// The bytes of a generator that is the same in each run (xorshift).
struct Bytes(u64);

impl Bytes {
    fn vec(&mut self, length: usize) -> Vec<u8> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.vec(N).try_into().unwrap()
    }
}

/// A key of each size for each engine of this processor.
fn kernels(bytes: &mut Bytes) -> Vec<(Vec<u8>, GcmKernel)> {
    let mut kernels = Vec::new();
    // There is none for `Avx2`.
    for tier in [Tier::Avx512, Tier::Vaes256, Tier::AesNi] {
        let keys = [16, 32].map(|length| bytes.vec(length));
        let made = keys.map(|key| (GcmKernel::for_tier(&key, tier), key));
        if made[0].0.is_none() {
            println!("not on this processor: AES-GCM for {tier:?}");
        }
        kernels.extend(made.into_iter().filter_map(|(kernel, key)| Some((key, kernel?))));
    }
    kernels
}

/// The ciphertext and the tag behind it, as `aes-gcm` makes them.
fn sealed(key: &[u8], nonce: [u8; 12], additional_data: &[u8], text: &[u8]) -> Vec<u8> {
    let (mut sealed, nonce) = (text.to_vec(), nonce.into());
    let buffer = sealed.as_mut_slice().into();
    let tag = match key.len() {
        16 => Aes128Gcm::new_from_slice(key).unwrap().encrypt_inout_detached(
            &nonce,
            additional_data,
            buffer,
        ),
        _ => Aes256Gcm::new_from_slice(key).unwrap().encrypt_inout_detached(
            &nonce,
            additional_data,
            buffer,
        ),
    };
    sealed.extend_from_slice(&tag.unwrap());
    sealed
}

/// Seals behind bytes that are there, and opens at an address that is not aligned.
#[track_caller]
fn check(
    kernel: &GcmKernel,
    expected: &[u8],
    nonce: [u8; 12],
    additional_data: &[u8],
    text: &[u8],
) {
    let at = 1 + text.len() % 7;
    let mut out = vec![0xa5; at];
    let tag = kernel.seal(&nonce, additional_data, text, &mut out).unwrap();
    let (ciphertext, expected_tag) = expected.split_last_chunk::<TAG>().unwrap();
    assert!(out[at..] == *ciphertext && tag == *expected_tag);
    assert!(kernel.open(&nonce, additional_data, &mut out[at..], &tag));
    assert!(out[at..] == *text);
    assert_eq!(out[..at], [0xa5; 8][..at]);
}

#[test]
fn every_length_of_a_text() {
    let mut bytes = Bytes(1);
    let texts = bytes.vec(16 * 1024 + 64);
    for (key, kernel) in kernels(&mut bytes) {
        for length in (0..=2048).chain([4095, 4096, 16 * 1024]) {
            // Of the long ones each length with one key size: without optimisation this is slow.
            if length > 600 && (length % 2 == 0) != (key.len() == 16) {
                continue;
            }
            let text = &texts[length % 61..][..length];
            let (nonce, header) = (bytes.array(), bytes.array::<13>());
            let expected = sealed(&key, nonce, &header, text);
            check(&kernel, &expected, nonce, &header, text);
        }
    }
}

/// What was decrypted before the tag was known is not left to be seen.
#[test]
fn a_forgery_of_any_length_is_left_as_it_was() {
    let mut bytes = Bytes(5);
    for (_, kernel) in kernels(&mut bytes) {
        for length in (0..600).chain([4096]) {
            let (nonce, tag, forged) = (bytes.array(), bytes.array(), bytes.vec(length));
            let mut buffer = forged.clone();
            assert!(!kernel.open(&nonce, &[], &mut buffer, &tag));
            assert!(buffer == forged, "{length}");
        }
    }
}

/// Also with a text on both sides of what goes to the narrow engine.
#[test]
fn every_length_of_additional_data() {
    let mut bytes = Bytes(2);
    for (key, kernel) in kernels(&mut bytes) {
        for length in (0..=64).chain([100, 255, 256, 1000]) {
            for text in [0, 1, 40, 300] {
                let (nonce, data, text) = (bytes.array(), bytes.vec(length), bytes.vec(text));
                let expected = sealed(&key, nonce, &data, &text);
                check(&kernel, &expected, nonce, &data, &text);
            }
        }
    }
}

/// A forgery in the text or in the additional data, wherever it is.
#[test]
fn any_flipped_bit_is_seen_and_nothing_is_decrypted() {
    let mut bytes = Bytes(3);
    for (key, kernel) in kernels(&mut bytes) {
        for length in [5, 64, 277] {
            let (nonce, data, text) = (bytes.array(), bytes.vec(13), bytes.vec(length));
            let expected = sealed(&key, nonce, &data, &text);
            let (ciphertext, tag) = expected.split_last_chunk::<TAG>().unwrap();
            for at in 0..length {
                let mut forged = ciphertext.to_vec();
                forged[at] ^= 1 << (at % 8);
                let before = forged.clone();
                assert!(!kernel.open(&nonce, &data, &mut forged, tag));
                assert!(forged == before, "{at}");
            }
            for at in 0..data.len() {
                let (mut forged, mut buffer) = (data.clone(), ciphertext.to_vec());
                forged[at] ^= 0x80;
                assert!(!kernel.open(&nonce, &forged, &mut buffer, tag));
                assert!(buffer == ciphertext);
            }
            for bit in 0..8 * TAG {
                let (mut forged, mut buffer) = (*tag, ciphertext.to_vec());
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(!kernel.open(&nonce, &data, &mut buffer, &forged));
                assert!(buffer == ciphertext);
            }
        }
    }
}

/// SP 800-38D, bit by bit: algorithm 1, the product of blocks.
fn product(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            z ^= v;
        }
        v = v >> 1 ^ if v & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    z
}

/// SP 800-38D, algorithm 4, with any first counter; no additional data.
fn by_definition(key: &[u8], j0: u128, text: &[u8]) -> Vec<u8> {
    let encrypt = |block: u128| {
        let mut block = block.to_be_bytes().into();
        match key.len() {
            16 => Aes128::new_from_slice(key).unwrap().encrypt_block(&mut block),
            _ => Aes256::new_from_slice(key).unwrap().encrypt_block(&mut block),
        }
        u128::from_be_bytes(block.into())
    };
    let h = encrypt(0);
    let (mut sealed, mut hash, mut counter) = (Vec::new(), 0, j0);
    for part in text.chunks(BLOCK) {
        // inc32: the last 32 bits alone.
        counter = counter >> 32 << 32 | u128::from((counter as u32).wrapping_add(1));
        let mut block = encrypt(counter).to_be_bytes();
        block.iter_mut().zip(part).for_each(|(byte, text)| *byte ^= text);
        block[part.len()..].fill(0);
        sealed.extend_from_slice(&block[..part.len()]);
        hash = product(hash ^ u128::from_be_bytes(block), h);
    }
    hash = product(hash ^ (8 * text.len() as u128), h);
    sealed.extend_from_slice(&(hash ^ encrypt(j0)).to_be_bytes());
    sealed
}

/// At every place in a turn, and in what is left after the last one.
#[test]
fn the_counter_wraps_in_32_bits() {
    let mut bytes = Bytes(4);
    for (key, kernel) in kernels(&mut bytes) {
        let text = bytes.vec(700);
        let prefix = u128::from_be_bytes(bytes.array()) >> 32 << 32;
        for before_the_wrap in [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 43, 44] {
            let j0 = prefix | u128::from(u32::MAX - before_the_wrap);
            let expected = by_definition(&key, j0, &text);
            let mut out = Vec::new();
            let tag = kernel.pass(j0.to_be_bytes(), &[], Text::Seal(&text, &mut out));
            assert!([&out[..], &tag].concat() == expected);
            assert_eq!(
                kernel.pass(j0.to_be_bytes(), &[], Text::Open(&mut out)),
                tag
            );
            assert!(out == text);
        }
    }
}

/// Kernels that are there and never chosen would be of no use.
#[test]
fn a_key_gets_the_widest_engine_that_there_is() {
    let has_aes = is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("avx");
    let has_vaes = has_aes
        && is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("avx2");
    let has_512 = has_vaes
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let tiers = [
        (Tier::Avx512, has_512),
        (Tier::Vaes256, has_vaes),
        (Tier::AesNi, has_aes),
    ];
    for (tier, has) in tiers {
        let kernel = GcmKernel::for_tier(&[1; 16], tier);
        assert_eq!(kernel.map(|kernel| kernel.tier()), has.then_some(tier));
    }
    let permitted = |tier| Tier::permitted().any(|permitted| permitted == tier);
    let expected = tiers.into_iter().find(|(tier, has)| *has && permitted(*tier));
    let chosen = GcmKernel::new(&[1; 16]).map(|kernel| kernel.tier());
    assert_eq!(chosen, expected.map(|(tier, _)| tier));
    println!("AES-GCM runs on {chosen:?}");
}

#[test]
fn a_key_has_16_or_32_bytes() {
    for length in (0..64).filter(|length| ![16, 32].contains(length)) {
        assert!(GcmKernel::new(&vec![1; length]).is_none(), "{length}");
    }
}

#[test]
fn a_key_is_wiped_and_does_not_print() {
    fn wiped_on_drop<T: zeroize::ZeroizeOnDrop>() {}
    wiped_on_drop::<Key>();
    if let Some(kernel) = GcmKernel::new(&[1; 16]) {
        assert_eq!(format!("{kernel:?}"), "[redacted]");
    }
}
