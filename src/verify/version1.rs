//! Certificates of X.509 version 1, which `rustls-webpki` does not read.

use super::algorithms::Rewritten;
use super::certificate::PeerCertificate;
use super::roots::sequence;
use pki_types::CertificateDer;
use rsa::pkcs1::der::Decode;
use rsa::pkcs1::der::asn1::AnyRef;
use x509_parser::prelude::X509Version;

/// `[0] EXPLICIT INTEGER 2`, which says version 3.
const VERSION_3: [u8; 5] = [0xa0, 3, 2, 1, 2];

/// A certificate of version 1 in the form of version 3, without extensions; all other fields are
/// the same. Its signature is to be checked over what was signed. `None` for any other certificate.
pub(super) fn as_version_3(
    certificate: &PeerCertificate<'_>,
) -> Option<(CertificateDer<'static>, Rewritten)> {
    let parsed = certificate.parsed();
    if parsed.version() != X509Version::V1 || !parsed.extensions().is_empty() {
        return None;
    }
    let signed: &[u8] = parsed.tbs_certificate.as_ref();
    let fields = AnyRef::from_der(signed).ok()?.value();
    // DER "shall not include an encoding for any component value which is equal to its default
    // value" (X.690 section 11.5).
    if fields.first() == VERSION_3.first() {
        return None;
    }
    let shown = sequence(&[&VERSION_3, fields].concat());
    let whole = AnyRef::from_der(certificate.der()).ok()?.value();
    let signature = whole.strip_prefix(signed)?;
    let rewritten = sequence(&[&shown, signature].concat());
    let signed = signed.to_vec();
    Some((rewritten.into(), Rewritten { shown, signed }))
}
