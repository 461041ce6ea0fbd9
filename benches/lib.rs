//! What the benches share: the tests' PKI and connections in memory, and ways to measure.

pub mod support;
pub use premaster_testing as common;
