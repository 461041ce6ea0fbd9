//! AES-GCM as [RFC 5288](https://www.rfc-editor.org/rfc/rfc5288) uses it: a fixed salt and an
//! eight-byte explicit nonce. Data is encrypted on its way into the output, decrypted where it lies.

use super::suite::{BulkCipher, Suite};
use super::write_keys::WriteKeys;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aes::{Aes128Enc, Aes256Enc};
use aes_gcm::{AeadInOut, AesGcm, KeyInit};
use core::fmt;

/// Length of the nonce's part that travels in the record.
pub(crate) const EXPLICIT_NONCE: usize = 8;

/// Length of the authentication tag.
pub(crate) const TAG: usize = 16;

/// Length of the nonce's part that comes from the key block.
const SALT: usize = 4;

/// Sealing or opening failed; nothing more is known, and nothing more is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AeadError;

/// One direction's key and salt. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct AeadKey {
    cipher: Cipher,
    salt: [u8; SALT],
}

/// GCM decrypts with the forward direction of AES too, so the keys of the other one are left out.
type Aes128Gcm = AesGcm<Aes128Enc, U12>;
type Aes256Gcm = AesGcm<Aes256Enc, U12>;

#[derive(Clone)]
enum Cipher {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
}

impl AeadKey {
    /// Takes one side's part of the key block; `None` if it was not cut for this suite.
    pub(crate) fn new(suite: &Suite, keys: WriteKeys<'_>) -> Option<Self> {
        if !keys.mac_key.is_empty() {
            return None;
        }
        let cipher = match suite.bulk {
            BulkCipher::Aes128Gcm => {
                Cipher::Aes128Gcm(Box::new(Aes128Gcm::new_from_slice(keys.key).ok()?))
            }
            BulkCipher::Aes256Gcm => {
                Cipher::Aes256Gcm(Box::new(Aes256Gcm::new_from_slice(keys.key).ok()?))
            }
        };
        let salt = keys.iv.try_into().ok()?;
        Some(Self { cipher, salt })
    }

    /// Encrypts `plaintext` into `out`, which is as long, and returns the tag.
    pub(crate) fn seal(
        &self,
        explicit_nonce: [u8; EXPLICIT_NONCE],
        additional_data: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<[u8; TAG], AeadError> {
        let nonce = self.nonce(explicit_nonce).into();
        let buffer = InOutBuf::new(plaintext, out).map_err(|_| AeadError)?;
        match &self.cipher {
            Cipher::Aes128Gcm(key) => key.encrypt_inout_detached(&nonce, additional_data, buffer),
            Cipher::Aes256Gcm(key) => key.encrypt_inout_detached(&nonce, additional_data, buffer),
        }
        .map(Into::into)
        .map_err(|_| AeadError)
    }

    /// Checks `tag` and decrypts `buffer` in place; leaves it as it was if the tag is wrong.
    pub(crate) fn open(
        &self,
        explicit_nonce: [u8; EXPLICIT_NONCE],
        additional_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; TAG],
    ) -> Result<(), AeadError> {
        let nonce = self.nonce(explicit_nonce).into();
        let (buffer, tag) = (buffer.into(), tag.into());
        match &self.cipher {
            Cipher::Aes128Gcm(key) => {
                key.decrypt_inout_detached(&nonce, additional_data, buffer, &tag)
            }
            Cipher::Aes256Gcm(key) => {
                key.decrypt_inout_detached(&nonce, additional_data, buffer, &tag)
            }
        }
        .map_err(|_| AeadError)
    }

    /// `struct { opaque salt[4]; opaque nonce_explicit[8]; } GCMNonce`.
    fn nonce(&self, explicit: [u8; EXPLICIT_NONCE]) -> [u8; SALT + EXPLICIT_NONCE] {
        let mut nonce = [0; SALT + EXPLICIT_NONCE];
        let (salt, rest) = nonce.split_at_mut(SALT);
        salt.copy_from_slice(&self.salt);
        rest.copy_from_slice(&explicit);
        nonce
    }
}

impl Drop for AeadKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.salt);
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
