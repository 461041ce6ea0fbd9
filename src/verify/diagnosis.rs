//! Which certificate of a chain it was, and what there was to find in it, when `rustls-webpki` says
//! what is wrong. Only for errors: nothing is decided here.

use super::algorithms::{Reason, Terms};
use super::certificate::{PeerCertificate, Usage};
use super::name::Text;
use super::path::{MAX_PATH, Search};
use super::revocation::RevocationLists;
use crate::error::{CertificateError, CertificateFault as Fault, Excerpt};
use pki_types::UnixTime;
use webpki::EndEntityCert;
use x509_parser::extensions::BasicConstraints;
use x509_parser::oid_registry::{
    OID_PKCS1_SHA1WITHRSA, OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_ALT_NAME, Oid,
};
use x509_parser::prelude::X509Version;

/// The extensions that `rustls-webpki` reads.
const KNOWN_EXTENSIONS: [Oid<'static>; 6] = [
    OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE,
];

/// Says what a search did not get over.
pub(super) fn explain(
    error: webpki::Error,
    search: &Search<'_>,
    terms: &Terms,
) -> CertificateError {
    let way = Way::of(search);
    match error {
        webpki::Error::UnknownIssuer => way.unknown_issuer(),
        webpki::Error::CertExpired { not_after, .. } => way.expired(not_after, search.now),
        webpki::Error::CertNotValidYet { not_before, .. } => {
            way.not_yet_valid(not_before, search.now)
        }
        webpki::Error::InvalidSignatureForPublicKey => way.bad_signature(terms),
        webpki::Error::UnsupportedSignatureAlgorithmContext(context) => {
            way.unsupported_signature(&context.signature_algorithm_id, None)
        }
        webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => way
            .unsupported_signature(
                &context.signature_algorithm_id,
                Some(&context.public_key_algorithm_id),
            ),
        webpki::Error::CaUsedAsEndEntity => way.first_with(|_| Some(Fault::CaAsLeaf)),
        webpki::Error::EndEntityUsedAsCa => way.not_a_ca(),
        webpki::Error::PathLenConstraintViolated => way.path_length(),
        webpki::Error::NameConstraintViolation => way.first_with(|_| Some(Fault::NameConstraints)),
        webpki::Error::UnsupportedCertVersion => way.version(),
        webpki::Error::UnsupportedCriticalExtension => way.critical_extension(),
        webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EmptyEkuExtension => {
            way.first_with(|certificate| search.role.require_purpose(certificate).err())
        }
        webpki::Error::CertRevoked | webpki::Error::CertDistrusted => way.revoked(search),
        webpki::Error::UnknownRevocationStatus => way.of_unknown_status(search),
        webpki::Error::CrlExpired { next_update, .. } => way.list_expired(next_update, search),
        webpki::Error::InvalidCrlSignatureForPublicKey
        | webpki::Error::IssuerNotCrlSigner
        | webpki::Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            way.list_invalid(search, terms)
        }
        webpki::Error::MaximumNameConstraintComparisonsExceeded
        | webpki::Error::MaximumPathBuildCallsExceeded
        | webpki::Error::MaximumSignatureChecksExceeded => Fault::TooMuchWork.into(),
        webpki::Error::MaximumPathDepthExceeded => Fault::TooManyCertificates {
            found: search.chain.len(),
            most: MAX_PATH,
        }
        .into(),
        // The type is open; what is left are faults of the encoding.
        _ => way.malformed(search),
    }
}

/// The certificates that lead from the peer's own towards the root by the names of their issuers, each
/// with its place in the chain. What else is in the chain is not to blame.
struct Way<'a> {
    certificates: Vec<(usize, PeerCertificate<'a>)>,
    /// Whether a root has the name of the last one's issuer.
    leads_to_root: bool,
}

impl<'a> Way<'a> {
    fn of(search: &Search<'a>) -> Self {
        let all = search.chain.iter().enumerate();
        let mut beside: Vec<_> = all
            .filter_map(|(at, der)| Some((at, PeerCertificate::parse(der).ok()?)))
            .collect();
        let mut certificates = Vec::new();
        let mut next = beside.iter().position(|(at, _)| *at == 0);
        let mut leads_to_root = false;
        while let Some(index) = next {
            let (at, certificate) = beside.remove(index);
            let issuer = certificate.issuer_der();
            let above = |(_, other): &(usize, PeerCertificate<'_>)| other.subject_der() == issuer;
            next = beside.iter().position(above);
            leads_to_root = search.roots.has(issuer);
            certificates.push((at, certificate));
        }
        Self {
            certificates,
            leads_to_root,
        }
    }

    /// The first certificate with such a fault.
    fn first_with(
        &self,
        fault: impl Fn(&PeerCertificate<'a>) -> Option<Fault>,
    ) -> CertificateError {
        self.first_at(|_, certificate| fault(certificate))
    }

    /// The same, for faults that the place on the way matters to.
    fn first_at(
        &self,
        fault: impl Fn(usize, &PeerCertificate<'a>) -> Option<Fault>,
    ) -> CertificateError {
        let certificates = self.certificates.iter().enumerate();
        let mut found = certificates.filter_map(|(index, (at, certificate))| {
            let fault = fault(index, certificate)?;
            Some(CertificateError::new(fault, Some(certificate.id(*at))))
        });
        match found.next() {
            Some(error) => error,
            None => self.beside(),
        }
    }

    /// Nothing on the way is wrong but where it ends. Where that is a root, it is hidden what is.
    fn beside(&self) -> CertificateError {
        if !self.leads_to_root {
            return self.unknown_issuer();
        }
        let own = self.certificates.first();
        let id = own.map(|(at, certificate)| certificate.id(*at));
        CertificateError::new(Fault::Malformed, id)
    }

    fn unknown_issuer(&self) -> CertificateError {
        let Some((at, last)) = self.certificates.last() else {
            return Fault::Malformed.into();
        };
        let issuer = Excerpt::new(Text(last.parsed().issuer()));
        CertificateError::new(Fault::UnknownIssuer { issuer }, Some(last.id(*at)))
    }

    /// What `rustls-webpki` does not read.
    fn malformed(&self, search: &Search<'_>) -> CertificateError {
        let certificates = self.certificates.iter();
        let mut unread = certificates.filter(|(at, certificate)| {
            let der = search.chain.get(*at);
            der.is_some_and(|der| EndEntityCert::try_from(der).is_err())
                || certificate.not_before() > certificate.not_after()
        });
        match unread.next() {
            Some((at, certificate)) => {
                CertificateError::new(Fault::Malformed, Some(certificate.id(*at)))
            }
            None => self.beside(),
        }
    }

    fn expired(&self, not_after: UnixTime, now: UnixTime) -> CertificateError {
        self.first_with(|certificate| {
            let is_it = certificate.not_after() == not_after;
            is_it.then_some(Fault::Expired { not_after, now })
        })
    }

    fn not_yet_valid(&self, not_before: UnixTime, now: UnixTime) -> CertificateError {
        self.first_with(|certificate| {
            let is_it = certificate.not_before() == not_before;
            is_it.then_some(Fault::NotYetValid { not_before, now })
        })
    }

    fn bad_signature(&self, terms: &Terms) -> CertificateError {
        if terms.is_exhausted() {
            return Fault::TooMuchWork.into();
        }
        self.first_with(|certificate| {
            let refused = terms.refused()?;
            let signed: &[u8] = certificate.parsed().tbs_certificate.as_ref();
            (*refused.signed == *signed).then_some(match refused.reason {
                Reason::Wrong => Fault::BadSignature,
                Reason::KeySize { bits } => Fault::IssuerKeySize { bits },
            })
        })
    }

    /// Both are contents of an AlgorithmIdentifier, which begins with the object identifier: that of
    /// the signature, and that of a key that does not fit it.
    fn unsupported_signature(&self, id: &[u8], key: Option<&[u8]>) -> CertificateError {
        let names = |id: &[u8], oid: &Oid<'_>| {
            id.get(2..)
                .is_some_and(|rest| rest.starts_with(oid.as_bytes()))
        };
        self.first_at(|index, certificate| {
            let algorithm = &certificate.parsed().signature_algorithm.algorithm;
            let issuer = self.certificates.get(index + 1);
            let by_such_key = match (key, issuer) {
                (Some(key), Some((_, issuer))) => {
                    names(key, &issuer.parsed().public_key().algorithm.algorithm)
                }
                _ => true,
            };
            (names(id, algorithm) && by_such_key).then(|| {
                match *algorithm == OID_PKCS1_SHA1WITHRSA {
                    true => Fault::Sha1Signature,
                    false => Fault::UnsupportedSignature {
                        algorithm: Excerpt::new(algorithm),
                    },
                }
            })
        })
    }

    /// All but the peer's own have issued another.
    fn not_a_ca(&self) -> CertificateError {
        self.first_at(|index, certificate| {
            let constraints = basic_constraints(certificate);
            match constraints.is_some_and(|constraints| constraints.ca) {
                _ if index == 0 => None,
                true => certificate.require_key_usage(Usage::KeyCertSign).err(),
                false => Some(Fault::NotACa),
            }
        })
    }

    fn path_length(&self) -> CertificateError {
        self.first_at(|index, certificate| {
            let most = basic_constraints(certificate)?.path_len_constraint?;
            let below = index.checked_sub(1)?;
            (usize::try_from(most).is_ok_and(|most| below > most)).then_some(Fault::PathLength)
        })
    }

    fn version(&self) -> CertificateError {
        self.first_with(|certificate| {
            let parsed = certificate.parsed();
            match parsed.version() {
                X509Version::V3 => None,
                // Extensions are not of version 1.
                X509Version::V1 if !parsed.extensions().is_empty() => Some(Fault::Malformed),
                other => Some(Fault::Version {
                    version: other.0.saturating_add(1),
                }),
            }
        })
    }

    fn critical_extension(&self) -> CertificateError {
        self.first_with(|certificate| {
            let extensions = certificate.parsed().extensions().iter();
            let mut critical = extensions.filter(|extension| extension.critical);
            let unknown = critical.find(|extension| !KNOWN_EXTENSIONS.contains(&extension.oid))?;
            Some(Fault::CriticalExtension {
                oid: Excerpt::new(&unknown.oid),
            })
        })
    }

    fn revoked(&self, search: &Search<'_>) -> CertificateError {
        self.of_list(search, Fault::Revoked, |lists, certificate| {
            lists.revokes(certificate)
        })
    }

    fn of_unknown_status(&self, search: &Search<'_>) -> CertificateError {
        self.of_list(search, Fault::RevocationUnknown, |lists, certificate| {
            !lists.covers_all(certificate)
        })
    }

    fn list_expired(&self, next_update: UnixTime, search: &Search<'_>) -> CertificateError {
        let now = search.now;
        let fault = Fault::RevocationListExpired { next_update, now };
        self.of_list(search, fault, |lists, certificate| {
            lists.expire(certificate) <= now.as_secs()
        })
    }

    /// Whoever's issuer signed the list that was refused; where none was, whoever has one.
    fn list_invalid(&self, search: &Search<'_>, terms: &Terms) -> CertificateError {
        let refused = terms.refused().map(|refused| &*refused.signed);
        self.of_list(
            search,
            Fault::RevocationListInvalid,
            |lists, certificate| match refused {
                Some(signed) if lists.contain(signed) => lists.covers_by(certificate, signed),
                _ => lists.covers(certificate),
            },
        )
    }

    /// Blames the first certificate about which the lists say so, or none.
    fn of_list(
        &self,
        search: &Search<'_>,
        fault: Fault,
        said: impl Fn(&RevocationLists, &PeerCertificate<'_>) -> bool,
    ) -> CertificateError {
        let lists = search.revocation;
        let mut blamed = self
            .certificates
            .iter()
            .filter(|(_, certificate)| lists.is_some_and(|lists| said(lists, certificate)));
        let id = blamed.next().map(|(at, certificate)| certificate.id(*at));
        CertificateError::new(fault, id)
    }
}

fn basic_constraints(certificate: &PeerCertificate<'_>) -> Option<BasicConstraints> {
    certificate
        .read_extension(&OID_X509_EXT_BASIC_CONSTRAINTS)
        .ok()?
}
