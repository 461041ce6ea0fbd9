//! The encoding of a message into the number that is signed: EMSA-PKCS1-v1_5 and EMSA-PSS of
//! [RFC 8017 section 9](https://www.rfc-editor.org/rfc/rfc8017#section-9).

use crate::crypto::hash::SignatureHash;
use crate::enums::SignatureScheme;
use rand_core::TryRng;
use subtle::ConstantTimeEq;

/// Returns the hash of a scheme for RSA keys; `None` for one that is not implemented.
pub(crate) fn signature_hash(scheme: SignatureScheme) -> Option<SignatureHash> {
    Emsa::of(scheme).map(|emsa| emsa.hash)
}

/// The last byte of an encoding with PSS.
const PSS_TRAILER: u8 = 0xbc;

/// The encoding of a signature scheme, and its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Emsa {
    padding: Padding,
    hash: SignatureHash,
}

#[derive(Clone, Copy, Debug)]
enum Padding {
    Pkcs1,
    Pss,
}

impl Emsa {
    /// Returns the encoding of a scheme for RSA keys without restrictions; `None` for any other.
    pub(super) fn of(scheme: SignatureScheme) -> Option<Self> {
        use {Padding::*, SignatureHash::*};
        let (padding, hash) = match scheme {
            SignatureScheme::RSA_PKCS1_SHA1 => (Pkcs1, Sha1),
            SignatureScheme::RSA_PKCS1_SHA256 => (Pkcs1, Sha256),
            SignatureScheme::RSA_PKCS1_SHA384 => (Pkcs1, Sha384),
            SignatureScheme::RSA_PKCS1_SHA512 => (Pkcs1, Sha512),
            SignatureScheme::RSA_PSS_RSAE_SHA256 => (Pss, Sha256),
            SignatureScheme::RSA_PSS_RSAE_SHA384 => (Pss, Sha384),
            SignatureScheme::RSA_PSS_RSAE_SHA512 => (Pss, Sha512),
            _ => return None,
        };
        Some(Self { padding, hash })
    }

    /// Encodes a message for a modulus of this many bits; the encoding is as long as the modulus.
    /// `None` if the modulus is too short, which no accepted one is.
    ///
    /// PSS draws a salt as long as the hash.
    pub(super) fn encode<R: TryRng + ?Sized>(
        self,
        message: &[u8],
        modulus_bits: usize,
        rng: &mut R,
    ) -> Result<Option<Vec<u8>>, R::Error> {
        let hash = self.hash.of(&[message]);
        match self.padding {
            Padding::Pkcs1 => Ok(encode_pkcs1(self.hash, &hash, modulus_bits)),
            Padding::Pss => {
                let mut salt = vec![0; hash.len()];
                rng.try_fill_bytes(&mut salt)?;
                Ok(encode_pss(self.hash, &hash, &salt, modulus_bits))
            }
        }
    }

    /// Returns true if `encoded`, which is as long as the modulus, is the encoding of the message
    /// with this hash.
    pub(super) fn verifies(self, hash: &[u8], encoded: &[u8], modulus_bits: usize) -> bool {
        let expected = match self.padding {
            Padding::Pkcs1 => encode_pkcs1(self.hash, hash, modulus_bits),
            // With the salt of the encoding, the message has only one encoding.
            Padding::Pss => pss_salt(self.hash, encoded, modulus_bits)
                .and_then(|salt| encode_pss(self.hash, hash, &salt, modulus_bits)),
        };
        expected.is_some_and(|expected| expected.ct_eq(encoded).into())
    }
}

/// Returns the prefix of the hash in a DigestInfo
/// ([RFC 8017 section 9.2](https://www.rfc-editor.org/rfc/rfc8017#section-9.2), note 1).
fn digest_info(hash: SignatureHash) -> &'static [u8] {
    match hash {
        SignatureHash::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        SignatureHash::Sha256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        SignatureHash::Sha384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
        }
        SignatureHash::Sha512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
        }
    }
}

/// `EM = 0x00 || 0x01 || PS || 0x00 || T`, PS being bytes of 0xff and T the DigestInfo.
fn encode_pkcs1(hash: SignatureHash, message_hash: &[u8], modulus_bits: usize) -> Option<Vec<u8>> {
    let prefix = digest_info(hash);
    let length = modulus_bits.div_ceil(8);
    let padding = length.checked_sub(3 + prefix.len() + message_hash.len())?;
    // "If emLen < tLen + 11, output "intended encoded message length too short" and stop."
    if padding < 8 {
        return None;
    }
    let mut encoded = Vec::with_capacity(length);
    encoded.extend_from_slice(&[0, 1]);
    encoded.resize(2 + padding, 0xff);
    encoded.push(0);
    encoded.extend_from_slice(prefix);
    encoded.extend_from_slice(message_hash);
    Some(encoded)
}

/// `EM = maskedDB || H || 0xbc` with `H = Hash(0^8 || mHash || salt)` and
/// `DB = PS || 0x01 || salt`, PS being zeros.
///
/// EM is as long as the modulus without its highest bit. Where that is a byte less, a zero stands in
/// front of it here.
fn encode_pss(
    hash: SignatureHash,
    message_hash: &[u8],
    salt: &[u8],
    modulus_bits: usize,
) -> Option<Vec<u8>> {
    let (lead, db_length) = pss_lengths(message_hash.len(), modulus_bits)?;
    let h = hash.of(&[&[0; 8], message_hash, salt]);
    let padding = db_length.checked_sub(1 + salt.len())?;
    let mut encoded = vec![0; lead + padding];
    encoded.push(1);
    encoded.extend_from_slice(salt);
    mask(hash, encoded.get_mut(lead..)?, &h, modulus_bits);
    encoded.extend_from_slice(&h);
    encoded.push(PSS_TRAILER);
    Some(encoded)
}

/// The salt in an encoding, "the last sLen octets of DB", as long as the hash: "The length of the
/// Salt MUST be equal to the length of the output of the digest algorithm"
/// ([RFC 8446 section 4.2.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3)).
fn pss_salt(hash: SignatureHash, encoded: &[u8], modulus_bits: usize) -> Option<Vec<u8>> {
    let hash_length = hash.length();
    let (lead, db_length) = pss_lengths(hash_length, modulus_bits)?;
    let (masked, rest) = encoded.get(lead..)?.split_at_checked(db_length)?;
    let mut db = masked.to_vec();
    mask(hash, &mut db, rest.get(..hash_length)?, modulus_bits);
    Some(db.get(db_length.checked_sub(hash_length)?..)?.to_vec())
}

/// Returns the number of zeros before EM, and the length of DB.
fn pss_lengths(hash_length: usize, modulus_bits: usize) -> Option<(usize, usize)> {
    let length = modulus_bits.checked_sub(1)?.div_ceil(8);
    let lead = modulus_bits.div_ceil(8) - length;
    Some((lead, length.checked_sub(hash_length + 1)?))
}

/// Computes `DB xor MGF1(H)`, with "the leftmost 8emLen - emBits bits" set to zero; this masks and
/// unmasks.
fn mask(hash: SignatureHash, db: &mut [u8], h: &[u8], modulus_bits: usize) {
    let chunks = db.chunks_mut(hash.length());
    for (counter, chunk) in (0_u32..).zip(chunks) {
        let mask = hash.of(&[h, &counter.to_be_bytes()]);
        for (byte, mask) in chunk.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
    if let Some(first) = db.first_mut() {
        *first &= match (modulus_bits - 1) % 8 {
            0 => 0xff,
            bits => (1 << bits) - 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::traits::PublicKeyParts;
    use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey as RsaPrivateKey, Pss};
    use sha1::Sha1;
    use sha2::{Digest, Sha256, Sha384, Sha512};

    const MESSAGE: &[u8] = b"the handshake's messages";

    const PKCS1: [SignatureScheme; 3] = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
    ];
    const PSS: [SignatureScheme; 3] = [
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512,
    ];

    fn signature_digest(scheme: SignatureScheme, message: &[u8]) -> Vec<u8> {
        signature_hash(scheme).unwrap().of(&[message])
    }

    fn rng(seed: u64) -> ChaCha12Rng {
        ChaCha12Rng::seed_from_u64(seed)
    }

    /// Of 2048 bits, of 2049, which leave EM of PSS a byte shorter than the modulus, and of 2056.
    fn keys() -> [RsaPrivateKey; 3] {
        let read = |pem| RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
        [
            read(include_str!("../../../tests/data/rsa-2048.key")),
            RsaPrivateKey::new(&mut rng(2), 2049).unwrap(),
            read(include_str!("../../../tests/data/rsa-2056.key")),
        ]
    }

    fn bits(key: &RsaPrivateKey) -> usize {
        usize::try_from(key.n().bit_width()).unwrap()
    }

    /// What the `rsa` crate encodes and signs, as long as the modulus. Its salt is the first that
    /// it draws.
    fn theirs(
        key: &RsaPrivateKey,
        padding: impl rsa::traits::SignatureScheme,
        digest: &[u8],
        seed: u64,
    ) -> Vec<u8> {
        let signed = key.sign_with_rng(&mut rng(seed), padding, digest).unwrap();
        let number = BoxedUint::from_be_slice(&signed, key.n_bits_precision()).unwrap();
        let encoded = rsa::hazmat::rsa_encrypt(key, &number).unwrap().to_be_bytes();
        encoded[encoded.len() - key.size()..].to_vec()
    }

    fn own(scheme: SignatureScheme, modulus_bits: usize, seed: u64) -> Vec<u8> {
        let emsa = Emsa::of(scheme).unwrap();
        let Ok(encoded) = emsa.encode(MESSAGE, modulus_bits, &mut rng(seed));
        encoded.unwrap()
    }

    fn verifies(scheme: SignatureScheme, encoded: &[u8], modulus_bits: usize) -> bool {
        let emsa = Emsa::of(scheme).unwrap();
        emsa.verifies(&emsa.hash.of(&[MESSAGE]), encoded, modulus_bits)
    }

    #[test]
    fn encodings_are_those_of_the_rsa_crate() {
        let digests = PKCS1.map(|scheme| signature_digest(scheme, MESSAGE));
        for key in keys() {
            let pkcs1 = [
                theirs(&key, Pkcs1v15Sign::new::<Sha256>(), &digests[0], 0),
                theirs(&key, Pkcs1v15Sign::new::<Sha384>(), &digests[1], 0),
                theirs(&key, Pkcs1v15Sign::new::<Sha512>(), &digests[2], 0),
            ];
            assert_eq!(PKCS1.map(|scheme| own(scheme, bits(&key), 0)), pkcs1);
            for seed in 0..4 {
                let pss = [
                    theirs(&key, Pss::<Sha256>::new(), &digests[0], seed),
                    theirs(&key, Pss::<Sha384>::new(), &digests[1], seed),
                    theirs(&key, Pss::<Sha512>::new(), &digests[2], seed),
                ];
                assert_eq!(PSS.map(|scheme| own(scheme, bits(&key), seed)), pss);
            }
        }
    }

    #[test]
    fn sha1_is_that_of_the_rsa_crate_too() {
        let scheme = SignatureScheme::RSA_PKCS1_SHA1;
        let digest = signature_digest(scheme, MESSAGE);
        assert_eq!(digest, Sha1::digest(MESSAGE)[..]);
        for key in keys() {
            let theirs = theirs(&key, Pkcs1v15Sign::new::<Sha1>(), &digest, 0);
            assert_eq!(own(scheme, bits(&key), 0), theirs);
            assert!(verifies(scheme, &theirs, bits(&key)));
            assert!(!verifies(PKCS1[0], &theirs, bits(&key)));
        }
    }

    /// The trailer, the bits and the byte that must be zero, and all the rest.
    #[test]
    fn a_change_at_any_place_is_refused_at_every_length() {
        for modulus_bits in 2048..=2056 {
            for scheme in [PKCS1[0], PSS[0]] {
                let good = own(scheme, modulus_bits, 1);
                assert_eq!(good.len(), modulus_bits.div_ceil(8));
                assert!(verifies(scheme, &good, modulus_bits));
                for at in 0..good.len() {
                    let mut changed = good.clone();
                    changed[at] ^= 1 << (at % 8);
                    assert!(!verifies(scheme, &changed, modulus_bits), "{at}");
                }
                for bit in 0..8 {
                    let mut changed = good.clone();
                    changed[0] ^= 1 << bit;
                    assert!(!verifies(scheme, &changed, modulus_bits), "{bit}");
                }
            }
        }
    }

    #[test]
    fn an_encoding_is_as_long_as_the_modulus() {
        for modulus_bits in [2048, 2049, 2056] {
            for scheme in [PKCS1, PSS].concat() {
                let good = own(scheme, modulus_bits, 1);
                let refused = |encoded: &[u8]| !verifies(scheme, encoded, modulus_bits);
                for length in [0, 1, 31, 32, 33, 65, good.len() - 1] {
                    assert!(refused(&good[..length]), "{length}");
                }
                assert!(refused(&good[1..]));
                assert!(refused(&[&good[..], &[0]].concat()));
                assert!(refused(&[&[0], &good[..]].concat()));
            }
        }
    }

    #[test]
    fn the_salt_is_as_long_as_the_hash() {
        fn check<D: Digest + sha2::digest::FixedOutputReset>(scheme: SignatureScheme) {
            let hash = <D as Digest>::output_size();
            for key in keys() {
                // EM is shorter by the hash, the trailer and the byte before the salt.
                let longest = (bits(&key) - 1).div_ceil(8) - hash - 2;
                for salt in [0, 20, hash - 1, hash, hash + 1, longest] {
                    let padding = Pss::<D>::new_with_salt(salt);
                    let encoded = theirs(&key, padding, &D::digest(MESSAGE), 1);
                    let verified = verifies(scheme, &encoded, bits(&key));
                    assert_eq!(verified, salt == hash, "{salt}");
                }
            }
        }
        check::<Sha256>(PSS[0]);
        check::<Sha384>(PSS[1]);
        check::<Sha512>(PSS[2]);
    }

    #[test]
    fn a_modulus_that_is_too_short_has_no_encoding() {
        // In bytes: the longest hash, with what stands around it in a DigestInfo, and with the salt.
        for (scheme, too_short, enough) in [
            (PKCS1[2], 2 + 1 + 19 + 64 - 1, 2 + 8 + 1 + 19 + 64),
            (PSS[2], 64 + 64 + 1, 64 + 64 + 2),
        ] {
            let emsa = Emsa::of(scheme).unwrap();
            let encode = |length: usize| {
                let Ok(encoded) = emsa.encode(MESSAGE, 8 * length, &mut rng(1));
                encoded
            };
            assert_eq!(encode(enough).unwrap().len(), enough);
            assert_eq!(encode(too_short), None);
            assert_eq!(encode(0), None);
            assert!(!emsa.verifies(MESSAGE, &[], 0));
        }
    }

    #[test]
    fn digests_are_those_of_the_scheme() {
        for schemes in [PKCS1, PSS] {
            let digests = schemes.map(|scheme| signature_digest(scheme, MESSAGE));
            assert_eq!(digests[0], Sha256::digest(MESSAGE)[..]);
            assert_eq!(digests[1], Sha384::digest(MESSAGE)[..]);
            assert_eq!(digests[2], Sha512::digest(MESSAGE)[..]);
        }
        for other in [0x0202, 0x0403, 0x0809] {
            assert!(signature_hash(SignatureScheme(other)).is_none());
        }
    }
}
