//! ECDSA signatures of certificates whose CAs have keys on NIST curves
//! ([FIPS 186-5](https://doi.org/10.6028/NIST.FIPS.186-5)). This crate only verifies them.

use p256::ecdsa::signature::hazmat::PrehashVerifier;

/// The curve of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

/// Returns true if `signature`, an ECDSA-Sig-Value in DER, is valid for the message with this hash
/// under `key`, which is a point of the curve as in a certificate's subjectPublicKey.
pub(crate) fn verifies_hash(curve: Curve, key: &[u8], hash: &[u8], signature: &[u8]) -> bool {
    match curve {
        Curve::P256 => verifies_p256(key, hash, signature),
        Curve::P384 => verifies_p384(key, hash, signature),
    }
    .is_some()
}

fn verifies_p256(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(hash, &signature).ok()
}

fn verifies_p384(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(hash, &signature).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hash::SignatureHash;
    use core::mem::discriminant;
    use p256::ecdsa::signature::hazmat::PrehashSigner;

    fn verifies(
        curve: Curve,
        hash: SignatureHash,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        verifies_hash(curve, key, &hash.of(&[message]), signature)
    }

    const MESSAGE: &[u8] = b"what an authority signs";
    const HASHES: [SignatureHash; 3] = [
        SignatureHash::Sha256,
        SignatureHash::Sha384,
        SignatureHash::Sha512,
    ];

    /// The orders of the curves
    /// ([NIST SP 800-186 section 3.2.1](https://doi.org/10.6028/NIST.SP.800-186)).
    const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const P384_ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffff\
                              c7634d81f4372ddf581a0db248b0a77aecec196accc52973";

    /// A public key, and what its private key makes of [`MESSAGE`].
    struct Signed {
        curve: Curve,
        hash: SignatureHash,
        key: Vec<u8>,
        /// As big-endian integers, as long as the curve's order.
        r: Vec<u8>,
        s: Vec<u8>,
    }

    impl Signed {
        /// The private key is this byte again and again.
        fn p256(private: u8, hash: SignatureHash) -> Self {
            let key = p256::ecdsa::SigningKey::from_slice(&[private; 32]).unwrap();
            let signature: p256::ecdsa::Signature = key.sign_prehash(&hash.of(&[MESSAGE])).unwrap();
            let (r, s) = signature.split_bytes();
            Self {
                curve: Curve::P256,
                hash,
                key: key.verifying_key().to_sec1_point(false).as_bytes().into(),
                r: r.to_vec(),
                s: s.to_vec(),
            }
        }

        fn p384(private: u8, hash: SignatureHash) -> Self {
            let key = p384::ecdsa::SigningKey::from_slice(&[private; 48]).unwrap();
            let signature: p384::ecdsa::Signature = key.sign_prehash(&hash.of(&[MESSAGE])).unwrap();
            let (r, s) = signature.split_bytes();
            Self {
                curve: Curve::P384,
                hash,
                key: key.verifying_key().to_sec1_point(false).as_bytes().into(),
                r: r.to_vec(),
                s: s.to_vec(),
            }
        }

        fn both(hash: SignatureHash) -> [Self; 2] {
            [Self::p256(1, hash), Self::p384(1, hash)]
        }

        fn order(&self) -> Vec<u8> {
            let digits = match self.curve {
                Curve::P256 => P256_ORDER,
                Curve::P384 => P384_ORDER,
            };
            let digits = digits.as_bytes().chunks(2);
            digits
                .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        }

        /// The order less this number.
        fn negated(&self, number: &[u8]) -> Vec<u8> {
            let mut difference = self.order();
            let mut borrow = 0;
            for (to, from) in difference.iter_mut().zip(number).rev() {
                let (less, first) = to.overflowing_sub(*from);
                let (less, second) = less.overflowing_sub(borrow);
                *to = less;
                borrow = u8::from(first || second);
            }
            difference
        }

        fn der(&self) -> Vec<u8> {
            sequence(&[integer(&self.r), integer(&self.s)].concat())
        }

        fn verifies(&self, signature: &[u8]) -> bool {
            verifies(self.curve, self.hash, &self.key, MESSAGE, signature)
        }
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 0x80);
        [&[tag, length], content].concat()
    }

    fn sequence(content: &[u8]) -> Vec<u8> {
        tlv(0x30, content)
    }

    /// An INTEGER with the minimal content for this big-endian number.
    fn integer(number: &[u8]) -> Vec<u8> {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        match &number[zeros..] {
            [] => tlv(2, &[0]),
            digits @ [0x80..=0xff, ..] => tlv(2, &[&[0], digits].concat()),
            digits => tlv(2, digits),
        }
    }

    #[test]
    fn signatures_of_both_curves_over_every_hash_verify() {
        for hash in HASHES {
            for private in [1, 2, 0x7f, 0xfe] {
                for signed in [Signed::p256(private, hash), Signed::p384(private, hash)] {
                    assert!(signed.verifies(&signed.der()));
                    // "s" may be in either half of its range.
                    let s = signed.negated(&signed.s);
                    let r = signed.r.clone();
                    let other_half = Signed { r, s, ..signed };
                    assert!(other_half.verifies(&other_half.der()));
                }
            }
        }
    }

    #[test]
    fn whatever_differs_the_signature_is_wrong() {
        for signed in HASHES.map(Signed::both).as_flattened() {
            let Signed { curve, key, .. } = signed;
            let der = signed.der();
            for hash in HASHES {
                let verified = verifies(*curve, hash, key, MESSAGE, &der);
                assert_eq!(verified, discriminant(&hash) == discriminant(&signed.hash));
            }
            assert!(!verifies(*curve, signed.hash, key, b"another", &der));
            assert!(!verifies(*curve, signed.hash, key, b"", &der));
            let other_curve = match curve {
                Curve::P256 => Curve::P384,
                Curve::P384 => Curve::P256,
            };
            assert!(!verifies(other_curve, signed.hash, key, MESSAGE, &der));
            for other in [Signed::p256(2, signed.hash), Signed::p384(2, signed.hash)] {
                assert!(!verifies(*curve, signed.hash, &other.key, MESSAGE, &der));
                assert!(!verifies(
                    other.curve,
                    signed.hash,
                    &other.key,
                    MESSAGE,
                    &der
                ));
            }
        }
    }

    #[test]
    fn with_any_bit_changed_it_is_wrong() {
        for signed in Signed::both(SignatureHash::Sha256) {
            let der = signed.der();
            for bit in 0..der.len() * 8 {
                let mut changed = der.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!signed.verifies(&changed), "{bit}");
            }
            // The point is not on the curve any more, or is another one.
            for byte in 0..signed.key.len() {
                let mut key = signed.key.clone();
                key[byte] ^= 1 << (byte % 8);
                let verified = verifies(signed.curve, signed.hash, &key, MESSAGE, &der);
                assert!(!verified, "{byte}");
            }
        }
    }

    #[test]
    fn numbers_out_of_their_range_are_refused() {
        for signed in Signed::both(SignatureHash::Sha384) {
            let (r, s, order) = (&signed.r, &signed.s, &signed.order());
            let zero = &vec![0; order.len()];
            let one_more = &[&[1], &zero[..]].concat();
            for (r, s) in [
                (zero, s),
                (r, zero),
                (zero, zero),
                (order, s),
                (r, order),
                (order, order),
                (zero, order),
                (one_more, s),
                (r, one_more),
            ] {
                let der = sequence(&[integer(r), integer(s)].concat());
                assert!(!signed.verifies(&der));
            }
        }
    }

    /// "DER is a restricted form of BER": there is one encoding of a signature.
    #[test]
    fn other_encodings_are_refused() {
        for signed in Signed::both(SignatureHash::Sha256) {
            let (r, s) = (integer(&signed.r), integer(&signed.s));
            let content = [&r[..], &s].concat();
            let padded = |number: &[u8]| tlv(2, &[&[0; 2], number].concat());
            let length = u8::try_from(content.len()).unwrap();
            for wrong in [
                vec![],
                [&signed.r[..], &signed.s].concat(),
                content.clone(),
                tlv(0x31, &content),
                sequence(&r),
                sequence(&[&s[..], &r].concat()),
                sequence(&[&content[..], &[5, 0]].concat()),
                sequence(&[padded(&signed.r), s.clone()].concat()),
                sequence(&[r.clone(), padded(&signed.s)].concat()),
                [&[0x30, 0x81, length], &content[..]].concat(),
                [&[0x30, 0x80], &content[..], &[0, 0]].concat(),
                [signed.der(), vec![0]].concat(),
                signed.der()[..signed.der().len() - 1].to_vec(),
                sequence(&[tlv(2, &[]), s.clone()].concat()),
                sequence(&[tlv(4, &signed.r), tlv(4, &signed.s)].concat()),
            ] {
                assert!(!signed.verifies(&wrong), "{wrong:02x?}");
            }
            // Without the zero in front of it a number is negative.
            let both = [signed.s.clone(), signed.negated(&signed.s)];
            let s = both.into_iter().find(|s| s[0] >= 0x80).unwrap();
            assert!(signed.verifies(&sequence(&[r.clone(), integer(&s)].concat())));
            assert!(!signed.verifies(&sequence(&[r, tlv(2, &s)].concat())));
        }
    }

    #[test]
    fn a_key_is_a_point_of_its_curve() {
        for signed in Signed::both(SignatureHash::Sha256) {
            let der = signed.der();
            let verified = |key: &[u8]| verifies(signed.curve, signed.hash, key, MESSAGE, &der);
            let (x, y) = signed.key[1..].split_at(signed.order().len());
            let compressed = |sign: u8| [&[sign], x].concat();
            let parity = y[y.len() - 1] & 1;
            assert!(verified(&compressed(2 | parity)));
            assert!(!verified(&compressed(3 - parity)));
            let zeros = vec![0; x.len() * 2];
            for wrong in [
                vec![],
                // The point at infinity.
                vec![0],
                [&[0], &signed.key[1..]].concat(),
                [&[4], &zeros[..]].concat(),
                [&[6 | parity], &signed.key[1..]].concat(),
                signed.key[1..].to_vec(),
                signed.key[..signed.key.len() - 1].to_vec(),
                [&signed.key[..], &[0]].concat(),
                [&[4], y, x].concat(),
            ] {
                assert!(!verified(&wrong), "{wrong:02x?}");
            }
        }
    }
}
