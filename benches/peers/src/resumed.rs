//! Resumed handshakes, which have no RSA operation.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::common::Cipher;
use crate::contender::Contender;
use crate::newer_openssl::NewerOpenSsl;
use crate::openssl_work::OpenSslWork;
use crate::peer::{Peer, Times};
use crate::premaster_pair::PremasterPair;
use crate::report::{ROLES, Report};
use crate::rustls_pair::{Provider, RustlsPair};
use crate::turns::Effort;

/// Enough for a median that repeats to two digits.
const EFFORT: Effort = Effort {
    rounds: 400,
    runs: 10,
    pieces: 1,
};

/// Measures both suites and every way to resume a session.
pub fn measure(report: &mut Report) {
    let credentials = Credentials::new(KeyLength::Rsa2048);
    for cipher in Cipher::AEAD {
        for (name, contenders) in ways(&credentials, cipher) {
            let work = format!("{name}, {}", cipher.name());
            measure_way(&work, contenders, report);
        }
    }
}

/// premaster, and its peers.
type Contenders = (Box<dyn Contender>, Vec<(Peer, Box<dyn Contender>)>);

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
                (credentials, OpenSslWork::BySessionId(cipher)),
                rustls_by_session_id,
            ),
        ),
        (
            "resumed by ticket, kept",
            contenders(
                PremasterPair::by_ticket(credentials, cipher),
                (credentials, OpenSslWork::ByTicket(cipher)),
                rustls_by_ticket,
            ),
        ),
        (
            "resumed by ticket, renewed",
            contenders(
                PremasterPair::by_ticket_renewed(credentials, cipher),
                (credentials, OpenSslWork::ByTicket(cipher)),
                rustls_by_ticket,
            ),
        ),
    ]
}

fn contenders(
    premaster: PremasterPair,
    (credentials, openssl): (&Credentials, OpenSslWork),
    rustls: impl Fn(Provider) -> RustlsPair,
) -> Contenders {
    let peers: Vec<(Peer, Box<dyn Contender>)> = vec![
        (Peer::OpenSsl30, openssl.contender(credentials)),
        (Peer::OpenSsl36, Box::new(NewerOpenSsl::new(openssl))),
        (Peer::RustlsAwsLcRs, Box::new(rustls(Provider::AwsLcRs))),
        (Peer::RustlsRing, Box::new(rustls(Provider::Ring))),
    ];
    (Box::new(premaster), peers)
}

fn measure_way(work: &str, (premaster, peers): Contenders, report: &mut Report) {
    let times = Times::of(premaster, peers, EFFORT);
    for (role, side) in ROLES {
        report.compare(work, role, &times, side);
        report.requirements.push(Requirement::ratio(
            format!("{work}, {role}, of rustls's with aws-lc-rs"),
            times.of_best(&[Peer::RustlsAwsLcRs], side),
            0.75,
        ));
    }
}
