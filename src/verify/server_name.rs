//! The check that a server's certificate is valid for the server name.

use super::certificate::{PeerCertificate, ip_address};
use super::chain::{Chain, Link};
use crate::error::{CertificateError, CertificateFault, Excerpt};
use crate::waiver::{Waiver, Waivers};
use pki_types::ServerName;
use webpki::EndEntityCert;
use x509_parser::extensions::GeneralName;

/// Refuses a server certificate without the server name, unless that is waived; returns the waiver
/// that was needed. `constrained` tells that a CA above the leaf has name constraints, which do not
/// cover common names.
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

/// Refuses a server whose certificate does not have the server name as its common name.
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

/// Lets `rustls-webpki` compare the names. It parses only certificates of version 3, and only those
/// have a subjectAltName.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{Spec, server};

    /// The waiver that was needed; if refused, true if the common name would be accepted.
    fn checked(
        spec: &Spec,
        name: &'static str,
        constrained: bool,
        waived: &[Waiver],
    ) -> Result<Option<Waiver>, bool> {
        let received = [spec.build()];
        let chain = Chain::read(&received).unwrap();
        let waived = waived.iter().copied().collect();
        let name = name.try_into().unwrap();
        check_name(chain.leaf(), constrained, &name, waived).map_err(|fault| match fault {
            CertificateFault::NameMismatch { by_common_name, .. } => by_common_name,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn a_waiver_is_used_only_where_it_is_needed() {
        let (with_san, without) = (server(), server().version_1());
        let (common_name, both) = ([Waiver::CommonName], [Waiver::CommonName, Waiver::AnyName]);
        let name = "server.example";
        for (spec, constrained, waived, result) in [
            (&with_san, false, &both[..], Ok(None)),
            (&with_san, true, &[], Ok(None)),
            (&without, false, &[], Err(true)),
            (&without, false, &both, Ok(Some(Waiver::CommonName))),
            // Name constraints do not cover common names.
            (&without, true, &common_name, Err(false)),
            (&without, true, &both, Ok(Some(Waiver::AnyName))),
        ] {
            assert_eq!(checked(spec, name, constrained, waived), result);
        }
    }

    #[test]
    fn a_common_name_beside_a_subject_alt_name_does_not_count() {
        let spec = Spec {
            subject: "CN=other.example",
            ..server()
        };
        let other = "other.example";
        assert_eq!(
            checked(&spec, other, false, &[Waiver::CommonName]),
            Err(false)
        );
        let any = checked(&spec, other, false, &[Waiver::AnyName]);
        assert_eq!(any, Ok(Some(Waiver::AnyName)));
    }

    #[test]
    fn a_required_common_name_equals_the_server_name() {
        let received = [server().build()];
        let chain = Chain::read(&received).unwrap();
        for name in ["server.example", "SERVER.Example", "server.example."] {
            require_common_name(&chain, &name.try_into().unwrap()).unwrap();
        }
        for name in ["other.example", "www.server.example", "192.0.2.1"] {
            let error = require_common_name(&chain, &name.try_into().unwrap()).unwrap_err();
            assert!(matches!(
                error.fault(),
                CertificateFault::CommonNameMismatch { .. }
            ));
            assert_eq!(error.certificate().map(|id| id.position()), Some(0));
        }
    }
}
