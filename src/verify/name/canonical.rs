//! The form in which distinguished names are compared.

use super::prepare::{decode, prepare};
use crate::verify::der::{Element, OBJECT_IDENTIFIER, SEQUENCE, SET, element, only_element};

const UTF8_STRING: u8 = 0x0c;
/// 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";

/// A Name in the form in which it is compared
/// ([RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1)).
///
/// It is the DER of a Name in which each character string is prepared and encoded as UTF8String and
/// each relative distinguished name is sorted. A value of another type keeps its bytes, and so do
/// bytes that are not a Name. Two names are the same name exactly if these bytes are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::verify) struct CanonicalName {
    der: Box<[u8]>,
    complete: bool,
}

impl CanonicalName {
    pub(in crate::verify) fn of(der: &[u8]) -> Self {
        let mut complete = true;
        match canonical(der, &mut complete) {
            Some(der) => Self { der, complete },
            None => Self {
                der: der.into(),
                complete: false,
            },
        }
    }

    pub(in crate::verify) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns true if the name has no relative distinguished names.
    pub(in crate::verify) fn is_empty(&self) -> bool {
        self.relatives().is_some_and(<[u8]>::is_empty)
    }

    /// Returns true if this name begins with all relative distinguished names of the other: if it
    /// lies in the subtree below that.
    pub(in crate::verify) fn is_within(&self, base: &Self) -> bool {
        match (self.relatives(), base.relatives()) {
            // An element does not begin with another one but itself.
            (Some(own), Some(base)) => own.starts_with(base),
            _ => false,
        }
    }

    /// Returns true if every string of the name is compared as the RFC requires. Otherwise names
    /// that differ here may be the same.
    pub(in crate::verify) fn is_complete(&self) -> bool {
        self.complete
    }

    fn relatives(&self) -> Option<&[u8]> {
        Some(only_element(&self.der)?.content)
    }
}

/// The DER of a Name in its canonical form
/// ([RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1)): two names are the
/// same exactly if these bytes are equal. `None` if the argument is not the DER of a Name.
pub(crate) fn canonical_name(der: &[u8]) -> Option<Box<[u8]>> {
    canonical(der, &mut true)
}

/// Unsets `complete` if a string of the name could not be prepared in full.
fn canonical(der: &[u8], complete: &mut bool) -> Option<Box<[u8]>> {
    let mut relatives = Vec::with_capacity(der.len());
    for relative in only_element(der)?.content_of(SEQUENCE)? {
        let mut attributes = Vec::new();
        for attribute in relative.ok()?.content_of(SET)? {
            attributes.push(canonical_attribute(attribute.ok()?, complete)?);
        }
        if attributes.is_empty() {
            return None;
        }
        attributes.sort_unstable();
        relatives.extend_from_slice(&element(SET, &[&attributes.concat()]));
    }
    Some(element(SEQUENCE, &[&relatives]).into())
}

/// The addresses in the emailAddress attributes of a Name in DER, each `None` if it is not text.
/// `None` if these bytes are not a Name.
pub(in crate::verify) fn mailboxes_in(der: &[u8]) -> Option<Vec<Option<String>>> {
    let mut addresses = Vec::new();
    for relative in only_element(der)?.content_of(SEQUENCE)? {
        for attribute in relative.ok()?.content_of(SET)? {
            let mut fields = attribute.ok()?.content_of(SEQUENCE)?;
            let (kind, value) = (fields.next()?.ok()?, fields.next()?.ok()?);
            if kind.content == EMAIL_ADDRESS {
                let decoded = decode(value.tag, value.content);
                addresses.push(decoded.map(|decoded| decoded.to_text()));
            }
        }
    }
    Some(addresses)
}

/// An AttributeTypeAndValue with its value prepared. Unsets `complete` if the value is text that
/// could not be prepared in full.
fn canonical_attribute(attribute: Element<'_>, complete: &mut bool) -> Option<Vec<u8>> {
    let mut fields = attribute.content_of(SEQUENCE)?;
    let (kind, value) = (fields.next()?.ok()?, fields.next()?.ok()?);
    if kind.tag != OBJECT_IDENTIFIER || fields.next().is_some() {
        return None;
    }
    let Some(decoded) = decode(value.tag, value.content) else {
        return Some(element(SEQUENCE, &[kind.der, value.der]));
    };
    let prepared = prepare(&decoded);
    *complete &= prepared.complete;
    let text = element(UTF8_STRING, &[prepared.text.as_bytes()]);
    Some(element(SEQUENCE, &[kind.der, &text]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::der::sequence;
    use crate::verify::testing::name;
    use core::slice::from_ref;

    const UTF8: u8 = 0x0c;
    const PRINTABLE: u8 = 0x13;
    const TELETEX: u8 = 0x14;
    const IA5: u8 = 0x16;
    const UNIVERSAL: u8 = 0x1c;
    const BMP: u8 = 0x1e;
    const CN: &[u8] = b"\x06\x03\x55\x04\x03";
    const O: &[u8] = b"\x06\x03\x55\x04\x0a";

    fn attribute(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        sequence(&[kind, &element(tag, &[value])])
    }

    /// A name of relative distinguished names with these attributes.
    fn of(relatives: &[&[Vec<u8>]]) -> Vec<u8> {
        let relatives = relatives.iter().map(|attributes| element(SET, &[&attributes.concat()]));
        sequence(&[&relatives.collect::<Vec<_>>().concat()])
    }

    fn common(tag: u8, value: &[u8]) -> Vec<u8> {
        of(&[&[attribute(CN, tag, value)]])
    }

    #[track_caller]
    fn canonical(der: &[u8]) -> CanonicalName {
        canonical_name(der).unwrap();
        CanonicalName::of(der)
    }

    #[test]
    fn a_name_is_the_same_in_every_string_type() {
        let wide = |units: usize| -> Vec<u8> {
            let unit = |byte: &u8| [&vec![0; units - 1][..], &[*byte]].concat();
            b"RIG  ca ".iter().flat_map(unit).collect()
        };
        let it = canonical(&common(UTF8, b"Rig CA"));
        assert_eq!(it.der(), common(UTF8, b"rig ca"));
        assert!(it.is_complete());
        for (tag, value) in [
            (PRINTABLE, b"Rig CA".to_vec()),
            (PRINTABLE, b" rig\t ca".to_vec()),
            (TELETEX, b"Rig Ca".to_vec()),
            (IA5, b"RIG CA".to_vec()),
            (BMP, wide(2)),
            (UNIVERSAL, wide(4)),
        ] {
            assert_eq!(canonical(&common(tag, &value)), it, "{tag:#x}");
        }
        let umlaut = canonical(&common(UTF8, "MÜLLER".as_bytes()));
        assert_eq!(canonical(&common(BMP, b"\0m\0\xfc\0l\0l\0e\0r")), umlaut);
        let latin = canonical(&common(TELETEX, b"M\xfcller"));
        assert_eq!(latin.der(), umlaut.der());
        assert!(umlaut.is_complete() && !latin.is_complete());
    }

    #[test]
    fn another_text_is_another_name() {
        let it = canonical(&common(UTF8, b"Rig CA"));
        for other in [
            common(UTF8, b"RigCA"),
            common(UTF8, b"Rig CB"),
            common(UTF8, b"Rig CA\xcc\x81"),
            common(UTF8, "Rig С\u{410}".as_bytes()),
            of(&[&[attribute(O, UTF8, b"Rig CA")]]),
            of(&[&[
                attribute(CN, UTF8, b"Rig CA"),
                attribute(CN, UTF8, b"Rig CA"),
            ]]),
            of(&[
                &[attribute(CN, UTF8, b"Rig CA")],
                &[attribute(CN, UTF8, b"Rig CA")],
            ]),
            of(&[]),
            // Not a string, and not in UTF-8.
            common(4, b"rig ca"),
            common(UTF8, b"Rig CA\xff"),
            common(PRINTABLE, b"Rig CA\xff"),
        ] {
            assert_ne!(canonical(&other).der(), it.der(), "{other:02x?}");
        }
    }

    #[test]
    fn values_that_are_not_text_are_compared_by_their_bytes() {
        for (tag, value) in [
            (4, &b"A b"[..]),
            (0x12, b"1 2"),
            (UTF8, b"A\xff"),
            (BMP, b"\0A\0"),
            (SEQUENCE, b"\x05\x00"),
        ] {
            let name = common(tag, value);
            assert_eq!(canonical_name(&name).as_deref(), Some(&*name));
        }
    }

    #[test]
    fn relative_names_are_sets_and_their_order_counts() {
        let (cn, o) = (attribute(CN, UTF8, b"a"), attribute(O, UTF8, b"b"));
        let upper = attribute(O, PRINTABLE, b"B");
        let it = canonical(&of(&[&[cn.clone(), o.clone()]]));
        assert_eq!(canonical(&of(&[&[upper, cn.clone()]])), it);
        let one_each = canonical(&of(&[from_ref(&cn), from_ref(&o)]));
        assert_ne!(one_each, it);
        assert_ne!(canonical(&of(&[&[o], &[cn]])), one_each);
    }

    #[test]
    fn a_name_lies_within_itself_and_what_it_begins_with() {
        let device = canonical(&name("CN=a,O=Werk,C=DE"));
        let (werk, country) = (canonical(&name("O=WERK,C=de")), canonical(&name("C=DE")));
        let everything = canonical(&of(&[]));
        assert!(everything.is_empty() && !country.is_empty());
        for base in [&device, &werk, &country, &everything] {
            assert!(device.is_within(base));
        }
        assert!(!werk.is_within(&device));
        for other in ["O=Werk", "O=Wer,C=DE", "O=Werke,C=DE", "CN=a,O=Werk", "C=D"] {
            assert!(!device.is_within(&canonical(&name(other))), "{other}");
        }
    }

    #[test]
    fn what_is_not_a_name_has_no_form() {
        let good = common(UTF8, b"a");
        let attribute = attribute(CN, UTF8, b"a");
        for bad in [
            vec![],
            vec![0x30],
            [&*good, &[0]].concat(),
            element(SET, &[&good]),
            // An empty set, no set, no attribute.
            sequence(&[&element(SET, &[])]),
            sequence(&[&attribute]),
            sequence(&[&element(SET, &[CN])]),
            // An attribute without a value, with two, and of a type that is no identifier.
            sequence(&[&element(SET, &[&sequence(&[CN])])]),
            sequence(&[&element(SET, &[&sequence(&[CN, CN, CN])])]),
            sequence(&[&element(SET, &[&sequence(&[b"\x05\x00", CN])])]),
            // A length that is not the shortest.
            [b"\x30\x81", &good[1..]].concat(),
        ] {
            assert_eq!(canonical_name(&bad), None, "{bad:02x?}");
            let itself = CanonicalName::of(&bad);
            assert_eq!(itself.der(), bad);
            assert!(!itself.is_complete() && !itself.is_empty());
        }
    }
}
