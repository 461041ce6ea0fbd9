//! The authentication of clients by certificate: whether a server requests one, and what it lists.

use super::{SIGNATURE_SCHEMES, chain_signature_schemes};
use crate::enums::SignatureScheme;
use crate::error::ConfigError;
use crate::verify::CertificatePolicy;

/// The most bytes that the list of CA names takes, so that the rest of a CertificateRequest still
/// fits into a message of 64 KiB.
const MAX_AUTHORITIES: usize = (1 << 16) - 1 - (1 << 8);

/// The most signature algorithms in the list; more than there are.
const MAX_SIGNATURE_SCHEMES: usize = 32;

/// How a server authenticates its clients by certificate.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// use premaster::{CertificatePolicy, CertifiedKey, ClientAuth, RootStore, ServerConfig};
/// use std::sync::Arc;
///
/// let policy = CertificatePolicy::new(RootStore::from_pem(chain_pem)?);
/// let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
/// let config =
///     ServerConfig::builder(certified).client_auth(ClientAuth::Require(policy)).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// The server requests no certificate. The default.
    #[default]
    None,
    /// The server requests a certificate, but also serves a client that has none. The policy must
    /// accept a certificate that the client presents.
    Request(CertificatePolicy),
    /// The server requests a certificate and refuses a client that has none. The policy must accept
    /// the certificate.
    Require(CertificatePolicy),
}

impl ClientAuth {
    /// The rules for accepting a client's certificate, if one is requested.
    pub(crate) fn policy(&self) -> Option<&CertificatePolicy> {
        match self {
            Self::None => None,
            Self::Request(policy) | Self::Require(policy) => Some(policy),
        }
    }
}

/// The CA names that a server lists when it requests a certificate (certificate_authorities,
/// [RFC 5246 section 7.4.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4)).
///
/// Clients select their certificate by them. They do not affect which certificates the server
/// accepts.
#[derive(Clone, Debug, Default)]
pub enum ClientAuthorities {
    /// The subjects of the policy's roots, or an empty list if the policy has pins, since a pinned
    /// certificate may come from any CA. The default.
    #[default]
    FromRoots,
    /// These distinguished names, in DER.
    Names(Vec<Vec<u8>>),
    /// An empty list, so that clients select a certificate on their own: for clients that select
    /// wrongly by names, for many roots, and for roots whose names should not be published.
    None,
}

/// The settings that go into a CertificateRequest.
#[derive(Debug)]
pub(crate) struct ClientCertificateRequest {
    pub(crate) signature_algorithms: Box<[SignatureScheme]>,
    /// In DER.
    pub(crate) authorities: Box<[Vec<u8>]>,
}

impl ClientCertificateRequest {
    /// Checks the settings.
    pub(super) fn new(
        auth: &ClientAuth,
        authorities: &ClientAuthorities,
        algorithms: &[SignatureScheme],
    ) -> Result<Self, ConfigError> {
        if let Some(policy) = auth.policy() {
            if policy.is_empty() {
                return Err(ConfigError::NoRoots);
            }
            if policy.requires_ocsp_response() {
                return Err(ConfigError::ClientOcspResponse);
            }
        }
        check_signature_algorithms(algorithms)?;
        let authorities = match (authorities, auth.policy()) {
            (ClientAuthorities::FromRoots, Some(policy)) => policy.root_names(),
            (ClientAuthorities::Names(names), _) => names.clone(),
            (ClientAuthorities::FromRoots, None) | (ClientAuthorities::None, _) => Vec::new(),
        };
        check_authorities(&authorities)?;
        Ok(Self {
            signature_algorithms: algorithms.into(),
            authorities: authorities.into(),
        })
    }
}

fn check_signature_algorithms(algorithms: &[SignatureScheme]) -> Result<(), ConfigError> {
    let known = |scheme: &SignatureScheme| {
        *scheme == SignatureScheme::RSA_PKCS1_SHA1
            || chain_signature_schemes().any(|known| known == *scheme)
    };
    if let Some(unknown) = algorithms.iter().find(|scheme| !known(scheme)) {
        return Err(ConfigError::UnsupportedSignatureScheme(*unknown));
    }
    // Clients have RSA keys: with no algorithm for RSA, none could sign CertificateVerify.
    let mut own = SIGNATURE_SCHEMES.iter().chain([&SignatureScheme::RSA_PKCS1_SHA1]);
    if algorithms.len() > MAX_SIGNATURE_SCHEMES || !own.any(|scheme| algorithms.contains(scheme)) {
        return Err(ConfigError::NoSignatureSchemes);
    }
    Ok(())
}

/// "DistinguishedName certificate_authorities<0..2^16-1>", each of which has 1 to 2^16-1 bytes.
fn check_authorities(names: &[Vec<u8>]) -> Result<(), ConfigError> {
    let length: usize = names.iter().map(|name| 2 + name.len()).sum();
    if length > MAX_AUTHORITIES || names.iter().any(Vec::is_empty) {
        return Err(ConfigError::BadAuthorities);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::RootStore;

    const PSS: SignatureScheme = SignatureScheme::RSA_PSS_RSAE_SHA256;

    /// The request of a server whose policy has a pin and no root.
    fn request(
        authorities: &ClientAuthorities,
        algorithms: &[SignatureScheme],
    ) -> Result<ClientCertificateRequest, ConfigError> {
        let policy = CertificatePolicy::new(RootStore::new()).pin_certificate([1; 32]);
        ClientCertificateRequest::new(&ClientAuth::Request(policy), authorities, algorithms)
    }

    #[test]
    fn a_policy_has_a_root_or_a_pin() {
        let nobody = CertificatePolicy::new(RootStore::new());
        for auth in [
            ClientAuth::Request(nobody.clone()),
            ClientAuth::Require(nobody),
        ] {
            let roots = ClientAuthorities::FromRoots;
            let request = ClientCertificateRequest::new(&auth, &roots, &[PSS]);
            assert_eq!(request.unwrap_err(), ConfigError::NoRoots);
        }
        let authorities = ClientAuthorities::FromRoots;
        let request = ClientCertificateRequest::new(&ClientAuth::None, &authorities, &[PSS]);
        assert!(request.unwrap().authorities.is_empty());
    }

    #[cfg(feature = "ocsp")]
    #[test]
    fn clients_send_no_ocsp_response() {
        let policy = CertificatePolicy::new(RootStore::new())
            .pin_certificate([1; 32])
            .require_ocsp_response();
        let auth = ClientAuth::Require(policy);
        let request = ClientCertificateRequest::new(&auth, &ClientAuthorities::None, &[PSS]);
        assert_eq!(request.unwrap_err(), ConfigError::ClientOcspResponse);
    }

    #[test]
    fn one_algorithm_at_least_is_for_the_key_of_a_client() {
        let refused =
            |algorithms: &[SignatureScheme]| request(&ClientAuthorities::None, algorithms).err();
        for good in SIGNATURE_SCHEMES.iter().chain([&SignatureScheme::RSA_PKCS1_SHA1]) {
            assert_eq!(refused(&[*good]), None);
        }
        let none = Some(ConfigError::NoSignatureSchemes);
        assert_eq!(refused(&[]), none);
        #[cfg(feature = "ecdsa")]
        assert_eq!(refused(&[SignatureScheme::ECDSA_SHA256]), none);
        assert_eq!(refused(&[PSS; MAX_SIGNATURE_SCHEMES]), None);
        assert_eq!(refused(&[PSS; MAX_SIGNATURE_SCHEMES + 1]), none);
        let unknown = SignatureScheme(0x0202);
        let error = ConfigError::UnsupportedSignatureScheme(unknown);
        assert_eq!(refused(&[PSS, unknown]), Some(error));
    }

    #[test]
    fn names_of_authorities_are_there_and_fit() {
        let named = |names: &[usize]| {
            let names = names.iter().map(|length| vec![1; *length]).collect();
            let request = request(&ClientAuthorities::Names(names), &[PSS]);
            request.map(|request| request.authorities.len())
        };
        let bad = Err(ConfigError::BadAuthorities);
        assert_eq!(named(&[]), Ok(0));
        assert_eq!(named(&[1, 2]), Ok(2));
        assert_eq!(named(&[1, 0]), bad);
        assert_eq!(named(&[MAX_AUTHORITIES - 2]), Ok(1));
        assert_eq!(named(&[MAX_AUTHORITIES - 1]), bad);
        assert_eq!(named(&[MAX_AUTHORITIES - 5, 1]), Ok(2));
        assert_eq!(named(&[MAX_AUTHORITIES - 4, 1]), bad);
    }

    #[test]
    fn pins_name_no_authority() {
        let request = request(&ClientAuthorities::FromRoots, &[PSS]).unwrap();
        assert!(request.authorities.is_empty());
        assert_eq!(*request.signature_algorithms, [PSS]);
    }
}
