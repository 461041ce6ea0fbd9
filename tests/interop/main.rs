//! Connections with other people's programs: OpenSSL, GnuTLS, tshark, Redis for sessions, rustls, and
//! what the applications are for.
//!
//! What needs a program that is not installed, or an example that is not built, shows as ignored,
//! and fails where the environment says `CI=true`.
//!
//! `gnutls-serv` listens on every interface there is, so the tests run in a network namespace of
//! their own that has only the loopback one. Where that cannot be had, `gnutls-serv` is not
//! started.

mod applications;
mod authorities;
mod client;
mod dual_stack;
mod exchange;
mod facts;
mod field;
mod files;
mod formats;
mod gnutls;
mod old_devices;
mod openssl;
mod pcap;
mod peer;
mod redis_store;
mod renegotiation;
mod resumption;
mod revocation;
mod server;
mod status;
mod suites;
mod tshark;

use files::Files;
use libtest_mimic::{Arguments, Completion, Trial};
use peer::Peer;
use premaster::CipherSuite;
use premaster::protocol::SignatureScheme;
use premaster_testing::program::{built, is_ci, is_installed};
use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

const PEERS: [&dyn Peer; 2] = [&openssl::OpenSsl, &gnutls::GnuTls];

const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
];

/// Those that are used only if they are named.
const NAMED_SUITES: [CipherSuite; 8] = [
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_128_CCM,
    CipherSuite::TLS_RSA_WITH_AES_256_CCM,
    CipherSuite::TLS_RSA_WITH_AES_128_CCM_8,
    CipherSuite::TLS_RSA_WITH_AES_256_CCM_8,
];

const SIGNATURE_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Set where the loopback interface is the only one.
const LOOPBACK_ONLY: &str = "PREMASTER_LOOPBACK_ONLY";

fn main() -> ExitCode {
    if let Some(exit_code) = run_on_loopback_only() {
        return exit_code;
    }
    let arguments = Arguments::from_args();
    let mut trials = Trials {
        files: Arc::new(Files::create()),
        list: Vec::new(),
    };
    for peer in PEERS {
        client::add_trials(peer, &mut trials);
        server::add_trials(peer, &mut trials);
        resumption::add_trials(peer, &mut trials);
        suites::add_trials(peer, &mut trials);
    }
    authorities::add_trials(&mut trials);
    field::add_trials(&mut trials);
    old_devices::add_trials(&mut trials);
    revocation::add_trials(&mut trials);
    formats::add_trials(&mut trials);
    status::add_trials(&mut trials);
    server::add_openssl_trials(&mut trials);
    suites::add_openssl_trials(&mut trials);
    renegotiation::add_trials(&mut trials);
    resumption::add_openssl_trials(&mut trials);
    tshark::add_trials(&mut trials);
    redis_store::add_trials(&mut trials);
    dual_stack::add_trials(&mut trials);
    applications::add_trials(&mut trials);
    libtest_mimic::run(&arguments, trials.list).exit_code()
}

/// Runs these tests once more in a network namespace of their own; `None` inside it, or where there
/// is none to be had.
fn run_on_loopback_only() -> Option<ExitCode> {
    if std::env::var_os(LOOPBACK_ONLY).is_some() {
        return None;
    }
    let in_namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", script]);
        command
    };
    let possible = in_namespace("ip link set lo up").stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        return None;
    }
    let status = in_namespace(r#"ip link set lo up && exec "$0" "$@""#)
        .args(std::env::args_os())
        .env(LOOPBACK_ONLY, "1")
        .status()
        .ok()?;
    Some(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The tests to be run, and the files that they share.
struct Trials {
    files: Arc<Files>,
    list: Vec<Trial>,
}

impl Trials {
    /// Adds a test that needs this program.
    fn add(
        &mut self,
        program: &'static str,
        name: String,
        test: impl FnOnce(&Files) + Send + 'static,
    ) {
        self.add_with(&[Need::Program(program)], name, test);
    }

    /// Adds a test that needs all of these. It is ignored where one is absent, and fails in CI.
    fn add_with(
        &mut self,
        needs: &[Need],
        name: String,
        test: impl FnOnce(&Files) + Send + 'static,
    ) {
        let files = self.files.clone();
        let needs = needs.to_vec();
        let run = move || {
            if let Err(reason) = needs.iter().try_for_each(Need::is_met) {
                return if is_ci() {
                    Err(reason.into())
                } else {
                    Ok(Completion::ignored_with(reason))
                };
            }
            test(&files);
            Ok(Completion::Completed)
        };
        self.list.push(Trial::ignorable_test(name, run));
    }
}

/// What a test needs that may be absent.
#[derive(Clone, Copy)]
enum Need {
    /// An installed program.
    Program(&'static str),
    /// An example of another package of this workspace, below `target/<profile>`.
    Built(&'static str),
    /// A module of Python.
    Module(&'static str),
    /// A network namespace of the tests' own, which comes with a user namespace.
    LoopbackOnly,
}

impl Need {
    /// Or why not.
    fn is_met(&self) -> Result<(), String> {
        match *self {
            Self::Program(gnutls::SERVER) if std::env::var_os(LOOPBACK_ONLY).is_none() => {
                let server = gnutls::SERVER;
                Err(format!("{server} cannot be kept to the loopback interface"))
            }
            Self::Program(program) if !is_installed(program) => {
                Err(format!("{program} is not installed"))
            }
            Self::Built(example) if !built(example).is_file() => {
                Err(format!("{example} is not built"))
            }
            Self::Module(module) if !is_module(module) => {
                Err(format!("Python's module {module} is not installed"))
            }
            Self::LoopbackOnly if std::env::var_os(LOOPBACK_ONLY).is_none() => {
                Err("there are no namespaces to be had".into())
            }
            Self::Program(_) | Self::Built(_) | Self::Module(_) | Self::LoopbackOnly => Ok(()),
        }
    }
}

/// Returns true if Python finds the module, which is not imported. Python is asked once.
fn is_module(name: &'static str) -> bool {
    static FOUND: Mutex<BTreeMap<&str, bool>> = Mutex::new(BTreeMap::new());
    let find = || {
        let script =
            "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)";
        let mut python = Command::new("python3");
        let status = python.args(["-c", script, name]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    *found.entry(name).or_insert_with(find)
}
