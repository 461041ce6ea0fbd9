//! What the examples' command lines share.

use super::json;
use clap::CommandFactory;
use clap::error::ErrorKind;
use premaster::certificate::CertificateWarning;
use premaster::{CipherSuite, RootStore};
use std::fmt::Display;
use std::fs;
use std::path::Path;

/// Parses one suite of `--suites` by its IANA name.
pub fn suite(name: &str) -> Result<CipherSuite, String> {
    CipherSuite::from_name(name)
        .ok_or_else(|| format!("unknown cipher suite; an example is {EXAMPLE_SUITE}"))
}

const EXAMPLE_SUITE: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;

/// Reads a file. A file that cannot be read ends the process as an invalid argument does.
pub fn read_file<Arguments: CommandFactory>(file: &Path) -> Vec<u8> {
    or_usage_error::<Arguments, _>(fs::read(file), file.display())
}

/// Reads the certificates of a file, in PEM, DER or PKCS #7, as roots. A file that cannot be used ends the process as an
/// invalid argument does.
pub fn read_roots<Arguments: CommandFactory>(file: &Path) -> RootStore {
    let roots = RootStore::from_bytes(&read_file::<Arguments>(file));
    or_usage_error::<Arguments, _>(roots, file.display())
}

/// Prints what peers probably refuse about this side's own certificates to standard error.
pub fn print_warnings(warnings: &[CertificateWarning], json: bool) {
    for warning in warnings {
        if json {
            let text = warning.to_string();
            eprintln!("{}", json::object(&[("warning", Some(text))]));
        } else {
            eprintln!("warning: {}:\n  {}", warning.certificate(), warning.flaw());
        }
    }
}

/// Returns the value. An error ends the process as an invalid argument does with clap: a message,
/// the usage, exit status 2.
pub fn or_usage_error<Arguments: CommandFactory, T>(
    result: Result<T, impl Display>,
    what: impl Display,
) -> T {
    result.unwrap_or_else(|error| {
        Arguments::command().error(ErrorKind::ValueValidation, format!("{what}: {error}")).exit()
    })
}
