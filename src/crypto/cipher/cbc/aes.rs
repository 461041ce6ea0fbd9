//! AES in CBC mode ([SP 800-38A section 6.2](https://csrc.nist.gov/pubs/sp/800/38/a/final)), and the
//! IVs of sent records.

use crate::crypto::cipher::contract::CipherError;
use aes_gcm::KeyInit;
use aes_gcm::aes::{Aes128, Aes128Enc, Aes256};
use cbc::cipher::array::Array;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit,
};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroizing;

/// Length of a block, and of an IV.
pub(super) const BLOCK: usize = 16;

/// A key of either length. Wiped when dropped.
#[derive(Clone)]
pub(in crate::crypto::cipher) enum AesKey {
    Aes128(Aes128),
    Aes256(Aes256),
}

impl AesKey {
    pub(in crate::crypto::cipher) fn aes_128(key: &[u8]) -> Result<Self, CipherError> {
        Aes128::new_from_slice(key).map(Self::Aes128).map_err(|_| CipherError)
    }

    pub(in crate::crypto::cipher) fn aes_256(key: &[u8]) -> Result<Self, CipherError> {
        Aes256::new_from_slice(key).map(Self::Aes256).map_err(|_| CipherError)
    }

    /// Encrypts whole blocks in place.
    pub(super) fn encrypt(&self, iv: [u8; BLOCK], text: &mut [u8]) {
        let (blocks, _) = text.as_chunks_mut();
        match self {
            Self::Aes128(key) => encrypt(key, iv, blocks),
            Self::Aes256(key) => encrypt(key, iv, blocks),
        }
    }

    /// Decrypts whole blocks in place.
    pub(super) fn decrypt(&self, iv: [u8; BLOCK], text: &mut [u8]) {
        let (blocks, _) = text.as_chunks_mut();
        match self {
            Self::Aes128(key) => decrypt(key, iv, blocks),
            Self::Aes256(key) => decrypt(key, iv, blocks),
        }
    }
}

fn encrypt<C>(key: &C, iv: [u8; BLOCK], blocks: &mut [[u8; BLOCK]])
where
    C: BlockCipherEncrypt<BlockSize = cbc::cipher::consts::U16>,
{
    Encryptor::inner_iv_init(key, &iv.into())
        .encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
}

fn decrypt<C>(key: &C, iv: [u8; BLOCK], blocks: &mut [[u8; BLOCK]])
where
    C: BlockCipherDecrypt<BlockSize = cbc::cipher::consts::U16>,
{
    Decryptor::inner_iv_init(key, &iv.into())
        .decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
}

/// Makes the IVs of sent records: the sequence number, encrypted with a random key of its own.
///
/// "apply the forward cipher function, under the same key that is used for the encryption of the
/// plaintext, to a nonce. The nonce must be a data block that is unique to each execution of the
/// encryption operation" ([SP 800-38A appendix C](https://csrc.nist.gov/pubs/sp/800/38/a/final)),
/// with a key that encrypts nothing else in place of that one. Nobody without the key can predict
/// an IV, and none repeats. It costs one block of AES for a record, and no randomness.
#[derive(Clone)]
pub(super) struct IvKey(Aes128Enc);

impl IvKey {
    pub(super) fn new(key: &Zeroizing<[u8; 16]>) -> Self {
        Self(Aes128Enc::new((&**key).into()))
    }

    pub(super) fn iv(&self, sequence: u64) -> [u8; BLOCK] {
        let mut block = Array::from(u128::from(sequence).to_be_bytes());
        self.0.encrypt_block(&mut block);
        block.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AES-128 with a key of zeros, as `openssl enc -aes-128-ecb -nopad -K 00..` encrypts them.
    #[test]
    fn an_iv_is_an_encrypted_sequence_number() {
        let key = IvKey::new(&Zeroizing::new([0; 16]));
        assert_eq!([key.iv(0), key.iv(1)], [IV_0, IV_1].map(u128::to_be_bytes));
    }

    const IV_0: u128 = 0x66e94bd4_ef8a2c3b_884cfa59_ca342b2e;
    const IV_1: u128 = 0x58e2fcce_fa7e3061_367f1d57_a4e7455a;
}
