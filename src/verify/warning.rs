//! What peers probably refuse about this side's own chain.

use super::certificate::PeerCertificate;
use super::name::canonical_name;
use super::purpose::Role;
use crate::enums::SignatureScheme;
use crate::error::{CertificateFault, CertificateFlaw, CertificateWarning};
use pki_types::{CertificateDer, UnixTime};
use x509_parser::extensions::BasicConstraints;
use x509_parser::oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS;
use x509_parser::prelude::X509Version;

/// What clients probably refuse about a server's chain, at this time if there is one.
pub(crate) fn server_warnings(
    chain: &[CertificateDer<'_>],
    now: Option<UnixTime>,
) -> Vec<CertificateWarning> {
    warnings(chain, Role::Server, now)
}

/// What servers probably refuse about a client's chain, at this time if there is one.
pub(crate) fn client_warnings(
    chain: &[CertificateDer<'_>],
    now: Option<UnixTime>,
) -> Vec<CertificateWarning> {
    warnings(chain, Role::Client, now)
}

fn warnings(
    chain: &[CertificateDer<'_>],
    role: Role,
    now: Option<UnixTime>,
) -> Vec<CertificateWarning> {
    let parsed: Vec<_> = chain.iter().filter_map(|own| PeerCertificate::parse(own).ok()).collect();
    let mut warnings = Vec::new();
    let mut below = None;
    for (position, certificate) in parsed.iter().enumerate() {
        let mut flaws = Vec::new();
        if position == 0 {
            leaf_flaws(certificate, role, &mut flaws);
        } else if !below.is_some_and(|below| issued(certificate, below)) {
            flaws.push(CertificateFlaw::NotTheIssuer);
        }
        flaws_anywhere(certificate, now, &mut flaws);
        let warning =
            |flaw| CertificateWarning::new(certificate.id(position, certificate.der()), flaw);
        warnings.extend(flaws.into_iter().map(warning));
        below = Some(certificate);
    }
    warnings
}

fn leaf_flaws(leaf: &PeerCertificate<'_>, role: Role, flaws: &mut Vec<CertificateFlaw>) {
    flaws.extend(leaf.require_key_usage(role.usage()).err().map(flaw));
    flaws.extend(role.require_purpose(leaf).err().map(flaw));
    let constraints = leaf.read_extension::<BasicConstraints>(&OID_X509_EXT_BASIC_CONSTRAINTS);
    match constraints {
        Ok(Some(constraints)) if constraints.ca => {
            flaws.push(CertificateFlaw::CaAsLeaf);
        }
        Ok(_) => {}
        Err(fault) => flaws.push(flaw(fault)),
    }
    let has_names = !leaf.dns_names().is_empty() || !leaf.ip_addresses().is_empty();
    match (leaf.names(), role) {
        (Err(fault), _) => flaws.push(flaw(fault)),
        (Ok(_), Role::Server) if !has_names => flaws.push(CertificateFlaw::NoNames),
        (Ok(_), Role::Server | Role::Client) => {}
    }
}

/// What is wrong with a certificate wherever it stands.
fn flaws_anywhere(
    certificate: &PeerCertificate<'_>,
    now: Option<UnixTime>,
    flaws: &mut Vec<CertificateFlaw>,
) {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if now.is_some_and(|now| now > not_after) {
        flaws.push(CertificateFlaw::Expired { not_after });
    }
    if now.is_some_and(|now| now < not_before) {
        flaws.push(CertificateFlaw::NotYetValid { not_before });
    }
    if certificate.parsed().version() == X509Version::V1 {
        flaws.push(CertificateFlaw::Version1);
    }
    // Nobody looks at the signature of a root.
    if !issued(certificate, certificate) {
        match certificate.signature_scheme() {
            Some(SignatureScheme::RSA_PKCS1_SHA1) => flaws.push(CertificateFlaw::Sha1Signature),
            Some(_) => {}
            None => flaws.push(CertificateFlaw::UnsupportedSignature),
        }
    }
    if let Err(CertificateFault::KeySize { bits }) = certificate.public_key(false) {
        flaws.push(CertificateFlaw::KeySize { bits });
    }
}

/// Returns true if the name of the issuer is that of this certificate.
fn issued(issuer: &PeerCertificate<'_>, certificate: &PeerCertificate<'_>) -> bool {
    let (own, named) = (issuer.subject_der(), certificate.issuer_der());
    own == named || canonical_name(own).is_some_and(|own| canonical_name(named) == Some(own))
}

fn flaw(fault: CertificateFault) -> CertificateFlaw {
    match fault {
        CertificateFault::KeyUsage { wanted, found } => CertificateFlaw::KeyUsage { wanted, found },
        CertificateFault::ExtendedKeyUsage { wanted, found, .. } => {
            CertificateFlaw::ExtendedKeyUsage { wanted, found }
        }
        _ => CertificateFlaw::Malformed,
    }
}
