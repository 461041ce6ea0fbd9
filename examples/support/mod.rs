//! What the examples share, each thing in a module of its own.
#![allow(dead_code, reason = "each example uses its own part")]

pub mod acceptor;
pub mod cli;
pub mod client_auth;
pub mod decryption_pool;
pub mod figures;
pub mod gate;
pub mod http;
pub mod identity;
pub mod json;
pub mod key_log;
pub mod ladder;
pub mod limits;
pub mod pause;
pub mod pipe;
pub mod private;
pub mod process;
pub mod reload;
#[cfg(unix)]
pub mod remote;
pub mod report;
pub mod self_signed;
pub mod server_certificates;
pub mod server_sessions;
pub mod session_file;
pub mod signals;
pub mod socket;
pub mod starttls;
pub mod trust;
pub mod wire;
pub mod wrap;
