//! One CRL, parsed when it is configured.

use super::scope::Scope;
use crate::crypto::hash::fingerprint;
use crate::verify::certificate::{PeerCertificate, unix_time};
use crate::verify::der::{
    BIT_STRING, ENUMERATED, Element, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, is_integer,
    optional,
};
use crate::verify::extension::Extension;
use crate::verify::name::canonical_name;
use crate::verify::signatures::{KnownKeys, Signature, is_same_algorithm};
use pki_types::UnixTime;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

const UTC_TIME: u8 = 0x17;
const EXTENSIONS: u8 = 0xa0;

/// Extensions of CRLs.
const CRL_NUMBER: &[u8] = b"\x55\x1d\x14";
const DELTA_CRL_INDICATOR: &[u8] = b"\x55\x1d\x1b";
const ISSUING_DISTRIBUTION_POINT: &[u8] = b"\x55\x1d\x1c";
const AUTHORITY_KEY_IDENTIFIER: &[u8] = b"\x55\x1d\x23";

/// Extensions of their entries.
const REASON_CODE: &[u8] = b"\x55\x1d\x15";
const INVALIDITY_DATE: &[u8] = b"\x55\x1d\x18";
const CERTIFICATE_ISSUER: &[u8] = b"\x55\x1d\x1d";

/// "CRL verifiers MUST be able to handle CRLNumber values up to 20 octets" (RFC 5280 section 5.2.3).
const MAX_CRL_NUMBER: usize = 20;

/// A CRL.
#[derive(Debug)]
pub(super) struct List {
    /// The issuer's name in its canonical form.
    pub(super) issuer: Box<[u8]>,
    pub(super) this_update: UnixTime,
    pub(super) next_update: UnixTime,
    /// The certificates that it is about.
    scope: Scope,
    /// The serial numbers in it, sorted.
    revoked: Box<[Box<[u8]>]>,
    pub(super) signature: Signature,
    /// The issuers' keys that signed it, and those that did not.
    pub(super) signers: KnownKeys,
    pub(super) fingerprint: [u8; 32],
}

impl List {
    /// Parses a CRL of version 1 or 2, which has a nextUpdate and is neither a delta nor an
    /// indirect CRL. `None` for any other, and for one with anything in it that is not DER: "the
    /// application MUST NOT use that CRL to determine the status of certificates"
    /// ([RFC 5280 section 5.2](https://www.rfc-editor.org/rfc/rfc5280#section-5.2)) if an extension
    /// of it cannot be processed.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let mut whole = only(Reader::new(der))?.content_of(SEQUENCE)?;
        let signed = whole.next()?.ok()?;
        let algorithm = whole.next()?.ok().filter(|part| part.tag == SEQUENCE)?;
        let signature = only(whole).filter(|part| part.tag == BIT_STRING)?;

        let mut fields = signed.content_of(SEQUENCE)?.peekable();
        // "if present, MUST be v2", which is 1.
        let version = optional(&mut fields, &[INTEGER])?;
        if version.is_some_and(|version| *version.content != [1]) {
            return None;
        }
        let has_extensions = version.is_some();
        let algorithm_again = fields.next()?.ok().filter(|field| field.tag == SEQUENCE)?;
        if !is_same_algorithm(algorithm_again.content, algorithm.content) {
            return None;
        }
        let issuer = canonical_name(fields.next()?.ok()?.der)?;
        let this_update = time(fields.next()?.ok()?)?;
        let next_update = time(fields.next()?.ok()?)?;
        let entries = match optional(&mut fields, &[SEQUENCE])? {
            Some(entries) => entries.content,
            None => &[],
        };
        let mut scope = Scope::default();
        if let Some(extensions) = optional(&mut fields, &[EXTENSIONS])? {
            if !has_extensions {
                return None;
            }
            let list = only(Reader::new(extensions.content))?.content_of(SEQUENCE)?;
            scope = of_list(&Extension::all(list)?)?;
        }
        if fields.next().is_some() {
            return None;
        }
        let revoked = Reader::new(entries).map(|entry| serial(entry.ok()?, has_extensions));
        let mut revoked: Box<[_]> = revoked.collect::<Option<_>>()?;
        revoked.sort_unstable();
        Some(Self {
            issuer,
            this_update,
            next_update,
            scope,
            revoked,
            signature: Signature::over(
                signed.der,
                algorithm.content,
                signature.content.strip_prefix(&[0])?,
            ),
            signers: KnownKeys::default(),
            fingerprint: fingerprint([der]),
        })
    }

    /// Returns true if it lists this serial number.
    pub(super) fn revokes(&self, serial: &[u8]) -> bool {
        self.revoked.binary_search_by(|revoked| (**revoked).cmp(serial)).is_ok()
    }

    /// Returns true if the certificate, of this list's issuer, is among those that it is about.
    pub(super) fn covers(&self, certificate: &PeerCertificate<'_>, is_ca: bool) -> bool {
        self.scope.covers(certificate, is_ca)
    }
}

/// Checks the extensions of a list, and returns its scope.
fn of_list(extensions: &[Extension<'_>]) -> Option<Scope> {
    let mut scope = Scope::default();
    for Extension {
        oid,
        critical,
        value,
    } in extensions
    {
        match *oid {
            CRL_NUMBER => {
                let number = only(Reader::new(value)).filter(|number| number.tag == INTEGER)?;
                let is_negative = number.content.first().is_none_or(|first| *first >= 0x80);
                if is_negative
                    || !is_integer(number.content)
                    || number.content.len() > MAX_CRL_NUMBER
                {
                    return None;
                }
            }
            DELTA_CRL_INDICATOR => return None,
            ISSUING_DISTRIBUTION_POINT => scope = Scope::parse(value)?,
            AUTHORITY_KEY_IDENTIFIER => {}
            _ if *critical => return None,
            _ => {}
        }
    }
    Some(scope)
}

/// The serial number of an entry: `SEQUENCE { userCertificate, revocationDate,
/// crlEntryExtensions OPTIONAL }`.
fn serial(entry: Element<'_>, may_have_extensions: bool) -> Option<Box<[u8]>> {
    let mut fields = entry.content_of(SEQUENCE)?;
    let serial = fields.next()?.ok().filter(|serial| serial.tag == INTEGER)?;
    // One with needless zeros would be found for no certificate.
    if !is_integer(serial.content) {
        return None;
    }
    time(fields.next()?.ok()?)?;
    if let Some(extensions) = fields.next() {
        if !may_have_extensions || fields.next().is_some() {
            return None;
        }
        let extensions = Extension::all(extensions.ok()?.content_of(SEQUENCE)?)?;
        extensions.iter().all(is_of_entry).then_some(())?;
    }
    Some(serial.content.into())
}

/// Returns true if an entry with this extension is one about a certificate of the list's issuer.
fn is_of_entry(extension: &Extension<'_>) -> bool {
    match extension.oid {
        REASON_CODE => only(Reader::new(extension.value)).is_some_and(|reason| {
            reason.tag == ENUMERATED && matches!(reason.content, [0..=6 | 8..=10])
        }),
        INVALIDITY_DATE => only(Reader::new(extension.value)).and_then(time).is_some(),
        CERTIFICATE_ISSUER => false,
        _ => !extension.critical,
    }
}

/// A UTCTime or GeneralizedTime.
fn time(field: Element<'_>) -> Option<UnixTime> {
    if !matches!(field.tag, UTC_TIME | GENERALIZED_TIME) {
        return None;
    }
    match ASN1Time::from_der(field.der) {
        Ok(([], time)) => Some(unix_time(&time)),
        Ok(_) | Err(_) => None,
    }
}

/// The only element that is left.
fn only(mut reader: Reader<'_>) -> Option<Element<'_>> {
    let element = reader.next()?.ok()?;
    reader.next().is_none().then_some(element)
}
