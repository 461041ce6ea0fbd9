//! The fields of a certificate, as its DER lays them out
//! ([RFC 5280 section 4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1)).
//!
//! The values of extensions and of parameters are not read here.

use super::der::{
    BIT_STRING, BOOLEAN, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, SET,
    is_integer, only_element, unsigned,
};
use super::oid::{PSS, SHA1};
use core::time::Duration;
use der::DateTime;
use pki_types::UnixTime;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The tags of the fields that may be absent.
const VERSION: u8 = 0xa0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;

/// `[0] EXPLICIT` hashAlgorithm, the first of the RSASSA-PSS-params.
const HASH_ALGORITHM: u8 = 0xa0;

/// The first year of a [`UnixTime`].
const FIRST_YEAR: u16 = 1970;

/// The calendar repeats after this many years, which lead from any year before 1970 to one after it.
const CALENDAR: u16 = 2000;

/// A certificate whose frame is DER.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) der: &'a [u8],
    /// The tbsCertificate, with its tag and length.
    pub(super) signed: &'a [u8],
    pub(super) version: Version,
    /// In big-endian two's complement.
    pub(super) serial: &'a [u8],
    pub(super) issuer: Name<'a>,
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
    pub(super) subject: Name<'a>,
    pub(super) key: KeyInfo<'a>,
    pub(super) extensions: Vec<Extension<'a>>,
    pub(super) algorithm: Algorithm<'a>,
}

/// The number that stands for a version: one less than its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u32);

impl Version {
    pub(super) const V1: Self = Self(0);
    pub(super) const V3: Self = Self(2);
}

impl<'a> Fields<'a> {
    /// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }`.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut whole = only_element(der)?.content_of(SEQUENCE)?;
        let signed = whole.next()?.ok()?;
        let algorithm = Algorithm::read(whole.next()?.ok()?)?;
        bits(whole.next()?.ok()?)?;
        end(whole)?;

        let mut fields = signed.content_of(SEQUENCE)?;
        let mut next = || fields.next().transpose().ok();
        let mut field = next()??;
        let mut version = Version::V1;
        if field.tag == VERSION {
            let number = only_element(field.content).filter(|number| number.tag == INTEGER)?;
            version = Version(u32::try_from(unsigned(number.content)?).ok()?);
            field = next()??;
        }
        let serial = field.content;
        if field.tag != INTEGER || !is_integer(serial) {
            return None;
        }
        Algorithm::read(next()??)?;
        let issuer = Name::read(next()??.der)?;
        let mut validity = next()??.content_of(SEQUENCE)?;
        let not_before = time(validity.next()?.ok()?)?;
        let not_after = time(validity.next()?.ok()?)?;
        end(validity)?;
        let subject = Name::read(next()??.der)?;
        let key = KeyInfo::read(next()??)?;
        let mut extensions = Vec::new();
        let mut last = 0;
        while let Some(field) = next()? {
            // In this order, and each once.
            if field.tag & 0x1f <= last {
                return None;
            }
            last = field.tag & 0x1f;
            match field.tag {
                ISSUER_UNIQUE_ID | SUBJECT_UNIQUE_ID => {}
                EXTENSIONS => extensions = Extension::all(only_element(field.content)?)?,
                _ => return None,
            }
        }
        Some(Self {
            der,
            signed: signed.der,
            version,
            serial,
            issuer,
            not_before,
            not_after,
            subject,
            key,
            extensions,
            algorithm,
        })
    }

    /// The extension with this object identifier, if there is one. The outer `None` says that it
    /// occurs more than once.
    pub(super) fn extension(&self, oid: &[u8]) -> Option<Option<&Extension<'a>>> {
        let mut of_oid = self.extensions.iter().filter(|extension| extension.oid == oid);
        let first = of_oid.next();
        of_oid.next().is_none().then_some(first)
    }

    /// Returns true if an extension occurs more than once.
    pub(super) fn repeats_an_extension(&self) -> bool {
        self.extensions.iter().any(|extension| self.extension(extension.oid).is_none())
    }
}

/// An AlgorithmIdentifier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Algorithm<'a> {
    /// The content of the object identifier.
    pub(super) oid: &'a [u8],
    pub(super) parameters: Option<Element<'a>>,
}

impl<'a> Algorithm<'a> {
    /// `AlgorithmIdentifier ::= SEQUENCE { algorithm, parameters ANY OPTIONAL }`. One with something
    /// behind that is refused as an unknown algorithm where it is used.
    pub(super) fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = element.content_of(SEQUENCE)?;
        let oid = identifier(fields.next()?.ok()?)?;
        let parameters = fields.next().transpose().ok()?;
        Some(Self { oid, parameters })
    }

    /// The object identifier of the hash function that RSASSA-PSS parameters name; `None` for
    /// another algorithm, or if they cannot be read.
    ///
    /// `RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] DEFAULT sha1Identifier, .. }`
    /// ([RFC 4055 section 3.1](https://www.rfc-editor.org/rfc/rfc4055#section-3.1)).
    pub(super) fn pss_hash(&self) -> Option<&'a [u8]> {
        if self.oid != PSS {
            return None;
        }
        let fields = self.parameters?.content_of(SEQUENCE)?;
        let fields = fields.collect::<Result<Vec<_>, _>>().ok()?;
        match fields.first() {
            Some(first) if first.tag == HASH_ALGORITHM => {
                Some(Self::read(only_element(first.content)?)?.oid)
            }
            _ => Some(SHA1),
        }
    }
}

/// A SubjectPublicKeyInfo.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyInfo<'a> {
    pub(super) der: &'a [u8],
    pub(super) algorithm: Algorithm<'a>,
    /// The bits of the key.
    pub(super) key: &'a [u8],
}

impl<'a> KeyInfo<'a> {
    /// `SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey BIT STRING }`.
    fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = element.content_of(SEQUENCE)?;
        let algorithm = Algorithm::read(fields.next()?.ok()?)?;
        let key = bits(fields.next()?.ok()?)?;
        end(fields)?;
        Some(Self {
            der: element.der,
            algorithm,
            key,
        })
    }
}

/// An extension, of a certificate or of an OCSP response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    /// The content of the object identifier.
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    /// The DER inside extnValue.
    pub(super) value: &'a [u8],
}

impl<'a> Extension<'a> {
    /// `Extensions ::= SEQUENCE OF Extension`.
    pub(super) fn all(element: Element<'a>) -> Option<Vec<Self>> {
        element.content_of(SEQUENCE)?.map(|extension| Self::read(extension.ok()?)).collect()
    }

    /// `Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`.
    /// Some write TRUE otherwise than as 0xff, which is not taken as FALSE.
    fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = element.content_of(SEQUENCE)?;
        let oid = identifier(fields.next()?.ok()?)?;
        let mut field = fields.next()?.ok()?;
        let mut critical = false;
        if field.tag == BOOLEAN {
            let [boolean] = field.content else {
                return None;
            };
            critical = *boolean != 0;
            field = fields.next()?.ok()?;
        }
        end(fields)?;
        (field.tag == OCTET_STRING).then_some(Self {
            oid,
            critical,
            value: field.content,
        })
    }
}

/// A distinguished name that is DER.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a>(&'a [u8]);

/// An attribute of a relative distinguished name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    /// The content of the object identifier.
    pub(super) oid: &'a [u8],
    pub(super) value: Element<'a>,
}

impl<'a> Name<'a> {
    /// `Name ::= SEQUENCE OF SET SIZE (1..MAX) OF SEQUENCE { type, value ANY }`.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        for relative in only_element(der)?.content_of(SEQUENCE)? {
            let mut attributes = relative.ok()?.content_of(SET)?.peekable();
            attributes.peek()?;
            for attribute in attributes {
                Attribute::read(attribute.ok()?)?;
            }
        }
        Some(Self(der))
    }

    pub(super) fn der(&self) -> &'a [u8] {
        self.0
    }

    /// The relative distinguished names, each with its attributes.
    pub(super) fn relatives(&self) -> impl Iterator<Item = impl Iterator<Item = Attribute<'a>>> {
        // `read` has seen that each of these is there.
        let relatives = only_element(self.0).and_then(|name| name.content_of(SEQUENCE));
        let relatives = relatives.into_iter().flatten().map_while(Result::ok);
        relatives.map(|relative| {
            let attributes = relative.content_of(SET).into_iter().flatten();
            attributes.map_while(|attribute| Attribute::read(attribute.ok()?))
        })
    }
}

impl<'a> Attribute<'a> {
    fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = element.content_of(SEQUENCE)?;
        let oid = identifier(fields.next()?.ok()?)?;
        let value = fields.next()?.ok()?;
        end(fields)?;
        Some(Self { oid, value })
    }
}

/// The content of an object identifier, whose last byte ends an arc.
pub(super) fn identifier(element: Element<'_>) -> Option<&[u8]> {
    let ends = element.content.last().is_some_and(|last| *last < 0x80);
    (element.tag == OBJECT_IDENTIFIER && ends).then_some(element.content)
}

/// The bytes of a BIT STRING. "Each unused bit in the final octet of the encoding of a bit string
/// value shall be set to zero" ([X.690 section 11.2.1](https://www.itu.int/rec/T-REC-X.690)).
pub(super) fn bits(element: Element<'_>) -> Option<&[u8]> {
    let (unused, bytes) = element.content.split_first()?;
    let are_zero = match bytes.last() {
        None => *unused == 0,
        Some(last) => *unused < 8 && last.trailing_zeros() >= u32::from(*unused),
    };
    (element.tag == BIT_STRING && are_zero).then_some(bytes)
}

/// A UTCTime or GeneralizedTime, with seconds and in GMT; 1970 for an earlier one.
///
/// "UTCTime values MUST be expressed in Greenwich Mean Time (Zulu) and MUST include seconds", and
/// so must GeneralizedTime values, which "MUST NOT include fractional seconds"
/// ([RFC 5280 section 4.1.2.5](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5)).
pub(super) fn time(element: Element<'_>) -> Option<UnixTime> {
    let digits = element.content.strip_suffix(b"Z")?;
    let (pairs, []) = digits.as_chunks() else {
        return None;
    };
    let pairs: Vec<u8> = pairs.iter().map(pair).collect::<Option<_>>()?;
    let (year, rest) = match (element.tag, &*pairs) {
        // "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY".
        (UTC_TIME, [year, rest @ ..]) => {
            let century = if *year >= 50 { 1900 } else { 2000 };
            (century + u16::from(*year), rest)
        }
        (GENERALIZED_TIME, [century, year, rest @ ..]) => {
            (u16::from(*century) * 100 + u16::from(*year), rest)
        }
        _ => return None,
    };
    let [month, day, hour, minute, second] = *rest else {
        return None;
    };
    let time = |year| DateTime::new(year, month, day, hour, minute, second).ok();
    let since_1970 = if year < FIRST_YEAR {
        time(year + CALENDAR)?;
        Duration::ZERO
    } else {
        time(year)?.unix_duration()
    };
    Some(UnixTime::since_unix_epoch(since_1970))
}

/// A number of two digits.
fn pair([tens, ones]: &[u8; 2]) -> Option<u8> {
    let digit = |digit: &u8| digit.is_ascii_digit().then(|| digit - b'0');
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Nothing is left.
pub(super) fn end(mut reader: Reader<'_>) -> Option<()> {
    reader.next().is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::der::element;
    use crate::verify::testing::{authority, server};
    use x509_parser::prelude::{FromDer, X509Certificate};

    fn read_time(tag: u8, text: &str) -> Option<u64> {
        let der = element(tag, &[text.as_bytes()]);
        Some(time(only_element(&der)?)?.as_secs())
    }

    #[test]
    fn times_have_seconds_and_are_in_gmt() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000001Z", 1),
            (UTC_TIME, "691231235959Z", 0),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "240229120000Z", 1_709_208_000),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
            (GENERALIZED_TIME, "00000229000000Z", 0),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(read_time(tag, text), Some(seconds), "{text}");
        }
        for (tag, text) in [
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000001+0000"),
            (UTC_TIME, "230229120000Z"),
            (UTC_TIME, "700101240000Z"),
            (UTC_TIME, "7001010000011Z"),
            (UTC_TIME, "70010100000aZ"),
            (UTC_TIME, "19700101000001Z"),
            (UTC_TIME, "Z"),
            (GENERALIZED_TIME, "19001301000000Z"),
            (GENERALIZED_TIME, "19000229000000Z"),
            (GENERALIZED_TIME, "20500101000000.5Z"),
            (GENERALIZED_TIME, "20500101000000"),
            (GENERALIZED_TIME, "500101000000Z"),
            (OCTET_STRING, "700101000001Z"),
        ] {
            assert_eq!(read_time(tag, text), None, "{text}");
        }
    }

    #[test]
    fn unused_bits_are_zero() {
        let read = |content: &[u8]| {
            let der = element(BIT_STRING, &[content]);
            bits(only_element(&der).unwrap()).map(<[u8]>::to_vec)
        };
        assert_eq!(read(&[0, 1, 2]), Some(vec![1, 2]));
        assert_eq!(read(&[5, 0xa0]), Some(vec![0xa0]));
        assert_eq!(read(&[0]), Some(vec![]));
        for bad in [&[][..], &[1], &[5, 0xb0], &[8, 0], &[0xff, 0]] {
            assert_eq!(read(bad), None, "{bad:02x?}");
        }
    }

    /// Whatever bytes of a certificate change: what is read is what another parser reads.
    #[test]
    fn the_fields_are_those_that_another_parser_reads() {
        for certificate in [server(), server().version_1(), authority()] {
            let der = certificate.build();
            let mut accepted = 0;
            for index in 0..der.len() {
                for change in [0, 1, 0x20, 0x80, 0xff] {
                    let mut der = der.to_vec();
                    der[index] ^= change;
                    let Some(fields) = Fields::read(&der) else {
                        assert_ne!(change, 0);
                        continue;
                    };
                    accepted += 1;
                    let (rest, other) = X509Certificate::from_der(&der)
                        .unwrap_or_else(|error| panic!("byte {index} with {change:02x}: {error}"));
                    assert!(rest.is_empty());
                    assert_eq!(fields.serial, other.raw_serial());
                    assert_eq!(fields.version.0, other.version().0);
                    assert_eq!(fields.issuer.der(), other.issuer().as_raw());
                    assert_eq!(fields.subject.der(), other.subject().as_raw());
                    assert_eq!(fields.signed, other.tbs_certificate.as_ref());
                    assert_eq!(fields.key.der, other.public_key().raw);
                    assert_eq!(fields.key.key, &*other.public_key().subject_public_key.data);
                    assert_eq!(
                        fields.algorithm.oid,
                        other.signature_algorithm.algorithm.as_bytes()
                    );
                    let since_1970 = |time: x509_parser::time::ASN1Time| {
                        u64::try_from(time.timestamp()).unwrap_or(0)
                    };
                    let validity = other.validity();
                    assert_eq!(fields.not_before.as_secs(), since_1970(validity.not_before));
                    assert_eq!(fields.not_after.as_secs(), since_1970(validity.not_after));
                    let own = fields.extensions.iter().map(|it| (it.oid, it.critical, it.value));
                    let others = other.extensions().iter();
                    let others = others.map(|it| (it.oid.as_bytes(), it.critical, it.value));
                    assert!(own.eq(others));
                    let attributes = fields.subject.relatives().flatten();
                    let own = attributes.map(|it| (it.oid, it.value.content));
                    let others = other.subject().iter_attributes();
                    assert!(own.eq(others.map(|it| (it.attr_type().as_bytes(), it.as_slice()))));
                }
            }
            assert!(accepted > der.len());
        }
    }
}
