//! TLS 1.2 with RSA key transport (`TLS_RSA_WITH_*`), client and server, sans-I/O, in pure Rust.
//!
//! The crate is for talking to, or being, a peer that supports nothing newer: charging-station back
//! ends, BMCs and switches, printers, PLCs, old directory and mail servers, and the tools that test
//! them.
//!
//! # Warning
//!
//! **RSA key transport has no forward secrecy.** Anyone who obtains the server's private key, at
//! any time, can decrypt every connection that was ever recorded.
//! [RFC 10015](https://www.rfc-editor.org/rfc/rfc10015) says that nobody should offer it. Use it
//! only where the peer leaves no choice, with an RSA key that is used for nothing else, and use
//! [rustls](https://docs.rs/rustls) everywhere else.
//!
//! # Goals
//!
//! - No padding oracle: neither alerts, nor time, nor allocations tell whether a pre-master secret,
//!   or a record of a CBC suite, was well formed.
//! - The peer's bytes cause no panic, no unbounded memory and no unbounded work.
//! - The caller owns the buffers, the sockets, the threads, the clock and the randomness.
//! - Nothing weaker than the defaults is accepted unless one setting names it, and [`SessionInfo`]
//!   tells what was used.
//! - An error states what was found, what was acceptable, and which setting would accept it.
//!
//! # Non-goals
//!
//! - Other versions: TLS 1.3, 1.1 and 1.0, SSL and DTLS.
//! - Other key exchanges: (EC)DHE, PSK, static DH, and so any ServerKeyExchange.
//! - Renegotiation: it is always refused.
//! - Compression, and everything else that is known to break TLS 1.2.
//! - Fetching CRLs and OCSP responses, and any other network access.
//! - Asynchronous I/O and threads in the core: a [`Connection`] does no I/O, and [`Stream`] is only
//!   an adapter for blocking transports.
//! - A general certificate library: chains are verified for TLS peers only.
//!
//! # The parts
//!
//! - [`ClientConfig`] and [`ServerConfig`] are built once and shared by connections.
//! - [`Connection`] is one connection's protocol and nothing else: bytes go in and come out, and
//!   the caller moves them. [`Stream`] moves them for a blocking transport.
//! - [`CertificatePolicy`] holds the rules for accepting the peer's certificate: the roots, and the
//!   checks that are waived.
//! - [`Pending`] is the question that a paused handshake asks its caller; a handshake pauses only
//!   where the configuration requires it.
//! - The private key is an [`RsaKey`], any other [`PrivateKey`], or outside the configuration,
//!   where the pauses are answered.
//! - [`SessionInfo`] tells, once the handshake is complete, what was agreed and who the peer is.
//!
//! # The methods of a connection
//!
//! | | |
//! |---|---|
//! | create | [`Connection::client`], [`client_at`](Connection::client_at), [`server`](Connection::server) |
//! | drive | [`receive`](Connection::receive), [`set_input_capacity`](Connection::set_input_capacity), [`receive_eof`](Connection::receive_eof), [`send`](Connection::send), [`close`](Connection::close) |
//! | ask, answer | [`pending`](Connection::pending), [`resume`](Connection::resume) |
//! | after the handshake | [`session`](Connection::session), [`export_keying_material`](Connection::export_keying_material), [`channel_binding`](Connection::channel_binding) |
//! | for two threads | [`split`](Connection::split), [`reunite`](Connection::reunite) |
//!
//! Three rules drive a connection: give [`receive`](Connection::receive) what has arrived until it
//! returns [`Event::NeedData`]; remove the bytes that it consumed; send what is in `outgoing`, also
//! after an error, because the alert is in it.
//!
//! ```
//! use premaster::{CertifiedKey, ClientConfig, Connection, Event, RootStore, ServerConfig};
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
//! let mut client = Connection::client(client, premaster::server_name("localhost")?, &mut to_server)?;
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
//!
//! # A blocking transport
//!
//! [`Stream`] keeps these rules over a `TcpStream`, or any other transport with [`Read`] and
//! [`Write`], and has these traits itself:
//!
//! [`Read`]: std::io::Read
//! [`Write`]: std::io::Write
//!
//! ```
//! use premaster::{CertifiedKey, ClientConfig, RootStore, ServerConfig, Stream};
//! use std::io::{Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::sync::Arc;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (chain_pem, key_pem) = (include_bytes!("../tests/data/leaf-2048.pem"), include_bytes!("../tests/data/rsa-2048.key"));
//! let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
//! let config = Arc::new(ServerConfig::builder(certified).build()?);
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = std::thread::spawn(move || -> std::io::Result<()> {
//!     let mut stream = Stream::server(config, listener.accept()?.0);
//!     let mut request = [0; 4];
//!     stream.read_exact(&mut request)?;
//!     stream.write_all(&request)?;
//!     stream.close()
//! });
//!
//! let config = Arc::new(ClientConfig::builder(RootStore::from_pem(chain_pem)?).build()?);
//! let mut stream = Stream::client(config, "localhost".try_into()?, TcpStream::connect(address)?)?;
//! stream.write_all(b"ping")?;
//! // The answer ends with close_notify: nothing was cut off.
//! let mut answer = Vec::new();
//! stream.read_to_end(&mut answer)?;
//! assert_eq!(answer, b"ping");
//! # server.join().map_err(|_| "the server panicked")??;
//! # Ok(())
//! # }
//! ```
//!
//! # Two threads
//!
//! [`Stream::split`] gives a reader and a writer, so that one thread waits for the peer while another
//! one sends; [`Connection::split`] does so without a transport. Each half has the key and the sequence
//! number of its direction, and for a record neither waits for the other.
//!
//! # Buffers
//!
//! One record must fit into the buffer that is passed to [`receive`](Connection::receive).
//! [`MAX_RECORD_LENGTH`] bytes always suffice. With less memory:
//!
//! | Setting | Sufficient buffer in bytes |
//! |---|---|
//! | none | `16384 +` [`RECORD_OVERHEAD`] |
//! | [`max_fragment_length`](ClientConfigBuilder::max_fragment_length) of a client, accepted by the server | the length `+ RECORD_OVERHEAD`, also in the handshake |
//! | [`record_size_limit`](ClientConfigBuilder::record_size_limit) | the limit `+ RECORD_OVERHEAD` after the handshake; `16384 + 5` in the handshake, whose records are not encrypted and so not limited |
//!
//! A server without support for max_fragment_length ignores it, and a ClientHello comes before any
//! agreement; most have a few hundred bytes. A caller with a fixed buffer therefore declares it with
//! [`set_input_capacity`](Connection::set_input_capacity): a longer record is then an error, and not
//! [`Event::NeedData`] for ever. [`Received::needed`] tells the length of the next record.
//!
//! ```
//! use premaster::protocol::MaxFragmentLength;
//! use premaster::{ClientConfig, Connection, Error, RECORD_OVERHEAD};
//! use std::sync::Arc;
//!
//! const BUFFER: usize = 1024 + RECORD_OVERHEAD;
//!
//! /// The configuration has `max_fragment_length(MaxFragmentLength::L1024)`.
//! fn connect(config: Arc<ClientConfig>, outgoing: &mut Vec<u8>) -> Result<Connection, Error> {
//!     # let _ = MaxFragmentLength::L1024;
//!     let name = "bmc.example".try_into().expect("a valid name");
//!     let mut connection = Connection::client(config, name, outgoing)?;
//!     connection.set_input_capacity(BUFFER);
//!     Ok(connection)
//! }
//! ```
//!
//! # Certificates
//!
//! A server that requires client certificates and checks CRLs, and the identity of the peer:
//!
//! ```
//! use premaster::certificate::Crls;
//! use premaster::{CertificatePolicy, ClientAuth, Connection, RootStore, ServerConfigBuilder};
//!
//! fn for_clients(server: ServerConfigBuilder, roots: RootStore, crls: Crls) -> ServerConfigBuilder {
//!     let policy = CertificatePolicy::new(roots).crls(crls);
//!     server.client_auth(ClientAuth::Require(policy))
//! }
//!
//! /// The peer's subject, its role (an extension), and the waivers that it needed.
//! fn peer(connection: &Connection) -> Option<String> {
//!     let session = connection.session()?;
//!     let certificate = session.peer_certificate()?;
//!     let role = certificate.extension("1.3.6.1.4.1.55555.7");
//!     Some(format!("{}, role {role:02x?}, waivers: {}", certificate.subject(), session.waivers()))
//! }
//! ```
//!
//! # Private keys outside the process
//!
//! A server can decrypt for all paused connections with one call of the key:
//!
//! ```
//! use premaster::private_key::DecryptBatch;
//! use premaster::{Connection, Error, Pending, PrivateKey};
//!
//! /// Each connection comes with its outgoing bytes. An error ends its own connection and no other.
//! fn decrypt_for(
//!     paused: &mut [(Connection, Vec<u8>)],
//!     key: &dyn PrivateKey,
//! ) -> Vec<Result<(), Error>> {
//!     let mut batch = DecryptBatch::new();
//!     for (connection, outgoing) in paused {
//!         if let Some(Pending::DecryptPreMasterSecret(job)) = connection.pending() {
//!             batch.push(job, (connection, outgoing));
//!         }
//!     }
//!     let answers = batch.decrypt(|_| Some(key)).into_iter();
//!     answers
//!         .map(|((connection, outgoing), answer)| connection.resume(answer, outgoing))
//!         .collect() // then send what is outgoing, and call `receive` again
//! }
//! ```
//!
//! # Resumption by several servers
//!
//! Servers that resume each other's sessions share their ticket keys; they also need the same
//! certificate and the same policy for client certificates. The rotation of the keys is described
//! at [`TicketKeySet`](session::TicketKeySet).
//!
//! ```
//! use premaster::session::{TicketKey, TicketKeySet};
//! use premaster::{CertifiedKey, ServerConfig, Tickets};
//! use std::sync::Arc;
//!
//! fn one_of_many(
//!     certified: Arc<CertifiedKey>,
//!     today: &[u8; 48],
//!     yesterday: &[u8; 48],
//! ) -> Result<ServerConfig, premaster::ConfigError> {
//!     let keys = TicketKeySet::new(TicketKey::from_bytes(today)).previous(TicketKey::from_bytes(yesterday));
//!     ServerConfig::builder(certified).tickets(Some(Arc::new(Tickets::shared(keys)))).build()
//! }
//! ```
//!
//! # EAP-TLS
//!
//! In EAP-TLS ([RFC 5216](https://www.rfc-editor.org/rfc/rfc5216)) the transport is EAP instead of
//! TCP: each EAP packet carries a fragment of the bytes that one side sends. The fragments may have
//! any size, and need not end where a record does: give each one to
//! [`receive`](Connection::receive), together with what it did not consume before.
//!
//! After the handshake both sides derive the keys of the link with the label `client EAP encryption`
//! and no context ([section 2.3](https://www.rfc-editor.org/rfc/rfc5216#section-2.3)): the first 64
//! bytes are the MSK, the next 64 the EMSK. The Session-Id is the EAP type 0x0D and the two randoms.
//! A peer without the extended master secret, as old ones are, requires
//! [`dangerous_export_without_extended_master_secret`](Connection::dangerous_export_without_extended_master_secret).
//!
//! ```
//! use premaster::{Connection, Error, Event};
//! # use premaster::{CertifiedKey, ClientConfig, RootStore, ServerConfig};
//! # use std::sync::Arc;
//!
//! /// One side of the TLS connection, and the bytes that are not consumed yet.
//! struct Side {
//!     tls: Connection,
//!     received: Vec<u8>,
//! }
//!
//! impl Side {
//!     /// Processes the TLS data of one EAP packet, and appends the answer to `outgoing`.
//!     fn fragment(&mut self, fragment: &[u8], outgoing: &mut Vec<u8>) -> Result<(), Error> {
//!         self.received.extend_from_slice(fragment);
//!         loop {
//!             let received = self.tls.receive(&mut self.received, outgoing)?;
//!             let (consumed, event) = (received.consumed, received.event);
//!             let done = matches!(event, Event::NeedData | Event::Paused | Event::PeerClosed);
//!             self.received.drain(..consumed);
//!             if done {
//!                 return Ok(());
//!             }
//!         }
//!     }
//!
//!     /// Returns the MSK and, behind it, the EMSK; `None` until the handshake is complete.
//!     fn keys(&self) -> Option<[u8; 128]> {
//!         let mut keys = [0; 128];
//!         self.tls.export_keying_material(b"client EAP encryption", None, &mut keys).ok()?;
//!         Some(keys)
//!     }
//!
//!     fn session_id(&self) -> Option<Vec<u8>> {
//!         let session = self.tls.session()?;
//!         Some([&[0x0d], &session.client_random()[..], session.server_random()].concat())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (chain_pem, key_pem) = (include_bytes!("../tests/data/leaf-2048.pem"), include_bytes!("../tests/data/rsa-2048.key"));
//! # let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
//! # let mut roots = RootStore::new();
//! # roots.add(&certified.chain()[0])?;
//! # let server_config = Arc::new(ServerConfig::builder(certified).build()?);
//! # let client_config = Arc::new(ClientConfig::builder(roots).build()?);
//! let (mut to_server, mut to_peer) = (Vec::new(), Vec::new());
//! let tls = Connection::client(client_config, "localhost".try_into()?, &mut to_server)?;
//! let mut peer = Side { tls, received: Vec::new() };
//! let mut server = Side { tls: Connection::server(server_config), received: Vec::new() };
//! while peer.keys().is_none() || server.keys().is_none() {
//!     for fragment in std::mem::take(&mut to_server).chunks(100) {
//!         server.fragment(fragment, &mut to_peer)?;
//!     }
//!     for fragment in std::mem::take(&mut to_peer).chunks(100) {
//!         peer.fragment(fragment, &mut to_server)?;
//!     }
//! }
//! assert_eq!(peer.keys(), server.keys());
//! assert_eq!(peer.session_id(), server.session_id());
//! assert_eq!(peer.session_id().map(|id| (id.len(), id[0])), Some((65, 0x0d)));
//! # Ok(())
//! # }
//! ```
//!
//! # Examples
//!
//! Whole programs, in the package:
//!
//! | | |
//! |---|---|
//! | [`handshake`](https://docs.rs/crate/premaster/latest/source/examples/handshake.rs) | a whole connection in one command, each step explained |
//! | [`client`](https://docs.rs/crate/premaster/latest/source/examples/client.rs) | fetches a page, or connects standard input and output to a server |
//! | [`server`](https://docs.rs/crate/premaster/latest/source/examples/server.rs) | a page for a browser, or an echo, for many clients at once |
//! | [`offload_server`](https://docs.rs/crate/premaster/latest/source/examples/offload_server.rs) | many handshakes, decrypted together by a few threads |
//! | [`remote_key`](https://docs.rs/crate/premaster/latest/source/examples/remote_key.rs) | the private key in another process |
//!
//! The sources also have `redis_store`, two servers that resume each other's sessions, and `dual_stack`,
//! one port for this crate and rustls.
//!
//! # Crate features
//!
//! WebAssembly without a system around it (`wasm32-unknown-unknown`) has neither a generator nor a
//! clock: leave `getrandom` out, and set `rng` and `time_provider` of the builders.
//!
//! | Feature | Default | |
//! |---|---|---|
//! | `getrandom` | on | randomness from the operating system; without it, the configuration must supply a generator, and so must whoever answers a pause with a key |
//! | `ecdsa` | on | chains whose CAs have P-256 or P-384 keys |
//! | `encrypted-keys` | off | `RsaKey::from_encrypted`, for private keys that are encrypted with a password |
//! | `ocsp` | on | stapled OCSP responses can be required and are verified |
//! | `tokio` | off | the module `tokio`: connections over tokio's `AsyncRead` and `AsyncWrite`, with answers to pauses and session stores as futures |
//! | `vector` | on | RSA and AES-GCM in vector instructions on x86-64; without it, the crate forbids `unsafe` code |
//! | `webpki-roots` | off | `RootStore::mozilla` |
//! | `rustls-native-certs` | off | `RootStore::platform` |
// What needs a feature is marked in the documentation, which docs.rs makes with a nightly compiler.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "vector", target_arch = "x86_64")),
    forbid(unsafe_code)
)]
// But for the calls into vector code, all in one file.
#![cfg_attr(all(feature = "vector", target_arch = "x86_64"), deny(unsafe_code))]
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
pub mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod keys;
mod message;
mod pem;
mod pending;
mod record;
mod resumption;
mod stream;
mod verify;
mod waiver;

/// Certificates: this side's own, and the rules for accepting the peer's.
pub mod certificate {
    pub use crate::config::{
        CertificateSet, CertificatesByName, CertifiedKey, ClientAuth, ClientAuthorities,
        ResolveCertificate,
    };
    pub use crate::error::{CertificateFlaw, CertificateWarning};
    pub use crate::pending::{CertificateQuestion, Verified, VerifyCertificate};
    pub use crate::verify::{
        CertificatePolicy, Crls, PeerCertificate, RootStore, certificates_from_bytes,
    };
    pub use crate::waiver::{Waiver, Waivers};
}

/// Private keys, in this process and outside it.
pub mod private_key {
    pub use crate::crypto::key_id::{KeyId, KeyRng, key_rng};
    pub use crate::crypto::private_key::PrivateKey;
    pub use crate::crypto::rsa::RsaKey;
    pub use crate::pending::{DecryptBatch, DecryptPreMasterSecret, SignCertificateVerify};
}

/// The protocol's numbers on the wire, and its options.
pub mod protocol {
    pub use crate::config::{
        EncryptThenMac, ExtendedMasterSecret, Preference, Renegotiation, SecureRenegotiation,
    };
    pub use crate::enums::{
        AlertDescription, AlertLevel, CipherSuite, ClientCertificateType, CompressionMethod,
        ContentType, ExtensionType, HandshakeType, MaxFragmentLength, ProtocolVersion,
        SignatureScheme,
    };
}

/// The parameters of an established session, and the resumption of sessions.
pub mod session {
    pub use crate::handshake::{
        CertificateAnswer, ChannelBinding, NotResumed, RequestedCertificate, Resumption,
        SessionInfo,
    };
    pub use crate::pending::FindSession;
    pub use crate::resumption::{
        MemoryStore, SessionStore, StoredSession, TicketKey, TicketKeySet, Tickets,
    };
}

pub use config::{
    ClientConfig, ClientConfigBuilder, KeyLog, ServerConfig, ServerConfigBuilder, server_name,
};
pub use connection::{
    ClientHello, Connection, Event, MAX_RECORD_LENGTH, Peeked, RECORD_OVERHEAD, ReceiveHalf,
    Received, ReuniteError, SendHalf, SplitError,
};
pub use pending::{Answer, Pending};
#[cfg(feature = "tokio")]
pub use stream::tokio;
pub use stream::{SharedTransport, Stream, StreamParts, StreamReader, StreamWriter, Timeouts};

// Names that nearly every program uses; each is documented in its module.
#[doc(no_inline)]
pub use certificate::{CertificatePolicy, CertifiedKey, ClientAuth, RootStore};
#[doc(no_inline)]
pub use error::{ConfigError, Error};
#[doc(no_inline)]
pub use private_key::{KeyId, PrivateKey, RsaKey};
#[doc(no_inline)]
pub use protocol::CipherSuite;
#[doc(no_inline)]
pub use session::{MemoryStore, SessionInfo, SessionStore, Tickets};

/// The code in README.md, so that it is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The traits of random number generators, as the configurations take them.
pub use rand_core;

/// The types for names, certificates, keys, PEM and time, as the configurations take them.
pub use pki_types;
