//! TLS 1.2 with RSA key transport (`TLS_RSA_WITH_*`), client and server, sans-I/O, in pure Rust.
//!
//! For talking to, or being, a peer that knows nothing newer: charging-station back ends, BMCs and
//! switches, printers, PLCs, old directory and mail servers, and the tools that test them.
//!
//! # Warning
//!
//! **RSA key transport has no forward secrecy.** Whoever gets the server's private key, at any
//! time, reads every connection that was ever recorded. [RFC 10015](https://www.rfc-editor.org/rfc/rfc10015)
//! says that nobody should offer it. Use it only where the peer leaves no choice, with an RSA key
//! that is used for nothing else, and use [rustls](https://docs.rs/rustls) everywhere else.
//!
//! # The parts
//!
//! A [`ClientConfig`] or [`ServerConfig`] is built once and shared. A [`Connection`] is one
//! connection's protocol and nothing else: bytes go in and come out, and the caller moves them.
//! [`Stream`] does that moving for a blocking transport.
//!
//! A [`CertificatePolicy`] says whom a side believes: the roots, and what may be missing. What the
//! peer's certificate says of the peer is in [`SessionInfo`].
//!
//! A handshake pauses where the configuration asks for it, and says by [`Pending`] for what. The
//! private key is an [`RsaKey`], or any other [`PrivateKey`], or only where the pauses are answered.
//!
//! ```
//! use premaster::{Connection, Event, ClientConfig, RootStore, ServerConfig, CertifiedKey};
//! use std::sync::Arc;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (chain_pem, key_pem) = (include_bytes!("../tests/data/leaf-2048.pem"), include_bytes!("../tests/data/rsa-2048.key"));
//! let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
//! let mut roots = RootStore::new();
//! roots.add(&certified.chain()[0])?;
//! let server = Arc::new(ServerConfig::builder(certified).build()?);
//! let client = Arc::new(ClientConfig::builder(roots).build()?);
//!
//! // Two connections in memory; each one's output is the other one's input.
//! let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
//! let mut client = Connection::client(client, "localhost".try_into()?, &mut to_server)?;
//! let mut server = Connection::server(server);
//! while client.session().is_none() || server.session().is_none() {
//!     let consumed = server.receive(&mut to_server, &mut to_client)?.consumed;
//!     to_server.drain(..consumed);
//!     let consumed = client.receive(&mut to_client, &mut to_server)?.consumed;
//!     to_client.drain(..consumed);
//! }
//!
//! client.send(b"hello", &mut to_server)?;
//! match server.receive(&mut to_server, &mut to_client)?.event {
//!     Event::ApplicationData(data) => assert_eq!(data, b"hello"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_must_use
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions
    )
)]

mod codec;
mod config;
mod connection;
mod crypto;
mod enums;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod keys;
mod message;
mod pending;
mod record;
mod resumption;
mod stream;
mod verify;
mod waiver;

pub use config::{
    CertificateSet, CertificatesByName, CertifiedKey, ClientAuth, ClientAuthorities, ClientConfig,
    ClientConfigBuilder, ExtendedMasterSecret, KeyLog, Preference, ResolveCertificate,
    SecureRenegotiation, ServerConfig, ServerConfigBuilder,
};
pub use connection::{Connection, Event, MAX_RECORD_LENGTH, Received};
pub use crypto::private_key::{KeyId, KeyRng, PrivateKey, key_rng};
pub use crypto::rsa::RsaKey;
pub use enums::{
    AlertDescription, AlertLevel, CipherSuite, ClientCertificateType, CompressionMethod,
    ContentType, ExtensionType, HandshakeType, MaxFragmentLength, ProtocolVersion, SignatureScheme,
};
pub use error::{
    CertificateError, CertificateFault, CertificateId, ConfigError, DecodeError, Error, Excerpt,
    Incompatible, KeyError, LocalError, Misuse, OcspFault, PeerError, ProtocolList, SuiteList,
};
pub use handshake::{ChannelBinding, NotResumed, Resumption, SessionInfo};
pub use pending::{
    Answer, DecryptBatch, DecryptPreMasterSecret, Pending, SignCertificateVerify, Verified,
    VerifyCertificate,
};
pub use resumption::{MemoryStore, SessionStore, StoredSession, TicketKey, TicketKeySet, Tickets};
pub use stream::Stream;
pub use verify::{CertificatePolicy, Crls, PeerCertificate, RootStore};
pub use waiver::{Waiver, Waivers};

/// The code in README.md, so that it is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The traits of the generators that the configurations take.
pub use rand_core;

/// Names, certificates, keys, PEM and time: the types that the configurations take.
pub use pki_types;
