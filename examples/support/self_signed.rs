//! Keys and self-signed certificates, created at the start: a server's for `localhost`, and a
//! client's.

use anyhow::Result;
use getrandom::SysRng;
use premaster::CertifiedKey;
use rand_core::UnwrapErr;
use rsa::PrivateKey as RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePrivateKey;
use sha2::Sha256;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::EncodePem;
use x509_cert::der::asn1::Ia5String;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::pem::LineEnding;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;
use zeroize::Zeroizing;

/// The name that the server's certificate is valid for, next to the loopback addresses.
pub const NAME: &str = "localhost";

/// The name in the client's certificate.
const CLIENT_NAME: &str = "client.localhost";

const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// A key and its certificate, and both in PEM.
pub struct SelfSigned {
    pub certified: CertifiedKey,
    pub certificate_pem: String,
    pub key_pem: Zeroizing<String>,
}

/// Makes a server's key of this many bits and its certificate.
pub fn self_signed(bits: usize) -> Result<SelfSigned> {
    make(Role::Server, bits)
}

/// Makes a client's key of this many bits and its certificate.
pub fn self_signed_client(bits: usize) -> Result<SelfSigned> {
    make(Role::Client, bits)
}

fn make(role: Role, bits: usize) -> Result<SelfSigned> {
    let mut rng = UnwrapErr(SysRng);
    let key = RsaPrivateKey::new(&mut rng, bits)?;
    let certificate = CertificateBuilder::new(
        role,
        SerialNumber::generate(&mut rng),
        Validity::from_now(LIFETIME)?,
        SubjectPublicKeyInfoOwned::from_key(&key.to_public_key())?,
    )?
    .build(&SigningKey::<Sha256>::new(key.clone()))?;

    let certificate_pem = certificate.to_pem(LineEnding::LF)?;
    let key_pem = key.to_pkcs8_pem(LineEnding::LF)?;
    Ok(SelfSigned {
        certified: CertifiedKey::from_pem(certificate_pem.as_bytes(), key_pem.as_bytes())?,
        certificate_pem,
        key_pem,
    })
}

/// What the certificate says besides its key.
enum Role {
    Server,
    Client,
}

impl Role {
    fn name(&self) -> &'static str {
        match self {
            Self::Server => NAME,
            Self::Client => CLIENT_NAME,
        }
    }

    /// What RSA key transport uses the key for.
    fn usage(&self) -> KeyUsage {
        KeyUsage(match self {
            Self::Server => KeyUsages::KeyEncipherment.into(),
            Self::Client => KeyUsages::DigitalSignature.into(),
        })
    }

    fn purpose(&self) -> ObjectIdentifier {
        match self {
            Self::Server => SERVER_AUTH,
            Self::Client => CLIENT_AUTH,
        }
    }

    fn addresses(&self) -> &'static [IpAddr] {
        match self {
            Self::Server => &[
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
            Self::Client => &[],
        }
    }
}

impl BuilderProfile for Role {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        Name::from_str(&format!("CN={}", self.name())).expect("a constant name parses")
    }

    fn build_extensions(
        &self,
        _spk: SubjectPublicKeyInfoRef<'_>,
        _issuer_spk: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let not_a_ca = BasicConstraints {
            ca: false,
            path_len_constraint: None,
        };
        let purposes = ExtendedKeyUsage(vec![self.purpose()]);
        let mut names = vec![GeneralName::DnsName(Ia5String::new(self.name())?)];
        names.extend(self.addresses().iter().copied().map(GeneralName::from));

        let subject = tbs.subject();
        Ok(vec![
            not_a_ca.to_extension(subject, &[])?,
            self.usage().to_extension(subject, &[])?,
            purposes.to_extension(subject, &[])?,
            SubjectAltName(names).to_extension(subject, &[])?,
        ])
    }
}
