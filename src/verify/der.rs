//! The few DER elements that this room writes.

const SEQUENCE: u8 = 0x30;

/// A SEQUENCE whose content is the concatenation of these parts.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut der = vec![SEQUENCE];
    write_length(content.len(), &mut der);
    der.extend_from_slice(&content);
    der
}

/// "The definite form of length encoding shall be used, encoded in the minimum number of octets"
/// ([X.690 section 10.1](https://www.itu.int/rec/T-REC-X.690)).
fn write_length(length: usize, der: &mut Vec<u8>) {
    let bytes = length.to_be_bytes();
    let mut significant = bytes.as_slice();
    while let [0, rest @ ..] = significant {
        significant = rest;
    }
    match significant {
        [] => der.push(0),
        [short @ 0..=0x7f] => der.push(*short),
        long => {
            // No more than the eight bytes of a `usize`.
            der.push(long.iter().fold(0x80, |marked, _| marked + 1));
            der.extend_from_slice(long);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_has_the_shortest_length() {
        for (length, header) in [
            (0, &b"\x30\x00"[..]),
            (1, b"\x30\x01"),
            (0x7f, b"\x30\x7f"),
            (0x80, b"\x30\x81\x80"),
            (0xff, b"\x30\x81\xff"),
            (0x100, b"\x30\x82\x01\x00"),
            (0xffff, b"\x30\x82\xff\xff"),
            (0x1_0000, b"\x30\x83\x01\x00\x00"),
        ] {
            let content = vec![7; length];
            let (first, second) = content.split_at(length / 2);
            let der = sequence(&[first, second]);
            assert_eq!(der, [header, &content].concat(), "{length}");
        }
    }
}
