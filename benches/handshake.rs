//! Full handshakes in memory against the RSA operations that they cannot do without.
//!
//! A side's time is what its own calls take. The server decrypts inline, or the connection pauses
//! and something else decrypts: `offloaded` is what the connection's own calls take then, `batched`
//! one handshake's share of eight that pause and are decrypted together.
//!
//! The server's reference is the private operation of the `rsa` crate without blinding and one
//! public operation, which checks it; the aim is at most 1.05 of their sum and 60 microseconds. The
//! client's is one encryption to the server's key and one check of the signature on the server's
//! certificate, both by the `rsa` crate with keys that are already parsed.

use criterion::Criterion;
use premaster::private_key::DecryptBatch;
use premaster::private_key::DecryptPreMasterSecret;
use premaster::{Answer, CertifiedKey, ClientConfig, Connection};
use premaster::{Event, Pending, ServerConfig};
use premaster_benches::common::{self, pki};
use premaster_benches::support::{Side, handshake, is_bench_run, median_ratio, time};
use rand_chacha::ChaCha12Rng;
use rsa::hazmat::{rsa_decrypt, rsa_encrypt};
use rsa::traits::{PaddingScheme, PublicKeyParts, SignatureScheme};
use rsa::{
    BoxedUint, Pkcs1v15Encrypt, Pkcs1v15Sign, PrivateKey as RsaPrivateKey,
    PublicKey as RsaPublicKey,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use x509_cert::der::Encode;

/// The lengths of the server's key. The root's is 2048 bits.
const BITS: [usize; 3] = [2048, 3072, 4096];

/// The batch size of an engine with vectors of eight.
const BATCH: u32 = 8;

/// Enough rounds for a median that repeats to two digits.
const ROUNDS: usize = 100;

/// Configurations that are ready for any number of handshakes and keep no session to resume.
struct Handshakes {
    client: Arc<ClientConfig>,
    inline: Arc<ServerConfig>,
    offloading: Arc<ServerConfig>,
    certified: Arc<CertifiedKey>,
    rng: ChaCha12Rng,
}

impl Handshakes {
    fn new(bits: usize) -> Self {
        let client = common::client_builder().session_store(None);
        let certified = common::certified(bits);
        let server = || common::server_builder_with(certified.clone()).session_store(None);
        Self {
            client: Arc::new(client.build().unwrap()),
            inline: Arc::new(server().build().unwrap()),
            offloading: Arc::new(server().offload_decryption().build().unwrap()),
            certified,
            rng: common::rng(4),
        }
    }

    /// The time of one side; the server decrypts inline.
    fn inline(&self, measured: Side) -> Duration {
        let mut total = Duration::ZERO;
        let (client, _) = handshake(&self.client, &self.inline, |side, call| {
            let (taken, ()) = time(call);
            if side == measured {
                total += taken;
            }
        });
        assert!(!client.session().unwrap().resumption().is_resumed());
        total
    }

    /// The time of the server's connection if the secret is decrypted elsewhere.
    fn offloaded(&mut self) -> Duration {
        let mut paused = Paused::new(&self.client, &self.offloading);
        let job = paused.job();
        let answer = job.decrypt_with_rng(self.certified.key().unwrap(), &mut self.rng);
        paused.resume(answer);
        paused.taken
    }

    /// The server's time for one of several handshakes, decryption included.
    fn batched(&mut self) -> Duration {
        let mut paused: Vec<_> =
            (0..BATCH).map(|_| Paused::new(&self.client, &self.offloading)).collect();
        let mut batch = DecryptBatch::new();
        for one in &mut paused {
            batch.push(one.job(), one);
        }
        let key = self.certified.key().unwrap();
        let (taken, answers) = time(|| batch.decrypt_with_rng(|_| Some(key), &mut self.rng));
        for (one, answer) in answers {
            one.resume(answer);
        }
        let connections: Duration = paused.iter().map(|one| one.taken).sum();
        (connections + taken) / BATCH
    }
}

/// A server's connection that waits for the decryption, and what its calls have taken.
struct Paused {
    server: Connection,
    unread: Vec<u8>,
    taken: Duration,
}

impl Paused {
    fn new(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        let (mut hello, mut flight, mut none) =
            (Vec::new(), Vec::with_capacity(1 << 14), Vec::new());
        let mut client = Connection::client(client.clone(), common::name(), &mut hello).unwrap();
        let (accepted, mut server) = time(|| Connection::server(server.clone()));
        let (answered, received) = time(|| server.receive(&mut hello, &mut flight).unwrap());
        assert_eq!(received.consumed, hello.len());
        let mut unread = Vec::with_capacity(1 << 14);
        let _ = client.receive(&mut flight, &mut unread).unwrap();
        let (paused, received) = time(|| server.receive(&mut unread, &mut none).unwrap());
        assert!(matches!(received.event, Event::Paused));
        let consumed = received.consumed;
        unread.drain(..consumed);
        Self {
            server,
            unread,
            taken: accepted + answered + paused,
        }
    }

    fn job(&mut self) -> DecryptPreMasterSecret {
        let (taken, pending) = time(|| self.server.pending());
        self.taken += taken;
        match pending {
            Some(Pending::DecryptPreMasterSecret(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    fn resume(&mut self, answer: Answer) {
        let mut outgoing = Vec::with_capacity(1 << 10);
        let (taken, event) = time(|| {
            self.server.resume(answer, &mut outgoing).unwrap();
            self.server.receive(&mut self.unread, &mut outgoing).unwrap().event
        });
        assert!(matches!(event, Event::HandshakeComplete));
        self.taken += taken;
    }
}

/// The RSA operations of a handshake, each on its own, by the `rsa` crate.
struct Operations {
    rng: ChaCha12Rng,
    server_key: RsaPrivateKey,
    server_public_key: RsaPublicKey,
    encrypted: BoxedUint,
    root_public_key: RsaPublicKey,
    /// What the root signed, and its signature.
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Operations {
    fn new(bits: usize) -> Self {
        let mut rng = common::rng(3);
        let server_key = pki::key(&format!("rsa-{bits}"));
        let server_public_key = server_key.to_public_key();
        let encrypted = Pkcs1v15Encrypt.encrypt(&mut rng, &server_public_key, &[5; 48]).unwrap();
        let certificate = pki::server(&server_key).certificate();
        Self {
            rng,
            encrypted: BoxedUint::from_be_slice(&encrypted, server_key.n_bits_precision()).unwrap(),
            server_key,
            server_public_key,
            root_public_key: pki::key("rsa-2048-ca").to_public_key(),
            signed: certificate.tbs_certificate().to_der().unwrap(),
            signature: certificate.signature().raw_bytes().to_vec(),
        }
    }

    fn decrypt_blinded(&mut self) -> Duration {
        time(|| rsa_decrypt(Some(&mut self.rng), &self.server_key, &self.encrypted).unwrap()).0
    }

    /// The private operation without blinding, and the public one.
    fn decrypt_and_check(&mut self) -> Duration {
        time(|| {
            let none = None::<&mut ChaCha12Rng>;
            let decrypted = rsa_decrypt(none, &self.server_key, &self.encrypted).unwrap();
            rsa_encrypt(&self.server_public_key, &decrypted).unwrap()
        })
        .0
    }

    fn encrypt_and_verify(&mut self) -> Duration {
        time(|| {
            Pkcs1v15Sign::new::<Sha256>()
                .verify(
                    &self.root_public_key,
                    &Sha256::digest(&self.signed),
                    &self.signature,
                )
                .unwrap();
            Pkcs1v15Encrypt.encrypt(&mut self.rng, &self.server_public_key, &[5; 48]).unwrap()
        })
        .0
    }
}

/// The time of each side and of each operation.
fn measure(criterion: &mut Criterion, bits: usize) {
    let mut handshakes = Handshakes::new(bits);
    let mut operations = Operations::new(bits);
    let mut group = criterion.benchmark_group("handshake");
    let mut timed = |name: &str, measurement: &mut dyn FnMut() -> Duration| {
        group.bench_function(format!("{bits}/{name}"), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| measurement()).sum());
        });
    };
    timed("client", &mut || handshakes.inline(Side::Client));
    timed("server/inline", &mut || handshakes.inline(Side::Server));
    timed("server/offloaded", &mut || handshakes.offloaded());
    timed("server/batched", &mut || handshakes.batched());
    timed("rsa/decrypt, blinded", &mut || operations.decrypt_blinded());
    timed("rsa/decrypt, checked", &mut || {
        operations.decrypt_and_check()
    });
    timed("rsa/encrypt and verify", &mut || {
        operations.encrypt_and_verify()
    });
}

/// Each side's time as a multiple of its operations'.
fn compare(bits: usize) {
    let mut handshakes = Handshakes::new(bits);
    let mut operations = Operations::new(bits);
    let server = || handshakes.inline(Side::Server);
    let of_checked = median_ratio(ROUNDS, server, || operations.decrypt_and_check());
    let of_blinded = median_ratio(ROUNDS, server, || operations.decrypt_blinded());
    println!(
        "{bits} server, inline: {of_checked:.3} of the private operation and the public one, \
         {of_blinded:.3} of the blinded private operation"
    );
    let batched = || handshakes.batched();
    let of_checked = median_ratio(ROUNDS / 4, batched, || operations.decrypt_and_check());
    println!("{bits} server, batched: {of_checked:.3} of the private operation and the public one");
    let client = || handshakes.inline(Side::Client);
    let of_public = median_ratio(ROUNDS, client, || operations.encrypt_and_verify());
    println!("{bits} client: {of_public:.3} of one encryption and one check of a signature");
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for bits in BITS {
        measure(&mut criterion, bits);
    }
    criterion.final_summary();
    if is_bench_run() {
        println!("\ntime as a multiple of the `rsa` crate's operations");
        for bits in BITS {
            compare(bits);
        }
    }
}
