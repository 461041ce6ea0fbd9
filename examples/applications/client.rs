//! The options of a client that may have a certificate, and its configuration.

use anyhow::{Context, Result};
use clap::Args;
use premaster::certificate::certificates_from_bytes;
use premaster::{CertifiedKey, ClientConfig, ClientConfigBuilder, RootStore, RsaKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Args)]
pub struct ClientArguments {
    /// Certificates that the server's chain must lead to: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,

    /// The client's certificate chain: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The RSA private key of the certificate: PEM or DER
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl ClientArguments {
    /// Reads the files. An error names the file that it is about.
    pub fn config(&self) -> Result<ClientConfigBuilder> {
        let roots = about(&self.ca, RootStore::from_bytes(&read(&self.ca)?))?;
        let mut builder = ClientConfig::builder(roots);
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            let chain = about(cert, certificates_from_bytes(&read(cert)?))?;
            let private_key = about(key, RsaKey::from_bytes(&read(key)?))?;
            let certified = about(cert, CertifiedKey::with_key(chain, Arc::new(private_key)))?;
            builder = builder.certificate(Arc::new(certified));
        }
        Ok(builder)
    }

    /// Returns true if there is a certificate to be sent.
    pub fn has_certificate(&self) -> bool {
        self.cert.is_some()
    }
}

fn read(file: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    about(file, fs::read(file)).map(zeroize::Zeroizing::new)
}

fn about<T, E>(file: &Path, result: Result<T, E>) -> Result<T>
where
    Result<T, E>: Context<T, E>,
{
    result.with_context(|| file.display().to_string())
}
