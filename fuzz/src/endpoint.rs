//! Connections that behave the same in every run.

use arbitrary::Arbitrary;
use premaster::pki_types::{ServerName, UnixTime};
use premaster::{CertifiedKey, ClientAuth, ClientConfig, Connection, Pending};
use premaster::{Error, RootStore, ServerConfig};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Which side a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// How both sides are configured.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// As they are by default.
    Plain,
    /// With a client certificate, and with every pause that there is.
    Mutual,
}

/// The one certificate, for both sides, which is also the root.
static CERTIFIED: LazyLock<Arc<CertifiedKey>> = LazyLock::new(|| {
    let chain = include_bytes!("../../tests/data/leaf-2048.pem");
    let key = include_bytes!("../../tests/data/rsa-2048.key");
    Arc::new(CertifiedKey::from_pem(chain, key).unwrap())
});

fn roots() -> RootStore {
    let mut roots = RootStore::new();
    roots.add(&CERTIFIED.chain()[0]).unwrap();
    roots
}

/// 2027-01-15, when the certificate is valid.
fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000))
}

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

/// Starts a connection; a client's ClientHello is in `outgoing`.
pub(crate) fn start(role: Role, setting: Setting, outgoing: &mut Vec<u8>) -> Connection {
    match role {
        Role::Client => {
            let name = ServerName::try_from("localhost").unwrap();
            Connection::client(client_config(setting), name, outgoing).unwrap()
        }
        Role::Server => Connection::server(server_config(setting)).unwrap(),
    }
}

fn client_config(setting: Setting) -> Arc<ClientConfig> {
    let builder = match setting {
        Setting::Plain => ClientConfig::builder(roots()),
        Setting::Mutual => {
            ClientConfig::builder_with_caller_verification().certificate(CERTIFIED.clone())
        }
    };
    Arc::new(builder.random(rng(1)).time(now).build().unwrap())
}

fn server_config(setting: Setting) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder(CERTIFIED.clone());
    let builder = match setting {
        Setting::Plain => builder,
        Setting::Mutual => builder
            .client_auth(ClientAuth::Require(roots()))
            .offload_decryption(),
    };
    Arc::new(builder.random(rng(2)).time(now).build().unwrap())
}

/// Answers what the connection has paused for.
pub(crate) fn answer(connection: &mut Connection, outgoing: &mut Vec<u8>) -> Result<(), Error> {
    let answer = match connection.pending().unwrap() {
        Pending::VerifyCertificate(verify) => verify.answer(verify.verify(&roots(), now())),
        Pending::DecryptPreMasterSecret(job) => job.decrypt(CERTIFIED.key(), rng(3)),
        other => panic!("{other:?}"),
    };
    connection.resume(answer, outgoing)
}
