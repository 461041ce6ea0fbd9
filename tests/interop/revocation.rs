//! CRLs of every kind: OpenSSL accepts each that we accept, and finds revoked what we find revoked.

use crate::Trials;
use crate::files::Files;
use premaster_testing::pki::{NOW, Spec, to_pem};
use premaster_testing::program::Program;
use premaster_testing::revocation::{Expected, Kind, REVOKED, kinds};
use std::process::Command;

pub fn add_trials(trials: &mut Trials) {
    let name = "openssl::verify::revocation".to_owned();
    trials.add("openssl", name, |files| {
        let differing: Vec<_> = kinds().iter().filter_map(|kind| differs(files, kind)).collect();
        assert!(differing.is_empty(), "{}", differing.join("\n"));
    });
}

/// What OpenSSL says, if that is not what is expected.
fn differs(files: &Files, kind: &Kind) -> Option<String> {
    let certificate = |name: &str, spec: &Spec| {
        let pem = to_pem("CERTIFICATE", &spec.build());
        files.write(name, pem.as_bytes())
    };
    let [leaf, authority] = &kind.chain;
    let lists: String = kind.lists.iter().map(|list| to_pem("X509 CRL", list)).collect();
    let mut command = Command::new("openssl");
    command.args(["verify", "-crl_check_all", "-auth_level", "1"]);
    command.args(["-attime", &NOW.to_string()]);
    command.arg("-CAfile").arg(certificate("revocation-root.pem", &kind.root));
    command.arg("-untrusted").arg(certificate("revocation-ca.pem", authority));
    command.arg("-CRLfile").arg(files.write("revocation-lists.pem", lists.as_bytes()));
    command.arg(certificate("revocation-leaf.pem", leaf));
    let ended = Program::start(&mut command).wait();
    let agrees = match kind.expected {
        Expected::Accepted => ended.status.success(),
        Expected::Refused(_, REVOKED) => ended.stderr.contains("certificate revoked"),
        Expected::Refused(..) => !ended.status.success(),
        // OpenSSL may support it.
        Expected::Unreadable => true,
    };
    let Kind { name, expected, .. } = kind;
    (!agrees).then(|| format!("{name}, {expected:?}: {}{}", ended.stdout, ended.stderr))
}
