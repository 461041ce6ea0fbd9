//! The tags of DER elements, the few elements that this room writes, and a strict reader of elements.

use core::iter::Peekable;

pub(super) const BOOLEAN: u8 = 1;
pub(super) const INTEGER: u8 = 2;
pub(super) const BIT_STRING: u8 = 3;
pub(super) const OCTET_STRING: u8 = 4;
pub(super) const OBJECT_IDENTIFIER: u8 = 6;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A SEQUENCE whose content is the concatenation of these parts.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

/// An element with this tag whose content is the concatenation of these parts.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    // A header is at most two bytes and a `usize`.
    let mut der = Vec::with_capacity(length + 2 + size_of::<usize>());
    der.push(tag);
    write_length(length, &mut der);
    for part in parts {
        der.extend_from_slice(part);
    }
    der
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// The whole element, with its tag and length.
    pub(super) der: &'a [u8],
}

/// The bytes are not DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotDer;

/// Reads elements one after the other. It accepts no tag of more than one byte and no length that
/// is not the shortest, so that an element that is written anew has the bytes that were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// `None` after an error.
    rest: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    /// The elements inside this one, if it has this tag.
    pub(super) fn content_of(&self, tag: u8) -> Option<Reader<'a>> {
        (self.tag == tag).then_some(Reader::new(self.content))
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self { rest: Some(der) }
    }

    /// The next element and the bytes behind it.
    fn split(der: &'a [u8]) -> Option<(Element<'a>, &'a [u8])> {
        let (&[tag, first], behind) = der.split_first_chunk()?;
        // The low five bits of a tag of several bytes are set.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, behind) = if first < 0x80 {
            (usize::from(first), behind)
        } else {
            let (bytes, behind) = behind.split_at_checked(usize::from(first & 0x7f))?;
            (shortest_length(bytes)?, behind)
        };
        let (content, rest) = behind.split_at_checked(length)?;
        let der = der.get(..der.len().checked_sub(rest.len())?)?;
        Some((Element { tag, content, der }, rest))
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Element<'a>, NotDer>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        if rest.is_empty() {
            return None;
        }
        let Some((element, rest)) = Self::split(rest) else {
            return Some(Err(NotDer));
        };
        self.rest = Some(rest);
        Some(Ok(element))
    }
}

/// The only element of this DER.
pub(super) fn only_element(der: &[u8]) -> Option<Element<'_>> {
    let mut reader = Reader::new(der);
    let whole = reader.next()?.ok()?;
    reader.next().is_none().then_some(whole)
}

/// The next field, if it has one of these tags. The outer `None` is an error.
pub(super) fn optional<'a>(
    fields: &mut Peekable<Reader<'a>>,
    tags: &[u8],
) -> Option<Option<Element<'a>>> {
    match fields.peek() {
        Some(Err(_)) => None,
        Some(Ok(field)) if tags.contains(&field.tag) => fields.next()?.ok().map(Some),
        _ => Some(None),
    }
}

/// Returns true if this is the content of an INTEGER in DER: "the bits of the first octet and bit 8
/// of the second octet [..] shall not all be ones; and shall not all be zero"
/// ([X.690 section 8.3.2](https://www.itu.int/rec/T-REC-X.690)).
pub(super) fn is_integer(content: &[u8]) -> bool {
    !matches!(content, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..])
}

/// The number in the content of an INTEGER, or the largest one if it is larger; `None` if it is
/// negative or not in DER.
pub(super) fn unsigned(content: &[u8]) -> Option<usize> {
    if !is_integer(content) || content.first().is_some_and(|first| *first >= 0x80) {
        return None;
    }
    let number = content.iter().try_fold(0_usize, |number, byte| {
        number.checked_mul(1 << 8)?.checked_add(usize::from(*byte))
    });
    Some(number.map_or(usize::MAX, |number| number))
}

/// A length in several bytes; `None` if it could be written in fewer.
fn shortest_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first().is_none_or(|first| *first == 0) || bytes.len() > size_of::<usize>() {
        return None;
    }
    let length = bytes.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
    (length >= 0x80).then_some(length)
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
            let read: Vec<_> = Reader::new(&der).collect();
            let [Ok(element)] = read[..] else { panic!() };
            assert_eq!(element.tag, SEQUENCE);
            assert_eq!((element.content, element.der), (&*content, &*der));
        }
    }

    #[test]
    fn an_integer_has_no_needless_byte() {
        for minimal in [
            &[0][..],
            &[0x7f],
            &[0x80],
            &[0xff],
            &[0, 0x80],
            &[0xff, 0x7f],
            &[1, 0],
        ] {
            assert!(is_integer(minimal), "{minimal:02x?}");
        }
        for padded in [
            &[][..],
            &[0, 0],
            &[0, 0x7f],
            &[0xff, 0x80],
            &[0xff, 0xff, 1],
        ] {
            assert!(!is_integer(padded), "{padded:02x?}");
        }
    }

    #[test]
    fn elements_are_read_up_to_the_first_that_is_not_der() {
        let mut reader = Reader::new(b"\x02\x01\x07\x05\x00\x02\x02\x01");
        let contents: Vec<_> = reader.by_ref().map(|element| element.map(|e| e.content)).collect();
        assert_eq!(contents, [Ok(&b"\x07"[..]), Ok(b""), Err(NotDer)]);
        assert!(reader.next().is_none());
        for bad in [
            &b"\x30"[..],
            // Longer than needed.
            b"\x30\x81\x01\x00",
            b"\x30\x82\x00\x80",
            // Indefinite.
            b"\x30\x80\x00\x00",
            // A tag of two bytes.
            b"\x3f\x01\x00",
            b"\x30\x81",
            b"\x30\x01",
            b"\x30\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let read: Vec<_> = Reader::new(bad).map(|element| element.map(|_| ())).collect();
            assert_eq!(read, [Err(NotDer)], "{bad:02x?}");
        }
        assert!(
            Element {
                tag: SET,
                content: b"",
                der: b""
            }
            .content_of(SEQUENCE)
            .is_none()
        );
    }

    #[test]
    fn integers_are_minimal() {
        for (content, number) in [
            (&[0][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0, 0x80], Some(128)),
            (&[1, 0], Some(256)),
            (&[0x7f; 9], Some(usize::MAX)),
            // Negative.
            (&[0x80], None),
            (&[0xff, 0x7f], None),
        ] {
            assert!(is_integer(content), "{content:02x?}");
            assert_eq!(unsigned(content), number, "{content:02x?}");
        }
        for content in [
            &[][..],
            &[0, 0],
            &[0, 0x7f],
            &[0xff, 0xff],
            &[0xff, 0x80, 0],
        ] {
            assert!(!is_integer(content), "{content:02x?}");
            assert_eq!(unsigned(content), None, "{content:02x?}");
        }
    }
}
