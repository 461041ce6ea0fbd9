//! Chains as devices in the field have them, and chains that only look like these: what RFC 5280
//! says about each.

use crate::pki::{self, Algorithm, Authority, Hash, Key, Padding, Spec, der, dns_name, email};
use der::{BMP_STRING, IA5_STRING, PRINTABLE_STRING, SET, TELETEX_STRING, UNIVERSAL_STRING};
use der::{UTF8_STRING, object_identifier, sequence, tlv};
use premaster::pki_types::{AlgorithmIdentifier, alg_id};
use std::str::FromStr;
use std::sync::LazyLock;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

/// A chain, leaf first, below a root.
#[derive(Clone)]
pub struct Chain {
    pub what: &'static str,
    pub roots: Vec<Spec>,
    pub chain: Vec<Spec>,
    /// How the text of the fault begins, if it is refused.
    pub fault: Option<&'static str>,
    /// True if policies are what it is about, which OpenSSL checks only where it is told to.
    pub of_policies: bool,
    /// True if OpenSSL accepts what RFC 5280 refuses, or refuses what it accepts.
    pub openssl_differs: bool,
}

const UNKNOWN_ISSUER: &str = "its issuer, ";
const MALFORMED: &str = "it cannot be parsed";
const POLICIES: &str = "a CA of the chain requires a certificate policy";
const CONSTRAINTS: &str = "the name constraints of a CA";
const PATH_LENGTH: &str = "the chain has more CA certificates";
const CRITICAL: &str = "its critical extension";

fn accepted(what: &'static str, chain: impl Into<Vec<Spec>>) -> Chain {
    Chain {
        what,
        roots: vec![test_root()],
        chain: chain.into(),
        fault: None,
        of_policies: false,
        openssl_differs: false,
    }
}

fn refused(what: &'static str, chain: impl Into<Vec<Spec>>, fault: &'static str) -> Chain {
    Chain {
        fault: Some(fault),
        ..accepted(what, chain)
    }
}

impl Chain {
    fn under(self, roots: impl Into<Vec<Spec>>) -> Self {
        let roots = roots.into();
        Self { roots, ..self }
    }

    fn but_openssl(self) -> Self {
        Self {
            openssl_differs: true,
            ..self
        }
    }
}

/// All of them.
pub fn chains() -> Vec<Chain> {
    let policies = policies().into_iter().map(|chain| Chain {
        of_policies: true,
        ..chain
    });
    let others = [
        names(),
        algorithms(),
        directories(),
        mailboxes(),
        self_issued(),
        encodings(),
    ];
    others.into_iter().flatten().chain(policies).collect()
}

fn server() -> Spec {
    static SERVER: LazyLock<Spec> = LazyLock::new(|| pki::server(&pki::key("rsa-2048")));
    SERVER.clone()
}

/// A CA of this name; all have one key.
fn authority(name: &'static str) -> Authority {
    static KEY: LazyLock<Key> = LazyLock::new(|| pki::key("rsa-2048-client").into());
    Authority::new(name, KEY.clone())
}

/// One of this name with another key.
fn namesake(name: &'static str) -> Authority {
    static KEY: LazyLock<Key> = LazyLock::new(|| pki::key("rsa-3072").into());
    Authority::new(name, KEY.clone())
}

fn test_root() -> Spec {
    static ROOT: LazyLock<Spec> = LazyLock::new(pki::root);
    ROOT.clone()
}

fn middle() -> Authority {
    authority("CN=Middle")
}

fn below() -> Spec {
    server().issued_by(&middle())
}

/// The text as a common name of this string type.
pub fn common_name(tag: u8, text: &str) -> Vec<u8> {
    let value: Vec<u8> = match tag {
        BMP_STRING => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        UNIVERSAL_STRING => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        TELETEX_STRING => text.chars().map(|c| c as u8).collect(),
        _ => text.as_bytes().to_vec(),
    };
    relative("2.5.4.3", tag, &value)
}

fn relative(oid: &str, tag: u8, value: &[u8]) -> Vec<u8> {
    let attribute = sequence(&[&object_identifier(oid), &tlv(tag, &[value])]);
    sequence(&[&tlv(SET, &[&attribute])])
}

fn issued_by(issuer: Vec<u8>) -> Spec {
    Spec {
        raw_issuer: Some(issuer),
        ..server()
    }
}

fn root_named(name: Vec<u8>) -> Spec {
    Spec {
        raw_subject: Some(name.clone()),
        raw_issuer: Some(name),
        ..test_root()
    }
}

fn names() -> Vec<Chain> {
    let utf8 = |text| common_name(UTF8_STRING, text);
    let printable = |text| common_name(PRINTABLE_STRING, text);
    let mut chains = vec![];
    for (what, tag) in [
        ("a PrintableString and a UTF8String", PRINTABLE_STRING),
        ("a T61String and a UTF8String", TELETEX_STRING),
        ("an IA5String and a UTF8String", IA5_STRING),
        ("a BMPString and a UTF8String", BMP_STRING),
        ("a UniversalString and a UTF8String", UNIVERSAL_STRING),
    ] {
        chains.push(accepted(what, [issued_by(common_name(tag, "Test Root"))]));
        let root = root_named(common_name(tag, "Test Root"));
        chains.push(accepted(what, [issued_by(utf8("Test Root"))]).under([root]));
    }
    let umlaut = root_named(common_name(BMP_STRING, "Müller"));
    let set = |parts: [&str; 2]| {
        let attribute = |oid, text: &str| {
            sequence(&[
                &object_identifier(oid),
                &tlv(UTF8_STRING, &[text.as_bytes()]),
            ])
        };
        let [cn, o] = [
            attribute("2.5.4.3", parts[0]),
            attribute("2.5.4.10", parts[1]),
        ];
        [
            sequence(&[&tlv(SET, &[&cn, &o])]),
            sequence(&[&tlv(SET, &[&o, &cn])]),
        ]
    };
    let [one, other] = set(["Root", "Plant"]);
    // A CA whose name has one encoding in the leaf, another in its certificate; so the root.
    let middle_below = Spec {
        raw_issuer: Some(printable("MIDDLE")),
        ..below()
    };
    let middle_above = Spec {
        raw_issuer: Some(printable("test  root")),
        ..middle().certificate()
    };
    let stranger = namesake("CN=Test Root");
    let impostor = stranger.certificate().issued_by(&stranger);
    let forged = Spec {
        issuer_key: stranger.key.clone(),
        ..issued_by(printable("Test Root"))
    };
    let forged_above = Spec {
        issuer_key: stranger.key.clone(),
        ..middle_above.clone()
    };
    chains.extend([
        accepted("other case", [issued_by(printable("TEST rOOT"))]),
        accepted("other white space", [issued_by(utf8("  Test \t Root "))]),
        accepted("an umlaut", [issued_by(utf8("Müller"))]).under([umlaut.clone()]),
        // OpenSSL folds the case of ASCII alone.
        accepted("an umlaut in capitals", [issued_by(utf8("MÜLLER"))])
            .under([umlaut.clone()])
            .but_openssl(),
        accepted("a set in another order", [issued_by(one)]).under([root_named(other)]),
        accepted(
            "every name another",
            [middle_below.clone(), middle_above.clone()],
        ),
        accepted(
            "out of order",
            [middle_below.clone(), server(), middle_above.clone()],
        ),
        accepted("two roots of one name", [issued_by(printable("TEST ROOT"))])
            .under([impostor.clone(), test_root()])
            // Without key identifiers OpenSSL tries one alone.
            .but_openssl(),
        accepted(
            "a root that is sent",
            [issued_by(printable("Test Root")), test_root()],
        ),
        refused(
            "another name",
            [issued_by(printable("Test Rood"))],
            UNKNOWN_ISSUER,
        ),
        refused(
            "no space",
            [issued_by(printable("TestRoot"))],
            UNKNOWN_ISSUER,
        ),
        refused(
            "another letter",
            [issued_by(utf8("Muller"))],
            UNKNOWN_ISSUER,
        )
        .under([umlaut.clone()]),
        refused(
            "a letter and its mark",
            [issued_by(utf8("Mu\u{308}ller"))],
            UNKNOWN_ISSUER,
        )
        .under([umlaut]),
        refused(
            "a Cyrillic letter",
            [issued_by(utf8("Test R\u{43e}ot"))],
            UNKNOWN_ISSUER,
        ),
        refused(
            "another attribute",
            [issued_by(relative("2.5.4.10", UTF8_STRING, b"Test Root"))],
            UNKNOWN_ISSUER,
        ),
        refused(
            "no string",
            [issued_by(relative(
                "2.5.4.3",
                der::OCTET_STRING,
                b"Test Root",
            ))],
            UNKNOWN_ISSUER,
        ),
        refused("its name alone", [forged], "its signature does not verify"),
        refused(
            "the name of a CA alone",
            [middle_below, forged_above],
            "its signature does not verify",
        ),
        refused(
            "the name of a root alone",
            [issued_by(printable("TEST ROOT"))],
            "its signature",
        )
        .under([impostor]),
    ]);
    chains
}

/// The content of an AlgorithmIdentifier of PSS with SHA-256, its hash functions with NULL or not.
fn pss(own: &[u8], mask: &[u8]) -> AlgorithmIdentifier {
    let sha256 = object_identifier("2.16.840.1.101.3.4.2.1");
    let mgf1 = object_identifier("1.2.840.113549.1.1.8");
    let hash = |null: &[u8]| sequence(&[&sha256, null]);
    let parameters = sequence(&[
        &der::explicit(0, &hash(own)),
        &der::explicit(1, &sequence(&[&mgf1, &hash(mask)])),
        &der::explicit(2, &der::integer(&[32])),
    ]);
    let content = [object_identifier("1.2.840.113549.1.1.10"), parameters].concat();
    AlgorithmIdentifier::from_slice(content.leak())
}

fn algorithms() -> Vec<Chain> {
    let without_null = |algorithm: Algorithm| Algorithm {
        identifier: AlgorithmIdentifier::from_slice(
            algorithm.identifier.strip_suffix(&[5, 0]).unwrap().to_vec().leak(),
        ),
        ..algorithm
    };
    let pss = |own, mask| Algorithm {
        identifier: pss(own, mask),
        hash: Hash::Sha256,
        padding: Padding::Pss,
    };
    let by = |algorithm| Spec {
        algorithm: Some(algorithm),
        ..server()
    };
    let absent = without_null(Algorithm::RSA_PKCS1_SHA256);
    let null = der::null();
    let above = Spec {
        algorithm: Some(absent),
        ..middle().certificate()
    };
    let inside = |inner_algorithm| Spec {
        inner_algorithm: Some(inner_algorithm),
        ..by(absent)
    };
    let outside = Spec {
        inner_algorithm: Some(absent),
        ..server()
    };
    let damaged = Spec {
        damaged: true,
        ..by(absent)
    };
    let sha1 = without_null(Algorithm::RSA_PKCS1_SHA1);
    let two = Algorithm {
        identifier: AlgorithmIdentifier::from_slice(
            [&*alg_id::RSA_PKCS1_SHA256, &null].concat().leak(),
        ),
        ..absent
    };
    vec![
        accepted("SHA-256 without NULL", [by(absent)]),
        accepted(
            "SHA-384 without NULL",
            [by(without_null(Algorithm::RSA_PKCS1_SHA384))],
        ),
        accepted(
            "SHA-512 without NULL",
            [by(without_null(Algorithm::RSA_PKCS1_SHA512))],
        ),
        accepted("PSS without NULL", [by(pss(&[], &[]))]),
        accepted("PSS without its first NULL", [by(pss(&[], &null))]),
        accepted("PSS without its second NULL", [by(pss(&null, &[]))]),
        accepted("a CA without NULL", [below(), above]),
        refused(
            "NULL inside",
            [inside(Algorithm::RSA_PKCS1_SHA256)],
            MALFORMED,
        ),
        refused("NULL outside", [outside], MALFORMED),
        refused(
            "another hash inside",
            [inside(Algorithm::RSA_PKCS1_SHA384)],
            MALFORMED,
        ),
        refused("two NULLs", [by(two)], "its signature algorithm"),
        refused("SHA-1 without NULL", [by(sha1)], "its signature uses SHA-1"),
        refused(
            "a damaged signature",
            [damaged],
            "its signature does not verify",
        ),
    ]
}

const CERTIFICATE_POLICIES: &str = "2.5.29.32";
const POLICY_MAPPINGS: &str = "2.5.29.33";
const POLICY_CONSTRAINTS: &str = "2.5.29.36";
const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
const ANY: &str = "2.5.29.32.0";
const GOLD: &str = "1.3.6.1.4.1.55555.7.1";
const SILVER: &str = "1.3.6.1.4.1.55555.7.2";

fn policy(oid: &str) -> Vec<u8> {
    sequence(&[&object_identifier(oid)])
}

fn policies_of(oids: &[&str]) -> Extension {
    let policies: Vec<_> = oids.iter().flat_map(|oid| policy(oid)).collect();
    der::extension(CERTIFICATE_POLICIES, true, &sequence(&[&policies]))
}

fn mapping(from: &str, to: &str) -> Extension {
    let mapping = sequence(&[&object_identifier(from), &object_identifier(to)]);
    der::extension(POLICY_MAPPINGS, true, &sequence(&[&mapping]))
}

fn skipping(tag: u8, certificates: u8) -> Extension {
    let constraint = tlv(der::primitive(tag), &[&[certificates]]);
    der::extension(POLICY_CONSTRAINTS, true, &sequence(&[&constraint]))
}

fn require_explicit(certificates: u8) -> Extension {
    skipping(0, certificates)
}

fn inhibit_mapping(certificates: u8) -> Extension {
    skipping(1, certificates)
}

fn inhibit_any(certificates: u8) -> Extension {
    der::extension(INHIBIT_ANY_POLICY, true, &der::integer(&[certificates]))
}

/// A leaf with these extensions, and CAs with these, from the leaf to the root.
fn with(leaf: &[Extension], authorities: &[&[Extension]]) -> Vec<Spec> {
    const NAMES: [&str; 3] = ["CN=First", "CN=Second", "CN=Third"];
    let mut chain = Vec::new();
    let mut last = Spec {
        extensions: leaf.to_vec(),
        ..server()
    };
    for (name, extensions) in NAMES.iter().zip(authorities) {
        let authority = authority(name);
        chain.push(last.issued_by(&authority));
        last = Spec {
            extensions: extensions.to_vec(),
            ..authority.certificate()
        };
    }
    chain.push(last);
    chain
}

fn policies() -> Vec<Chain> {
    let gold = || policies_of(&[GOLD]);
    let silver = || policies_of(&[SILVER]);
    let any = || policies_of(&[ANY]);
    let not_critical = |extension: Extension| Extension {
        critical: false,
        ..extension
    };
    let qualified = |critical, qualifier: &str| {
        let uri = tlv(IA5_STRING, &[b"https://plant.example/"]);
        let qualifier = sequence(&[&object_identifier(qualifier), &uri]);
        let policy = sequence(&[&object_identifier(GOLD), &sequence(&[&qualifier])]);
        der::extension(CERTIFICATE_POLICIES, critical, &sequence(&[&policy]))
    };
    let cps = "1.3.6.1.5.5.7.2.1";
    let foreign = "1.3.6.1.4.1.55555.7.3";
    let unknown = Spec {
        unknown_critical: true,
        extensions: vec![any()],
        ..server()
    };
    vec![
        accepted("a policy", with(&[gold()], &[])),
        accepted("any policy", with(&[any()], &[])),
        accepted("a qualifier", with(&[qualified(true, cps)], &[])),
        accepted(
            "a foreign qualifier",
            with(&[not_critical(qualified(false, foreign))], &[]),
        ),
        accepted("a policy of a CA", with(&[], &[&[gold()]])),
        accepted("another policy of a CA", with(&[silver()], &[&[gold()]])),
        accepted(
            "a policy that is required",
            with(&[gold()], &[&[gold(), require_explicit(0)]]),
        ),
        accepted(
            "any policy below",
            with(&[any()], &[&[gold(), require_explicit(0)]]),
        ),
        accepted(
            "any policy above",
            with(&[gold()], &[&[any(), require_explicit(0)]]),
        ),
        accepted(
            "required of what is skipped",
            with(&[], &[&[require_explicit(2)]]),
        ),
        accepted(
            "a mapped policy",
            with(
                &[silver()],
                &[&[gold(), mapping(GOLD, SILVER), require_explicit(0)]],
            ),
        ),
        accepted(
            "a mapping of any policy",
            with(
                &[silver()],
                &[&[any(), mapping(GOLD, SILVER), require_explicit(0)]],
            ),
        ),
        accepted(
            "no any policy",
            with(&[gold()], &[&[gold(), inhibit_any(0)]]),
        ),
        accepted(
            "any policy while it counts",
            with(
                &[any()],
                &[&[any(), require_explicit(0)], &[any(), inhibit_any(2)]],
            ),
        ),
        accepted(
            "a mapping that is not inhibited yet",
            with(
                &[silver()],
                &[
                    &[gold(), mapping(GOLD, SILVER), require_explicit(0)],
                    &[gold(), inhibit_mapping(1)],
                ],
            ),
        ),
        refused(
            "no policy",
            with(&[], &[&[gold(), require_explicit(0)]]),
            POLICIES,
        ),
        refused(
            "no policy of a CA",
            with(&[gold()], &[&[require_explicit(0)]]),
            POLICIES,
        ),
        refused(
            "another policy",
            with(&[silver()], &[&[gold(), require_explicit(0)]]),
            POLICIES,
        ),
        refused(
            "required by the leaf",
            with(&[require_explicit(0)], &[]),
            POLICIES,
        ),
        refused(
            "required after one",
            with(&[], &[&[], &[gold(), require_explicit(1)]]),
            POLICIES,
        ),
        refused(
            "required but not critical",
            with(&[], &[&[gold(), not_critical(require_explicit(0))]]),
            POLICIES,
        ),
        refused(
            "the policy that was mapped",
            with(
                &[gold()],
                &[&[gold(), mapping(GOLD, SILVER), require_explicit(0)]],
            ),
            POLICIES,
        ),
        refused(
            "any policy that does not count",
            with(&[any()], &[&[gold(), inhibit_any(0), require_explicit(0)]]),
            POLICIES,
        ),
        refused(
            "any policy that counts no more",
            with(
                &[any()],
                &[&[any(), require_explicit(0)], &[any(), inhibit_any(1)]],
            ),
            POLICIES,
        ),
        refused(
            "an inhibited mapping",
            with(
                &[silver()],
                &[
                    &[gold(), mapping(GOLD, SILVER), require_explicit(0)],
                    &[gold(), inhibit_mapping(0)],
                ],
            ),
            POLICIES,
        ),
        refused(
            "any policy is mapped",
            with(&[gold()], &[&[any(), mapping(ANY, GOLD)]]),
            POLICIES,
        ),
        refused(
            "mapped to any policy",
            with(&[], &[&[gold(), mapping(GOLD, ANY)]]),
            POLICIES,
        ),
        refused("policies twice", with(&[gold(), silver()], &[]), MALFORMED),
        refused(
            "a policy twice",
            with(&[policies_of(&[GOLD, GOLD])], &[]),
            MALFORMED,
        ),
        refused(
            "a qualifier that is not known",
            with(&[qualified(true, foreign)], &[]),
            MALFORMED,
        )
        .but_openssl(),
        refused(
            "no policies at all",
            with(&[policies_of(&[])], &[]),
            MALFORMED,
        )
        .but_openssl(),
        refused(
            "empty policyConstraints",
            with(
                &[],
                &[&[der::extension(POLICY_CONSTRAINTS, true, &sequence(&[]))]],
            ),
            MALFORMED,
        ),
        refused(
            "a negative inhibitAnyPolicy",
            with(&[], &[&[inhibit_any(0xff)]]),
            MALFORMED,
        )
        .but_openssl(),
        refused("an unknown extension, too", [unknown], CRITICAL),
    ]
}

fn directory(name: &str) -> GeneralName {
    GeneralName::DirectoryName(Name::from_str(name).unwrap())
}

/// A leaf of this name below a CA with these constraints.
fn constrained(
    subject: &'static str,
    permitted: &[GeneralName],
    excluded: &[GeneralName],
) -> Vec<Spec> {
    let leaf = Spec { subject, ..below() };
    below_constrained(leaf, permitted, excluded)
}

fn below_constrained(leaf: Spec, permitted: &[GeneralName], excluded: &[GeneralName]) -> Vec<Spec> {
    let above = Spec {
        permitted: permitted.to_vec(),
        excluded: excluded.to_vec(),
        ..middle().certificate()
    };
    vec![leaf, above]
}

fn directories() -> Vec<Chain> {
    let werk = || directory("O=Werk,C=DE");
    let device = "CN=plc-7,O=Werk,C=DE";
    let with_directory = |name| Spec {
        subject: device,
        other_names: vec![directory(name)],
        ..below()
    };
    let capitals = Spec {
        raw_subject: Some(
            [
                relative("2.5.4.6", PRINTABLE_STRING, b"de"),
                relative("2.5.4.10", PRINTABLE_STRING, b" WERK "),
                common_name(UTF8_STRING, "plc-7"),
            ]
            .iter()
            .fold(sequence(&[]), |name, relative| {
                sequence(&[&name[2..], &relative[2..]])
            }),
        ),
        ..below()
    };
    let nameless = Spec {
        raw_subject: Some(der::name("")),
        ..below()
    };
    let dashed = |subject| Spec { subject, ..below() };
    let root = |permitted: Vec<GeneralName>, excluded: Vec<GeneralName>| Spec {
        permitted,
        excluded,
        ..test_root()
    };
    let direct = |subject| Spec {
        subject,
        ..server()
    };
    let part = authority("CN=Part,O=Werk,C=DE");
    let below_part = |subject| {
        let leaf = Spec {
            subject,
            ..server()
        };
        let [middle, part_certificate] = [middle().certificate(), part.certificate()];
        let middle = Spec {
            permitted: vec![werk()],
            ..middle
        };
        let issuer = self::middle();
        vec![
            leaf.issued_by(&part),
            part_certificate.issued_by(&issuer),
            middle,
        ]
    };
    let other_names = |names: Vec<GeneralName>| Spec {
        subject: device,
        dns: vec![crate::NAME],
        other_names: names,
        ..below()
    };
    let maximum = {
        let name = der::name("O=Werk,C=DE");
        let base = tlv(der::constructed(4), &[&name]);
        let subtree = sequence(&[&base, &tlv(der::primitive(1), &[&[3]])]);
        let constraints = sequence(&[&tlv(der::constructed(0), &[&subtree])]);
        Spec {
            extensions: vec![der::extension("2.5.29.30", true, &constraints)],
            ..middle().certificate()
        }
    };
    vec![
        accepted("a permitted name", constrained(device, &[werk()], &[])),
        accepted(
            "the name itself",
            constrained("O=Werk,C=DE", &[werk()], &[]),
        ),
        accepted(
            "one of two",
            constrained(device, &[directory("C=FR"), werk()], &[]),
        ),
        accepted(
            "another encoding",
            below_constrained(capitals.clone(), &[werk()], &[]),
        ),
        accepted("no name", below_constrained(nameless, &[werk()], &[])),
        accepted(
            "a name that is not excluded",
            constrained(device, &[], &[directory("C=FR")]),
        ),
        accepted(
            "a host as well",
            constrained(device, &[werk(), dns_name("example")], &[]),
        ),
        accepted(
            "another name as well",
            below_constrained(with_directory("CN=x,O=Werk,C=DE"), &[werk()], &[]),
        ),
        accepted("permitted by the root", [direct(device)]).under([root(vec![werk()], vec![])]),
        accepted("not excluded by the root", [direct(device)])
            .under([root(vec![], vec![directory("C=FR")])]),
        accepted("a CA within", below_part("CN=plc-7,O=Werk,C=DE")),
        refused(
            "another name",
            constrained("CN=a,O=Büro,C=DE", &[werk()], &[]),
            CONSTRAINTS,
        ),
        refused(
            "a shorter name",
            constrained("C=DE", &[werk()], &[]),
            CONSTRAINTS,
        ),
        refused(
            "the end of a name",
            constrained("CN=a,O=Werk", &[werk()], &[]),
            CONSTRAINTS,
        ),
        refused(
            "a longer value",
            constrained("O=Werke,C=DE", &[werk()], &[]),
            CONSTRAINTS,
        ),
        refused("excluded", constrained(device, &[], &[werk()]), CONSTRAINTS),
        refused(
            "excluded in another encoding",
            below_constrained(capitals, &[], &[werk()]),
            CONSTRAINTS,
        ),
        refused(
            "permitted and excluded",
            constrained(device, &[werk()], &[directory("C=DE")]),
            CONSTRAINTS,
        ),
        // It might be that name.
        refused(
            "what cannot be compared",
            below_constrained(
                dashed("O=Bu\u{308}ro,C=DE"),
                &[],
                &[directory("O=Büro,C=DE")],
            ),
            CONSTRAINTS,
        )
        .but_openssl(),
        refused(
            "another name as well",
            below_constrained(with_directory("CN=x,O=Büro,C=DE"), &[werk()], &[]),
            CONSTRAINTS,
        ),
        refused(
            "another host",
            constrained(device, &[werk(), dns_name("plant.example")], &[]),
            CONSTRAINTS,
        ),
        refused("another root's", [direct(device)], CONSTRAINTS)
            .under([root(vec![directory("C=FR")], vec![])]),
        refused("excluded by the root", [direct(device)], CONSTRAINTS)
            .under([root(vec![], vec![werk()])]),
        refused(
            "a leaf outside of its CA's",
            below_part("CN=a,O=Werk,C=FR"),
            CONSTRAINTS,
        ),
        refused(
            "a URI, which is not compared",
            below_constrained(
                other_names(vec![pki::uri("https://plant.example/")]),
                &[werk(), pki::uri("plant.example")],
                &[],
            ),
            CONSTRAINTS,
        )
        .but_openssl(),
        refused("a maximum", [dashed(device), maximum], MALFORMED),
    ]
}

fn mailboxes() -> Vec<Chain> {
    let at = |address: &str| Spec {
        other_names: vec![email(address)],
        ..below()
    };
    let permitted = |address, base| below_constrained(at(address), &[email(base)], &[]);
    let excluded = |address, base| below_constrained(at(address), &[], &[email(base)]);
    let root = Spec {
        permitted: vec![email("plant.example")],
        ..test_root()
    };
    let of_root = Spec {
        other_names: vec![email("ops@plant.example")],
        ..server()
    };
    vec![
        accepted(
            "a mailbox",
            permitted("ops@plant.example", "ops@plant.example"),
        ),
        accepted("a host", permitted("ops@Plant.example", "plant.example")),
        accepted(
            "a domain",
            permitted("ops@a.plant.example", ".plant.example"),
        ),
        accepted(
            "another host",
            excluded("ops@plant.example", "office.example"),
        ),
        accepted(
            "no mailbox",
            below_constrained(below(), &[email("plant.example")], &[]),
        ),
        accepted("a mailbox and a CA's host", [of_root]).under([root]),
        refused(
            "another mailbox",
            permitted("it@plant.example", "ops@plant.example"),
            CONSTRAINTS,
        ),
        refused(
            "another host",
            permitted("ops@office.example", "plant.example"),
            CONSTRAINTS,
        ),
        refused(
            "a host below",
            permitted("ops@a.plant.example", "plant.example"),
            CONSTRAINTS,
        ),
        refused(
            "a host itself",
            permitted("ops@plant.example", ".plant.example"),
            CONSTRAINTS,
        ),
        refused(
            "an excluded host",
            excluded("ops@plant.example", "plant.example"),
            CONSTRAINTS,
        ),
        refused(
            "two at signs",
            permitted("a@b@plant.example", "plant.example"),
            CONSTRAINTS,
        )
        .but_openssl(),
        refused(
            "quotes",
            excluded("\"ops\"@plant.example", "ops@plant.example"),
            CONSTRAINTS,
        )
        .but_openssl(),
    ]
}

/// CAs that issue certificates to themselves, as they do when they change their keys.
fn self_issued() -> Vec<Chain> {
    let old = namesake("CN=Middle");
    let new = middle();
    // Without the identifiers of both keys OpenSSL takes the certificate for self-signed.
    let renewed = || Spec {
        subject_key_id: Some(vec![2; 20]),
        authority_key_id: Some(vec![1; 20]),
        ..new.certificate().issued_by(&old)
    };
    let issuing = authority("CN=Issuing");
    let limited = |spec: Spec, path_length| Spec {
        path_length: Some(path_length),
        ..spec
    };
    let rolled = |path_length| {
        vec![
            server().issued_by(&new),
            renewed(),
            limited(old.certificate(), path_length),
        ]
    };
    let rolled_above = |path_length| {
        vec![
            server().issued_by(&issuing),
            issuing.certificate().issued_by(&new),
            renewed(),
            limited(old.certificate(), path_length),
        ]
    };
    // The new one says the same name in another encoding.
    let encoded = Spec {
        raw_subject: Some(common_name(PRINTABLE_STRING, "MIDDLE")),
        ..renewed()
    };
    let mut other_encoding = rolled(0);
    other_encoding[1] = encoded;
    let named = |spec: Spec, dns| Spec {
        dns: vec![dns],
        ..spec
    };
    let constrained = |middle: Spec| {
        let above = Spec {
            permitted: vec![dns_name("server.example"), directory("CN=Test Server")],
            ..old.certificate()
        };
        vec![server().issued_by(&new), middle, above]
    };
    let self_issued = named(renewed(), "other.example");
    let other = authority("CN=Test Server");
    let not_self_issued = vec![
        server().issued_by(&other),
        named(other.certificate(), "other.example").issued_by(&old),
        Spec {
            permitted: vec![dns_name("server.example")],
            ..old.certificate()
        },
    ];
    let leaf = Spec {
        subject: "CN=Middle",
        permitted: vec![],
        ..named(server(), "other.example").issued_by(&new)
    };
    let constrained_leaf = vec![
        leaf,
        Spec {
            permitted: vec![dns_name("server.example")],
            ..new.certificate()
        },
    ];
    vec![
        accepted("a new key", rolled(0)),
        accepted("a new key and a CA below", rolled_above(1)),
        accepted("a new key and another encoding", other_encoding),
        accepted("a name that is not constrained", constrained(self_issued)),
        refused("a CA below too many", rolled_above(0), PATH_LENGTH),
        refused("a name that is constrained", not_self_issued, CONSTRAINTS),
        refused("a leaf of its issuer's name", constrained_leaf, CONSTRAINTS),
    ]
}

/// What is written otherwise than DER has it.
fn encodings() -> Vec<Chain> {
    let numbered = |serial: &[u8]| Spec {
        serial: serial.to_vec(),
        ..server()
    };
    let above = Spec {
        serial: vec![0, 7],
        ..middle().certificate()
    };
    let long = |content: &[u8]| {
        let constraints = sequence(&[&tlv(1, &[&[0xff]]), &tlv(2, &[content])]);
        Spec {
            ca: None,
            extensions: vec![der::extension("2.5.29.19", true, &constraints)],
            ..middle().certificate()
        }
    };
    vec![
        accepted("a long serial number", [numbered(&[0x7f; 20])]),
        accepted("a negative serial number", [numbered(&[0x80])]),
        accepted("a path length of 1000", [below(), long(&[3, 0xe8])]),
        refused("a padded serial number", [numbered(&[0, 42])], MALFORMED),
        refused(
            "a padded negative serial number",
            [numbered(&[0xff, 0x80])],
            MALFORMED,
        ),
        refused("no serial number", [numbered(&[])], MALFORMED),
        refused(
            "a padded serial number of a CA",
            [below(), above],
            UNKNOWN_ISSUER,
        ),
        refused(
            "a negative path length",
            [below(), long(&[0xff])],
            MALFORMED,
        ),
    ]
}
