//! The judgement of a peer's certificate.
//!
//! A [`CertificatePolicy`] says what is demanded of a chain and what is waived. The certificates are
//! read once a handshake, by `x509-parser`; a path to a root is found by `rustls-webpki` over this
//! crate's own signature algorithms, first with nothing waived.
//!
//! Each layer imports only from those before it:
//!
//! 1. `der`, `oid`, `name`, `certificate`: what a certificate says.
//! 2. `form`, `chain`: a chain, read; each certificate in the form in which it is shown to
//!    `rustls-webpki`.
//! 3. `roots`, `revocation`, `signatures`, `purpose`, `search_error`: the terms of a search.
//! 4. `path`: the search.
//! 5. `diagnosis`: why it failed.
//! 6. `server_name`, `ocsp`, `settings`, `judgement`: what is asked beside the path, and in which order.
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
