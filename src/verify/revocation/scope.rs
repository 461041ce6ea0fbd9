//! The certificates that a CRL is about: its issuingDistributionPoint
//! ([RFC 5280 section 5.2.5](https://www.rfc-editor.org/rfc/rfc5280#section-5.2.5)) against the
//! cRLDistributionPoints of a certificate
//! ([section 4.2.1.13](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.13)).

use crate::verify::certificate::PeerCertificate;
use crate::verify::der::{Element, Reader, SEQUENCE};
use crate::verify::name::canonical_name;
use x509_parser::oid_registry::OID_X509_EXT_CRL_DISTRIBUTION_POINTS;

/// distributionPoint, and fullName inside it.
const DISTRIBUTION_POINT: u8 = 0xa0;
const FULL_NAME: u8 = 0xa0;
/// Of issuingDistributionPoint.
const ONLY_USER_CERTIFICATES: u8 = 0x81;
const ONLY_CA_CERTIFICATES: u8 = 0x82;
const INDIRECT_CRL: u8 = 0x84;
const ONLY_ATTRIBUTE_CERTIFICATES: u8 = 0x85;
/// A GeneralName that is a distinguished name.
const DIRECTORY_NAME: u8 = 0xa4;

/// The scope of a CRL; by default all certificates of its issuer.
#[derive(Debug, Default)]
pub(super) struct Scope {
    only_user_certificates: bool,
    only_ca_certificates: bool,
    /// The names of its distribution point; without one, it is about the certificates of all.
    names: Option<Vec<Box<[u8]>>>,
}

impl Scope {
    /// Parses an issuingDistributionPoint. `None` if it is not DER, or makes the CRL one that is not
    /// supported: an indirect one, one of some reasons or one of attribute certificates.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let mut whole = Reader::new(der);
        let fields = whole.next()?.ok()?.content_of(SEQUENCE)?;
        if whole.next().is_some() {
            return None;
        }
        let mut scope = Self::default();
        let mut last = None;
        for field in fields {
            let field = field.ok()?;
            // In this order, and each once.
            if last.is_some_and(|last| last & 0x1f >= field.tag & 0x1f) {
                return None;
            }
            last = Some(field.tag);
            match field.tag {
                DISTRIBUTION_POINT => scope.names = Some(full_name(field)?),
                ONLY_USER_CERTIFICATES => scope.only_user_certificates = boolean(field)?,
                ONLY_CA_CERTIFICATES => scope.only_ca_certificates = boolean(field)?,
                // FALSE is written by some, although it is the default.
                INDIRECT_CRL | ONLY_ATTRIBUTE_CERTIFICATES if !boolean(field)? => {}
                _ => return None,
            }
        }
        Some(scope)
    }

    /// Returns true if a certificate of the CRL's issuer is in the scope.
    pub(super) fn covers(&self, certificate: &PeerCertificate<'_>, is_ca: bool) -> bool {
        if self.only_user_certificates && is_ca || self.only_ca_certificates && !is_ca {
            return false;
        }
        let Some(names) = &self.names else {
            return true;
        };
        let points =
            certificate.parsed().get_extension_unique(&OID_X509_EXT_CRL_DISTRIBUTION_POINTS);
        match points {
            Ok(None) => true,
            Ok(Some(points)) => is_of_point(points.value, names).unwrap_or(false),
            Err(_) => false,
        }
    }
}

/// "If the distribution point name is present in the IDP CRL extension and the distribution field is
/// present in the DP, then verify that one of the names in the IDP matches one of the names in the
/// DP" ([RFC 5280 section 6.3.3](https://www.rfc-editor.org/rfc/rfc5280#section-6.3.3), b 2 i), for
/// one of these distribution points, which names neither reasons nor another issuer.
fn is_of_point(points: &[u8], names: &[Box<[u8]>]) -> Option<bool> {
    for point in Reader::new(points).next()?.ok()?.content_of(SEQUENCE)? {
        let mut fields = point.ok()?.content_of(SEQUENCE)?;
        let name = fields.next().and_then(Result::ok);
        let Some(name) = name.filter(|name| name.tag == DISTRIBUTION_POINT) else {
            continue;
        };
        if fields.next().is_some() {
            continue;
        }
        if full_name(name).is_some_and(|own| own.iter().any(|own| names.contains(own))) {
            return Some(true);
        }
    }
    Some(false)
}

/// The names of a DistributionPointName that is a fullName, distinguished names in their canonical
/// form.
fn full_name(point: Element<'_>) -> Option<Vec<Box<[u8]>>> {
    let mut choice = Reader::new(point.content);
    let full_name = choice.next()?.ok()?;
    if choice.next().is_some() {
        return None;
    }
    let names = full_name.content_of(FULL_NAME)?.map(|name| {
        let name = name.ok()?;
        match name.tag {
            DIRECTORY_NAME => canonical_name(name.content),
            _ => Some(name.der.into()),
        }
    });
    names.collect()
}

fn boolean(field: Element<'_>) -> Option<bool> {
    match field.content {
        [0xff] => Some(true),
        [0] => Some(false),
        _ => None,
    }
}
