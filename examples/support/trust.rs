//! The options by which a client accepts a server.

use super::cli::{or_usage_error, read_file, read_roots};
use clap::{Args, CommandFactory};
use premaster::certificate::{Crls, Waiver};
use premaster::{CertificatePolicy, ConfigError, KeyId};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
pub struct TrustArguments {
    /// Certificates, PEM, that the server's chain must lead to, or the
    /// server's own self-signed certificate
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "pin",
        verbatim_doc_comment
    )]
    ca: Option<PathBuf>,

    /// The CRLs, PEM or DER, of every CA in the server's chain
    ///
    /// A DER file has one CRL, a PEM file any number. A certificate is
    /// refused if it is revoked, or if its CA's CRL is missing or out of
    /// date.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    crl: Option<PathBuf>,

    /// Require a stapled OCSP response with status "good"
    #[cfg(feature = "ocsp")]
    #[arg(long)]
    require_staple: bool,
}

impl TrustArguments {
    /// The policy without waivers.
    pub fn policy<Arguments: CommandFactory>(&self) -> CertificatePolicy {
        let roots = self.ca.as_deref().map(read_roots::<Arguments>);
        let mut policy = CertificatePolicy::new(roots.unwrap_or_default());
        if let Some(file) = &self.crl {
            policy = policy.crls(read_crls::<Arguments>(file));
        }
        #[cfg(feature = "ocsp")]
        if self.require_staple {
            policy = policy.require_ocsp_response();
        }
        policy
    }
}

/// One flag for each waiver, except that `--pin` sets both kinds of pin.
#[derive(Args)]
#[command(next_help_heading = "Waivers: each option gives up one check")]
pub struct WaiverArguments {
    /// Accept the certificate or public key (SPKI) with this fingerprint
    ///
    /// The chain is not checked then. The fingerprint is a SHA-256 in
    /// hexadecimal, with or without colons. To print that of a certificate:
    ///   openssl x509 -in FILE -noout -fingerprint -sha256
    /// May be given several times. --ca may be absent.
    #[arg(long, value_name = "SHA256", value_parser = sha256, verbatim_doc_comment)]
    pin: Vec<[u8; 32]>,

    /// Accept the common name of a certificate without subjectAltName
    #[arg(long)]
    accept_common_name: bool,

    /// Accept a certificate for any name: anyone who has one from --ca can
    /// impersonate the server
    #[arg(long, verbatim_doc_comment)]
    accept_any_name: bool,

    /// Accept X.509 version 1 certificates
    #[arg(long)]
    accept_version_1: bool,

    /// Accept SHA-1 signatures in the chain, which can be forged
    #[arg(long)]
    accept_sha1_signatures: bool,

    /// Accept RSA keys from 1024 bits; short ones can be factored
    #[arg(long)]
    accept_short_rsa_keys: bool,

    /// Accept a chain that expired at most this long ago, or will be valid at
    /// most this long from now
    #[arg(long, value_name = "SECONDS", verbatim_doc_comment)]
    accept_outside_validity: Option<u64>,

    /// Accept a certificate whose keyUsage lacks keyEncipherment
    #[arg(long)]
    accept_missing_key_encipherment: bool,
}

/// The flag for a waiver.
pub fn flag(waiver: Waiver) -> &'static str {
    match waiver {
        Waiver::PinnedCertificate | Waiver::PinnedPublicKey => "--pin",
        Waiver::CommonName => "--accept-common-name",
        Waiver::AnyName => "--accept-any-name",
        Waiver::Version1 => "--accept-version-1",
        Waiver::Sha1Signature => "--accept-sha1-signatures",
        Waiver::ShortRsaKey => "--accept-short-rsa-keys",
        Waiver::OutsideValidity => "--accept-outside-validity",
        Waiver::MissingKeyEncipherment => "--accept-missing-key-encipherment",
        other => other.setting(),
    }
}

impl WaiverArguments {
    /// The policy with the waivers that are given.
    pub fn apply(&self, mut policy: CertificatePolicy) -> CertificatePolicy {
        for sha256 in &self.pin {
            let key = KeyId::from_bytes(*sha256);
            policy = policy.pin_certificate(*sha256).pin_public_key(key);
        }
        if self.accept_common_name {
            policy = policy.accept_common_name();
        }
        if self.accept_any_name {
            policy = policy.accept_any_name();
        }
        if self.accept_version_1 {
            policy = policy.accept_version_1();
        }
        if self.accept_sha1_signatures {
            policy = policy.accept_sha1_signatures();
        }
        if self.accept_short_rsa_keys {
            policy = policy.accept_short_rsa_keys();
        }
        if let Some(seconds) = self.accept_outside_validity {
            policy = policy.accept_outside_validity(Duration::from_secs(seconds));
        }
        if self.accept_missing_key_encipherment {
            policy = policy.accept_missing_key_encipherment();
        }
        policy
    }
}

fn read_crls<Arguments: CommandFactory>(file: &Path) -> Crls {
    let bytes = read_file::<Arguments>(file);
    let lists = match Crls::from_pem(&bytes) {
        // A file without a CRL in PEM is one in DER.
        Err(ConfigError::NoCrls) => {
            let mut lists = Crls::new();
            lists.add(&bytes).map(|()| lists)
        }
        lists => lists,
    };
    or_usage_error::<Arguments, _>(lists, file.display())
}

/// Parses `--pin`: 32 bytes, with or without colons between them.
fn sha256(text: &str) -> Result<[u8; 32], &'static str> {
    let digits: Option<Vec<_>> = text
        .chars()
        .filter(|character| *character != ':')
        .map(|digit| digit.to_digit(16))
        .collect();
    let digits = digits.filter(|digits| digits.len() == 64).ok_or("not 64 hexadecimal digits")?;
    Ok(std::array::from_fn(|index| {
        (digits[2 * index] << 4 | digits[2 * index + 1]) as u8
    }))
}
