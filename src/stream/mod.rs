//! Adapters that move a connection's bytes: a pump that does no I/O, and what drives it over a
//! blocking transport.

mod blocking;
mod pump;

pub use blocking::Stream;
