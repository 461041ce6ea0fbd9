//! What a state leads to.

use super::established::Established;

/// The next state of a role, or the end of its handshake. There is no [`Established`] without the
/// proof that the peer's Finished was verified.
#[derive(Debug)]
pub(super) enum Step<State> {
    Next(State),
    Established(Box<Established>),
}
