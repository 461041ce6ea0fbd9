//! The form in which `rustls-webpki` is shown a certificate. It parses fewer kinds of certificates
//! than peers send.
//!
//! A form may express the same contents in other bytes than the received certificate. Signatures
//! are always checked over the bytes that were signed.

use super::certificate::PeerCertificate;
use super::der::sequence;
use pki_types::CertificateDer;
use rsa::pkcs1::der::Decode;
use rsa::pkcs1::der::asn1::AnyRef;
use x509_parser::prelude::X509Version;

/// `[0] EXPLICIT INTEGER 2`, the encoding of version 3.
const VERSION_3: [u8; 5] = [0xa0, 3, 2, 1, 2];

/// A certificate in the form that `rustls-webpki` is shown.
#[derive(Debug)]
pub(super) struct Form<'a> {
    der: CertificateDer<'a>,
    rewritten: Option<Rewritten>,
}

/// A tbsCertificate that is shown with other contents than were signed.
#[derive(Debug)]
pub(super) struct Rewritten {
    shown: Vec<u8>,
    signed: Vec<u8>,
}

impl<'a> Form<'a> {
    /// The received bytes: the form of every certificate without a waiver for its version.
    pub(super) fn of(certificate: &PeerCertificate<'a>) -> Self {
        Self {
            der: CertificateDer::from(certificate.der()),
            rewritten: None,
        }
    }

    /// A certificate of version 1 rewritten as version 3, without extensions; all other fields are
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

    /// The shown and the signed contents, if they differ.
    pub(super) fn rewritten(&self) -> Option<&Rewritten> {
        self.rewritten.as_ref()
    }
}

impl Rewritten {
    /// The signed bytes, if `shown` are the bytes shown in their place.
    pub(super) fn signed_behind(&self, shown: &[u8]) -> Option<&[u8]> {
        (self.shown == shown).then_some(&*self.signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{Spec, key_usage, server};
    use webpki::EndEntityCert;
    use x509_cert::ext::pkix::KeyUsages;

    #[test]
    fn a_certificate_is_shown_as_it_came() {
        let der = server().build();
        let form = Form::of(&PeerCertificate::parse(&der).unwrap());
        assert_eq!(*form.der(), der);
        assert!(form.rewritten().is_none());
    }

    #[test]
    fn version_1_is_shown_as_version_3_and_signed_as_it_was() {
        let der = server().version_1().build();
        assert!(EndEntityCert::try_from(&der).is_err());
        let certificate = PeerCertificate::parse(&der).unwrap();
        let form = Form::version_1_as_3(&certificate).unwrap();
        EndEntityCert::try_from(form.der()).unwrap();

        let shown = PeerCertificate::parse(form.der()).unwrap();
        assert_eq!(shown.parsed().version(), X509Version::V3);
        assert_eq!(shown.subject_der(), certificate.subject_der());
        assert_eq!(shown.issuer_der(), certificate.issuer_der());
        assert_eq!(shown.serial(), certificate.serial());
        assert_eq!(shown.not_after(), certificate.not_after());
        assert!(shown.has_no_extensions());
        let rewritten = form.rewritten().unwrap();
        let signed = certificate.signed();
        assert_eq!(rewritten.signed_behind(shown.signed()), Some(signed));
        assert_eq!(rewritten.signed_behind(signed), None);
        assert_eq!(rewritten.signed_behind(&[]), None);
    }

    #[test]
    fn no_other_certificate_is_rewritten() {
        let with_extension = Spec {
            extensions: vec![key_usage(KeyUsages::KeyEncipherment)],
            ..server().version_1()
        };
        for spec in [server(), with_extension] {
            let der = spec.build();
            let certificate = PeerCertificate::parse(&der).unwrap();
            assert!(Form::version_1_as_3(&certificate).is_none());
        }
    }
}
