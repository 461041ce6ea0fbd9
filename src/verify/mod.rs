//! The verification of a peer's certificate.
//!
//! A [`CertificatePolicy`] holds what is required of a chain and what is waived. Each certificate
//! is parsed once in a handshake, by `x509-parser`. `rustls-webpki` searches for a path to a root,
//! using this crate's signature algorithms; the first search waives nothing.
//!
//! Each layer imports only from those before it:
//!
//! 1. `der`, `oid`, `search_error`: encodings, identifiers, and a search's errors.
//! 2. `extension`, `name`: the extensions of CRLs and OCSP responses, and distinguished names, as text
//!    and in the form in which they are compared.
//! 3. `certificate`: the contents of a certificate.
//! 4. `certificate_policies`, `constraints`: the checks of a path that `rustls-webpki` does not
//!    make: policies, and name constraints on directory names and mailboxes.
//! 5. `end_point`, `form`, `mended`, `roots`: a channel binding's hash, the form in which
//!    `rustls-webpki` is shown a certificate, a pinned certificate that is not in DER, and the
//!    trusted roots.
//! 6. `link`: a certificate of a chain.
//! 7. `chain`: a parsed chain.
//! 8. `server_name`, `signatures`: the checks of a name, and the rules for signatures with the
//!    budget for their cost.
//! 9. `revocation`: CRLs.
//! 10. `load`, `settings`: the roots and CRLs of files, and the values of a policy's settings.
//! 11. `presented`, `purpose`, `path_rules`: what a peer sent, the check of extendedKeyUsage, and
//!     this crate's own checks of a path.
//! 12. `path`, `warning`: the search, and what peers may refuse about this side's own chain.
//! 13. `diagnosis`, `differential`, `ocsp`: the reason for a failed search, the comparison with
//!     `rustls-webpki` alone for tests, and the check of an OCSP response.
//! 14. `judgement`: all checks, in order.
//! 15. `policy`: the public settings.

mod certificate;
mod certificate_policies;
mod chain;
mod constraints;
mod der;
mod diagnosis;
mod differential;
mod end_point;
mod extension;
mod form;
mod judgement;
mod link;
mod load;
mod mended;
mod name;
#[cfg(feature = "ocsp")]
mod ocsp;
mod oid;
mod path;
mod path_rules;
mod policy;
mod presented;
mod purpose;
mod revocation;
mod roots;
mod search_error;
mod server_name;
mod settings;
mod signatures;
mod testing;
mod warning;

pub use certificate::PeerCertificate;
#[cfg(fuzzing)]
pub(crate) use chain::Chain;
pub(crate) use chain::{MAX_LONG_CHAIN, check_chain_length};
#[cfg(fuzzing)]
pub(crate) use differential::compare_with_webpki;
pub(crate) use end_point::end_point_hash;
pub(crate) use judgement::{Stapled, VerifiedPeer, server_key};
pub use load::certificates_from_bytes;
pub(crate) use name::{NameText, canonical_name};
pub use policy::CertificatePolicy;
pub use revocation::Crls;
pub use roots::RootStore;
pub(crate) use server_name::require_common_name;
pub(crate) use warning::{client_warnings, server_warnings};
