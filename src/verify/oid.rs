//! Object identifiers as text.

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
        }
        let uuid = encode_oid(&format!("2.25.{}", u128::MAX)).unwrap();
        assert_eq!((uuid.len(), uuid[1], uuid[19]), (20, 0x83, 0x7f));
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
