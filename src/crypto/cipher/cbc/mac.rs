//! HMAC ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)) over the block functions of SHA-1 and
//! SHA-256, for texts whose length is public and for a text whose length is secret.
//!
//! Both hashes have blocks of 64 bytes and end with the length in eight bytes, so one code serves
//! both ([FIPS 180-4](https://csrc.nist.gov/pubs/fips/180-4/upd1/final)).

use super::mask::{Hidden, byte, is_equal, is_less};
use crate::crypto::cipher::contract::CipherError;
use crate::crypto::suite::MacAlgorithm;
use core::iter::repeat;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Length of a block of either hash.
const BLOCK: usize = 64;

/// [`BLOCK`] as a number that is computed with.
const BLOCK_BITS: u32 = 6;

/// Length of sequence number, type, version and length in front of the text.
pub(super) const HEADER: usize = 13;

/// How much of the text is in the first block, behind the header.
const FIRST: usize = BLOCK - HEADER;

/// Length of the longest MAC.
const LONGEST: usize = 32;

/// The eight words of SHA-256, or five of SHA-1 and three zeros. Wiped when dropped.
#[derive(Clone)]
struct State(MacAlgorithm, [u32; 8]);

impl State {
    fn initial(algorithm: MacAlgorithm) -> Self {
        Self(
            algorithm,
            match algorithm {
                MacAlgorithm::HmacSha1 => [
                    0x6745_2301,
                    0xefcd_ab89,
                    0x98ba_dcfe,
                    0x1032_5476,
                    0xc3d2_e1f0,
                    0,
                    0,
                    0,
                ],
                MacAlgorithm::HmacSha256 => [
                    0x6a09_e667,
                    0xbb67_ae85,
                    0x3c6e_f372,
                    0xa54f_f53a,
                    0x510e_527f,
                    0x9b05_688c,
                    0x1f83_d9ab,
                    0x5be0_cd19,
                ],
            },
        )
    }

    fn compress(&mut self, blocks: &[[u8; BLOCK]]) {
        match self.0 {
            MacAlgorithm::HmacSha1 => {
                self.with_sha1(|words| sha1::block_api::compress(words, blocks));
            }
            MacAlgorithm::HmacSha256 => sha2::block_api::compress256(&mut self.1, blocks),
        }
    }

    /// Lets `hash` work on the words of SHA-1.
    fn with_sha1(&mut self, hash: impl FnOnce(&mut [u32; 5])) {
        let [a, b, c, d, e, ..] = &mut self.1;
        let mut words = Zeroizing::new([*a, *b, *c, *d, *e]);
        hash(&mut words);
        [*a, *b, *c, *d, *e] = *words;
    }

    /// Pads the last bytes of a message, `used` of the block, and returns the hash.
    fn finish(
        mut self,
        mut block: Zeroizing<[u8; BLOCK]>,
        used: usize,
        message: usize,
    ) -> Result<Tag, CipherError> {
        for (position, byte) in block.iter_mut().enumerate().skip(used) {
            *byte = if position == used { 0x80 } else { 0 };
        }
        if used >= BLOCK - 8 {
            self.compress(core::slice::from_ref(&*block));
            block.fill(0);
        }
        if let Some(bits) = block.last_chunk_mut() {
            *bits = (8 * u64::from(number(message)?)).to_be_bytes();
        }
        self.compress(core::slice::from_ref(&*block));
        Ok(self.tag())
    }

    fn tag(&self) -> Tag {
        let mut tag = Tag([0; LONGEST]);
        for (to, word) in tag.0.chunks_exact_mut(4).zip(self.1) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        tag
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.1.zeroize();
    }
}

/// A length that is computed with in masks.
pub(super) fn number(length: usize) -> Result<u32, CipherError> {
    u32::try_from(length).map_err(|_| CipherError)
}

/// A MAC; that of SHA-1 is followed by zeros. Wiped when dropped.
pub(super) struct Tag(pub(super) [u8; LONGEST]);

impl Tag {
    /// A MAC from a record.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut tag = Self([0; LONGEST]);
        for (to, from) in tag.0.iter_mut().zip(bytes) {
            *to = *from;
        }
        tag
    }

    pub(super) fn equals(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A MAC key: the states after the first block of the inner and of the outer hash.
#[derive(Clone)]
pub(super) struct Mac {
    inner: State,
    outer: State,
}

impl Mac {
    pub(super) fn new(algorithm: MacAlgorithm, key: &[u8]) -> Result<Self, CipherError> {
        if key.len() != algorithm.length() {
            return Err(CipherError);
        }
        let after = |pad: u8| {
            let mut block = Zeroizing::new([pad; BLOCK]);
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            let mut state = State::initial(algorithm);
            state.compress(core::slice::from_ref(&*block));
            state
        };
        Ok(Self {
            inner: after(0x36),
            outer: after(0x5c),
        })
    }

    pub(super) fn algorithm(&self) -> MacAlgorithm {
        self.inner.0
    }

    /// The MAC of a header and a text whose length may be known to anybody.
    pub(super) fn tag(&self, header: &[u8; HEADER], text: &[u8]) -> Result<Tag, CipherError> {
        self.tag_beside(header, text, |_, _| 0)
    }

    /// As [`Self::tag`]. `beside` may hash blocks of the text with SHA-1, beginning at byte
    /// [`FIRST`], while it does something else; it returns how many.
    pub(super) fn tag_beside(
        &self,
        header: &[u8; HEADER],
        text: &[u8],
        beside: impl FnOnce(&mut [u32; 5], &[[u8; BLOCK]]) -> usize,
    ) -> Result<Tag, CipherError> {
        let mut state = self.inner.clone();
        let mut block = Zeroizing::new([0; BLOCK]);
        let message = header.iter().chain(text);
        for (to, from) in block.iter_mut().zip(message) {
            *to = *from;
        }
        let mut used = HEADER + text.len();
        if let Some(rest) = text.get(FIRST..) {
            state.compress(core::slice::from_ref(&*block));
            let (blocks, rest) = rest.as_chunks();
            let mut hashed = 0;
            if state.0 == MacAlgorithm::HmacSha1 {
                state.with_sha1(|words| hashed = beside(words, blocks));
            }
            state.compress(blocks.get(hashed..).ok_or(CipherError)?);
            for (to, from) in block.iter_mut().zip(rest) {
                *to = *from;
            }
            used = rest.len();
        }
        self.outer_tag(&state.finish(block, used, BLOCK + HEADER + text.len())?)
    }

    /// The MAC of a header and of the first `hidden` bytes of a text, which are from `shortest` to
    /// all of it. What is computed and read depends on the lengths of `text` and `shortest` alone.
    ///
    /// Every block that can be the last one is made byte by byte and hashed, and the state after
    /// the one that was the last is kept.
    #[inline(never)]
    pub(super) fn tag_of_hidden_length(
        &self,
        header: &[u8; HEADER],
        text: &[u8],
        shortest: u32,
        hidden: &Hidden,
    ) -> Result<Tag, CipherError> {
        let (longest, header_length) = (number(text.len())?, number(HEADER)?);
        let end = hidden.get() + header_length;
        let last_block = (end + 8) >> BLOCK_BITS;
        let [_, _, _, _, bits @ ..] = (u64::from(end + (1 << BLOCK_BITS)) * 8).to_be_bytes();

        // The blocks before this one hold nothing but message, whatever its length.
        let first = (header_length + shortest) >> BLOCK_BITS;
        let blocks = ((header_length + longest + 8) >> BLOCK_BITS) + 1;
        let mut state = self.inner.clone();
        let known = usize::try_from(first << BLOCK_BITS).map_err(|_| CipherError)?;
        compress_known(&mut state, header, text, known).ok_or(CipherError)?;

        let mut message = header.iter().chain(text).skip(known).copied().chain(repeat(0));
        let mut block = Zeroizing::new([0; BLOCK]);
        let mut inner = State(self.algorithm(), [0; 8]);
        let mut position = first << BLOCK_BITS;
        for number in first..blocks {
            for (to, from) in block.iter_mut().zip(&mut message) {
                *to = from & byte(is_less(position, end)) | 0x80 & byte(is_equal(position, end));
                position += 1;
            }
            let is_last = is_equal(number, last_block);
            for (to, bits) in block.iter_mut().rev().zip(bits.iter().rev()) {
                *to |= bits & byte(is_last);
            }
            state.compress(core::slice::from_ref(&*block));
            for (to, word) in inner.1.iter_mut().zip(state.1) {
                *to |= word & is_last;
            }
        }
        self.outer_tag(&inner.tag())
    }

    fn outer_tag(&self, inner: &Tag) -> Result<Tag, CipherError> {
        let used = self.algorithm().length();
        let mut block = Zeroizing::new([0; BLOCK]);
        for (to, from) in block.iter_mut().zip(inner.0).take(used) {
            *to = from;
        }
        self.outer.clone().finish(block, used, BLOCK + used)
    }
}

/// Hashes the first `known` bytes of the message, which are whole blocks.
fn compress_known(
    state: &mut State,
    header: &[u8; HEADER],
    text: &[u8],
    known: usize,
) -> Option<()> {
    let Some(after_first) = known.checked_sub(BLOCK) else {
        return Some(());
    };
    let mut block = Zeroizing::new([0; BLOCK]);
    for (to, from) in block.iter_mut().zip(header.iter().chain(text)) {
        *to = *from;
    }
    state.compress(core::slice::from_ref(&*block));
    let (blocks, _) = text.get(FIRST..)?.as_chunks();
    state.compress(blocks.get(..after_first / BLOCK)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit};

    const HASHES: [MacAlgorithm; 2] = [MacAlgorithm::HmacSha1, MacAlgorithm::HmacSha256];

    fn by_the_crate(algorithm: MacAlgorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        fn mac<M: hmac::Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }
        match algorithm {
            MacAlgorithm::HmacSha1 => mac::<Hmac<sha1::Sha1>>(key, parts),
            MacAlgorithm::HmacSha256 => mac::<Hmac<sha2::Sha256>>(key, parts),
        }
    }

    #[test]
    fn macs_agree_with_the_hmac_crate() {
        let text: Vec<u8> = (0..=255).cycle().take(400).collect();
        for algorithm in HASHES {
            let key = vec![9; algorithm.length()];
            let mac = Mac::new(algorithm, &key).unwrap();
            for length in 0..400 {
                let text = &text[..length];
                let tag = mac.tag(&[3; HEADER], text).unwrap();
                let expected = by_the_crate(algorithm, &key, &[&[3; HEADER], text]);
                assert!(
                    bool::from(tag.equals(&Tag::from_bytes(&expected))),
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn a_hidden_length_has_the_mac_of_the_length() {
        let text: Vec<u8> = (0..=255).cycle().take(700).collect();
        for algorithm in HASHES {
            let mac = Mac::new(algorithm, &vec![9; algorithm.length()]).unwrap();
            for longest in [
                0, 1, 41, 42, 43, 50, 51, 52, 106, 107, 255, 256, 300, 700_u32,
            ] {
                let shortest = longest.saturating_sub(255);
                let all = &text[..usize::try_from(longest).unwrap()];
                for hidden in shortest..=longest {
                    let tag =
                        mac.tag_of_hidden_length(&[3; HEADER], all, shortest, &Hidden(hidden));
                    let known = mac.tag(&[3; HEADER], &all[..usize::try_from(hidden).unwrap()]);
                    assert!(bool::from(tag.unwrap().equals(&known.unwrap())), "{hidden}");
                }
            }
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for algorithm in HASHES {
            for length in 0..64 {
                let made = Mac::new(algorithm, &vec![0; length]);
                assert_eq!(made.is_ok(), length == algorithm.length());
            }
        }
    }
}
