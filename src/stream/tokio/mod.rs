//! Connections over tokio's `AsyncRead` and `AsyncWrite` (feature `tokio`).

mod acceptor;
mod answer;
#[cfg(feature = "getrandom")]
mod batch;
mod connector;
mod deadline;
mod handshake;
mod link;
mod stream;
mod threads;
mod waiting;

pub use acceptor::TlsAcceptor;
pub use answer::{Answerer, Answering};
#[cfg(feature = "getrandom")]
pub use batch::BatchDecryption;
pub use connector::TlsConnector;
pub use deadline::HandshakeTimedOut;
pub use handshake::{Accept, Connect, Fallible};
pub use stream::TlsStream;
