//! The server's side.

use super::answer::{Answerer, Answers};
use super::deadline::{DEFAULT, Deadline};
use super::handshake::Accept;
use super::link::Link;
use super::sessions::AsyncSessions;
use crate::config::ServerConfig;
use crate::connection::Connection;
use crate::stream::pump::Pump;
use core::fmt;
use core::time::Duration;
use std::sync::Arc;

/// Takes connections from clients. Clones share the configuration.
///
/// A handshake has ten seconds unless another [`deadline`](Self::deadline) is set, however the client
/// spends them.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    deadline: Option<Duration>,
    answerer: Option<Arc<dyn Answerer>>,
    sessions: Option<AsyncSessions>,
}

impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self {
            config,
            deadline: Some(DEFAULT),
            answerer: None,
            sessions: None,
        }
    }
}

impl TlsAcceptor {
    /// Sets how long a whole handshake may take, from the call of [`accept`](Self::accept) on. It
    /// then fails with [`TimedOut`](std::io::ErrorKind::TimedOut) and
    /// [`HandshakeTimedOut`](crate::error::HandshakeTimedOut). The default is ten seconds. The runtime must
    /// have its timers enabled.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Lets a handshake take as long as the client likes, or until the caller drops its future.
    /// **Clients that send nothing then stay for ever.**
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

    /// Sets where the sessions are looked up that clients offer, for a configuration with
    /// [`offload_session_lookup`](crate::ServerConfigBuilder::offload_session_lookup). Without it, the
    /// store of the configuration is asked on a thread for blocking work.
    #[must_use]
    pub fn sessions(mut self, sessions: AsyncSessions) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Begins a handshake with the client at the other end of `transport`.
    ///
    /// Await it in a task of its own: an acceptor that awaits it between two connections lets each
    /// client hold up all others.
    pub fn accept<S>(&self, transport: S) -> Accept<S> {
        let connection = Connection::server(Arc::clone(&self.config));
        let pump = Pump::new(connection, Vec::new(), &[]);
        let answers = Answers::by(self.answerer.clone(), self.sessions.clone());
        let link = Link::new(pump, transport, answers);
        Accept::running(link, Deadline::after(self.deadline))
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("config", &self.config)
            .field("deadline", &self.deadline)
            .field("answerer", &self.answerer.is_some())
            .field("sessions", &self.sessions)
            .finish()
    }
}
