//! Chains as devices in the field have them: OpenSSL accepts each that we accept, and refuses each
//! that we refuse, but for those that the list of them excepts.

use crate::Trials;
use crate::files::Files;
use premaster_testing::field::{Chain, chains};
use premaster_testing::pki::{NOW, Spec, to_pem};
use premaster_testing::program::Program;
use std::process::Command;

/// The initial policy set.
const ANY_POLICY: &str = "2.5.29.32.0";

pub fn add_trials(trials: &mut Trials) {
    let name = "openssl::verify::field".to_owned();
    trials.add("openssl", name, |files| {
        let differing: Vec<_> = chains().iter().filter_map(|chain| differs(files, chain)).collect();
        assert!(differing.is_empty(), "{}", differing.join("\n"));
    });
}

/// What OpenSSL says, if that is not what is expected.
fn differs(files: &Files, chain: &Chain) -> Option<String> {
    let write = |name, specs: &[Spec]| {
        let pem = |spec: &Spec| to_pem("CERTIFICATE", &spec.build());
        files.write(name, specs.iter().map(pem).collect::<String>().as_bytes())
    };
    let mut command = Command::new("openssl");
    command.args(["verify", "-purpose", "sslserver", "-auth_level", "1"]);
    command.args(["-attime", &NOW.to_string()]);
    if chain.of_policies {
        command.args(["-policy_check", "-policy", ANY_POLICY]);
    }
    command.arg("-CAfile").arg(write("field-roots.pem", &chain.roots));
    if let [_, others @ ..] = &*chain.chain
        && !others.is_empty()
    {
        command.arg("-untrusted").arg(write("field-others.pem", others));
    }
    command.arg(write("field-leaf.pem", &chain.chain[..1]));
    let ended = Program::start(&mut command).wait();
    let expected = chain.fault.is_none() != chain.openssl_differs;
    let Chain { what, fault, .. } = chain;
    let said = || format!("{what}, {fault:?}: {}{}", ended.stdout, ended.stderr);
    (ended.status.success() != expected).then(said)
}
