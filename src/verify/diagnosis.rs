//! The diagnosis of a failed search: which certificate of the chain caused it, and what is wrong
//! with it. It only makes errors and decides nothing.

use super::certificate::{PeerCertificate, Usage};
use super::chain::Link;
use super::der::{INTEGER, SEQUENCE, only_element, unsigned};
use super::name::Text;
use super::path::{MAX_PATH, Search};
use super::search_error::SearchError;
use super::signatures::{Reason, SignatureRules};
use crate::error::{CertificateError, CertificateFault as Fault, Excerpt};
use pki_types::UnixTime;
use webpki::EndEntityCert;
use x509_parser::extensions::BasicConstraints;
use x509_parser::oid_registry::{
    OID_PKCS1_SHA1WITHRSA, OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_CRL_DISTRIBUTION_POINTS, OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_INHIBIT_ANY_POLICY, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_POLICY_CONSTRAINTS, OID_X509_EXT_POLICY_MAPPINGS, OID_X509_EXT_SUBJECT_ALT_NAME,
    Oid,
};
use x509_parser::prelude::X509Version;

/// The extensions that `rustls-webpki` or this crate supports.
const KNOWN_EXTENSIONS: [Oid<'static>; 10] = [
    OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_POLICY_MAPPINGS,
    OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_INHIBIT_ANY_POLICY,
];

/// Returns the error for a failed search, with the certificate that caused it.
pub(super) fn explain(
    error: SearchError,
    search: &Search<'_>,
    rules: &SignatureRules<'_>,
) -> CertificateError {
    let path = NamePath::of(search);
    match error {
        SearchError::UnknownIssuer => path.unknown_issuer(),
        SearchError::Expired { not_after } => path.expired(not_after),
        SearchError::NotYetValid { not_before } => path.not_yet_valid(not_before),
        SearchError::BadSignature => path.bad_signature(rules),
        SearchError::UnsupportedSignature { signature, key } => {
            path.unsupported_signature(&signature, key.as_deref())
        }
        SearchError::CaAsLeaf => path.first_with(|_| Some(Fault::CaAsLeaf)),
        SearchError::NotACa => path.not_a_ca(),
        SearchError::PathLength => path.path_length(),
        SearchError::NameConstraints => path.first_with(|_| Some(Fault::NameConstraints)),
        SearchError::Policies => path.first_with(|_| Some(Fault::Policies)),
        SearchError::Version => path.version(),
        SearchError::CriticalExtension => path.critical_extension(),
        SearchError::Purpose => {
            path.first_with(|certificate| search.role.require_purpose(certificate).err())
        }
        SearchError::Distrusted => CertificateError::new(Fault::Revoked, None),
        SearchError::Refused(error) => error,
        SearchError::TooMuchWork => CertificateError::new(Fault::TooMuchWork, None),
        SearchError::TooLong => CertificateError::new(Fault::PathTooLong { most: MAX_PATH }, None),
        SearchError::Malformed => path.malformed(),
    }
}

/// The certificates that lead from the leaf towards a root by the names of their issuers. Other
/// certificates of the chain are not to blame.
struct NamePath<'c> {
    links: Vec<&'c Link<'c>>,
    /// The last of them; the leaf if it is alone.
    last: &'c Link<'c>,
    search: Search<'c>,
}

impl<'c> NamePath<'c> {
    fn of(search: &Search<'c>) -> Self {
        let leaf = search.chain.leaf();
        let mut beside: Vec<_> = search.chain.links().skip(1).collect();
        let mut path = Self {
            links: vec![leaf],
            last: leaf,
            search: *search,
        };
        let above = |below: &Link<'_>, beside: &[&Link<'_>]| {
            let issuer = below.issuer_canonical();
            let is_it = |other: &&Link<'_>| other.subject_canonical() == issuer;
            beside.iter().position(is_it)
        };
        while let Some(index) = above(path.last, &beside) {
            path.last = beside.remove(index);
            path.links.push(path.last);
        }
        path
    }

    /// Blames the first certificate that has such a fault.
    fn first_with(
        &self,
        fault: impl Fn(&PeerCertificate<'c>) -> Option<Fault>,
    ) -> CertificateError {
        self.first_at(|_, certificate| fault(certificate))
    }

    /// Blames the first certificate that has such a fault, given its position on the path.
    fn first_at(
        &self,
        fault: impl Fn(usize, &PeerCertificate<'c>) -> Option<Fault>,
    ) -> CertificateError {
        let links = self.links.iter().enumerate();
        let mut found =
            links.filter_map(|(index, link)| Some(link.blame(fault(index, link.certificate())?)));
        match found.next() {
            Some(error) => error,
            None => self.beside(),
        }
    }

    /// Blames the first certificate that has such a fault, on this path or, if there is none, on
    /// another one that the search tried.
    fn first_anywhere(
        &self,
        fault: impl Fn(&PeerCertificate<'c>) -> Option<Fault>,
    ) -> CertificateError {
        let all = self.links.iter().copied().chain(self.search.chain.links());
        let mut found = all.filter_map(|link| Some(link.blame(fault(link.certificate())?)));
        match found.next() {
            Some(error) => error,
            None => self.beside(),
        }
    }

    /// No certificate of the path has the fault. If the path does not end at a root, that is the
    /// error; if it does, the fault is hidden in the root.
    fn beside(&self) -> CertificateError {
        if !self.search.roots.has(self.last.issuer_canonical()) {
            return self.unknown_issuer();
        }
        let root = self.issuer_of_last();
        self.last.blame(Fault::UnusableRoot { root })
    }

    fn unknown_issuer(&self) -> CertificateError {
        let issuer = self.issuer_of_last();
        self.last.blame(Fault::UnknownIssuer { issuer })
    }

    fn issuer_of_last(&self) -> Excerpt {
        Excerpt::new(Text(self.last.certificate().parsed().issuer()))
    }

    /// Blames the certificate that `rustls-webpki` or this crate cannot parse; if they can parse all,
    /// the first CA with name constraints, which `rustls-webpki` parses last.
    fn malformed(&self) -> CertificateError {
        let mut constrained = self.links.iter().skip(1);
        let constrained = constrained.find(|link| link.certificate().has_name_constraints());
        let unread = self.links.iter().find(|link| is_unread(link));
        match unread.or(constrained) {
            Some(link) => link.blame(Fault::Malformed),
            None => self.beside(),
        }
    }

    fn expired(&self, not_after: UnixTime) -> CertificateError {
        let error = self.first_anywhere(|certificate| {
            let is_it = certificate.not_after() == not_after;
            let now = self.search.now;
            is_it.then_some(Fault::Expired { not_after, now })
        });
        self.advise_about_time(error)
    }

    fn not_yet_valid(&self, not_before: UnixTime) -> CertificateError {
        let error = self.first_anywhere(|certificate| {
            let is_it = certificate.not_before() == not_before;
            let now = self.search.now;
            is_it.then_some(Fault::NotYetValid { not_before, now })
        });
        self.advise_about_time(error)
    }

    /// Names no waiver if the certificates of the path are valid at no common time.
    fn advise_about_time(&self, error: CertificateError) -> CertificateError {
        let certificates = || self.links.iter().map(|link| link.certificate());
        let begin = certificates().map(PeerCertificate::not_before).max();
        let end = certificates().map(PeerCertificate::not_after).min();
        if begin > end {
            error.without_waiver()
        } else {
            error
        }
    }

    fn bad_signature(&self, rules: &SignatureRules<'_>) -> CertificateError {
        if rules.is_exhausted() {
            return CertificateError::new(Fault::TooMuchWork, None);
        }
        self.first_anywhere(|certificate| {
            let refused = rules.refused()?;
            (*refused.signed == *certificate.signed()).then_some(match refused.reason {
                Reason::KeySize { bits } => Fault::IssuerKeySize { bits },
                Reason::Wrong | Reason::Unsupported | Reason::TooMuchWork => Fault::BadSignature,
            })
        })
    }

    /// Both arguments are the contents of an AlgorithmIdentifier, which begins with the object
    /// identifier: that of the signature, and that of a key that does not match it.
    fn unsupported_signature(&self, signature: &[u8], key: Option<&[u8]>) -> CertificateError {
        // Behind its tag and the one to four bytes of its length.
        let names = |id: &[u8], oid: &Oid<'_>| {
            let mut behind = (2..=5).filter_map(|header| id.get(header..));
            behind.any(|rest| rest.starts_with(oid.as_bytes()))
        };
        self.first_at(|index, certificate| {
            let algorithm = &certificate.parsed().signature_algorithm.algorithm;
            let by_such_key = match (key, self.links.get(index + 1)) {
                (Some(key), Some(issuer)) => {
                    let info = issuer.certificate().parsed().public_key();
                    names(key, &info.algorithm.algorithm)
                }
                _ => true,
            };
            let is_it = names(signature, algorithm) && by_such_key;
            is_it.then(|| {
                if *algorithm == OID_PKCS1_SHA1WITHRSA {
                    return Fault::Sha1Signature;
                }
                Fault::UnsupportedSignature {
                    algorithm: Excerpt::new(algorithm),
                }
            })
        })
    }

    /// Each certificate but the leaf is named as an issuer.
    fn not_a_ca(&self) -> CertificateError {
        self.first_at(|index, certificate| {
            if index == 0 {
                return None;
            }
            if !basic_constraints(certificate).is_some_and(|constraints| constraints.ca) {
                return Some(Fault::NotACa);
            }
            certificate.require_key_usage(Usage::KeyCertSign).err()
        })
    }

    fn path_length(&self) -> CertificateError {
        self.first_at(|index, certificate| {
            if !has_readable_path_length(certificate) {
                return Some(Fault::Malformed);
            }
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
                // Version 1 has no extensions.
                X509Version::V1 if !parsed.extensions().is_empty() => Some(Fault::Malformed),
                other => Some(Fault::Version {
                    version: other.0.saturating_add(1),
                }),
            }
        })
    }

    /// "A certificate MUST NOT include more than one instance of a particular extension"
    /// ([RFC 5280 section 4.2](https://www.rfc-editor.org/rfc/rfc5280#section-4.2)): `rustls-webpki` is
    /// shown one that occurs twice, also where it does not know it.
    fn critical_extension(&self) -> CertificateError {
        self.first_with(|certificate| {
            let extensions = certificate.parsed().extensions().iter();
            let mut critical = extensions.filter(|extension| extension.critical);
            match critical.find(|extension| !KNOWN_EXTENSIONS.contains(&extension.oid)) {
                Some(unknown) => Some(Fault::CriticalExtension {
                    oid: Excerpt::new(&unknown.oid),
                }),
                None => certificate.parsed().extensions_map().is_err().then_some(Fault::Malformed),
            }
        })
    }
}

/// Returns true if `rustls-webpki` or this crate cannot parse the certificate. `x509-parser` does not
/// read other extensions here, as it recurses into them as deeply as they go.
fn is_unread(link: &Link<'_>) -> bool {
    let certificate = link.certificate();
    EndEntityCert::try_from(link.form().der()).is_err()
        || !link.has_readable_extensions()
        || !has_readable_path_length(certificate)
        || certificate.not_before() > certificate.not_after()
}

/// Returns false if the certificate's pathLenConstraint, an INTEGER from 0 up, cannot be read.
fn has_readable_path_length(certificate: &PeerCertificate<'_>) -> bool {
    let extensions = certificate.parsed().extensions().iter();
    let mut constraints =
        extensions.filter(|extension| extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS);
    constraints.all(|constraints| {
        let fields = only_element(constraints.value).and_then(|it| it.content_of(SEQUENCE));
        fields.is_some_and(|mut fields| {
            fields.all(|field| {
                field.is_ok_and(|field| field.tag != INTEGER || unsigned(field.content).is_some())
            })
        })
    })
}

fn basic_constraints(certificate: &PeerCertificate<'_>) -> Option<BasicConstraints> {
    certificate.read_extension(&OID_X509_EXT_BASIC_CONSTRAINTS).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::chain::Chain;
    use crate::verify::testing::{
        DAY, NOW, ROOT, Spec, at, authority, ca, key_usage, roots, search, server,
        server_by_authority, unknown_critical,
    };
    use x509_cert::ext::pkix::KeyUsages;

    /// The fault that is reported for this chain, and the position of the certificate.
    fn explained(received: &[Spec], error: SearchError) -> (Fault, Option<usize>) {
        let received: Vec<_> = received.iter().map(Spec::build).collect();
        let (chain, roots) = (Chain::read(&received).unwrap(), roots());
        let search = search(&chain, &roots);
        let error = explain(error, &search, &SignatureRules::default());
        let position = error.certificate().map(|id| id.position());
        (error.fault().clone(), position)
    }

    #[test]
    fn the_certificate_that_a_fault_fits_is_blamed() {
        let beside = Spec {
            subject: "CN=Beside",
            ..authority()
        };
        let no_ca = Spec {
            extensions: vec![],
            ..authority()
        };
        let unable = Spec {
            extensions: vec![ca(), key_usage(KeyUsages::CRLSign)],
            ..authority()
        };
        let unknown = Spec {
            extensions: vec![ca(), unknown_critical()],
            ..authority()
        };
        let expired = Spec {
            not_after: NOW - DAY / 2,
            ..authority()
        };
        let now = at(NOW);
        let not_after = at(NOW - DAY / 2);
        let with = |authority: Spec| vec![server_by_authority(), beside.clone(), authority];
        let rsa_sha256 = vec![6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0];
        for (chain, error, fault, position) in [
            (
                with(expired),
                SearchError::Expired { not_after },
                Fault::Expired { not_after, now },
                Some(2),
            ),
            (with(no_ca), SearchError::NotACa, Fault::NotACa, Some(2)),
            (
                with(unable),
                SearchError::NotACa,
                Fault::KeyUsage {
                    wanted: "keyCertSign",
                    found: Excerpt::new("CRL Sign"),
                },
                Some(2),
            ),
            (
                with(unknown),
                SearchError::CriticalExtension,
                Fault::CriticalExtension {
                    oid: Excerpt::new("1.3.6.1.4.1.55555.1"),
                },
                Some(2),
            ),
            (
                with(authority()),
                SearchError::CaAsLeaf,
                Fault::CaAsLeaf,
                Some(0),
            ),
            (
                vec![server().version_1()],
                SearchError::Version,
                Fault::Version { version: 1 },
                Some(0),
            ),
            (
                vec![server()],
                SearchError::UnsupportedSignature {
                    signature: rsa_sha256,
                    key: None,
                },
                Fault::UnsupportedSignature {
                    algorithm: Excerpt::new("1.2.840.113549.1.1.11"),
                },
                Some(0),
            ),
            (
                with(authority()),
                SearchError::TooMuchWork,
                Fault::TooMuchWork,
                None,
            ),
            (
                with(authority()),
                SearchError::TooLong,
                Fault::PathTooLong { most: 7 },
                None,
            ),
        ] {
            let explained = explained(&chain, error.clone());
            assert_eq!(explained, (fault, position), "{error:?}");
        }
    }

    #[test]
    fn where_no_fault_fits_the_end_of_the_path_is_to_blame() {
        let unknown_issuer = |issuer| Fault::UnknownIssuer {
            issuer: Excerpt::new(issuer),
        };
        let stranger = Spec {
            issuer: "CN=Stranger",
            ..authority()
        };
        for error in [
            SearchError::BadSignature,
            SearchError::PathLength,
            SearchError::Malformed,
        ] {
            let to_root = explained(&[server_by_authority(), authority()], error.clone());
            let root = Excerpt::new(ROOT);
            assert_eq!(to_root, (Fault::UnusableRoot { root }, Some(1)));
            let to_nobody = explained(&[server_by_authority()], error.clone());
            assert_eq!(to_nobody, (unknown_issuer("CN=Authority"), Some(0)));
            let to_stranger = explained(&[server_by_authority(), stranger.clone()], error);
            assert_eq!(to_stranger, (unknown_issuer("CN=Stranger"), Some(1)));
        }
        let (fault, position) = explained(&[server()], SearchError::UnknownIssuer);
        assert_eq!((fault, position), (unknown_issuer(ROOT), Some(0)));
    }

    #[test]
    fn of_two_equal_certificates_the_first_is_blamed_and_names_lead_nowhere_twice() {
        let looping = Spec {
            subject: ROOT,
            ..authority()
        };
        let chain = [server(), server(), looping.clone(), looping];
        let (fault, position) = explained(&chain, SearchError::CaAsLeaf);
        assert_eq!((fault, position), (Fault::CaAsLeaf, Some(0)));
        let (fault, position) = explained(&chain, SearchError::UnknownIssuer);
        assert_eq!(position, Some(3));
        assert!(matches!(fault, Fault::UnknownIssuer { .. }));
    }
}
