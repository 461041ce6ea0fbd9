//! Resumed handshakes, which have no RSA operation.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::contender::Contender;
use crate::openssl_pair::OpenSslPair;
use crate::premaster_pair::PremasterPair;
use crate::report::{Libraries, ROLES, Report};
use crate::rustls_pair::{Provider, RustlsPair};
use crate::table::comparison;
use crate::turns::{Effort, in_turns};

/// Enough for a median that repeats to two digits.
const EFFORT: Effort = Effort {
    rounds: 400,
    runs: 10,
    pieces: 1,
};

/// Measures both suites and every way to resume a session.
pub fn measure(report: &mut Report) {
    let credentials = Credentials::new(KeyLength::Rsa2048);
    for cipher in Cipher::ALL {
        for (name, contenders) in ways(&credentials, cipher) {
            let work = format!("{name}, {}", cipher.name());
            measure_way(&work, contenders, report);
        }
    }
}

/// premaster, OpenSSL, rustls with aws-lc-rs and rustls with ring.
type Contenders = [Box<dyn Contender>; 4];

/// Each way to resume a session. Only premaster's server can be told whether to renew a ticket:
/// rustls's always does, and OpenSSL's does not.
fn ways(credentials: &Credentials, cipher: Cipher) -> [(&'static str, Contenders); 3] {
    let rustls_by_session_id = |provider| RustlsPair::by_session_id(provider, credentials, cipher);
    let rustls_by_ticket = |provider| RustlsPair::by_ticket(provider, credentials, cipher);
    [
        (
            "resumed by session ID",
            contenders(
                PremasterPair::by_session_id(credentials, cipher),
                OpenSslPair::by_session_id(credentials, cipher),
                rustls_by_session_id,
            ),
        ),
        (
            "resumed by ticket, kept",
            contenders(
                PremasterPair::by_ticket(credentials, cipher),
                OpenSslPair::by_ticket(credentials, cipher),
                rustls_by_ticket,
            ),
        ),
        (
            "resumed by ticket, renewed",
            contenders(
                PremasterPair::by_ticket_renewed(credentials, cipher),
                OpenSslPair::by_ticket(credentials, cipher),
                rustls_by_ticket,
            ),
        ),
    ]
}

fn contenders(
    premaster: PremasterPair,
    openssl: OpenSslPair,
    rustls: impl Fn(Provider) -> RustlsPair,
) -> Contenders {
    [
        Box::new(premaster),
        Box::new(openssl),
        Box::new(rustls(Provider::AwsLcRs)),
        Box::new(rustls(Provider::Ring)),
    ]
}

fn measure_way(work: &str, contenders: Contenders, report: &mut Report) {
    let [premaster, openssl, aws_lc_rs, ring] = in_turns(contenders, EFFORT);
    let libraries = Libraries {
        premaster,
        openssl,
        aws_lc_rs,
        ring,
    };
    for (role, side) in ROLES {
        let premaster = libraries.premaster.of(side);
        let row = comparison(work, role, premaster, &libraries.peers(side));
        report.rows.push(row);
        report.requirements.push(Requirement::ratio(
            format!("{work}, {role}, of rustls's with aws-lc-rs"),
            premaster.ratio_to(libraries.aws_lc_rs.of(side)),
            1.0,
        ));
    }
}
