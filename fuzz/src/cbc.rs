//! Records of the CBC suites, sound and flawed, beside a reference that is as plain as RFC 5246 and
//! RFC 7366: it returns at the first flaw.

use aes::cipher::consts::U16;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac};
use premaster::CipherSuite;
use premaster::fuzzing::cbc::CbcEngine;
use sha1::Sha1;
use sha2::Sha256;

/// The suites, with the lengths of their MAC keys, which are those of their MACs, and keys.
const SUITES: [(CipherSuite, usize, usize); 4] = [
    (CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA, 20, 16),
    (CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA, 20, 32),
    (CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256, 32, 16),
    (CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256, 32, 32),
];

const MAC_KEY: [u8; 32] = [0x0b; 32];
const KEY: [u8; 32] = [0x1c; 32];
const IV: [u8; BLOCK] = [0x2d; BLOCK];
const SEQUENCE: u64 = 0x0102_0304_0506_0708;
const BLOCK: usize = 16;

/// The longest plaintext of a record.
const LONGEST: usize = 1 << 14;

/// A record as the fuzzer describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CbcRecord<'a> {
    /// One of the suites.
    pub suite: u8,
    pub encrypt_then_mac: bool,
    /// The bytes are a whole fragment, not a plaintext.
    pub is_fragment: bool,
    /// The length of the padding, or the next longer one that fills a block; if that is more than
    /// 255, sixteen less.
    pub padding: u8,
    /// Where a byte is changed, counted from the end, and by what: in the text before it is
    /// encrypted, or, with the highest bit of the place, in the fragment.
    pub flaws: &'a [[u8; 3]],
    pub bytes: &'a [u8],
}

impl<'a> CbcRecord<'a> {
    pub fn decode(input: &'a [u8]) -> Option<Self> {
        let ([form, padding, count], rest) = input.split_first_chunk()?;
        let flaws = 3 * usize::from(count % 8);
        let (flaws, bytes) = rest.split_at_checked(flaws)?;
        Some(Self {
            suite: form & 3,
            encrypt_then_mac: form & 4 != 0,
            is_fragment: form & 8 != 0,
            padding: *padding,
            flaws: flaws.as_chunks().0,
            bytes,
        })
    }

    /// The input that decodes as this; there are fewer than eight flaws.
    pub fn encode(&self) -> Vec<u8> {
        let form =
            self.suite | u8::from(self.encrypt_then_mac) << 2 | u8::from(self.is_fragment) << 3;
        let count = u8::try_from(self.flaws.len()).unwrap();
        [
            &[form, self.padding, count],
            self.flaws.as_flattened(),
            self.bytes,
        ]
        .concat()
    }

    /// Opens the record with each engine of this processor, and seals its bytes. Returns true if the
    /// record was sound.
    ///
    /// # Panics
    ///
    /// If an engine is of another opinion than the reference.
    pub fn check(&self) -> bool {
        let (suite, mac, key) = SUITES[usize::from(self.suite) % SUITES.len()];
        let reference = Reference {
            mac_key: &MAC_KEY[..mac],
            key: &KEY[..key],
            encrypt_then_mac: self.encrypt_then_mac,
        };
        let fragment = self.fragment(&reference);
        let expected = reference.open(&fragment);
        let is_described = !self.is_fragment && self.bytes.len() <= LONGEST;
        if is_described && self.flaws.is_empty() {
            assert_eq!(expected.as_deref(), Some(self.bytes));
        }
        let engines = CbcEngine::all(
            suite,
            self.encrypt_then_mac,
            reference.mac_key,
            reference.key,
        );
        assert!(!engines.is_empty());
        let mut sealed = None;
        for engine in engines {
            let mut opened = fragment.clone();
            assert_eq!(engine.open(SEQUENCE, &mut opened), expected.as_deref());
            if self.bytes.len() <= LONGEST {
                let fragment = engine.seal(SEQUENCE, self.bytes);
                assert_eq!(reference.open(&fragment).as_deref(), Some(self.bytes));
                assert_eq!(sealed.get_or_insert_with(|| fragment.clone()), &fragment);
            }
        }
        expected.is_some()
    }

    fn fragment(&self, reference: &Reference<'_>) -> Vec<u8> {
        if self.is_fragment {
            return self.bytes.to_vec();
        }
        let mut text = self.bytes.to_vec();
        if !self.encrypt_then_mac {
            text.extend(reference.mac(&text));
        }
        let beyond = (text.len() + 1 + usize::from(self.padding)) % BLOCK;
        let padding = usize::from(self.padding) + (BLOCK - beyond) % BLOCK;
        let padding = u8::try_from(padding).unwrap_or_else(|_| (padding - BLOCK) as u8);
        text.extend(vec![padding; usize::from(padding) + 1]);
        self.spoil(&mut text, 0);
        let mut fragment = reference.encrypt(&text);
        if self.encrypt_then_mac {
            fragment.extend(reference.mac(&fragment));
        }
        self.spoil(&mut fragment, 1);
        fragment
    }

    fn spoil(&self, bytes: &mut [u8], stage: u16) {
        for [high, low, change] in self.flaws {
            let place = u16::from_be_bytes([*high, *low]);
            let from_end = usize::from(place & 0x7fff);
            if place >> 15 == stage && from_end < bytes.len() {
                let at = bytes.len() - 1 - from_end;
                bytes[at] ^= change;
            }
        }
    }
}

/// The keys of one direction.
struct Reference<'a> {
    mac_key: &'a [u8],
    key: &'a [u8],
    encrypt_then_mac: bool,
}

impl Reference<'_> {
    fn open(&self, fragment: &[u8]) -> Option<Vec<u8>> {
        let mac = self.mac_key.len();
        let mut encrypted = fragment;
        if self.encrypt_then_mac {
            let (before, received) = fragment.split_at_checked(fragment.len().checked_sub(mac)?)?;
            if self.mac(before) != received {
                return None;
            }
            encrypted = before;
        }
        let mut text = self.decrypt(encrypted)?;
        let padding = *text.last()?;
        let length = text.len().checked_sub(usize::from(padding) + 1)?;
        if text[length..].iter().any(|byte| *byte != padding) {
            return None;
        }
        text.truncate(length);
        if !self.encrypt_then_mac {
            let received = text.split_off(length.checked_sub(mac)?);
            if self.mac(&text) != received {
                return None;
            }
        }
        Some(text)
    }

    /// With the header of application data in front of it.
    fn mac(&self, text: &[u8]) -> Vec<u8> {
        fn of<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }
        let length = u16::try_from(text.len()).unwrap_or(0).to_be_bytes();
        let parts = [&SEQUENCE.to_be_bytes()[..], &[23, 3, 3], &length, text];
        if self.mac_key.len() == 20 {
            of::<Hmac<Sha1>>(self.mac_key, &parts)
        } else {
            of::<Hmac<Sha256>>(self.mac_key, &parts)
        }
    }

    /// The IV and the encrypted blocks.
    fn encrypt(&self, text: &[u8]) -> Vec<u8> {
        fn chain(aes: &impl BlockCipherEncrypt<BlockSize = U16>, text: &[u8]) -> Vec<u8> {
            let mut encrypted = IV.to_vec();
            let mut before = IV;
            for block in text.as_chunks::<BLOCK>().0 {
                let mut state: [u8; BLOCK] = core::array::from_fn(|at| block[at] ^ before[at]);
                aes.encrypt_block(Block::<Aes128>::cast_from_core_mut(&mut state));
                encrypted.extend(state);
                before = state;
            }
            encrypted
        }
        if self.key.len() == 16 {
            chain(&Aes128::new_from_slice(self.key).unwrap(), text)
        } else {
            chain(&Aes256::new_from_slice(self.key).unwrap(), text)
        }
    }

    /// The text behind an IV; `None` without a block, or if they are not whole.
    fn decrypt(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        fn chain(
            aes: &impl BlockCipherDecrypt<BlockSize = U16>,
            blocks: &[[u8; BLOCK]],
        ) -> Vec<u8> {
            let decrypted = |pair: &[[u8; BLOCK]]| {
                let mut state = pair[1];
                aes.decrypt_block(Block::<Aes128>::cast_from_core_mut(&mut state));
                (0..BLOCK).map(move |at| state[at] ^ pair[0][at]).collect::<Vec<_>>()
            };
            blocks.windows(2).flat_map(decrypted).collect()
        }
        let (blocks, []) = encrypted.as_chunks() else {
            return None;
        };
        Some(if self.key.len() == 16 {
            chain(&Aes128::new_from_slice(self.key).unwrap(), blocks)
        } else {
            chain(&Aes256::new_from_slice(self.key).unwrap(), blocks)
        })
    }
}
