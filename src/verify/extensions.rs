//! The extensions of a certificate that are read on demand
//! ([RFC 5280 section 4.2.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1)).

use super::der::{BOOLEAN, Element, INTEGER, Reader, SEQUENCE, only_element, unsigned};
use super::fields::{Name, bits, identifier};
use super::name::Text;
use super::oid::{self, OidText};
use core::fmt;

/// An extension with its object identifier.
pub(super) trait Known<'a>: Sized {
    const OID: &'static [u8];

    /// Reads the value; `None` if it is not DER, or not of this extension.
    fn read(value: &'a [u8]) -> Option<Self>;
}

/// `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }`.
#[derive(Clone, Copy, Debug)]
pub(super) struct BasicConstraints {
    pub(super) ca: bool,
    pub(super) path_length: Option<u32>,
}

impl<'a> Known<'a> for BasicConstraints {
    const OID: &'static [u8] = oid::BASIC_CONSTRAINTS;

    fn read(value: &'a [u8]) -> Option<Self> {
        let fields = only_element(value)?.content_of(SEQUENCE)?;
        let fields = fields.collect::<Result<Vec<_>, _>>().ok()?;
        let (ca, length) = match *fields {
            [] => (false, None),
            [ca] if ca.tag == BOOLEAN => (boolean(ca)?, None),
            [length] => (false, Some(length)),
            [ca, length] => (boolean(ca)?, Some(length)),
            _ => return None,
        };
        let number = |length: Element<'_>| {
            let number = (length.tag == INTEGER).then_some(unsigned(length.content)?)?;
            u32::try_from(number).ok()
        };
        let path_length = match length {
            Some(length) => Some(number(length)?),
            None => None,
        };
        Some(Self { ca, path_length })
    }
}

fn boolean(element: Element<'_>) -> Option<bool> {
    match (element.tag, element.content) {
        (BOOLEAN, [0xff]) => Some(true),
        // FALSE is written by some, although it is the default.
        (BOOLEAN, [0]) => Some(false),
        _ => None,
    }
}

/// The uses of a key: nine bits, the first of which is the highest.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyUsage(u16);

impl KeyUsage {
    pub(super) const DIGITAL_SIGNATURE: usize = 0;
    pub(super) const KEY_ENCIPHERMENT: usize = 2;
    pub(super) const KEY_CERT_SIGN: usize = 5;
    pub(super) const CRL_SIGN: usize = 6;

    const NAMES: [&'static str; 9] = [
        "Digital Signature",
        "Non Repudiation",
        "Key Encipherment",
        "Data Encipherment",
        "Key Agreement",
        "Key Cert Sign",
        "CRL Sign",
        "Encipher Only",
        "Decipher Only",
    ];

    /// Returns true if it allows the use with this number.
    pub(super) fn allows(self, usage: usize) -> bool {
        self.0 << usage & 0x8000 != 0
    }

    /// The names of the uses that it allows.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let names = Self::NAMES.iter().enumerate();
        names.filter(move |(usage, _)| self.allows(*usage)).map(|(_, name)| *name)
    }
}

impl<'a> Known<'a> for KeyUsage {
    const OID: &'static [u8] = oid::KEY_USAGE;

    fn read(value: &'a [u8]) -> Option<Self> {
        let mut bytes = bits(only_element(value)?)?.iter().copied();
        let mut next = || bytes.next().map_or(0, u16::from);
        Some(Self(next() << 8 | next()))
    }
}

/// id-kp-serverAuth and id-kp-clientAuth.
pub(super) const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";
pub(super) const CLIENT_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x02";

/// The purposes of a key, as the contents of their object identifiers.
#[derive(Clone, Debug)]
pub(super) struct ExtendedKeyUsage<'a>(Vec<&'a [u8]>);

impl<'a> ExtendedKeyUsage<'a> {
    const NAMES: [(&'static [u8], &'static str); 7] = [
        (b"\x55\x1d\x25\x00", "anyExtendedKeyUsage"),
        (SERVER_AUTH, "serverAuth"),
        (CLIENT_AUTH, "clientAuth"),
        (b"\x2b\x06\x01\x05\x05\x07\x03\x03", "codeSigning"),
        (b"\x2b\x06\x01\x05\x05\x07\x03\x04", "emailProtection"),
        (b"\x2b\x06\x01\x05\x05\x07\x03\x08", "timeStamping"),
        (b"\x2b\x06\x01\x05\x05\x07\x03\x09", "OCSPSigning"),
    ];

    pub(super) fn contains(&self, purpose: &[u8]) -> bool {
        self.0.contains(&purpose)
    }

    /// The names of the purposes, and the object identifiers of those without a name.
    pub(super) fn names(&self) -> Vec<String> {
        let known = Self::NAMES.iter().filter(|(purpose, _)| self.contains(purpose));
        let mut names: Vec<_> = known.map(|(_, name)| (*name).to_owned()).collect();
        for other in &self.0 {
            let name = OidText(other).to_string();
            let is_known = Self::NAMES.iter().any(|(purpose, _)| purpose == other);
            if !is_known && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl<'a> Known<'a> for ExtendedKeyUsage<'a> {
    const OID: &'static [u8] = oid::EXTENDED_KEY_USAGE;

    fn read(value: &'a [u8]) -> Option<Self> {
        let purposes = only_element(value)?.content_of(SEQUENCE)?;
        let purposes = purposes.map(|purpose| identifier(purpose.ok()?));
        Some(Self(purposes.collect::<Option<_>>()?))
    }
}

/// The names in subjectAltName.
pub(super) struct SubjectAltName<'a>(pub(super) Vec<GeneralName<'a>>);

impl<'a> Known<'a> for SubjectAltName<'a> {
    const OID: &'static [u8] = oid::SUBJECT_ALT_NAME;

    fn read(value: &'a [u8]) -> Option<Self> {
        let names = only_element(value)?.content_of(SEQUENCE)?;
        let names = names.map(|name| GeneralName::read(name.ok()?));
        Some(Self(names.collect::<Option<_>>()?))
    }
}

/// A GeneralName. Strings are UTF-8: many certificates have more than IA5String allows.
#[derive(Clone, Debug)]
pub(super) enum GeneralName<'a> {
    /// The content of an object identifier.
    OtherName(&'a [u8]),
    Rfc822Name(&'a str),
    DnsName(&'a str),
    X400Address,
    DirectoryName(Name<'a>),
    EdiPartyName,
    Uri(&'a str),
    IpAddress(&'a [u8]),
    /// The content of an object identifier.
    RegisteredId(&'a [u8]),
    /// One that cannot be read: its number, and its content.
    Invalid(u8, &'a [u8]),
}

impl<'a> GeneralName<'a> {
    fn read(element: Element<'a>) -> Option<Self> {
        let number = element.tag & 0x1f;
        let is_choice = element.tag & 0xc0 == 0x80;
        is_choice.then_some(match Self::of(number, element.content) {
            Some(name) => name,
            None => Self::Invalid(number, element.content),
        })
    }

    fn of(number: u8, content: &'a [u8]) -> Option<Self> {
        let text = || core::str::from_utf8(content).ok();
        Some(match number {
            0 => Self::OtherName(identifier(Reader::new(content).next()?.ok()?)?),
            1 => Self::Rfc822Name(text()?),
            2 => Self::DnsName(text()?),
            3 => Self::X400Address,
            4 => Self::DirectoryName(Name::read(content)?),
            5 => Self::EdiPartyName,
            6 => Self::Uri(text()?),
            7 => Self::IpAddress(content),
            8 => Self::RegisteredId(content),
            _ => return None,
        })
    }
}

impl fmt::Display for GeneralName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherName(oid) => write!(f, "OtherName({}, [...])", OidText(oid)),
            Self::Rfc822Name(text) => write!(f, "RFC822Name({text})"),
            Self::DnsName(text) => write!(f, "DNSName({text})"),
            Self::X400Address => f.write_str("X400Address(<unparsed>)"),
            Self::DirectoryName(name) => write!(f, "DirectoryName({})", Text(name)),
            Self::EdiPartyName => f.write_str("EDIPartyName(<unparsed>)"),
            Self::Uri(text) => write!(f, "URI({text})"),
            Self::IpAddress(bytes) => write!(f, "IPAddress({})", Octets(bytes)),
            Self::RegisteredId(oid) => write!(f, "RegisteredID({})", OidText(oid)),
            Self::Invalid(number, bytes) => {
                write!(f, "Invalid(tag={number}, data={})", Octets(bytes))
            }
        }
    }
}

/// Bytes in hexadecimal, with colons between them.
struct Octets<'a>(&'a [u8]);

impl fmt::Display for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::der::{element, sequence};

    #[test]
    fn basic_constraints_have_both_fields_one_or_none() {
        let ca: &[u8] = &[BOOLEAN, 1, 0xff];
        for (fields, expected) in [
            (&[][..], Some((false, None))),
            (&[ca][..], Some((true, None))),
            (&[&[BOOLEAN, 1, 0]], Some((false, None))),
            (&[&[INTEGER, 1, 3]], Some((false, Some(3)))),
            (&[ca, &[INTEGER, 1, 0]], Some((true, Some(0)))),
            (
                &[ca, &[INTEGER, 5, 0, 0xff, 0xff, 0xff, 0xff]],
                Some((true, Some(u32::MAX))),
            ),
            (&[ca, &[INTEGER, 5, 1, 0, 0, 0, 0]], None),
            (&[ca, &[INTEGER, 1, 0xff]], None),
            (&[ca, &[INTEGER, 2, 0, 1]], None),
            (&[ca, ca], None),
            (&[ca, &[INTEGER, 1, 0], ca], None),
            (&[&[BOOLEAN, 1, 1]], None),
            (&[&[BOOLEAN, 0]], None),
        ] {
            let read = BasicConstraints::read(&sequence(fields));
            assert_eq!(
                read.map(|it| (it.ca, it.path_length)),
                expected,
                "{fields:02x?}"
            );
        }
    }

    #[test]
    fn the_first_use_of_a_key_is_the_highest_bit() {
        let read = |der: &[u8]| Some(KeyUsage::read(der)?.names().collect::<Vec<_>>());
        assert_eq!(
            read(&[3, 2, 5, 0xa0]).unwrap(),
            ["Digital Signature", "Key Encipherment"]
        );
        assert_eq!(
            read(&[3, 3, 7, 0x06, 0x80]).unwrap(),
            ["Key Cert Sign", "CRL Sign", "Decipher Only"]
        );
        assert_eq!(read(&[3, 1, 0]).unwrap(), [""; 0]);
        assert_eq!(read(&[3, 2, 5, 0xb0]), None);
        assert_eq!(read(&[4, 2, 5, 0xa0]), None);
    }

    #[test]
    fn purposes_are_named_once() {
        let any = sequence(&[
            &element(6, &[CLIENT_AUTH]),
            &element(6, &[&[0x2a, 3]]),
            &element(6, &[&[0x2a, 3]]),
            &element(6, &[SERVER_AUTH]),
        ]);
        let purposes = ExtendedKeyUsage::read(&any).unwrap();
        assert_eq!(purposes.names(), ["serverAuth", "clientAuth", "1.2.3"]);
        assert!(purposes.contains(CLIENT_AUTH) && !purposes.contains(b"\x2a\x04"));
        assert!(ExtendedKeyUsage::read(&sequence(&[&[2, 1, 1]])).is_none());
    }

    #[test]
    fn names_of_every_kind_are_told() {
        let directory = sequence(&[&element(
            0x31,
            &[&sequence(&[
                &element(6, &[b"\x55\x04\x03"]),
                &element(0x0c, &[b"a"]),
            ])],
        )]);
        let names = [
            (0xa0, &b"\x06\x02\x2a\x03"[..], "OtherName(1.2.3, [...])"),
            (0x81, b"a@b", "RFC822Name(a@b)"),
            (0x82, b"b.example", "DNSName(b.example)"),
            (0xa3, b"", "X400Address(<unparsed>)"),
            (0xa4, &directory, "DirectoryName(CN=a)"),
            (0xa5, b"", "EDIPartyName(<unparsed>)"),
            (0x86, b"urn:a", "URI(urn:a)"),
            (0x87, &[192, 0, 2, 7], "IPAddress(c0:00:02:07)"),
            (0x88, b"\x2a\x03", "RegisteredID(1.2.3)"),
            (0x82, b"\xff", "Invalid(tag=2, data=ff)"),
            (0x89, b"", "Invalid(tag=9, data=)"),
        ];
        let all = names.map(|(tag, content, _)| element(tag, &[content])).concat();
        let all = sequence(&[&all]);
        let SubjectAltName(read) = SubjectAltName::read(&all).unwrap();
        let told: Vec<_> = read.iter().map(ToString::to_string).collect();
        assert_eq!(told, names.map(|(_, _, text)| text));
        assert!(SubjectAltName::read(&sequence(&[&[4, 1, 0]])).is_none());
    }
}
