//! Connections over tokio's `AsyncRead` and `AsyncWrite`: [`TlsConnector`], [`TlsAcceptor`] and
//! [`TlsStream`], shaped like those of tokio-rustls. Needs the feature `tokio`.
//!
//! Both sides, over TCP:
//!
//! ```
//! use premaster::tokio::{TlsAcceptor, TlsConnector};
//! use premaster::{CertifiedKey, ClientConfig, RootStore, ServerConfig};
//! use std::sync::Arc;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! /// Serves each client in a task of its own. A handshake that takes longer than ten seconds fails.
//! async fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> std::io::Result<()> {
//!     loop {
//!         let (transport, address) = listener.accept().await?;
//!         let acceptor = acceptor.clone();
//!         tokio::spawn(async move {
//!             if let Err(error) = echo(transport, acceptor).await {
//!                 eprintln!("{address}: {error}");
//!             }
//!         });
//!     }
//! }
//!
//! async fn echo(transport: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
//!     let mut stream = acceptor.accept(transport).await?;
//!     let mut data = [0; 4096];
//!     loop {
//!         match stream.read(&mut data).await? {
//!             // The client's close_notify; ours tells it that nothing was cut off.
//!             0 => return stream.shutdown().await,
//!             count => stream.write_all(&data[..count]).await?,
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (chain_pem, key_pem) = (include_bytes!("../../../tests/data/leaf-2048.pem"), include_bytes!("../../../tests/data/rsa-2048.key"));
//! let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
//! let acceptor = TlsAcceptor::from(Arc::new(ServerConfig::builder(certified).build()?));
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! tokio::spawn(serve(listener, acceptor));
//!
//! let config = ClientConfig::builder(RootStore::from_pem(chain_pem)?).build()?;
//! let connector = TlsConnector::from(Arc::new(config));
//! let transport = TcpStream::connect(address).await?;
//! let mut stream = connector.connect("localhost".try_into()?, transport).await?;
//! stream.write_all(b"ping").await?;
//! stream.shutdown().await?;
//! let mut answer = Vec::new();
//! stream.read_to_end(&mut answer).await?;
//! assert_eq!(answer, b"ping");
//! # Ok(())
//! # }
//! ```
//!
//! # Deadlines
//!
//! A handshake has ten seconds in all, on both sides, unless the connector or acceptor has another
//! [`deadline`](TlsAcceptor::deadline). After the handshake there is none: a read waits for as long as
//! the peer likes. Put `tokio::time::timeout` around reads and writes where peers may be idle, slow or
//! gone, and bound the number of connections, with a `tokio::sync::Semaphore` for example.
//!
//! # What may be cancelled
//!
//! | future | dropped before it is ready |
//! |---|---|
//! | `read`, `write`, `flush`, `shutdown` of a stream | nothing is lost, and nothing is sent twice |
//! | [`TlsStream::send_close_notify`] | the same |
//! | `read_exact`, `write_all`, `read_to_end`, `copy` of tokio | the stream is as it was; how far they came is lost |
//! | [`Connect`], [`Accept`], [`Fallible`] | the handshake ends, and its transport is dropped; poll it by reference to keep it |
//! | [`TlsStream::close`] | the transport is dropped |
//!
//! With a handshake that is dropped, its job for an [`Answerer`] is cancelled if it has not begun, and
//! goes on without anybody waiting otherwise.
//!
//! # Keys and sessions elsewhere
//!
//! The private key of a server runs on the thread that polls the handshake, for a millisecond or so.
//! With [`offload_decryption`](crate::ServerConfigBuilder::offload_decryption) of the configuration the
//! handshake pauses instead, and an [`Answerer`] decrypts: by default on as many threads for blocking
//! work as there are cores; in batches by `BatchDecryption`; or however the program does it, such as by
//! a request to an HSM. [`AsyncSessions`] does as much for a session store on the network.
//!
//! # Coming from tokio-rustls
//!
//! | tokio-rustls | here |
//! |---|---|
//! | `tokio_rustls::{TlsAcceptor, TlsConnector}` | `premaster::tokio::{TlsAcceptor, TlsConnector}` |
//! | `client::TlsStream`, `server::TlsStream`, `TlsStream` | [`TlsStream`], for both sides |
//! | `stream.get_ref()`: the transport and the connection | the same; the peer's certificate and the application protocol are in [`Connection::session`](crate::Connection::session) |
//! | `accept(io).into_fallible()` | the same; the alert has been sent |
//! | `LazyConfigAcceptor` | [`ClientHello::peek`](crate::ClientHello::peek), and [`Accept::with_early_reads`] for the bytes it looked at |
//! | an end without close_notify: `UnexpectedEof` | the same |
//! | `into_inner()`: the transport and the connection | the transport, and the bytes read from it and not processed; [`TlsStream::into_parts`] for all |
//! | the inner error is a `rustls::Error` | a [`premaster::Error`](crate::Error) |
//! | no deadline | ten seconds for the handshake |

mod acceptor;
mod answer;
#[cfg(feature = "getrandom")]
mod batch;
mod connector;
mod deadline;
mod halves;
mod handshake;
mod link;
mod sessions;
mod stream;
mod threads;
mod waiting;
mod writing;

pub use acceptor::TlsAcceptor;
pub use answer::{Answerer, Answering};
#[cfg(feature = "getrandom")]
pub use batch::BatchDecryption;
pub use connector::TlsConnector;
pub use halves::{ReadHalf, SharedTransport, WriteHalf};
pub use handshake::{Accept, Connect, Fallible};
pub use sessions::{AsyncSessionStore, AsyncSessions, Storing};
pub use stream::TlsStream;
