//! The structures of a response
//! ([RFC 6960 section 4.2.1](https://www.rfc-editor.org/rfc/rfc6960#section-4.2.1)). `None` is an
//! encoding that is not DER, or not of the structure.
//!
//! `x509-parser` and the `asn1-rs` below it read the values. They accept lengths that are not the
//! shortest, do not compare every tag, and ignore bytes at the end of some structures, so the elements
//! are split by this room's own reader, as those of a CRL are.

use crate::verify::certificate::unix_time;
use crate::verify::der::{
    BIT_STRING, ENUMERATED, Element, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING,
    Reader, SEQUENCE, is_integer, only_element, optional,
};
use crate::verify::extension::Extension;
use crate::verify::name::canonical_name;
use pki_types::UnixTime;
use x509_parser::asn1_rs::{BitString, FromDer, Oid};
use x509_parser::time::ASN1Time;

const NULL: &[u8] = &[];

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const BASIC: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x01";

/// The maximum number of certificates in a response that are tried as the responder's.
pub(super) const MAX_RESPONDERS: usize = 4;

/// `[0]` to `[2]`, of structures or EXPLICIT.
const FIRST: u8 = 0xa0;
const SECOND: u8 = 0xa1;
const THIRD: u8 = 0xa2;

/// An OCSPResponse.
pub(super) enum Outer<'a> {
    /// A successful one with a BasicOCSPResponse.
    Basic(&'a [u8]),
    /// One that tells why there is none.
    Unsuccessful,
}

impl<'a> Outer<'a> {
    /// `OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT SEQUENCE {
    /// responseType OBJECT IDENTIFIER, response OCTET STRING } OPTIONAL }`.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut fields = only_element(der)?.content_of(SEQUENCE)?;
        let status = fields.next()?.ok().filter(|status| status.tag == ENUMERATED)?;
        let bytes = fields.next().transpose().ok()?;
        end(fields)?;
        match status.content {
            // successful
            [0] => {}
            // malformedRequest, internalError, tryLater, sigRequired, unauthorized
            [1..=3 | 5..=6] => return Some(Self::Unsuccessful),
            _ => return None,
        }
        let mut bytes = explicit(bytes?, FIRST)?.content_of(SEQUENCE)?;
        let kind: Oid<'_> = value(OBJECT_IDENTIFIER, bytes.next()?.ok()?)?;
        let response = value(OCTET_STRING, bytes.next()?.ok()?)?;
        end(bytes)?;
        (kind.as_bytes() == BASIC).then_some(Self::Basic(response))
    }
}

/// The parts of a BasicOCSPResponse.
pub(super) struct Basic<'a> {
    /// The ResponseData in DER, as it was signed.
    pub(super) data: &'a [u8],
    /// The content of the signature's AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    /// `None` if it is not a whole number of bytes, as every signature is.
    pub(super) signature: Option<&'a [u8]>,
    /// The first [`MAX_RESPONDERS`] of its certificates, in DER.
    pub(super) certificates: Vec<&'a [u8]>,
}

impl<'a> Basic<'a> {
    /// `BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature,
    /// certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }`
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut parts = only_element(der)?.content_of(SEQUENCE)?;
        let data = parts.next()?.ok()?;
        let algorithm = parts.next()?.ok().filter(|algorithm| algorithm.tag == SEQUENCE)?;
        let signature = parts.next()?.ok()?;
        value::<BitString<'_>, _>(BIT_STRING, signature)?;
        let certificates = match parts.next() {
            Some(certificates) => {
                let list = explicit(certificates.ok()?, FIRST)?.content_of(SEQUENCE)?;
                let first = list.take(MAX_RESPONDERS);
                first.map(|certificate| Some(certificate.ok()?.der)).collect::<Option<_>>()?
            }
            None => Vec::new(),
        };
        end(parts)?;
        Some(Self {
            data: data.der,
            algorithm: algorithm.content,
            signature: signature.content.strip_prefix(&[0]),
            certificates,
        })
    }
}

/// A ResponseData.
pub(super) struct ResponseData<'a> {
    pub(super) responder: Responder<'a>,
    pub(super) produced_at: UnixTime,
    pub(super) responses: Vec<SingleResponse<'a>>,
    extensions: Vec<Extension<'a>>,
}

/// Who signed the response.
pub(super) enum Responder<'a> {
    /// A name in its canonical form.
    ByName(Box<[u8]>),
    /// A SHA-1 hash of its key.
    ByKey(&'a [u8]),
}

impl<'a> ResponseData<'a> {
    /// `ResponseData ::= SEQUENCE { version [0] EXPLICIT DEFAULT v1, responderID, producedAt,
    /// responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT OPTIONAL }`
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut fields = only_element(der)?.content_of(SEQUENCE)?;
        let mut field = fields.next()?.ok()?;
        if field.tag == FIRST {
            let version = explicit(field, FIRST)?;
            // "v1(0)", the only one.
            if version.tag != INTEGER || *version.content != [0] {
                return None;
            }
            field = fields.next()?.ok()?;
        }
        let responder = Responder::read(field)?;
        let produced_at = generalized_time(fields.next()?.ok()?)?;
        let responses = fields.next()?.ok()?.content_of(SEQUENCE)?;
        let responses = responses.map(|single| SingleResponse::read(single.ok()?));
        let responses = responses.collect::<Option<_>>()?;
        let extensions = last_extensions(fields)?;
        Some(Self {
            responder,
            produced_at,
            responses,
            extensions,
        })
    }

    pub(super) fn has_critical_extension(&self) -> bool {
        let of_singles = self.responses.iter().flat_map(|single| &single.extensions);
        self.extensions.iter().chain(of_singles).any(|extension| extension.critical)
    }
}

impl<'a> Responder<'a> {
    /// `ResponderID ::= CHOICE { byName [1] EXPLICIT Name, byKey [2] EXPLICIT OCTET STRING }`
    fn read(field: Element<'a>) -> Option<Self> {
        if field.tag == SECOND {
            return canonical_name(field.content).map(Self::ByName);
        }
        value(OCTET_STRING, explicit(field, THIRD)?).map(Self::ByKey)
    }
}

/// What a response tells about one certificate.
pub(super) struct SingleResponse<'a> {
    pub(super) id: CertId<'a>,
    pub(super) status: Status,
    pub(super) this_update: UnixTime,
    pub(super) next_update: Option<UnixTime>,
    extensions: Vec<Extension<'a>>,
}

/// A CertStatus.
#[derive(Clone, Copy)]
pub(super) enum Status {
    Good,
    Revoked,
    Unknown,
}

impl<'a> SingleResponse<'a> {
    /// `SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0] EXPLICIT
    /// OPTIONAL, singleExtensions [1] EXPLICIT OPTIONAL }`
    fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = element.content_of(SEQUENCE)?.peekable();
        let id = CertId::read(fields.next()?.ok()?)?;
        let status = Status::read(fields.next()?.ok()?)?;
        let this_update = generalized_time(fields.next()?.ok()?)?;
        let next_update = match optional(&mut fields, &[FIRST])? {
            Some(next) => Some(generalized_time(explicit(next, FIRST)?)?),
            None => None,
        };
        let extensions = last_extensions(fields)?;
        Some(Self {
            id,
            status,
            this_update,
            next_update,
            extensions,
        })
    }
}

impl Status {
    /// `CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT SEQUENCE {
    /// revocationTime, revocationReason [0] EXPLICIT ENUMERATED OPTIONAL }, unknown [2] IMPLICIT
    /// NULL }`
    fn read(element: Element<'_>) -> Option<Self> {
        match (element.tag, element.content) {
            (0x80, NULL) => Some(Self::Good),
            (0x82, NULL) => Some(Self::Unknown),
            (SECOND, content) => {
                let mut fields = Reader::new(content);
                generalized_time(fields.next()?.ok()?)?;
                if let Some(reason) = fields.next() {
                    let reason = explicit(reason.ok()?, FIRST)?;
                    let is_one = matches!(reason.content, [0..=6 | 8..=10]);
                    (reason.tag == ENUMERATED && is_one).then_some(())?;
                }
                end(fields)?;
                Some(Self::Revoked)
            }
            _ => None,
        }
    }
}

/// The identification of a certificate by its issuer and its serial number.
pub(super) struct CertId<'a> {
    pub(super) hash: Oid<'a>,
    pub(super) name_hash: &'a [u8],
    pub(super) key_hash: &'a [u8],
    pub(super) serial: &'a [u8],
}

impl<'a> CertId<'a> {
    /// `CertID ::= SEQUENCE { hashAlgorithm, issuerNameHash OCTET STRING, issuerKeyHash OCTET STRING,
    /// serialNumber INTEGER }`
    /// ([RFC 6960 section 4.1.1](https://www.rfc-editor.org/rfc/rfc6960#section-4.1.1)).
    fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = element.content_of(SEQUENCE)?;
        let hash = algorithm(fields.next()?.ok()?)?;
        let name_hash = value(OCTET_STRING, fields.next()?.ok()?)?;
        let key_hash = value(OCTET_STRING, fields.next()?.ok()?)?;
        let serial = fields.next()?.ok().filter(|serial| serial.tag == INTEGER)?.content;
        end(fields)?;
        is_integer(serial).then_some(Self {
            hash,
            name_hash,
            key_hash,
            serial,
        })
    }
}

/// The element inside one with this tag.
fn explicit(element: Element<'_>, tag: u8) -> Option<Element<'_>> {
    (element.tag == tag).then_some(only_element(element.content)?)
}

/// "producedAt", "thisUpdate", "nextUpdate" and "revocationTime" are GeneralizedTime, whose "values
/// MUST NOT include fractional seconds", but seconds and "Z"
/// ([RFC 5280 section 4.1.2.5.2](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5.2)).
fn generalized_time(element: Element<'_>) -> Option<UnixTime> {
    let digits: &[u8; 14] = element.content.strip_suffix(b"Z")?.try_into().ok()?;
    let time: ASN1Time = value(GENERALIZED_TIME, element)?;
    digits.iter().all(u8::is_ascii_digit).then_some(unix_time(&time))
}

/// The function of an AlgorithmIdentifier, whatever its parameters.
fn algorithm(element: Element<'_>) -> Option<Oid<'_>> {
    let mut fields = element.content_of(SEQUENCE)?;
    let oid = value(OBJECT_IDENTIFIER, fields.next()?.ok()?)?;
    fields.next().transpose().ok()?;
    end(fields)?;
    Some(oid)
}

/// The value of an element with this tag.
fn value<'a, T: FromDer<'a, E>, E>(tag: u8, element: Element<'a>) -> Option<T> {
    match T::from_der(element.der) {
        Ok(([], value)) if element.tag == tag => Some(value),
        Ok(_) | Err(_) => None,
    }
}

/// Nothing is left.
fn end(mut fields: Reader<'_>) -> Option<()> {
    fields.next().is_none().then_some(())
}

/// The extensions in `[1] EXPLICIT`, if something is left, which they must be.
fn last_extensions<'a, E>(
    mut fields: impl Iterator<Item = Result<Element<'a>, E>>,
) -> Option<Vec<Extension<'a>>> {
    let Some(field) = fields.next() else {
        return Some(Vec::new());
    };
    let extensions = Extension::all(explicit(field.ok()?, SECOND)?.content_of(SEQUENCE)?)?;
    fields.next().is_none().then_some(extensions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::der::{element, sequence};

    const TIME: &[u8] = b"\x18\x0f20240229120000Z";

    fn status(der: &[u8]) -> Option<Status> {
        Status::read(only_element(der)?)
    }

    #[test]
    fn a_status_has_a_time_only_if_it_is_revoked() {
        assert!(matches!(status(&[0x80, 0]), Some(Status::Good)));
        assert!(matches!(status(&[0x82, 0]), Some(Status::Unknown)));
        let reason: &[u8] = &[0xa0, 3, ENUMERATED, 1, 1];
        for parts in [&[TIME][..], &[TIME, reason]] {
            assert!(matches!(
                status(&element(0xa1, parts)),
                Some(Status::Revoked)
            ));
        }
        let unused: &[u8] = &[0xa0, 3, ENUMERATED, 1, 7];
        for parts in [&[][..], &[reason], &[TIME, unused], &[TIME, reason, reason]] {
            assert!(status(&element(0xa1, parts)).is_none());
        }
        assert!(status(&[0x80, 1, 0]).is_none());
        assert!(status(&[0x83, 0]).is_none());
    }

    #[test]
    fn nothing_is_left_over_in_a_response() {
        let kind = element(6, &[BASIC]);
        let bytes = |kind: &[u8]| element(0xa0, &[&sequence(&[kind, &element(4, &[b"basic"])])]);
        let outer = |parts: &[&[u8]]| match Outer::read(&sequence(parts)) {
            Some(Outer::Basic(basic)) => Some(basic == b"basic"),
            Some(Outer::Unsuccessful) => Some(false),
            None => None,
        };
        let (good, later, unused): (&[u8], &[u8], &[u8]) = (
            &[ENUMERATED, 1, 0],
            &[ENUMERATED, 1, 3],
            &[ENUMERATED, 1, 4],
        );
        assert_eq!(outer(&[good, &bytes(&kind)]), Some(true));
        assert_eq!(outer(&[later]), Some(false));
        assert_eq!(outer(&[good]), None);
        assert_eq!(outer(&[unused]), None);
        assert_eq!(outer(&[good, &bytes(&kind), later]), None);
        assert_eq!(outer(&[good, &bytes(&element(6, &[&[0x2a, 3]]))]), None);
    }

    #[test]
    fn the_data_of_a_response_has_its_fields_in_order() {
        let hash = sequence(&[&element(6, &[b"\x2b\x0e\x03\x02\x1a"])]);
        let octets = element(4, &[b"hash"]);
        let id = |serial: &[u8]| sequence(&[&hash, &octets, &octets, &element(2, &[serial])]);
        let responder = element(0xa2, &[&octets]);
        let next = element(0xa0, &[TIME]);
        let extension = |boolean: &[u8]| {
            let extension = sequence(&[&element(6, &[&[0x2a, 3]]), boolean, &element(4, &[])]);
            element(0xa1, &[&sequence(&[&extension])])
        };
        let single = |parts: &[&[u8]]| {
            let id = id(&[7]);
            let parts = [&[&*id, &[0x80, 0], TIME], parts].concat();
            let data = sequence(&[&responder, TIME, &sequence(&[&sequence(&parts)])]);
            ResponseData::read(&data).map(|data| data.has_critical_extension())
        };
        assert_eq!(single(&[]), Some(false));
        assert_eq!(single(&[&next]), Some(false));
        assert_eq!(single(&[&next, &extension(&[])]), Some(false));
        assert_eq!(single(&[&extension(&[1, 1, 0xff])]), Some(true));
        assert_eq!(single(&[&extension(&[]), &next]), None);
        assert_eq!(single(&[&element(0xa0, &[b"\x17\x0d240229120000Z"])]), None);

        let whole = |parts: &[&[u8]]| ResponseData::read(&sequence(parts)).is_some();
        let none = sequence(&[]);
        assert!(whole(&[
            &element(0xa0, &[&[2, 1, 0]]),
            &responder,
            TIME,
            &none
        ]));
        assert!(!whole(&[
            &element(0xa0, &[&[2, 1, 1]]),
            &responder,
            TIME,
            &none
        ]));
        assert!(whole(&[&responder, TIME, &none, &extension(&[])]));
        assert!(!whole(&[&responder, TIME, &none, &extension(&[]), &none]));
        assert!(!whole(&[&octets, TIME, &none]));
        assert!(!whole(&[&element(0xa1, &[&octets]), TIME, &none]));
        assert!(whole(&[&element(0xa1, &[&none]), TIME, &none]));
        let twice = [extension(&[]), extension(&[])].map(|tagged| tagged[4..].to_vec()).concat();
        let twice = element(0xa1, &[&sequence(&[&twice])]);
        assert!(!whole(&[&responder, TIME, &none, &twice]));
    }

    #[test]
    fn what_names_a_certificate_is_der() {
        let hash = sequence(&[&element(6, &[b"\x2b\x0e\x03\x02\x1a"]), &[5, 0]]);
        let octets = element(4, &[b"hash"]);
        let id = |hash: &[u8], key_hash: &[u8], serial: &[u8]| {
            let der = sequence(&[hash, &octets, key_hash, &element(2, &[serial])]);
            let id = CertId::read(only_element(&der)?)?;
            Some((
                id.hash.to_string(),
                id.key_hash.to_vec(),
                id.serial.to_vec(),
            ))
        };
        let read = ("1.3.14.3.2.26".to_owned(), b"hash".to_vec(), vec![0, 0x80]);
        assert_eq!(id(&hash, &octets, &[0, 0x80]), Some(read));
        // A needless zero, a length in more bytes than it needs, an OCTET STRING in parts or of another
        // class, and an algorithm with two parameters or without an identifier.
        assert_eq!(id(&hash, &octets, &[0, 7]), None);
        assert_eq!(id(&hash, b"\x04\x81\x04hash", &[7]), None);
        assert_eq!(id(&hash, &element(0x24, &[&octets]), &[7]), None);
        assert_eq!(id(&hash, &element(0x84, &[b"hash"]), &[7]), None);
        let two = sequence(&[&hash[2..], &[5, 0]]);
        assert_eq!(id(&two, &octets, &[7]), None);
        assert_eq!(id(&sequence(&[&[5, 0]]), &octets, &[7]), None);
    }

    #[test]
    fn times_have_seconds_and_are_in_gmt() {
        let read = |tag, text: &str| {
            let der = element(tag, &[text.as_bytes()]);
            Some(generalized_time(only_element(&der)?)?.as_secs())
        };
        let time = |text| read(GENERALIZED_TIME, text);
        assert_eq!(time("20240229120000Z"), Some(1_709_208_000));
        assert_eq!(time("20500101000000Z"), Some(2_524_608_000));
        for bad in [
            "20240229120000",
            "20240229120000.5Z",
            "202402291200Z",
            "202402291200.5Z",
            "20240229120000+0000",
            "20230229120000Z",
            "20240229240000Z",
            "Z",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
        assert_eq!(read(0x17, "240229120000Z"), None);
        assert_eq!(read(0x17, "20240229120000Z"), None);
        assert_eq!(read(0x98, "20240229120000Z"), None);
    }
}
