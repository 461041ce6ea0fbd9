//! Certificates made to cost much: huge, nested, cyclic, with thousands of everything, and chains
//! with many ways through them. Both sides judge them, with nothing waived and with everything, on a
//! small stack and within their means, and say clearly what is wrong.

mod common;

use common::pki::der::{
    self, BIT_STRING, OCTET_STRING, SEQUENCE, SET, UTF8_STRING, constructed, explicit, null,
    object_identifier, octet_string, sequence, tlv,
};
use common::pki::{self, Authority, Crl, Ocsp, Responder, Revoked, SingleResponse, Spec, keys};
use common::wire::{
    self, ALERT, CERTIFICATE, HANDSHAKE, certificate_body, hello_with, message, record, vector,
};
use common::{fault, name, now, rng, roots, server_builder};
use premaster::pki_types::CertificateDer;
use premaster::{
    CertificateFault, CertificatePolicy, ClientAuth, ClientConfig, Connection, Error, Event,
    HandshakeType, KeyId, OcspFault, PeerError, RevocationLists, RootStore,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;

/// The stack on which a chain is judged, in bytes.
const STACK: usize = 256 * 1024;

/// How much memory that may take, in bytes.
const MEMORY: isize = 8 << 20;

/// How often it may ask for memory.
const ALLOCATIONS: usize = 200_000;

/// How long the text of an error may be.
const ERROR: usize = 1024;

/// The longest body of a handshake message.
const MESSAGE: usize = 1 << 16;

/// The longest content of a record.
const FRAGMENT: usize = 1 << 14;

const STATUS_REQUEST: u16 = 5;
const CERTIFICATE_STATUS: u8 = 22;
/// The CertificateStatusType.
const OCSP: u8 = 1;

/// The most certificates of a chain besides the peer's own.
const MOST_AUTHORITIES: usize = 9;

/// How often a value can be nested in a message.
const DEPTH: usize = 15_000;

/// The bit of a tag that says that there are others inside.
const CONSTRUCTED: u8 = 0x20;

const BOOLEAN: u8 = 1;
const OBJECT_IDENTIFIER: u8 = 6;

/// An object identifier that nobody knows.
const UNKNOWN: &str = "1.3.6.1.4.1.55555.1";

/// A purpose that nobody knows, as short as one can be.
const OTHER_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3");

struct Counting;

thread_local! {
    static ALLOCATIONS_MADE: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST_HELD: Cell<isize> = const { Cell::new(0) };
}

/// A thread that is ending allocates after its locals are gone; nobody measures it.
fn count(allocations: usize, bytes: isize) {
    let _ = ALLOCATIONS_MADE.try_with(|made| made.set(made.get() + allocations));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    let held = HELD.try_with(Cell::get).unwrap_or_default();
    let _ = MOST_HELD.try_with(|most| most.set(most.get().max(held)));
}

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What some work cost.
#[derive(Debug)]
struct Cost {
    allocations: usize,
    /// The most bytes that were held at a time, beyond what was held before.
    memory: isize,
}

fn cost(work: impl FnOnce()) -> Cost {
    let (made, held) = (ALLOCATIONS_MADE.get(), HELD.get());
    MOST_HELD.set(held);
    work();
    Cost {
        allocations: ALLOCATIONS_MADE.get() - made,
        memory: MOST_HELD.get() - held,
    }
}

/// Whose chain it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Server,
    Client,
}

impl Peer {
    /// A good certificate, issued by the test root.
    fn own(self) -> Spec {
        match self {
            Self::Server => pki::server(&pki::key("rsa-2048")),
            Self::Client => pki::client(&pki::key("rsa-2048-client")),
        }
    }
}

type Chain = Vec<CertificateDer<'static>>;

fn built(chain: impl IntoIterator<Item = Spec>) -> Chain {
    chain.into_iter().map(|spec| spec.build()).collect()
}

/// Nothing is waived, or everything that can be, with pins on somebody else.
fn policies(roots: &RootStore) -> [CertificatePolicy; 2] {
    let strict = CertificatePolicy::new(roots.clone());
    let waiving = strict.clone();
    let waiving = waiving
        .pin_certificate([0; 32])
        .pin_public_key(KeyId::of_spki(&[]))
        .accept_common_name()
        .accept_any_name()
        .accept_version_1()
        .accept_sha1_signatures()
        .accept_short_rsa_keys()
        .accept_outside_validity(Duration::from_secs(pki::DAY))
        .accept_missing_key_encipherment();
    [strict, waiving]
}

/// A connection that waits for the peer's certificate, and from a server for an OCSP response if one
/// is wanted.
fn waiting(peer: Peer, policy: CertificatePolicy, wants_response: bool) -> Connection {
    let mut extensions = vec![(wire::RENEGOTIATION_INFO, &[0][..])];
    if wants_response {
        extensions.push((STATUS_REQUEST, &[]));
    }
    let hello = hello_with(&extensions);
    let mut outgoing = Vec::new();
    let (mut connection, mut hello) = match peer {
        Peer::Server => {
            let client = ClientConfig::builder(policy).random(rng(1)).time(now);
            let client = Arc::new(client.build().unwrap());
            let client = Connection::client(client, name(), &mut outgoing).unwrap();
            (client, hello.server())
        }
        Peer::Client => {
            let server = server_builder().client_auth(ClientAuth::Require(policy));
            let server = Arc::new(server.build().unwrap());
            (Connection::server(server).unwrap(), hello.client())
        }
    };
    let received = connection.receive(&mut hello, &mut outgoing).unwrap();
    assert!(matches!(received.event, Event::NeedData));
    connection
}

/// What a connection says of these messages.
fn said_of(messages: &[u8], mut connection: Connection) -> Result<(), Error> {
    let fragments = messages.chunks(FRAGMENT);
    let mut incoming: Vec<u8> = fragments
        .flat_map(|fragment| record(HANDSHAKE, fragment))
        .collect();
    let judge = move || {
        let (mut result, mut outgoing) = (Ok(()), Vec::new());
        let cost = cost(|| {
            let received = connection.receive(&mut incoming, &mut outgoing);
            result = received.map(|received| assert!(matches!(received.event, Event::NeedData)));
        });
        assert!(cost.memory <= MEMORY, "{cost:?} {result:?}");
        assert!(cost.allocations <= ALLOCATIONS, "{cost:?} {result:?}");
        if let Err(error) = &result {
            let text = error.to_string();
            assert!(
                text.len() <= ERROR && !text.contains(char::is_control),
                "{text}"
            );
            let alert = error.alert().unwrap();
            assert_eq!(outgoing, record(ALERT, &[2, alert.0]), "{text}");
        }
        result
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(judge);
    thread.unwrap().join().unwrap()
}

/// What the other side says of a chain.
fn verdict(
    peer: Peer,
    policy: CertificatePolicy,
    chain: &[CertificateDer<'_>],
) -> Result<(), Error> {
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let message = message(CERTIFICATE, &certificate_body(&chain));
    said_of(&message, waiting(peer, policy, false))
}

/// What either side says of such a chain, with nothing waived and with everything.
fn verdicts_by(roots: &RootStore, chain: impl Fn(Peer) -> Chain) -> Vec<Result<(), Error>> {
    let mut verdicts = Vec::new();
    for peer in [Peer::Server, Peer::Client] {
        let chain = chain(peer);
        let policies = policies(roots).into_iter();
        verdicts.extend(policies.map(|policy| verdict(peer, policy, &chain)));
    }
    verdicts
}

fn verdicts(chain: impl Fn(Peer) -> Chain) -> Vec<Result<(), Error>> {
    verdicts_by(&roots(), chain)
}

#[track_caller]
fn assert_accepted(chain: impl Fn(Peer) -> Chain) {
    for verdict in verdicts(chain) {
        assert_eq!(verdict, Ok(()));
    }
}

/// What either side finds in such a chain, with nothing waived and with everything.
#[track_caller]
fn faults(chain: impl Fn(Peer) -> Chain) -> Vec<CertificateFault> {
    verdicts(chain).into_iter().map(fault).collect()
}

/// Asserts that all faults are of a kind.
macro_rules! assert_all {
    ($faults:expr, $kind:pat) => {
        for fault in $faults {
            assert!(matches!(&fault, $kind), "{fault:?}");
        }
    };
}

/// What is in a DER value.
fn content(der: &[u8]) -> &[u8] {
    let header = match der[1] {
        0..0x80 => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    &der[header..]
}

/// The values in a DER value.
fn elements(der: &[u8]) -> Vec<&[u8]> {
    let mut rest = content(der);
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let header = rest.len() - content(rest).len();
        let length = match &rest[2..header] {
            [] => usize::from(rest[1]),
            long => long
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte)),
        };
        let (element, after) = rest.split_at(header + length);
        elements.push(element);
        rest = after;
    }
    elements
}

/// Where the fields of a tbsCertificate are.
const ALGORITHM: usize = 2;
const PUBLIC_KEY: usize = 6;
const EXTENSIONS: usize = 7;

/// The certificate with another value in one field, signed again.
fn with_field(certificate: &Spec, field: usize, value: &[u8]) -> CertificateDer<'static> {
    let der = certificate.build();
    let mut fields = elements(elements(&der)[0]);
    fields[field] = value;
    let key = &certificate.issuer_key;
    let signed = keys::signed(&sequence(&fields), key, key.algorithm(), false);
    sequence(&[&signed]).into()
}

/// Where the parts of a certificate are.
const SIGNATURE_ALGORITHM: usize = 1;
const SIGNATURE: usize = 2;

/// The certificate with another value in place of one of its parts.
fn with_part(certificate: &[u8], part: usize, value: &[u8]) -> CertificateDer<'static> {
    let mut parts = elements(certificate);
    parts[part] = value;
    sequence(&parts).into()
}

/// An object identifier with a number of nearly this many bytes in it.
fn long_object_identifier(length: usize) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, &[&[0x2b], &vec![0xff; length], &[0x7f]])
}

/// A name of one attribute.
fn name_of(attribute_type: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(SET, &[&sequence(&[attribute_type, value])])])
}

/// An authority with a key on P-256, by a number.
fn authority(name: &'static str, number: usize) -> Authority {
    Authority::new(name, pki::p256(number as u8 + 1))
}

/// A good chain, with an authority between the peer and the root.
fn with_authority(peer: Peer) -> [Spec; 2] {
    let authority = authority("CN=Authority", 0);
    [peer.own().issued_by(&authority), authority.certificate()]
}

/// The chain whose certificates, the first one's and these, are so many ways of these names, each
/// issued by one of the next name and the last by one of the first.
fn ways(peer: Peer, names: &[&'static str]) -> Vec<Spec> {
    let issued = |certificate: Spec, by: usize| certificate.issued_by(&authority(names[by], by));
    let mut chain = vec![issued(peer.own(), 0)];
    for number in 0..MOST_AUTHORITIES {
        let certificate = authority(names[number % names.len()], number).certificate();
        chain.push(issued(certificate, (number + 1) % names.len()));
    }
    chain
}

#[test]
fn a_certificate_can_be_as_long_as_its_message() {
    let filled = |certificate: &Spec, length| {
        let extensions = vec![der::extension(UNKNOWN, false, &vec![0; length])];
        Spec {
            extensions,
            ..certificate.clone()
        }
        .build()
    };
    let longest = |certificate: Spec| {
        // The list and the certificate each have a length before them.
        let missing = MESSAGE - 3 - 3 - filled(&certificate, FRAGMENT).len();
        filled(&certificate, FRAGMENT + missing)
    };
    assert_accepted(|peer| vec![longest(peer.own())]);
    let damaged = |peer: Peer| Spec {
        damaged: true,
        ..peer.own()
    };
    assert_all!(
        faults(|peer| vec![longest(damaged(peer))]),
        CertificateFault::BadSignature
    );

    for verdict in verdicts(|peer| vec![longest(peer.own()), vec![0].into()]) {
        let length = MESSAGE + 3 + 1;
        let message = HandshakeType::CERTIFICATE;
        assert_eq!(
            verdict,
            Err(PeerError::MessageTooLong { message, length }.into())
        );
    }
}

#[test]
fn a_message_can_hold_thousands_of_certificates() {
    let found = MESSAGE / (3 + 1) - 1;
    for verdict in verdicts(|_| vec![vec![SEQUENCE].into(); found]) {
        let most = MOST_AUTHORITIES + 1;
        assert_eq!(
            fault(verdict),
            CertificateFault::TooManyCertificates { found, most }
        );
    }
    let own = |peer: Peer| vec![peer.own().build(); MOST_AUTHORITIES + 1];
    assert_accepted(own);
}

#[test]
fn names_can_be_long() {
    let common_name = object_identifier("2.5.4.3");
    let attribute = sequence(&[&common_name, &tlv(UTF8_STRING, &[b"x"])]);
    for length in [5_000, 60_000] {
        let many = |part: &[u8]| part.repeat(length / part.len());
        for name in [
            der::common_name(&vec![b'x'; length]),
            name_of(&common_name, &octet_string(&vec![7; length])),
            name_of(&long_object_identifier(length), &tlv(UTF8_STRING, &[b"x"])),
            sequence(&[&many(&tlv(SET, &[&attribute]))]),
            sequence(&[&tlv(SET, &[&many(&attribute)])]),
        ] {
            let raw_subject = Some(name.clone());
            let named = |peer: Peer| Spec {
                raw_subject: raw_subject.clone(),
                ..peer.own()
            };
            assert_accepted(|peer| built([named(peer)]));
            let damaged = |peer| Spec {
                damaged: true,
                ..named(peer)
            };
            assert_all!(
                faults(|peer| built([damaged(peer)])),
                CertificateFault::BadSignature
            );
            let raw_issuer = Some(name);
            let issued = |peer: Peer| Spec {
                raw_issuer: raw_issuer.clone(),
                ..peer.own()
            };
            let found = faults(|peer| built([issued(peer)]));
            assert_all!(found, CertificateFault::UnknownIssuer { .. });
        }
    }
}

#[test]
fn serial_numbers_can_be_long() {
    let long = |peer: Peer| Spec {
        serial: vec![0x7f; 10_000],
        ..peer.own()
    };
    assert_accepted(|peer| built([long(peer)]));
    let damaged = |peer| Spec {
        damaged: true,
        ..long(peer)
    };
    assert_all!(
        faults(|peer| built([damaged(peer)])),
        CertificateFault::BadSignature
    );
}

#[test]
fn object_identifiers_can_be_long() {
    let identifier = sequence(&[&long_object_identifier(30_000)]);
    let signed = |peer: Peer| {
        let certificate = with_field(&peer.own(), ALGORITHM, &identifier);
        vec![with_part(&certificate, SIGNATURE_ALGORITHM, &identifier)]
    };
    assert_all!(
        faults(signed),
        CertificateFault::UnsupportedSignature { .. } | CertificateFault::Malformed
    );

    let public_key = sequence(&[&identifier, &der::bit_string(&[0])]);
    let of_key = |peer: Peer| vec![with_field(&peer.own(), PUBLIC_KEY, &public_key)];
    assert_all!(faults(of_key), CertificateFault::NotRsa { .. });

    let critical = tlv(BOOLEAN, &[&[0xff]]);
    let oid = long_object_identifier(60_000);
    let extension = sequence(&[&oid, &critical, &octet_string(&[])]);
    let extensions = explicit(3, &sequence(&[&extension]));
    let extended = |peer: Peer| vec![with_field(&peer.own(), EXTENSIONS, &extensions)];
    assert_all!(faults(extended), CertificateFault::CriticalExtension { .. });
}

/// A value in a value in a value, each of the next one of these tags.
fn nested(tags: &[u8]) -> Vec<u8> {
    // From the inside out, and so backwards.
    let mut backwards = Vec::new();
    for tag in tags.iter().rev().cycle().take(DEPTH) {
        let [.., high, low] = backwards.len().to_be_bytes();
        match (high, low) {
            (0, 0..0x80) => backwards.push(low),
            (0, _) => backwards.extend([low, 0x81]),
            _ => backwards.extend([low, high, 0x82]),
        }
        backwards.push(*tag);
    }
    backwards.reverse();
    backwards
}

/// The same in BER, where a mark may end a value.
fn nested_indefinitely(tag: u8) -> Vec<u8> {
    [[tag, 0x80].repeat(DEPTH), vec![0; 2 * DEPTH]].concat()
}

fn nestings() -> Vec<Vec<u8>> {
    let strings = [BIT_STRING, OCTET_STRING].map(|tag| CONSTRUCTED | tag);
    let tags = [[SEQUENCE, SET], strings].concat();
    let explicit = [0, 1, 3, 4].map(constructed);
    let definite = tags.iter().chain(&explicit).map(|tag| nested(&[*tag]));
    let indefinite = tags.iter().map(|tag| nested_indefinitely(*tag));
    let name = nested(&[SEQUENCE, SET, SEQUENCE]);
    definite.chain(indefinite).chain([name]).collect()
}

/// Whether the certificate was judged, whatever was said of it.
fn is_judged(verdict: &Result<(), Error>) -> bool {
    matches!(verdict, Ok(()) | Err(Error::Certificate(_)))
}

#[test]
fn fields_can_be_nested_deeply() {
    for nesting in nestings() {
        for field in 0..=EXTENSIONS {
            let nested = verdicts(|peer| vec![with_field(&peer.own(), field, &nesting)]);
            assert!(nested.iter().all(is_judged), "{field} {nested:?}");
        }
        for part in 0..=SIGNATURE {
            let nested = |peer: Peer| vec![with_part(&peer.own().build(), part, &nesting)];
            assert_all!(faults(nested), CertificateFault::Malformed);
        }
    }
}

#[test]
fn extensions_can_be_nested_deeply() {
    for nesting in nestings() {
        let extended = |oid, critical, certificate| Spec {
            extensions: vec![der::extension(oid, critical, &nesting)],
            ..certificate
        };
        assert_accepted(|peer| built([extended(UNKNOWN, false, peer.own())]));
        let critical = faults(|peer| built([extended(UNKNOWN, true, peer.own())]));
        assert_all!(critical, CertificateFault::CriticalExtension { .. });
        for oid in [
            "2.5.29.15",
            "2.5.29.17",
            "2.5.29.19",
            "2.5.29.30",
            "2.5.29.31",
            "2.5.29.37",
        ] {
            let plain = |peer: Peer| Spec {
                version: 3,
                ..peer.own().version_1()
            };
            let nested = verdicts(|peer| built([extended(oid, true, plain(peer))]));
            assert!(nested.iter().all(is_judged), "{oid} {nested:?}");
        }
    }
}

#[test]
fn a_name_can_be_nested_deeply_among_other_names() {
    let names = sequence(&[&nested(&[constructed(4), SEQUENCE, SET, SEQUENCE])]);
    let chain = built([Spec {
        dns: vec![],
        ip: vec![],
        extensions: vec![der::extension("2.5.29.17", false, &names)],
        ..Peer::Server.own()
    }]);
    let [strict, waiving] = policies(&roots());
    let found = fault(verdict(Peer::Server, strict, &chain));
    assert!(
        matches!(found, CertificateFault::NameMismatch { .. }),
        "{found:?}"
    );
    assert_eq!(verdict(Peer::Server, waiving, &chain), Ok(()));
}

/// This many names of subjectAltName or nameConstraints.
fn names(count: usize) -> Vec<GeneralName> {
    let names = (0..count).map(|number| pki::dns_name(&format!("n{number}.example")));
    names.collect()
}

#[test]
fn a_certificate_can_have_thousands_of_names() {
    let chain = built([Spec {
        other_names: names(3_000),
        ..Peer::Server.own()
    }]);
    let other = built([Spec {
        dns: vec![],
        ip: vec![],
        other_names: names(3_000),
        ..Peer::Server.own()
    }]);
    let [strict, waiving] = policies(&roots());
    assert_eq!(verdict(Peer::Server, strict.clone(), &chain), Ok(()));
    let found = fault(verdict(Peer::Server, strict, &other));
    assert!(
        matches!(found, CertificateFault::NameMismatch { .. }),
        "{found:?}"
    );
    assert_eq!(verdict(Peer::Server, waiving, &other), Ok(()));
}

#[test]
fn an_authority_can_have_hundreds_of_constraints_on_hundreds_of_names() {
    let constrained = |peer: Peer| {
        let [own, authority] = with_authority(peer);
        let own = Spec {
            dns: vec![],
            ip: vec![],
            other_names: names(600),
            ..own
        };
        let excluded = (0..600).map(|number| pki::dns_name(&format!("x{number}.example")));
        built([
            own,
            Spec {
                excluded: excluded.collect(),
                ..authority
            },
        ])
    };
    assert_all!(faults(constrained), CertificateFault::TooMuchWork);
}

#[test]
fn a_certificate_can_have_thousands_of_extensions() {
    let many = |oid, critical, count| vec![der::extension(oid, critical, &null()); count];
    let extended = |peer: Peer, extensions| {
        built([Spec {
            extensions,
            ..peer.own()
        }])
    };
    assert_accepted(|peer| extended(peer, many(UNKNOWN, false, 3_000)));
    let critical = faults(|peer| extended(peer, many(UNKNOWN, true, 2_500)));
    assert_all!(critical, CertificateFault::CriticalExtension { .. });
    let repeated = faults(|peer| extended(peer, many("2.5.29.19", true, 3_000)));
    assert_all!(repeated, CertificateFault::Malformed);
}

#[test]
fn a_certificate_can_have_thousands_of_purposes() {
    let purposes = |peer: Peer| Spec {
        extended_key_usage: Some(vec![OTHER_PURPOSE; 15_000]),
        ..peer.own()
    };
    let found = faults(|peer| built([purposes(peer)]));
    assert_all!(found, CertificateFault::ExtendedKeyUsage { .. });
}

#[test]
fn authorities_can_vouch_for_each_other_in_a_circle() {
    let circle = |peer: Peer| {
        let own = peer.own().issued_by(&Authority::intermediate(1));
        built([own].into_iter().chain(pki::cycle()))
    };
    assert_all!(faults(circle), CertificateFault::UnknownIssuer { .. });
    let itself = |peer: Peer| {
        let own = peer.own();
        vec![
            Spec {
                issuer: own.subject,
                ..own
            }
            .build();
            MOST_AUTHORITIES + 1
        ]
    };
    assert_all!(faults(itself), CertificateFault::UnknownIssuer { .. });
    // Longer than any way is followed.
    let ring = |peer| {
        built(ways(
            peer,
            &[
                "CN=1", "CN=2", "CN=3", "CN=4", "CN=5", "CN=6", "CN=7", "CN=8", "CN=9",
            ],
        ))
    };
    assert_all!(
        faults(ring),
        CertificateFault::TooManyCertificates { found: 10, most: 7 }
    );
}

/// Where authorities have one name, every order of them is a way, whoever signed them.
#[test]
fn authorities_can_have_one_name() {
    assert_all!(
        faults(|peer| built(ways(peer, &["CN=1"]))),
        CertificateFault::TooMuchWork
    );
    assert_all!(
        faults(|peer| built(ways(peer, &["CN=1", "CN=2", "CN=3"]))),
        CertificateFault::TooMuchWork
    );
}

/// Each step of a way reads every certificate.
#[test]
fn authorities_of_one_name_can_have_long_certificates() {
    let extensions = vec![der::extension(UNKNOWN, false, &null()); 300];
    let long = |peer| {
        ways(peer, &["CN=1"]).into_iter().map(|spec| Spec {
            extensions: extensions.clone(),
            ..spec
        })
    };
    assert_all!(
        faults(|peer| built(long(peer))),
        CertificateFault::TooMuchWork
    );
    let purposes = |peer| {
        let mut chain = ways(peer, &["CN=1"]);
        chain[1].extended_key_usage = Some(vec![OTHER_PURPOSE; 10_000]);
        built(chain)
    };
    assert_all!(faults(purposes), CertificateFault::TooMuchWork);
}

#[test]
fn a_root_can_have_the_name_of_others() {
    let root = authority("CN=1", 100);
    let mut roots = RootStore::new();
    roots
        .add(&root.certificate().issued_by(&root).build())
        .unwrap();
    for names in [&["CN=1"][..], &["CN=3", "CN=2", "CN=1"]] {
        let found = verdicts_by(&roots, |peer| built(ways(peer, names)));
        assert_all!(found.into_iter().map(fault), CertificateFault::TooMuchWork);
    }
}

#[test]
fn keys_can_be_large() {
    let largest = |number: u8| pki::rsa_public_key(8192, &[1, 0xff, 0xff, 0xff, 0xff - 2 * number]);
    assert_accepted(|peer| {
        built([Spec {
            public_key: largest(0),
            ..peer.own()
        }])
    });
    // The root vouches for three, whose signatures on three others are made up, and so on.
    let forged = |peer: Peer| {
        let names = ["CN=1", "CN=2", "CN=3", "CN=Test Root"];
        let mut chain = vec![
            Spec {
                issuer: names[0],
                ..peer.own()
            }
            .build(),
        ];
        for number in 0..9 {
            let at = usize::from(number) / 3;
            let certificate = Spec {
                subject: names[at],
                issuer: names[at + 1],
                public_key: largest(number),
                ..pki::root()
            };
            chain.push(certificate.build());
        }
        let signature = der::bit_string(&[1; 8192 / 8]);
        for certificate in &mut chain[..7] {
            *certificate = with_part(certificate, SIGNATURE, &signature);
        }
        chain
    };
    assert_all!(faults(forged), CertificateFault::TooMuchWork);
}

/// What a client that wants an OCSP response says of this one about a server.
fn verdict_on(response: &[u8]) -> Result<(), Error> {
    let policy = CertificatePolicy::new(roots()).require_ocsp_response();
    let certificate = certificate_body(&[&Peer::Server.own().build()]);
    let status = [&[OCSP][..], &vector(3, response)].concat();
    let messages = [
        message(CERTIFICATE, &certificate),
        message(CERTIFICATE_STATUS, &status),
    ];
    said_of(&messages.concat(), waiting(Peer::Server, policy, true))
}

#[test]
fn a_response_can_be_about_hundreds_of_certificates() {
    let certificate = Peer::Server.own();
    let about = |serial| SingleResponse {
        serial,
        ..pki::single_response(&certificate)
    };
    let others = (300..700_u16).map(|number| about(number.to_be_bytes().to_vec()));
    let mut response = pki::ocsp(&certificate);
    response.responses = others.collect();
    let unanswered = CertificateFault::Ocsp(OcspFault::OtherCertificate);
    assert_eq!(fault(verdict_on(&response.build())), unanswered);
    response.responses.push(about(certificate.serial.clone()));
    assert_eq!(verdict_on(&response.build()), Ok(()));

    // With the right serial number each, but of another issuer.
    for single in &mut response.responses {
        single.serial = certificate.serial.clone();
        single.issuer_name = vec![0];
    }
    assert_eq!(fault(verdict_on(&response.build())), unanswered);
}

#[test]
fn a_response_can_bring_dozens_of_responders() {
    let key = pki::key("rsa-2048-client");
    let good = pki::responder(&key);
    let stranger = Spec {
        damaged: true,
        ..pki::responder(&key)
    };
    let delegated = pki::ocsp(&Peer::Server.own()).delegated(&good, key);
    for (strangers, expected) in [
        (3, Ok(())),
        (60, Err(CertificateFault::Ocsp(OcspFault::Responder))),
    ] {
        let mut certificates = vec![stranger.build(); strangers];
        certificates.push(good.build());
        let response = Ocsp {
            certificates,
            ..delegated.clone()
        };
        let verdict = verdict_on(&response.build());
        assert_eq!(verdict.map_err(|error| fault(Err(error))), expected);
    }
}

#[test]
fn a_response_can_be_nested_deeply() {
    let good = pki::ocsp(&Peer::Server.own());
    for nesting in nestings() {
        let extensions = vec![der::extension(UNKNOWN, false, &nesting)];
        let extended = Ocsp {
            extensions: extensions.clone(),
            ..good.clone()
        };
        assert_eq!(verdict_on(&extended.build()), Ok(()));
        let mut of_single = good.clone();
        of_single.responses[0].extensions = extensions;
        assert_eq!(verdict_on(&of_single.build()), Ok(()));
        let named = Ocsp {
            responder: Responder::ByName(nesting.clone()),
            ..good.clone()
        };
        let certified = Ocsp {
            certificates: vec![nesting.clone().into()],
            ..good.clone()
        };
        // The issuer's own response needs no certificate, and its signature covers none.
        if let Err(error) = verdict_on(&certified.build()) {
            let malformed = CertificateFault::Ocsp(OcspFault::Malformed);
            assert_eq!(fault(Err(error)), malformed);
        }
        for response in [nesting, named.build()] {
            let found = fault(verdict_on(&response));
            assert_eq!(found, CertificateFault::Ocsp(OcspFault::Malformed));
        }
    }
}

#[test]
fn revocation_lists_can_be_many_and_long() {
    let authority = authority("CN=Authority", 0);
    let revoked = (0..5_000_u32).map(|number| Revoked {
        serial: [&[1], &number.to_be_bytes()[..]].concat(),
        at: pki::NOW - pki::DAY,
        reason: Some(1),
    });
    let long = Crl {
        revoked: revoked.collect(),
        ..pki::crl(&Authority::root())
    };
    let mut lists = RevocationLists::new();
    lists.add(&long.build()).unwrap();
    for _ in 0..100 {
        lists.add(&pki::crl(&authority).build()).unwrap();
    }
    for peer in [Peer::Server, Peer::Client] {
        let chain = with_authority(peer);
        let [own, above] = &chain;
        let revoked = Spec {
            serial: long.revoked[4_999].serial.clone(),
            ..above.clone()
        };
        let revoked = built([own.clone(), revoked]);
        for policy in policies(&roots()) {
            let policy = policy.revocation_lists(lists.clone());
            assert_eq!(verdict(peer, policy.clone(), &built(chain.clone())), Ok(()));
            let found = fault(verdict(peer, policy, &revoked));
            assert_eq!(found, CertificateFault::Revoked);
        }
    }
}
