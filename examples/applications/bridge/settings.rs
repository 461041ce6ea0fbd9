//! The command line, and the ends that it describes.

use super::Arguments;
use super::ends::{Far, FarProtocol, Near};
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use anyhow::bail;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use anyhow::ensure;
use anyhow::{Context, Result, anyhow};
use applications::cli::{or_usage_error, print_warnings, read_file};
use applications::client_auth::ClientAuthArguments;
use applications::trust::{TrustArguments, WaiverArguments};
use clap::{Args, ValueEnum};
use premaster::pki_types::pem::PemObject;
use premaster::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use premaster::{CertifiedKey, ClientConfig, ServerConfig};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::CryptoProvider;
use zeroize::Zeroizing;

/// What bounds a bridge in each direction.
#[derive(Args, Clone)]
pub struct Limits {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,

    /// The most connections that are served at once; each has two open files
    #[arg(long, value_name = "N", default_value = "192", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,

    /// The most connections that are not served yet: their handshake goes on,
    /// or they wait for a place, in their order
    #[arg(long, verbatim_doc_comment, value_name = "N", default_value = "512", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    waiting: u32,

    /// The most connections of one address, served or waiting
    /// [default: all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), verbatim_doc_comment)]
    per_address: Option<u32>,

    /// How long a connection may wait for a place after its handshake
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    queue_timeout: u32,

    /// How long the handshake of each side may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    handshake_timeout: u32,

    /// How long nothing may move on a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    idle_timeout: u32,

    /// How long connections may go on after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u32,
}

impl Limits {
    pub fn connections(&self) -> usize {
        self.connections as usize
    }

    pub fn waiting(&self) -> usize {
        self.waiting as usize
    }

    pub fn per_address(&self) -> usize {
        self.per_address.map_or(usize::MAX, |count| count as usize)
    }

    pub fn queue_timeout(&self) -> Duration {
        seconds(self.queue_timeout)
    }

    pub fn handshake_timeout(&self) -> Duration {
        seconds(self.handshake_timeout)
    }

    pub fn idle_timeout(&self) -> Duration {
        seconds(self.idle_timeout)
    }

    pub fn grace(&self) -> Duration {
        seconds(self.grace)
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

#[derive(Args)]
pub struct ToDevice {
    #[command(flatten)]
    pub limits: Limits,

    /// The device
    #[arg(long, value_name = "HOST:PORT")]
    device: String,

    /// The name in the device's certificate [default: the host]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    trust: TrustArguments,

    /// Settings for a kind of device; the default requires what a well-kept
    /// server has
    #[arg(long, value_enum, value_name = "NAME", verbatim_doc_comment)]
    profile: Option<Profile>,

    /// Accept that the device ends a connection without close_notify; an
    /// attacker can then cut its answers short
    #[arg(long, verbatim_doc_comment)]
    accept_truncation: bool,

    /// The certificate chain for modern TLS, PEM [default: plain TCP]
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The private key of --cert: PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    #[command(flatten)]
    waivers: WaiverArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    /// Old devices: no secure renegotiation or EMS required
    #[value(name = "bmc_gcm")]
    BmcGcm,
    /// Old devices: CBC suites behind AES-GCM
    #[value(name = "legacy_cbc")]
    LegacyCbc,
}

#[derive(Args)]
pub struct ToService {
    #[command(flatten)]
    pub limits: Limits,

    /// The certificate chain for RSA key transport: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// The RSA private key of the certificate: PEM or DER
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    #[command(flatten)]
    client_auth: ClientAuthArguments,

    /// Accept old clients: without EMS or secure renegotiation, with CBC
    /// suites behind AES-GCM
    #[arg(long, verbatim_doc_comment)]
    legacy_cbc: bool,

    /// The service
    #[arg(long, value_name = "HOST:PORT")]
    service: String,

    /// Certificates that the service's chain must lead to, PEM, for modern
    /// TLS [default: plain TCP]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    service_ca: Option<PathBuf>,

    /// The name in the service's certificate [default: the host]
    #[arg(long, value_name = "NAME", requires = "service_ca")]
    service_name: Option<String>,
}

impl ToDevice {
    /// Plain or modern TLS on the near side, RSA key transport on the far side.
    pub fn ends(&self) -> Result<(Near, Far)> {
        let near = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Near::Rustls(modern_acceptor(cert, key)?),
            _ => Near::Plain,
        };
        let policy = self.waivers.apply(self.trust.policy::<Arguments>());
        let mut builder = ClientConfig::builder(policy);
        builder = match self.profile {
            None => builder,
            Some(Profile::BmcGcm) => builder.bmc_gcm(),
            Some(Profile::LegacyCbc) => builder.legacy_cbc(),
        };
        let config = or_usage_error::<Arguments, _>(builder.build(), "invalid settings");
        // The bridge has a deadline of its own, for all that comes before the data.
        let connector = premaster::tokio::TlsConnector::from(Arc::new(config)).without_deadline();
        let name = name(self.name.as_deref(), &self.device, "--name");
        let far = Far {
            address: self.device.clone(),
            protocol: FarProtocol::Premaster(connector, name),
            accept_truncation: self.accept_truncation,
        };
        Ok((near, far))
    }
}

impl ToService {
    /// RSA key transport on the near side, plain or modern TLS on the far side.
    pub fn ends(&self) -> Result<(Near, Far)> {
        let chain = read_file::<Arguments>(&self.cert);
        let key = Zeroizing::new(read_file::<Arguments>(&self.key));
        let certified = CertifiedKey::from_bytes(&chain, &key);
        let what = format!("{} with {}", self.cert.display(), self.key.display());
        let certified = or_usage_error::<Arguments, _>(certified, what);
        let mut builder = ServerConfig::builder(Arc::new(certified));
        builder = self.client_auth.apply::<Arguments>(builder);
        if self.legacy_cbc {
            builder = builder.legacy_cbc();
        }
        print_warnings(&builder.warnings(), false);
        let config = or_usage_error::<Arguments, _>(builder.build(), "invalid settings");
        let acceptor = premaster::tokio::TlsAcceptor::from(Arc::new(config)).without_deadline();
        let protocol = match &self.service_ca {
            Some(ca) => FarProtocol::Rustls(
                modern_connector(ca)?,
                name(
                    self.service_name.as_deref(),
                    &self.service,
                    "--service-name",
                ),
            ),
            None => FarProtocol::Plain,
        };
        let far = Far {
            address: self.service.clone(),
            protocol,
            accept_truncation: false,
        };
        Ok((Near::Premaster(acceptor), far))
    }
}

/// The given name, or the host of `host:port`.
fn name(given: Option<&str>, address: &str, flag: &str) -> ServerName<'static> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(given.unwrap_or(host).to_owned());
    or_usage_error::<Arguments, _>(name, flag)
}

fn modern_acceptor(cert: &Path, key: &Path) -> Result<tokio_rustls::TlsAcceptor> {
    let private_key = PrivateKeyDer::from_pem_file(key);
    let private_key = private_key.map_err(|error| anyhow!("{}: {error}", key.display()))?;
    let config = rustls::ServerConfig::builder_with_provider(provider()?)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(cert)?, private_key)
        .with_context(|| format!("{} with {}", cert.display(), key.display()))?;
    Ok(Arc::new(config).into())
}

fn modern_connector(ca: &Path) -> Result<tokio_rustls::TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).with_context(|| ca.display().to_string())?;
    }
    let config = rustls::ClientConfig::builder_with_provider(provider()?)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

/// What modern TLS computes with.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn provider() -> Result<Arc<CryptoProvider>> {
    // graviola would panic.
    #[cfg(target_arch = "x86_64")]
    let supported = is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("avx2");
    #[cfg(target_arch = "aarch64")]
    let supported = std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
        && std::arch::is_aarch64_feature_detected!("sha2");
    ensure!(
        supported,
        "this processor has not what modern TLS needs here, such as AES"
    );
    Ok(Arc::new(rustls_graviola::default_provider()))
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn provider() -> Result<Arc<CryptoProvider>> {
    bail!("modern TLS is for x86-64 and 64-bit ARM here");
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || -> Result<Vec<_>, premaster::pki_types::pem::Error> {
        CertificateDer::pem_file_iter(file)?.collect()
    };
    read().map_err(|error| anyhow!("{}: {error}", file.display()))
}
