//! The certificates that every library is given, made at start.
//!
//! The server shows one certificate, which a root with a 2048-bit key signed, and the clients have
//! the root in their stores: so each of them checks one signature on the way to it, and no library
//! can take the certificate for the root itself.

use crate::common::NAME;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

/// The root's private key.
pub const ROOT_KEY: &[u8] = include_bytes!("../../../tests/data/rsa-2048-ca.key");

/// X.509 version 3 is written as 2.
const VERSION_3: i32 = 2;

/// Longer than any run.
const DAYS: u32 = 2;

/// How long the server's RSA key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLength {
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl KeyLength {
    pub const ALL: [Self; 3] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    pub fn bits(self) -> usize {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }

    fn key(self) -> &'static [u8] {
        match self {
            Self::Rsa2048 => include_bytes!("../../../tests/data/rsa-2048.key"),
            Self::Rsa3072 => include_bytes!("../../../tests/data/rsa-3072.key"),
            Self::Rsa4096 => include_bytes!("../../../tests/data/rsa-4096.key"),
        }
    }
}

/// The server's certificate and key, and the root that the clients trust; each of them PEM.
pub struct Credentials {
    pub root: Vec<u8>,
    pub certificate: Vec<u8>,
    pub key: &'static [u8],
}

impl Credentials {
    pub fn new(length: KeyLength) -> Self {
        let root_key = PKey::private_key_from_pem(ROOT_KEY).unwrap();
        let root = root(&root_key);
        let key = PKey::private_key_from_pem(length.key()).unwrap();
        let certificate = server(&key, root.subject_name(), &root_key);
        Self {
            root: root.to_pem().unwrap(),
            certificate: certificate.to_pem().unwrap(),
            key: length.key(),
        }
    }
}

fn root(key: &PKeyRef<Private>) -> X509 {
    let name = common_name("root");
    let mut builder = builder(1, &name, &name, key);
    let constraints = BasicConstraints::new().critical().ca().build().unwrap();
    builder.append_extension(constraints).unwrap();
    let usage = KeyUsage::new().critical().key_cert_sign().build().unwrap();
    builder.append_extension(usage).unwrap();
    signed(builder, key)
}

fn server(key: &PKeyRef<Private>, issuer: &X509NameRef, issuer_key: &PKeyRef<Private>) -> X509 {
    let mut builder = builder(2, &common_name("server"), issuer, key);
    let constraints = BasicConstraints::new().critical().build().unwrap();
    builder.append_extension(constraints).unwrap();
    // A signature of the key exchange for rustls, key transport for the others.
    let usage = KeyUsage::new().critical().digital_signature().key_encipherment().build().unwrap();
    builder.append_extension(usage).unwrap();
    let purpose = ExtendedKeyUsage::new().server_auth().build().unwrap();
    builder.append_extension(purpose).unwrap();
    let context = builder.x509v3_context(None, None);
    let name = SubjectAlternativeName::new().dns(NAME).build(&context);
    builder.append_extension(name.unwrap()).unwrap();
    signed(builder, issuer_key)
}

fn common_name(name: &str) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    builder.append_entry_by_text("CN", name).unwrap();
    builder.build()
}

fn builder(
    serial: u32,
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<Private>,
) -> X509Builder {
    let serial = BigNum::from_u32(serial).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(VERSION_3).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(DAYS).unwrap()).unwrap();
    builder
}

fn signed(mut builder: X509Builder, key: &PKeyRef<Private>) -> X509 {
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}
