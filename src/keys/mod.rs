//! From handshake messages to keys: what the two sides of a handshake need, and what an observer needs
//! who has its pre-master secret.
//!
//! This room knows no configuration, does not judge what a peer may do, and writes nothing to a log.

mod joiner;
mod master_secret;
mod traffic;
mod transcript;
mod vectors;

pub(crate) use joiner::{Aligned, Joiner};
pub(crate) use master_secret::{MASTER_SECRET, MasterSecret, Randoms, VerifyData};
pub(crate) use traffic::TrafficKeys;
pub(crate) use transcript::{Keep, Transcript};

/// One of the two sides of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    /// The other side.
    pub(crate) fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
