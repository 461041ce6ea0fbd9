//! Sealing of data that the peer stores and returns unchanged: session tickets.
//!
//! ```text
//! key_name[16] | salt[32] | ciphertext | tag[16]
//! ```
//!
//! Every text is sealed with AES-256-GCM under its own key,
//! `HMAC-SHA256(secret, "premaster ticket" | salt)`, which is used once and so with a nonce of
//! zeros. The name and the salt are the additional data.
//!
//! With one AES key for all texts, the nonces would have to be random, since servers that share a
//! key have no common counter. 96 random bits are safe for 2^32 texts
//! ([SP 800-38D section 8.3](https://csrc.nist.gov/pubs/sp/800/38/d/final)), a number that a fleet
//! of servers can reach. Salts of 256 random bits do not collide in practice.

use super::cipher::CipherError;
use super::cipher::gcm::{GcmKey, TAG};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Length of a sealing key: its name and its secret.
pub(crate) const SEALING_KEY: usize = NAME + SECRET;

/// Length of the salt.
pub(crate) const SALT: usize = 32;

const NAME: usize = 16;
const SECRET: usize = 32;

/// The length of the part before the ciphertext.
const HEADER: usize = NAME + SALT;

/// The block of SHA-256, which HMAC pads its key to with zeros.
const HMAC_BLOCK: usize = 64;

/// A key is used once.
const NONCE: [u8; 12] = [0; 12];

const LABEL: &[u8] = b"premaster ticket";

/// A named key, from which the key of each sealed text is derived. Wiped when dropped.
pub(crate) struct SealingKey {
    name: [u8; NAME],
    secret: Hmac<Sha256>,
}

impl SealingKey {
    /// Creates the key from its name followed by its secret.
    pub(crate) fn from_bytes(bytes: &[u8; SEALING_KEY]) -> Self {
        let (name_bytes, secret) = bytes.split_at(NAME);
        let mut name = [0; NAME];
        name.copy_from_slice(name_bytes);
        let mut block = Zeroizing::new([0; HMAC_BLOCK]);
        for (to, from) in block.iter_mut().zip(secret) {
            *to = *from;
        }
        Self {
            name,
            secret: Hmac::new((&*block).into()),
        }
    }

    /// Returns the name, which is public.
    pub(crate) fn name(&self) -> &[u8; NAME] {
        &self.name
    }

    /// Seals `plaintext`. `salt` must be drawn at random for each text: two texts with one salt
    /// would share key and nonce, and reveal each other.
    ///
    /// Fails only for a text of 2^36 bytes, which is too long for GCM.
    pub(crate) fn seal(&self, salt: [u8; SALT], plaintext: &[u8]) -> Result<Vec<u8>, CipherError> {
        let mut header = [0; HEADER];
        let (name, rest) = header.split_at_mut(NAME);
        name.copy_from_slice(&self.name);
        rest.copy_from_slice(&salt);
        let mut sealed = Vec::with_capacity(HEADER + plaintext.len() + TAG);
        sealed.extend_from_slice(&header);
        self.cipher(&salt)?.encrypt(NONCE, &header, plaintext, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens a text that was sealed with this key; `None` for everything else.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (header, rest) = sealed.split_at_checked(HEADER)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
        let (name, salt) = header.split_at_checked(NAME)?;
        // The name is public and covered by the tag; this only saves work for other keys' texts.
        if name != self.name {
            return None;
        }
        let mut text = Zeroizing::new(ciphertext.to_vec());
        self.cipher(salt).ok()?.decrypt(NONCE, header, &mut text, *tag).ok()?;
        Some(text)
    }

    /// The cipher of one sealed text, keyed with `HMAC-SHA256(secret, "premaster ticket" | salt)`.
    fn cipher(&self, salt: &[u8]) -> Result<GcmKey, CipherError> {
        let mac = self.secret.clone().chain_update(LABEL).chain_update(salt);
        GcmKey::aes_256(mac.finalize().as_bytes())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest;

    fn key() -> SealingKey {
        SealingKey::from_bytes(&core::array::from_fn(|index| index.try_into().unwrap()))
    }

    #[test]
    fn what_is_sealed_opens() {
        for length in [0, 1, 16, 110, 70_000] {
            let plaintext = vec![7; length];
            let sealed = key().seal([1; SALT], &plaintext).unwrap();
            assert_eq!(sealed.len(), HEADER + length + TAG);
            assert_eq!(*key().open(&sealed).unwrap(), plaintext);
        }
    }

    /// HMAC from its definition, and GCM through the records' key.
    #[test]
    fn the_sealed_form_is_made_as_its_description_says() {
        let (salt, plaintext) = ([0xa5; SALT], b"a session");
        let secret: [u8; SECRET] =
            core::array::from_fn(|index| u8::try_from(NAME + index).unwrap());
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            block.iter_mut().zip(secret).for_each(|(to, from)| *to ^= from);
            block
        };
        let inner = Sha256::new()
            .chain_update(padded(0x36))
            .chain_update(b"premaster ticket")
            .chain_update(salt)
            .finalize();
        let derived = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();

        let mut expected: Vec<u8> = (0..16).collect();
        expected.extend_from_slice(&salt);
        let additional_data = expected.clone();
        GcmKey::aes_256(&derived)
            .unwrap()
            .encrypt([0; 12], &additional_data, plaintext, &mut expected)
            .unwrap();
        // As OpenSSL computes it; it depends on every byte so far.
        let tag = expected.last_chunk().unwrap();
        assert_eq!(
            u128::from_be_bytes(*tag),
            0xf9fc_96e6_71d2_597d_f403_61ea_088a_2212
        );

        assert_eq!(key().seal(salt, plaintext).unwrap(), expected);
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_refused() {
        let sealed = key().seal([1; SALT], &[7; 20]).unwrap();
        for bit in 0..8 * sealed.len() {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(key().open(&flipped).is_none(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(key().open(&sealed[..length]).is_none(), "{length} bytes");
            assert!(key().open(&sealed[sealed.len() - length..]).is_none());
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert!(key().open(&longer).is_none());
        assert!(key().open(&sealed).is_some());
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = key().seal([1; SALT], b"text").unwrap();
        let mut bytes: [u8; SEALING_KEY] = core::array::from_fn(|index| index.try_into().unwrap());
        bytes[SEALING_KEY - 1] ^= 1;
        let other_secret = SealingKey::from_bytes(&bytes);
        assert_eq!(other_secret.name(), key().name());
        assert!(other_secret.open(&sealed).is_none());
        assert!(SealingKey::from_bytes(&[9; SEALING_KEY]).open(&sealed).is_none());
    }

    #[test]
    fn two_salts_give_two_ciphertexts() {
        let [one, other] = [1, 2].map(|salt| key().seal([salt; SALT], &[7; 64]).unwrap());
        assert_ne!(one[HEADER..], other[HEADER..]);
    }

    #[test]
    fn a_key_is_wiped_and_does_not_print() {
        fn wiped_on_drop<T: zeroize::ZeroizeOnDrop>() {}
        // The two states that `Hmac` is made of.
        wiped_on_drop::<<Sha256 as hmac::EagerHash>::Core>();
        assert_eq!(format!("{:?}", key()), "[redacted]");
    }
}
