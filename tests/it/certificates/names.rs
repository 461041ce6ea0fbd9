//! Names that are not the server's, and the common name in their place.

use super::scene::{Row, Scene, built, check, intermediate, leaf, leaf_below, refused, roots};
use premaster::certificate::Waiver;
use premaster::pki_types::CertificateDer;
use premaster::protocol::AlertDescription as Alert;
use premaster::{ClientConfig, Error};
use premaster_testing::NAME;
use premaster_testing::pki::{self, Spec};

/// A leaf with these names alone.
fn with(dns: &[&'static str]) -> Spec {
    Spec {
        dns: dns.to_vec(),
        ip: vec![],
        ..leaf()
    }
}

/// A leaf with this address alone.
fn at(address: &str) -> Spec {
    Spec {
        dns: vec![],
        ip: vec![address.parse().unwrap()],
        ..leaf()
    }
}

/// A leaf without subjectAltName.
fn of(subject: &'static str) -> Spec {
    Spec {
        subject,
        ..with(&[])
    }
}

fn mismatch(leaf: &Spec, wanted: &'static str, found: &'static str) -> Row {
    let fault = format!("it is not valid for {wanted}; it has {found}");
    refused(found, vec![leaf.build()], 0, fault).named(wanted)
}

#[test]
fn other_names() {
    let rows = [
        (with(&["other.example"]), NAME, "other.example"),
        (
            with(&["a.example", "b.example"]),
            NAME,
            "a.example, b.example",
        ),
        (with(&["xserver.example"]), NAME, "xserver.example"),
        (with(&["server.example.test"]), NAME, "server.example.test"),
        (with(&["example"]), NAME, "example"),
        (with(&["server.example."]), NAME, "server.example."),
        (
            with(&["*.plant.example"]),
            "plant.example",
            "*.plant.example",
        ),
        (
            with(&["*.plant.example"]),
            "a.b.plant.example",
            "*.plant.example",
        ),
        (with(&["*.*.example"]), "a.plant.example", "*.*.example"),
        (with(&["a.*.example"]), "a.plant.example", "a.*.example"),
        (
            with(&["a*.plant.example"]),
            "ab.plant.example",
            "a*.plant.example",
        ),
        (
            with(&["*b.plant.example"]),
            "ab.plant.example",
            "*b.plant.example",
        ),
        (with(&["*.example"]), NAME, "*.example"),
        (with(&["*"]), NAME, "*"),
        // An address is not a name, nor a name an address.
        (
            with(&["192.0.2.7"]),
            "192.0.2.7",
            "192.0.2.7 as dNSName instead of iPAddress",
        ),
        (with(&["server.example"]), "192.0.2.7", "server.example"),
    ];
    let rows = rows.map(|(leaf, wanted, found)| mismatch(&leaf, wanted, found));
    check(Alert::BAD_CERTIFICATE, Some(Waiver::AnyName), rows);
}

#[test]
fn other_addresses() {
    let rows = [
        (at("192.0.2.8"), "192.0.2.7", "192.0.2.8"),
        (at("192.0.2.7"), NAME, "192.0.2.7"),
        (at("2001:db8::8"), "2001:db8::7", "2001:db8::8"),
        // The same address, written as one of the other kind.
        (at("::ffff:192.0.2.7"), "192.0.2.7", "::ffff:192.0.2.7"),
    ];
    let rows = rows.map(|(leaf, wanted, found)| mismatch(&leaf, wanted, found));
    check(Alert::BAD_CERTIFICATE, Some(Waiver::AnyName), rows);
}

/// An e-mail address or a URI is no reason to pass over the common name (RFC 6125 section 6.4.4).
#[test]
fn names_of_other_kinds() {
    let others = |other_names| Spec {
        other_names,
        ..of("CN=server.example")
    };
    let empty = Spec {
        extensions: vec![pki::empty_subject_alt_name()],
        ..of("CN=server.example")
    };
    let with_address = Spec {
        ip: vec!["192.0.2.8".parse().unwrap()],
        ..of("CN=server.example")
    };
    let beside = [
        (others(vec![pki::uri("urn:plant")]), "URI(urn:plant)"),
        (
            others(vec![pki::email("server.example")]),
            "RFC822Name(server.example)",
        ),
        (empty, "nothing"),
        (with_address, "192.0.2.8"),
    ];
    let rows = beside.map(|(leaf, found)| {
        let fault = format!(
            "it is not valid for server.example; it has {found}, and its subject is \
             CN=server.example"
        );
        refused(found, vec![leaf.build()], 0, fault)
    });
    check(Alert::BAD_CERTIFICATE, Some(Waiver::CommonName), rows);
    // The address that is looked for is not among those that are there.
    let other_address = Spec {
        ip: vec!["192.0.2.8".parse().unwrap()],
        ..of("CN=192.0.2.7")
    };
    let row = mismatch(&other_address, "192.0.2.7", "192.0.2.8");
    check(Alert::BAD_CERTIFICATE, Some(Waiver::AnyName), [row]);
}

/// The common name does not count, unless that is waived.
#[test]
fn common_names_that_are_the_servers() {
    let rows = [
        (
            of("CN=server.example"),
            NAME,
            "no subjectAltName, but CN=server.example",
        ),
        (
            of("CN=Server.EXAMPLE"),
            NAME,
            "no subjectAltName, but CN=Server.EXAMPLE",
        ),
        (
            of("CN=server.example"),
            "server.example.",
            "no subjectAltName, but CN=server.example",
        ),
        (
            of("CN=*.plant.example"),
            "a.plant.example",
            "no subjectAltName, but CN=*.plant.example",
        ),
        // What is written first in RFC 4514 is last in the certificate, and the most specific.
        (
            of("CN=server.example,CN=a"),
            NAME,
            "no subjectAltName, but CN=a, CN=server.example",
        ),
        (
            of("CN=a+CN=server.example"),
            NAME,
            "no subjectAltName, but CN=a+CN=server.example",
        ),
        (
            of("CN=server.example,O=Plant"),
            NAME,
            "no subjectAltName, but O=Plant, CN=server.example",
        ),
        (
            of("CN=192.0.2.7"),
            "192.0.2.7",
            "no subjectAltName, but CN=192.0.2.7",
        ),
        (
            of("CN=2001:db8::7"),
            "2001:db8:0::7",
            "no subjectAltName, but CN=2001:db8::7",
        ),
    ];
    let rows = rows.map(|(leaf, wanted, found)| {
        let wanted_as_read = match wanted {
            "2001:db8:0::7" => "2001:db8::7",
            other => other,
        };
        let fault = format!("it is not valid for {wanted_as_read}; it has {found}");
        refused(found, vec![leaf.build()], 0, fault).named(wanted)
    });
    check(Alert::BAD_CERTIFICATE, Some(Waiver::CommonName), rows);
}

#[test]
fn common_names_that_are_not_the_servers() {
    for (subject, wanted, shown) in [
        ("CN=other.example", NAME, "CN=other.example"),
        ("CN=server.example.", NAME, "CN=server.example."),
        (
            "CN=*.plant.example",
            "a.b.plant.example",
            "CN=*.plant.example",
        ),
        ("CN=*.example", NAME, "CN=*.example"),
        ("CN=s*.example", NAME, "CN=s*.example"),
        ("O=server.example", NAME, "O=server.example"),
        // The last one is the most specific.
        ("CN=a,CN=server.example", NAME, "CN=server.example, CN=a"),
    ] {
        let fault = format!("it is not valid for {wanted}; it has no subjectAltName, but {shown}");
        let row = refused(subject, vec![of(subject).build()], 0, fault).named(wanted);
        check(Alert::BAD_CERTIFICATE, Some(Waiver::AnyName), [row]);
    }
}

/// Name constraints do not cover common names.
#[test]
fn common_names_below_constraints() {
    let below = Spec {
        subject: "CN=server.example",
        dns: vec![],
        ip: vec![],
        ..leaf_below()
    };
    let constrained = |spec| Spec {
        permitted: vec![pki::dns_name("example")],
        ..spec
    };
    let fault = "it is not valid for server.example; it has no subjectAltName, but \
                 CN=server.example";
    let chain = || built([below.clone(), constrained(intermediate())]);
    let under_root = || built([below.clone(), intermediate()]);
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::AnyName),
        [
            refused("of an authority", chain(), 0, fault),
            refused("of a root", under_root(), 0, fault).under(roots([constrained(pki::root())])),
        ],
    );
    let free = || built([below.clone(), intermediate()]);
    let free = refused("without constraints", free(), 0, fault);
    check(Alert::BAD_CERTIFICATE, Some(Waiver::CommonName), [free]);
}

/// A client that requires the common name to be the server's, besides the name that counts.
fn judge_strictly(chain: Vec<CertificateDer<'static>>, name: &'static str) -> Result<(), Error> {
    let scene = Scene::of(chain).named(name);
    let client = ClientConfig::builder(scene.policy.clone()).require_common_name();
    scene.judge_by(client).map(|_| ())
}

#[test]
fn the_common_name_is_the_servers_where_it_has_to_be() {
    let leaf = |subject| vec![Spec { subject, ..leaf() }.build()];
    for (subject, name) in [
        ("CN=server.example", NAME),
        ("CN=server.example", "server.example."),
        ("CN=Server.EXAMPLE", NAME),
        ("O=Plant,CN=server.example", NAME),
        ("CN=127.0.0.1", "127.0.0.1"),
    ] {
        judge_strictly(leaf(subject), name).unwrap();
    }
    for (subject, name, shown) in [
        ("CN=other.example", NAME, "CN=other.example"),
        ("CN=*.example", NAME, "CN=*.example"),
        ("CN=server.example.", NAME, "CN=server.example."),
        ("O=server.example", NAME, "O=server.example"),
        ("CN=server.example", "127.0.0.1", "CN=server.example"),
        ("CN=server.example,CN=a", NAME, "CN=a, CN=server.example"),
        ("CN=a,CN=server.example", NAME, "CN=server.example, CN=a"),
        ("CN=a+CN=server.example", NAME, "CN=a+CN=server.example"),
    ] {
        let chain = leaf(subject);
        Scene::of(chain.clone()).named(name).judge().unwrap();
        let error = judge_strictly(chain, name).unwrap_err();
        assert_eq!(error.alert(), Some(Alert::BAD_CERTIFICATE));
        assert_eq!(
            error.to_string(),
            format!(
                "the peer's certificate was not accepted: certificate 0 ({shown}, serial 2a): \
                 its common name must be {name}; its subject is {shown}"
            )
        );
    }
    // It does not replace the name that counts.
    let nameless = Spec {
        subject: "CN=server.example",
        ..with(&["other.example"])
    };
    let error = judge_strictly(vec![nameless.build()], NAME).unwrap_err();
    assert_eq!(error.setting(), Some(Waiver::AnyName.setting()));
}
