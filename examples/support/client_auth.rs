//! The options of a server for client certificates.

use super::cli::{or_usage_error, read_roots};
use clap::{Args, CommandFactory, ValueEnum};
use premaster::certificate::ClientAuthorities;
use premaster::protocol::SignatureScheme;
use premaster::{ClientAuth, ServerConfigBuilder};
use std::path::PathBuf;

#[derive(Args)]
pub struct ClientAuthArguments {
    /// Request certificates from clients
    #[arg(long, value_enum, value_name = "MODE", default_value_t = Mode::None)]
    client_auth: Mode,

    /// Certificates that a client's chain must lead to: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,

    /// Signature algorithms that clients may use, comma-separated, preferred
    /// first [default: all but rsa_pkcs1_sha1]
    #[arg(long, value_name = "NAME,..", value_parser = signature_scheme, value_delimiter = ',', verbatim_doc_comment)]
    client_sigalgs: Option<Vec<SignatureScheme>>,

    /// Which CAs to name to clients, who choose their certificate by them
    /// [default: roots]
    #[arg(long, value_enum, value_name = "NAMES", verbatim_doc_comment)]
    client_authorities: Option<Authorities>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Authorities {
    /// The subjects of --client-ca
    Roots,
    /// None, for clients that choose wrongly by names
    None,
}

impl From<Authorities> for ClientAuthorities {
    fn from(authorities: Authorities) -> Self {
        match authorities {
            Authorities::Roots => Self::FromRoots,
            Authorities::None => Self::None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Do not request one
    None,
    /// Request one, and accept clients without one
    Request,
    /// Request one, and refuse clients without one
    Require,
}

/// Parses one algorithm of `--client-sigalgs` by its name.
fn signature_scheme(name: &str) -> Result<SignatureScheme, String> {
    let named = SignatureScheme::NAMED;
    let found = named.iter().find(|scheme| scheme.name() == Some(name));
    found.copied().ok_or_else(|| {
        let names: Vec<_> = named.iter().map(SignatureScheme::to_string).collect();
        format!("not one of {}", names.join(", "))
    })
}

impl ClientAuthArguments {
    /// Returns true if a client without a certificate is refused.
    pub fn is_required(&self) -> bool {
        self.client_auth == Mode::Require
    }

    /// Sets the builder up.
    pub fn apply<Arguments: CommandFactory>(
        &self,
        mut builder: ServerConfigBuilder,
    ) -> ServerConfigBuilder {
        let client_auth = self.client_auth::<Arguments>();
        builder = builder.client_auth(or_usage_error::<Arguments, _>(client_auth, "--client-auth"));
        if let Some(schemes) = &self.client_sigalgs {
            builder = builder.client_signature_algorithms(schemes);
        }
        if let Some(authorities) = self.client_authorities {
            builder = builder.client_authorities(authorities.into());
        }
        builder
    }

    /// Returns true if an option says how to request a certificate.
    fn says_how(&self) -> bool {
        self.client_ca.is_some()
            || self.client_sigalgs.is_some()
            || self.client_authorities.is_some()
    }

    fn client_auth<Arguments: CommandFactory>(&self) -> Result<ClientAuth, &'static str> {
        let mode = match self.client_auth {
            Mode::None if self.says_how() => {
                return Err(
                    "must be request or require with the other options for client certificates",
                );
            }
            Mode::None => return Ok(ClientAuth::None),
            Mode::Request => ClientAuth::Request,
            Mode::Require => ClientAuth::Require,
        };
        let file = self.client_ca.as_ref().ok_or("--client-ca is missing")?;
        Ok(mode(read_roots::<Arguments>(file).into()))
    }
}
