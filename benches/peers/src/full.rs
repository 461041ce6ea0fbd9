//! Full handshakes, beside the RSA operations that they cannot do without.

use crate::batched::PremasterBatch;
use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::contender::Contender;
use crate::newer_openssl::NewerOpenSsl;
use crate::openssl_work::OpenSslWork;
use crate::peer::{Peer, Times};
use crate::premaster_pair::PremasterPair;
use crate::purecrypto_pair::PureCryptoPair;
use crate::report::{ROLES, Report};
use crate::rsa_operations::{LibCrypto, RsaCrate};
use crate::rustls_pair::{Provider, RustlsPair};
use crate::support::Side;
use crate::tier::Tier;
use crate::turns::Effort;

/// Each key length with its suites, and how much of it makes a median that repeats to two digits.
const CASES: [(KeyLength, Cipher, Effort); 4] = [
    (KeyLength::Rsa2048, Cipher::Aes128Sha256, effort(200, 5)),
    (KeyLength::Rsa2048, Cipher::Aes256Sha384, effort(200, 5)),
    (KeyLength::Rsa3072, Cipher::Aes128Sha256, effort(150, 3)),
    (KeyLength::Rsa4096, Cipher::Aes128Sha256, effort(150, 2)),
];

const fn effort(rounds: usize, runs: u32) -> Effort {
    Effort {
        rounds,
        runs,
        pieces: 1,
    }
}

/// The handshakes whose secrets are decrypted together.
const BATCH: usize = 4;

/// What a server of the same kind may be compared with: the fastest that others have.
const BEST: [Peer; 3] = [Peer::OpenSsl30, Peer::OpenSsl36, Peer::RustlsAwsLcRs];

/// Measures every key length.
pub fn measure(report: &mut Report) {
    for (length, cipher, effort) in CASES {
        let work = format!("full handshake, RSA {}, {}", length.bits(), cipher.name());
        let handshakes = Handshakes::measure(length, cipher, effort);
        handshakes.compare(&work, report);
        handshakes.require(&work, length, report);
    }
}

/// One key length and suite, by everyone.
struct Handshakes {
    whole: Times,
    /// premaster's server with batches.
    batched: Times,
    /// The RSA operations alone, beside premaster's whole handshake.
    alone: Times,
}

impl Handshakes {
    fn measure(length: KeyLength, cipher: Cipher, effort: Effort) -> Self {
        let credentials = &Credentials::new(length);
        let whole = || Box::new(PremasterPair::full(credentials, cipher));
        let rustls = |provider| Box::new(RustlsPair::full(provider, credentials, cipher));
        let openssl = OpenSslWork::Full(length, cipher);
        let peers: Vec<(Peer, Box<dyn Contender>)> = vec![
            (Peer::OpenSsl30, openssl.contender(credentials)),
            (Peer::OpenSsl36, Box::new(NewerOpenSsl::new(openssl))),
            (Peer::RustlsAwsLcRs, rustls(Provider::AwsLcRs)),
            (Peer::RustlsRing, rustls(Provider::Ring)),
            (
                Peer::PureCrypto,
                Box::new(PureCryptoPair::full(credentials, cipher)),
            ),
        ];
        let batched = || Box::new(PremasterBatch::new(credentials, cipher, BATCH));
        let others: Vec<(Peer, Box<dyn Contender>)> = vec![
            (Peer::OpenSsl30, openssl.contender(credentials)),
            (Peer::OpenSsl36, Box::new(NewerOpenSsl::new(openssl))),
            (Peer::RustlsAwsLcRs, rustls(Provider::AwsLcRs)),
        ];
        let alone: Vec<(Peer, Box<dyn Contender>)> = vec![
            (Peer::OpenSsl30, Box::new(LibCrypto::new(credentials))),
            (Peer::RustCrypto, Box::new(RsaCrate::new(credentials))),
        ];
        Self {
            whole: Times::of(whole(), peers, effort),
            batched: Times::of(batched(), others, effort),
            alone: Times::of(whole(), alone, effort),
        }
    }

    fn compare(&self, work: &str, report: &mut Report) {
        for (role, side) in ROLES {
            report.compare(work, role, &self.whole, side);
        }
        let batches = format!("{work}, in batches of {BATCH}");
        report.compare(&batches, "server", &self.batched, Side::Server);
        // Only what the client does is measured of OpenSSL alone.
        report.compare_part(
            "its RSA operations alone",
            "client",
            &self.alone,
            &Peer::ALL,
            Side::Client,
        );
        let of_server = [Peer::RustCrypto];
        report.compare_part(
            "its RSA operations alone",
            "server",
            &self.alone,
            &of_server,
            Side::Server,
        );
    }

    fn require(&self, work: &str, length: KeyLength, report: &mut Report) {
        let best = self.whole.of_best(&BEST, Side::Server);
        let batched = self.batched.of_best(&[Peer::OpenSsl30, Peer::OpenSsl36], Side::Server);
        let (single_limit, batch_limit) = match length {
            KeyLength::Rsa2048 => (0.95, 0.55),
            KeyLength::Rsa3072 => (1.0, 0.68),
            KeyLength::Rsa4096 => (1.0, 0.75),
        };
        let client = |peer| self.whole.of_best(&[peer], Side::Client);
        let rsa_crate = self.alone.of_best(&[Peer::RustCrypto], Side::Server);
        let best_name = "of the best of OpenSSL's and aws-lc-rs's";
        report.requirements.extend([
            Requirement::ratio(format!("{work}, server, {best_name}"), best, single_limit)
                .only_on(Tier::Avx512),
            Requirement::ratio(
                format!("{work}, server, in batches of {BATCH}, of the best of OpenSSL's"),
                batched,
                batch_limit,
            )
            .only_on(Tier::Avx512),
        ]);
        if length == KeyLength::Rsa2048 {
            report.requirements.extend([
                Requirement::ratio(
                    format!("{work}, client, of OpenSSL 3.0's"),
                    client(Peer::OpenSsl30),
                    0.30,
                )
                .only_on(Tier::Avx512),
                Requirement::ratio(
                    format!("{work}, client, of aws-lc-rs's"),
                    client(Peer::RustlsAwsLcRs),
                    0.80,
                )
                .only_on(Tier::Avx512),
                Requirement::ratio(
                    format!("{work}, server, of the rsa crate's operations"),
                    rsa_crate,
                    0.5,
                )
                .only_on(Tier::Avx2),
            ]);
        }
    }
}
