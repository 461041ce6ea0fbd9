//! Connections over tokio.

mod basics;
mod common;
