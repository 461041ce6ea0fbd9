//! TLS 1.2 with RSA key transport.

#![allow(dead_code)]
mod codec;
pub mod enums;
pub mod error;
mod message;
mod crypto;
mod record;
