//! The rewriting of a certificate: some of its fields are replaced, all others keep their bytes.

use super::algorithm::with_null;
use crate::verify::constraints;
use crate::verify::der::{
    BOOLEAN, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, element,
    only_element, sequence,
};
use core::ops::Range;

const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// `[0] EXPLICIT INTEGER 2`, the encoding of version 3.
const VERSION_3: &[u8] = &[VERSION, 3, INTEGER, 1, 2];

/// The object identifiers of extensions that are rewritten.
const SUBJECT_ALT_NAME: &[u8] = b"\x55\x1d\x11";
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
const NAME_CONSTRAINTS: &[u8] = b"\x55\x1d\x1e";
/// certificatePolicies, policyMappings, policyConstraints and inhibitAnyPolicy.
const POLICIES: [&[u8]; 4] = [
    b"\x55\x1d\x20",
    b"\x55\x1d\x21",
    b"\x55\x1d\x24",
    b"\x55\x1d\x36",
];

/// What is shown otherwise than it was received. Whoever asks for it makes the checks that
/// `rustls-webpki` then cannot make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::verify) struct Changes<'a> {
    /// The DER of the issuer that is shown, another encoding of the same name.
    pub(in crate::verify) issuer: Option<&'a [u8]>,
    /// The DER of the subject that is shown, another encoding of the same name.
    pub(in crate::verify) subject: Option<&'a [u8]>,
    /// Shows the parameters of the signature's algorithm as NULL where they are absent.
    pub(in crate::verify) with_null: bool,
    /// Shows version 1 as version 3.
    pub(in crate::verify) version_3: bool,
    /// Leaves out the policy extensions.
    pub(in crate::verify) without_policies: bool,
    /// Leaves out the constraints on directory names and mailboxes.
    pub(in crate::verify) without_own_constraints: bool,
    /// Leaves out pathLenConstraint.
    pub(in crate::verify) without_path_length: bool,
    /// Leaves out subjectAltName.
    pub(in crate::verify) without_alternative_names: bool,
}

impl Changes<'_> {
    fn of_extensions(&self) -> bool {
        self.without_policies
            || self.without_own_constraints
            || self.without_path_length
            || self.without_alternative_names
    }
}

/// A certificate written anew, and where its tbsCertificate stands in it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) der: Vec<u8>,
    pub(super) tbs: Range<usize>,
}

/// Writes a certificate anew with these changes. `None` if the parts that are written anew are not
/// in DER, or an extension occurs twice.
pub(super) fn rewrite(certificate: &[u8], changes: &Changes<'_>) -> Option<Written> {
    let whole = only_element(certificate)?;
    let mut parts = whole.content_of(SEQUENCE)?;
    let (tbs, algorithm) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let (signature, None) = (parts.next()?.ok()?, parts.next()) else {
        return None;
    };
    let with_null = if changes.with_null {
        Some(with_null(algorithm.content).filter(|_| algorithm.tag == SEQUENCE)?)
    } else {
        None
    };
    let tbs = rewrite_tbs(tbs, algorithm.der, with_null.as_deref(), changes)?;
    let algorithm = with_null.as_deref().map_or(algorithm.der, |shown| shown);
    let der = sequence(&[&tbs, algorithm, signature.der]);
    let start = der.len().checked_sub(tbs.len() + algorithm.len() + signature.der.len())?;
    Some(Written {
        der,
        tbs: start..start + tbs.len(),
    })
}

/// `with_null` is shown in the place of the signature's algorithm, which must be the outer one: the
/// field "MUST contain the same algorithm identifier"
/// ([RFC 5280 section 4.1.2.3](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.3)).
fn rewrite_tbs(
    tbs: Element<'_>,
    outer_algorithm: &[u8],
    with_null: Option<&[u8]>,
    changes: &Changes<'_>,
) -> Option<Vec<u8>> {
    let fields: Vec<_> = tbs.content_of(SEQUENCE)?.collect::<Result<_, _>>().ok()?;
    let (version, fields) = match &*fields {
        [version, fields @ ..] if version.tag == VERSION => (version.der, fields),
        // DER "shall not include an encoding for any component value which is equal to its default
        // value" (X.690 section 11.5): this is version 1.
        fields => (&[][..], fields),
    };
    let [serial, algorithm, issuer, validity, subject, rest @ ..] = fields else {
        return None;
    };
    let version = match (changes.version_3, version) {
        (false, version) => version,
        (true, []) => VERSION_3,
        (true, _) => return None,
    };
    let algorithm = match with_null {
        Some(shown) if algorithm.der == outer_algorithm => shown,
        Some(_) => return None,
        None => algorithm.der,
    };
    let mut written = vec![
        version,
        serial.der,
        algorithm,
        changes.issuer.map_or(issuer.der, |shown| shown),
        validity.der,
        changes.subject.map_or(subject.der, |shown| shown),
    ];
    let extensions;
    match rest {
        [rest @ .., last] if last.tag == EXTENSIONS && changes.of_extensions() => {
            extensions = rewrite_extensions(*last, changes)?;
            written.extend(rest.iter().map(|field| field.der));
            written.push(&extensions);
        }
        rest => written.extend(rest.iter().map(|field| field.der)),
    }
    Some(sequence(&written))
}

/// The extensions, explicitly tagged, or nothing if none is left.
fn rewrite_extensions(extensions: Element<'_>, changes: &Changes<'_>) -> Option<Vec<u8>> {
    let mut written = Vec::new();
    let mut seen = Vec::new();
    for extension in only_element(extensions.content)?.content_of(SEQUENCE)? {
        let extension = Extension::read(extension.ok()?)?;
        // "A certificate MUST NOT include more than one instance of a particular extension"
        // (RFC 5280 section 4.2).
        if seen.contains(&extension.oid) {
            return None;
        }
        seen.push(extension.oid);
        written.extend(rewrite_extension(&extension, changes)?);
    }
    if written.is_empty() {
        return Some(written);
    }
    Some(element(EXTENSIONS, &[&sequence(&[&written])]))
}

/// One extension, or nothing if it is left out.
fn rewrite_extension(extension: &Extension<'_>, changes: &Changes<'_>) -> Option<Vec<u8>> {
    let oid = extension.oid;
    if changes.without_policies && POLICIES.contains(&oid)
        || changes.without_alternative_names && oid == SUBJECT_ALT_NAME
    {
        return Some(Vec::new());
    }
    let value = if changes.without_own_constraints && oid == NAME_CONSTRAINTS {
        let constraints = only_element(extension.value).filter(|it| it.tag == SEQUENCE)?;
        let others = constraints::split(constraints.content)?.others;
        if others.is_empty() {
            return Some(Vec::new());
        }
        sequence(&[&others])
    } else if changes.without_path_length && oid == BASIC_CONSTRAINTS {
        let mut fields = only_element(extension.value)?.content_of(SEQUENCE)?;
        match (fields.next()?.ok()?, fields.next(), fields.next()) {
            (ca, Some(Ok(length)), None) if ca.tag == BOOLEAN && length.tag == INTEGER => {
                sequence(&[ca.der])
            }
            (_, None, _) => return Some(extension.der.to_vec()),
            _ => return None,
        }
    } else {
        return Some(extension.der.to_vec());
    };
    let value = element(OCTET_STRING, &[&value]);
    Some(sequence(&[extension.head, &value]))
}

struct Extension<'a> {
    oid: &'a [u8],
    value: &'a [u8],
    /// The identifier and the mark of a critical extension.
    head: &'a [u8],
    der: &'a [u8],
}

impl<'a> Extension<'a> {
    fn read(extension: Element<'a>) -> Option<Self> {
        let mut fields: Reader<'a> = extension.content_of(SEQUENCE)?;
        let oid = fields.next()?.ok()?;
        let mut value = fields.next()?.ok()?;
        // "critical BOOLEAN DEFAULT FALSE", of which DER writes no FALSE, and TRUE as all ones.
        if value.tag == BOOLEAN && value.content == [0xff] {
            value = fields.next()?.ok()?;
        }
        if oid.tag != OBJECT_IDENTIFIER || value.tag != OCTET_STRING || fields.next().is_some() {
            return None;
        }
        Some(Self {
            oid: oid.content,
            value: value.content,
            head: extension.content.strip_suffix(value.der)?,
            der: extension.der,
        })
    }
}
