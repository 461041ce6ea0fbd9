//! The signature algorithms, their identifiers in DER, and what they cost.

use super::work::PUBLIC_OPERATION;
#[cfg(feature = "ecdsa")]
use crate::crypto::ecdsa::{self, Curve};
use crate::crypto::hash::SignatureHash;
use crate::crypto::rsa::{PublicKey, peer_key_bits};
use crate::enums::SignatureScheme;
use crate::verify::der::{Element, INTEGER, OBJECT_IDENTIFIER, Reader, SEQUENCE, element};
use pki_types::{AlgorithmIdentifier, alg_id};

const NULL: &[u8] = b"\x05\x00";
const CONSTRUCTED: u8 = 0x20;

/// sha1WithRSAEncryption ([RFC 3279 section 2.2.1](https://www.rfc-editor.org/rfc/rfc3279#section-2.2.1)),
/// which `pki-types` does not name.
const RSA_PKCS1_SHA1: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00");

/// A signature algorithm, and its identifier in certificates.
#[derive(Clone, Copy, Debug)]
pub(super) enum Method {
    Rsa(SignatureScheme, SignatureHash, AlgorithmIdentifier),
    #[cfg(feature = "ecdsa")]
    Ecdsa(Curve, SignatureHash),
}

/// RSA with SHA-256, SHA-384 and SHA-512, PKCS#1 v1.5 and PSS, and ECDSA. The most frequent come
/// first.
const METHODS: &[Method] = {
    use SignatureHash::{Sha256, Sha384, Sha512};
    &[
        Method::Rsa(
            SignatureScheme::RSA_PKCS1_SHA256,
            Sha256,
            alg_id::RSA_PKCS1_SHA256,
        ),
        Method::Rsa(
            SignatureScheme::RSA_PKCS1_SHA384,
            Sha384,
            alg_id::RSA_PKCS1_SHA384,
        ),
        Method::Rsa(
            SignatureScheme::RSA_PKCS1_SHA512,
            Sha512,
            alg_id::RSA_PKCS1_SHA512,
        ),
        Method::Rsa(
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            Sha256,
            alg_id::RSA_PSS_SHA256,
        ),
        Method::Rsa(
            SignatureScheme::RSA_PSS_RSAE_SHA384,
            Sha384,
            alg_id::RSA_PSS_SHA384,
        ),
        Method::Rsa(
            SignatureScheme::RSA_PSS_RSAE_SHA512,
            Sha512,
            alg_id::RSA_PSS_SHA512,
        ),
        #[cfg(feature = "ecdsa")]
        Method::Ecdsa(Curve::P256, Sha256),
        #[cfg(feature = "ecdsa")]
        Method::Ecdsa(Curve::P256, Sha384),
        #[cfg(feature = "ecdsa")]
        Method::Ecdsa(Curve::P384, Sha256),
        #[cfg(feature = "ecdsa")]
        Method::Ecdsa(Curve::P384, Sha384),
    ]
};

const SHA1: Method = Method::Rsa(
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureHash::Sha1,
    RSA_PKCS1_SHA1,
);

impl Method {
    /// All algorithms, with SHA-1 or without.
    pub(super) fn all(sha1: bool) -> impl Iterator<Item = Self> {
        METHODS.iter().chain(sha1.then_some(&SHA1)).copied()
    }

    pub(super) fn hash(self) -> SignatureHash {
        match self {
            Self::Rsa(_, hash, _) => hash,
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(_, hash) => hash,
        }
    }

    pub(super) fn is_sha1(self) -> bool {
        matches!(self.hash(), SignatureHash::Sha1)
    }

    /// The content of the AlgorithmIdentifier of such signatures.
    pub(super) fn signature_id(self) -> AlgorithmIdentifier {
        match self {
            Self::Rsa(_, _, id) => id,
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(_, SignatureHash::Sha384) => alg_id::ECDSA_SHA384,
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(..) => alg_id::ECDSA_SHA256,
        }
    }

    /// The content of the AlgorithmIdentifier of the keys.
    pub(super) fn key_id(self) -> AlgorithmIdentifier {
        match self {
            Self::Rsa(..) => alg_id::RSA_ENCRYPTION,
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(Curve::P256, _) => alg_id::ECDSA_P256,
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(Curve::P384, _) => alg_id::ECDSA_P384,
        }
    }

    /// Returns true if this is the content of the AlgorithmIdentifier of such signatures, with
    /// parameters NULL or absent where RSA has both: "Implementations MUST accept the parameters
    /// being absent as well as present"
    /// ([RFC 4055 section 5](https://www.rfc-editor.org/rfc/rfc4055#section-5), and section 2.1 for
    /// the hash functions of PSS).
    pub(super) fn is_named(self, id: &[u8]) -> bool {
        let own = self.signature_id();
        match self {
            _ if *own == *id => true,
            Self::Rsa(..) => without_null(&own).is_some_and(|own| without_null(id) == Some(own)),
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(..) => false,
        }
    }

    /// Returns true if the signature is valid for what has this hash under the key, the content of
    /// its subjectPublicKey; `parsed` is that key if it is parsed already.
    pub(super) fn verifies(
        self,
        key: &[u8],
        parsed: Option<&PublicKey>,
        hash: &[u8],
        signature: &[u8],
    ) -> bool {
        match (self, parsed) {
            (Self::Rsa(scheme, ..), Some(key)) => key.verifies_hash(scheme, hash, signature),
            (Self::Rsa(scheme, ..), None) => PublicKey::from_pkcs1_der(key, peer_key_bits(true))
                .is_ok_and(|key| key.verifies_hash(scheme, hash, signature)),
            #[cfg(feature = "ecdsa")]
            (Self::Ecdsa(curve, _), _) => ecdsa::verifies_hash(curve, key, hash, signature),
        }
    }

    /// What [`verifies`](Self::verifies) costs with this key, in hundredths of a public operation
    /// with an RSA key of 2048 bits.
    pub(super) fn cost(self, key: &[u8]) -> u32 {
        match self {
            Self::Rsa(..) => RsaNumbers::read(key).map_or(0, RsaNumbers::cost),
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(Curve::P256, _) => 9 * PUBLIC_OPERATION,
            #[cfg(feature = "ecdsa")]
            Self::Ecdsa(Curve::P384, _) => 26 * PUBLIC_OPERATION,
        }
    }
}

/// The size of an RSA public key's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RsaNumbers {
    /// The length of the modulus in bits.
    pub(super) bits: usize,
    /// The work for the exponent, in squarings.
    squarings: u32,
}

impl RsaNumbers {
    /// The numbers of an `RSAPublicKey`; `None` if it is not DER, and so no key.
    pub(super) fn read(key: &[u8]) -> Option<Self> {
        let mut whole = Reader::new(key);
        let mut numbers = whole.next()?.ok()?.content_of(SEQUENCE)?;
        let mut number = || Some(numbers.next()?.ok()?).filter(|number| number.tag == INTEGER);
        let (modulus, exponent) = (significant(number()?), significant(number()?));
        // The largest that is accepted has 33 bits.
        if exponent.len() > size_of::<u64>() {
            return None;
        }
        let ones: u32 = exponent.iter().map(|byte| byte.count_ones()).sum();
        Some(Self {
            bits: bit_length(modulus)?,
            // A multiplication takes as long as two squarings.
            squarings: u32::try_from(bit_length(exponent)?).ok()?.saturating_add(2 * ones),
        })
    }

    fn cost(self) -> u32 {
        let Ok(bits) = u32::try_from(self.bits) else {
            return u32::MAX;
        };
        let squared = bits.div_ceil(256).saturating_pow(2);
        let squarings = self.squarings.saturating_add(SETUP);
        let cost = squared.saturating_mul(squarings).saturating_mul(PUBLIC_OPERATION)
            / OF_PUBLIC_OPERATION;
        // The time of longer keys grows faster than the square of their length.
        if bits > 2048 {
            cost.saturating_add(cost / 4)
        } else {
            cost
        }
    }
}

/// The preparation of a modulus, in squarings.
const SETUP: u32 = 8;

/// The squarings of 256 bits in a public operation: the modulus has eight times as many, and the
/// exponent 17 bits, of which two are set.
const OF_PUBLIC_OPERATION: u32 = 8 * 8 * (17 + 2 * 2 + SETUP);

/// The length in bits of a number without leading zeros.
fn bit_length(significant: &[u8]) -> Option<usize> {
    let leading = significant.first().map_or(0, |first| first.leading_zeros());
    (8 * significant.len()).checked_sub(usize::try_from(leading).ok()?)
}

/// The number's bytes without leading zeros.
fn significant(number: Element<'_>) -> &[u8] {
    let zeros = number.content.iter().take_while(|byte| **byte == 0).count();
    match number.content.get(zeros..) {
        Some(digits) => digits,
        None => &[],
    }
}

/// Returns true if these contents of AlgorithmIdentifiers are equal, where NULL parameters count
/// as absent.
pub(in crate::verify) fn is_same_algorithm(one: &[u8], other: &[u8]) -> bool {
    one == other || without_null(one).is_some_and(|one| without_null(other) == Some(one))
}

/// The content of an AlgorithmIdentifier, or of its parameters, without NULL for absent parameters
/// in any of the AlgorithmIdentifiers in it. `None` if it is not DER.
fn without_null(content: &[u8]) -> Option<Vec<u8>> {
    without_null_at(content, 4)
}

/// No algorithm nests deeper: PSS's mask generation has a hash function in it.
fn without_null_at(content: &[u8], depth: u8) -> Option<Vec<u8>> {
    let parts: Vec<_> = Reader::new(content).collect::<Result<_, _>>().ok()?;
    if let [oid, parameters] = &parts[..]
        && (oid.tag, parameters.der) == (OBJECT_IDENTIFIER, NULL)
    {
        return Some(oid.der.to_vec());
    }
    let mut shorter = Vec::with_capacity(content.len());
    for part in parts {
        if part.tag & CONSTRUCTED == 0 {
            shorter.extend_from_slice(part.der);
            continue;
        }
        let inner = without_null_at(part.content, depth.checked_sub(1)?)?;
        shorter.extend_from_slice(&element(part.tag, &[&inner]));
    }
    Some(shorter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::der::sequence;

    fn key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        sequence(&[
            &element(INTEGER, &[modulus]),
            &element(INTEGER, &[exponent]),
        ])
    }

    /// A modulus of this many bits and more zeros than it needs.
    fn modulus(bits: usize) -> Vec<u8> {
        [&[0], &vec![0xff; bits / 8][..]].concat()
    }

    #[test]
    fn an_rsa_key_costs_by_its_length_and_exponent() {
        let rsa = METHODS[0];
        let cost = |bits, exponent: &[u8]| rsa.cost(&key(&modulus(bits), exponent));
        assert_eq!(cost(2048, &[1, 0, 1]), PUBLIC_OPERATION);
        assert_eq!(cost(1024, &[1, 0, 1]), PUBLIC_OPERATION / 4);
        assert_eq!(cost(4096, &[1, 0, 1]), 5 * PUBLIC_OPERATION);
        assert_eq!(cost(8192, &[1, 0, 1]), 20 * PUBLIC_OPERATION);
        assert!(cost(2048, &[3]) < PUBLIC_OPERATION);
        let long = [1, 0xff, 0xff, 0xff, 0xff];
        assert!(cost(2048, &long) > 3 * PUBLIC_OPERATION);
        assert!(cost(8192, &long) > 70 * PUBLIC_OPERATION);
        // What is no key is not computed with.
        assert_eq!(rsa.cost(b""), 0);
        assert!(!rsa.verifies(b"", None, &[0; 32], &[0; 256]));
    }

    #[test]
    fn the_numbers_of_a_key_are_read_from_der() {
        let bits = |der: &[u8]| RsaNumbers::read(der).map(|numbers| numbers.bits);
        assert_eq!(bits(&key(&[0, 0x80, 1], &[3])), Some(16));
        assert_eq!(bits(&key(&[1, 1], &[3])), Some(9));
        assert_eq!(bits(&key(&[0], &[3])), Some(0));
        assert_eq!(bits(&key(&[1], &[0xff; 9])), None);
        assert_eq!(bits(&element(INTEGER, &[&[1]])), None);
        assert_eq!(bits(&sequence(&[&element(INTEGER, &[&[1]])])), None);
        assert_eq!(bits(&sequence(&[&[4, 1, 1], &[2, 1, 1]])), None);
    }

    #[test]
    fn parameters_of_rsa_may_be_absent() {
        for method in Method::all(true) {
            let id = method.signature_id();
            assert!(method.is_named(&id));
            let without = without_null(&id).unwrap();
            let is_rsa = matches!(method, Method::Rsa(..));
            assert_eq!(without != *id, is_rsa);
            assert!(method.is_named(&without));
            assert!(is_same_algorithm(&id, &without) && is_same_algorithm(&without, &id));
            // One NULL more than there may be, and one with content.
            assert!(!method.is_named(&[&*id, NULL].concat()));
            assert!(!method.is_named(&[&*without, b"\x05\x01\x00"].concat()));
            assert!(!method.is_named(&without[1..]) && !method.is_named(b""));
            let named = Method::all(true).filter(|other| other.is_named(&without));
            assert!(named.into_iter().all(|other| other.signature_id() == id));
        }
        let deep = (0..8).fold(NULL.to_vec(), |inner, _| sequence(&[&inner]));
        assert_eq!(without_null(&deep), None);
    }
}
