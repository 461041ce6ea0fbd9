//! What every library is given, and the server's name as premaster and rustls take it.

pub use crate::terms::{Cipher, NAME};
use premaster::pki_types::ServerName;

pub fn name() -> ServerName<'static> {
    NAME.try_into().unwrap()
}
