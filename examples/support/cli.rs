//! What the command lines share.

use clap::CommandFactory;
use clap::error::ErrorKind;
use premaster::CipherSuite;
use std::fmt::Display;

/// Parses one suite of `--suites` by its IANA name.
pub fn suite(name: &str) -> Result<CipherSuite, String> {
    CipherSuite::from_name(name)
        .ok_or_else(|| format!("not a suite of this library; one is {EXAMPLE_SUITE}"))
}

const EXAMPLE_SUITE: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;

/// The value. An error ends the process as a bad argument does with clap: a message, the usage,
/// exit status 2.
pub fn or_usage_error<Arguments: CommandFactory, T>(
    result: Result<T, impl Display>,
    what: impl Display,
) -> T {
    result.unwrap_or_else(|error| {
        Arguments::command()
            .error(ErrorKind::ValueValidation, format!("{what}: {error}"))
            .exit()
    })
}
