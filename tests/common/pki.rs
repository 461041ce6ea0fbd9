//! Certificates made for the tests: fixed keys, fixed time, every field in the test's hand.

use premaster::CertifiedKey;
use premaster::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha2::Sha256;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{GeneralizedTime, Ia5String, OctetString};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

/// Seconds since 1970 at which the tests take place.
pub const NOW: u64 = 1_800_000_000;

pub const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// A private key of tests/data.
pub fn key(name: &str) -> RsaPrivateKey {
    let path = format!("{}/tests/data/{name}.key", env!("CARGO_MANIFEST_DIR"));
    RsaPrivateKey::from_pkcs8_pem(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Everything about a certificate that a test may want to change.
#[derive(Clone)]
pub struct Spec {
    pub subject: &'static str,
    pub issuer: &'static str,
    pub public_key: SubjectPublicKeyInfoOwned,
    pub issuer_key: RsaPrivateKey,
    pub not_before: u64,
    pub not_after: u64,
    pub dns: Vec<&'static str>,
    pub ip: Vec<IpAddr>,
    pub ca: Option<bool>,
    pub key_usage: Option<FlagSet<KeyUsages>>,
    pub extended_key_usage: Option<Vec<ObjectIdentifier>>,
    /// An extension that nobody knows and that is marked critical.
    pub unknown_critical: bool,
}

const ROOT: &str = "CN=Test Root";

/// A good server certificate, issued by the test root.
pub fn server(key: &RsaPrivateKey) -> Spec {
    Spec {
        subject: "CN=Test Server",
        issuer: ROOT,
        public_key: public_key(&key.to_public_key()),
        issuer_key: self::key("rsa-2048-ca"),
        not_before: NOW - 86_400,
        not_after: NOW + 86_400,
        dns: vec![super::NAME],
        ip: vec![IpAddr::from([127, 0, 0, 1])],
        ca: Some(false),
        key_usage: Some(KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment),
        extended_key_usage: Some(vec![SERVER_AUTH]),
        unknown_critical: false,
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

/// The test root.
pub fn root() -> Spec {
    Spec {
        subject: ROOT,
        ca: Some(true),
        key_usage: Some(KeyUsages::KeyCertSign.into()),
        extended_key_usage: None,
        dns: vec![],
        ip: vec![],
        ..server(&key("rsa-2048-ca"))
    }
}

pub fn public_key(key: &RsaPublicKey) -> SubjectPublicKeyInfoOwned {
    let der = key.to_public_key_der().unwrap();
    SubjectPublicKeyInfoOwned::from_der(der.as_bytes()).unwrap()
}

/// A private key as the configurations take it.
pub fn private_key(key: &RsaPrivateKey) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.to_pkcs8_der().unwrap().as_bytes().to_vec()).into()
}

impl Spec {
    pub fn build(&self) -> CertificateDer<'static> {
        self.certificate().to_der().unwrap().into()
    }

    pub fn certificate(&self) -> Certificate {
        let time = |seconds| {
            Time::from(GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap())
        };
        let validity = Validity::new(time(self.not_before), time(self.not_after));
        let signer = SigningKey::<Sha256>::new(self.issuer_key.clone());
        let serial = SerialNumber::from(42u32);
        CertificateBuilder::new(self.clone(), serial, validity, self.public_key.clone())
            .unwrap()
            .build(&signer)
            .unwrap()
    }

    /// The certificate alone as a chain, with its key.
    pub fn certified(&self, key: &RsaPrivateKey) -> Arc<CertifiedKey> {
        Arc::new(CertifiedKey::from_der(vec![self.build()], &private_key(key)).unwrap())
    }
}

impl BuilderProfile for Spec {
    fn get_issuer(&self, _subject: &Name) -> Name {
        Name::from_str(self.issuer).unwrap()
    }

    fn get_subject(&self) -> Name {
        Name::from_str(self.subject).unwrap()
    }

    fn build_extensions(
        &self,
        _spk: SubjectPublicKeyInfoRef<'_>,
        _issuer_spk: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let mut extensions = Vec::new();
        if let Some(ca) = self.ca {
            let constraints = BasicConstraints {
                ca,
                path_len_constraint: None,
            };
            extensions.push(constraints.to_extension(tbs.subject(), &extensions)?);
        }
        if let Some(usage) = self.key_usage {
            extensions.push(KeyUsage(usage).to_extension(tbs.subject(), &extensions)?);
        }
        if let Some(purposes) = &self.extended_key_usage {
            let purposes = ExtendedKeyUsage(purposes.clone());
            extensions.push(purposes.to_extension(tbs.subject(), &extensions)?);
        }
        let names: Vec<_> = self
            .dns
            .iter()
            .map(|name| GeneralName::DnsName(Ia5String::new(name).unwrap()))
            .chain(self.ip.iter().map(|address| GeneralName::from(*address)))
            .collect();
        if !names.is_empty() {
            extensions.push(SubjectAltName(names).to_extension(tbs.subject(), &extensions)?);
        }
        if self.unknown_critical {
            extensions.push(Extension {
                extn_id: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55555.1"),
                critical: true,
                extn_value: OctetString::new([5, 0]).unwrap(),
            });
        }
        Ok(extensions)
    }
}
