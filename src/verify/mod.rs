//! The verification of a peer's certificate.
//!
//! A [`CertificatePolicy`] holds what is required of a chain and what is waived. Each certificate
//! is parsed once in a handshake, by `x509-parser`. `rustls-webpki` searches for a path to a root,
//! using this crate's signature algorithms; the first search waives nothing.
//!
//! Each layer imports only from those before it:
//!
//! 1. `der`, `oid`, `name`, `certificate`: the contents of a certificate.
//! 2. `form`, `chain`: a parsed chain, and the form in which `rustls-webpki` is shown each
//!    certificate.
//! 3. `roots`, `revocation`, `signatures`, `purpose`, `search_error`: the inputs and errors of a
//!    search.
//! 4. `path`: the search.
//! 5. `diagnosis`: the reason for a failed search.
//! 6. `server_name`, `ocsp`, `settings`, `judgement`: the checks beside the path, and their order.
//! 7. `policy`: the public settings.

mod certificate;
mod chain;
mod der;
mod diagnosis;
mod end_point;
mod form;
mod judgement;
mod name;
#[cfg(feature = "ocsp")]
mod ocsp;
mod oid;
mod path;
mod policy;
mod purpose;
mod revocation;
mod roots;
mod search_error;
mod server_name;
mod settings;
mod signatures;
mod testing;

pub use certificate::PeerCertificate;
pub(crate) use chain::{Chain, check_chain_length};
pub(crate) use end_point::end_point_hash;
pub(crate) use judgement::{Stapled, VerifiedPeer, server_key};
pub use policy::CertificatePolicy;
pub use revocation::Crls;
pub use roots::RootStore;
pub(crate) use server_name::require_common_name;
