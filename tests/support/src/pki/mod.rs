//! Certificates, CRLs and OCSP responses made for the tests, with fixed keys and a fixed time.
//!
//! Each is a plain struct. A function returns its good form, and the test changes any field of it:
//! `Spec { dns: vec![], ..pki::server(&key) }.build()`.

pub mod algorithm;
pub mod authority;
pub mod crl;
pub mod der;
pub mod keys;
pub mod ocsp;

pub use {
    algorithm::{Algorithm, Hash, Padding},
    authority::{Authority, chain, cycle},
    crl::{Crl, Revoked, crl},
    keys::{Key, key, p256, p384, private_key, public_key, raw_public_key, rsa, rsa_public_key},
    ocsp::{Ocsp, Responder, SingleResponse, Status, ocsp, single_response},
};

use der::{known, sequence};
use premaster::CertifiedKey;
use premaster::pki_types::CertificateDer;
use rsa::PrivateKey as RsaPrivateKey;
use std::net::IpAddr;
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::pem::{self, LineEnding};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// Seconds since 1970 at which the tests take place.
pub const NOW: u64 = 1_800_000_000;

/// A day, in seconds.
pub const DAY: u64 = 86_400;

pub const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
pub const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
pub const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// All fields of a certificate, for a test to change.
#[derive(Clone)]
pub struct Spec {
    /// The extensions do not depend on it.
    pub version: u8,
    /// The content of the INTEGER.
    pub serial: Vec<u8>,
    /// In the notation of RFC 4514.
    pub subject: &'static str,
    pub issuer: &'static str,
    /// DER that stands in the place of `subject`.
    pub raw_subject: Option<Vec<u8>>,
    /// DER that stands in the place of `issuer`.
    pub raw_issuer: Option<Vec<u8>>,
    pub not_before: u64,
    pub not_after: u64,
    pub public_key: SubjectPublicKeyInfoOwned,
    pub ca: Option<bool>,
    /// The pathLenConstraint, where `ca` is not `None`.
    pub path_length: Option<u8>,
    pub key_usage: Option<FlagSet<KeyUsages>>,
    pub extended_key_usage: Option<Vec<ObjectIdentifier>>,
    /// Without a name, the extension subjectAltName is absent.
    pub dns: Vec<&'static str>,
    pub ip: Vec<IpAddr>,
    /// Of the subjectAltName as well.
    pub other_names: Vec<GeneralName>,
    /// Of the nameConstraints, which are absent without any.
    pub permitted: Vec<GeneralName>,
    pub excluded: Vec<GeneralName>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    /// An extension that nobody knows and that is marked critical.
    pub unknown_critical: bool,
    /// Extensions after all others; duplicates are allowed.
    pub extensions: Vec<Extension>,
    pub issuer_key: Key,
    /// By default as it suits `issuer_key`.
    pub algorithm: Option<Algorithm>,
    /// The algorithm in the signed part, if it differs from the outer one.
    pub inner_algorithm: Option<Algorithm>,
    /// One bit of the signature is wrong.
    pub damaged: bool,
}

const ROOT: &str = "CN=Test Root";

/// A good server certificate, issued by the test root.
pub fn server(key: &RsaPrivateKey) -> Spec {
    Spec {
        version: 3,
        serial: vec![42],
        subject: "CN=Test Server",
        issuer: ROOT,
        raw_subject: None,
        raw_issuer: None,
        not_before: NOW - DAY,
        not_after: NOW + DAY,
        public_key: public_key(key.as_public_key()),
        ca: Some(false),
        path_length: None,
        key_usage: Some(KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment),
        extended_key_usage: Some(vec![SERVER_AUTH]),
        dns: vec![super::NAME],
        ip: vec![IpAddr::from([127, 0, 0, 1])],
        other_names: vec![],
        permitted: vec![],
        excluded: vec![],
        subject_key_id: None,
        authority_key_id: None,
        unknown_critical: false,
        extensions: vec![],
        issuer_key: self::key("rsa-2048-ca").into(),
        algorithm: None,
        inner_algorithm: None,
        damaged: false,
    }
}

/// A good client certificate, issued by the test root.
pub fn client(key: &RsaPrivateKey) -> Spec {
    Spec {
        subject: "CN=Test Client",
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        extended_key_usage: Some(vec![CLIENT_AUTH]),
        dns: vec!["client.example"],
        ip: vec![],
        ..server(key)
    }
}

/// A good certificate of an OCSP responder to which the test root has delegated its answers.
pub fn responder(key: &RsaPrivateKey) -> Spec {
    Spec {
        subject: "CN=Test Responder",
        extended_key_usage: Some(vec![OCSP_SIGNING]),
        dns: vec![],
        ..client(key)
    }
}

/// The test root.
pub fn root() -> Spec {
    Spec {
        subject: ROOT,
        ca: Some(true),
        key_usage: Some(KeyUsages::KeyCertSign | KeyUsages::CRLSign),
        extended_key_usage: None,
        dns: vec![],
        ip: vec![],
        ..server(&key("rsa-2048-ca"))
    }
}

/// A name of a subjectAltName, or a domain of nameConstraints.
pub fn dns_name(name: &str) -> GeneralName {
    GeneralName::DnsName(Ia5String::new(name).unwrap())
}

pub fn uri(uri: &str) -> GeneralName {
    GeneralName::UniformResourceIdentifier(Ia5String::new(uri).unwrap())
}

pub fn email(address: &str) -> GeneralName {
    GeneralName::Rfc822Name(Ia5String::new(address).unwrap())
}

/// A network of nameConstraints: its address and its mask.
pub fn network<const N: usize>(address: [u8; N], mask: [u8; N]) -> GeneralName {
    let both = [address, mask].concat();
    GeneralName::IpAddress(OctetString::new(both).unwrap())
}

/// A subjectAltName without a name in it, for [`Spec::extensions`].
pub fn empty_subject_alt_name() -> Extension {
    known(false, &SubjectAltName(vec![]))
}

/// DER as PEM with this label, such as `CERTIFICATE` or `X509 CRL`.
pub fn to_pem(label: &'static str, der: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, der).unwrap()
}

impl Spec {
    pub fn build(&self) -> CertificateDer<'static> {
        let key = &self.issuer_key;
        let signed = keys::signed(&self.tbs_certificate(), key, self.algorithm(), self.damaged);
        sequence(&[&signed]).into()
    }

    /// The certificate taken apart, if that is possible.
    pub fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.build()).unwrap()
    }

    /// The certificate alone as a chain, with its key.
    pub fn certified(&self, key: &RsaPrivateKey) -> Arc<CertifiedKey> {
        Arc::new(CertifiedKey::from_der(vec![self.build()], &private_key(key)).unwrap())
    }

    /// The first version, which has no extensions.
    pub fn version_1(self) -> Self {
        Self {
            version: 1,
            ca: None,
            path_length: None,
            key_usage: None,
            extended_key_usage: None,
            dns: vec![],
            ip: vec![],
            other_names: vec![],
            permitted: vec![],
            excluded: vec![],
            subject_key_id: None,
            authority_key_id: None,
            unknown_critical: false,
            extensions: vec![],
            ..self
        }
    }

    /// The subject as DER.
    pub fn subject_name(&self) -> Vec<u8> {
        let raw = self.raw_subject.clone();
        raw.unwrap_or_else(|| der::name(self.subject))
    }

    /// The issuer as DER.
    pub fn issuer_name(&self) -> Vec<u8> {
        let raw = self.raw_issuer.clone();
        raw.unwrap_or_else(|| der::name(self.issuer))
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(self.issuer_key.algorithm())
    }

    fn tbs_certificate(&self) -> Vec<u8> {
        sequence(&[
            &der::explicit(0, &der::version(self.version)),
            &der::integer(&self.serial),
            &self.inner_algorithm.unwrap_or(self.algorithm()).to_der(),
            &self.issuer_name(),
            &sequence(&[&der::time(self.not_before), &der::time(self.not_after)]),
            &self.subject_name(),
            &self.public_key.to_der().unwrap(),
            &der::explicit(3, &der::extensions(&self.all_extensions())),
        ])
    }

    fn all_extensions(&self) -> Vec<Extension> {
        let own = [
            self.basic_constraints(),
            self.key_usage.map(key_usage),
            self.extended_key_usage.clone().map(extended_key_usage),
            self.subject_alt_name(),
            self.name_constraints(),
            self.subject_key_id.as_deref().map(subject_key_id),
            self.authority_key_id.as_deref().map(authority_key_id),
            self.unknown_critical.then(unknown_critical),
        ];
        let own = own.into_iter().flatten();
        own.chain(self.extensions.iter().cloned()).collect()
    }

    fn basic_constraints(&self) -> Option<Extension> {
        let constraints = BasicConstraints {
            ca: self.ca?,
            path_len_constraint: self.path_length,
        };
        Some(known(true, &constraints))
    }

    /// Critical where the subject is empty
    /// ([RFC 5280 section 4.2.1.6](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6)).
    fn subject_alt_name(&self) -> Option<Extension> {
        let dns = self.dns.iter().map(|name| dns_name(name));
        let ip = self.ip.iter().map(|address| GeneralName::from(*address));
        let names: Vec<_> = dns.chain(ip).chain(self.other_names.clone()).collect();
        let critical = self.subject_name() == der::name("");
        (!names.is_empty()).then(|| known(critical, &SubjectAltName(names)))
    }

    fn name_constraints(&self) -> Option<Extension> {
        let subtrees = |bases: &[GeneralName]| {
            let subtree = |base: &GeneralName| GeneralSubtree {
                base: base.clone(),
                minimum: 0,
                maximum: None,
            };
            (!bases.is_empty()).then(|| bases.iter().map(subtree).collect())
        };
        let constraints = NameConstraints {
            permitted_subtrees: subtrees(&self.permitted),
            excluded_subtrees: subtrees(&self.excluded),
        };
        let none = self.permitted.is_empty() && self.excluded.is_empty();
        (!none).then(|| known(true, &constraints))
    }
}

fn key_usage(usages: FlagSet<KeyUsages>) -> Extension {
    known(true, &KeyUsage(usages))
}

fn extended_key_usage(purposes: Vec<ObjectIdentifier>) -> Extension {
    known(false, &ExtendedKeyUsage(purposes))
}

fn subject_key_id(id: &[u8]) -> Extension {
    known(false, &SubjectKeyIdentifier(OctetString::new(id).unwrap()))
}

fn authority_key_id(id: &[u8]) -> Extension {
    let id = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(id).unwrap()),
        ..Default::default()
    };
    known(false, &id)
}

fn unknown_critical() -> Extension {
    der::extension("1.3.6.1.4.1.55555.1", true, &der::null())
}
