//! A side's certificates and keys, from files or created at the start.

use super::cli::{or_usage_error, read_file};
use super::self_signed::self_signed;
use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use premaster::CertifiedKey;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The options of a server with one certificate.
#[derive(Args)]
pub struct IdentityArguments {
    /// The certificate chain, PEM, leaf first
    /// [default: self-signed for localhost, created at start]
    #[arg(long, value_name = "FILE", requires = "key", verbatim_doc_comment)]
    cert: Option<PathBuf>,

    /// The RSA private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl IdentityArguments {
    /// The key and chain from the files, or self-signed ones and their certificate as PEM.
    pub fn certified<Arguments: CommandFactory>(
        &self,
    ) -> Result<(Arc<CertifiedKey>, Option<String>)> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Ok((read_pair::<Arguments>(cert, key), None)),
            _ => make_server(),
        }
    }
}

/// Reads certificates and their keys: the first certificate with the first key, and so on.
pub fn read_pairs<Arguments: CommandFactory>(
    certs: &[PathBuf],
    keys: &[PathBuf],
) -> Vec<Arc<CertifiedKey>> {
    let paired = match (certs.len(), keys.len()) {
        (certs, keys) if certs == keys => Ok(()),
        (certs, keys) => Err(format!(
            "each certificate needs its key, but there are {certs} and {keys}"
        )),
    };
    or_usage_error::<Arguments, _>(paired, "--cert and --key");
    let pairs = certs.iter().zip(keys);
    pairs.map(|(cert, key)| read_pair::<Arguments>(cert, key)).collect()
}

fn read_pair<Arguments: CommandFactory>(cert: &Path, key: &Path) -> Arc<CertifiedKey> {
    let read = read_file::<Arguments>;
    let certified = CertifiedKey::from_pem(&read(cert), &read(key));
    let what = format!("{} with {}", cert.display(), key.display());
    Arc::new(or_usage_error::<Arguments, _>(certified, what))
}

/// A server's key and self-signed certificate, and the certificate as PEM.
pub fn make_server() -> Result<(Arc<CertifiedKey>, Option<String>)> {
    let made = self_signed(2048).context("cannot make a certificate")?;
    Ok((Arc::new(made.certified), Some(made.certificate_pem)))
}

/// The certificate that was made, and a command to try the server.
pub fn hint(certificate_pem: &str, command: &str) -> String {
    format!(
        "{certificate_pem}\
         The certificate above is self-signed and was created for this run. To try the server:\n\
         {command}"
    )
}

/// The command of an OpenSSL client of the server at this address.
pub fn s_client(address: SocketAddr) -> String {
    format!(
        "openssl s_client -connect {address} -tls1_2 \
         -cipher AES256-GCM-SHA384:AES128-GCM-SHA256 -quiet"
    )
}
