//! The texts of refused certificates, and what would accept them.

use super::*;
use crate::error::tests::Samples;
use crate::error::{Excerpt, OcspFault};
use core::mem::discriminant;
use pki_types::UnixTime;

#[test]
fn an_error_says_which_certificate_what_and_what_would_accept_it() {
    let at = |seconds| UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
    let id = CertificateId::new(0, Excerpt::new("CN=plc"), &[0x2a, 0x0b], [1; 32], [2; 32]);
    assert_eq!(
        (id.certificate_sha256(), id.key_sha256()),
        ([1; 32], [2; 32])
    );
    let fault = CertificateFault::Expired {
        not_after: at(1_800_000_000),
        now: at(1_800_086_400),
    };
    let error = CertificateError::new(fault, Some(id));
    assert_eq!(
        error.to_string(),
        "certificate 0 (CN=plc, serial 2a0b): it expired on 2027-01-15T08:00:00Z; the current time \
         is 2027-01-16T08:00:00Z (CertificatePolicy::accept_outside_validity would accept it)"
    );
    assert_eq!(error.waiver(), Some(Waiver::OutsideValidity));
    let refused = CertificateError::from(CertificateFault::Refused);
    assert_eq!(refused.to_string(), "it was refused by the application");
    let far = CertificateFault::NotYetValid {
        not_before: at(u64::MAX),
        now: at(0),
    };
    assert!(far.to_string().starts_with("it is not valid before 18446744073709551615"));
}

/// What a user reads, and what would accept the certificate.
#[test]
fn every_fault_has_its_words_and_its_waiver() {
    use CertificateFault as Fault;
    let at = |seconds| UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
    let (earlier, now) = (at(1_800_000_000), at(1_800_086_400));
    let text = Excerpt::new;
    let outside = Some(Waiver::OutsideValidity);
    let short = Some(Waiver::ShortRsaKey);
    let none = None;
    let rows = [
        (
            Fault::Malformed,
            "it cannot be parsed or has an invalid value",
            none,
        ),
        (
            Fault::UnknownIssuer {
                issuer: text("CN=Werk CA"),
            },
            "its issuer, CN=Werk CA, is not a configured root, and no certificate in the chain leads to one",
            none,
        ),
        (
            Fault::Expired {
                not_after: earlier,
                now,
            },
            "it expired on 2027-01-15T08:00:00Z; the current time is 2027-01-16T08:00:00Z",
            outside,
        ),
        (
            Fault::NotYetValid {
                not_before: now,
                now: earlier,
            },
            "it is not valid before 2027-01-16T08:00:00Z; the current time is 2027-01-15T08:00:00Z",
            outside,
        ),
        (
            name_mismatch(false),
            "it is not valid for a.example; it has b.example",
            Some(Waiver::AnyName),
        ),
        (
            name_mismatch(true),
            "it is not valid for a.example; it has b.example",
            Some(Waiver::CommonName),
        ),
        (
            Fault::CommonNameMismatch {
                wanted: text("a.example"),
                found: text("CN=b.example"),
            },
            "its common name must be a.example; its subject is CN=b.example",
            none,
        ),
        (
            Fault::BadSignature,
            "its signature does not verify with its issuer's key",
            none,
        ),
        (
            Fault::Sha1Signature,
            "its signature uses SHA-1",
            Some(Waiver::Sha1Signature),
        ),
        (
            Fault::UnsupportedSignature {
                algorithm: text("1.2.3"),
            },
            "its signature algorithm, 1.2.3, is not accepted or does not match its issuer's key",
            none,
        ),
        (
            Fault::CaAsLeaf,
            "it is a CA certificate; a leaf certificate is required",
            none,
        ),
        (
            Fault::NotACa,
            "it is not a CA certificate, but another certificate names it as its issuer",
            none,
        ),
        (
            Fault::PathLength,
            "the chain has more CA certificates below it than its pathLenConstraint allows",
            none,
        ),
        (
            Fault::NameConstraints,
            "the name constraints of a CA above it do not allow one of its names",
            none,
        ),
        (
            Fault::Version { version: 1 },
            "its X.509 version is 1; only version 3 is accepted",
            Some(Waiver::Version1),
        ),
        (
            Fault::Version { version: 2 },
            "its X.509 version is 2; only version 3 is accepted",
            none,
        ),
        (
            Fault::CriticalExtension { oid: text("1.2.3") },
            "its critical extension 1.2.3 is not supported",
            none,
        ),
        (
            Fault::TooManyCertificates {
                found: 11,
                most: 10,
            },
            "the chain has 11 certificates; at most 10 are accepted",
            Some(Waiver::LongChain),
        ),
        (
            Fault::TooManyCertificates {
                found: 101,
                most: 10,
            },
            "the chain has 101 certificates; at most 10 are accepted",
            none,
        ),
        (
            Fault::PathTooLong { most: 7 },
            "every path to a root has more than 7 certificates below the root",
            none,
        ),
        (
            Fault::UnusableRoot {
                root: text("CN=Root"),
            },
            "the configured root above it, CN=Root, has an invalid value or is not supported",
            none,
        ),
        (
            Fault::TooMuchWork,
            "the search for a path to a root takes too many steps",
            none,
        ),
        (
            Fault::NotRsa {
                algorithm: text("1.2.3"),
            },
            "its key has algorithm 1.2.3; only RSA (1.2.840.113549.1.1.1) is accepted",
            none,
        ),
        (
            Fault::KeySize { bits: 1024 },
            "its RSA key has 1024 bits; 2048 to 8192 are accepted",
            short,
        ),
        (
            Fault::KeySize { bits: 1023 },
            "its RSA key has 1023 bits; 2048 to 8192 are accepted",
            none,
        ),
        (
            Fault::KeySize { bits: 8193 },
            "its RSA key has 8193 bits; 2048 to 8192 are accepted",
            none,
        ),
        (
            Fault::IssuerKeySize { bits: 2047 },
            "the RSA key that signed it has 2047 bits; 2048 to 8192 are accepted",
            short,
        ),
        (
            Fault::IssuerKeySize { bits: 512 },
            "the RSA key that signed it has 512 bits; 2048 to 8192 are accepted",
            none,
        ),
        (
            key_usage("keyEncipherment"),
            "its keyUsage allows something else; keyEncipherment is required",
            Some(Waiver::MissingKeyEncipherment),
        ),
        (
            key_usage("digitalSignature"),
            "its keyUsage allows something else; digitalSignature is required",
            none,
        ),
        (
            Fault::ExtendedKeyUsage {
                wanted: "serverAuth",
                found: text("clientAuth"),
            },
            "its extendedKeyUsage allows clientAuth; serverAuth is required",
            Some(Waiver::ExtendedKeyUsage),
        ),
        (Fault::Revoked, "it is revoked", none),
        (
            Fault::RevocationUnknown,
            "no configured CRL covers it",
            none,
        ),
        (
            Fault::CrlExpired {
                next_update: earlier,
                now,
            },
            "the CRL of its issuer expired on 2027-01-15T08:00:00Z; the current time is \
             2027-01-16T08:00:00Z",
            none,
        ),
        (
            Fault::CrlInvalid,
            "the CRL of its issuer has no acceptable signature of that issuer",
            none,
        ),
        (
            Fault::CrlIssuer,
            "the keyUsage of its issuer lacks cRLSign, so the CRL of that issuer does not count",
            none,
        ),
        (
            Fault::Policies,
            "a CA of the chain requires a certificate policy, and the chain has no valid one",
            none,
        ),
        (
            Fault::Ocsp(OcspFault::Missing),
            "the required OCSP check failed: the server sent no response",
            none,
        ),
        (Fault::Refused, "it was refused by the application", none),
    ];
    let has_row =
        |fault: &Fault| rows.iter().any(|row| discriminant(&row.0) == discriminant(fault));
    for (name, fault) in Fault::samples() {
        assert!(has_row(&fault), "{name}");
    }
    let of_leaf = [Waiver::Version1, Waiver::ExtendedKeyUsage];
    for (fault, words, waiver) in rows {
        let of_other = waiver.filter(|waiver| !of_leaf.contains(waiver));
        for (position, waiver) in [(Some(0), waiver), (Some(1), of_other), (None, of_other)] {
            let id =
                position.map(|at| CertificateId::new(at, text("CN=x"), &[1], [1; 32], [2; 32]));
            let error = CertificateError::new(fault.clone(), id);
            assert_eq!(error.waiver(), waiver, "{error}");
            let which = position.map(|at| format!("certificate {at} (CN=x, serial 01): "));
            let which = which.unwrap_or_default();
            assert!(error.to_string().starts_with(&format!("{which}{words}")));
            let hints = error.to_string().matches(" would accept it)").count();
            let setting = error.setting();
            match setting {
                None => assert_eq!(hints, usize::from(error.to_string().contains("as a root"))),
                Some(setting) => assert!(error.to_string().contains(setting), "{error}"),
            }
            let others = error.clone().without_waiver();
            assert_eq!(others.waiver(), None);

            let pinnable = error.with_pin([0xab; 32]);
            let pin = format!(
                "CertificatePolicy::pin_certificate with SHA-256 {}",
                "ab".repeat(32)
            );
            assert_eq!(
                pinnable.waiver(),
                waiver.or(Some(Waiver::PinnedCertificate))
            );
            assert_eq!(pinnable.pin(), Some([0xab; 32]));
            assert!(pinnable.to_string().ends_with(&format!("{pin} would accept it)")));
            // Where no policy judged, no setting of a policy is named.
            let alone = pinnable.without_policy();
            assert_eq!(
                (alone.waiver(), alone.setting(), alone.pin()),
                (None, None, None)
            );
            assert_eq!(alone.to_string(), format!("{which}{words}"));
        }
    }
}

#[test]
fn what_would_accept_it_is_named_the_mildest_first() {
    let hint = |fault: CertificateFault| {
        let id = CertificateId::new(0, Excerpt::new("CN=x"), &[1], [0xcd; 32], [2; 32]);
        let error = CertificateError::new(fault, Some(id));
        let text = error.to_string();
        let (_, hint) = text.rsplit_once(" (").unwrap();
        hint.strip_suffix(" would accept it)").unwrap().to_owned()
    };
    let pin = format!(
        "CertificatePolicy::pin_certificate with SHA-256 {} and accept_any_name but no roots",
        "cd".repeat(32)
    );
    let any = "CertificatePolicy::accept_any_name";
    let mismatch = |by_common_name, has_names| CertificateFault::NameMismatch {
        wanted: Excerpt::new("a.example"),
        found: Excerpt::new("b.example"),
        by_common_name,
        has_names,
    };
    let other = "another server name, one that it has";
    let common = "CertificatePolicy::accept_common_name";
    for (by_common_name, has_names, expected) in [
        (false, true, format!("{other}, or {pin}, or {any}")),
        (false, false, format!("{pin}, or {any}")),
        (true, true, format!("{other}, or {common}")),
        (true, false, common.to_owned()),
    ] {
        assert_eq!(hint(mismatch(by_common_name, has_names)), expected);
    }
    let issuer = Excerpt::new("CN=Werk CA");
    let unknown = hint(CertificateFault::UnknownIssuer { issuer });
    assert_eq!(unknown, "CN=Werk CA as a root");
    let uncovered = hint(CertificateFault::RevocationUnknown);
    assert_eq!(uncovered, "Crls::allow_unknown_status");
}

fn name_mismatch(by_common_name: bool) -> CertificateFault {
    CertificateFault::NameMismatch {
        wanted: Excerpt::new("a.example"),
        found: Excerpt::new("b.example"),
        by_common_name,
        has_names: false,
    }
}

fn key_usage(wanted: &'static str) -> CertificateFault {
    CertificateFault::KeyUsage {
        wanted,
        found: Excerpt::new("something else"),
    }
}
