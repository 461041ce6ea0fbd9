//! A private key in another process, behind a Unix socket.
//!
//! ```text
//! client --TLS--> server: RemoteKey --Unix socket--> signer: RsaKey
//! ```

pub mod demo;
pub mod key;
pub mod server;
pub mod signer;
pub mod wire;
