//! The libraries beside premaster, and what all of them took for one kind of work.

use crate::contender::Contender;
use crate::support::Side;
use crate::turns::{Effort, Series, Sides, in_turns};

/// A library that premaster is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The system's.
    OpenSsl30,
    /// Built from source, in a program of its own.
    OpenSsl36,
    RustlsAwsLcRs,
    RustlsRing,
    PureCrypto,
    /// The crates that premaster is built on, alone.
    RustCrypto,
}

impl Peer {
    /// In the order of the columns.
    pub const ALL: [Self; 6] = [
        Self::OpenSsl30,
        Self::OpenSsl36,
        Self::RustlsAwsLcRs,
        Self::RustlsRing,
        Self::PureCrypto,
        Self::RustCrypto,
    ];

    /// In the head of a column of times.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenSsl30 => "OpenSSL 3.0",
            Self::OpenSsl36 => "OpenSSL 3.6",
            Self::RustlsAwsLcRs => "rustls, aws-lc-rs",
            Self::RustlsRing => "rustls, ring",
            Self::PureCrypto => "purecrypto",
            Self::RustCrypto => "RustCrypto",
        }
    }

    /// In the head of a column of ratios.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::RustlsAwsLcRs => "aws-lc-rs",
            Self::RustlsRing => "ring",
            _ => self.name(),
        }
    }
}

/// What each library took for the same work, side by side.
pub struct Times {
    premaster: Sides,
    peers: Vec<(Peer, Sides)>,
}

impl Times {
    /// Lets premaster and its peers take turns.
    pub fn of(
        premaster: Box<dyn Contender>,
        peers: Vec<(Peer, Box<dyn Contender>)>,
        effort: Effort,
    ) -> Self {
        let (names, contenders): (Vec<Peer>, Vec<Box<dyn Contender>>) = peers.into_iter().unzip();
        let contenders = [premaster].into_iter().chain(contenders).collect();
        let mut sides = in_turns(contenders, effort).into_iter();
        Self {
            premaster: sides.next().unwrap(),
            peers: names.into_iter().zip(sides).collect(),
        }
    }

    pub fn premaster(&self, side: Side) -> &Series {
        self.premaster.of(side)
    }

    pub fn peer(&self, peer: Peer, side: Side) -> Option<&Series> {
        let mut peers = self.peers.iter();
        let (_, sides) = peers.find(|(name, _)| *name == peer)?;
        Some(sides.of(side))
    }

    /// premaster's time as a multiple of the fastest of these peers'.
    pub fn of_best(&self, peers: &[Peer], side: Side) -> f64 {
        let ratios = peers.iter().map(|peer| {
            let peer = self.peer(*peer, side).unwrap();
            self.premaster(side).ratio_to(peer)
        });
        ratios.reduce(f64::max).unwrap()
    }
}
