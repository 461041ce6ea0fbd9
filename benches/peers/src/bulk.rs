//! Records of application data, beside the cipher alone.
//!
//! A batch of records is sent into memory and then received from there, the two timed apart, so
//! that what is received is always the next of its connection.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::contender::Batch;
use crate::openssl_pair::OpenSslLink;
use crate::premaster_pair::PremasterLink;
use crate::raw_cipher::raw_cipher;
use crate::report::{Libraries, Report};
use crate::rustls_pair::{Provider, RustlsLink};
use crate::support::Side;
use crate::table::{Peers, comparison};
use crate::turns::{Effort, Sides, in_turns};

/// Plaintext in each record.
const LENGTHS: [(&str, usize); 3] = [("64 B", 64), ("1 KiB", 1024), ("16 KiB", LONGEST)];

/// As long as a record can be, for which there are requirements.
const LONGEST: usize = 16 * 1024;

/// Plaintext in each batch, little enough for the batches of all contenders to stay in the cache.
const PLAINTEXT: usize = 64 * 1024;

/// Enough batches in a turn, and enough rounds, for a median that repeats to two digits.
const RUNS: u32 = 4;
const ROUNDS: usize = 800;

/// The least share of the cipher's throughput.
const SHARE_OF_CIPHER: f64 = 0.97;

/// What the sides do.
const DIRECTIONS: [(&str, Side); 2] = [("send", Side::Client), ("receive", Side::Server)];

/// Measures both suites and every length.
pub fn measure(report: &mut Report) {
    let credentials = Credentials::new(KeyLength::Rsa2048);
    for cipher in Cipher::ALL {
        for (name, length) in LENGTHS {
            let work = format!("record of {name}, {}", cipher.name());
            let records = Records::measure(&credentials, cipher, length);
            records.compare(&work, report);
            if length == LONGEST {
                records.require(&work, report);
            }
        }
    }
}

/// Records of one suite and length, by everyone.
struct Records {
    libraries: Libraries,
    raw_cipher: Sides,
}

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
        let [premaster, openssl, aws_lc_rs, ring, raw_cipher] = in_turns(
            [
                Box::new(PremasterLink::new(credentials, cipher, batch)),
                Box::new(OpenSslLink::new(credentials, cipher, batch)),
                rustls(Provider::AwsLcRs),
                rustls(Provider::Ring),
                raw_cipher(cipher, batch),
            ],
            effort,
        );
        Self {
            libraries: Libraries {
                premaster,
                openssl,
                aws_lc_rs,
                ring,
            },
            raw_cipher,
        }
    }

    fn compare(&self, work: &str, report: &mut Report) {
        for (direction, side) in DIRECTIONS {
            let peers = Peers {
                rust_crypto: Some(self.raw_cipher.of(side)),
                ..self.libraries.peers(side)
            };
            let premaster = self.libraries.premaster.of(side);
            let row = comparison(work, direction, premaster, &peers);
            report.rows.push(row);
        }
    }

    fn require(&self, work: &str, report: &mut Report) {
        for (direction, side) in DIRECTIONS {
            let premaster = self.libraries.premaster.of(side);
            report.requirements.extend([
                Requirement::ratio(
                    format!("{work}, {direction}, of OpenSSL's"),
                    premaster.ratio_to(self.libraries.openssl.of(side)),
                    1.0,
                ),
                Requirement::ratio(
                    format!("{work}, {direction}, of aes-gcm's, 1 / {SHARE_OF_CIPHER}"),
                    premaster.ratio_to(self.raw_cipher.of(side)),
                    1.0 / SHARE_OF_CIPHER,
                ),
            ]);
        }
    }
}
