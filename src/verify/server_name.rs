//! Whether a server's certificate is for the name that was asked for.

use super::certificate::{PeerCertificate, ip_address};
use super::chain::{Chain, Link};
use crate::error::{CertificateError, CertificateFault, Excerpt};
use crate::waiver::{Waiver, Waivers};
use pki_types::ServerName;
use webpki::EndEntityCert;
use x509_parser::extensions::GeneralName;

/// Refuses a server's certificate without the name, unless that is waived; gives back the waiver that
/// was made use of. `constrained` is whether an authority above it restricts the names below, which
/// says nothing of common names.
pub(super) fn check_name(
    leaf: &Link<'_>,
    constrained: bool,
    server_name: &ServerName<'_>,
    waived: Waivers,
) -> Result<Option<Waiver>, CertificateFault> {
    let certificate = leaf.certificate();
    let names = certificate.names()?;
    if names.is_some() && has_alternative_name(leaf, server_name) {
        return Ok(None);
    }
    let by_common_name =
        names.is_none() && !constrained && certificate.has_common_name(server_name);
    if by_common_name && waived.contains(Waiver::CommonName) {
        return Ok(Some(Waiver::CommonName));
    }
    if waived.contains(Waiver::AnyName) {
        return Ok(Some(Waiver::AnyName));
    }
    Err(CertificateFault::NameMismatch {
        wanted: Excerpt::new(server_name.to_str()),
        found: match names {
            Some(names) => Excerpt::list(names.iter().map(name_text)),
            None => Excerpt::new(format_args!(
                "no subjectAltName, but {}",
                certificate.subject()
            )),
        },
        by_common_name,
    })
}

/// Refuses a server whose subject's common name is not the name that was asked for.
pub(crate) fn require_common_name(
    chain: &Chain<'_>,
    server_name: &ServerName<'_>,
) -> Result<(), CertificateError> {
    let leaf = chain.leaf();
    let certificate: &PeerCertificate<'_> = leaf.certificate();
    if certificate.has_common_name(server_name) {
        return Ok(());
    }
    Err(leaf.blame(CertificateFault::CommonNameMismatch {
        wanted: Excerpt::new(server_name.to_str()),
        found: Excerpt::new(certificate.subject()),
    }))
}

/// `rustls-webpki` compares names. It reads only certificates of version 3, and no others have any.
fn has_alternative_name(leaf: &Link<'_>, server_name: &ServerName<'_>) -> bool {
    EndEntityCert::try_from(leaf.form().der())
        .is_ok_and(|own| own.verify_is_valid_for_subject_name(server_name).is_ok())
}

fn name_text(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => match ip_address(bytes) {
            Some(address) => address.to_string(),
            None => name.to_string(),
        },
        other => other.to_string(),
    }
}
