//! Who a server is: the options, and what they come to.

use super::cli::or_usage_error;
use super::self_signed::self_signed;
use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use premaster::CertifiedKey;
use std::fs;
use std::path::PathBuf;

#[derive(Args)]
pub struct IdentityArguments {
    /// The certificate chain, PEM, own first [default: self-signed for localhost, made at start]
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The RSA private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl IdentityArguments {
    /// The key and chain from the files, or self-signed ones and their certificate as PEM.
    pub fn certified<Arguments: CommandFactory>(&self) -> Result<(CertifiedKey, Option<String>)> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else {
            let made = self_signed(2048).context("cannot make a certificate")?;
            return Ok((made.certified, Some(made.certificate_pem)));
        };
        let read = |file: &PathBuf| or_usage_error::<Arguments, _>(fs::read(file), file.display());
        let certified = CertifiedKey::from_pem(&read(cert), &read(key));
        let what = format!("{} with {}", cert.display(), key.display());
        Ok((or_usage_error::<Arguments, _>(certified, what), None))
    }
}
