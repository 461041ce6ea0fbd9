//! Sessions resumed, by ID and by ticket, between this crate's two sides in memory: when they are,
//! when they are not and why, and what happens to those that fail.

mod combinations;
mod declined;
mod failures;
mod lookup;
mod misbehaviour;
mod stores;
mod tickets;
mod verification;
