//! What a peer's certificates cost a client at worst: the time of the call that reads the Certificate
//! message and judges it, the least of many, also as a multiple of the private operation of the `rsa`
//! crate with a key of 2048 bits.
//!
//! The first table is the measurement behind the costs by which the judgement is bounded: one wrong
//! signature under a root's key of each kind, less the same judgement without a signature.

use premaster::certificate::Crls;
use premaster::pki_types::CertificateDer;
use premaster::{CertificatePolicy, ClientConfig, Connection, Event, RootStore};
use premaster_benches::common::pki::der::{bit_string, sequence_of};
use premaster_benches::common::pki::{self, Authority, Crl, Key, Revoked, Spec};
use premaster_benches::common::wire::{
    CERTIFICATE, HANDSHAKE, RENEGOTIATION_INFO, certificate_body, hello_with, message, record,
};
use premaster_benches::common::{name, now, rng};
use premaster_benches::support::{is_bench_run, time};
use rand_chacha::ChaCha12Rng;
use rsa::BoxedUint;
use rsa::hazmat::rsa_decrypt;
use std::sync::Arc;
use std::time::Duration;
use x509_cert::der::asn1::Any;
use x509_cert::der::{Decode, Encode};

/// The authorities that a chain can have besides the leaf.
const AUTHORITIES: u8 = 9;

/// The entries of a long CRL.
const ENTRIES: u32 = 100_000;

/// The longest content of a record.
const FRAGMENT: usize = 1 << 14;

/// A root that signs with a key of this kind.
struct Kind {
    name: &'static str,
    root: Spec,
    /// The length of its signatures; `None` for a key that the bench has.
    signature: Option<usize>,
    key: Key,
}

fn kinds() -> Vec<Kind> {
    let curve = |name, key: Key| Kind {
        name,
        root: Spec {
            public_key: key.public_key(),
            ..pki::root()
        },
        signature: None,
        key,
    };
    let rsa = |name, bits: usize, exponent: &[u8]| Kind {
        name,
        root: Spec {
            public_key: pki::keys::rsa_public_key(bits, exponent),
            ..pki::root()
        },
        signature: Some(bits / 8),
        key: pki::key("rsa-2048-ca").into(),
    };
    vec![
        rsa("RSA-2048", 2048, &[1, 0, 1]),
        rsa(
            "RSA-2048, exponent of 33 bits",
            2048,
            &[1, 0xff, 0xff, 0xff, 0xff],
        ),
        rsa("RSA-3072", 3072, &[1, 0, 1]),
        rsa("RSA-4096", 4096, &[1, 0, 1]),
        rsa("RSA-8192", 8192, &[1, 0, 1]),
        rsa(
            "RSA-8192, exponent of 33 bits",
            8192,
            &[1, 0xff, 0xff, 0xff, 0xff],
        ),
        curve("P-256", pki::p256(1)),
        curve("P-384", pki::p384(1)),
    ]
}

impl Kind {
    fn roots(&self) -> RootStore {
        let mut roots = RootStore::new();
        roots.add(&self.root.build()).unwrap();
        roots
    }

    /// The certificate with a signature that looks like the root's and is wrong.
    fn forged(&self, spec: &Spec) -> CertificateDer<'static> {
        let forged = Spec {
            issuer_key: self.key.clone(),
            damaged: true,
            ..spec.clone()
        };
        let der = forged.build();
        let Some(length) = self.signature else {
            return der;
        };
        let mut parts = Vec::<Any>::from_der(&der).unwrap();
        parts[2] = Any::from_der(&bit_string(&vec![1; length])).unwrap();
        sequence_of(parts.iter().map(|part| part.to_der().unwrap())).into()
    }
}

fn leaf() -> Spec {
    pki::server(&pki::key("rsa-2048"))
}

/// A client that waits for a certificate, and a message with this chain.
struct Waiting {
    config: Arc<ClientConfig>,
    incoming: Vec<u8>,
}

impl Waiting {
    fn new(policy: CertificatePolicy, chain: &[CertificateDer<'_>]) -> Self {
        let config = ClientConfig::builder(policy).rng(rng(1)).time_provider(now);
        let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
        let message = message(CERTIFICATE, &certificate_body(&chain));
        let fragments = message.chunks(FRAGMENT);
        Self {
            config: Arc::new(config.build().unwrap()),
            incoming: fragments.flat_map(|fragment| record(HANDSHAKE, fragment)).collect(),
        }
    }

    /// The time of one judgement, and the error if it fails.
    fn judge(&self) -> (Duration, Option<String>) {
        let mut outgoing = Vec::new();
        let mut client = Connection::client(self.config.clone(), name(), &mut outgoing).unwrap();
        let mut hello = hello_with(&[(RENEGOTIATION_INFO, &[0])]).server();
        let received = client.receive(&mut hello, &mut outgoing).unwrap();
        assert!(matches!(received.event, Event::NeedData));
        let mut incoming = self.incoming.clone();
        let (taken, result) = time(|| client.receive(&mut incoming, &mut outgoing).map(|_| ()));
        (taken, result.err().map(|error| error.to_string()))
    }

    /// The least of many, and the error of the last.
    fn least(&self) -> (Duration, Option<String>) {
        let rounds = if is_bench_run() { 60 } else { 1 };
        let mut judged: Vec<_> = (0..rounds).map(|_| self.judge()).collect();
        judged.sort();
        judged.swap_remove(0)
    }
}

struct Table {
    private_operation: Duration,
}

impl Table {
    fn new() -> Self {
        let key = pki::key("rsa-2048");
        let input = BoxedUint::from_be_slice(&[1; 256], 2048).unwrap();
        let rounds = if is_bench_run() { 100 } else { 1 };
        let none = || None::<&mut ChaCha12Rng>;
        let times = (0..rounds).map(|_| time(|| rsa_decrypt(none(), &key, &input).unwrap()).0);
        Self {
            private_operation: times.min().unwrap(),
        }
    }

    fn row(&self, what: &str, waiting: &Waiting) {
        let (taken, error) = waiting.least();
        println!(
            "{what:42} {:9.1} us {:6.2} private operations: {}",
            1e6 * taken.as_secs_f64(),
            taken.as_secs_f64() / self.private_operation.as_secs_f64(),
            error.as_deref().unwrap_or("accepted"),
        );
    }
}

/// One wrong signature of each kind, in microseconds and as a multiple of RSA-2048.
fn costs() {
    let one = |kind: &Kind| {
        let signed = Waiting::new(kind.roots().into(), &[kind.forged(&leaf())]).least().0;
        let other = Spec {
            issuer: "CN=Nobody",
            ..leaf()
        };
        let unsigned = Waiting::new(kind.roots().into(), &[kind.forged(&other)]).least().0;
        signed.saturating_sub(unsigned).as_secs_f64()
    };
    let kinds = kinds();
    let unit = one(&kinds[0]);
    println!("one wrong signature");
    for kind in &kinds {
        let taken = one(kind);
        println!(
            "{:42} {:9.1} us {:6.2}",
            kind.name,
            1e6 * taken,
            taken / unit
        );
    }
}

/// A leaf and nine authorities of one name, each with a wrong signature of the root.
fn wrong_signatures(table: &Table) {
    println!("\na leaf and nine authorities of one name with wrong signatures");
    for kind in kinds() {
        let authority = |number: u8| Authority::new("CN=One", pki::p256(number + 1));
        let leaf = leaf().issued_by(&authority(0));
        let above = (0..AUTHORITIES).map(|number| kind.forged(&authority(number).certificate()));
        let chain: Vec<_> = [leaf.build()].into_iter().chain(above).collect();
        table.row(kind.name, &Waiting::new(kind.roots().into(), &chain));
    }
}

/// Names that lead in every order through nine authorities: to no root, so that nothing but the
/// search costs; or to the root, so that every way has a signature to check.
fn many_ways(table: &Table) {
    println!("\nnine authorities of one name, each the issuer of each");
    let fill = |bytes: usize| {
        // As many extensions as fit, each as short as one can be.
        let one = pki::der::extension("1.3", false, &[]);
        let count = bytes / one.to_der().unwrap().len();
        vec![one; count]
    };
    for (what, extensions) in [("short", 0), ("a message of 64 KiB", 60_000)] {
        for (to, issuer) in [("to no root", "CN=One"), ("to a root", pki::root().subject)] {
            let chain = (0..=AUTHORITIES).map(|number| {
                let authority = Authority::new(issuer, pki::p256(number + 1));
                let spec = match number {
                    0 => leaf(),
                    _ => authority.certificate(),
                };
                Spec {
                    issuer,
                    subject: if number == 0 { spec.subject } else { issuer },
                    damaged: true,
                    extensions: fill(extensions / usize::from(AUTHORITIES + 1)),
                    ..spec
                }
                .build()
            });
            let chain: Vec<_> = chain.collect();
            let roots = premaster_benches::common::roots();
            table.row(
                &format!("{what}, {to}"),
                &Waiting::new(roots.into(), &chain),
            );
        }
    }
}

/// CRLs of a hundred thousand entries.
fn lists(table: &Table) {
    println!("\na leaf of an authority, with CRLs of {ENTRIES} entries");
    let authority = Authority::new("CN=Authority", pki::p256(1));
    let chain = [
        leaf().issued_by(&authority).build(),
        authority.certificate().build(),
    ];
    let long = |list: Crl| Crl {
        revoked: (0..ENTRIES)
            .map(|number| Revoked {
                serial: [&[1; 12], &number.to_be_bytes()[..]].concat(),
                at: pki::NOW - pki::DAY,
                reason: Some(1),
            })
            .collect(),
        ..list
    };
    let judged = |lists: &[&Crl]| {
        let mut crls = Crls::new();
        let mut bytes = 0;
        let (taken, ()) = time(|| {
            for list in lists {
                let der = list.build();
                bytes += der.len();
                crls.add(&der).unwrap();
            }
        });
        if bytes > 0 {
            println!(
                "{bytes} bytes made and configured in {} ms",
                taken.as_millis()
            );
        }
        let policy = CertificatePolicy::new(premaster_benches::common::roots());
        Waiting::new(policy.crls(crls), &chain)
    };
    let (root, own) = (pki::crl(&Authority::root()), pki::crl(&authority));
    let (long_root, long_own) = (long(root.clone()), long(own.clone()));
    let plain = CertificatePolicy::new(premaster_benches::common::roots());
    table.row("without", &Waiting::new(plain, &chain));
    table.row("short", &judged(&[&root, &own]));
    table.row("long", &judged(&[&long_root, &long_own]));
    let wrong = Crl {
        damaged: true,
        ..long_own.clone()
    };
    table.row("long, wrong signature", &judged(&[&long_root, &wrong]));
    let revoking = long_own.clone().revoking(&leaf());
    table.row("long, revoked", &judged(&[&long_root, &revoking]));
}

fn main() {
    let table = Table::new();
    costs();
    wrong_signatures(&table);
    many_ways(&table);
    lists(&table);
}
