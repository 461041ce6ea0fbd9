//! Contenders measured side by side.
//!
//! All of them take turns at short batches of the same work, so that whatever else the machine does
//! falls on each. What counts of a turn is the median of its batch, and what is compared is the
//! median of the ratios within a round of turns. The clock does not stop when the system runs
//! something else: on a busy machine, what takes milliseconds looks slow beside what does not.

use crate::contender::{Contender, Taken};
use crate::support::Side;
use std::time::Duration;

/// How much work is done.
#[derive(Clone, Copy)]
pub struct Effort {
    /// How many turns every contender has.
    pub rounds: usize,
    /// How many times it does its work in a turn.
    pub runs: u32,
    /// How many handshakes, records or operations each of these times is.
    pub pieces: u32,
}

/// What one side of a contender took in each of its turns, in microseconds for a piece of the work.
#[derive(Default)]
pub struct Series(Vec<f64>);

impl Series {
    pub fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The median of this side's share of what the other took in the same round.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        let rounds = self.0.iter().zip(&other.0);
        median(rounds.map(|(own, other)| own / other).collect())
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(rounds: I) -> Self {
        Self(rounds.into_iter().collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Both sides of a contender.
#[derive(Default)]
pub struct Sides {
    client: Series,
    server: Series,
}

impl Sides {
    pub fn of(&self, side: Side) -> &Series {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// Adds a turn, of which this is what each time took.
    fn push(&mut self, turn: &[Taken], pieces: u32) {
        let each = |side: fn(&Taken) -> Duration| {
            let microseconds = turn.iter().map(|taken| side(taken).as_secs_f64() * 1e6);
            median(microseconds.collect()) / f64::from(pieces)
        };
        self.client.0.push(each(|taken| taken.client));
        self.server.0.push(each(|taken| taken.server));
    }
}

/// Lets every contender take its turns.
///
/// Each round begins with another one, and every other round goes backwards, so that no
/// contender always runs after the same other one.
pub fn in_turns(mut contenders: Vec<Box<dyn Contender>>, effort: Effort) -> Vec<Sides> {
    let count = contenders.len();
    let mut sides: Vec<Sides> = (0..count).map(|_| Sides::default()).collect();
    for round in 0..effort.rounds {
        for step in 0..count {
            let index = position(round, step, count);
            let runs = 0..effort.runs;
            let turn: Vec<Taken> = runs.map(|_| contenders[index].run()).collect();
            sides[index].push(&turn, effort.pieces);
        }
    }
    sides
}

/// The contender whose turn it is at this step of a round.
fn position(round: usize, step: usize, contenders: usize) -> usize {
    let step = if round.is_multiple_of(2) {
        step
    } else {
        contenders - step
    };
    (round + step) % contenders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        values.iter().copied().collect()
    }

    #[test]
    fn every_contender_has_one_turn_a_round() {
        for round in 0..10 {
            let mut seen: Vec<usize> = (0..5).map(|step| position(round, step, 5)).collect();
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn rounds_begin_with_another_contender_and_turn_around() {
        let order = |round| [0, 1, 2].map(|step| position(round, step, 3));
        assert_eq!(order(0), [0, 1, 2]);
        assert_eq!(order(1), [1, 0, 2]);
        assert_eq!(order(2), [2, 0, 1]);
    }

    #[test]
    fn a_disturbed_round_does_not_move_the_median() {
        assert_eq!(series(&[3.0, 900.0, 2.0]).median(), 3.0);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The third round was disturbed, for both alike.
        let own = series(&[2.0, 2.0, 200.0]);
        let other = series(&[4.0, 4.0, 100.0]);
        assert_eq!(own.ratio_to(&other), 0.5);
    }

    #[test]
    fn a_turn_is_worth_its_median_shared_by_the_pieces() {
        let taken = |client, server| Taken {
            client: Duration::from_micros(client),
            server: Duration::from_micros(server),
        };
        let mut sides = Sides::default();
        sides.push(&[taken(100, 300), taken(9000, 200), taken(90, 8000)], 10);
        let client = sides.of(Side::Client).median();
        let server = sides.of(Side::Server).median();
        assert_eq!((client, server), (10.0, 30.0));
    }
}
