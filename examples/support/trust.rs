//! The options by which a client accepts a server.

use super::cli::{or_usage_error, read_file, read_roots};
use clap::{Args, CommandFactory};
use premaster::certificate::{Crls, Waiver};
use premaster::error::{CertificateWithheld, Told};
use premaster::{CertificatePolicy, Error, KeyId};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
pub struct TrustArguments {
    /// Certificates that the server's chain must lead to, or the server's own
    /// self-signed certificate: PEM, DER or PKCS #7
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "pin",
        verbatim_doc_comment
    )]
    ca: Option<PathBuf>,

    /// The CRLs of every CA in the server's chain: PEM, DER or PKCS #7
    ///
    /// A certificate is refused if it is revoked, or if its CA's CRL is
    /// missing or out of date.
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

/// A flag's value.
trait Given<T> {
    /// The value, if the flag is given.
    fn given(&self) -> Option<T>;
}

impl Given<()> for bool {
    fn given(&self) -> Option<()> {
        self.then_some(())
    }
}

impl<T: Copy> Given<T> for Option<T> {
    fn given(&self) -> Option<T> {
        *self
    }
}

/// Declares the flags for waivers as a table: the help, the field, the flag, the waiver, and the
/// setting.
macro_rules! waiver_arguments {
    (
        $(
            $(#[$attribute:meta])+
            $field:ident: $type:ty = $flag:literal, $waiver:ident, $set:expr;
        )+
    ) => {
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

            $(
                $(#[$attribute])+
                #[arg(long = $flag, verbatim_doc_comment)]
                $field: $type,
            )+
        }

        /// The flag for a waiver.
        fn waiver_flag(waiver: Waiver) -> &'static str {
            match waiver {
                Waiver::PinnedCertificate | Waiver::PinnedPublicKey => "--pin",
                $(Waiver::$waiver => concat!("--", $flag),)+
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
                $(
                    if let Some(value) = self.$field.given() {
                        policy = $set(policy, value);
                    }
                )+
                policy
            }
        }
    };
}

type Policy = CertificatePolicy;

waiver_arguments! {
    /// Accept the common name of a certificate whose subjectAltName has no
    /// DNS name
    accept_common_name: bool = "accept-common-name", CommonName,
        |policy: Policy, ()| policy.accept_common_name();
    /// Accept a certificate for any name: anyone who has one from --ca can
    /// impersonate the server
    accept_any_name: bool = "accept-any-name", AnyName,
        |policy: Policy, ()| policy.accept_any_name();
    /// Accept X.509 version 1 certificates
    accept_version_1: bool = "accept-version-1", Version1,
        |policy: Policy, ()| policy.accept_version_1();
    /// Accept SHA-1 signatures in the chain, which can be forged
    accept_sha1_signatures: bool = "accept-sha1-signatures", Sha1Signature,
        |policy: Policy, ()| policy.accept_sha1_signatures();
    /// Accept RSA keys from 1024 bits; short ones can be factored
    accept_short_rsa_keys: bool = "accept-short-rsa-keys", ShortRsaKey,
        |policy: Policy, ()| policy.accept_short_rsa_keys();
    /// Accept a chain that expired at most this long ago, or will be valid at
    /// most this long from now
    #[arg(value_name = "SECONDS")]
    accept_outside_validity: Option<u64> = "accept-outside-validity", OutsideValidity,
        |policy: Policy, seconds| policy.accept_outside_validity(Duration::from_secs(seconds));
    /// Accept a certificate whose keyUsage lacks keyEncipherment
    accept_missing_key_encipherment: bool = "accept-missing-key-encipherment",
        MissingKeyEncipherment,
        |policy: Policy, ()| policy.accept_missing_key_encipherment();
    /// Accept a certificate whose extendedKeyUsage lacks serverAuth: anyone
    /// who has a client's certificate from --ca can impersonate the server of
    /// its name
    accept_other_extended_key_usage: bool = "accept-other-extended-key-usage", ExtendedKeyUsage,
        |policy: Policy, ()| policy.accept_other_extended_key_usage();
    /// Accept a chain of up to N certificates instead of 10, at most 100
    #[arg(value_name = "N")]
    accept_long_chain: Option<u8> = "accept-long-chain", LongChain,
        |policy: Policy, most| policy.accept_long_chain(most);
}

/// The flag that would accept the server, or send it a certificate.
pub fn flag(error: &Error) -> Option<String> {
    let flag = match error {
        Error::Certificate(error) => match (error.waiver()?, error.pin()) {
            (Waiver::PinnedCertificate, Some(sha256)) => {
                return Some(format!("--pin {}", KeyId::from_bytes(sha256)));
            }
            (waiver, _) => waiver_flag(waiver),
        },
        Error::AlertReceived {
            moment: Some(moment),
            ..
        }
        | Error::HungUp(moment) => match moment.told()? {
            Told::NoCertificate { reason, .. } => match reason {
                CertificateWithheld::NoneConfigured => "--cert",
                CertificateWithheld::Sha1 => "--sign-with-sha1",
                CertificateWithheld::Authority => "--ignore-requested-authorities",
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    Some(flag.to_owned())
}

fn read_crls<Arguments: CommandFactory>(file: &Path) -> Crls {
    let lists = Crls::from_bytes(&read_file::<Arguments>(file));
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
