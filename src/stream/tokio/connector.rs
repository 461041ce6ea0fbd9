//! The client's side.

use super::answer::{Answerer, Answers};
use super::deadline::{DEFAULT, Deadline};
use super::handshake::Connect;
use super::link::Link;
use crate::config::ClientConfig;
use crate::connection::Connection;
use crate::error::Error;
use crate::stream::errors::io_error;
use crate::stream::pump::Pump;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use pki_types::ServerName;
use std::sync::Arc;

/// Makes connections to servers. Clones share the configuration.
///
/// A handshake has ten seconds unless another [`deadline`](Self::deadline) is set.
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    deadline: Option<Duration>,
    answerer: Option<Arc<dyn Answerer>>,
}

impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            deadline: Some(DEFAULT),
            answerer: None,
        }
    }
}

impl TlsConnector {
    /// Sets how long a whole handshake may take, from the call of [`connect`](Self::connect) on. It
    /// then fails with [`TimedOut`](std::io::ErrorKind::TimedOut) and
    /// [`HandshakeTimedOut`](crate::error::HandshakeTimedOut). The default is ten seconds. The runtime must
    /// have its timers enabled.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Lets a handshake take as long as the server likes, or until the caller drops its future.
    #[must_use]
    pub fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Sets who answers the pauses that the configuration asks for.
    #[must_use]
    pub fn answerer(mut self, answerer: Arc<dyn Answerer>) -> Self {
        self.answerer = Some(answerer);
        self
    }

    /// Begins a handshake with the server of this name over `transport`. The error of a name that
    /// cannot be used, as all others, is that of the future.
    pub fn connect<S>(&self, name: ServerName<'static>, transport: S) -> Connect<S> {
        self.start(transport, |config, outgoing| {
            Connection::client(config, name, outgoing)
        })
    }

    /// Begins a handshake that resumes only a session made with the server at `address`; see
    /// [`Connection::client_at`].
    pub fn connect_at<S>(
        &self,
        name: ServerName<'static>,
        address: SocketAddr,
        transport: S,
    ) -> Connect<S> {
        self.start(transport, |config, outgoing| {
            Connection::client_at(config, name, address, outgoing)
        })
    }

    fn start<S>(
        &self,
        transport: S,
        start: impl FnOnce(Arc<ClientConfig>, &mut Vec<u8>) -> Result<Connection, Error>,
    ) -> Connect<S> {
        let mut outgoing = Vec::new();
        match start(Arc::clone(&self.config), &mut outgoing) {
            Ok(connection) => {
                let pump = Pump::new(connection, outgoing, &[]);
                let answers = Answers::by(self.answerer.clone(), None);
                let link = Link::new(pump, transport, answers);
                Connect::running(link, Deadline::after(self.deadline))
            }
            Err(error) => Connect::refused(io_error(error), transport),
        }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("config", &self.config)
            .field("deadline", &self.deadline)
            .field("answerer", &self.answerer.is_some())
            .finish()
    }
}
