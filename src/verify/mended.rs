//! A pinned certificate whose encoding is not DER, written anew in DER.
//!
//! Old devices and home-made tools encode certificates in ways that parsers refuse today. A pin
//! vouches for the very bytes, so no signature is at stake: it is enough that the key, the name and
//! the dates can be read. What is read here is never used for a certificate that is not pinned.

use super::der::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, SEQUENCE, element};

const CONSTRUCTED: u8 = 0x20;
/// `[0] EXPLICIT` version, the first field of a tbsCertificate, unless it is absent.
const VERSION: u8 = 0xa0;
/// `[3] EXPLICIT` extensions.
const EXTENSIONS: u8 = 0xa3;
/// id-ce-basicConstraints, the only extension with a BOOLEAN inside.
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";

/// The fields of a tbsCertificate between its version and its subjectPublicKeyInfo.
const FIELDS_BEFORE_KEY: usize = 5;

/// How deep elements may lie in each other; a certificate has ten levels or less.
const MAX_DEPTH: u8 = 16;

/// The certificate in DER, if it differs from DER in these ways alone:
///
/// - lengths and INTEGERs of more bytes than necessary;
/// - a BOOLEAN that is true and not 0xff;
/// - an RSA modulus or exponent without the zero byte in front of a high bit.
pub(super) fn mend(certificate: &[u8]) -> Option<Vec<u8>> {
    let [signed, algorithm, signature] = &*elements(only(certificate, SEQUENCE)?)? else {
        return None;
    };
    let fields = elements(signed.content_of(SEQUENCE)?)?;
    let before = usize::from(fields.first()?.tag == VERSION) + FIELDS_BEFORE_KEY;
    let fields = fields.iter().enumerate().map(|(index, field)| match field.tag {
        _ if index == before => mended_key(field),
        EXTENSIONS => mended_extensions(field),
        _ => plain(field, 0),
    });
    let fields: Vec<_> = fields.collect::<Option<_>>()?;
    let signed = element(SEQUENCE, &[&fields.concat()]);
    let outer = [plain(algorithm, 0)?, plain(signature, 0)?].concat();
    Some(element(SEQUENCE, &[&signed, &outer]))
}

/// An element with a definite length of however many bytes.
#[derive(Clone, Copy, Debug)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Element<'a> {
    fn content_of(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// The first element, and the bytes behind it.
fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    // A tag of several bytes.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = match first {
        short @ ..0x80 => (usize::from(short), rest),
        // An indefinite length.
        0x80 => return None,
        long => {
            let (length, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add((*byte).into());
            (length.iter().try_fold(0, add)?, rest)
        }
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((Element { tag, content }, behind))
}

fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !bytes.is_empty() {
        let (element, behind) = split(bytes)?;
        elements.push(element);
        bytes = behind;
    }
    Some(elements)
}

/// The content of these bytes, which must be one element with this tag.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    match &*elements(bytes)? {
        [element] => element.content_of(tag),
        _ => None,
    }
}

/// An element in DER, as far as the form of lengths, INTEGERs and BOOLEANs matters.
fn plain(original: &Element<'_>, depth: u8) -> Option<Vec<u8>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let content = match (original.tag, original.content) {
        (BOOLEAN, &[value]) if value != 0 => vec![0xff],
        (INTEGER, content) => shortest(content).to_vec(),
        (tag, content) if tag & CONSTRUCTED != 0 => {
            let inner = elements(content)?;
            let inner = inner.iter().map(|inner| plain(inner, depth + 1));
            inner.collect::<Option<Vec<_>>>()?.concat()
        }
        (_, content) => content.to_vec(),
    };
    Some(element(original.tag, &[&content]))
}

/// The same two's complement number in the fewest bytes.
fn shortest(mut number: &[u8]) -> &[u8] {
    while let [first @ (0 | 0xff), rest @ ..] = number {
        match rest {
            [next, ..] if (*first == 0xff) == (next & 0x80 != 0) => number = rest,
            _ => break,
        }
    }
    number
}

/// A SubjectPublicKeyInfo; an RSAPublicKey in it has unsigned numbers.
fn mended_key(info: &Element<'_>) -> Option<Vec<u8>> {
    let [algorithm, key] = &*elements(info.content_of(SEQUENCE)?)? else {
        return None;
    };
    let numbers = match key.content_of(BIT_STRING)? {
        [0, numbers @ ..] => elements(only(numbers, SEQUENCE)?)?,
        _ => return None,
    };
    let numbers = numbers.iter().map(|number| Some(unsigned(number.content_of(INTEGER)?)));
    let numbers = numbers.collect::<Option<Vec<_>>>()?.concat();
    let key = element(BIT_STRING, &[&[0], &element(SEQUENCE, &[&numbers])]);
    Some(element(SEQUENCE, &[&plain(algorithm, 0)?, &key]))
}

/// An INTEGER of a number that is not negative, whatever its first bit is.
fn unsigned(number: &[u8]) -> Vec<u8> {
    element(INTEGER, &[shortest(&[&[0], number].concat())])
}

/// The extensions, with the critical flag and the content of basicConstraints in DER.
fn mended_extensions(field: &Element<'_>) -> Option<Vec<u8>> {
    let list = elements(only(field.content, SEQUENCE)?)?;
    let list = list.iter().map(|extension| {
        let parts = elements(extension.content_of(SEQUENCE)?)?;
        let constrains = parts.first()?.content == BASIC_CONSTRAINTS;
        let parts = parts.iter().map(|part| match part.content_of(OCTET_STRING) {
            Some(value) if constrains => {
                let inner = Element {
                    tag: SEQUENCE,
                    content: only(value, SEQUENCE)?,
                };
                Some(element(OCTET_STRING, &[&plain(&inner, 0)?]))
            }
            _ => plain(part, 0),
        });
        Some(element(
            SEQUENCE,
            &[&parts.collect::<Option<Vec<_>>>()?.concat()],
        ))
    });
    let list = list.collect::<Option<Vec<_>>>()?.concat();
    Some(element(field.tag, &[&element(SEQUENCE, &[&list])]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{authority, server};

    /// The certificate with the first occurrence of some bytes replaced; the lengths around them
    /// are written anew.
    fn changed(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        fn rewrite(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
            let (first, behind) = split(bytes)?;
            let content = match first.tag {
                BIT_STRING => [
                    &first.content[..1],
                    &*rewrite_all(&first.content[1..], from, to),
                ]
                .concat(),
                _ => rewrite_all(first.content, from, to),
            };
            let whole = element(first.tag, &[&content]);
            let whole = if whole == from { to.to_vec() } else { whole };
            Some([whole, rewrite_all(behind, from, to)].concat())
        }
        fn rewrite_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
            let inner = rewrite(bytes, from, to);
            // Not elements, but a value.
            inner.unwrap_or_else(|| bytes.to_vec())
        }
        let changed = rewrite_all(der, from, to);
        assert!(changed != der);
        changed
    }

    #[test]
    fn der_stays_as_it_is() {
        for spec in [server(), authority(), server().version_1()] {
            let der = spec.build();
            assert_eq!(mend(&der).as_deref(), Some(&*der));
        }
    }

    #[test]
    fn what_is_not_der_is_mended() {
        let server = server().build();
        let authority = authority().build();
        for (der, from, to) in [
            (&server, &b"\x01\x01\xff"[..], &b"\x01\x01\x01"[..]),
            (&authority, b"\x01\x01\xff", b"\x01\x01\x7f"),
            (&server, b"\x02\x01\x2a", b"\x02\x02\x00\x2a"),
            (&server, b"\x02\x01\x2a", b"\x02\x81\x01\x2a"),
            (&server, b"\x02\x01\x2a", b"\x02\x84\0\0\0\x01\x2a"),
            (&server, b"\x02\x03\x01\0\x01", b"\x02\x04\0\x01\0\x01"),
        ] {
            let changed = changed(der, from, to);
            assert!(mend(&changed).as_deref() == Some(&**der), "{to:x?}");
        }
    }

    #[test]
    fn a_modulus_without_its_zero_is_mended() {
        let der = server().build();
        let header = b"\x02\x82\x01\x01\x00";
        let start = der.windows(5).position(|at| at == header).unwrap();
        let whole = &der[start..start + 4 + 257];
        let bare = element(INTEGER, &[&whole[5..]]);
        let changed = changed(&der, whole, &bare);
        assert_eq!(changed.len(), der.len() - 1);
        assert!(mend(&changed).as_deref() == Some(&*der));
    }

    #[test]
    fn anything_else_is_refused() {
        let der = server().build();
        for end in 0..der.len() {
            assert_eq!(mend(&der[..end]), None);
        }
        assert_eq!(mend(&[&*der, &[0]].concat()), None);
        // An indefinite length, a tag of two bytes, and nothing but depth.
        assert_eq!(mend(b"\x30\x80\x00\x00"), None);
        assert_eq!(mend(b"\x3f\x30\x00"), None);
        let mut deep = vec![];
        for _ in 0..200 {
            deep = element(SEQUENCE, &[&deep]);
        }
        let fields = [&deep; 6].map(|field| &**field).concat();
        let signed = element(SEQUENCE, &[&fields]);
        let algorithm = element(SEQUENCE, &[]);
        assert_eq!(
            mend(&element(SEQUENCE, &[&signed, &algorithm, &algorithm])),
            None
        );
    }

    #[test]
    fn a_number_is_shortened_and_keeps_its_sign() {
        for (long, short) in [
            (&[0, 0, 1][..], &[1][..]),
            (&[0, 0x80], &[0, 0x80]),
            (&[0, 0, 0x80], &[0, 0x80]),
            (&[0xff, 0xff], &[0xff]),
            (&[0xff, 0x7f], &[0xff, 0x7f]),
            (&[0], &[0]),
            (&[], &[]),
        ] {
            assert_eq!(shortest(long), short);
        }
        assert_eq!(unsigned(&[0x80]), b"\x02\x02\x00\x80");
        assert_eq!(unsigned(&[0, 0, 7]), b"\x02\x01\x07");
    }
}
