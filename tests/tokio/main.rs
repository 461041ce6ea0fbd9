//! Connections over tokio.

mod answers;
mod basics;
mod common;
