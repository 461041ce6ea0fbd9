//! Adapters between a connection and its transport: a pump that does no I/O, and a driver of the
//! pump for blocking transports.

mod blocking;
mod buffers;
mod parts;
mod pump;

pub use blocking::Stream;
pub use parts::StreamParts;
