//! DER written by hand, so that a test controls every byte.

use std::str::FromStr;
use std::time::Duration;
use x509_cert::der::asn1::{GeneralizedTime, OctetString, UintRef};
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Encode, Length};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::time::Time;

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const ENUMERATED: u8 = 0x0a;
pub const UTF8_STRING: u8 = 0x0c;
pub const PRINTABLE_STRING: u8 = 0x13;
pub const TELETEX_STRING: u8 = 0x14;
pub const IA5_STRING: u8 = 0x16;
pub const UNIVERSAL_STRING: u8 = 0x1c;
pub const BMP_STRING: u8 = 0x1e;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// The tag of a primitive field under an implicit tag.
pub const fn primitive(number: u8) -> u8 {
    0x80 | number
}

/// The tag of a constructed field under an implicit tag, and of any under an explicit one.
pub const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// An element: its tag, its length, its content.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = Length::try_from(content.len()).unwrap().to_der().unwrap();
    [&[tag], &*length, &content].concat()
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

/// A list of these elements, absent without any.
pub fn sequence_of(elements: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    match &*elements.flatten().collect::<Vec<_>>() {
        [] => vec![],
        elements => sequence(&[elements]),
    }
}

/// An element under an explicit tag, absent where the element is.
pub fn explicit(number: u8, element: &[u8]) -> Vec<u8> {
    match element {
        [] => vec![],
        _ => tlv(constructed(number), &[element]),
    }
}

/// An INTEGER with this content, be it minimal, negative or empty.
pub fn integer(content: &[u8]) -> Vec<u8> {
    tlv(INTEGER, &[content])
}

/// An INTEGER with the minimal content for this big-endian number.
pub fn unsigned(number: &[u8]) -> Vec<u8> {
    UintRef::new(number).unwrap().to_der().unwrap()
}

/// A version, of which the first is written by leaving it out.
pub fn version(version: u8) -> Vec<u8> {
    match version {
        1 => vec![],
        _ => integer(&[version - 1]),
    }
}

pub fn null() -> Vec<u8> {
    tlv(NULL, &[])
}

pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    let unused_bits = [0];
    tlv(BIT_STRING, &[&unused_bits, bytes])
}

pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, &[bytes])
}

pub fn enumerated(value: u8) -> Vec<u8> {
    tlv(ENUMERATED, &[&[value]])
}

pub fn object_identifier(oid: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(oid).to_der().unwrap()
}

/// A name in the notation of [RFC 4514](https://www.rfc-editor.org/rfc/rfc4514).
pub fn name(text: &str) -> Vec<u8> {
    match text {
        "" => sequence(&[]),
        _ => Name::from_str(text).unwrap().to_der().unwrap(),
    }
}

/// A name that is one common name, a UTF8String of whatever bytes.
pub fn common_name(content: &[u8]) -> Vec<u8> {
    let attribute = [object_identifier("2.5.4.3"), tlv(UTF8_STRING, &[content])].concat();
    sequence(&[&tlv(SET, &[&sequence(&[&attribute])])])
}

/// Seconds since 1970 as
/// [RFC 5280 section 4.1.2.5](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5) writes them:
/// a UTCTime through 2049, a GeneralizedTime from then on.
pub fn time(seconds: u64) -> Vec<u8> {
    Time::from(date(seconds).to_date_time()).to_der().unwrap()
}

pub fn generalized_time(seconds: u64) -> Vec<u8> {
    date(seconds).to_der().unwrap()
}

fn date(seconds: u64) -> GeneralizedTime {
    GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap()
}

/// An extension with this DER in it.
pub fn extension(oid: &str, critical: bool, value: &[u8]) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new_unwrap(oid),
        critical,
        extn_value: OctetString::new(value).unwrap(),
    }
}

/// An extension that `x509-cert` knows.
pub fn known<T: AssociatedOid + Encode>(critical: bool, value: &T) -> Extension {
    Extension {
        extn_id: T::OID,
        critical,
        extn_value: OctetString::new(value.to_der().unwrap()).unwrap(),
    }
}

/// The list of these extensions, absent without any.
pub fn extensions(list: &[Extension]) -> Vec<u8> {
    sequence_of(list.iter().map(|extension| extension.to_der().unwrap()))
}
