//! The form in which `rustls-webpki` is shown a certificate. It parses fewer kinds of certificates
//! than peers send, and compares names by their bytes.
//!
//! A form expresses in other bytes what the received certificate says, or leaves out what this
//! crate checks itself. Signatures are always checked over the bytes that were signed.

mod algorithm;
mod rewrite;

use super::certificate::PeerCertificate;
use algorithm::with_null;
use core::ops::Range;
use pki_types::CertificateDer;
pub(super) use rewrite::Changes;
use rewrite::rewrite;
use x509_parser::oid_registry::OID_PKCS1_RSASSAPSS;
use x509_parser::prelude::X509Version;

/// A certificate in the form that `rustls-webpki` is shown.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// The received bytes.
    Received(CertificateDer<'a>),
    Rewritten(Rewritten),
}

/// A certificate that is shown with another tbsCertificate than was signed.
#[derive(Debug)]
pub(super) struct Rewritten {
    der: CertificateDer<'static>,
    /// Where the tbsCertificate is in `der`.
    tbs: Range<usize>,
    /// The tbsCertificate that was signed.
    signed: Box<[u8]>,
}

impl<'a> Form<'a> {
    /// The received bytes: the form of every certificate that needs no other.
    pub(super) fn of(certificate: &PeerCertificate<'a>) -> Self {
        Self::Received(certificate.der().into())
    }

    /// The certificate with these changes, or the received bytes if none is asked for. They are
    /// also the form of a certificate whose encoding does not allow the changes; `rustls-webpki`
    /// refuses it, or finds no path.
    pub(super) fn with(certificate: &PeerCertificate<'a>, changes: &Changes<'_>) -> Self {
        if *changes == Changes::default() {
            return Self::of(certificate);
        }
        Rewritten::new(certificate, changes).map_or_else(|| Self::of(certificate), Self::Rewritten)
    }

    /// A certificate of version 1 rewritten as version 3, without extensions; all other fields say
    /// what they said. `None` for any other certificate.
    pub(super) fn version_1_as_3(certificate: &PeerCertificate<'a>) -> Option<Self> {
        let parsed = certificate.parsed();
        if parsed.version() != X509Version::V1 || !parsed.extensions().is_empty() {
            return None;
        }
        let changes = Changes {
            version_3: true,
            with_null: lacks_null(certificate),
            ..Changes::default()
        };
        Rewritten::new(certificate, &changes).map(Self::Rewritten)
    }

    /// The certificate that is shown.
    pub(super) fn der(&self) -> &CertificateDer<'a> {
        match self {
            Self::Received(der) => der,
            Self::Rewritten(rewritten) => &rewritten.der,
        }
    }

    /// The shown and the signed contents, if they differ.
    pub(super) fn rewritten(&self) -> Option<&Rewritten> {
        match self {
            Self::Received(_) => None,
            Self::Rewritten(rewritten) => Some(rewritten),
        }
    }
}

/// Returns true if the signature's algorithm leaves out the NULL of its parameters.
pub(super) fn lacks_null(certificate: &PeerCertificate<'_>) -> bool {
    let algorithm = &certificate.parsed().signature_algorithm;
    // Nearly every certificate has it, or needs none.
    (algorithm.parameters.is_none() || algorithm.algorithm == OID_PKCS1_RSASSAPSS)
        && algorithm::of_certificate(certificate.der()).is_some_and(|id| with_null(id).is_some())
}

impl Rewritten {
    fn new(certificate: &PeerCertificate<'_>, changes: &Changes<'_>) -> Option<Self> {
        let written = rewrite(certificate.der(), changes)?;
        Some(Self {
            der: written.der.into(),
            tbs: written.tbs,
            signed: certificate.signed().into(),
        })
    }

    /// The signed bytes, if `shown` is the tbsCertificate of this very form. Equal bytes are not
    /// enough: they may be the form of another certificate, and the signature is over that one.
    pub(super) fn signed_behind(&self, shown: &[u8]) -> Option<&[u8]> {
        let own = self.der.get(self.tbs.clone())?;
        core::ptr::eq(own, shown).then_some(&*self.signed)
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
        // Nor for equal bytes elsewhere.
        let copy = shown.signed().to_vec();
        assert_eq!(rewritten.signed_behind(&copy), None);
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
