//! AES-CCM as [RFC 6655](https://www.rfc-editor.org/rfc/rfc6655) uses it, with a tag of sixteen bytes
//! or, in the suites whose names end in `_8`, of eight.
//!
//! Nonce, fragment and additional data are those of AES-GCM.

use super::contract::{AuthenticatedHeader, CipherError, WriteKeys};
use super::nonce::{EXPLICIT_NONCE, NONCE, Salt, append};
use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aes::{Aes128Enc, Aes256Enc};
use aes_gcm::{AeadInOut, KeyInit};
use zeroize::Zeroize;

/// CCM uses only the forward direction of AES.
type Aes<Key, Tag> = ccm::Ccm<Key, Tag, U12>;

/// One direction's key and salt. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Ccm {
    key: CcmKey,
    salt: Salt,
}

impl Ccm {
    pub(super) fn new(
        key: fn(&[u8]) -> Result<CcmKey, CipherError>,
        keys: WriteKeys<'_>,
    ) -> Result<Self, CipherError> {
        Ok(Self {
            key: key(keys.key)?,
            salt: Salt::new(keys)?,
        })
    }

    /// The number of bytes that sealing adds to each plaintext.
    pub(super) fn overhead(&self) -> usize {
        EXPLICIT_NONCE + self.key.tag_length()
    }

    pub(super) fn seal(
        &self,
        header: AuthenticatedHeader,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        let additional_data = header.with_length(plaintext.len())?;
        let explicit_nonce = header.sequence.to_be_bytes();
        out.extend_from_slice(&explicit_nonce);
        let nonce = self.salt.nonce(explicit_nonce);
        self.key.encrypt(nonce, &additional_data, plaintext, out)
    }

    pub(super) fn open<'f>(
        &self,
        header: AuthenticatedHeader,
        fragment: &'f mut [u8],
    ) -> Result<&'f mut [u8], CipherError> {
        let (explicit_nonce, rest) = fragment.split_first_chunk_mut().ok_or(CipherError)?;
        let length = rest.len().checked_sub(self.key.tag_length()).ok_or(CipherError)?;
        let (text, tag) = rest.split_at_mut_checked(length).ok_or(CipherError)?;
        let additional_data = header.with_length(text.len())?;
        let nonce = self.salt.nonce(*explicit_nonce);
        self.key.decrypt(nonce, &additional_data, text, tag)?;
        Ok(text)
    }
}

/// An AES key for CCM as in [SP 800-38C](https://csrc.nist.gov/pubs/sp/800/38/c/final), and the length
/// of its tags.
#[derive(Clone)]
pub(in crate::crypto) enum CcmKey {
    Aes128(Aes<Aes128Enc, U16>),
    Aes256(Aes<Aes256Enc, U16>),
    Aes128Tag8(Aes<Aes128Enc, U8>),
    Aes256Tag8(Aes<Aes256Enc, U8>),
}

impl CcmKey {
    pub(in crate::crypto) fn aes_128(key: &[u8]) -> Result<Self, CipherError> {
        Aes::new_from_slice(key).map(Self::Aes128).map_err(|_| CipherError)
    }

    pub(in crate::crypto) fn aes_256(key: &[u8]) -> Result<Self, CipherError> {
        Aes::new_from_slice(key).map(Self::Aes256).map_err(|_| CipherError)
    }

    pub(in crate::crypto) fn aes_128_tag_8(key: &[u8]) -> Result<Self, CipherError> {
        Aes::new_from_slice(key).map(Self::Aes128Tag8).map_err(|_| CipherError)
    }

    pub(in crate::crypto) fn aes_256_tag_8(key: &[u8]) -> Result<Self, CipherError> {
        Aes::new_from_slice(key).map(Self::Aes256Tag8).map_err(|_| CipherError)
    }

    fn tag_length(&self) -> usize {
        match self {
            Self::Aes128(_) | Self::Aes256(_) => 16,
            Self::Aes128Tag8(_) | Self::Aes256Tag8(_) => 8,
        }
    }

    /// Encrypts `plaintext`, and appends the ciphertext and the tag to `out`.
    pub(in crate::crypto) fn encrypt(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        match self {
            Self::Aes128(key) => seal(key, nonce, additional_data, plaintext, out),
            Self::Aes256(key) => seal(key, nonce, additional_data, plaintext, out),
            Self::Aes128Tag8(key) => seal(key, nonce, additional_data, plaintext, out),
            Self::Aes256Tag8(key) => seal(key, nonce, additional_data, plaintext, out),
        }
        .ok_or(CipherError)
    }

    /// Decrypts `text` in place and checks `tag`; wipes the text if the tag is wrong. CCM
    /// authenticates the plaintext, so that it decrypts first.
    pub(in crate::crypto) fn decrypt(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        text: &mut [u8],
        tag: &[u8],
    ) -> Result<(), CipherError> {
        match self {
            Self::Aes128(key) => open(key, nonce, additional_data, text, tag),
            Self::Aes256(key) => open(key, nonce, additional_data, text, tag),
            Self::Aes128Tag8(key) => open(key, nonce, additional_data, text, tag),
            Self::Aes256Tag8(key) => open(key, nonce, additional_data, text, tag),
        }
        .ok_or_else(|| {
            text.zeroize();
            CipherError
        })
    }
}

fn seal<T: ArraySize>(
    key: &impl AeadInOut<NonceSize = U12, TagSize = T>,
    nonce: [u8; NONCE],
    additional_data: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let tag = append(key, nonce, additional_data, plaintext, out)?;
    out.extend_from_slice(&tag);
    Some(())
}

fn open<T: ArraySize>(
    key: &impl AeadInOut<NonceSize = U12, TagSize = T>,
    nonce: [u8; NONCE],
    additional_data: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Option<()> {
    let tag = tag.try_into().ok()?;
    key.decrypt_inout_detached(&nonce.into(), additional_data, text.into(), tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::{ContentType, ProtocolVersion};

    /// [RFC 6655 section 3](https://www.rfc-editor.org/rfc/rfc6655#section-3), put together by hand.
    #[test]
    fn a_fragment_is_made_as_the_rfc_says() {
        let keys = WriteKeys {
            mac_key: &[],
            key: &[7; 16],
            iv: &[1, 2, 3, 4],
        };
        let header = AuthenticatedHeader {
            sequence: 0x0506_0708_090a_0b0c,
            typ: ContentType::ALERT,
            version: ProtocolVersion::TLS_1_2,
        };
        for (key, overhead) in [
            (CcmKey::aes_128 as fn(&[u8]) -> _, 24),
            (CcmKey::aes_128_tag_8, 16),
        ] {
            let mut sealed = Vec::new();
            key(keys.key)
                .unwrap()
                .encrypt(
                    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
                    &[5, 6, 7, 8, 9, 10, 11, 12, 21, 3, 3, 0, 2],
                    &[1, 0],
                    &mut sealed,
                )
                .unwrap();
            let ccm = Ccm::new(key, keys).unwrap();
            let mut fragment = Vec::new();
            ccm.seal(header, &[1, 0], &mut fragment).unwrap();
            assert_eq!(ccm.overhead(), overhead);
            assert_eq!(fragment.len(), 2 + overhead);
            assert_eq!(fragment[..8], [5, 6, 7, 8, 9, 10, 11, 12]);
            assert_eq!(fragment[8..], sealed);
        }
    }

    #[test]
    fn a_text_with_a_wrong_tag_is_wiped() {
        let key = CcmKey::aes_256_tag_8(&[7; 32]).unwrap();
        let mut sealed = Vec::new();
        key.encrypt([1; NONCE], &[], b"plaintext", &mut sealed).unwrap();
        let (text, tag) = sealed.split_at_mut(9);
        tag[7] ^= 1;
        assert_eq!(key.decrypt([1; NONCE], &[], text, tag), Err(CipherError));
        assert_eq!(text, [0; 9]);
    }
}
