//! A key for processors with both kinds of instructions.

use super::pass::{Cbc, Sha1};
use crate::crypto::vector::aes::{RoundKeys, Secret};
use crate::crypto::vector::boundary::AesSha;
use crate::crypto::vector::cpu::Tier;
use core::fmt;

/// A key of AES, for processors that have instructions for AES and SHA-1. Wiped when dropped; prints
/// as `[redacted]`.
#[derive(Clone)]
pub(crate) struct CbcSha1Kernel {
    token: AesSha,
    keys: Box<RoundKeys>,
}

impl CbcSha1Kernel {
    /// Prepares a key of 16 or 32 bytes; `None` for another length, and where this processor or
    /// build has no kernel.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let is_permitted = Tier::permitted().any(|tier| tier == Tier::AesNi);
        Self::of_processor(key).filter(|_| is_permitted)
    }

    /// As [`Self::new`], but whatever the build permits.
    pub(crate) fn of_processor(key: &[u8]) -> Option<Self> {
        let token = AesSha::detect()?;
        let secret = Secret::new(key)?;
        // Where they stay, so that no copy of them is left elsewhere.
        let mut keys = Box::new(RoundKeys::empty());
        token.expand(secret, &mut keys);
        Some(Self { token, keys })
    }

    /// Encrypts units in place and hashes others, as many as there are of both; returns the number.
    pub(crate) fn encrypt_and_hash(&self, cbc: Cbc<'_>, sha1: Sha1<'_>) -> usize {
        let units = cbc.text.len().min(sha1.text.len());
        self.token.encrypt_and_hash(&self.keys, cbc, sha1);
        units
    }
}

impl fmt::Debug for CbcSha1Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::vector::cbc_sha1::pass::Unit;
    use aes_gcm::aes::cipher::consts::U16;
    use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
    use aes_gcm::aes::{Aes128, Aes256};

    /// Units of bytes that do not repeat.
    fn text(units: usize, factor: u32) -> Vec<Unit> {
        let mut state = factor;
        let mut byte = || {
            state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            state.to_be_bytes()[0]
        };
        (0..units).map(|_| core::array::from_fn(|_| byte())).collect()
    }

    fn encrypt_by_the_crate(
        aes: &impl BlockCipherEncrypt<BlockSize = U16>,
        chain: &mut [u8; 16],
        text: &mut [Unit],
    ) {
        for block in text.as_flattened_mut().as_chunks_mut().0 {
            for (byte, before) in block.iter_mut().zip(*chain) {
                *byte ^= before;
            }
            let mut state = Array(*block);
            aes.encrypt_block(&mut state);
            *block = state.0;
            *chain = *block;
        }
    }

    #[test]
    fn both_are_what_the_crates_make() {
        if CbcSha1Kernel::of_processor(&[0; 16]).is_none() {
            println!("not on this processor: AES-CBC with SHA-1");
            return;
        }
        let key = text(1, 9)[0];
        for units in [0, 1, 2, 3, 7, 256] {
            for length in [16, 32] {
                let (plaintext, hashed) = (text(units, 3), text(units, 4));
                let mut chain = [units.to_be_bytes()[7]; 16];
                let mut state = [
                    0x6745_2301,
                    0xefcd_ab89,
                    0x98ba_dcfe,
                    0x1032_5476,
                    0xc3d2_e1f0,
                ];
                let (mut text, mut expected) = (plaintext.clone(), plaintext);
                let (mut expected_chain, mut expected_state) = (chain, state);

                let kernel = CbcSha1Kernel::of_processor(&key[..length]).unwrap();
                let cbc = Cbc {
                    chain: &mut chain,
                    text: &mut text,
                };
                let sha1 = Sha1 {
                    state: &mut state,
                    text: &hashed,
                };
                assert_eq!(kernel.encrypt_and_hash(cbc, sha1), units);

                sha1::block_api::compress(&mut expected_state, &hashed);
                if let Ok(aes) = Aes128::new_from_slice(&key[..length]) {
                    encrypt_by_the_crate(&aes, &mut expected_chain, &mut expected);
                } else {
                    let aes = Aes256::new_from_slice(&key[..length]).unwrap();
                    encrypt_by_the_crate(&aes, &mut expected_chain, &mut expected);
                }
                assert_eq!(
                    (text, chain, state),
                    (expected, expected_chain, expected_state)
                );
            }
        }
    }

    #[test]
    fn a_key_has_16_or_32_bytes() {
        for length in (0..64).filter(|length| ![16, 32].contains(length)) {
            assert!(CbcSha1Kernel::of_processor(&vec![1; length]).is_none());
        }
    }

    #[test]
    fn what_has_no_counterpart_is_left() {
        let Some(kernel) = CbcSha1Kernel::of_processor(&[0; 16]) else {
            return;
        };
        for (encrypted, hashed) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
            let run = |encrypted, hashed| {
                let (mut chain, mut state, mut text) = ([1; 16], [1; 5], text(3, 5));
                let cbc = Cbc {
                    chain: &mut chain,
                    text: &mut text[..encrypted],
                };
                let sha1 = Sha1 {
                    state: &mut state,
                    text: &[[7; 64]; 3][..hashed],
                };
                (kernel.encrypt_and_hash(cbc, sha1), chain, state, text)
            };
            let units = encrypted.min(hashed);
            assert_eq!(run(encrypted, hashed), run(units, units));
            assert_eq!(run(units, units).0, units);
        }
    }
}
