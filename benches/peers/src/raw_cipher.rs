//! The cipher alone: the `aes-gcm` crate in place, with a record's nonce and additional data.

use crate::common::Cipher;
use crate::contender::{Batch, Contender, Taken};
use crate::support::Side;
use crate::support::records::{TAG, nonce_and_additional_data, records};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};

/// Texts that are sealed and opened again where they lie.
pub struct RawCipher<A> {
    cipher: A,
    batch: Batch,
    /// Each record's text with its tag behind it.
    texts: Vec<u8>,
    /// The number of the first record, which is its nonce.
    first: u64,
}

/// The cipher of a suite, if it is an AEAD.
pub fn raw_cipher(cipher: Cipher, batch: Batch) -> Option<Box<dyn Contender>> {
    match cipher {
        Cipher::Aes128Sha256 => Some(Box::new(RawCipher::<Aes128Gcm>::new(&[3; 16], batch))),
        Cipher::Aes256Sha384 => Some(Box::new(RawCipher::<Aes256Gcm>::new(&[3; 32], batch))),
        Cipher::Aes128Cbc | Cipher::Aes128CbcEtm => None,
    }
}

impl<A> RawCipher<A>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit,
{
    fn new(key: &[u8], batch: Batch) -> Self {
        Self {
            cipher: A::new_from_slice(key).unwrap(),
            batch,
            texts: vec![0x5a; batch.records * (batch.length + TAG)],
            first: 0,
        }
    }

    fn seal(&mut self) {
        for (number, text, tag) in records(&mut self.texts, self.batch.length, self.first) {
            let (nonce, additional_data) = nonce_and_additional_data(number);
            *tag = self
                .cipher
                .encrypt_inout_detached(&nonce.into(), &additional_data, text.into())
                .unwrap()
                .into();
        }
    }

    fn open(&mut self) {
        for (number, text, tag) in records(&mut self.texts, self.batch.length, self.first) {
            let (nonce, additional_data) = nonce_and_additional_data(number);
            let tag = (*tag).into();
            self.cipher
                .decrypt_inout_detached(&nonce.into(), &additional_data, text.into(), &tag)
                .unwrap();
        }
    }
}

impl<A> Contender for RawCipher<A>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit,
{
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        taken.by(Side::Client, || self.seal());
        taken.by(Side::Server, || self.open());
        self.first += self.batch.records as u64;
        taken
    }
}
