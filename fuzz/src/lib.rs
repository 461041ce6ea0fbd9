//! What the targets share.
//!
//! For whole connections: [`recording`] holds a real connection's bytes, always the same since
//! randomness and time are fixed, for each [`setting`] that the fuzzer can choose: full handshakes,
//! and ones that resume the session of an earlier connection by its ID or by a ticket. [`input`] is
//! what the fuzzer makes of them. [`drive`] gives that to a connection which would make the
//! recorded one again if nothing were changed, so that a target gets as far as the application
//! data, and knows what may come out at each step.
//!
//! For the verifier: [`case`] has the policies and chains that the fuzzer makes, and the rules that
//! every verdict keeps; [`chains`] are examples.
//!
//! For renegotiation: [`renegotiation`] is a server that takes steps of the fuzzer's.
//!
//! For AES-GCM: [`sealed`] reads a key and what is sealed with it.
//!
//! For CBC: [`cbc`] makes records, sound and flawed, and opens them beside a plain reference.
//!
//! For RSA: [`batch`] reads a batch of ciphertexts, and decrypts it.
//!
//! [`seeds`] are the inputs to begin with.

mod batch;
mod case;
mod cbc;
mod chains;
mod drive;
mod endpoint;
mod input;
mod recording;
mod renegotiation;
mod sealed;
mod seeds;
mod setting;
mod store;

pub use batch::decrypt_batch;
pub use case::{Case, Lists, Name, Peer, Terms, judge};
pub use cbc::CbcRecord;
pub use chains::{Example, examples};
pub use endpoint::{Role, now, tickets};
pub use input::Input;
pub use recording::Recording;
pub use renegotiation::renegotiate;
pub use sealed::Sealed;
pub use seeds::{Seed, recorded_tickets, seeds};
pub use setting::{Earlier, ExtendedMasterSecret, Keeping, Limits, Setting, Suite};

use premaster::session::Resumption;

/// Feeds the input to a connection of this role and checks what it does. If the connection
/// completes the handshake, receives the data and is closed, returns how its keys were established.
pub fn run(role: Role, input: &Input<'_>) -> Option<Resumption> {
    let recording = Recording::of(input.setting);
    let bytes = input.bytes(&recording.sent_to(role));
    drive::drive(role, input.setting, &recording, &bytes, input.pieces)
}
