//! AES-GCM as [RFC 5288 section 3](https://www.rfc-editor.org/rfc/rfc5288#section-3) uses it.

use super::contract::{AuthenticatedHeader, CipherError, WriteKeys};
use super::nonce::{EXPLICIT_NONCE, NONCE, Salt, append};
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use crate::crypto::vector::GcmKernel;
use aes_gcm::aead::consts::U12;
use aes_gcm::aes::{Aes128Enc, Aes256Enc};
use aes_gcm::{AeadInOut, AesGcm, KeyInit};

/// Length of the authentication tag.
pub(in crate::crypto) const TAG: usize = 16;

/// The number of bytes that sealing adds to each plaintext.
pub(super) const OVERHEAD: usize = EXPLICIT_NONCE + TAG;

/// GCM uses only the forward direction of AES, so the key schedule for decryption is left out.
type Aes128Gcm = AesGcm<Aes128Enc, U12>;
type Aes256Gcm = AesGcm<Aes256Enc, U12>;

/// One direction's key and salt. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Gcm {
    key: GcmKey,
    salt: Salt,
}

impl Gcm {
    pub(super) fn new(
        key: fn(&[u8]) -> Result<GcmKey, CipherError>,
        keys: WriteKeys<'_>,
    ) -> Result<Self, CipherError> {
        Ok(Self {
            key: key(keys.key)?,
            salt: Salt::new(keys)?,
        })
    }

    pub(super) fn largest_plaintext(fragment: usize) -> Option<usize> {
        fragment.checked_sub(OVERHEAD)
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
        let (text, tag) = rest.split_last_chunk_mut().ok_or(CipherError)?;
        let additional_data = header.with_length(text.len())?;
        let nonce = self.salt.nonce(*explicit_nonce);
        self.key.decrypt(nonce, &additional_data, text, *tag)?;
        Ok(text)
    }
}

/// An AES key for GCM as in [SP 800-38D](https://csrc.nist.gov/pubs/sp/800/38/d/final), with any
/// nonce and any additional data. Its engine is chosen when it is made.
#[derive(Clone)]
pub(crate) enum GcmKey {
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    Vector(GcmKernel),
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

impl GcmKey {
    pub(in crate::crypto) fn aes_128(key: &[u8]) -> Result<Self, CipherError> {
        let key: &[u8; 16] = key.try_into().map_err(|_| CipherError)?;
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        if let Some(kernel) = GcmKernel::new(key) {
            return Ok(Self::Vector(kernel));
        }
        Ok(Self::Aes128(Box::new(Aes128Gcm::new(key.into()))))
    }

    pub(in crate::crypto) fn aes_256(key: &[u8]) -> Result<Self, CipherError> {
        let key: &[u8; 32] = key.try_into().map_err(|_| CipherError)?;
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        if let Some(kernel) = GcmKernel::new(key) {
            return Ok(Self::Vector(kernel));
        }
        Ok(Self::Aes256(Box::new(Aes256Gcm::new(key.into()))))
    }

    /// A key for each engine that this processor has, that of the `aes-gcm` crate first.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn engines(key: &[u8]) -> Vec<Self> {
        let mut engines = Vec::new();
        if let Ok(key) = <&[u8; 16]>::try_from(key) {
            engines.push(Self::Aes128(Box::new(Aes128Gcm::new(key.into()))));
        }
        if let Ok(key) = <&[u8; 32]>::try_from(key) {
            engines.push(Self::Aes256(Box::new(Aes256Gcm::new(key.into()))));
        }
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        engines.extend(
            crate::crypto::vector::Tier::ALL
                .into_iter()
                .filter_map(|tier| GcmKernel::for_tier(key, tier).map(Self::Vector)),
        );
        engines
    }

    /// Encrypts `plaintext`, and appends the ciphertext and the tag to `out`.
    pub(crate) fn encrypt(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        let tag: Option<[u8; TAG]> = match self {
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            Self::Vector(kernel) => kernel.seal(&nonce, additional_data, plaintext, out),
            Self::Aes128(key) => {
                append(&**key, nonce, additional_data, plaintext, out).map(Into::into)
            }
            Self::Aes256(key) => {
                append(&**key, nonce, additional_data, plaintext, out).map(Into::into)
            }
        };
        out.extend_from_slice(&tag.ok_or(CipherError)?);
        Ok(())
    }

    /// Checks `tag` and decrypts `text` in place; leaves it unchanged if the tag is wrong.
    pub(crate) fn decrypt(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        text: &mut [u8],
        tag: [u8; TAG],
    ) -> Result<(), CipherError> {
        let is_right = match self {
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            Self::Vector(kernel) => kernel.open(&nonce, additional_data, text, &tag),
            Self::Aes128(key) => key
                .decrypt_inout_detached(&nonce.into(), additional_data, text.into(), &tag.into())
                .is_ok(),
            Self::Aes256(key) => key
                .decrypt_inout_detached(&nonce.into(), additional_data, text.into(), &tag.into())
                .is_ok(),
        };
        if is_right { Ok(()) } else { Err(CipherError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::{ContentType, ProtocolVersion};

    /// [RFC 5288 section 3](https://www.rfc-editor.org/rfc/rfc5288#section-3), put together by hand.
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
        let mut sealed = Vec::new();
        GcmKey::aes_128(keys.key)
            .unwrap()
            .encrypt(
                [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
                &[5, 6, 7, 8, 9, 10, 11, 12, 21, 3, 3, 0, 2],
                &[1, 0],
                &mut sealed,
            )
            .unwrap();

        let gcm = Gcm::new(GcmKey::aes_128, keys).unwrap();
        let mut fragment = Vec::new();
        gcm.seal(header, &[1, 0], &mut fragment).unwrap();
        assert_eq!(fragment[..8], [5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(fragment[8..], sealed);
    }

    /// "Each value of the nonce_explicit MUST be distinct for each distinct invocation": the
    /// sender's business alone.
    #[test]
    fn a_received_explicit_nonce_may_be_anything() {
        let keys = WriteKeys {
            mac_key: &[],
            key: &[7; 32],
            iv: &[8; 4],
        };
        let header = |sequence| AuthenticatedHeader {
            sequence,
            typ: ContentType::ALERT,
            version: ProtocolVersion::TLS_1_2,
        };
        let gcm = Gcm::new(GcmKey::aes_256, keys).unwrap();
        let mut fragment = vec![9; EXPLICIT_NONCE];
        let additional_data = header(1).with_length(2).unwrap();
        let nonce = gcm.salt.nonce([9; EXPLICIT_NONCE]);
        gcm.key.encrypt(nonce, &additional_data, &[1, 0], &mut fragment).unwrap();
        assert_eq!(gcm.open(header(0), &mut fragment.clone()), Err(CipherError));
        assert_eq!(gcm.open(header(1), &mut fragment).unwrap(), [1, 0]);
    }

    /// The engine is chosen once, and is that of the vector room wherever it has one.
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    #[test]
    fn a_key_has_a_vector_engine_where_there_is_one() {
        for (key, vector) in [
            (GcmKey::aes_128(&[1; 16]), GcmKernel::new(&[1; 16])),
            (GcmKey::aes_256(&[1; 32]), GcmKernel::new(&[1; 32])),
        ] {
            assert_eq!(matches!(key, Ok(GcmKey::Vector(_))), vector.is_some());
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for length in 0..64 {
            let key = vec![1; length];
            assert_eq!(GcmKey::aes_128(&key).is_ok(), length == 16, "{length}");
            assert_eq!(GcmKey::aes_256(&key).is_ok(), length == 32, "{length}");
        }
    }

    #[test]
    fn a_fragment_has_room_for_nonce_and_tag() {
        assert_eq!(Gcm::largest_plaintext(OVERHEAD - 1), None);
        assert_eq!(Gcm::largest_plaintext(OVERHEAD), Some(0));
        assert_eq!(Gcm::largest_plaintext((1 << 14) + 24), Some(1 << 14));
    }
}
