//! What the targets for whole connections share.
//!
//! [`recording`] holds a real connection's bytes, always the same since randomness and time are
//! fixed, and [`input`] what the fuzzer makes of them. [`drive`] gives that to a connection which
//! would make the recorded one again if nothing were changed, so that a target gets as far as the
//! application data, and knows what may come out at each step.

mod drive;
mod endpoint;
mod input;
mod recording;

pub use endpoint::{Role, Setting};
pub use input::Input;
pub use recording::{Record, Recording};

/// Feeds the input to a connection of this role and checks what it does.
pub fn run(role: Role, input: &Input<'_>) {
    let recorded = Recording::of(input.setting).sent_to(role);
    drive::drive(
        role,
        input.setting,
        &recorded,
        &input.bytes(&recorded),
        input.pieces,
    );
}
