//! A side's certificates and keys, from files or created at the start.

use super::cli::{or_usage_error, read_file};
use super::self_signed::self_signed;
use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use premaster::certificate::certificates_from_bytes;
use premaster::{CertifiedKey, ConfigError, RsaKey};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The options of a server with one certificate.
#[derive(Args)]
pub struct IdentityArguments {
    /// The certificate chain: PEM, DER or PKCS #7
    /// [default: self-signed for localhost, created at start]
    #[arg(long, value_name = "FILE", requires = "key", verbatim_doc_comment)]
    cert: Option<PathBuf>,

    /// The RSA private key of the certificate: PEM or DER
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// The option for keys that are encrypted.
#[derive(Args)]
pub struct PasswordArguments {
    /// A file whose first line is the password of the encrypted keys
    #[cfg(feature = "encrypted-keys")]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArguments {
    #[cfg(feature = "encrypted-keys")]
    fn file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }

    #[cfg(not(feature = "encrypted-keys"))]
    fn file(&self) -> Option<&Path> {
        None
    }

    fn read<Arguments: CommandFactory>(&self) -> Option<Zeroizing<Vec<u8>>> {
        let file = Zeroizing::new(read_file::<Arguments>(self.file()?));
        let end = file.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        Some(Zeroizing::new(file[..end.unwrap_or(file.len())].to_vec()))
    }
}

impl IdentityArguments {
    /// The key and chain from the files, or self-signed ones and their certificate as PEM.
    pub fn certified<Arguments: CommandFactory>(
        &self,
    ) -> Result<(Arc<CertifiedKey>, Option<String>)> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Ok((read_pair::<Arguments>(cert, key, None), None)),
            _ => make_server(),
        }
    }
}

/// Reads certificates and their keys: the first certificate with the first key, and so on.
pub fn read_pairs<Arguments: CommandFactory>(
    certs: &[PathBuf],
    keys: &[PathBuf],
    password: &PasswordArguments,
) -> Vec<Arc<CertifiedKey>> {
    let paired = match (certs.len(), keys.len()) {
        (certs, keys) if certs == keys => Ok(()),
        (certs, keys) => Err(format!(
            "each certificate needs its key, but there are {certs} and {keys}"
        )),
    };
    or_usage_error::<Arguments, _>(paired, "--cert and --key");
    let password = password.read::<Arguments>();
    let password = password.as_ref().map(|password| &password[..]);
    let pairs = certs.iter().zip(keys);
    pairs.map(|(cert, key)| read_pair::<Arguments>(cert, key, password)).collect()
}

/// Reads a chain and its key. An error names the file that it is about.
fn read_pair<Arguments: CommandFactory>(
    cert: &Path,
    key: &Path,
    password: Option<&[u8]>,
) -> Arc<CertifiedKey> {
    let chain = certificates_from_bytes(&read_file::<Arguments>(cert));
    let chain = or_usage_error::<Arguments, _>(chain, cert.display());
    let bytes = Zeroizing::new(read_file::<Arguments>(key));
    let private_key = or_usage_error::<Arguments, _>(read_key(&bytes, password), key.display());
    let certified = CertifiedKey::with_key(chain, Arc::new(private_key));
    let what = format!("{} with {}", cert.display(), key.display());
    Arc::new(or_usage_error::<Arguments, _>(certified, what))
}

#[cfg(feature = "encrypted-keys")]
fn read_key(file: &[u8], password: Option<&[u8]>) -> Result<RsaKey, ConfigError> {
    match password {
        Some(password) => RsaKey::from_encrypted(file, password),
        None => RsaKey::from_bytes(file),
    }
}

#[cfg(not(feature = "encrypted-keys"))]
fn read_key(file: &[u8], _password: Option<&[u8]>) -> Result<RsaKey, ConfigError> {
    RsaKey::from_bytes(file)
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
         The certificate above is self-signed and was created for this run.\n\
         To try the server:\n\
         {command}"
    )
}

/// The command of an OpenSSL client of the server at this address.
pub fn s_client(address: SocketAddr) -> String {
    format!(
        "openssl s_client -connect {address} -tls1_2 -quiet \\\n    \
         -cipher AES256-GCM-SHA384:AES128-GCM-SHA256"
    )
}
