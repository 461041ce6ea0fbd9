//! The result of a state.

use super::established::Established;

/// The next state of a role, or the end of its handshake. An [`Established`] can only be made with
/// the proof that the peer's Finished was verified.
#[derive(Debug)]
pub(super) enum Step<State> {
    Next(State),
    Established(Box<Established>),
}
