//! The path from handshake messages to keys: what the two sides of a handshake need, and an
//! observer who has the pre-master secret.
//!
//! This room has no configuration, makes no decision about a peer, and writes no key log.

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
