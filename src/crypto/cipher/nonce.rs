//! What AES-GCM and AES-CCM have in common in TLS 1.2: a nonce of a fixed salt and eight bytes that
//! travel in the record ([RFC 5288 section 3](https://www.rfc-editor.org/rfc/rfc5288#section-3),
//! [RFC 6655 section 3](https://www.rfc-editor.org/rfc/rfc6655#section-3)).
//!
//! A fragment is `explicit nonce | ciphertext | tag`. The explicit nonce that is sent is the
//! sequence number, so it never repeats; the one that is received may be anything.

use super::contract::{CipherError, WriteKeys};
use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Tag};

/// Length of the nonce's part that travels in the record.
pub(super) const EXPLICIT_NONCE: usize = 8;

/// Length of the nonce's part that comes from the key block.
const SALT: usize = 4;

pub(super) const NONCE: usize = SALT + EXPLICIT_NONCE;

/// The part of the nonce that comes from the key block. Wiped when dropped.
#[derive(Clone)]
pub(super) struct Salt([u8; SALT]);

impl Salt {
    /// Takes the IV of an AEAD suite's part of the key block, which has no MAC key.
    pub(super) fn new(keys: WriteKeys<'_>) -> Result<Self, CipherError> {
        if !keys.mac_key.is_empty() {
            return Err(CipherError);
        }
        keys.iv.try_into().map(Self).map_err(|_| CipherError)
    }

    /// `struct { opaque salt[4]; opaque nonce_explicit[8]; }`, the CCMNonce and the GCMNonce.
    pub(super) fn nonce(&self, explicit: [u8; EXPLICIT_NONCE]) -> [u8; NONCE] {
        let [s0, s1, s2, s3] = self.0;
        let [e0, e1, e2, e3, e4, e5, e6, e7] = explicit;
        [s0, s1, s2, s3, e0, e1, e2, e3, e4, e5, e6, e7]
    }
}

impl Drop for Salt {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// Appends the encrypted text to `out` and returns the tag; `None` for a text that is too long for
/// the cipher.
pub(super) fn append<T: ArraySize>(
    key: &impl AeadInOut<NonceSize = U12, TagSize = T>,
    nonce: [u8; NONCE],
    additional_data: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) -> Option<Tag<T>> {
    let start = out.len();
    out.resize(start + plaintext.len(), 0);
    let buffer = InOutBuf::new(plaintext, out.get_mut(start..)?).ok()?;
    key.encrypt_inout_detached(&nonce.into(), additional_data, buffer).ok()
}
