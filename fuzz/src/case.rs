//! Chains to be verified, and the rules that every verdict keeps.
//!
//! A chain that is accepted without waivers is accepted with any waivers, and uses none of them.
//! Any other accepted chain uses only waivers that are on, and is accepted if only those are on.
//! The verified chain consists of received certificates: the leaf, which has the name, then each
//! time the issuer of the one before, all valid unless that is waived. One chain always gets one
//! verdict, and an error is short and printable.

use crate::setting::variant;
use arbitrary::Arbitrary;
use premaster::certificate::{Crls, PeerCertificate, Waiver, Waivers};
use premaster::error::CertificateError;
use premaster::fuzzing::{self, Accepted};
use premaster::pki_types::{CertificateDer, ServerName, UnixTime};
use premaster::{CertificatePolicy, RootStore};
use premaster_testing::NAME;
use premaster_testing::pki::der::{
    enumerated, explicit, object_identifier, octet_string, sequence,
};
use premaster_testing::pki::{self, Algorithm, Authority, keys};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

/// How long the text of an error may be.
const MAX_ERROR: usize = 1024;

/// One run of the target.
#[derive(Arbitrary, Clone, Debug)]
pub struct Case<'a> {
    pub(crate) terms: Terms,
    /// Each of the [`Part`]s, one behind the other.
    parts: &'a [u8],
}

/// What is asked of a chain. The default is a server's good one.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub peer: Peer,
    pub name: Name,
    pub lists: Lists,
    /// An OCSP response is required.
    pub response_required: bool,
    /// The first part is an OCSP response.
    pub response_sent: bool,
    /// What is waived: for each of the [`WAIVERS`] a bit, the lowest for the first.
    pub waived: u16,
    /// How far outside its validity a certificate may be, in seconds, where that is waived.
    pub tolerance: u32,
    /// The time, in seconds after that of the tests.
    pub later: i32,
}

/// The side whose chain it is.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Peer {
    #[default]
    Server,
    Client,
}

/// The server's name.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Name {
    #[default]
    Dns,
    /// With the dot that ends an absolute name.
    Absolute,
    /// A name below the usual one.
    Below,
    V4,
    V6,
}

/// The CRLs of the policy.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lists {
    #[default]
    None,
    Chain,
    EndEntity,
    UnknownAllowed,
}

/// All waivers.
pub(crate) const WAIVERS: [Waiver; 11] = [
    Waiver::PinnedCertificate,
    Waiver::PinnedPublicKey,
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

/// A certificate or an OCSP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) form: Form,
    pub(crate) bytes: Vec<u8>,
}

/// The form of a part's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    /// The signed part, still to be signed.
    ToBeSigned(Signer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    Root,
    Authority,
}

impl Signer {
    /// The keys are on P-256, which is the fastest.
    pub(crate) fn authority(self) -> Authority {
        match self {
            Self::Root => Authority::new("CN=Elliptic Root", pki::p256(1)),
            Self::Authority => Authority::new("CN=Elliptic Authority", pki::p256(2)),
        }
    }
}

impl Part {
    pub(crate) fn new(form: Form, bytes: Vec<u8>) -> Self {
        Self { form, bytes }
    }

    /// Cuts the next part off: its form, the length of its bytes in two, and these.
    fn take(rest: &mut &[u8]) -> Option<Self> {
        let ([form, l0, l1], after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (bytes, after) = after.split_at(length.min(after.len()));
        *rest = after;
        let form = match form % 3 {
            0 => Form::Whole,
            1 => Form::ToBeSigned(Signer::Root),
            _ => Form::ToBeSigned(Signer::Authority),
        };
        Some(Self {
            form,
            bytes: bytes.to_vec(),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let form = match self.form {
            Form::Whole => 0,
            Form::ToBeSigned(Signer::Root) => 1,
            Form::ToBeSigned(Signer::Authority) => 2,
        };
        let length = u16::try_from(self.bytes.len()).unwrap();
        [&[form], &length.to_be_bytes()[..], &self.bytes].concat()
    }

    fn certificate(self) -> CertificateDer<'static> {
        match self.form {
            Form::Whole => self.bytes,
            Form::ToBeSigned(signer) => sequence(&[&signed(&self.bytes, signer)]),
        }
        .into()
    }

    fn response(self) -> Vec<u8> {
        match self.form {
            Form::Whole => self.bytes,
            Form::ToBeSigned(signer) => successful(&sequence(&[&signed(&self.bytes, signer)])),
        }
    }
}

fn signed(tbs: &[u8], signer: Signer) -> Vec<u8> {
    let key = signer.authority().key;
    keys::signed(tbs, &key, Algorithm::ECDSA_SHA256, false)
}

/// An OCSPResponse with this BasicOCSPResponse.
fn successful(basic: &[u8]) -> Vec<u8> {
    // id-pkix-ocsp-basic
    let bytes = [
        object_identifier("1.3.6.1.5.5.7.48.1.1"),
        octet_string(basic),
    ]
    .concat();
    let status = enumerated(pki::Ocsp::SUCCESSFUL);
    sequence(&[&status, &explicit(0, &sequence(&[&bytes]))])
}

impl Terms {
    /// The bytes that make the fuzzer choose these terms.
    fn encode(self) -> Vec<u8> {
        [
            &variant(self.peer as u32, 2)[..],
            &variant(self.name as u32, 5),
            &variant(self.lists as u32, 4),
            &[self.response_required, self.response_sent].map(u8::from),
            &self.waived.to_le_bytes(),
            &self.tolerance.to_le_bytes(),
            &self.later.to_le_bytes(),
        ]
        .concat()
    }

    fn waived(self) -> Waivers {
        let is_on = |(place, _): &(usize, Waiver)| self.waived >> place & 1 == 1;
        let on = WAIVERS.into_iter().enumerate().filter(is_on);
        on.map(|(_, waiver)| waiver).collect()
    }

    fn now(self) -> UnixTime {
        let seconds = pki::NOW.saturating_add_signed(self.later.into());
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn server_name(self) -> ServerName<'static> {
        match self.name {
            Name::Dns => NAME.try_into().unwrap(),
            Name::Absolute => format!("{NAME}.").try_into().unwrap(),
            Name::Below => format!("press.{NAME}").try_into().unwrap(),
            Name::V4 => IpAddr::from([127, 0, 0, 1]).into(),
            Name::V6 => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]).into(),
        }
    }

    /// The policy with these waivers; what is pinned is the peer's own certificate.
    fn policy(self, waived: Waivers, own: &[u8]) -> CertificatePolicy {
        let mut policy = CertificatePolicy::new(ROOTS.clone());
        policy = match self.lists {
            Lists::None => policy,
            Lists::Chain => policy.crls(LISTS.clone()),
            Lists::EndEntity => policy.crls(LISTS.clone().end_entity_only()),
            Lists::UnknownAllowed => policy.crls(LISTS.clone().allow_unknown_status()),
        };
        if self.response_required {
            policy = policy.require_ocsp_response();
        }
        let waived = waived.iter();
        waived.fold(policy, |policy, waiver| self.waive(waiver, policy, own))
    }

    fn waive(self, waiver: Waiver, policy: CertificatePolicy, own: &[u8]) -> CertificatePolicy {
        match waiver {
            Waiver::PinnedCertificate => policy.pin_certificate(Sha256::digest(own).into()),
            Waiver::PinnedPublicKey => {
                let key = fuzzing::peer_certificate(own).and_then(|own| own.key_id());
                match key {
                    Some(key) => policy.pin_public_key(key),
                    None => policy,
                }
            }
            Waiver::CommonName => policy.accept_common_name(),
            Waiver::AnyName => policy.accept_any_name(),
            Waiver::Version1 => policy.accept_version_1(),
            Waiver::Sha1Signature => policy.accept_sha1_signatures(),
            Waiver::ShortRsaKey => policy.accept_short_rsa_keys(),
            Waiver::OutsideValidity => {
                let tolerance = Duration::from_secs(self.tolerance.into());
                policy.accept_outside_validity(tolerance)
            }
            Waiver::MissingKeyEncipherment => policy.accept_missing_key_encipherment(),
            Waiver::ExtendedKeyUsage => policy.accept_other_extended_key_usage(),
            Waiver::LongChain => policy.accept_long_chain(u8::MAX),
            other => panic!("{other:?}"),
        }
    }
}

/// The root of the tests, and one with an elliptic key.
static ROOTS: LazyLock<RootStore> = LazyLock::new(|| {
    let elliptic = Signer::Root.authority();
    let mut roots = RootStore::new();
    roots.add(&pki::root().build()).unwrap();
    roots.add(&elliptic.certificate().issued_by(&elliptic).build()).unwrap();
    roots
});

/// The serial number that is on the roots' CRLs.
pub(crate) const REVOKED: [u8; 1] = [66];

/// The CRLs of the roots, and one of the intermediate CA that is out of date.
static LISTS: LazyLock<Crls> = LazyLock::new(|| {
    let revoked = pki::Spec {
        serial: REVOKED.into(),
        ..pki::root()
    };
    let root = pki::crl(&Authority::root()).revoking(&revoked);
    let elliptic = pki::crl(&Signer::Root.authority()).revoking(&revoked);
    let old = pki::Crl {
        next_update: Some(pki::NOW - 1),
        ..pki::crl(&Signer::Authority.authority())
    };
    let mut lists = Crls::new();
    for list in [root, elliptic, old] {
        lists.add(&list.build()).unwrap();
    }
    lists
});

impl Case<'_> {
    /// The bytes that make the fuzzer choose this case.
    pub(crate) fn encode(terms: Terms, parts: &[Part]) -> Vec<u8> {
        let parts = parts.iter().flat_map(Part::encode);
        terms.encode().into_iter().chain(parts).collect()
    }
}

/// What is judged.
struct Judged {
    terms: Terms,
    chain: Vec<CertificateDer<'static>>,
    response: Option<Vec<u8>>,
}

impl Judged {
    fn of(case: &Case<'_>) -> Self {
        let terms = case.terms;
        let mut rest = case.parts;
        let mut parts = std::iter::from_fn(|| Part::take(&mut rest));
        let response = if terms.response_sent {
            parts.next().map(Part::response)
        } else {
            None
        };
        let chain = parts.map(Part::certificate).collect();
        Self {
            terms,
            chain,
            response,
        }
    }

    fn own(&self) -> &[u8] {
        self.chain.first().map_or(&[], AsRef::as_ref)
    }

    /// The verdict where this is waived.
    fn verdict(&self, waived: Waivers) -> Result<Accepted, CertificateError> {
        let (terms, chain) = (self.terms, &self.chain);
        let policy = terms.policy(waived, self.own());
        let response = self.response.as_deref();
        match terms.peer {
            Peer::Client => fuzzing::verify_client(&policy, chain, terms.now()),
            Peer::Server => {
                let name = terms.server_name();
                fuzzing::verify_server(&policy, chain, &name, response, terms.now())
            }
        }
    }

    fn check_accepted(&self, accepted: &Accepted) {
        let used = accepted.waivers;
        assert!(used.iter().all(|waiver| self.terms.waived().contains(waiver)));
        assert_eq!(self.verdict(used).as_ref(), Ok(accepted));

        assert!(accepted.chain.iter().all(|der| self.chain.contains(der)));
        if fuzzing::peer_certificate(self.own()).is_none() {
            // It is not in DER, and known by its pin.
            assert!(used.contains(Waiver::PinnedCertificate));
            assert_eq!(*accepted.chain, self.chain[..1]);
            return;
        }
        let chain: Vec<_> = accepted.chain.iter().map(|der| read(der)).collect();
        assert_eq!(chain[0].der(), self.own());
        for pair in chain.windows(2) {
            assert!(fuzzing::is_named_as_issuer(&pair[0], &pair[1]));
        }
        let now = self.terms.now();
        let is_valid = |c: &PeerCertificate<'_>| c.not_before() <= now && now <= c.not_after();
        assert!(used.contains(Waiver::OutsideValidity) || chain.iter().all(is_valid));

        let mut of_names = [Waiver::CommonName, Waiver::AnyName].into_iter();
        let is_waived = of_names.any(|waiver| used.contains(waiver));
        assert!(self.terms.peer == Peer::Client || is_waived || self.has_name(&chain[0]));
    }

    fn has_name(&self, own: &PeerCertificate<'_>) -> bool {
        let name = self.terms.server_name();
        if let ServerName::IpAddress(address) = name {
            return own.ip_addresses().contains(&address.into());
        }
        let name = name.to_str();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let (_, above) = name.split_once('.').unwrap();
        let is_it = |found: &str| match found.strip_prefix("*.") {
            Some(found) => found.eq_ignore_ascii_case(above),
            None => found.eq_ignore_ascii_case(name),
        };
        own.dns_names().into_iter().any(is_it)
    }
}

fn read(der: &[u8]) -> PeerCertificate<'_> {
    fuzzing::peer_certificate(der).unwrap()
}

/// Verifies a chain and checks the verdict.
pub fn judge(case: &Case<'_>) -> Result<Accepted, CertificateError> {
    let judged = Judged::of(case);
    let verdict = judged.verdict(case.terms.waived());
    assert_eq!(judged.verdict(case.terms.waived()), verdict);
    if let Ok(strictly) = judged.verdict(Waivers::default()) {
        assert!(strictly.waivers.is_empty());
        assert_eq!(verdict.as_ref(), Ok(&strictly));
        let everything = WAIVERS.into_iter().collect();
        assert_eq!(judged.verdict(everything), Ok(strictly));
    }
    let is_server = case.terms.peer == Peer::Server;
    fuzzing::compare_with_webpki(&ROOTS, &judged.chain, is_server, case.terms.now());
    match &verdict {
        Ok(accepted) => judged.check_accepted(accepted),
        Err(error) => check_error(error),
    }
    judged.chain.iter().for_each(|der| read_all(der));
    verdict
}

fn check_error(error: &CertificateError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(text.len() < MAX_ERROR, "{text}");
        assert!(!text.contains(char::is_control), "{text}");
    }
}

/// Reads everything in a certificate, whatever the verdict on it.
fn read_all(der: &[u8]) {
    let Some(certificate) = fuzzing::peer_certificate(der) else {
        return;
    };
    assert_eq!(certificate.der(), der);
    let _ = certificate.subject();
    let _ = certificate.issuer();
    let _ = certificate.common_name();
    let _ = certificate.serial();
    let _ = certificate.not_before();
    let _ = certificate.not_after();
    let _ = certificate.dns_names();
    let _ = certificate.ip_addresses();
    let _ = certificate.key_id();
    let _ = certificate.extension("2.5.29.17");
    let _ = format!("{certificate:?}");
}
