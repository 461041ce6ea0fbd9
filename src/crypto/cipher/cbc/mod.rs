//! AES-CBC with HMAC: GenericBlockCipher
//! ([RFC 5246 section 6.2.3.2](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3.2)), and
//! encrypt-then-MAC ([RFC 7366](https://www.rfc-editor.org/rfc/rfc7366)).
//!
//! | order | fragment |
//! |---|---|
//! | MAC, then encrypt | `IV`, encrypted: `plaintext`, `MAC`, `padding`, `padding_length` |
//! | encrypt, then MAC | `IV`, encrypted: `plaintext`, `padding`, `padding_length`; then `MAC` |
//!
//! The first order is opened in constant time: the lengths of padding and plaintext decide nothing
//! before the one verdict over padding and MAC ([`hidden`]). In the second, the MAC over the
//! ciphertext is verified first. Sent padding is always the shortest.

mod aes;
mod beside;
mod hidden;
mod mac;
mod mask;

use super::contract::{AuthenticatedHeader, CipherError, DOES_NOT_FIT, WriteKeys};
use crate::crypto::rng::RandomSource;
use crate::crypto::suite::MacAlgorithm;
use crate::error::LocalError;
pub(super) use aes::AesKey;
use aes::{BLOCK, IvKey};
use beside::{Beside, UNIT};
use hidden::LONGEST_PADDING;
use mac::{Mac, Tag, number};
use mask::Hidden;
use subtle::Choice;
use zeroize::{Zeroize, Zeroizing};

/// Whether a record's MAC is made before or after it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MacOrder {
    /// [RFC 5246 section 6.2.3.2](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3.2).
    MacThenEncrypt,
    /// [RFC 7366](https://www.rfc-editor.org/rfc/rfc7366).
    EncryptThenMac,
}

/// The keys of one direction. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Cbc {
    key: AesKey,
    beside: Beside,
    mac: Mac,
    order: MacOrder,
    iv_key: IvKey,
}

impl Cbc {
    /// Takes one side's part of the key block, which has no IV: each record brings its own. `random`
    /// is the source of the key that makes them.
    pub(super) fn new(
        key: fn(&[u8]) -> Result<AesKey, CipherError>,
        algorithm: MacAlgorithm,
        keys: WriteKeys<'_>,
        order: MacOrder,
        random: &dyn RandomSource,
    ) -> Result<Self, LocalError> {
        let does_not_fit = |CipherError| DOES_NOT_FIT;
        if !keys.iv.is_empty() {
            return Err(DOES_NOT_FIT);
        }
        let mut iv_key = Zeroizing::new([0; 16]);
        random.fill(&mut *iv_key)?;
        Ok(Self {
            key: key(keys.key).map_err(does_not_fit)?,
            beside: Beside::new(keys.key, has_both_at_once(algorithm, order)),
            mac: Mac::new(algorithm, keys.mac_key).map_err(does_not_fit)?,
            order,
            iv_key: IvKey::new(&iv_key),
        })
    }

    /// These keys on each engine of this processor, that of the crates first. `key` is that of AES.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn engines(&self, key: &[u8]) -> Vec<Self> {
        let engines = if has_both_at_once(self.mac.algorithm(), self.order) {
            2
        } else {
            1
        };
        let engines = Beside::engines(key).into_iter().take(engines);
        engines
            .map(|beside| Self {
                beside,
                ..self.clone()
            })
            .collect()
    }

    fn mac_length(&self) -> usize {
        self.mac.algorithm().length()
    }

    /// There is at least the padding_length, one byte.
    pub(super) fn largest_plaintext(&self, fragment: usize) -> Option<usize> {
        let mac = self.mac_length();
        let (encrypted, beside) = match self.order {
            MacOrder::MacThenEncrypt => (fragment.checked_sub(BLOCK)?, mac + 1),
            MacOrder::EncryptThenMac => (fragment.checked_sub(BLOCK + mac)?, 1),
        };
        if !encrypted.is_multiple_of(BLOCK) {
            return None;
        }
        encrypted.checked_sub(beside)
    }

    /// A peer may choose the longest padding, "to frustrate attacks on a protocol that are based on
    /// analysis of the lengths of exchanged messages".
    pub(super) fn max_overhead(&self) -> usize {
        BLOCK + self.mac_length() + LONGEST_PADDING
    }

    pub(super) fn fragment_length(&self, plaintext: usize) -> usize {
        let mac = self.mac_length();
        match self.order {
            MacOrder::MacThenEncrypt => BLOCK + padded(plaintext + mac),
            MacOrder::EncryptThenMac => BLOCK + padded(plaintext) + mac,
        }
    }

    pub(super) fn seal(
        &self,
        header: AuthenticatedHeader,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        self.seal_with(header, self.iv_key.iv(header.sequence), plaintext, out)
    }

    fn seal_with(
        &self,
        header: AuthenticatedHeader,
        iv: [u8; BLOCK],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        let length = self.fragment_length(plaintext.len());
        // Otherwise a reallocation could leave plaintext behind.
        out.reserve(length);
        let start = out.len();
        out.extend_from_slice(&iv);
        out.extend_from_slice(plaintext);
        match self.order {
            MacOrder::MacThenEncrypt => {
                let text = out.get_mut(start + BLOCK..).ok_or(CipherError)?;
                let (mut chain, mut encrypted) = (iv, 0);
                let tag = self.mac.tag_beside(
                    &header.with_length(plaintext.len())?,
                    plaintext,
                    |state, blocks| {
                        let units = self.beside.encrypt_and_hash(&mut chain, text, state, blocks);
                        encrypted = units * UNIT;
                        units
                    },
                )?;
                self.append(&tag, out);
                self.pad_and_encrypt(start + BLOCK + encrypted, chain, out)
            }
            MacOrder::EncryptThenMac => {
                self.pad_and_encrypt(start + BLOCK, iv, out)?;
                let tag = self.encrypted_tag(header, out.get(start..).ok_or(CipherError)?)?;
                self.append(&tag, out);
                Ok(())
            }
        }
    }

    fn append(&self, tag: &Tag, out: &mut Vec<u8>) {
        out.extend(tag.0.iter().take(self.mac_length()));
    }

    /// Pads and encrypts the text from `start`, a whole number of blocks behind the IV. `chain` is
    /// the block before it.
    fn pad_and_encrypt(
        &self,
        start: usize,
        chain: [u8; BLOCK],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        let length = out.len() - start;
        let padding = padded(length) - length;
        let padding_length = u8::try_from(padding - 1).map_err(|_| CipherError)?;
        out.resize(out.len() + padding, padding_length);
        self.key.encrypt(chain, out.get_mut(start..).ok_or(CipherError)?);
        Ok(())
    }

    /// The MAC of encrypt-then-MAC: "seq_num + TLSCipherText.type + TLSCipherText.version +
    /// TLSCipherText.length + IV + ENC(content + padding + padding_length)". The length does not
    /// count the MAC.
    fn encrypted_tag(
        &self,
        header: AuthenticatedHeader,
        encrypted: &[u8],
    ) -> Result<Tag, CipherError> {
        self.mac.tag(&header.with_length(encrypted.len())?, encrypted)
    }

    pub(super) fn open<'f>(
        &self,
        header: AuthenticatedHeader,
        fragment: &'f mut [u8],
    ) -> Result<&'f mut [u8], CipherError> {
        self.largest_plaintext(fragment.len()).ok_or(CipherError)?;
        let mut encrypted = fragment;
        if self.order == MacOrder::EncryptThenMac {
            encrypted = self.verify_encrypted(header, encrypted)?;
        }
        let (iv, text) = encrypted.split_first_chunk_mut().ok_or(CipherError)?;
        self.key.decrypt(*iv, text);
        let length = match self.order {
            MacOrder::MacThenEncrypt => self.verify_decrypted(header, text),
            MacOrder::EncryptThenMac => authenticated_length(text),
        };
        let Ok(length) = length else {
            text.zeroize();
            return Err(CipherError);
        };
        text.get_mut(..length).ok_or(CipherError)
    }

    /// Verifies and cuts off the MAC of encrypt-then-MAC: "The MAC SHALL be evaluated before any
    /// further processing such as decryption is performed".
    fn verify_encrypted<'f>(
        &self,
        header: AuthenticatedHeader,
        fragment: &'f mut [u8],
    ) -> Result<&'f mut [u8], CipherError> {
        let length = fragment.len().checked_sub(self.mac_length()).ok_or(CipherError)?;
        let (encrypted, received) = fragment.split_at_mut_checked(length).ok_or(CipherError)?;
        let tag = self.encrypted_tag(header, encrypted)?;
        if bool::from(tag.equals(&Tag::from_bytes(received))) {
            Ok(encrypted)
        } else {
            Err(CipherError)
        }
    }

    /// Verifies padding and MAC of a decrypted text, and returns the length of its plaintext.
    ///
    /// "Implementations MUST ensure that record processing time is essentially the same whether or
    /// not the padding is correct": what is done depends on the length of the text alone, until the
    /// verdict over both.
    #[inline(never)]
    fn verify_decrypted(
        &self,
        header: AuthenticatedHeader,
        text: &[u8],
    ) -> Result<usize, CipherError> {
        let mac_length = self.mac_length();
        let unpadded = hidden::unpad(text, mac_length)?;
        let length = unpadded.length.get() - number(mac_length)?;

        let longest = text.len().checked_sub(mac_length + 1).ok_or(CipherError)?;
        let shortest = longest.saturating_sub(LONGEST_PADDING - 1);
        let mut header = header.with_length(0)?;
        let [.., high, low] = &mut header;
        [_, _, *high, *low] = length.to_be_bytes();
        let plaintext = text.get(..longest).ok_or(CipherError)?;
        let expected = self.mac.tag_of_hidden_length(
            &header,
            plaintext,
            number(shortest)?,
            &Hidden(length),
        )?;

        let window = text.get(shortest..text.len() - 1).ok_or(CipherError)?;
        let start = Hidden(length - number(shortest)?);
        let received = hidden::copy_mac(self.mac.algorithm(), window, &start)?;

        let is_padded = Choice::from(mask::byte(unpadded.is_right.get()) & 1);
        if bool::from(expected.equals(&received) & is_padded) {
            usize::try_from(length).map_err(|_| CipherError)
        } else {
            Err(CipherError)
        }
    }
}

/// Whether SHA-1 hashes the plaintext itself, so that it need not wait for encryption.
fn has_both_at_once(algorithm: MacAlgorithm, order: MacOrder) -> bool {
    (algorithm, order) == (MacAlgorithm::HmacSha1, MacOrder::MacThenEncrypt)
}

/// The length of the plaintext in a decrypted text whose MAC was right.
fn authenticated_length(text: &[u8]) -> Result<usize, CipherError> {
    let unpadded = hidden::unpad(text, 0)?;
    if unpadded.is_right.0 == 0 {
        return Err(CipherError);
    }
    usize::try_from(unpadded.length.0).map_err(|_| CipherError)
}

/// The length of a text with the shortest padding, at least its length byte.
fn padded(text: usize) -> usize {
    (text / BLOCK + 1) * BLOCK
}

#[cfg(test)]
mod tests;
