//! The form in which a certificate is shown to `rustls-webpki`, which reads fewer certificates than
//! peers send.
//!
//! A form may say the same in other bytes than the certificate that came. Signatures are always
//! checked over the bytes that were signed.

use super::certificate::PeerCertificate;
use super::der::sequence;
use pki_types::CertificateDer;
use rsa::pkcs1::der::Decode;
use rsa::pkcs1::der::asn1::AnyRef;
use x509_parser::prelude::X509Version;

/// `[0] EXPLICIT INTEGER 2`, which says version 3.
const VERSION_3: [u8; 5] = [0xa0, 3, 2, 1, 2];

/// A certificate as `rustls-webpki` is shown it.
#[derive(Debug)]
pub(super) struct Form<'a> {
    der: CertificateDer<'a>,
    rewritten: Option<Rewritten>,
}

/// A tbsCertificate that is shown with another content than was signed.
#[derive(Debug)]
pub(super) struct Rewritten {
    shown: Vec<u8>,
    signed: Vec<u8>,
}

impl<'a> Form<'a> {
    /// The form of every certificate, unless something is waived for it: the bytes that came.
    pub(super) fn of(certificate: &PeerCertificate<'a>) -> Self {
        Self {
            der: CertificateDer::from(certificate.der()),
            rewritten: None,
        }
    }

    /// A certificate of version 1 in the form of version 3, without extensions; all other fields are
    /// unchanged. `None` for any other certificate.
    pub(super) fn version_1_as_3(certificate: &PeerCertificate<'a>) -> Option<Self> {
        let parsed = certificate.parsed();
        if parsed.version() != X509Version::V1 || !parsed.extensions().is_empty() {
            return None;
        }
        let signed = certificate.signed();
        let fields = AnyRef::from_der(signed).ok()?.value();
        // DER "shall not include an encoding for any component value which is equal to its default
        // value" (X.690 section 11.5).
        if fields.first() == VERSION_3.first() {
            return None;
        }
        let shown = sequence(&[&VERSION_3, fields]);
        let whole = AnyRef::from_der(certificate.der()).ok()?.value();
        let signature = whole.strip_prefix(signed)?;
        Some(Self {
            der: sequence(&[&shown, signature]).into(),
            rewritten: Some(Rewritten {
                shown,
                signed: signed.to_vec(),
            }),
        })
    }

    /// The certificate that is shown.
    pub(super) fn der(&self) -> &CertificateDer<'a> {
        &self.der
    }

    /// How it differs from what was signed, if it does.
    pub(super) fn rewritten(&self) -> Option<&Rewritten> {
        self.rewritten.as_ref()
    }
}

impl Rewritten {
    /// The signed bytes that stand behind the shown ones.
    pub(super) fn signed_behind(&self, shown: &[u8]) -> Option<&[u8]> {
        (self.shown == shown).then_some(&*self.signed)
    }
}
