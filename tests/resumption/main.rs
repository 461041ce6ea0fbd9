//! Sessions resumed, by ID and by ticket, between this crate's two sides in memory: when they are,
//! when they are not and why, and what happens to those that fail.

#[path = "../common/mod.rs"]
mod common;

mod combinations;
mod declined;
mod failures;
mod misbehaviour;
mod scene;
mod stores;
mod tickets;
mod verification;
