//! A client of ours, and a server by hand that shows it whatever chain a test has made.

use premaster::certificate::{Waiver, Waivers};
use premaster::error::CertificateError;
use premaster::pki_types::{CertificateDer, UnixTime};
use premaster::protocol::AlertDescription;
use premaster::{
    CertificatePolicy, CipherSuite, ClientConfig, ClientConfigBuilder, Error, KeyId, RootStore,
    SessionInfo,
};
use premaster_testing::by_hand::ServerByHand;
use premaster_testing::pki::{self, Authority, Spec};
use premaster_testing::wire::{
    ALERT, CERTIFICATE, RENEGOTIATION_INFO, SERVER_HELLO_DONE, certificate_body, handshake,
    hello_with, record, said, vector,
};
use premaster_testing::{NAME, now, rng};
use rsa::{BoxedUint, PrivateKey as RsaPrivateKey};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_parser::prelude::{FromDer, X509Certificate};

const CERTIFICATE_STATUS: u8 = 22;
const STATUS_REQUEST: u16 = 5;

/// How far outside its validity a chain is accepted where that is waived.
pub const TOLERANCE: u64 = pki::DAY;

/// The waivers that do not say which certificate it has to be.
pub const WAIVERS: [Waiver; 9] = [
    Waiver::CommonName,
    Waiver::AnyName,
    Waiver::Version1,
    Waiver::Sha1Signature,
    Waiver::ShortRsaKey,
    Waiver::OutsideValidity,
    Waiver::MissingKeyEncipherment,
    Waiver::ExtendedKeyUsage,
    Waiver::LongChain,
];

pub const PINS: [Waiver; 2] = [Waiver::PinnedCertificate, Waiver::PinnedPublicKey];

/// The server's chain, and the client that receives it.
#[derive(Clone)]
pub struct Scene {
    pub policy: CertificatePolicy,
    /// What the client calls the server.
    pub name: &'static str,
    pub chain: Vec<CertificateDer<'static>>,
    pub ocsp_response: Option<Vec<u8>>,
}

impl Scene {
    /// A client with the default policy and the test root.
    pub fn of(chain: Vec<CertificateDer<'static>>) -> Self {
        Self {
            policy: premaster_testing::roots().into(),
            name: NAME,
            chain,
            ocsp_response: None,
        }
    }

    /// The same chain, shown to a client with these roots.
    pub fn under(self, roots: RootStore) -> Self {
        Self {
            policy: roots.into(),
            ..self
        }
    }

    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The same chain, shown to a client that waives this besides.
    pub fn waiving(mut self, waivers: &[Waiver]) -> Self {
        for waiver in waivers {
            self.policy = self.waive(*waiver);
        }
        self
    }

    /// The pins are those of the chain's first certificate.
    fn waive(&self, waiver: Waiver) -> CertificatePolicy {
        let policy = self.policy.clone();
        match waiver {
            Waiver::PinnedCertificate => policy.pin_certificate(sha256(&self.chain[0])),
            Waiver::PinnedPublicKey => policy.pin_public_key(key_id(&self.chain[0])),
            Waiver::CommonName => policy.accept_common_name(),
            Waiver::AnyName => policy.accept_any_name(),
            Waiver::Version1 => policy.accept_version_1(),
            Waiver::Sha1Signature => policy.accept_sha1_signatures(),
            Waiver::ShortRsaKey => policy.accept_short_rsa_keys(),
            Waiver::OutsideValidity => {
                policy.accept_outside_validity(Duration::from_secs(TOLERANCE))
            }
            Waiver::MissingKeyEncipherment => policy.accept_missing_key_encipherment(),
            Waiver::ExtendedKeyUsage => policy.accept_other_extended_key_usage(),
            Waiver::LongChain => policy.accept_long_chain(100),
            other => panic!("{other} is not known here"),
        }
    }

    /// The client's result of a whole handshake. Where it refuses, it says nothing but the
    /// alert.
    pub fn judge(&self) -> Result<SessionInfo, Error> {
        self.judge_by(ClientConfig::builder(self.policy.clone()))
    }

    /// The client's result with these settings, whatever the policy is.
    #[track_caller]
    pub fn judge_by(&self, client: ClientConfigBuilder) -> Result<SessionInfo, Error> {
        let mut server = meet(client, self.name);
        let result = server.say(&self.flight());
        if let Err(error) = result {
            let alert = record(ALERT, &[2, error.alert().unwrap().0]);
            assert_eq!(said(&mut server.client), [alert]);
            return Err(error);
        }
        let (client, _) = server.complete();
        Ok(client.connection.session().unwrap().clone())
    }

    /// The error of a chain that is refused.
    #[track_caller]
    pub fn refusal(&self) -> CertificateError {
        match self.judge() {
            Err(Error::Certificate(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// The server's records from ServerHello to ServerHelloDone.
    pub fn flight(&self) -> Vec<Vec<u8>> {
        let status = self.ocsp_response.as_deref();
        let announced = status.map(|_| (STATUS_REQUEST, &[][..]));
        let extensions = [(RENEGOTIATION_INFO, &[0][..])].into_iter().chain(announced);
        let hello = hello_with(&extensions.collect::<Vec<_>>());
        let chain: Vec<&[u8]> = self.chain.iter().map(AsRef::as_ref).collect();
        let mut flight = vec![
            hello.server(),
            handshake(CERTIFICATE, &certificate_body(&chain)),
        ];
        flight.extend(status.map(certificate_status));
        flight.push(handshake(SERVER_HELLO_DONE, &[]));
        flight
    }
}

fn certificate_status(ocsp_response: &[u8]) -> Vec<u8> {
    let ocsp = 1;
    let body = [vec![ocsp], vector(3, ocsp_response)].concat();
    handshake(CERTIFICATE_STATUS, &body)
}

/// A client with these settings, and a server by hand of this name.
pub fn meet(client: ClientConfigBuilder, name: &str) -> ServerByHand {
    let suites = [CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256];
    let client = client.rng(rng(1)).time_provider(now).suites(&suites);
    ServerByHand::meet(client, name)
}

/// A chain that is refused, and the words for it.
pub struct Row {
    what: &'static str,
    scene: Scene,
    /// What is waived from the start: the chain lacks more than one thing.
    besides: &'static [Waiver],
    /// Where the certificate stands that is said to be the reason, if a single one is.
    at: Option<usize>,
    fault: String,
}

/// A chain below the test root that is refused because of the certificate at this place.
pub fn refused(
    what: &'static str,
    chain: Vec<CertificateDer<'static>>,
    at: impl Into<Option<usize>>,
    fault: impl Into<String>,
) -> Row {
    Row {
        what,
        scene: Scene::of(chain),
        besides: &[],
        at: at.into(),
        fault: fault.into(),
    }
}

impl Row {
    pub fn under(self, roots: RootStore) -> Self {
        let scene = self.scene.under(roots);
        Self { scene, ..self }
    }

    pub fn named(self, name: &'static str) -> Self {
        let scene = self.scene.named(name);
        Self { scene, ..self }
    }

    pub fn besides(self, besides: &'static [Waiver]) -> Self {
        Self { besides, ..self }
    }

    /// Judged as it is, with what it lacks waived, and with everything else waived.
    fn check(&self, alert: AlertDescription, waiver: Option<Waiver>) {
        let bare = self.scene.clone().waiving(self.besides);
        self.check_refused(&bare, alert, waiver);
        let mut others = WAIVERS.to_vec();
        match waiver {
            None => {}
            Some(Waiver::PinnedCertificate) => {
                PINS.iter().for_each(|pin| self.check_accepted(&bare, *pin));
            }
            Some(waiver) => {
                self.check_accepted(&bare, waiver);
                others.retain(|other| *other != waiver);
                if waiver == Waiver::CommonName {
                    // Where no name is asked for, none has to be there.
                    others.retain(|other| *other != Waiver::AnyName);
                }
            }
        }
        self.check_refused(&self.scene.clone().waiving(&others), alert, waiver);
    }

    #[track_caller]
    fn check_refused(&self, scene: &Scene, alert: AlertDescription, waiver: Option<Waiver>) {
        let Self { what, fault, .. } = self;
        let error = match scene.judge() {
            Err(error) => error,
            Ok(session) => panic!("{what}: accepted with waivers {}", session.waivers()),
        };
        assert_eq!(error.alert(), Some(alert), "{what}: {error}");
        assert_eq!(error.setting(), waiver.map(Waiver::setting), "{what}");
        let Error::Certificate(error) = error else {
            panic!("{what}: {error:?}");
        };
        assert_eq!(error.fault().to_string(), *fault, "{what}");
        assert_eq!(error.waiver(), waiver, "{what}");
        self.take_hints(scene, &error);
        let found = error.certificate().map(|id| {
            let subject = id.subject().as_str().to_owned();
            (id.position(), subject, id.serial().to_vec())
        });
        assert_eq!(found, self.at.map(|at| self.id(at)), "{what}");
    }

    /// What the error names besides a waiver accepts the chain, too.
    #[track_caller]
    fn take_hints(&self, scene: &Scene, error: &CertificateError) {
        let what = self.what;
        if let Some(pin) = error.pin() {
            let policy = scene.policy.clone().pin_certificate(pin);
            let pinned = Scene {
                policy,
                ..scene.clone()
            };
            // Another check may be the next to fail, such as that of the name.
            let next = pinned.judge().map_err(|error| error.to_string());
            let same = next.as_ref().is_err_and(|next| next.contains(&error.fault().to_string()));
            assert!(!same, "{what}: {next:?}");
        }
        if error.waiver() == Some(Waiver::AnyName) {
            let pin = error.certificate().unwrap().certificate_sha256();
            let policy = CertificatePolicy::new(RootStore::new()).pin_certificate(pin);
            let alone = Scene {
                policy: policy.accept_any_name(),
                ..scene.clone()
            };
            alone.judge().unwrap();
        }
    }

    /// Position, subject and serial number of a certificate of the chain.
    fn id(&self, at: usize) -> (usize, String, Vec<u8>) {
        let certificate = Certificate::from_der(&self.scene.chain[at]).unwrap();
        let tbs = certificate.tbs_certificate();
        let serial = tbs.serial_number().as_bytes().to_vec();
        // RFC 4514 begins with what is written last.
        let subject = tbs.subject().to_string();
        let subject: Vec<_> = subject.split(',').rev().collect();
        (at, subject.join(", "), serial)
    }

    #[track_caller]
    fn check_accepted(&self, scene: &Scene, waiver: Waiver) {
        let what = self.what;
        let session = match scene.clone().waiving(&[waiver]).judge() {
            Ok(session) => session,
            Err(error) => panic!("{what}: {error} with {waiver}"),
        };
        let used: Waivers = self.besides.iter().copied().chain([waiver]).collect();
        assert_eq!(session.waivers(), used, "{what}");
    }
}

/// Checks rows that have the same alert and the same waiver.
///
/// The waiver accepts them, alone, and is recorded; all others together do not. Where it is a pin,
/// both pins are meant; where there is none, nothing accepts them.
pub fn check(alert: AlertDescription, waiver: Option<Waiver>, rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        row.check(alert, waiver);
    }
}

/// A good certificate of the server.
pub fn leaf() -> Spec {
    static LEAF: LazyLock<Spec> = LazyLock::new(|| pki::server(&pki::key("rsa-2048")));
    LEAF.clone()
}

/// A CA below the test root.
pub fn authority() -> Authority {
    named_authority("CN=Test Intermediate")
}

/// One of this name. All have the same key.
pub fn named_authority(name: &'static str) -> Authority {
    static KEY: LazyLock<pki::Key> = LazyLock::new(|| pki::key("rsa-2048-client").into());
    Authority::new(name, KEY.clone())
}

/// The good certificate of that CA.
pub fn intermediate() -> Spec {
    Spec {
        serial: vec![0x0a, 0xbc],
        ..authority().certificate()
    }
}

/// A good certificate of the server, from that CA.
pub fn leaf_below() -> Spec {
    leaf().issued_by(&authority())
}

/// The certificates, in this order.
pub fn built<const N: usize>(specs: [Spec; N]) -> Vec<CertificateDer<'static>> {
    specs.iter().map(Spec::build).collect()
}

/// A chain of the leaf, this many CAs, each issued by the next one, and no root.
pub fn long(authorities: usize) -> Vec<CertificateDer<'static>> {
    const NAMES: [&str; 10] = [
        "CN=0", "CN=1", "CN=2", "CN=3", "CN=4", "CN=5", "CN=6", "CN=7", "CN=8", "CN=9",
    ];
    let mut chain = Vec::new();
    let mut last = leaf();
    for name in &NAMES[..authorities] {
        let authority = named_authority(name);
        chain.push(last.issued_by(&authority).build());
        last = authority.certificate();
    }
    chain.push(last.build());
    chain
}

/// A store of the certificates that these CAs give themselves.
pub fn roots_of(authorities: &[&Authority]) -> RootStore {
    let own = |authority: &&Authority| authority.certificate().issued_by(authority);
    roots(authorities.iter().map(own))
}

/// A store of these certificates.
pub fn roots(specs: impl IntoIterator<Item = Spec>) -> RootStore {
    let mut roots = RootStore::new();
    for spec in specs {
        roots.add(&spec.build()).unwrap();
    }
    roots
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Who the key in a certificate is.
pub fn key_id(certificate: &[u8]) -> KeyId {
    let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
    KeyId::of_spki(certificate.public_key().raw)
}

/// An RSA key whose primes need not be searched for, since they are Mersenne's.
pub fn mersenne(bits: usize) -> RsaPrivateKey {
    let exponents: &[usize] = match bits {
        8192 => &[4423, 3217, 521, 31],
        8193 => &[4423, 3217, 521, 19, 13],
        _ => panic!("{bits} bits are not made"),
    };
    let primes = exponents.iter().map(|exponent| {
        let mut ones = vec![0xff; exponent.div_ceil(8)];
        ones[0] >>= ones.len() * 8 - exponent;
        BoxedUint::from_be_slice(&ones, bits as u32).unwrap()
    });
    RsaPrivateKey::from_primes(primes.collect(), 65537_u64.into()).unwrap()
}

/// Seconds since 1970.
pub fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
