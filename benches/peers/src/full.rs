//! Full handshakes, beside the RSA operations that they cannot do without.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::openssl_pair::OpenSslPair;
use crate::premaster_pair::PremasterPair;
use crate::report::{Libraries, ROLES, Report};
use crate::rsa_operations::{LibCrypto, RsaCrate};
use crate::rustls_pair::{Provider, RustlsPair};
use crate::support::Side;
use crate::table::{Peers, comparison, part};
use crate::turns::{Effort, Sides, in_turns};

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

/// What the server's handshake may take: so much of its RSA operations, and so many microseconds
/// more.
const SERVER_LIMIT: (f64, f64) = (1.05, 60.0);

/// Measures every key length.
pub fn measure(report: &mut Report) {
    for (length, cipher, effort) in CASES {
        let work = format!("full handshake, RSA {}, {}", length.bits(), cipher.name());
        let handshakes = Handshakes::measure(&Credentials::new(length), cipher, effort);
        handshakes.compare(&work, report);
        handshakes.require(&work, report);
    }
}

/// One key length and suite, by everyone.
struct Handshakes {
    libraries: Libraries,
    rsa_crate: Sides,
    libcrypto: Sides,
}

impl Handshakes {
    fn measure(credentials: &Credentials, cipher: Cipher, effort: Effort) -> Self {
        let rustls = |provider| Box::new(RustlsPair::full(provider, credentials, cipher));
        let [premaster, openssl, aws_lc_rs, ring, rsa_crate, libcrypto] = in_turns(
            [
                Box::new(PremasterPair::full(credentials, cipher)),
                Box::new(OpenSslPair::full(credentials, cipher)),
                rustls(Provider::AwsLcRs),
                rustls(Provider::Ring),
                Box::new(RsaCrate::new(credentials)),
                Box::new(LibCrypto::new(credentials)),
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
            rsa_crate,
            libcrypto,
        }
    }

    fn compare(&self, work: &str, report: &mut Report) {
        for (role, side) in ROLES {
            let premaster = self.libraries.premaster.of(side);
            let row = comparison(work, role, premaster, &self.libraries.peers(side));
            report.rows.push(row);
        }
        for (role, side) in ROLES {
            let premaster = self.libraries.premaster.of(side);
            let row = part(
                "its RSA operations alone",
                role,
                premaster,
                &self.alone(side),
            );
            report.rows.push(row);
        }
    }

    /// The RSA operations of a side.
    fn alone(&self, side: Side) -> Peers<'_> {
        Peers {
            openssl: (side == Side::Client).then(|| self.libcrypto.of(side)),
            rust_crypto: Some(self.rsa_crate.of(side)),
            ..Peers::default()
        }
    }

    fn require(&self, work: &str, report: &mut Report) {
        let client = self.libraries.premaster.of(Side::Client);
        let server = self.libraries.premaster.of(Side::Server);
        let (factor, microseconds) = SERVER_LIMIT;
        let operations = self.rsa_crate.of(Side::Server);
        let allowed = operations.allowing(factor, microseconds);
        report.requirements.extend([
            Requirement::ratio(
                format!("{work}, client, of OpenSSL's"),
                client.ratio_to(self.libraries.openssl.of(Side::Client)),
                1.0,
            ),
            Requirement::ratio(
                format!("{work}, server, of {factor} RSA operations + {microseconds} µs"),
                server.ratio_to(&allowed),
                1.0,
            ),
        ]);
    }
}
