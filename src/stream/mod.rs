//! Adapters between a connection and its transport: a pump that does no I/O, and drivers of the
//! pump for blocking transports and for tokio's.

mod blocking;
mod buffers;
mod deadline;
mod errors;
mod half_pumps;
mod halves;
mod parts;
mod pump;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use blocking::Stream;
pub use deadline::Timeouts;
pub use halves::{SharedTransport, StreamReader, StreamWriter};
pub use parts::StreamParts;
