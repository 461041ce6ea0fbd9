//! Kinds of CRLs, each with a chain of a leaf and a CA and with what is to be said of it.

use crate::pki::{self, Algorithm, Authority, Crl, DAY, NOW, Spec, crl, der};
use x509_cert::ext::pkix::KeyUsages;

/// A chain and its CRLs.
pub struct Kind {
    pub name: &'static str,
    pub root: Spec,
    /// The leaf first.
    pub chain: [Spec; 2],
    /// In DER, that of the leaf's issuer first.
    pub lists: [Vec<u8>; 2],
    pub expected: Expected,
}

/// The outcome for a chain that is good in all other ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Accepted,
    /// The certificate at this position is refused, and why.
    Refused(usize, &'static str),
    /// The first list cannot be configured.
    Unreadable,
}

pub const REVOKED: &str = "it is revoked";
const ISSUER: &str =
    "the keyUsage of its issuer lacks cRLSign, so the CRL of that issuer does not count";
const EXPIRED: &str = "the CRL of its issuer expired on 2027-01-14T08:00:00Z; the current time is \
     2027-01-15T08:00:00Z";

fn authority() -> Authority {
    Authority::new("CN=Authority", pki::key("rsa-2048-client"))
}

fn leaf() -> Spec {
    pki::server(&pki::key("rsa-2048")).issued_by(&authority())
}

fn kind(name: &'static str, list: &Crl, expected: Expected) -> Kind {
    Kind {
        name,
        root: pki::root(),
        chain: [leaf(), authority().certificate()],
        lists: [list.build(), crl(&Authority::root()).build()],
        expected,
    }
}

/// A list of the leaf's issuer, and the same list with the leaf in it.
fn pair(names: [&'static str; 2], list: &Crl) -> [Kind; 2] {
    let [good, revoked] = names;
    [
        kind(good, list, Expected::Accepted),
        kind(
            revoked,
            &list.clone().revoking(&leaf()),
            Expected::Refused(0, REVOKED),
        ),
    ]
}

fn without_crl_sign(spec: Spec) -> Spec {
    Spec {
        key_usage: Some(KeyUsages::KeyCertSign.into()),
        ..spec
    }
}

fn common_name(tag: u8, text: &[u8]) -> Vec<u8> {
    let attribute = der::sequence(&[&der::object_identifier("2.5.4.3"), &der::tlv(tag, &[text])]);
    der::sequence(&[&der::tlv(der::SET, &[&attribute])])
}

const PRINTABLE_STRING: u8 = 0x13;

pub fn kinds() -> Vec<Kind> {
    let list = || crl(&authority());
    let version_1 = Crl {
        version: 1,
        number: None,
        authority_key_id: None,
        ..list()
    };
    let bare = Crl {
        number: None,
        authority_key_id: None,
        ..list()
    };
    let without_null = Crl {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA256_WITHOUT_NULL),
        ..list()
    };
    let printable = Crl {
        raw_issuer: Some(common_name(PRINTABLE_STRING, b"Authority")),
        ..list()
    };
    let folded = Crl {
        raw_issuer: Some(common_name(PRINTABLE_STRING, b" AUTHORITY  ")),
        ..list()
    };
    let long_serial = Spec {
        serial: [1; 20].to_vec(),
        ..leaf()
    };
    let padded = list().revoking(&Spec {
        serial: vec![0, 42],
        ..leaf()
    });
    let with_point = |fields: &[&[u8]]| Crl {
        issuing_distribution_point: Some(der::sequence(fields)),
        ..list()
    };
    let flag = |number| der::tlv(der::primitive(number), &[&[0xff]]);
    let delta = Crl {
        extensions: vec![der::extension("2.5.29.27", true, &der::integer(&[1]))],
        ..list()
    };
    let twice = Crl {
        extensions: vec![der::extension("2.5.29.20", false, &der::integer(&[1]))],
        ..list()
    };
    let expired = Crl {
        next_update: Some(NOW - DAY),
        ..list()
    };
    let padded_number = Crl {
        number: Some(vec![0, 1]),
        ..list()
    };
    let mut kinds: Vec<_> = [
        pair(["version 1", "version 1, revoked"], &version_1),
        pair(["no extensions", "no extensions, revoked"], &bare),
        pair(
            ["absent parameters", "absent parameters, revoked"],
            &without_null,
        ),
        pair(["PrintableString", "PrintableString, revoked"], &printable),
        pair(["another case", "another case, revoked"], &folded),
        pair(
            ["users alone", "users alone, revoked"],
            &with_point(&[&flag(1)]),
        ),
        pair(
            ["a long serial number", "a long serial number, and revoked"],
            &list().revoking(&long_serial),
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    kinds.extend([
        kind("expired", &expired, Expected::Refused(0, EXPIRED)),
        kind("padded serial number", &padded, Expected::Unreadable),
        kind("padded number", &padded_number, Expected::Unreadable),
        kind("a delta", &delta, Expected::Unreadable),
        kind("indirect", &with_point(&[&flag(4)]), Expected::Unreadable),
        kind(
            "of attributes",
            &with_point(&[&flag(5)]),
            Expected::Unreadable,
        ),
        kind("an extension twice", &twice, Expected::Unreadable),
        Kind {
            root: without_crl_sign(pki::root()),
            ..kind(
                "no cRLSign at the root",
                &list(),
                Expected::Refused(1, ISSUER),
            )
        },
        Kind {
            chain: [leaf(), without_crl_sign(authority().certificate())],
            ..kind(
                "no cRLSign at the CA",
                &list(),
                Expected::Refused(0, ISSUER),
            )
        },
    ]);
    kinds
}
