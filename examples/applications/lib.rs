//! What the applications share.

pub mod timed;
