//! The ciphers that protect records: their overhead, and how they seal a plaintext and open a
//! fragment ([RFC 5246 section 6.2.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3)).
//!
//! A *fragment* is the part of a protected record after its header. Only the cipher depends on its
//! structure (explicit nonce or IV, ciphertext, MAC, padding, tag): the record layer asks for
//! lengths, and lets the cipher seal and open.
//!
//! | question | for |
//! |---|---|
//! | [`Cipher::largest_plaintext`] | a received fragment: can it be opened at all? |
//! | [`Cipher::max_overhead`] | a received header: can its plaintext keep to the limit? |
//! | [`Cipher::fragment_length`] | a header that is sent: how long is this plaintext's fragment? |

mod cbc;
pub(in crate::crypto) mod ccm;
mod contract;
pub(in crate::crypto) mod gcm;
mod nonce;

pub(crate) use cbc::MacOrder;
pub(crate) use contract::{AuthenticatedHeader, CipherError, WriteKeys};
#[cfg(fuzzing)]
pub(crate) use gcm::GcmKey as FuzzedGcmKey;

use super::rng::RandomSource;
use super::suite::{BulkCipher, Suite};
use crate::error::LocalError;
use cbc::{AesKey, Cbc};
use ccm::{Ccm, CcmKey};
use contract::DOES_NOT_FIT;
use core::fmt;
use gcm::{Gcm, GcmKey};

/// The cipher of one direction of a connection with its keys, which are wiped when it is dropped.
#[derive(Clone)]
pub(crate) enum Cipher {
    Gcm(Gcm),
    /// Boxed, as every cipher but the default: a connection with AES-GCM is not larger for it.
    Ccm(Box<Ccm>),
    Cbc(Box<Cbc>),
}

impl Cipher {
    /// Takes one side's part of the key block, which must be cut for this suite. `order` matters
    /// for CBC only, and CBC only draws from `random`, for the key of its IVs.
    pub(crate) fn new(
        suite: &Suite,
        keys: WriteKeys<'_>,
        order: MacOrder,
        random: &dyn RandomSource,
    ) -> Result<Self, LocalError> {
        let gcm = |key| {
            let gcm = Gcm::new(key, keys).map(Self::Gcm);
            gcm.map_err(|CipherError| DOES_NOT_FIT)
        };
        let ccm = |key| {
            let ccm = Ccm::new(key, keys).map(Box::new).map(Self::Ccm);
            ccm.map_err(|CipherError| DOES_NOT_FIT)
        };
        let cbc = |key, mac| {
            let cbc = Cbc::new(key, mac, keys, order, random);
            cbc.map(Box::new).map(Self::Cbc)
        };
        match suite.bulk {
            BulkCipher::Aes128Gcm => gcm(GcmKey::aes_128),
            BulkCipher::Aes256Gcm => gcm(GcmKey::aes_256),
            BulkCipher::Aes128Ccm => ccm(CcmKey::aes_128),
            BulkCipher::Aes256Ccm => ccm(CcmKey::aes_256),
            BulkCipher::Aes128Ccm8 => ccm(CcmKey::aes_128_tag_8),
            BulkCipher::Aes256Ccm8 => ccm(CcmKey::aes_256_tag_8),
            BulkCipher::Aes128Cbc(mac) => cbc(AesKey::aes_128, mac),
            BulkCipher::Aes256Cbc(mac) => cbc(AesKey::aes_256, mac),
        }
    }

    /// Returns the most plaintext that a received fragment of this length can hold; `None` for a
    /// length that is impossible with this cipher.
    pub(crate) fn largest_plaintext(&self, fragment: usize) -> Option<usize> {
        match self {
            Self::Gcm(_) => Gcm::largest_plaintext(fragment),
            Self::Ccm(ccm) => fragment.checked_sub(ccm.overhead()),
            Self::Cbc(cbc) => cbc.largest_plaintext(fragment),
        }
    }

    /// Returns the most bytes by which any peer's fragment is longer than its plaintext.
    pub(crate) fn max_overhead(&self) -> usize {
        match self {
            Self::Gcm(_) => gcm::OVERHEAD,
            Self::Ccm(ccm) => ccm.overhead(),
            Self::Cbc(cbc) => cbc.max_overhead(),
        }
    }

    /// Returns the length of the fragment that [`seal`](Self::seal) makes of a plaintext of this
    /// length.
    pub(crate) fn fragment_length(&self, plaintext: usize) -> usize {
        match self {
            Self::Gcm(_) => plaintext + gcm::OVERHEAD,
            Self::Ccm(ccm) => plaintext + ccm.overhead(),
            Self::Cbc(cbc) => cbc.fragment_length(plaintext),
        }
    }

    /// Appends the fragment of `plaintext`, which is encrypted on its way there. Each sequence
    /// number may be used for one plaintext only. Leaves `out` unchanged on an error.
    pub(crate) fn seal(
        &self,
        header: AuthenticatedHeader,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CipherError> {
        let start = out.len();
        match self {
            Self::Gcm(gcm) => gcm.seal(header, plaintext, out),
            Self::Ccm(ccm) => ccm.seal(header, plaintext, out),
            Self::Cbc(cbc) => cbc.seal(header, plaintext, out),
        }
        .inspect_err(|CipherError| out.truncate(start))
    }

    /// Checks and decrypts a fragment in place, and returns its plaintext, which is a part of it.
    ///
    /// The error does not tell whether length, padding or authentication was wrong.
    pub(crate) fn open<'f>(
        &self,
        header: AuthenticatedHeader,
        fragment: &'f mut [u8],
    ) -> Result<&'f mut [u8], CipherError> {
        match self {
            Self::Gcm(gcm) => gcm.open(header, fragment),
            Self::Ccm(ccm) => ccm.open(header, fragment),
            Self::Cbc(cbc) => cbc.open(header, fragment),
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::testing::Fixed;
    use crate::enums::{ContentType, ProtocolVersion};

    const HEADER: AuthenticatedHeader = AuthenticatedHeader {
        sequence: 0x0102_0304_0506_0708,
        typ: ContentType::APPLICATION_DATA,
        version: ProtocolVersion::TLS_1_2,
    };

    /// Keys that are cut to what the suite needs.
    fn keys(suite: &Suite) -> WriteKeys<'static> {
        WriteKeys {
            mac_key: &[6; 32][..suite.mac_key_length],
            key: &[7; 32][..suite.enc_key_length],
            iv: &[8; 4][..suite.fixed_iv_length],
        }
    }

    /// Every suite with both orders of MAC, which are one for most of them.
    fn ciphers() -> impl Iterator<Item = Cipher> {
        let orders = [MacOrder::MacThenEncrypt, MacOrder::EncryptThenMac];
        Suite::all().flat_map(move |suite| {
            orders.map(|order| Cipher::new(suite, keys(suite), order, &Fixed(9)).unwrap())
        })
    }

    #[test]
    fn the_authenticated_header_is_the_rfcs() {
        assert_eq!(
            HEADER.with_length(0x0a0b),
            Ok([1, 2, 3, 4, 5, 6, 7, 8, 23, 3, 3, 0x0a, 0x0b])
        );
        assert_eq!(HEADER.with_length(1 << 16), Err(CipherError));
    }

    /// What holds for every cipher, and what the record layer relies on.
    #[test]
    fn ciphers_keep_their_contract() {
        for cipher in ciphers() {
            for length in [0, 1, 15, 16, 17, 255, 256, 1 << 14] {
                let plaintext = vec![0x5a; length];
                let mut out = vec![1, 2, 3];
                cipher.seal(HEADER, &plaintext, &mut out).unwrap();
                let mut fragment = out.split_off(3);
                assert_eq!(out, [1, 2, 3]);
                assert_eq!(fragment.len(), cipher.fragment_length(length));
                assert!(fragment.len() <= length + cipher.max_overhead());
                assert!(cipher.largest_plaintext(fragment.len()).unwrap() >= length);
                assert_eq!(cipher.open(HEADER, &mut fragment).unwrap(), plaintext);
            }
        }
    }

    #[test]
    fn a_length_that_no_fragment_has_is_never_opened() {
        for cipher in ciphers() {
            for length in 0..300 {
                if cipher.largest_plaintext(length).is_none() {
                    assert!(cipher.open(HEADER, &mut vec![0; length]).is_err());
                }
            }
            assert_eq!(cipher.largest_plaintext(0), None);
        }
    }

    #[test]
    fn every_part_of_the_header_is_authenticated() {
        for cipher in ciphers() {
            for other in [
                AuthenticatedHeader {
                    sequence: HEADER.sequence + 1,
                    ..HEADER
                },
                AuthenticatedHeader {
                    typ: ContentType::ALERT,
                    ..HEADER
                },
                AuthenticatedHeader {
                    version: ProtocolVersion::TLS_1_1,
                    ..HEADER
                },
            ] {
                let mut fragment = Vec::new();
                cipher.seal(HEADER, b"data", &mut fragment).unwrap();
                assert_eq!(cipher.open(other, &mut fragment.clone()), Err(CipherError));
                assert!(cipher.open(HEADER, &mut fragment).is_ok());
            }
        }
    }

    #[test]
    fn a_plaintext_that_cannot_be_sealed_leaves_the_output_as_it_was() {
        for cipher in ciphers() {
            let mut out = vec![1, 2, 3];
            let sealed = cipher.seal(HEADER, &[0; 1 << 16], &mut out);
            assert_eq!(sealed, Err(CipherError));
            assert_eq!(out, [1, 2, 3]);
        }
    }

    #[test]
    fn keys_that_were_cut_for_another_suite_are_refused() {
        for suite in Suite::all() {
            let good = keys(suite);
            for bad in [
                WriteKeys {
                    mac_key: &[1],
                    ..good
                },
                WriteKeys {
                    mac_key: &[1; 48],
                    ..good
                },
                WriteKeys {
                    key: &good.key[1..],
                    ..good
                },
                WriteKeys {
                    iv: &[0; 16],
                    ..good
                },
            ] {
                assert!(matches!(
                    Cipher::new(suite, bad, MacOrder::MacThenEncrypt, &Fixed(9)),
                    Err(LocalError::Internal(_))
                ));
            }
        }
    }

    #[test]
    fn a_cipher_and_its_keys_do_not_print() {
        for cipher in ciphers() {
            assert_eq!(format!("{cipher:?}"), "[redacted]");
        }
        for suite in Suite::all() {
            assert_eq!(format!("{:?}", keys(suite)), "[redacted]");
        }
    }
}
