//! The options for a server's certificates, and the certificates that it selects from.

use super::cli::or_usage_error;
use super::identity::{PasswordArguments, make_server, read_pairs};
use super::reload::load_again_on_signal;
use anyhow::Result;
use clap::{Args, CommandFactory, ValueEnum};
use premaster::CertifiedKey;
use premaster::certificate::CertificateSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Args)]
pub struct CertificateArguments {
    /// A certificate chain: PEM, DER or PKCS #7
    /// [default: self-signed for localhost, created at start]
    ///
    /// May be given several times, each with its --key. A client gets the
    /// first one whose subjectAltName has the DNS name that the client asks
    /// for, or the very first one if it asks for no name.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    cert: Vec<PathBuf>,

    /// The RSA private key of the certificate: PEM or DER
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,

    #[command(flatten)]
    password: PasswordArguments,

    /// Response to a server name that no certificate has
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = UnknownName::Default)]
    unknown_name: UnknownName,

    /// An OCSP response, DER, to staple to the first certificate
    ///
    /// Clients get it if they ask for it. The server reads the file again at
    /// SIGHUP, and does not check the response.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    staple: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnknownName {
    /// The first certificate
    Default,
    /// The alert unrecognized_name
    Alert,
}

impl CertificateArguments {
    /// The certificates from the files, or a self-signed one and itself as PEM. With a response to
    /// staple, a thread stays behind that waits for SIGHUP.
    pub fn load<Arguments: CommandFactory>(&self) -> Result<(CertificateSet, Option<String>)> {
        let pairs = read_pairs::<Arguments>(&self.cert, &self.key, &self.password);
        let (first, made) = match pairs.first() {
            Some(first) => (Arc::clone(first), None),
            None => make_server()?,
        };
        if let Some(file) = &self.staple {
            let stapled = keep_stapled(Arc::clone(&first), file);
            or_usage_error::<Arguments, _>(stapled, file.display());
        }
        Ok((self.by_name::<Arguments>(&first, &pairs), made))
    }

    fn by_name<Arguments: CommandFactory>(
        &self,
        first: &Arc<CertifiedKey>,
        pairs: &[Arc<CertifiedKey>],
    ) -> CertificateSet {
        let mut set = CertificateSet::new(Arc::clone(first));
        // A name is given to the last one that has it.
        for (file, other) in self.cert.iter().zip(pairs).skip(1).rev() {
            let what = format!("{}, the names in its subjectAltName", file.display());
            set = or_usage_error::<Arguments, _>(set.certificate(other), what);
        }
        // The first one is of use without a name, too.
        let set = set.clone().certificate(first).unwrap_or(set);
        match self.unknown_name {
            UnknownName::Default => set,
            UnknownName::Alert => set.refuse_unknown_names(),
        }
    }
}

/// Staples what is in the file, and again what is in it after SIGHUP.
fn keep_stapled(certified: Arc<CertifiedKey>, file: &Path) -> io::Result<()> {
    let staple = move |file: &Path| {
        let response = fs::read(file)?;
        certified.staple(Some(&response)).map_err(io::Error::other)
    };
    staple(file)?;
    load_again_on_signal(file, staple)
}
