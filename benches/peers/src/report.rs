//! The results of the measurements.

use crate::check::Requirement;
use crate::peer::{Peer, Times};
use crate::plot::Bars;
use crate::support::Side;
use crate::table::{Row, comparison, part};

/// The rows that are printed, the requirements that are checked, and the bars that are drawn.
#[derive(Default)]
pub struct Report {
    pub rows: Vec<Row>,
    pub requirements: Vec<Requirement>,
    pub bars: Vec<Bars>,
}

/// The sides of a connection, by their names.
pub const ROLES: [(&str, Side); 2] = [("client", Side::Client), ("server", Side::Server)];

impl Report {
    /// Adds what a side of each library took.
    pub fn compare(&mut self, work: &str, side_name: &str, times: &Times, side: Side) {
        let peers = |peer| times.peer(peer, side);
        self.rows.push(comparison(work, side_name, times.premaster(side), peers));
        self.bars.push(Bars {
            work: work.into(),
            side: side_name.into(),
            premaster: times.premaster(side).median(),
            peers: Peer::ALL
                .into_iter()
                .filter_map(|peer| Some((peer, times.peer(peer, side)?.median())))
                .collect(),
        });
    }

    /// Adds what these peers took for a part of the work alone, beside premaster's whole.
    pub fn compare_part(
        &mut self,
        work: &str,
        side_name: &str,
        times: &Times,
        peers: &[Peer],
        side: Side,
    ) {
        let peer = |peer| peers.contains(&peer).then(|| times.peer(peer, side)).flatten();
        self.rows.push(part(work, side_name, times.premaster(side), peer));
    }
}
