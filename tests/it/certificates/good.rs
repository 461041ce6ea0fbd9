//! Chains that are accepted, without and with waivers.

use super::scene::{
    PINS, Scene, WAIVERS, built, intermediate, leaf, leaf_below, long, mersenne, named_authority,
    roots, roots_of,
};
use premaster::RootStore;
use premaster::pki_types::CertificateDer;
use premaster_testing::pki::{self, Algorithm, Authority, DAY, NOW, Spec, der};
use x509_cert::ext::pkix::KeyUsages;

/// A chain, and the places of the certificates that lead to the root.
struct Row {
    what: &'static str,
    scene: Scene,
    path: Vec<usize>,
}

fn accepted<const N: usize>(
    what: &'static str,
    chain: Vec<CertificateDer<'static>>,
    path: [usize; N],
) -> Row {
    Row {
        what,
        scene: Scene::of(chain),
        path: path.to_vec(),
    }
}

impl Row {
    fn under(self, roots: RootStore) -> Self {
        let scene = self.scene.under(roots);
        Self { scene, ..self }
    }

    fn named(self, name: &'static str) -> Self {
        let scene = self.scene.named(name);
        Self { scene, ..self }
    }

    /// What may be waived is not needed, so it is not used.
    #[track_caller]
    fn check(&self) {
        let all = [&PINS[..], &WAIVERS].concat();
        for scene in [self.scene.clone(), self.scene.clone().waiving(&all)] {
            let session = match scene.judge() {
                Ok(session) => session,
                Err(error) => panic!("{}: {error}", self.what),
            };
            assert!(session.waivers().is_empty(), "{}", self.what);
            let path = self.path.iter().map(|at| scene.chain[*at].clone());
            let path: Vec<_> = path.collect();
            assert_eq!(session.peer_certificates(), path, "{}", self.what);
        }
    }
}

fn check(rows: impl IntoIterator<Item = Row>) {
    rows.into_iter().for_each(|row| row.check());
}

#[test]
fn chains_in_any_order_among_anything() {
    let upper = named_authority("CN=Upper");
    let middle = Spec {
        serial: vec![1],
        ..intermediate().issued_by(&upper)
    };
    let upper = upper.certificate();
    let expired = Spec {
        not_before: NOW - 2 * DAY,
        not_after: NOW - DAY,
        ..intermediate()
    };
    // Another key under the same name.
    let impostor = Authority::new("CN=Test Intermediate", pki::key("rsa-3072")).certificate();
    let garbage = || CertificateDer::from(vec![0x30, 0x80, 0xff]);
    let beside = |extra| vec![leaf_below().build(), extra, intermediate().build()];
    check([
        accepted("a leaf", built([leaf()]), [0]),
        accepted(
            "an authority",
            built([leaf_below(), intermediate()]),
            [0, 1],
        ),
        accepted("the root, too", built([leaf(), pki::root()]), [0]),
        accepted(
            "in order",
            built([leaf_below(), middle.clone(), upper.clone()]),
            [0, 1, 2],
        ),
        accepted(
            "out of order",
            built([leaf_below(), upper, middle]),
            [0, 2, 1],
        ),
        accepted("the leaf again", beside(leaf_below().build()), [0, 2]),
        accepted("another leaf", beside(leaf().build()), [0, 2]),
        accepted("garbage", beside(garbage()), [0, 2]),
        accepted("an impostor", beside(impostor.build()), [0, 2]),
        accepted("an expired one", beside(expired.build()), [0, 2]),
        accepted(
            "a root of version 1",
            beside(pki::root().version_1().build()),
            [0, 2],
        ),
    ]);
}

/// Six CAs lead to a root at most; ten certificates may come.
#[test]
fn chains_as_long_as_they_may_be() {
    let mut ten = long(6);
    ten.extend(vec![vec![0x30, 0].into(); 3]);
    check([
        accepted("six authorities", long(6), [0, 1, 2, 3, 4, 5, 6]),
        accepted("ten certificates", ten, [0, 1, 2, 3, 4, 5, 6]),
        accepted("ten leaves", vec![leaf().build(); 10], [0]),
    ]);
}

#[test]
fn signatures_with_rsa() {
    for algorithm in [
        Algorithm::RSA_PKCS1_SHA256,
        Algorithm::RSA_PKCS1_SHA384,
        Algorithm::RSA_PKCS1_SHA512,
        Algorithm::RSA_PSS_SHA256,
        Algorithm::RSA_PSS_SHA384,
        Algorithm::RSA_PSS_SHA512,
    ] {
        let algorithm = Some(algorithm);
        let [leaf, leaf_below, intermediate] =
            [leaf(), leaf_below(), intermediate()].map(|spec| Spec { algorithm, ..spec });
        check([
            accepted("of a leaf", built([leaf]), [0]),
            accepted("of both", built([leaf_below, intermediate]), [0, 1]),
        ]);
    }
}

#[cfg(feature = "ecdsa")]
#[test]
fn signatures_with_ecdsa() {
    for (root, authority) in [
        (pki::p256(1), pki::p384(2)),
        (pki::p384(1), pki::p256(2)),
        (pki::p256(1), pki::p256(2)),
        (pki::key("rsa-2048-ca").into(), pki::p256(2)),
        (pki::p384(1), pki::key("rsa-2048-ca").into()),
    ] {
        let root = Authority::new("CN=EC Root", root);
        let authority = Authority::new("CN=EC Intermediate", authority);
        for algorithm in [Algorithm::ECDSA_SHA256, Algorithm::ECDSA_SHA384] {
            let signed = |spec: Spec| match spec.issuer_key {
                pki::Key::Rsa(_) => spec,
                _ => Spec {
                    algorithm: Some(algorithm),
                    ..spec
                },
            };
            let below_root = signed(leaf().issued_by(&root));
            let below = signed(leaf().issued_by(&authority));
            let intermediate = signed(authority.certificate().issued_by(&root));
            let roots = || roots_of(&[&root]);
            check([
                accepted("of a leaf", built([below_root]), [0]).under(roots()),
                accepted("of both", built([below, intermediate]), [0, 1]).under(roots()),
            ]);
        }
    }
}

#[test]
fn the_first_and_the_last_second() {
    for (not_before, not_after) in [(NOW, NOW + 1), (NOW - 1, NOW), (NOW, NOW), (0, NOW)] {
        let valid = |spec| Spec {
            not_before,
            not_after,
            ..spec
        };
        let both = built([valid(leaf_below()), valid(intermediate())]);
        check([accepted("the leaf and an authority", both, [0, 1])]);
    }
    // A root is trusted because it is configured.
    let root = Spec {
        not_after: NOW - 1,
        ..pki::root()
    };
    check([accepted("an old root", built([leaf()]), [0]).under(roots([root]))]);
}

#[test]
fn keys_as_long_as_they_may_be() {
    let keyed = |public_key| {
        let spec = Spec {
            public_key,
            ..leaf()
        };
        built([spec])
    };
    let authority = Authority::new("CN=Large", mersenne(8192));
    let below = leaf().issued_by(&authority);
    let of = authority.certificate();
    check([
        accepted("the leaf's", keyed(pki::rsa_public_key(2048, &[3])), [0]),
        accepted("the leaf's", keyed(pki::rsa_public_key(8192, &[3])), [0]),
        accepted("an authority's", built([below.clone(), of]), [0, 1]),
        accepted("a root's", built([below]), [0]).under(roots_of(&[&authority])),
    ]);
}

#[test]
fn usages_that_suit_a_server() {
    let usages = |key_usage| {
        let spec = Spec {
            key_usage,
            ..leaf()
        };
        built([spec])
    };
    let purposes = |extended_key_usage, authoritys| {
        let leaf = Spec {
            extended_key_usage,
            ..leaf_below()
        };
        let intermediate = Spec {
            extended_key_usage: authoritys,
            ..intermediate()
        };
        built([leaf, intermediate])
    };
    let both = || Some(vec![pki::CLIENT_AUTH, pki::SERVER_AUTH]);
    let any = || Some(vec![pki::ANY_PURPOSE, pki::SERVER_AUTH]);
    let encipherment = KeyUsages::KeyEncipherment;
    let agreement = KeyUsages::KeyAgreement;
    check([
        accepted("not restricted", usages(None), [0]),
        accepted("the one", usages(Some(encipherment.into())), [0]),
        accepted("among others", usages(Some(encipherment | agreement)), [0]),
        accepted("no purposes", purposes(None, None), [0, 1]),
        accepted("two purposes", purposes(both(), both()), [0, 1]),
        accepted("any purpose besides", purposes(any(), any()), [0, 1]),
    ]);
}

#[test]
fn extensions_that_do_no_harm() {
    let plain = Spec { ca: None, ..leaf() };
    let unknown = Spec {
        extensions: vec![der::extension("1.3.6.1.4.1.55555.2", false, &der::null())],
        ..leaf()
    };
    let pathless = Spec {
        path_length: Some(0),
        ..intermediate()
    };
    let [lower, upper] = ["CN=Lower", "CN=Upper"].map(named_authority);
    let below = leaf().issued_by(&lower);
    let of_lower = Spec {
        path_length: Some(0),
        ..lower.certificate().issued_by(&upper)
    };
    let of_upper = Spec {
        path_length: Some(1),
        ..upper.certificate()
    };
    check([
        accepted("no basicConstraints", built([plain]), [0]),
        accepted("an unknown one", built([unknown]), [0]),
        accepted("no path below", built([leaf_below(), pathless]), [0, 1]),
        accepted(
            "one path below",
            built([below, of_lower, of_upper]),
            [0, 1, 2],
        ),
    ]);
}

#[test]
fn serial_numbers_of_any_form() {
    for serial in [vec![0], vec![0x80], vec![0xff, 0x7f], vec![0x7f; 40]] {
        let spec = Spec { serial, ..leaf() };
        check([accepted("a serial number", built([spec]), [0])]);
    }
}

#[test]
fn a_server_that_is_its_own_root() {
    let own = leaf().issued_by(&Authority::new(leaf().subject, pki::key("rsa-2048")));
    check([accepted("self-signed", built([own.clone()]), [0]).under(roots([own]))]);
}

#[test]
fn a_root_of_version_1() {
    let root = pki::root().version_1();
    check([accepted("below it", built([leaf()]), [0]).under(roots([root]))]);
}

/// The right one is found among roots that have the same name.
#[test]
fn a_root_that_changed_its_key() {
    let old = Authority::new("CN=Test Root", pki::key("rsa-3072"));
    let both = roots([old.certificate().issued_by(&old), pki::root()]);
    check([accepted("by the newer", built([leaf()]), [0]).under(both)]);
}

#[test]
fn names_that_are_the_servers() {
    let with = |dns: &[&'static str]| {
        let spec = Spec {
            dns: dns.to_vec(),
            ip: vec![],
            ..leaf()
        };
        built([spec])
    };
    let ip = |ip: &str| {
        let spec = Spec {
            dns: vec![],
            ip: vec![ip.parse().unwrap()],
            ..leaf()
        };
        built([spec])
    };
    let others = Spec {
        other_names: vec![pki::uri("urn:plant"), pki::email("a@b.example")],
        ..leaf()
    };
    let nameless = Spec {
        subject: "",
        ..leaf()
    };
    check([
        accepted("exact", with(&["server.example"]), [0]),
        accepted("in capitals", with(&["SERVER.Example"]), [0]),
        accepted("asked in capitals", with(&["server.example"]), [0]).named("SERVER.example"),
        accepted("the second", with(&["a.example", "server.example"]), [0]),
        accepted("behind bad ones", with(&["-", "*", "server.example"]), [0]),
        accepted("with a dot at its end", with(&["server.example"]), [0]).named("server.example."),
        accepted("wildcard", with(&["*.plant.example"]), [0]).named("press.plant.example"),
        accepted("wildcard in capitals", with(&["*.PLANT.example"]), [0])
            .named("press.plant.example"),
        accepted("an address", ip("192.0.2.7"), [0]).named("192.0.2.7"),
        accepted("a long address", ip("2001:db8::7"), [0]).named("2001:db8:0:0::7"),
        accepted("among other kinds", built([others]), [0]),
        accepted("without a subject", built([nameless]), [0]),
    ]);
}

#[test]
fn names_that_an_authority_may_give() {
    let permitted = |permitted| Spec {
        permitted,
        ..intermediate()
    };
    let excluded = |excluded| Spec {
        excluded,
        ..intermediate()
    };
    let below = |constrained| built([leaf_below(), constrained]);
    let loopback = pki::network([127, 0, 0, 0], [255, 0, 0, 0]);
    let tens = pki::network([10, 0, 0, 0], [255, 0, 0, 0]);
    let root = Spec {
        permitted: vec![pki::dns_name("example")],
        ..pki::root()
    };
    check([
        accepted(
            "its domain",
            below(permitted(vec![pki::dns_name("example")])),
            [0, 1],
        ),
        accepted(
            "itself",
            below(permitted(vec![pki::dns_name("server.example")])),
            [0, 1],
        ),
        accepted("its network", below(permitted(vec![loopback])), [0, 1]),
        accepted(
            "another domain",
            below(excluded(vec![pki::dns_name("other.example")])),
            [0, 1],
        ),
        accepted("another network", below(excluded(vec![tens])), [0, 1]),
        accepted("of the root", built([leaf()]), [0]).under(roots([root])),
    ]);
}
