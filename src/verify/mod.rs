//! Whether a peer's certificate is to be believed.
//!
//! A [`CertificatePolicy`] says what is asked of a chain and what is waived. The way to a root is
//! found by `rustls-webpki` (`path`) over this crate's own signature algorithms (`algorithms`), first
//! with nothing waived; certificates are read by `x509-parser` (`certificate`).

mod algorithms;
mod certificate;
mod diagnosis;
mod end_point;
mod name;
#[cfg(feature = "ocsp")]
mod ocsp;
mod path;
mod policy;
mod revocation;
mod roots;
mod version1;

pub use certificate::PeerCertificate;
pub(crate) use end_point::end_point_hash;
pub use policy::CertificatePolicy;
pub(crate) use policy::{Stapled, Vouched, require_common_name, server_key};
pub use revocation::RevocationLists;
pub use roots::RootStore;

use crate::error::CertificateFault;
use pki_types::CertificateDer;

/// The most certificates a peer's chain may have.
const MAX_CHAIN: usize = 10;

/// Refuses a chain that nobody honest sends, before anything is made of it.
pub(crate) fn check_chain_length(chain: &[CertificateDer<'_>]) -> Result<(), CertificateFault> {
    match chain.len() {
        0..=MAX_CHAIN => Ok(()),
        found => Err(CertificateFault::TooManyCertificates {
            found,
            most: MAX_CHAIN,
        }),
    }
}
