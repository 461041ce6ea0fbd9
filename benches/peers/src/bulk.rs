//! Records of application data, beside the cipher alone.
//!
//! A batch of records is sent into memory and then received from there, the two timed apart, so
//! that what is received is always the next of its connection.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::contender::{Batch, Contender};
use crate::newer_openssl::NewerOpenSsl;
use crate::openssl_work::OpenSslWork;
use crate::peer::{Peer, Times};
use crate::premaster_pair::PremasterLink;
use crate::raw_cipher::raw_cipher;
use crate::report::Report;
use crate::rustls_pair::{Provider, RustlsLink};
use crate::support::Side;
use crate::tier::Tier;
use crate::turns::Effort;

/// Plaintext in each record.
const LENGTHS: [(&str, usize); 3] = [SHORT, ("1 KiB", 1024), LONG];
const SHORT: (&str, usize) = ("64 B", 64);
const LONG: (&str, usize) = ("16 KiB", LONGEST);

/// As long as a record can be.
const LONGEST: usize = 16 * 1024;

/// Plaintext in each batch, little enough for the batches of all contenders to stay in the cache.
const PLAINTEXT: usize = 64 * 1024;

/// Enough batches in a turn, and enough rounds, for a median that repeats to two digits.
const RUNS: u32 = 4;
const ROUNDS: usize = 800;

/// What the sides do.
const DIRECTIONS: [(&str, Side); 2] = [("send", Side::Client), ("receive", Side::Server)];

/// Measures every suite and length.
pub fn measure(report: &mut Report) {
    let credentials = Credentials::new(KeyLength::Rsa2048);
    for cipher in Cipher::AEAD {
        for (name, length) in LENGTHS {
            let work = format!("record of {name}, {}", cipher.name());
            let records = Records::measure(&credentials, cipher, length);
            records.compare(&work, report);
            records.require(&work, length, report);
        }
    }
    for cipher in Cipher::CBC {
        for (name, length) in [SHORT, LONG] {
            let work = format!("record of {name}, {}", cipher.name());
            let records = Records::measure(&credentials, cipher, length);
            records.compare(&work, report);
            records.require_of_cbc(&work, length, report);
        }
    }
}

/// Records of one suite and length, by everyone.
struct Records(Times);

impl Records {
    fn measure(credentials: &Credentials, cipher: Cipher, length: usize) -> Self {
        let batch = Batch {
            records: PLAINTEXT / length,
            length,
        };
        let effort = Effort {
            rounds: ROUNDS,
            runs: RUNS,
            pieces: batch.records as u32,
        };
        let rustls = |provider| Box::new(RustlsLink::new(provider, credentials, cipher, batch));
        let openssl = OpenSslWork::Records(cipher, batch);
        let mut peers: Vec<(Peer, Box<dyn Contender>)> = vec![
            (Peer::OpenSsl30, openssl.contender(credentials)),
            (Peer::OpenSsl36, Box::new(NewerOpenSsl::new(openssl))),
        ];
        if let Some(raw_cipher) = raw_cipher(cipher, batch) {
            peers.push((Peer::RustlsAwsLcRs, rustls(Provider::AwsLcRs)));
            peers.push((Peer::RustlsRing, rustls(Provider::Ring)));
            peers.push((Peer::RustCrypto, raw_cipher));
        }
        let premaster = Box::new(PremasterLink::new(credentials, cipher, batch));
        Self(Times::of(premaster, peers, effort))
    }

    fn compare(&self, work: &str, report: &mut Report) {
        for (direction, side) in DIRECTIONS {
            report.compare(work, direction, &self.0, side);
        }
    }

    /// What is asked of CBC, whose long records are the MAC's and the cipher's time alone.
    fn require_of_cbc(&self, work: &str, length: usize, report: &mut Report) {
        let limit = if length < LONGEST { 1.0 } else { 1.0 / 0.8 };
        for (direction, side) in DIRECTIONS {
            for (peer, name) in [(Peer::OpenSsl30, "3.0"), (Peer::OpenSsl36, "3.6")] {
                let name = format!("{work}, {direction}, of OpenSSL {name}'s");
                let measured = self.0.of_best(&[peer], side);
                report.requirements.push(Requirement::ratio(name, measured, limit));
            }
        }
    }

    /// What is asked of records as long as can be, and of shorter ones.
    fn require(&self, work: &str, length: usize, report: &mut Report) {
        for (direction, side) in DIRECTIONS {
            let times = |peers: &[Peer]| self.0.of_best(peers, side);
            let named = |of: &str| format!("{work}, {direction}, of {of}'s");
            if length < LONGEST {
                let limit = 1.0 / 1.2;
                let best = times(&[Peer::RustlsAwsLcRs, Peer::RustlsRing]);
                let requirement = Requirement::ratio(named("the best of rustls"), best, limit);
                report.requirements.push(requirement.only_on(Tier::Avx512));
                continue;
            }
            let best = times(&[Peer::OpenSsl36, Peer::RustlsAwsLcRs]);
            let name = named("the best of OpenSSL 3.6's and aws-lc-rs");
            let older = times(&[Peer::OpenSsl30]);
            report.requirements.extend([
                Requirement::ratio(name, best, 1.0).only_on(Tier::Avx512),
                Requirement::ratio(named("OpenSSL 3.0"), older, 0.5).only_on(Tier::Avx512),
            ]);
            if Tier::is_forced() {
                let held = times(&[Peer::OpenSsl30, Peer::OpenSsl36]);
                let name = named("the best of OpenSSL held to the same tier");
                report.requirements.push(Requirement::ratio(name, held, 1.0).only_on(Tier::AesNi));
            }
        }
    }
}
