//! Object identifiers: as text, and those that this room knows. An identifier is the content of its
//! encoding.

use core::fmt;

/// Extensions of certificates, 2.5.29.
pub(super) const KEY_USAGE: &[u8] = b"\x55\x1d\x0f";
pub(super) const SUBJECT_ALT_NAME: &[u8] = b"\x55\x1d\x11";
pub(super) const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
pub(super) const NAME_CONSTRAINTS: &[u8] = b"\x55\x1d\x1e";
pub(super) const CRL_DISTRIBUTION_POINTS: &[u8] = b"\x55\x1d\x1f";
pub(super) const CERTIFICATE_POLICIES: &[u8] = b"\x55\x1d\x20";
pub(super) const POLICY_MAPPINGS: &[u8] = b"\x55\x1d\x21";
pub(super) const POLICY_CONSTRAINTS: &[u8] = b"\x55\x1d\x24";
pub(super) const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1d\x25";
pub(super) const INHIBIT_ANY_POLICY: &[u8] = b"\x55\x1d\x36";

/// commonName, 2.5.4.3.
pub(super) const COMMON_NAME: &[u8] = b"\x55\x04\x03";

/// Keys and signatures of PKCS #1, 1.2.840.113549.1.1.
pub(super) const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
pub(super) const MD5_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04";
pub(super) const SHA1_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05";
pub(super) const PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
pub(super) const SHA256_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
pub(super) const SHA384_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c";
pub(super) const SHA512_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d";

/// Signatures of X9.62, 1.2.840.10045.4.3.
pub(super) const ECDSA_WITH_SHA256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
pub(super) const ECDSA_WITH_SHA384: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x03";
pub(super) const ECDSA_WITH_SHA512: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x04";

/// Hash functions: 1.3.14.3.2.26, and NIST's 2.16.840.1.101.3.4.2.
pub(super) const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
pub(super) const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
pub(super) const SHA384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
pub(super) const SHA512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";

/// An object identifier in dotted form; one with an arc that does not fit 128 bits in hexadecimal.
pub(super) struct OidText<'a>(pub(super) &'a [u8]);

impl fmt::Display for OidText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(arcs) = arcs(self.0) else {
            f.write_str("#")?;
            return self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"));
        };
        for (index, arc) in arcs.iter().enumerate() {
            let separator = if index == 0 { "" } else { "." };
            write!(f, "{separator}{arc}")?;
        }
        Ok(())
    }
}

/// The arcs of an object identifier; the first two are encoded as one.
fn arcs(oid: &[u8]) -> Option<Vec<u128>> {
    let mut arcs = Vec::new();
    for encoded in oid.split_inclusive(|byte| *byte < 0x80) {
        let arc = encoded.iter().try_fold(0_u128, |arc, byte| {
            Some(arc.checked_mul(1 << 7)? | u128::from(byte & 0x7f))
        })?;
        if arcs.is_empty() {
            let root = (arc / 40).min(2);
            arcs.extend([root, arc - 40 * root]);
        } else {
            arcs.push(arc);
        }
    }
    Some(arcs)
}

/// Encodes an object identifier in dotted form
/// ([X.690 section 8.19](https://www.itu.int/rec/T-REC-X.690)), with arcs below 2^128.
pub(super) fn encode_oid(text: &str) -> Option<Vec<u8>> {
    let mut arcs = text.split('.').map(|arc| arc.parse::<u128>().ok());
    let (root, second) = (arcs.next()??, arcs.next()??);
    if root > 2 || (root < 2 && second >= 40) {
        return None;
    }
    let first = second.checked_add(40 * root)?;
    let mut bytes = Vec::new();
    for arc in [Some(first)].into_iter().chain(arcs) {
        encode_arc(arc?, &mut bytes);
    }
    Some(bytes)
}

/// Seven bits in each byte, the highest first; all bytes but the last have the high bit set.
fn encode_arc(arc: u128, bytes: &mut Vec<u8>) {
    let digits = (128 - arc.leading_zeros()).div_ceil(7).max(1);
    for digit in (0..digits).rev() {
        let [low, ..] = (arc >> (7 * digit)).to_le_bytes();
        bytes.push(if digit > 0 { low | 0x80 } else { low & 0x7f });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_are_encoded_whatever_their_arcs() {
        for (text, bytes) in [
            ("1.3.6.1.4.1.311", &b"\x2b\x06\x01\x04\x01\x82\x37"[..]),
            ("2.5.29.17", b"\x55\x1d\x11"),
            ("2.999.3", b"\x88\x37\x03"),
            ("0.0", b"\x00"),
            ("2.25.127", b"\x69\x7f"),
            ("2.25.128", b"\x69\x81\x00"),
        ] {
            assert_eq!(encode_oid(text).unwrap(), bytes, "{text}");
            assert_eq!(OidText(bytes).to_string(), text);
        }
        let uuid = encode_oid(&format!("2.25.{}", u128::MAX)).unwrap();
        assert_eq!((uuid.len(), uuid[1], uuid[19]), (20, 0x83, 0x7f));
        assert_eq!(OidText(&uuid).to_string(), format!("2.25.{}", u128::MAX));
        let longer = [&b"\x69\x84"[..], &[0x80; 17], b"\x00"].concat();
        assert!(OidText(&longer).to_string().starts_with("#6984"));
        for bad in [
            "",
            "1",
            "3.1",
            "1.40",
            "1..2",
            "1.a",
            "1.3.-1",
            "1.3.",
            &"9".repeat(40),
        ] {
            assert_eq!(encode_oid(bad), None, "{bad}");
        }
    }
}
