//! From handshake messages to keys: what anybody needs who follows a handshake, be it as one of its
//! two sides or as an observer who has the pre-master secret.
//!
//! Nothing in here knows a configuration, decides what a peer may do, or writes a secret to a log.

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
