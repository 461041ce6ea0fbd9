//! Certificates made to cost much: huge, nested, cyclic, with thousands of everything, and chains
//! with many ways through them. Both sides judge them, with nothing waived and with everything, on
//! a small stack and within their means, and say clearly what is wrong.

use crate::allocations::cost;
use premaster::certificate::Crls;
use premaster::error::{CertificateFault, OcspFault, PeerError};
use premaster::pki_types::CertificateDer;
use premaster::protocol::HandshakeType;
use premaster::{
    CertificatePolicy, ClientAuth, ClientConfig, Connection, Error, Event, KeyId, RootStore,
};
use premaster_testing::pki::der::{
    self, BIT_STRING, OCTET_STRING, SEQUENCE, SET, UTF8_STRING, constructed, explicit, null,
    object_identifier, octet_string, sequence, sequence_of, tlv,
};
use premaster_testing::pki::{
    self, Authority, Crl, Ocsp, Responder, Revoked, SingleResponse, Spec, keys,
};
use premaster_testing::wire::{
    self, ALERT, CERTIFICATE, HANDSHAKE, certificate_body, hello_with, message, record, vector,
};
use premaster_testing::{fault, name, now, rng, roots, server_builder};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use x509_cert::der::asn1::Any;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;

/// The stack on which a chain is judged, in bytes.
const STACK: usize = 256 * 1024;

/// How much memory that may take, in bytes.
const MEMORY: isize = 8 << 20;

/// How often it may ask for memory: what costs out of proportion to the message shows here too.
const ALLOCATIONS: usize = 200_000;

/// How long the text of an error may be.
const ERROR: usize = 1024;

/// The longest body of a handshake message that is accepted by default.
const MESSAGE: usize = 131_396;

/// The longest certificate that `rustls-webpki` reads, or nearly so.
const LONGEST_CERTIFICATE: usize = (1 << 16) - 6;

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

/// The bit of a tag that marks a constructed element.
const CONSTRUCTED: u8 = 0x20;

const BOOLEAN: u8 = 1;
const OBJECT_IDENTIFIER: u8 = 6;

/// The extensions that are read.
const KNOWN: [&str; 6] = [
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.37",
];

/// An object identifier that nobody knows.
const UNKNOWN: &str = "1.3.6.1.4.1.55555.1";

/// A purpose that nobody knows, as short as one can be.
const OTHER_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3");

/// Names of CAs.
const NAMES: [&str; MOST_AUTHORITIES] = [
    "CN=1", "CN=2", "CN=3", "CN=4", "CN=5", "CN=6", "CN=7", "CN=8", "CN=9",
];

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

/// A connection that waits for the peer's certificate, and from a server for an OCSP response if
/// one is wanted.
#[track_caller]
fn waiting(peer: Peer, policy: CertificatePolicy, wants_response: bool) -> Connection {
    let mut extensions = vec![(wire::RENEGOTIATION_INFO, &[0][..])];
    if wants_response {
        extensions.push((STATUS_REQUEST, &[]));
    }
    let hello = hello_with(&extensions);
    let mut outgoing = Vec::new();
    let (mut connection, mut hello) = match peer {
        Peer::Server => {
            let client = ClientConfig::builder(policy).rng(rng(1)).time_provider(now);
            let client = Arc::new(client.build().unwrap());
            let client = Connection::client(client, name(), &mut outgoing).unwrap();
            (client, hello.server())
        }
        Peer::Client => {
            let server = server_builder().client_auth(ClientAuth::Require(policy));
            let server = Arc::new(server.build().unwrap());
            (Connection::server(server), hello.client())
        }
    };
    let received = connection.receive(&mut hello, &mut outgoing).unwrap();
    assert!(matches!(received.event, Event::NeedData));
    connection
}

/// A connection's result for these messages.
#[track_caller]
fn said_of(messages: &[u8], mut connection: Connection) -> Result<(), Error> {
    let fragments = messages.chunks(FRAGMENT);
    let mut incoming: Vec<u8> =
        fragments.flat_map(|fragment| record(HANDSHAKE, fragment)).collect();
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

/// The other side's result for a chain.
fn verdict(
    peer: Peer,
    policy: CertificatePolicy,
    chain: &[CertificateDer<'_>],
) -> Result<(), Error> {
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let message = message(CERTIFICATE, &certificate_body(&chain));
    said_of(&message, waiting(peer, policy, false))
}

/// Each side's result for such a chain, with nothing waived and with everything.
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

/// The peer's own certificate, made otherwise.
fn changed(change: impl Fn(&mut Spec)) -> impl Fn(Peer) -> Chain {
    move |peer| {
        let mut own = peer.own();
        change(&mut own);
        vec![own.build()]
    }
}

/// The values in a SEQUENCE.
fn elements(der: &[u8]) -> Vec<Vec<u8>> {
    let elements = Vec::<Any>::from_der(der).unwrap();
    let encoded = elements.iter().map(|element| element.to_der().unwrap());
    encoded.collect()
}

/// Where the parts of a certificate are.
const TBS_CERTIFICATE: usize = 0;
const SIGNATURE_ALGORITHM: usize = 1;
const SIGNATURE: usize = 2;

/// The certificate with another value in place of one of its parts.
fn with_part(certificate: &[u8], part: usize, value: &[u8]) -> CertificateDer<'static> {
    let mut parts = elements(certificate);
    parts[part] = value.to_vec();
    sequence_of(parts.into_iter()).into()
}

/// Where the fields of its signed part are.
const ALGORITHM: usize = 2;
const PUBLIC_KEY: usize = 6;
const EXTENSIONS: usize = 7;

/// The certificate with another value in place of one of these fields, signed again.
fn with_field(certificate: &Spec, field: usize, value: &[u8]) -> CertificateDer<'static> {
    let mut fields = elements(&elements(&certificate.build())[TBS_CERTIFICATE]);
    fields[field] = value.to_vec();
    let key = &certificate.issuer_key;
    let signed = keys::signed(
        &sequence_of(fields.into_iter()),
        key,
        key.algorithm(),
        false,
    );
    sequence(&[&signed]).into()
}

/// An object identifier with a number of nearly this many bytes in it.
fn long_object_identifier(length: usize) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, &[&[0x2b], &vec![0xff; length], &[0x7f]])
}

/// A name of one attribute.
fn name_of(attribute_type: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(SET, &[&sequence(&[attribute_type, value])])])
}

/// A CA with a key on P-256, by a number.
fn authority(name: &'static str, number: usize) -> Authority {
    Authority::new(name, pki::p256(number as u8 + 1))
}

/// The peer's certificate, and those of as many CAs as a chain can have. They have these
/// names in turn, and each one's issuer is of the next name.
fn ways(peer: Peer, names: &[&'static str]) -> Vec<Spec> {
    let issuer = |number| authority(names[number % names.len()], number % names.len());
    let mut chain = vec![peer.own().issued_by(&issuer(0))];
    for number in 0..MOST_AUTHORITIES {
        let above = authority(names[number % names.len()], number).certificate();
        chain.push(above.issued_by(&issuer(number + 1)));
    }
    chain
}

#[test]
fn a_certificate_can_be_as_long_as_it_can_be_read() {
    let fill = |own: &mut Spec, length| {
        own.extensions = vec![der::extension(UNKNOWN, false, &vec![0; length])];
    };
    let longest = |own: &mut Spec| {
        fill(own, FRAGMENT);
        let missing = LONGEST_CERTIFICATE - own.build().len();
        fill(own, FRAGMENT + missing);
    };
    let damaged = |own: &mut Spec| {
        longest(own);
        own.damaged = true;
    };
    let twice = |peer| vec![changed(longest)(peer).remove(0); 2];
    assert_accepted(twice);
    assert_all!(faults(changed(damaged)), CertificateFault::BadSignature);

    // The list and each certificate have a length before them.
    let left = MESSAGE - 3 - 2 * (3 + LONGEST_CERTIFICATE) - 3;
    let filled = |length: usize| move |peer| [twice(peer), vec![vec![0; length].into()]].concat();
    assert_accepted(filled(left));
    for verdict in verdicts(filled(left + 1)) {
        let refused = PeerError::MessageOverLimit {
            message: HandshakeType::CERTIFICATE,
            length: MESSAGE + 1,
            most: MESSAGE,
        };
        assert_eq!(verdict, Err(refused.into()));
    }
}

#[test]
fn a_message_can_hold_thousands_of_certificates() {
    let (found, most) = (MESSAGE / (3 + 1) - 1, MOST_AUTHORITIES + 1);
    let expected = CertificateFault::TooManyCertificates { found, most };
    for fault in faults(|_| vec![vec![SEQUENCE].into(); found]) {
        assert_eq!(fault, expected);
    }
    assert_accepted(|peer| vec![peer.own().build(); most]);
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
            let subject = |own: &mut Spec| own.raw_subject = Some(name.clone());
            let issuer = |own: &mut Spec| own.raw_issuer = Some(name.clone());
            let damaged = |own: &mut Spec| {
                subject(own);
                own.damaged = true;
            };
            assert_accepted(changed(subject));
            assert_all!(faults(changed(damaged)), CertificateFault::BadSignature);
            let unknown = faults(changed(issuer));
            assert_all!(unknown, CertificateFault::UnknownIssuer { .. });
        }
    }
}

#[test]
fn serial_numbers_can_be_long() {
    let long = |own: &mut Spec| own.serial = vec![0x7f; 10_000];
    let damaged = |own: &mut Spec| {
        long(own);
        own.damaged = true;
    };
    assert_accepted(changed(long));
    assert_all!(faults(changed(damaged)), CertificateFault::BadSignature);
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
    let identifier = long_object_identifier(60_000);
    let extension = sequence(&[&identifier, &critical, &octet_string(&[])]);
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
        let extend = |own: &mut Spec, oid, critical| {
            own.extensions = vec![der::extension(oid, critical, &nesting)];
        };
        assert_accepted(changed(|own| extend(own, UNKNOWN, false)));
        let critical = faults(changed(|own| extend(own, UNKNOWN, true)));
        assert_all!(critical, CertificateFault::CriticalExtension { .. });
        for oid in KNOWN {
            let known = verdicts(changed(|own| {
                *own = Spec {
                    version: 3,
                    ..own.clone().version_1()
                };
                extend(own, oid, true);
            }));
            assert!(known.iter().all(is_judged), "{oid} {known:?}");
        }
    }
}

/// A server's certificate with other names than the one it is reached by.
#[track_caller]
fn named_otherwise(change: impl Fn(&mut Spec)) {
    let chain = changed(|own| {
        *own = Spec {
            dns: vec![],
            ip: vec![],
            ..own.clone()
        };
        change(own);
    });
    let chain = chain(Peer::Server);
    let [strict, waiving] = policies(&roots());
    let found = [fault(verdict(Peer::Server, strict, &chain))];
    assert_all!(found, CertificateFault::NameMismatch { .. });
    assert_eq!(verdict(Peer::Server, waiving, &chain), Ok(()));
}

#[test]
fn a_name_can_be_nested_deeply_among_other_names() {
    let names = sequence(&[&nested(&[constructed(4), SEQUENCE, SET, SEQUENCE])]);
    named_otherwise(|own| own.extensions = vec![der::extension("2.5.29.17", false, &names)]);
}

/// Names of subjectAltName or nameConstraints.
fn names(first: &str, count: usize) -> Vec<GeneralName> {
    let names = (0..count).map(|number| pki::dns_name(&format!("{first}{number}.example")));
    names.collect()
}

#[test]
fn a_certificate_can_have_thousands_of_names() {
    let names = names("n", 3_000);
    assert_accepted(changed(|own| own.other_names = names.clone()));
    named_otherwise(|own| own.other_names = names.clone());
}

#[test]
fn an_authority_can_have_hundreds_of_constraints_on_hundreds_of_names() {
    let constrained = |peer: Peer| {
        let authority = authority("CN=Authority", 0);
        let own = Spec {
            other_names: names("n", 600),
            ..peer.own().issued_by(&authority)
        };
        let above = Spec {
            excluded: names("x", 600),
            ..authority.certificate()
        };
        built([own, above])
    };
    assert_all!(faults(constrained), CertificateFault::TooMuchWork);
}

#[test]
fn a_certificate_can_have_thousands_of_extensions() {
    let many = |oid, critical| {
        let extensions = vec![der::extension(oid, critical, &null()); 2_500];
        changed(move |own| own.extensions = extensions.clone())
    };
    assert_accepted(many(UNKNOWN, false));
    assert_all!(
        faults(many(UNKNOWN, true)),
        CertificateFault::CriticalExtension { .. }
    );
    assert_all!(faults(many("2.5.29.19", true)), CertificateFault::Malformed);
}

#[test]
fn a_certificate_can_have_thousands_of_purposes() {
    let purposes = Some(vec![OTHER_PURPOSE; 15_000]);
    let found = faults(changed(|own| own.extended_key_usage = purposes.clone()));
    assert_all!(found, CertificateFault::ExtendedKeyUsage { .. });
}

#[test]
fn authorities_can_vouch_for_each_other_in_a_circle() {
    let circle = |peer: Peer| {
        let own = peer.own().issued_by(&Authority::intermediate(1));
        built([own].into_iter().chain(pki::cycle()))
    };
    assert_all!(faults(circle), CertificateFault::UnknownIssuer { .. });
    let itself = changed(|own| own.issuer = own.subject);
    let itself = |peer| vec![itself(peer).remove(0); MOST_AUTHORITIES + 1];
    assert_all!(faults(itself), CertificateFault::UnknownIssuer { .. });
    // Longer than any way is followed.
    let ring = |peer| built(ways(peer, &NAMES));
    assert_all!(faults(ring), CertificateFault::PathTooLong { most: 7 });
}

/// CAs with one name can be chained in any order, whoever signed them.
#[test]
fn authorities_can_have_one_name() {
    for names in [&NAMES[..1], &NAMES[..3]] {
        let found = faults(|peer| built(ways(peer, names)));
        assert_all!(found, CertificateFault::TooMuchWork);
    }
}

/// Every step of a way looks into every certificate.
#[test]
fn authorities_of_one_name_can_have_long_certificates() {
    let extensions = vec![der::extension(UNKNOWN, false, &null()); 300];
    let long = |certificate| Spec {
        extensions: extensions.clone(),
        ..certificate
    };
    let found = faults(|peer| built(ways(peer, &NAMES[..1]).into_iter().map(long)));
    assert_all!(found, CertificateFault::TooMuchWork);

    let purposes = |peer| {
        let mut chain = ways(peer, &NAMES[..1]);
        chain[1].extended_key_usage = Some(vec![OTHER_PURPOSE; 10_000]);
        built(chain)
    };
    assert_all!(faults(purposes), CertificateFault::TooMuchWork);
}

/// Every way that ends with its name is a signature to be verified.
#[test]
fn a_root_can_have_the_name_of_others() {
    let root = authority(NAMES[0], 100);
    let certificate = root.certificate().issued_by(&root).build();
    let mut roots = RootStore::new();
    roots.add(&certificate).unwrap();
    for names in [&NAMES[..1], &NAMES[..3]] {
        let verdicts = verdicts_by(&roots, |peer| built(ways(peer, names)));
        let found = verdicts.into_iter().map(fault);
        assert_all!(found, CertificateFault::TooMuchWork);
    }
}

#[test]
fn keys_can_be_large() {
    // Odd, and no more than 2^33 - 1.
    let largest = |number: u8| pki::rsa_public_key(8192, &[1, 0xff, 0xff, 0xff, 0xff - 2 * number]);
    assert_accepted(changed(|own| own.public_key = largest(0)));

    // Two of each name, whose signatures are made up but for that of the last, which is the root's.
    let forged = |peer: Peer| {
        let root = Authority::root().name;
        let certificates = (0..=8).map(|number| {
            let place = usize::from(number) / 2;
            let (subject, public_key) = (NAMES[place], largest(number));
            let issuer = if number == 8 { root } else { NAMES[place + 1] };
            Spec {
                subject,
                issuer,
                public_key,
                ..pki::root()
            }
        });
        let own = Spec {
            issuer: NAMES[0],
            public_key: largest(9),
            ..peer.own()
        };
        let mut chain = built([own].into_iter().chain(certificates));
        let signature = der::bit_string(&[1; 8192 / 8]);
        for certificate in &mut chain[..=8] {
            *certificate = with_part(certificate, SIGNATURE, &signature);
        }
        chain
    };
    assert_all!(
        faults(forged),
        CertificateFault::BadSignature | CertificateFault::TooMuchWork
    );
}

/// The result of a client that requires an OCSP response, for this one about a server.
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
    let mut lists = Crls::new();
    lists.add(&long.build()).unwrap();
    for _ in 0..100 {
        lists.add(&pki::crl(&authority).build()).unwrap();
    }
    for peer in [Peer::Server, Peer::Client] {
        let (own, above) = (peer.own().issued_by(&authority), authority.certificate());
        let serial = long.revoked[4_999].serial.clone();
        let revoked = Spec {
            serial,
            ..above.clone()
        };
        for policy in policies(&roots()) {
            let policy = policy.crls(lists.clone());
            let good = built([own.clone(), above.clone()]);
            assert_eq!(verdict(peer, policy.clone(), &good), Ok(()));
            let bad = built([own.clone(), revoked.clone()]);
            assert_eq!(
                fault(verdict(peer, policy, &bad)),
                CertificateFault::Revoked
            );
        }
    }
}
