//! One certificate of a chain: what it says, and how `rustls-webpki` is shown it.

use super::certificate::PeerCertificate;
use super::certificate_policies::{PolicyExtensions, decides};
use super::constraints::{ConstrainedNames, NameConstraints, Split, split};
use super::der::{SEQUENCE, only_element};
use super::form::{Changes, Form, lacks_null};
use super::name::CanonicalName;
use crate::error::{CertificateError, CertificateFault, CertificateId};
use std::sync::OnceLock;
use x509_parser::extensions::BasicConstraints;
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_SUBJECT_ALT_NAME,
};

/// The largest pathLenConstraint that `rustls-webpki` reads.
const MOST_SHOWN_PATH_LENGTH: u32 = 255;

/// A certificate of a chain that could be parsed.
#[derive(Debug)]
pub(super) struct Link<'a> {
    position: usize,
    received: &'a [u8],
    certificate: PeerCertificate<'a>,
    issuer: OnceLock<CanonicalName>,
    subject: OnceLock<CanonicalName>,
    /// The DER of the issuer that is shown: of all encodings of one name in a chain, the first.
    shown_issuer: &'a [u8],
    is_self_issued: bool,
    form: Form<'a>,
    own: OwnChecks,
    constrained: OnceLock<Option<ConstrainedNames>>,
    is_mended: bool,
}

/// The checks of a certificate that this crate makes in the place of `rustls-webpki`.
#[derive(Debug, Default)]
struct OwnChecks {
    /// True if the policy extensions of a path with it are to be checked.
    policies: bool,
    /// True if one of them is critical.
    critical_policies: bool,
    /// Its name constraints, if a part of them is checked here.
    constraints: Option<Split>,
    has_alternative_names: bool,
    /// Its pathLenConstraint, if that is checked here.
    path_length: Option<u32>,
}

impl OwnChecks {
    fn of(certificate: &PeerCertificate<'_>) -> Self {
        let mut own = Self::default();
        for extension in certificate.parsed().extensions() {
            if decides(extension) {
                own.policies = true;
                own.critical_policies |= extension.critical;
            } else if extension.oid == OID_X509_EXT_NAME_CONSTRAINTS {
                let content = only_element(extension.value).filter(|it| it.tag == SEQUENCE);
                own.constraints = content.and_then(|content| split(content.content));
            } else if extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME {
                own.has_alternative_names = true;
            }
        }
        own
    }
}

impl<'a> Link<'a> {
    pub(super) fn read(position: usize, received: &'a [u8]) -> Result<Self, CertificateFault> {
        let certificate = PeerCertificate::parse(received)?;
        Ok(Self {
            position,
            received,
            form: Form::of(&certificate),
            shown_issuer: certificate.issuer_der(),
            is_self_issued: false,
            own: OwnChecks::of(&certificate),
            certificate,
            issuer: OnceLock::new(),
            subject: OnceLock::new(),
            constrained: OnceLock::new(),
            is_mended: false,
        })
    }

    /// Reads a pinned certificate that was received in an encoding that is not DER, and mended.
    pub(super) fn read_mended(
        position: usize,
        received: &'a [u8],
        mended: &'a [u8],
    ) -> Result<Self, CertificateFault> {
        Ok(Self {
            received,
            is_mended: true,
            ..Self::read(position, mended)?
        })
    }

    /// The bytes that were received.
    pub(super) fn received(&self) -> &'a [u8] {
        self.received
    }

    /// Returns true if the certificate is pinned and was received in an encoding that is not DER.
    pub(super) fn is_mended(&self) -> bool {
        self.is_mended
    }

    /// The parsed certificate, as received unless it was mended.
    pub(super) fn certificate(&self) -> &PeerCertificate<'a> {
        &self.certificate
    }

    /// The certificate in the form that `rustls-webpki` is shown.
    pub(super) fn form(&self) -> &Form<'a> {
        &self.form
    }

    /// The DER of the issuer in that form.
    pub(super) fn shown_issuer(&self) -> &'a [u8] {
        self.shown_issuer
    }

    /// The issuer in its canonical form: equal for two certificates exactly if they have one
    /// issuer ([RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1)).
    pub(super) fn issuer_canonical(&self) -> &[u8] {
        self.issuer.get_or_init(|| CanonicalName::of(self.certificate.issuer_der())).der()
    }

    /// The subject in its canonical form.
    pub(super) fn subject_canonical(&self) -> &[u8] {
        self.subject().der()
    }

    fn subject(&self) -> &CanonicalName {
        self.subject.get_or_init(|| CanonicalName::of(self.certificate.subject_der()))
    }

    /// Returns true for a CA certificate whose issuer is its subject; false for the leaf, to which no
    /// rule for such certificates applies.
    pub(super) fn is_self_issued(&self) -> bool {
        self.is_self_issued
    }

    /// Returns true if the policies of a path with this certificate are to be checked.
    pub(super) fn decides_policies(&self) -> bool {
        self.own.policies
    }

    /// Its policy extensions; `None` if they cannot be parsed.
    pub(super) fn policies(&self) -> Option<PolicyExtensions<'a>> {
        PolicyExtensions::read(&self.certificate)
    }

    /// Returns true if the extensions can be parsed that this crate checks.
    pub(super) fn has_readable_extensions(&self) -> bool {
        self.policies().is_some() && self.constrained_names().is_some()
    }

    /// Its name constraints on directory names and mailboxes, which `rustls-webpki` is not shown.
    pub(super) fn own_constraints(&self) -> Option<&NameConstraints> {
        self.own.constraints.as_ref().map(|split| &split.own)
    }

    /// Its pathLenConstraint, if `rustls-webpki` is not shown it.
    pub(super) fn own_path_length(&self) -> Option<u32> {
        self.own.path_length
    }

    /// Its names to which those constraints apply; `None` if they cannot be parsed.
    pub(super) fn constrained_names(&self) -> Option<&ConstrainedNames> {
        let read = || ConstrainedNames::of(&self.certificate, self.subject());
        self.constrained.get_or_init(read).as_ref()
    }

    /// The certificate's identification in errors.
    pub(super) fn id(&self) -> CertificateId {
        self.certificate.id(self.position, self.received)
    }

    /// The error that attributes a fault to this certificate.
    pub(super) fn blame(&self, fault: CertificateFault) -> CertificateError {
        CertificateError::new(fault, Some(self.id()))
    }

    /// Decides in which form this CA certificate is shown. `self_issued` tells that the chain has a
    /// self-issued one.
    fn show(&mut self, names: &Shown<'a>, self_issued: bool) {
        self.is_self_issued = names.is_self_issued();
        self.own.path_length = self.path_length(self_issued);
        self.shown_issuer = names.issuer;
        let other = |shown: &'a [u8], received: &[u8]| (shown != received).then_some(shown);
        let changes = Changes {
            issuer: other(names.issuer, self.certificate.issuer_der()),
            subject: other(names.subject, self.certificate.subject_der()),
            with_null: lacks_null(&self.certificate),
            version_3: false,
            without_policies: self.own.critical_policies,
            without_own_constraints: self.own.constraints.is_some(),
            without_path_length: self.own.path_length.is_some(),
            // "If certificate i is self-issued and it is not the final certificate in the path, skip
            // this step" (section 6.1.3 (b) and (c)), which checks its names.
            without_alternative_names: self.is_self_issued && self.own.has_alternative_names,
        };
        self.form = Form::with(&self.certificate, &changes);
    }

    /// The pathLenConstraint of this certificate, if it is to be checked here: where the chain has
    /// self-issued certificates, which `rustls-webpki` counts, and where it is too large.
    fn path_length(&self, self_issued: bool) -> Option<u32> {
        let oid = OID_X509_EXT_BASIC_CONSTRAINTS;
        let constraints = self.certificate.read_extension::<BasicConstraints>(&oid).ok()??;
        let length = constraints.path_len_constraint?;
        (self_issued || length > MOST_SHOWN_PATH_LENGTH).then_some(length)
    }
}

/// Decides in which form each certificate of a chain is shown: in the received one, unless
/// `rustls-webpki` would compare or check something otherwise than RFC 5280.
pub(super) fn show_links<'a>(leaf: &mut Link<'a>, others: &mut [&mut Link<'a>]) {
    let of_leaf = Changes {
        with_null: lacks_null(&leaf.certificate),
        without_policies: leaf.own.critical_policies,
        ..Changes::default()
    };
    leaf.form = Form::with(&leaf.certificate, &of_leaf);
    let mut names = Names::default();
    names.first(Name::Issuer(leaf));
    let shown = others.iter().map(|link| Shown {
        subject: names.first(Name::Subject(link)),
        issuer: names.first(Name::Issuer(link)),
    });
    let shown: Vec<_> = shown.collect();
    let self_issued = shown.iter().any(Shown::is_self_issued);
    for (link, shown) in core::iter::zip(others, shown) {
        link.show(&shown, self_issued);
    }
}

/// A name of a certificate.
#[derive(Clone, Copy)]
enum Name<'l, 'a> {
    Issuer(&'l Link<'a>),
    Subject(&'l Link<'a>),
}

impl<'l, 'a> Name<'l, 'a> {
    fn der(self) -> &'a [u8] {
        match self {
            Self::Issuer(link) => link.certificate.issuer_der(),
            Self::Subject(link) => link.certificate.subject_der(),
        }
    }

    fn canonical(self) -> &'l [u8] {
        match self {
            Self::Issuer(link) => link.issuer_canonical(),
            Self::Subject(link) => link.subject_canonical(),
        }
    }
}

/// The first encoding of each name of a chain.
#[derive(Default)]
struct Names<'l, 'a>(Vec<Name<'l, 'a>>);

impl<'l, 'a> Names<'l, 'a> {
    /// The first encoding of this name.
    fn first(&mut self, name: Name<'l, 'a>) -> &'a [u8] {
        let is_it = |other: &&Name<'l, 'a>| other.der() == name.der();
        let is_same = |other: &&Name<'l, 'a>| other.canonical() == name.canonical();
        let found = self.0.iter().find(is_it).or_else(|| self.0.iter().find(is_same));
        match found {
            Some(first) => first.der(),
            None => {
                self.0.push(name);
                name.der()
            }
        }
    }
}

/// The encodings in which the names of a certificate are shown.
struct Shown<'a> {
    subject: &'a [u8],
    issuer: &'a [u8],
}

impl Shown<'_> {
    /// Returns true if "the same DN appears in the subject and issuer fields"
    /// ([RFC 5280 section 6.1](https://www.rfc-editor.org/rfc/rfc5280#section-6.1)).
    fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}
