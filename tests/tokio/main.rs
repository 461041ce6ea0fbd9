//! Connections over tokio.

mod answers;
mod basics;
mod cancel;
mod common;
mod complaints;
mod halves;
mod renegotiation;
mod rough;
mod sessions;
