//! The results of the measurements.

use crate::check::Requirement;
use crate::support::Side;
use crate::table::{Peers, Row};
use crate::turns::Sides;

/// The rows that are printed and the requirements that are checked.
#[derive(Default)]
pub struct Report {
    pub rows: Vec<Row>,
    pub requirements: Vec<Requirement>,
}

/// The sides of a connection, by their names.
pub const ROLES: [(&str, Side); 2] = [("client", Side::Client), ("server", Side::Server)];

/// What the libraries took for the same work.
pub struct Libraries {
    pub premaster: Sides,
    pub openssl: Sides,
    pub aws_lc_rs: Sides,
    pub ring: Sides,
}

impl Libraries {
    /// One side of each that premaster is compared with.
    pub fn peers(&self, side: Side) -> Peers<'_> {
        Peers {
            openssl: Some(self.openssl.of(side)),
            aws_lc_rs: Some(self.aws_lc_rs.of(side)),
            ring: Some(self.ring.of(side)),
            rust_crypto: None,
        }
    }
}
