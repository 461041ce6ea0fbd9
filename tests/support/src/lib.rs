//! What the tests, benches and fuzz targets share: a PKI with fixed keys and a fixed time, two
//! connections in memory, either side by hand, and programs from outside.
//!
//! It is compiled once, and against the same `premaster` as they are.

pub mod by_hand;
pub mod directory;
pub mod field;
pub mod forger;
pub mod lasting;
pub mod pair;
pub mod pki;
pub mod program;
pub mod revocation;
pub mod scene;
pub mod wire;

pub use directory::Directory;
pub use pair::Pair;

use premaster::error::CertificateFault;
use premaster::pki_types::{ServerName, UnixTime};
use premaster::protocol::AlertDescription;
use premaster::{CertifiedKey, ClientConfigBuilder, ServerConfigBuilder};
use premaster::{CipherSuite, ClientConfig, Error, RootStore, ServerConfig};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Where `premaster` itself lies.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A file of tests/data.
pub fn data(name: &str) -> PathBuf {
    repository().join("tests/data").join(name)
}

/// The time at which every test takes place: 2027-01-15.
pub fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(pki::NOW))
}

/// The check that a peer's certificate did not pass.
#[track_caller]
pub fn fault(result: Result<(), Error>) -> CertificateFault {
    match result {
        Err(Error::Certificate(error)) => error.fault().clone(),
        other => panic!("{other:?}"),
    }
}

/// The alert with which the peer ended the connection.
#[track_caller]
pub fn alert_received(result: Result<(), Error>) -> AlertDescription {
    match result {
        Err(Error::AlertReceived { alert, .. }) => alert,
        other => panic!("{other:?}"),
    }
}

/// Randomness that is the same in every run.
pub fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

pub const AES_128: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
pub const AES_256: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384;

/// The suites that are offered unless others are named.
pub const SUITES: [CipherSuite; 2] = [AES_128, AES_256];

/// The suites that are used only if they are named: those with CCM.
pub const CCM_SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS_RSA_WITH_AES_128_CCM,
    CipherSuite::TLS_RSA_WITH_AES_256_CCM,
    CipherSuite::TLS_RSA_WITH_AES_128_CCM_8,
    CipherSuite::TLS_RSA_WITH_AES_256_CCM_8,
];

/// The suites that are used only if they are named: those with CBC.
pub const CBC_SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
];

/// Every suite that there is.
pub fn all_suites() -> impl Iterator<Item = CipherSuite> {
    SUITES.into_iter().chain(CCM_SUITES).chain(CBC_SUITES)
}

/// The name that the test server is reached by.
pub const NAME: &str = "server.example";

pub fn name() -> ServerName<'static> {
    NAME.try_into().unwrap()
}

/// The server's chain and key, of this many bits.
pub fn certified(bits: usize) -> Arc<CertifiedKey> {
    static MADE: Mutex<BTreeMap<usize, Arc<CertifiedKey>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let certified = made.entry(bits).or_insert_with(|| {
        let key = pki::key(&format!("rsa-{bits}"));
        pki::server(&key).certified(&key)
    });
    Arc::clone(certified)
}

/// The client's chain and key.
pub fn client_certified() -> Arc<CertifiedKey> {
    static MADE: LazyLock<Arc<CertifiedKey>> = LazyLock::new(|| {
        let key = pki::key("rsa-2048-client");
        pki::client(&key).certified(&key)
    });
    Arc::clone(&MADE)
}

/// The roots that both sides trust.
pub fn roots() -> RootStore {
    static ROOTS: LazyLock<RootStore> = LazyLock::new(|| {
        let mut roots = RootStore::new();
        roots.add(&pki::root().build()).unwrap();
        roots
    });
    ROOTS.clone()
}

/// A client that trusts the test root, its randomness and time fixed.
pub fn client_builder() -> ClientConfigBuilder {
    ClientConfig::builder(roots()).rng(rng(1)).time_provider(now)
}

/// A server with a 2048-bit key, its randomness and time fixed.
pub fn server_builder() -> ServerConfigBuilder {
    server_builder_with(certified(2048))
}

pub fn server_builder_with(certified: Arc<CertifiedKey>) -> ServerConfigBuilder {
    ServerConfig::builder(certified).rng(rng(2)).time_provider(now)
}

/// A server whose certificate is stapled with this response.
#[track_caller]
pub fn stapling(ocsp_response: &[u8]) -> ServerConfigBuilder {
    let key = pki::key("rsa-2048");
    let certified = pki::server(&key).certified(&key);
    certified.staple(Some(ocsp_response)).unwrap();
    server_builder_with(certified)
}

/// A connected pair with these settings, nothing exchanged yet but the ClientHello.
#[track_caller]
pub fn pair(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Pair {
    Pair::new(
        Arc::new(client.build().unwrap()),
        Arc::new(server.build().unwrap()),
        name(),
    )
}
