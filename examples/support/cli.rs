//! What the examples' command lines share.

use super::json;
use super::wrap::wrap;
use clap::CommandFactory;
use clap::error::ErrorKind;
use premaster::certificate::CertificateWarning;
use premaster::{CipherSuite, RootStore};
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

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
            let text = format!("warning: {}:\n  {}", warning.certificate(), warning.flaw());
            eprintln!("{}", wrap(&text));
        }
    }
}

/// The exit status of a program that is done, which is 1 after an error. The error and its causes go
/// to standard error, each in its own words.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", wrap(&format!("error: {error:#}")));
            ExitCode::FAILURE
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
        // Which clap prints behind "error: ".
        let text = wrap(&format!("error: {what}: {error}"));
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        Arguments::command().error(ErrorKind::ValueValidation, text).exit()
    })
}
