//! The check that a server's certificate is valid for the server name.

use super::certificate::{PeerCertificate, ip_address};
use super::chain::{Chain, Link};
use crate::error::{CertificateError, CertificateFault, Excerpt};
use crate::waiver::{Waiver, Waivers};
use core::net::IpAddr;
use core::str::FromStr;
use pki_types::{DnsName, ServerName};
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
    let counts = common_name_counts(names.as_deref(), server_name);
    let common_name = certificate.last_common_name().filter(|_| counts && !constrained);
    let by_common_name = common_name.is_some_and(|name| is_common_name_of(&name, server_name));
    if by_common_name && waived.contains(Waiver::CommonName) {
        return Ok(Some(Waiver::CommonName));
    }
    if waived.contains(Waiver::AnyName) {
        return Ok(Some(Waiver::AnyName));
    }
    let has_names = names.iter().flatten().any(|name| {
        matches!(name, GeneralName::DNSName(_)) || matches!(name, GeneralName::IPAddress(_))
    });
    let subject = certificate.subject();
    Err(CertificateFault::NameMismatch {
        wanted: Excerpt::new(server_name.to_str()),
        found: match names {
            None => Excerpt::new(format_args!("no subjectAltName, but {subject}")),
            Some(names) if by_common_name => {
                let names = Excerpt::list(names.iter().map(name_text));
                Excerpt::new(format_args!("{names}, and its subject is {subject}"))
            }
            Some(names) => Excerpt::list(names.iter().map(name_text)),
        },
        by_common_name,
        has_names,
    })
}

/// Returns true if the common name may stand for the server name: where the subjectAltName has no
/// dNSName.
///
/// A client "MUST NOT seek a match for a reference identifier of CN-ID if the presented identifiers
/// include a DNS-ID, SRV-ID, URI-ID, or any application-specific identifier types supported by the
/// client" ([RFC 6125 section 6.4.4](https://www.rfc-editor.org/rfc/rfc6125#section-6.4.4)); of
/// these, this client supports the DNS-ID. An IP address is looked for only where there is no
/// iPAddress either. A name that cannot be read may be a dNSName.
fn common_name_counts(names: Option<&[GeneralName<'_>]>, server_name: &ServerName<'_>) -> bool {
    let by_address = matches!(server_name, ServerName::IpAddress(_));
    let mut names = names.into_iter().flatten();
    !names.any(|name| match name {
        GeneralName::DNSName(_) | GeneralName::Invalid(..) => true,
        GeneralName::IPAddress(_) => by_address,
        _ => false,
    })
}

/// Returns true if a common name stands for the server name by the rules for a dNSName
/// ([RFC 6125 section 6.4.3](https://www.rfc-editor.org/rfc/rfc6125#section-6.4.3)): ignoring ASCII
/// case, and with `*` for the whole left-most label, if two labels follow. An IP address has to be
/// written as it is usual.
fn is_common_name_of(common_name: &str, server_name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(wanted) = server_name else {
        return common_name.eq_ignore_ascii_case(&server_name.to_str());
    };
    // Certificates omit the dot that ends an absolute name.
    let wanted = wanted.as_ref();
    let wanted = wanted.strip_suffix('.').unwrap_or(wanted);
    let (wanted, presented) = match common_name.strip_prefix("*.") {
        Some(parent) if parent.contains('.') => match wanted.split_once('.') {
            Some((_, wanted_parent)) => (wanted_parent, parent),
            None => return false,
        },
        Some(_) => return false,
        None => (wanted, common_name),
    };
    let is_name = DnsName::try_from(presented).is_ok() && !presented.ends_with('.');
    is_name && presented.eq_ignore_ascii_case(wanted)
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

/// An IP address in a dNSName is told apart from an iPAddress.
fn name_text(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) if IpAddr::from_str(name).is_ok() => {
            format!("{name} as dNSName instead of iPAddress")
        }
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
    use crate::verify::testing::{Spec, extension, server, server_name};
    use x509_cert::ext::pkix::SubjectAltName;
    use x509_parser::asn1_rs::Tag;

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

    /// A common name counts exactly where `rustls-webpki` accepts it as a dNSName.
    #[test]
    fn a_common_name_is_compared_like_a_dns_name() {
        let presented = [
            "server.example",
            "SERVER.Example",
            "server.example.",
            "*.example",
            "*.server.example",
            "*.Plant.example",
            "*.a.plant.example",
            "*.*.example",
            "a*.plant.example",
            "*a.plant.example",
            "a.*.example",
            "*",
            "*.",
            "*..example",
            ".example",
            "",
            "plant",
            "-a.plant.example",
            "a_b.plant.example",
            "a b.plant.example",
            "192.0.2.7",
            "*.0.2.7",
            "*.2.7",
        ];
        let wanted = [
            "server.example",
            "SERVER.example.",
            "plant",
            "plant.example",
            "a.plant.example",
            "A.PLANT.EXAMPLE.",
            "b.a.plant.example",
            "a.server.example",
            "a_b.plant.example",
            "a.2.example",
        ];
        for presented in presented {
            let name = x509_cert::ext::pkix::name::GeneralName::DnsName(
                x509_cert::der::asn1::Ia5String::new(presented).unwrap(),
            );
            let spec = Spec {
                extensions: vec![extension(&SubjectAltName(vec![name]))],
                ..server()
            };
            let received = [spec.build()];
            let chain = Chain::read(&received).unwrap();
            for wanted in wanted {
                let name = wanted.try_into().unwrap();
                let as_dns_name = has_alternative_name(chain.leaf(), &name);
                let as_common_name = is_common_name_of(presented, &name);
                assert_eq!(as_common_name, as_dns_name, "{presented} {wanted}");
            }
        }
    }

    #[test]
    fn an_address_is_compared_as_it_is_written() {
        for (presented, wanted, same) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.8", "192.0.2.7", false),
            ("2001:DB8::7", "2001:db8:0::7", true),
            ("2001:db8:0::7", "2001:db8::7", false),
            ("*.0.2.7", "192.0.2.7", false),
        ] {
            let same_here = is_common_name_of(presented, &wanted.try_into().unwrap());
            assert_eq!(same_here, same, "{presented} {wanted}");
        }
    }

    #[test]
    fn a_common_name_counts_without_a_dns_name() {
        let (name, address) = (server_name(), "192.0.2.7".try_into().unwrap());
        let dns = GeneralName::DNSName("a");
        let v4 = GeneralName::IPAddress(&[192, 0, 2, 7]);
        let uri = GeneralName::URI("urn:a");
        let unread = GeneralName::Invalid(Tag(2), &[0xff]);
        for (names, for_name, for_address) in [
            (None, true, true),
            (Some(&[][..]), true, true),
            (Some(&[uri.clone()][..]), true, true),
            (Some(&[uri.clone(), v4][..]), true, false),
            (Some(&[uri, dns][..]), false, false),
            (Some(&[unread][..]), false, false),
        ] {
            assert_eq!(common_name_counts(names, &name), for_name);
            assert_eq!(common_name_counts(names, &address), for_address);
        }
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
