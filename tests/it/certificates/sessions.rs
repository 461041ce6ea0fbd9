//! How long a session stands in for the server's certificate, and which waivers it records.

use super::scene::{built, intermediate, key_id, leaf, leaf_below, roots, sha256};
use premaster::certificate::{Crls, Waiver, Waivers};
use premaster::pki_types::CertificateDer;
use premaster::{
    CertificatePolicy, CertifiedKey, ClientConfig, Connection, Error, MemoryStore, RootStore,
    ServerConfig, SessionInfo,
};
use premaster_testing::pair::Chunks;
use premaster_testing::pki::{self, Authority, Crl, NOW, Spec, crl, ocsp};
use premaster_testing::wire::Hello;
use premaster_testing::{Pair, name, rng, server_builder_with};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A client whose time a test sets, and a server.
struct Meeting {
    client: Arc<ClientConfig>,
    client_time: Arc<AtomicU64>,
    server: Arc<ServerConfig>,
}

impl Meeting {
    fn new(policy: CertificatePolicy, chain: Vec<CertificateDer<'static>>) -> Self {
        Self::between(policy, chain, None)
    }

    #[cfg(feature = "ocsp")]
    fn stapling(
        policy: CertificatePolicy,
        chain: Vec<CertificateDer<'static>>,
        response: &[u8],
    ) -> Self {
        Self::between(policy, chain, Some(response))
    }

    fn between(
        policy: CertificatePolicy,
        chain: Vec<CertificateDer<'static>>,
        response: Option<&[u8]>,
    ) -> Self {
        let client_time = Arc::new(AtomicU64::new(NOW));
        let time = client_time.clone();
        let now = move || super::scene::at(time.load(Ordering::Relaxed));
        let client = ClientConfig::builder(policy).rng(rng(1)).time_provider(now);
        let key = pki::private_key(&pki::key("rsa-2048"));
        let certified = CertifiedKey::from_der(chain, &key).unwrap();
        certified.staple(response).unwrap();
        let server = server_builder_with(Arc::new(certified));
        Self {
            client: Arc::new(client.build().unwrap()),
            client_time,
            server: Arc::new(server.build().unwrap()),
        }
    }

    /// The client's result of a handshake that takes place so many seconds later.
    fn after(&self, seconds: u64) -> SessionInfo {
        self.client_time.store(NOW + seconds, Ordering::Relaxed);
        let pair = Pair::new(self.client.clone(), self.server.clone(), name());
        let pair = pair.established();
        pair.client.connection.session().unwrap().clone()
    }

    /// Whether the client refuses the server so many seconds later.
    fn refuses_after(&self, seconds: u64) -> bool {
        self.client_time.store(NOW + seconds, Ordering::Relaxed);
        let mut pair = Pair::new(self.client.clone(), self.server.clone(), name());
        matches!(pair.run(Chunks::Whole), Err(Error::Certificate(_)))
    }
}

#[test]
fn a_session_ends_with_the_first_certificate_that_it_rests_on() {
    let ending = |seconds, spec| Spec {
        not_after: NOW + seconds,
        ..spec
    };
    let ended = |spec| Spec {
        not_after: NOW - 10,
        ..spec
    };
    let default = || CertificatePolicy::new(premaster_testing::roots());
    let tolerant = || default().accept_outside_validity(Duration::from_secs(60));
    let of_two = || built([ending(100, leaf_below()), ending(50, intermediate())]);
    let pinned = CertificatePolicy::new(RootStore::new()).pin_certificate(sha256(&of_two()[0]));
    for (policy, chain, used, lasts) in [
        (default(), built([ending(100, leaf())]), None, 100),
        (default(), of_two(), None, 50),
        // The CA's certificate is not what leads to the root.
        (
            default(),
            built([ending(100, leaf()), ending(50, intermediate())]),
            None,
            100,
        ),
        (pinned, of_two(), Some(Waiver::PinnedCertificate), 100),
        // A tolerance that is not made use of adds nothing.
        (tolerant(), of_two(), None, 50),
        (
            tolerant(),
            built([ended(leaf())]),
            Some(Waiver::OutsideValidity),
            50,
        ),
        (
            tolerant(),
            built([leaf_below(), ended(intermediate())]),
            Some(Waiver::OutsideValidity),
            50,
        ),
    ] {
        let used = Waivers::from_iter(used);
        let meeting = Meeting::new(policy, chain);
        for (seconds, is_resumed) in [(0, false), (1, true), (lasts - 1, true), (lasts, false)] {
            let session = meeting.after(seconds);
            assert_eq!(
                session.resumption().is_resumed(),
                is_resumed,
                "{seconds} of {lasts}"
            );
            assert_eq!(session.waivers(), used);
        }
    }
}

/// CRLs and OCSP responses expire too, and no tolerance extends them.
#[test]
fn a_session_ends_with_what_says_that_nothing_is_revoked() {
    let lists = |seconds| {
        let mut lists = Crls::new();
        let list = Crl {
            next_update: Some(NOW + seconds),
            ..crl(&Authority::root())
        };
        lists.add(&list.build()).unwrap();
        lists
    };
    let default = || CertificatePolicy::new(premaster_testing::roots());
    let ended = Spec {
        not_after: NOW - 10,
        ..leaf()
    };
    let tolerant = default().accept_outside_validity(Duration::from_secs(600));
    for (policy, spec) in [(default(), leaf()), (tolerant, ended)] {
        let meeting = Meeting::new(policy.crls(lists(60)), built([spec]));
        for (seconds, is_resumed) in [(0, false), (59, true)] {
            let resumption = meeting.after(seconds).resumption();
            assert_eq!(resumption.is_resumed(), is_resumed, "{seconds}");
        }
        // The full handshake that follows fails.
        assert!(meeting.refuses_after(60));
    }
}

#[cfg(feature = "ocsp")]
#[test]
fn a_session_ends_with_the_ocsp_response() {
    let mut response = ocsp(&leaf());
    response.responses[0].next_update = Some(NOW + 60);
    let policy = CertificatePolicy::new(premaster_testing::roots()).require_ocsp_response();
    let meeting = Meeting::stapling(policy, built([leaf()]), &response.build());
    for (seconds, is_resumed) in [(0, false), (59, true)] {
        let resumption = meeting.after(seconds).resumption();
        assert_eq!(resumption.is_resumed(), is_resumed, "{seconds}");
    }
    assert!(meeting.refuses_after(60));
}

/// Policies of which each accepts something that the others do not.
fn policies() -> Vec<CertificatePolicy> {
    let default = || CertificatePolicy::new(premaster_testing::roots());
    let with_root = |name, key| {
        let other = Authority::new(name, pki::key(key));
        CertificatePolicy::new(roots([pki::root(), other.certificate().issued_by(&other)]))
    };
    let constrained = Spec {
        permitted: vec![pki::dns_name("example")],
        ..pki::root()
    };
    let own = leaf().build();
    let pin = key_id(&own);
    let list = |list: Crl| {
        let mut lists = Crls::new();
        lists.add(&list.build()).unwrap();
        lists
    };
    let of_root = || crl(&Authority::root());
    let later = Crl {
        number: Some(vec![2]),
        ..of_root()
    };
    let seconds = Duration::from_secs;
    vec![
        default(),
        with_root("CN=Other Root", "rsa-3072"),
        with_root("CN=Other Root", "rsa-4096"),
        with_root("CN=Third Root", "rsa-3072"),
        CertificatePolicy::new(roots([constrained])),
        default().crls(list(of_root())),
        default().crls(list(later)),
        default().crls(list(of_root()).end_entity_only()),
        default().crls(list(of_root()).allow_unknown_status()),
        default().crls(Crls::new().allow_unknown_status()),
        // Equal bytes with another meaning.
        default().pin_certificate(*pin.as_bytes()),
        default().pin_public_key(pin),
        default().pin_certificate(sha256(&own)),
        default().pin_certificate(sha256(&own)).pin_public_key(pin),
        default().accept_common_name(),
        default().accept_any_name(),
        default().accept_version_1(),
        default().accept_sha1_signatures(),
        default().accept_short_rsa_keys(),
        default().accept_outside_validity(seconds(1)),
        default().accept_outside_validity(seconds(2)),
        default().accept_missing_key_encipherment(),
        default().accept_other_extended_key_usage(),
        default().accept_long_chain(11),
        default().accept_long_chain(12),
        default().accept_any_name().accept_common_name(),
        #[cfg(feature = "ocsp")]
        default().require_ocsp_response(),
    ]
}

/// Clients that have these policies and one store.
fn clients(policies: Vec<CertificatePolicy>) -> Vec<Arc<ClientConfig>> {
    let store = Arc::new(MemoryStore::new(1));
    let client = |policy| {
        let client =
            ClientConfig::builder(policy).rng(rng(1)).time_provider(premaster_testing::now);
        let client = client.session_store(Some(store.clone()));
        Arc::new(client.build().unwrap())
    };
    policies.into_iter().map(client).collect()
}

/// Whether the client has a session for the server. It is gone then, with the handshake.
fn offers(client: &Arc<ClientConfig>) -> bool {
    let mut hello = Vec::new();
    Connection::client(client.clone(), name(), &mut hello).unwrap();
    !Hello::read_client(&hello).session_id.is_empty()
}

/// A good certificate, stapled.
fn server() -> Arc<ServerConfig> {
    let certified = leaf().certified(&pki::key("rsa-2048"));
    certified.staple(Some(&ocsp(&leaf()).build())).unwrap();
    Arc::new(server_builder_with(certified).build().unwrap())
}

#[test]
fn a_session_is_not_carried_from_one_policy_to_another() {
    let clients = clients(policies());
    let server = server();
    for (own, client) in clients.iter().enumerate() {
        Pair::new(client.clone(), server.clone(), name()).established();
        for (index, other) in clients.iter().enumerate().filter(|(index, _)| *index != own) {
            assert!(!offers(other), "from {own} to {index}");
        }
        assert!(offers(client));
    }
}

/// The order in which a policy was made does not matter.
#[test]
fn a_session_is_carried_to_the_same_policy() {
    let other = Authority::new("CN=Other Root", pki::key("rsa-3072"));
    let other = other.certificate().issued_by(&other);
    let own = leaf().build();
    let one = CertificatePolicy::new(roots([pki::root(), other.clone()]))
        .pin_certificate(sha256(&own))
        .pin_public_key(key_id(&own))
        .accept_any_name()
        .accept_version_1();
    let same = CertificatePolicy::new(roots([other.clone(), pki::root(), other]))
        .accept_version_1()
        .pin_public_key(key_id(&own))
        .accept_any_name()
        .pin_certificate(sha256(&own));
    let server = server();
    let resumed = clients(vec![one.clone(), same, one]).into_iter().map(|client| {
        let pair = Pair::new(client, server.clone(), name()).established();
        let session = pair.client.connection.session().unwrap();
        session.resumption().is_resumed()
    });
    assert_eq!(resumed.collect::<Vec<_>>(), [false, true, true]);
}
