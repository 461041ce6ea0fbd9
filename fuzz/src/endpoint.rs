//! Connections that behave the same in every run.

use crate::setting::{ENCODED, Earlier, ExtendedMasterSecret, Keeping, Limits, Setting, Suite};
use crate::store::Store;
use premaster::pki_types::{ServerName, UnixTime};
use premaster::protocol::MaxFragmentLength;
use premaster::session::{TicketKey, TicketKeySet};
use premaster::{CertifiedKey, CipherSuite, ClientAuth, ClientConfig, Connection, Pending};
use premaster::{Error, RootStore, ServerConfig, SessionStore, Tickets};
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

/// Which of a setting's two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The one whose session is there to be resumed.
    Earlier,
    /// The one that is recorded, and made again with changed bytes.
    Recorded,
}

/// The one certificate, for both sides, which is also the root.
static CERTIFIED: LazyLock<Arc<CertifiedKey>> = LazyLock::new(certified);

/// The certificate with an OCSP response.
static STAPLED: LazyLock<Arc<CertifiedKey>> = LazyLock::new(|| {
    let certified = certified();
    certified.staple(Some(&OCSP_RESPONSE)).unwrap();
    certified
});

fn certified() -> Arc<CertifiedKey> {
    let chain = include_bytes!("../../tests/data/leaf-2048.pem");
    let key = include_bytes!("../../tests/data/rsa-2048.key");
    Arc::new(CertifiedKey::from_pem(chain, key).unwrap())
}

/// In the client's order.
const PROTOCOLS: [&[u8]; 2] = [b"ocpp2.0.1", b"ocpp1.6"];

/// Shorter than the certificate's message.
const FRAGMENTS: MaxFragmentLength = MaxFragmentLength::L512;

/// What the client and the server accept in a record.
const RECORDS: (u16, u16) = (64, 1000);

/// Not an OCSP response, but nobody parses it.
const OCSP_RESPONSE: [u8; 5] = [0x30, 3, 10, 1, 6];

fn roots() -> RootStore {
    let mut roots = RootStore::new();
    roots.add(&CERTIFIED.chain()[0]).unwrap();
    roots
}

/// 2027-01-15, when the certificate is valid.
pub fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000))
}

/// Different for every setting: what the peer of one sends does not complete the handshake of
/// another.
fn rng(role: Role, setting: Setting, attempt: Attempt) -> ChaCha12Rng {
    let mut seed = [0; 32];
    seed[0] = role as u8;
    seed[1] = attempt as u8;
    seed[2..2 + ENCODED].copy_from_slice(&setting.encode());
    ChaCha12Rng::from_seed(seed)
}

/// Starts a connection; a client's ClientHello is in `outgoing`.
pub(crate) fn start(
    role: Role,
    setting: Setting,
    attempt: Attempt,
    store: &Arc<Store>,
    outgoing: &mut Vec<u8>,
) -> Connection {
    let store = match setting.keeping {
        Keeping::Nothing => None,
        Keeping::SessionIds | Keeping::Tickets => Some(store.clone() as Arc<dyn SessionStore>),
    };
    match role {
        Role::Client => {
            let name = ServerName::try_from("localhost").unwrap();
            let config = client_config(setting, attempt, store);
            Connection::client(config, name, outgoing).unwrap()
        }
        Role::Server => Connection::server(server_config(setting, attempt, store)),
    }
}

fn client_config(
    setting: Setting,
    attempt: Attempt,
    store: Option<Arc<dyn SessionStore>>,
) -> Arc<ClientConfig> {
    let mut builder = if setting.mutual {
        ClientConfig::builder_with_caller_verification()
            .certificate(CERTIFIED.clone())
            .offload_signing()
    } else {
        ClientConfig::builder(roots())
    };
    builder = match setting.limits {
        Limits::Protocol => builder,
        Limits::Fragments => builder.max_fragment_length(FRAGMENTS),
        Limits::Records => builder.record_size_limit(RECORDS.0),
    };
    if setting.alpn {
        builder = builder.alpn_protocols(&PROTOCOLS);
    }
    if setting.ocsp {
        builder = builder.request_ocsp_response();
    }
    if setting.grease {
        builder = builder.grease();
    }
    if let Some(suite) = suite(setting.suite) {
        builder = builder.suites(&[suite]);
    }
    let builder = builder
        .encrypt_then_mac(order(setting))
        .extended_master_secret(policy(setting.extended_master_secret))
        .session_store(store)
        .rng(rng(Role::Client, setting, attempt))
        .time_provider(now);
    Arc::new(builder.build().unwrap())
}

fn server_config(
    setting: Setting,
    attempt: Attempt,
    store: Option<Arc<dyn SessionStore>>,
) -> Arc<ServerConfig> {
    let certified = if setting.ocsp { &STAPLED } else { &CERTIFIED };
    let mut builder = ServerConfig::builder(Arc::clone(certified));
    if setting.mutual {
        builder = builder.client_auth(ClientAuth::Require(roots().into())).offload_decryption();
    }
    if setting.keeping == Keeping::Tickets {
        let keys = ticket_keys(setting.earlier, attempt);
        builder = builder.tickets(Some(Arc::new(Tickets::shared(keys))));
    }
    if setting.limits == Limits::Records {
        builder = builder.record_size_limit(RECORDS.1);
    }
    if setting.alpn {
        builder = builder.alpn_protocols(&[PROTOCOLS[1]]);
    }
    if let Some(suite) = suite(setting.suite) {
        builder = builder.suites(&[suite]);
    }
    let builder = builder
        .encrypt_then_mac(order(setting))
        .extended_master_secret(policy(setting.extended_master_secret))
        .session_store(store)
        .rng(rng(Role::Server, setting, attempt))
        .time_provider(now);
    Arc::new(builder.build().unwrap())
}

fn order(setting: Setting) -> premaster::protocol::EncryptThenMac {
    if setting.mac_then_encrypt {
        premaster::protocol::EncryptThenMac::Off
    } else {
        premaster::protocol::EncryptThenMac::Optional
    }
}

/// `None` for the default offer.
fn suite(setting: Suite) -> Option<CipherSuite> {
    Some(match setting {
        Suite::Gcm => return None,
        Suite::Aes128Ccm => CipherSuite::TLS_RSA_WITH_AES_128_CCM,
        Suite::Aes256Ccm => CipherSuite::TLS_RSA_WITH_AES_256_CCM,
        Suite::Aes128Ccm8 => CipherSuite::TLS_RSA_WITH_AES_128_CCM_8,
        Suite::Aes256Ccm8 => CipherSuite::TLS_RSA_WITH_AES_256_CCM_8,
        Suite::Aes128CbcSha => CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
        Suite::Aes256CbcSha => CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
        Suite::Aes128CbcSha256 => CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
        Suite::Aes256CbcSha256 => CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
    })
}

fn policy(setting: ExtendedMasterSecret) -> premaster::protocol::ExtendedMasterSecret {
    match setting {
        ExtendedMasterSecret::Optional => premaster::protocol::ExtendedMasterSecret::Optional,
        ExtendedMasterSecret::Required => premaster::protocol::ExtendedMasterSecret::Required,
        ExtendedMasterSecret::Off => premaster::protocol::ExtendedMasterSecret::Off,
    }
}

/// The servers' ticket keys, name and secret.
const OLD_KEY: [u8; 48] = [1; 48];
const NEW_KEY: [u8; 48] = [2; 48];
const NEXT_KEY: [u8; 48] = [3; 48];
const FOREIGN_KEY: [u8; 48] = [4; 48];

fn ticket_keys(earlier: Earlier, attempt: Attempt) -> TicketKeySet {
    let key = |bytes| TicketKey::from_bytes(&bytes);
    match (attempt, earlier) {
        (Attempt::Earlier, _) | (Attempt::Recorded, Earlier::None | Earlier::Kept) => {
            TicketKeySet::new(key(OLD_KEY))
        }
        (Attempt::Recorded, Earlier::KeptWithNewTicketKey) => {
            TicketKeySet::new(key(NEW_KEY)).previous(key(OLD_KEY))
        }
        (Attempt::Recorded, Earlier::LostByServer) => TicketKeySet::new(key(FOREIGN_KEY)),
    }
}

/// The keys of all tickets that are recorded, and one that has not sealed anything.
pub fn tickets() -> Tickets {
    let [old, new, next] = [OLD_KEY, NEW_KEY, NEXT_KEY].map(|key| TicketKey::from_bytes(&key));
    Tickets::shared(TicketKeySet::new(new).previous(old).next(next))
}

/// Answers what the connection has paused for.
pub(crate) fn answer(connection: &mut Connection, outgoing: &mut Vec<u8>) -> Result<(), Error> {
    let (key, rng) = (CERTIFIED.key().unwrap(), ChaCha12Rng::seed_from_u64(1));
    let answer = match connection.pending().unwrap() {
        Pending::VerifyCertificate(verify) => verify.answer(verify.verify(&roots().into(), now())),
        Pending::DecryptPreMasterSecret(job) => job.decrypt_with_rng(key, rng),
        Pending::SignCertificateVerify(job) => job.sign_with_rng(key, rng),
        other => panic!("{other:?}"),
    };
    connection.resume(answer, outgoing)
}
