//! Full handshakes in memory against the RSA operations that they cannot do without.
//!
//! A side's time is what its own calls take. The server's reference is the raw private operation
//! with blinding; the aim is at most 1.10 of it. The client's is one encryption to the server's key
//! and one verification of the signature on the server's certificate, both with keys that are
//! already parsed; the aim is at most 1.15 of their sum.

#[path = "../tests/common/mod.rs"]
mod common;
mod support;

use common::pki;
use criterion::Criterion;
use premaster::{ClientConfig, ServerConfig};
use rand_chacha::ChaCha12Rng;
use rsa::hazmat::{rsa_decrypt, rsa_decrypt_and_check};
use rsa::traits::{PaddingScheme, PublicKeyParts, SignatureScheme};
use rsa::{BoxedUint, Pkcs1v15Encrypt, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use support::{Side, handshake, is_bench_run, median_ratio, time};
use x509_cert::der::Encode;

/// The lengths of the server's key. The root's is 2048 bits.
const BITS: [usize; 3] = [2048, 3072, 4096];

/// Enough rounds for a median that repeats to two digits.
const ROUNDS: usize = 100;

/// Two configurations, ready for any number of handshakes. They keep no session to resume.
struct Handshakes {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Handshakes {
    fn new(bits: usize) -> Self {
        let client = common::client_builder().session_store(None);
        let server = common::server_builder_with(common::certified(bits)).session_store(None);
        Self {
            client: Arc::new(client.build().unwrap()),
            server: Arc::new(server.build().unwrap()),
        }
    }

    /// What one side of a handshake takes.
    fn run(&self, measured: Side) -> Duration {
        let mut total = Duration::ZERO;
        let (client, _) = handshake(&self.client, &self.server, |side, call| {
            let (taken, ()) = time(call);
            if side == measured {
                total += taken;
            }
        });
        assert!(!client.session().unwrap().resumption().is_resumed());
        total
    }
}

/// The RSA operations of a handshake, each on its own.
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
        let encrypted = Pkcs1v15Encrypt
            .encrypt(&mut rng, &server_public_key, &[5; 48])
            .unwrap();
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

    fn decrypt(&mut self) -> Duration {
        time(|| rsa_decrypt(Some(&mut self.rng), &self.server_key, &self.encrypted).unwrap()).0
    }

    fn decrypt_and_check(&mut self) -> Duration {
        time(|| {
            rsa_decrypt_and_check(&self.server_key, Some(&mut self.rng), &self.encrypted).unwrap()
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
            Pkcs1v15Encrypt
                .encrypt(&mut self.rng, &self.server_public_key, &[5; 48])
                .unwrap()
        })
        .0
    }
}

/// The time of each side and of each operation.
fn measure(criterion: &mut Criterion, bits: usize) {
    let handshakes = Handshakes::new(bits);
    let mut operations = Operations::new(bits);
    let mut group = criterion.benchmark_group(bits.to_string());
    let mut timed = |name: &str, measurement: &mut dyn FnMut() -> Duration| {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| measurement()).sum());
        });
    };
    timed("server", &mut || handshakes.run(Side::Server));
    timed("rsa_decrypt", &mut || operations.decrypt());
    timed("rsa_decrypt_and_check", &mut || {
        operations.decrypt_and_check()
    });
    timed("client", &mut || handshakes.run(Side::Client));
    timed("encrypt and verify", &mut || {
        operations.encrypt_and_verify()
    });
}

/// Each side's time as a multiple of its operations'.
fn compare(bits: usize) {
    let handshakes = Handshakes::new(bits);
    let mut operations = Operations::new(bits);
    let server = || handshakes.run(Side::Server);
    let client = || handshakes.run(Side::Client);
    let of_decrypt = median_ratio(ROUNDS, server, || operations.decrypt());
    let of_checked = median_ratio(ROUNDS, server, || operations.decrypt_and_check());
    let of_public = median_ratio(ROUNDS, client, || operations.encrypt_and_verify());
    println!(
        "{bits} server {of_decrypt:.3} of rsa_decrypt, {of_checked:.3} of rsa_decrypt_and_check"
    );
    println!("{bits} client {of_public:.3} of one encryption and one verification");
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
        println!("\ntime as a multiple of the RSA operations'");
        for bits in BITS {
            compare(bits);
        }
    }
}
